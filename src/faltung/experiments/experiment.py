"""The contract: what an experiment is.

One file holds one experiment: its parameters, a function that computes the result with Faltung's public names only,
one that checks it, one that draws it, and the words around it. The tour, the lab page, the notebook and the command
call the same functions, so all show the same numbers. Only `draw` loads a drawing library.
"""

import ast
import dataclasses
import importlib.util
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ..errors import ParameterError

if TYPE_CHECKING:
    from .drawing import Panel

Grid = tuple[tuple[float, ...], ...]
MAX_GRID = 16
"""Rows and columns of a grid of numbers that is typed and drawn cell by cell."""


@dataclass(frozen=True)
class Golden:
    """A number that must come out: of the workshop, or of a law that holds for any parameters.

    Attributes:
        name: what it is, in words.
        expected: number, text or array.
        got: what the experiment found.
        tolerance: largest difference allowed; 0 means equal.
    """

    name: str
    expected: Any
    got: Any
    tolerance: float = 0.0

    @property
    def reached(self) -> bool:
        """True if got is within the tolerance of expected."""
        if isinstance(self.expected, str):
            return self.expected == self.got
        expected, got = np.asarray(self.expected), np.asarray(self.got)
        return expected.shape == got.shape and bool(np.allclose(got, expected, rtol=0, atol=self.tolerance))


@dataclass(frozen=True)
class Table:
    """Words and numbers in rows; the first column names the row."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Listing:
    """Text in lines and columns, as a terminal shows it."""

    caption: str
    text: str


def whole(default: int, low: int, high: int, meaning: str) -> Any:
    """A parameter that is an integer from low to high."""
    return field(default=default, metadata={"check": _Whole(low, high), "meaning": meaning})


def real(default: float, low: float, high: float, meaning: str) -> Any:
    """A parameter that is a real number from low to high."""
    return field(default=default, metadata={"check": _Real(low, high), "meaning": meaning})


def choice(default: str, options: Sequence[str], meaning: str) -> Any:
    """A parameter that is one of a few words."""
    return field(default=default, metadata={"check": _Choice(tuple(options)), "meaning": meaning})


def words(default: str, meaning: str) -> Any:
    """A parameter that is any text; `compute` refuses what it cannot read."""
    return field(default=default, metadata={"check": _Words(), "meaning": meaning})


def grid(default: Grid, meaning: str) -> Any:
    """A parameter that is a small table of finite numbers."""
    return field(default=default, metadata={"check": _Numbers(), "meaning": meaning})


class Parameters:
    """Base of every experiment's parameters: frozen dataclasses whose fields say what they may be.

    Making one checks every field, so `compute` and `draw` never see a value outside its range.

    Raises:
        ParameterError: a value is outside what its field allows; the message says the range.
    """

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):  # pyrefly: ignore[bad-argument-type]
            problem = entry.metadata["check"].problem(getattr(self, entry.name))
            if problem:
                raise ParameterError(f"{entry.name}={getattr(self, entry.name)!r}: {problem}")


P = TypeVar("P", bound=Parameters)
R = TypeVar("R")


@dataclass(frozen=True)
class Experiment(Generic[P, R]):
    """One experiment of the workshop.

    Attributes:
        slug: its name in addresses and on the command line.
        items: the workshop's items that it covers.
        title: a few words.
        goal: one sentence.
        idea: what happens, in a few sentences; paragraphs are apart by an empty line.
        formula: the formula in plain text, or "".
        parameters: a frozen dataclass; without arguments it is the workshop's case.
        compute: parameters, called p, to result, a frozen dataclass of arrays and numbers. It uses public names only,
            and its source is the code shown to the reader.
        check: parameters and result to the golden numbers reached: the workshop's for its own case, laws for any.
        draw: parameters and result to panels and tables.
        try_this: three things to change.
        surprise: what should surprise.
        slips: where the workshop's slides are wrong or no longer run.
        measured: fields of the result that differ from run to run, such as times.
    """

    slug: str
    items: tuple[int, ...]
    title: str
    goal: str
    idea: str
    parameters: type[P]
    compute: Callable[[P], R]
    check: Callable[[P, R], tuple[Golden, ...]]
    draw: "Callable[[P, R], tuple[Panel | Table | Listing, ...]]"
    try_this: tuple[str, ...]
    surprise: str
    formula: str = ""
    slips: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()

    def code(self, parameters: P) -> str:
        """The lines a person would type for these parameters: `compute` itself, with the values filled in.

        They end where `compute` packs its result, and leave every array of the result under its own name.
        """
        body = _body(self.compute)
        used = [
            f"{entry.name} = {_literal(getattr(parameters, entry.name), len(entry.name) + 3)}"
            for entry in dataclasses.fields(parameters)  # pyrefly: ignore[bad-argument-type]
            if re.search(rf"\bp\.{entry.name}\b", body)
        ]
        body = re.sub(r"\bp\.([a-z_]\w*)", r"\1", body)
        # imports first, as in any script; compute has its own where they are heavy
        own = [line for line in body.splitlines() if re.match(r"(from|import) ", line)]
        rest = "\n".join(line for line in body.splitlines() if line not in own).strip("\n")
        imports = [*own, *_imports(self.compute, rest)]
        return "\n".join([*imports, "", *used, *([""] if used else []), rest]) + "\n"


def _imports(function: Callable[..., Any], body: str) -> list[str]:
    """The imports of the function's module whose names the body uses, written for a script."""
    module = inspect.getmodule(function)
    assert module is not None
    names = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    lines = []
    for node in ast.parse(inspect.getsource(module)).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        taken = [alias for alias in node.names if (alias.asname or alias.name) in names]
        if not taken:
            continue
        written = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in taken)
        if isinstance(node, ast.Import):
            lines.append(f"import {written}")
        else:
            home = importlib.util.resolve_name("." * node.level + (node.module or ""), module.__package__)
            lines.append(f"from {home} import {written}")
    return lines


