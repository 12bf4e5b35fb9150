"""FFT: overlapping tiles are transformed, multiplied and transformed back; the price of a tap grows with its logarithm.

The tile grid is fixed by the spec alone and every output is stored by one tile, so results do not depend on threads or
on the batch. A tile whose data could break the promised error, or hold NaN or infinity, is convolved directly.
"""

import functools
import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..algorithm import Cost, Routine
from ..jit.pool import run_parts
from ..machine import Machine
from ..spec import Array, Axis, ConvSpec
from . import direct, sizes
from .gather import gather
from .planes import without_boundary
from .thinned import Thinned, unthinned
from .transforms import Transforms, backend, next_size, transforms_for

name = "fft"

ERROR = 8.0
"""Bound on the error of an output, in units of eps x the mean over all frequencies of |spectrum of tile x spectrum of
kernel| (real plus imaginary part): what the products err by. The 2-norms of tile and kernel bound that mean, but are
several times as large for photographs, whose spectra are peaked."""

ERROR_SPREAD = 4.0
"""The rest of the bound, in units of eps x the 2-norms of tile and kernel / sqrt(points): a transform errs by so much
at every frequency. Both are measured by benchmarks/fft_error.py."""

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
    tiling = _tiling(every.axes, backend(), spec.item.kind == "c")
    count = math.prod(spec.batch) * tiling.num_tiles
    points = math.prod(tiling.sizes)
    parts = 2 if spec.item.kind == "c" else 1
    width = _real(spec.item).itemsize / 4
    transformed = 2 * parts * points * math.log2(max(points, 2)) * width / (machine.fft_rate * backend().speed)
    per_tile = TILE_S + parts * points * POINT_S * width + transformed
    seconds = machine.call_s + RISK * count * per_tile / max(1, min(workers, -(-count // tiling.group)))
    return Cost(seconds, workers * tiling.group * points * spec.item.itemsize * 3, math.inf)


def build(spec: ConvSpec) -> Routine:
    """Tiles over every output; a stride thins them out."""
    if any(axis.stride > 1 for axis in spec.axes):
        return Thinned(spec, build)
    return Tiled(spec)


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.finfo(dtype).dtype


@dataclass(frozen=True)
class _Tiling:
    """How the outputs are cut.

    Attributes:
        sizes: points of one tile, per axis.
        steps: outputs of one tile, per axis.
        num_tiles: tiles of one entry of the batch.
        group: tiles transformed at a time.
    """

    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    num_tiles: int
    group: int


@functools.lru_cache(256)
def _tiling(axes: tuple[Axis, ...], engine: type[Transforms], is_complex: bool) -> _Tiling:
    """The cheapest tile, by points x log2(points), among sizes from twice the kernel to the whole axis."""
    group = engine.lines if len(axes) == 1 else engine.tiles
    resident = (group // 4 if engine.side_by_side and group > 4 else 1) * (2 if is_complex else 1)
    candidates = []
    for axis in axes:
        whole = next_size(axis.num_out + axis.reach - 1)
        sizes = {next_size(axis.reach * 5 // 4 << i) for i in range(7)} | {next_size(2**i) for i in range(5, 16)}
        candidates.append(sorted({size for size in sizes if axis.reach <= size < whole} | {whole}))

    def price(sizes: tuple[int, ...]) -> tuple[float, int]:
        points = math.prod(sizes)
        count = math.prod(-(-a.num_out // (n - a.reach + 1)) for a, n in zip(axes, sizes, strict=True))
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
    steps = tuple(size - axis.reach + 1 for axis, size in zip(axes, chosen, strict=True))
    count = math.prod(-(-axis.num_out // step) for axis, step in zip(axes, steps, strict=True))
    return _Tiling(chosen, steps, count, group)


@dataclass(frozen=True)
class _Loaded:
    """A kernel, ready for tiles.

    Attributes:
        spectrum: divided by the number of points, so that the way back needs no scaling.
        weights: (*taps), for tiles that are convolved directly.
        norm: square root of the sum of squares of the weights.
        sum_abs: sum of their sizes.
        extents: first and last tap that is not zero, per axis: what the promised error looks at.
    """

    spectrum: Array
    weights: Array
    norm: float
    sum_abs: float
    extents: tuple[tuple[int, int], ...]


class Tiled:
    """Overlap-save over a fixed grid of tiles."""

    def __init__(self, spec: ConvSpec) -> None:
        """Choose the tiles and build the direct way for those that need it."""
        self._spec = spec
        self._tiling = _tiling(spec.axes, backend(), spec.item.kind == "c")
        self._starts = list(
            itertools.product(
                *(range(0, a.num_out, step) for a, step in zip(spec.axes, self._tiling.steps, strict=True))
            )
        )
        self._group_shape = (self._tiling.group, *self._tiling.sizes)
        self._engine = transforms_for(self._group_shape, spec.item, len(spec.axes))

    def load(self, weights: Array) -> _Loaded:
        """The spectrum that turns circular convolution into correlation with the dilated weights."""
        sizes = self._tiling.sizes
        tile = np.zeros(self._group_shape, self._spec.item)
        spread = tuple(slice(0, axis.reach, axis.dilation) for axis in self._spec.axes)
        tile[(0, *spread)] = weights.conj()
        spectrum = self._engine.forward(tile, len(sizes))[0].conj() / _real(self._spec.item).type(math.prod(sizes))
        size = np.abs(weights).astype(np.longdouble)
        return _Loaded(
            np.ascontiguousarray(spectrum.astype(np.result_type(self._spec.item, np.complex64))),
            weights,
            float(np.sqrt((size**2).sum())),
            float(size.sum()),
            tuple(_extent(size, i) for i in range(size.ndim)),
        )

    def run(self, x: Array, packed: _Loaded, out: Array, workers: int) -> str | None:
        """Group by group; threads share the groups."""
        units = [(b, start) for b in range(len(x)) for start in self._starts]
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
            return f"{sum(missed)} of {len(units)} tiles would have erred by more than rtol={self._spec.rtol:.1e}"
        return None

    def _one_group(
        self, x: Array, units: list[tuple[int, tuple[int, ...]]], packed: _Loaded, out: Array, tile: Array
    ) -> int:
        """Convolve some tiles; returns how many could not keep the bound and were convolved directly."""
        num_axes = len(self._spec.axes)
        tile[len(units) :] = 0
        blocks = []
        for slot, (b, start) in enumerate(units):
            stop = tuple(
                min(a + step, axis.num_out)
                for a, step, axis in zip(start, self._tiling.steps, self._spec.axes, strict=True)
            )
            ends = tuple(s + axis.reach - 1 for s, axis in zip(stop, self._spec.axes, strict=True))
            block = gather(x[b : b + 1], self._spec.axes, start, ends, self._spec.item)[0]
            blocks.append((block, out[(b, *(slice(a, s) for a, s in zip(start, stop, strict=True)))]))
            _fill(tile[slot], block)
        # a value that is not finite must not reach the others of its group
        norms = [math.sqrt(abs(np.vdot(one, one))) for one in tile]
        finite = [True] * len(tile)
        for slot, norm in enumerate(norms):
            if not math.isfinite(norm):
                # beyond the largest number, or not a number: nothing is known of the error
                finite[slot], norms[slot] = bool(np.isfinite(tile[slot]).all()), math.inf
                tile[slot] = 0
        spectrum = self._engine.forward(tile, num_axes)
        # a product that overflows makes an error that is not finite, and its tile goes direct
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(spectrum, packed.spectrum, out=spectrum)
            errors = self._error_bounds(spectrum, norms, packed.norm)
        result = self._engine.backward(spectrum, tile, num_axes)
        missed = 0
        for slot, (block, target) in enumerate(blocks):
            if finite[slot] and self._keeps_bound(block, packed, float(errors[slot])):
                target[...] = result[(slot, *(slice(0, n) for n in target.shape))]
                continue
            missed += finite[slot] and not math.isinf(self._spec.rtol)
            self._directly(block, packed, target)
        return missed

    def _error_bounds(self, spectrum: Array, norms: list[float], norm: float) -> Array:
        """What each tile of the group may err by, from its product spectrum and the norms of tile and kernel."""
        real = _real(spectrum.dtype)
        parts = spectrum.view(real)
        total = np.array([sizes.total(one) for one in parts], np.float64)
        if self._spec.item.kind != "c":
            # half a spectrum: every column but the first and the last (the number of points is even) stands for two
            ends = np.abs(np.concatenate([parts[..., :2], parts[..., -2:]], axis=-1))
            total = 2 * total - ends.sum(axis=tuple(range(1, ends.ndim)))
        spread = np.array([one * norm if norm else 0.0 for one in norms])
        return float(np.finfo(real).eps) * (
            ERROR * total + ERROR_SPREAD * spread / math.sqrt(math.prod(self._tiling.sizes))
        )

    def _keeps_bound(self, block: Array, packed: _Loaded, error: float) -> bool:
        """Whether this error is within rtol of the smallest sum |w| x mean |x| of any window in the block."""
        # beyond the largest number there is no result to speak of, whatever is allowed
        if not math.isfinite(error):
            return False
        if math.isinf(self._spec.rtol) or error == 0:
            return True
        num_taps = 1
        seen = []
        windows = []
        for i, (axis, (first, last)) in enumerate(zip(self._spec.axes, packed.extents, strict=True)):
            num_taps *= last - first + 1
            skipped = (axis.taps - 1 - last) * axis.dilation
            seen.append(slice(first * axis.dilation, block.shape[i] - skipped))
            windows.append((i, last - first + 1, axis.dilation))
        wanted = error * num_taps / (self._spec.rtol * packed.sum_abs) if self._spec.rtol else math.inf
        block = block[tuple(seen)]
        if float(_block_sums(block, windows).min()) >= wanted:
            return True
        size = np.abs(block)
        # blocks say too little where a window is half outside or half dark: look at every window
        with np.errstate(over="ignore", invalid="ignore"):
            total = size.sum(dtype=np.float64)
            for window in windows:
                size = _window_sums(size, *window)
        return float(size.min()) - 1e-12 * float(total) >= wanted

    def _directly(self, block: Array, packed: _Loaded, out: Array) -> None:
        axes = tuple(
            replace(without_boundary(axis), size=n) for axis, n in zip(self._spec.axes, block.shape, strict=True)
        )
        routine = direct.build(replace(self._spec, axes=axes, x_dtype=self._spec.item))
        whole = np.empty((1, *out.shape), self._spec.item)
        routine.run(np.ascontiguousarray(block)[None], routine.load(packed.weights), whole, 1)
        out[...] = whole[0]


def _extent(size: Array, i: int) -> tuple[int, int]:
    """First and last index along axis i that is not all zero; the whole axis if all is zero."""
    used = np.flatnonzero(size.any(axis=tuple(axis for axis in range(size.ndim) if axis != i)))
    return (int(used[0]), int(used[-1])) if len(used) else (0, size.shape[i] - 1)


def _block_sums(block: Array, windows: list[tuple[int, int, int]]) -> Array:
    """Sums of |block| over blocks of which every window holds a whole one."""
    if block.ndim <= 2 and block.dtype.kind == "f" and all(dilation == 1 for _, _, dilation in windows):
        return sizes.blocks(block, tuple((taps + 1) // 2 for _, taps, _ in windows))
    size = np.abs(block)
    for window in windows:
        size = _block_sums_along(size, *window)
    return size


def _block_sums_along(size: Array, i: int, taps: int, dilation: int) -> Array:
    """Sums along axis i over blocks of which any window of so many taps holds a whole one: aligned, (taps + 1) // 2.

    Dilated windows see one sample in `dilation`: each phase has blocks of its own. What is missing to a whole number of
    phases counts as infinite: no window reaches there.
    """
    side = (taps + 1) // 2
    missing = -size.shape[i] % dilation
    if missing:
        size = np.pad(size, [(0, missing if axis == i else 0) for axis in range(size.ndim)], constant_values=np.inf)
    count = size.shape[i] // dilation // side
    cut = size[(*([slice(None)] * i), slice(0, count * side * dilation))]
    sums = cut.reshape(*cut.shape[:i], count, side, dilation, *cut.shape[i + 1 :]).sum(axis=i + 1)
    return sums.reshape(*sums.shape[:i], count * dilation, *sums.shape[i + 2 :])


def _window_sums(size: Array, i: int, taps: int, dilation: int) -> Array:
    """Sums along axis i over every window of so many taps."""
    sums = np.moveaxis(size, i, 0).astype(np.float64)
    phases = []
    for phase in range(min(dilation, len(sums))):
        running = np.cumsum(sums[phase::dilation], axis=0)
        running = np.concatenate([np.zeros_like(running[:1]), running])
        phases.append(running[taps:] - running[:-taps])
    return np.moveaxis(np.concatenate(phases), 0, i)


def _fill(tile: Array, block: Array) -> None:
    """The block in the tile's corner, zeros elsewhere."""
    if tile.shape != block.shape:
        tile[...] = 0
    tile[tuple(slice(0, n) for n in block.shape)] = block
