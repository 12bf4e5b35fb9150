"""The formulas: windows, derivatives, blobs, waves; and the lines that filters make kernels of."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arguments import integer, integers, parse_axis, per_axis, positive, real
from ...errors import DtypeError, ParameterError
from ...spec import Array, parse_dtype
from ..inputs import Lengths, Sigmas, check_count, parse_sigmas

FLOAT = np.dtype(np.float64)


def delta(size: Lengths, *, at: Lengths | None = None, ndim: int = 1, dtype: Any = FLOAT) -> Array:
    """A single one among zeros: convolving with it gives x back, moved by where the one stands.

    Args:
        size: number of samples; one number, or one per axis.
        at: where the one stands, counted from 0; None means (size - 1) // 2, which mode="same" leaves in place.
        ndim: number of axes if `size` is one number.

    Returns:
        Sum 1.

    Example:
        >>> delta(5)
        array([0., 0., 1., 0., 0.])
        >>> delta(5, at=1)
        array([0., 1., 0., 0., 0.])
    """
    lengths = _lengths(size, ndim)
    where = [(k - 1) // 2 for k in lengths] if at is None else per_axis("at", at, len(lengths))
    position = []
    for place, length in zip(where, lengths, strict=True):
        i = integer("at", place)
        if not 0 <= i < length:
            raise ParameterError(f"at={i} is outside {length} samples: 0 to {length - 1} are allowed")
        position.append(i)
    weights = np.zeros(lengths)
    weights[tuple(position)] = 1
    return _cast(weights, dtype)


def tophat(size: int, start: int = 0, stop: int | None = None, *, dtype: Any = FLOAT) -> Array:
    """Ones from start up to, not including, stop, among zeros: a signal with two sharp steps.

    Args:
        size: number of samples.
        start, stop: as in a slice, 0 <= start < stop <= size; stop=None means size.

    Returns:
        1-D, sum stop - start.

    Example:
        >>> tophat(6, 2, 4)
        array([0., 0., 1., 1., 0., 0.])
    """
    (length,) = _lengths(size, 1)
    first = integer("start", start, least=0)
    last = length if stop is None else integer("stop", stop)
    if not first < last <= length:
        raise ParameterError(f"start={first}, stop={last}: start < stop <= size={length} is expected")
    weights = np.zeros(length)
    weights[first:last] = 1
    return _cast(weights, dtype)


def box(size: Lengths, *, ndim: int = 1, dtype: Any = FLOAT) -> Array:
    """The moving average: equal weights.

    Args:
        size: number of taps; one number, or one per axis.
        ndim: number of axes if `size` is one number.

    Returns:
        Sum 1.

    Example:
        >>> box(4)
        array([0.25, 0.25, 0.25, 0.25])
    """
    lengths = _lengths(size, ndim)
    return _cast(np.full(lengths, 1 / math.prod(lengths)), dtype)


def triangle(size: Lengths, *, ndim: int = 1, dtype: Any = FLOAT) -> Array:
    """A tent: weights that rise and fall linearly and never touch zero.

    Returns:
        Sum 1.

    Example:
        >>> triangle(3)
        array([0.25, 0.5 , 0.25])
    """
    lines = []
    for k in _lengths(size, ndim):
        line = np.minimum(np.arange(1, k + 1), np.arange(k, 0, -1)).astype(float)
        lines.append(line / line.sum())
    return _cast(outer(lines), dtype)


def binomial(size: Lengths, *, ndim: int = 1, dtype: Any = FLOAT) -> Array:
    """A row of Pascal's triangle: the Gaussian of whole numbers, with variance (size - 1) / 4.

    Returns:
        Sum 1. The weights are exact up to 54 taps.

    Example:
        >>> binomial(5) * 16
        array([1., 4., 6., 4., 1.])
    """
    lines = []
    for k in _lengths(size, ndim):
        if k > 1000:
            raise ParameterError(f"size={k}: at most 1000 taps are allowed; take gaussian({math.sqrt(k - 1) / 2:.3g})")
        lines.append(np.array([math.comb(k - 1, i) / 2 ** (k - 1) for i in range(k)]))
    return _cast(outer(lines), dtype)


def hann(size: Lengths, *, ndim: int = 1, dtype: Any = FLOAT) -> Array:
    """The Hann window, half a wave of cosine lifted to 0..1; symmetric, so both ends are 0.

    Equal to `scipy.signal.windows.hann(size, sym=True)`. The zeros count as taps: `hann(3)` smooths nothing, the
    shortest that smooths is `hann(4)`.

    Returns:
        Sum (size - 1) / 2 per axis from 3 taps on, 1 for a single tap, 0 for two; `smooth` divides by it.

    Example:
        >>> hann(5)
        array([0. , 0.5, 1. , 0.5, 0. ])
    """
    lines = []
    for k in _lengths(size, ndim):
        # mirrored by construction, so that left and right weights are equal to the last bit
        half = np.sin(np.pi * np.arange((k + 1) // 2) / max(k - 1, 1)) ** 2
        lines.append(np.concatenate([half, half[: k // 2][::-1]]) if k > 1 else np.ones(1))
    return _cast(outer(lines), dtype)


def gaussian(
    sigma: Sigmas, *, truncate: float = 4.0, size: Lengths | None = None, ndim: int = 1, dtype: Any = FLOAT
) -> Array:
    """The bell curve, sampled at whole pixels.

    Args:
        sigma: standard deviation in pixels, > 0; one number, or one per axis.
        truncate: where the weights are cut off, in sigmas: the radius is int(truncate * sigma + 0.5), as in
            `scipy.ndimage.gaussian_filter1d`.
        size: number of taps instead of `truncate`; an even one lies between two pixels.
        ndim: number of axes if `sigma` is one number.

    Returns:
        Sum 1.

    Source: Getreuer 2013, "A Survey of Gaussian Convolution Algorithms", IPOL 3.

    Example:
        >>> gaussian(0.5, size=3).round(3)
        array([0.107, 0.787, 0.107])
    """
    sigmas = parse_sigmas(sigma, _num_axes(sigma, ndim))
    if size is None:
        lengths = [2 * r + 1 for r in gaussian_radii(sigmas, truncate)]
    else:
        lengths = integers("size", size, len(sigmas), least=1)
    check_count(lengths)
    return _cast(outer([bell(s, k) for s, k in zip(sigmas, lengths, strict=True)]), dtype)


def gaussian_derivative(
    sigma: Sigmas, *, order: int = 1, axis: int = -1, truncate: float = 4.0, ndim: int = 1, dtype: Any = FLOAT
) -> Array:
    """Derivative of a Gaussian along one axis, Gaussian along the others: smooth and differentiate in one kernel.

    Args:
        sigma: standard deviation in pixels, > 0; one number, or one per axis.
        order: 1 for the slope, 2 for the curvature.
        axis: which axis of the kernel is differentiated.
        truncate: where the weights are cut off, in sigmas; at least one pixel on each side.
        ndim: number of axes if `sigma` is one number.

    Returns:
        Sum 0. Correlated with a ramp of slope 1 the first derivative gives exactly 1, with t**2 / 2 the second gives
        1, also for a small sigma, where plain samples of the formula are far off (15 % at sigma 0.5).

    Example:
        >>> gaussian_derivative(0.1)
        array([-0.5,  0. ,  0.5])
    """
    if order not in (1, 2):
        raise ParameterError(f"order={order!r}: 1 (slope) or 2 (curvature) is allowed")
    sigmas = parse_sigmas(sigma, _num_axes(sigma, ndim))
    differentiated = parse_axis("axis", axis, len(sigmas))
    radii = gaussian_radii(sigmas, truncate)
    check_count([2 * r + 3 for r in radii])
    lines = [bell(s, 2 * r + 1) for s, r in zip(sigmas, radii, strict=True)]
    lines[differentiated] = bell_derivative(sigmas[differentiated], radii[differentiated], order)
    return _cast(outer(lines), dtype)


def sobel(*, axis: int = -1, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """Sobel's derivative: difference (-1, 0, 1) along one axis, weights (1, 2, 1) along the others.

    Args:
        axis: the differentiated axis; -1 is x in a picture (the deck's Gx), -2 is y (Gy).
        ndim: number of axes.

    Returns:
        3 taps per axis, sum 0. A ramp of slope 1 gives 2 * 4**(ndim - 1): 8 in a picture.

    Source: Sobel and Feldman 1968, "A 3x3 isotropic gradient operator for image processing".

    Example:
        >>> sobel(dtype=int)
        array([[-1,  0,  1],
               [-2,  0,  2],
               [-1,  0,  1]])
    """
    return _difference(SOBEL, axis, ndim, dtype)


def scharr(*, axis: int = -1, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """Scharr's derivative: as Sobel's with weights (3, 10, 3), whose direction errs least under rotation.

    Returns:
        3 taps per axis, sum 0. A ramp of slope 1 gives 2 * 16**(ndim - 1): 32 in a picture.

    Source: Scharr 2000, "Optimal operators in digital image processing", thesis, Heidelberg.

    Example:
        >>> scharr(axis=0, dtype=int)
        array([[ -3, -10,  -3],
               [  0,   0,   0],
               [  3,  10,   3]])
    """
    return _difference(SCHARR, axis, ndim, dtype)


def scharr_complex(*, dtype: Any = np.complex128) -> Array:
    """Both Scharr derivatives in one complex kernel: Gx + j Gy.

    `correlate` conjugates complex kernels, so it gives slope_x - j slope_y; `convolve` flips this one, which gives
    -(slope_x + j slope_y). The absolute value, the edge strength, is the same either way.

    Example:
        >>> scharr_complex().real.astype(int)
        array([[ -3,   0,   3],
               [-10,   0,  10],
               [ -3,   0,   3]])
        >>> scharr_complex().imag.astype(int)
        array([[ -3, -10,  -3],
               [  0,   0,   0],
               [  3,  10,   3]])
    """
    return _cast(scharr(axis=1) + 1j * scharr(axis=0), dtype)


def prewitt(*, axis: int = -1, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """Prewitt's derivative: as Sobel's with equal weights (1, 1, 1).

    Returns:
        3 taps per axis, sum 0. A ramp of slope 1 gives 2 * 3**(ndim - 1): 6 in a picture.

    Source: Prewitt 1970, "Object enhancement and extraction", Picture Processing and Psychopictorics.

    Example:
        >>> prewitt(ndim=1, dtype=int)
        array([-1,  0,  1])
    """
    return _difference(PREWITT, axis, ndim, dtype)


def laplacian(*, diagonal: bool = False, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """Sum of the second differences (1, -2, 1) along all axes; negative on a bright spot.

    Args:
        diagonal: True compares with all neighbours, also over corners.

    Returns:
        3 taps per axis, sum 0. t**2 / 2 along one axis gives 1, with `diagonal` 3**(ndim - 1).

    Example:
        >>> laplacian(dtype=int)
        array([[ 0,  1,  0],
               [ 1, -4,  1],
               [ 0,  1,  0]])
    """
    num = check_ndim(ndim)
    if diagonal:
        weights = np.ones((3,) * num)
        weights[(1,) * num] = 1 - 3**num
        return _cast(weights, dtype)
    weights = np.zeros((3,) * num)
    for axis in range(num):
        index: list[Any] = [1] * num
        index[axis] = slice(None)
        weights[tuple(index)] += (1, -2, 1)
    return _cast(weights, dtype)


def log(sigma: Sigmas, *, truncate: float = 4.0, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """Laplacian of a Gaussian: the Mexican hat, upside down; finds blobs of radius sigma * sqrt(ndim).

    Args:
        sigma: standard deviation in pixels, > 0; one number, or one per axis.
        truncate: where the weights are cut off, in sigmas; at least one pixel on each side.
        ndim: number of axes if `sigma` is one number.

    Returns:
        Sum 0; negative in the middle. t**2 / 2 along one axis gives 1.

    Source: Marr and Hildreth 1980, "Theory of edge detection", Proc. R. Soc. B 207.

    Example:
        >>> log(1.0).shape
        (9, 9)
    """
    sigmas = parse_sigmas(sigma, _num_axes(sigma, ndim))
    radii = [max(r, 1) for r in gaussian_radii(sigmas, truncate)]
    check_count([2 * r + 1 for r in radii])
    weights = np.zeros([2 * r + 1 for r in radii])
    for axis in range(len(sigmas)):
        lines = [bell(s, 2 * r + 1) for s, r in zip(sigmas, radii, strict=True)]
        lines[axis] = bell_derivative(sigmas[axis], radii[axis], 2)
        weights += outer(lines)
    return _cast(weights, dtype)


def sharpen(amount: float = 1.0, *, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """The picture minus `amount` times its Laplacian: edges get steeper, flat parts stay.

    Returns:
        3 taps per axis, sum 1.

    Example:
        >>> sharpen(dtype=int)
        array([[ 0, -1,  0],
               [-1,  5, -1],
               [ 0, -1,  0]])
    """
    strength = real("amount", amount)
    return _cast(delta(3, ndim=check_ndim(ndim)) - strength * laplacian(ndim=ndim), dtype)


def gabor(
    wavelength: float,
    angle: float = 0.0,
    *,
    sigma: float | None = None,
    aspect: float = 1.0,
    phase: float = 0.0,
    truncate: float = 3.0,
    dtype: Any = FLOAT,
) -> Array:
    """A plane wave under a Gaussian: answers to stripes of one width and direction.

    Args:
        wavelength: length of one period, in pixels, >= 2.
        angle: direction in which the wave runs, in radians: 0 to the right (upright stripes), pi / 2 down.
        sigma: standard deviation of the Gaussian along the wave, in pixels; None means wavelength / 2.
        aspect: sigma along the wave over sigma across it, > 0.
        phase: of the wave at the middle, in radians: 0 answers to lines, -pi / 2 to edges.
        truncate: where the weights are cut off, in sigmas.
        dtype: a complex one gives the complex wave, whose absolute answer does not depend on the phase.

    Returns:
        2-D, odd lengths. The Gaussian sums to 1, so a wave of just this sort and amplitude 1 gives about 1/2.

    Source: Daugman 1985, "Uncertainty relation for resolution in space...", JOSA A 2.

    Example:
        >>> gabor(8).shape
        (25, 25)
    """
    period = positive("wavelength", wavelength)
    if period < 2:
        raise ParameterError(
            f"wavelength={period:g}: at least 2 pixels are allowed, shorter waves look like longer ones"
        )
    along = period / 2 if sigma is None else positive("sigma", sigma)
    across = along / positive("aspect", aspect)
    reach = positive("truncate", truncate)
    turn = real("angle", angle)
    shift = real("phase", phase)
    cos, sin = math.cos(turn), math.sin(turn)
    # rounded as for the Gaussian; 1e-9 keeps a quarter turn from losing a pixel in the last digit
    radius_x = int(reach * math.hypot(along * cos, across * sin) + 0.5 + 1e-9)
    radius_y = int(reach * math.hypot(along * sin, across * cos) + 0.5 + 1e-9)
    check_count([2 * radius_y + 1, 2 * radius_x + 1])
    y, x = np.mgrid[-radius_y : radius_y + 1, -radius_x : radius_x + 1].astype(float)
    u, v = x * cos + y * sin, y * cos - x * sin
    envelope = np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    wave = 2 * np.pi * u / period + shift
    carrier = np.exp(1j * wave) if parse_dtype(dtype).kind == "c" else np.cos(wave)
    return _cast(envelope / envelope.sum() * carrier, dtype)


def disk(radius: float, *, ndim: int = 2, dtype: Any = FLOAT) -> Array:
    """Equal weights on all pixels whose middle is at most `radius` away: the blur of a lens out of focus.

    Args:
        radius: in pixels, > 0.
        ndim: 2 for a disk, 3 for a ball, 1 for a box.

    Returns:
        2 * int(radius) + 1 taps per axis, sum 1.

    Example:
        >>> disk(1) * 5
        array([[0., 1., 0.],
               [1., 1., 1.],
               [0., 1., 0.]])
    """
    reach = positive("radius", radius)
    lengths = [2 * int(reach) + 1] * check_ndim(ndim)
    check_count(lengths)
    squares = sum(line**2 for line in np.ogrid[tuple(slice(-int(reach), int(reach) + 1) for _ in lengths)])
    inside = (np.asarray(squares) <= reach**2).astype(float)
    return _cast(inside / inside.sum(), dtype)


def motion(length: int, angle: float = 0.0, *, dtype: Any = FLOAT) -> Array:
    """A line of equal weights: the blur of a camera that moved.

    Args:
        length: in pixels, >= 1.
        angle: direction of the line, in radians: 0 to the right, pi / 2 down.

    Returns:
        2-D, odd lengths, sum 1. Points between pixels are shared among their neighbours by distance.

    Example:
        >>> motion(5)
        array([[0.2, 0.2, 0.2, 0.2, 0.2]])
    """
    num = integer("length", length, least=1)
    check_count([num])
    turn = real("angle", angle)
    steps = np.arange(num) - (num - 1) / 2
    # rounded to a billionth, so that a quarter turn lies on the grid and not 1e-16 beside it
    y, x = np.round(steps * math.sin(turn), 9), np.round(steps * math.cos(turn), 9)
    radius_y, radius_x = int(np.ceil(np.abs(y).max())), int(np.ceil(np.abs(x).max()))
    check_count([2 * radius_y + 1, 2 * radius_x + 1])
    # one more row and column take the neighbours of points on the rim, whose share is 0
    weights = np.zeros((2 * radius_y + 2, 2 * radius_x + 2))
    row, column = np.floor(y).astype(int), np.floor(x).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            share = (1 - np.abs(y - row - down)) * (1 - np.abs(x - column - right))
            np.add.at(weights, (row + down + radius_y, column + right + radius_x), share)
    return _cast(weights[:-1, :-1] / num, dtype)


def outer(lines: Sequence[Array]) -> Array:
    """The product of 1-D kernels, one per axis."""
    product = lines[0]
    for line in lines[1:]:
        product = product[..., None] * line
    return product


SOBEL = (1.0, 2.0, 1.0)
SCHARR = (3.0, 10.0, 3.0)
PREWITT = (1.0, 1.0, 1.0)


def bell(sigma: float, length: int) -> Array:
    """A sampled Gaussian of this many taps, sum 1."""
    t = np.abs(np.arange(length) - (length - 1) / 2)
    # relative to the innermost sample: a tiny sigma with an even length must not underflow to 0 / 0
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(-0.5 * (t - t.min()) * (t + t.min()) / sigma / sigma)
    return weights / weights.sum()


def bell_derivative(sigma: float, radius: int, order: int) -> Array:
    """First or second derivative of a sampled Gaussian, exact on polynomials of its order.

    The weights are g(t) * t and g(t) * (t**2 - m) with the second moment m of g, scaled to give 1 for t and t**2 / 2:
    the orthogonal polynomials of the sampled g itself, so sums are right at any sigma.
    """
    t = np.arange(1, max(radius, 1) + 1, dtype=float)
    # relative to g(1), which alone may underflow
    with np.errstate(over="ignore", under="ignore"):
        half = np.exp(-0.5 * (t - 1) * (t + 1) / sigma / sigma)
    if order == 1:
        half *= t / (2 * (t * t * half).sum())
        return np.concatenate([-half[::-1], [0.0], half])
    with np.errstate(under="ignore"):
        first = math.exp(-0.5 / sigma / sigma) if sigma > 0.02 else 0.0
    moment = 2 * first * (t * t * half).sum() / (1 + 2 * first * half.sum())
    half *= t * t - moment
    half /= (t * t * half).sum()
    return np.concatenate([half[::-1], [-2 * half.sum()], half])


def gaussian_radii(sigmas: Sequence[float], truncate: float) -> list[int]:
    """Taps on each side of the middle, per axis."""
    reach = positive("truncate", truncate)
    radii = [reach * s + 0.5 for s in sigmas]
    check_count([int(min(r, 1e15)) for r in radii])
    return [int(r) for r in radii]


def _difference(smooth: Sequence[float], axis: int, ndim: int, dtype: Any) -> Array:
    num = check_ndim(ndim)
    lines = [np.array(smooth)] * num
    lines[parse_axis("axis", axis, num)] = np.array([-1.0, 0.0, 1.0])
    return _cast(outer(lines), dtype)


def check_ndim(ndim: Any) -> int:
    """A number of axes, refused beyond what NumPy could ever hold."""
    num = integer("ndim", ndim, least=1)
    if num > 16:
        raise ParameterError(f"ndim={num}: at most 16 axes are allowed")
    return num


def _num_axes(value: Any, ndim: Any) -> int:
    """A tuple brings its own number of axes."""
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) and value else check_ndim(ndim)


def _lengths(size: Lengths, ndim: int) -> tuple[int, ...]:
    lengths = tuple(integers("size", size, _num_axes(size, ndim), least=1))
    check_count(lengths)
    return lengths


def _cast(weights: Array, dtype: Any) -> Array:
    """The weights in the dtype asked for, unless it cannot hold them."""
    wanted = parse_dtype(dtype)
    if weights.dtype.kind == "c" and wanted.kind not in "cO":
        raise DtypeError(f"dtype={wanted} cannot hold complex weights: use complex64 or complex128")
    if wanted.kind in "biu":
        with np.errstate(invalid="ignore"):
            cast = weights.astype(wanted)
        if not (cast == weights).all():
            raise DtypeError(f"dtype={wanted} cannot hold these weights, {_first_lost(weights, cast)}: use float64")
        return cast
    return weights.astype(wanted, copy=False)


def _first_lost(weights: Array, cast: Array) -> str:
    value = weights[cast != weights].flat[0]
    return f"such as {value:.6g}"
