"""Kernels as long as the signal, by FFT, with gradients that use the spectra of the pass before.

The sum and both of its gradients are products of the same two spectra, so that forward and backward together take six
transforms: x, kernel and result, then gradient and its two results. What torch would do by itself takes more: the
gradient of a real transform is a complex one of full length.

An FFT mixes everything: an output that should be 0 is some eps times the largest |kernel| |x| of its channel instead,
outputs before an impulse among them. NaN and infinity would reach every output, so where there are any the sums are
taken directly and touch what sees them, no more.
"""

from collections.abc import Iterator
from typing import Any, Literal

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional as F

from ..arguments import check_choice
from ..errors import ShapeError
from ..tensors import operators
from . import geometry
from .convolution import autocast, transformed

LongMethod = Literal["fft", "direct"]
LONG_METHODS = ("fft", "direct")

BLOCK = 1 << 17
"""Bins of spectra that are made, multiplied and transformed back at a time, 1 MB; measured by benchmarks/layers.py: for
4 x 64 x 8192 24 ms, 57 ms all at once, 54 ms one channel at a time."""


def long_conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *, causal: bool = True, method: LongMethod = "fft"
) -> Tensor:
    """Convolve each channel with a kernel of its own, of any length; see `faltung.nn.LongConv1d`.

    Args:
        input: (N, C, L) or (C, L).
        weight: (C, taps); tap j meets the sample j before.
        bias: (C,), or None.
        causal: True starts each kernel at the present; False centres it, tap taps // 2 on the present.
        method: "fft", or "direct" for the sums themselves.

    Returns:
        The shape of `input`.

    Raises:
        ShapeError: channels or axes that do not fit.
        DtypeError: operands of different dtypes.

    Example:
        >>> import torch, faltung as ft
        >>> impulse, kernel = torch.tensor([[0.0, 1, 0, 0]]), torch.tensor([[4.0, 2, 1, 0]])
        >>> ft.nn.functional.long_conv1d(impulse, kernel).round(decimals=5).abs()
        tensor([[0., 4., 2., 1.]])
    """
    check_choice("method", method, LONG_METHODS)
    if weight.ndim != 2 or 0 in weight.shape:
        raise ShapeError(f"the weights are {tuple(weight.shape)}: (C, taps) is expected, with one tap or more")
    geometry.check_input(input, len(weight), 1)
    # what torch's autocast does with an FFT
    x, weight, bias = autocast(input, weight, bias, torch.float32)
    length = x.shape[-1]
    batch = x if x.ndim == 3 else x[None]
    if batch.numel() == 0:
        return torch.empty_like(x)
    # taps that reach beyond the first sample
    taps = min(weight.shape[1], length) if causal else weight.shape[1]
    first = 0 if causal else taps // 2
    if method == "direct" or not x.is_floating_point():
        y = _direct(batch, weight[:, :taps], first)
    elif transformed():
        y = _plain(batch, weight[:, :taps], first)
    else:
        y = forward(batch, weight[:, :taps], first)[0]
    if bias is not None:
        y = y + bias[:, None]
    return y if x.ndim == 3 else y[0]


@torch.library.custom_op("faltung::long_forward", mutates_args=())
def forward(x: Tensor, k: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
    """Convolve x with k, (N, C, L) from result `first` on, and the spectra of x and k.

    Args:
        x: (N, C, L).
        k: (C, taps).
    """
    n, (spectrum_x, spectrum_k) = _points(x, k, first), _spectra(x, k, first)
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    for c in _blocks(x, n):
        torch.fft.rfft(_wide(x[:, c]).transpose(0, 1), n, out=spectrum_x[c])
        torch.fft.rfft(_wide(k[c]), n, out=spectrum_k[c])
        whole = torch.fft.irfft(spectrum_x[c] * spectrum_k[c, None], n)
        y[:, c] = whole[..., first : first + x.shape[-1]].transpose(0, 1)
    if not (_finite(spectrum_x) and _finite(spectrum_k)):
        y = _direct(x, k, first)
    return y, spectrum_x, spectrum_k


@forward.register_fake
def _(x: Tensor, k: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), *_spectra(x, k, first)


@torch.library.custom_op("faltung::long_backward", mutates_args=())
def backward(
    g: Tensor, x: Tensor, k: Tensor, spectrum_x: Tensor, spectrum_k: Tensor, first: int
) -> tuple[Tensor, Tensor]:
    """Gradients of <g, x * k> by x and by k; the spectra are those that `forward` gave."""
    n = _points(x, k, first)
    if not (_finite(spectrum_x) and _finite(spectrum_k)):
        return _direct_backward(g, x, k, first)
    to_x, to_k = (torch.empty_like(t, memory_format=torch.contiguous_format) for t in (x, k))
    finite = True
    for c in _blocks(x, n):
        # in its place among the results, of which the first ones were cut off
        placed = F.pad(_wide(g[:, c]), (first, 0)) if first else _wide(g[:, c])
        spectrum_g = torch.fft.rfft(placed.transpose(0, 1), n)
        finite = finite and _finite(spectrum_g)
        by_k = (spectrum_g * spectrum_x[c].conj()).sum(1)
        to_k[c] = torch.fft.irfft(by_k, n)[..., : k.shape[-1]]
        by_x = spectrum_g.mul_(spectrum_k[c, None].conj())
        to_x[:, c] = torch.fft.irfft(by_x, n)[..., : x.shape[-1]].transpose(0, 1)
    return (to_x, to_k) if finite else _direct_backward(g, x, k, first)


@backward.register_fake
def _(g: Tensor, x: Tensor, k: Tensor, spectrum_x: Tensor, spectrum_k: Tensor, first: int) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), k.new_empty(k.shape)


