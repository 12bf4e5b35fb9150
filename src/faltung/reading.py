"""From a caller's words to a ConvSpec: every check that needs no data, once, and one normal form behind it.

Whatever was said (convolve or correlate, mode or padding, names or pairs, axes in any order), what comes out says for
every convolved axis where windows lie; no floor above this one looks at the words again.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np

from .arguments import Axes, PerAxis, check_choice, entries, holds, integer, integers, parse_axes
from .boundary import AxisBoundary, Boundary, parse_boundary
from .errors import DtypeError, MissingData, ParameterError, ShapeError
from .kernel_facts import kernel_facts
from .spec import Array, Axis, ConvSpec, Nan, Overflow, default_rtol, parse_dtype

Mode = Literal["full", "same", "valid"]
Padding = int | Sequence[int | tuple[int, int]] | Literal["same"] | None


def make_spec(
    x_shape: Sequence[int],
    x_dtype: np.dtype[Any],
    kernel: Array,
    *,
    flip: bool,
    mode: Mode = "full",
    boundary: Boundary = "zero",
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    padding: Padding = None,
    axes: Axes = None,
    dtype: Any = None,
    overflow: Overflow = "error",
    nan: Nan = "propagate",
    weighted: bool = False,
    rtol: float | None = None,
    origin: PerAxis | None = None,
) -> tuple[ConvSpec, Array]:
    """Check everything that can be checked without the data, and bring it to normal form.

    Returns:
        The spec, and the kernels as weights of a correlation, in dtype `spec.item` and shape (M, *taps): flipped for a
        convolution, conjugated for a correlation, one for each entry of `spec.kernel_batch`.

    Raises:
        ShapeError, ParameterError, BoundaryError, DtypeError: each says what was got and what to do.
    """
    shape = tuple(x_shape)
    named = _convolved(axes, len(shape), kernel)
    num = len(named)
    batch = tuple(p for p in range(len(shape)) if p not in named)
    kernel = _aligned(kernel, shape, named, batch)
    taps = kernel.shape[len(batch) :]
    strides, dilations = integers("stride", stride, num, least=1), integers("dilation", dilation, num, least=1)
    rules = parse_boundary(boundary, num)
    reaches = [(k - 1) * d + 1 for k, d in zip(taps, dilations, strict=True)]
    margins = _margins(reaches, mode, padding, origin)
    given = zip(named, taps, strides, dilations, margins, rules, strict=True)
    # the order in which the caller names the axes ends here: everything below goes through x as it lies in memory
    built = sorted(
        (Axis(p, shape[p], k, s, d, before, after, rule) for p, k, s, d, (before, after), rule in given),
        key=lambda axis: axis.position,
    )
    for axis in built:
        _check_size(axis)
    _check_total([shape[p] for p in batch], built)
    check_nan(nan, x_dtype)
    why_shares = _why_shares(built, nan, weighted)
    item, result = _dtypes(x_dtype, kernel.dtype, dtype, why_shares)
    if item == np.int64 and kernel.dtype == np.uint64 and kernel.size and kernel.max() > np.iinfo(item).max:
        # the only weights that int64 cannot hold
        item = np.dtype(object)
    _check_constants(rules, item)
    check_choice("overflow", overflow, ("error", "saturate", "wrap"))
    order = sorted(range(num), key=lambda i: named[i])
    weights = _correlation_weights(kernel, num, flip=flip)
    weights = weights.transpose((*range(len(batch)), *(len(batch) + i for i in order)))
    # always a copy: the caller may edit the kernel while a plan lives
    kernels = weights.astype(item, order="C").reshape(-1, *(axis.taps for axis in built))
    facts = kernel_facts(kernels)
    if not facts.finite and (weighted or nan != "propagate"):
        _refuse_odd_kernel(kernels, nan, weighted)
    spec = ConvSpec(
        x_shape=shape,
        axes=tuple(built),
        x_batch=tuple(shape[p] for p in batch),
        kernel_batch=kernel.shape[: len(batch)],
        x_dtype=x_dtype,
        item=item,
        dtype=result,
        flip=flip,
        overflow=overflow,
        nan=nan,
        weighted=weighted,
        rtol=_parse_rtol(rtol, item, math.prod(taps)),
        facts=facts,
    )
    return spec, kernels


def _convolved(axes: Axes, ndim: int, kernel: Array) -> tuple[int, ...]:
    """The axes of x that the kernel's axes lie along, in the kernel's order."""
    if ndim == 0:
        raise ShapeError("x is a single number: give it an axis, e.g. np.atleast_1d(x)")
    if kernel.ndim == 0:
        raise ShapeError("the kernel is a single number: give it the axes of x, or multiply x by it")
    if axes is None and kernel.ndim != ndim:
        cure = f"name the convolved axes, e.g. axes={tuple(range(-kernel.ndim, 0))}" if kernel.ndim < ndim else ""
        raise ShapeError(
            f"x has {ndim} axes and the kernel {kernel.ndim}: "
            + (cure or f"reshape x to {kernel.ndim} axes or the kernel to {ndim}")
        )
    return parse_axes(axes, ndim)


def _aligned(kernel: Array, shape: tuple[int, ...], named: tuple[int, ...], batch: tuple[int, ...]) -> Array:
    """The kernel with aligned batch axes first, then its taps in the order of `axes`."""
    if kernel.ndim == len(named):
        aligned = kernel.reshape((1,) * len(batch) + kernel.shape)
    elif kernel.ndim == len(shape):
        aligned = kernel.transpose((*batch, *named))
    else:
        per_entry = f", or {len(shape)} to have one kernel per batch entry" if len(named) < len(shape) else ""
        raise ShapeError(
            f"the kernel has {kernel.ndim} axes, but {len(named)} of the {len(shape)} axes of x are convolved: "
            f"give it {len(named)}{per_entry}; or name other axes"
        )
    for i, p in enumerate(batch):
        if aligned.shape[i] != shape[p] and 1 not in (aligned.shape[i], shape[p]):
            raise ShapeError(
                f"axis {p} is not convolved: its lengths {shape[p]} in x and {aligned.shape[i]} in the kernel must be "
                f"equal, or one of them 1"
            )
    if 0 in aligned.shape[len(batch) :]:
        raise ShapeError(f"the kernel is empty, its shape is {kernel.shape}: it needs at least one weight")
    return aligned


def _correlation_weights(kernel: Array, num_axes: int, *, flip: bool) -> Array:
    if flip:
        return kernel[(..., *([slice(None, None, -1)] * num_axes))]
    try:
        return kernel.conj() if kernel.dtype.kind in "cO" else kernel
    except TypeError as error:
        raise DtypeError(f"the kernel holds objects that are not numbers: {error}") from error


def _margins(reaches: list[int], mode: Mode, padding: Padding, origin: PerAxis | None) -> list[tuple[int, int]]:
    """How far the windows reach (before, after) each axis."""
    num = len(reaches)
    check_choice("mode", mode, ("full", "same", "valid"))
    if origin is not None and mode != "same":
        raise ParameterError(f'origin={origin!r} moves the centre of mode="same"; it says nothing for mode={mode!r}')
    if padding is not None:
        if mode != "full":
            raise ParameterError(f"padding={padding!r} replaces mode, but mode={mode!r} was given as well: drop one")
        return _parse_padding(padding, reaches)
    if mode == "full":
        return [(reach - 1, reach - 1) for reach in reaches]
    if mode == "valid":
        return [(0, 0)] * num
    moves = integers("origin", 0 if origin is None else origin, num)
    return [(r // 2 + move, (r - 1) // 2 - move) for r, move in zip(reaches, moves, strict=True)]


def _parse_padding(padding: Padding, reaches: list[int]) -> list[tuple[int, int]]:
    if isinstance(padding, str):
        if padding.lower() in ("full", "valid"):
            raise ParameterError(f'padding={padding!r}: this is mode="{padding.lower()}" here; leave padding= out')
        if padding != "same":
            raise ParameterError(
                f'padding={padding!r}: allowed are "same", a number, or a list with one number or one pair (before, '
                f"after) per axis; what stands outside is named by boundary="
            )
        return [((reach - 1) // 2, reach // 2) for reach in reaches]
    listed = entries(padding)
    each = [padding] * len(reaches) if listed is None else listed
    if len(each) != len(reaches):
        raise ParameterError(
            f"padding={padding!r} has {len(each)} entries for {len(reaches)} convolved axes: give one number for "
            f"all, or a list with one number or one pair (before, after) per axis, e.g. {[(1, 2)] * len(reaches)}"
        )
    margins = []
    for entry in each:
        sides = entries(entry)
        pair = [entry, entry] if sides is None else sides
        if len(pair) != 2:
            raise ParameterError(f"padding entry {entry!r}: a number or a pair (before, after) is expected")
        margins.append((integer("padding", pair[0], least=0), integer("padding", pair[1], least=0)))
    return margins


def _check_size(axis: Axis) -> None:
    if axis.size == 0:
        raise ShapeError(f"axis {axis.position} of x is empty: a convolved axis needs at least one sample")
    padded = axis.size + axis.before + axis.after
    if padded < axis.reach:
        dilated = f" ({axis.taps} taps, dilation {axis.dilation})" if axis.dilation > 1 else ""
        raise ShapeError(
            f"axis {axis.position} of x has {axis.size} samples, {axis.before + axis.after} more with padding, and the "
            f"kernel is {axis.reach} long{dilated}: x needs at least {axis.reach - axis.before - axis.after} samples "
            f'here, or use mode="same", mode="full" or more padding'
        )


LARGEST = 1 << 44
"""Samples of an array that no machine can hold: 128 TiB of float64, the address space of a process."""


def _check_total(batch: list[int], axes: list[Axis]) -> None:
    """Refuse what can only be a slip, before it asks for the memory."""
    num_outputs = math.prod(batch) * math.prod(axis.num_out for axis in axes)
    widest = max(max(axis.span, abs(axis.before), abs(axis.after)) for axis in axes)
    if max(num_outputs, widest) > LARGEST:
        raise ShapeError(
            f"the result would have {num_outputs} samples, and the windows reach over {widest}: more than memory can "
            f"ever hold ({LARGEST}); look at the shape, padding, dilation and origin"
        )


def check_nan(nan: Nan, x: np.dtype[Any]) -> None:
    """Refuse an unknown word, and to look for NaN in integers."""
    check_choice("nan", nan, ("propagate", "omit", "error"))
    if nan == "omit" and x.kind in "biu":
        raise ParameterError(
            f'nan="omit" with x of dtype {x}: integers hold no NaN; mark what is missing with weights= of '
            f"convolve, 0 or 1"
        )


def _why_shares(axes: list[Axis], nan: Nan, weighted: bool) -> str | None:
    """What makes sums be scaled by shares of weights, in the caller's words; None if nothing does."""
    if nan == "omit":
        return 'nan="omit"'
    if weighted:
        return "weights="
    return 'boundary="ignore"' if any(axis.ignores for axis in axes) else None


