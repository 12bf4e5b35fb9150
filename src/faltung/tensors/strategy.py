"""Who computes: Faltung's loops, or torch's own operators."""

import math
from collections.abc import Sequence

from torch import Tensor

MAX_TORCH_AXES = 3
"""Axes that torch's operators convolve."""

WIDE = 20
"""Samples along the last axis from which one channel after the other, with neighbours side by side in vectors, is
faster than torch's way of many channels side by side: 8x128 planes of 28x28 with 7x7 take 1.1 ms to torch's 2.9, 8x256
of 14x14 0.9 to 0.3 (one thread; benchmarks/layers.py)."""

FEW = 9
"""Taps up to which torch's gradient by weights is as fast on such small planes; beyond it takes 5 to 50 times
as long."""


def by_engine(
    x: Tensor, w_shape: Sequence[int], stride: Sequence[int], method: str, *, to_weight: bool = False
) -> bool:
    """Whether Faltung's loops take an operator with weights (O, C / groups, *taps).

    On the CPU they take depthwise layers: one channel in and any number out of each group; and what torch does not
    have: more than three axes, complex numbers. Channels that are summed, and strides, are left to torch.

    Args:
        x: the data, of the input or of the output.
        to_weight: whether it is the adjoint in w.
    """
    if x.device.type != "cpu" or method == "torch":
        return False
    if method != "auto" or len(w_shape) - 2 > MAX_TORCH_AXES or x.is_complex():
        return True
    if w_shape[1] != 1 or math.prod(stride) != 1:
        return False
    return x.shape[-1] >= WIDE or (to_weight and math.prod(w_shape[2:]) > FEW)
