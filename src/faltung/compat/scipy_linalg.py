"""`scipy.linalg.convolution_matrix`, its windows cut from one padded row of weights.

Example:
    >>> from faltung.compat import scipy_linalg as linalg
    >>> linalg.convolution_matrix([1, 2], 2)
    array([[1, 0],
           [2, 1],
           [0, 2]])
"""

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError, ShapeError
from ..reading import Mode
from ..spec import Array
from . import stand_in
from .folded import as_given

__all__ = ["convolution_matrix"]

if not TYPE_CHECKING:
    # a type checker would take every name for one of the module
    __getattr__, __dir__ = stand_in("scipy.linalg", __all__)


def convolution_matrix(a: Any, n: int, mode: Mode = "full") -> Array:
    """The matrix A with `A @ v == numpy.convolve(a, v, mode)` for every v of length n, as SciPy's.

    Args:
        a: (..., m), of any dtype; all but the last axis are a batch.
        n: number of columns, > 0.
        mode: "full" (m + n - 1 rows), "same" (max(m, n)) or "valid" (max(m, n) - min(m, n) + 1).

    Returns:
        (..., rows, n), a new array of a's dtype.

    Raises:
        ShapeError, ParameterError (both ValueError): a is empty or has no axis, n is not positive, the mode is unknown.

    Example:
        >>> convolution_matrix([1, 2, 3], 3, "same")
        array([[2, 1, 0],
               [3, 2, 1],
               [0, 3, 2]])
    """
    columns = operator.index(n)
    if columns <= 0:
        raise ParameterError(f"n must be a positive integer, not {n}")
    weights = np.atleast_1d(as_given(a, "a"))
    taps = weights.shape[-1]
    if weights.size == 0:
        raise ShapeError("len(a) must be at least 1: an empty array has no convolution")
    if mode not in ("full", "valid", "same"):
        raise ParameterError(f"mode={mode!r} must be one of 'full', 'valid', 'same'")
    total, longer, shorter = taps + columns - 1, max(taps, columns), min(taps, columns)
    num_rows = {"full": total, "same": longer, "valid": longer - shorter + 1}[mode]
    first = (total - num_rows) // 2
    outside = np.zeros((*weights.shape[:-1], columns - 1), weights.dtype)
    padded = np.concatenate([outside, weights, outside], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, columns, axis=-1)
    return windows[..., first : first + num_rows, ::-1].copy()
