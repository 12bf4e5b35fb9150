"""Compute what a meaning says, by our own engine: no other library is needed to show what it would return."""

from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from .. import rounding
from ..arrays import as_array
from ..door import convolve, correlate
from ..errors import DtypeError, ShapeError
from ..filters.kernels.formulas import outer
from ..spec import Array, Overflow
from .meaning import Meaning, Numbers, per_axis


def compute(meaning: Meaning, x: Any, kernel: Any = None) -> Array:
    """The result of the call that `meaning` was read from, on this x and kernel.

    Raises:
        ShapeError, ParameterError: x or kernel has not the axes that the call takes.
    """
    array = as_array(x, "x")
    given = (
        None if meaning.operator is not None else as_array(kernel if kernel is not None else meaning.weights, "kernel")
    )
    axes = _axes(meaning, array, given)
    numbers = meaning.numbers
    _check_dtypes(meaning, array, given)
    item, result = numbers.dtypes(array.dtype, np.dtype(float) if given is None else given.dtype)
    work = _scaled(array, numbers).astype(item)
    if meaning.operator is None:
        assert given is not None
        if given.ndim != len(axes):
            raise ShapeError(f"the kernel has {given.ndim} axes, {meaning.function} convolves {len(axes)} of x")
        total = _one(
            meaning, work, given.astype(np.result_type(item, given) if given.dtype.kind == "c" else item), axes
        )
    else:
        total = _operated(meaning, work, axes, result)
    if meaning.scale != 1:
        total = total * meaning.scale
    if meaning.offset:
        total = total + meaning.offset
    return to_result(total, result, numbers)


def _check_dtypes(meaning: Meaning, *arrays: Array | None) -> None:
    x, kernel = arrays
    # a kernel of another dtype is cast, but a complex one would lose its imaginary part
    given = [x] if kernel is None or kernel.dtype.kind != "c" else [x, kernel]
    for array in given:
        if array is not None and array.dtype.name in meaning.numbers.refuses:
            raise DtypeError(f"{meaning.function} does not take {array.dtype}: convert it")


def _axes(meaning: Meaning, x: Array, kernel: Array | None) -> tuple[int, ...]:
    if meaning.axes is not None:
        axes = meaning.axes
    else:
        axes = tuple(range(x.ndim))
        num = meaning.ndim if kernel is None else kernel.ndim
        if num is not None and num < x.ndim and meaning.ndim is not None:
            axes = axes[-num:]
    if any(not -x.ndim <= axis < x.ndim for axis in axes):
        raise ShapeError(f"{meaning.function} works along axes {axes}, x has {x.ndim}: give x with more axes")
    if meaning.operator is not None and len(meaning.operator.terms[0]) != len(axes):
        raise ShapeError(
            f"the call was read for {len(meaning.operator.terms[0])} axes and x has {len(axes)}: say ndim={len(axes)}"
        )
    return axes


def _scaled(x: Array, numbers: Numbers) -> Array:
    """Integers as fractions of their largest value, where the function does that."""
    if not numbers.rescales or x.dtype.kind not in "iu":
        return x
    return np.maximum(x / np.float64(np.iinfo(x.dtype).max), -1.0)


def _operated(meaning: Meaning, x: Array, axes: tuple[int, ...], result: np.dtype[Any]) -> Array:
    """The weights that the function brings along, term by term."""
    operator = meaning.operator
    assert operator is not None
    terms = []
    for lines in operator.terms:
        if meaning.numbers.stepwise:
            terms.append(_step_by_step(meaning, x, lines, axes, result))
        else:
            terms.append(_one(meaning, x, outer([np.array(line, float) for line in lines]).astype(_kept(x)), axes))
    if operator.combine == "stack":
        return np.stack(terms)
    if operator.combine == "length":
        return np.sqrt(reduce(np.add, [np.square(term) for term in terms]) + meaning.epsilon)
    return reduce(np.add, terms)


def _kept(x: Array) -> np.dtype[Any]:
    """The dtype of weights that meet x: never rounded to integers."""
    return x.dtype if x.dtype.kind in "fc" else np.dtype(np.float64)


