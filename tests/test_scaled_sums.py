"""Where little of a window is left its sum is scaled up: errors must not be scaled up with it, by any method."""

from typing import Any

import numpy as np
import pytest

import faltung as ft
from faltung.patches import boxes
from faltung.spec import Array
from strategies import methods_for

METHODS = methods_for("float64")
LINES = pytest.mark.parametrize("method", [m for m in METHODS if m != "separable"])


def bell(radius: int, sigma: float) -> Array:
    """A Gaussian cut off far out, where its weights are tiny."""
    t = np.arange(-radius, radius + 1.0)
    weights = np.exp(-0.5 * (t / sigma) ** 2)
    return weights / weights.sum()


@LINES
def test_a_hole_wider_than_the_bell_but_not_its_tails_is_filled_from_the_tails(method: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.random(20_000) + 5
    x[5000:6200] = np.nan
    kernel = bell(800, 80)
    for options in ({"nan": "omit"}, {"weights": ~np.isnan(x)}):
        y = ft.convolve(x, kernel, mode="same", method=method, boundary="reflect", **options)
        # a mean of what is there lies among it
        assert np.nanmin(x) <= y.min() <= y.max() <= np.nanmax(x)


@LINES
def test_the_ends_of_a_full_result_that_ignores_the_outside_are_means_too(method: str) -> None:
    x = np.random.default_rng(0).random(20_000) + 5
    y = ft.convolve(x, bell(2500, 125), boundary="ignore", method=method, rtol=np.inf)
    assert 5 <= y.min() <= y.max() <= 6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("boundary", ["ignore", "edge"])
def test_a_disk_of_a_bell_is_no_outer_product_where_its_corners_are_all_that_hits(method: str, boundary: str) -> None:
    """Weights of 0 in the corners are within the rounding of an outer product's mean, and yet not of it."""
    t = np.arange(-30, 31.0)
    kernel = np.where(np.hypot(*np.meshgrid(t, t)) > 27, 0, np.outer(bell(30, 3), bell(30, 3)))
    x = np.random.default_rng(1).random((200, 200)) + 5
    x[50:103, 50:103] = np.nan
    options: dict[str, Any] = {"mode": "same", "nan": "omit", "boundary": boundary}
    if method == "separable":
        with pytest.raises(ft.MethodError, match=r"outer product|large weights"):
            ft.convolve(x, kernel, method=method, **options)
        return
    y = ft.convolve(x, kernel, method=method, rtol=np.inf, **options)
    assert 5 <= np.nanmin(y) <= np.nanmax(y) <= 6


@pytest.mark.parametrize("method", METHODS)
def test_a_true_outer_product_is_scaled_right_to_its_smallest_weight(method: str) -> None:
    kernel = np.outer(bell(30, 3), bell(30, 3))
    x = np.random.default_rng(1).random((200, 200)) + 5
    x[50:103, 50:103] = np.nan
    y = ft.convolve(x, kernel, mode="same", method=method, rtol=np.inf, nan="omit", boundary="ignore")
    assert 5 <= np.nanmin(y) <= np.nanmax(y) <= 6


@pytest.mark.parametrize("corner", [[[1, 0], [np.nan, 0.0]], [[0, 1], [1e20, 5e-20]]])
def test_a_zero_beside_huge_weights_hits_nothing(corner: Any) -> None:
    below, (value, share) = corner
    x, kernel = np.array([[np.nan, np.nan], [np.nan, 5]]), np.array([[1e19, 1e19], below])
    y, hit = ft.correlate(x, kernel, mode="valid", nan="omit", boundary="edge", return_weights=True)
    np.testing.assert_allclose(y, value)
    np.testing.assert_allclose(hit, share)


@pytest.mark.parametrize("method", METHODS)
def test_a_hole_elsewhere_changes_no_bit_at_a_border(method: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, 60, 70))
    kernel = np.outer(rng.random(7), rng.random(9))
    options: dict[str, Any] = {"axes": (1, 2), "mode": "same", "boundary": "ignore", "nan": "omit", "method": method}
    clean = ft.convolve(x, kernel, rtol=np.inf, **options)
    x[1, 30, 40] = np.nan
    spoiled = ft.convolve(x, kernel, rtol=np.inf, **options)
    np.testing.assert_array_equal(spoiled[[0, 2]], clean[[0, 2]])
    if method in ("direct", "separable"):
        np.testing.assert_array_equal(spoiled[1, :20], clean[1, :20])


def test_infinite_parts_of_complex_numbers_stay_apart() -> None:
    x = [1 + 1j, np.inf + 1j]
    for options in ({}, {"nan": "omit"}, {"weights": [1, 1]}):
        y = ft.convolve(x, [1.0, 1.0], boundary="ignore", **options)
        assert y[0] == 2 + 2j
        assert y[2].real == np.inf


