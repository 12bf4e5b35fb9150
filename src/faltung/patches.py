"""Outputs that are summed again, directly: where a sum is scaled up, what a transform errs by is scaled up with it."""

from collections.abc import Iterator, Sequence

import numpy as np

from .algorithms import direct
from .algorithms.gather import gather
from .spec import Array, ConvSpec

SCALED = 2.0
"""From this factor on the errors of transforms count for too much."""

SMALL = 32
"""Outputs along an axis below which a box is not cut further."""

Box = tuple[slice, ...]


def any_entry(weak: Array, num_axes: int) -> Array:
    """Where any entry of the batch, which the axes in front are, is weak: (*lengths of the last axes)."""
    return np.logical_or.reduce(weak, axis=tuple(range(weak.ndim - num_axes)))


def boxes(weak: Array) -> list[Box]:
    """Boxes that hold all places where `weak` is true, and as little else as a few cuts allow."""
    return list(_boxes(weak, (0,) * weak.ndim))


def _boxes(weak: Array, corner: Sequence[int]) -> Iterator[Box]:
    used = [np.flatnonzero(weak.any(axis=tuple(a for a in range(weak.ndim) if a != i))) for i in range(weak.ndim)]
    if any(len(places) == 0 for places in used):
        return
    limits = [(int(places[0]), int(places[-1]) + 1) for places in used]
    inner = weak[tuple(slice(a, b) for a, b in limits)]
    corner = [c + a for c, (a, _) in zip(corner, limits, strict=True)]
    longest = int(np.argmax(inner.shape))
    if inner.shape[longest] <= SMALL or inner.mean() > 0.5:
        yield tuple(slice(c, c + n) for c, n in zip(corner, inner.shape, strict=True))
        return
    half = inner.shape[longest] // 2
    for start, stop in ((0, half), (half, inner.shape[longest])):
        part = inner[(*([slice(None)] * longest), slice(start, stop))]
        yield from _boxes(part, [c + start * (i == longest) for i, c in enumerate(corner)])


def sum_again(
    spec: ConvSpec, kernels: Array, x: Array, total: Array, places: Sequence[tuple[Box, Array]], workers: int
) -> None:
    """Overwrite outputs by direct sums of their windows.

    Args:
        kernels: (M, *taps).
        x: of shape `spec.x_shape`.
        total: of the shape of the result.
        places: boxes of the convolved axes of the result, and which outputs there to overwrite: (*batch, *lengths), or
            what broadcasts to it.
    """
    flat = spec.over(spec.axes, x_dtype=spec.item)
    x_stack = np.ascontiguousarray(spec.to_canonical(x)).reshape(-1, *(axis.size for axis in spec.axes))
    out = spec.to_canonical(total)
    for box, weak in places:
        part = flat.part([place.start for place in box], [place.stop for place in box])
        starts = [place.start * axis.stride for place, axis in zip(box, spec.axes, strict=True)]
        stops = [start + axis.size for start, axis in zip(starts, part.axes, strict=True)]
        padded = np.ascontiguousarray(gather(x_stack, spec.axes, starts, stops, spec.item))
        routine = direct.build(part)
        sums = np.empty((np.prod(spec.batch, dtype=int), *part.out_sizes), spec.item)
        routine.run(padded, routine.load(kernels), sums, workers)
        np.copyto(out[(..., *box)], sums.reshape(*spec.batch, *part.out_sizes), where=weak)
