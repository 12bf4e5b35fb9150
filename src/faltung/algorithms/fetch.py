"""Tiles for an FFT: read from x with its border, filled up with zeros, and measured for the promise on errors."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..jit import compiler
from ..loops.fetch import fetch_tile
from ..spec import Array, ConvSpec, untouched
from . import planes, shared
from .gather import gather
from .guard import KernelSize, Measured, block_side, block_sums, norm_of, num_held
from .tiling import Tiling, Unit, fill


class Fetch(Protocol):
    """Fills tiles."""

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""

    def __call__(self, x: Array, unit: Unit, kernel: KernelSize, tile: Array) -> Measured:
        """Fill one tile from its x (*sizes)."""


def fetch_for(spec: ConvSpec, tiling: Tiling) -> Fetch:
    """The compiled way where there is one."""
    plain = spec.item.name in ("float32", "float64") and len(spec.axes) <= 2
    single = planes.fill_value(spec.axes) is not None and all(a.dilation == 1 or a.taps == 1 for a in spec.axes)
    return CompiledFetch(spec, tiling) if plain and single else GeneralFetch(spec)


class GeneralFetch:
    """Any dtype, number of axes, dilation and boundary, by NumPy."""

    nbytes = 0

    def __init__(self, spec: ConvSpec) -> None:
        """See the class."""
        self._spec = spec

    def __call__(self, x: Array, unit: Unit, kernel: KernelSize, tile: Array) -> Measured:
        """See `Fetch`."""
        axes = self._spec.axes
        block = gather(x[None], axes, unit.start, unit.ends(self._spec), self._spec.item)[0]
        fill(tile, block)
        squares = float(abs(np.vdot(tile, tile)))
        sums = block_sums(block, axes, kernel)
        return Measured(norm_of(tile, squares, block.size), float(sums.min()), sums, (1,) * sums.ndim)


class CompiledFetch:
    """Lines and planes of floats in one pass; a line is a plane of one row."""

    def __init__(self, spec: ConvSpec, tiling: Tiling) -> None:
        """Fetch the loop and make its tables."""
        self._item, self._num_axes = spec.item, len(spec.axes)
        down, across = spec.axes if len(spec.axes) == 2 else (untouched(1), spec.axes[0])
        (num_top, rows), (num_left, columns) = planes.tables(down), planes.tables(across)
        height, width = tiling.sizes if len(spec.axes) == 2 else (1, tiling.sizes[0])
        self._block, self._kept = compiler.pack(
            height=down.size, width=across.size, top=down.before, left=across.before, num_top=num_top,
            num_left=num_left, row_table=rows, column_table=columns, tile_height=height, tile_width=width,
        )  # fmt: skip
        self.nbytes = rows.nbytes + columns.nbytes
        # few: inner tiles, and those at the ends
        self._shapes: dict[tuple[tuple[int, ...], tuple[tuple[int, int], ...]], _Shape] = {}
        self._spec, self._fill = spec, float(planes.fill_value(spec.axes))
        source = shared.source_name(spec.x_dtype, spec.item)
        self._loop = compiler.get(
            fetch_tile, source=source, result=spec.item.name, vector_bytes=compiler.vector_bytes()
        )

    def __call__(self, x: Array, unit: Unit, kernel: KernelSize, tile: Array) -> Measured:
        """See `Fetch`."""
        ends = unit.ends(self._spec)
        lengths = tuple([stop - start for start, stop in zip(unit.start, ends, strict=True)])
        shape = self._shapes.get((lengths, kernel.extents))
        if shape is None:
            shape = self._shapes[lengths, kernel.extents] = self._shape(lengths, kernel)
        # a line is a plane of one row
        starts, reads = (0, *unit.start)[-2:], (1, *lengths)[-2:]
        sums, facts, row = (np.empty(n, self._item) for n in (shape.counts, 2, shape.row))
        addresses = [compiler.pointer(a) for a in (x, tile, facts, sums, row)]
        stride = 0 if self._num_axes == 1 else x.strides[0] // x.itemsize
        self._loop(
            *addresses, self._fill, compiler.pointer(self._block), stride, starts[0], reads[0], starts[1], reads[1],
            *shape.numbers,
        )  # fmt: skip
        squares, least = facts.tolist()
        return Measured(norm_of(tile, squares, reads[0] * reads[1]), least * shape.num_whole, sums, shape.held)

    def _shape(self, lengths: tuple[int, ...], kernel: KernelSize) -> "_Shape":
        seen = kernel.seen(lengths, self._spec.axes)
        sides = [block_side(taps) for taps in kernel.taps]
        # where nothing is promised, nothing need be measured
        promised = not math.isinf(self._spec.rtol)
        counts = [(part.stop - part.start) // side if promised else 0 for part, side in zip(seen, sides, strict=True)]
        skips, numbers = (0, *(part.start for part in seen))[-2:], (1, *counts)[-2:]
        tall, wide = (1, *sides)[-2:]
        row = numbers[1] * wide + 2 * compiler.vector_bytes() // self._item.itemsize
        held = tuple(num_held(taps, side) for taps, side in zip(kernel.taps, sides, strict=True))
        return _Shape(tuple(counts), row, (*skips, *numbers, tall, wide, wide.bit_length() - 1), held, math.prod(held))


@dataclass(frozen=True)
class _Shape:
    """How tiles of one size are measured, for one extent of kernels.

    Attributes:
        counts: blocks along each axis.
        row: samples in a row of blocks, and room behind them.
        numbers: what the loop is told: skips, numbers and sides of blocks, log2 of their width.
        held: whole blocks in any window along each axis.
        num_whole: and in all.
    """

    counts: tuple[int, ...]
    row: int
    numbers: tuple[int, ...]
    held: tuple[int, ...]
    num_whole: int
