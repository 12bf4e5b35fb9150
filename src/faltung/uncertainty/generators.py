"""Random numbers of a sample: every generator that a pass may draw from, in the state that belongs to the sample."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..arguments import integer
from ..errors import ParameterError
from ..nn.dropout.base import Droppable


def sample_seed(sample: int, *, seed: int = 0, generator: int = 0) -> int:
    """The seed that a sample's random numbers begin with, so that anyone can run its pass again.

    `torch.manual_seed(sample_seed(t, seed=s))`, then a pass of the module with dropout on, is sample t of
    `monte_carlo(module, x, seed=s)`. Layers with a key do not draw: their masks follow from `at(sample=t)`.

    Args:
        sample: its number, >= 0.
        seed: of all samples together.
        generator: 0 for torch's global generators; i for the i-th generator of their own that dropout layers have.

    Returns:
        An integer from 0 to 2^63 - 1.

    Example:
        >>> sample_seed(0) == sample_seed(0), sample_seed(0) == sample_seed(1)
        (True, False)
    """
    return _seed_of(integer("seed", seed), integer("sample", sample, least=0), integer("generator", generator, least=0))


def _seed_of(seed: int, sample: int, generator: int) -> int:
    digest = hashlib.sha256(f"{seed}/{sample}/{generator}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


State = tuple[Tensor, ...]
"""One state for each generator."""


class Generators:
    """The generators that passes of a module on x may draw from.

    Args:
        module: its own generators are found in the dropout layers of faltung.nn.
        x: says on which device passes run, besides the module's own.
        seed: of all samples.

    Raises:
        ParameterError: a device whose random numbers cannot be put into a state here.
    """

    def __init__(self, module: nn.Module, x: Tensor, seed: int) -> None:
        self.seed = seed
        devices = {x.device, *(p.device for p in module.parameters()), *(b.device for b in module.buffers())}
        self._all = [torch.default_generator]
        for device in sorted(devices, key=str):
            if device.type == "cuda":
                self._all.append(torch.cuda.default_generators[device.index or 0])
            elif device.type not in ("cpu", "meta"):
                raise ParameterError(
                    f"device {device}: masks are repeated on cpu and cuda only; move module and x there"
                )
        self._num_global = len(self._all)
        own = [part.generator for part in module.modules() if isinstance(part, Droppable)]
        for generator in own:
            # layers may share one
            if generator is not None and not any(generator is known for known in self._all):
                self._all.append(generator)

    def start(self, sample: int) -> None:
        """Put all in the state in which this sample begins."""
        for number, generator in enumerate(self._all):
            own = max(0, number + 1 - self._num_global)
            generator.manual_seed(_seed_of(self.seed, sample, own))

    def state(self) -> State:
        """Where all stand now."""
        return tuple(generator.get_state() for generator in self._all)

    def go_to(self, state: Sequence[Any]) -> None:
        """Put all where they stood."""
        for generator, own in zip(self._all, state, strict=True):
            generator.set_state(own)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Afterwards all stand where they stood before."""
        before = self.state()
        try:
            yield
        finally:
            self.go_to(before)


def python_state() -> tuple[Any, ...]:
    """Where the generators of Python and NumPy stand that all code shares."""
    kept = np.random.get_state(legacy=False)  # noqa: NPY002 - read, not drawn from
    return random.getstate(), kept["state"]["key"].tobytes(), kept["state"]["pos"], kept["has_gauss"]


def same_state(a: State, b: State) -> bool:
    """Whether nothing was drawn between two states."""
    # asked twice a call; torch.equal takes twice as long
    return all(one.numpy().tobytes() == other.numpy().tobytes() for one, other in zip(a, b, strict=True))