def _body(function: Callable[..., Any]) -> str:
    """The source of a function between its docstring and its return, dedented."""
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    assert isinstance(definition.body[-1], ast.Return)
    first = 1 if ast.get_docstring(definition) is not None else 0
    start = definition.body[first - 1].end_lineno if first else definition.body[0].lineno - 1
    assert start is not None
    lines = source.splitlines()[start : definition.body[-1].lineno - 1]
    return textwrap.dedent("\n".join(lines)).strip("\n")


def _literal(value: Any, indent: int) -> str:
    """A parameter's value as one would write it; grids a row a line."""
    if isinstance(value, tuple):
        rows = [str(list(row)) for row in value]
        return "[" + (",\n" + " " * (indent + 1)).join(rows) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


@dataclass(frozen=True)
class _Whole:
    low: int
    high: int

    def problem(self, value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not self.low <= value <= self.high:
            return f"give an integer from {self.low} to {self.high}"
        return None

    def allowed(self) -> str:
        return f"{self.low} to {self.high}"


@dataclass(frozen=True)
class _Real:
    low: float
    high: float

    def problem(self, value: Any) -> str | None:
        is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high:
            return f"give a number from {self.low:g} to {self.high:g}"
        return None

    def allowed(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class _Choice:
    options: tuple[str, ...]

    def problem(self, value: Any) -> str | None:
        return None if value in self.options else f"give one of {', '.join(self.options)}"

    def allowed(self) -> str:
        return ", ".join(self.options)


@dataclass(frozen=True)
class _Words:
    def problem(self, value: Any) -> str | None:
        return None if isinstance(value, str) and value.strip() else "give a text"

    def allowed(self) -> str:
        return "text"


@dataclass(frozen=True)
class _Numbers:
    def problem(self, value: Any) -> str | None:
        fault = f"give a tuple of equally long rows of finite numbers, at most {MAX_GRID} x {MAX_GRID}"
        if not isinstance(value, tuple) or not 1 <= len(value) <= MAX_GRID:
            return fault
        if not all(isinstance(row, tuple) and 1 <= len(row) <= MAX_GRID for row in value):
            return fault
        if len({len(row) for row in value}) != 1:
            return fault
        numbers = [number for row in value for number in row]
        if not all(isinstance(number, (int, float)) and math.isfinite(number) for number in numbers):
            return fault
        return None

    def allowed(self) -> str:
        return f"up to {MAX_GRID} x {MAX_GRID} numbers"


def shown(value: Any) -> str:
    """A number, text or small array as a reader wants to see it."""
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim == 0:
        return _number(array.item())
    if array.ndim == 1:
        return " ".join(_number(entry) for entry in array.tolist())
    return " / ".join(shown(row) for row in array)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, complex):
        if value.imag == 0 or value.real == 0:
            return f"{value.real:.6g}" if value.imag == 0 else f"{value.imag:.6g}j"
        return f"{value:.6g}"
    # a rest of rounding needs no digits
    return f"{value:.6g}" if value == 0 or abs(value) >= 1e-6 else f"{value:.0e}"


def value_of(parameters: Parameters) -> tuple[tuple[str, str, str, str], ...]:
    """Every parameter as (name, value, what it may be, meaning), for tables and controls."""
    return tuple(
        (
            entry.name,
            shown(getattr(parameters, entry.name)),
            entry.metadata["check"].allowed(),
            entry.metadata["meaning"],
        )
        for entry in dataclasses.fields(parameters)  # pyrefly: ignore[bad-argument-type]
    )
