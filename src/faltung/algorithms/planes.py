"""Tables and cuts around the compiled plane and line loops: what direct and separable have in common."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..jit import compiler
from ..loops.dense2d import dense2d
from ..loops.lines import lines
from ..loops.separable2d import separable2d
from ..loops.taps import PARTIAL
from ..machine import DEFAULT
from ..spec import Array, Axis, ConvSpec
from .shared import Shared

STRIP, BLOCK, LINE = 36, 1024, 8192
"""Outputs between edges: rows and columns of a plane (a staged block of float32 stays in a second-level cache), samples
of a line."""


def tables(axis: Axis) -> tuple[int, Array]:
    """Number of positions before the axis, and where they and the ones behind come from."""
    num_before, num_after = max(axis.before, 0), max(axis.after, 0)
    left, right = axis.boundary.tables(axis.size, num_before, num_after)
    # one entry more: an empty array has no address to speak of
    return num_before, np.concatenate([left, right, [0]]).astype(np.int64)


def edges(axis: Axis, block: int, tile: int) -> Array:
    """Where to cut the outputs: the borders apart in whole tiles, the inside (read in place) in even blocks."""
    size = axis.num_out
    low, high = -(-max(axis.before, 0) // tile) * tile, size - -(-max(axis.after, 0) // tile) * tile
    if high - low < 2 * tile:
        low, high = 0, size
    count = max(1, -(-(high - low) // block))
    inner = [low + round((high - low) * i / count / tile) * tile for i in range(count)]
    return np.array(sorted({0, *inner, high, size}), np.int64)


def fill_value(axes: Sequence[Axis]) -> Any:
    """The one value that stands outside wherever something is filled; None if there are several."""
    values = {side.value for axis in axes for side in (axis.boundary.before, axis.boundary.after) if side.fills}
    if len(values) > 1:
        return None
    return values.pop() if values else 0


def pieces(kh: int, kw: int, rows: int) -> Array:
    """Cut kh x kw taps into rectangles (r0, r1, c0, c1) of at most 256 taps, of `rows` rows or more if kh >= rows."""
    # tall and narrow: an input row serves up to `rows` output rows, but not at the ends of a piece
    count = -(-kh // MOST_ROWS)
    if kh // count < rows:
        count = max(1, kh // rows)
    heights = [kh * i // count for i in range(count + 1)]
    width = max(1, PARTIAL // max(b - a for a, b in pairwise(heights)))
    columns = -(-kw // width)
    widths = [kw * i // columns for i in range(columns + 1)]
    cut = [(r0, r1, c0, c1) for r0, r1 in pairwise(heights) for c0, c1 in pairwise(widths)]
    return np.array(cut, np.int64)


TILES = {64: (6, 4), 32: (4, 2), 16: (4, 2)}
"""Vector bytes -> rows and vectors of the dense register tile: sums, inputs and weights fill the registers."""

ROW_TILES = {64: (4, 4), 32: (2, 4), 16: (2, 4)}
"""The same for the row tile: rows, vectors."""

MOST_ROWS = 64
"""Rows of one piece of a large kernel; four columns of it make PARTIAL taps."""

WIDE_BLOCK = 2048
"""Columns between edges of the separable loop. The rows between its passes then leave the first-level cache, but fewer,
longer runs win: sigma 3 on 2048 x 2048 takes 6.7 ms with 72 x 2048 read in place, 9.0 with 36 x 512 staged."""

UNROLLED = 7
"""Up to this many taps along an axis the dense tile is unrolled."""


def dense_shape(axes: Sequence[Axis], lanes: int, width: int) -> tuple[int, int]:
    """Rows and vectors of a dense tile that fits outputs of these sizes."""
    rows, vecs = TILES[width]
    height, columns = axes[0].num_out, axes[1].num_out
    rows = next(r for r in (rows, 4, 2, 1) if r <= max(height, 1))
    return rows, max(1, min(vecs, columns // lanes))


def plane_fields(axes: Sequence[Axis], tile: tuple[int, int], strip: int, block: int, slack: int) -> dict[str, Any]:
    """The plan block of `loops.dense2d.GEOMETRY` for contiguous planes.

    Args:
        tile: outputs of one tile, rows and columns.
        slack: how far tiles may read beyond a staged row.
    """
    down, across = axes
    num_top, row_table = tables(down)
    num_left, column_table = tables(across)
    row_edges, column_edges = edges(down, strip, tile[0]), edges(across, block, tile[1])
    return {
        "src_stride": across.size,
        "dst_stride": across.num_out,
        "src_plane": down.size * across.size,
        "dst_plane": down.num_out * across.num_out,
        "height": down.size,
        "width": across.size,
        "top": down.before,
        "left": across.before,
        "num_top": num_top,
        "num_left": num_left,
        "row_table": row_table,
        "column_table": column_table,
        "row_edges": row_edges,
        "column_edges": column_edges,
        "num_strips": len(row_edges) - 1,
        "num_blocks": len(column_edges) - 1,
        "stage_stride": int(np.diff(column_edges).max()) + across.taps - 1 + slack,
    }


def pair_fields(spec: ConvSpec) -> dict[str, Any]:
    """The fields of `loops.stack.PAIRS`."""
    pairs = spec.pairs()
    return {
        "pairs": np.zeros((1, 2), np.int64) if pairs is None else pairs,
        "num_pairs": 0 if pairs is None else len(pairs),
    }


def _streams(spec: ConvSpec) -> bool:
    """Whether this result is so large that the caches would not keep it."""
    return compiler.can_stream() and spec.num_outputs * spec.item.itemsize >= compiler.STREAMED


PLANE_STRIDES = ((True, -2), (False, -2), (True, -3), (False, -3))
LINE_STRIDES = ((True, -2), (False, -2))


def share_planes(spec: ConvSpec, source: str, fill: Any) -> Shared:
    """The dense plane loop for two axes."""
    axes, item = spec.axes, spec.item
    width = compiler.vector_bytes()
    lanes = width // item.itemsize
    kh, kw = axes[0].taps, axes[1].taps
    rows, vecs = dense_shape(axes, lanes, width)
    step = lanes * vecs
    in_pieces = kh * kw > PARTIAL and item.kind == "f"
    loop = compiler.get(
        dense2d,
        source=source,
        result=item.name,
        kh=kh if kh < max(rows, UNROLLED + 1) else 0,
        kw=kw if kw <= UNROLLED and not in_pieces else 0,
        rows=rows,
        vecs=vecs,
        vector_bytes=width,
        pieces=in_pieces,
        streams=_streams(spec),
    )
    fields = plane_fields(axes, (rows, step), STRIP, BLOCK, step)
    cut = pieces(kh, kw, max(rows, UNROLLED + 1)) if in_pieces else np.zeros((1, 4), np.int64)
    fields |= pair_fields(spec) | {"kheight": kh, "kwidth": kw, "pieces": cut, "num_pieces": len(cut)}
    tallest = int(np.diff(fields["row_edges"]).max())
    scratch = rows * step + (tallest + kh - 1 + rows) * fields["stage_stride"]
    seconds = axes[0].num_out * axes[1].num_out * (kh * kw + 8) / DEFAULT.direct_rate
    return Shared(loop, fields, PLANE_STRIDES, fill, fields["num_strips"], scratch, seconds)


def share_separable(spec: ConvSpec, source: str) -> Shared:
    """The fused separable loop for two axes with at most PARTIAL taps each."""
    axes, item = spec.axes, spec.item
    width = compiler.vector_bytes()
    lanes = width // item.itemsize
    kh, kw = axes[0].taps, axes[1].taps
    columns = axes[1].num_out
    rows, vecs = dense_shape(axes, lanes, width)
    across_rows, across_vecs = ROW_TILES[width]
    across_rows = max(r for r in (1, 2, 3, 4) if rows % r == 0 and r <= across_rows)
    across_vecs = max(1, min(across_vecs, columns // lanes))
    loop = compiler.get(
        separable2d,
        source=source,
        result=item.name,
        kh=kh if kh < max(rows, UNROLLED + 1) else 0,
        kw=kw if kw <= max(32, lanes * (across_vecs - 1)) else 0,
        rows=rows,
        vecs=vecs,
        across_rows=across_rows,
        across_vecs=across_vecs,
        vector_bytes=width,
        streams=_streams(spec),
    )
    step = lanes * max(vecs, across_vecs)
    fields = plane_fields(axes, (rows, step), 2 * STRIP, WIDE_BLOCK, step + lanes * vecs)
    fields |= pair_fields(spec) | {"kheight": kh, "kwidth": kw}
    tallest = int(np.diff(fields["row_edges"]).max())
    scratch = across_rows * step + (rows + tallest + kh - 1 + rows) * fields["stage_stride"]
    seconds = axes[0].num_out * axes[1].num_out * (kh + kw + 8) / DEFAULT.direct_rate
    return Shared(loop, fields, PLANE_STRIDES, 0.0, fields["num_strips"], scratch, seconds)


def share_lines(spec: ConvSpec, source: str, fill: Any) -> Shared:
    """The line loop for one axis."""
    (axis,), item = spec.axes, spec.item
    width = compiler.vector_bytes()
    lanes = width // item.itemsize
    rows, vecs = ROW_TILES[width]
    rows = max(1, min(rows, axis.num_out // (lanes * vecs)))
    vecs = max(1, min(vecs, axis.num_out // lanes))
    in_pieces = axis.taps > PARTIAL and item.kind == "f"
    taps = axis.taps
    loop = compiler.get(
        lines,
        source=source,
        result=item.name,
        taps=taps if taps <= max(32, lanes * (vecs - 1)) else 0,
        rows=rows,
        vecs=vecs,
        vector_bytes=width,
        pieces=in_pieces,
    )
    num_left, table = tables(axis)
    cut = edges(axis, LINE, rows * lanes * vecs)
    count = -(-taps // PARTIAL)
    limits = [taps * i // count for i in range(count + 1)]
    fields = {
        "src_line": axis.size,
        "dst_line": axis.num_out,
        "size": axis.size,
        "before": axis.before,
        "num_left": num_left,
        "num_taps": taps,
        "num_blocks": len(cut) - 1,
        "table": table,
        "edges": cut,
        "pieces": np.array(list(pairwise(limits)), np.int64),
        "num_pieces": count,
        **pair_fields(spec),
    }
    step = lanes * vecs
    longest = -(-int(np.diff(cut).max()) // (rows * step)) * rows * step
    return Shared(
        loop,
        fields,
        LINE_STRIDES,
        fill,
        len(cut) - 1,
        2 * longest + taps + step,
        axis.num_out * (taps + 8) / DEFAULT.direct_rate,
    )