def _step_by_step(meaning: Meaning, x: Array, lines: Any, axes: tuple[int, ...], result: np.dtype[Any]) -> Array:
    """Line after line, the derivative first, every result cast as the function's buffers are."""
    order = sorted(range(len(axes)), key=lambda i: abs(sum(lines[i])) > 1e-12)
    for i in order:
        if lines[i] == (1.0,):
            continue
        along = meaning.boundary[i : i + 1] if isinstance(meaning.boundary, list) else meaning.boundary
        shift = per_axis(meaning.shift, len(axes), 0)[i]
        step = replace(meaning, boundary=along, shift=(shift,))
        x = _one(step, x, np.array(lines[i]), axes[i : i + 1])
        x = to_result(x, result, meaning.numbers).astype(x.dtype)
    return x


def _one(meaning: Meaning, x: Array, kernel: Array, axes: tuple[int, ...]) -> Array:
    """One kernel laid on x."""
    if meaning.normalises:
        with np.errstate(invalid="ignore", divide="ignore"):
            # zeros divided by their sum are NaN, and so is every result
            kernel = kernel / meaning.divisor(kernel)
    sizes = [x.shape[axis] for axis in axes]
    if meaning.missing != "spread" and x.dtype.kind in "fc" and np.isnan(x).any():
        if meaning.missing == "are left out":
            return _filled(meaning, x, kernel, axes)
        x = np.where(np.isnan(x), meaning.missing, x)
    y = _laid(meaning, x, kernel, axes, meaning.boundary)
    if not meaning.blank_rim:
        return y
    whole = np.zeros(x.shape, y.dtype)
    inside = [slice(None)] * x.ndim
    for axis, size, k in zip(axes, sizes, kernel.shape, strict=True):
        inside[axis] = slice(k // 2, size - (k - 1) // 2)
    whole[tuple(inside)] = y
    return whole


def _laid(meaning: Meaning, x: Array, kernel: Array, axes: tuple[int, ...], boundary: Any) -> Array:
    margins = meaning.margins([x.shape[axis] for axis in axes], kernel.shape)
    weights = kernel.conj() if meaning.conjugate and kernel.dtype.kind == "c" else kernel
    options: dict[str, Any] = {
        "padding": [(0, 0)] * len(axes) if meaning.blank_rim else margins,
        "boundary": boundary,
        "stride": list(per_axis(meaning.stride, len(axes), 1)),
        "dilation": list(per_axis(meaning.dilation, len(axes), 1)),
        "axes": axes,
        # examples are small, and a sum that is a whole number must not miss it where fractions are cut off
        "method": "direct",
        "overflow": "wrap" if meaning.numbers.overflow == "wraps" else "error",
    }
    # our correlate conjugates complex kernels
    return convolve(x, weights, **options) if meaning.flip else correlate(x, weights.conj(), **options)


def _filled(meaning: Meaning, x: Array, kernel: Array, axes: tuple[int, ...]) -> Array:
    """Sums over what is there, divided by the share of the weights that met it; outside counts as there."""
    there = (~np.isnan(x)).astype(x.dtype)
    outside = "zero" if meaning.boundary is None else meaning.boundary
    filled = outside == "zero" or isinstance(outside, tuple)
    met = _laid(meaning, there, kernel, axes, ("constant", 1) if filled else outside)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _laid(meaning, np.nan_to_num(x, nan=0.0), kernel, axes, outside) / met * kernel.sum()


def to_result(total: Array, result: np.dtype[Any], numbers: Numbers) -> Array:
    """The sums in the dtype that the function returns, rounded and cut as it does."""
    if total.dtype.kind == "c" and result.kind != "c":
        result = np.result_type(result, np.complex64)
    if total.dtype.kind == "f" and result.kind in "iu":
        total = _rounded(total, numbers.rounding)
    return rounding.to_result(total, result, OVERFLOW[numbers.overflow])


OVERFLOW: dict[str, Overflow] = {"wraps": "wrap", "saturates": "saturate", "is an error": "error"}


def _rounded(total: Array, rounding: str) -> Array:
    if rounding == "to nearest even":
        return np.rint(total)
    if rounding == "towards zero":
        return np.trunc(total)
    return np.copysign(np.floor(np.abs(total) + 0.5), total)
