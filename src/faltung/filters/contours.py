"""Canny's contours: thin lines along the edges of a picture, followed where they fade."""

from typing import Any

import numpy as np

from ..arguments import Axes, real
from ..boundary import Boundary
from ..errors import ParameterError
from ..spec import Array, Nan
from .derivatives import plane_axes, slopes
from .inputs import Sigmas, as_floats, takes_tensors_as_arrays
from .smoothing import gaussian


@takes_tensors_as_arrays
def canny(
    x: Any,
    *,
    sigma: Sigmas | None = 1.0,
    low: float | None = None,
    high: float | None = None,
    boundary: Boundary = "symmetric",
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """Find the contours of a picture as lines one pixel wide (up to two on exact diagonals).

    Blur, take Sobel's derivatives, keep the pixels whose slope is largest across the edge, and of these the chains
    that rise to `high` somewhere and never fall below `low`.

    Args:
        x: a picture, array or tensor, (height, width) or with more axes and `axes` given; real numbers. Lines have no
            gradient: a tensor that needs one is refused.
        sigma: standard deviation of the blur, in pixels; one number, or (down, right). None means no blur.
        low: least slope of a contour, in units of x per pixel; None means half of `high`.
        high: slope that starts a contour, in units of x per pixel; None means twice `low`, or a fifth of the steepest
            slope in x if that is not given either.
        boundary: what stands outside x, as in `convolve`.
        axes: the two axes (down, right) of the picture; None means x has just two. For a colour picture (height,
            width, 3) give (0, 1): every channel then has its own contours.
        nan: as in `edges`; no contour runs where the slope is NaN.

    Returns:
        bool, the shape of x. `skimage.feature.canny` and `cv2.Canny` count Sobel's sums, 8 times the slope: divide
        their thresholds by 8.

    Raises:
        ParameterError: thresholds that are negative, not finite, or low > high; sigma <= 0.
        ShapeError: the picture has not two axes.
        DtypeError: complex numbers, or no numbers at all; a tensor that needs a gradient.

    Source: Canny 1986, "A computational approach to edge detection", IEEE PAMI 8.

    Example:
        >>> import faltung as ft
        >>> step = np.tile([0.0, 0.0, 0.0, 4.0, 9.0, 9.0, 9.0], (4, 1))
        >>> ft.canny(step)[1].astype(int)
        array([0, 0, 0, 1, 0, 0, 0])
    """
    array = as_floats(x, "biuf", nan=nan)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    positions = plane_axes(axes, array.ndim)
    if sigma is not None:
        array = gaussian(array, sigma, boundary=boundary, axes=positions, nan=nan)
        nan = "propagate"
    vector = slopes(array, "sobel", positions, "unit", boundary, nan)
    down, right = (np.moveaxis(part, positions, (-2, -1)) for part in vector)
    slope = np.hypot(down, right)
    least, start = _thresholds(low, high, slope)
    ridge = _ridge(down, right, slope, least)
    lines = _follow(ridge, ridge & (slope >= start))
    return np.ascontiguousarray(np.moveaxis(lines, (-2, -1), positions))


def _thresholds(low: float | None, high: float | None, slope: Array) -> tuple[float, float]:
    given = [real(name, value) for name, value in (("low", low), ("high", high)) if value is not None]
    if any(value < 0 for value in given):
        raise ParameterError(f"low={low}, high={high}: slopes are >= 0")
    if high is None:
        steepest = float(np.max(slope, initial=0.0, where=np.isfinite(slope)))
        high = 2 * given[0] if given else steepest / 5
    if low is None:
        low = high / 2
    if low > high:
        raise ParameterError(f"low={low:g} is above high={high:g}: exchange them, or leave one out")
    return float(low), float(high)


def _ridge(down: Array, right: Array, slope: Array, least: float) -> Array:
    """Where the slope is at least `least` and not below its two neighbours along the edge vector.

    The vector points between two of the eight pixels around: a straight neighbour and a diagonal one, whose slopes are
    interpolated. Of two equal pixels side by side the first is kept, so a line stays one pixel wide.
    """
    candidates = (slope >= least) & (slope > 0)
    at = np.nonzero(candidates)
    row = slope.shape[-1] + 2
    around = np.zeros((*slope.shape[:-2], slope.shape[-2] + 2, row), slope.dtype)
    around[..., 1:-1, 1:-1] = slope
    here = np.ravel_multi_index((*at[:-2], at[-2] + 1, at[-1] + 1), around.shape)
    around = around.reshape(-1)
    height, width = np.abs(down[at]), np.abs(right[at])
    # steps for a vector turned to point right; its opposite has the same two neighbours
    vertical = np.where((down[at] >= 0) == (right[at] >= 0), row, -row)
    straight = np.where(height > width, vertical, 1)
    # infinite slopes make NaN here, and NaN is no ridge
    with np.errstate(invalid="ignore"):
        share = np.minimum(height, width) / np.maximum(height, width)
        ahead, behind = (
            _between(around[here + sign * straight], around[here + sign * (vertical + 1)], share) for sign in (1, -1)
        )
    ridge = np.zeros(slope.shape, bool)
    ridge[at] = (around[here] >= ahead) & (around[here] > behind)
    return ridge


def _between(a: Array, b: Array, share: Array) -> Array:
    """Interpolated so that equal values give exactly that value."""
    return a + share * (b - a)


def _follow(ridge: Array, start: Array) -> Array:
    """The chains of touching pixels that hold a start."""
    from scipy.ndimage import label

    touching = np.zeros((3,) * ridge.ndim, bool)
    touching[(1,) * (ridge.ndim - 2)] = True
    chains, num_chains = label(ridge, touching)
    kept = np.zeros(num_chains + 1, bool)
    kept[chains[start]] = True
    return kept[chains]
