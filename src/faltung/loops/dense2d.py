"""Dense 2-D correlation of a stack of planes, border included; units are strips, so threads can share."""

from ..jit.emitter import OF_DTYPE, i64, ptr
from .stack import PAIRS, pair_of, stack_emitter
from .tiles import all_aligned, dense_tile, stage_block

GEOMETRY = {
    "src_stride": i64,
    "dst_stride": i64,
    "src_plane": i64,
    "dst_plane": i64,
    "height": i64,
    "width": i64,
    "top": i64,
    "left": i64,
    "num_top": i64,
    "num_left": i64,
    "row_table": ptr(i64),
    "column_table": ptr(i64),
    "row_edges": ptr(i64),
    "column_edges": ptr(i64),
    "num_strips": i64,
    "num_blocks": i64,
    "stage_stride": i64,
    **PAIRS,
}
"""The plan block that all plane loops read: strides in elements, edges of strips and blocks in outputs."""


def dense2d(*, source, result, kh, kw, rows, vecs, vector_bytes, pieces, streams, checked=False):
    """Write the loop.

    Args:
        source, result: dtype names of the samples, and of weights and sums.
        kh, kw: kernel size to unroll for; 0 is any size (kh >= rows).
        rows, vecs: the register tile.
        streams: whether results go past the caches where they lie in aligned places and are one sum.
        pieces: the taps are summed piece by piece, as the table `pieces` (r0, r1, c0, c1 each) says; 0 is one sum.
    """
    pixel, item = OF_DTYPE[source], OF_DTYPE[result]
    lanes = vector_bytes // item.num_bytes
    step = lanes * vecs
    e = stack_emitter("dense2d", source, result, "weights", checked=checked)
    e.unpack(e.plan, **GEOMETRY, kheight=i64, kwidth=i64, pieces=ptr(i64), num_pieces=i64)
    spare, stage = e.scratch, e.scratch + rows * step

    def tile(weights, base, stride, out, out_stride, whole_tile):
        whole = {"rows": rows, "vecs": vecs, "lanes": lanes}
        if not pieces:
            size = kh or e.kheight, kw or e.kwidth
            streamed = whole_tile & all_aligned(e, out, out_stride, rows, vector_bytes) if streams else None
            dense_tile(
                e, item, base, stride, weights, kw or e.kwidth, *size, out, out_stride, streamed=streamed, **whole
            )
            return
        with e.range(e.num_pieces) as p:
            r0, r1, c0, c1 = (e.pieces[p * 4 + i] for i in range(4))
            height = kh or r1 - r0
            part = weights + (r0 * e.kwidth + c0)
            dense_tile(
                e, item, base + (r0 * stride + c0), stride, part, e.kwidth, height, c1 - c0, out, out_stride,
                added=p > 0, **whole,
            )  # fmt: skip

    def block(src, weights, dst, y, th, x, tw):
        """Outputs [y, y+th) x [x, x+tw): read in place if all windows stay inside, else from a staged copy."""
        fits = (th >= rows) & (tw >= step)
        base, stride, staged = stage, e.stage_stride, th > 0
        reach_y, reach_x = th + e.kheight - 1, tw + e.kwidth - 1
        if pixel is item:
            inside = fits & (y >= e.top) & (y + reach_y <= e.top + e.height)
            inside = inside & (x >= e.left) & (x + reach_x <= e.left + e.width)
            here = src + ((y - e.top) * e.src_stride + (x - e.left))
            base, stride, staged = e.where(inside, here, stage), e.where(inside, e.src_stride, stride), ~inside
        with e.when(staged):
            stage_block(
                e, item, stage, e.stage_stride, src, e.src_stride,
                (y, reach_y, e.height, e.top, e.num_top, e.row_table),
                (x, reach_x, e.width, e.left, e.num_left, e.column_table),
                e.fill,
            )  # fmt: skip
        with e.range(0, th, rows) as r, e.range(0, tw, step) as c:
            # the last tile moves back and overlaps: same sums, same bits, no tail loop
            r1, c1 = e.where(fits, e.least(r, th - rows), r), e.where(fits, e.least(c, tw - step), c)
            target = dst + ((y + r1) * e.dst_stride + (x + c1))
            tile(
                weights,
                base + (r1 * stride + c1),
                stride,
                e.where(fits, target, spare),
                e.where(fits, e.dst_stride, step),
                fits,
            )
            with e.when(~fits), e.range(e.least(th - r1, rows)) as i, e.range(e.least(tw - c1, step)) as j:
                target[i * e.dst_stride + j] = spare[i * step + j]

    with e.range(e.first, e.last) as unit:
        plane = unit // e.num_strips
        strip = unit - plane * e.num_strips
        source, kernel = pair_of(e, plane)
        y = e.row_edges[strip]
        src, dst = e.src + source * e.src_plane, e.dst + plane * e.dst_plane
        weights = e.weights + kernel * (e.kheight * e.kwidth)
        with e.range(e.num_blocks) as b:
            x = e.column_edges[b]
            block(src, weights, dst, y, e.row_edges[strip + 1] - y, x, e.column_edges[b + 1] - x)
    if streams:
        e.fence()
    return e
