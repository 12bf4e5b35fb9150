"""What every filter takes: arrays or tensors, numbers as floats, sigmas, odd windows, kernels of a sane size."""

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..arguments import integers, per_axis, positive
from ..arrays import as_array, is_tensor
from ..errors import DtypeError, ParameterError, ShapeError
from ..reading import check_nan
from ..spec import Array, Nan

Lengths = int | Sequence[int]
Sigmas = float | Sequence[float]

_HALF, _SINGLE = np.dtype(np.float16), np.dtype(np.float32)
_P = ParamSpec("_P")
_R = TypeVar("_R")

MAX_WEIGHTS = 1 << 28
"""Weights that a kernel made from numbers may have (2 GiB of float64): more is taken for a slip of the pen."""


def takes_tensors(filter_: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a filter take tensors of torch, and give tensors back.

    Tensors that need no gradient come to it as arrays. Others come as tensors in float32, float64 or a complex dtype,
    or as they are if the filter asks for `as_numbers`: what it does to them must be something torch can differentiate.
    """

    @wraps(filter_)
    def either(*args: _P.args, **words: _P.kwargs) -> _R:
        # most callers have an array, and are not to wait
        if args and type(args[0]) is np.ndarray:
            return filter_(*args, **words)
        if is_tensor(args[0] if args else words.get("x")):
            # torch is loaded already: x is its
            from .tensors import call

            return call(filter_, *args, **words)
        return filter_(*args, **words)

    return either


def takes_tensors_as_arrays(filter_: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a filter that has no gradient take tensors of torch that need none, and give tensors back."""

    @wraps(filter_)
    def either(*args: _P.args, **words: _P.kwargs) -> _R:
        if is_tensor(args[0] if args else words.get("x")):
            from .tensors import call_without_gradient

            return call_without_gradient(filter_, *args, **words)
        return filter_(*args, **words)

    return either


def as_numbers(x: Any, allowed: str = "biufc") -> Array:
    """X as an array of the dtype it came in, with at least one axis, and numbers of an allowed sort.

    Args:
        allowed: dtype letters, as in `numpy.dtype.kind`.

    Raises:
        DtypeError: something else than numbers; complex numbers where an order is needed.
        ShapeError: a single number.
    """
    if type(x) is not np.ndarray and is_tensor(x):
        from .tensors import as_numbers as checked

        return checked(x, allowed)
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
    if not isinstance(array, np.ndarray):
        from .tensors import as_floats as computed

        return computed(array, nan)
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
    if not isinstance(x, np.ndarray):
        from .tensors import weights_dtype as of_tensor

        return of_tensor(x)
    real = x.real.dtype
    return _SINGLE if real is _HALF else real


def beside(numbers: Array, x: Array) -> Array:
    """Numbers in the real dtype of x, to be reckoned with it."""
    if not isinstance(x, np.ndarray):
        from .tensors import beside as as_tensor

        return as_tensor(numbers, x)
    return numbers.astype(x.real.dtype)


def rounded(y: Array, x: Array) -> Array:
    """Y in the dtype of x. Tensors have it here: narrow ones are rounded at the end of the call."""
    return y if y.dtype is x.dtype else y.astype(x.dtype, copy=False)


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
