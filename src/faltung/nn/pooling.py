"""Pooling layers: torch's, with any boundary where padding has one, and p-norms that are norms.

Where torch's own function is right it is called: a maximum or a mean is bound by memory, and there is nothing to win.
Two things differ on purpose, both in Lp pooling: the size of x counts, so that odd norms of negative numbers are no NaN
and no negative norms; and a last window that reaches beyond x (ceil_mode) sums what it holds, where torch scales that
up to a whole window.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import integer
from ..boundary import Boundary
from ..errors import FaltungError, ParameterError, ShapeError
from ..tensors.edges import pad
from . import geometry
from .convolution import Lengths

MAX_POOLS: tuple[Callable[..., Any], ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG_POOLS: tuple[Callable[..., Any], ...] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


def max_pool(
    x: Tensor,
    num_axes: int,
    size: Lengths,
    stride: Lengths | None,
    padding: Lengths,
    dilation: Lengths,
    ceil_mode: bool,
    return_indices: bool,
    boundary: Boundary | None,
) -> Any:
    """The largest sample of each window of the last axes; see `MaxPool2d`."""
    sizes, apart, margin = windows(num_axes, size, stride, padding, boundary, ceil_mode)
    spread = geometry.lengths("dilation", dilation, num_axes, 1)
    _check_sides(x, num_axes)
    if not ceil_mode:
        geometry.check_fits(x, sizes, spread, margin, margin)
    if boundary is not None:
        if return_indices:
            raise ParameterError("return_indices with boundary: places outside x have no index; leave one of them out")
        x, margin = pad(x, boundary, margin, margin), (0,) * num_axes
    rest = {"ceil_mode": ceil_mode, "return_indices": return_indices}
    return MAX_POOLS[num_axes - 1](x, sizes, apart, margin, spread, **rest)


def avg_pool(
    x: Tensor,
    num_axes: int,
    size: Lengths,
    stride: Lengths | None,
    padding: Lengths,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    boundary: Boundary | None,
) -> Tensor:
    """The mean of each window of the last axes; see `AvgPool2d`."""
    sizes, apart, margin = windows(num_axes, size, stride, padding, boundary, ceil_mode)
    _check_sides(x, num_axes)
    if not ceil_mode:
        geometry.check_fits(x, sizes, (1,) * num_axes, margin, margin)
    if boundary is not None:
        x, margin = pad(x, boundary, margin, margin), (0,) * num_axes
    if num_axes == 1 and divisor_override is None:
        return F.avg_pool1d(x, sizes, apart, margin, ceil_mode, count_include_pad)
    return AVG_POOLS[num_axes - 1](x, sizes, apart, margin, ceil_mode, count_include_pad, divisor_override)


def lp_pool(x: Tensor, num_axes: int, norm: float, size: Lengths, stride: Lengths | None, ceil_mode: bool) -> Tensor:
    """The p-norm of each window of the last axes; see `LPPool2d`."""
    check_norm(norm)
    if norm == math.inf:
        return max_pool(x.abs(), num_axes, size, stride, 0, 1, ceil_mode, False, None)
    sizes, apart, _ = windows(num_axes, size, stride, 0, None, ceil_mode)
    _check_sides(x, num_axes)
    if not ceil_mode:
        geometry.check_fits(x, sizes, (1,) * num_axes, (0,) * num_axes, (0,) * num_axes)
    powers = x.square() if norm == 2 else x.abs().pow(norm)
    if num_axes == 1:
        # with a divisor there are two axes or three
        total = F.avg_pool2d(powers[..., None, :], (1, *sizes), (1, *apart), 0, ceil_mode, True, 1)[..., 0, :]
    else:
        total = AVG_POOLS[num_axes - 1](powers, sizes, apart, 0, ceil_mode, True, 1)
    return _root(total, norm)


def check_norm(norm: float) -> None:
    """Refuse p that makes no norm."""
    if not isinstance(norm, (int, float)) or not norm > 0:
        raise ParameterError(f"norm_type={norm!r}: a number above 0 is expected, or math.inf for the largest size")


def windows(
    num_axes: int,
    size: Lengths,
    stride: Lengths | None,
    padding: Lengths,
    boundary: Boundary | None,
    ceil_mode: bool,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Size, stride and padding of windows per axis."""
    sizes = geometry.lengths("kernel_size", size, num_axes, 1)
    apart = sizes if stride is None else geometry.lengths("stride", stride, num_axes, 1)
    margin = geometry.lengths("padding", padding, num_axes, 0)
    if boundary is None:
        for p, k in zip(margin, sizes, strict=True):
            if 2 * p > k:
                raise ParameterError(
                    f"padding={p} for windows of {k}: at most half a window, {k // 2}, or a window would hold no "
                    f"sample; with boundary= any number is allowed"
                )
    else:
        geometry.parsed(boundary, num_axes)
        if ceil_mode:
            raise ParameterError(
                f"ceil_mode with boundary={boundary!r}: there is something outside, so give padding that windows fill"
            )
    return sizes, apart, margin


