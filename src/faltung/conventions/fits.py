"""Whether a call of another library means the same, and how much has to be mended around it if not."""

import re

import numpy as np

from ..boundary import parse_boundary
from ..errors import ParameterError
from .dialects import Candidate, Dialect
from .meaning import Meaning, Operator
from .table import meaning_of


def steps_show(m: Meaning, operator: Operator) -> bool:
    """Whether a value held outside after every axis differs from one held outside once."""
    sides = [side for rule in parse_boundary(m.boundary, len(operator.taps)) for side in (rule.before, rule.after)]
    sums = [abs(sum(line) - 1) for term in operator.terms for line in term]
    return any(side.value != 0 for side in sides) and max(sums) > 1e-9


def read_candidate(dialect: Dialect, candidate: Candidate, m: Meaning) -> Meaning:
    """The meaning of a call that a dialect proposes."""
    call = re.sub(r"\bX\b", "x", re.sub(r"\bK\b", "k", candidate.call))
    return meaning_of(call, of=dialect.library, ndim=m.ndim)


def same_terms(a: Operator, b: Operator) -> bool:
    """Whether two functions bring the same weights along."""
    if len(a.terms) != len(b.terms) or a.taps != b.taps:
        return False
    pairs = [(one, other) for x, y in zip(a.terms, b.terms, strict=True) for one, other in zip(x, y, strict=True)]
    return all(len(one) == len(other) and np.allclose(one, other, rtol=1e-12, atol=1e-15) for one, other in pairs)


def same_window(a: Meaning, b: Meaning, taps: tuple[int, ...] | None) -> bool:
    """Whether the windows begin and end at the same places."""
    if taps is not None:
        long = [4 * max(taps) + 8] * len(taps)
        meant = a.margins(long, taps)
        try:
            return b.margins(long, taps) == meant
        except ParameterError:
            # the centre would lie outside of the kernel
            return False
    if a.mode != b.mode or a.padding != b.padding:
        return False
    # astropy takes odd kernels only, for which both rules are one
    odd = "astropy.convolution.convolve" in (a.function, b.function)
    return a.mode != "same" or ((a.front == b.front or odd) and a.shift == b.shift)


def same_boundary(a: Meaning, b: Meaning) -> bool:
    """Whether the same stands outside x, where anything of it is seen."""
    if a.mode == "valid":
        return True
    num = a.ndim or 1
    return parse_boundary(a.boundary, num) == parse_boundary(b.boundary, num)


def taps_of(m: Meaning) -> tuple[int, ...] | None:
    """The lengths of the kernel, where they are known."""
    return m.operator.taps if m.operator is not None else np.shape(m.weights) if m.weights is not None else None


def cost(dialect: Dialect, m: Meaning, read: Meaning) -> int | None:
    """How much has to be mended around a call; None if it cannot serve."""
    taps = taps_of(m)
    if dialect.odd_only and taps is not None and any(k % 2 == 0 for k in taps):
        return None
    if not same_window(m, read, taps) or not same_boundary(m, read) or (m.dilation and read.dilation != m.dilation):
        return None
    if read.normalises and (not m.normalises or read.of_sizes != m.of_sizes):
        return None
    return (
        2 * (m.flip != read.flip)
        + (m.conjugate != read.conjugate)
        + (m.normalises != read.normalises)
        + 2 * bool(m.stride and not read.stride)
        # plain names before those with more words
        + (read.function.endswith("2d") and "signal" in read.function)
    )
