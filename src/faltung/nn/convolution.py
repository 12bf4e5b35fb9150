"""Convolution layers: torch's, with any boundary, and by Faltung's loops where these are faster.

Sizes: N entries of the batch, C channels in, O channels out, G groups; x (N, C, *sizes), weights (O, C / G, *taps).
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F

from ..arguments import integer
from ..boundary import Boundary
from ..errors import FaltungError, ParameterError
from ..tensors import operators, strategy
from ..tensors.edges import pad
from . import geometry

Lengths = int | Sequence[int]
Method = Literal["auto", "torch", "direct"]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]

CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d)
CASTABLE = (torch.float32, torch.bfloat16, torch.float16)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: str | Sequence[int],
    dilation: Sequence[int],
    groups: int,
    *,
    padding_mode: str = "zeros",
    boundary: Boundary | None = None,
    method: str = "auto",
) -> Tensor:
    """What a convolution layer computes, options checked before; see `Conv2d`."""
    taps = weight.shape[2:]
    num_axes = len(taps)
    geometry.check_input(x, weight.shape[1] * groups, num_axes)
    before, after = geometry.margins(padding, taps, dilation)
    geometry.check_fits(x, taps, dilation, before, after)
    if boundary is not None:
        x, padding = pad(x, boundary, before, after), (0,) * num_axes
    elif padding_mode != "zeros":
        geometry.check_reach(x, padding_mode, before, after)
        pairs = [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]
        x, padding = F.pad(x, pairs, mode=padding_mode), (0,) * num_axes
    if not by_engine(x, weight, stride, method):
        return CONVOLUTIONS[num_axes - 1](x, weight, bias, stride, padding, dilation, groups)
    x, weight, bias = autocast(x, weight, bias)
    before, after = geometry.margins(padding, taps, dilation)
    batch = (x if x.ndim == num_axes + 2 else x[None]).contiguous()
    before, after = list(before), list(after)
    if math.prod(stride) == 1 and strategy.in_one_loop(batch, weight.shape, dilation, before, after):
        return _finished(operators.depthwise(batch, weight, bias, before, after), None, x)
    y = operators.correlate(batch, weight, list(stride), list(dilation), before, after, groups, method)
    return _finished(y, bias, x)


def convolve_transposed(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
    *,
    method: str = "auto",
) -> Tensor:
    """What a transposed layer computes, options checked before: the adjoint of `convolve` in its data.

    Args:
        x: (N, C, *sizes).
        weight: (C, O / G, *taps).
    """
    taps = weight.shape[2:]
    num_axes = len(taps)
    geometry.check_input(x, weight.shape[0], num_axes)
    geometry.check_remains(x, taps, stride, padding, output_padding, dilation)
    if not by_engine(x, weight, stride, method):
        function = TRANSPOSED[num_axes - 1]
        return function(x, weight, bias, stride, padding, output_padding, groups, dilation)
    x, weight, bias = autocast(x, weight, bias)
    batch = (x if x.ndim == num_axes + 2 else x[None]).contiguous()
    # everything that x reaches; what the padding takes away, or the output's padding adds, comes after
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(batch.shape[2:], stride, dilation, taps, strict=True)]
    none = [0] * num_axes
    y = operators.to_input(batch, weight, full, list(stride), list(dilation), none, none, groups, method)
    crop = [n for p, more in zip(reversed(padding), reversed(output_padding), strict=True) for n in (-p, more - p)]
    return _finished(F.pad(y, crop) if any(crop) else y, bias, x)


def by_engine(x: Tensor, weight: Tensor, stride: Sequence[int], method: str) -> bool:
    """Whether Faltung's loops are taken; where they are not, torch's own function is called, at no cost."""
    if weight.device.type != "cpu":
        return False
    if method != "auto":
        return strategy.by_engine(x, weight.shape, stride, method)
    differentiated = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    # on small planes the gradient by weights alone may be worth it
    wanted = {"to_weight": differentiated, "alone": not differentiated}
    if not strategy.by_engine(x, weight.shape, stride, method, **wanted) or transformed():
        return False
    # our loops need channels that are not last, and copies on both ways; torch's gradients are what pays for them
    return not channels_last(x) or (differentiated and math.prod(weight.shape[2:]) >= MANY_TAPS)


def transformed() -> bool:
    """Whether torch.func or forward-mode differentiation is at work, which know torch's own operators only."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def autocast(
    x: Tensor, weight: Tensor, bias: Tensor | None, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The operands as torch's own layers would cast them, or to `dtype` where those do; then all are of one dtype."""
    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        dtype = dtype or torch.get_autocast_dtype(device)
        x, weight, bias = (t.to(dtype) if t is not None and t.dtype in CASTABLE else t for t in (x, weight, bias))
    geometry.check_alike(x, weight, bias)
    return x, weight, bias


