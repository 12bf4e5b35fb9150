"""Losses of a batch that several processes share: sums over all of it, before anything is divided.

The mean of two means is the mean of the whole only where both are over equally many. Places with a label are not, nor
weights of classes, and Dice is no mean at all. So such losses add up their sums over all processes (`joined`) and
divide afterwards; a loss that does not is a mean over examples, and each process's counts by how many it has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass
class Joint:
    """What is known of a batch's loss while it is computed.

    Attributes:
        counts: whether this process's examples count; one that only runs along has some because all must.
        world: how many processes there are.
        weight: by how much the whole batch counts beside others; None for a loss that joins nothing.
    """

    counts: bool
    world: int
    weight: Tensor | None = None


_NOW: ContextVar[Joint | None] = ContextVar("joint", default=None)


@contextmanager
def whole_batch(*, counts: bool, world: int) -> Iterator[Joint]:
    """Inside, `joined` adds up over all processes."""
    joint = Joint(counts, world)
    token = _NOW.set(joint)
    try:
        yield joint
    finally:
        _NOW.reset(token)


def joined(sums: Tensor, *, weight: Tensor) -> Tensor:
    """Sums over the examples of this process, added up over all processes; all have to call it, as often.

    Outside `whole_batch`, and where there is one process, they stay as they are. The gradient of each process is that
    of its own part, times the number of processes, because these are averaged afterwards.

    Args:
        sums: (k,), differentiable.
        weight: one of them: by how much the batch counts beside other batches.
    """
    joint = _NOW.get()
    if joint is None:
        return sums
    joint.weight = weight.detach()
    if joint.world == 1:
        return sums
    both: Tensor = _Summed.apply(torch.cat([sums, joint.weight[None]]) * float(joint.counts), joint.world)
    joint.weight = both[-1].detach()
    return both[:-1]


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sums: Tensor, world: int) -> Tensor:
        ctx.world = world
        total = sums.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.world, None