def _check_sides(x: Tensor, num_axes: int) -> None:
    if x.ndim not in (num_axes + 1, num_axes + 2):
        sides = geometry.SIDES[num_axes - 1]
        raise ShapeError(
            f"x has {x.ndim} axes, {tuple(x.shape)}: (N, C, {sides}) is expected, or (C, {sides}) without a batch"
        )


def _root(total: Tensor, norm: float) -> Tensor:
    """The root total ** (1 / norm), with gradient 0 where the total is 0: the root's is infinite there."""
    if norm == 1:
        return total
    nothing = total == 0
    return total.masked_fill(nothing, 1).pow(1 / norm).masked_fill(nothing, 0)


class _Pool(torch.nn.Module):
    """Names its layer where something is wrong."""

    _num_axes: int
    boundary: Boundary | None = None

    def forward(self, input: Tensor) -> Any:
        """See the class."""
        try:
            return self._pooled(input)
        except FaltungError as error:
            raise geometry.named(error, self) from None


class _MaxPool(_Pool):
    """What the three layers share; mixed into torch's classes."""

    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Lengths = 0,
        dilation: Lengths = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        *,
        boundary: Boundary | None = None,
    ) -> None:
        windows(self._num_axes, kernel_size, stride, padding, boundary, ceil_mode)
        geometry.lengths("dilation", dilation, self._num_axes, 1)
        super().__init__(kernel_size, stride, padding, dilation, return_indices, ceil_mode)
        self.boundary = boundary

    def _pooled(self, x: Tensor) -> Any:
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return max_pool(x, self._num_axes, *window, self.ceil_mode, self.return_indices, self.boundary)

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return super().extra_repr() + ("" if self.boundary is None else f", boundary={self.boundary!r}")


class _AvgPool(_Pool):
    """What the three layers share; mixed into torch's classes."""

    def _pooled(self, x: Tensor) -> Tensor:
        window = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return avg_pool(x, self._num_axes, *window, getattr(self, "divisor_override", None), self.boundary)

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return super().extra_repr() + ("" if self.boundary is None else f", boundary={self.boundary!r}")


