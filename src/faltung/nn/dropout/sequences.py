"""Variational dropout: one mask for all times of a sequence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...arguments import parse_axis
from ...errors import ShapeError
from .base import DropsValues
from .schedule import Schedule


class VariationalDropout(DropsValues):
    """Drop the same features at all times of a sequence.

    In training, and independently for each feature of each sequence, with one m for all times t,

        y_t = m x_t / (1 - p),   m = 1 with probability 1 - p, else 0;
        E[y] = x,   Cov[y_t, y_u] = x_t x_u p / (1 - p).

    A recurrent net sees one thinned network from begin to end. A sequence that comes step by step gets the same mask at
    every step with a key, inside `at(sample=...)`.

    Args:
        p: probability that a feature is dropped.
        inplace: write the result into x.
        time_axis: of x; 1 for (N, T, F), 0 for torch's recurrent layers with (T, N, F), 2 for (N, F, T).
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`. A key needs the batch as axis 0.

    Raises:
        ShapeError: x has no such axis, or no axis besides it.

    Source: Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks",
    NeurIPS.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.VariationalDropout(0.5, key=1)(torch.ones(1, 3, 4))
        tensor([[[2., 2., 2., 0.],
                 [2., 2., 2., 0.],
                 [2., 2., 2., 0.]]])
    """

    _untiled = 3

    def __init__(
        self,
        p: float = 0.5,
        inplace: bool = False,
        *,
        time_axis: int = 1,
        generator: torch.Generator | None = None,
        schedule: Schedule | None = None,
        mc: bool = False,
        key: int | None = None,
        grid: int | Sequence[int] = 1,
    ) -> None:
        super().__init__(p, inplace, generator=generator, schedule=schedule, mc=mc, key=key, grid=grid)
        self.time_axis = time_axis

    def _check(self, x: Tensor) -> None:
        super()._check(x)
        time = parse_axis("time_axis", self.time_axis, x.ndim)
        if x.ndim < 2:
            raise ShapeError(f"x has {x.ndim} axis; a time axis and at least one other are expected, e.g. (N, T, F)")
        if self.key is not None and time == 0:
            raise ShapeError(
                "time_axis=0 is where a layer with a key expects the batch: give x with the batch first, (N, T, F)"
            )

    def _shared(self, x: Tensor) -> tuple[int, ...]:
        return (self.time_axis % x.ndim,)

    def _more_words(self) -> list[str]:
        return [*super()._more_words(), f"time_axis={self.time_axis}"]
