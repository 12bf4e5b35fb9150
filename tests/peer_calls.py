"""Calls of other libraries made by hypothesis, and what those libraries return.

Weights and samples are multiples of a power of two: all sums are exact, whoever adds them, so that rounding to integers
cannot fall on different sides.
"""

import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

MODULES = {
    "numpy": {"np": "numpy"},
    "scipy.signal": {"np": "numpy", "signal": "scipy.signal"},
    "scipy.ndimage": {"np": "numpy", "ndimage": "scipy.ndimage"},
    "skimage": {"np": "numpy", "skimage": "skimage", "filters": "skimage.filters"},
    "cv2": {"np": "numpy", "cv2": "cv2"},
    "astropy": {"np": "numpy", "astropy": "astropy.convolution"},
    "torch": {"np": "numpy", "torch": "torch", "F": "torch.nn.functional"},
    "kornia": {"np": "numpy", "torch": "torch", "F": "torch.nn.functional", "kornia": "kornia"},
    "faltung": {"np": "numpy", "ft": "faltung"},
}
TENSORS = ("torch", "kornia")
USUAL = ("numpy", "scipy.signal", "scipy.ndimage", "skimage", "faltung")
OPTIONAL = ("cv2", "astropy", "torch", "kornia")


def libraries(*names: str) -> list[Any]:
    """Names as parameters of a test; what is not a dependency of the tests may be missing."""
    return [pytest.param(name, id=name) for name in names]


def modules(library: str) -> dict[str, Any]:
    """What a call of this library may name; skips the test where the library is missing."""
    found = {}
    for name, path in MODULES[library].items():
        top = path.partition(".")[0]
        if library in OPTIONAL:
            # torch warns while it looks for optional parts of its own
            pytest.importorskip(top, reason=f"{top} is not installed")
        module = import_module(path)
        found[name] = import_module(top) if name == top else module
    return found


@dataclass(frozen=True)
class PeerCall:
    """A call and its data: x and the kernel `k` as arrays of the convolved axes."""

    library: str
    text: str
    x: Any
    k: Any

    def run(self) -> Any:
        """What the library returns, without batch and channel axes."""
        x, k = self.x, self.k
        if self.library not in TENSORS:
            return np.asarray(run(self.library, self.text, x, k))
        torch = modules(self.library)["torch"]
        x = torch.as_tensor(x)[None, None]
        if k is not None:
            # kornia's kernels have a batch axis, torch's two
            k = torch.as_tensor(np.ascontiguousarray(k))[(None,) if self.library == "kornia" else (None, None)]
        return run(self.library, self.text, x, k)[0, 0].numpy()


def run(library: str, code: str, x: Any, k: Any) -> Any:
    """The value of the last line of code."""
    names = modules(library) | {"x": x, "k": k}
    *lines, last = code.split("\n")
    with warnings.catch_warnings():
        if library in TENSORS:
            # padding="same" with even kernels warns of a copy
            warnings.simplefilter("ignore")
        for line in lines:
            exec(line, names)
        return eval(last, names)


def run_translated(library: str, code: str, x: Any, k: Any) -> Any:
    """The result of a translation, as an array; torch and kornia get tensors of the convolved axes."""
    if library not in TENSORS:
        return np.asarray(run(library, code, x, k))
    torch = modules(library)["torch"]
    tensor = None if k is None else torch.as_tensor(np.ascontiguousarray(k))
    return run(library, code, torch.as_tensor(np.ascontiguousarray(x)), tensor).numpy()


