"""The general loop: sums of many taps lose little, and nothing warns."""

import itertools

import numpy as np
import pytest

from faltung.loops.taps import PARTIAL, correlate_taps


@pytest.mark.parametrize("taps", [1, PARTIAL - 1, PARTIAL, PARTIAL + 1, 3 * PARTIAL + 7])
def test_any_number_of_taps_sums_all_of_them(taps: int) -> None:
    out = np.full((1, 3), np.nan)
    correlate_taps(np.arange(taps + 2.0)[None], np.ones(taps), (1,), (1,), out)
    whole = taps * (taps - 1) // 2
    assert out.tolist() == [[whole, whole + taps, whole + 2 * taps]]


def test_a_hundred_thousand_taps_in_float32_err_little() -> None:
    taps = 100_000
    rng = np.random.default_rng(0)
    x, weights = rng.random((1, taps), np.float32), rng.random(taps, np.float32)
    out = np.empty((1, 1), np.float32)
    correlate_taps(x, weights, (1,), (1,), out)
    exact = float(x[0].astype(float) @ weights.astype(float))
    bound = 16 * np.finfo(np.float32).eps * np.log2(taps) * exact
    assert abs(float(out[0, 0]) - exact) < bound


def test_strides_and_dilations_are_the_formula() -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.integers(-9, 9, (2, 12, 11)), rng.integers(-9, 9, (2, 3))
    strides, dilations = (2, 3), (3, 2)
    out = np.empty((2, 4, 2), np.int64)
    correlate_taps(x, weights, strides, dilations, out)
    for b, i, j in itertools.product(range(2), range(4), range(2)):
        window = x[b, i * 2 : i * 2 + 4 : 3, j * 3 : j * 3 + 5 : 2]
        assert out[b, i, j] == (window * weights).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_infinities_and_overflow_do_not_warn(dtype: type) -> None:
    x = np.array([[np.inf, 1, 3e38, 3e38]], dtype)
    out = np.empty((1, 3), dtype)
    correlate_taps(x, np.array([0, 2], dtype), (1,), (1,), out)
    assert np.isnan(out[0, 0])
    assert not np.isfinite(out[0, 2])
