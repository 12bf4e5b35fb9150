"""Means over what is there, as astropy interpolates: sum of kernel times x over the sum of the kernel, signs and all.

Faltung's own `nan="omit"` scales by the sizes of the weights. For weights of one sign both are the same; for others the
sum of the weights that are there is one more call of the engine.
"""

import numpy as np

from ..boundary import Boundary
from ..door import convolve
from ..reading import Padding
from ..spec import Array, default_rtol


def mean_of_what_is_there(x: Array, kernel: Array, *, boundary: Boundary, padding: Padding) -> tuple[Array, Array]:
    """The kernel's means over the samples that are there, and the share of the kernel that they meet.

    Args:
        x: float or complex; NaN where a sample is missing.
        kernel: finite; its sum is not 0.
        boundary: "ignore" where what is outside is missing too.

    Returns:
        The means, and the shares: the sum of the weights that meet a sample over the sum of all, its real part. Where
        a share is 0 there is no mean, and what stands there means nothing.
    """
    total, size = kernel.sum(), np.abs(kernel).sum()
    scaled, share = convolve(x, kernel, boundary=boundary, padding=padding, nan="omit", return_weights=True)
    if kernel.dtype.kind != "c" and ((kernel >= 0).all() or (kernel <= 0).all()):
        return scaled / total, share
    outside: Boundary = "zero" if boundary == "ignore" else boundary
    if isinstance(boundary, tuple):
        outside = ("constant", 1.0)
    # by the definition: sums of few weights among many would drown in the rounding errors of a transform
    met = convolve((~np.isnan(x)).astype(x.real.dtype), kernel, boundary=outside, padding=padding, method="direct")
    met = np.where(share == 1, total, met)
    # weights that cancel leave a rest in the last digits, which is no weight
    rest = default_rtol(x.real.dtype, kernel.size) * size * share
    met = np.where(np.abs(met) <= rest, 0, met)
    shares = (met / total).real
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return scaled * share / total / shares, shares
