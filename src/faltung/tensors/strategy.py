"""Who computes: Faltung's loops, or torch's own operators."""

import math
from collections.abc import Sequence

from torch import Tensor

MAX_TORCH_AXES = 3
"""Axes that torch's operators convolve."""

WIDE = 12
"""Samples along the last axis from which one channel after the other, with neighbours side by side in vectors, is
faster than torch's way of many channels side by side; measured by benchmarks/layers.py."""


def by_engine(x: Tensor, w_shape: Sequence[int], stride: Sequence[int], method: str) -> bool:
    """Whether Faltung's loops take an operator with weights (O, C / groups, *taps).

    On the CPU they take depthwise layers: one channel in and any number out of each group; and what torch does not
    have: more than three axes, complex numbers. Channels that are summed, and strides, are left to torch.

    Args:
        x: the data, of the input or of the output.
    """
    if x.device.type != "cpu" or method == "torch":
        return False
    if method != "auto" or len(w_shape) - 2 > MAX_TORCH_AXES or x.is_complex():
        return True
    return w_shape[1] == 1 and math.prod(stride) == 1 and x.shape[-1] >= WIDE
