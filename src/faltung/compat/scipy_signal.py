"""The convolutions of `scipy.signal`, computed by Faltung.

Names, signatures, dtypes of results and types of errors are SciPy's. Different on purpose, and better:

- NaN and infinities touch the outputs whose sums they enter, also by FFT, so there is no warning about them;
- the error of every output is bounded, whatever the range of the data; integers are exact and then wrap;
- bool (a logical sum of products), float16 and objects are summed in any number of axes, and in planes;
- `correlation_lags` is right for mode "same" where the first length is odd and the second even (SciPy's is one more);
- `sepfir2d` takes filters longer than the picture (SciPy's reads memory that is not its own);
- masked arrays are refused (SciPy drops their mask).

Arrays of other libraries are taken as NumPy arrays, or refused.

Example:
    >>> from faltung.compat import scipy_signal as signal
    >>> signal.convolve([1, 2, 3], [0, 1, 0.5], mode="same")
    array([1. , 2.5, 4. ])
"""

import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from ..arguments import entries, holds
from ..boundary import Boundary
from ..door import convolve as _convolve
from ..errors import DtypeError, ParameterError, ShapeError
from ..reading import Mode
from ..spec import Array
from . import stand_in
from .folded import as_given, bounded, choice, folded

__all__ = [
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "oaconvolve",
    "sepfir2d",
]

if not TYPE_CHECKING:
    # a type checker would take every name for one of the module
    __getattr__, __dir__ = stand_in("scipy.signal", __all__)

Method = Literal["auto", "direct", "fft"]
Chosen = Literal["direct", "fft"]
Outside = Literal["fill", "pad", "wrap", "circular", "symm", "symmetric"]


def convolve(in1: Any, in2: Any, mode: Mode = "full", method: Method = "auto") -> Array:
    """The convolution of two arrays of equally many axes, as `scipy.signal.convolve`.

    Args:
        in1, in2: any number dtype.
        mode: "full", "same" (the size of in1) or "valid" (one must be at least as long as the other along every axis;
            which does not matter).
        method: "direct", "fft" (where the engine refuses it, as for integers, it makes its own choice) or "auto".

    Returns:
        A new array of `np.result_type(in1, in2)`; a number if both are numbers.

    Raises:
        ShapeError, ParameterError (both ValueError): what was given does not fit.

    Example:
        >>> convolve([1, 2, 3], [0, 1, 0.5])
        array([0. , 1. , 2.5, 4. , 1.5])
    """
    x, kernel = _pair(in1, in2)
    if x.ndim == 0:
        return x * kernel
    _check_word("mode", mode, ("valid", "same", "full"))
    _check_word("method", method, ("auto", "direct", "fft"))
    if _needs_swap(mode, x.shape, kernel.shape, range(x.ndim)):
        x, kernel = kernel, x
    if x.size == 0 or kernel.size == 0:
        return _empty(x, kernel, mode)
    return folded(x, kernel, mode, method=method)


def correlate(in1: Any, in2: Any, mode: Mode = "full", method: Method = "auto") -> Array:
    """The correlation of two arrays of equally many axes, as `scipy.signal.correlate`; in2 is conjugated.

    Arguments, result and errors as in `convolve`.

    Example:
        >>> correlate([1, 2, 3], [0, 1, 0.5])
        array([0.5, 2. , 3.5, 3. , 0. ])
    """
    x, kernel = _pair(in1, in2)
    return convolve(x, _reversed(kernel), mode, method)


