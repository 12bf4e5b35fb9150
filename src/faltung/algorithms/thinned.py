"""A stride over an algorithm that has none: compute every output, keep each so-many-th."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..algorithm import Detour, Routine
from ..spec import Array, ConvSpec


def unthinned(spec: ConvSpec) -> ConvSpec:
    """The same convolution without strides, cut behind the last output that is kept; a part ends where it is cut."""
    axes = []
    for axis in spec.axes:
        unread = 0 if axis.whole else axis.size + axis.before + axis.after - axis.span
        first, whole = axis.first * axis.stride, (axis.whole - 1) * axis.stride + 1 if axis.whole else 0
        axes.append(replace(axis, stride=1, after=axis.after - unread, first=first, whole=whole))
    return replace(spec, axes=tuple(axes))


class Thinned:
    """A routine without strides, thinned out.

    Args:
        build: builds the routine without strides.
    """

    def __init__(self, spec: ConvSpec, build: Callable[[ConvSpec], Routine]) -> None:
        """See the class."""
        every = unthinned(spec)
        self._sizes = every.out_sizes
        self._inner = build(every)
        self._keep = tuple(slice(None, None, axis.stride) for axis in spec.axes)

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._inner.nbytes

    def load(self, kernels: Array) -> Any:
        """As the inner routine wants them."""
        return self._inner.load(kernels)

    def run(self, x: Array, packed: Any, out: Array, workers: int) -> Detour | None:
        """Run densely and thin out."""
        every = np.empty((len(out), *self._sizes), out.dtype)
        detour = self._inner.run(x, packed, every, workers)
        out[...] = every[(slice(None), *self._keep)]
        return detour
