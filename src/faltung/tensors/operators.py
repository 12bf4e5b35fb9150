"""Correlation with channels, and its two adjoints, as operators of torch.

The sum of g[o] w[j] x[o stride + j dilation - before] over o and j is linear in each of x, w and g. Without one of
them it is an operator: `correlate` (of x and w), `to_input` (of g and w), `to_weight` (of x and g). The gradients of
each are the other two, so any of them can be differentiated as often as one likes. Outside x are zeros; other
boundaries are gathered before (`edges.py`). torch.compile and torch.export pass through.

Depthwise layers with short kernels have two more, that do several of these things in one pass.

Shapes, with groups G: x (N, C, *sizes), w (O, C / G, *taps), g and the result (N, O, *outputs).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from . import native, strategy


def num_outputs(size: int, taps: int, stride: int, dilation: int, before: int, after: int) -> int:
    """How many windows fit along one axis."""
    return (size + before + after - (taps - 1) * dilation - 1) // stride + 1


@torch.library.custom_op("faltung::correlate", mutates_args=())
def correlate(
    x: Tensor,
    w: Tensor,
    stride: list[int],
    dilation: list[int],
    before: list[int],
    after: list[int],
    groups: int,
    method: str,
) -> Tensor:
    """y[n, o] = sum over channels and taps of w x, (N, O, *outputs)."""
    if strategy.by_engine(x, w.shape, stride, method):
        return native.correlate(x, w, stride, dilation, before, after, groups, method)
    x, padding = _padded(x, before, after)
    return torch.ops.aten.convolution(x, w, None, stride, padding, dilation, False, [0] * len(stride), groups)


@correlate.register_fake
def _(
    x: Tensor,
    w: Tensor,
    stride: list[int],
    dilation: list[int],
    before: list[int],
    after: list[int],
    groups: int,
    method: str,
) -> Tensor:
    given = zip(x.shape[2:], w.shape[2:], stride, dilation, before, after, strict=True)
    return x.new_empty((x.shape[0], w.shape[0], *(num_outputs(*one) for one in given)))


@torch.library.custom_op("faltung::to_input", mutates_args=())
def to_input(
    g: Tensor,
    w: Tensor,
    sizes: Sequence[int],
    stride: list[int],
    dilation: list[int],
    before: list[int],
    after: list[int],
    groups: int,
    method: str,
) -> Tensor:
    """The adjoint in x: every g[o] handed back to the samples its window saw, (N, C, *sizes)."""
    if strategy.by_engine(g, w.shape, stride, method):
        return native.to_input(g, w, sizes, stride, dilation, before, groups, method)
    padding, grown = _split(before, after)
    shape = (len(g), w.shape[1] * groups, *(n + a + b for n, (a, b) in zip(sizes, grown, strict=True)))
    like = g.new_empty(1).expand(shape)
    found = _convolution_backward(g, like, w, stride, padding, dilation, groups, (True, False))[0]
    for i, ((a, _), n) in enumerate(zip(grown, sizes, strict=True)):
        found = found.narrow(i + 2, a, n)
    return found.contiguous() if any(map(any, grown)) else found


@to_input.register_fake
def _(
    g: Tensor,
    w: Tensor,
    sizes: Sequence[int],
    stride: list[int],
    dilation: list[int],
    before: list[int],
    after: list[int],
    groups: int,
    method: str,
) -> Tensor:
    return g.new_empty((g.shape[0], w.shape[1] * groups, *sizes))


@torch.library.custom_op("faltung::to_weight", mutates_args=())
def to_weight(
    x: Tensor,
    g: Tensor,
    taps: Sequence[int],
    stride: list[int],
    dilation: list[int],
    before: list[int],
    after: list[int],
    groups: int,
    method: str,
) -> Tensor:
    """The adjoint in w: every g[o] times the samples its window saw, summed over o and n, (O, C / G, *taps)."""
    shape = (g.shape[1], x.shape[1] // groups, *taps)
    if strategy.by_engine(x, shape, stride, method, to_weight=True):
        return native.to_weight(x, g, taps, stride, dilation, before, after, groups, method)
    x, padding = _padded(x, before, after)
    like = x.new_empty(1).expand(shape)
    return _convolution_backward(g, x, like, stride, padding, dilation, groups, (False, True))[1]


@to_weight.register_fake
def _(
    x: Tensor,
    g: Tensor,
    taps: Sequence[int],
    stride: list[int],
    dilation: list[int],
    before: list[int],
    after: list[int],
    groups: int,
    method: str,
) -> Tensor:
    return x.new_empty((g.shape[1], x.shape[1] // groups, *taps))


@torch.library.custom_op("faltung::depthwise", mutates_args=())
def depthwise(x: Tensor, w: Tensor, bias: Tensor | None, before: list[int], after: list[int]) -> Tensor:
    """`correlate` with a bias, of layers that `strategy.in_one_loop` names: stride 1, w (C, 1, *taps)."""
    return native.depthwise(x, w, bias, before, after)


@depthwise.register_fake
def _(x: Tensor, w: Tensor, bias: Tensor | None, before: list[int], after: list[int]) -> Tensor:
    given = zip(x.shape[2:], w.shape[2:], before, after, strict=True)
    return x.new_empty((*x.shape[:2], *(num_outputs(n, k, 1, 1, b, a) for n, k, b, a in given)))


@torch.library.custom_op("faltung::depthwise_gradients", mutates_args=())
def depthwise_gradients(
    x: Tensor, w: Tensor, g: Tensor, before: list[int], after: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """`to_input(g, w)`, `to_weight(x, g)` and the sum of g over all but its channels, in one pass over x and g."""
    return native.depthwise_gradients(x, w, g, before, after)


@depthwise_gradients.register_fake
def _(x: Tensor, w: Tensor, g: Tensor, before: list[int], after: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(x), torch.empty_like(w), w.new_empty(len(w))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Both tensors and everything else, for the gradients."""
    ctx.save_for_backward(*inputs[:2])
    ctx.rest = inputs[2:]


