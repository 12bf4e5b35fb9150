"""The rows of NumPy, SciPy and astropy: functions on arrays of any number of axes."""

import math
from dataclasses import replace
from typing import Any

from ..errors import ParameterError
from .meaning import COMPLEX, Meaning, Numbers, Operator, box_line, gaussian_line
from .rows import About, Arguments, Peer, along, axes_of, constant, depth

WRAPS = Numbers("promoted", "promoted", overflow="wraps")
FFT = Numbers("transformed", "transformed")
NDIMAGE = Numbers("float64", "of x", rounding="towards zero", overflow="wraps", refuses=("float16",))
PLANE = replace(WRAPS, refuses=("bool", "float16"))
MODES = {"full": "full", "same": "same", "valid": "valid"}
NUMPY_MODES = {**MODES, 0: "valid", 1: "same", 2: "full"}
NDIMAGE_BOUNDARIES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "edge",
    "mirror": "reflect",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}
ASTROPY_BOUNDARIES = {"fill": "constant", "wrap": "wrap", "extend": "edge", None: None}
LONGER = "where the kernel is longer than x, the two change places"


def _numpy(a: Arguments, about: About, *, flip: bool) -> Meaning:
    return Meaning(
        a.function,
        a.text("a"),
        a.text("v"),
        a.weights("v"),
        ndim=1,
        flip=flip,
        conjugate=not flip,
        mode=a.choice("mode", NUMPY_MODES),
        exchanges=True,
        numbers=WRAPS,
        remarks=(LONGER,) if a["mode"] != "full" else (),
    )


def _signal(a: Arguments, about: About, *, flip: bool, numbers: Numbers = WRAPS) -> Meaning:
    if "axes" in a.values:
        a.refuse({"axes": None})
    weights = a.weights("in2")
    return Meaning(
        a.function,
        a.text("in1"),
        a.text("in2"),
        weights,
        ndim=about.ndim if weights is None else depth(weights),
        flip=flip,
        conjugate=not flip,
        mode=a.choice("mode", MODES),
        exchanges=a["mode"] == "valid",
        numbers=numbers,
        remarks=("a kernel of one tap is multiplied with x, in the dtype of both",) if numbers == FFT else (),
    )


def _signal2d(a: Arguments, about: About, *, flip: bool) -> Meaning:
    boundary = a.choice("boundary", {"fill": constant(a["fillvalue"]), "wrap": "wrap", "symm": "symmetric"})
    return Meaning(
        a.function,
        a.text("in1"),
        a.text("in2"),
        a.weights("in2"),
        ndim=2,
        flip=flip,
        conjugate=not flip,
        mode=a.choice("mode", MODES),
        # correlate2d starts one sample later than correlate for even kernels
        front="k // 2" if flip else "(k - 1) // 2",
        exchanges=a["mode"] == "valid",
        boundary=boundary,
        numbers=PLANE,
    )


def _ndimage_boundary(a: Arguments) -> Any:
    def one(word: Any) -> Any:
        if word not in NDIMAGE_BOUNDARIES:
            raise ParameterError(f"{a.function}: mode={word!r}: known are {', '.join(map(repr, NDIMAGE_BOUNDARIES))}")
        name = NDIMAGE_BOUNDARIES[word]
        return constant(a["cval"]) if name == "constant" else name

    mode = a["mode"]
    return [one(word) for word in mode] if isinstance(mode, (list, tuple)) else one(mode)


def _ndimage_numbers(a: Arguments, *, stepwise: bool = False) -> Numbers:
    return replace(NDIMAGE, result=a.dtype("output") or "of x", stepwise=stepwise)


def _axes_of(a: Arguments) -> tuple[int, ...] | None:
    if "axis" in a.values:
        return a.whole("axis", 1)
    return None if a.values.get("axes") is None else a.whole("axes")


