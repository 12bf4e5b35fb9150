"""Runs the loops of depthwise layers with short kernels: stride 1, no dilation, zeros outside, as many out as in."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..jit import compiler
from ..jit.pool import run_parts
from ..loops.depthwise import depthwise, depthwise_gradients
from ..loops.tap_sums import ROWS
from ..spec import Array, Axis, untouched
from . import planes
from .shared import cuts

MOST_TAPS = 7
"""Along an axis: the register tile is unrolled up to here."""

STAGED = 1 << 13
"""Samples of one staged strip, about: float32 of them fill a first-level cache of 32 KiB."""


def serves(item: np.dtype[np.generic], axes: Sequence[Axis]) -> bool:
    """Whether there is a loop for these numbers and axes: a vector must fit into the result, and into x."""
    if item.name not in ("float32", "float64") or len(axes) > 2 or any(axis.taps > MOST_TAPS for axis in axes):
        return False
    lanes = compiler.vector_bytes() // item.itemsize
    plain = all(axis.stride == axis.dilation == 1 and min(axis.size, axis.num_out) > 0 for axis in axes)
    return plain and min(axes[-1].size, axes[-1].num_out) >= lanes


def run(x: Array, weights: Array, bias: Array, axes: Sequence[Axis], workers: int) -> Array:
    """The layer's result.

    Args:
        x: (N, C, *sizes), C-contiguous, float32 or float64, as all others.
        weights: (C, *taps).
        bias: (C,).
        axes: one or two.

    Returns:
        (N, C, *outputs).
    """
    plan = _forward(tuple(axes), x.dtype.name, x.shape[1])
    out = np.empty((*x.shape[:2], *(axis.num_out for axis in axes)), x.dtype)
    fixed = [compiler.pointer(a) for a in (x, weights, bias, out, plan.block)]
    _in_parts(plan, fixed, len(x) * x.shape[1], x.dtype, workers)
    return out


def gradients(x: Array, weights: Array, g: Array, axes: Sequence[Axis], workers: int) -> tuple[Array, Array, Array]:
    """From g (N, C, *outputs): the gradients by x, by the weights (C, *taps) and by the bias (C,).

    The last two are float64.
    """
    plan = _backward(tuple(axes), x.dtype.name, *x.shape[:2])
    flipped = np.ascontiguousarray(np.flip(weights, tuple(range(1, weights.ndim))))
    found = np.empty_like(x), np.empty(weights.shape), np.empty(len(weights))
    fixed = [compiler.pointer(a) for a in (x, g, flipped, *found, plan.block)]
    _in_parts(plan, fixed, x.shape[1], x.dtype, workers)
    return found


class _Plan:
    """A compiled loop and its tables."""

    def __init__(self, loop: Any, fields: dict[str, Any], staged: int) -> None:
        self.loop, self.staged = loop, staged
        self.block, self._kept = compiler.pack(**fields)


@lru_cache(maxsize=256)
def _forward(axes: tuple[Axis, ...], item: str, num_channels: int) -> _Plan:
    down, across = _pair(axes)
    tile = _tile(down.num_out, across.num_out, item)
    num_strips, rows = _strips(down, across, tile["rows"])
    loop = compiler.get(depthwise, item=item, kh=down.taps, kw=across.taps, **tile)
    fields = {**_fields(down, across), "num_strips": num_strips, "num_channels": num_channels}
    return _Plan(loop, fields, rows * (across.num_out + across.taps - 1))


@lru_cache(maxsize=256)
def _backward(axes: tuple[Axis, ...], item: str, num_entries: int, num_channels: int) -> _Plan:
    down, across = _pair(axes)
    down_back, across_back = _adjoint(down), _adjoint(across)
    tile = _tile(down.size, across.size, item)
    x_strips, rows = _strips(down_back, across_back, tile["rows"])
    loop = compiler.get(depthwise_gradients, item=item, kh=down.taps, kw=across.taps, **tile)
    fields = {
        **_fields(down, across),
        "num_strips": 1,
        **{f"adjoint_{name}": value for name, value in _around(down_back, across_back).items()},
        "x_strips": x_strips,
        "num_entries": num_entries,
        "num_channels": num_channels,
    }
    staged = max(rows * (across.size + across.taps - 1), (ROWS + down.taps - 1) * (across.num_out + across.taps - 1))
    return _Plan(loop, fields, staged)


def _in_parts(plan: _Plan, fixed: list[int], units: int, dtype: np.dtype[Any], workers: int) -> None:
    parts = max(1, min(units, 4 * workers)) if workers > 1 else 1
    limits = cuts(units, parts)

    def part(i: int) -> None:
        plan.loop(*fixed, compiler.scratch(plan.staged, dtype), limits[i], limits[i + 1])

    run_parts(part, parts, workers)


def _pair(axes: tuple[Axis, ...]) -> tuple[Axis, Axis]:
    return (axes[0], axes[1]) if len(axes) == 2 else (untouched(1), axes[0])


def _adjoint(axis: Axis) -> Axis:
    """The axis of the result, whose correlation with the flipped kernel gives the gradient by x."""
    before = axis.taps - 1 - axis.before
    return Axis(axis.position, axis.num_out, axis.taps, 1, 1, before, axis.taps - 1 - axis.after, axis.boundary)


def _tile(height: int, width: int, item: str) -> dict[str, int]:
    """The register tile whose vectors overlap least: 56 columns are two pairs of 16 lanes, not two triples."""
    wide = compiler.vector_bytes()
    lanes = wide // np.dtype(item).itemsize
    rows, most = planes.TILES[wide]
    vecs = min(range(1, min(most, width // lanes) + 1), key=lambda v: (-(-width // (v * lanes)) * v, -v))
    return {"rows": min(rows, height), "vecs": vecs, "vector_bytes": wide}


def _strips(down: Axis, across: Axis, rows: int) -> tuple[int, int]:
    """Into how many strips of at least so many rows a result is cut, and the most rows that one of them stages."""
    fitting = max(rows, STAGED // (across.num_out + across.taps - 1) - down.taps)
    count = max(1, min(-(-down.num_out // fitting), down.num_out // rows))
    return count, -(-down.num_out // count) + down.taps - 1


def _fields(down: Axis, across: Axis) -> dict[str, Any]:
    return {
        "height": down.size,
        "width": across.size,
        **_around(down, across),
        "out_height": down.num_out,
        "out_width": across.num_out,
    }


def _around(down: Axis, across: Axis) -> dict[str, Any]:
    """What stands outside a plane."""
    (num_top, row_table), (num_left, column_table) = planes.tables(down), planes.tables(across)
    return {
        "top": down.before,
        "left": across.before,
        "num_top": num_top,
        "num_left": num_left,
        "row_table": row_table,
        "column_table": column_table,
    }
