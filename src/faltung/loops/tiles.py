"""What the compiled loops share: register tiles, and the staging of a block with its border."""

from contextlib import nullcontext


def dense_tile(
    e,
    item,
    x,
    x_stride,
    w,
    w_stride,
    kh,
    kw,
    out,
    out_stride,
    *,
    rows,
    vecs,
    lanes,
    added=None,
    start=0.0,
    streamed=None,
):
    """A 2-D correlation of `rows` x `vecs` vectors of outputs, which stay in registers while the kernel passes over.

    x points to the top-left input. kh, kw: Python integers (unrolled) or run-time values; kh >= rows if run-time. Each
    input vector that is loaded serves up to `rows` output rows. added: None to store, or a run-time condition under
    which the sums are added to what out holds. start: a number that every sum begins with.
    streamed: see `store`.
    """
    first = e.splat(e.value(start, item), lanes)
    sums = [[e.cell(first) for _ in range(vecs)] for _ in range(rows)]

    def input_row(r, served):
        """Input row r meets output row q under kernel row r - q."""
        e.barrier()
        x_row, w_rows = x + x_stride * r, {q: w + (r - q) * w_stride for q in served}
        for c in e.loop(0, kw, unroll=4):
            loaded = [x_row.vec(c + lanes * j, lanes) for j in range(vecs)]
            for q, w_row in w_rows.items():
                weight = e.splat(w_row[c], lanes)
                for total, part in zip(sums[q], loaded, strict=True):
                    total.value = e.multiply_add(part, weight, total.value)

    if isinstance(kh, int):
        for r in range(rows + kh - 1):
            input_row(r, [q for q in range(rows) if 0 <= r - q < kh])
    else:
        for r in range(rows - 1):
            input_row(e.value(r, x_stride.type), range(r + 1))
        with e.range(rows - 1, kh) as r:
            input_row(r, range(rows))
        for t in range(1, rows):
            input_row(kh + (t - 1), range(t, rows))
    store(
        e, item, [(out + out_stride * q, [cell.value for cell in sums[q]]) for q in range(rows)], lanes, added, streamed
    )


def row_tile(e, item, x_rows, w, taps, out_rows, *, vecs, lanes, added=None, streamed=None):
    """A 1-D correlation along several rows at once, `vecs` vectors of outputs each.

    Input offset o is tap o - lanes * t of vector t: each input vector that is loaded serves all vectors of its row.
    taps: a Python integer (unrolled), or a run-time value >= lanes * (vecs - 1).
    """
    sums = [[e.cell(e.zeros(item, lanes)) for _ in range(vecs)] for _ in x_rows]

    def offset(o, served):
        loaded = [x.vec(o, lanes) for x in x_rows]
        for t in served:
            weight = e.splat(w[o - lanes * t], lanes)
            for line, part in zip(sums, loaded, strict=True):
                line[t].value = e.multiply_add(part, weight, line[t].value)

    if isinstance(taps, int):
        for o in range(taps + lanes * (vecs - 1)):
            if o % 8 == 0:
                e.barrier()
            offset(o, [t for t in range(vecs) if 0 <= o - lanes * t < taps])
    else:
        for b in range(vecs - 1):
            e.barrier()
            for o in range(lanes * b, lanes * (b + 1)):
                offset(e.value(o, taps.type), range(b + 1))
        for o in e.loop(lanes * (vecs - 1), taps, unroll=8):
            offset(o, range(vecs))
        for b in range(vecs - 1):
            e.barrier()
            for o in range(lanes * b, lanes * (b + 1)):
                offset(taps + o, range(b + 1, vecs))
    filled = [(out, [cell.value for cell in line]) for out, line in zip(out_rows, sums, strict=True)]
    store(e, item, filled, lanes, added, streamed)


def store(e, item, rows, lanes, added, streamed=None):
    """Write rows of vectors of sums, or add them to what stands there if the run-time condition `added` holds.

    All is read before anything is written: rows may overlap where a block is not a whole number of tiles.

    Args:
        streamed: a run-time condition under which the vectors go past the caches, all of them in aligned places.
    """
    if added is not None:
        zeros = e.zeros(item, lanes)
        rows = [
            (out, [total + e.where(added, out.vec(lanes * t, lanes), zeros) for t, total in enumerate(line)])
            for out, line in rows
        ]
    places = [(out + lanes * t, total) for out, line in rows for t, total in enumerate(line)]
    if streamed is not None:
        with e.when(streamed):
            for place, total in places:
                e.stream(place, total)
    with e.when(~streamed) if streamed is not None else nullcontext():
        for place, total in places:
            place[0] = total


def all_aligned(e, out, stride, num_rows, num_bytes):
    """Whether so many rows all begin at multiples of a vector's bytes."""
    first = e.is_multiple(out, num_bytes)
    return first & e.is_multiple(out + stride, num_bytes) if num_rows > 1 else first


def stage_row(e, item, target, source, along, fill):
    """Copy positions first..first+count of a padded line to target[0:count].

    along: (first, count, size, before, num_left, table). Position p of it is source[p - before].
    Outside 0..size, `table` holds where to read (`num_left` entries for the
    positions before the line, then those after), or OUTSIDE for the fill value.
    """
    first, count, size, before, num_left, table = along

    def from_table(c, entry):
        index = table[entry]
        target[c] = e.where(index >= 0, e.cast(source[e.most(index, 0)], item), fill)

    left = e.least(e.most(before - first, 0), count)
    right = e.least(e.most(before + size - first, left), count)
    with e.range(left) as c:
        from_table(c, first + c - before + num_left)
    lanes = 16
    whole = left + (right - left) // lanes * lanes
    with e.range(left, whole, lanes) as c:
        target[c] = e.cast(source.vec(first + c - before, lanes), item)
    with e.range(whole, right) as c:
        target[c] = e.cast(source[first + c - before], item)
    with e.range(right, count) as c:
        from_table(c, first + c - before - size + num_left)


def stage_block(e, item, target, stride, source, source_stride, rows, columns, fill):
    """A block of the padded image, row by row; a padded row that comes from no image row is all fill.

    rows, columns: what `stage_row` calls `along`, for each axis.
    """
    first, count, size, before, num_left, table = rows
    with e.range(count) as r:
        i = first + r - before
        line = e.cell(i)
        with e.when(i < 0):
            line.value = table[i + num_left]
        with e.when(i >= size):
            line.value = table[i - size + num_left]
        row, here = line.value, target + r * stride
        with e.when(row >= 0):
            stage_row(e, item, here, source + row * source_stride, columns, fill)
        with e.when(row < 0), e.range(columns[1]) as c:
            here[c] = fill
