"""No library's transforms are believed unseen: one that is wrong for a shape is passed over for the next."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import faltung as ft
from faltung.algorithms import transforms
from faltung.algorithms.transforms import SciPyTransforms, transforms_for
from faltung.spec import Array

SHAPE = (16, 48)
DTYPES = ("float32", "float64", "complex64", "complex128")


class Spoiled(SciPyTransforms):
    """SciPy's, but for one number a tile."""

    name = "spoiled"

    def forward(self, tile: Array, num_axes: int) -> Array:
        spectrum = super().forward(tile, num_axes)
        spectrum[..., 1] *= 1.01
        return spectrum


class SpoiledOnTheWayBack(SciPyTransforms):
    """The spectrum is right, its inverse is not."""

    name = "spoiled"

    def backward(self, spectrum: Array, tile: Array, num_axes: int) -> Array:
        result = super().backward(spectrum, tile, num_axes)
        result[..., 1] *= 1.01
        return result


class Cut(SciPyTransforms):
    """The last number of every spectrum is missing."""

    name = "spoiled"

    def forward(self, tile: Array, num_axes: int) -> Array:
        return super().forward(tile, num_axes)[..., :-1]


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes these the only transforms there are, the first of them the best."""

    def only(**known: type[Any]) -> None:
        _forget()
        monkeypatch.setattr(transforms, "_KNOWN", known)
        monkeypatch.setattr(transforms, "installed", lambda: tuple(known))
        monkeypatch.delenv("FALTUNG_FFT", raising=False)

    yield only
    _forget()


def _forget() -> None:
    transforms.named.cache_clear()
    transforms._trusted.cache_clear()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", [Spoiled, SpoiledOnTheWayBack, Cut])
def test_a_wrong_library_is_passed_over_for_the_next(install: Install, wrong: type[Any], dtype: str) -> None:
    install(spoiled=wrong, scipy=SciPyTransforms)
    assert transforms_for(SHAPE, np.dtype(dtype), 1).name == "scipy.fft"


def test_it_keeps_the_shapes_for_which_it_is_right(install: Install) -> None:
    class WrongForPlanes(Spoiled):
        def forward(self, tile: Array, num_axes: int) -> Array:
            call = super().forward if num_axes == 2 else SciPyTransforms().forward
            return call(tile, num_axes)

    install(spoiled=WrongForPlanes, scipy=SciPyTransforms)
    assert transforms_for(SHAPE, np.dtype(float), 1).name == "spoiled"
    assert transforms_for((1, 48, 8), np.dtype(float), 2).name == "scipy.fft"


def test_a_convolution_is_right_though_the_best_library_is_not(install: Install) -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal(5000), rng.standard_normal(300)
    install(spoiled=Spoiled, scipy=SciPyTransforms)
    y = ft.convolve(x, kernel, method="fft", rtol=1e-9)
    np.testing.assert_allclose(y, np.convolve(x, kernel), rtol=0, atol=1e-10)


def test_where_none_is_right_nothing_is_computed(install: Install) -> None:
    install(spoiled=Spoiled)
    with pytest.raises(RuntimeError, match=r"no installed FFT is right for \(16, 48\) float64: spoiled"):
        transforms_for(SHAPE, np.dtype(float), 1)