def _ndimage(a: Arguments, about: About, *, flip: bool) -> Meaning:
    axes, weights = _axes_of(a), a.weights("weights")
    origin = a.whole("origin")
    ndim = len(axes) if axes is not None else about.ndim if weights is None else depth(weights)
    return Meaning(
        a.function,
        a.text("input"),
        a.text("weights"),
        weights,
        ndim=ndim,
        axes=axes,
        flip=flip,
        conjugate=not flip,
        # the centre tap, as written, is k // 2 either way
        front="(k - 1) // 2" if flip else "k // 2",
        shift=tuple(-o if flip else o for o in origin) if any(origin) else (),
        boundary=_ndimage_boundary(a),
        numbers=_ndimage_numbers(a),
    )


def _filtered(a: Arguments, operator: Operator, **more: Any) -> Meaning:
    axes = _axes_of(a) if operator.name in ("gaussian", "box") or "axes" in a.values else None
    return Meaning(
        a.function,
        a.text("input"),
        operator=operator,
        ndim=len(operator.terms[0]),
        axes=axes,
        boundary=_ndimage_boundary(a),
        numbers=_ndimage_numbers(a, stepwise=True),
        **more,
    )


def _num(a: Arguments, about: About, name: str = "input") -> int:
    axes = _axes_of(a)
    return len(axes) if axes is not None else axes_of(a, about, name)


def _ndimage_gaussian(a: Arguments, about: About) -> Meaning:
    a.refuse({"order": 0})
    num = _num(a, about, "sigma")
    sigmas = a.real("sigma", num)
    given = a["radius"] is not None
    radii = a.whole("radius", num) if given else tuple(int(a["truncate"] * s + 0.5) for s in sigmas)
    lines = tuple(gaussian_line(s, 2 * r + 1) if s > 1e-15 else (1.0,) for s, r in zip(sigmas, radii, strict=True))
    return _filtered(a, Operator("gaussian", (lines,), sigmas=sigmas))


def _ndimage_box(a: Arguments, about: About) -> Meaning:
    num = _num(a, about, "size")
    origin = a.whole("origin", num)
    shift = origin if any(origin) else ()
    return _filtered(a, Operator("box", (tuple(map(box_line, a.whole("size", num))),)), shift=shift)


def _ndimage_difference(a: Arguments, about: About, *, name: str, across: tuple[float, ...]) -> Meaning:
    (axis,) = a.whole("axis", 1)
    num = max(2, axis + 1, -axis) if about.ndim is None else about.ndim
    return _filtered(a, Operator(name, (along(num, axis, (-1.0, 0.0, 1.0), across),)))


def _ndimage_laplace(a: Arguments, about: About) -> Meaning:
    num = _num(a, about)
    terms = tuple(along(num, axis, (1.0, -2.0, 1.0), (1.0,)) for axis in range(num))
    return _filtered(a, Operator("laplacian", terms))


def _astropy(a: Arguments, about: About, *, transforms: bool) -> Meaning:
    a.refuse({"mask": None, "preserve_nan": False})
    if transforms:
        a.refuse({"crop": True, "return_fft": False, "fft_pad": None, "psf_pad": None, "min_wt": 0.0})
    rule = a.choice("boundary", ASTROPY_BOUNDARIES)
    if transforms and rule not in ("constant", "wrap"):
        raise ParameterError(f"{a.function}: boundary={a.text('boundary')}: known are 'fill' and 'wrap'")
    missing = a.choice("nan_treatment", {"interpolate": "are left out", "fill": a["fill_value"]})
    weights = a.weights("kernel")
    normalises = a.choice("normalize_kernel", {True: True, False: False})
    remarks = () if transforms else ("astropy refuses kernels of even length",)
    if transforms and not normalises and missing == "are left out":
        remarks = ("convolve_fft refuses kernels that sum to 0, unless nan_treatment='fill'",)
    return Meaning(
        a.function,
        a.text("array"),
        a.text("kernel"),
        weights,
        ndim=about.ndim if weights is None else depth(weights),
        flip=True,
        front="(k - 1) // 2",
        boundary=constant(a["fill_value"]) if rule == "constant" else rule or "zero",
        blank_rim=rule is None,
        normalises=normalises,
        # 1 / MAX_NORMALIZATION
        least_sum=0.01 if normalises else -math.inf,
        missing=missing,
        numbers=Numbers("float64", "float64" if transforms else "own float of x", refuses=COMPLEX),
        remarks=remarks,
    )