def _refuse_odd_kernel(kernels: Array, nan: Nan, weighted: bool) -> None:
    """Of weights that are not finite there is no share; and nan="error" looks at the kernel too."""
    if nan == "error" and np.isnan(kernels).any():
        raise MissingData('the kernel holds NaN and nan="error" was asked for')
    if weighted or nan == "omit":
        what = "weights=" if weighted else 'nan="omit"'
        raise ParameterError(f"{what} scales by shares of the kernel's weights, which must be finite for that")


def _dtypes(
    x: np.dtype[Any], kernel: np.dtype[Any], asked: Any, why_shares: str | None
) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """The dtypes of the arithmetic and of the result."""
    for name, dtype in (("x", x), ("kernel", kernel)):
        if dtype.kind not in "biufcO":
            raise DtypeError(f"{name} has dtype {dtype}: only numbers can be convolved; convert it, e.g. astype(float)")
    natural = np.result_type(x, kernel)
    if x.kind in "biu" and kernel.kind in "biu":
        # np.sum's rule; uint64 with int64 would promote to float64, which holds neither
        unsigned = x.kind != "i" and kernel.kind != "i" and "u" in (x.kind, kernel.kind)
        natural = np.dtype(np.uint64 if unsigned else np.int64)
        if why_shares:
            natural = np.dtype(np.float64)
    elif natural.kind == "O" and why_shares:
        raise DtypeError(f"{why_shares} divides by sums of weights, which objects do not promise: use a float dtype")
    result = natural if asked is None else parse_dtype(asked)
    item = np.dtype(np.float32) if natural == np.float16 else natural
    if item.kind in "fc" and result.kind in "fc":
        item = np.result_type(item, result)
    if item.kind == "c" and result.kind not in "cO":
        raise DtypeError(f"the result is complex and dtype={result} is not: take its real part or abs afterwards")
    return item, result


