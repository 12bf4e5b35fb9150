"""What callers of scipy.ndimage write, read as it reads them: arrays, outputs, axes, modes, origins; and its errors."""

import operator
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import integer
from ..errors import DtypeError, ParameterError, ShapeError
from ..spec import Array


class FilterError(ParameterError, RuntimeError):
    """What scipy.ndimage refuses with a RuntimeError."""


class UnsupportedDtype(DtypeError, RuntimeError):
    """Numbers that scipy.ndimage does not filter, which it says with a RuntimeError."""


class ZeroSigma(ParameterError, ZeroDivisionError):
    """A Gaussian without width, by which scipy.ndimage divides."""


SAMPLES = "?bBhHiIlLqQfd"
"""`numpy.dtype.char` of the samples that scipy.ndimage takes: neither float16 nor longdouble."""

RULES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}
"""scipy.ndimage's modes -> our boundaries."""


def parse_input(data: Any) -> Array:
    """Whatever NumPy reads as an array, in this machine's byte order.

    Raises:
        DtypeError: a masked array. scipy.ndimage filters what lies under the mask and says nothing.
    """
    if isinstance(data, np.ma.MaskedArray):
        raise DtypeError("input is a masked array and its mask would be lost: fill it first, e.g. input.filled(0)")
    array = np.asarray(data)
    return array.astype(np.dtype(array.dtype.name), copy=False)


def check_samples(dtype: np.dtype[Any]) -> None:
    """Refuse what scipy.ndimage has no loop for."""
    if dtype.char not in SAMPLES:
        raise UnsupportedDtype(
            f"array type {dtype!r} not supported: bool, integers, float32 and float64 are, complex numbers in sums; "
            f"convert with astype, or call Faltung's own filters"
        )


@dataclass(frozen=True)
class Target:
    """Where a result goes: an array of the caller's, or a new one of a dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    array: Array | None = None

    @property
    def native(self) -> np.dtype[Any]:
        """The dtype in this machine's byte order."""
        return self.dtype.newbyteorder("=")

    def allocated(self) -> Array:
        """The array that will be returned."""
        return np.zeros(self.shape, self.dtype) if self.array is None else self.array

    def write(self, result: Array) -> Array:
        """Put a new result there, or be it; cast as NumPy casts."""
        if self.array is None:
            return result.astype(self.dtype, copy=False)
        self.array[...] = result
        return self.array


def parse_output(output: Any, x: Array, *, is_complex: bool = False, level: int = 4) -> Target:
    """`output=`: None, a dtype, the name of one, or an array of x's shape.

    Args:
        is_complex: whether the result will be complex, so that its dtype has to be.
        level: how many calls up the caller's line is, for the warning.
    """
    if output is None:
        return Target(x.shape, np.promote_types(x.dtype, np.complex64) if is_complex else x.dtype)
    if isinstance(output, (type, np.dtype)):
        dtype = np.dtype(output)
        if is_complex and dtype.kind != "c":
            warnings.warn("promoting specified output dtype to complex", stacklevel=level)
            dtype = np.promote_types(dtype, np.complex64)
        return Target(x.shape, dtype)
    array = None if isinstance(output, str) else np.asarray(output)
    dtype = np.dtype(output) if array is None else array.dtype
    if is_complex and dtype.kind != "c":
        raise FilterError(f"output must have complex dtype, got {dtype}: the result is complex")
    if array is None and not issubclass(dtype.type, np.number):
        raise FilterError(f"output must have numeric dtype, got {dtype}")
    if array is not None and array.shape != x.shape:
        raise FilterError(f"output shape not correct: it is {array.shape}, that of input is {x.shape}")
    return Target(x.shape, dtype, array)


