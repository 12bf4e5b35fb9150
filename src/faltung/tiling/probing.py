"""Whether tiles and the whole are equal bit for bit on this machine, by running both.

It cannot be known otherwise: for another shape torch may choose another order of summation.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.operations import words
from ..networks.recording import flat
from .plans import TilePlan, plan
from .running import apply


@dataclass(frozen=True)
class Equality:
    """How tiles and the whole compared.

    Attributes:
        shape: of the picture of random numbers on which both were run.
        is_whole: it is the shape that was planned for; else what fits in memory.
        max_difference: largest absolute difference.
        largest: largest absolute value of the result.
        differing: how many numbers differ at all.
    """

    shape: tuple[int, ...]
    is_whole: bool
    max_difference: float
    largest: float
    differing: int

    @property
    def bitwise(self) -> bool:
        """Whether all bits were equal."""
        return self.differing == 0

    def __str__(self) -> str:
        where = f"on {words(self.shape)}" + ("" if self.is_whole else ", a part of what was planned for")
        if self.bitwise:
            return f"tiles equal the whole bit for bit {where}"
        return (
            f"{self.differing} numbers differ between tiles and the whole {where}, by {self.max_difference:.2g} at "
            f"most, where results go up to {self.largest:.3g}: torch sums in another order for another shape"
        )


def probe(module: nn.Module, found: TilePlan, *, max_memory: int = 2**30, seed: int = 0) -> Equality:
    """Run a module on tiles and on the whole, on random numbers, and compare.

    Args:
        module: the one that was planned for.
        found: its plan.
        max_memory: bytes that the run on the whole may take; larger pictures are halved until they fit.
        seed: of the random numbers, which are uniform from 0 to 1.

    Raises:
        ParameterError: a smaller picture cannot be run in such tiles.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Conv2d(1, 2, 3, padding=1)
        >>> found = ft.tiling.plan(net, (1, 1, 64, 64), tile=32)
        >>> ft.tiling.probe(net, found).max_difference < 1e-6
        True
    """
    smaller, limit = found, found.whole_bytes
    shape = list(found.input_shape)
    tile = [found.tile[found.axes.index(axis)] if axis in found.axes else shape[axis] for axis in range(2, len(shape))]
    while limit > max_memory:
        for axis, grid, size in zip(found.axes, found.grid, found.tile, strict=True):
            # the rest on the grid stays, and with it what paddings do
            least = min(found.input_shape[axis], 2 * size)
            shape[axis] = max(shape[axis] // 2 // grid * grid + found.input_shape[axis] % grid, least)
        before, smaller = smaller, plan(module, shape, tile=tile)
        limit = smaller.whole_bytes
        if smaller.input_shape == before.input_shape:
            break
    return _compared(module, smaller, found, torch.Generator().manual_seed(seed))


def _compared(module: nn.Module, smaller: TilePlan, found: TilePlan, random: torch.Generator) -> Equality:
    parameter = next(module.parameters(), torch.empty(0))
    x = torch.rand(smaller.input_shape, generator=random).to(parameter.device, parameter.dtype)
    with torch.no_grad():
        whole = _tensors(module(x.clone()))
    pairs = list(zip(whole, _tensors(apply(module, x, plan=smaller)), strict=True))
    return Equality(
        shape=smaller.input_shape,
        is_whole=smaller.input_shape == found.input_shape,
        max_difference=max(float((a - b).abs().max()) if a.numel() else 0.0 for a, b in pairs),
        largest=max(float(a.abs().max()) if a.numel() else 0.0 for a, _ in pairs),
        differing=sum(int((a != b).sum()) for a, b in pairs),
    )


def _tensors(result: Any) -> list[Tensor]:
    return [value for value in flat(result) if isinstance(value, Tensor)]
