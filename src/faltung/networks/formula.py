"""Output sizes as formulas of the input size, and which input sizes a network takes: algebra, for all n at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..arguments import integer
from ..errors import FaltungError, ParameterError, ShapeError
from .operations import NothingLeft
from .recording import Recording, record
from .sizes import NoFormula, Number, Size, at, variable, ways
from .wording import formula_words, valid_words

TRIED = 512
"""Where no formula can say it, sizes up to this are tried one by one."""

InputShape = Sequence[int | None]


@dataclass(frozen=True)
class ValidSizes:
    """The sizes n that a network takes; `n in sizes` asks, `str(sizes)` says it in words.

    Attributes:
        tried: None: it holds for every n. A number: sizes up to it were tried one by one.
        reason: why sizes had to be tried.
    """

    tried: int | None
    reason: str
    _truth: Number

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int) or n < 1:
            return False
        if self.tried is not None and n > self.tried:
            raise ParameterError(f"sizes were tried up to {self.tried} only, because {self.reason}: {n} is not known")
        return bool(at(self._truth, n))

    def upto(self, most: int) -> list[int]:
        """All valid sizes up to `most`."""
        return [n for n in range(1, most + 1) if n in self]

    def __str__(self) -> str:
        if self.tried is None:
            return valid_words(self._truth)
        found = Size((*(at(self._truth, n) for n in range(1, self.tried + 1)), 0), self.tried, 1, 0)
        return f"{valid_words(found)} (tried up to {self.tried}: {self.reason})"


@dataclass(frozen=True)
class OutputSize:
    """The shape of what a network returns, as a function of the input size n; `str` writes it as formulas.

    Attributes:
        valid: the n that the network takes.
        axes: per axis of the output, in words.
    """

    valid: ValidSizes
    axes: tuple[str, ...]
    _shape: tuple[Number, ...]
    _module: nn.Module
    _input_shape: tuple[int | None, ...]

    def __call__(self, n: int) -> tuple[int, ...]:
        """The shape for an input of size n.

        Raises:
            ShapeError: the network does not take n; the message names the layer that fails, and why.
        """
        if integer("n", n, least=1) not in self.valid:
            # the run itself knows the layer and the reason
            record(self._module, [n if size is None else size for size in self._input_shape], follow_places=False)
        return tuple(at(size, n) for size in self._shape)

    def __str__(self) -> str:
        return f"({', '.join(self.axes)})"


def output_size(module: nn.Module, input_shape: InputShape, *, output: int = 0) -> OutputSize:
    """The shape that a network returns, as a formula of the size n of its input.

    The network is not run: its forward pass is followed once with n left open, and every size in it is worked out
    exactly for all n >= 1.

    Args:
        module: any module that takes one tensor.
        input_shape: (batch, channels, *spatial); None stands for n, in one or several places.
        output: which of the tensors it returns, if there are several.

    Returns:
        A function of n, with `valid` sizes, that prints as a formula.

    Raises:
        ShapeError: no size fits; the message names the layer and what it takes.
        ParameterError: the module does something that cannot be followed, e.g. decides by values of a tensor.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.MaxPool2d(2))
        >>> size = ft.networks.output_size(net, (1, 3, None, 224))
        >>> print(size, "|", size.valid, "|", size(224))
        (1, 8, floor((n + 1)/4), 56) | any size >= 3 | (1, 8, 56, 56)
    """
    shape = check_shape(input_shape, free=True)
    try:
        truth, found = _solve(module, shape, output)
        valid = ValidSizes(None, "", truth)
        axes = tuple(formula_words(size, truth) for size in found)
    except NoFormula as reason:
        truth, found = _try(module, shape, output)
        valid = ValidSizes(TRIED, str(reason), truth)
        axes = tuple(_tried_words(size, truth) for size in found)
    return OutputSize(valid, axes, found, module, shape)


def valid_sizes(module: nn.Module, input_shape: InputShape) -> ValidSizes:
    """The input sizes n that a network takes; arguments and errors as of `output_size`.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> class Skip(nn.Module):
        ...     def forward(self, x):
        ...         low = nn.functional.max_pool2d(x, 4)
        ...         return x + nn.functional.interpolate(low, scale_factor=4)
        >>> sizes = ft.networks.valid_sizes(Skip(), (1, 1, None, None))
        >>> print(sizes)
        4n with n >= 1: 4, 8, 12, ...
        >>> 512 in sizes, 510 in sizes
        (True, False)
    """
    return output_size(module, input_shape).valid


def check_shape(shape: Any, *, free: bool = False) -> tuple[Any, ...]:
    """An input shape: whole numbers >= 1, and None where it may be left open."""
    if isinstance(shape, (str, bytes)) or not isinstance(shape, Sequence):
        raise ShapeError(f"input_shape={shape!r}: a tuple (batch, channels, *spatial) is expected")
    sizes = tuple(None if free and size is None else integer("input_shape", size, least=1) for size in shape)
    if len(sizes) < 2:
        raise ShapeError(f"input_shape={shape!r}: batch and channels are needed, and the spatial axes after them")
    if free and None not in sizes:
        raise ShapeError(f"input_shape={shape!r}: put None where the size n is left open, e.g. (1, 3, None, None)")
    return sizes


def _solve(module: nn.Module, shape: tuple[Any, ...], output: int) -> tuple[Number, tuple[Number, ...]]:
    """Which n are valid, and the output's shape at these; all ways through the module joined."""
    open_shape = [variable() if size is None else size for size in shape]
    valid: Number = 0
    sizes: tuple[Number, ...] | None = None
    for way, result in ways(lambda: _attempt(module, open_shape, output)):
        if result is None:
            continue
        if isinstance(result, FaltungError):
            _confirm_failure(module, shape, way.allowed, result)
            continue
        if sizes is not None and len(sizes) != len(result):
            raise NoFormula("the number of axes of the output depends on the size")
        _confirm(module, shape, output, way.allowed, result)
        parts = [way.allowed * size for size in result]
        sizes = tuple(parts) if sizes is None else tuple(a + b for a, b in zip(sizes, parts, strict=True))
        valid = valid + way.allowed
    if sizes is None:
        raise _no_size(module, shape)
    return valid, sizes


