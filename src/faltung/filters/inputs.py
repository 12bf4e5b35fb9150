"""What every filter takes: numbers as floats, sigmas, odd windows, kernels of a sane size."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import integers, per_axis, positive
from ..arrays import as_array
from ..errors import DtypeError, ParameterError, ShapeError
from ..reading import check_nan
from ..spec import Array, Nan

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


def as_floats(x: Any, allowed: str = "biufc", *, nan: Nan = "propagate") -> Array:
    """X in the dtype that filters return: floats as they are, up to 16-bit integers float32, wider ones float64."""
    array = as_numbers(x, allowed)
    check_nan(nan, array.dtype)
    if array.dtype.kind in "fc":
        return array
    return array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)


def check_differences(nan: Nan) -> None:
    """Refuse to leave samples out of a difference."""
    if nan == "omit":
        raise ParameterError(
            'nan="omit" with a difference: one that lacks a side is none; close the gaps first, e.g. '
            'x = gaussian(x, 1, nan="omit", boundary="ignore")'
        )


def weights_dtype(x: Array) -> np.dtype[Any]:
    """The real dtype for kernels that meet x. float16 gets float32 weights: rounded ones would not sum to 1."""
    real = x.real.dtype
    return np.dtype(np.float32) if real == np.float16 else real


def parse_sigmas(sigma: Sigmas, num_axes: int) -> tuple[float, ...]:
    """Standard deviations, one per axis, in pixels."""
    cure = "for no blur leave the filter out, or the axis out of axes="
    return tuple(positive("sigma", s, cure) for s in per_axis("sigma", sigma, num_axes))


def odd_lengths(name: str, size: Lengths, num_axes: int, cure: str) -> tuple[int, ...]:
    """Window lengths that have a middle sample."""
    lengths = tuple(integers(name, size, num_axes, least=1))
    for length in lengths:
        if length % 2 == 0:
            raise ParameterError(
                f"{name}={length}: an even window has no middle sample, so the result would sit half a sample off; "
                f"give {length - 1} or {length + 1}, or {cure}"
            )
    return lengths


def check_count(lengths: Sequence[int]) -> None:
    """Refuse a kernel that could never be used."""
    if math.prod(lengths) > MAX_WEIGHTS:
        shape = "x".join(map(str, lengths))
        raise ParameterError(f"a kernel of {shape} weights is asked for, at most {MAX_WEIGHTS} are allowed: take fewer")
