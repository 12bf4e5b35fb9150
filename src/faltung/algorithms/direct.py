"""Direct: multiply and add, as the definition says. Serves every spec."""

from dataclasses import dataclass

import numpy as np

from ..algorithm import Cost
from ..loops.taps import correlate_taps
from ..machine import Machine
from ..spec import Array, ConvSpec
from .gather import gather

name = "direct"

SLAB = 1 << 16
"""Outputs computed at a time by the general loop: few enough for its three arrays to stay in a 1 MiB cache."""


def refuses(spec: ConvSpec) -> str | None:
    """Direct refuses nothing."""
    return None


def cost(spec: ConvSpec, machine: Machine, workers: int) -> Cost:
    """One multiply-add per tap and output."""
    eps = float(np.finfo(spec.item).eps) if spec.item.kind in "fc" else 0.0
    seconds = machine.call_s + spec.num_outputs * spec.num_taps / machine.general_rate
    return Cost(seconds, 3 * SLAB * spec.item.itemsize, eps * min(spec.num_taps, 256 + spec.num_taps / 256))


def build(spec: ConvSpec) -> "GeneralDirect":
    """The compiled loop for the spec where there is one, else the general loop."""
    return GeneralDirect(spec)


@dataclass(frozen=True)
class GeneralDirect:
    """The general loop over slabs of the first convolved axis."""

    spec: ConvSpec

    def load(self, weights: Array) -> Array:
        """The weights as they are."""
        return weights

    def run(self, x: Array, packed: Array, out: Array, workers: int) -> None:
        """Slab by slab: pad, then sum over the taps."""
        axes = self.spec.axes
        first = axes[0]
        strides, dilations = tuple(a.stride for a in axes), tuple(a.dilation for a in axes)
        row = max(1, out[:1, :1].size)
        height = max(1, SLAB // row)
        for b in range(len(x)):
            for top in range(0, first.num_out, height):
                stop = min(top + height, first.num_out)
                starts = (top * first.stride, *(0 for _ in axes[1:]))
                stops = ((stop - 1) * first.stride + first.reach, *(a.span for a in axes[1:]))
                padded = gather(x[b : b + 1], axes, starts, stops, self.spec.item)
                correlate_taps(padded, packed, strides, dilations, out[b : b + 1, top:stop])
