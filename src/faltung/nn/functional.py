"""The layers as functions: the names and signatures of `torch.nn.functional`, with boundary= and method= behind.

What the arguments mean stands in the layers of the same name, e.g. `faltung.nn.Conv2d` for `conv2d`. Whatever is not
listed in a layer's page as different gives what torch's function gives.
"""

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from ..boundary import Boundary
from ..tensors.edges import pad
from . import geometry
from .convolution import Lengths, Method, check_output_padding, convolve, convolve_transposed
from .long_conv import long_conv1d
from .pooling import avg_pool, lp_pool, max_pool

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "long_conv1d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "unfold",
]

adaptive_avg_pool1d = F.adaptive_avg_pool1d
adaptive_avg_pool2d = F.adaptive_avg_pool2d
adaptive_avg_pool3d = F.adaptive_avg_pool3d
adaptive_max_pool1d = F.adaptive_max_pool1d
adaptive_max_pool2d = F.adaptive_max_pool2d
adaptive_max_pool3d = F.adaptive_max_pool3d
fold = F.fold
max_unpool1d = F.max_unpool1d
max_unpool2d = F.max_unpool2d
max_unpool3d = F.max_unpool3d


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Lengths = 1,
    padding: Lengths | str = 0,
    dilation: Lengths = 1,
    groups: int = 1,
    *,
    boundary: Boundary | None = None,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv1d`; see `faltung.nn.Conv1d`."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups, boundary, method)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Lengths = 1,
    padding: Lengths | str = 0,
    dilation: Lengths = 1,
    groups: int = 1,
    *,
    boundary: Boundary | None = None,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv2d`; see `faltung.nn.Conv2d`."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups, boundary, method)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Lengths = 1,
    padding: Lengths | str = 0,
    dilation: Lengths = 1,
    groups: int = 1,
    *,
    boundary: Boundary | None = None,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv3d`; see `faltung.nn.Conv3d`."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups, boundary, method)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Lengths = 1,
    padding: Lengths = 0,
    output_padding: Lengths = 0,
    groups: int = 1,
    dilation: Lengths = 1,
    *,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv_transpose1d`; see `faltung.nn.ConvTranspose1d`."""
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation, method)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Lengths = 1,
    padding: Lengths = 0,
    output_padding: Lengths = 0,
    groups: int = 1,
    dilation: Lengths = 1,
    *,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv_transpose2d`; see `faltung.nn.ConvTranspose2d`."""
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation, method)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Lengths = 1,
    padding: Lengths = 0,
    output_padding: Lengths = 0,
    groups: int = 1,
    dilation: Lengths = 1,
    *,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv_transpose3d`; see `faltung.nn.ConvTranspose3d`."""
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation, method)


def max_pool1d(
    input: Tensor,
    kernel_size: Lengths,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    dilation: Lengths = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    boundary: Boundary | None = None,
) -> Any:
    """`torch.nn.functional.max_pool1d`; see `faltung.nn.MaxPool1d`."""
    return max_pool(input, 1, kernel_size, stride, padding, dilation, ceil_mode, return_indices, boundary)


def max_pool2d(
    input: Tensor,
    kernel_size: Lengths,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    dilation: Lengths = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    boundary: Boundary | None = None,
) -> Any:
    """`torch.nn.functional.max_pool2d`; see `faltung.nn.MaxPool2d`."""
    return max_pool(input, 2, kernel_size, stride, padding, dilation, ceil_mode, return_indices, boundary)


def max_pool3d(
    input: Tensor,
    kernel_size: Lengths,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    dilation: Lengths = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    boundary: Boundary | None = None,
) -> Any:
    """`torch.nn.functional.max_pool3d`; see `faltung.nn.MaxPool3d`."""
    return max_pool(input, 3, kernel_size, stride, padding, dilation, ceil_mode, return_indices, boundary)


def avg_pool1d(
    input: Tensor,
    kernel_size: Lengths,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    boundary: Boundary | None = None,
) -> Tensor:
    """`torch.nn.functional.avg_pool1d`; see `faltung.nn.AvgPool1d`."""
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, None)
    return avg_pool(input, 1, *options, boundary)


def avg_pool2d(
    input: Tensor,
    kernel_size: Lengths,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    boundary: Boundary | None = None,
) -> Tensor:
    """`torch.nn.functional.avg_pool2d`; see `faltung.nn.AvgPool2d`."""
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return avg_pool(input, 2, *options, boundary)


def avg_pool3d(
    input: Tensor,
    kernel_size: Lengths,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    boundary: Boundary | None = None,
) -> Tensor:
    """`torch.nn.functional.avg_pool3d`; see `faltung.nn.AvgPool3d`."""
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return avg_pool(input, 3, *options, boundary)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
) -> Tensor:
    """`torch.nn.functional.lp_pool1d` with |x| for x; see `faltung.nn.LPPool1d`."""
    return lp_pool(input, 1, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
) -> Tensor:
    """`torch.nn.functional.lp_pool2d` with |x| for x; see `faltung.nn.LPPool2d`."""
    return lp_pool(input, 2, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Lengths, stride: Lengths | None = None, ceil_mode: bool = False
) -> Tensor:
    """`torch.nn.functional.lp_pool3d` with |x| for x; see `faltung.nn.LPPool3d`."""
    return lp_pool(input, 3, norm_type, kernel_size, stride, ceil_mode)


def unfold(
    input: Tensor,
    kernel_size: Lengths,
    dilation: Lengths = 1,
    padding: Lengths = 0,
    stride: Lengths = 1,
    *,
    boundary: Boundary | None = None,
) -> Tensor:
    """`torch.nn.functional.unfold`: the windows of pictures (N, C, H, W) as columns (N, C * taps, windows).

    Args:
        boundary: what the padding holds, as in `faltung.nn.Conv2d`; None: zeros.

    Example:
        >>> import torch, faltung as ft
        >>> ft.nn.functional.unfold(torch.ones(1, 1, 1, 2), (1, 3), padding=(0, 1), boundary="edge")
        tensor([[[1., 1.],
                 [1., 1.],
                 [1., 1.]]])
    """
    if boundary is not None:
        geometry.parsed(boundary, 2)
        margin = geometry.lengths("padding", padding, 2, 0)
        input, padding = pad(input, boundary, margin, margin), 0
    return F.unfold(input, kernel_size, dilation, padding, stride)


def _conv(
    num_axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Lengths,
    padding: Lengths | str,
    dilation: Lengths,
    groups: int,
    boundary: Boundary | None,
    method: str,
) -> Tensor:
    geometry.check_words("zeros", boundary, method, num_axes)
    geometry.check_weight(weight, bias, num_axes, groups, transposed=False)
    apart = geometry.lengths("stride", stride, num_axes, 1)
    margin = geometry.check_padding(padding, apart, num_axes)
    spread = geometry.lengths("dilation", dilation, num_axes, 1)
    return convolve(x, weight, bias, apart, margin, spread, groups, boundary=boundary, method=method)


def _conv_transpose(
    num_axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Lengths,
    padding: Lengths,
    output_padding: Lengths,
    groups: int,
    dilation: Lengths,
    method: str,
) -> Tensor:
    geometry.check_words("zeros", None, method, num_axes)
    geometry.check_weight(weight, bias, num_axes, groups, transposed=True)
    apart = geometry.lengths("stride", stride, num_axes, 1)
    margin = geometry.lengths("padding", padding, num_axes, 0)
    spread = geometry.lengths("dilation", dilation, num_axes, 1)
    more = geometry.lengths("output_padding", output_padding, num_axes, 0)
    check_output_padding(more, apart, spread)
    return convolve_transposed(x, weight, bias, apart, margin, more, groups, spread, method=method)
