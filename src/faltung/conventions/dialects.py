"""How each library writes things: candidates for a call, padding, kernels, casts. The table decides what they mean."""

from ast import literal_eval
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import ParameterError
from .meaning import Line, Meaning, Operator, is_whole

NDIMAGE = {"symmetric": "reflect", "edge": "nearest", "reflect": "mirror", "wrap": "grid-wrap"}
CV2 = {
    "zero": "BORDER_CONSTANT",
    "edge": "BORDER_REPLICATE",
    "symmetric": "BORDER_REFLECT",
    "reflect": "BORDER_REFLECT_101",
}
ASTROPY = {"wrap": "wrap", "edge": "extend"}
TORCH = {"zero": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}
MATLAB = {"zero": "0", "edge": "'replicate'", "symmetric": "'symmetric'", "wrap": "'circular'"}
MATLAB_LENGTHS = {"n - 1": "size(K)-1", "n // 2": "floor(size(K)/2)", "(n - 1) // 2": "floor((size(K)-1)/2)"}
JULIA_LENGTHS = {"n - 1": "size(K) .- 1", "n // 2": "size(K) .÷ 2", "(n - 1) // 2": "(size(K) .- 1) .÷ 2"}
JULIA = {"edge": '"replicate"', "wrap": '"circular"', "symmetric": '"symmetric"', "reflect": '"reflect"'}


@dataclass(frozen=True)
class Candidate:
    """A call that may say what is meant: to be read and compared.

    Attributes:
        call: with the names `X` and `K` where x and the kernel go.
        wrap: what stands around it, with the name `CALL`.
    """

    call: str
    wrap: str = "CALL"


class Dialect:
    """A library on NumPy arrays; others change what they write otherwise."""

    name = ""
    library = ""
    imports: tuple[str, ...] = ()
    ndims: tuple[int, ...] = ()
    """Numbers of axes it convolves; empty for any."""
    valid = ""
    """A correlation whose windows stay inside."""
    crops = ""
    """Without such a call: a correlation that begins k // 2 before every sample, whose rim has to be cut off."""
    odd_only = False
    arithmetic: Literal["np", "torch", "matlab", "julia"] = "np"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        """Calls with a kernel of one's own."""
        yield from ()

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        """Calls that bring their weights along."""
        yield from ()

    def inside(self, ndim: int | None) -> str:
        """A correlation whose windows stay inside, or whose rim is cut off afterwards."""
        return self.valid or self.crops

    def flipped(self, k: str, ndim: int | None) -> str:
        """The kernel turned around along every axis."""
        return f"np.flip({k})"

    def conjugated(self, k: str) -> str:
        """The complex conjugate of the kernel."""
        return f"np.conj({k})"

    def summed(self, k: str, *, sizes: bool) -> str:
        """The sum of the weights, or of their sizes."""
        return f"np.abs({k}).sum()" if sizes else f"{k}.sum()"

    def array(self, text: str, x: str) -> str:
        """A kernel written as NumPy would, in this library, and in the dtype of x if that is named."""
        return text

    def padded(self, x: str, pairs: str, boundary: Any) -> str:
        """X with its surroundings."""
        if isinstance(boundary, tuple):
            value = boundary[1]
            if isinstance(value, float) and not value.is_integer():
                # np.pad casts the value to the dtype of x
                x = f"np.asarray({x}, np.result_type({x}, 1.0))"
            elif isinstance(value, (int, float)) and not 0 <= value < 128:
                x = f"np.asarray({x}, np.result_type({x}, np.int16))"
            return f'np.pad({x}, {pairs}, mode="constant", constant_values={value!r})'
        return f'np.pad({x}, {pairs}, mode="{NUMPY_PAD[boundary]}")'

    def pairs(self, k: str, front: tuple[str, str]) -> str:
        """Padding for every axis of a kernel whose lengths are not known."""
        return f"[({front[0]}, {front[1]}) for n in {k}.shape]"

    def literal_pairs(self, pairs: Sequence[tuple[int, int]]) -> str:
        """Padding for every axis, (before, after)."""
        return repr(list(pairs))

    def strided(self, y: str, stride: Sequence[int]) -> str:
        """Every so-many-th sample."""
        return f"{y}[{', '.join(f'::{s}' for s in stride)}]"

    def cast(self, y: str, dtype: np.dtype[Any]) -> str:
        """The result in another dtype."""
        return f"{y}.astype(np.{dtype.name})"

    def rounded(self, y: str, rule: str) -> str:
        """The result as whole numbers."""
        if rule == "to nearest even":
            return f"np.rint({y})"
        return f"np.trunc({y})"

    def clipped(self, y: str, low: int, high: int) -> str:
        """The result within limits."""
        return f"np.clip({y}, {low}, {high})"

    def squared(self, part: str) -> str:
        """The square of a term."""
        return f"{part} ** 2"

    def root(self, squares: Sequence[str]) -> str:
        """The root of a sum."""
        return f"np.sqrt({' + '.join(squares)})"

    def stacked(self, parts: Sequence[str]) -> str:
        """Terms along a new axis."""
        return f"np.stack([{', '.join(parts)}])"


