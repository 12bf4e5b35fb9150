"""The promised error holds for data made to break it: no output beyond its bound, whatever the method."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung.spec import Array
from strategies import Case, check, methods_for

HARD_SIGNALS: dict[str, Callable[[Any, int], Array]] = {
    "zeros, then a climb over many powers": lambda rng, n: np.where(
        np.arange(n) < n // 2, 0, 10.0 ** np.linspace(-12, 12, n)
    ),
    "a spike in quiet noise": lambda rng, n: 1e-6 * rng.standard_normal(n) + 1e6 * (np.arange(n) == n // 3),
    "two scales, block by block": lambda rng, n: rng.standard_normal(n) * np.where(np.arange(n) // 50 % 2, 1e7, 1e-5),
    "large numbers that cancel": lambda rng, n: 1e8 * (-1.0) ** np.arange(n) + rng.standard_normal(n),
    "a constant with a little noise": lambda rng, n: 1e6 + 1e-3 * rng.standard_normal(n),
    "growth": lambda rng, n: np.exp(np.linspace(0, 40, n)),
    "mostly zero": lambda rng, n: rng.standard_normal(n) * (rng.random(n) < 0.02),
    "tiny": lambda rng, n: rng.standard_normal(n) * 1e-37,
    "huge": lambda rng, n: rng.standard_normal(n) * 1e34,
}
HARD_KERNELS: dict[str, Callable[[Any, int], Array]] = {
    "noise": lambda rng, n: rng.standard_normal(n),
    "a bell with long tails": lambda rng, n: np.exp(-0.5 * ((np.arange(n) - n / 2) / max(1, n / 12)) ** 2),
    "differences": lambda rng, n: np.where(np.arange(n) % 2, -1.0, 1.0),
    "one large tap": lambda rng, n: 1e-7 * rng.standard_normal(n) + (np.arange(n) == n // 2),
    "equal weights": lambda rng, n: np.full(n, 1 / n),
    "zeros at both ends": lambda rng, n: rng.standard_normal(n) * (np.abs(np.arange(n) - n / 2) < n / 4),
}


@st.composite
def hard_cases(draw: Any) -> Case:
    """Signals and pictures whose outputs differ by many powers of ten."""
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    signal, kernel = draw(st.sampled_from(list(HARD_SIGNALS))), draw(st.sampled_from(list(HARD_KERNELS)))
    dtype = draw(st.sampled_from(["float32", "float64", "complex64", "complex128"]))
    flat = draw(st.booleans())
    if flat:
        n, taps = draw(st.integers(100, 3000)), draw(st.integers(2, 300))
        x, w = HARD_SIGNALS[signal](rng, n), HARD_KERNELS[kernel](rng, taps)
    else:
        shape, taps2 = draw(st.tuples(*[st.integers(20, 120)] * 2)), draw(st.tuples(*[st.integers(1, 24)] * 2))
        x = HARD_SIGNALS[signal](rng, shape[0] * shape[1]).reshape(shape)
        w = np.multiply.outer(HARD_KERNELS[kernel](rng, taps2[0]), HARD_KERNELS[kernel](rng, taps2[1]))
    if draw(st.booleans()):
        x, w = x[::-1].copy(), w
    if dtype.startswith("complex"):
        x, w = x * np.exp(1j * rng.random(x.shape)), w * np.exp(1j * rng.random(w.shape))
    options = {
        "mode": draw(st.sampled_from(["full", "same"])),
        "boundary": draw(st.sampled_from(["zero", "reflect", "edge", "wrap"])),
    }
    return Case("convolve", x.astype(dtype), w.astype(dtype), options)


@pytest.mark.parametrize("method", methods_for("float64"))
@settings(max_examples=60)
@given(case=hard_cases())
def test_no_output_errs_beyond_its_bound(method: str, case: Case) -> None:
    check(case, method, by="oracle")


def test_a_window_of_zeros_is_exactly_zero_by_fft_too() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 300)).astype(np.float32)
    x[100:200, 100:200] = 0
    y = ft.convolve(x, rng.standard_normal((41, 41)).astype(np.float32), mode="same", rtol=1e-3)
    assert (y[120:180, 120:180] == 0).all()


@pytest.mark.parametrize("name", ["retina", "camera", "moon"])
def test_photographs_with_black_rims_keep_the_bound(name: str) -> None:
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    picture = getattr(data, name)()
    picture = (picture[..., 0] if picture.ndim == 3 else picture)[:400, :400].astype(np.float32)
    kernel = np.random.default_rng(0).standard_normal((35, 35)).astype(np.float32)
    check(Case("convolve", picture, kernel, {"mode": "same", "boundary": "reflect"}), by="oracle")
