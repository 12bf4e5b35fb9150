"""Random convolution layers, torch's and ours with the same weights, and what makes results equal."""

import random
from dataclasses import dataclass
from typing import Any

import torch

import faltung as ft

TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2}
"""Of the largest value; bfloat16 has 8 bits, and sums of rounded products are rounded once more."""

KERNELS = {1: 7, 2: 5, 3: 3}
SIZES = {1: 40, 2: 17, 3: 7}


@dataclass(frozen=True)
class Pair:
    """A layer of torch, the same of ours, and something to give them."""

    words: str
    theirs: torch.nn.Module
    ours: torch.nn.Module
    x: torch.Tensor


def pair(seed: int) -> Pair:
    """The pair of this number; whether torch takes its x is not asked."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    num_axes = draw.choice((1, 1, 2, 2, 3))
    transposed = draw.random() < 0.3
    dtype = draw.choice((torch.float32,) * 4 + (torch.float64, torch.bfloat16))
    options = _options(draw, num_axes, transposed)
    groups = options["groups"]
    if draw.random() < 0.45:
        channels = (groups, groups * draw.choice((1, 1, 2)))
    else:
        channels = (groups * draw.choice((1, 2, 3)), groups * draw.choice((1, 2)))
    name = f"Conv{'Transpose' if transposed else ''}{num_axes}d"
    method = draw.choice(("auto", "auto", "direct"))
    theirs = getattr(torch.nn, name)(*channels, dtype=dtype, **options)
    ours = getattr(ft.nn, name)(*channels, dtype=dtype, method=method, **options)
    ours.load_state_dict(theirs.state_dict())
    batch = draw.choice(((), (1,), (2,), (3,)))
    x = torch.randn(*batch, channels[0], *(draw.randint(1, SIZES[num_axes]) for _ in range(num_axes)), dtype=dtype)
    if batch and num_axes > 1 and draw.random() < 0.2:
        x = x.contiguous(memory_format=torch.channels_last if num_axes == 2 else torch.channels_last_3d)
    return Pair(f"{seed}: {ours}, x {tuple(x.shape)} {dtype}", theirs, ours, x)


def _options(draw: random.Random, num_axes: int, transposed: bool) -> dict[str, Any]:
    axes = range(num_axes)
    dilation = tuple(draw.choice((1, 1, 2, 3)) for _ in axes)
    stride = tuple(draw.choice((1, 1, 1, 2, 3)) for _ in axes)
    options: dict[str, Any] = {
        "kernel_size": tuple(draw.randint(1, KERNELS[num_axes]) for _ in axes),
        "dilation": dilation,
        "stride": stride,
        "groups": draw.choice((1, 1, 2, 3, 4)),
        "bias": draw.random() < 0.5,
    }
    if transposed:
        options["padding"] = tuple(draw.randint(0, 2) for _ in axes)
        options["output_padding"] = tuple(draw.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    elif draw.random() < 0.15:
        options |= {"padding": "same", "stride": 1}
    else:
        options["padding"] = tuple(draw.randint(0, 3) for _ in axes)
    if not transposed:
        options["padding_mode"] = draw.choice(("zeros", "zeros", "reflect", "replicate", "circular"))
    return options


def results(layer: torch.nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a layer gives, and the gradients by x and its parameters."""
    x = x.clone().requires_grad_()
    y = layer(x)
    names = ["x", *(name for name, _ in layer.named_parameters())]
    upstream = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=y.dtype)
    return {
        "y": y.detach(),
        **dict(zip(names, torch.autograd.grad(y, [x, *layer.parameters()], upstream), strict=True)),
    }


def apart(expected: torch.Tensor, got: torch.Tensor) -> float:
    """The largest difference, in units of the largest value."""
    assert expected.shape == got.shape
    assert expected.dtype == got.dtype
    if expected.numel() == 0:
        return 0.0
    expected, got = expected.detach(), got.detach()
    scale = max(float(expected.abs().max()), torch.finfo(torch.float32).tiny)
    return float((expected - got).abs().max()) / scale
