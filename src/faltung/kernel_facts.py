"""What is true of a kernel, whatever it is convolved with: factors, finite or not."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class KernelFacts:
    """Facts on a stack of kernels.

    Attributes:
        separable: each is an outer product of one vector per axis, `outer_factors`.
        finite: no weight is NaN or infinite.
        bits: of integer kernels: so many bits, the sign among them, hold every weight; 0 for others.
    """

    separable: bool
    finite: bool
    bits: int = 0


def kernel_facts(kernels: Array) -> KernelFacts:
    """Look at the kernels (M, *taps) once; every algorithm reads the result."""
    if kernels.dtype.kind in "iu":
        return KernelFacts(separable=False, finite=True, bits=signed_bits(kernels))
    if kernels.dtype.kind not in "fc":
        return KernelFacts(separable=False, finite=True)
    finite = bool(np.isfinite(kernels).all())
    separable = finite and kernels.ndim > 2 and len(kernels) > 0
    return KernelFacts(separable and all(outer_factors(kernel) is not None for kernel in kernels), finite)


def signed_bits(numbers: Array) -> int:
    """How many bits hold every one of these integers, the sign among them; 64 at most, as the bits of uint64 wrap."""
    if numbers.size == 0:
        return 1
    low, high = int(numbers.min()), int(numbers.max())
    return min(64, max(max(high, 0).bit_length(), max(~low, 0).bit_length()) + 1)


def outer_factors(weights: Array) -> tuple[Array, ...] | None:
    """One vector per axis whose outer product is this kernel, or None.

    The difference is at most 4 eps of the dtype, relative to the larger of each weight and the mean weight, so it is
    covered by the error bound that every call promises by default. The lines that cross in the largest weight are the
    factors of a rank-1 kernel.
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