def _of_correlate(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    (x, w), rest = ctx.saved_tensors, ctx.rest
    to_x = to_input(grad, w.conj(), x.shape[2:], *rest) if ctx.needs_input_grad[0] else None
    to_w = to_weight(x.conj(), grad, w.shape[2:], *rest) if ctx.needs_input_grad[1] else None
    return to_x, to_w, *([None] * len(rest))


def _of_to_input(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    (g, w), (_, *rest) = ctx.saved_tensors, ctx.rest
    to_g = correlate(grad, w.conj(), *rest) if ctx.needs_input_grad[0] else None
    to_w = to_weight(grad, g.conj(), w.shape[2:], *rest) if ctx.needs_input_grad[1] else None
    return to_g, to_w, None, *([None] * len(rest))


def _of_to_weight(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    (x, g), (_, *rest) = ctx.saved_tensors, ctx.rest
    to_x = to_input(g.conj(), grad, x.shape[2:], *rest) if ctx.needs_input_grad[0] else None
    to_g = correlate(x.conj(), grad, *rest) if ctx.needs_input_grad[1] else None
    return to_x, to_g, None, *([None] * len(rest))


def _plain(w: Tensor, before: Sequence[int], after: Sequence[int]) -> tuple[Any, ...]:
    """The options with which the three operators do what the depthwise ones do."""
    ones = [1] * len(before)
    return ones, ones, list(before), list(after), len(w), "auto"


def _keep_depthwise(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, w, _, *ctx.rest = inputs
    ctx.save_for_backward(x, w)


def _of_depthwise(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    x, w = ctx.saved_tensors
    of_x, of_w, of_bias = ctx.needs_input_grad[:3]
    if of_x and of_w:
        to_x, to_w, to_bias = depthwise_gradients(x, w, grad, *ctx.rest)
    else:
        options = _plain(w, *ctx.rest)
        to_x = to_input(grad, w, x.shape[2:], *options) if of_x else None
        to_w = to_weight(x, grad, w.shape[2:], *options) if of_w else None
        to_bias = grad.sum((0, *range(2, grad.ndim))) if of_bias else None
    return to_x, to_w, to_bias if of_bias else None, None, None


def _keep_three(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.rest = inputs[3:]


def _of_depthwise_gradients(ctx: Any, to_x: Tensor, to_w: Tensor, to_bias: Tensor) -> tuple[Any, ...]:
    """The three results are linear in x, w and g: each returns through the operators that it is made of."""
    (x, w, g), of = ctx.saved_tensors, ctx.needs_input_grad
    options = _plain(w, *ctx.rest)
    on_x = to_input(g, to_w, x.shape[2:], *options) if of[0] else None
    on_w = to_weight(to_x, g, w.shape[2:], *options) if of[1] else None
    on_g = None
    if of[2]:
        on_g = correlate(to_x, w, *options) + correlate(x, to_w, *options)
        on_g = on_g + to_bias.reshape(-1, *[1] * (g.ndim - 2))
    return on_x, on_w, on_g, None, None


depthwise.register_autograd(_of_depthwise, setup_context=_keep_depthwise)
depthwise_gradients.register_autograd(_of_depthwise_gradients, setup_context=_keep_three)
correlate.register_autograd(_of_correlate, setup_context=_keep)
to_input.register_autograd(_of_to_input, setup_context=_keep)
to_weight.register_autograd(_of_to_weight, setup_context=_keep)


def _split(before: Sequence[int], after: Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """The padding that torch's operators do themselves, which is alike on both sides, and what x must grow by."""
    both = [min(b, a) for b, a in zip(before, after, strict=True)]
    return both, [(b - n, a - n) for b, a, n in zip(before, after, both, strict=True)]


def _padded(x: Tensor, before: Sequence[int], after: Sequence[int]) -> tuple[Tensor, list[int]]:
    padding, grown = _split(before, after)
    if any(map(any, grown)):
        x = F.pad(x, [n for pair in reversed(grown) for n in pair])
    return x, padding


def _convolution_backward(
    g: Tensor,
    x: Tensor,
    w: Tensor,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
    wanted: tuple[bool, bool],
) -> Any:
    rest = (None, stride, padding, dilation, False, [0] * len(stride), groups, [*wanted, False])
    return torch.ops.aten.convolution_backward(g, x, w, *rest)
