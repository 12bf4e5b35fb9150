"""The padded arrays of `convolve_fft`: they decide what reaches around, what a spectrum is, and what is cropped."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..boundary import Boundary
from ..door import convolve
from ..errors import MissingData, ParameterError
from ..spec import Array
from .astropy_objects import warn
from .interpolated import mean_of_what_is_there

_HUGE_BYTES = 10**9


@dataclass(frozen=True)
class Frame:
    """Where array and kernel lie in the padded arrays that `convolve_fft` would transform.

    Attributes:
        sizes: their lengths.
        around: whether a kernel at one end may reach samples at the other.
        wraps: whether it should, because the array is periodic.
        dtype: complex; of what is padded.
    """

    sizes: tuple[int, ...]
    around: bool
    wraps: bool
    dtype: np.dtype[Any]

    def place(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Where an array of this shape lies: in the middle."""
        starts = [size // 2 - n // 2 for size, n in zip(self.sizes, shape, strict=True)]
        return tuple(slice(start, start + n) for start, n in zip(starts, shape, strict=True))

    def padded(self, array: Array, outside: Any, dtype: np.dtype[Any]) -> Array:
        """The array in its place, and one value around it; the array itself if it fills the frame."""
        if array.shape == self.sizes:
            return array
        result = np.full(self.sizes, outside, dtype)
        result[self.place(array.shape)] = array
        return result

    def dtype_of(self, array: Array) -> np.dtype[Any]:
        """The dtype in which astropy transforms this array: its own complex128 if it is not padded."""
        return np.dtype(complex) if array.shape == self.sizes else self.dtype

    def result_dtype(self, x: Array, kernel: Array, *, shares: bool) -> np.dtype[Any]:
        """The real dtype that comes back from NumPy's transforms, and from a division by shares."""
        parts = [self.dtype_of(x), self.dtype_of(kernel), *([self.dtype] if shares else [])]
        return np.finfo(np.result_type(*parts)).dtype

    def rim(self, shape: tuple[int, ...]) -> Array:
        """Where an array of this shape does not lie."""
        rim = np.ones(self.sizes, bool)
        rim[self.place(shape)] = False
        return rim

    def spectrum(self, x: Array, outside: Any, kernel: Array, fftn: Callable[[Any], Any]) -> Any:
        """The product of the transforms of x and kernel.

        Raises:
            MissingData: it holds NaN.
        """
        of_x, of_kernel = (
            self.padded(array, value, self.dtype_of(array)).astype(self.dtype_of(array), copy=False)
            for array, value in ((x, outside), (kernel, 0))
        )
        product = fftn(of_x) * fftn(np.fft.ifftshift(of_kernel))
        if np.isnan(product).any():
            raise MissingData("Encountered NaNs in convolve: the transforms exceed their range; scale the array")
        return product


class ByEngine:
    """The convolution in a frame by Faltung; all that is padded is left out where it cannot reach a result."""

    def __init__(
        self, frame: Frame, x: Array, kernel: Array, outside: Any, *, result_dtype: np.dtype[Any], crop: bool
    ) -> None:
        """Take x and kernel, both finite, and what is outside x."""
        if kernel.dtype.kind != "c":
            # the real part of the result comes from that of x alone
            x, outside = x.real, np.real(outside)
        self.x, self.outside = x.astype(np.result_type(x, result_dtype), copy=False), outside
        self.kernel = kernel.astype(np.result_type(kernel, result_dtype), copy=False)
        self.frame, self.result_dtype = frame, result_dtype
        self.padded = not crop or not x.size or (frame.around and not frame.wraps)

    def sums(self) -> Array:
        """The sums of kernel times x."""
        x, boundary = self._laid(self.x, self.outside)
        return convolve(x, self.kernel, boundary=boundary, padding="same")

    def means(self, missing: Array, *, ignores: bool) -> tuple[Array, Array]:
        """The means over what is not missing, and the shares of the kernel that it meets."""
        x, boundary = self._laid(np.where(missing, np.nan, self.x), np.nan if ignores else self.outside)
        return mean_of_what_is_there(x, self.kernel, boundary=boundary, padding="same")

    def finished(self, result: Array) -> Array:
        """The real part in the dtype of the result."""
        return result.real.astype(self.result_dtype, copy=False)

    def _laid(self, x: Array, outside: Any) -> tuple[Array, Boundary]:
        if self.padded:
            return self.frame.padded(x, outside, x.dtype), "wrap"
        if self.frame.wraps:
            return x, "wrap"
        return x, "ignore" if np.isnan(outside) else ("constant", outside)


class ByTransforms:
    """The convolution in a frame by the caller's own transforms, with their rounding errors."""

    def __init__(
        self,
        frame: Frame,
        x: Array,
        kernel: Array,
        outside: Any,
        fftn: Callable[[Any], Any],
        ifftn: Callable[[Any], Any],
        *,
        shares: bool,
    ) -> None:
        """Take x and kernel, both finite, and what is outside x."""
        self.frame, self.x, self.kernel, self.outside, self.shares = frame, x, kernel, outside, shares
        self.fftn, self.ifftn = fftn, ifftn

    def sums(self) -> Array:
        """The sums of kernel times x."""
        return self.ifftn(self.frame.spectrum(self.x, self.outside, self.kernel, self.fftn))

    def means(self, missing: Array, *, ignores: bool) -> tuple[Array, Array]:
        """The means over what is not missing, and the shares of the kernel that it meets."""
        total = self.kernel.sum().item()
        there = self.frame.spectrum(~missing, 0 if ignores else 1, self.kernel, self.fftn)
        shares = (self.ifftn(there) / total).real
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.sums() / total / shares, shares

    def finished(self, result: Array) -> Array:
        """The real part, in the dtype that a division by shares has."""
        dtype = np.result_type(result, self.frame.dtype) if self.shares else result.dtype
        return result.real.astype(np.finfo(dtype).dtype, copy=False)


def make_frame(
    shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    boundary: str | None,
    *,
    fft_pad: bool | None,
    psf_pad: bool | None,
    dealias: bool,
    complex_dtype: Any,
) -> Frame:
    """Pad as astropy does, and warn as it does.

    Raises:
        ParameterError, NotImplementedError: the boundary is none that a transform has, or pads where "wrap" cannot.
    """
    if boundary == "wrap":
        for name, asked in (("psf_pad", psf_pad), ("fft_pad", fft_pad), ("dealias", dealias)):
            if asked:
                raise ParameterError(f"With boundary='wrap', {name} cannot be enabled.")
    elif boundary == "extend":
        raise NotImplementedError(
            "The 'extend' option is not implemented for fft-based convolution: take convolve, which has it"
        )
    elif boundary == "fill" and psf_pad is False:
        warn(f"psf_pad was set to {psf_pad}, which overrides the boundary='fill' setting.", stacklevel=4)
    elif boundary is None:
        warn(
            "The convolve_fft version of boundary=None is equivalent to the convolve boundary='fill'.  There is no FFT "
            "equivalent to convolve's zero-if-kernel-leaves-boundary",
            stacklevel=4,
        )
    elif boundary != "fill":
        raise ParameterError(f'boundary={boundary!r}: None, "fill" or "wrap" is expected')
    # astropy looks for False itself under "fill", and for any truth elsewhere
    apart = psf_pad is not False if boundary == "fill" else boundary is None and (psf_pad is None or bool(psf_pad))
    sizes = [n + k if apart else max(n, k) for n, k in zip(shape, kernel_shape, strict=True)]
    if dealias:
        sizes = [size + math.ceil(size / 2) for size in sizes]
    if boundary != "wrap" and (fft_pad is None or fft_pad):
        from scipy.fft import next_fast_len

        sizes = [int(next_fast_len(size)) for size in sizes]
    return Frame(tuple(sizes), not apart, boundary == "wrap", np.result_type(complex_dtype, np.complex64))


def check_memory(shape: tuple[int, ...], complex_dtype: Any) -> None:
    """Refuse an array of this shape that is over 1 GB.

    Raises:
        ParameterError: it is.
    """
    size = math.prod(shape) * np.dtype(complex_dtype).itemsize
    if size > _HUGE_BYTES:
        raise ParameterError(
            f"Size Error: Arrays will be {size / 1e9:.1f}G.  Use allow_huge=True to override this exception; "
            f"faltung.convolve needs no such arrays"
        )
