"""The plan of a tiled run: which parts are read, what of each is kept, what it costs, and whether all bits are kept."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..arguments import entries, integer
from ..errors import ParameterError, ShapeError
from ..networks.formula import check_shape
from ..networks.operations import words
from ..networks.recording import Recording
from .agreement import moves_along
from .costs import peak, rounding, work
from .dropout import check_keys, check_masks, unmasked
from .lines import Cutter, Line, Own, Recordings
from .statistics import WORDS

if TYPE_CHECKING:
    from torch import nn

TileSize = int | Sequence[int] | Literal["auto"]

_LEAST_TILE = 16


@dataclass(frozen=True)
class Tile:
    """One part of the run.

    Attributes:
        place: along each tiled axis of x, the how-manieth.
        read: part of x, one slice for each of its axes.
        write: for each output, the part that this tile gives; None where an earlier tile gave all.
        take: for each output, where that part lies in the tile's own result.
    """

    place: tuple[int, ...]
    read: tuple[slice, ...]
    write: tuple[tuple[slice, ...] | None, ...]
    take: tuple[tuple[slice, ...], ...]


@dataclass(frozen=True)
class TilePlan:
    """How a module is run on parts of x so that the result is that of the whole.

    Attributes:
        name: of the module.
        input_shape: of x.
        output_shapes: of what it returns.
        axes: of x, that are tiled.
        tile: pixels from one tile's own part to the next, along these axes.
        grid: tiles begin at multiples of it.
        reach: pixels before and behind its own part that a tile depends on.
        halo: pixels before and behind that are read: the reach, up to the grid.
        counts: number of tiles along these axes.
        passes: runs over the picture; more than one where means over the whole are collected first.
        work: multiply-adds of all runs over those of one run on the whole.
        tile_bytes: memory that a tile takes at its peak, estimated from its tensors.
        whole_bytes: the same for the whole.
        notes: why axes are not cut, though a smaller tile was asked for.
        rounding: why results may differ from the whole's in their last digits; empty: the same sums in the same order,
            so equal bit for bit wherever torch rounds alike for both shapes.
    """

    name: str
    input_shape: tuple[int, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    axes: tuple[int, ...]
    tile: tuple[int, ...]
    grid: tuple[int, ...]
    reach: tuple[tuple[int, int], ...]
    halo: tuple[tuple[int, int], ...]
    counts: tuple[int, ...]
    passes: int
    work: float
    tile_bytes: int
    whole_bytes: int
    notes: tuple[str, ...]
    rounding: tuple[str, ...]
    _lines: tuple[Line, ...] = field(repr=False)
    _levels: tuple[tuple[int, ...], ...] = field(repr=False)
    _calls: tuple[int, ...] = field(repr=False)

    @property
    def count(self) -> int:
        """Number of tiles."""
        return math.prod(self.counts)

    def tiles(self) -> Iterator[Tile]:
        """All tiles, the last axis fastest."""
        for place in itertools.product(*(range(len(line.crops)) for line in self._lines)):
            read = [slice(0, size) for size in self.input_shape]
            for line, i in zip(self._lines, place, strict=True):
                read[line.axis] = slice(*line.crops[i])
            parts = [self._part(number, place) for number in range(len(self.output_shapes))]
            yield Tile(
                place,
                tuple(read),
                tuple(part[0] for part in parts),
                tuple(part[1] for part in parts),
            )

    def _part(self, number: int, place: tuple[int, ...]) -> tuple[tuple[slice, ...] | None, tuple[slice, ...]]:
        """Of one output: where a tile writes, and where this lies in its result."""
        owned = [line.outputs[i][number] for line, i in zip(self._lines, place, strict=True)]
        shape = self.output_shapes[number]
        # along an axis that it does not depend on, the first tile gives all
        if any(own is None and i > 0 for own, i in zip(owned, place, strict=True)):
            return None, ()
        return _slices(owned, shape)

    def statistics(self, place: tuple[int, ...], level: int) -> dict[int, tuple[slice, ...] | None]:
        """For each sum over the picture of one pass: a tile's own part of what is summed; None: it has none."""
        found: dict[int, tuple[slice, ...] | None] = {}
        for step in self._levels[level]:
            owned = [line.statistics[i][step] for line, i in zip(self._lines, place, strict=True) if line.statistics[i]]
            parts = {own.axis: own.here for own in owned}
            empty = any(own.stop <= own.start for own in owned)
            found[step] = None if empty else tuple(parts.get(axis, slice(None)) for axis in range(max(parts) + 1))
        return found

    def __str__(self) -> str:
        axes = ", ".join(map(str, self.axes)) or "none"
        lines = [
            f"{self.name} on {words(self.input_shape)}: {self.count} tiles of {words(self.tile)} along axes {axes}",
            f"  result   {', '.join(words(shape) for shape in self.output_shapes)}",
            f"  reach    {_sides(self.reach)} pixels before and behind what a tile gives",
            f"  grid     {words(self.grid)}: tiles begin at its multiples",
            f"  halo     {_sides(self.halo)} pixels read beyond it, none across the picture's own border",
            f"  work     {self.work:.2f} times the multiply-adds of the whole"
            + (f", in {self.passes} passes: sums over the picture are collected first" if self.passes > 1 else ""),
            f"  memory   about {_bytes(self.tile_bytes)} for a tile, {_bytes(self.whole_bytes)} for the whole",
        ]
        if self.count == 1:
            lines[0] = f"{self.name} on {words(self.input_shape)}: one tile, the whole"
        lines += [f"  {note}" for note in self.notes]
        if self.rounding:
            lines += ["  equal    within rounding:", *(f"           {reason}" for reason in self.rounding)]
        else:
            lines.append(
                "  equal    the same sums of the same numbers: bit for bit where torch rounds alike for both shapes"
            )
        return "\n".join(lines)


