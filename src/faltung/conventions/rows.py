"""A row of the table: one function of one library, how its call is written, and how to read its meaning."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import ParameterError
from .calls import Call, Expression
from .meaning import Meaning, one_dtype

FLOAT: np.dtype[Any] = np.dtype(np.float64)
REQUIRED = Expression("(required)")


@dataclass(frozen=True)
class About:
    """What a call does not say: the number of convolved axes and the dtype of x, where they matter."""

    ndim: int | None = None
    dtype: np.dtype[Any] = FLOAT

    @property
    def picture(self) -> int:
        """The number of axes, two unless it is known."""
        return 2 if self.ndim is None else self.ndim


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call by the names of the function's parameters.

    Attributes:
        function: full name of the function.
        values, texts: what was given or is the default, and how it was written.
        given: names of the parameters that the call names.
    """

    function: str
    values: Mapping[str, Any]
    texts: Mapping[str, str]
    given: frozenset[str]

    def text(self, name: str) -> str:
        """The argument as it was written."""
        return self.texts[name]

    def __getitem__(self, name: str) -> Any:
        """A value that has to be written out in the call."""
        value = self.values[name]
        parts = value if isinstance(value, (tuple, list)) else (value,)
        for part in parts:
            if isinstance(part, Expression) and "." not in part.text:
                raise ParameterError(
                    f"{self.function}: {name}={part.text} is a name, whose value the text does not hold: write the "
                    f"value"
                )
        return value

    def weights(self, name: str) -> Any:
        """A kernel's numbers, if they are written out."""
        value = self.values[name]
        return value if isinstance(value, (list, tuple)) and _only_numbers(value) else None

    def choice(self, name: str, allowed: Mapping[Any, Any]) -> Any:
        """What one of the words allowed stands for."""
        value = self[name]
        key = value.last if isinstance(value, Expression) else value
        if isinstance(key, (list, dict, set)) or key not in allowed:
            words = ", ".join(repr(word) for word in allowed if not isinstance(word, int) or isinstance(word, bool))
            raise ParameterError(f"{self.function}: {name}={self.texts.get(name, value)}: known are {words}")
        return allowed[key]

    def dtype(self, name: str) -> str | None:
        """The name of a dtype, written as text, as `np.uint8` or as Python's `float`."""
        value = self.values[name]
        if isinstance(value, Expression) and value.text in ("bool", "int", "float", "complex"):
            return one_dtype(name, value.text)
        value = self[name]
        return None if value is None else one_dtype(name, getattr(value, "last", value))

    def refuse(self, names: Mapping[str, Any]) -> None:
        """Refuse options that the table does not cover, unless they have the values given."""
        for name, usual in names.items():
            if self.values[name] != usual:
                raise ParameterError(
                    f"{self.function}: {name}={self.texts[name]} is not covered by the table of conventions: leave it "
                    f"at {usual!r}"
                )

    def whole(self, name: str, num: int | None = None) -> tuple[int, ...]:
        """An integer, or one per axis."""
        value = self[name]
        entries = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(entry, bool) or not isinstance(entry, int) for entry in entries):
            raise ParameterError(f"{self.function}: {name}={self.texts[name]}: an integer or one per axis is expected")
        if num is not None and len(entries) not in (1, num):
            raise ParameterError(f"{self.function}: {name}={self.texts[name]} has not one entry per axis ({num})")
        return entries if num is None or len(entries) == num else entries * num

    def real(self, name: str, num: int | None = None) -> tuple[float, ...]:
        """A number, or one per axis."""
        value = self[name]
        entries = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(entry, bool) or not isinstance(entry, (int, float)) for entry in entries):
            raise ParameterError(f"{self.function}: {name}={self.texts[name]}: a number or one per axis is expected")
        if num is not None and len(entries) not in (1, num):
            raise ParameterError(f"{self.function}: {name}={self.texts[name]} has not one entry per axis ({num})")
        numbers = tuple(map(float, entries))
        return numbers if num is None or len(entries) == num else numbers * num


