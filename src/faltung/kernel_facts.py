"""What is true of a kernel, whatever it is convolved with: factors, finite or not."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class KernelFacts:
    """Facts on a stack of kernels.

    Attributes:
        separable: each is an outer product of one vector per axis, `outer_factors`.
        to_the_last: and every weight is right to its own last digits, not only to those of the mean weight.
        finite: no weight is NaN or infinite.
        bits: of integer kernels: so many bits, the sign among them, hold every weight; 0 for others.
    """

    separable: bool
    finite: bool
    bits: int = 0
    to_the_last: bool = False


def kernel_facts(kernels: Array) -> KernelFacts:
    """Look at the kernels (M, *taps) once; every algorithm reads the result."""
    if kernels.dtype.kind in "iu":
        return KernelFacts(separable=False, finite=True, bits=signed_bits(kernels))
    if kernels.dtype.kind not in "fc":
        return KernelFacts(separable=False, finite=True)
    finite = bool(np.isfinite(kernels).all())
    separable = finite and kernels.ndim > 2 and len(kernels) > 0
    separable = separable and all(outer_factors(kernel) is not None for kernel in kernels)
    to_the_last = separable and all(outer_factors(kernel, to_the_last=True) is not None for kernel in kernels)
    return KernelFacts(separable, finite, to_the_last=to_the_last)


def signed_bits(numbers: Array) -> int:
    """How many bits hold every one of these integers, the sign among them; 64 at most, as the bits of uint64 wrap."""
    if numbers.size == 0:
        return 1
    low, high = int(numbers.min()), int(numbers.max())
    return min(64, max(max(high, 0).bit_length(), max(~low, 0).bit_length()) + 1)


def outer_factors(weights: Array, *, to_the_last: bool = False) -> tuple[Array, ...] | None:
    """One vector per axis whose outer product is this kernel, or None.

    The difference is at most 4 eps of the dtype, relative to the larger of each weight and the mean weight, so it is
    covered by the error bound that every call promises by default; and zeros are zeros, since an infinite sample tells
    them from little. The lines that cross in the largest weight are the factors of a rank-1 kernel. If the weights are
    whole numbers, up to a power of two, so are the factors, and sums of whole samples stay whole.

    Args:
        to_the_last: relative to each weight alone: where sums are scaled up, the smallest may be all that is left.
    """
    with np.errstate(over="ignore"):
        size = np.abs(weights)
    pivot = np.unravel_index(int(np.argmax(size)), weights.shape)
    peak, info = weights[pivot], np.finfo(weights.dtype)
    # so near the ends of the range (or at zero) quotients and the mean overflow, and nothing below could be believed
    if not info.tiny / info.eps <= size[pivot] <= info.max / (4 * weights.size):
        return None
    lines = [weights[(*pivot[:axis], slice(None), *pivot[axis + 1 :])] for axis in range(weights.ndim)]
    factors = _whole_factors(weights, lines, peak) or [lines[0], *(line / peak for line in lines[1:])]
    product = factors[0]
    for factor in factors[1:]:
        product = product[..., None] * factor
    slack = 4 * info.eps * (size if to_the_last else np.maximum(size, size.mean()))
    right = (np.abs(weights - product) <= slack) & ((product == 0) == (weights == 0))
    return tuple(factors) if bool(right.all()) else None


def _whole_factors(weights: Array, lines: list[Array], peak: Any) -> list[Array] | None:
    """The factors of a rank-1 kernel of whole numbers times a power of two, without any rounding; None for others.

    Lines divided by their common divisor are primitive, and products of primitive lines are primitive (Gauss's lemma):
    what is left is one whole number, which the first line takes.
    """
    if weights.dtype.kind != "f" or np.finfo(weights.dtype).nmant > 52:
        return None
    step = np.spacing(abs(peak))
    # every number of this size is a multiple of its spacing; smaller ones are only if the kernel is of whole numbers
    if not bool((np.rint(weights / step) * step == weights).all()):
        return None
    whole = [(line / step).astype(np.int64) for line in lines]
    primitive = [line // np.gcd.reduce(line) for line in whole]
    at_peak = math.prod(int(line[int(np.argmax(np.abs(line)))]) for line in primitive)
    share, rest = divmod(int(peak / step), at_peak)
    if rest:
        return None
    factors = [line.astype(weights.dtype) for line in primitive]
    return [factors[0] * (weights.dtype.type(share) * step), *factors[1:]]
