"""Derivatives by differences: gradient, Sobel, Scharr, Prewitt, Laplacian, and edges as strength and direction.

The difference along one axis is taken first, in a call of its own, and the smoothing across it second. So a flat
region gives exactly zero, whatever its value and whichever algorithm the engine takes: differences of equal numbers
are 0, but a 3x3 sum in floats may leave a rest in the last digit, whose direction is noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import iadd
from typing import Any, Literal

import numpy as np

from ..arguments import Axes, check_choice, parse_axes, parse_axis
from ..boundary import Boundary
from ..errors import ShapeError
from ..spec import Array, Nan
from . import kernels
from .inputs import Sigmas, as_floats, check_differences, parse_sigmas, rounded, takes_tensors, weights_dtype
from .kernels.formulas import PREWITT, SCHARR, SOBEL
from .passes import ONE, boundary_per_axis, correlate_lines
from .smoothing import gaussian

Scale = Literal["kernel", "unit"]
Operator = Literal["sobel", "scharr", "prewitt", "central"]

ACROSS: dict[str, tuple[float, ...]] = {
    "sobel": SOBEL,
    "scharr": SCHARR,
    "prewitt": PREWITT,
    "central": (1.0,),
}
"""Operator -> its weights across the difference (-1, 0, 1)."""


@takes_tensors
def gradient(
    x: Any,
    *,
    scale: Scale = "unit",
    boundary: Boundary = "symmetric",
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """The slope along every axis, by central differences.

    Args:
        x: array or tensor of any shape, in samples; integers up to 16 bits are computed and returned in float32, wider
            ones in float64.
        scale: "unit" for the derivative, (f(t + 1) - f(t - 1)) / 2; "kernel" for the plain difference
            f(t + 1) - f(t - 1), which is 2 per unit slope.
        boundary: what stands outside x, as in `convolve`.
        axes: the axes to differentiate; None means all. For a colour picture (height, width, 3) give (0, 1).
        nan: NaN in x: "propagate" (default) or "error", as in `convolve`.

    Returns:
        One array for all, shape (number of axes, *x.shape): `gy, gx = gradient(picture)`.

    Raises:
        ShapeError, DtypeError, ParameterError, BoundaryError: what was given does not fit; the message says the cure.

    Example:
        >>> import faltung as ft
        >>> ft.gradient([0.0, 1.0, 4.0, 9.0], scale="kernel")
        array([[1., 4., 8., 5.]])
    """
    array = as_floats(x, nan=nan)
    return slopes(array, "central", parse_axes(axes, array.ndim), scale, boundary, nan)


@takes_tensors
def sobel(
    x: Any,
    axis: int | None = None,
    *,
    scale: Scale = "kernel",
    boundary: Boundary = "symmetric",
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """Edges by Sobel's kernels, (-1, 0, 1) along an axis and (1, 2, 1) across.

    Args:
        x: array or tensor of any shape, in samples; integers up to 16 bits are computed and returned in float32, wider
            ones in float64.
        axis: None for the strength of the edge, the root of the sum of squares over all axes; a number for the signed
            derivative along that axis, positive where x rises.
        scale: "kernel" for the weights as printed, 2 * 4**(n - 1) per unit slope in n axes (8 in a picture); "unit"
            for the derivative, 1 per unit slope.
        boundary: what stands outside x, as in `convolve`.
        axes: the axes that belong to the picture; None means all. For a colour picture (height, width, 3) give (0, 1).
        nan: NaN in x: "propagate" (default) or "error", as in `convolve`.

    Returns:
        Same shape as x. A flat region gives exactly 0; of a tensor the gradient of a strength of 0 is 0.

    Raises:
        ShapeError: `axis` is not one of `axes`.
        DtypeError, ParameterError, BoundaryError: what was given does not fit; the message says the cure.

    Source: Sobel and Feldman 1968, "A 3x3 isotropic gradient operator for image processing".

    Example:
        >>> import faltung as ft
        >>> ramp = np.tile(np.arange(5.0), (3, 1))
        >>> ft.sobel(ramp, axis=1)[1]
        array([4., 8., 8., 8., 4.])
        >>> ft.sobel(ramp, scale="unit")[1]
        array([0.5, 1. , 1. , 1. , 0.5])
    """
    return _edge_strength(x, "sobel", axis, scale, boundary, axes, nan)


@takes_tensors
def scharr(
    x: Any,
    axis: int | None = None,
    *,
    scale: Scale = "kernel",
    boundary: Boundary = "symmetric",
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """Edges by Scharr's kernels: as `sobel` with (3, 10, 3) across, whose direction errs least under rotation.

    Arguments as in `sobel`; with scale="kernel" a unit slope gives 2 * 16**(n - 1) in n axes, 32 in a picture.

    Source: Scharr 2000, "Optimal operators in digital image processing", thesis, Heidelberg.

    Example:
        >>> import faltung as ft
        >>> ft.scharr(np.tile(np.arange(5.0), (3, 1)))[1]
        array([16., 32., 32., 32., 16.])
    """
    return _edge_strength(x, "scharr", axis, scale, boundary, axes, nan)


@takes_tensors
def prewitt(
    x: Any,
    axis: int | None = None,
    *,
    scale: Scale = "kernel",
    boundary: Boundary = "symmetric",
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """Edges by Prewitt's kernels: as `sobel` with (1, 1, 1) across.

    Arguments as in `sobel`; with scale="kernel" a unit slope gives 2 * 3**(n - 1) in n axes, 6 in a picture.

    Source: Prewitt 1970, "Object enhancement and extraction", Picture Processing and Psychopictorics.

    Example:
        >>> import faltung as ft
        >>> ft.prewitt(np.tile(np.arange(5.0), (3, 1)))[1]
        array([3., 6., 6., 6., 3.])
    """
    return _edge_strength(x, "prewitt", axis, scale, boundary, axes, nan)


@takes_tensors
def laplacian(
    x: Any,
    sigma: Sigmas | None = None,
    *,
    boundary: Boundary = "symmetric",
    truncate: float = 4.0,
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """Sum of the second derivatives along all axes: negative on bright spots, zero on slopes, sign change at edges.

    Args:
        x: array or tensor of any shape, in samples; integers up to 16 bits are computed and returned in float32, wider
            ones in float64.
        sigma: None for plain second differences (1, -2, 1); a number > 0, or one per axis, in pixels, for the
            Laplacian of a Gaussian.
        boundary: what stands outside x, as in `convolve`.
        truncate: where the Gaussian is cut off, in sigmas.
        axes: the axes to differentiate; None means all. For a colour picture (height, width, 3) give (0, 1).
        nan: NaN in x: "propagate" (default) or "error", as in `convolve`.

    Returns:
        Same shape as x. t**2 / 2 along one axis gives 1, a flat region exactly 0 without sigma.

    Raises:
        ParameterError: sigma <= 0 or not finite.
        ShapeError, DtypeError, BoundaryError: what was given does not fit; the message says the cure.

    Source: Marr and Hildreth 1980, "Theory of edge detection", Proc. R. Soc. B 207.

    Example:
        >>> import faltung as ft
        >>> ft.laplacian([0.0, 1.0, 4.0, 9.0, 16.0])
        array([ 1.,  2.,  2.,  2., -7.])
    """
    array = as_floats(x, nan=nan)
    positions = parse_axes(axes, array.ndim)
    dtype = weights_dtype(array)
    check_differences(nan)
    if sigma is None:
        line = np.array([1, -2, 1], dtype)
        terms = [
            correlate_lines(array, [line if p == along else ONE for p in positions], positions, boundary, nan)
            for along in positions
        ]
        return rounded(_sum(terms), array)
    sigmas = parse_sigmas(sigma, len(positions))
    bells = [kernels.gaussian(s, truncate=truncate, dtype=dtype) for s in sigmas]
    terms = []
    for i, s in enumerate(sigmas):
        curved = kernels.gaussian_derivative(s, order=2, truncate=truncate, dtype=dtype)
        terms.append(correlate_lines(array, [*bells[:i], curved, *bells[i + 1 :]], positions, boundary, nan))
    return rounded(_sum(terms), array)


def _sum(terms: list[Array]) -> Array:
    return reduce(iadd, terms)


@dataclass(frozen=True, eq=False)
class Edges:
    """Where a picture changes, how much, and which way.

    Attributes:
        magnitude: strength of the edge, >= 0; shape of the picture.
        direction: angle of the edge vector in radians, -pi to pi: 0 to the right, pi / 2 down. The vector points from
            dark to bright, across the edge. Where the picture is flat the vector is zero and so is the angle.
        vector: the edge vector itself, (down, right); shape (2, *picture).
    """

    magnitude: Array
    direction: Array
    vector: Array


@takes_tensors
def edges(
    x: Any,
    *,
    operator: Operator = "sobel",
    sigma: Sigmas | None = None,
    scale: Scale = "kernel",
    boundary: Boundary = "symmetric",
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Edges:
    """Find edges: their strength and direction at every pixel.

    Args:
        x: a picture, array or tensor, (height, width) or with more axes and `axes` given; real. Integers up to 16 bits
            are computed and returned in float32, wider ones in float64.
        operator: which differences: "sobel", "scharr", "prewitt", or "central" for (-1, 0, 1) alone.
        sigma: blur with this Gaussian first, in pixels: differences amplify noise. None means no blur.
        scale: "kernel" for the weights as printed (8 per unit slope for Sobel), "unit" for 1 per unit slope.
        boundary: what stands outside x, as in `convolve`.
        axes: the two axes (down, right) of the picture; None means x has just two. For a colour picture (height,
            width, 3) give (0, 1): every channel then has its own edges.
        nan: NaN in x: "propagate" (default) or "error", as in `convolve`; with sigma also "omit": the blur closes the
            gaps.

    Returns:
        `Edges` with `magnitude`, `direction` and `vector`; of a tensor, the gradients of the first two are 0 where the
        vector is 0.

    Raises:
        ShapeError: the picture has not two axes.
        DtypeError: complex numbers, which have no dark and bright.
        ParameterError, BoundaryError: what was given does not fit; the message says the cure.

    Example:
        >>> import faltung as ft
        >>> step = np.tile([0.0, 0.0, 1.0, 1.0], (3, 1))
        >>> found = ft.edges(step)
        >>> found.magnitude[1], found.direction[1]
        (array([0., 4., 4., 0.]), array([0., 0., 0., 0.]))
    """
    array = as_floats(x, "biuf", nan=nan)
    check_choice("operator", operator, tuple(ACROSS))
    positions = plane_axes(axes, array.ndim)
    if sigma is not None:
        array = gaussian(array, sigma, boundary=boundary, axes=positions, nan=nan)
        # what is still missing has no sample near
        nan = "propagate"
    # + 0.0 turns -0.0 into 0.0: the angle of (0, -0.0) would be pi
    vector = slopes(array, operator, positions, scale, boundary, nan) + 0.0
    down, right = vector
    if not isinstance(vector, np.ndarray):
        from .tensors import angle, length

        return Edges(length(vector), angle(down, right), vector)
    return Edges(np.hypot(down, right), np.arctan2(down, right), vector)


def plane_axes(axes: Axes, ndim: int) -> tuple[int, int]:
    """The two axes of a picture, (down, right)."""
    positions = parse_axes(axes, ndim)
    if len(positions) != 2:
        raise ShapeError(
            f"a picture has two axes, got {len(positions)} of x with {ndim}: name them, e.g. axes=(0, 1) for "
            f"(height, width, channels)"
        )
    return positions[0], positions[1]


def slopes(array: Array, operator: str, positions: Sequence[int], scale: Scale, boundary: Boundary, nan: Nan) -> Array:
    """All slopes, stacked in front."""
    if not isinstance(array, np.ndarray):
        from .tensors import stacked

        return stacked([_slope(array, operator, positions, along, scale, boundary, nan) for along in positions])
    out = np.empty((len(positions), *array.shape), array.dtype)
    for i, along in enumerate(positions):
        out[i] = _slope(array, operator, positions, along, scale, boundary, nan)
    return out


def _edge_strength(
    x: Any, operator: str, axis: int | None, scale: Scale, boundary: Boundary, axes: Axes, nan: Nan
) -> Array:
    """The signed slope along one axis, or the length of the vector of all slopes."""
    array = as_floats(x, nan=nan)
    positions = parse_axes(axes, array.ndim)
    if axis is not None:
        along = parse_axis("axis", axis, array.ndim)
        if along not in positions:
            raise ShapeError(f"axis={axis} is not among axes={axes!r}: add it there, or take one of them")
        return _slope(array, operator, positions, along, scale, boundary, nan)
    found = slopes(array, operator, positions, scale, boundary, nan)
    if not isinstance(found, np.ndarray):
        from .tensors import length

        return length(found)
    parts = np.abs(found)
    return parts[0] if len(parts) == 1 else reduce(lambda a, b: np.hypot(a, b, out=a), parts[1:], parts[0])


def _slope(
    array: Array, operator: str, positions: Sequence[int], along: int, scale: Scale, boundary: Boundary, nan: Nan
) -> Array:
    """Difference along one axis, then smoothing across it along the other filtered axes."""
    check_choice("scale", scale, ("kernel", "unit"))
    check_differences(nan)
    dtype = weights_dtype(array)
    across = np.array(ACROSS[operator])
    # whole weights in the difference: its products are exact, so equal samples cancel to 0
    difference = np.array([-1, 0, 1], dtype)
    y = correlate_lines(array, [difference if p == along else ONE for p in positions], positions, boundary, nan)
    if len(across) > 1 and len(positions) > 1:
        line = (across / across.sum() if scale == "unit" else across).astype(dtype)
        outside = [_differenced(entry) for entry in boundary_per_axis(boundary, len(positions))]
        y = correlate_lines(y, [ONE if p == along else line for p in positions], positions, outside)
    if scale == "unit":
        y *= 0.5
    return rounded(y, array)


def _differenced(entry: Any) -> Any:
    """What the difference makes of the values outside another axis: of a constant, nothing."""
    if not isinstance(entry, tuple):
        return entry
    return "zero" if entry[0] == "constant" else tuple(_differenced(side) for side in entry)
