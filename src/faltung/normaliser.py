"""What boundary="ignore" multiplies each output with."""

from dataclasses import replace

import numpy as np

from .algorithms import direct
from .boundary import AxisBoundary, Side
from .spec import Array, ConvSpec


def normaliser(spec: ConvSpec, weights: Array) -> Array:
    """Sum of the sizes of all weights over the sum of those that hit data; NaN where none does.

    Right for kernels whose weights sum to zero too (Sobel, LoG), and exactly 1 where nothing is missing.

    Args:
        weights: (M, *taps).

    Returns:
        (*kernel_batch, *out_sizes), to be multiplied with the canonical result.
    """
    real = np.dtype(np.longdouble if spec.item in (np.longdouble, np.clongdouble) else np.float64)
    shares = np.empty((len(weights), *spec.out_sizes), real)
    for i, kernel in enumerate(weights):
        size = np.abs(kernel).astype(real)
        hit = _count(spec, size, sample=1, constant=1, missing=0)
        miss = _count(spec, size, sample=0, constant=0, missing=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares[i] = np.where(miss == 0, 1.0, np.where(hit > 0, (hit + miss) / hit, np.nan))
    return shares.reshape(*spec.kernel_batch, *spec.out_sizes).astype(spec.item)


def _count(spec: ConvSpec, size: Array, *, sample: int, constant: int, missing: int) -> Array:
    """The weights' sizes summed over what each output sees, where every kind of thing counts so much."""

    def counted(side: Side) -> Side:
        if not side.fills:
            return side
        return Side("constant", missing if side.rule == "ignore" else constant)

    rules = [AxisBoundary(counted(a.boundary.before), counted(a.boundary.after)) for a in spec.axes]
    axes = tuple(replace(axis, boundary=rule) for axis, rule in zip(spec.axes, rules, strict=True))
    routine = direct.build(replace(spec, axes=axes, x_dtype=size.dtype, item=size.dtype))
    out = np.empty((1, *spec.out_sizes), size.dtype)
    ones = np.full((1, *(axis.size for axis in axes)), sample, size.dtype)
    routine.run(ones, routine.load(size), out, 1)
    return out[0]
