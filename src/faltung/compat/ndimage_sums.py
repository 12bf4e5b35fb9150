"""Weighted sums by the door, with scipy.ndimage's windows and its casts.

scipy.ndimage computes everything in double and turns the sum into the output's dtype as C does: cut off towards zero,
modulo 2**n. Here integers under whole weights are summed exactly and wrapped; every other sum is one of doubles, cut
off. A sum that its error bound does not tell from a whole number counts as that number.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import holds
from ..door import correlate
from ..errors import IntegerOverflow, ParameterError
from ..filters.kernels.formulas import outer
from ..rounding import largest_in
from ..spec import Array, Overflow, default_rtol
from .ndimage_words import FilterError, check_samples, parse_complex_cval, parse_cval, parse_mode

INT64, FLOAT64 = np.dtype(np.int64), np.dtype(np.float64)


@dataclass(frozen=True)
class Windows:
    """Where the windows lie, per filtered axis: output i looks at inputs i - k // 2 - origin on, k the taps."""

    axes: tuple[int, ...]
    origins: tuple[int, ...]
    modes: tuple[str, ...]

    @property
    def has_constant(self) -> bool:
        """Whether `cval` counts."""
        return any(mode in ("constant", "grid-constant") for mode in self.modes)


def weigh(
    x: Array, weights: Array, windows: Windows, cval: Any, dtype: np.dtype[Any], *, skip_zeros: bool = False
) -> Array:
    """Sum of weights times samples in every window; weights are not flipped and not conjugated.

    Args:
        x: native byte order; bool, integers, float32, float64, or complex of the two.
        weights: as many axes as `windows`, in their order; bool, integers, float64 or complex128.
        dtype: of the result, native.
        skip_zeros: NaN and infinity under a weight of 0 do not count, as in N-D kernels of scipy.ndimage.

    Raises:
        UnsupportedDtype, FilterError: x or dtype is none of these, or one is complex and the other is not.
        IntegerOverflow: a sum is NaN or infinite and dtype is an integer's.
    """
    if x.dtype.kind != "c" and weights.dtype.kind != "c":
        return _weigh_real(x, weights, windows, parse_cval(cval), dtype, skip_zeros)
    if dtype.kind != "c":
        raise FilterError(f"output must have complex dtype, got {dtype}: the result is complex")
    check_samples(np.empty(0, dtype).real.dtype)

    def part(values: Array, line: Array, outside: Any) -> Array:
        return _weigh_real(values, line, windows, outside, FLOAT64, skip_zeros)

    out = np.empty(x.shape, np.complex128)
    if weights.dtype.kind != "c":
        for component, values, outside in _components(x, out, cval):
            component[...] = part(values, weights, outside)
    elif x.dtype.kind != "c":
        if np.iscomplexobj(cval):
            raise ParameterError(f"Cannot provide a complex-valued cval when the input is real, got {cval!r}")
        outside = parse_cval(cval)
        out.real, out.imag = part(x, weights.real, outside), part(x, weights.imag, outside)
    else:
        real, imag = parse_complex_cval(cval)
        out.real = part(x.real, weights.real, real) - part(x.imag, weights.imag, imag)
        out.imag = part(x.real, weights.imag, real) + part(x.imag, weights.real, imag)
    with np.errstate(over="ignore"):
        return out.astype(dtype, copy=False)


def _components(x: Array, out: Array, cval: Any) -> list[tuple[Array, Array, Any]]:
    """Real and imaginary part: of the result, of x, of what stands outside."""
    real, imag = parse_complex_cval(cval)
    return [(out.real, x.real, real), (out.imag, x.imag, imag)]


