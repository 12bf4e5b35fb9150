"""The promise of the FFT: what a tile may err by, held against what its smallest window allows.

An FFT errs by as much everywhere in a tile, and small outputs beside large ones would drown in it. So each tile's error
is bounded from its product spectrum, and the promised error from the smallest sum of |x| in any of its windows.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..spec import Array, Axis

ERROR = 8.0
"""Bound on the error of an output, in units of eps x the mean over all frequencies of |spectrum of tile x spectrum of
kernel| (real plus imaginary part): what the products err by. The 2-norms of tile and kernel bound that mean, but are
several times as large for photographs, whose spectra are peaked."""

ERROR_SPREAD = 4.0
"""The rest of the bound, in units of eps x the 2-norms of tile and kernel / sqrt(points): a transform errs by so much
at every frequency. Both are measured by benchmarks/fft_error.py."""


@dataclass(frozen=True)
class KernelSize:
    """What the promise needs to know of one kernel.

    Attributes:
        norm: square root of the sum of squares of the weights.
        sum_abs: sum of their sizes.
        extents: first and last tap that is not zero, per axis: windows are meant from the one to the other.
    """

    norm: float
    sum_abs: float
    extents: tuple[tuple[int, int], ...]

    @functools.cached_property
    def taps(self) -> tuple[int, ...]:
        """Lengths of the window."""
        return tuple(last - first + 1 for first, last in self.extents)

    @functools.cached_property
    def per_weight(self) -> float:
        """Taps of the window divided by the sum of |w|: what turns an error into a sum of |x|, see `least_sum`."""
        return math.prod(self.taps) / self.sum_abs if self.sum_abs else math.inf

    def seen(self, lengths: Sequence[int], axes: Sequence[Axis]) -> tuple[slice, ...]:
        """Of a block of so many samples, those that its windows see."""
        return tuple(
            slice(first * axis.dilation, n - (axis.taps - 1 - last) * axis.dilation)
            for n, axis, (first, last) in zip(lengths, axes, self.extents, strict=True)
        )


def kernel_size(kernel: Array) -> KernelSize:
    """Measure one kernel (*taps)."""
    size = np.abs(kernel).astype(np.longdouble)
    extents = tuple(_extent(size, i) for i in range(size.ndim))
    return KernelSize(float(np.sqrt((size**2).sum())), float(size.sum()), extents)


def error_bound(total: float, tile_norm: float, kernel_norm: float, num_points: int, eps: float) -> float:
    """What a tile may err by.

    Args:
        total: sum of |real| + |imaginary part| of the product of both spectra, divided by the number of points.
        tile_norm, kernel_norm: 2-norms; inf if it is not known.
        num_points: points of the tile.
    """
    # numbers so small lose digits when they are divided by the number of points: nothing is known of the error
    if 0 < kernel_norm < num_points * np.finfo(np.float64 if eps < 1e-10 else np.float32).tiny / eps:
        return math.inf
    # a kernel of zeros makes zeros, also of what is beyond all numbers
    spread = tile_norm * kernel_norm if kernel_norm else 0.0
    return eps * (ERROR * total + ERROR_SPREAD * spread / math.sqrt(num_points))


class Measured(NamedTuple):
    """What the promise needs to know of one tile.

    Attributes:
        norm: 2-norm.
        least: no window's sum of |x| is smaller.
        sums: of |x| over blocks side by side, of which every window holds some whole; one axis for each of the tile's.
        num_held: along each axis, so many neighbouring blocks are whole in any window.
    """

    norm: float
    least: float
    sums: Array
    num_held: tuple[int, ...]

    def holds(self, wanted: float) -> bool:
        """Whether every window's sum is at least this, as far as blocks tell: a closer look than `least`."""
        sums = self.sums.astype(np.float64)
        for i, num in enumerate(self.num_held):
            if num > 1:
                sums = np.lib.stride_tricks.sliding_window_view(sums, num, axis=i).sum(axis=-1)
        return float(sums.min()) >= wanted


