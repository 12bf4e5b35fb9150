"""The public calls: convolve, correlate, plan, explain.

Each turns its words into a plan, kept for the next call with the same shapes, dtypes, options and weights, and runs it.
"""

from collections import OrderedDict
from threading import Lock
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np

from . import planner
from .algorithms import ALGORITHMS
from .arguments import Axes, PerAxis
from .arrays import as_array, as_kernel, is_tensor
from .boundary import Boundary
from .errors import ParameterError, ShapeError
from .explanation import Explanation
from .jit import compiler
from .planner import Plan
from .reading import Mode, Padding, make_spec
from .spec import Array, Nan, Overflow, parse_dtype

MAX_PLANS, MAX_BYTES = 256, 1 << 28
"""Plans kept, and the memory of all their weights and tables; the one not used for longest goes first."""


class _Options(TypedDict, total=False):
    """What both verbs take, for type checkers; they miss a word for "these keys and no others" (PEP 728)."""

    mode: Mode
    boundary: Boundary
    stride: PerAxis
    dilation: PerAxis
    padding: Padding
    axes: Axes
    method: str
    dtype: Any
    overflow: Overflow
    nan: Nan
    weights: Any
    rtol: float | None
    origin: PerAxis | None
    out: Array | None
    workers: int | None


_plans: OrderedDict[Any, Plan] = OrderedDict()
_num_bytes = 0
_lock = Lock()


@overload
def convolve(  # pyrefly: ignore[inconsistent-overload]
    x: Any, kernel: Any, *, return_weights: Literal[False] = False, **options: Unpack[_Options]
) -> Array: ...
@overload
def convolve(  # pyrefly: ignore[inconsistent-overload]
    x: Any, kernel: Any, *, return_weights: Literal[True], **options: Unpack[_Options]
) -> tuple[Array, Array]: ...
def convolve(
    x: Any,
    kernel: Any,
    *,
    mode: Mode = "full",
    boundary: Boundary = "zero",
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    padding: Padding = None,
    axes: Axes = None,
    method: str = "auto",
    dtype: Any = None,
    overflow: Overflow = "error",
    nan: Nan = "propagate",
    weights: Any = None,
    return_weights: bool = False,
    rtol: float | None = None,
    origin: PerAxis | None = None,
    out: Array | None = None,
    workers: int | None = None,
) -> Array | tuple[Array, Array]:
    """Convolve x with a kernel: flip the kernel, slide it over x, multiply and sum.

    Args:
        x: any number of axes, any number dtype. Integers are computed exactly. A tensor of torch gives a tensor, with
            gradients of any order in x, kernel and weights; on the CPU by the same loops.
        kernel: as many axes as x; with `axes`, it may have just those. It may be longer than x.
        mode: "full" (every overlap), "same" (the size of x, from position (k - 1) // 2 of full) or "valid" (whole
            overlaps only), as in scipy.signal.
        boundary: what stands outside x: "zero", "edge", "symmetric", "reflect", "wrap" (as in `numpy.pad`), "ignore"
            (missing: the sum is scaled by the share of weights that hit data) or ("constant", value). A pair
            (before, after) sets the sides apart; a list has one entry per convolved axis.
        stride: keep every so-many-th output, per axis.
        dilation: spread the weights this far apart, per axis.
        padding: how many samples to add outside, instead of `mode`: a number, a list with a number or a pair
            (before, after) per axis, or "same": (k - 1) // 2 in front and k // 2 behind, as torch pads. For even
            kernels that is one sample less in front than mode="same", which amounts to k // 2 there.
        axes: the axes to convolve; all others are a batch and broadcast.
        method: "auto", or the algorithm to take (`faltung.methods()`), or an error that says why it cannot.
        dtype: dtype of the result; rounding to integers is to nearest even.
        overflow: an integer result that does not fit: "error", "saturate" or "wrap".
        nan: NaN in x: "propagate" (to the outputs whose windows hold it, whatever the method), "omit" (missing: the sum
            is scaled by the share of weights that hit data, as with boundary "ignore"; NaN where none does) or "error".
            What other boundaries put outside counts as data: with "omit" one mostly wants boundary="ignore" too. A
            scaled mean is a mean; a scaled difference of a window that lacks one side is none.
        weights: what each sample of x counts, of the same shape, from 0 (missing, whatever it holds) to 1; sums are
            scaled by the share of the kernel's weights that hit data.
        return_weights: return that share too, for each output: 1 where nothing is missing.
        rtol: bound on the error of every output, relative to the larger of (|kernel| * |x|) there and sum |kernel|
            times the mean |x| of its window. Default: 16 eps x log2 of the number of taps. inf lifts it.
        origin: with mode="same", move the result this many samples later, per axis.
        out: array to write into; must not share memory with x.
        workers: threads; None means all processors. It does not change a bit of the result.

    Returns:
        A new array, or `out`. Two integers give int64 (uint64 if both are unsigned, but not for tensors), or float64
        where sums are scaled; else `np.result_type`. With return_weights a pair: the result, and the shares in float64
        or longdouble.

    Raises:
        ShapeError, DtypeError, ParameterError, BoundaryError: what was given does not fit; the message says the cure.
        IntegerOverflow: an integer result does not fit.
        MissingData: x or kernel hold NaN and nan="error" was asked for.
        MethodError, AccuracyError: the method asked for cannot serve.

    Example:
        >>> import faltung as ft
        >>> ft.convolve([1, 2, 3], [0, 1, 0.5])
        array([0. , 1. , 2.5, 4. , 1.5])
        >>> ft.convolve([1.0, np.nan, 3.0], [0.25, 0.5, 0.25], mode="same", nan="omit", boundary="ignore")
        array([1., 2., 3.])
    """
    if is_tensor(x) or is_tensor(kernel):
        return _on_tensors(
            convolve, x, kernel, flip=True, mode=mode, boundary=boundary, stride=stride, dilation=dilation,
            padding=padding, axes=axes, method=method, dtype=dtype, overflow=overflow, nan=nan, weights=weights,
            return_weights=return_weights, rtol=rtol, origin=origin, out=out, workers=workers,
        )  # fmt: skip
    array = as_array(x, "x")
    options = (
        mode, boundary, stride, dilation, padding, axes, method, dtype, overflow, nan, weights is not None, rtol, origin
    )  # fmt: skip
    made = _cached_plan(array, kernel, True, options)
    return made(array, out, weights=weights, return_weights=return_weights, workers=workers)


