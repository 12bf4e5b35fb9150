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
    g_plane, x_plane = e.out_height * e.out_width, e.height * e.width
    reach_x = e.out_width + e.across * (kw - 1)

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
                add_sums(
                    e, number, g + y * e.out_width, e.out_width, num_rows, e.stage, e.stage_stride, out,
                    kh=kh, kw=kw, down=e.down, across=e.across, lanes=lanes,
                )  # fmt: skip
    return e


def add_sums(e, item, g, width, num_rows, x, x_stride, out, *, kh, kw, lanes, down=1, across=1, plain=None):
    """Add to out, for each tap, the sum of g times what the tap sees of x.

    Args:
        g: num_rows rows of `width`, one behind the other.
        x: the padded rows that the windows of g see, `x_stride` apart.
        out: kh x kw float64.
        plain: where the sum of g itself is added.
    """
    group = max(1, SUMS // kw)

    def columns(start, stop, width_of):
        """Columns start..stop of g, so many at a time; 1 is a number, not a vector."""
        vector = width_of if width_of > 1 else 0
        for top in range(0, kh, group):
            taps = [(i, j) for i in range(top, min(kh, top + group)) for j in range(kw)]
            targets = [out + (i * kw + j) for i, j in taps]
            if plain is not None and top == 0:
                targets.append(plain)
            sums = [e.cell(e.zeros(item, width_of) if vector else 0.0, item) for _ in targets]
            with e.range(num_rows) as r:
                line = g + r * width
                lines = [x + (r + down * i) * x_stride for i in range(top, min(kh, top + group))]
                with e.range(start, stop, width_of) as c:
                    of_g = line.vec(c, vector)
                    for (i, j), total in zip(taps, sums, strict=False):
                        of_x = lines[i - top].vec(c + across * j, vector)
                        total.value = e.multiply_add(of_g, of_x, total.value)
                    for total in sums[len(taps) :]:
                        total.value = total.value + of_g
            for target, found in zip(targets, sums, strict=True):
                total = found.value
                target[0] = target[0] + e.cast(e.sum_of(total) if vector else total, f64)

    done, width_of = e.value(0, i64), lanes
    while width_of:
        # whole vectors, then what is left by halves
        stop = width // width_of * width_of
        with e.when(done < stop):
            columns(done, stop, width_of)
        done, width_of = stop, width_of // 2
