"""The general loop: one pass over the outputs per tap, in NumPy; any dtype, number of axes, stride and dilation."""

import itertools

import numpy as np

from ..spec import Array

PARTIAL = 256
"""Longest run of taps summed in one go: rounding then grows with 256 + taps / 256 instead of taps."""


def correlate_taps(
    padded: Array, weights: Array, strides: tuple[int, ...], dilations: tuple[int, ...], out: Array
) -> None:
    """out[b, o] = sum over j of weights[j] * padded[b, o * stride + j * dilation], all in one dtype.

    Args:
        padded: (B, *lengths), each at least (num_out - 1) * stride + (taps - 1) * dilation + 1.
        weights: (*taps).
        out: (B, *num_out), overwritten.
    """
    sizes = out.shape[1:]
    product = np.empty_like(out)
    partial = np.zeros_like(out) if weights.size > PARTIAL else out
    out[...] = 0
    # the compiled loops do not warn either: an infinity or a NaN in the result speaks for itself
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for count, tap in enumerate(itertools.product(*map(range, weights.shape))):
            window = tuple(
                slice(j * d, j * d + (m - 1) * s + 1, s)
                for j, d, s, m in zip(tap, dilations, strides, sizes, strict=True)
            )
            np.multiply(padded[(slice(None), *window)], weights[tap], out=product)
            np.add(partial, product, out=partial)
            if partial is not out and count % PARTIAL == PARTIAL - 1:
                np.add(out, partial, out=out)
                partial[...] = 0
        if partial is not out:
            np.add(out, partial, out=out)
