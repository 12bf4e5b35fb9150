"""Run a separable kernel through the engine: all in one call, or one call per axis."""

from collections.abc import Sequence
from typing import Any

from ..boundary import Boundary, parse_boundary
from ..door import correlate
from ..spec import Array
from .kernels import outer


def correlate_lines(x: Array, lines: Sequence[Array], axes: Sequence[int], boundary: Boundary) -> Array:
    """Correlate x with the outer product of `lines`, one per axis of `axes`; the result has the shape of x.

    In up to two dimensions the product goes to the engine whole: it sees that the kernel has rank 1 and takes both
    axes in one fused pass. From three on, one pass per axis saves the work of the third power.
    """
    rules = parse_boundary(boundary, len(axes))
    # a constant outside is itself smoothed by the passes before, unless it is 0
    plain = all(side.value == 0 for rule in rules for side in (rule.before, rule.after))
    if len(axes) <= 2 or not plain:
        return correlate(x, outer(lines), mode="same", boundary=boundary, axes=tuple(axes), dtype=x.dtype)
    # float16 is rounded once, at the end
    y = x if x.dtype.kind == "c" or x.dtype.itemsize > 2 else x.astype(lines[0].dtype)
    for line, axis, entry in zip(lines, axes, one_per_axis(boundary, len(axes)), strict=True):
        y = correlate(y, line, mode="same", boundary=[entry], axes=axis)
    return y.astype(x.dtype, copy=False)


def one_per_axis(boundary: Boundary, num_axes: int) -> list[Any]:
    """The caller's boundary, checked and taken apart: what is said of each axis."""
    parse_boundary(boundary, num_axes)
    return boundary if isinstance(boundary, list) else [boundary] * num_axes
