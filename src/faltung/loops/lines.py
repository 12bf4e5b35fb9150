"""Correlation along the last axis of a stack of lines, border included; units first..last of line x block."""

from ..jit.emitter import OF_DTYPE, i64, ptr
from .stack import PAIRS, pair_of, stack_emitter
from .tiles import row_tile, stage_row


def lines(*, source, result, taps, rows, vecs, vector_bytes, pieces, checked=False):
    """Write the loop: a block is cut into `rows` stretches, which the row tile takes as so many rows.

    Args:
        source, result: dtype names of the samples, and of weights and sums.
        taps: kernel length to unroll for; 0 is any length >= lanes * (vecs - 1).
        rows, vecs: the register tile.
        pieces: the taps are summed piece by piece, as the table `pieces` (begin, end each) says; 0 is one sum.
    """
    pixel, item = OF_DTYPE[source], OF_DTYPE[result]
    lanes = vector_bytes // item.num_bytes
    step = lanes * vecs
    e = stack_emitter("lines", source, result, "weights", checked=checked)
    e.unpack(
        e.plan, src_line=i64, dst_line=i64, size=i64, before=i64, num_left=i64, num_taps=i64, num_blocks=i64,
        table=ptr(i64), edges=ptr(i64), pieces=ptr(i64), num_pieces=i64, **PAIRS,
    )  # fmt: skip

    def block(src, weights, dst, x, count):
        # whole steps, so that every stretch is whole; stretches overlap where the block is not: same sums, same bits
        stretch = (count + (rows * step - 1)) // (rows * step) * step
        fits = count >= stretch
        spare, stage = e.scratch, e.scratch + stretch * rows
        reach = count + e.num_taps - 1
        base, staged = stage, count > 0
        if pixel is item:
            inside = fits & (x >= e.before) & (x + reach <= e.before + e.size)
            base, staged = e.where(inside, src + (x - e.before), stage), ~inside
        with e.when(staged):
            stage_row(e, item, stage, src, (x, reach, e.size, e.before, e.num_left, e.table), e.fill)
        starts = [e.where(fits, e.least(stretch * q, count - stretch), stretch * q) for q in range(rows)]
        out = e.where(fits, dst + x, spare)
        with e.range(0, stretch, step) as c:
            inputs, outputs = [base + (s + c) for s in starts], [out + (s + c) for s in starts]
            if pieces:
                with e.range(e.num_pieces) as p:
                    begin, end = e.pieces[p * 2], e.pieces[p * 2 + 1]
                    parts = [line + begin for line in inputs]
                    row_tile(e, item, parts, weights + begin, end - begin, outputs, vecs=vecs, lanes=lanes, added=p > 0)
            else:
                row_tile(e, item, inputs, weights, taps or e.num_taps, outputs, vecs=vecs, lanes=lanes)
        with e.when(~fits), e.range(count) as c:
            dst[x + c] = spare[c]

    with e.range(e.first, e.last) as unit:
        line = unit // e.num_blocks
        b = unit - line * e.num_blocks
        source, kernel = pair_of(e, line)
        x = e.edges[b]
        weights = e.weights + kernel * e.num_taps
        block(e.src + source * e.src_line, weights, e.dst + line * e.dst_line, x, e.edges[b + 1] - x)
    return e
