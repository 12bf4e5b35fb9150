"""The definition, slow and plain: the oracle of every test.

Nothing is shared with the fast paths but the spec: every output gathers its own window, sample by sample, through the
boundary rules, and sums it in the widest arithmetic there is (longdouble; Python integers for integers).
"""

import itertools
from typing import Any

import numpy as np

from .boundary import OUTSIDE, RULES, Side
from .spec import Array, Axis, ConvSpec


def reference(spec: ConvSpec, kernels: Array, x: Array, weights: Array | None = None) -> Array:
    """The convolution that `spec` describes, by its definition.

    Args:
        kernels: (M, *taps), as `make_spec` returns them.
        x: of shape `spec.x_shape`.
        weights: of the same shape, what each sample counts, if `spec.weighted`.

    Returns:
        An array of shape `spec.out_shape` in longdouble, clongdouble or object (exact integers): not yet rounded to
        `spec.dtype`.
    """
    wide = _wide(spec.item)
    counts = np.ones(x.shape, spec.real) if weights is None else weights.astype(spec.real)
    if spec.nan == "omit":
        counts = np.where(np.isnan(x), 0, counts)
    counts = np.broadcast_to(spec.to_canonical(counts), (*spec.batch, *(axis.size for axis in spec.axes)))
    x_canonical = np.broadcast_to(spec.to_canonical(x).astype(wide), (*spec.batch, *(axis.size for axis in spec.axes)))
    each = np.broadcast_to(kernels.astype(wide).reshape(*spec.kernel_batch, *spec.taps), (*spec.batch, *spec.taps))
    out = np.zeros(spec.out_shape, wide)
    out_canonical = spec.to_canonical(out)
    for b in np.ndindex(*spec.batch):
        for o in np.ndindex(*spec.out_sizes):
            out_canonical[(*b, *o)] = _one_output(spec, each[b], x_canonical[b], counts[b], o)
    return out


def _one_output(spec: ConvSpec, kernel: Array, x: Array, counts: Array, output: tuple[int, ...]) -> Any:
    products: list[Any] = []
    weight_sum, weight_hit = 0, 0
    for tap in itertools.product(*map(range, spec.taps)):
        value, count = _sample(spec, x, counts, output, tap)
        weight_sum += abs(kernel[tap])
        # what is missing is not looked at: it may be NaN
        if count > 0:
            weight_hit += abs(kernel[tap]) if count == 1 else abs(kernel[tap]) * count
            products.append(kernel[tap] * (value if count == 1 else value * count))
    total = sum(products, start=x.dtype.type(0) if x.dtype.kind != "O" else 0)
    if (spec.ignores or spec.weighted or spec.nan == "omit") and weight_hit != weight_sum:
        return _scaled(total, weight_sum / weight_hit) if weight_hit else np.nan
    return total


def _scaled(total: Any, factor: Any) -> Any:
    """Part by part: by a complex product an infinite part would make the other NaN."""
    if isinstance(total, np.complexfloating):
        parts = np.array([total])
        parts.real, parts.imag = total.real * factor, total.imag * factor
        return parts[0]
    return total * factor


def _sample(spec: ConvSpec, x: Array, counts: Array, output: tuple[int, ...], tap: tuple[int, ...]) -> tuple[Any, Any]:
    """What output `output` sees under tap `tap`, and what it counts: 1, less, or 0 for what is missing.

    Where several axes are outside at once, the last one that fills decides, as if the axes were padded in turn.
    """
    index: list[int] = []
    filled: Side | None = None
    for axis, o, j in zip(spec.axes, output, tap, strict=True):
        i, side = _source(axis, o * axis.stride + j * axis.dilation - axis.before)
        if side is not None:
            filled = side
        index.append(i)
    if filled is not None:
        return filled.value, 0 if filled.rule == "ignore" else 1
    return x[tuple(index)], counts[tuple(index)]


def _source(axis: Axis, i: int) -> tuple[int, Side | None]:
    """Where position i of an axis comes from, or the side whose fill value it takes."""
    if 0 <= i < axis.size:
        return i, None
    side = axis.boundary.before if i < 0 else axis.boundary.after
    j = int(RULES[side.rule](np.array([i]), axis.size)[0])
    return j, side if j == OUTSIDE else None


def _wide(item: np.dtype[Any]) -> np.dtype[Any]:
    if item.kind in "iuO":
        return np.dtype(object)
    return np.dtype(np.clongdouble if item.kind == "c" else np.longdouble)