def samples(shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    """Random data on a grid of quarters; integers over the whole range of small dtypes."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(max(info.min, -3000), min(info.max, 3000), shape, endpoint=True).astype(dtype)
    quarters = rng.integers(-40, 41, shape) / 4
    if kind == "c":
        return (quarters + 1j * rng.integers(-40, 41, shape) / 4).astype(dtype)
    return quarters.astype(dtype)


Draw = Any
BORDERS = ("CONSTANT", "REPLICATE", "REFLECT", "REFLECT_101")
SIGMAS = (0.5, 0.8, 1.0, 1.5, 2.0)


def _value(draw: Draw) -> float:
    return draw(st.sampled_from((0.0, 1.0, -2.5)))


def _numpy(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    verb, mode = draw(st.sampled_from(("convolve", "correlate"))), draw(st.sampled_from(("full", "same", "valid")))
    return f"np.{verb}(x, k, {mode!r})"


def _signal(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    mode = draw(st.sampled_from(("full", "same", "valid")))
    names = ["convolve", "correlate", "fftconvolve", "oaconvolve"] + ["convolve2d", "correlate2d"] * 2 * (ndim == 2)
    name = draw(st.sampled_from(names))
    if not name.endswith("2d"):
        return f"signal.{name}(x, k, mode={mode!r})"
    boundary = draw(st.sampled_from(("fill", "wrap", "symm")))
    value = f", fillvalue={_value(draw)}" if boundary == "fill" else ""
    return f"signal.{name}(x, k, {mode!r}, {boundary!r}{value})"


def _ndimage_mode(draw: Draw) -> str:
    names = ("reflect", "grid-mirror", "constant", "grid-constant", "nearest", "mirror", "wrap", "grid-wrap")
    mode = draw(st.sampled_from(names))
    return f"mode={mode!r}" + (f", cval={_value(draw)}" if "constant" in mode else "")


def _ndimage(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    name = draw(st.sampled_from(("convolve", "correlate")))
    origin = [draw(st.integers(-(k // 2), (k - 1) // 2)) if draw(st.booleans()) else 0 for k in taps]
    if name == "convolve":
        origin = [min(max(o, -((k - 1) // 2)), (k - 1) // 2) for o, k in zip(origin, taps, strict=True)]
    more = f", origin={origin}" if any(origin) else ""
    if ndim == 1 and draw(st.booleans()):
        more = f", origin={origin[0]}" if any(origin) else ""
        return f"ndimage.{name}1d(x, k, {_ndimage_mode(draw)}{more})"
    return f"ndimage.{name}(x, k, {_ndimage_mode(draw)}{more})"


def _ndimage_filter(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    mode = _ndimage_mode(draw)
    axis = draw(st.integers(-ndim, ndim - 1))
    sigmas = [draw(st.sampled_from(SIGMAS)) for _ in range(ndim)]
    sizes = [draw(st.integers(1, 5)) for _ in range(ndim)]
    truncate = draw(st.sampled_from(("", ", truncate=2.5", ", radius=3")))
    return draw(
        st.sampled_from(
            (
                f"ndimage.gaussian_filter(x, {sigmas}, {mode}{truncate})",
                f"ndimage.gaussian_filter(x, {sigmas[0]}, {mode}{truncate})",
                f"ndimage.uniform_filter(x, {sizes}, {mode})",
                f"ndimage.sobel(x, {axis}, {mode})",
                f"ndimage.prewitt(x, axis={axis}, {mode})",
                f"ndimage.laplace(x, {mode})",
            )
        )
    )


def _skimage(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    mode = draw(st.sampled_from(("reflect", "constant", "nearest", "mirror", "wrap")))
    more = f"mode={mode!r}" + (f", cval={_value(draw)}" if mode == "constant" else "")
    name = draw(st.sampled_from(("sobel", "scharr", "prewitt")))
    axis = draw(st.sampled_from(("None", *map(str, range(ndim)))))
    sigmas = [draw(st.sampled_from(SIGMAS)) for _ in range(ndim)]
    calls = [
        f"filters.{name}(x, axis={axis}, {more})",
        f"filters.gaussian(x, {sigmas}, {more}, preserve_range={draw(st.booleans())})",
        f"filters.gaussian(x, {sigmas[0]}, truncate=3)",
        "filters.laplace(x)",
    ]
    if ndim == 2:
        calls += [f"filters.{name}_h(x)", f"filters.{name}_v(x)"]
    return draw(st.sampled_from(calls))


def _cv2(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    border = f"borderType=cv2.BORDER_{draw(st.sampled_from(BORDERS))}"
    delta = draw(st.sampled_from(("", "delta=2, ")))
    depth = draw(st.sampled_from(("-1", "cv2.CV_64F")))
    return f"cv2.filter2D(x, {depth}, k, {delta}{border})"


def _cv2_filter(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    border = f"borderType=cv2.BORDER_{draw(st.sampled_from(BORDERS))}"
    size = tuple(draw(st.integers(1, 5)) for _ in range(2))
    odd = tuple(draw(st.sampled_from((1, 3, 5, 7))) for _ in range(2))
    sigma = draw(st.sampled_from(SIGMAS))
    depth = draw(st.sampled_from(("-1", "cv2.CV_64F")))
    orders = draw(st.sampled_from(((1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1))))
    first = draw(st.sampled_from(((1, 0), (0, 1))))
    taps_of = draw(st.sampled_from((1, 3, 5, 7)))
    anchor = draw(st.sampled_from(("", f"anchor={(size[0] - 1, 0)}, ")))
    kernels = "np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.5])"
    return draw(
        st.sampled_from(
            (
                f"cv2.blur(x, {size}, {anchor}{border})",
                f"cv2.boxFilter(x, {depth}, {size}, normalize=False, {border})",
                f"cv2.GaussianBlur(x, {odd}, {sigma}, sigmaY={draw(st.sampled_from(SIGMAS))}, {border})",
                f"cv2.GaussianBlur(x, {odd}, 0, {border})",
                f"cv2.GaussianBlur(x, (0, 0), {sigma}, {border})",
                f"cv2.Sobel(x, {depth}, {orders[0]}, {orders[1]}, ksize={taps_of}, scale=0.5, {border})",
                f"cv2.Sobel(x, {depth}, {first[0]}, {first[1]}, ksize=-1, {border})",
                f"cv2.Scharr(x, {depth}, {first[0]}, {first[1]}, {border})",
                f"cv2.Laplacian(x, {depth}, ksize={taps_of}, {border})",
                f"cv2.sepFilter2D(x, {depth}, {kernels}, {border})",
            )
        )
    )


def _astropy(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    normalised = f"normalize_kernel={draw(st.booleans())}"
    if draw(st.booleans()):
        boundary = draw(st.sampled_from(("'fill'", "'wrap'")))
        return f"astropy.convolution.convolve_fft(x, k, boundary={boundary}, {normalised})"
    boundary = draw(st.sampled_from(("'fill'", "'wrap'", "'extend'", "None")))
    value = f", fill_value={_value(draw)}" if boundary == "'fill'" else ""
    return f"astropy.convolution.convolve(x, k, boundary={boundary}{value}, {normalised})"


def _torch(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    padding = draw(st.sampled_from(("'same'", "'valid'", "0", "1", "2")))
    more = f", dilation={draw(st.integers(1, 2))}"
    if padding != "'same'":
        more += f", stride={draw(st.integers(1, 3))}"
    return f"F.conv{ndim}d(x, k, padding={padding}{more})"


def _kornia(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    border = draw(st.sampled_from(("constant", "reflect", "replicate", "circular")))
    size = tuple(draw(st.sampled_from((1, 3, 5))) for _ in range(2))
    sigmas = tuple(draw(st.sampled_from(SIGMAS)) for _ in range(2))
    normalised = draw(st.booleans())
    behaviour, padding = draw(st.sampled_from(("corr", "conv"))), draw(st.sampled_from(("same", "valid")))
    filtered = f"kornia.filters.filter2d(x, k, {border!r}, {normalised}, {padding!r}, behaviour={behaviour!r})"
    return draw(
        st.sampled_from(
            (
                filtered,
                filtered,
                f"kornia.filters.gaussian_blur2d(x, {size}, {sigmas}, border_type={border!r})",
                f"kornia.filters.box_blur(x, {size}, border_type={border!r})",
                f"kornia.filters.sobel(x, normalized={normalised})",
                f"kornia.filters.spatial_gradient(x, {draw(st.sampled_from(('sobel', 'diff')))!r})",
            )
        )
    )


def _faltung(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    verb = draw(st.sampled_from(("convolve", "correlate")))
    boundary = draw(st.sampled_from(("zero", "edge", "symmetric", "reflect", "wrap", ("constant", 2.0))))
    window = draw(st.sampled_from(("mode='full'", "mode='same'", "mode='valid'", "padding='same'", "padding=1")))
    more = draw(st.sampled_from(("", ", stride=2", ", dilation=2")))
    if "valid" in window or "padding=1" in window:
        more = more.replace(", dilation=2", "")
    return f"ft.{verb}(x, k, {window}, boundary={boundary!r}{more})"


def _faltung_filter(draw: Draw, ndim: int, taps: tuple[int, ...]) -> str:
    boundary = f"boundary={draw(st.sampled_from(('zero', 'edge', 'symmetric', 'reflect', 'wrap')))!r}"
    name = draw(st.sampled_from(("sobel", "scharr", "prewitt")))
    axis = draw(st.sampled_from(("None", *map(str, range(ndim)))))
    scale = draw(st.sampled_from(("kernel", "unit")))
    return draw(
        st.sampled_from(
            (
                f"ft.{name}(x, {axis}, scale={scale!r}, {boundary})",
                f"ft.gaussian(x, {draw(st.sampled_from(SIGMAS))}, {boundary})",
                f"ft.box(x, {draw(st.sampled_from((1, 3, 5)))}, {boundary})",
                f"ft.laplacian(x, {boundary})",
            )
        )
    )


WITH_KERNEL = {
    "numpy": (_numpy, (1,)),
    "scipy.signal": (_signal, (1, 2, 3)),
    "scipy.ndimage": (_ndimage, (1, 2, 3)),
    "cv2": (_cv2, (2,)),
    "astropy": (_astropy, (1, 2)),
    "torch": (_torch, (1, 2, 3)),
    "kornia": (_kornia, (2,)),
    "faltung": (_faltung, (1, 2, 3)),
}
FILTERS = {
    "scipy.ndimage": (_ndimage_filter, (1, 2, 3)),
    "skimage": (_skimage, (1, 2, 3)),
    "cv2": (_cv2_filter, (2,)),
    "faltung": (_faltung_filter, (2, 3)),
}


@st.composite
def peer_calls(draw: Draw, library: str, *, dtypes: tuple[str, ...] = ("float64",), longer: bool = True) -> PeerCall:
    """A call of the library that has a result.

    Args:
        dtypes: of x; the kernel has the same, or float64 for OpenCV and scipy.ndimage.
        longer: whether the kernel may be longer than x.
    """
    writers = [found for found in (WITH_KERNEL.get(library), FILTERS.get(library)) if found is not None]
    write, ndims = draw(st.sampled_from(writers))
    ndim = draw(st.sampled_from(ndims))
    shape = tuple(draw(st.integers(7, 12)) for _ in range(ndim))
    most = 15 if longer and library in ("numpy", "scipy.signal") and ndim == 1 else 5
    taps = tuple(draw(st.integers(1, most)) for _ in range(ndim))
    text = write(draw, ndim, taps)
    if "astropy.convolution.convolve(" in text:
        taps = tuple(k | 1 for k in taps)
    if "dilation=2" in text:
        taps = tuple(min(k, 3) for k in taps)
    if library == "torch":
        taps = tuple(min(k, 3) for k in taps)
    dtype = draw(st.sampled_from(dtypes))
    seed = draw(st.integers(0, 2**32 - 1))
    x = samples(shape, dtype, seed)
    k = samples(taps, "float64" if library in ("cv2", "scipy.ndimage") else dtype, seed + 1)
    if np.dtype(dtype).kind in "iu":
        k = (np.abs(k) % 7).astype(k.dtype)
    if np.dtype(dtype).kind in "iu" and "fillvalue" in text:
        # scipy casts the value by way of complex numbers, and warns
        text = text.partition(", fillvalue")[0] + ")"
    if np.dtype(dtype).kind in "iu" and library == "torch":
        # torch dilates no integers
        text = text.replace("dilation=2", "dilation=1")
    if np.dtype(dtype).kind in "iu" and ("fftconvolve" in text or "oaconvolve" in text):
        # a single tap is not transformed, and keeps its dtype
        k = np.resize(k, tuple(max(n, 2) for n in taps))
    if draw(st.integers(0, 7)) == 0:
        k = np.zeros_like(k)
    if "normalize_kernel=True" in text or "convolve_fft" in text:
        # a kernel that sums to 0 is refused there
        k = np.abs(k) + 1
    return PeerCall(library, text, x, k if " k" in text else None)


def scale_of(*arrays: Any) -> float:
    """The size of what is compared, for absolute tolerances."""
    return float(max(1.0, *(np.nanmax(np.abs(a.astype(complex)), initial=0.0) for a in arrays)))
