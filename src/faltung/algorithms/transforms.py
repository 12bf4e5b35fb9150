"""Somebody else's FFT: ducc0 if it is installed, else SciPy's; mkl_fft if FALTUNG_FFT names it.

Always called on one thread and on arrays of one fixed shape, so that the bits of a result depend neither on threads nor
on how much is transformed.
"""

import ctypes
import functools
import importlib
import importlib.util
import math
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from ..errors import ParameterError
from ..spec import Array


class Transforms(Protocol):
    """Forward and unscaled backward transforms of a group of tiles; real input gives half a spectrum.

    Attributes:
        speed: in multiples of scipy.fft.
        lines, tiles: how many tiles of one axis, and of several, should be given at a time.
        side_by_side: whether it works on all of them at once.
    """

    name: str
    speed: float
    lines: int
    tiles: int
    side_by_side: bool

    def forward(self, tile: Array, num_axes: int) -> Array:
        """The spectrum, complex."""

    def backward(self, spectrum: Array, tile: Array, num_axes: int) -> Array:
        """The inverse, not divided by the number of points, in an array like `tile`; both may be overwritten."""


class SciPyTransforms:
    """scipy.fft: always there."""

    name = "scipy.fft"
    speed = 1.0
    # work goes on in several lines side by side: 16 is a multiple of all vector widths, so that every line takes the
    # same way; several planes would put the last lines of one beside the first of the next
    lines, tiles, side_by_side = 16, 1, True

    def __init__(self) -> None:
        """Import what is needed."""
        self._fft: Any = importlib.import_module("scipy.fft")

    def forward(self, tile: Array, num_axes: int) -> Array:
        """See `Transforms`."""
        axes = tuple(range(-num_axes, 0))
        call = self._fft.fftn if tile.dtype.kind == "c" else self._fft.rfftn
        return call(tile, axes=axes, workers=1)

    def backward(self, spectrum: Array, tile: Array, num_axes: int) -> Array:
        """See `Transforms`."""
        axes = tuple(range(-num_axes, 0))
        options = {"axes": axes, "norm": "forward", "overwrite_x": True, "workers": 1}
        if tile.dtype.kind == "c":
            return self._fft.ifftn(spectrum, **options)
        return self._fft.irfftn(spectrum, s=tile.shape[-num_axes:], **options)


class DuccTransforms:
    """ducc0: faster; its licence is GPL, so it is never required."""

    name = "ducc0"
    speed = 1.3
    lines, tiles, side_by_side = 16, 1, True  # as in scipy.fft

    def __init__(self) -> None:
        """Import what is needed."""
        self._fft: Any = importlib.import_module("ducc0").fft

    def forward(self, tile: Array, num_axes: int) -> Array:
        """See `Transforms`."""
        axes = tuple(range(tile.ndim - num_axes, tile.ndim))
        call = self._fft.c2c if tile.dtype.kind == "c" else self._fft.r2c
        return call(tile, axes=axes, nthreads=1)

    def backward(self, spectrum: Array, tile: Array, num_axes: int) -> Array:
        """See `Transforms`."""
        axes = tuple(range(tile.ndim - num_axes, tile.ndim))
        if tile.dtype.kind == "c":
            return self._fft.c2c(spectrum, axes=axes, forward=False, nthreads=1, out=tile)
        return self._fft.c2r(
            spectrum,
            axes=axes,
            lastsize=tile.shape[-1],
            forward=False,
            nthreads=1,
            out=tile,
            allow_overwriting_input=True,
        )


