"""`numpy.convolve` and `numpy.correlate`, computed by Faltung.

As in NumPy, the longer array counts as the data, and narrow integers wrap. Different on purpose: float16 is summed in
float32, a masked array is refused (NumPy drops its mask), and so are dates and time differences.

Example:
    >>> from faltung.compat import numpy as np
    >>> np.convolve([1, 2, 3], [0, 1, 0.5], "same")
    array([1. , 2.5, 4. ])
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError, ShapeError
from ..reading import Mode
from ..spec import Array
from . import stand_in
from .folded import as_given, folded

__all__ = ["convolve", "correlate"]

if not TYPE_CHECKING:
    # a type checker would take every name for one of the module
    __getattr__, __dir__ = stand_in("numpy", __all__)

_MODES: tuple[Mode, ...] = ("valid", "same", "full")
"""By the numbers that NumPy takes for them."""


def convolve(a: Any, v: Any, mode: Mode | int = "full") -> Array:
    """The convolution of two sequences, as `numpy.convolve`.

    Args:
        a, v: (N,) and (M,), or single numbers; any number dtype.
        mode: "full" (N + M - 1 values), "same" (max(N, M)) or "valid" (whole overlaps), or NumPy's 2, 1, 0.

    Returns:
        A new array of `np.result_type(a, v)`.

    Raises:
        ShapeError (ValueError): an array is empty or has more than one axis.
        ParameterError (ValueError): the mode is none of these; TypeError if it is neither word nor number.

    Example:
        >>> convolve([1, 2, 3], [0, 1, 0.5])
        array([0. , 1. , 2.5, 4. , 1.5])
    """
    x, kernel = np.atleast_1d(as_given(a, "a")), np.atleast_1d(as_given(v, "v"))
    _check_lines(x, kernel)
    if len(kernel) > len(x):
        x, kernel = kernel, x
    return folded(x, kernel, _mode(mode))


def correlate(a: Any, v: Any, mode: Mode | int = "valid") -> Array:
    """The correlation of two sequences, as `numpy.correlate`: entry k is the sum over n of a[n + k] * conj(v[n]).

    Arguments, result and errors as in `convolve`; but single numbers are refused, and the default is "valid".

    Example:
        >>> correlate([1, 2, 3], [0, 1, 0.5], "full")
        array([0.5, 2. , 3.5, 3. , 0. ])
    """
    x, kernel = as_given(a, "a"), as_given(v, "v")
    if 0 in (x.ndim, kernel.ndim):
        raise ShapeError("an object of too small depth: a and v need one axis each, e.g. np.atleast_1d(v)")
    _check_lines(x, kernel)
    weights = kernel if kernel.dtype.kind in "biu" else np.conjugate(kernel)
    if len(weights) <= len(x):
        return folded(x, weights[::-1], _mode(mode))
    return folded(weights, x[::-1], _mode(mode))[::-1].copy()


def _check_lines(a: Array, v: Array) -> None:
    for name, array in (("a", a), ("v", v)):
        if array.ndim > 1:
            raise ShapeError(
                f"object too deep: {name} has shape {array.shape} and one axis is allowed; ravel it, or take "
                f"faltung.convolve with axes="
            )
        if array.size == 0:
            raise ShapeError(f"{name} cannot be empty: give it at least one number")


def _mode(mode: Mode | int) -> Mode:
    if isinstance(mode, (int, np.integer)) and not isinstance(mode, bool):
        if mode not in range(3):
            raise ParameterError(f'mode={mode}: "full", "same" or "valid" is expected, or 2, 1 or 0 for them')
        return _MODES[int(mode)]
    if not isinstance(mode, str):
        raise TypeError(f'mode={mode!r} is no word: "full", "same" or "valid" is expected')
    if mode not in _MODES:
        raise ParameterError(f'mode={mode!r}: "full", "same" or "valid" is expected')
    return mode
