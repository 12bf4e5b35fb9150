"""FFT: overlapping tiles are transformed, multiplied and transformed back; the price of a tap grows with its logarithm.

The tile grid is fixed by the spec alone and every output is stored by one tile, so results do not depend on threads or
on the batch. A tile whose data could break the promised error, or hold NaN or infinity, is convolved directly.
"""

import itertools
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..algorithm import Cost, Detour, Routine
from ..jit.pool import run_parts
from ..machine import Machine
from ..spec import Array, ConvSpec
from . import direct
from .fetch import fetch_for
from .gather import gather
from .guard import KernelSize, error_bound, kernel_size, least_sum, window_sums
from .products import multiply
from .shared import readable
from .thinned import Thinned, unthinned
from .tiling import SPENT_POINT_S, SPENT_TILE_S, Grid, Tiling, Unit, lengths_of, tiling_for
from .transforms import backend, transforms_for

name = "fft"
transforms = True

RISK = 2.0
"""Tiles may fail their bound in part and be mended by direct sums: FFT must promise this much to be taken. A judgement,
for how much fails depends on the data: of a 31x31 kernel on a dark photograph 2048x2048 so much that FFT takes 56 ms,
direct 33, where level noise takes 22."""


CELLS = (16, 8, 4)
"""Parts along each axis in which a tile of one, two or more axes is mended."""


def refuses(spec: ConvSpec) -> str | None:
    """Serves floats and complex numbers of 4 or 8 bytes a part."""
    if spec.item.kind not in "fc":
        return "results would be rounded, integers are exact"
    if spec.item.name not in ("float32", "float64", "complex64", "complex128"):
        return f"no FFT for {spec.item}"
    if not spec.facts.finite:
        return "the kernel is not finite: one such weight would spoil every output"
    return None


def cost(spec: ConvSpec, machine: Machine) -> Cost:
    """Two transforms for each tile; the error depends on the data."""
    every = unthinned(spec)
    tiling = _tiling(every)
    count = math.prod(spec.batch) * tiling.count(every)
    points = math.prod(tiling.sizes)
    parts = 2 if spec.item.kind == "c" else 1
    width = _real(spec.item).itemsize / 4
    transformed = 2 * parts * points * math.log2(max(points, 2)) * width / (machine.fft_rate * backend().speed)
    per_tile = SPENT_TILE_S + parts * points * SPENT_POINT_S * width + transformed
    seconds = machine.call_s + RISK * count * per_tile
    held = math.prod(spec.kernel_batch) + 3 * tiling.group
    return Cost(seconds, held * points * spec.item.itemsize, math.inf)


def build(spec: ConvSpec) -> Routine:
    """Tiles over every output; a stride thins them out."""
    if any(axis.stride > 1 for axis in spec.axes):
        return Thinned(spec, build)
    return Tiled(spec)


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.finfo(dtype).dtype


