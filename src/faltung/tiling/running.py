"""A module run on tiles: read a part, run it, keep what is its own; sums over the picture in passes before."""

import contextvars
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..arguments import integer
from ..errors import ParameterError, ShapeError
from ..networks.recording import flat
from ..nn.dropout.place import at
from .arrays import Sink, Source, is_dask, numpy_dtype
from .dropout import is_masked
from .plans import Tile, TilePlan, TileSize, plan
from .statistics import Enough, Moments, Replay, join

Progress = Callable[[int, int], None]
"""Told how many tiles are done, and of how many."""
Answer = TypeVar("Answer")


def apply(
    module: nn.Module,
    x: Any,
    *,
    tile: TileSize = 128,
    max_memory: int = 512 * 2**20,
    plan: TilePlan | None = None,
    scale: float | None = None,
    out: Any = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Any:
    """Run a module on tiles of x; the result is that of the whole.

    Nothing but the tiles in work is in memory, beside x and the result, which may be on disk: NumPy's memmap, zarr
    arrays, anything with a shape, a dtype and slices. A dask array gives a dask array whose chunks are the tiles.

    Dropout layers with keys that are on (`faltung.nn.monte_carlo`) get the mask of the whole picture in every tile.

    Args:
        module: takes one tensor; in evaluation mode. Runs where its parameters are.
        x: (batch, channels, *spatial).
        tile: pixels from tile to tile, or "auto"; see `faltung.tiling.plan`.
        max_memory: bytes that a tile may take, for tile="auto".
        plan: made before by `faltung.tiling.plan` for this module and shape; tile is not looked at then.
        scale: x is multiplied by it; integers need one, e.g. 1/255.
        out: where the result is written, or a list, one for each output; by default it is made anew.
        workers: tiles at a time, each in a thread of its own. The result does not depend on it.
        progress: called with the number of tiles done and of all, over all passes.

    Returns:
        What the module returns on the whole; `out` where given. Tensors for a tensor, else NumPy arrays.

    Raises:
        ParameterError: the module cannot be run in tiles (the message names the layer and the reason), or an option is
            outside what it may be.
        ShapeError: x, `out` and the plan do not fit.
        DtypeError: integers without a scale, or `out` cannot hold the result.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 7, padding=3), torch.nn.MaxPool2d(2)).eval()
        >>> x = torch.rand(1, 1, 96, 80)
        >>> with torch.no_grad():
        ...     torch.equal(ft.tiling.apply(net, x, tile=32), net(x))
        True
    """
    integer("workers", workers, least=1)
    found = plan if plan is not None else _plan(module, x, tile, max_memory)
    if tuple(x.shape) != found.input_shape:
        raise ShapeError(f"x has shape {tuple(x.shape)}, the plan is for {found.input_shape}")
    run = Run(module, found, scale=scale, workers=workers, progress=progress)
    if is_dask(x) and out is None:
        return _delayed(run, x)
    sinks = _sinks(out, found, x)
    structure = run.all(x, sinks)
    arrays = [sink.out for sink in sinks]
    return out if out is not None else _rebuilt(structure, iter(arrays))


def _plan(module: nn.Module, x: Any, tile: TileSize, max_memory: int) -> TilePlan:
    if not hasattr(x, "shape"):
        raise ShapeError(f"x is a {type(x).__name__}: a tensor or an array of (batch, channels, *spatial) is expected")
    return plan(module, tuple(x.shape), tile=tile, max_memory=max_memory)


def _sinks(out: Any, found: TilePlan, x: Any) -> list[Sink]:
    outs = list(out) if isinstance(out, (list, tuple)) else [out] * len(found.output_shapes)
    if len(outs) != len(found.output_shapes):
        raise ShapeError(f"out has {len(outs)} entries, {found.name} returns {len(found.output_shapes)}")
    if out is not None and not isinstance(out, (list, tuple)) and len(found.output_shapes) > 1:
        raise ShapeError(f"{found.name} returns {len(found.output_shapes)} tensors: give a list of as many for out")
    return [Sink(one, shape, x) for one, shape in zip(outs, found.output_shapes, strict=True)]


class Run:
    """A module and a plan, at work.

    Args:
        module: the one that was planned for.
        plan: its plan.
        scale, workers, progress: see `apply`.
    """

    def __init__(
        self,
        module: nn.Module,
        plan: TilePlan,
        *,
        scale: float | None = None,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.module, self.plan = module, plan
        self.scale, self.workers, self.progress = scale, workers, progress
        parameter = next((p for p in module.parameters() if p.dtype.is_floating_point), None)
        self.dtype = None if parameter is None else parameter.dtype
        self.device = torch.device("cpu") if parameter is None else parameter.device
        self.known: dict[int, Moments] = {}
        self.masked = any(is_masked(part) for part in module.modules())
        tiles = list(plan.tiles())
        self.tiles = [tile for tile in tiles if any(part is not None for part in tile.write)]
        self.everywhere = tiles
        self.total = len(self.tiles) + len(tiles) * (plan.passes - 1)
        self.done = 0

    def all(self, x: Any, sinks: Sequence[Sink]) -> Any:
        """Every tile, and where it belongs; returns what the module returned for the last."""
        source = self.source(x)
        self.collect(source)
        structure: Any = None
        for tile, structure in self._each(self.tiles, lambda tile: self.one(source.read(tile.read), tile)):
            for sink, part, values in zip(sinks, tile.write, self.own(structure, tile), strict=True):
                if part is not None:
                    sink.write(part, values)
        return structure

    def source(self, x: Any) -> Source:
        """x, to be read in parts."""
        return Source(x, self.dtype, self.device, self.scale)

    def collect(self, source: Source) -> None:
        """Sums over the picture, pass by pass."""
        for level in range(self.plan.passes - 1):
            parts: dict[int, list[Moments]] = {}
            for _, found in self._each(self.everywhere, lambda tile, level=level: self._sums(source, tile, level)):
                for step, sums in found.items():
                    parts.setdefault(step, []).append(sums)
            self.known.update({step: join(sums) for step, sums in parts.items()})

    def one(self, x: Tensor, tile: Tile) -> Any:
        """What the module gives on a tile; x is that tile's part."""
        with torch.no_grad(), self.placed(tile):
            if self.plan.passes == 1:
                return self.module(x)
            with Replay(x, self.plan._calls, self.known, {}):
                return self.module(x)

    def own(self, structure: Any, tile: Tile) -> list[Tensor]:
        """Of each output, what is this tile's own."""
        found = [value for value in flat(structure) if isinstance(value, Tensor)]
        if len(found) != len(tile.write):
            raise ParameterError(
                f"{self.plan.name} returned {len(found)} tensors, {len(tile.write)} of them made of x: return no others"
            )
        return [
            values[take] if part is not None else values
            for values, part, take in zip(found, tile.write, tile.take, strict=True)
        ]

    def _sums(self, source: Source, tile: Tile, level: int) -> dict[int, Moments]:
        wanted = {step: part for step, part in self.plan.statistics(tile.place, level).items() if part is not None}
        if not wanted:
            return {}
        x = source.read(tile.read)
        replay = Replay(x, self.plan._calls, self.known, wanted)
        with torch.no_grad(), self.placed(tile), replay, suppress(Enough):
            self.module(x)
        return replay.found

    def placed(self, tile: Tile) -> Any:
        """Inside, layers with keys know where the tile lies."""
        # without masks nothing asks for a place
        return at(origin=tuple(part.start for part in tile.read[2:])) if self.masked else nullcontext()

    def _each(self, tiles: Iterable[Tile], work: Callable[[Tile], Answer]) -> Iterator[tuple[Tile, Answer]]:
        """The work on each tile, in order; with workers a few are ahead."""
        if self.workers == 1:
            for tile in tiles:
                yield tile, work(tile)
                self._tell()
            return
        with ThreadPoolExecutor(self.workers) as pool:
            waiting: deque[tuple[Tile, Future[Answer]]] = deque()
            for tile in tiles:
                # the place and the sample of the caller, also in a thread
                context = contextvars.copy_context()
                waiting.append((tile, pool.submit(context.run, work, tile)))
                if len(waiting) > self.workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
                    self._tell()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
                self._tell()

    def _tell(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _delayed(run: Run, x: Any) -> Any:
    """Dask arrays whose chunks are the tiles; sums over the picture are collected now."""
    import dask
    import dask.array as da

    if run.masked:
        raise ParameterError(
            "x is a dask array, computed later, when the module's dropout may be off or at another sample: give out="
        )
    source = run.source(x)
    run.collect(source)
    # dtypes are known when one tile was run
    structure = run.one(source.read(run.tiles[0].read), run.tiles[0])
    dtypes = [numpy_dtype(values.dtype) for values in run.own(structure, run.tiles[0])]
    chunk = dask.delayed(_chunk)
    lines = run.plan._lines
    pieces: dict[tuple[tuple[int, ...], int], Any] = {}
    for tile in run.tiles:
        for number, part in enumerate(tile.write):
            if part is not None:
                sizes = tuple(cut.stop - cut.start for cut in part)
                made = chunk(run, x[tile.read], tile, number)
                pieces[tile.place, number] = da.from_delayed(made, sizes, dtypes[number])

    def joined(number: int, place: tuple[int, ...]) -> Any:
        if len(place) == len(lines):
            return pieces[place, number]
        owned = [parts[number] for parts in lines[len(place)].outputs]
        if owned[0] is None:
            return joined(number, (*place, 0))
        return da.concatenate([joined(number, (*place, i)) for i in range(len(owned))], axis=owned[0].axis)

    return _rebuilt(structure, iter([joined(number, ()) for number in range(len(dtypes))]))


def _chunk(run: Run, x: Any, tile: Tile, number: int) -> Any:
    """One chunk, when it is asked for."""
    values = run.one(run.source(x).tensor(x), tile)
    return run.own(values, tile)[number].cpu().numpy()


def _rebuilt(structure: Any, arrays: Iterator[Any]) -> Any:
    """What the module returned, with other tensors."""
    if isinstance(structure, Tensor):
        return next(arrays)
    if isinstance(structure, dict):
        return {key: _rebuilt(value, arrays) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_rebuilt(value, arrays) for value in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(_rebuilt(value, arrays) for value in structure)
    return structure