class _LPPool(_Pool):
    """What the three layers share; mixed into torch's classes."""

    def __init__(
        self, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
    ) -> None:
        check_norm(norm_type)
        windows(self._num_axes, kernel_size, stride, 0, None, ceil_mode)
        super().__init__(norm_type, kernel_size, stride, ceil_mode)

    def _pooled(self, x: Tensor) -> Tensor:
        return lp_pool(x, self._num_axes, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


class MaxPool1d(_MaxPool, torch.nn.MaxPool1d):
    """The largest sample of every window of a signal (N, C, L).

    Everything is as in `MaxPool2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.MaxPool1d(2)(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 5])
    """

    _num_axes = 1


class MaxPool2d(_MaxPool, torch.nn.MaxPool2d):
    """The largest sample of every window of a picture (N, C, H, W).

    torch's layer, with `boundary=`.

    Args:
        kernel_size: length of the window; one number, or one per axis.
        stride: from window to window; None means kernel_size.
        padding: positions in front of and behind x that windows may use, at most half a window. They are empty, or
            hold what `boundary` says.
        dilation: distance between the samples of a window.
        return_indices: True gives the places of the maxima too, for `MaxUnpool2d`.
        ceil_mode: True keeps a last window that reaches beyond x, if it starts inside.
        boundary: what the padding holds, as in `Conv2d`, any number of samples; None: nothing.

    Raises:
        ParameterError: lengths that are none, more padding than half a window, options that exclude each other.
        ShapeError: no window fits into x.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.MaxPool2d(2)(torch.zeros(1, 2, 8, 8)).shape
        torch.Size([1, 2, 4, 4])
    """

    _num_axes = 2


class MaxPool3d(_MaxPool, torch.nn.MaxPool3d):
    """The largest sample of every window of a volume (N, C, D, H, W).

    Everything is as in `MaxPool2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.MaxPool3d(2)(torch.zeros(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 4, 4, 4])
    """

    _num_axes = 3


class AvgPool1d(_AvgPool, torch.nn.AvgPool1d):
    """The mean of every window of a signal (N, C, L).

    Everything is as in `AvgPool2d`, without divisor_override.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.AvgPool1d(2)(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 5])
    """

    _num_axes = 1

    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Lengths = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        boundary: Boundary | None = None,
    ) -> None:
        windows(1, kernel_size, stride, padding, boundary, ceil_mode)
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.boundary = boundary


class AvgPool2d(_AvgPool, torch.nn.AvgPool2d):
    """The mean of every window of a picture (N, C, H, W).

    torch's layer, with `boundary=`.

    Args:
        kernel_size, stride, padding, ceil_mode, boundary: as in `MaxPool2d`; padding without a boundary holds zeros.
        count_include_pad: False leaves the zeros of the padding out of the mean. With a boundary all samples count.
        divisor_override: what sums are divided by instead of the number of samples.

    Raises:
        ParameterError, ShapeError: as in `MaxPool2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.AvgPool2d(3, stride=1, padding=1, boundary="edge")(torch.ones(1, 1, 2, 2))
        tensor([[[[1., 1.],
                  [1., 1.]]]])
    """

    _num_axes = 2

    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Lengths = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        boundary: Boundary | None = None,
    ) -> None:
        windows(2, kernel_size, stride, padding, boundary, ceil_mode)
        if divisor_override is not None:
            integer("divisor_override", divisor_override, least=1)
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        self.boundary = boundary


class AvgPool3d(_AvgPool, torch.nn.AvgPool3d):
    """The mean of every window of a volume (N, C, D, H, W).

    Everything is as in `AvgPool2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.AvgPool3d(2)(torch.zeros(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 4, 4, 4])
    """

    _num_axes = 3

    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Lengths = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        boundary: Boundary | None = None,
    ) -> None:
        windows(3, kernel_size, stride, padding, boundary, ceil_mode)
        if divisor_override is not None:
            integer("divisor_override", divisor_override, least=1)
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        self.boundary = boundary


class LPPool1d(_LPPool, torch.nn.LPPool1d):
    """The p-norm of every window of a signal (N, C, L).

    Everything is as in `LPPool2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.LPPool1d(2, 2)(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 5])
    """

    _num_axes = 1


class LPPool2d(_LPPool, torch.nn.LPPool2d):
    """The p-norm of every window of a picture (N, C, H, W).

    y = (sum of |x| ** p over the window) ** (1 / p): p = 1 is the sum of sizes, 2 the length, inf the largest size.
    Where a window is all 0 the gradient is 0. torch's own layer takes x ** p, so that an odd p gives NaN or negative
    numbers where x is negative, and with ceil_mode scales a cut window up to a whole one; otherwise it agrees.

    Args:
        norm_type: p > 0.
        kernel_size, stride, ceil_mode: as in `MaxPool2d`.

    Raises:
        ParameterError, ShapeError: as in `MaxPool2d`.

    Source: Boureau, Ponce and LeCun 2010, "A theoretical analysis of feature pooling in visual recognition", ICML.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.LPPool2d(3, 2)(-torch.ones(1, 1, 2, 2)).round(decimals=4)
        tensor([[[[1.5874]]]])
    """

    _num_axes = 2


