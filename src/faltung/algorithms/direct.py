"""Direct: multiply and add, as the definition says. Serves every spec."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..algorithm import Cost, Routine
from ..jit.pool import run_parts
from ..loops.taps import PARTIAL, correlate_taps
from ..machine import Machine
from ..spec import Array, ConvSpec, pair_of
from . import planes
from .gather import gather
from .thinned import Thinned

name = "direct"

SLAB = 1 << 16
"""Outputs computed at a time by the general loop: few enough for its three arrays to stay in a 1 MiB cache."""

MOST_SKIPPED = 16
"""Up to this product of strides all outputs are computed and thinned out: still faster than the general loop."""


def refuses(spec: ConvSpec) -> str | None:
    """Direct refuses nothing."""
    return None


def cost(spec: ConvSpec, machine: Machine, workers: int) -> Cost:
    """One multiply-add per tap and output."""
    eps = float(np.finfo(spec.item).eps) if spec.item.kind in "fc" else 0.0
    error = eps / 2 * min(spec.num_taps, PARTIAL + spec.num_taps / PARTIAL)
    seconds = machine.call_s + seconds_for(spec, spec.num_outputs, spec.num_taps, machine, workers)
    return Cost(seconds, 1 << 18 if _compiled(spec) else 3 * SLAB * spec.item.itemsize, error)


def seconds_for(spec: ConvSpec, num_outputs: int, num_taps: int, machine: Machine, workers: int) -> float:
    """Predicted time of the direct loops for so many outputs and taps in the spec's arithmetic."""
    if not _compiled(spec):
        return num_outputs * num_taps * spec.item.itemsize / 4 / machine.general_rate / max(1, workers)
    num_outputs *= math.prod(axis.stride for axis in spec.axes)
    rate = machine.direct_rate * 4 / spec.item.itemsize
    moved = num_outputs * 2 * spec.item.itemsize / machine.copy_rate
    seconds = num_outputs * num_taps / rate + moved
    return seconds if seconds < 2 * machine.handoff_s else machine.handoff_s + seconds / max(1, workers)


def grain(spec: ConvSpec) -> tuple[int, ...]:
    """Every output is the same sum wherever the convolution is cut."""
    return (1,) * len(spec.axes)


def build(spec: ConvSpec) -> Routine:
    """The compiled loop for the spec where there is one, else the general loop."""
    if not _compiled(spec):
        return GeneralDirect(spec)
    if any(axis.stride > 1 for axis in spec.axes):
        return Thinned(spec, build)
    if planes.fill_value(spec.axes) is None:
        return Padded(spec)
    return CompiledDirect(spec)


def _compiled(spec: ConvSpec) -> bool:
    """Whether the compiled loops serve this spec."""
    undilated = all(axis.dilation == 1 or axis.taps == 1 for axis in spec.axes)
    plain = spec.item.name in ("float32", "float64", "int64", "uint64") and len(spec.axes) <= 2
    return plain and undilated and math.prod(axis.stride for axis in spec.axes) <= MOST_SKIPPED


def _signed(array: Array) -> Array:
    """uint64 as int64: the same bits, and sums wrap around alike."""
    return array.view(np.int64) if array.dtype == np.uint64 else array


class CompiledDirect:
    """The compiled line or plane loop; the border is part of it."""

    def __init__(self, spec: ConvSpec) -> None:
        """Compile, or fetch, the loop and make its tables."""
        self._item = np.dtype(np.int64) if spec.item == np.uint64 else spec.item
        source = planes.source_name(spec.x_dtype, self._item)
        # only where sums are integers too: a float sum must see the sign bit as 2**63
        self._exact = self._item.kind == "i"
        if source == "uint64" and self._exact:
            source = "int64"
        fill = planes.fill_value(spec.axes)
        fill = float(fill) if self._item.kind == "f" else _as_int64(int(fill))
        make = planes.share_lines if len(spec.axes) == 1 else planes.share_planes
        self._shared = make(replace(spec, item=self._item), source, fill)

    def load(self, kernels: Array) -> planes.Loaded:
        """The weights as the loop reads them."""
        return self._shared.load(_signed(kernels))

    def run(self, x: Array, packed: planes.Loaded, out: Array, workers: int) -> None:
        """All entries of the stack, cut into units that threads share."""
        if self._exact:
            x, out = _signed(x), _signed(out)
        self._shared(planes.readable(x, self._item), packed, out, workers)


def _as_int64(value: int) -> int:
    """The int64 with the bits of this uint64."""
    return value - (1 << 64) if value >= 1 << 63 else value


class Padded:
    """Several values stand outside: pad first, then convolve what is inside."""

    def __init__(self, spec: ConvSpec) -> None:
        """See the class."""
        self._spec = spec
        self._inner = build(spec.over([axis.padded(axis.span) for axis in spec.axes], x_dtype=spec.item))

    def load(self, kernels: Array) -> Any:
        """As the inner routine wants them."""
        return self._inner.load(kernels)

    def run(self, x: Array, packed: Any, out: Array, workers: int) -> None:
        """Pad and run."""
        axes = self._spec.axes
        padded = gather(x, axes, [0] * len(axes), [axis.span for axis in axes], self._spec.item)
        self._inner.run(padded, packed, out, workers)


class GeneralDirect:
    """The general loop over slabs of the first convolved axis."""

    def __init__(self, spec: ConvSpec) -> None:
        """See the class."""
        self._spec, self._pairs = spec, spec.pairs()

    def load(self, kernels: Array) -> Array:
        """The weights as they are."""
        return kernels

    def run(self, x: Array, packed: Array, out: Array, workers: int) -> None:
        """Slab by slab: pad, then sum over the taps."""
        axes = self._spec.axes
        first = axes[0]
        strides, dilations = tuple(a.stride for a in axes), tuple(a.dilation for a in axes)
        height = max(1, SLAB // max(1, math.prod(out.shape[2:])))
        slabs = [(b, top) for b in range(len(out)) for top in range(0, first.num_out, height)]

        def slab(i: int) -> None:
            b, top = slabs[i]
            source, kernel = pair_of(self._pairs, b)
            stop = min(top + height, first.num_out)
            starts = (top * first.stride, *(0 for _ in axes[1:]))
            stops = ((stop - 1) * first.stride + first.reach, *(a.span for a in axes[1:]))
            padded = gather(x[source : source + 1], axes, starts, stops, self._spec.item)
            correlate_taps(padded, packed[kernel], strides, dilations, out[b : b + 1, top:stop])

        run_parts(slab, len(slabs), workers)


class Blocks:
    """Single blocks of padded samples, convolved directly: tiles that another algorithm cannot serve.

    Args:
        spec: what the blocks are parts of; its axes, but for their lengths, and its arithmetic count.
    """

    def __init__(self, spec: ConvSpec) -> None:
        """Without routines: there is one for each size of a block, made when such a block comes."""
        self._spec = spec
        self._routines: dict[tuple[int, ...], Routine] = {}

    def __call__(self, block: Array, kernel: Array, out: Array) -> None:
        """Correlate the block with one kernel (*taps) into out, which need not be contiguous."""
        routine = self._routines.get(block.shape)
        if routine is None:
            axes = [axis.padded(n) for axis, n in zip(self._spec.axes, block.shape, strict=True)]
            alone = self._spec.over(axes, x_batch=(1,), kernel_batch=(1,), x_dtype=self._spec.item)
            routine = self._routines.setdefault(block.shape, build(alone))
        whole = np.empty((1, *out.shape), self._spec.item)
        routine.run(np.ascontiguousarray(block)[None], routine.load(kernel[None]), whole, 1)
        out[...] = whole[0]
