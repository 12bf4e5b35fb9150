"""Batches: which examples a step sees, read, scaled, cropped and augmented; all of it a function of seed and step."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import MissingData, ParameterError, ShapeError
from ..networks.saved import BYTES, Facts, as_tensor
from .augmentation import augment, check_augmentation
from .config import Config
from .schedules import seed_of

if TYPE_CHECKING:
    from ..data.examples import Examples

KEPT_ON_DEVICE = 2 << 30
"""Bytes up to which arrays are moved to the device as a whole, so that a batch is an index there."""
MEASURED = 10_000
"""Examples of which mean and deviation are taken, where there are more."""


@dataclass(frozen=True)
class Batch:
    """What one process sees of a step.

    Attributes:
        x: (N, channels, *spatial), scaled; tokens as they are.
        y: labels.
        indices: which examples these are.
        sizes: how many examples of the step each process has; one without any runs along with one that counts nothing.
        rank: which process this is.
    """

    x: Tensor
    y: Tensor
    indices: "np.ndarray[Any, Any]"
    sizes: tuple[int, ...]
    rank: int

    @property
    def counts(self) -> bool:
        """Whether this process's examples are any of the step's."""
        return self.sizes[self.rank] > 0

    @property
    def share(self) -> float:
        """By how much its mean loss counts in the mean over processes; 1 if they have equally many."""
        return self.sizes[self.rank] * len(self.sizes) / sum(self.sizes)


class Feed:
    """Examples, batch by batch, on one device.

    Args:
        examples: x (N, channels, *spatial), y; arrays, or what reads rows when indexed.
        config: batch size, crops, augmentation, seed.
        facts: how x is scaled.
        device: where batches are wanted.
        rank, world: which process this is, of how many.
    """

    def __init__(
        self,
        examples: "Examples",
        config: Config,
        facts: Facts,
        device: "torch.device | str",
        *,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.config, self.facts, self.device = config, facts, torch.device(device)
        self.rank, self.world = rank, world
        self.num_examples = len(examples.x)
        self.lazy = not all(isinstance(part, (np.ndarray, Tensor)) for part in (examples.x, examples.y))
        self.x, self.y = (examples.x, examples.y) if self.lazy else map(self._kept, (examples.x, examples.y))

    @property
    def num_batches(self) -> int:
        """Of one epoch."""
        return -(-self.num_examples * self.config.repeats // self.config.batch_size)

    def training(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the one named `first`, in the epoch's own order."""
        total = self.num_examples * self.config.repeats
        lot = torch.Generator().manual_seed(seed_of(self.config.seed, "order", epoch))
        order = (torch.randperm(total, generator=lot) % self.num_examples).numpy()
        cuts = [total * i // self.num_batches for i in range(self.num_batches + 1)]
        wholes = [order[a:b] for a, b in zip(cuts[first:-1], cuts[first + 1 :], strict=True)]
        parts = [self._part(len(whole)) for whole in wholes]
        rows = self._rows([whole[part] for whole, part in zip(wholes, parts, strict=True)])
        for number, (whole, part, (x, y)) in enumerate(zip(wholes, parts, rows, strict=True), first):
            lot = torch.Generator().manual_seed(seed_of(self.config.seed, "changes", epoch, number))
            x, y = self._cropped(x, y, lot, part.start, len(whole))
            x = self._scaled(x)
            if self.config.augment:
                x, y = augment(x, y, self.config.augment, lot, first=part.start, total=len(whole))
            yield Batch(x, y, whole[part], self._sizes(len(whole)), self.rank)

    def scoring(self) -> Iterator[Batch]:
        """All examples once, in their order, in batches that each process takes its part of."""
        starts = range(0, self.num_examples, self.config.batch_size)
        wholes = [np.arange(i, min(i + self.config.batch_size, self.num_examples)) for i in starts]
        mine = [whole[self._part(len(whole))] for whole in wholes]
        for whole, indices, (x, y) in zip(wholes, mine, self._rows(mine), strict=True):
            yield Batch(self._scaled(x), y, indices, self._sizes(len(whole)), self.rank)

    def _kept(self, values: Any) -> Tensor:
        tensor = as_tensor(values)
        return tensor.to(self.device) if tensor.nbytes <= KEPT_ON_DEVICE else tensor

    def _part(self, count: int) -> slice:
        """Where this process's examples of a batch lie."""
        a, b = count * self.rank // self.world, count * (self.rank + 1) // self.world
        # fewer examples than processes: this one runs along, because all must, and counts nothing
        return slice(a, b) if a < b else slice(0, 1)

    def _sizes(self, count: int) -> tuple[int, ...]:
        """How many examples of a batch each process has."""
        return tuple(count * (r + 1) // self.world - count * r // self.world for r in range(self.world))

    def _rows(self, wholes: "list[np.ndarray[Any, Any]]") -> Iterator[tuple[Tensor, Tensor]]:
        """X and y of each batch, as stored."""
        if not self.lazy:
            for indices in wholes:
                chosen = torch.from_numpy(indices).to(self.x.device)
                yield self.x[chosen].to(self.device), self.y[chosen].to(self.device).long()
            return
        # files: the next batch is read while this one is learnt from
        with ThreadPoolExecutor(1) as reader:
            ahead: Future[tuple[Any, Any]] | None = None
            for place, indices in enumerate(wholes):
                now = ahead or reader.submit(self._read, indices)
                ahead = reader.submit(self._read, wholes[place + 1]) if place + 1 < len(wholes) else None
                x, y = now.result()
                yield as_tensor(x).to(self.device), as_tensor(y).to(self.device).long()

    def _read(self, indices: "np.ndarray[Any, Any]") -> tuple[Any, Any]:
        return np.asarray(self.x[indices]), np.asarray(self.y[indices])

    def _scaled(self, x: Tensor) -> Tensor:
        x = self.facts.prepare(x)
        if self.config.channels_last and x.ndim == 4:
            return x.contiguous(memory_format=torch.channels_last)
        return x

    def _cropped(self, x: Tensor, y: Tensor, lot: torch.Generator, first: int, total: int) -> tuple[Tensor, Tensor]:
        crop = self.config.crop
        if not crop:
            return x, y
        room = [size - part + 1 for size, part in zip(x.shape[2:], crop, strict=True)]
        # drawn for the whole batch, so that processes together see what one alone would
        starts = [torch.randint(most, (total,), generator=lot)[first : first + len(x)].tolist() for most in room]
        cuts = [
            tuple(slice(start, start + part) for start, part in zip(place, crop, strict=True))
            for place in zip(*starts, strict=True)
        ]
        x = torch.stack([one[(slice(None), *cut)] for one, cut in zip(x, cuts, strict=True)])
        if y.ndim > 1:
            y = torch.stack([one[cut] for one, cut in zip(y, cuts, strict=True)])
        return x, y


def check_inputs(examples: "Examples", config: Config, *, tokens: bool) -> None:
    """Refuse inputs that cannot be learnt from.

    Raises:
        ShapeError: no channels, no examples, or a crop that does not fit.
        MissingData: NaN or infinity; the message names the example.
        ParameterError: an augmentation that such inputs cannot undergo.
    """
    x = examples.x
    if len(x) == 0 or len(examples.y) != len(x):
        raise ShapeError(f"{len(x)} inputs and {len(examples.y)} labels: equally many are needed, one at least")
    if tokens:
        if config.augment or config.crop:
            raise ParameterError("augment and crop are for numbers, this task takes tokens: leave them out")
        return
    if len(x.shape) < 3 and (config.crop or config.augment):
        raise ShapeError(f"x has shape {tuple(x.shape)}: (N, channels, *spatial) is needed to crop or augment")
    check_augmentation(config.augment, len(x.shape) - 2)
    if config.crop and (len(config.crop) != len(x.shape) - 2 or any(map(int.__gt__, config.crop, x.shape[2:]))):
        raise ShapeError(f"crop={config.crop} does not fit into inputs of {tuple(x.shape[2:])}: give a smaller part")
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        for first in range(0, len(x), 256):
            finite = np.isfinite(x[first : first + 256]).reshape(len(x[first : first + 256]), -1).all(1)
            if not finite.all():
                example = first + int(np.argmin(finite))
                raise MissingData(f"example {example} holds NaN or infinity: fill it in, or leave it out")


def measure_facts(examples: "Examples", config: Config, *, task: str, tokens: bool) -> Facts:
    """How inputs are to be scaled: bytes to 0..1, then each channel to mean 0 and deviation 1 over all its places.

    Over 10,000 examples, drawn by the seed, where there are more.
    """
    x = examples.x
    size = tuple(int(n) for n in x.shape[1:])
    classes = tuple(examples.classes)
    if tokens:
        return Facts(task=task, classes=classes, input_shape=size, tokens=True)
    scale = BYTES if np.dtype(_dtype_name(x)) == np.uint8 else 1.0
    facts = Facts(task=task, classes=classes, input_shape=size, scale=scale)
    if not config.normalise or len(x.shape) < 2:
        return facts
    lot = np.random.default_rng(seed_of(config.seed, "scale"))
    chosen = np.sort(lot.choice(len(x), min(len(x), MEASURED), replace=False))
    # sums about a guess: squares of numbers far from 0 would lose the digits that tell them apart
    guess: Any = None
    count, total, squares = 0, 0.0, 0.0
    for first in range(0, len(chosen), 256):
        some = np.asarray(x[chosen[first : first + 256]], np.float64) / scale
        rows = np.moveaxis(some, 1, 0).reshape(some.shape[1], -1)
        guess = rows.mean(1, keepdims=True) if guess is None else guess
        count, total, squares = (
            count + rows.shape[1],
            total + (rows - guess).sum(1),
            squares + ((rows - guess) ** 2).sum(1),
        )
    mean = guess[:, 0] + total / count
    std = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
    # a channel that never changes is only centred
    std = np.where(std > 1e-12 * np.maximum(np.abs(mean), 1), std, 1.0)
    return Facts(
        task=task, classes=classes, input_shape=size, scale=scale, mean=tuple(mean.tolist()), std=tuple(std.tolist())
    )


def _dtype_name(x: Any) -> str:
    return str(x.dtype).removeprefix("torch.")
