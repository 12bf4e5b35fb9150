"""Samples of a picture run in tiles: each sample's mask is one for the whole picture, and only tiles are held."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from ..arguments import integer
from ..errors import DtypeError, ParameterError
from ..nn.dropout.place import at
from ..nn.dropout.sampling import dropping_only
from ..tiling.arrays import Source, is_dask
from ..tiling.dropout import is_masked
from ..tiling.plans import Tile, TilePlan, TileSize, plan
from ..tiling.running import Run
from .passes import NOTHING_DROPS, WAYS, Sampling, run_samples
from .prediction import ClassPrediction, Entropies, Moments, Output, ValuePrediction, check_output, prediction


@overload
def monte_carlo_tiles(
    module: nn.Module,
    x: Any,
    *,
    tile: TileSize = ...,
    samples: int = ...,
    output: Literal["logits", "probabilities"] = ...,
    scale: float | None = ...,
    batch: int | Literal["auto"] = ...,
    max_memory: int = ...,
) -> ClassPrediction: ...
@overload
def monte_carlo_tiles(
    module: nn.Module,
    x: Any,
    *,
    tile: TileSize = ...,
    samples: int = ...,
    output: Literal["values"],
    scale: float | None = ...,
    batch: int | Literal["auto"] = ...,
    max_memory: int = ...,
) -> ValuePrediction: ...
def monte_carlo_tiles(
    module: nn.Module,
    x: Any,
    *,
    tile: TileSize = 128,
    samples: int = 50,
    output: Output = "logits",
    scale: float | None = None,
    batch: int | Literal["auto"] = "auto",
    max_memory: int = 512 * 2**20,
) -> ClassPrediction | ValuePrediction:
    """`monte_carlo` in tiles, with the maps of the untiled picture: sample t has one mask for all of it.

    A tile with a mask of its own would be another network than its neighbour: samples would disagree at the seams, and
    every map that is no mean would depend on the tile. Here the layers that drop have keys, so that their masks belong
    to places, and all samples of a tile are run and added up before the next tile is read. Beside x and the maps, a
    tile and its samples are all that is held. Within a tile, what comes before the first dropout is computed once.

    Where the module sums over the picture (instance norm, global pooling), the sums of each sample are collected first,
    in passes over all tiles: full passes, for every sample.

    Args:
        module: any module that `faltung.tiling.plan` can cut, whose dropout layers have keys
            (`faltung.nn.key_layers`); the keys are the seed.
        x: (batch, channels, *spatial), a tensor or anything with a shape, a dtype and slices.
        tile: pixels from tile to tile, or "auto"; see `faltung.tiling.plan`.
        samples, output, batch: as in `monte_carlo`.
        scale: x is multiplied by it; integers need one, e.g. 1/255.
        max_memory: bytes that a tile may take, and a batch of its samples.

    Returns:
        As `monte_carlo`; tensors, on the device of x if it is one.

    Raises:
        ParameterError: a layer drops without a key, nothing drops, or the module cannot be run in tiles.
        ShapeError: the output has no axis of classes, or a single class.
        DtypeError: the output is no tensor of floats, or x holds integers and there is no scale.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Sequential(
        ...     torch.nn.Conv2d(1, 4, 5, padding=2), ft.nn.Dropout(0.5), torch.nn.Conv2d(4, 3, 3, padding=1)
        ... )
        >>> keys, x = ft.nn.key_layers(net), torch.rand(1, 1, 96, 80)
        >>> tiled = ft.uncertainty.monte_carlo_tiles(net, x, tile=32, samples=5)
        >>> whole = ft.uncertainty.monte_carlo(net, x, samples=5)
        >>> tiled.sampling.tiles, torch.allclose(tiled.mutual_information, whole.mutual_information, atol=1e-6)
        (9, True)
    """
    with sampled_tiles(
        module, x, tile=tile, samples=samples, output=output, scale=scale, batch=batch, max_memory=max_memory
    ) as (found, parts):
        maps: list[Tensor] = []
        samplings = []
        device = x.device if isinstance(x, Tensor) else torch.device("cpu")
        for part in parts:
            samplings.append(part.sampling)
            if not maps:
                shape = found.output_shapes[0]
                shapes = [shape if own.ndim == len(shape) else (shape[0], *shape[2:]) for own in part.maps]
                maps = [own.new_empty(size, device=device) for own, size in zip(part.maps, shapes, strict=True)]
            for whole, place, own in zip(maps, part.places, part.maps, strict=True):
                whole[place] = own.to(device)
    return prediction(maps, _joined(samplings))


@dataclass(frozen=True)
class SampledTile:
    """All samples of one tile, added up.

    Attributes:
        maps: what is this tile's own of each map, in the order of `ClassPrediction` or `ValuePrediction`.
        places: where each of them lies in the map of the whole.
        sampling: how the samples were computed.
    """

    maps: tuple[Tensor, ...]
    places: tuple[tuple[slice, ...], ...]
    sampling: Sampling


@contextmanager
def sampled_tiles(
    module: nn.Module,
    x: Any,
    *,
    tile: TileSize,
    samples: int,
    output: Output,
    scale: float | None,
    batch: int | Literal["auto"],
    max_memory: int,
) -> Iterator[tuple[TilePlan, Iterator[SampledTile]]]:
    """`monte_carlo_tiles`, a tile at a time, for maps that go where memory does not hold them.

    Arguments and errors are those of `monte_carlo_tiles`.

    Yields:
        The plan, and the tiles, each computed when it is asked for; inside the block the module drops.
    """
    samples = integer("samples", samples, least=1)
    check_output(output, samples)
    if is_dask(x):
        raise ParameterError("x is a dask array, computed anew for every part: give x.compute(), or a zarr array")
    with dropping_only(module):
        _check_torch(module)
        if not hasattr(x, "shape"):
            raise DtypeError(
                f"x is a {type(x).__name__}: a tensor or an array of (batch, channels, *spatial) is expected"
            )
        found = plan(module, tuple(x.shape), tile=tile, max_memory=max_memory)
        if not any(is_masked(part) and part.rate > 0 for part in module.modules()):
            raise ParameterError(NOTHING_DROPS.format(found.name))
        if len(found.output_shapes) != 1:
            raise DtypeError(
                f"this {found.name} returns {len(found.output_shapes)} tensors: one is expected; wrap it in a module "
                "that returns the part that is meant"
            )
        run = Run(module, found, scale=scale)
        source = run.source(x)
        parts = (
            _followed(run, source, samples, batch, max_memory)
            if found.passes == 1
            else _full(run, source, samples, f"{found.passes - 1} sums over the picture belong to each sample")
        )
        yield found, (_added(tile, work, output) for tile, work in parts)


Samples = Callable[[Callable[[int, Tensor], None]], Sampling]
"""Runs all samples of a tile, and hands them to what it is given, as `run_samples` does."""


def _followed(
    run: Run, source: Source, samples: int, batch: int | Literal["auto"], max_memory: int
) -> Iterator[tuple[Tile, Samples]]:
    """Each tile by `monte_carlo`'s own way: its prefix once."""
    for tile in run.tiles:
        x = source.read(tile.read)

        def work(take: Callable[[int, Tensor], None], x: Tensor = x, tile: Tile = tile) -> Sampling:
            with run.placed(tile):
                return run_samples(run.module, x, take, samples=samples, seed=0, batch=batch, max_memory=max_memory)

        yield tile, work


