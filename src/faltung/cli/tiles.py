"""Masks of pictures that are too large for memory, part by part."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DtypeError, FileError, ParameterError
from ..networks.operations import words
from ..networks.saved import BYTES
from ..tiling import TilePlan, apply, plan
from ..tiling.files import Picture, chunks_of, opened, writing
from ..tiling.plans import TileSize
from ..uncertainty.tiled import sampled_tiles
from .answers import MAPS, Doubt
from .screen import aside, progress_lines

if TYPE_CHECKING:
    from ..networks import Saved


@dataclass(frozen=True)
class TiledMask:
    """What became of one picture.

    Attributes:
        shares: by class, its share of the places.
        plan: the tiles.
        doubt: where samples were asked for.
    """

    shares: list[float]
    plan: TilePlan
    doubt: Doubt | None = None


class Scoring(nn.Module):
    """A network that takes numbers as they lie in a file.

    Args:
        saved: a network that answers place by place, and how its inputs are scaled.
    """

    def __init__(self, saved: "Saved") -> None:
        super().__init__()
        facts = saved.facts
        self.net, self.scale, self.normalised = saved.model, facts.scale, bool(facts.mean)
        shape = (1, -1, *[1] * (len(facts.input_shape) - 1))
        mean, std = (torch.tensor(values or (1.0,)).reshape(shape) for values in (facts.mean, facts.std))
        # as Facts.prepare does it, to the bit
        self.register_buffer("shift", -mean / std)
        self.register_buffer("factor", 1 / (std * facts.scale))

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, classes, rows, columns) of x (N, channels, rows, columns)."""
        ready = torch.addcmul(self.shift, x, self.factor) if self.normalised else x / self.scale
        scores: Tensor = self.net(ready)
        return scores


