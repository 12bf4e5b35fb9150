"""scipy.ndimage's filters, computed by Faltung: same names, signatures, output dtypes and errors as SciPy 1.17.

    import faltung.compat.scipy_ndimage as ndimage

Arguments are scipy.ndimage's and read in its documentation. Its boundaries have other names here:

| scipy.ndimage | NumPy and Faltung |
|---|---|
| reflect, grid-mirror | symmetric |
| mirror | reflect |
| nearest | edge |
| wrap, grid-wrap | wrap |
| constant, grid-constant | constant |

Results are scipy.ndimage's: in the dtype of the input, or of `output=`; floats are summed in double and agree to
rounding; for integers every pass is cast as C does it, cut off towards zero and modulo 2**n. What differs, on purpose:

- *Integers are exact.* scipy.ndimage computes in double and loses digits above 2**53, in sums, means and extremes.
- *A whole number stays whole.* Where fractional weights meet an integer output, a sum that its error bound does not
  tell from a whole number counts as that number. Under a Gaussian a flat region of 200 stays 200; scipy.ndimage gives
  199 for about one level and sigma in five, by the last digit of the sum.
- *Modulo 2**n, always.* C leaves the cast of a double beyond the dtype undefined. scipy.ndimage wraps dtypes of 8 and
  16 bits within the range of int32, and gives the least number in int32 and int64; here all wrap.
- *No NaN in integers.* NaN or infinity for an integer or bool output raises `IntegerOverflow`; there, an arbitrary
  number.
- *bool is True or False.* scipy.ndimage leaves the sum modulo 256 in the byte: 256 hits are False there, True here, and
  2 is True with a byte of 2.
- *NaN stays in its windows.* The running sums and queues of `uniform_filter` and the extremes carry it along the line.
- *Small weights count.* N-D kernels drop weights up to 2.2e-16 there, and weights that are NaN; 1-D kernels that small
  count as symmetric. In N-D kernels NaN and infinity under a weight of 0 do not count, here as there.
- *`cval` and heights count in full* in extremes. Under a footprint scipy.ndimage turns `cval` into the input's dtype,
  infinity into 0, and so most heights of a `structure`.
- *No window is too long.* In mode "reflect" the N-D kernels of SciPy 1.17 read other memory where a kernel reaches
  four lengths of an axis before it, or further.
- *In place is safe.* `output=input` gives the right result in all filters, also in `laplace` and
  `gaussian_gradient_magnitude` and their relatives, which read what they have overwritten there.
- *A masked array is refused*: its mask would be lost. A structure of another shape than its footprint is refused,
  where memory beyond it would be read.
- *Axes that do not exist are refused* also as a single number in `axes=`, and an iterator of axes is read to its end.

Errors are Faltung's, each also the builtin that scipy.ndimage raises. Where it leaves strange things as they are, so
does this module: `gaussian_gradient_magnitude(axes=)` smooths along all axes, and the axes of an N-D kernel follow the
order of the input, whatever order `axes=` names.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import Axes, PerAxis
from ..errors import ParameterError
from ..filters.inputs import Sigmas
from ..filters.kernels.formulas import bell
from ..spec import Array
from . import stand_in
from .ndimage_extremes import lie_along, line_extreme, window_extreme
from .ndimage_sums import INT64, Line, Windows, mean_lines, weigh, weigh_lines
from .ndimage_words import (
    FilterError,
    ZeroSigma,
    check_origin,
    check_size,
    mirrored,
    one_per_axis,
    parse_axes,
    parse_axis,
    parse_input,
    parse_order,
    parse_output,
    parse_radius,
    refuse_mode_sequence,
)

Modes = str | Sequence[str]
"""A mode for all axes, or one each."""

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "grey_dilation",
    "grey_erosion",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "minimum_filter",
    "minimum_filter1d",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]

if not TYPE_CHECKING:
    # a type checker would take every name for one of the module
    __getattr__, __dir__ = stand_in("scipy.ndimage", __all__)


def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Convolve with an N-D kernel; an even one reaches one sample further right than in `faltung.convolve`.

    Args:
        input: any shape; bool, integers, float32, float64, or complex of the two.
        weights: as many axes as input, or as `axes=` names; real or complex.
        output: dtype of the result, or an array of input's shape for it; may be the input itself.
        mode: what stands outside, see the module.
        cval: the value outside in mode "constant"; complex beside complex input.
        origin: moves the window to the right, in `correlate` to the left; per axis or one for all, -(k // 2) to
            (k - 1) // 2 for k taps.
        axes: the axes to filter; None means all.

    Returns:
        `output`, or a new array of input's shape and dtype; complex if input or weights are.

    Raises:
        FilterError: a RuntimeError: axes, shapes, modes that do not fit.
        ParameterError: a ValueError: an origin outside the window, axes named twice.
        UnsupportedDtype: a RuntimeError: float16, longdouble, objects; convert them first.
        IntegerOverflow: NaN or infinity for an integer output.

    Example:
        >>> convolve([1, 5, 2, 0], [1, 1], mode="constant")
        array([6, 7, 2, 0])
    """
    return _weigh_nd(input, weights, output, mode, cval, origin, axes, flip=True)