def _weigh_real(
    x: Array, weights: Array, windows: Windows, cval: Any, dtype: np.dtype[Any], skip_zeros: bool = False
) -> Array:
    check_samples(x.dtype)
    check_samples(dtype)
    if x.size == 0:
        return np.zeros(x.shape, dtype)
    if not windows.axes:
        # a single weight for every sample: along an axis of length 1, so that the door has one to convolve
        line = Windows((x.ndim,), (0,), ("nearest",))
        return _weigh_real(x[..., None], weights[None], line, cval, dtype, skip_zeros)[..., 0]
    if _is_exact(x, weights, windows, cval):
        return _correlated(x, weights.astype(INT64), windows, cval, dtype)
    weights = weights.astype(FLOAT64)
    inexact = dtype if dtype.kind == "f" else FLOAT64
    if skip_zeros and not weights.all() and not (np.isfinite(x).all() and np.isfinite(cval)):
        total = _skipping_zeros(x, weights, windows, cval, inexact)
    else:
        total = _correlated(x, weights, windows, cval, inexact)
    return cast(total, dtype, _error_bound(x, weights, windows, cval, dtype))


def _correlated(
    x: Array, weights: Array, windows: Windows, cval: Any, dtype: np.dtype[Any], overflow: Overflow = "wrap"
) -> Array:
    """The one call of the engine."""
    return correlate(
        x,
        weights,
        mode="same",
        boundary=[parse_mode(mode, cval) for mode in windows.modes],
        axes=windows.axes,
        origin=windows.origins,
        dtype=dtype,
        overflow=overflow,
        # the door's own default; named, because the cast counts on it
        rtol=default_rtol(FLOAT64, weights.size) if weights.dtype.kind == "f" else None,
    )


def _is_exact(x: Array, weights: Array, windows: Windows, cval: Any) -> bool:
    """Whether everything is whole and goes into int64, so that the sum has no rounding."""
    return x.dtype.kind in "biu" and is_whole(weights) and (not windows.has_constant or holds(INT64, cval))


def is_whole(weights: Array) -> bool:
    """Whether all weights are whole numbers within int64."""
    if weights.dtype.kind in "bi":
        return True
    return bool((np.abs(weights) < 2.0**63).all() and (weights == np.trunc(weights)).all())


def _error_bound(x: Array, weights: Array, windows: Windows, cval: Any, dtype: np.dtype[Any]) -> float:
    """How far a sum can be from the true one; 0 where the cast to `dtype` does not ask."""
    if dtype.kind == "f":
        return 0.0
    largest = float(largest_in(x)) if x.dtype.kind in "iu" else 1.0
    if x.dtype.kind == "f":
        largest = float(np.abs(x[np.isfinite(x)]).max(initial=0.0))
    if windows.has_constant and math.isfinite(cval):
        largest = max(largest, abs(cval))
    return default_rtol(FLOAT64, weights.size) * float(np.abs(weights).sum()) * largest


def _skipping_zeros(x: Array, weights: Array, windows: Windows, cval: Any, dtype: np.dtype[Any]) -> Array:
    """Sums in which NaN and infinity count only under weights that are not 0."""

    def hit(found: Callable[[Any], Any], by: Array) -> Array:
        return _correlated(found(x), by.astype(INT64), windows, int(found(cval)), np.dtype(bool))

    finite = np.where(np.isfinite(x), x, 0)
    total = _correlated(finite, weights, windows, cval if np.isfinite(cval) else 0, dtype)
    rises = hit(np.isposinf, weights > 0) | hit(np.isneginf, weights < 0)
    falls = hit(np.isposinf, weights < 0) | hit(np.isneginf, weights > 0)
    total[rises], total[falls] = np.inf, -np.inf
    total[hit(np.isnan, weights != 0) | (rises & falls)] = np.nan
    return total