class LPPool3d(_LPPool, torch.nn.LPPool3d):
    """The p-norm of every window of a volume (N, C, D, H, W).

    Everything is as in `LPPool2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.LPPool3d(2, 2)(torch.zeros(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 4, 4, 4])
    """

    _num_axes = 3


class GlobalAvgPool1d(torch.nn.AdaptiveAvgPool1d):
    """The mean of each channel of a signal (N, C, L): `torch.nn.AdaptiveAvgPool1d(1)`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalAvgPool1d()(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 1])
    """

    def __init__(self) -> None:
        super().__init__(1)


class GlobalMaxPool1d(torch.nn.AdaptiveMaxPool1d):
    """The largest sample of each channel of a signal (N, C, L): `torch.nn.AdaptiveMaxPool1d(1)`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalMaxPool1d()(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 1])
    """

    def __init__(self) -> None:
        super().__init__(1)


class GlobalAvgPool2d(torch.nn.AdaptiveAvgPool2d):
    """The mean of each channel of a picture (N, C, H, W): `torch.nn.AdaptiveAvgPool2d(1)`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalAvgPool2d()(torch.zeros(1, 2, 8, 8)).shape
        torch.Size([1, 2, 1, 1])
    """

    def __init__(self) -> None:
        super().__init__(1)


class GlobalMaxPool2d(torch.nn.AdaptiveMaxPool2d):
    """The largest sample of each channel of a picture (N, C, H, W): `torch.nn.AdaptiveMaxPool2d(1)`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalMaxPool2d()(torch.zeros(1, 2, 8, 8)).shape
        torch.Size([1, 2, 1, 1])
    """

    def __init__(self) -> None:
        super().__init__(1)


class GlobalAvgPool3d(torch.nn.AdaptiveAvgPool3d):
    """The mean of each channel of a volume (N, C, D, H, W): `torch.nn.AdaptiveAvgPool3d(1)`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalAvgPool3d()(torch.zeros(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 1, 1, 1])
    """

    def __init__(self) -> None:
        super().__init__(1)


class GlobalMaxPool3d(torch.nn.AdaptiveMaxPool3d):
    """The largest sample of each channel of a volume (N, C, D, H, W): `torch.nn.AdaptiveMaxPool3d(1)`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalMaxPool3d()(torch.zeros(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 1, 1, 1])
    """

    def __init__(self) -> None:
        super().__init__(1)


class _GlobalLPPool(torch.nn.Module):
    """What the three layers share."""

    _num_axes: int

    def __init__(self, norm_type: float) -> None:
        super().__init__()
        check_norm(norm_type)
        self.norm_type = norm_type

    def forward(self, input: Tensor) -> Tensor:
        """See the class."""
        axes = tuple(range(-self._num_axes, 0))
        if self.norm_type == math.inf:
            return input.abs().amax(axes, keepdim=True)
        return _root(input.abs().pow(self.norm_type).sum(axes, keepdim=True), self.norm_type)

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return f"norm_type={self.norm_type}"


class GlobalLPPool1d(_GlobalLPPool):
    """The p-norm of each channel of a signal (N, C, L), as `LPPool1d` with one window.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalLPPool1d(2)(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 1])
    """

    _num_axes = 1


class GlobalLPPool2d(_GlobalLPPool):
    """The p-norm of each channel of a picture (N, C, H, W), as `LPPool2d` with one window.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalLPPool2d(2)(torch.zeros(1, 2, 8, 8)).shape
        torch.Size([1, 2, 1, 1])
    """

    _num_axes = 2


class GlobalLPPool3d(_GlobalLPPool):
    """The p-norm of each channel of a volume (N, C, D, H, W), as `LPPool3d` with one window.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.GlobalLPPool3d(2)(torch.zeros(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 1, 1, 1])
    """

    _num_axes = 3
