"""The rows of OpenCV and scikit-image: functions on pictures."""

from typing import Any

import numpy as np

from ..errors import ParameterError
from .meaning import COMPLEX, Line, Meaning, Numbers, Operator, box_line, gaussian_line
from .rows import About, Arguments, Peer, along, axes_of, constant

BORDERS = {
    "BORDER_CONSTANT": "zero",
    "BORDER_REPLICATE": "edge",
    "BORDER_REFLECT": "symmetric",
    "BORDER_REFLECT_101": "reflect",
    "BORDER_REFLECT101": "reflect",
    "BORDER_DEFAULT": "reflect",
    "BORDER_WRAP": "wrap",
    0: "zero",
    1: "edge",
    2: "symmetric",
    3: "wrap",
    4: "reflect",
}
DEPTHS = {
    -1: "of x",
    "CV_8U": "uint8",
    "CV_16U": "uint16",
    "CV_16S": "int16",
    "CV_32F": "float32",
    "CV_64F": "float64",
    0: "uint8",
    2: "uint16",
    3: "int16",
    5: "float32",
    6: "float64",
}
REFUSED = ("bool", "int8", "uint32", "int32", "uint64", "int64", "float16", *COMPLEX)
PLANE = (0, 1)
"""OpenCV filters rows and columns; a third axis holds channels."""
NO_WRAP = "OpenCV refuses BORDER_WRAP for small kernels, and takes it from about 11 by 11 taps on"
SOBEL, SCHARR, PREWITT = (1.0, 2.0, 1.0), (3.0, 10.0, 3.0), (1.0, 1.0, 1.0)
DIFFERENCE, SECOND = (-1.0, 0.0, 1.0), (1.0, -2.0, 1.0)


def _saturating(depth: str) -> Numbers:
    return Numbers("float64", depth, rounding="to nearest even", overflow="saturates", refuses=REFUSED)