def _flips(read: Any, *, flip: bool, **more: Any) -> Any:
    return lambda a, about: read(a, about, flip=flip, **more)


SOBEL, PREWITT = (1.0, 2.0, 1.0), (1.0, 1.0, 1.0)
REST = "output=None, mode='reflect', cval=0.0"
ASTROPY_FIRST = "array, kernel, boundary='fill', fill_value=0.0, nan_treatment='interpolate', normalize_kernel=True"
FFT_REST = (
    "normalization_zero_tol=1e-8, preserve_nan=False, mask=None, crop=True, return_fft=False, fft_pad=None, "
    "psf_pad=None, min_wt=0.0, allow_huge=False, fftn=None, ifftn=None, complex_dtype=None, dealias=False"
)

ROWS = (
    Peer("numpy.convolve", "a, v, mode='full'", _flips(_numpy, flip=True)),
    Peer("numpy.correlate", "a, v, mode='valid'", _flips(_numpy, flip=False)),
    Peer("scipy.signal.convolve", "in1, in2, mode='full', method='auto'", _flips(_signal, flip=True)),
    Peer("scipy.signal.correlate", "in1, in2, mode='full', method='auto'", _flips(_signal, flip=False)),
    Peer("scipy.signal.fftconvolve", "in1, in2, mode='full', axes=None", _flips(_signal, flip=True, numbers=FFT)),
    Peer("scipy.signal.oaconvolve", "in1, in2, mode='full', axes=None", _flips(_signal, flip=True, numbers=FFT)),
    Peer(
        "scipy.signal.convolve2d", "in1, in2, mode='full', boundary='fill', fillvalue=0", _flips(_signal2d, flip=True)
    ),
    Peer(
        "scipy.signal.correlate2d", "in1, in2, mode='full', boundary='fill', fillvalue=0", _flips(_signal2d, flip=False)
    ),
    Peer("scipy.ndimage.convolve", f"input, weights, {REST}, origin=0, *, axes=None", _flips(_ndimage, flip=True)),
    Peer("scipy.ndimage.correlate", f"input, weights, {REST}, origin=0, *, axes=None", _flips(_ndimage, flip=False)),
    Peer("scipy.ndimage.convolve1d", f"input, weights, axis=-1, {REST}, origin=0", _flips(_ndimage, flip=True)),
    Peer("scipy.ndimage.correlate1d", f"input, weights, axis=-1, {REST}, origin=0", _flips(_ndimage, flip=False)),
    Peer(
        "scipy.ndimage.gaussian_filter",
        f"input, sigma, order=0, {REST}, truncate=4.0, *, radius=None, axes=None",
        _ndimage_gaussian,
    ),
    Peer(
        "scipy.ndimage.gaussian_filter1d",
        f"input, sigma, axis=-1, order=0, {REST}, truncate=4.0, *, radius=None",
        _ndimage_gaussian,
    ),
    Peer("scipy.ndimage.uniform_filter", f"input, size=3, {REST}, origin=0, *, axes=None", _ndimage_box),
    Peer("scipy.ndimage.uniform_filter1d", f"input, size, axis=-1, {REST}, origin=0", _ndimage_box),
    Peer(
        "scipy.ndimage.sobel",
        f"input, axis=-1, {REST}",
        lambda a, about: _ndimage_difference(a, about, name="sobel", across=SOBEL),
    ),
    Peer(
        "scipy.ndimage.prewitt",
        f"input, axis=-1, {REST}",
        lambda a, about: _ndimage_difference(a, about, name="prewitt", across=PREWITT),
    ),
    Peer("scipy.ndimage.laplace", f"input, {REST}, *, axes=None", _ndimage_laplace),
    Peer(
        "astropy.convolution.convolve",
        f"{ASTROPY_FIRST}, mask=None, preserve_nan=False, normalization_zero_tol=1e-8",
        lambda a, about: _astropy(a, about, transforms=False),
    ),
    Peer(
        "astropy.convolution.convolve_fft",
        f"{ASTROPY_FIRST}, {FFT_REST}",
        lambda a, about: _astropy(a, about, transforms=True),
    ),
)
