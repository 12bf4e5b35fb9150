"""Dropout of whole channels."""

import torch
from torch import Tensor

from ...errors import ShapeError
from .base import DropsValues
from .elements import AlphaDropout


class _ChannelDropout(DropsValues):
    """Drop channels of x (N, C, *spatial) whole.

    In training, and independently for each channel of each entry of the batch, with one m for all places,

        y = m x / (1 - p),   m = 1 with probability 1 - p, else 0;
        E[y] = x,   Cov[y, y'] = x x' p / (1 - p) within a channel, else 0.

    Neighbours in a map carry nearly the same; dropping one alone takes little away, its channel does.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", CVPR.
    """

    _native = (torch.feature_dropout, torch.feature_dropout_)
    _spatial_axes = 0

    def _check(self, x: Tensor) -> None:
        super()._check(x)
        if x.ndim == self._spatial_axes + 2:
            return
        # as in torch, x may lack the batch: (C, L) and (C, D, H, W) cannot be taken for anything else
        if x.ndim != self._spatial_axes + 1 or self._spatial_axes == 2:
            raise ShapeError(self._wrong_axes(x))
        if self.key is not None:
            raise ShapeError(f"x has {x.ndim} axes, {tuple(x.shape)}; with a key axis 0 is the batch: give x[None]")

    def _wrong_axes(self, x: Tensor) -> str:
        sides = ("L", "H, W", "D, H, W")[self._spatial_axes - 1]
        message = f"x has {x.ndim} axes, {tuple(x.shape)}; {type(self).__name__} expects (N, C, {sides})"
        if self._spatial_axes != 2:
            return message + f", or (C, {sides}) without a batch"
        if x.ndim == 3:
            return message + (
                ". As one picture (C, H, W) its channels would be axis 0, as a batch (N, C, L) axis 1, and torch drops "
                "along axis 1 whichever is meant: give x[None] for a picture, or take Dropout1d for (N, C, L)"
            )
        return message

    def _shared(self, x: Tensor) -> tuple[int, ...]:
        return tuple(range(x.ndim - self._spatial_axes, x.ndim))

    def _may_be_native(self, x: Tensor) -> bool:
        # torch's function takes axis 1 for the channels
        return x.ndim == self._spatial_axes + 2 and super()._may_be_native(x)


class Dropout1d(_ChannelDropout):
    """Drop channels of x, (N, C, L) or (C, L), whole: `torch.nn.Dropout1d` with more options.

    In training y = m x / (1 - p) with one m for a channel, 1 with probability 1 - p, else 0. E[y] = x; within a channel
    Cov[y, y'] = x x' p / (1 - p). With the same global seed the result is torch's, bit for bit.

    Args:
        p: probability that a channel is dropped.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", CVPR.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.Dropout1d(0.5, key=1)(torch.ones(1, 3, 4))
        tensor([[[2., 2., 2., 2.],
                 [2., 2., 2., 2.],
                 [2., 2., 2., 2.]]])
    """

    _spatial_axes = 1


class Dropout2d(_ChannelDropout):
    """Drop channels of x, (N, C, H, W), whole: `torch.nn.Dropout2d` with more options.

    The law is that of `Dropout1d`. Three axes are refused: torch takes (C, H, W) for (N, C, L), warns, and zeroes rows
    instead of channels. With the same global seed the result is torch's, bit for bit.

    Args:
        p: probability that a channel is dropped.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", CVPR.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.Dropout2d(0.5, key=1)(torch.ones(1, 3, 8, 8)).mean((2, 3))
        tensor([[2., 2., 2.]])
    """

    _spatial_axes = 2


class Dropout3d(_ChannelDropout):
    """Drop channels of x, (N, C, D, H, W) or (C, D, H, W), whole: `torch.nn.Dropout3d` with more options.

    The law is that of `Dropout1d`. With the same global seed the result is torch's, bit for bit.

    Args:
        p: probability that a channel is dropped.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", CVPR.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.Dropout3d(0.5, key=1)(torch.ones(1, 3, 2, 2, 2)).mean((2, 3, 4))
        tensor([[2., 2., 2.]])
    """

    _spatial_axes = 3


class FeatureAlphaDropout(AlphaDropout):
    """Set channels of x, (N, C, *spatial), whole to what SELU saturates at: torch's layer with more options.

    The law is that of `AlphaDropout`, with one m for all places of a channel. Axis 1 is the channels', whatever
    follows: a picture without a batch, (C, H, W), has to come as x[None]. With the same global seed the result
    is torch's.

    Args:
        p: probability that a channel is set to the limit. At 1 the result is 0, as in torch.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, "Self-normalizing neural networks", NeurIPS.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.FeatureAlphaDropout(0.5, key=1)(torch.zeros(1, 3, 8, 8)).mean((2, 3))
        tensor([[0.7792, 0.7792, 0.7792]])
    """

    _native = (torch.feature_alpha_dropout, torch.feature_alpha_dropout_)

    def _check(self, x: Tensor) -> None:
        super()._check(x)
        if x.ndim < 2:
            raise ShapeError(
                f"x has {x.ndim} axes; FeatureAlphaDropout expects (N, C, *spatial): give x[None] for (C,)"
            )

    def _shared(self, x: Tensor) -> tuple[int, ...]:
        return tuple(range(2, x.ndim))

    def _empty(self, x: Tensor) -> Tensor:
        # in the order of the axes, as torch has it, also for (N, C)
        return x.new_empty([*x.shape[:2], *[1] * (x.ndim - 2)])