def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Correlate with an N-D kernel, conjugated if complex; else as `convolve`.

    Example:
        >>> correlate([1, 5, 2, 0], [1, 1], mode="constant")
        array([1, 6, 7, 2])
    """
    return _weigh_nd(input, weights, output, mode, cval, origin, axes, flip=False)


def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Convolve along one axis; arguments, result and errors as in `convolve`.

    Example:
        >>> convolve1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3])
        array([14, 24,  4, 13, 12, 36, 27,  0])
    """
    return _weigh_1d(input, weights, axis, output, mode, cval, origin, flip=True)


def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Correlate along one axis; arguments, result and errors as in `correlate`.

    Example:
        >>> correlate1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3])
        array([ 8, 26,  8, 12,  7, 28, 36,  9])
    """
    return _weigh_1d(input, weights, axis, output, mode, cval, origin, flip=False)


def gaussian_filter1d(
    input: Any,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Array:
    """Gaussian of this sigma along one axis, or its derivative of this order.

    Example:
        >>> gaussian_filter1d([0.0, 0.0, 1.0, 0.0, 0.0], 0.5).round(3)
        array([0.   , 0.106, 0.787, 0.106, 0.   ])
    """
    line = _gaussian_line(sigma, order, truncate, radius)
    return _weigh_1d(input, line, axis, output, mode, cval, 0, flip=False)


def gaussian_filter(
    input: Any,
    sigma: Sigmas,
    order: PerAxis = 0,
    output: Any = None,
    mode: Modes = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: PerAxis | None = None,
    axes: Axes = None,
) -> Array:
    """Gaussian along all axes or those of `axes=`; sigma, order, mode and radius for all, or one each.

    An axis with sigma <= 1e-15 is left alone. Raises ZeroSigma, FilterError and ParameterError as scipy.ndimage does.

    Example:
        >>> int(gaussian_filter(np.full((5, 5), 200, np.uint8), 0.8).min())
        200
    """
    x = parse_input(input)
    target = parse_output(output, x)
    positions = parse_axes(axes, x.ndim)
    options = [one_per_axis(value, len(positions)) for value in (sigma, order, mode, radius)]
    lines = [
        Line(axis, _gaussian_line(s, o, truncate, r), m)
        for axis, s, o, m, r in zip(positions, *options, strict=True)
        if s > 1e-15
    ]
    return target.write(weigh_lines(x, lines, cval, target.native) if lines else x.copy())


def uniform_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Mean of the window along one axis.

    Example:
        >>> uniform_filter1d([0.0, 3.0, 6.0, 9.0], 3)
        array([1., 3., 6., 8.])
    """
    x = parse_input(input)
    position = parse_axis(axis, x.ndim)
    target = parse_output(output, x, is_complex=x.dtype.kind == "c", level=3)
    return target.write(mean_lines(x, [_box_line(position, size, mode, origin)], cval, target.native))