def _full(run: Run, source: Source, samples: int, reason: str) -> Iterator[tuple[Tile, Samples]]:
    """Each sample with its own sums over the picture, which are collected before the first tile."""
    known = []
    for sample in range(samples):
        run.known = {}
        with at(sample=sample):
            run.collect(source)
        known.append(run.known)
    for tile in run.tiles:
        x = source.read(tile.read)

        def work(take: Callable[[int, Tensor], None], x: Tensor = x, tile: Tile = tile) -> Sampling:
            for sample, run.known in enumerate(known):
                with at(sample=sample):
                    take(sample, run.one(x.clone(), tile)[None])
            return Sampling(samples, "full passes", 1, 0, 0, 0.0, reason)

        yield tile, work


def _added(tile: Tile, work: Samples, output: Output) -> SampledTile:
    """The samples of one tile, and where their maps belong."""
    # of the first and only output; before it stands the axis of samples
    write, take = tile.write[0], tile.take[0]
    assert write is not None
    sums = Moments() if output == "values" else Entropies(output)
    sampling = work(lambda first, outputs: sums.take(first, outputs[(slice(None), *take)]))
    maps = sums.maps()
    # maps of uncertainty have no axis of classes
    places = tuple(write if own.ndim == len(write) else (write[0], *write[2:]) for own in maps)
    return SampledTile(maps, places, sampling)


def _joined(samplings: list[Sampling]) -> Sampling:
    """What all tiles did: the slowest way of any, and the largest difference."""
    slowest = max(samplings, key=lambda sampling: WAYS.index(sampling.way))
    return replace(slowest, difference=max(sampling.difference for sampling in samplings), tiles=len(samplings))


def _check_torch(module: nn.Module) -> None:
    """Layers of torch know no places."""
    for path, part in module.named_modules():
        if isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0:
            raise ParameterError(
                f"{path}: torch.nn.{type(part).__name__} drops at random, every tile anew: put faltung.nn's layer of "
                "the same name there, and give all layers keys by faltung.nn.key_layers(module)"
            )
