"""What a caller may hand in as an array, and what it becomes."""

import sys
from numbers import Number
from typing import Any

import numpy as np

from .errors import DtypeError
from .spec import Array


def is_tensor(data: Any) -> bool:
    """Whether this is a tensor of torch, which is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.Tensor)


def as_array(data: Any, name: str) -> Array:
    """`data` as a plain NumPy array in this machine's byte order; copied only if it must be.

    Raises:
        DtypeError: a masked array (its mask would be lost), a tensor of another library, or not numbers at all.
    """
    if type(data) is not np.ndarray:
        _refuse_foreign(data, name)
        try:
            data = np.asarray(data)
        except ValueError as error:
            raise DtypeError(f"{name} is ragged: its rows differ in length; give an array or a nested list") from error
        if data.dtype.kind == "O" and data.ndim == 0 and not isinstance(data.item(), Number):
            raise DtypeError(
                f"{name} is a {type(data.item()).__name__}, which NumPy cannot read as an array: give an array of "
                f"numbers, e.g. np.array(list(...)) for an iterator, .toarray() for a sparse matrix"
            )
    if not data.dtype.isnative:
        data = data.astype(data.dtype.newbyteorder("="))
    return data


def as_kernel(kernel: Any, x: Array) -> Array:
    """Like `as_array`; lists and plain numbers take x's dtype where x is inexact, as in arithmetic with them."""
    plain = isinstance(kernel, (list, tuple, int, float, complex)) and not _holds_arrays(kernel)
    array = as_array(kernel, "kernel")
    if plain and x.dtype.kind in "fc" and array.dtype.kind in "biufc":
        wanted = np.result_type(x.dtype, np.complex64) if array.dtype.kind == "c" else x.dtype
        with np.errstate(over="ignore"):
            narrow = array.astype(wanted)
        if not np.array_equal(np.isfinite(narrow), np.isfinite(array)):
            raise DtypeError(
                f"the kernel's largest weight {np.abs(array).max()} is beyond {wanted}, the dtype of x, which lists "
                f"take: give the kernel as an array of a wider dtype"
            )
        array = narrow
    return array


def _holds_arrays(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(_holds_arrays(entry) for entry in data)
    return isinstance(data, (np.ndarray, np.generic))


def _refuse_foreign(data: Any, name: str) -> None:
    if isinstance(data, np.ma.MaskedArray):
        raise DtypeError(
            f"{name} is a masked array and its mask would be lost: fill it, e.g. {name}.filled(0), and say what is "
            f"missing by weights=~np.ma.getmaskarray({name})"
        )
    if data is None or isinstance(data, (str, bytes, dict, set)):
        raise DtypeError(f"{name} is a {type(data).__name__}: an array, a list or a number is expected")
    library = type(data).__module__.partition(".")[0]
    if library == "torch":
        raise DtypeError(f"{name} is a torch tensor: give {name}.detach().cpu().numpy()")
    if library == "dask":
        raise DtypeError(f"{name} is a dask array: give {name}.compute(), or map_overlap over its chunks")