def grain(spec: ConvSpec) -> tuple[int, ...]:
    """Outputs between places where a convolution may be cut without changing a bit: whole tiles."""
    steps = _tiling(unthinned(spec)).steps
    return tuple(math.lcm(step, axis.stride) // axis.stride for step, axis in zip(steps, spec.axes, strict=True))


def _tiling(spec: ConvSpec) -> Tiling:
    return tiling_for(lengths_of(spec), backend(), is_complex=spec.item.kind == "c")


@dataclass(frozen=True)
class _Loaded:
    """Kernels, ready for tiles.

    Attributes:
        spectra: of each kernel, divided by the number of points, so that the way back needs no scaling.
        kernels: (M, *taps), for tiles that are convolved directly.
        sizes: what the promise needs to know of each.
    """

    spectra: Array
    kernels: Array
    sizes: tuple[KernelSize, ...]

    @property
    def nbytes(self) -> int:
        """Memory that they hold."""
        return self.spectra.nbytes + self.kernels.nbytes


class Tiled:
    """Overlap-save over a fixed grid of tiles."""

    def __init__(self, spec: ConvSpec) -> None:
        """Choose the tiles and try the transforms on them."""
        self._spec = spec
        self._tiling = _tiling(spec)
        self._group_shape = (self._tiling.group, *self._tiling.sizes)
        self._engine = transforms_for(self._group_shape, spec.item, len(spec.axes))
        self._grid = Grid(spec, self._tiling)
        self._directly = direct.Blocks(spec)
        self._fetch = fetch_for(spec, self._tiling)
        self._num_points, self._eps = math.prod(self._tiling.sizes), float(np.finfo(spec.item).eps)

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._grid.nbytes + self._fetch.nbytes

    def load(self, kernels: Array) -> _Loaded:
        """The spectra that turn circular convolution into correlation with the dilated weights."""
        sizes = self._tiling.sizes
        tile = np.zeros(self._group_shape, self._spec.item)
        spread = tuple(slice(0, axis.reach, axis.dilation) for axis in self._spec.axes)
        scale = _real(self._spec.item).type(math.prod(sizes))
        spectra = []
        for first in range(0, len(kernels), len(tile)):
            some = kernels[first : first + len(tile)]
            tile[...] = 0
            tile[(slice(len(some)), *spread)] = some.conj()
            # a spectrum beyond all numbers makes errors that are, and its tiles go direct
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                found = self._engine.forward(tile, len(sizes))[: len(some)].conj() / scale
            spectra.append(found.astype(np.result_type(self._spec.item, np.complex64), order="C", copy=False))
        # an empty batch may bring no kernel at all
        return _Loaded(np.concatenate(spectra or [tile[:0]]), kernels, tuple(map(kernel_size, kernels)))

    def run(self, x: Array, packed: _Loaded, out: Array, workers: int) -> Detour | None:
        """Group by group; threads share the groups."""
        x = readable(x, self._spec.item)
        groups = self._grid.groups(len(out))
        missed = [0] * len(groups)
        parts = min(len(groups), 4 * workers) if workers > 1 else 1
        limits = [len(groups) * i // parts for i in range(parts + 1)]

        def part(i: int) -> None:
            tile = np.zeros(self._group_shape, self._spec.item)
            for g in range(limits[i], limits[i + 1]):
                missed[g] = self._one_group(x, groups[g], packed, out, tile)

        run_parts(part, parts, workers)
        if sum(missed):
            reason = f"tiles would have erred by more than rtol={self._spec.rtol:.1e}"
            return Detour(sum(missed), sum(map(len, groups)), reason)
        return None

    def _one_group(self, x: Array, units: list[Unit], packed: _Loaded, out: Array, tile: Array) -> int:
        """Convolve some tiles; returns how many could not keep the bound and were convolved directly."""
        spec = self._spec
        num_axes = len(spec.axes)
        tile[len(units) :] = 0
        sizes = [packed.sizes[unit.kernel] for unit in units]
        measured = [
            self._fetch(x[unit.source], unit, size, tile[slot])
            for slot, (unit, size) in enumerate(zip(units, sizes, strict=True))
        ]
        norms = [one.norm for one in measured]
        # a value that is not finite must not reach the others of its group
        finite = [True] * len(units)
        for slot, norm in enumerate(norms):
            if not math.isfinite(norm):
                # beyond the largest number, or not a number: nothing is known of the error
                finite[slot], norms[slot] = bool(np.isfinite(tile[slot]).all()), math.inf
                tile[slot] = 0
        spectrum = self._engine.forward(tile, num_axes)
        errors = []
        for slot, (unit, size) in enumerate(zip(units, sizes, strict=True)):
            # a product that overflows makes an error that is not finite, and its tile goes direct
            total = multiply(spectrum[slot], packed.spectra[unit.kernel], half=spec.item.kind != "c")
            errors.append(error_bound(total, norms[slot], size.norm, self._num_points, self._eps))
        result = self._engine.backward(spectrum, tile, num_axes)
        missed = 0
        for slot, (unit, size) in enumerate(zip(units, sizes, strict=True)):
            target = out[unit.outputs]
            target[...] = result[(slot, *(slice(0, n) for n in target.shape))]
            # most tiles end here; but one that was zeroed, whatever is promised, is still to be computed
            known = finite[slot] and errors[slot] < math.inf
            if known and errors[slot] * size.per_weight <= spec.rtol * measured[slot].least:
                continue
            wanted = least_sum(errors[slot], spec.rtol, size) if finite[slot] else math.inf
            # what is infinite itself holds anything
            if wanted and (math.isinf(wanted) or not measured[slot].holds(wanted)):
                mended = self._mend(x, unit, packed, wanted, target)
                missed += mended and finite[slot] and not math.isinf(spec.rtol)
        return missed

    def _mend(self, x: Array, unit: Unit, packed: _Loaded, wanted: float, out: Array) -> bool:
        """Sum directly where windows hold less than is wanted; returns whether there are any such."""
        spec, kernel = self._spec, packed.kernels[unit.kernel]
        block = gather(x[unit.source : unit.source + 1], spec.axes, unit.start, unit.ends(spec), spec.item)[0]
        if math.isinf(wanted):
            self._directly(block, kernel, out)
            return True
        weak = window_sums(block, spec.axes, packed.sizes[unit.kernel]) < wanted
        if not weak.any():
            return False
        # black rims and the ends of full results: a part of the tile
        cells = [cell for cell in _cells(out.shape) if weak[cell].any()]
        if sum(weak[cell].size for cell in cells) > weak.size / 2:
            cells = [tuple(slice(0, n) for n in out.shape)]
        for cell in cells:
            read = tuple(slice(c.start, c.stop + a.reach - 1) for c, a in zip(cell, spec.axes, strict=True))
            self._directly(block[read], kernel, out[cell])
        return True


def _cells(sizes: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Some even parts of a tile: enough to leave most of it alone, few enough to be worth a call each."""
    count = CELLS[min(len(sizes), len(CELLS)) - 1]
    along = [[n * i // count for i in range(count + 1)] for n in sizes]
    return [
        tuple(itertools.starmap(slice, cell))
        for cell in itertools.product(*(list(pairwise(limits)) for limits in along))
        if all(start < stop for start, stop in cell)
    ]
