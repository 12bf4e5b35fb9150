"""Separable: a kernel that is an outer product of vectors, one axis at a time: sum of the lengths, not product."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..algorithm import Cost, Routine
from ..boundary import AxisBoundary, Side
from ..kernel_facts import outer_factors
from ..loops.taps import PARTIAL
from ..machine import Machine
from ..spec import Array, Axis, ConvSpec
from . import direct, planes

name = "separable"

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
    if spec.facts.factors is None:
        return "the kernel is not an outer product of vectors"
    if planes.fill_value(spec.axes) != 0:
        return "a value other than 0 stands outside: the second axis would meet it already convolved"
    return None


def cost(spec: ConvSpec, machine: Machine, workers: int) -> Cost:
    """One multiply-add per tap of each axis, over what is left of the axes before it."""
    eps = float(np.finfo(spec.item).eps)
    rounded = sum(min(axis.taps, PARTIAL + axis.taps / PARTIAL) for axis in spec.axes)
    error = eps * (8 + rounded / 2)
    seconds = machine.call_s
    largest = 0
    for step in _steps(spec):
        num_outputs = math.prod(spec.batch) * math.prod(step.sizes_out)
        taps = sum(spec.axes[i].taps for i in step.axes)
        alone = replace(spec, axes=tuple(spec.axes[i] for i in step.axes))
        seconds += SLOWER * direct.seconds_for(alone, num_outputs, taps, machine, workers)
        largest = max(largest, num_outputs)
    one_step = len(_steps(spec)) == 1
    return Cost(seconds, 1 << 19 if one_step else largest * spec.item.itemsize, error)


def build(spec: ConvSpec) -> "Separable":
    """One routine per step."""
    return Separable(spec)


@dataclass(frozen=True)
class _Step:
    """Some neighbouring axes, convolved together; the others only pass by.

    Attributes:
        axes: numbers of the axes convolved in this step.
        sizes_in, sizes_out: lengths of all axes before and after it.
    """

    axes: tuple[int, ...]
    sizes_in: tuple[int, ...]
    sizes_out: tuple[int, ...]


def _steps(spec: ConvSpec) -> list[_Step]:
    """The last two axes in one pass if the fused loop serves them, then one axis after the other, last first."""
    last = len(spec.axes) - 1
    groups: list[tuple[int, ...]] = [(i,) for i in range(last, -1, -1)]
    if _fusable(spec, spec.axes[-2:]):
        groups[:2] = [(last - 1, last)]
    sizes = [axis.size for axis in spec.axes]
    steps = []
    for group in groups:
        before = tuple(sizes)
        for i in group:
            sizes[i] = spec.axes[i].num_out
        steps.append(_Step(group, before, tuple(sizes)))
    return steps


def _fusable(spec: ConvSpec, axes: Sequence[Axis]) -> bool:
    plain = spec.item.name in ("float32", "float64")
    return plain and all(a.stride == 1 and (a.dilation == 1 or a.taps == 1) and a.taps <= PARTIAL for a in axes)


class Separable:
    """The steps, each over a stack that the other axes make."""

    def __init__(self, spec: ConvSpec) -> None:
        """Build one routine per step."""
        self._spec = spec
        self._steps = _steps(spec)
        self._routines: list[Routine | Fused] = []
        source = spec.x_dtype
        for step in self._steps:
            self._routines.append(self._routine(step, source))
            source = spec.item

    def _routine(self, step: _Step, source: np.dtype[Any]) -> "Routine | Fused":
        axes = tuple(self._spec.axes[i] for i in step.axes)
        part = replace(self._spec, axes=axes, x_dtype=source)
        if len(axes) == 2:
            return Fused(part)
        if step.axes[0] < len(self._spec.axes) - 1:
            # what lies behind the axis in memory is a second axis with a kernel of one tap
            behind = math.prod(step.sizes_in[step.axes[0] + 1 :])
            part = replace(part, axes=(*axes, _untouched(behind)))
        return direct.build(part)

    def load(self, weights: Array) -> list[Any]:
        """The factors, as each routine wants them."""
        factors = outer_factors(weights)
        assert factors is not None
        packed = []
        for step, routine in zip(self._steps, self._routines, strict=True):
            lines = [factors[i] for i in step.axes]
            if isinstance(routine, Fused):
                packed.append(routine.load_factors(*lines))
            else:
                alone = step.axes[0] == len(self._spec.axes) - 1
                packed.append(routine.load(lines[0] if alone else lines[0][:, None]))
        return packed

    def run(self, x: Array, packed: list[Any], out: Array, workers: int) -> None:
        """Step by step; the last one writes `out`."""
        for step, routine, weights in zip(self._steps, self._routines, packed, strict=True):
            is_last = step is self._steps[-1]
            target = out if is_last else np.empty((len(x), *step.sizes_out), self._spec.item)
            shape_in, shape_out = (self._as_stack(len(x), step, sizes) for sizes in (step.sizes_in, step.sizes_out))
            routine.run(x.reshape(shape_in), weights, target.reshape(shape_out), workers)
            x = target

    @staticmethod
    def _as_stack(count: int, step: _Step, sizes: tuple[int, ...]) -> tuple[int, ...]:
        first, last = step.axes[0], step.axes[-1]
        stack = count * math.prod(sizes[:first])
        kept = sizes[first : last + 1]
        behind = sizes[last + 1 :]
        return (stack, *kept, math.prod(behind)) if behind else (stack, *kept)


def _untouched(size: int) -> Axis:
    nothing = AxisBoundary(Side("zero"), Side("zero"))
    return Axis(0, size, taps=1, stride=1, dilation=1, before=0, after=0, boundary=nothing)


class Fused:
    """Two axes in one pass of the compiled loop."""

    def __init__(self, spec: ConvSpec) -> None:
        """Compile, or fetch, the loop and make its tables."""
        self._item = spec.item
        self._shared = planes.share_separable(spec.axes, planes.source_name(spec.x_dtype, spec.item), spec.item)

    def load_factors(self, down: Array, across: Array) -> planes.Loaded:
        """The two factors as the loop reads them."""
        return self._shared.load(down, across)

    def run(self, x: Array, packed: planes.Loaded, out: Array, workers: int) -> None:
        """All planes of the stack."""
        self._shared(planes.readable(x, self._item), packed, out, workers)