def parse_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """`axes=` as positions >= 0 in the order given; None means all, an empty series none."""
    if axes is None:
        return tuple(range(ndim))
    listed = [operator.index(axis) for axis in (axes if isinstance(axes, Iterable) else [axes])]
    for axis in listed:
        if not -ndim <= axis < ndim:
            raise ShapeError(f"specified axis: {axis} is out of range, input has {ndim} axes")
    positions = tuple(axis % ndim for axis in listed)
    if len(set(positions)) < len(positions):
        raise ShapeError(f"axes must be unique, got {axes!r}")
    return positions


def parse_axis(axis: Any, ndim: int) -> int:
    """`axis=` as a position >= 0; raises NumPy's AxisError, a ValueError and an IndexError."""
    return int(np.lib.array_utils.normalize_axis_index(operator.index(axis), ndim))


def one_per_axis(value: Any, num_axes: int) -> list[Any]:
    """One entry per axis; a string or a single value is repeated."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * num_axes
    listed = list(value)
    if len(listed) != num_axes:
        raise FilterError(
            f"sequence argument must have length equal to input rank: {value!r} has {len(listed)} entries for "
            f"{num_axes} filtered axes"
        )
    return listed


def parse_mode(mode: Any, cval: Any) -> Any:
    """`mode=` and `cval=` as a boundary of ours for one axis."""
    if not isinstance(mode, str) or mode not in RULES:
        raise FilterError(f"boundary mode not supported: {mode!r}; allowed are " + ", ".join(map(repr, RULES)))
    rule = RULES[mode]
    return ("constant", cval) if rule == "constant" else rule


def refuse_mode_sequence(mode: Any, what: str = "") -> None:
    """One mode for all axes, where the kernel is not taken apart into lines."""
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise FilterError(f"A sequence of modes is not supported{what}: give one mode, got {mode!r}")


def parse_cval(cval: Any) -> Any:
    """`cval=` as a real number; whole ones stay exact."""
    if isinstance(cval, (int, np.integer)):
        return int(cval) if abs(int(cval)) <= 1 << 64 else float(cval)
    if isinstance(cval, (str, bytes, complex)) or not hasattr(cval, "__float__") or np.iscomplexobj(cval):
        raise DtypeError(f"cval={cval!r}: must be real number, not {type(cval).__name__}")
    return float(cval)


def parse_complex_cval(cval: Any) -> tuple[Any, Any]:
    """`cval=` beside complex input, as real and imaginary part."""
    if isinstance(cval, (complex, np.complexfloating)):
        return float(cval.real), float(cval.imag)
    return parse_cval(cval), 0.0


def check_origin(origin: Any, length: int, name: str = "size") -> int:
    """`origin=` along one axis, such that the window still holds its own sample."""
    number = operator.index(origin)
    least, most = -(length // 2), (length - 1) // 2
    if not least <= number <= most:
        raise ParameterError(
            f"invalid origin {number}: Invalid origin; origin must satisfy -({name} // 2) <= origin <= ({name} - 1) "
            f"// 2, here {least} to {most} for {length}"
        )
    return number


def check_size(size: Any) -> int:
    """The length of a 1-D window."""
    if size < 1:
        raise FilterError(f"incorrect filter size {size}: at least 1 is allowed")
    return operator.index(size)


def mirrored(origins: Sequence[Any], lengths: Sequence[int]) -> list[int]:
    """The origins of flipped windows: the middle of an even one changes sides."""
    return [-operator.index(o) - (1 - k % 2) for o, k in zip(origins, lengths, strict=True)]


def parse_radius(radius: Any, sigma: float, truncate: Any) -> int:
    """Taps on each side of a Gaussian's middle."""
    reach = int(truncate * sigma + 0.5) if radius is None else radius
    if not isinstance(reach, (int, np.integer)) or reach < 0:
        raise ParameterError(f"Radius must be a nonnegative integer, got {reach!r}")
    return int(reach)


def parse_order(order: Any) -> int:
    """Which derivative of a Gaussian."""
    number = operator.index(order)
    if number < 0:
        raise ParameterError(f"order must be non-negative, got {number}")
    return integer("order", number)