@overload
def correlate(  # pyrefly: ignore[inconsistent-overload]
    x: Any, kernel: Any, *, return_weights: Literal[False] = False, **options: Unpack[_Options]
) -> Array: ...
@overload
def correlate(  # pyrefly: ignore[inconsistent-overload]
    x: Any, kernel: Any, *, return_weights: Literal[True], **options: Unpack[_Options]
) -> tuple[Array, Array]: ...
def correlate(
    x: Any,
    kernel: Any,
    *,
    mode: Mode = "full",
    boundary: Boundary = "zero",
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    padding: Padding = None,
    axes: Axes = None,
    method: str = "auto",
    dtype: Any = None,
    overflow: Overflow = "error",
    nan: Nan = "propagate",
    weights: Any = None,
    return_weights: bool = False,
    rtol: float | None = None,
    origin: PerAxis | None = None,
    out: Array | None = None,
    workers: int | None = None,
) -> Array | tuple[Array, Array]:
    """Slide the kernel over x without flipping it, multiply and sum: what deep learning and OpenCV call convolution.

    Everything else is as in `convolve`; a complex kernel is conjugated, as in NumPy and SciPy.

    Example:
        >>> import faltung as ft
        >>> ft.correlate([1, 2, 3], [0, 1, 0.5], mode="same")
        array([2. , 3.5, 3. ])
    """
    if is_tensor(x) or is_tensor(kernel):
        return _on_tensors(
            correlate, x, kernel, flip=False, mode=mode, boundary=boundary, stride=stride, dilation=dilation,
            padding=padding, axes=axes, method=method, dtype=dtype, overflow=overflow, nan=nan, weights=weights,
            return_weights=return_weights, rtol=rtol, origin=origin, out=out, workers=workers,
        )  # fmt: skip
    array = as_array(x, "x")
    options = (
        mode, boundary, stride, dilation, padding, axes, method, dtype, overflow, nan, weights is not None, rtol, origin
    )  # fmt: skip
    made = _cached_plan(array, kernel, False, options)
    return made(array, out, weights=weights, return_weights=return_weights, workers=workers)


def plan(
    x: Any,
    kernel: Any,
    *,
    flip: bool = True,
    x_dtype: Any = None,
    mode: Mode = "full",
    boundary: Boundary = "zero",
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    padding: Padding = None,
    axes: Axes = None,
    method: str = "auto",
    dtype: Any = None,
    overflow: Overflow = "error",
    nan: Nan = "propagate",
    weighted: bool = False,
    rtol: float | None = None,
    origin: PerAxis | None = None,
) -> Plan:
    """Make a convolution ready, to run it on many arrays of one shape and dtype.

    Args:
        x: an array, or the shape of one as a tuple.
        flip: True for `convolve`, False for `correlate`.
        x_dtype: dtype of the data when only a shape is given; None means the kernel's, or float64 if it is integer.
        weighted: each call brings weights= of the samples.

    The other options are those of `convolve`.

    Example:
        >>> import faltung as ft
        >>> smooth = ft.plan((4,), [0.5, 0.5], mode="valid")
        >>> smooth(np.array([1.0, 3.0, 5.0, 7.0]))
        array([2., 4., 6.])
    """
    options = (
        mode, boundary, stride, dilation, padding, axes, method, dtype, overflow, nan, weighted, rtol, origin
    )  # fmt: skip
    return _cached_plan(_template(x, kernel, x_dtype), kernel, flip, options)


