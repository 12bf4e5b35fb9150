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
from . import planes, shared
from .gather import gather
from .thinned import Thinned

name = "direct"
transforms = False

SLAB = 1 << 16
"""Outputs computed at a time by the general loop: few enough for its three arrays to stay in a 1 MiB cache."""

MOST_SKIPPED = 16
"""Up to this product of strides all outputs are computed and thinned out: still faster than the general loop."""


def refuses(spec: ConvSpec) -> str | None:
    """Direct refuses nothing."""
    return None


def cost(spec: ConvSpec, machine: Machine) -> Cost:
    """One multiply-add per tap and output."""
    eps = float(np.finfo(spec.item).eps) if spec.item.kind in "fc" else 0.0
    error = eps / 2 * min(spec.num_taps, PARTIAL + spec.num_taps / PARTIAL)
    seconds = machine.call_s + seconds_for(spec, spec.num_outputs, spec.num_taps, machine)
    return Cost(seconds, 1 << 18 if _compiled(spec) else 3 * SLAB * spec.item.itemsize, error)


def seconds_for(spec: ConvSpec, num_outputs: int, num_taps: int, machine: Machine) -> float:
    """Predicted time of the direct loops for so many outputs and taps in the spec's arithmetic."""
    if not _compiled(spec):
        return num_outputs * num_taps * spec.item.itemsize / 4 / machine.general_rate
    num_outputs *= math.prod(axis.stride for axis in spec.axes)
    if spec.item.kind == "c":
        # parts times parts
        num_outputs *= 4 if spec.x_dtype.kind == "c" else 2
    rate = machine.direct_rate * 4 / _part(spec.item).itemsize
    moved = num_outputs * 2 * spec.item.itemsize / machine.copy_rate
    return num_outputs * num_taps / rate + moved


def grain(spec: ConvSpec) -> tuple[int, ...]:
    """Every output is the same sum wherever the convolution is cut."""
    return (1,) * len(spec.axes)


def build(spec: ConvSpec) -> Routine:
    """The compiled loop for the spec where there is one, else the general loop."""
    if not _compiled(spec):
        return GeneralDirect(spec)
    if any(axis.stride > 1 for axis in spec.axes):
        return Thinned(spec, build)
    # padded first, so that a complex value outside needs no thought further on
    if planes.fill_value(spec.axes) is None or (spec.item.kind == "c" and planes.fill_value(spec.axes) != 0):
        return Padded(spec)
    return ComplexDirect(spec) if spec.item.kind == "c" else CompiledDirect(spec)


def _compiled(spec: ConvSpec) -> bool:
    """Whether the compiled loops serve this spec."""
    undilated = all(axis.dilation == 1 or axis.taps == 1 for axis in spec.axes)
    plain = _part(spec.item).name in ("float32", "float64", "int64", "uint64") and len(spec.axes) <= 2
    return plain and undilated and math.prod(axis.stride for axis in spec.axes) <= MOST_SKIPPED


def _part(item: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of one part of a complex number; others have one part."""
    return np.finfo(item).dtype if item.kind == "c" else item


def _signed(array: Array) -> Array:
    """uint64 as int64: the same bits, and sums wrap around alike."""
    return array.view(np.int64) if array.dtype == np.uint64 else array


class CompiledDirect:
    """The compiled line or plane loop; the border is part of it."""

    def __init__(self, spec: ConvSpec) -> None:
        """Compile, or fetch, the loop and make its tables."""
        self._item = np.dtype(np.int64) if spec.item == np.uint64 else spec.item
        source = shared.source_name(spec.x_dtype, self._item)
        # only where sums are integers too: a float sum must see the sign bit as 2**63
        self._exact = self._item.kind == "i"
        if source == "uint64" and self._exact:
            source = "int64"
        fill = planes.fill_value(spec.axes)
        fill = float(fill) if self._item.kind == "f" else _as_int64(int(fill))
        make = planes.share_lines if len(spec.axes) == 1 else planes.share_planes
        self._shared = make(replace(spec, item=self._item), source, fill)

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._shared.nbytes

    def load(self, kernels: Array) -> shared.Loaded:
        """The weights as the loop reads them."""
        return self._shared.load(_signed(kernels))

    def run(self, x: Array, packed: shared.Loaded, out: Array, workers: int) -> None:
        """All entries of the stack, cut into units that threads share."""
        if self._exact:
            x, out = _signed(x), _signed(out)
        self._shared(shared.readable(x, self._item), packed, out, workers)


def _as_int64(value: int) -> int:
    """The int64 with the bits of this uint64."""
    return value - (1 << 64) if value >= 1 << 63 else value


class ComplexDirect:
    """Real and imaginary parts of x by those of the kernels: up to four real convolutions in one stack."""

    def __init__(self, spec: ConvSpec) -> None:
        """Build the real convolution; a real x has no imaginary part to convolve."""
        self._item = _part(spec.item)
        self._x_parts = 2 if spec.x_dtype.kind == "c" else 1
        x_dtype = _part(spec.x_dtype)
        self._inner = build(
            replace(
                spec.over(
                    spec.axes,
                    x_batch=(*spec.x_batch, self._x_parts, 1),
                    kernel_batch=(*spec.kernel_batch, 1, 2),
                    x_dtype=x_dtype,
                ),
                item=self._item,
            )
        )

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._inner.nbytes

    def load(self, kernels: Array) -> Any:
        """The parts of each kernel, as the inner routine wants them."""
        parts = np.stack([kernels.real, kernels.imag], axis=1)
        return self._inner.load(parts.reshape(-1, *kernels.shape[1:]))

    def run(self, x: Array, packed: Any, out: Array, workers: int) -> None:
        """Convolve the parts and put them together."""
        if self._x_parts == 2:
            x = np.stack([x.real, x.imag], axis=1).reshape(-1, *x.shape[1:])
        parts = np.empty((len(out), self._x_parts, 2, *out.shape[1:]), self._item)
        self._inner.run(x, packed, parts.reshape(-1, *out.shape[1:]), workers)
        out.real, out.imag = parts[:, 0, 0], parts[:, 0, 1]
        if self._x_parts == 2:
            # opposite infinities meet in NaN, without a word, as in the loops
            with np.errstate(invalid="ignore", over="ignore"):
                out.real -= parts[:, 1, 1]
                out.imag += parts[:, 1, 0]


class Padded:
    """Several values stand outside: pad first, then convolve what is inside."""

    def __init__(self, spec: ConvSpec) -> None:
        """See the class."""
        self._spec = spec
        self._inner = build(spec.over([axis.padded(axis.span) for axis in spec.axes], x_dtype=spec.item))

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._inner.nbytes

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

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return 0 if self._pairs is None else self._pairs.nbytes

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