def axes_of(a: Arguments, about: About, name: str) -> int:
    """The number of filtered axes: as the caller says, or one per entry of an argument, or a picture's two."""
    value = a.values[name]
    if about.ndim is None and isinstance(value, (tuple, list)):
        return len(value)
    return about.picture


def _only_numbers(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(map(_only_numbers, value))
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


@dataclass(frozen=True)
class Peer:
    """One function.

    Attributes:
        name: its full name.
        parameters: as in its signature.
        read: from arguments to meaning.
        language: whose call syntax it has.
        source: how the facts of the row are known: by running the function, or from its documentation.
    """

    name: str
    parameters: str
    read: Callable[[Arguments, About], Meaning]
    language: Literal["python", "matlab", "julia"] = "python"
    source: Literal["run", "documentation"] = "run"

    @property
    def library(self) -> str:
        """The name without the function's."""
        return self.name.rpartition(".")[0]

    def bind(self, call: Call) -> Arguments:
        """The call's arguments under the names of the parameters.

        Raises:
            ParameterError: an argument is unknown, given twice, or missing; the message says what is known.
        """
        if self.language != "python":
            positional = dict(enumerate(call.positional))
            names = [name.strip() for name in self.parameters.split(",")]
            if len(positional) < 2:
                raise ParameterError(f"{self.name} takes ({self.parameters}): an argument is missing in {call.text!r}")
            named = {name: positional.get(i) for i, name in enumerate(names)}
            written = {name: str(call.texts.get(i, "")) for i, name in enumerate(names)}
            rest = call.positional[len(names) :]
            return Arguments(self.name, {**named, "rest": rest}, written, frozenset(n for n in named if written[n]))
        defaults, num_positional = _signature(self.parameters)
        names = list(defaults)
        if len(call.positional) > num_positional:
            raise ParameterError(f"{self.name} takes {self.parameters}: too many arguments in {call.text!r}")
        values: dict[str, Any] = {}
        texts: dict[str, str] = {}
        for i, value in enumerate(call.positional):
            values[names[i]], texts[names[i]] = value, call.texts[i]
        for name, value in call.named.items():
            if name not in defaults:
                raise ParameterError(f"{self.name} has no argument {name!r}: known are {', '.join(defaults)}")
            if name in values:
                raise ParameterError(f"{self.name}: {name} is given twice in {call.text!r}")
            values[name], texts[name] = value, call.texts[name]
        given = frozenset(values)
        for name, value in defaults.items():
            if name not in values:
                if value == REQUIRED:
                    raise ParameterError(f"{self.name}({self.parameters}): {name} is missing in {call.text!r}")
                values[name], texts[name] = value, value.text if isinstance(value, Expression) else repr(value)
        return Arguments(self.name, values, texts, given)


def _signature(parameters: str) -> tuple[dict[str, Any], int]:
    """Names and defaults of parameters, and how many may be given by position."""
    function = ast.parse(f"def f({parameters}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    listed = function.args
    found: dict[str, Any] = {arg.arg: REQUIRED for arg in listed.args}
    for arg, value in zip(reversed(listed.args), reversed(listed.defaults), strict=False):
        found[arg.arg] = ast.literal_eval(value)
    for arg, default in zip(listed.kwonlyargs, listed.kw_defaults, strict=True):
        found[arg.arg] = REQUIRED if default is None else ast.literal_eval(default)
    return found, len(listed.args)


def constant(value: Any) -> Any:
    """A boundary that holds this value outside."""
    return "zero" if value == 0 else ("constant", value)


def depth(weights: Any) -> int:
    """The number of axes of nested lists."""
    return 1 + depth(weights[0]) if isinstance(weights, (list, tuple)) else 0


def along(
    num: int, axis: int, difference: tuple[float, ...], across: tuple[float, ...]
) -> tuple[tuple[float, ...], ...]:
    """One line per axis: the difference along one, the other weights across."""
    return tuple(difference if i == axis % num else across for i in range(num))
