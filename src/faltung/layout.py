"""The same convolution on x as it lies in memory: a stack of lines or planes, without moving an axis.

Axes that a kernel of one tap passes over are no work; one convolved axis with others behind it is a plane whose kernel
has one tap across. What cannot be seen so is brought in order by a copy.
"""

import math

from .spec import Axis, ConvSpec, untouched


def as_stack(spec: ConvSpec) -> ConvSpec | None:
    """A spec with the batch axes in front that x, kernels and result can be reshaped to; None if there is none."""
    if 0 in spec.x_shape:
        return None
    axes = [axis for axis in spec.axes if not _passes(axis)] or [spec.axes[-1]]
    first, last = axes[0].position, axes[-1].position
    if last - first + 1 != len(axes):
        return None
    # lengths in x and kernel of all axes that are not worked on
    kernel_sizes = dict(zip(spec.batch_positions, spec.kernel_batch, strict=True))
    front = [(spec.x_shape[p], kernel_sizes.get(p, 1)) for p in range(first)]
    behind = math.prod(spec.x_shape[last + 1 :])
    if any(kernel_sizes.get(p, 1) > 1 for p in range(last + 1, len(spec.x_shape))):
        return None
    if behind != 1:
        if len(axes) > 1:
            return None
        axes.append(untouched(behind))
    return spec.over(axes, x_batch=tuple(n for n, _ in front), kernel_batch=tuple(m for _, m in front))


def in_order(spec: ConvSpec) -> ConvSpec:
    """The spec for `spec.to_canonical(x)`: batch axes in front."""
    return spec.over(spec.axes)


def _passes(axis: Axis) -> bool:
    """Whether the kernel leaves this axis as it is, but for a factor."""
    return axis.taps == 1 and axis.stride == 1 and axis.before == 0 and axis.after == 0
