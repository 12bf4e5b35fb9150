"""What is true of a kernel, whatever it is convolved with: factors, finite or not."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class KernelFacts:
    """Facts on a stack of M kernels with D axes each.

    Attributes:
        factors: D arrays of shapes (M, taps of that axis) whose outer products are the kernels, or None. The
            difference is at most 4 eps of the dtype, relative to the larger of each weight and the mean weight, so it
            is covered by the error bound that every call promises by default.
        finite: no weight is NaN or infinite.
    """

    factors: tuple[Array, ...] | None
    finite: bool


def kernel_facts(weights: Array) -> KernelFacts:
    """Look at the weights (M, *taps) once; every algorithm reads the result."""
    if weights.dtype.kind not in "fc":
        return KernelFacts(None, finite=True)
    finite = bool(np.isfinite(weights).all())
    return KernelFacts(_factors(weights) if finite and weights.ndim > 2 else None, finite)


def _factors(weights: Array) -> tuple[Array, ...] | None:
    found = [outer_factors(kernel) for kernel in weights]
    if not found or any(one is None for one in found):
        return None
    return tuple(np.stack(lines) for lines in zip(*(one for one in found if one is not None), strict=True))


def outer_factors(weights: Array) -> tuple[Array, ...] | None:
    """One vector per axis whose outer product is this kernel, or None.

    The lines that cross in the largest weight are the factors of a rank-1 kernel.
    """
    with np.errstate(over="ignore"):
        size = np.abs(weights)
    pivot = np.unravel_index(int(np.argmax(size)), weights.shape)
    peak, info = weights[pivot], np.finfo(weights.dtype)
    # so near the ends of the range (or at zero) quotients and the mean overflow, and nothing below could be believed
    if not info.tiny / info.eps <= size[pivot] <= info.max / (4 * weights.size):
        return None
    factors = []
    for axis in range(weights.ndim):
        line = weights[(*pivot[:axis], slice(None), *pivot[axis + 1 :])]
        factors.append(line if axis == 0 else line / peak)
    product = factors[0]
    for factor in factors[1:]:
        product = product[..., None] * factor
    slack = 4 * info.eps * np.maximum(size, size.mean())
    return tuple(factors) if bool((np.abs(weights - product) <= slack).all()) else None
