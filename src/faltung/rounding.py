"""From the dtype of the arithmetic to the dtype of the result, without a silent overflow."""

import math
from typing import Any

import numpy as np

from .errors import DtypeError, IntegerOverflow
from .spec import Array, ConvSpec, Overflow


def fits_for_certain(spec: ConvSpec, kernels: Array, largest: int) -> bool:
    """Whether no sum of weights times samples up to `largest` in size can leave the exact integer dtype."""
    info = np.iinfo(spec.item)
    sides = [side.value for axis in spec.axes for side in (axis.boundary.before, axis.boundary.after)]
    largest = max([largest, *(abs(int(value.real)) for value in sides)])
    worst = max((sum(map(abs, kernel.ravel().tolist())) for kernel in kernels), default=0)
    return largest * worst <= info.max


def largest_of(dtype: np.dtype[Any]) -> int:
    """The largest size that a value of an integer dtype can have."""
    if dtype.kind == "b":
        return 1
    info = np.iinfo(dtype)
    return max(int(info.max), -int(info.min))


def largest_in(x: Array) -> int:
    """The largest size among the integers of x."""
    if x.size == 0:
        return 0
    return max(abs(int(x.max())), abs(int(x.min())))


def to_result(total: Array, dtype: np.dtype[Any], overflow: Overflow) -> Array:
    """Round to `dtype`: to nearest even where it is an integer dtype, and as `overflow` says beyond its range.

    Raises:
        IntegerOverflow: a value lies outside the range of `dtype` and overflow is "error", or is no number.
        DtypeError: an object is not what `dtype` can hold, e.g. complex.
    """
    if total.dtype == dtype:
        return total
    if dtype.kind == "b":
        return total != 0
    return _to_integer(total, dtype, overflow) if dtype.kind in "iu" else _as_inexact(total, dtype)


@np.errstate(invalid="ignore")  # NaN among objects, which an error of ours is about
def _to_integer(total: Array, dtype: np.dtype[Any], overflow: Overflow) -> Array:
    rounded = total
    if total.dtype.kind in ("f", "O"):
        rounded = np.rint(total) if total.dtype.kind == "f" else _rounded_objects(total, dtype)
    info = np.iinfo(dtype)
    if overflow == "wrap":
        return _wrapped(rounded, dtype)
    # a float cannot hold the largest int64 and uint64: compare with the power of two above them
    outside = (rounded < info.min) | (rounded >= int(info.max) + 1) | (rounded != rounded)
    if not outside.any():
        return rounded.astype(dtype)
    if (rounded != rounded).any():
        raise IntegerOverflow(f"a result is NaN, which {dtype} cannot hold: ask for a float dtype")
    if overflow == "error":
        worst = rounded[outside].flat[0]
        raise IntegerOverflow(
            f"a result is {worst}, outside {dtype} ({info.min} to {info.max}): take a wider or a float dtype, or "
            f'overflow="saturate" or "wrap"'
        )
    clipped = np.where(rounded < 0, info.min, info.max).astype(dtype)
    clipped[~outside] = rounded[~outside].astype(dtype)
    return clipped


def _as_inexact(total: Array, dtype: np.dtype[Any]) -> Array:
    try:
        # what is beyond a narrower float becomes infinite, as in all float arithmetic
        with np.errstate(over="ignore"):
            return total.astype(dtype)
    except OverflowError as error:
        raise IntegerOverflow(f"a result has too many digits for {dtype}: take dtype=object") from error
    except (TypeError, ValueError) as error:
        raise DtypeError(f"a result cannot be held by {dtype} ({error}): take dtype=object") from error


def _rounded_objects(total: Array, dtype: np.dtype[Any]) -> Array:
    """Objects rounded to Python integers; infinities and NaN stay."""

    def rounded(value: Any) -> Any:
        return round(value) if isinstance(value, int) or abs(value) < math.inf else value

    try:
        return np.frompyfunc(rounded, 1, 1)(total)
    except TypeError as error:
        raise DtypeError(f"a result cannot be rounded to {dtype} ({error}): take dtype=object") from error


def _wrapped(rounded: Array, dtype: np.dtype[Any]) -> Array:
    if rounded.dtype.kind in ("f", "O"):
        if not (abs(rounded) < math.inf).all():
            raise IntegerOverflow(f"a result is not finite, which {dtype} cannot hold: ask for a float dtype")
        rounded = np.array([int(value) for value in rounded.ravel()], object).reshape(rounded.shape)
        modulus = 1 << (8 * dtype.itemsize)
        unsigned = (rounded % modulus).astype(np.uint64)
        return unsigned.astype(dtype)
    return rounded.astype(dtype)