def channels_last(x: Tensor) -> torch.memory_format | None:
    """The format of x if its channels are neighbours in memory, as they then shall be in the result."""
    if x.ndim not in (4, 5) or x.is_contiguous():
        return None
    found = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
    return found if x.is_contiguous(memory_format=found) else None


def _finished(y: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """With the bias, and with a batch axis only if x has one."""
    if bias is not None:
        # y is new: in its own memory, for pages not seen before cost as much as the sums
        y = y.add_(bias.reshape(-1, *[1] * (y.ndim - 2)))
    if x.ndim != y.ndim:
        return y[0]
    last = channels_last(x)
    return y.contiguous(memory_format=last) if last else y


MANY_TAPS = 49
"""Taps of a depthwise kernel from which ours are taken although channels are last: forward and backward on 8x64x56x56
3x3 takes 19 ms by ours and 2 by torch's, 7x7 21 and 22 to 32, 15x15 31 and 213 (one thread); forward alone torch's is
faster, up to 13x13 ten times."""


class _Convolution(torch.nn.Module):
    """What the three layers share; mixed into torch's classes, whose attributes it reads at each call."""

    _num_axes: int
    boundary: Boundary | None = None
    method: str = "auto"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        stride: Lengths = 1,
        padding: Lengths | str = 0,
        dilation: Lengths = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        boundary: Boundary | None = None,
        method: Method = "auto",
    ) -> None:
        geometry.check_channels(in_channels, out_channels, groups)
        kernel_size = geometry.lengths("kernel_size", kernel_size, self._num_axes, 1)
        stride = geometry.lengths("stride", stride, self._num_axes, 1)
        dilation = geometry.lengths("dilation", dilation, self._num_axes, 1)
        padding = geometry.check_padding(padding, stride, self._num_axes)
        geometry.check_words(padding_mode, boundary, method, self._num_axes)
        given = (in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode)
        super().__init__(*given, device, dtype)
        self.boundary = boundary
        self.method = method

    def forward(self, input: Tensor) -> Tensor:
        """See the class."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        try:
            return convolve(
                input,
                weight,
                bias,
                self.stride,
                self.padding,
                self.dilation,
                self.groups,
                padding_mode=self.padding_mode,
                boundary=self.boundary,
                method=self.method,
            )
        except FaltungError as error:
            raise geometry.named(error, self) from None

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return super().extra_repr() + _additions(self.boundary, self.method)


def _additions(boundary: Boundary | None, method: str) -> str:
    """What stands in a layer's repr besides torch's words."""
    words = "" if boundary is None else f", boundary={boundary!r}"
    return words if method == "auto" else f"{words}, method={method!r}"


class Conv1d(_Convolution, torch.nn.Conv1d):
    """Convolution of signals (N, C, L).

    Everything is as in `Conv2d`, with one spatial axis; a subclass of `torch.nn.Conv1d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.Conv1d(4, 4, 5, padding="same", groups=4, boundary=("edge", "zero"))(torch.zeros(2, 4, 100)).shape
        torch.Size([2, 4, 100])
    """

    _num_axes = 1


class Conv2d(_Convolution, torch.nn.Conv2d):
    """Convolution of pictures (N, C, H, W): correlation, summed over channels, plus a bias.

    Arguments, defaults, initial weights, keys of the state dict and results are those of `torch.nn.Conv2d`, of which
    this is a subclass; a state dict of either loads into the other. y[n, o] is bias[o] plus the sum over the channels c
    of o's group and the taps j of weight[o, c, j] x[n, c, i stride + j dilation - padding].

    Args:
        in_channels, out_channels: C and O.
        kernel_size, stride, dilation: one number, or one per spatial axis.
        padding: samples added on each side; "same" for a result of the size of x, "valid" for none.
        groups: G; channels are summed within their group only.
        bias: False leaves the bias out.
        padding_mode: what is added, in torch's words.
        boundary: what is added, in Faltung's: "zero", "edge", "symmetric", "reflect", "wrap", ("constant", value), a
            pair (before, after), or a list with one per spatial axis, at any distance. None: as `padding_mode` says.
        method: "auto" takes Faltung's loops where they are faster (depthwise layers on the CPU) and else calls torch's
            own function; "torch" forces that, "direct" forces ours where x is on the CPU.

    Returns, when called with x, (N, C, H, W) or (C, H, W): (N, O, H', W') with
    H' = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, and W' likewise.

    Raises:
        ParameterError: groups that do not divide the channels, counts that are none, an unknown word.
        ShapeError: x has other channels or axes, or is smaller than the kernel; the message holds the layer's path in
            the network.
        DtypeError: x and weights of different dtypes.

    Example:
        >>> import torch, faltung as ft
        >>> layer = ft.nn.Conv2d(3, 8, 3, padding=1, boundary="reflect")
        >>> layer
        Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), boundary='reflect')
        >>> layer(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 8, 32, 32])
    """

    _num_axes = 2


class Conv3d(_Convolution, torch.nn.Conv3d):
    """Convolution of volumes (N, C, D, H, W).

    Everything is as in `Conv2d`, with three spatial axes; a subclass of `torch.nn.Conv3d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.Conv3d(1, 2, 3, boundary="wrap", padding=1)(torch.zeros(1, 1, 8, 8, 8)).shape
        torch.Size([1, 2, 8, 8, 8])
    """

    _num_axes = 3


class _Transposed(torch.nn.Module):
    """What the three transposed layers share; mixed into torch's classes."""

    _num_axes: int
    method: str = "auto"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        stride: Lengths = 1,
        padding: Lengths = 0,
        output_padding: Lengths = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Lengths = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        method: Method = "auto",
    ) -> None:
        geometry.check_channels(in_channels, out_channels, groups)
        kernel_size = geometry.lengths("kernel_size", kernel_size, self._num_axes, 1)
        stride = geometry.lengths("stride", stride, self._num_axes, 1)
        dilation = geometry.lengths("dilation", dilation, self._num_axes, 1)
        padding = geometry.lengths("padding", padding, self._num_axes, 0)
        output_padding = geometry.lengths("output_padding", output_padding, self._num_axes, 0)
        geometry.check_words(padding_mode, None, method, self._num_axes)
        if padding_mode != "zeros":
            raise ParameterError(
                f"padding_mode={padding_mode!r}: a transposed layer adds nothing outside x, its padding takes away; "
                f'only "zeros" is allowed'
            )
        check_output_padding(output_padding, stride, dilation)
        given = (in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation)
        super().__init__(*given, padding_mode, device, dtype)
        self.method = method

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The size of the result may be given where the stride leaves a choice, as in torch."""
        try:
            geometry.check_input(input, self.weight.shape[0], self._num_axes)
            rest = (self.stride, self.padding, self.kernel_size, self._num_axes, self.dilation)
            size = None if output_size is None else list(output_size)
            output_padding = self._output_padding(input, size, *rest)
            options = (self.stride, self.padding, output_padding, self.groups, self.dilation)
            return convolve_transposed(input, self.weight, self.bias, *options, method=self.method)
        except FaltungError as error:
            raise geometry.named(error, self) from None

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return super().extra_repr() + _additions(None, self.method)


def check_output_padding(output_padding: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> None:
    """Refuse to add more than torch does: it must be less than stride or dilation."""
    for more, s, d in zip(output_padding, stride, dilation, strict=True):
        if more >= max(s, d):
            raise ParameterError(
                f"output_padding={more} with stride {s} and dilation {d}: less than the larger of both is allowed, "
                f"0 to {max(s, d) - 1}"
            )


class ConvTranspose1d(_Transposed, torch.nn.ConvTranspose1d):
    """The transpose of `Conv1d`.

    Everything is as in `ConvTranspose2d`, with one spatial axis; a subclass of `torch.nn.ConvTranspose1d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.ConvTranspose1d(2, 2, 3, stride=2)(torch.zeros(1, 2, 10)).shape
        torch.Size([1, 2, 21])
    """

    _num_axes = 1


class ConvTranspose2d(_Transposed, torch.nn.ConvTranspose2d):
    """The transpose of `Conv2d`, often called deconvolution: every sample lays the kernel down, scaled.

    Arguments, defaults, initial weights, keys of the state dict and results are those of `torch.nn.ConvTranspose2d`, of
    which this is a subclass. For the same weights <conv(x), y> = <x, transposed(y)>: it is no inverse.

    Args:
        in_channels, out_channels: C and O; the weights are (C, O / G, *kernel_size).
        kernel_size, stride, dilation: one number, or one per spatial axis, of the convolution that is transposed.
        padding: samples that are taken away from each side of the result.
        output_padding: samples that are added behind it: of the sizes that the stride leaves open, another one.
        groups: G; channels are summed within their group only.
        bias: False leaves the bias out.
        padding_mode: "zeros" only.
        method: as in `Conv2d`.

    Returns, when called with x, (N, C, H, W) or (C, H, W): (N, O, H', W') with
    H' = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1, and W' likewise.

    Raises:
        ParameterError, ShapeError, DtypeError: as in `Conv2d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.ConvTranspose2d(8, 4, 2, stride=2)(torch.zeros(1, 8, 16, 16)).shape
        torch.Size([1, 4, 32, 32])
    """

    _num_axes = 2


class ConvTranspose3d(_Transposed, torch.nn.ConvTranspose3d):
    """The transpose of `Conv3d`.

    Everything is as in `ConvTranspose2d`, with three spatial axes; a subclass of `torch.nn.ConvTranspose3d`.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.ConvTranspose3d(2, 2, 3, stride=2)(torch.zeros(1, 2, 4, 4, 4)).shape
        torch.Size([1, 2, 9, 9, 9])
    """

    _num_axes = 3


class _Depthwise(_Convolution):
    """What the three depthwise layers share: a kernel, or `multiplier` of them, for each channel alone."""

    def __init__(
        self,
        channels: int,
        kernel_size: Lengths,
        stride: Lengths = 1,
        padding: Lengths | str = 0,
        dilation: Lengths = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        multiplier: int = 1,
        boundary: Boundary | None = None,
        method: Method = "auto",
    ) -> None:
        integer("channels", channels, least=1)
        out_channels = channels * integer("multiplier", multiplier, least=1)
        given = (channels, out_channels, kernel_size, stride, padding, dilation, channels, bias, padding_mode)
        super().__init__(*given, device, dtype, boundary=boundary, method=method)


class DepthwiseConv1d(_Depthwise, Conv1d):
    """A convolution of each channel of a signal with kernels of its own.

    Everything is as in `DepthwiseConv2d`, with one spatial axis.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.DepthwiseConv1d(4, 3, multiplier=2)(torch.zeros(1, 4, 10)).shape
        torch.Size([1, 8, 8])
    """


class DepthwiseConv2d(_Depthwise, Conv2d):
    """A convolution of each channel of a picture with kernels of its own.

    It is `Conv2d` with as many groups as channels, and exchanges state dicts with that: the weights are
    (C * multiplier, 1, *kernel_size). No channels are summed, which is what Faltung's loops are fastest at.

    Args:
        channels: C.
        multiplier: kernels per channel; channel c of x makes the channels c * multiplier and following.
        kernel_size, stride, padding, dilation, bias, padding_mode, boundary, method: as in `Conv2d`.

    Raises:
        ParameterError, ShapeError, DtypeError: as in `Conv2d`.

    Example:
        >>> import torch, faltung as ft
        >>> layer = ft.nn.DepthwiseConv2d(16, 7, padding=3)
        >>> layer.weight.shape, layer(torch.zeros(1, 16, 32, 32)).shape
        (torch.Size([16, 1, 7, 7]), torch.Size([1, 16, 32, 32]))
    """


class DepthwiseConv3d(_Depthwise, Conv3d):
    """A convolution of each channel of a volume with kernels of its own.

    Everything is as in `DepthwiseConv2d`, with three spatial axes.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.DepthwiseConv3d(4, 3, multiplier=2)(torch.zeros(1, 4, 6, 6, 6)).shape
        torch.Size([1, 8, 4, 4, 4])
    """