def test_tiny_weights_of_samples_are_refused_and_tiny_numbers_kept() -> None:
    with pytest.raises(ft.ParameterError, match=r"below 9\.9e-32"):
        ft.convolve(np.float32([5, 6]), np.float32([1]), weights=[1e-60, 1e-60])
    np.testing.assert_allclose(ft.convolve([5.0, 6.0], [1.0], weights=[1e-60, 1e-60]), [5, 6])


def test_small_weights_of_samples_count_to_their_last_digit() -> None:
    rng = np.random.default_rng(5)
    x, weights = rng.random(300) + 5, 10.0 ** rng.uniform(-14, -8, 300)
    kernel = rng.random(20)
    y = ft.convolve(x, kernel, mode="valid", weights=weights)
    exact = np.convolve(x * weights, kernel, "valid") / np.convolve(weights, kernel, "valid") * kernel.sum()
    np.testing.assert_allclose(y, exact, rtol=1e-13)


@pytest.mark.filterwarnings("error")
def test_huge_weights_overflow_without_a_word() -> None:
    for kernel in ([1e308, 1e308], [np.inf, 1.0]):
        for options in ({"boundary": "ignore"}, {"return_weights": True}):
            ft.convolve([1.0, 2.0], kernel, **options)
    ft.convolve([1.0, np.nan], [1e308, 1e308], nan="omit")
    ft.convolve([1.0 + 1j], [1.7e308 + 1.7e308j], method="fft", rtol=np.inf)


def test_no_kernel_at_all_has_shares_too() -> None:
    y, share = ft.convolve(np.ones((1, 5)), np.ones((0, 2)), axes=1, return_weights=True)
    assert y.shape == share.shape == (0, 6)


def test_shares_of_narrow_complex_kernels_are_right_in_float64() -> None:
    kernel = np.array([1 + 2j, 3 - 1j, 0.1j], np.complex64)
    _, share = ft.convolve(np.ones(4, np.float32), kernel, boundary="ignore", return_weights=True)
    sizes = np.abs(kernel.astype(complex))
    np.testing.assert_allclose(share[0], sizes[0] / sizes.sum(), rtol=1e-15)


def test_masked_and_ragged_weights_are_refused() -> None:
    with pytest.raises(ft.DtypeError, match="mask would be lost"):
        ft.convolve([1.0, 2.0], [1.0], weights=np.ma.array([1, 1], mask=[0, 1]))
    with pytest.raises(ft.DtypeError, match="ragged"):
        ft.convolve([1.0, 2.0], [1.0], weights=[[1], [1, 2]])


def test_boxes_hold_all_that_is_weak_and_little_else() -> None:
    weak = np.zeros((300, 400), bool)
    weak[:5] = weak[-7:] = weak[:, :3] = weak[:, -2:] = True
    weak[100:140, 200:260] = True
    covered = np.zeros_like(weak)
    for box in boxes(weak):
        assert not covered[box].any()
        covered[box] = True
    assert covered[weak].all()
    assert covered.sum() < 4 * weak.sum()


def test_squares_too_small_to_be_seen_do_not_make_the_bound_blind() -> None:
    """Boltzmann's constant in SI units is such a number."""
    rng = np.random.default_rng(3)
    t = np.arange(-1500, 1501)
    line = 1e-23 * (np.exp(-(((np.arange(60_000) - 30_000) / 1500.0) ** 2)) + 1e-8 * rng.standard_normal(60_000))
    x = line.astype(np.float32)
    kernel = (np.exp(-t * t / 2 / 300**2) * np.cos(t * 1.3)).astype(np.float32)
    got = ft.convolve(x, kernel, mode="same")
    right = ft.convolve(x.astype(float), kernel.astype(float), mode="same", method="direct")
    size = ft.convolve(np.abs(x).astype(float), np.abs(kernel).astype(float), mode="same", method="direct")
    assert (np.abs(got - right) <= 16 * 1.2e-7 * np.log2(3001) * size + 1e-44).all()


@pytest.mark.parametrize("scale", [1e-318, 1e-310, 1e-300])
def test_kernels_of_numbers_near_zero_keep_the_bound(scale: float) -> None:
    rng = np.random.default_rng(4)
    x, kernel = rng.standard_normal(6000) * 1e100, rng.standard_normal(1001) * scale
    got = ft.convolve(x, kernel, mode="same")
    right = ft.convolve(x, kernel, mode="same", method="direct")
    size = ft.convolve(np.abs(x), np.abs(kernel), mode="same", method="direct")
    assert (np.abs(got - right) <= 32 * 2.3e-16 * 10 * size).all()


def test_plans_of_checked_and_plain_loops_are_kept_apart() -> None:
    from faltung.jit.compiler import checking

    x, kernel = np.ones((8, 9), np.float32), np.full((2, 3), 0.25, np.float32)
    with checking():
        checked = ft.convolve(x, kernel)
    np.testing.assert_array_equal(ft.convolve(x, kernel), checked)
