"""The three operators by Faltung's own algorithms, on tensors of the CPU.

Channels that are summed become a batch axis of the engine that is summed behind it; depthwise layers have none. Kernels
of layers change at every step, so nothing here goes through the door, which would keep them; routines are kept by spec.
"""

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..algorithms import depthwise as short_kernels
from ..algorithms import tap_sums
from ..boundary import AxisBoundary, Side
from ..jit.pool import shared_by
from ..planner import make_plan
from ..reading import make_spec
from ..spec import Array, Axis
from .team import torch_team

Function = TypeVar("Function", bound=Callable[..., Any])


def _with_torchs_threads(function: Function) -> Function:
    @wraps(function)
    def shared(*operands: Any) -> Any:
        with shared_by(torch_team()):
            return function(*operands)

    return shared  # type: ignore[return-value]


OUTSIDE_ZERO = AxisBoundary(Side("zero"), Side("zero"))


@_with_torchs_threads
def correlate(
    x: Tensor,
    w: Tensor,
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
    groups: int,
    method: str,
) -> Tensor:
    """See `operators.correlate`."""
    n, (o, i) = len(x), w.shape[:2]
    x_NG1I = _array(x).reshape(n, groups, 1, i, *x.shape[2:])
    w_1GOI = _array(w).reshape(1, groups, o // groups, i, *w.shape[2:])
    padding = list(zip(before, after, strict=True))
    y = _run(x_NG1I, w_1GOI, padding, stride, dilation, method)
    return _tensor(_summed(y, 3).reshape(n, o, *y.shape[4:]), x)


@_with_torchs_threads
def to_input(
    g: Tensor,
    w: Tensor,
    sizes: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    groups: int,
    method: str,
) -> Tensor:
    """See `operators.to_input`: g spread by the stride, correlated with the flipped weights."""
    n, (o, i) = len(g), w.shape[:2]
    spread, num_axes = _array(g), len(sizes)
    padding = []
    for axis, (size, taps, s, d, b) in enumerate(zip(sizes, w.shape[2:], stride, dilation, before, strict=True)):
        spread = _spread(spread, axis + 2, s)
        front = (taps - 1) * d - b
        # so many that there are `size` results
        behind = size - 1 + (taps - 1) * d - (spread.shape[axis + 2] - 1) - front
        spread, pair = _cropped(spread, axis + 2, front, behind)
        padding.append(pair)
    c = i * groups
    if 0 in spread.shape:
        return g.new_zeros((n, c, *sizes))
    g_NGO1 = spread.reshape(n, groups, o // groups, 1, *spread.shape[2:])
    w_1GOI = np.flip(_array(w), tuple(range(2, 2 + num_axes))).reshape(1, groups, o // groups, i, *w.shape[2:])
    found = _run(g_NGO1, w_1GOI, padding, [1] * num_axes, dilation, method)
    return _tensor(_summed(found, 2).reshape(n, c, *sizes), g)


@_with_torchs_threads
def to_weight(
    x: Tensor,
    g: Tensor,
    taps: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
    groups: int,
    method: str,
) -> Tensor:
    """See `operators.to_weight`: x correlated with g, stride and dilation exchanged."""
    n, o, c = len(x), g.shape[1], x.shape[1]
    x_NCS, g_NOS = _array(x), _array(g)
    if c == groups and math.prod(stride) == 1 and method in ("auto", "direct") and tap_sums.serves(x_NCS.dtype, taps):
        axes = _axes(x.shape[2:], taps, before, after, dilation)
        sums = tap_sums.run(x_NCS, g_NOS, axes, torch.get_num_threads())
        return torch.from_numpy(sums).reshape(o, 1, *taps).to(x.dtype)
    x_NG1I = x_NCS.reshape(n, groups, 1, c // groups, *x.shape[2:])
    g_NGO1 = g_NOS.reshape(n, groups, o // groups, 1, *g.shape[2:])
    padding = list(zip(before, after, strict=True))
    found = _run(x_NG1I, g_NGO1, padding, dilation, stride, method)
    # a stride may leave samples at the end that no window saw
    found = found[(..., *(slice(0, k) for k in taps))]
    return _tensor(_summed(found, 0).reshape(o, c // groups, *taps), x)


@_with_torchs_threads
def depthwise(x: Tensor, w: Tensor, bias: Tensor | None, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """See `operators.depthwise`."""
    axes = _axes(x.shape[2:], w.shape[2:], before, after)
    x_NCS = _array(x)
    start = np.zeros(len(w), x_NCS.dtype) if bias is None else _array(bias)
    return _tensor(short_kernels.run(x_NCS, _array(w)[:, 0], start, axes, torch.get_num_threads()), x)


@_with_torchs_threads
def depthwise_gradients(
    x: Tensor, w: Tensor, g: Tensor, before: Sequence[int], after: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """See `operators.depthwise_gradients`."""
    axes = _axes(x.shape[2:], w.shape[2:], before, after)
    operands = _array(x), _array(w)[:, 0], _array(g)
    to_x, to_w, to_bias = short_kernels.gradients(*operands, axes, torch.get_num_threads())
    return _tensor(to_x, x), _tensor(to_w[:, None], w), _tensor(to_bias, w)


def _axes(
    sizes: Sequence[int], taps: Sequence[int], before: Sequence[int], after: Sequence[int], dilation: Sequence[int] = ()
) -> list[Axis]:
    """Axes of a layer of stride 1 with zeros outside."""
    given = zip(sizes, taps, dilation or [1] * len(taps), before, after, strict=True)
    return [Axis(i, size, k, 1, d, b, a, OUTSIDE_ZERO) for i, (size, k, d, b, a) in enumerate(given)]


def _run(
    x: Array,
    w: Array,
    padding: Sequence[tuple[int, int]],
    stride: Sequence[int],
    dilation: Sequence[int],
    method: str,
) -> Array:
    """Correlate along the axes behind the first four; the kernel is not conjugated."""
    options: dict[str, Any] = {"padding": padding, "stride": tuple(stride), "dilation": tuple(dilation)}
    # the engine conjugates kernels of correlations, layers do not
    kernel = w.conj() if w.dtype.kind == "c" else w
    spec, kernels = make_spec(x.shape, x.dtype, kernel, flip=False, axes=tuple(range(4, x.ndim)), **options)
    return make_plan(spec, kernels, method)(x, workers=torch.get_num_threads())


def _array(tensor: Tensor) -> Array:
    """The same memory as an array; narrow floats become float32, in which they are summed anyway."""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).contiguous().numpy()


def _tensor(array: Array, like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(like.dtype)


def _summed(y: Array, axis: int) -> Array:
    return y.sum(axis=axis) if y.shape[axis] != 1 else y.reshape(y.shape[:axis] + y.shape[axis + 1 :])


def _spread(x: Array, axis: int, stride: int) -> Array:
    """Put stride - 1 zeros between the samples of x."""
    if stride == 1 or x.shape[axis] < 2:
        return x
    wide = np.zeros((*x.shape[:axis], (x.shape[axis] - 1) * stride + 1, *x.shape[axis + 1 :]), x.dtype)
    wide[(*[slice(None)] * axis, slice(None, None, stride))] = x
    return wide


def _cropped(x: Array, axis: int, front: int, behind: int) -> tuple[Array, tuple[int, int]]:
    """Cut off what a negative padding takes away, and say what padding is left."""
    stop = x.shape[axis] + min(behind, 0)
    cut = x[(*[slice(None)] * axis, slice(max(-front, 0), max(stop, 0)))]
    return cut, (max(front, 0), max(behind, 0))
