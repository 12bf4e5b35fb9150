"""Layers forward and backward, ours and torch's: results and gradients are equal before anything is timed.

What is compared is everything that a training step gets: the result and the gradients by x, weights and bias, one
behind the other, each in units of its largest value.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

import faltung as ft
from faltung.spec import Array

from .contract import Close, Entry

PICTURES = (8, 64, 56, 56)
"""What a ConvNet has after its first stage, for pictures of 224 x 224."""

LONG = 8192
"""Samples and taps of the long kernels, 64 channels."""

CHECK = Close(1e-5)
"""float32, sums of up to 25,088 products in another order."""


def races() -> Iterator[tuple[str, Callable[[], dict[str, Entry]]]]:
    """Name and entries of each case, all forward with backward."""
    size = "x".join(map(str, PICTURES))
    for k in (3, 7, 31):
        yield f"layers: depthwise {k}x{k}, {size}", lambda k=k: _pictures(64, k, groups=64)
    for k in (3, 1):
        yield f"layers: dense {k}x{k} 64 to 64, {size}", lambda k=k: _pictures(64, k, groups=1)
    last = "layers: depthwise 7x7, channels last"
    yield f"{last}, {size}", lambda: _pictures(64, 7, groups=64, memory_format=torch.channels_last)
    for batch in (1, 4):
        yield f"layers: long kernels, {batch}x64x{LONG}, {LONG} taps", lambda batch=batch: _long(batch)


def _pictures(
    channels: int, k: int, groups: int, memory_format: torch.memory_format = torch.contiguous_format
) -> dict[str, Entry]:
    torch.manual_seed(1)
    theirs = torch.nn.Conv2d(channels, channels, k, padding=k // 2, groups=groups)
    ours = ft.nn.Conv2d(channels, channels, k, padding=k // 2, groups=groups)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(PICTURES).contiguous(memory_format=memory_format)
    return {
        "faltung": _entry(ours, x, list(ours.parameters())),
        "torch": _entry(theirs, x, list(theirs.parameters())),
    }


def _long(batch: int) -> dict[str, Entry]:
    torch.manual_seed(1)
    layer = ft.nn.LongConv1d(64, LONG, bias=False)
    x, (weight,) = torch.randn(batch, 64, LONG), layer.parameters()

    def by_fft(x: Tensor) -> Tensor:
        n = 2 * LONG
        return torch.fft.irfft(torch.fft.rfft(x, n) * torch.fft.rfft(weight, n), n)[..., :LONG]

    def by_sums(x: Tensor) -> Tensor:
        flipped = weight.flip(-1)[:, None]
        return torch.nn.functional.conv1d(torch.nn.functional.pad(x, (LONG - 1, 0)), flipped, groups=64)

    calls = {"faltung": layer, "torch.fft": by_fft, "torch.conv1d": by_sums}
    return {name: _entry(call, x, [weight]) for name, call in calls.items()}


def _entry(call: Callable[[Tensor], Any], x: Tensor, parameters: list[Any]) -> Entry:
    """A step as training makes it; the gate gets its parts one behind the other."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    upstream = upstream.to(memory_format=torch.channels_last) if _channels_last(x) else upstream
    parts: list[Tensor] = []

    def step() -> Array:
        y = call(x)
        parts[:] = [y.detach(), *torch.autograd.grad(y, [x, *parameters], upstream)]
        return parts[0].numpy()

    def everything(_: Array) -> Array:
        return np.concatenate([(part / part.abs().max()).flatten().numpy() for part in parts])

    return Entry(step, as_first=everything)


def _channels_last(x: Tensor) -> bool:
    return x.ndim == 4 and not x.is_contiguous()