def norm_of(tile: Array, squares: float, num_read: int) -> float:
    """The 2-norm of a tile from the sum of squares of what was read: an upper bound, for small squares vanish.

    Each that does loses less than the smallest normal number.
    """
    if squares == 0 and not tile.any():
        return 0.0
    return math.sqrt(squares + num_read * float(np.finfo(tile.dtype).tiny))


def block_side(taps: int) -> int:
    """Length of blocks such that windows of so many taps hold three or more of them: little of a window is not seen.

    A power of two, so that vectors add neighbours.
    """
    return 1 << max(0, ((taps + 1) // 4).bit_length() - 1)


def num_held(taps: int, side: int) -> int:
    """How many whole blocks any window of so many taps holds."""
    return (taps + 1) // side - 1


def least_sum(error: float, rtol: float, kernel: KernelSize) -> float:
    """How large the sum of |x| in a window must be for this error to be within rtol of sum |w| x mean |x|.

    0 if any will do, inf if none will: beyond the largest number there is no result to speak of, whatever is allowed.
    """
    if not math.isfinite(error):
        return math.inf
    if math.isinf(rtol) or error == 0:
        return 0.0
    return error / rtol * kernel.per_weight if rtol else math.inf


def window_sums(block: Array, axes: Sequence[Axis], kernel: KernelSize) -> Array:
    """The sum of |x| in every window of a block (*lengths), or a little less: one for each output of its tile."""
    size = np.abs(block[kernel.seen(block.shape, axes)])
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(size.sum(dtype=np.float64))
        for i, (taps, axis) in enumerate(zip(kernel.taps, axes, strict=True)):
            size = _window_sums(size, i, taps, axis.dilation)
    # running sums err by a part of the total
    return size - 1e-12 * total


def block_sums(block: Array, axes: Sequence[Axis], kernel: KernelSize) -> Array:
    """Sums of |x| over blocks that are half as long as a window, of which any window holds one whole."""
    size = np.abs(block[kernel.seen(block.shape, axes)])
    for i, (taps, axis) in enumerate(zip(kernel.taps, axes, strict=True)):
        size = _block_sums_along(size, i, taps, axis.dilation)
    return size


def _extent(size: Array, i: int) -> tuple[int, int]:
    """First and last index along axis i that is not all zero; the whole axis if all is zero."""
    used = np.flatnonzero(size.any(axis=tuple(axis for axis in range(size.ndim) if axis != i)))
    return (int(used[0]), int(used[-1])) if len(used) else (0, size.shape[i] - 1)


def _block_sums_along(size: Array, i: int, taps: int, dilation: int) -> Array:
    """Sums along axis i over blocks of which any window of so many taps holds a whole one: aligned, (taps + 1) // 2.

    Dilated windows see one sample in `dilation`: each phase has blocks of its own. What is missing to a whole number of
    phases counts as infinite: no window reaches there.
    """
    side = (taps + 1) // 2
    missing = -size.shape[i] % dilation
    if missing:
        size = np.pad(size, [(0, missing if axis == i else 0) for axis in range(size.ndim)], constant_values=np.inf)
    count = size.shape[i] // dilation // side
    cut = size[(*([slice(None)] * i), slice(0, count * side * dilation))]
    sums = cut.reshape(*cut.shape[:i], count, side, dilation, *cut.shape[i + 1 :]).sum(axis=i + 1)
    return sums.reshape(*sums.shape[:i], count * dilation, *sums.shape[i + 2 :])


def _window_sums(size: Array, i: int, taps: int, dilation: int) -> Array:
    """Sums along axis i over every window of so many taps."""
    moved = np.moveaxis(size, i, 0).astype(np.float64)
    sums = np.empty((len(moved) - (taps - 1) * dilation, *moved.shape[1:]))
    for phase in range(min(dilation, len(sums))):
        running = np.cumsum(moved[phase::dilation], axis=0)
        running = np.concatenate([np.zeros_like(running[:1]), running])
        sums[phase::dilation] = running[taps:] - running[:-taps]
    return np.moveaxis(sums, 0, i)
