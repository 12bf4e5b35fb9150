"""A convolution as NumPy and SciPy understand it: one dtype for both arrays and the result, integers that wrap."""

from typing import Any

import numpy as np

from ..arrays import as_array
from ..boundary import Boundary
from ..door import plan
from ..errors import AccuracyError, MethodError
from ..explanation import Explanation
from ..planner import Plan
from ..reading import Mode
from ..spec import Array


def as_given(data: Any, name: str) -> Array:
    """`data` as a plain array, or the error that NumPy itself has for it.

    Raises:
        DtypeError: a masked array, whose mask NumPy and SciPy would drop without a word.
    """
    return as_array(data if isinstance(data, np.ma.MaskedArray) else np.asarray(data), name)


def folded(x: Array, kernel: Array, mode: Mode, *, method: str = "auto", axes: tuple[int, ...] | None = None) -> Array:
    """The convolution of x and kernel, zeros outside, in `np.result_type(x, kernel)`; "same" has the size of x.

    A NaN or an infinity in the kernel touches only the outputs where it meets a sample, as one in x does: weights
    that hang over the edge have nothing to be multiplied by. (If both hold some, this is so for one axis only.)

    Args:
        method: "fft" is a wish: where the engine refuses it (integers are exact) or could not keep its error bound
            for these data, it takes what it would take by itself.
    """
    along = tuple(range(x.ndim)) if axes is None else axes
    if mode == "full" and kernel.size > x.size:
        x, kernel = kernel, x
    if mode == "valid" or _finite(kernel):
        return bounded(x, kernel, mode, method=method, axes=along)
    if _finite(x):
        # the engine's zeros outside x then meet finite weights only
        full = bounded(kernel, x, "full", method=method, axes=along)
        return full if mode == "full" else _same_of_full(full, x, kernel, along)
    if x.ndim == 1:
        return _line_of_sums(x, kernel, mode)
    return bounded(x, kernel, mode, method=method, axes=along)


def bounded(
    x: Array,
    kernel: Array,
    mode: Mode,
    *,
    method: str = "auto",
    axes: tuple[int, ...] | None = None,
    boundary: Boundary = "zero",
    origin: tuple[int, ...] | None = None,
) -> Array:
    """Like `folded` with any boundary, whose values meet every weight that hangs over the edge."""
    x, kernel = _promoted(x, kernel)
    made = _planned(x, kernel, mode, "direct" if method == "direct" else "auto", axes, boundary, origin)
    if method == "fft" and made.method != "fft":
        try:
            return _planned(x, kernel, mode, "fft", axes, boundary, origin)(x)
        except (MethodError, AccuracyError):
            # the engine's own choice, then
            pass
    return made(x)


def choice(x: Array, kernel: Array, mode: Mode) -> Explanation:
    """Which algorithm `folded` would take by itself."""
    if mode == "full" and kernel.size > x.size:
        x, kernel = kernel, x
    return _planned(*_promoted(x, kernel), mode, "auto").explain()


def _planned(
    x: Array,
    kernel: Array,
    mode: Mode,
    method: str,
    axes: tuple[int, ...] | None = None,
    boundary: Boundary = "zero",
    origin: tuple[int, ...] | None = None,
) -> Plan:
    """The engine's plan: the dtype that NumPy promotes to, and integers that wrap."""
    return plan(
        x,
        kernel,
        mode=mode,
        boundary=boundary,
        axes=axes,
        method=method,
        dtype=np.result_type(x, kernel),
        overflow="wrap",
        origin=origin,
    )


def _promoted(x: Array, kernel: Array) -> tuple[Array, Array]:
    """Integers as the float that they promote to: among themselves, uint64 with int64 too, the engine keeps them."""
    dtype = np.result_type(x, kernel)
    if dtype.kind not in "fc":
        return x, kernel
    x, kernel = (array.astype(dtype) if array.dtype.kind in "biu" else array for array in (x, kernel))
    return x, kernel


def _same_of_full(full: Array, x: Array, kernel: Array, axes: tuple[int, ...]) -> Array:
    starts = {axis: (kernel.shape[axis] - 1) // 2 for axis in axes}
    window = (slice(starts[p], starts[p] + x.shape[p]) if p in starts else slice(None) for p in range(x.ndim))
    return full[tuple(window)].copy()


def _line_of_sums(x: Array, kernel: Array, mode: Mode) -> Array:
    """One axis, neither side finite: an output that an endless weight hangs out of is summed without it."""
    result = bounded(x, kernel, mode, method="direct")
    first = 0 if mode == "full" else (len(kernel) - 1) // 2
    stop = first + len(result)
    leaves = {*range(first, min(stop, len(kernel) - 1)), *range(max(first, len(x)), stop)}
    for o in leaves:
        hit = slice(max(0, o - len(x) + 1), o + 1)
        if not _finite(kernel[: hit.start]) or not _finite(kernel[hit.stop :]):
            samples = x[max(0, o - len(kernel) + 1) : o + 1]
            result[o - first] = bounded(samples, kernel[hit], "valid", method="direct")[0]
    return result


def _finite(array: Array) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