def _cv2(a: Arguments, about: About, **more: Any) -> Meaning:
    boundary = a.choice("borderType", BORDERS)
    anchor = a.whole("anchor", 2) if "anchor" in a.values and a["anchor"] is not None else (-1, -1)
    facts: dict[str, Any] = {
        "ndim": 2,
        "axes": PLANE,
        "boundary": boundary,
        "offset": a.real("delta")[0] if "delta" in a.values else 0.0,
        "numbers": _saturating(a.choice("ddepth", DEPTHS) if "ddepth" in a.values else "of x"),
        "remarks": (NO_WRAP,) if boundary == "wrap" else (),
    } | more
    if anchor != (-1, -1):
        # (x, y) as everywhere in OpenCV; the taps are known only where the function brings its own
        if "operator" not in facts and facts.get("weights") is None:
            raise ParameterError(f"{a.function}: anchor={a.text('anchor')} needs a kernel whose taps are written out")
        operator = facts.get("operator")
        taps = np.shape(facts["weights"]) if operator is None else operator.taps
        places = tuple(k // 2 if at < 0 else at for at, k in zip(reversed(anchor), taps, strict=True))
        facts["shift"] = tuple(at - k // 2 for at, k in zip(places, taps, strict=True))
    return Meaning(a.function, a.text("src"), **facts)


def _filter2d(a: Arguments, about: About) -> Meaning:
    return _cv2(a, about, kernel=a.text("kernel"), weights=a.weights("kernel"))


def _sep_filter(a: Arguments, about: About) -> Meaning:
    right, down = a.weights("kernelX"), a.weights("kernelY")
    weights = None if right is None or down is None else np.outer(np.ravel(down), np.ravel(right)).tolist()
    return _cv2(a, about, kernel=f"np.outer({a.text('kernelY')}, {a.text('kernelX')})", weights=weights)


def _box(a: Arguments, about: About) -> Meaning:
    width, height = a.whole("ksize", 2)
    lines = (box_line(height), box_line(width))
    normalised = a.choice("normalize", {True: True, False: False}) if "normalize" in a.values else True
    return _cv2(a, about, operator=Operator("box", (lines,)), scale=1.0 if normalised else float(width * height))


def _cv2_gaussian(a: Arguments, about: About) -> Meaning:
    a.refuse({"hint": 0})
    sizes = a.whole("ksize", 2)[::-1]
    right = a.real("sigmaX")[0]
    down = a.real("sigmaY")[0] or right
    sigmas = (down, right)
    # taps depend on the dtype where the call leaves them open
    reach = 3 if about.dtype == np.uint8 else 4
    taps = tuple(round(s * reach * 2 + 1) | 1 if k <= 0 else k for s, k in zip(sigmas, sizes, strict=True))
    if any(k <= 0 and s <= 0 for s, k in zip(sigmas, sizes, strict=True)) or any(k % 2 == 0 for k in taps):
        raise ParameterError(f"{a.function}: ksize={a.text('ksize')} takes odd lengths, or 0 with sigmaX > 0")
    lines = tuple(_cv2_bell(s, k) for s, k in zip(sigmas, taps, strict=True))
    used = tuple(s if s > 0 else 0.15 * k + 0.35 for s, k in zip(sigmas, taps, strict=True))
    remarks = ("for uint8 OpenCV computes in fixed point: its last digit may differ by 1",)
    return _cv2(a, about, operator=Operator("gaussian", (lines,), sigmas=used), remarks=remarks)


TABLES: dict[int, Line] = {
    1: (1.0,),
    3: (0.25, 0.5, 0.25),
    5: (0.0625, 0.25, 0.375, 0.25, 0.0625),
    7: (0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125),
    9: tuple(w / 256 for w in (4, 13, 30, 51, 60, 51, 30, 13, 4)),
}
"""Taps -> what OpenCV takes for a Gaussian where no sigma is given."""


def _cv2_bell(sigma: float, taps: int) -> Line:
    if sigma > 0:
        return gaussian_line(sigma, taps)
    return TABLES[taps] if taps in TABLES else gaussian_line(0.15 * taps + 0.35, taps)


def _derivative_line(order: int, taps: int) -> Line:
    """Differences of a row of Pascal's triangle: what OpenCV takes along an axis."""
    if taps == 1:
        return {0: (1.0,), 1: DIFFERENCE, 2: SECOND}[order]
    line = np.ones(1)
    for _ in range(taps - 1 - order):
        line = np.convolve(line, [1.0, 1.0])
    for _ in range(order):
        line = np.convolve(line, [-1.0, 1.0])
    return tuple(line.tolist())


def _cv2_sobel(a: Arguments, about: About) -> Meaning:
    orders = (a.whole("dy")[0], a.whole("dx")[0])
    if "ksize" not in a.values or a["ksize"] == -1:
        if sorted(orders) != [0, 1]:
            raise ParameterError(f"{a.function}: dx={orders[1]}, dy={orders[0]}: Scharr takes 1, 0 or 0, 1")
        operator = Operator("scharr", (along(2, orders.index(1), DIFFERENCE, SCHARR),))
    else:
        (taps,) = a.whole("ksize")
        if taps not in (1, 3, 5, 7) or sum(orders) < 1 or not all(0 <= order <= 2 for order in orders):
            raise ParameterError(f"{a.function}: ksize 1, 3, 5 or 7 (or -1), and orders 0, 1 or 2 are known")
        lines = tuple(_derivative_line(order, max(taps, 3) if taps > 1 else 1) for order in orders)
        operator = Operator("sobel" if taps > 1 else "difference", (lines,))
    return _cv2(a, about, operator=operator, scale=a.real("scale")[0])


def _cv2_laplacian(a: Arguments, about: About) -> Meaning:
    (taps,) = a.whole("ksize")
    if taps not in (1, 3, 5, 7):
        raise ParameterError(f"{a.function}: ksize={taps}: 1, 3, 5 or 7 are known")
    if taps == 1:
        terms = (along(2, 0, SECOND, (1.0,)), along(2, 1, SECOND, (1.0,)))
    else:
        second, smooth = _derivative_line(2, taps), _derivative_line(0, taps)
        terms = (along(2, 0, second, smooth), along(2, 1, second, smooth))
    return _cv2(a, about, operator=Operator("laplacian", terms), scale=a.real("scale")[0])


SKIMAGE = Numbers("float of x", "float of x", rescales=True, refuses=COMPLEX)
MODES = {"reflect": "symmetric", "constant": "constant", "nearest": "edge", "mirror": "reflect", "wrap": "wrap"}


def _skimage_boundary(a: Arguments) -> Any:
    rule = a.choice("mode", MODES)
    return constant(a["cval"]) if rule == "constant" else rule


def _skimage_edges(a: Arguments, about: About, *, name: str, across: Line, axis: int | None = None) -> Meaning:
    a.refuse({"mask": None})
    given = a["axis"] if "axis" in a.values else axis
    boundary = _skimage_boundary(a) if "mode" in a.values else "symmetric"
    if isinstance(given, int):
        num = max(2, given + 1, -given) if about.ndim is None else about.ndim
        axes = [given % num]
    else:
        num = about.picture
        axes = list(range(num)) if given is None else [place % num for place in a.whole("axis")]
    operator = Operator(
        name,
        tuple(along(num, place, DIFFERENCE, across) for place in axes),
        # one axis keeps its sign
        "length" if len(axes) > 1 else "sum",
    )
    # weights across sum to 1, the difference is over two samples; a length is that of the mean square
    scale = 1 / sum(across) ** (num - 1) / len(axes) ** 0.5
    return Meaning(
        a.function, a.text("image"), operator=operator, ndim=num, scale=scale, boundary=boundary, numbers=SKIMAGE
    )


def _skimage_gaussian(a: Arguments, about: About) -> Meaning:
    a.refuse({"channel_axis": None})
    num = axes_of(a, about, "sigma")
    sigmas = a.real("sigma", num)
    lines = tuple(gaussian_line(s, 2 * int(a["truncate"] * s + 0.5) + 1) if s > 0 else (1.0,) for s in sigmas)
    preserved = a.choice("preserve_range", {True: True, False: False})
    numbers = Numbers("float of x", "float of x", rescales=not preserved, stepwise=True, refuses=COMPLEX)
    return Meaning(
        a.function,
        a.text("image"),
        operator=Operator("gaussian", (lines,), sigmas=sigmas),
        ndim=num,
        boundary=_skimage_boundary(a),
        numbers=numbers,
    )


def _skimage_laplace(a: Arguments, about: About) -> Meaning:
    a.refuse({"mask": None, "ksize": 3})
    num = about.picture
    terms = tuple(along(num, axis, SECOND, (1.0,)) for axis in range(num))
    return Meaning(
        a.function,
        a.text("image"),
        operator=Operator("laplacian", terms),
        ndim=num,
        scale=-1.0,
        boundary="symmetric",
        numbers=SKIMAGE,
    )


def _edges_rows(name: str, across: Line) -> tuple[Peer, ...]:
    return (
        Peer(
            f"skimage.filters.{name}",
            "image, mask=None, *, axis=None, mode='reflect', cval=0.0",
            lambda a, about: _skimage_edges(a, about, name=name, across=across),
        ),
        Peer(
            f"skimage.filters.{name}_h",
            "image, mask=None",
            lambda a, about: _skimage_edges(a, about, name=name, across=across, axis=0),
        ),
        Peer(
            f"skimage.filters.{name}_v",
            "image, mask=None",
            lambda a, about: _skimage_edges(a, about, name=name, across=across, axis=1),
        ),
    )


ROWS = (
    Peer("cv2.filter2D", "src, ddepth, kernel, dst=None, anchor=(-1, -1), delta=0, borderType=4", _filter2d),
    Peer(
        "cv2.sepFilter2D",
        "src, ddepth, kernelX, kernelY, dst=None, anchor=(-1, -1), delta=0, borderType=4",
        _sep_filter,
    ),
    Peer("cv2.blur", "src, ksize, dst=None, anchor=(-1, -1), borderType=4", _box),
    Peer("cv2.boxFilter", "src, ddepth, ksize, dst=None, anchor=(-1, -1), normalize=True, borderType=4", _box),
    Peer("cv2.GaussianBlur", "src, ksize, sigmaX, dst=None, sigmaY=0, borderType=4, hint=0", _cv2_gaussian),
    Peer("cv2.Sobel", "src, ddepth, dx, dy, dst=None, ksize=3, scale=1, delta=0, borderType=4", _cv2_sobel),
    Peer("cv2.Scharr", "src, ddepth, dx, dy, dst=None, scale=1, delta=0, borderType=4", _cv2_sobel),
    Peer("cv2.Laplacian", "src, ddepth, dst=None, ksize=1, scale=1, delta=0, borderType=4", _cv2_laplacian),
    *_edges_rows("sobel", SOBEL),
    *_edges_rows("scharr", SCHARR),
    *_edges_rows("prewitt", PREWITT),
    Peer(
        "skimage.filters.gaussian",
        "image, sigma=1.0, *, mode='nearest', cval=0, preserve_range=False, truncate=4.0, channel_axis=None, out=None",
        _skimage_gaussian,
    ),
    Peer("skimage.filters.laplace", "image, ksize=3, mask=None", _skimage_laplace),
)
