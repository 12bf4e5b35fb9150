"""Who computes: Faltung's loops, or torch's own operators."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..algorithms.depthwise import MOST_TAPS

MAX_TORCH_AXES = 3
"""Axes that torch's operators convolve."""

WIDE = 20
"""Samples along the last axis from which one channel after the other, with neighbours side by side in vectors, is
faster than torch's way of many channels side by side: 8x128 planes of 28x28 with 7x7 take 1.1 ms to torch's 2.9, 8x256
of 14x14 0.9 to 0.3 (one thread; benchmarks/layers.py)."""

WIDE_ALONE, SHORT = 40, 49
"""The same where no gradient follows, and up to how many taps: forward alone torch takes 0.3 ms for 8x128 planes of
28x28 with 3x3 taps to ours of 0.4, with 7x7 0.6 to 0.95; of 56x56 both take as long, 0.6 to 0.4 with 3x3."""

LOOP_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
"""What the loops of depthwise layers compute, the narrow ones in float32."""

FEW = 9
"""Taps up to which torch's gradient by weights is as fast on such small planes; beyond it takes 5 to 50 times
as long."""


def by_engine(
    x: Tensor,
    w_shape: Sequence[int],
    stride: Sequence[int],
    method: str,
    *,
    to_weight: bool = False,
    alone: bool = False,
) -> bool:
    """Whether Faltung's loops take an operator with weights (O, C / groups, *taps).

    On the CPU they take depthwise layers: one channel in and any number out of each group; and what torch does not
    have: more than three axes, complex numbers. Channels that are summed, and strides, are left to torch.

    Args:
        x: the data, of the input or of the output.
        to_weight: whether it is the adjoint in w.
        alone: whether no gradient will be asked for.
    """
    if x.device.type != "cpu" or method == "torch":
        return False
    if method != "auto" or len(w_shape) - 2 > MAX_TORCH_AXES or x.is_complex():
        return True
    if w_shape[1] != 1 or math.prod(stride) != 1:
        return False
    taps = math.prod(w_shape[2:])
    return x.shape[-1] >= (WIDE_ALONE if alone and taps <= SHORT else WIDE) or (to_weight and taps > FEW)


def in_one_loop(
    x: Tensor, w_shape: Sequence[int], dilation: Sequence[int], before: Sequence[int], after: Sequence[int]
) -> bool:
    """Whether a layer of stride 1 that `by_engine` gives to Faltung's loops is one of `operators.depthwise`.

    In plain integers, because torch.compile follows it. The loops need a whole vector in a row, 16 numbers at most.

    Args:
        x: (N, C, *sizes).
    """
    taps = w_shape[2:]
    if w_shape[1] != 1 or w_shape[0] != x.shape[1] or len(taps) > 2 or x.dtype not in LOOP_DTYPES:
        return False
    if max(taps) > MOST_TAPS or math.prod(dilation) != 1:
        return False
    outputs = [n + b + a - k + 1 for n, b, a, k in zip(x.shape[2:], before, after, taps, strict=True)]
    return min(*x.shape[2:], *outputs) > 0 and min(x.shape[-1], outputs[-1]) >= WIDE