def _check_constants(rules: tuple[AxisBoundary, ...], item: np.dtype[Any]) -> None:
    for side in (side for rule in rules for side in (rule.before, rule.after) if side.value != 0):
        if isinstance(side.value, complex) and item.kind not in "cO":
            raise ParameterError(
                f"the boundary value {side.value!r} is complex, x and kernel are {item}: give a real one"
            )
        if item.kind in "fc" and not _fits_float(item, side.value):
            raise ParameterError(
                f"the boundary value {side.value!r} is beyond {item} (up to {np.finfo(item).max:.3g}): give a smaller "
                f"one, or x in a wider dtype"
            )
        if item.kind in "iu" and not holds(item, side.value):
            raise ParameterError(
                f"the boundary value {side.value!r} is not a number of dtype {item}: give such a number, or x as float"
            )


def _fits_float(dtype: np.dtype[Any], value: Any) -> bool:
    """Whether a finite number stays finite in an inexact dtype."""
    try:
        with np.errstate(over="ignore"):
            return bool(np.isfinite(np.array(value).astype(dtype)) or not np.isfinite(value))
    except (OverflowError, TypeError):
        return False


def _parse_rtol(rtol: float | None, item: np.dtype[Any], num_taps: int) -> float:
    if rtol is None:
        return default_rtol(item, num_taps)
    if isinstance(rtol, Real) and rtol >= 0:
        return float(rtol)
    raise ParameterError(f"rtol={rtol!r}: a number >= 0 is expected, or inf for no promise")
