"""boundary="ignore": what is missing is made up for, exactly where something is missing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.normaliser import make_normaliser
from faltung.reading import make_spec
from strategies import methods_for

METHODS = methods_for("float64")


@given(n=st.integers(1, 12), k=st.integers(1, 6), value=st.floats(-5, 5))
def test_a_constant_stays_constant_under_weights_that_sum_to_one(n: int, k: int, value: float) -> None:
    y = ft.convolve(np.full(n, value), np.full(k, 1 / k), mode="same", boundary="ignore")
    np.testing.assert_allclose(y, value, rtol=1e-14, atol=1e-300)


def test_the_inside_is_not_touched() -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((9, 9)), rng.standard_normal((3, 3))
    ignoring, plain = (ft.convolve(x, kernel, mode="same", boundary=b) for b in ("ignore", "zero"))
    np.testing.assert_array_equal(ignoring[1:-1, 1:-1], plain[1:-1, 1:-1])


def test_sizes_of_weights_count_so_that_differences_are_scaled_too() -> None:
    y = ft.correlate([1.0, 2.0, 4.0], [-1.0, 0.0, 1.0], mode="same", boundary="ignore")
    assert y.tolist() == [4, 3, -4]


def test_only_the_side_that_ignores_is_scaled() -> None:
    y = ft.correlate([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], mode="same", boundary=("ignore", "zero"))
    assert y.tolist() == [3, 3, 2]


def test_beyond_two_axes_the_later_axis_decides_as_if_padded_in_turn() -> None:
    y = ft.correlate(np.ones((1, 1)), np.ones((3, 3)), mode="same", boundary=["ignore", ("constant", 1.0)])
    # of nine weights the two straight above and below are missing
    np.testing.assert_allclose(y, 7 * 9 / 7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_no_weight_on_data_gives_nan_whatever_the_method(method: str, dtype: str) -> None:
    x, kernel = np.ones((4, 4), dtype), np.zeros((3, 3), dtype)
    kernel[0, 0] = 1
    y = ft.correlate(x, kernel, mode="same", boundary="ignore", method=method, rtol=np.inf)
    assert np.isnan(y[0]).all()
    assert np.isnan(y[:, 0]).all()
    np.testing.assert_allclose(y[1:, 1:], 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
def test_what_misses_nothing_is_not_touched(dtype: Any) -> None:
    kernel = np.random.default_rng(0).standard_normal(5).astype(dtype)
    spec, kernels = make_spec((20,), np.dtype(dtype), kernel, flip=True, mode="same", boundary="ignore")
    normaliser = make_normaliser(spec, kernels)
    factor = np.ones(20, dtype)
    normaliser.apply(factor)
    assert normaliser.inside == (slice(2, 18),)
    assert (factor[2:-2] == 1).all()
    assert (factor[[0, 1, -1, -2]] > 1).all()


def test_a_small_weight_beside_large_ones_counts_to_its_last_digit() -> None:
    kernel = np.array([1.0, 1.0, 1e-12])
    # the first window sees the smallest weight only
    y = ft.correlate(np.ones(5), kernel, boundary="ignore")
    np.testing.assert_allclose(y[0], kernel.sum(), rtol=1e-15)


def test_a_large_picture_holds_factors_for_its_borders_only() -> None:
    plan = ft.plan((2000, 2000), np.ones((5, 5)), mode="same", boundary="ignore")
    assert plan.nbytes < 100_000