def _sides(pairs: Sequence[tuple[int, int]]) -> str:
    return " | ".join(f"{left} {right}" for left, right in pairs) or "0"


def _bytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB" if count >= 2**20 else f"{count / 2**10:,.0f} KiB"


def _slices(owned: Sequence[Own | None], shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    write = [slice(0, size) for size in shape]
    take = [slice(0, size) for size in shape]
    for own in owned:
        if own is not None:
            write[own.axis], take[own.axis] = slice(own.start, own.stop), own.here
    return tuple(write), tuple(take)


def plan(
    module: "nn.Module",
    input_shape: Sequence[int],
    *,
    tile: TileSize = 128,
    even: bool = False,
    max_memory: int = 512 * 2**20,
) -> TilePlan:
    """How to run a module on tiles so that the result is that of the whole: halo, grid, tiles and cost, or why not.

    The module's forward pass is followed on the whole and on a tile, without values (see `faltung.networks`), and every
    tensor of one is compared with its part in the other. So the plan holds for any module that can be followed, also
    with branches, strides, upsampling and borders of any kind; layers pad at the picture's own border only.

    Means, variances and extremes over the picture (instance and group norm, global pooling, squeeze-and-excitation) are
    collected in a pass over all tiles each, before they are used.

    Args:
        module: any module that takes one tensor, in evaluation mode.
        input_shape: (batch, channels, *spatial), 1 to 3 spatial axes.
        tile: pixels from one tile to the next, one number or one per spatial axis; rounded down to the grid. "auto"
            takes the largest tile that needs no more than `max_memory`.
        even: tiles may be smaller than `tile`, so that all are alike: 960 pixels are then 8 tiles of 120 for tile=128,
            where the last would read as much for its 64 as for 128. Less work and memory; torch rounds sums in another
            way for some sizes, so where bits count take what `probe` finds equal.
        max_memory: bytes that a tile may take, for tile="auto", and where an axis cannot be cut.

    Returns:
        The plan; `print` explains it.

    Raises:
        ParameterError: the module cannot be run in tiles; the message names the layer and the reason.
        ShapeError: the module does not take this shape.

    Source: for the idea, Rumberger et al. 2021, "How shift equivariance impacts metric learning for instance
    segmentation", ICCV; sums over tiles: Chan, Golub and LeVeque 1983.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(4, 1, 3, padding=1))
        >>> found = ft.tiling.plan(net.eval(), (1, 1, 512, 512), tile=128)
        >>> found.count, found.grid, found.reach, round(found.work, 2)
        (16, (2, 2), ((4, 4), (4, 4)), 1.1)
    """
    shape = tuple(int(size) for size in check_shape(input_shape))
    if not 3 <= len(shape) <= 5:
        raise ShapeError(f"input_shape={shape}: (batch, channels, *spatial) with 1 to 3 spatial axes is expected")
    check_keys(module)
    with unmasked(module):
        runs = Recordings(module, shape)
        if tile == "auto":
            return _largest(module, runs, integer("max_memory", max_memory, least=1), even=even)
        found = _planned(module, runs, _parse_tile(tile, len(shape) - 2), even=even)
    if found.notes and found.tile_bytes > max_memory:
        raise ParameterError(
            f"{found.name} on {words(shape)} needs about {_bytes(found.tile_bytes)}, because "
            f"{'; '.join(found.notes)}: allow it by max_memory={found.tile_bytes}, or take smaller pictures"
        )
    return found


def _parse_tile(tile: Any, count: int) -> list[int]:
    listed = entries(tile)
    sizes = [integer("tile", size, least=1) for size in (listed if listed is not None else [tile] * count)]
    if len(sizes) != count:
        raise ShapeError(f"tile={tile!r} has {len(sizes)} entries: one number, or {count}, one per spatial axis")
    return sizes


def _largest(module: Any, runs: Recordings, max_memory: int, *, even: bool) -> TilePlan:
    """The largest tile that fits, halved from the whole."""
    spatial = runs.shape[2:]
    size = max(spatial)
    smallest = None
    while True:
        found = _planned(module, runs, [min(size, extent) for extent in spatial], even=even)
        if found.tile_bytes <= max_memory:
            return found
        if size <= _LEAST_TILE or (smallest is not None and found.tile_bytes >= smallest):
            raise ParameterError(
                f"max_memory={max_memory}: {found.name} needs about {_bytes(found.tile_bytes)} for a tile of "
                f"{words(found.tile)} and its halo; give at least that"
            )
        # below the reach, tiles become no smaller: their halo stays
        smallest = found.tile_bytes
        size = max(_power_below(size), _LEAST_TILE)


def _power_below(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _planned(module: Any, runs: Recordings, tile: Sequence[int], *, even: bool) -> TilePlan:
    whole = runs.whole
    all_lines = [Cutter(runs, axis, tile[i], even=even).line() for i, axis in enumerate(whole.axes)]
    lines = [line for line in all_lines if len(line.crops) > 1]
    _check_sums(whole, lines)
    shapes = _tile_shapes(runs, lines)
    _check_together(runs, lines, shapes)
    check_masks(module, whole, lines)
    levels = _levels(whole, lines)
    biggest = runs.of(max(shapes, key=math.prod))
    return TilePlan(
        name=whole.name,
        input_shape=runs.shape,
        output_shapes=tuple(tuple(whole.shapes[number]) for number in whole.outputs),
        axes=tuple(line.axis for line in lines),
        tile=tuple(line.tile for line in lines),
        grid=tuple(line.grid for line in lines),
        reach=tuple(line.reach for line in lines),
        halo=tuple(line.halo for line in lines),
        counts=tuple(len(line.crops) for line in lines),
        passes=len(levels) + 1,
        work=work(runs, lines, shapes, levels),
        tile_bytes=peak(biggest),
        whole_bytes=peak(whole),
        notes=tuple(f"axis {line.axis} is not cut: {line.note}" for line in all_lines if line.note),
        rounding=rounding(runs, lines, min(shapes, key=math.prod)),
        _lines=tuple(lines),
        _levels=levels,
        _calls=tuple(place for place, step in enumerate(whole.steps) if step.operation in WORDS),
    )


def _check_sums(whole: Recording, lines: Sequence[Line]) -> None:
    """What is summed must be summed over all axes that are tiled: else a sum would belong to a row of tiles."""
    places = [set(line.statistics[0]) for line in lines]
    for place in sorted(set().union(*places)):
        if not all(place in found for found in places):
            step = whole.steps[place]
            raise ParameterError(
                f"{whole.name} cannot be cut along axes {[line.axis for line in lines]}: {step.name} "
                f"({step.operation}) sums over some of them only; tile one axis, with a tile as large as the picture "
                "along the others"
            )


def _tile_shapes(runs: Recordings, lines: Sequence[Line]) -> dict[tuple[int, ...], int]:
    """Shapes of tiles and how many tiles have them."""
    sizes = []
    for line in lines:
        found = [stop - start for start, stop in line.crops]
        sizes.append({size: found.count(size) for size in found})
    counts: dict[tuple[int, ...], int] = {}
    for combined in itertools.product(*(known.items() for known in sizes)):
        shape = list(runs.shape)
        for line, (size, _) in zip(lines, combined, strict=True):
            shape[line.axis] = size
        counts[tuple(shape)] = math.prod(count for _, count in combined)
    return counts


def _check_together(runs: Recordings, lines: Sequence[Line], shapes: dict[tuple[int, ...], int]) -> None:
    """Along each axis, a tile cut along all axes does what a part cut along this one did."""
    for shape in shapes:
        tiled = runs.of(shape)
        for line in lines:
            cut = runs.cut(line.axis, shape[line.axis])
            for a, b in zip(tiled.steps, cut.steps, strict=len(tiled.steps) == len(cut.steps)):
                same = len(tiled.steps) == len(cut.steps) and (a.operation, a.inputs) == (b.operation, b.inputs)
                if not same or moves_along(a, line.states) != moves_along(b, line.states):
                    raise ParameterError(
                        f"{runs.whole.name} cannot be cut along several axes: {a.name} ({a.operation}) does "
                        f"something else on {words(shape)} than along each axis alone; tile one axis only"
                    )


def _levels(whole: Recording, lines: Sequence[Line]) -> tuple[tuple[int, ...], ...]:
    """Sums over the picture by the pass that collects them: each after those that it depends on."""
    places = sorted(lines[0].statistics[0]) if lines else []
    level = dict.fromkeys(range(len(whole.shapes)), 0)
    found: dict[int, list[int]] = {}
    for place, step in enumerate(whole.steps):
        level[step.output] = max((level[number] for number in step.inputs), default=0)
        if place in places:
            found.setdefault(level[step.output], []).append(place)
            level[step.output] += 1
    return tuple(tuple(found[number]) for number in sorted(found))