def _attempt(module: nn.Module, shape: list[Any], output: int) -> tuple[Number, ...] | FaltungError | None:
    try:
        return _output(record(module, shape), output)
    except NothingLeft:
        return None
    except ShapeError as error:
        return error


def _output(recording: Recording, output: int) -> tuple[Any, ...]:
    count = len(recording.outputs)
    if not -count <= output < count:
        raise ParameterError(f"output={output}: the module returns {count} tensors")
    return recording.shapes[recording.outputs[output]]


def _some(allowed: Number, count: int) -> list[int]:
    """The first sizes of a set, and one of its tail."""
    length = len(allowed.values) if isinstance(allowed, Size) else 1
    members = [n for n in range(1, length + 1) if at(allowed, n)]
    return [*members[:count], *members[-1:]]


def _confirm(
    module: nn.Module, shape: tuple[Any, ...], output: int, allowed: Number, sizes: tuple[Number, ...]
) -> None:
    """What a module does on open sizes it must do on plain integers, too: it may have asked for their class."""
    for n in _some(allowed, 2):
        plain = record(module, [n if size is None else size for size in shape], follow_places=False)
        if tuple(_output(plain, output)) != tuple(at(size, n) for size in sizes):
            raise NoFormula("the module treats integers and sizes differently")


def _confirm_failure(module: nn.Module, shape: tuple[Any, ...], allowed: Number, error: FaltungError) -> None:
    for n in _some(allowed, 1):
        try:
            record(module, [n if size is None else size for size in shape], follow_places=False)
        except ShapeError:
            continue
        raise NoFormula(f"the module cannot work with sizes left open ({error})")


def _try(module: nn.Module, shape: tuple[Any, ...], output: int) -> tuple[Number, tuple[Number, ...]]:
    """The same for n up to `TRIED`, one by one."""
    rows: list[tuple[int, ...] | None] = []
    for n in range(1, TRIED + 1):
        try:
            plain = record(module, [n if size is None else size for size in shape], follow_places=False)
            rows.append(tuple(_output(plain, output)))
        except ShapeError:
            rows.append(None)
    ndim = {len(row) for row in rows if row is not None}
    if not ndim:
        raise _no_size(module, shape)
    if len(ndim) > 1:
        raise ParameterError("the number of axes of the output depends on the input's size: ask for one size at a time")
    truth = Size([*(int(row is not None) for row in rows), 0], TRIED, 1, 0)
    columns = (tuple(row[i] if row is not None else 0 for row in rows) for i in range(ndim.pop()))
    return truth, tuple(Size((*column, 0), TRIED, 1, 0) for column in columns)


def _tried_words(size: Number, truth: Number) -> str:
    values = {n: at(size, n) for n in range(1, TRIED + 1) if at(truth, n)}
    if len(set(values.values())) == 1:
        return str(values.popitem()[1])
    some = [n for n in (32, 64, 224, 256) if n in values] or list(values)[:4]
    return f"[{', '.join(f'{values[n]} at n = {n}' for n in some)}]"


def _no_size(module: nn.Module, shape: tuple[Any, ...]) -> ShapeError:
    """No n is valid: what plain sizes run into."""
    reasons = {}
    for n in (16, 64, 256):
        try:
            record(module, [n if size is None else size for size in shape], follow_places=False)
        except ShapeError as error:
            reasons[n] = str(error)
    if len(set(reasons.values())) == 1:
        return ShapeError(reasons.popitem()[1])
    return ShapeError("no size fits" + "".join(f"; at {n}: {reason}" for n, reason in list(reasons.items())[-1:]))
