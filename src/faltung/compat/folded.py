"""A convolution as NumPy and SciPy understand it: one dtype for both arrays and the result, integers that wrap."""

from typing import Any

import numpy as np

from ..arrays import as_array
from ..boundary import Boundary
from ..door import convolve
from ..errors import AccuracyError, MethodError
from ..spec import Array, Mode


def as_given(data: Any, name: str) -> Array:
    """`data` as a plain array, or the error that NumPy itself has for it.

    Raises:
        DtypeError: a masked array, whose mask NumPy and SciPy would drop without a word.
    """
    return as_array(data if isinstance(data, np.ma.MaskedArray) else np.asarray(data), name)


def folded(
    x: Array,
    kernel: Array,
    mode: Mode,
    *,
    method: str = "auto",
    boundary: Boundary = "zero",
    axes: tuple[int, ...] | None = None,
    origin: tuple[int, ...] | None = None,
) -> Array:
    """The convolution of x with a kernel in `np.result_type(x, kernel)`; mode "same" has the size of x.

    Args:
        method: "fft" is a wish: where the engine refuses it (integers are exact) or could not keep the error bound
            for these data, the engine's own choice is taken.
    """
    dtype = np.result_type(x, kernel)
    if dtype.kind in "fc":
        # uint64 with int64, which promote to float64
        x, kernel = (array.astype(dtype) if array.dtype.kind in "biu" else array for array in (x, kernel))

    def by(wanted: str) -> Array:
        return convolve(
            x,
            kernel,
            mode=mode,
            method=wanted,
            boundary=boundary,
            axes=axes,
            origin=origin,
            dtype=dtype,
            overflow="wrap",
        )

    if method != "fft":
        return by(method)
    try:
        return by("fft")
    except (MethodError, AccuracyError):
        return by("auto")


def folded_line(x: Array, kernel: Array, mode: Mode, *, method: str = "auto") -> Array:
    """Like `folded`, of one axis, where no weight meets the outside: a NaN in the kernel touches only what it hits.

    The engine's outside is zeros, and NaN times zero is NaN; NumPy's sums end where x ends.
    """
    if mode == "valid" or _finite(kernel):
        return folded(x, kernel, mode, method=method)
    start = 0 if mode == "full" else (len(kernel) - 1) // 2
    stop = len(x) + len(kernel) - 1 if mode == "full" else start + len(x)
    if _finite(x):
        # zeros outside meet finite weights only
        return folded(kernel, x, "full", method=method)[start:stop].copy()
    result = folded(x, kernel, mode, method=method)
    for o in range(start, stop):
        taps = slice(max(0, o - len(x) + 1), o + 1)
        if not _finite(kernel[: taps.start]) or not _finite(kernel[taps.stop :]):
            samples = slice(max(0, o - len(kernel) + 1), o + 1)
            result[o - start] = folded(x[samples], kernel[taps], "valid")[0]
    return result


def _finite(array: Array) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
