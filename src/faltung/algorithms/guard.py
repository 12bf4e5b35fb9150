"""The promise of the FFT: what a tile may err by, held against what its smallest window allows.

An FFT errs by as much everywhere in a tile, and small outputs beside large ones would drown in it. So each tile's error
is bounded from its product spectrum, and the promised error from the smallest sum of |x| in any of its windows.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..spec import Array, Axis
from . import sizes

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


def kernel_size(kernel: Array) -> KernelSize:
    """Measure one kernel (*taps)."""
    size = np.abs(kernel).astype(np.longdouble)
    extents = tuple(_extent(size, i) for i in range(size.ndim))
    return KernelSize(float(np.sqrt((size**2).sum())), float(size.sum()), extents)


def error_bound(product: Array, tile_norm: float, kernel_norm: float, num_points: int, *, half: bool) -> float:
    """What a tile may err by.

    Args:
        product: product of the spectra of tile and kernel, divided by the number of points.
        tile_norm: 2-norm of the tile; inf if it is not known.
        num_points: points of the tile.
        half: the spectrum of real numbers, whose other half mirrors this one.
    """
    real = np.finfo(product.dtype).dtype
    parts = product.view(real)
    total = sizes.total(parts)
    if half:
        # every column but the first and the last (the number of points is even) stands for two
        total = 2 * total - float(np.abs(parts[..., :2]).sum() + np.abs(parts[..., -2:]).sum())
    # a kernel of zeros makes zeros, also of what is beyond all numbers
    spread = tile_norm * kernel_norm if kernel_norm else 0.0
    return float(np.finfo(real).eps) * (ERROR * total + ERROR_SPREAD * spread / math.sqrt(num_points))


def keeps_promise(block: Array, axes: tuple[Axis, ...], kernel: KernelSize, error: float, rtol: float) -> bool:
    """Whether this error is within rtol of the smallest sum |w| x mean |x| of any window in the block.

    Args:
        block: the samples that the windows of a tile read, (*lengths).
        axes: their taps and dilation count.
    """
    # beyond the largest number there is no result to speak of, whatever is allowed
    if not math.isfinite(error):
        return False
    if math.isinf(rtol) or error == 0:
        return True
    num_taps = 1
    seen = []
    windows = []
    for i, (axis, (first, last)) in enumerate(zip(axes, kernel.extents, strict=True)):
        num_taps *= last - first + 1
        skipped = (axis.taps - 1 - last) * axis.dilation
        seen.append(slice(first * axis.dilation, block.shape[i] - skipped))
        windows.append((i, last - first + 1, axis.dilation))
    wanted = error * num_taps / (rtol * kernel.sum_abs) if rtol else math.inf
    block = block[tuple(seen)]
    if float(_block_sums(block, windows).min()) >= wanted:
        return True
    size = np.abs(block)
    # blocks say too little where a window is half outside or half dark: look at every window
    with np.errstate(over="ignore", invalid="ignore"):
        total = size.sum(dtype=np.float64)
        for window in windows:
            size = _window_sums(size, *window)
    return float(size.min()) - 1e-12 * float(total) >= wanted


def _extent(size: Array, i: int) -> tuple[int, int]:
    """First and last index along axis i that is not all zero; the whole axis if all is zero."""
    used = np.flatnonzero(size.any(axis=tuple(axis for axis in range(size.ndim) if axis != i)))
    return (int(used[0]), int(used[-1])) if len(used) else (0, size.shape[i] - 1)


def _block_sums(block: Array, windows: list[tuple[int, int, int]]) -> Array:
    """Sums of |block| over blocks of which every window holds a whole one."""
    if block.ndim <= 2 and block.dtype.kind == "f" and all(dilation == 1 for _, _, dilation in windows):
        return sizes.blocks(block, tuple((taps + 1) // 2 for _, taps, _ in windows))
    size = np.abs(block)
    for window in windows:
        size = _block_sums_along(size, *window)
    return size


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
    sums = np.moveaxis(size, i, 0).astype(np.float64)
    phases = []
    for phase in range(min(dilation, len(sums))):
        running = np.cumsum(sums[phase::dilation], axis=0)
        running = np.concatenate([np.zeros_like(running[:1]), running])
        phases.append(running[taps:] - running[:-taps])
    return np.moveaxis(np.concatenate(phases), 0, i)
