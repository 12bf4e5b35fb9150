"""What filters and kernels may be told, checked in one place: axes, lengths, sigmas, dtypes."""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..arrays import as_array
from ..errors import DtypeError, ParameterError, ShapeError
from ..spec import Array

Axes = int | Sequence[int] | None
Lengths = int | Sequence[int]
Sigmas = float | Sequence[float]

MAX_WEIGHTS = 1 << 28
"""Weights that a kernel made from numbers may have (2 GiB of float64): more is taken for a slip of the pen."""


def as_numbers(x: Any, allowed: str = "biufc") -> Array:
    """X as an array of the dtype it came in, with at least one axis, and numbers of an allowed sort.

    Args:
        allowed: dtype letters, as in `numpy.dtype.kind`.

    Raises:
        DtypeError: something else than numbers; complex numbers where an order is needed.
        ShapeError: a single number.
    """
    array = as_array(x, "x")
    if array.dtype.kind not in allowed:
        if array.dtype.kind == "c":
            raise DtypeError(f"x has dtype {array.dtype}, and complex numbers have no order: give np.abs(x), or a part")
        raise DtypeError(f"x has dtype {array.dtype}: filters take numbers; convert it, e.g. x.astype(float)")
    if array.ndim == 0:
        raise ShapeError(f"x is the single number {array}: an array with at least one axis is expected")
    return array


def as_floats(x: Any, allowed: str = "biufc") -> Array:
    """X in the dtype that filters return: floats as they are, up to 16-bit integers float32, wider ones float64."""
    array = as_numbers(x, allowed)
    if array.dtype.kind in "fc":
        return array
    return array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)


def weights_dtype(x: Array) -> np.dtype[Any]:
    """The real dtype for kernels that meet x. float16 gets float32 weights: rounded ones would not sum to 1."""
    real = x.real.dtype
    return np.dtype(np.float32) if real == np.float16 else real


def parse_axes(axes: Axes, ndim: int) -> tuple[int, ...]:
    """Positions >= 0 of the filtered axes; None means all."""
    if axes is None:
        return tuple(range(ndim))
    listed = tuple(axes) if isinstance(axes, Iterable) else (axes,)
    positions = tuple(parse_axis("axes", axis, ndim) for axis in listed)
    if not positions or len(set(positions)) < len(positions):
        raise ShapeError(f"axes={axes!r}: name each filtered axis once, at least one")
    return positions


def parse_axis(name: str, axis: Any, ndim: int) -> int:
    """One axis as a position >= 0."""
    number = integer(name, axis)
    if not -ndim <= number < ndim:
        raise ShapeError(f"{name}={axis!r}: axis {number} does not exist, there are {ndim} ({-ndim} to {ndim - 1})")
    return number % ndim


def integer(name: str, value: Any, least: int | None = None) -> int:
    """`value` as an integer; a float is refused, even 3.0, as in Python's own ranges."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ParameterError(f"{name}={value!r}: an integer is expected") from None
    if least is not None and number < least:
        raise ParameterError(f"{name}={number}: at least {least} is allowed")
    return number


def real(name: str, value: Any) -> float:
    """`value` as a finite float; a string is refused, even "2"."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    except OverflowError:
        raise ParameterError(f"{name} is too large for a float: give a smaller number") from None
    if not math.isfinite(number):
        raise ParameterError(f"{name}={value!r}: a finite real number is expected")
    return number


def positive(name: str, value: Any, cure: str = "") -> float:
    """`value` as a finite float above zero."""
    number = real(name, value)
    if number <= 0:
        raise ParameterError(f"{name}={number:g}: a number above 0 is expected" + (f"; {cure}" if cure else ""))
    return number


def per_axis(name: str, value: Any, num_axes: int) -> tuple[Any, ...]:
    """One entry per axis: a single number is repeated."""
    if isinstance(value, str) or not isinstance(value, Iterable) or (isinstance(value, np.ndarray) and not value.ndim):
        return (value,) * num_axes
    entries = tuple(value)
    if len(entries) != num_axes:
        raise ParameterError(
            f"{name}={value!r} has {len(entries)} entries for {num_axes} axes: give one number for all, or one per axis"
        )
    return entries


def parse_sigmas(sigma: Sigmas, num_axes: int) -> tuple[float, ...]:
    """Standard deviations, one per axis, in pixels."""
    cure = "for no blur leave the filter out, or the axis out of axes="
    return tuple(positive("sigma", s, cure) for s in per_axis("sigma", sigma, num_axes))


def odd_lengths(name: str, size: Lengths, num_axes: int, cure: str) -> tuple[int, ...]:
    """Window lengths that have a middle sample."""
    lengths = tuple(integer(name, k, least=1) for k in per_axis(name, size, num_axes))
    for length in lengths:
        if length % 2 == 0:
            raise ParameterError(
                f"{name}={length}: an even window has no middle sample, so the result would sit half a sample off; "
                f"give {length - 1} or {length + 1}, or {cure}"
            )
    return lengths


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not among those allowed."""
    if value not in allowed:
        raise ParameterError(f"{name}={value!r}: allowed are " + ", ".join(f'"{word}"' for word in allowed))


def check_count(lengths: Sequence[int]) -> None:
    """Refuse a kernel that could never be used."""
    if math.prod(lengths) > MAX_WEIGHTS:
        shape = "x".join(map(str, lengths))
        raise ParameterError(f"a kernel of {shape} weights is asked for, at most {MAX_WEIGHTS} are allowed: take fewer")
