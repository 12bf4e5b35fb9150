"""Other libraries' calls, computed by Faltung: a program changes the import of these functions and nothing else.

    from faltung.compat import scipy_signal as signal

| module | stands in for | functions |
|---|---|---|
| `numpy` | `numpy` | convolve, correlate |
| `scipy_signal` | `scipy.signal` | convolve, correlate, fftconvolve, convolve2d, sepfir2d, and more |
| `scipy_linalg` | `scipy.linalg` | convolution_matrix |
| `scipy_ndimage` | `scipy.ndimage` | convolve, correlate, gaussian_filter, sobel, maximum_filter, and more |
| `astropy` | `astropy.convolution` | convolve, convolve_fft |

Names, signatures, defaults, dtypes and types of errors are theirs; integers wrap as theirs do. A module differs from
the engine by translation, and where its model's habit needs it, by calls named in the module; from its model it differs
where a function's docstring says so. `make test-outside` runs the other libraries' own tests on these functions.

Only these functions are replaced: for any other a module names its home, and the program keeps that import too.

A module is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from . import astropy, numpy, scipy_linalg, scipy_ndimage, scipy_signal

__all__ = ["astropy", "numpy", "scipy_linalg", "scipy_ndimage", "scipy_signal"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'faltung.compat' has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return __all__


def stand_in(home: str, names: list[str]) -> "tuple[Callable[[str], NoReturn], Callable[[], list[str]]]":
    """`__getattr__` and `__dir__` of a module that stands in for some functions of its model."""

    def absent(name: str) -> "NoReturn":
        raise AttributeError(
            f"{name!r} is not replaced by Faltung: take it from {home} as before; replaced are {', '.join(names)}"
        )

    return absent, lambda: names
