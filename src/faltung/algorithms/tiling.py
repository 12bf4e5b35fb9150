"""The tiles of the FFT algorithms: overlap-save over a grid that lies fixed in the whole convolution."""

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Protocol

from ..spec import Array, ConvSpec, pair_of
from .transforms import Transforms, next_size

MOST_POINTS = 40_000
"""Points transformed at once beyond which a point costs more: with spectrum, kernel and workspace they leave a 1 MiB
cache (192 x 192 takes half the time per point of 256 x 256, with every FFT)."""

TRANSFORM_S = 5e-10
"""Seconds of scipy.fft there and back, per point x log2(points); decides between tiles only."""

TILE_S, POINT_S = 1e-4, 5e-9
"""Seconds around each tile, and for each of its points outside the transforms, when tiles are chosen. More than either
takes (3e-5, 1e-9), for large tiles win beyond what their transforms cost: 63x63 on 2048x2048 takes 20 ms by tiles of
320, 31 by those that the true numbers would choose."""

SPENT_TILE_S, SPENT_POINT_S = 3e-5, 1e-9
"""What they do take, for predictions."""


def lengths_of(spec: ConvSpec) -> tuple[tuple[int, int], ...]:
    """Outputs and reach along each axis; those of the whole, so that every part of it has the same tiles."""
    return tuple((axis.whole or axis.num_out, axis.reach) for axis in spec.axes)


@dataclass(frozen=True)
class Tiling:
    """How the outputs are cut.

    Attributes:
        sizes: points of one tile, per axis.
        steps: outputs of one tile, per axis.
        group: tiles transformed at a time.
    """

    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    group: int

    def count(self, spec: ConvSpec) -> int:
        """Tiles of one entry of the batch."""
        return math.prod(-(-axis.num_out // step) for axis, step in zip(spec.axes, self.steps, strict=True))


class Work(Protocol):
    """What an algorithm does with each tile, hashable."""

    def num_transforms(self, num_points: int) -> float:
        """There and back, for tiles of so many points."""


@functools.lru_cache(256)
def tiling_for(
    lengths: tuple[tuple[int, int], ...],
    engine: type[Transforms],
    *,
    is_complex: bool = False,
    work: Work | None = None,
) -> Tiling:
    """The cheapest tile, by points x log2(points), among sizes from twice the kernel to the whole axis.

    Args:
        lengths: outputs and reach of each axis.
        work: None for one transform there and one back; with it sizes are powers of two, for proofs know no others.
    """
    size_from = next_size if work is None else _next_power
    group = engine.lines if len(lengths) == 1 else engine.tiles
    resident = (group // 4 if engine.side_by_side and group > 4 else 1) * (2 if is_complex else 1)
    candidates = []
    for num_out, reach in lengths:
        whole = size_from(num_out + reach - 1)
        sizes = {size_from(reach * 5 // 4 << i) for i in range(7)} | {size_from(2**i) for i in range(5, 16)}
        candidates.append(sorted({size for size in sizes if reach <= size < whole} | {whole}))

    def price(sizes: tuple[int, ...]) -> tuple[float, int]:
        points = math.prod(sizes)
        count = math.prod(-(-num_out // (n - reach + 1)) for (num_out, reach), n in zip(lengths, sizes, strict=True))
        crowded = 1 + max(0.0, math.log2(resident * points / MOST_POINTS)) * 0.6
        transformed = points * math.log2(max(points, 2)) * crowded * TRANSFORM_S / engine.speed
        times = 1.0 if work is None else work.num_transforms(points) / 2
        return count * (times * transformed + points * POINT_S + TILE_S), points

    # axis by axis: four axes with a dozen candidates each would be too many together
    chosen = tuple(options[-1] for options in candidates)
    if math.prod(map(len, candidates)) <= 4096:
        chosen = min(itertools.product(*candidates), key=price)
    else:
        for i, options in enumerate(candidates):
            chosen = min(((*chosen[:i], size, *chosen[i + 1 :]) for size in options), key=price)
    return Tiling(chosen, tuple(n - reach + 1 for (_, reach), n in zip(lengths, chosen, strict=True)), group)


def _next_power(least: int) -> int:
    return max(2, 1 << (least - 1).bit_length())


@dataclass(frozen=True)
class Unit:
    """One tile of one result.

    Attributes:
        entry, source, kernel: which entry of the result, from which x, by which kernel.
        start, stop: the outputs it makes, per axis.
    """

    entry: int
    source: int
    kernel: int
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def outputs(self) -> tuple[int | slice, ...]:
        """Where they are in the stack of results."""
        return (self.entry, *(slice(a, b) for a, b in zip(self.start, self.stop, strict=True)))

    def ends(self, spec: ConvSpec) -> tuple[int, ...]:
        """The first padded positions that its windows do not read."""
        return tuple(stop + axis.reach - 1 for stop, axis in zip(self.stop, spec.axes, strict=True))


class Grid:
    """All tiles of a spec, in groups that are transformed together."""

    def __init__(self, spec: ConvSpec, tiling: Tiling) -> None:
        """Lay the grid; nothing is computed."""
        self._pairs, self._group = spec.pairs(), tiling.group
        along = [
            [(start, min(start + step, axis.num_out)) for start in range(0, axis.num_out, step)]
            for axis, step in zip(spec.axes, tiling.steps, strict=True)
        ]
        # first output of each tile, and the one behind its last
        self._limits = [
            (tuple(start for start, _ in limits), tuple(stop for _, stop in limits))
            for limits in itertools.product(*along)
        ]

    @property
    def nbytes(self) -> int:
        """Memory of the limits, about."""
        return 200 * len(self._limits) + (0 if self._pairs is None else self._pairs.nbytes)

    def groups(self, num_entries: int) -> list[list[Unit]]:
        """The tiles of so many entries of the result, group by group."""
        units = [
            Unit(entry, *pair_of(self._pairs, entry), start, stop)
            for entry in range(num_entries)
            for start, stop in self._limits
        ]
        return [units[i : i + self._group] for i in range(0, len(units), self._group)]


def fill(tile: Array, block: Array) -> None:
    """The block in the tile's corner, zeros elsewhere."""
    if tile.shape != block.shape:
        tile[...] = 0
    tile[tuple(slice(0, n) for n in block.shape)] = block