NUMPY_PAD = {"zero": "constant", "edge": "edge", "symmetric": "symmetric", "reflect": "reflect", "wrap": "wrap"}


def _modes(m: Meaning) -> tuple[str, ...]:
    return (m.mode,) if m.mode != "padded" else ("full", "same", "valid")


class _Numpy(Dialect):
    name, library, imports, ndims = "NumPy", "numpy", ("import numpy as np",), (1,)
    valid = "np.correlate(X, K, 'valid')"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        for function in ("convolve", "correlate"):
            for mode in _modes(m):
                yield Candidate(f"np.{function}(X, K, {mode!r})")


class _Signal(Dialect):
    name, library = "scipy.signal", "scipy.signal"
    imports = ("import numpy as np", "from scipy import signal")
    valid = "signal.correlate(X, K, 'valid')"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        for function in ("convolve", "correlate"):
            for mode in _modes(m):
                yield Candidate(f"signal.{function}(X, K, {mode!r})")
        if m.ndim != 2:
            return
        words = {"zero": "'fill'", "wrap": "'wrap'", "symmetric": "'symm'"}
        outside = (
            f"'fill', fillvalue={m.boundary[1]!r}" if isinstance(m.boundary, tuple) else words.get(str(m.boundary))
        )
        for function in ("convolve2d", "correlate2d"):
            for mode in _modes(m):
                if outside is not None:
                    yield Candidate(f"signal.{function}(X, K, {mode!r}, boundary={outside})")