class MklTransforms:
    """mkl_fft: taken only when it is named, for three habits that cost more than its speed gains.

    A transform alone is two to three times as fast as SciPy's; whole convolutions took 0.6 of its speed.

    It shares a single tile among all processors, 1 ms instead of 0.04 for 160 x 160 when another thread works: MKL's
    switch, which counts for the calling thread only, is set around every call. It folds two real lines into one complex
    one, so that the rounding of one shows in the other: tiles are transformed one by one. It plans anew whenever the
    direction changes, 0.6 ms for 16,384 points: so many tiles go one way before they come back.
    """

    name = "mkl_fft"
    speed = 0.6
    lines, tiles, side_by_side = 16, 16, False

    def __init__(self) -> None:
        """Import what is needed."""
        self._fft: Any = importlib.import_module("mkl_fft")
        self._set_threads = _mkl_switch()

    def forward(self, tile: Array, num_axes: int) -> Array:
        """See `Transforms`."""
        axes = tuple(range(-num_axes, 0))
        is_complex = tile.dtype.kind == "c"
        call = self._fft.fftn if is_complex else self._fft.rfftn
        shape = tile.shape if is_complex else (*tile.shape[:-1], tile.shape[-1] // 2 + 1)
        spectrum = np.empty(shape, np.result_type(tile.dtype, np.complex64))
        before = self._set_threads(1)
        try:
            for i in range(len(tile)):
                call(tile[i : i + 1], axes=axes, out=spectrum[i : i + 1])
        finally:
            self._set_threads(before)
        return spectrum

    def backward(self, spectrum: Array, tile: Array, num_axes: int) -> Array:
        """See `Transforms`."""
        options: dict[str, Any] = {"axes": tuple(range(-num_axes, 0)), "norm": "forward"}
        call = self._fft.ifftn if tile.dtype.kind == "c" else self._fft.irfftn
        if tile.dtype.kind != "c":
            options["s"] = tile.shape[-num_axes:]
        before = self._set_threads(1)
        try:
            for i in range(len(tile)):
                call(spectrum[i : i + 1], out=tile[i : i + 1], **options)
        finally:
            self._set_threads(before)
        return tile


def _mkl_switch() -> Callable[[int], int]:
    """MKL_Set_Num_Threads_Local of the library mkl_fft has loaded: sets a number of threads, returns the old one."""
    names = [f"libmkl_rt{end}" for end in (".so.3", ".so.2", ".so", ".dylib")] + ["mkl_rt.3.dll", "mkl_rt.2.dll"]
    for name in names:
        with suppress(OSError, AttributeError):
            return ctypes.CDLL(name).MKL_Set_Num_Threads_Local
    return lambda number: number


_KNOWN: dict[str, type[Transforms]] = {"ducc0": DuccTransforms, "scipy": SciPyTransforms, "mkl_fft": MklTransforms}
_CHOICE = "FALTUNG_FFT"


@functools.cache
def named(name: str) -> Transforms:
    """The transforms of this name, imported."""
    return _KNOWN[name]()


@functools.lru_cache(256)
def _trusted(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], num_axes: int) -> Transforms:
    """The transforms of this name, or of the next ones if they are wrong for this shape.

    mkl_fft 2.3.2 returns wrong spectra for some shapes, 48 x 2 among them: nothing is believed unseen.
    """
    tile = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    axes = tuple(range(-num_axes, 0))
    expected = np.fft.fftn(tile, axes=axes) if dtype.kind == "c" else np.fft.rfftn(tile, axes=axes)
    num_points = math.prod(shape[-num_axes:])
    slack = 1e3 * float(np.finfo(dtype).eps) * math.sqrt(num_points)
    names = installed()
    for candidate in (name, *(other for other in names if other != name)):
        found = named(candidate)
        spectrum = found.forward(tile.copy(), num_axes)
        right = spectrum.shape == expected.shape and bool((np.abs(spectrum - expected) <= slack).all())
        if right and np.allclose(found.backward(spectrum, np.empty_like(tile), num_axes) / num_points, tile, 0, slack):
            return found
    raise RuntimeError(f"no installed FFT is right for {shape} {dtype}: {', '.join(names)}")


def transforms_for(shape: tuple[int, ...], dtype: np.dtype[Any], num_axes: int) -> Transforms:
    """The best transforms installed, or those that FALTUNG_FFT names, tried out on this shape of tiles.

    Raises:
        ParameterError: FALTUNG_FFT names something else, or something that is not installed.
    """
    return _trusted(backend_name(), shape, dtype, num_axes)


def backend_name() -> str:
    """Which one `transforms_for` tries first; nothing is imported."""
    asked = os.environ.get(_CHOICE)
    if asked is None:
        return installed()[0]
    if asked not in installed():
        raise ParameterError(f"{_CHOICE}={asked}: installed are {', '.join(installed())}")
    return asked


def backend() -> type[Transforms]:
    """Its class; nothing is imported."""
    return _KNOWN[backend_name()]


@functools.cache
def installed() -> tuple[str, ...]:
    """Names of those that can be imported, best first."""
    return tuple(name for name in _KNOWN if importlib.util.find_spec(name) is not None)


def next_size(least: int) -> int:
    """The smallest even product of 2, 3 and 5 that is at least this large."""
    best = 2 ** max(1, (least - 1).bit_length())
    for fives in range(6):
        for threes in range(8):
            odd = 5**fives * 3**threes
            twos = max(1, (-(-least // odd) - 1).bit_length())
            best = min(best, odd * 2**twos) if odd * 2**twos >= least else best
    return best
