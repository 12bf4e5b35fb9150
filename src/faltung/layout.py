"""The same convolution on x as it lies in memory: a stack of lines or planes, without moving an axis.

Axes that a kernel of one tap passes over are no work; one convolved axis with others behind it is a plane whose kernel
has one tap across. What cannot be seen so is brought in order by a copy.
"""

import math
from dataclasses import replace

from .boundary import AxisBoundary, Side
from .kernel_facts import kernel_facts
from .spec import Array, Axis, ConvSpec


def as_stack(spec: ConvSpec, weights: Array) -> tuple[ConvSpec, Array] | None:
    """A spec over (stack, *convolved axes) that x and the result can be reshaped to, and its weights; None if none is.

    Args:
        weights: (M, *taps).
    """
    if len(weights) != 1 or spec.x_batch != spec.batch or 0 in spec.x_shape:
        return None
    order = sorted(range(len(spec.axes)), key=lambda i: spec.axes[i].position)
    working = [i for i in order if not _passes(spec.axes[i])] or order[-1:]
    axes = [spec.axes[i] for i in working]
    fills = {side.value for axis in axes for side in (axis.boundary.before, axis.boundary.after) if side.fills}
    # outside two axes at once the last in the kernel's order fills: with another order, another value
    if len(fills) > 1 and working != sorted(working):
        return None
    first, last = axes[0].position, axes[-1].position
    if last - first + 1 != len(axes):
        return None
    behind = math.prod(spec.x_shape[last + 1 :])
    if behind != 1:
        if len(axes) > 1:
            return None
        axes.append(Axis(last + 1, behind, 1, 1, 1, 0, 0, AxisBoundary(Side("zero"), Side("zero"))))
    stack = math.prod(spec.x_shape[:first])
    placed = tuple(replace(axis, position=i + 1) for i, axis in enumerate(axes))
    taps = tuple(axis.taps for axis in placed)
    kernel = weights[0].transpose(order).reshape(1, *taps)
    flat = replace(
        spec,
        x_shape=(stack, *(axis.size for axis in placed)),
        axes=placed,
        x_batch=(stack,),
        kernel_batch=(1,),
        facts=kernel_facts(kernel),
    )
    return flat, kernel


def _passes(axis: Axis) -> bool:
    """Whether the kernel leaves this axis as it is, but for a factor."""
    return axis.taps == 1 and axis.stride == 1 and axis.before == 0 and axis.after == 0
