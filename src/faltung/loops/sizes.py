"""Sums of sizes |x|, for error bounds: over everything, or block by block."""

from ..jit.emitter import OF_DTYPE, Emitter, i64, ptr


def sum_sizes(*, dtype, vector_bytes, checked=False):
    """Write the loop: out[0] = sum of |src[i]| for i < num_items."""
    item = OF_DTYPE[dtype]
    lanes = vector_bytes // item.num_bytes
    e = Emitter("sum_sizes", checked=checked, src=ptr(item), out=ptr(item), num_items=i64)
    sums = [e.cell(e.zeros(item, lanes)) for _ in range(4)]
    whole = e.num_items // (4 * lanes) * (4 * lanes)
    with e.range(0, whole, 4 * lanes) as i:
        for j, total in enumerate(sums):
            total.value = total.value + e.absolute(e.src.vec(i + lanes * j, lanes))
    rest = e.cell(0.0, item)
    with e.range(whole, e.num_items) as i:
        rest.value = rest.value + e.absolute(e.src[i])
    together = sums[0].value + sums[1].value + (sums[2].value + sums[3].value)
    e.out[0] = rest.value + e.sum_of(together)
    return e


def block_sizes(*, dtype, vector_bytes, checked=False):
    """Write the loop: out[r, c] = sum of |src| over the block (r, c) of `tall` x `wide` samples.

    src is read in rows `stride` apart; `sums` holds one row of sums, num_columns * wide of them.
    """
    item = OF_DTYPE[dtype]
    lanes = vector_bytes // item.num_bytes
    e = Emitter(
        "block_sizes", checked=checked, src=ptr(item), out=ptr(item), sums=ptr(item), stride=i64, num_rows=i64,
        num_columns=i64, tall=i64, wide=i64,
    )  # fmt: skip
    width = e.num_columns * e.wide
    whole = width // lanes * lanes
    with e.range(e.num_rows) as r:
        top = e.src + r * e.tall * e.stride
        with e.range(0, whole, lanes) as c:
            total = e.cell(e.zeros(item, lanes))
            with e.range(e.tall) as i:
                total.value = total.value + e.absolute((top + i * e.stride).vec(c, lanes))
            e.sums[c] = total.value
        with e.range(whole, width) as c:
            total = e.cell(0.0, item)
            with e.range(e.tall) as i:
                total.value = total.value + e.absolute(top[i * e.stride + c])
            e.sums[c] = total.value
        with e.range(e.num_columns) as b:
            total = e.cell(0.0, item)
            with e.range(e.wide) as j:
                total.value = total.value + e.sums[b * e.wide + j]
            e.out[r * e.num_columns + b] = total.value
    return e
