"""Run a separable kernel through the engine in as few passes as pay."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..boundary import Boundary, parse_boundary
from ..door import correlate
from ..spec import Array, Nan
from .kernels.formulas import outer

ONE = np.ones(1, np.float32)
"""The weight of an axis that a kernel leaves alone."""


def correlate_lines(
    x: Array, lines: Sequence[Array], axes: Sequence[int], boundary: Boundary, nan: Nan = "propagate"
) -> Array:
    """Correlate x with the outer product of `lines`, one per axis of `axes`.

    Two axes go to the engine in one call, as one kernel: it sees the rank 1 and takes both in one fused pass. More axes
    take more calls, which saves the work of the higher power. An axis to leave alone has the line `ONE`: named with the
    other, it lets the engine read a picture in memory order (2048x2048 float32 with 3 taps down the columns: 3 ms, but
    113 with that one axis named).

    Returns:
        A new array of the shape of x, in the dtype of x and the lines together: float16 is not rounded in between.
    """
    rules = parse_boundary(boundary, len(axes))
    entries = boundary_per_axis(boundary, len(axes))
    # a constant outside would itself be weighted by the passes before, unless it is 0
    plain = all(side.value == 0 for rule in rules for side in (rule.before, rule.after))
    # and what is missing counts by the weights of all axes together
    step = 2 if plain and nan != "omit" else len(axes)
    y = x
    for end in range(len(axes), 0, -step):
        part = slice(max(0, end - step), end)
        if any(line is not ONE for line in lines[part]):
            # one word for all axes is found among the kept plans at once, a list takes a second look
            outside = entries[part] if isinstance(boundary, list) else boundary
            y = correlate(y, outer(lines[part]), mode="same", boundary=outside, axes=tuple(axes[part]), nan=nan)
            # looked for in x, not in sums of infinities
            nan = "propagate"
    if y is not x:
        return y
    return y.copy() if isinstance(y, np.ndarray) else y.clone()


def boundary_per_axis(boundary: Boundary, num_axes: int) -> list[Any]:
    """The caller's boundary, parsed before, taken apart: what is said of each axis."""
    return list(boundary) if isinstance(boundary, list) else [boundary] * num_axes
