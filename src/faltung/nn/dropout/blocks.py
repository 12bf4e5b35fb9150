"""DropBlock: dropout of blocks of neighbours, at the same rate everywhere."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...arguments import integers
from ...errors import ShapeError
from .base import TWO_32, DropsValues
from .schedule import Schedule


class _DropBlock(DropsValues):
    """Drop blocks; the law is described by `DropBlock2d`."""

    _spatial_axes = 0

    def __init__(
        self,
        p: float = 0.1,
        inplace: bool = False,
        *,
        block: int | Sequence[int] = 7,
        per_channel: bool = True,
        generator: torch.Generator | None = None,
        schedule: Schedule | None = None,
        mc: bool = False,
        key: int | None = None,
        grid: int | Sequence[int] = 1,
    ) -> None:
        super().__init__(p, inplace, generator=generator, schedule=schedule, mc=mc, key=key, grid=grid)
        self.block = tuple(integers("block", block, self._spatial_axes, least=1))
        self.per_channel = bool(per_channel)

    def _check(self, x: Tensor) -> None:
        super()._check(x)
        if x.ndim != self._spatial_axes + 2:
            sides = ("L", "H, W", "D, H, W")[self._spatial_axes - 1]
            raise ShapeError(
                f"x has {x.ndim} axes, {tuple(x.shape)}; {type(self).__name__} expects (N, C, {sides})"
                + (": give x[None] for one entry without a batch" if x.ndim == self._spatial_axes + 1 else "")
            )

    def _shared(self, x: Tensor) -> tuple[int, ...]:
        return () if self.per_channel else (1,)

    def _mask(self, x: Tensor, rate: float) -> Tensor:
        """Ones where no block lies."""
        # each unit is hit by as many possible blocks, so each is kept with (1 - chance) ** area = 1 - rate
        chance = -math.expm1(math.log1p(-rate) / math.prod(self.block))
        front = [size - 1 for size in self.block]
        if self.key is not None:
            hit = self._words(x, front) < round(chance * TWO_32)
        else:
            shape = [*self._empty(x).shape[:2], *(n + more for n, more in zip(x.shape[2:], front, strict=True))]
            hit = self._drawn(x.new_empty(shape, dtype=torch.bool), chance)
        for axis, size in enumerate(self.block, 2):
            hit = _any_in_window(hit, axis, size)
        return (~hit).to(x.dtype)

    def _more_words(self) -> list[str]:
        block = self.block[0] if len(set(self.block)) == 1 else self.block
        return [*super()._more_words(), f"block={block}", *([] if self.per_channel else ["per_channel=False"])]


class DropBlock1d(_DropBlock):
    """Drop blocks of neighbours of x, (N, C, L); the law is that of `DropBlock2d` with area b.

    Args:
        p: probability that an element is dropped.
        inplace: write the result into x.
        block: length b of a block, >= 1; may be even, and longer than x.
        per_channel: blocks of its own for each channel; False drops the same places in all of them.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Ghiasi, Lin and Le 2018, "DropBlock: a regularization method for convolutional networks", NeurIPS.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.DropBlock1d(0.5, block=3, key=1)(torch.ones(1, 1, 10))
        tensor([[[2., 2., 2., 2., 0., 0., 0., 0., 0., 0.]]])
    """

    _spatial_axes = 1


class DropBlock2d(_DropBlock):
    """Drop blocks of neighbours of x, (N, C, H, W): exactly p everywhere, also at borders and for H != W.

    Blocks of b x b' start anywhere they touch x, from b - 1 rows above to the last row, so each element lies in just
    b b' possible blocks. Each of those is there with probability g, independently, and 1 - p = (1 - g)^(b b') fixes
    g = 1 - (1 - p)^(1 / (b b')). With m = 0 where at least one block lies, else 1, and o the elements that the b x b'
    windows around two elements of a channel have in common,

        y = m x / (1 - p),   E[y] = x,   Cov[y, y'] = x x' ((1 - p)^(-o / (b b')) - 1),   Var[y] = x² p / (1 - p).

    The paper approximates g, starts no block whose part would lie outside (so that borders are dropped less), and
    scales by the share that came to be kept. That share is random and in the denominator, so E[y] is not x, and an
    element depends on all others in the batch; here the scale is the probability itself. Even blocks and blocks larger
    than x are no special cases.

    Args:
        p: probability that an element is dropped.
        inplace: write the result into x.
        block: side of a block, one number or (rows, columns), >= 1.
        per_channel: blocks of its own for each channel; False drops the same places in all of them.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Ghiasi, Lin and Le 2018, "DropBlock: a regularization method for convolutional networks", NeurIPS.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.DropBlock2d(0.5, block=2, key=1)(torch.ones(1, 1, 4, 6))[0, 0]
        tensor([[2., 2., 0., 0., 0., 0.],
                [2., 2., 2., 2., 0., 0.],
                [0., 0., 0., 0., 0., 2.],
                [0., 0., 0., 0., 0., 0.]])
    """

    _spatial_axes = 2


class DropBlock3d(_DropBlock):
    """Drop blocks of neighbours of x, (N, C, D, H, W); the law is that of `DropBlock2d` with volume b b' b''.

    Args:
        p: probability that an element is dropped.
        inplace: write the result into x.
        block: side of a block, one number or (depth, rows, columns), >= 1.
        per_channel: blocks of its own for each channel; False drops the same places in all of them.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Ghiasi, Lin and Le 2018, "DropBlock: a regularization method for convolutional networks", NeurIPS.

    Example:
        >>> import torch, faltung as ft
        >>> y = ft.nn.DropBlock3d(0.2, block=3)(torch.ones(1, 8, 4, 5, 6))
        >>> y.shape, float(y.max())
        (torch.Size([1, 8, 4, 5, 6]), 1.25)
    """

    _spatial_axes = 3


def _any_in_window(hit: Tensor, axis: int, size: int) -> Tensor:
    """Whether any of `size` neighbours along an axis is hit; doubling windows takes log2(size) passes."""
    covered = 1
    while covered < size:
        step = min(covered, size - covered)
        length = hit.shape[axis] - step
        hit = hit.narrow(axis, 0, length) | hit.narrow(axis, step, length)
        covered += step
    return hit
