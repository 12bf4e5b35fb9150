"""A block of the padded input, made from index tables: what lies outside comes from inside, or is filled."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..boundary import AxisBoundary
from ..spec import Array, Axis


def gather(x: Array, axes: Sequence[Axis], starts: Sequence[int], stops: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """Positions starts..stops of the padded x, per convolved axis; position 0 is the first that any window reads.

    Args:
        x: (B, *sizes).
        axes: one per size; their boundary and `before` count.

    Returns:
        (B, *(stop - start)) in `dtype`: a view of x where nothing lies outside and the dtype is right, else new.
        Where several axes are outside at once, the last one that fills decides.
    """
    reach = [_reach(axis, start, stop) for axis, start, stop in zip(axes, starts, stops, strict=True)]
    # first cut out all that is read: taking whole rows of x to keep a few columns costs more than the tile
    block = x[(slice(None), *(slice(low, high) for low, high in reach))]
    fills: list[tuple[tuple[Any, ...], Any]] = []
    for i, (axis, start, stop) in enumerate(zip(axes, starts, stops, strict=True)):
        first, last = start - axis.before, stop - axis.before
        if first >= 0 and last <= axis.size:
            continue
        index: list[Any] = [slice(None)] * x.ndim
        left, right = max(0, min(last, 0) - first), max(0, last - max(first, axis.size))
        source = _sources(axis.boundary, axis.size, first, last)
        block = np.take(block, np.maximum(source - reach[i][0], 0), axis=i + 1)
        for side, part in ((axis.boundary.before, slice(0, left)), (axis.boundary.after, slice(-right, None))):
            if side.fills and part != slice(0, None) and part.stop != 0:
                index[i + 1] = part
                fills.append((tuple(index), side.value))
    block = block.astype(dtype, copy=False)
    for where, value in fills:
        block[where] = value
    return block


def _reach(axis: Axis, start: int, stop: int) -> tuple[int, int]:
    """The samples of x that these positions come from, at least one."""
    first, last = start - axis.before, stop - axis.before
    if first >= 0 and last <= axis.size:
        return first, last
    source = _sources(axis.boundary, axis.size, first, last)
    inside = source[source >= 0]
    return (int(inside.min()), int(inside.max()) + 1) if len(inside) else (0, 1)


def _sources(boundary: AxisBoundary, size: int, first: int, last: int) -> Array:
    """Where positions first..last of an axis come from; OUTSIDE where a fill value stands."""
    left, right = boundary.tables(size, max(0, -first), max(0, last - size))
    inside = np.arange(max(first, 0), min(last, size), dtype=np.int64)
    whole = np.concatenate([left[: max(0, min(last, 0) - first)], inside, right[max(0, first - size) :]])
    assert len(whole) == last - first
    return whole
