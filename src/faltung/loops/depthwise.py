"""Depthwise layers with short kernels: the result with its bias, and all gradients in one pass over each plane.

Such layers are bound by memory, so what counts is how often a plane is read or written. Each plane is copied once with
its padding around it, which the first-level cache holds; all sums are taken from that copy.
"""

from ..jit.emitter import OF_DTYPE, Emitter, f64, i64, ptr
from .tap_sums import ROWS, add_sums
from .tiles import dense_tile, stage_block

PLANES = {
    "height": i64,
    "width": i64,
    "top": i64,
    "left": i64,
    "num_top": i64,
    "num_left": i64,
    "row_table": ptr(i64),
    "column_table": ptr(i64),
    "out_height": i64,
    "out_width": i64,
    "num_strips": i64,
}
"""One plane of a stack, what stands outside it, and the result, which is computed in so many strips of rows."""

GRADIENTS = {
    **PLANES,
    **{f"adjoint_{name}": PLANES[name] for name in ("top", "left", "num_top", "num_left", "row_table", "column_table")},
    "x_strips": i64,
    "num_entries": i64,
    "num_channels": i64,
}
"""The same, with what stands outside the result as the gradient by x sees it, and the stack."""


def _plane(e, item, source, source_size, around, stage, weights, start, target, target_size, num_strips, **tile):
    """Write the source, correlated with weights, into the target; every sum begins with `start`.

    Args:
        source_size, target_size: height and width.
        around: (top, num_top, row_table), (left, num_left, column_table).
        tile: kh, kw, rows, vecs, lanes; the target has at least the rows of a tile in each strip, and its columns.
    """
    kh, kw, rows = tile["kh"], tile["kw"], tile["rows"]
    step = tile["vecs"] * tile["lanes"]
    (height, width), (out_height, out_width) = source_size, target_size
    (top, *of_rows), (left, *of_columns) = around
    reach = out_width + (kw - 1)
    with e.range(num_strips) as s:
        y = out_height * s // num_strips
        num_rows = out_height * (s + 1) // num_strips - y
        stage_block(
            e, item, stage, reach, source, width,
            (y, num_rows + (kh - 1), height, top, *of_rows), (0, reach, width, left, *of_columns), e.value(0.0, item),
        )  # fmt: skip
        with e.range(0, num_rows, rows) as r, e.range(0, out_width, step) as c:
            # the last tile moves back and overlaps: same sums, same bits, no tail loop
            r1, c1 = e.least(r, num_rows - rows), e.least(c, out_width - step)
            here = target + ((y + r1) * out_width + c1)
            seen = stage + (r1 * reach + c1)
            dense_tile(
                e, item, seen, reach, weights, kw, kh, kw, here, out_width,
                rows=rows, vecs=tile["vecs"], lanes=tile["lanes"], start=start,
            )  # fmt: skip


def depthwise(*, item, kh, kw, rows, vecs, vector_bytes, checked=False):
    """Write the loop: out[p, r, c] = bias[channel] + sum of w[channel, i, j] x[p, r + i, c + j], x padded.

    Args:
        item: dtype name of everything.
        kh, kw: taps, all unrolled.
        rows, vecs: the register tile; a strip of the result has at least its rows, the result its columns.
    """
    number = OF_DTYPE[item]
    e = Emitter(
        "depthwise", checked=checked, src=ptr(number), weights=ptr(number), bias=ptr(number), out=ptr(number),
        plan=ptr(i64), stage=ptr(number), first=i64, last=i64,
    )  # fmt: skip
    e.unpack(e.plan, **PLANES, num_channels=i64)
    tile = {"kh": kh, "kw": kw, "rows": rows, "vecs": vecs, "lanes": vector_bytes // number.num_bytes}
    around = (e.top, e.num_top, e.row_table), (e.left, e.num_left, e.column_table)
    with e.range(e.first, e.last) as plane:
        channel = plane - plane // e.num_channels * e.num_channels
        _plane(
            e, number, e.src + plane * (e.height * e.width), (e.height, e.width), around, e.stage,
            e.weights + channel * (kh * kw), e.bias[channel],
            e.out + plane * (e.out_height * e.out_width), (e.out_height, e.out_width), e.num_strips, **tile,
        )  # fmt: skip
    return e


def depthwise_gradients(*, item, kh, kw, rows, vecs, vector_bytes, checked=False):
    """Write the loop: from g, of the result, the gradients by x, by the weights and by the bias, channel by channel.

    Args:
        item: dtype name of x, g, weights and the gradient by x; the other two are float64.
        kh, kw: taps; the weights come flipped along both axes.
        rows, vecs: the register tile of the gradient by x.
    """
    number = OF_DTYPE[item]
    lanes = vector_bytes // number.num_bytes
    e = Emitter(
        "depthwise_gradients", checked=checked, src=ptr(number), g=ptr(number), weights=ptr(number),
        to_x=ptr(number), to_weights=ptr(f64), to_bias=ptr(f64), plan=ptr(i64), stage=ptr(number), first=i64, last=i64,
    )  # fmt: skip
    e.unpack(e.plan, **GRADIENTS)
    tile = {"kh": kh, "kw": kw, "rows": rows, "vecs": vecs, "lanes": lanes}
    around = (
        (e.adjoint_top, e.adjoint_num_top, e.adjoint_row_table),
        (e.adjoint_left, e.adjoint_num_left, e.adjoint_column_table),
    )
    reach = e.out_width + (kw - 1)
    with e.range(e.first, e.last) as channel:
        to_weights, to_bias = e.to_weights + channel * (kh * kw), e.to_bias + channel
        for tap in range(kh * kw):
            to_weights[tap] = 0.0
        to_bias[0] = 0.0
        with e.range(e.num_entries) as n:
            plane = n * e.num_channels + channel
            g = e.g + plane * (e.out_height * e.out_width)
            src, to_x = e.src + plane * (e.height * e.width), e.to_x + plane * (e.height * e.width)
            _plane(
                e, number, g, (e.out_height, e.out_width), around, e.stage, e.weights + channel * (kh * kw), 0.0,
                to_x, (e.height, e.width), e.x_strips, **tile,
            )  # fmt: skip
            # few rows at a time, since their sums are rounded to float32 before they go into float64
            with e.range(0, e.out_height, ROWS) as y:
                num_rows = e.least(e.out_height - y, ROWS)
                stage_block(
                    e, number, e.stage, reach, src, e.width,
                    (y, num_rows + (kh - 1), e.height, e.top, e.num_top, e.row_table),
                    (0, reach, e.width, e.left, e.num_left, e.column_table),
                    e.value(0.0, number),
                )  # fmt: skip
                here = g + y * e.out_width
                add_sums(
                    e, number, here, e.out_width, num_rows, e.stage, reach, to_weights,
                    kh=kh, kw=kw, lanes=lanes, plain=to_bias,
                )  # fmt: skip
    return e
