"""Separable 2-D correlation in one pass: down into a few rows that stay in the cache, across straight out of them."""

from ..jit.emitter import OF_DTYPE, i64
from .dense2d import GEOMETRY
from .stack import pair_of, stack_emitter
from .tiles import all_aligned, dense_tile, row_tile, stage_block


def separable2d(*, source, result, kh, kw, rows, vecs, across_rows, across_vecs, vector_bytes, streams, checked=False):
    """Write the loop.

    Args:
        source, result: dtype names of the samples, and of weights and sums.
        kh, kw: kernel size to unroll for; 0 is any size (kh >= rows, kw >= lanes * (across_vecs - 1)).
        streams: whether results go past the caches where they lie in aligned places.
        rows, vecs: the register tile of the pass down; `rows` rows are kept between the passes.
        across_rows, across_vecs: the register tile of the pass across; across_rows divides rows.
    """
    pixel, item = OF_DTYPE[source], OF_DTYPE[result]
    lanes = vector_bytes // item.num_bytes
    step, across_step = lanes * vecs, lanes * across_vecs
    e = stack_emitter("separable2d", source, result, "down", "across", checked=checked)
    e.unpack(e.plan, **GEOMETRY, kheight=i64, kwidth=i64)
    kh, kw = kh or e.kheight, kw or e.kwidth
    spare = e.scratch
    middle = spare + across_rows * across_step
    stage = middle + rows * e.stage_stride

    def block(src, down, across, dst, y, th, x, tw):
        """Outputs [y, y+th) x [x, x+tw)."""
        reach_x = tw + e.kwidth - 1
        tall, wide = th >= rows, tw >= across_step
        base, stride, staged = stage, e.stage_stride, th > 0
        if pixel is item:
            inside = tall & wide & (y >= e.top) & (y + th + e.kheight <= e.top + e.height + 1)
            inside = inside & (x >= e.left) & (x + reach_x <= e.left + e.width)
            here = src + ((y - e.top) * e.src_stride + (x - e.left))
            base, stride, staged = e.where(inside, here, stage), e.where(inside, e.src_stride, stride), ~inside
        with e.when(staged):
            rows_read = (y, th + e.kheight - 1, e.height, e.top, e.num_top, e.row_table)
            columns_read = (x, reach_x, e.width, e.left, e.num_left, e.column_table)
            stage_block(e, item, stage, e.stage_stride, src, e.src_stride, rows_read, columns_read, e.fill)
        with e.range(0, th, rows) as r0:
            # the last tile moves back and overlaps: same sums, same bits
            r = e.where(tall, e.least(r0, th - rows), r0)
            with e.range(0, reach_x, step) as c0:
                c = e.where(wide, e.least(c0, reach_x - step), c0)
                dense_tile(
                    e, item, base + (r * stride + c), stride, down, 1, kh, 1, middle + c, e.stage_stride,
                    rows=rows, vecs=vecs, lanes=lanes,
                )  # fmt: skip
            with e.range(0, e.least(th - r, rows), across_rows) as q:
                whole = wide & (r + q + across_rows <= th)
                with e.range(0, tw, across_step) as c0:
                    c = e.where(wide, e.least(c0, tw - across_step), c0)
                    target = dst + ((y + r + q) * e.dst_stride + (x + c))
                    out, out_stride = e.where(whole, target, spare), e.where(whole, e.dst_stride, across_step)
                    inputs = [middle + ((q + i) * e.stage_stride + c) for i in range(across_rows)]
                    outputs = [out + out_stride * i for i in range(across_rows)]
                    aligned = all_aligned(e, target, e.dst_stride, across_rows, vector_bytes) if streams else None
                    row_tile(
                        e, item, inputs, across, kw, outputs, vecs=across_vecs, lanes=lanes,
                        streamed=whole & aligned if streams else None,
                    )  # fmt: skip
                    with (
                        e.when(~whole),
                        e.range(e.least(th - (r + q), across_rows)) as i,
                        e.range(e.least(tw - c, across_step)) as j,
                    ):
                        target[i * e.dst_stride + j] = spare[i * across_step + j]

    with e.range(e.first, e.last) as unit:
        plane = unit // e.num_strips
        strip = unit - plane * e.num_strips
        source, kernel = pair_of(e, plane)
        y = e.row_edges[strip]
        src, dst = e.src + source * e.src_plane, e.dst + plane * e.dst_plane
        down, across = e.down + kernel * e.kheight, e.across + kernel * e.kwidth
        with e.range(e.num_blocks) as b:
            x = e.column_edges[b]
            block(src, down, across, dst, y, e.row_edges[strip + 1] - y, x, e.column_edges[b + 1] - x)
    if streams:
        e.fence()
    return e
