"""The definition once more, one tap at a time over whole arrays: quick enough for hundreds of samples per axis.

`faltung.reference` goes output by output; this goes tap by tap, over a padded copy of x that it makes by itself.
`test_oracle.py` holds the two to each other. The same pass yields what the accuracy contract measures errors against.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from faltung.boundary import RULES, Side
from faltung.spec import Array, ConvSpec


@dataclass(frozen=True)
class Truth:
    """What a convolution should give, and how large an error of relative size 1 would be.

    Attributes:
        values: of shape `spec.out_shape`, in longdouble, clongdouble or object (Python integers).
        scale: the larger of (|kernel| * |x|) and sum |kernel| times the mean |x| of the window, per output; the window
            runs from the first to the last non-zero weight.
        norm: 2-norm of the kernel times that of all finite values of padded x; what an FFT errs by is measured
            against it.
    """

    values: Array
    scale: Array
    norm: float


def truth(spec: ConvSpec, kernels: Array, x: Array, weights: Array | None = None) -> Truth:
    """Convolve as `spec` says, by the definition.

    Args:
        kernels: (M, *taps), as `make_spec` returns them.
        x: of shape `spec.x_shape`.
        weights: what each sample counts, if the spec is weighted.
    """
    exact = spec.item.kind in "iuO"
    wide: Any = object if exact else np.clongdouble if spec.item.kind == "c" else np.longdouble
    real: Any = object if exact else np.longdouble
    num = len(spec.axes)
    sizes = tuple(axis.size for axis in spec.axes)
    counts = np.ones(x.shape, real) if weights is None else weights.astype(real)
    if spec.nan == "omit":
        counts = np.where(np.isnan(x), 0, counts)
    x = np.where(counts > 0, x.astype(wide) * np.where(counts > 0, counts, 1), 0)
    x, counts = (np.broadcast_to(spec.to_canonical(a), (*spec.batch, *sizes)) for a in (x, counts))
    seen = padded(spec, x, lambda side: side.value)
    there = padded(spec, counts, lambda side: 0 if side.rule == "ignore" else 1)
    box = _box(kernels != 0)
    kernels = np.broadcast_to(kernels.astype(wide).reshape(*spec.kernel_batch, *spec.taps), (*spec.batch, *spec.taps))
    size_seen, size_kernels = np.abs(seen), np.abs(kernels)
    shape = (*spec.batch, *spec.out_sizes)
    total, absolute, whole = np.zeros(shape, wide), np.zeros(shape, real), np.zeros(shape, real)
    weight, weight_hit = np.zeros(shape, real), np.zeros(shape, real)
    for tap in itertools.product(*map(range, spec.taps)):
        window = tuple(
            slice(j * a.dilation, j * a.dilation + (a.num_out - 1) * a.stride + 1, a.stride)
            for j, a in zip(tap, spec.axes, strict=True)
        )
        where = (..., *window)
        k = kernels[(..., *tap)].reshape(*spec.batch, *(1,) * num)
        size = size_kernels[(..., *tap)].reshape(*spec.batch, *(1,) * num)
        hit = there[where] > 0
        total += np.where(hit, k * seen[where], 0)
        absolute += np.where(hit, size * size_seen[where], 0)
        weight += size
        weight_hit += size * there[where]
        if all(low <= j < high for j, (low, high) in zip(tap, box, strict=True)):
            whole += np.where(hit, size_seen[where], 0)
    if exact:
        return Truth(_in_order(spec, total), _in_order(spec, absolute), 0.0)
    scale = np.maximum(absolute, weight * whole / max(1, np.prod([high - low for low, high in box])))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(weight == weight_hit, 1, np.where(weight_hit > 0, weight / weight_hit, np.nan))
    if not spec.ignores and weights is None and spec.nan != "omit":
        share = np.longdouble(1)
    norm = np.sqrt((size_seen[np.isfinite(size_seen)] ** 2).sum()) * np.sqrt((size_kernels**2).sum())
    # a factor of boundary="ignore" multiplies the error too
    norm = norm * np.nanmax(share, initial=1)
    return Truth(_in_order(spec, total * share), _in_order(spec, scale * share), float(norm))


def padded(spec: ConvSpec, x: Array, fill: Callable[[Side], Any]) -> Array:
    """Every position that the windows read, padded axis after axis.

    Args:
        x: (*batch, *sizes).
        fill: what stands outside on a side that fills.

    Returns:
        (*batch, *spans).
    """
    for i, axis in enumerate(spec.axes):
        position = np.arange((axis.num_out - 1) * axis.stride + axis.reach) - axis.before
        source = np.where((position >= 0) & (position < axis.size), position, 0)
        sides = ((position < 0, axis.boundary.before), (position >= axis.size, axis.boundary.after))
        for out, side in sides:
            source[out] = np.maximum(RULES[side.rule](position[out], axis.size), 0)
        at = x.ndim - len(spec.axes) + i
        x = np.take(x, source, axis=at)
        for out, side in sides:
            if side.fills:
                np.moveaxis(x, at, -1)[..., out] = fill(side)
    return x


def _box(used: Array) -> list[tuple[int, int]]:
    """From the first to behind the last non-zero weight, per axis; one position if all are zero."""
    box = []
    for axis in range(1, used.ndim):
        along = np.flatnonzero(used.any(axis=tuple(a for a in range(used.ndim) if a != axis)))
        box.append((int(along[0]), int(along[-1]) + 1) if along.size else (0, 1))
    return box


def _in_order(spec: ConvSpec, canonical: Array) -> Array:
    """From batch axes first to the order of x."""
    out = np.empty(spec.out_shape, canonical.dtype)
    spec.to_canonical(out)[...] = canonical
    return out
