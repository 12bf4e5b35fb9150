"""What each tap of a kernel meets: sums of one plane times another, shifted; the gradient of a layer by its weights."""

from ..jit.emitter import OF_DTYPE, Emitter, f64, i64, ptr
from .tiles import stage_block

ROWS = 32
"""Rows of g in one block: their sums are rounded to float32 at most, what blocks add up to is kept in float64."""

SUMS = 24
"""Sums that are held in registers at a time."""

GEOMETRY = {
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
    "down": i64,
    "across": i64,
    "stage_stride": i64,
    "num_entries": i64,
    "num_channels": i64,
    "per_channel": i64,
}
"""The plan block: x, what stands outside it, g, the dilation along both axes, and the stack."""


def tap_sums(*, item, kh, kw, vector_bytes, checked=False):
    """Write the loop: out[o, i, j] = sum of g[n, o, r, c] x[n, o // per_channel, r + i down, c + j across] of padded x.

    Args:
        item: dtype name of x and g; out is float64.
        kh, kw: taps, kw at most `SUMS`.
    """
    number = OF_DTYPE[item]
    lanes = vector_bytes // number.num_bytes
    e = Emitter(
        "tap_sums", checked=checked, src=ptr(number), g=ptr(number), out=ptr(f64), plan=ptr(i64),
        stage=ptr(number), first=i64, last=i64,
    )  # fmt: skip
    e.unpack(e.plan, **GEOMETRY)
    group = max(1, SUMS // kw)
    g_plane, x_plane = e.out_height * e.out_width, e.height * e.width
    reach_x = e.out_width + e.across * (kw - 1)

    def add(out, g, num_rows, width, start, stop):
        """Columns start..stop of g, so many at a time; 1 is a number, not a vector."""
        for top in range(0, kh, group):
            taps = [(i, j) for i in range(top, min(kh, top + group)) for j in range(kw)]
            sums = [e.cell(e.zeros(number, width) if width > 1 else 0.0, number) for _ in taps]
            with e.range(num_rows) as r:
                line = g + r * e.out_width
                lines = [e.stage + (r + e.down * i) * e.stage_stride for i in range(top, min(kh, top + group))]
                with e.range(start, stop, width) as c:
                    of_g = line.vec(c, width if width > 1 else 0)
                    for (i, j), total in zip(taps, sums, strict=True):
                        of_x = lines[i - top].vec(c + e.across * j, width if width > 1 else 0)
                        total.value = e.multiply_add(of_g, of_x, total.value)
            for (i, j), total in zip(taps, sums, strict=True):
                one = e.sum_of(total.value) if width > 1 else total.value
                out[i * kw + j] = out[i * kw + j] + e.cast(one, f64)

    with e.range(e.first, e.last) as channel:
        out = e.out + channel * (kh * kw)
        for tap in range(kh * kw):
            out[tap] = 0.0
        with e.range(e.num_entries) as n:
            src = e.src + (n * e.num_channels + channel // e.per_channel) * x_plane
            g = e.g + (n * (e.num_channels * e.per_channel) + channel) * g_plane
            with e.range(0, e.out_height, ROWS) as y:
                num_rows = e.least(e.out_height - y, ROWS)
                stage_block(
                    e, number, e.stage, e.stage_stride, src, e.width,
                    (y, num_rows + e.down * (kh - 1), e.height, e.top, e.num_top, e.row_table),
                    (0, reach_x, e.width, e.left, e.num_left, e.column_table),
                    e.value(0.0, number),
                )  # fmt: skip
                here, done, width = g + y * e.out_width, e.value(0, i64), lanes
                while width:
                    # whole vectors, then what is left by halves
                    stop = e.out_width // width * width
                    with e.when(done < stop):
                        add(out, here, num_rows, width, done, stop)
                    done, width = stop, width // 2
    return e