def cast(values: Array, dtype: np.dtype[Any], error: float = 0.0) -> Array:
    """Values in another dtype as C casts them: cut off towards zero, modulo 2**n; bool is what is not 0 then.

    Args:
        values: not empty, unless of a dtype that needs no look at them.
        error: values this close to a whole number are that number; 0.5 or more tells nothing and changes nothing.

    Raises:
        IntegerOverflow: a value is NaN or infinite, and dtype is an integer's or bool.
    """
    if dtype.kind == "f" or values.dtype.kind in "biu":
        with np.errstate(over="ignore"):
            return values.astype(dtype, copy=False)
    # both are NaN if one value is
    least, greatest = values.min(), values.max()
    if not (np.isfinite(least) and np.isfinite(greatest)):
        raise IntegerOverflow(f"a result is NaN or infinite, which {dtype} cannot hold: ask for a float output")
    shift = error if error < 0.5 else 0.0
    if shift:
        # away from zero, so that cutting off arrives at the whole number meant
        values = values + (shift if least >= 0 else np.copysign(shift, values))
    if dtype.kind == "b":
        return np.abs(values) >= 1
    info = np.iinfo(dtype)
    if least - shift > int(info.min) - 1 and greatest + shift < int(info.max) + 1:
        return values.astype(dtype)
    whole = np.trunc(values)
    # both steps are exact: the remainder of a float is one, and unsigned integers wrap
    remainder = np.fmod(whole, 2.0**64)
    size = np.abs(remainder).astype(np.uint64)
    return np.where(remainder < 0, np.negative(size), size).astype(dtype)


@dataclass(frozen=True)
class Line:
    """One pass along one axis."""

    axis: int
    weights: Array
    mode: str
    origin: int = 0


def _windows(lines: Sequence[Line]) -> Windows:
    axes, origins, modes = zip(*((line.axis, line.origin, line.mode) for line in lines), strict=True)
    return Windows(axes, origins, modes)


def weigh_lines(x: Array, lines: Sequence[Line], cval: Any, dtype: np.dtype[Any]) -> Array:
    """One pass after the other, each result in `dtype`, as scipy.ndimage keeps them in the output.

    Two passes of whole numbers go to the engine in one call: it fuses them, and the result is the same.
    """
    # a bool cannot hold a difference: scipy.ndimage keeps it in the byte
    between = INT64 if dtype.kind == "b" else dtype
    exact = x.dtype.kind in "biu" and dtype.kind != "f" and all(is_whole(line.weights) for line in lines)
    # a constant outside would itself be weighted by the first pass
    plain = not _windows(lines).has_constant or not np.any(cval)
    step = 2 if exact and plain else 1
    for start in range(0, len(lines), step):
        part = lines[start : start + step]
        x = weigh(x, outer([line.weights for line in part]), _windows(part), cval, between)
    return cast(x, dtype) if dtype.kind == "b" else x


def mean_lines(x: Array, lines: Sequence[Line], cval: Any, dtype: np.dtype[Any]) -> Array:
    """The mean of each line's window, pass by pass; only the lengths of the weights count."""
    between = INT64 if dtype.kind == "b" else dtype
    for line in lines:
        x = _mean(x, line, cval, between)
    return cast(x, dtype) if dtype.kind == "b" else x


def _mean(x: Array, line: Line, cval: Any, dtype: np.dtype[Any]) -> Array:
    if x.dtype.kind != "c":
        return _mean_real(x, line, parse_cval(cval), dtype)
    if dtype.kind != "c":
        raise FilterError(f"output must have complex dtype, got {dtype}: the result is complex")
    out = np.empty(x.shape, dtype)
    for component, values, outside in _components(x, out, cval):
        component[...] = _mean_real(values, line, outside, component.dtype)
    return out


def _mean_real(x: Array, line: Line, cval: Any, dtype: np.dtype[Any]) -> Array:
    check_samples(x.dtype)
    check_samples(dtype)
    windows = _windows([line])
    num = len(line.weights)
    if x.size == 0:
        return np.zeros(x.shape, dtype)
    if not _is_exact(x, line.weights, windows, cval):
        mean = _weigh_real(x, line.weights, windows, cval, FLOAT64)
        mean /= num
        return cast(mean, dtype, _error_bound(x, line.weights, windows, cval, dtype) / num)
    whole = line.weights.astype(INT64)
    try:
        total = _correlated(x, whole, windows, cval, INT64, "error")
    except IntegerOverflow:
        total = _correlated(x, whole, windows, cval, np.dtype(object))
    if dtype.kind == "f":
        return (total / num).astype(dtype)
    mean = total // num
    if total.min() < 0:
        # towards zero, where // goes down
        mean += (total < 0) & (total % num != 0)
    return mean.astype(dtype) if mean.dtype.kind != "O" else (mean % (1 << 64)).astype(np.uint64).astype(dtype)
