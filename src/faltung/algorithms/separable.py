"""Separable: a kernel that is an outer product of vectors, one axis at a time: sum of the lengths, not product."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..algorithm import Cost
from ..kernel_facts import outer_factors
from ..loops.taps import PARTIAL
from ..machine import Machine
from ..spec import Array, Axis, ConvSpec, untouched
from . import direct, planes, shared

name = "separable"
transforms = False

SLOWER = 1.8
"""A tap across costs more than one of a dense kernel: fewer sums share what is loaded (benchmarks/calibrate.py)."""


def refuses(spec: ConvSpec) -> str | None:
    """Serves outer products in float arithmetic."""
    if len(spec.axes) < 2:
        return "one axis is convolved: there is nothing to separate"
    if spec.item.kind not in "fc":
        return "integers are exact, and the factors of an integer kernel need not be integers"
    if not spec.facts.finite:
        return "the kernel is not finite"
    if not spec.facts.separable:
        return "the kernel is not an outer product of vectors"
    if spec.scales and not spec.facts.to_the_last:
        return "its factors are right for large weights only, and of a scaled sum small ones may be all that is left"
    if planes.fill_value(spec.axes) != 0:
        return "a value other than 0 stands outside: the second axis would meet it already convolved"
    return None


def cost(spec: ConvSpec, machine: Machine) -> Cost:
    """One multiply-add per tap of each axis, over what is left of the axes before it."""
    eps = float(np.finfo(spec.item).eps)
    rounded = sum(min(axis.taps, PARTIAL + axis.taps / PARTIAL) for axis in spec.axes)
    error = eps * (8 + rounded / 2)
    seconds = machine.call_s
    largest = 0
    steps = _steps(spec)
    for step in steps:
        part, num_outputs = step.spec, step.spec.num_outputs
        seconds += SLOWER * direct.seconds_for(part, num_outputs, step.num_taps, machine)
        largest = max(largest, num_outputs)
    return Cost(seconds, 1 << 19 if len(steps) == 1 else largest * spec.item.itemsize, error)


def grain(spec: ConvSpec) -> tuple[int, ...]:
    """Every output is the same sum wherever the convolution is cut."""
    return (1,) * len(spec.axes)


def build(spec: ConvSpec) -> "Separable":
    """One routine per step."""
    return Separable(spec)


@dataclass(frozen=True)
class _Step:
    """Some neighbouring axes, convolved together.

    Attributes:
        axes: numbers of the axes convolved in this step.
        spec: the step alone; axes in front of these are a batch, those behind are one axis that the kernel passes over.
    """

    axes: tuple[int, ...]
    spec: ConvSpec

    @property
    def fused(self) -> bool:
        """Whether both axes go in one pass of the compiled loop."""
        return len(self.axes) == 2

    @property
    def num_taps(self) -> int:
        """Multiply-adds per output."""
        return sum(self.spec.taps) if self.fused else self.spec.num_taps


def _steps(spec: ConvSpec) -> list[_Step]:
    """The last two axes in one pass if the fused loop serves them, then one axis after the other, last first."""
    last = len(spec.axes) - 1
    groups: list[tuple[int, ...]] = [(i,) for i in range(last, -1, -1)]
    if _fusable(spec, spec.axes[-2:]):
        groups[:2] = [(last - 1, last)]
    sizes = [axis.size for axis in spec.axes]
    batch, x_dtype = spec.x_batch, spec.x_dtype
    steps = []
    for group in groups:
        first, behind = group[0], sizes[group[-1] + 1 :]
        worked = [spec.axes[i] for i in group]
        alone = spec.over(
            [*worked, untouched(math.prod(behind))] if behind else worked,
            x_batch=(*batch, *sizes[:first]),
            kernel_batch=(*spec.kernel_batch, *(1 for _ in sizes[:first])),
            x_dtype=x_dtype,
        )
        steps.append(_Step(group, alone))
        for i in group:
            sizes[i] = spec.axes[i].num_out
        # from the second step on, every kernel has its own intermediate result
        batch, x_dtype = spec.batch, spec.item
    return steps


def _fusable(spec: ConvSpec, axes: Sequence[Axis]) -> bool:
    plain = spec.item.name in ("float32", "float64")
    return plain and all(a.stride == 1 and (a.dilation == 1 or a.taps == 1) and a.taps <= PARTIAL for a in axes)


@dataclass(frozen=True)
class _Factors:
    """The factors of the kernels, as the routine of each step wants them."""

    steps: tuple[Any, ...]

    @property
    def nbytes(self) -> int:
        """Memory that they hold."""
        return sum(step.nbytes for step in self.steps)


class Separable:
    """The steps, each over a stack that the other axes make."""

    def __init__(self, spec: ConvSpec) -> None:
        """Build one routine per step."""
        self._steps = _steps(spec)
        self._routines = [Fused(step.spec) if step.fused else direct.build(step.spec) for step in self._steps]

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return sum(routine.nbytes for routine in self._routines)

    def load(self, kernels: Array) -> _Factors:
        """The factors, as each routine wants them."""
        found = [outer_factors(kernel) for kernel in kernels]
        # per axis: (M, taps)
        lines = [np.stack(axis) for axis in zip(*(factors or () for factors in found), strict=True)]
        packed: list[Any] = []
        for step, routine in zip(self._steps, self._routines, strict=True):
            factors = [lines[i] for i in step.axes]
            if isinstance(routine, Fused):
                packed.append(routine.load_factors(*factors))
            else:
                packed.append(routine.load(factors[0].reshape(len(kernels), *step.spec.taps)))
        return _Factors(tuple(packed))

    def run(self, x: Array, packed: _Factors, out: Array, workers: int) -> None:
        """Step by step; the last one writes `out`."""
        for step, routine, factors in zip(self._steps, self._routines, packed.steps, strict=True):
            spec = step.spec
            is_last = step is self._steps[-1]
            target = out if is_last else np.empty(spec.out_shape, spec.item)
            stack, sizes = tuple(axis.size for axis in spec.axes), spec.out_sizes
            routine.run(x.reshape(-1, *stack), factors, target.reshape(-1, *sizes), workers)
            x = target


class Fused:
    """Two axes in one pass of the compiled loop."""

    def __init__(self, spec: ConvSpec) -> None:
        """Compile, or fetch, the loop and make its tables."""
        self._item = spec.item
        self._shared = planes.share_separable(spec, shared.source_name(spec.x_dtype, spec.item))

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._shared.nbytes

    def load_factors(self, down: Array, across: Array) -> shared.Loaded:
        """Both factors of every kernel, (M, taps) each, as the loop reads them."""
        return self._shared.load(down, across)

    def run(self, x: Array, packed: shared.Loaded, out: Array, workers: int) -> None:
        """All planes of the stack."""
        self._shared(shared.readable(x, self._item), packed, out, workers)