def explain(
    x: Any,
    kernel: Any,
    *,
    flip: bool = True,
    x_dtype: Any = None,
    mode: Mode = "full",
    boundary: Boundary = "zero",
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    padding: Padding = None,
    axes: Axes = None,
    method: str = "auto",
    dtype: Any = None,
    overflow: Overflow = "error",
    nan: Nan = "propagate",
    weighted: bool = False,
    rtol: float | None = None,
    origin: PerAxis | None = None,
) -> Explanation:
    """Which algorithm a call would take, what the others would cost or why they cannot, and what to relax.

    Arguments as in `plan`. Nothing is computed.

    Example:
        >>> import faltung as ft
        >>> ft.explain((512, 512), np.ones((15, 15)) / 225).method
        'separable'
    """
    options = (
        mode, boundary, stride, dilation, padding, axes, method, dtype, overflow, nan, weighted, rtol, origin
    )  # fmt: skip
    return _cached_plan(_template(x, kernel, x_dtype), kernel, flip, options).explain()


def methods() -> tuple[str, ...]:
    """The names that `method=` takes, "auto" first.

    Example:
        >>> import faltung as ft
        >>> "direct" in ft.methods()
        True
    """
    return ("auto", *(algorithm.name for algorithm in ALGORITHMS))


def forget_plans() -> None:
    """Drop all kept plans and their memory."""
    global _num_bytes
    with _lock:
        _plans.clear()
        _num_bytes = 0
    planner.forget()


def _on_tensors(*operands: Any, **options: Any) -> Any:
    # torch is loaded already: one of the operands is its
    from .tensors.calls import call

    return call(*operands, **options)


def _template(x: Any, kernel: Any, x_dtype: Any) -> Array:
    """An array with the shape and dtype of x, without its memory if x is a shape."""
    if not (isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x)):
        if x_dtype is not None:
            raise ParameterError("x_dtype= goes with a shape; an array brings its own dtype")
        return as_array(x, "x")
    if x_dtype is None:
        of_kernel = as_array(kernel, "kernel").dtype
        x_dtype = of_kernel if of_kernel.kind in "fc" else np.float64
    sample = np.zeros((), parse_dtype(x_dtype, "x_dtype").newbyteorder("="))
    try:
        return np.broadcast_to(sample, x)
    except ValueError as error:
        raise ShapeError(f"{x} is not the shape of an array ({error}): give lengths >= 0") from error


def _cached_plan(x: Array, kernel: Any, flip: bool, options: tuple[Any, ...]) -> Plan:
    """The plan for these words: kept, or made now.

    The key holds the kernel's bytes, never its identity: kernels are edited in place.
    """
    weights = as_kernel(kernel, x)
    key = (
        x.shape,
        x.dtype,
        weights.tobytes(),
        weights.shape,
        weights.dtype,
        flip,
        compiler.is_checking(),
        options,
        _types(options),
    )
    if weights.dtype.kind == "O":
        return _new_plan(x, weights, flip, options)
    try:
        found = _plans.get(key)
    except TypeError:
        options_key = _hashable(options)
        key = (*key[:-2], options_key, _types(options_key))
        try:
            found = _plans.get(key)
        except TypeError:
            # no option is unhashable and right; the spec says what is wrong
            return _new_plan(x, weights, flip, options)
    if found is None:
        return _keep(key, _new_plan(x, weights, flip, options))
    try:
        _plans.move_to_end(key)
    except KeyError:
        # another thread has just dropped it
        return _keep(key, found)
    return found


def _keep(key: Any, made: Plan) -> Plan:
    global _num_bytes
    with _lock:
        # two threads may have made the same
        if key in _plans:
            return _plans[key]
        _plans[key] = made
        _num_bytes += _size(key, made)
        while len(_plans) > MAX_PLANS or (_num_bytes > MAX_BYTES and len(_plans) > 1):
            _num_bytes -= _size(*_plans.popitem(last=False))
    return made


def _size(key: Any, made: Plan) -> int:
    """Memory of a kept plan: what it holds, and the kernel's bytes in its key."""
    return made.nbytes + len(key[2])


def _new_plan(x: Array, kernel: Array, flip: bool, options: tuple[Any, ...]) -> Plan:
    mode, boundary, stride, dilation, padding, axes, method, dtype, overflow, nan, weighted, rtol, origin = options
    spec, kernels = make_spec(
        x.shape,
        x.dtype,
        kernel,
        flip=flip,
        mode=mode,
        boundary=boundary,
        stride=stride,
        dilation=dilation,
        padding=padding,
        axes=axes,
        dtype=dtype,
        overflow=overflow,
        nan=nan,
        weighted=weighted,
        rtol=rtol,
        origin=origin,
    )
    return planner.make_plan(spec, kernels, method)


def _types(options: tuple[Any, ...]) -> tuple[Any, ...]:
    """The types of the options: 1 and 1.0 are equal as keys, but only one of them is a stride."""
    types = tuple(map(type, options))
    if tuple not in types:
        return types
    return tuple([_types(value) if type(value) is tuple else type(value) for value in options])


def _hashable(value: Any) -> Any:
    """Lists as tagged tuples, so that a list and a tuple stay different; arrays as their bytes."""
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *(_hashable(entry) for entry in value))
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype, value.tobytes())
    return value
