"""Kernels by formula: smoothing windows, derivatives, blobs, waves.

Every function returns a new array and takes `dtype=` (float64 unless said): give `dtype=x.dtype` to keep a float32
signal in float32, or `dtype=int` where the weights are whole numbers. What the weights sum to is said in each
docstring. A length below 1, a sigma that is not above 0, a dtype that cannot hold the weights and the like raise
`ParameterError` or `DtypeError`, which name the cure.

Kernels that are not symmetric (derivatives, `gabor`, `tophat` with a start) are printed as `correlate` lays them on
the data: `correlate(x, sobel())` is positive where x rises. `convolve` flips them: the sign of a derivative turns.

In pictures the axes are (y, x): axis 0 runs down, axis 1 (-1) to the right, and angles turn from right to down.
"""

from .formulas import (
    binomial,
    box,
    delta,
    disk,
    gabor,
    gaussian,
    gaussian_derivative,
    hann,
    laplacian,
    log,
    motion,
    prewitt,
    scharr,
    scharr_complex,
    sharpen,
    sobel,
    tophat,
    triangle,
)
from .words import named, names, usage

__all__ = [
    "binomial",
    "box",
    "delta",
    "disk",
    "gabor",
    "gaussian",
    "gaussian_derivative",
    "hann",
    "laplacian",
    "log",
    "motion",
    "named",
    "names",
    "prewitt",
    "scharr",
    "scharr_complex",
    "sharpen",
    "sobel",
    "tophat",
    "triangle",
    "usage",
]
