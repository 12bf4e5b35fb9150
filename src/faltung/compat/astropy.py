"""`astropy.convolution.convolve` and `convolve_fft`, computed by Faltung; astropy itself need not be installed.

Signatures, results, errors and warnings are those of astropy 8.0; its kernels, quantities and NDData are understood.
`convolve` and `convolve_fft` differ from each other as they do there: only the first refuses even kernels, only the
second takes infinite samples for missing ones.

Different on purpose, because astropy's answer is wrong without a word:

- noise: `convolve_fft` leaves the rounding errors of one FFT over everything, also where 0 is exact, and small samples
  drown in them beside large ones. Here the engine's error bound holds.
- input: `convolve_fft` writes 0 over NaN in the caller's own complex array. Here no argument is written to.
- range: `convolve_fft` finds NaN where a spectrum is beyond its dtype. Here nothing needs a spectrum.
- long period: with boundary="wrap" and a kernel longer than the array, `convolve_fft` makes the array as long as the
  kernel with zeros. Here the array's own length is the period, as in `convolve`; but not with crop=False, return_fft or
  own transforms, which show astropy's frame.
- callable: `convolve_fft` divides the kernel by `normalize_kernel(kernel)` and multiplies the result by it again
  (astropy#8114); `convolve` takes any callable for True. Here the kernel is divided, as their words have it.
- zero sum: `convolve_fft` with a callable and a kernel that sums to 0 gives zeros. Here it convolves, and refuses if
  samples are missing.
- list as mask: any list masks every sample. Here each entry counts.
- short mask: a mask of fewer axes masks rows. Here it is an IndexError, as any other wrong shape is there too.
- foreign boundary: `convolve_fft` takes an unknown name for "wrap". Here it is a ValueError.
- weights that cancel: where those that meet a sample sum to 0 but for rounding errors, the mean is noise. Here they are
  no weight.
- weights not finite: `convolve` that has to interpolate leaves NaN behind. Here it is a ValueError.
- samples not finite: `convolve` takes infinities of both signs for a missing sample. Here they are none.

Example:
    >>> from faltung.compat.astropy import convolve
    >>> convolve([1.0, float("nan"), 3.0], [1, 1, 1])
    array([0.5, 2. , 1.5])
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import door
from ..boundary import Boundary
from ..errors import MissingData, ParameterError, ShapeError
from ..spec import Array
from . import stand_in
from .astropy_frame import ByEngine, ByTransforms, check_memory, make_frame
from .astropy_objects import is_kernel, kernel_of, kernel_size_error, samples, unpacked, warn
from .interpolated import mean_of_what_is_there

__all__ = ["convolve", "convolve_fft"]

if not TYPE_CHECKING:
    # a type checker would take every name for one of the module
    __getattr__, __dir__ = stand_in("astropy.convolution", __all__)

NanTreatment = Literal["interpolate", "fill"]

_LEAST_SUM = 0.01
"""A kernel that sums to less is not normalised."""


def convolve(
    array: Any,
    kernel: Any,
    boundary: Literal["fill", "wrap", "extend"] | None = "fill",
    fill_value: Any = 0.0,
    nan_treatment: NanTreatment = "interpolate",
    normalize_kernel: Any = True,
    mask: Any = None,
    preserve_nan: bool = False,
    normalization_zero_tol: float = 1e-8,
) -> Any:
    """Convolve an array of one to three axes with a kernel of odd sides, and interpolate over NaN.

    Args:
        array: numbers, computed in float64; a quantity, masked array, NDData or kernel of astropy too.
        kernel: as many axes as the array.
        boundary: "fill" (`fill_value` outside), "wrap", "extend" (the nearest sample), or None: 0 where the kernel
            reaches outside.
        fill_value: NaN with nan_treatment="interpolate" means that what is outside is missing.
        nan_treatment: "interpolate" (the mean over what is there, weighted by the kernel; NaN where no weight meets a
            sample) or "fill" (NaN becomes `fill_value`).
        normalize_kernel: divide the kernel by its sum, or by what a callable makes of it.
        mask: of the shape of the array; not 0 where a sample counts as NaN.
        preserve_nan: write NaN again where the array had it.
        normalization_zero_tol: sums closer to 0 are no sums to divide by.

    Returns:
        An array of the array's shape, and of its dtype if that is a float; else float64. A quantity has its unit. Two
        kernels make a kernel.

    Raises:
        ParameterError, ShapeError (ValueError): an option, or the axes; the kernel's sum is too small to divide by.
        ShapeError (astropy's KernelSizeError): the kernel has an even side, or is larger than the array with
            boundary=None.
        DtypeError (TypeError): no numbers.
        NotImplementedError: more than three axes; `faltung.convolve` takes them.

    Example:
        >>> convolve([1, 4, 5, 6, 5, 7, 8], [0.2, 0.6, 0.2], boundary=None)
        array([0. , 3.6, 5. , 5.6, 5.6, 6.8, 0. ])
    """
    array, mask = unpacked(array, mask)
    if boundary not in (None, "fill", "wrap", "extend"):
        raise ParameterError(f'boundary={boundary!r}: None, "fill", "wrap" or "extend" is expected')
    _check_words(kernel, nan_treatment)
    x, weights = samples(array, float, mask), samples(kernel, float)
    if any(side % 2 == 0 for side in weights.shape):
        raise kernel_size_error(
            f"Kernel size must be odd in all axes, and it is {weights.shape}: pad it with zeros, or take convolve_fft"
        )
    if is_kernel(array) and is_kernel(kernel):
        warn(
            "Both array and kernel are Kernel instances, hardwiring the following parameters: boundary='fill', "
            "fill_value=0, normalize_Kernel=True, nan_treatment='interpolate'"
        )
        boundary, fill_value, normalize_kernel, nan_treatment = "fill", 0.0, True, "interpolate"
    _check_axes(x, weights)
    inner = _inner(x, weights) if boundary is None else (...,)
    missing = np.isnan(x)
    ignores = boundary == "fill" and nan_treatment == "interpolate" and bool(np.isnan(fill_value))
    interpolate = nan_treatment == "interpolate" and (ignores or bool(missing.any()))
    if interpolate or (normalize_kernel and not callable(normalize_kernel)):
        _check_sum(weights, normalization_zero_tol, interpolate=interpolate)
    divisor = _divisor(weights, normalize_kernel)
    if nan_treatment == "fill":
        x = np.where(missing, fill_value, x)
    outside: Boundary = {"wrap": "wrap", "extend": "edge"}.get(str(boundary), "zero")
    if boundary == "fill":
        outside = "ignore" if ignores else ("constant", fill_value)
    padding: Literal["same", 0] = 0 if boundary is None else "same"
    result = np.zeros(x.shape)
    if interpolate:
        mean, share = mean_of_what_is_there(x, weights, boundary=outside, padding=padding)
        result[inner] = np.where(share == 0, x[inner], mean) * (weights.sum() / divisor)
    else:
        result[inner] = door.convolve(x, weights, boundary=outside, padding=padding) / divisor
    if interpolate and not preserve_nan and np.isnan(result).any():
        warn(
            "nan_treatment='interpolate', however, NaN values detected post convolution. A contiguous region of NaN "
            "values, larger than the kernel size, are present in the input array. Increase the kernel size to avoid "
            "this."
        )
    if preserve_nan:
        result[missing] = np.nan
    return _as_handed_in(result, array, kernel)


def convolve_fft(
    array: Any,
    kernel: Any,
    boundary: Literal["fill", "wrap"] | None = "fill",
    fill_value: Any = 0.0,
    nan_treatment: NanTreatment = "interpolate",
    normalize_kernel: Any = True,
    normalization_zero_tol: float = 1e-8,
    preserve_nan: bool = False,
    mask: Any = None,
    crop: bool = True,
    return_fft: bool = False,
    fft_pad: bool | None = None,
    psf_pad: bool | None = None,
    min_wt: float = 0.0,
    allow_huge: bool = False,
    fftn: Callable[[Any], Any] = np.fft.fftn,
    ifftn: Callable[[Any], Any] = np.fft.ifftn,
    complex_dtype: Any = complex,
    dealias: bool = False,
) -> Any:
    """Convolve an array with a kernel, both of any number of axes and sides, and interpolate over NaN and infinity.

    The engine takes the algorithm that suits, an FFT or none. Two things take the transforms themselves, as in astropy,
    and have the rounding errors of one transform over everything: `return_fft`, and an `fftn` or `ifftn` that is not
    NumPy's.

    Args:
        array: numbers, complex too; a quantity, masked array, NDData or kernel of astropy. NaN and infinity are
            missing.
        kernel: as many axes as the array; NaN and infinity count as 0.
        boundary: "fill" (`fill_value` outside), "wrap", or None, which is "fill" with a warning.
        fill_value: if not finite, what is outside is missing with nan_treatment="interpolate", else 0.
        nan_treatment: "interpolate" (the mean over what is there, weighted by the kernel) or "fill" (what is missing
            becomes `fill_value`).
        normalize_kernel: True (divide the kernel by its sum), False, or a callable: divide it by what that makes of it.
        normalization_zero_tol: sums closer to 0 are no sums to interpolate by.
        preserve_nan: write NaN where a sample was missing.
        mask: of the shape of the array; not 0 where a sample counts as missing.
        crop: False returns the padded array, of the shape that astropy gives it.
        return_fft: return the product of the spectra.
        fft_pad, psf_pad, dealias: how astropy pads: to a length of small factors, by the size of the kernel, by half.
            A result depends on them where psf_pad=False lets the kernel reach around, or where nothing is cropped.
        min_wt: the result is NaN where the share of the kernel that meets a sample is smaller; with 0 it is 0 where no
            weight does.
        allow_huge: whether more than 1 GB, as astropy would need it, is no error.
        fftn, ifftn: transforms to use instead of the engine.
        complex_dtype: of astropy's padded arrays: complex64 makes a float32 result where anything is padded.

    Returns:
        The real part, of the array's shape if `crop`; a quantity has its unit. With return_fft a complex array.

    Raises:
        ParameterError, ShapeError (ValueError): an option, or the axes; the kernel cannot be normalised; too large.
        MissingData (ValueError): samples are to be filled with what is not finite, or transforms found NaN.
        NotImplementedError: boundary="extend"; `convolve` has it.
        DtypeError (TypeError): no numbers. TypeError: two kernel objects.

    Example:
        >>> convolve_fft([1, float("nan"), 3], [0, 1, 0], min_wt=1e-8)
        array([ 1., nan,  3.])
    """
    array, mask = unpacked(array, mask)
    if is_kernel(kernel) and is_kernel(array):
        raise TypeError("Can't convolve two kernels with convolve_fft.  Use convolve instead.")
    _check_words(kernel, nan_treatment)
    x, weights = samples(array, complex, mask), samples(kernel, complex)
    if x.ndim != weights.ndim:
        raise ShapeError(f"Image and kernel must have same number of dimensions, and have {x.ndim} and {weights.ndim}")
    if not allow_huge:
        check_memory(x.shape, complex_dtype)
    missing = ~np.isfinite(x)
    weights = np.where(np.isfinite(weights), weights, 0)
    if not weights.imag.any():
        weights = weights.real
    interpolate = nan_treatment == "interpolate"
    outside = 0.0 if boundary == "wrap" else fill_value
    ignores = interpolate and not np.isfinite(outside)
    outside = outside if np.isfinite(outside) else 0.0
    gaps = interpolate and (ignores or bool(missing.any()))
    total = weights.sum().item()
    _check_fft_sum(weights, normalize_kernel, normalization_zero_tol, interpolate=interpolate, gaps=gaps)
    divisor = _divisor(weights, normalize_kernel)
    frame = make_frame(
        x.shape,
        weights.shape,
        boundary,
        fft_pad=fft_pad,
        psf_pad=psf_pad,
        dealias=dealias,
        complex_dtype=complex_dtype,
    )
    if not allow_huge:
        check_memory(frame.sizes, complex_dtype)
    if missing.any():
        if not interpolate and not np.isfinite(fill_value):
            raise MissingData(f"samples are missing and fill_value={fill_value!r}: fill them with a finite number")
        x = np.where(missing, 0 if interpolate else fill_value, x)
    unit = getattr(array, "unit", None)
    if return_fft:
        return _with_unit(frame.spectrum(x, outside, weights / divisor, fftn), unit)
    way: ByEngine | ByTransforms
    if fftn is np.fft.fftn and ifftn is np.fft.ifftn:
        way = ByEngine(
            frame, x, weights, outside, result_dtype=frame.result_dtype(x, weights, shares=interpolate), crop=crop
        )
    else:
        way = ByTransforms(frame, x, weights, outside, fftn, ifftn, shares=interpolate)
    if gaps:
        mean, share = way.means(missing, ignores=ignores)
        # where no weight meets a sample there may be anything, and is written over
        with np.errstate(invalid="ignore", over="ignore"):
            result = mean * (total / divisor)
        if not crop:
            rim = frame.rim(x.shape)
            result[rim] = (way.sums() / divisor)[rim]
            share[rim] = 0 if ignores else 1
    else:
        result = way.sums() / divisor
        share = np.broadcast_to(1.0, result.shape)
    if interpolate:
        least = min_wt if min_wt > 0 else 10 * np.finfo(frame.dtype).eps
        result[share < least] = np.nan if min_wt > 0 else 0
    result = way.finished(result)
    inner = result if result.shape == x.shape else result[frame.place(x.shape)]
    if preserve_nan:
        inner[missing] = np.nan
    return _with_unit(inner if crop else result, unit)


def _check_words(kernel: Any, nan_treatment: str) -> None:
    if np.ma.is_masked(kernel):
        raise ParameterError(
            "The kernel is a masked array with masked values. Use kernel.filled(fill_value) to fill masked values "
            "before passing to convolve."
        )
    if nan_treatment not in ("interpolate", "fill"):
        raise ParameterError(f"nan_treatment={nan_treatment!r} must be one of 'interpolate','fill'")


def _check_axes(x: Array, weights: Array) -> None:
    if x.ndim == 0:
        raise ShapeError("cannot convolve 0-dimensional arrays: give it an axis, e.g. np.atleast_1d(x)")
    if x.ndim > 3:
        raise NotImplementedError(
            f"convolve only supports 1, 2, and 3-dimensional arrays at this time, not {x.ndim}: take convolve_fft, or "
            f"faltung.convolve"
        )
    if x.ndim != weights.ndim:
        raise ShapeError(
            f"array and kernel have differing number of dimensions. They have {x.ndim} and {weights.ndim}: reshape one"
        )
    if x.size == 0:
        raise ShapeError("cannot convolve empty array: give it at least one sample")


def _inner(x: Array, weights: Array) -> tuple[slice, ...]:
    """Where the kernel stays inside the array."""
    halves = [side // 2 for side in weights.shape]
    if any(n <= 2 * half for n, half in zip(x.shape, halves, strict=True)):
        raise kernel_size_error(
            f"for boundary=None all kernel axes must be smaller than array's, and they are {weights.shape} and "
            f"{x.shape}: use boundary in ['fill', 'extend', 'wrap'] instead"
        )
    return tuple(slice(half, n - half) for n, half in zip(x.shape, halves, strict=True))


def _check_sum(weights: Array, tolerance: float, *, interpolate: bool) -> None:
    """Refuse what cannot be divided by its sum."""
    total = weights.sum()
    if interpolate and not np.isfinite(weights).all():
        raise ParameterError(
            "the kernel holds NaN or infinity, and of such weights there is no mean: give finite ones, or take "
            "nan_treatment='fill'"
        )
    if total < _LEAST_SUM or abs(total) <= tolerance:
        raise ParameterError(
            "Setting nan_treatment='interpolate' requires the kernel to be normalized, but the input kernel has a sum "
            "close to zero. For a zero-sum kernel and data with NaNs, set nan_treatment='fill'."
            if interpolate
            else _unnormalisable(total)
        )


def _check_fft_sum(weights: Array, normalize_kernel: Any, tolerance: float, *, interpolate: bool, gaps: bool) -> None:
    """Refuse what cannot be divided by its sum, by the other rules of convolve_fft."""
    total = weights.sum()
    if normalize_kernel is True:
        if total < _LEAST_SUM:
            raise ParameterError(_unnormalisable(total))
    elif normalize_kernel and not callable(normalize_kernel):
        raise TypeError(f"normalize_kernel={normalize_kernel!r} is not callable: True, False or a function is expected")
    elif interpolate and abs(total) < tolerance and (gaps or not normalize_kernel):
        raise ParameterError(
            f"Cannot interpolate NaNs with an unnormalizable kernel: it sums to {total}; take nan_treatment='fill'"
        )


def _unnormalisable(total: Any) -> str:
    return (
        f"The kernel can't be normalized, because its sum is close to zero. The sum of the given kernel is {total}: at "
        f"least {_LEAST_SUM} and more than normalization_zero_tol is expected. For a zero-sum kernel, set "
        f"normalize_kernel=False or pass a custom normalization function to normalize_kernel."
    )


def _divisor(weights: Array, normalize_kernel: Any) -> Any:
    """What the kernel is divided by; the callers have looked at its sum."""
    if callable(normalize_kernel):
        made = np.asarray(normalize_kernel(weights.copy()))
        if made.size != 1 or not np.isfinite(made) or made == 0:
            raise ParameterError(f"normalize_kernel makes {made} of the kernel: a number other than 0 is expected")
        return made.item()
    return weights.sum().item() if normalize_kernel else 1.0


def _with_unit(result: Array, unit: Any) -> Any:
    return result if unit is None else result << unit


def _as_handed_in(result: Array, array: Any, kernel: Any) -> Any:
    """The result as a kernel, with the unit, and in the dtype of the array."""
    result = _with_unit(result, getattr(array, "unit", None))
    if is_kernel(array):
        return _as_kernel(result, array, kernel)
    dtype = getattr(array, "dtype", result.dtype)
    return result.astype(dtype, copy=False) if dtype.kind == "f" else result


def _as_kernel(result: Any, array: Any, kernel: Any) -> Any:
    """A kernel object of the same number of axes."""
    axes = next((axes for axes in (1, 2) if is_kernel(array, axes)), None)
    if axes is None:
        raise TypeError("Only 1D and 2D Kernels are supported.")
    made = kernel_of(axes, result)
    made._is_bool = False
    made._separable = array._separable and (not is_kernel(kernel) or kernel._separable)
    return made