class Masking(nn.Module):
    """A network that gives the grey level of the best class at each place.

    Args:
        saved: as of `Scoring`.
    """

    def __init__(self, saved: "Saved") -> None:
        super().__init__()
        self.scoring, self.classes = Scoring(saved), len(saved.facts.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Grey levels, uint8 (N, rows, columns), of x (N, channels, rows, columns)."""
        return grey_levels(self.scoring(x).argmax(1), self.classes)


def grey_levels(classes: Tensor, count: int) -> Tensor:
    """The grey level 255 i / (count - 1), rounded, for class i; uint8."""
    return (classes.double() * (255 / max(count - 1, 1))).round().to(torch.uint8)


def mask_file(
    saved: "Saved", source: Path, targets: Sequence[Path], *, tile: TileSize = "auto", samples: int = 0
) -> TiledMask:
    """Mask one picture, tile by tile.

    Args:
        saved: a network that answers place by place; with samples, its dropout layers have keys.
        source: .tif, .npy or .zarr: bytes for a network that was trained with bytes, else any real numbers.
        targets: .tif, .npy or .zarr; the first gets grey levels as `faltung predict` writes them, the others, where
            samples are asked for, the maps of `answers.MAPS`, float32 in nats.
        tile: pixels from tile to tile; see `faltung.tiling.plan`.
        samples: passes with dropout on; 0 is the network without.

    Raises:
        DtypeError: bytes where the network was trained with other numbers, or others where it was with bytes.
        ParameterError: the network cannot be run in tiles (the message says why), or does not keep the size.
        FileError: a file cannot be read or written, is of another kind, or holds NaN or infinity.
        ShapeError: the picture has not as many channels as the network takes.
    """
    with _picture(saved, source) as picture:
        if samples:
            return _sampled(saved, picture, targets, tile, samples)
        net = Masking(saved).eval()
        found = plan(net, picture.shape, tile=tile)
        shape = _same_size(found, found.output_shapes[0][1:])
        with writing(targets[0], shape, np.uint8, chunks_of(found, shape)) as stored, _told(found) as tell:
            levels = Levels(stored)
            apply(net, picture, plan=found, scale=1.0, out=levels, progress=tell)
    return TiledMask(levels.shares(len(saved.facts.classes)), found)


def _sampled(saved: "Saved", picture: "_Numbers", targets: Sequence[Path], tile: TileSize, samples: int) -> TiledMask:
    """The mask by the mean over samples, and the maps of what they leave open."""
    count = len(saved.facts.classes)
    sums = [0.0 for _ in MAPS]
    with ExitStack() as files:
        found, parts = files.enter_context(
            sampled_tiles(
                Scoring(saved).eval(),
                picture,
                tile=tile,
                samples=samples,
                output="logits",
                scale=1.0,
                batch="auto",
                max_memory=512 * 2**20,
            )
        )
        shape = _same_size(found, found.output_shapes[0][2:])
        kinds = (np.uint8, *[np.float32] * len(MAPS))
        stored = [
            files.enter_context(writing(target, shape, kind, chunks_of(found, shape)))
            for target, kind in zip(targets, kinds, strict=True)
        ]
        tell = files.enter_context(_told(found))
        levels = Levels(stored[0])
        for number, part in enumerate(parts, 1):
            probabilities, entropy, _, information = part.maps
            # that of a map without classes
            place = part.places[1]
            levels[place] = grey_levels(probabilities.argmax(1), count).numpy()
            for i, own in enumerate((entropy, information)):
                stored[1 + i][place[1:]] = own[0].numpy()
                sums[i] += float(own.double().sum())
            tell(number, found.count)
    entropy, information = (total / math.prod(shape) for total in sums)
    return TiledMask(levels.shares(count), found, Doubt(entropy, information))


class Levels:
    """A mask in a file, (rows, columns), written as (1, rows, columns), whose places are counted on the way."""

    def __init__(self, stored: Any) -> None:
        self.stored, self.dtype = stored, stored.dtype
        self.shape = (1, *stored.shape)
        self.counts = np.zeros(256, np.int64)

    def __setitem__(self, part: tuple[slice, ...], levels: Any) -> None:
        self.counts += np.bincount(levels.ravel(), minlength=256)
        self.stored[part[1:]] = levels[0]

    def shares(self, classes: int) -> list[float]:
        """By class, its share of the places written."""
        levels = grey_levels(torch.arange(classes), classes).numpy()
        return [float(share) for share in self.counts[levels] / self.counts.sum()]


class _Numbers(Picture):
    """A picture whose numbers become what a file read as a whole becomes: bytes, or float32 without NaN."""

    def __init__(self, path: Path, x: Any, channels: int) -> None:
        super().__init__(x, channels, axes=2)
        self.path = path
        self.dtype = np.dtype(np.uint8 if x.dtype == np.uint8 else np.float32)

    def __getitem__(self, part: tuple[slice, ...]) -> Any:
        values = super().__getitem__(part)
        with np.errstate(over="ignore"):
            values = values.astype(self.dtype, copy=False)
        if not np.isfinite(values).all():
            raise FileError(f"{self.path}: holds NaN or infinity, as float32: put numbers there")
        return values


@contextmanager
def _picture(saved: "Saved", source: Path) -> Iterator[_Numbers]:
    """The picture, if its numbers are of the kind that the network was trained with."""
    facts = saved.facts
    if len(facts.input_shape) != 3:
        raise ParameterError(f"{source}: the network takes inputs of shape {facts.input_shape}: pictures are masked")
    with opened(source) as x:
        if x.dtype.kind not in "uif":
            raise DtypeError(f"{source}: holds {x.dtype}: real numbers are expected, convert it")
        if (x.dtype == np.uint8) != (facts.scale == BYTES) and (facts.mean or facts.scale == BYTES):
            trained = "bytes, 0 to 255" if facts.scale == BYTES else "numbers that are no bytes"
            raise DtypeError(f"{source}: holds {x.dtype}, the network was trained with {trained}: convert it")
        yield _Numbers(source, x, facts.input_shape[0])


def _same_size(found: TilePlan, places: tuple[int, ...]) -> tuple[int, ...]:
    """Places of the answer, which must be the picture's."""
    if places != found.input_shape[2:]:
        raise ParameterError(
            f"the network's answer has {places} places, the picture {found.input_shape[2:]}: only networks that keep"
            " the size can mask a picture"
        )
    return places


@contextmanager
def _told(found: TilePlan) -> Iterator[Callable[[int, int], None]]:
    """Says what will be done, and how far it is."""
    aside(tile_words(found))
    with progress_lines("predict") as say:
        tenths = 0

        def tell(done: int, total: int) -> None:
            nonlocal tenths
            if 10 * done // total > tenths:
                tenths = 10 * done // total
                say(f"{done} of {total} tiles")

        yield tell


def tile_words(found: TilePlan) -> str:
    """The tiles in one line."""
    if found.count == 1:
        return f"one tile, the whole: about {found.tile_bytes / 2**20:,.0f} MiB"
    beyond = words([max(sides) for sides in found.halo])
    return (
        f"{found.count} tiles of {words(found.tile)} that read up to {beyond} pixels beyond: {found.work:.2f} times the"
        f" work of the whole, about {found.tile_bytes / 2**20:,.0f} MiB"
    )
