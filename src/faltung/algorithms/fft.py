"""FFT: overlapping tiles are transformed, multiplied and transformed back; the price of a tap grows with its logarithm.

The tile grid is fixed by the spec alone and every output is stored by one tile, so results do not depend on threads or
on the batch. A tile whose data could break the promised error, or hold NaN or infinity, is convolved directly.
"""

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..algorithm import Cost, Detour, Routine
from ..jit.pool import run_parts
from ..machine import Machine
from ..spec import Array, ConvSpec, pair_of
from . import direct
from .gather import gather
from .guard import KernelSize, error_bound, keeps_promise, kernel_size
from .thinned import Thinned, unthinned
from .transforms import Transforms, backend, next_size, transforms_for

name = "fft"

MOST_POINTS = 40_000
"""Points transformed at once beyond which a point costs more: with spectrum, kernel and workspace they leave a 1 MiB
cache (192 x 192 takes half the time per point of 256 x 256, with every FFT)."""

TRANSFORM_S = 5e-10
"""Seconds of scipy.fft there and back, per point x log2(points); decides between tiles only."""

TILE_S = 1e-4
"""Seconds of Python around each tile."""

RISK = 1.3
"""Some tiles may fail their bound and be computed a second time, directly: FFT must promise this much to be taken.
A judgement, not a measurement: how many tiles fail depends on the data."""

POINT_S = 5e-9
"""Seconds that each point of a tile takes outside the transforms: gathered, bounded, multiplied, stored."""


def refuses(spec: ConvSpec) -> str | None:
    """Serves floats and complex numbers of 4 or 8 bytes a part."""
    if spec.item.kind not in "fc":
        return "results would be rounded, integers are exact"
    if spec.item.name not in ("float32", "float64", "complex64", "complex128"):
        return f"no FFT for {spec.item}"
    if not spec.facts.finite:
        return "the kernel is not finite: one such weight would spoil every output"
    return None