class _Ndimage(Dialect):
    name, library = "scipy.ndimage", "scipy.ndimage"
    imports = ("import numpy as np", "from scipy import ndimage")
    crops = "ndimage.correlate(X, K)"

    def _mode(self, boundary: Any) -> str:
        if boundary == "zero":
            return "mode='constant'"
        if isinstance(boundary, tuple):
            return f"mode='constant', cval={boundary[1]!r}"
        if isinstance(boundary, list):
            words = ["constant" if rule == "zero" else NDIMAGE.get(rule, "") for rule in boundary]
            return f"mode={words!r}"
        return f"mode={NDIMAGE.get(boundary, '')!r}"

    def _output(self, m: Meaning) -> str:
        """Floats for integers too, where the call asks for them."""
        return {"float64": ", output=float", "float32": ", output=np.float32"}.get(m.numbers.result, "")

    def general(self, m: Meaning) -> Iterator[Candidate]:
        mode = self._mode(m.boundary) + self._output(m)
        one_of_many = m.axes is not None and m.ndim == 1
        for function, turn in (("convolve", -1), ("correlate", 1)):
            end = f"1d(X, K, axis={m.axes[0]}, " if one_of_many and m.axes is not None else "(X, K, "
            yield Candidate(f"ndimage.{function}{end}{mode})")
            if any(m.shift):
                origin = [turn * s for s in m.shift]
                yield Candidate(f"ndimage.{function}{end}{mode}, origin={origin if len(origin) > 1 else origin[0]})")

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        mode = self._mode(m.boundary) + self._output(m)
        axes = f", axes={m.axes}" if m.axes is not None else ""
        if operator.name == "gaussian" and operator.sigmas:
            radius = tuple((k - 1) // 2 for k in operator.taps)
            yield Candidate(f"ndimage.gaussian_filter(X, {_one(operator.sigmas)}, radius={_one(radius)}, {mode}{axes})")
        if operator.name == "box":
            yield Candidate(f"ndimage.uniform_filter(X, {_one(operator.taps)}, {mode}{axes})")
        if operator.name in ("sobel", "prewitt") and operator.combine == "sum":
            for axis in range(len(operator.taps)):
                yield Candidate(f"ndimage.{operator.name}(X, axis={axis}, {mode})")
        if operator.name == "laplacian":
            yield Candidate(f"ndimage.laplace(X, {mode})")


def _one(values: Sequence[Any]) -> str:
    """One number if all are equal, else a tuple."""
    return repr(values[0]) if len(set(values)) == 1 else repr(tuple(values))


class _Cv2(Dialect):
    name, library, ndims = "OpenCV", "cv2", (2,)
    imports = ("import cv2", "import numpy as np")
    crops = "cv2.filter2D(X, -1, K)"

    def _border(self, m: Meaning) -> str | None:
        word = CV2.get(m.boundary) if isinstance(m.boundary, str) else None
        return None if word is None else f"borderType=cv2.{word}"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        border = self._border(m)
        if border is not None:
            yield Candidate(f"cv2.filter2D(X, -1, K, {border})")

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        border = self._border(m)
        if border is None or len(operator.taps) != 2:
            return
        down, right = operator.taps
        size = f"({right}, {down})"
        if operator.name == "gaussian" and operator.sigmas:
            sigma_down, sigma_right = operator.sigmas
            more = "" if sigma_down == sigma_right else f"sigmaY={sigma_down!r}, "
            yield Candidate(f"cv2.GaussianBlur(X, {size}, {sigma_right!r}, {more}{border})")
            yield Candidate(f"cv2.GaussianBlur(X, {size}, 0, {border})")
        if operator.name == "box":
            yield Candidate(f"cv2.blur(X, {size}, {border})")
        if operator.name in ("sobel", "scharr") and operator.combine == "sum":
            for orders in ((1, 0), (0, 1)):
                function = f"cv2.{operator.name.capitalize()}(X, -1, {orders[0]}, {orders[1]}"
                size = f", ksize={max(operator.taps)}" if operator.name == "sobel" else ""
                yield Candidate(f"{function}{size}, {border})")
        if operator.name == "laplacian":
            for taps in (1, 3, 5, 7):
                yield Candidate(f"cv2.Laplacian(X, -1, ksize={taps}, {border})")


class _Skimage(Dialect):
    name, library = "scikit-image", "skimage.filters"
    imports = ("import numpy as np", "import skimage.filters")

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        words = {"symmetric": "reflect", "edge": "nearest", "reflect": "mirror", "wrap": "wrap"}
        if m.boundary == "zero":
            mode = "mode='constant'"
        elif isinstance(m.boundary, tuple):
            mode = f"mode='constant', cval={m.boundary[1]!r}"
        elif isinstance(m.boundary, str) and m.boundary in words:
            mode = f"mode={words[m.boundary]!r}"
        else:
            return
        if operator.name == "gaussian" and operator.sigmas:
            # truncate in sigmas: anything between two whole radii
            truncate = {((k - 1) // 2 + 0.25) / s for k, s in zip(operator.taps, operator.sigmas, strict=True)}
            for reach in sorted(truncate):
                yield Candidate(
                    f"skimage.filters.gaussian(X, {_one(operator.sigmas)}, {mode}, preserve_range=True, "
                    f"truncate={round(reach, 3)})"
                )
        if operator.name in ("sobel", "scharr", "prewitt"):
            if operator.combine == "length":
                yield Candidate(f"skimage.filters.{operator.name}(X, {mode})")
            for axis in range(len(operator.taps)):
                yield Candidate(f"skimage.filters.{operator.name}(X, axis={axis}, {mode})")
        if operator.name == "laplacian" and m.boundary == "symmetric":
            yield Candidate("skimage.filters.laplace(X)")


class _Astropy(Dialect):
    name, library, ndims = "astropy", "astropy.convolution", (1, 2, 3)
    imports = ("import astropy.convolution", "import numpy as np")
    crops = "astropy.convolution.convolve(X, K, nan_treatment='fill', fill_value=np.nan, normalize_kernel=False)"
    odd_only = True

    def general(self, m: Meaning) -> Iterator[Candidate]:
        if isinstance(m.boundary, list) or m.boundary not in ("zero", *ASTROPY):
            return
        word = ASTROPY.get(m.boundary, "fill")
        missing = ", nan_treatment='fill'" if m.missing == "spread" else ""
        yield Candidate(
            f"astropy.convolution.convolve(X, K, boundary={word!r}{missing}, normalize_kernel={m.normalises})"
        )


class _Faltung(Dialect):
    name, library, imports = "Faltung", "faltung", ("import faltung as ft", "import numpy as np")
    valid = "ft.correlate(X, K, mode='valid')"

    def _options(self, m: Meaning) -> str:
        words = []
        if m.mode == "padded":
            alike = len(m.padding) == 1 and m.padding[0][0] == m.padding[0][1]
            words.append(f"padding={m.padding[0][0] if alike else list(m.padding)!r}")
        elif m.mode == "same" and m.front == "(k - 1) // 2" and not any(m.shift):
            words.append("padding='same'")
        elif m.mode != "full":
            words.append(f"mode={m.mode!r}")
        if any(m.shift) and m.mode == "same" and m.front == "k // 2":
            words.append(f"origin={_one(m.shift)}")
        if m.boundary != "zero":
            words.append(f"boundary={m.boundary!r}")
        words += [f"{name}={_one(value)}" for name, value in (("stride", m.stride), ("dilation", m.dilation)) if value]
        if m.axes is not None:
            words.append(f"axes={m.axes}")
        return "".join(f", {word}" for word in words)

    def general(self, m: Meaning) -> Iterator[Candidate]:
        for function in ("convolve", "correlate"):
            yield Candidate(f"ft.{function}(X, K{self._options(m)})")

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        axes = f", axes={m.axes}" if m.axes is not None else ""
        outside = f", boundary={m.boundary!r}{axes}" if m.boundary != "symmetric" else axes
        if operator.name == "gaussian" and operator.sigmas:
            for k, s in zip(operator.taps, operator.sigmas, strict=True):
                truncate = (
                    "" if k == 2 * int(4.0 * s + 0.5) + 1 else f", truncate={round(((k - 1) // 2 + 0.25) / s, 3)}"
                )
                yield Candidate(f"ft.gaussian(X, {_one(operator.sigmas)}{truncate}{outside})")
        if operator.name == "box" and all(k % 2 for k in operator.taps):
            yield Candidate(f"ft.box(X, {_one(operator.taps)}{outside})")
        if operator.name in ("sobel", "scharr", "prewitt"):
            for scale in ("", ", scale='unit'"):
                if operator.combine == "length":
                    yield Candidate(f"ft.{operator.name}(X{scale}{outside})")
                for axis in range(len(operator.taps)):
                    yield Candidate(f"ft.{operator.name}(X, axis={axis}{scale}{outside})")
        if operator.name == "laplacian":
            yield Candidate(f"ft.laplacian(X{outside})")


class _Torch(Dialect):
    name, library, ndims = "torch", "torch.nn.functional", (1, 2, 3)
    imports = ("import numpy as np", "import torch", "import torch.nn.functional as F")
    arithmetic = "torch"
    wrap = "CALL[0, 0]"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        more = "".join(
            f", {name}={_one(value)}" for name, value in (("stride", m.stride), ("dilation", m.dilation)) if value
        )
        paddings = {"same": ["'same'"], "valid": ["0"]}.get(m.mode, [""][:0])
        if m.mode == "padded" and all(before == after for before, after in m.padding):
            paddings = [_one([before for before, _ in m.padding])]
        if not (m.mode == "same" and m.stride):
            for padding in paddings:
                yield Candidate(f"F.conv{m.ndim}d(X[None, None], K[None, None], padding={padding}{more})", self.wrap)

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        if operator.name == "box" and len(operator.taps) == 2 and m.mode == "valid":
            stride = _one(m.stride or (1, 1))
            yield Candidate(f"F.avg_pool2d(X[None, None], {_one(operator.taps)}, stride={stride})", self.wrap)

    def inside(self, ndim: int | None) -> str:
        return f"F.conv{ndim}d(X[None, None], K[None, None])[0, 0]"

    def flipped(self, k: str, ndim: int | None) -> str:
        """The kernel turned around along every axis."""
        return f"{k}.flip({', '.join(map(str, range(ndim or 2)))})"

    def conjugated(self, k: str) -> str:
        """The complex conjugate of the kernel."""
        return f"{k}.conj()"

    def summed(self, k: str, *, sizes: bool) -> str:
        """The sum of the weights, or of their sizes."""
        return f"{k}.abs().sum()" if sizes else f"{k}.sum()"

    def array(self, text: str, x: str) -> str:
        return f"torch.as_tensor({text}, dtype={x}.dtype)" if x else f"torch.as_tensor({text})"

    def padded(self, x: str, pairs: str, boundary: Any) -> str:
        """X with its surroundings."""
        if boundary == "symmetric":
            return f'torch.as_tensor(np.pad({x}.numpy(), {pairs}, mode="symmetric"))'
        word = TORCH["zero" if isinstance(boundary, tuple) else boundary]
        value = f", value={boundary[1]!r}" if isinstance(boundary, tuple) else ""
        # the last axis first
        flat = f"[n for pair in reversed({pairs}) for n in pair]"
        if "shape" not in pairs:
            flat = repr([n for pair in reversed(literal_eval(pairs)) for n in pair])
        return f'F.pad({x}[None, None], {flat}, mode="{word}"{value})[0, 0]'

    def cast(self, y: str, dtype: np.dtype[Any]) -> str:
        return f"{y}.to(torch.{dtype.name})"

    def rounded(self, y: str, rule: str) -> str:
        return f"torch.round({y})" if rule == "to nearest even" else f"torch.trunc({y})"

    def clipped(self, y: str, low: int, high: int) -> str:
        return f"torch.clamp({y}, {low}, {high})"

    def root(self, squares: Sequence[str]) -> str:
        return f"torch.sqrt({' + '.join(squares)})"

    def stacked(self, parts: Sequence[str]) -> str:
        return f"torch.stack([{', '.join(parts)}])"


class _Kornia(_Torch):
    name, library, ndims = "kornia", "kornia.filters", (2,)
    imports = ("import kornia", "import numpy as np", "import torch", "import torch.nn.functional as F")

    def general(self, m: Meaning) -> Iterator[Candidate]:
        if m.mode not in ("same", "valid") or (
            m.mode == "same" and (not isinstance(m.boundary, str) or m.boundary not in TORCH)
        ):
            return
        border = TORCH.get(m.boundary, "constant") if isinstance(m.boundary, str) else "constant"
        normalized = ", normalized=True" if m.normalises and m.of_sizes else ""
        padding = ", padding='valid'" if m.mode == "valid" else ""
        for behaviour in ("", ", behaviour='conv'"):
            options = f"border_type={border!r}{normalized}{padding}{behaviour}"
            yield Candidate(f"kornia.filters.filter2d(X[None, None], K[None], {options})", self.wrap)

    def special(self, m: Meaning, operator: Operator) -> Iterator[Candidate]:
        if isinstance(m.boundary, str) and m.boundary in TORCH and len(operator.taps) == 2:
            border = f"border_type={TORCH[m.boundary]!r}"
            if operator.name == "gaussian" and operator.sigmas:
                yield Candidate(
                    f"kornia.filters.gaussian_blur2d(X[None, None], {operator.taps}, {operator.sigmas}, {border})",
                    self.wrap,
                )
            if operator.name == "box":
                yield Candidate(f"kornia.filters.box_blur(X[None, None], {operator.taps}, {border})", self.wrap)
        if operator.name == "sobel" and operator.combine == "length":
            yield Candidate("kornia.filters.sobel(X[None, None])", self.wrap)
        if operator.name == "sobel" and operator.combine == "stack":
            yield Candidate("kornia.filters.spatial_gradient(X[None, None])", self.wrap)

    def inside(self, ndim: int | None) -> str:
        return "kornia.filters.filter2d(X[None, None], K[None], padding='valid')[0, 0]"


class _Matlab(Dialect):
    name, library = "MATLAB", "matlab"
    arithmetic = "matlab"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        if m.boundary == "zero":
            for function in {1: ("conv",), 2: ("conv2",)}.get(m.ndim or 0, ("convn",)):
                for mode in _modes(m):
                    yield Candidate(f"{function}(X, K, '{mode}')")
            if m.ndim == 2:
                for mode in _modes(m):
                    yield Candidate(f"filter2(K, X, '{mode}')")
        outside = str(m.boundary[1]) if isinstance(m.boundary, tuple) else MATLAB.get(str(m.boundary))
        if outside is not None and m.mode in ("same", "full"):
            for verb in ("", ", 'conv'"):
                for mode in ("", ", 'full'"):
                    yield Candidate(f"imfilter(X, K, {outside}{mode}{verb})")

    valid = "convn(X, K, 'valid')"

    def padded(self, x: str, pairs: str, boundary: Any) -> str:
        style = repr(boundary[1]) if isinstance(boundary, tuple) else MATLAB.get(boundary)
        if style is None:
            raise ParameterError(f'MATLAB\'s padarray has no {boundary!r}: pad by hand, then ask for mode "valid"')
        front, back = pairs.split(" | ")
        return f"padarray(padarray({x}, {front}, {style}, 'pre'), {back}, {style}, 'post')"

    def pairs(self, k: str, front: tuple[str, str]) -> str:
        return " | ".join(MATLAB_LENGTHS[text].replace("K", k) for text in front)

    def literal_pairs(self, pairs: Sequence[tuple[int, int]]) -> str:
        return " | ".join(f"[{' '.join(map(str, side))}]" for side in zip(*pairs, strict=True))

    def strided(self, y: str, stride: Sequence[int]) -> str:
        raise ParameterError(f"write the result to y first, then take y({', '.join(f'1:{s}:end' for s in stride)})")

    def flipped(self, k: str, ndim: int | None) -> str:
        return {1: f"flip({k})", 2: f"rot90({k}, 2)"}.get(ndim or 0, f"flip(flip(flip({k}, 1), 2), 3)")

    def squared(self, part: str) -> str:
        return f"{part}.^2"

    def root(self, squares: Sequence[str]) -> str:
        return f"sqrt({' + '.join(squares)})"

    def stacked(self, parts: Sequence[str]) -> str:
        return f"cat(3, {', '.join(parts)})"

    def summed(self, k: str, *, sizes: bool) -> str:
        return f"sum(abs({k}(:)))" if sizes else f"sum({k}(:))"


class _Julia(Dialect):
    name, library, imports = "ImageFiltering.jl", "ImageFiltering", ("using ImageFiltering",)
    arithmetic = "julia"

    def general(self, m: Meaning) -> Iterator[Candidate]:
        if m.boundary == "ignore":
            outside = "NA()"
        elif m.mode == "valid":
            outside = "Inner()"
        elif m.boundary == "zero":
            outside = "Fill(0)"
        elif isinstance(m.boundary, tuple):
            outside = f"Fill({m.boundary[1]!r})"
        else:
            outside = JULIA.get(str(m.boundary), "")
        if outside and m.mode in ("same", "valid"):
            yield Candidate(f"imfilter(X, centered(K), {outside})")
            yield Candidate(f"imfilter(X, reflect(centered(K)), {outside})")

    valid = "parent(imfilter(X, centered(K), Inner()))"

    def padded(self, x: str, pairs: str, boundary: Any) -> str:
        front, back = pairs.split(" | ")
        if boundary == "zero" or isinstance(boundary, tuple):
            return f"padarray({x}, Fill({0 if boundary == 'zero' else boundary[1]!r}, {front}, {back}))"
        return f"padarray({x}, Pad(:{JULIA[boundary].strip(chr(34))}, {front}, {back}))"

    def pairs(self, k: str, front: tuple[str, str]) -> str:
        return " | ".join(JULIA_LENGTHS[text].replace("K", k) for text in front)

    def literal_pairs(self, pairs: Sequence[tuple[int, int]]) -> str:
        return " | ".join(f"({', '.join(map(str, side))},)" for side in zip(*pairs, strict=True))

    def strided(self, y: str, stride: Sequence[int]) -> str:
        return f"{y}[{', '.join(f'1:{s}:end' for s in stride)}]"

    def flipped(self, k: str, ndim: int | None) -> str:
        return f"reverse({k})"

    def squared(self, part: str) -> str:
        return f"{part} .^ 2"

    def root(self, squares: Sequence[str]) -> str:
        return f"sqrt.({' .+ '.join(squares)})"

    def stacked(self, parts: Sequence[str]) -> str:
        return f"cat({', '.join(parts)}; dims=3)"

    def summed(self, k: str, *, sizes: bool) -> str:
        return f"sum(abs, {k})" if sizes else f"sum({k})"


DIALECTS: dict[str, Dialect] = {
    dialect.library: dialect
    for dialect in (
        _Numpy(),
        _Signal(),
        _Ndimage(),
        _Cv2(),
        _Skimage(),
        _Astropy(),
        _Torch(),
        _Kornia(),
        _Matlab(),
        _Julia(),
        _Faltung(),
    )
}


def numbers_text(line: Line) -> str:
    """A line of weights as a list."""
    whole = is_whole(line)
    return "[" + ", ".join(str(int(w)) if whole else repr(w) for w in line) + "]"