def uniform_filter(
    input: Any,
    size: PerAxis = 3,
    output: Any = None,
    mode: Modes = "reflect",
    cval: complex = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Mean of the box around every sample, axis by axis; a size of 1 or less leaves an axis alone.

    Example:
        >>> uniform_filter(np.array([[0, 9], [9, 9]]), 2)
        array([[0, 4],
               [4, 6]])
    """
    x = parse_input(input)
    target = parse_output(output, x, is_complex=x.dtype.kind == "c", level=3)
    positions = parse_axes(axes, x.ndim)
    options = [one_per_axis(value, len(positions)) for value in (size, mode, origin)]
    lines = [_box_line(axis, int(k), m, o) for axis, k, m, o in zip(positions, *options, strict=True) if k > 1]
    return target.write(mean_lines(x, lines, cval, target.native) if lines else x.copy())


def prewitt(input: Any, axis: int = -1, output: Any = None, mode: Modes = "reflect", cval: complex = 0.0) -> Array:
    """Prewitt's difference along one axis: (-1, 0, 1) there, then (1, 1, 1) along all others.

    Example:
        >>> prewitt([[0, 1, 4], [0, 1, 4]])
        array([[ 3, 12,  9],
               [ 3, 12,  9]])
    """
    return _difference(input, axis, output, mode, cval, across=(1, 1, 1))


def sobel(input: Any, axis: int = -1, output: Any = None, mode: Modes = "reflect", cval: complex = 0.0) -> Array:
    """Sobel's difference along one axis: (-1, 0, 1) there, then (1, 2, 1) along all others.

    Example:
        >>> sobel([[0, 1, 4], [0, 1, 4]])
        array([[ 4, 16, 12],
               [ 4, 16, 12]])
    """
    return _difference(input, axis, output, mode, cval, across=(1, 2, 1))


def generic_laplace(
    input: Any,
    derivative2: Callable[..., Array],
    output: Any = None,
    mode: Modes = "reflect",
    cval: complex = 0.0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: Axes = None,
) -> Array:
    """Sum over the axes of `derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)`.

    The callable gets an array to write into for the first axis, a dtype for the others.

    Example:
        >>> def second(x, axis, output, mode, cval):
        ...     return correlate1d(x, [1, -2, 1], axis, output, mode, cval)
        >>> generic_laplace([0, 0, 1, 0, 0], second)
        array([ 0,  1, -2,  1,  0])
    """
    return _over_axes(input, derivative2, output, mode, cval, extra_arguments, extra_keywords, axes, squared=False)


def laplace(
    input: Any, output: Any = None, mode: Modes = "reflect", cval: complex = 0.0, *, axes: Axes = None
) -> Array:
    """Sum of the second differences (1, -2, 1) along all axes.

    Example:
        >>> laplace([0.0, 1.0, 4.0, 9.0])
        array([ 1.,  2.,  2., -5.])
    """
    return generic_laplace(input, _second_difference, output, mode, cval, axes=axes)


def gaussian_laplace(
    input: Any,
    sigma: Sigmas,
    output: Any = None,
    mode: Modes = "reflect",
    cval: complex = 0.0,
    *,
    axes: Axes = None,
    **kwargs: Any,
) -> Array:
    """Sum of the second derivatives of a Gaussian; other keywords go to `gaussian_filter`.

    Example:
        >>> gaussian_laplace([0.0, 0.0, 1.0, 0.0, 0.0], 0.5).round(2)
        array([ 0.02,  1.28, -3.15,  1.28,  0.02])
    """
    x = parse_input(input)
    positions = parse_axes(axes, x.ndim)
    sigmas: list[Any] = [0] * x.ndim
    for position, s in zip(positions, one_per_axis(sigma, len(positions)), strict=True):
        sigmas[position] = s
    return generic_laplace(x, _gaussian_derivative(2), output, mode, cval, (sigmas,), kwargs, axes=axes)


def generic_gradient_magnitude(
    input: Any,
    derivative: Callable[..., Array],
    output: Any = None,
    mode: Modes = "reflect",
    cval: complex = 0.0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: Axes = None,
) -> Array:
    """Root of the sum of squares over the axes of `derivative`, which is called as in `generic_laplace`.

    Example:
        >>> generic_gradient_magnitude([[0.0, 3.0], [4.0, 7.0]], prewitt).round(1)
        array([[15., 15.],
               [15., 15.]])
    """
    return _over_axes(input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes, squared=True)


def gaussian_gradient_magnitude(
    input: Any,
    sigma: Sigmas,
    output: Any = None,
    mode: Modes = "reflect",
    cval: complex = 0.0,
    *,
    axes: Axes = None,
    **kwargs: Any,
) -> Array:
    """Length of the gradient, by first derivatives of a Gaussian; other keywords go to `gaussian_filter`.

    Example:
        >>> gaussian_gradient_magnitude([0.0, 0.0, 1.0, 0.0, 0.0], 0.5).round(2)
        array([0.  , 0.43, 0.  , 0.43, 0.  ])
    """
    return generic_gradient_magnitude(input, _gaussian_derivative(1), output, mode, cval, (sigma,), kwargs, axes=axes)


def minimum_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Smallest value of the window along one axis.

    Example:
        >>> minimum_filter1d([2, 8, 0, 4, 1, 9, 9, 0], 3)
        array([2, 0, 0, 0, 1, 1, 0, 0])
    """
    return _extreme_1d(input, size, axis, output, mode, cval, origin, np.minimum)


def maximum_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Largest value of the window along one axis.

    Example:
        >>> maximum_filter1d([2, 8, 0, 4, 1, 9, 9, 0], 3)
        array([8, 8, 8, 4, 9, 9, 9, 9])
    """
    return _extreme_1d(input, size, axis, output, mode, cval, origin, np.maximum)


def minimum_filter(
    input: Any,
    size: PerAxis | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: Modes = "reflect",
    cval: float = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Smallest value in a box, or under a footprint.

    Example:
        >>> minimum_filter([2, 8, 0, 4, 1], footprint=[1, 0, 1])
        array([2, 0, 4, 0, 1])
    """
    return window_extreme(
        input,
        np.minimum,
        size=size,
        footprint=footprint,
        structure=None,
        output=output,
        mode=mode,
        cval=cval,
        origin=origin,
        axes=axes,
    )


def maximum_filter(
    input: Any,
    size: PerAxis | None = None,
    footprint: Any = None,
    output: Any = None,
    mode: Modes = "reflect",
    cval: float = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Largest value in a box, or under a footprint.

    Example:
        >>> maximum_filter([2, 8, 0, 4, 1], footprint=[1, 0, 1])
        array([8, 2, 8, 1, 4])
    """
    return window_extreme(
        input,
        np.maximum,
        size=size,
        footprint=footprint,
        structure=None,
        output=output,
        mode=mode,
        cval=cval,
        origin=origin,
        axes=axes,
    )


def grey_erosion(
    input: Any,
    size: PerAxis | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Modes = "reflect",
    cval: float = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Smallest value in a box or under a footprint, of input minus `structure` where that is given.

    Example:
        >>> grey_erosion([2, 8, 0, 4, 1], structure=[0, 1, 0])
        array([ 1,  0, -1,  0,  0])
    """
    _check_window(size, footprint, structure)
    return window_extreme(
        input,
        np.minimum,
        size=size,
        footprint=footprint,
        structure=structure,
        output=output,
        mode=mode,
        cval=cval,
        origin=origin,
        axes=axes,
    )


def grey_dilation(
    input: Any,
    size: PerAxis | None = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Modes = "reflect",
    cval: float = 0.0,
    origin: PerAxis = 0,
    *,
    axes: Axes = None,
) -> Array:
    """Largest value in a mirrored box or footprint, of input plus the mirrored `structure` where that is given.

    Example:
        >>> grey_dilation([2, 8, 0, 4, 1], structure=[0, 1, 0])
        array([8, 9, 8, 5, 4])
    """
    _check_window(size, footprint, structure)
    structure, footprint = _flipped(structure), _flipped(footprint)
    shape = footprint if footprint is not None else structure
    num = len(parse_axes(axes, np.ndim(input)))
    if shape is not None and shape.ndim != num:
        raise FilterError(f"footprint.ndim ({shape.ndim}) must match len(axes) ({num})")
    lengths = one_per_axis(size, num) if shape is None else shape.shape
    return window_extreme(
        input,
        np.maximum,
        size=size,
        footprint=footprint,
        structure=structure,
        output=output,
        mode=mode,
        cval=cval,
        origin=mirrored(one_per_axis(origin, num), [int(k) for k in lengths]),
        axes=axes,
    )


def _weigh_nd(
    data: Any, weights: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any, *, flip: bool
) -> Array:
    x, kernel = parse_input(data), _real_or_complex(weights)
    target = parse_output(output, x, is_complex="c" in (x.dtype.kind, kernel.dtype.kind))
    positions = parse_axes(axes, x.ndim)
    num = len([k for k in kernel.shape if k > 0])
    if not num == kernel.ndim == len(positions):
        raise FilterError(f"weights.ndim ({num}) must match len(axes) ({len(positions)}), and no axis may be empty")
    positions, origins = lie_along(positions, one_per_axis(origin, len(positions)), x.ndim)
    moves = [check_origin(o, k, "weights.shape[k]") for o, k in zip(origins, kernel.shape, strict=True)]
    if flip:
        kernel, moves = kernel[(slice(None, None, -1),) * num], mirrored(moves, kernel.shape)
    elif kernel.dtype.kind == "c":
        kernel = kernel.conj()
    refuse_mode_sequence(mode)
    windows = Windows(positions, tuple(moves), (mode,) * num)
    return target.write(weigh(x, kernel, windows, cval, target.native, skip_zeros=True))


def _weigh_1d(
    data: Any, weights: Any, axis: int, output: Any, mode: Any, cval: Any, origin: Any, *, flip: bool
) -> Array:
    x, line = parse_input(data), _real_or_complex(weights)
    target = parse_output(output, x, is_complex="c" in (x.dtype.kind, line.dtype.kind))
    if line.ndim != 1 or len(line) < 1:
        raise FilterError(f"no filter weights given: a series of numbers is expected, got shape {line.shape}")
    position = parse_axis(axis, x.ndim)
    move = check_origin(origin, len(line), "len(weights)")
    if flip:
        line, (move,) = line[::-1], mirrored([move], [len(line)])
    elif line.dtype.kind == "c":
        line = line.conj()
    windows = Windows((position,), (move,), (mode,))
    return target.write(weigh(x, line, windows, cval, target.native))


def _real_or_complex(weights: Any) -> Array:
    """Weights as whole numbers if they are, else in double."""
    kernel = np.asarray(weights)
    if kernel.dtype.kind == "c":
        return kernel.astype(np.complex128)
    return kernel if kernel.dtype.kind in "biu" else kernel.astype(np.float64)


def _gaussian_line(sigma: Any, order: Any, truncate: Any, radius: Any) -> Array:
    """Derivative of a sampled Gaussian whose weights sum to 1, to be correlated with.

    The n-th derivative of exp(-t**2 / 2) is (-1)**n times Hermite's polynomial He_n times it.
    """
    width = float(sigma)
    reach = parse_radius(radius, width, truncate)
    degree = parse_order(order)
    if width * width == 0:
        raise ZeroSigma(f"sigma={sigma!r} has no width: for no blur leave the filter out, or call gaussian_filter")
    line = bell(width, 2 * reach + 1)
    if degree == 0:
        return line
    from numpy.polynomial.hermite_e import hermeval

    t = np.arange(-reach, reach + 1) / width
    return np.asarray(line * hermeval(t, [0.0] * degree + [1.0]) / width**degree)


def _box_line(axis: int, size: Any, mode: Any, origin: Any) -> Line:
    length = check_size(size)
    return Line(axis, np.ones(length, INT64), mode, check_origin(origin, length))


def _difference(data: Any, axis: int, output: Any, mode: Any, cval: Any, across: tuple[int, ...]) -> Array:
    x = parse_input(data)
    along = parse_axis(axis, x.ndim)
    target = parse_output(output, x)
    modes = one_per_axis(mode, x.ndim)
    others = [Line(i, np.array(across), modes[i]) for i in range(x.ndim) if i != along]
    lines = [Line(along, np.array([-1, 0, 1]), modes[along]), *others]
    return target.write(weigh_lines(x, lines, cval, target.native))


def _second_difference(x: Array, axis: int, output: Any, mode: Any, cval: Any) -> Array:
    return correlate1d(x, [1, -2, 1], axis, output, mode, cval, 0)


def _gaussian_derivative(degree: int) -> Any:
    """What `generic_laplace` and `generic_gradient_magnitude` call: a derivative along one axis, smooth along all."""

    def derivative(x: Array, axis: int, output: Any, mode: Any, cval: Any, sigma: Any, **kwargs: Any) -> Array:
        orders = [degree if i == axis else 0 for i in range(x.ndim)]
        return gaussian_filter(x, sigma, orders, output, mode, cval, **kwargs)

    return derivative


def _over_axes(
    data: Any,
    derivative: Any,
    output: Any,
    mode: Any,
    cval: Any,
    extra_arguments: Any,
    extra_keywords: Any,
    axes: Any,
    *,
    squared: bool,
) -> Array:
    x = parse_input(data)
    target = parse_output(output, x)
    positions = parse_axes(axes, x.ndim)
    modes = one_per_axis(mode, len(positions))
    if not positions:
        return target.write(x.copy())
    out = target.allocated()
    if np.may_share_memory(x, out):
        # every derivative is one of x, not of what the one before has left there
        x = x.copy()
    extra: dict[str, Any] = {} if extra_keywords is None else extra_keywords
    for i, (axis, axis_mode) in enumerate(zip(positions, modes, strict=True)):
        found = derivative(x, axis, out if i == 0 else out.dtype, axis_mode, cval, *extra_arguments, **extra)
        part = out if i == 0 else found
        if squared:
            np.multiply(part, part, out=part)
        if i > 0:
            out += part
    return np.sqrt(out, out=out, casting="unsafe") if squared else out


def _extreme_1d(
    data: Any, size: Any, axis: int, output: Any, mode: Any, cval: Any, origin: Any, pick: np.ufunc
) -> Array:
    x = parse_input(data)
    target = parse_output(output, x)
    return target.write(line_extreme(x, pick, parse_axis(axis, x.ndim), size, mode, cval, origin, target.native))


def _check_window(size: Any, footprint: Any, structure: Any) -> None:
    if size is None and footprint is None and structure is None:
        raise ParameterError("size, footprint, or structure must be specified")


def _flipped(window: Any) -> Array | None:
    if window is None:
        return None
    array = np.asarray(window)
    return array[(slice(None, None, -1),) * array.ndim]
