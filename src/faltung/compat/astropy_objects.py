"""astropy's objects, known without importing astropy: of what is not loaded nothing can have been handed in."""

import functools
import sys
import warnings
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from ..spec import Array

_IGNORED = ("uncertainty", "meta", "unit", "wcs", "flags")
"""What an NDData may carry beside its data and its mask, and a convolution has no use for."""


def is_kernel(data: Any, axes: int | None = None) -> bool:
    """Whether this is one of astropy's kernel objects, of so many axes if a number is given."""
    kind = _loaded("astropy.convolution.core", "Kernel" if axes is None else f"Kernel{axes}D")
    return kind is not None and isinstance(data, kind)


def kernel_of(axes: int, array: Any) -> Any:
    """A new kernel object of so many axes; where one was handed in, its class is loaded."""
    return _loaded("astropy.convolution.core", f"Kernel{axes}D")(array=array)


def unpacked(data: Any, mask: Any) -> tuple[Any, Any]:
    """The data and the mask of an NDData; anything else as it is. Warns as astropy does of what is left behind."""
    kind = _loaded("astropy.nddata", "NDData")
    if kind is None or not isinstance(data, kind):
        return data, mask
    if mask is None:
        mask = data.mask
    elif data.mask is not None:
        warn(
            "Property mask has been passed explicitly and as an NDData property, using explicitly specified value",
            stacklevel=4,
        )
    ignored = [name for name in _IGNORED if _carries(data, name)]
    if ignored:
        warn(
            f"The following attributes were set on the data object, but will be ignored by the function: "
            f"{', '.join(ignored)}",
            stacklevel=4,
        )
    return data.data, mask


def _carries(data: Any, name: str) -> bool:
    value = getattr(data, name, None)
    return bool(value) if name == "meta" else value is not None


def samples(data: Any, dtype: type[float] | type[complex], mask: Any = None) -> Array:
    """Arrays, lists, quantities, masked arrays and kernels as a plain array of `dtype`, NaN where they are masked.

    Args:
        mask: what counts as masked too: not 0; of the shape of the data, or one value for all.

    Raises:
        DtypeError (TypeError): these are no numbers.
        IndexError: the mask has another shape.
    """
    if is_kernel(data):
        data = data.array
    if hasattr(data, "unit"):
        data = data.value
    try:
        if np.ma.is_masked(data):
            masked: Any = np.asanyarray(data, dtype=dtype)
            array = np.asarray(masked.filled(np.nan))
        else:
            array = np.asarray(data, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DtypeError(
            f"input should be a NumPy array or something convertible into a float array: {error}"
        ) from error
    if mask is None:
        return array
    # a list is not 0 as a whole, but its entries may be
    holes = np.asarray(mask) != 0
    if holes.shape not in ((), array.shape):
        raise IndexError(f"the mask has shape {holes.shape} and the array {array.shape}: give one entry per sample")
    return np.where(holes, np.nan, array)


def warn(message: str, stacklevel: int = 3) -> None:
    """Warn as astropy does: with its class where it is loaded, so that its filters hold.

    Args:
        stacklevel: 3 where `convolve` or `convolve_fft` calls this, so that their caller is shown.
    """
    category = _loaded("astropy.utils.exceptions", "AstropyUserWarning") or UserWarning
    warnings.warn(message, category, stacklevel=stacklevel)


def kernel_size_error(message: str) -> ShapeError:
    """The KernelSizeError of astropy, where it is loaded, which is none of Python's; and a ShapeError."""
    theirs = _loaded("astropy.convolution.utils", "KernelSizeError")
    return ShapeError(message) if theirs is None else _also_theirs(theirs)(message)


@functools.cache
def _also_theirs(theirs: type[Exception]) -> type[ShapeError]:
    return type("KernelSizeError", (ShapeError, theirs), {"__doc__": theirs.__doc__})


def _loaded(module: str, name: str) -> Any:
    """A class of astropy; None if the module that defines it is not loaded."""
    return getattr(sys.modules.get(module), name, None)
