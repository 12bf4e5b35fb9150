"""Smoothing: averages whose weights sum to 1, so that a constant stays constant."""

from typing import Any

import numpy as np

from ..arguments import Axes, parse_axes
from ..arrays import as_array, is_tensor
from ..boundary import Boundary
from ..door import convolve
from ..errors import DtypeError, ParameterError, ShapeError
from ..spec import Array, Nan
from . import kernels
from .inputs import Lengths, Sigmas, as_floats, odd_lengths, parse_sigmas, rounded, takes_tensors, weights_dtype
from .passes import correlate_lines


@takes_tensors
def smooth(
    x: Any, kernel: Any, *, boundary: Boundary = "symmetric", axes: Axes = None, nan: Nan = "propagate"
) -> Array:
    """Smooth x with a kernel, scaled so that its weights sum to 1.

    Args:
        x: array or tensor of any shape, in samples; integers up to 16 bits are computed and returned in float32, wider
            ones in float64.
        kernel: a name as in `kernels.named`, e.g. "hann:50"; or weights with as many axes as are smoothed; or 1-D
            weights, which are applied along each of the axes. Only their proportions count.
        boundary: what stands outside x, as in `convolve`.
        axes: the axes to smooth; None means all. For a colour picture (height, width, 3) give (0, 1).
        nan: NaN in x: "propagate" (default), "omit" or "error", as in `convolve`. With "omit" the mean is that of the
            samples that are there; one mostly wants boundary="ignore" too.

    Returns:
        Same shape as x: `convolve(x, kernel / kernel.sum(), mode="same")`, so an even kernel sits half a sample to
        the right of its middle. For the longer result of mode="full" call `convolve`.

    Raises:
        ParameterError: the weights sum to 0 (a derivative) or are not finite.
        ShapeError, DtypeError, BoundaryError, MissingData: what was given does not fit; the message says the cure.

    Example:
        >>> import faltung as ft
        >>> ft.smooth([0.0, 0.0, 4.0, 0.0, 0.0], [1, 2, 1])
        array([0., 1., 2., 1., 0.])
    """
    if is_tensor(kernel) and not is_tensor(x):
        from .tensors import tensor_like

        return smooth(tensor_like(as_floats(x, nan=nan), kernel), kernel, boundary=boundary, axes=axes, nan=nan)
    array = as_floats(x, nan=nan)
    positions = parse_axes(axes, array.ndim)
    num = len(positions)
    weights = _weights(kernel, num, array)
    if weights.ndim == 1 < num:
        return rounded(correlate_lines(array, [weights] * num, positions, boundary, nan), array)
    if weights.ndim != num:
        raise ShapeError(
            f"the kernel has {weights.ndim} axes and {num} axes of x are smoothed: give weights with 1 axis or {num}, "
            f"or name the axes to smooth, e.g. axes={tuple(range(-weights.ndim, 0))}"
        )
    return convolve(array, weights, mode="same", boundary=boundary, axes=positions, dtype=array.dtype, nan=nan)


@takes_tensors
def gaussian(
    x: Any,
    sigma: Sigmas,
    *,
    boundary: Boundary = "symmetric",
    truncate: float = 4.0,
    axes: Axes = None,
    nan: Nan = "propagate",
) -> Array:
    """Blur x with a Gaussian.

    Args:
        x: array or tensor of any shape, in samples; integers up to 16 bits are computed and returned in float32, wider
            ones in float64.
        sigma: standard deviation in pixels, > 0; one number, or one per axis of `axes`.
        boundary: what stands outside x, as in `convolve`.
        truncate: where the weights are cut off, in sigmas.
        axes: the axes to blur; None means all. For a colour picture (height, width, 3) give (0, 1).
        nan: NaN in x: "propagate" (default), "omit" or "error", as in `convolve`. With "omit" the mean is that of the
            samples that are there; one mostly wants boundary="ignore" too.

    Returns:
        Same shape as x. The weights sum to 1, so a constant stays constant.

    Raises:
        ParameterError: sigma <= 0 or not finite. For no blur take x itself, or leave the axis out of `axes`.
        ShapeError, DtypeError, BoundaryError, MissingData: what was given does not fit; the message says the cure.

    Source: Getreuer 2013, "A Survey of Gaussian Convolution Algorithms", IPOL 3.

    Example:
        >>> import faltung as ft
        >>> ft.gaussian([0.0, 0.0, 1.0, 0.0, 0.0], 0.5).round(3)
        array([0.   , 0.106, 0.787, 0.106, 0.   ])
    """
    array = as_floats(x, nan=nan)
    positions = parse_axes(axes, array.ndim)
    sigmas = parse_sigmas(sigma, len(positions))
    dtype = weights_dtype(array)
    # most pictures are blurred alike along all axes
    made = {s: kernels.gaussian(s, truncate=truncate, dtype=dtype) for s in set(sigmas)}
    lines = [made[s] for s in sigmas]
    return rounded(correlate_lines(array, lines, positions, boundary, nan), array)