def cost(spec: ConvSpec, machine: Machine, workers: int) -> Cost:
    """Two transforms for each tile; the error depends on the data."""
    every = unthinned(spec)
    tiling = _tiling(_lengths(every), backend(), spec.item.kind == "c")
    tiles = (-(-axis.num_out // step) for axis, step in zip(every.axes, tiling.steps, strict=True))
    count = math.prod(spec.batch) * math.prod(tiles)
    points = math.prod(tiling.sizes)
    parts = 2 if spec.item.kind == "c" else 1
    width = _real(spec.item).itemsize / 4
    transformed = 2 * parts * points * math.log2(max(points, 2)) * width / (machine.fft_rate * backend().speed)
    per_tile = TILE_S + parts * points * POINT_S * width + transformed
    seconds = machine.call_s + RISK * count * per_tile / max(1, min(workers, -(-count // tiling.group)))
    held = math.prod(spec.kernel_batch) + 3 * workers * tiling.group
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
    steps = _tiling(_lengths(unthinned(spec)), backend(), spec.item.kind == "c").steps
    return tuple(math.lcm(step, axis.stride) // axis.stride for step, axis in zip(steps, spec.axes, strict=True))


def _lengths(spec: ConvSpec) -> tuple[tuple[int, int], ...]:
    """Outputs and reach along each axis; those of the whole, so that every part of it has the same tiles."""
    return tuple((axis.whole or axis.num_out, axis.reach) for axis in spec.axes)


@dataclass(frozen=True)
class _Tiling:
    """How the outputs are cut.

    Attributes:
        sizes: points of one tile, per axis.
        steps: outputs of one tile, per axis.
        group: tiles transformed at a time.
    """

    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    group: int


@functools.lru_cache(256)
def _tiling(lengths: tuple[tuple[int, int], ...], engine: type[Transforms], is_complex: bool) -> _Tiling:
    """The cheapest tile, by points x log2(points), among sizes from twice the kernel to the whole axis."""
    group = engine.lines if len(lengths) == 1 else engine.tiles
    resident = (group // 4 if engine.side_by_side and group > 4 else 1) * (2 if is_complex else 1)
    candidates = []
    for num_out, reach in lengths:
        whole = next_size(num_out + reach - 1)
        sizes = {next_size(reach * 5 // 4 << i) for i in range(7)} | {next_size(2**i) for i in range(5, 16)}
        candidates.append(sorted({size for size in sizes if reach <= size < whole} | {whole}))

    def price(sizes: tuple[int, ...]) -> tuple[float, int]:
        points = math.prod(sizes)
        count = math.prod(-(-num_out // (n - reach + 1)) for (num_out, reach), n in zip(lengths, sizes, strict=True))
        crowded = 1 + max(0.0, math.log2(resident * points / MOST_POINTS)) * 0.6
        transformed = points * math.log2(max(points, 2)) * crowded * TRANSFORM_S / engine.speed
        return count * (transformed + points * POINT_S + TILE_S), points

    # axis by axis: four axes with a dozen candidates each would be too many together
    chosen = tuple(options[-1] for options in candidates)
    if math.prod(map(len, candidates)) <= 4096:
        chosen = min(itertools.product(*candidates), key=price)
    else:
        for i, options in enumerate(candidates):
            chosen = min(((*chosen[:i], size, *chosen[i + 1 :]) for size in options), key=price)
    return _Tiling(chosen, tuple(n - reach + 1 for (_, reach), n in zip(lengths, chosen, strict=True)), group)


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


@dataclass(frozen=True)
class _Unit:
    """One tile: entry of the result, of x, and kernel; its outputs."""

    entry: int
    source: int
    kernel: int
    start: tuple[int, ...]
    stop: tuple[int, ...]


class Tiled:
    """Overlap-save over a fixed grid of tiles."""

    def __init__(self, spec: ConvSpec) -> None:
        """Choose the tiles and try the transforms on them."""
        self._spec = spec
        self._tiling = _tiling(_lengths(spec), backend(), spec.item.kind == "c")
        self._group_shape = (self._tiling.group, *self._tiling.sizes)
        self._engine = transforms_for(self._group_shape, spec.item, len(spec.axes))
        self._pairs = spec.pairs()
        along = [
            [(start, min(start + step, axis.num_out)) for start in range(0, axis.num_out, step)]
            for axis, step in zip(spec.axes, self._tiling.steps, strict=True)
        ]
        # first output of each tile, and the one behind its last
        self._limits = [
            (tuple(start for start, _ in limits), tuple(stop for _, stop in limits))
            for limits in itertools.product(*along)
        ]
        # what a tile that is convolved directly needs, for each size of such a tile
        self._direct: dict[tuple[int, ...], Routine] = {}

    def load(self, kernels: Array) -> _Loaded:
        """The spectra that turn circular convolution into correlation with the dilated weights."""
        sizes = self._tiling.sizes
        tile = np.zeros(self._group_shape, self._spec.item)
        spread = tuple(slice(0, axis.reach, axis.dilation) for axis in self._spec.axes)
        scale = _real(self._spec.item).type(math.prod(sizes))
        spectra = []
        for kernel in kernels:
            tile[...] = 0
            tile[(0, *spread)] = kernel.conj()
            spectrum = self._engine.forward(tile, len(sizes))[0].conj() / scale
            spectra.append(spectrum.astype(np.result_type(self._spec.item, np.complex64), order="C", copy=False))
        # an empty batch may bring no kernel at all
        return _Loaded(np.stack(spectra or [tile[0]]), kernels, tuple(map(kernel_size, kernels)))

    def run(self, x: Array, packed: _Loaded, out: Array, workers: int) -> Detour | None:
        """Group by group; threads share the groups."""
        units = [
            _Unit(entry, *pair_of(self._pairs, entry), start, stop)
            for entry in range(len(out))
            for start, stop in self._limits
        ]
        group = self._tiling.group
        groups = [units[i : i + group] for i in range(0, len(units), group)]
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
            return Detour(sum(missed), len(units), reason)
        return None

    def _one_group(self, x: Array, units: list[_Unit], packed: _Loaded, out: Array, tile: Array) -> int:
        """Convolve some tiles; returns how many could not keep the bound and were convolved directly."""
        spec = self._spec
        num_axes = len(spec.axes)
        tile[len(units) :] = 0
        blocks: list[Array] = []
        norms: list[float] = []
        for slot, unit in enumerate(units):
            ends = tuple(s + axis.reach - 1 for s, axis in zip(unit.stop, spec.axes, strict=True))
            block = gather(x[unit.source : unit.source + 1], spec.axes, unit.start, ends, spec.item)[0]
            blocks.append(block)
            _fill(tile[slot], block)
            norms.append(math.sqrt(abs(np.vdot(tile[slot], tile[slot]))))
        # a value that is not finite must not reach the others of its group
        finite = [True] * len(units)
        for slot, norm in enumerate(norms):
            if not math.isfinite(norm):
                # beyond the largest number, or not a number: nothing is known of the error
                finite[slot], norms[slot] = bool(np.isfinite(tile[slot]).all()), math.inf
                tile[slot] = 0
        spectrum = self._engine.forward(tile, num_axes)
        errors = []
        # a product that overflows makes an error that is not finite, and its tile goes direct
        with np.errstate(over="ignore", invalid="ignore"):
            for slot, unit in enumerate(units):
                product = np.multiply(spectrum[slot], packed.spectra[unit.kernel], out=spectrum[slot])
                norm, num_points = packed.sizes[unit.kernel].norm, tile[slot].size
                errors.append(error_bound(product, norms[slot], norm, num_points, half=spec.item.kind != "c"))
        result = self._engine.backward(spectrum, tile, num_axes)
        missed = 0
        for slot, (unit, block) in enumerate(zip(units, blocks, strict=True)):
            target = out[(unit.entry, *(slice(a, s) for a, s in zip(unit.start, unit.stop, strict=True)))]
            size = packed.sizes[unit.kernel]
            if finite[slot] and keeps_promise(block, spec.axes, size, errors[slot], spec.rtol):
                target[...] = result[(slot, *(slice(0, n) for n in target.shape))]
                continue
            missed += finite[slot] and not math.isinf(spec.rtol)
            self._directly(block, packed.kernels[unit.kernel : unit.kernel + 1], target)
        return missed

    def _directly(self, block: Array, kernel: Array, out: Array) -> None:
        routine = self._direct.get(block.shape)
        if routine is None:
            axes = [axis.padded(n) for axis, n in zip(self._spec.axes, block.shape, strict=True)]
            alone = self._spec.over(axes, x_batch=(1,), kernel_batch=(1,), x_dtype=self._spec.item)
            routine = self._direct.setdefault(block.shape, direct.build(alone))
        whole = np.empty((1, *out.shape), self._spec.item)
        routine.run(np.ascontiguousarray(block)[None], routine.load(kernel), whole, 1)
        out[...] = whole[0]


def _fill(tile: Array, block: Array) -> None:
    """The block in the tile's corner, zeros elsewhere."""
    if tile.shape != block.shape:
        tile[...] = 0
    tile[tuple(slice(0, n) for n in block.shape)] = block