def fftconvolve(in1: Any, in2: Any, mode: Mode = "full", axes: int | Sequence[int] | None = None) -> Array:
    """The convolution along some axes, in floats, as `scipy.signal.fftconvolve`: all other axes broadcast.

    It is called for its speed, so the engine takes the fastest algorithm within its error bound: often the FFT.

    Args:
        in1, in2: equally many axes; integers and objects are computed as float64, float16 as float32.
        mode: as in `convolve`. "same" has the size of in1 along every axis, also where in1 has one entry and in2 many:
            the middle one is kept, as in SciPy.
        axes: the axes to convolve; None means all. Along an axis of length 1 there is nothing to convolve.

    Example:
        >>> fftconvolve([[1, 2, 3], [4, 5, 6]], [[1, 1]], axes=1)
        array([[ 1.,  3.,  5.,  3.],
               [ 4.,  9., 11.,  6.]])
    """
    x, kernel = _pair(in1, in2)
    if x.ndim == 0:
        return x * kernel
    if x.size == 0 or kernel.size == 0:
        return np.array([])
    along = tuple(a for a in _axes(axes, x.ndim) if x.shape[a] != 1 and kernel.shape[a] != 1)
    batch = [p for p in range(x.ndim) if p not in along]
    if any(x.shape[p] != kernel.shape[p] and 1 not in (x.shape[p], kernel.shape[p]) for p in batch):
        raise ShapeError(
            f"incompatible shapes for in1 and in2: {x.shape} and {kernel.shape}; along axes that are not convolved "
            f"the lengths must be equal, or one of them 1"
        )
    _check_word("mode", mode, ("valid", "same", "full"))
    if _needs_swap(mode, x.shape, kernel.shape, along):
        x, kernel = kernel, x
    if mode == "same":
        middle = ((n - 1) // 2 for n in kernel.shape)
        wider = [p in batch and x.shape[p] == 1 for p in range(x.ndim)]
        kernel = kernel[tuple(slice(m, m + 1) if wide else slice(None) for m, wide in zip(middle, wider, strict=True))]
    if not along:
        return x * kernel
    return folded(_inexact(x), _inexact(kernel), mode, axes=along)


def oaconvolve(in1: Any, in2: Any, mode: Mode = "full", axes: int | Sequence[int] | None = None) -> Array:
    """The same as `fftconvolve`, as `scipy.signal.oaconvolve` is: the engine tiles long arrays by itself.

    Example:
        >>> oaconvolve([1, 2, 3], [0, 1, 0.5])
        array([0. , 1. , 2.5, 4. , 1.5])
    """
    return fftconvolve(in1, in2, mode, axes)


def convolve2d(in1: Any, in2: Any, mode: Mode = "full", boundary: Outside = "fill", fillvalue: Any = 0) -> Array:
    """The convolution of two planes with a boundary, as `scipy.signal.convolve2d`.

    Args:
        in1, in2: (H, W) and (h, w), any number dtype.
        mode: as in `convolve`.
        boundary: "fill" (or "pad") with `fillvalue`, "wrap" (or "circular"), "symm" (or "symmetric").
        fillvalue: one number that the result's dtype can hold; its fraction is dropped for integers.

    Raises:
        ShapeError, ParameterError (both ValueError): what was given does not fit.

    Example:
        >>> convolve2d([[1, 2], [3, 4]], [[1, 1]], mode="same", boundary="wrap")
        array([[3, 3],
               [7, 7]])
    """
    return _planes(in1, in2, mode, boundary, fillvalue, correlates=False)


def correlate2d(in1: Any, in2: Any, mode: Mode = "full", boundary: Outside = "fill", fillvalue: Any = 0) -> Array:
    """The correlation of two planes with a boundary, as `scipy.signal.correlate2d`; in2 is conjugated.

    Arguments, result and errors as in `convolve2d`. As in SciPy, mode "same" begins one sample later than `correlate`
    where in2 is even.

    Example:
        >>> correlate2d([[1, 2, 3]], [[1, 10]], mode="same")
        array([[21, 32,  3]])
    """
    return _planes(in1, in2, mode, boundary, fillvalue, correlates=True)


def sepfir2d(input: Any, hrow: Any, hcol: Any, /) -> Array:
    """A picture convolved with one filter along its rows and one along its columns, as `scipy.signal.sepfir2d`.

    Args:
        input: (H, W). 8- and 16-bit integers, bool and float16 are computed in float32, other integers in float64;
            longdouble too is served.
        hrow: the weights along a row, (w,), w odd; of a dtype that the arithmetic can hold.
        hcol: the weights along a column, (h,), h odd.

    Returns:
        The same shape; beyond the edge the picture is mirrored and its outermost samples come twice.

    Raises:
        ShapeError (ValueError): not two axes, or a filter of even length.
        DtypeError (TypeError): a dtype that does not fit.

    Example:
        >>> sepfir2d([[1.0, 2.0, 4.0]], [0.5, 1.0, 0.5], [1.0])
        array([[2.5, 4.5, 7. ]])
    """
    picture = as_given(input, "input")
    item = _item_of_sepfir(picture.dtype)
    if picture.ndim != 2:
        depth = "object too deep" if picture.ndim > 2 else "object of too small depth"
        raise ShapeError(f"{depth}: input has {picture.ndim} axes and needs two, (rows, columns)")
    along_row, along_column = _filter(hrow, "hrow", item), _filter(hcol, "hcol", item)
    if len(along_row) % 2 == 0 or len(along_column) % 2 == 0:
        raise ShapeError(
            f"hrow and hcol must be odd length, not {len(along_row)} and {len(along_column)}: put a zero at one end"
        )
    if picture.size == 0:
        return picture.astype(item)
    rows = _convolve(picture.astype(item), along_row, axes=1, mode="same", boundary="symmetric")
    return _convolve(rows, along_column, axes=0, mode="same", boundary="symmetric")


@overload
def choose_conv_method(in1: Any, in2: Any, mode: Mode = "full", measure: Literal[False] = False) -> Chosen: ...
@overload
def choose_conv_method(in1: Any, in2: Any, mode: Mode, measure: Literal[True]) -> tuple[Chosen, dict[str, float]]: ...
@overload
def choose_conv_method(
    in1: Any, in2: Any, mode: Mode = "full", *, measure: Literal[True]
) -> tuple[Chosen, dict[str, float]]: ...
def choose_conv_method(
    in1: Any, in2: Any, mode: Mode = "full", measure: bool = False
) -> Chosen | tuple[Chosen, dict[str, float]]:
    """Which kind of algorithm `convolve` takes: "direct" (sums, also separable ones) or "fft" (any by transforms).

    Args:
        in1, in2, mode: as in `convolve`.
        measure: run both and return (the faster one, {"fft": seconds, "direct": seconds}); "direct" where no algorithm
            by transforms serves, so that `method="fft"` takes sums as well.

    Example:
        >>> choose_conv_method(np.ones(8), np.ones(6))
        'direct'
    """
    x, kernel = _pair(in1, in2)
    _check_word("mode", mode, ("valid", "same", "full"))
    if 0 in (x.ndim, x.size, kernel.size):
        return ("direct", {"fft": 0.0, "direct": 0.0}) if measure else "direct"
    if _needs_swap(mode, x.shape, kernel.shape, range(x.ndim)):
        x, kernel = kernel, x
    explanation = choice(x, kernel, mode)
    if not measure:
        return "fft" if explanation.verdicts[0].transforms else "direct"
    times = {"fft": _seconds(x, kernel, mode, "fft"), "direct": _seconds(x, kernel, mode, "direct")}
    serves = any(verdict.transforms and verdict.refusal is None for verdict in explanation.verdicts)
    return ("fft" if serves and times["fft"] < times["direct"] else "direct"), times


def correlation_lags(in1_len: int, in2_len: int, mode: Mode = "full") -> Array:
    """How far in2 is shifted for each entry of `correlate(in1, in2, mode)` of one axis.

    Args:
        in1_len, in2_len: lengths.

    Returns:
        Integers, rising by one. SciPy's are one too high for mode "same", in1_len odd and in2_len even.

    Example:
        >>> correlation_lags(3, 2)
        array([-1,  0,  1,  2])
    """
    if mode == "full":
        return np.arange(1 - in2_len, in1_len)
    if mode == "same":
        return np.arange(in1_len) - in2_len // 2
    if mode == "valid":
        return np.arange(min(0, in1_len - in2_len), max(0, in1_len - in2_len) + 1)
    raise ParameterError(f'Mode {mode} is invalid: "full", "same" or "valid" is expected')


def _pair(in1: Any, in2: Any) -> tuple[Array, Array]:
    x, kernel = as_given(in1, "in1"), as_given(in2, "in2")
    if x.ndim != kernel.ndim:
        raise ShapeError(
            f"in1 and in2 should have the same dimensionality, and have {x.ndim} and {kernel.ndim} axes: give the "
            f"smaller one axes of length 1, e.g. in2[None]"
        )
    return x, kernel


def _check_word(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        words = ", ".join(f"'{word}'" for word in allowed[:-1])
        raise ParameterError(f"{name}={value!r}: acceptable {name} flags are {words}, or '{allowed[-1]}'")


def _needs_swap(mode: Mode, shape1: tuple[int, ...], shape2: tuple[int, ...], axes: Iterable[int]) -> bool:
    """Whether in2 is the one that in1 fits into, for whole overlaps."""
    if mode != "valid":
        return False
    lengths = [(shape1[a], shape2[a]) for a in axes]
    if all(n >= k for n, k in lengths):
        return False
    if all(k >= n for n, k in lengths):
        return True
    raise ShapeError(
        f"For 'valid' mode, one must be at least as large as the other in every dimension; the shapes are {shape1} and "
        f"{shape2}: take mode='full' or 'same'"
    )


def _empty(x: Array, kernel: Array, mode: Mode) -> Array:
    """Where there is nothing to sum: zeros, if any."""
    if x.ndim == 1 and (mode != "same" or kernel.size == 0):
        empty = "in1" if x.size == 0 else "in2"
        raise ShapeError(f"{empty} cannot be empty: give it at least one number")
    grown = 1 if mode == "full" else -1
    lengths = [max(0, n + grown * (k - 1)) for n, k in zip(x.shape, kernel.shape, strict=True)]
    return np.zeros(x.shape if mode == "same" else lengths, np.result_type(x, kernel))


def _reversed(kernel: Array) -> Array:
    """The kernel whose convolution is the correlation with this one."""
    flipped = kernel[(slice(None, None, -1),) * kernel.ndim]
    return flipped if flipped.dtype.kind in "biuf" else np.conjugate(flipped)


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(ndim))
    listed = entries(axes)
    named = [axes] if listed is None else listed
    if not all(isinstance(a, (int, np.integer)) for a in named):
        raise ParameterError(f"axes must be a scalar or iterable of integers, not {axes!r}")
    if not named:
        raise ShapeError("when provided, axes cannot be empty: leave it out to convolve all axes")
    if not all(-ndim <= a < ndim for a in named):
        raise ShapeError(f"axes exceeds dimensionality of input: {axes!r}, and there are {ndim} axes")
    # the engine would lay the kernel's axes in the order named
    positions = tuple(sorted(int(a) % ndim for a in named))
    if len(set(positions)) < len(positions):
        raise ShapeError(f"all axes must be unique, not {axes!r}")
    return positions


def _inexact(array: Array) -> Array:
    """As an FFT takes it."""
    if array.dtype.kind in "biuO":
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _planes(in1: Any, in2: Any, mode: Mode, boundary: Outside, fillvalue: Any, *, correlates: bool) -> Array:
    x, kernel = as_given(in1, "in1"), as_given(in2, "in2")
    if not x.ndim == kernel.ndim == 2:
        name = "correlate2d" if correlates else "convolve2d"
        raise ShapeError(f"{name} inputs must both be 2-D arrays, and have {x.ndim} and {kernel.ndim} axes")
    _check_word("mode", mode, ("valid", "same", "full"))
    _check_word("boundary", boundary, ("fill", "pad", "wrap", "circular", "symm", "symmetric"))
    outside = _outside(boundary, fillvalue, np.result_type(x, kernel))
    swapped = _needs_swap(mode, x.shape, kernel.shape, (0, 1))
    if swapped:
        x, kernel = kernel, x
    if x.size == 0 or kernel.size == 0:
        return _empty(x, kernel, mode)
    # SciPy's correlation begins at k // 2 of full, its convolution at (k - 1) // 2
    origin = tuple(k % 2 - 1 for k in kernel.shape) if correlates and mode == "same" else None
    weights = _reversed(kernel) if correlates else kernel
    result = bounded(x, weights, mode, boundary=outside, origin=origin)
    return result[::-1, ::-1].copy() if swapped and correlates else result


def _outside(boundary: Outside, fillvalue: Any, dtype: np.dtype[Any]) -> Boundary:
    value = _fill(fillvalue, dtype)
    if boundary in ("wrap", "circular"):
        return "wrap"
    return "symmetric" if boundary in ("symm", "symmetric") else ("constant", value)


def _fill(fillvalue: Any, dtype: np.dtype[Any]) -> Any:
    """The number that stands outside, as `dtype` can hold it."""
    values = np.asarray(fillvalue)
    if values.size != 1:
        raise ParameterError(f"`fillvalue` must be scalar or an array with one element, not {values.size} of them")
    value = values.item()
    cannot = ParameterError(
        f"could not cast `fillvalue` directly to the output type: {value!r} is no number of dtype {dtype}"
    )
    if not isinstance(value, (bool, int, float, complex)):
        raise cannot
    if dtype.kind in "cO":
        return value
    if isinstance(value, complex):
        if value.imag != 0:
            raise cannot
        value = value.real
    if dtype.kind == "f":
        return float(value)
    if dtype.kind == "b":
        return int(bool(value))
    # a fraction is cut off
    if (isinstance(value, float) and not math.isfinite(value)) or not holds(dtype, int(value)):
        raise cannot
    return int(value)


def _item_of_sepfir(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The float that the picture is computed in."""
    if dtype.kind in "fc":
        return np.dtype(np.float32) if dtype == np.float16 else dtype
    if dtype.kind not in "biu":
        raise DtypeError(f"input has dtype {dtype}: integers, floats or complex numbers are allowed; convert it")
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def _filter(weights: Any, name: str, item: np.dtype[Any]) -> Array:
    array = as_given(weights, name)
    if array.ndim != 1:
        depth = "object too deep" if array.ndim > 1 else "object of too small depth"
        raise ShapeError(f"{depth}: {name} has {array.ndim} axes and needs one")
    lists = not isinstance(weights, (np.ndarray, np.generic))
    if not np.can_cast(array.dtype, item, "same_kind" if lists else "safe"):
        raise DtypeError(f"{name} has dtype {array.dtype}, which {item} does not hold: convert it, or the input")
    return array.astype(item)


def _seconds(x: Array, kernel: Array, mode: Mode, method: Method) -> float:
    """The least of a few runs, the first of which is not counted: it makes the plan."""
    folded(x, kernel, mode, method=method)
    runs: list[float] = []
    while len(runs) < 3 or (sum(runs) < 1e-3 and len(runs) < 100):
        start = time.perf_counter()
        folded(x, kernel, mode, method=method)
        runs.append(time.perf_counter() - start)
    return min(runs)
