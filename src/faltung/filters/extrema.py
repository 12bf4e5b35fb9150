"""Largest and smallest value of a window that slides: grey dilation and erosion.

A box is folded axis by axis, any other shape sample by sample. A window of length k is the overlap of two windows of
length 2**i <= k, and each of those of two half as long. So a window costs about log2(k) + 1 comparisons per sample and
axis, in whole vectors, whatever the data.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..algorithms.gather import gather
from ..arguments import Axes, holds, parse_axes
from ..boundary import AxisBoundary, Boundary, Side, parse_boundary
from ..errors import ParameterError, ShapeError
from ..spec import Array, Axis
from .inputs import Lengths, as_numbers, odd_lengths, takes_tensors

BLOCK_BYTES = 1 << 19
"""Length of each of the two buffers of a block. Of 32 KiB to 4 MiB the quickest: 2048x2048 float32 with 15x15 took 37
ms on one thread, 48 with 128 KiB, 61 with 32 KiB (Intel Xeon; OpenCV 9, scipy.ndimage 179)."""


@takes_tensors
def max_filter(x: Any, size: Lengths, *, boundary: Boundary = "symmetric", axes: Axes = None) -> Array:
    """Replace every sample by the largest in the window around it (grey dilation with a box).

    Args:
        x: array or tensor of any shape; integers, bool or real floats.
        size: length of the window in samples, odd; one number, or one per axis of `axes`.
        boundary: what stands outside x, as in `convolve`; with "ignore" only samples of x count.
        axes: the axes over which the window reaches; None means all. For a colour picture (height, width, 3) give
            (0, 1).

    Returns:
        Same shape and dtype as x; every value is one of x (or the boundary's). A NaN makes exactly the windows NaN
        that hold it. Of equal samples of a tensor one takes the whole gradient, the first that stands in the window.

    Raises:
        ParameterError: an even or empty window, or a boundary value that x's dtype cannot hold.
        ShapeError, DtypeError, BoundaryError: what was given does not fit; the message says the cure.

    Source: doubling after van Herk 1992, "A fast algorithm for local minimum and maximum filters", PRL 13.

    Example:
        >>> import faltung as ft
        >>> ft.max_filter([1, 5, 2, 0, 3], 3)
        array([5, 5, 5, 3, 3])
    """
    array = as_numbers(x, "biuf")
    return _extreme(array, size, boundary, axes, np.maximum)


@takes_tensors
def min_filter(x: Any, size: Lengths, *, boundary: Boundary = "symmetric", axes: Axes = None) -> Array:
    """Replace every sample by the smallest in the window around it (grey erosion with a box).

    Arguments, result and errors as in `max_filter`.

    Example:
        >>> import faltung as ft
        >>> ft.min_filter([1, 5, 2, 0, 3], 3)
        array([1, 1, 0, 0, 0])
    """
    array = as_numbers(x, "biuf")
    return _extreme(array, size, boundary, axes, np.minimum)


def least_of(dtype: np.dtype[Any]) -> Any:
    """What every number of the dtype is at least."""
    if dtype.kind == "f":
        return -math.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def greatest_of(dtype: np.dtype[Any]) -> Any:
    """What every number of the dtype is at most."""
    if dtype.kind == "f":
        return math.inf
    return True if dtype.kind == "b" else np.iinfo(dtype).max


def extreme_along(array: Array, position: int, before: int, after: int, rule: AxisBoundary, pick: np.ufunc) -> Array:
    """The extreme of every window along one axis.

    Args:
        array: bool, integers or real floats; the axis is not empty.
        before, after: how many samples the window reaches to either side; 0 or more, so even lengths too.
        rule: what stands outside; a constant must be a number of the array's dtype.
        pick: `np.maximum` or `np.minimum`.

    Returns:
        A new array of the same shape and dtype.
    """
    check_values([rule], array.dtype)
    return _along_axis(array, position, before, after, rule, pick)


def extreme_under(
    array: Array,
    footprint: Array,
    positions: Sequence[int],
    before: Sequence[int],
    rules: Sequence[AxisBoundary],
    pick: np.ufunc,
    heights: Array | None = None,
) -> Array:
    """The extreme of the samples under a footprint of any shape, at every place.

    Args:
        array: bool, integers or real floats; no filtered axis is empty.
        footprint: bool, not all False; an axis for each of `positions`, in their order.
        before: how many samples the footprint reaches before its place, per axis: 0 to its length - 1.
        rules: what stands outside, per axis; constants must be numbers of the array's dtype.
        pick: `np.maximum` or `np.minimum`.
        heights: added to the samples before they are compared, also outside; shape of the footprint, dtype of array.

    Returns:
        A new array of the same shape and dtype. It costs one comparison per sample and True of the footprint.

    Source: Serra 1982, "Image Analysis and Mathematical Morphology", chapter XII, for grey values.
    """
    check_values(rules, array.dtype)
    ends = tuple(range(-len(positions), 0))
    moved = np.moveaxis(array, tuple(positions), ends)
    sizes = moved.shape[moved.ndim - len(ends) :]
    missing = _missing(array.dtype, pick)
    given = zip(sizes, footprint.shape, before, rules, strict=True)
    axes = [Axis(i, n, k, 1, 1, b, k - 1 - b, filled(rule, missing)) for i, (n, k, b, rule) in enumerate(given)]
    padded = gather(moved.reshape(-1, *sizes), axes, [0] * len(axes), [axis.span for axis in axes], array.dtype)
    out: Array | None = None
    for tap in np.argwhere(footprint):
        window = padded[(slice(None), *(slice(t, t + n) for t, n in zip(tap, sizes, strict=True)))]
        if heights is not None:
            window = window + heights[tuple(tap)]
        out = window.copy() if out is None else pick(out, window, out=out)
    assert out is not None
    return np.ascontiguousarray(np.moveaxis(out.reshape(moved.shape), ends, tuple(positions)))


def _missing(dtype: np.dtype[Any], pick: np.ufunc) -> Any:
    """What never wins."""
    return least_of(dtype) if pick is np.maximum else greatest_of(dtype)


def filled(rule: AxisBoundary, missing: Any) -> AxisBoundary:
    """The same rule, with what never wins where samples are missing."""
    before, after = (Side("constant", missing) if s.rule == "ignore" else s for s in (rule.before, rule.after))
    return AxisBoundary(before, after)


def _extreme(array: Array, size: Lengths, boundary: Boundary, axes: Axes, pick: np.ufunc) -> Array:
    positions = parse_axes(axes, array.ndim)
    lengths = odd_lengths("size", size, len(positions), "take the windows as they lie with max_pool(x, size, stride=1)")
    rules = parse_boundary(boundary, len(positions))
    for position in positions:
        if array.shape[position] == 0:
            raise ShapeError(f"axis {position} of x is empty: a filtered axis needs at least one sample")
    if not isinstance(array, np.ndarray):
        from .tensors import extreme_around

        return extreme_around(array, positions, lengths, rules, pick)
    check_values(rules, array.dtype)
    out = array
    for position, length, rule in zip(positions, lengths, rules, strict=True):
        if length > 1:
            out = _along_axis(out, position, length // 2, length // 2, rule, pick)
    return out.copy() if out is array else out


def _along_axis(array: Array, position: int, before: int, after: int, rule: AxisBoundary, pick: np.ufunc) -> Array:
    """The extreme of every window along one axis, block by block."""
    num = array.shape[position]
    outer, inner = math.prod(array.shape[:position]), math.prod(array.shape[position + 1 :])
    x = np.ascontiguousarray(array).reshape(outer, num, inner)
    out = np.empty(x.shape, x.dtype)
    left, right = rule.tables(num, before, after)
    outside = filled(rule, _missing(array.dtype, pick))
    padded = before + num + after
    room = max(1, BLOCK_BYTES // (padded * x.itemsize))
    # whole lines where the axis is the last one, else at least a cache line (64 bytes) of neighbours
    block_inner = min(inner, max(room, 64 // x.itemsize))
    block_outer = min(outer, max(1, room // max(1, block_inner)))
    buffers = np.empty((2, block_outer, padded, block_inner), x.dtype)
    for a in range(0, outer, max(1, block_outer)):
        for b in range(0, inner, max(1, block_inner)):
            block = x[a : a + block_outer, :, b : b + block_inner]
            now, then = buffers[:, : block.shape[0], :, : block.shape[2]]
            now[:, before : before + num] = block
            _fill(now[:, :before], block, left, outside.before.value)
            _fill(now[:, before + num :], block, right, outside.after.value)
            _windows(now, then, before + 1 + after, pick, out[a : a + block_outer, :, b : b + block_inner])
    return out.reshape(array.shape)


def _fill(target: Array, block: Array, table: Array, value: Any) -> None:
    if table.size and table[0] < 0:
        target[...] = value
    else:
        target[...] = block[:, table]


def _windows(now: Array, then: Array, length: int, pick: np.ufunc, out: Array) -> None:
    """The extreme of `length` samples from every position of axis 1 on, by doubling."""
    num, width = now.shape[1], 1
    while 2 * width <= length:
        num -= width
        pick(now[:, :num], now[:, width : width + num], out=then[:, :num])
        now, then, width = then, now, 2 * width
    rest = length - width
    pick(now[:, : num - rest], now[:, rest:num], out=out)


def check_values(rules: Sequence[AxisBoundary], dtype: np.dtype[Any]) -> None:
    """Refuse constants outside that would change when written into x's dtype."""
    for rule in rules:
        for side in (rule.before, rule.after):
            _check_value(side, dtype)


def _check_value(side: Side, dtype: np.dtype[Any]) -> None:
    if not side.fills or side.value == 0:
        return
    value = side.value
    if not (_holds_float(dtype, value) if dtype.kind == "f" else holds(dtype, value)):
        raise ParameterError(f"the boundary value {value!r} is not a number of dtype {dtype}: give such a number")


def _holds_float(dtype: np.dtype[Any], value: Any) -> bool:
    """Whether a float dtype has this number, rounded at most."""
    try:
        return not math.isfinite(value) or bool(np.longdouble(abs(value)) <= np.finfo(dtype).max)
    except (TypeError, OverflowError):
        # complex, or a whole number beyond every float
        return False
