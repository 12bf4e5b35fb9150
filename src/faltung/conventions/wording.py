"""What a meaning does about one part of it, in words."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..spec import Array
from .meaning import Meaning
from .running import compute

PICTURES = {
    "zero": '"zero": 0 0 | a b c d | 0 0',
    "edge": '"edge": a a | a b c d | d d',
    "symmetric": '"symmetric": b a | a b c d | d c',
    "reflect": '"reflect": c b | a b c d | c b',
    "wrap": '"wrap": c d | a b c d | a b',
    "ignore": '"ignore": what is outside is left out',
}


def words(name: str, m: Meaning, x: Array, kernel: Array | None, a: Meaning, b: Meaning) -> str:
    """What a call does about one part, in words."""
    taps = m.operator.taps if m.operator is not None else () if kernel is None else kernel.shape
    if name == "centre":
        return _centre_words(m, taps, both_alike=a.flip == b.flip)
    if name == "scale":
        return _scale_words(m, x)
    if name in ("dtype", "rounding", "saturation", "steps"):
        k = np.dtype(float) if kernel is None else kernel.dtype
        return {
            "dtype": m.numbers.words(x.dtype, k),
            "rounding": f"rounds {m.numbers.rounding}",
            "saturation": f"overflow {m.numbers.overflow}",
            "steps": f"cast after {'every axis' if m.numbers.stepwise else 'the last axis'}",
        }[name]
    of_part = {
        "kernel": _operator_words(m),
        "taps": f"{' x '.join(map(str, taps))} taps",
        "combination": "" if m.operator is None else COMBINED[m.operator.combine],
        "flip": "flips the kernel" if m.flip else "lays the kernel as it is",
        "conjugation": "conjugates a complex kernel" if m.conjugate else "takes a complex kernel as it is",
        "size": _size_words(m),
        "stride": f"every {_one(m.stride)} samples" if m.stride else "every sample",
        "dilation": f"taps {_one(m.dilation)} apart" if m.dilation else "taps side by side",
        "boundary": PICTURES.get(str(m.boundary), repr(m.boundary)),
        "rim": "0 where the window leaves x" if m.blank_rim else "a sum everywhere",
        "normalisation": "divides the kernel by its sum" if m.normalises else "takes the weights as they are",
        "offset": f"adds {m.offset:g}, and {m.epsilon:g} under the root",
        "missing": {"spread": "NaN spread to every window", "are left out": "NaN are left out"}.get(
            str(m.missing), f"NaN count as {m.missing}"
        ),
    }
    return of_part[name]


COMBINED = {"sum": "one signed result", "length": "the root of the sum of squares", "stack": "all terms in a stack"}


def _one(values: tuple[Any, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else str(values)


def _operator_words(m: Meaning) -> str:
    if m.operator is None:
        return f"the kernel {m.kernel}"
    size = " x ".join(map(str, m.operator.taps))
    slope = _on_ramp(m, len(m.operator.taps))
    return f"{m.operator.name}, {size} taps" + (f", {slope:.3g} on a ramp of slope 1" if slope > 1e-2 else "")


def _size_words(m: Meaning) -> str:
    if m.mode == "padded":
        return f"padded by {_one(m.padding)}"
    if m.mode == "full":
        return "full: n + k - 1 samples"
    if m.mode == "same":
        return "as long as the longer of x and kernel" if m.exchanges else "as long as x"
    return (
        "whole windows only, in the longer of x and kernel" if m.exchanges else "whole windows only: n - k + 1 samples"
    )


def _centre_words(m: Meaning, taps: tuple[int, ...], *, both_alike: bool) -> str:
    k = next((n for n in taps if n % 2 == 0), taps[-1] if taps else 2)
    long = m.front == "k // 2"
    moved = f", moved by {_one(m.shift)}" if any(m.shift) else ""
    if both_alike:
        # the tap, as the kernel is written, that lies on the sample
        rule = "k // 2" if long != m.flip else "(k - 1) // 2"
        at = k // 2 if rule == "k // 2" else (k - 1) // 2
        return f"tap {rule} = {at} of k = {k} lies on the sample{moved}"
    before = k // 2 if long else (k - 1) // 2
    return f"the window begins {m.front} = {before} before the sample{moved}"


def _scale_words(m: Meaning, x: Array) -> str:
    """What the operator makes of a slope of 1, or its factor."""
    slope = _on_ramp(m, x.ndim)
    # a second derivative makes nothing of a ramp
    return f"{slope:.3g} on a ramp of slope 1" if slope > 1e-2 else f"times {m.scale:.3g}"


def _on_ramp(m: Meaning, ndim: int) -> float:
    """What an operator makes of the steepest of the ramps along every axis; 0 if it is no derivative."""
    if m.operator is None or all(abs(sum(line)) > 1e-12 for term in m.operator.terms for line in term):
        return 0.0
    along_last = np.broadcast_to(np.arange(9.0), (9,) * ndim)
    ramps = [np.moveaxis(along_last, -1, i).copy() for i in range(ndim)]
    plain = replace(m, axes=None)
    return max(float(np.max(np.abs(compute(plain, ramp)[(..., *((4,) * ndim))]))) for ramp in ramps)
