"""Small x and kernels, chosen so that a difference between two meanings shows on one of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..spec import Array
from .meaning import Meaning

POWERS = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])


BRIGHT = np.array([200, 180, 3, 1, 90, 255])


KERNELS: dict[str, tuple[list[complex], ...]] = {
    "conjugation": ([1, 1j],),
    "size": ([1, 2, 4], [1, 1], [1, 2, 4, 8, 16, 32, 64]),
    "centre": ([1, 0], [1, 2], [1, 2, 4]),
    "dtype": ([1, 1], [0.5, 0.25]),
    "rounding": ([0.5], [0.25], [0.75]),
    "saturation": ([1, 1], [1, 1, 1], [-1, -1]),
}
"""Part -> kernels, along one axis, that show it; for all other parts `KERNEL`."""


KERNEL: tuple[list[complex], ...] = ([1, 2, 4], [1, 2])


def examples(
    name: str, a: Meaning, b: Meaning, x: Array | None, kernel: Array | None
) -> Iterator[tuple[Array, Array | None, bool]]:
    """What to try until a difference shows: x, the kernel, and whether x is the caller's."""
    num = a.ndim or 1
    for weights in _kernels(name, a, b, kernel, num):
        if x is not None:
            yield x, weights, True
        for small in _arrays(name, num):
            yield small, weights, False
            if name in ("dtype", "saturation", "rounding") and weights is not None and kernel is None:
                for dtype in (small.dtype, np.dtype(np.float64)):
                    if _kept(weights, dtype):
                        yield small, weights.astype(dtype), False


def _kept(weights: Array, dtype: np.dtype[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return weights.dtype.kind != "c" and bool(np.all(weights.astype(dtype) == weights))


def _kernels(name: str, a: Meaning, b: Meaning, kernel: Array | None, num: int) -> Iterator[Array | None]:
    if a.operator is not None and b.operator is not None:
        yield None
        return
    if kernel is not None:
        yield kernel
        return
    written = [np.asarray(m.weights) for m in (a, b) if m.weights is not None]
    if written:
        yield written[0]
        return
    for line in KERNELS.get(name, KERNEL):
        weights = np.array(line)
        if weights.dtype.kind != "c":
            weights = weights.astype(float)
        # another line across, so that no two axes look alike
        for _ in range(num - 1):
            weights = np.multiply.outer(np.arange(1, len(line) + 1), weights)
        yield weights


def _arrays(name: str, num: int) -> Iterator[Array]:
    """Small x of so many axes."""
    if name in ("dtype", "rounding", "saturation", "steps"):
        for dtype in (np.uint8, np.int16, np.float32, np.float16, np.int64):
            yield _spread(BRIGHT, num).astype(dtype)
        yield _spread(-100 * BRIGHT, num).astype(np.int16)
        yield _spread(200 * BRIGHT, num).astype(np.uint16)
        return
    if name == "scale":
        # a ramp: the slope is read off
        yield np.broadcast_to(np.arange(6.0), (6,) * num).copy()
        yield np.moveaxis(np.broadcast_to(np.arange(6.0), (6,) * num), -1, 0).copy()
    if name == "offset":
        # where all is flat, what is added stands alone
        yield np.zeros((6,) * num)
    if name == "missing":
        hole = _spread(POWERS, num)
        hole[(2,) * num] = np.nan
        yield hole
        return
    if name in ("kernel", "boundary"):
        impulse = np.zeros((9,) * num)
        impulse[(4,) * num] = 1
        yield impulse
        wide = np.zeros((33,) * min(num, 2))
        if num <= 2:
            wide[(16,) * num] = 1
            yield wide
    yield _spread(POWERS, num)


def _spread(line: Array, num: int) -> Array:
    """A line over several axes, so that rows and columns differ."""
    x = line.copy()
    for _ in range(num - 1):
        x = np.add.outer(line[::-1] if num == 2 else line, x)
    return x
