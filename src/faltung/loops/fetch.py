"""A tile for an FFT, read with its border, filled up with zeros and measured on the way."""

from ..jit.emitter import OF_DTYPE, Emitter, i64, ptr
from .tiles import stage_block

GEOMETRY = {
    "height": i64,
    "width": i64,
    "top": i64,
    "left": i64,
    "num_top": i64,
    "num_left": i64,
    "row_table": ptr(i64),
    "column_table": ptr(i64),
    "tile_height": i64,
    "tile_width": i64,
}
"""The plan block: x, what stands outside it, and the tile."""


def fetch_tile(*, source, result, vector_bytes, checked=False):
    """Write the loop: rows y..y+num_rows and columns x..x+num_columns of padded src into the corner of the tile.

    sums[r, c] = sum of |tile| over a block of tall x wide samples, wide = 2**halvings; the first of the blocks_down x
    blocks_across blocks lies in row `skip_down` and column `skip_across`. `row` holds one row of blocks, and two
    vectors more. facts = sum of squares of what was read, smallest of the sums.
    """
    pixel, item = OF_DTYPE[source], OF_DTYPE[result]
    lanes = vector_bytes // item.num_bytes
    numbers = ("src_stride", "y", "num_rows", "x", "num_columns", "skip_down", "skip_across", "blocks_down",
               "blocks_across", "tall", "wide", "halvings")  # fmt: skip
    e = Emitter(
        "fetch_tile", checked=checked, src=ptr(pixel), tile=ptr(item), facts=ptr(item), sums=ptr(item),
        row=ptr(item), fill=item, plan=ptr(i64), **dict.fromkeys(numbers, i64),
    )  # fmt: skip
    e.unpack(e.plan, **GEOMETRY)
    rows = (e.y, e.num_rows, e.height, e.top, e.num_top, e.row_table)
    columns = (e.x, e.num_columns, e.width, e.left, e.num_left, e.column_table)
    stage_block(e, item, e.tile, e.tile_width, e.src, e.src_stride, rows, columns, e.fill)
    with e.range(e.num_rows) as r:
        _zero(e, item, lanes, e.tile + r * e.tile_width, e.num_columns, e.tile_width)
    _zero(e, item, lanes, e.tile, e.num_rows * e.tile_width, e.tile_height * e.tile_width)
    squares = _Squares(e, item, lanes)
    least = e.cell(float("inf"), item)
    width = e.blocks_across * e.wide
    whole = width // lanes * lanes
    squares.add(e.tile, e.skip_down * e.tile_width)
    with e.range(e.blocks_down) as r:
        rows = e.tile + (e.skip_down + r * e.tall) * e.tile_width
        # squares first: the rows are then near for the sums
        squares.add(rows, e.tall * e.tile_width)
        top = rows + e.skip_across
        with e.range(0, whole, lanes) as c:
            total = e.cell(e.zeros(item, lanes))
            with e.range(e.tall) as i:
                total.value = total.value + e.absolute((top + i * e.tile_width).vec(c, lanes))
            e.row[c] = total.value
        with e.range(whole, width) as c:
            total = e.cell(0.0, item)
            with e.range(e.tall) as i:
                total.value = total.value + e.absolute(top[i * e.tile_width + c])
            e.row[c] = total.value
        num_sums = e.cell(width)
        with e.range(e.halvings):
            num_sums.value = num_sums.value // 2
            # neighbours are added; what stands behind the row is added too, and never read as a sum
            with e.range(0, num_sums.value, lanes) as c:
                pairs = e.row.vec(2 * c, 2 * lanes)
                e.row[c] = e.shuffle(pairs, range(0, 2 * lanes, 2)) + e.shuffle(pairs, range(1, 2 * lanes, 2))
        with e.range(e.blocks_across) as b:
            sum_ = e.row[b]
            e.sums[r * e.blocks_across + b] = sum_
            # a sum that is no number is no bound either
            least.value = e.where(sum_ >= least.value, least.value, sum_)
    measured = e.skip_down + e.blocks_down * e.tall
    squares.add(e.tile + measured * e.tile_width, (e.num_rows - measured) * e.tile_width)
    e.facts[0] = squares.total()
    e.facts[1] = least.value
    return e


def _zero(e, item, lanes, target, start, stop):
    whole = start + (stop - start) // lanes * lanes
    with e.range(start, whole, lanes) as c:
        target[c] = e.zeros(item, lanes)
    with e.range(whole, stop) as c:
        target[c] = 0.0


class _Squares:
    """A sum of squares, four vectors at a time."""

    def __init__(self, e, item, lanes):
        self._e, self._lanes = e, lanes
        self._sums = [e.cell(e.zeros(item, lanes)) for _ in range(4)]
        self._rest = e.cell(0.0, item)

    def add(self, x, count):
        """Add those of x[:count]."""
        e, lanes = self._e, self._lanes
        whole = count // (4 * lanes) * (4 * lanes)
        with e.range(0, whole, 4 * lanes) as i:
            for j, total in enumerate(self._sums):
                loaded = x.vec(i + lanes * j, lanes)
                total.value = e.multiply_add(loaded, loaded, total.value)
        with e.range(whole, count) as i:
            self._rest.value = e.multiply_add(x[i], x[i], self._rest.value)

    def total(self):
        """What has been added."""
        a, b, c, d = [total.value for total in self._sums]
        return self._rest.value + self._e.sum_of(a + b + (c + d))