def _keep_forward(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs[:2], *output[1:])
    ctx.first = inputs[2]
    # no zeros of the spectra's size for gradients that nobody has
    ctx.set_materialize_grads(False)


def _of_forward(ctx: Any, g: Tensor | None, *of_spectra: None) -> tuple[Any, ...]:
    # nothing is computed from the spectra that would be differentiated
    if g is None:
        return None, None, None
    return *backward(g, *ctx.saved_tensors, ctx.first), None


def _keep_backward(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.first = inputs[5]


def _of_backward(ctx: Any, u: Tensor, v: Tensor) -> tuple[Any, ...]:
    """<u, gradient by x> + <v, gradient by k> is <g, u * k + x * v>: the same two operators again."""
    g, x, k = ctx.saved_tensors
    by_u, spectrum_u, _ = forward(u, k, ctx.first)
    by_v, _, spectrum_v = forward(x, v, ctx.first)
    to_x, to_k = backward(g, u, v, spectrum_u, spectrum_v, ctx.first)
    return by_u + by_v, to_x, to_k, None, None, None


forward.register_autograd(_of_forward, setup_context=_keep_forward)
backward.register_autograd(_of_backward, setup_context=_keep_backward)


def _points(x: Tensor, k: Tensor, first: int) -> int:
    """Length of the transforms: what wraps around falls on results that are cut off, if there are any."""
    length, taps = x.shape[-1], k.shape[-1]
    return next_fast_len(max(length + taps - 1 - first, length + first), real=True)


def _blocks(x: Tensor, n: int) -> Iterator[slice]:
    """So many channels at a time that their spectra stay near the processor; one by one, a transform starts slowly."""
    channels = x.shape[1]
    step = max(1, BLOCK // (len(x) * (n // 2)))
    return (slice(c, c + step) for c in range(0, channels, step))


def _spectra(x: Tensor, k: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """Room for the spectra of x (C, N, bins) and of k (C, bins): channels in front, because blocks are of channels."""
    num = _points(x, k, first) // 2 + 1
    dtype = torch.complex128 if x.dtype == torch.float64 else torch.complex64
    (n, c), room = x.shape[:2], x.new_empty
    return room((c, n, num), dtype=dtype), room((c, num), dtype=dtype)


def _plain(x: Tensor, k: Tensor, first: int) -> Tensor:
    """The same by what torch.func can differentiate; NaN reach all of their channel."""
    n = _points(x, k, first)
    y = torch.fft.irfft(torch.fft.rfft(_wide(x), n) * torch.fft.rfft(_wide(k), n), n)
    return y[..., first : first + x.shape[-1]].to(x.dtype)


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _finite(spectrum: Tensor) -> bool:
    """Whether every row was finite: a row's first bin is its sum, so NaN and infinity show there."""
    return bool(torch.isfinite(torch.view_as_real(spectrum[..., 0])).all())


def _direct(x: Tensor, k: Tensor, first: int) -> Tensor:
    """The same by Faltung's engine, whose NaN touch what sees them and whose errors are promised."""
    taps = k.shape[-1]
    options = ([1], [1], [taps - 1 - first], [first], len(k), "auto")
    return operators.correlate(x, k.flip(-1)[:, None], *options)


def _direct_backward(g: Tensor, x: Tensor, k: Tensor, first: int) -> tuple[Tensor, Tensor]:
    taps, flipped = k.shape[-1], k.flip(-1)[:, None]
    options = ([1], [1], [taps - 1 - first], [first], len(k), "auto")
    to_x = operators.to_input(g, flipped, x.shape[2:], *options)
    return to_x, operators.to_weight(x, g, [taps], *options)[:, 0].flip(-1)