@takes_tensors
def box(x: Any, size: Lengths, *, boundary: Boundary = "symmetric", axes: Axes = None, nan: Nan = "propagate") -> Array:
    """Replace every sample by the mean of the window around it.

    Args:
        x: array or tensor of any shape, in samples; integers up to 16 bits are computed and returned in float32, wider
            ones in float64.
        size: length of the window in samples, odd; one number, or one per axis of `axes`.
        boundary: what stands outside x, as in `convolve`.
        axes: the axes to average along; None means all. For a colour picture (height, width, 3) give (0, 1).
        nan: NaN in x: "propagate" (default), "omit" or "error", as in `convolve`. With "omit" the mean is that of the
            samples that are there; one mostly wants boundary="ignore" too.

    Returns:
        Same shape as x.

    Raises:
        ParameterError: an even or empty window.
        ShapeError, DtypeError, BoundaryError, MissingData: what was given does not fit; the message says the cure.

    Example:
        >>> import faltung as ft
        >>> ft.box([0.0, 3.0, 6.0, 9.0], 3)
        array([1., 3., 6., 8.])
    """
    array = as_floats(x, nan=nan)
    positions = parse_axes(axes, array.ndim)
    cure = "accept that with smooth(x, kernels.box(size))"
    lengths = odd_lengths("size", size, len(positions), cure)
    dtype = weights_dtype(array)
    lines = [kernels.box(k, dtype=dtype) for k in lengths]
    return rounded(correlate_lines(array, lines, positions, boundary, nan), array)


def _weights(kernel: Any, num_axes: int, x: Array) -> Array:
    """A kernel of weights that sum to 1, to meet x; one line for several axes flipped, as correlate_lines does not.

    So both lean to the same side for an even kernel.
    """
    if is_tensor(kernel):
        from .tensors import normalised

        return normalised(kernel, x, num_axes, _normalised)
    return share_weights(kernel, num_axes, weights_dtype(x))


def share_weights(kernel: Any, num_axes: int, dtype: np.dtype[Any]) -> Array:
    """See `_weights`."""
    weights = kernels.named(kernel, ndim=num_axes) if isinstance(kernel, str) else as_array(kernel, "kernel")
    shares = _normalised(weights)
    return (shares[::-1] if shares.ndim == 1 < num_axes else shares).astype(dtype)


def _normalised(weights: Array) -> Array:
    """The weights in float64 or longer, divided by their sum."""
    if weights.dtype.kind not in "biuf":
        raise DtypeError(
            f"the kernel has dtype {weights.dtype}: smoothing takes real weights; for others call convolve"
        )
    if not weights.size:
        raise ShapeError(f"the kernel is empty, its shape is {weights.shape}: it needs at least one weight")
    weights = weights.astype(np.result_type(weights.dtype, np.float64))
    total, size = weights.sum(), np.abs(weights).sum()
    if not np.isfinite(size):
        raise ParameterError("the kernel holds NaN or infinite weights, or their sum is infinite: give finite ones")
    if abs(total) <= size * weights.size * np.finfo(weights.dtype).eps:
        raise ParameterError(
            f"the weights sum to {total:.3g}, which cannot be scaled to 1: smoothing needs a kernel such as "
            f'"gaussian:2"; for a derivative call convolve or correlate'
        )
    return weights / total
