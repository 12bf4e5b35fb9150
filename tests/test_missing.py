"""Missing samples count nothing, whatever they hold, and what is there counts more."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from strategies import methods_for

METHODS = methods_for("float64")
EACH_METHOD = pytest.mark.parametrize("method", METHODS)
BOUNDARIES = ("zero", "reflect", "wrap", "ignore", ("constant", 2.0), ["edge", "ignore"])
seeds = st.integers(0, 9999)


def picture(seed: int, dtype: Any = "float64", holes: float = 0.2) -> tuple[Any, Any, Any]:
    """x with holes of NaN, where they are, and a kernel that every method serves."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 1.5, (17, 23)).astype(dtype)
    missing = rng.random(x.shape) < holes
    kernel = np.multiply.outer(rng.uniform(0.5, 1, 4), rng.uniform(-1, -0.5, 5)).astype(dtype)
    return np.where(missing, np.nan, x).astype(dtype), missing, kernel


def called(method: str, x: Any, kernel: Any, **options: Any) -> Any:
    if method == "separable" and options.get("boundary") == ("constant", 2.0):
        method = "direct"
    return ft.convolve(x, kernel, method=method, rtol=np.inf, mode="same", **options)


@EACH_METHOD
@given(seed=seeds, boundary=st.sampled_from(BOUNDARIES))
def test_omitting_nan_is_giving_it_no_weight(method: str, seed: int, boundary: Any) -> None:
    x, missing, kernel = picture(seed)
    omitted = called(method, x, kernel, nan="omit", boundary=boundary)
    # what has no weight is not looked at
    for odd in (np.nan, np.inf, 1e300):
        weighed = called(method, np.where(missing, odd, x), kernel, weights=~missing, boundary=boundary)
        np.testing.assert_array_equal(weighed, omitted)
    np.testing.assert_allclose(called(method, x, kernel, weights=1.0 - missing, boundary=boundary), omitted, rtol=1e-12)


@EACH_METHOD
@given(seed=seeds, boundary=st.sampled_from(BOUNDARIES))
def test_where_nothing_is_missing_not_a_bit_changes(method: str, seed: int, boundary: Any) -> None:
    x, missing, kernel = picture(seed, holes=0.01)
    omitted, share = called(method, x, kernel, nan="omit", boundary=boundary, return_weights=True)
    plain = called(method, np.where(missing, 0, x), kernel, boundary=boundary)
    whole = share == 1
    assert whole.any()
    np.testing.assert_array_equal(omitted[whole], plain[whole])
    clean = np.where(missing, 1.0, x)
    for options in ({"nan": "omit"}, {"weights": np.ones(x.shape)}, {"nan": "error"}):
        np.testing.assert_array_equal(
            called(method, clean, kernel, boundary=boundary, **options),
            called(method, clean, kernel, boundary=boundary),
        )


@given(seed=seeds, value=st.floats(-5, 5), boundary=st.sampled_from(("reflect", "wrap", "ignore")))
def test_a_constant_with_holes_stays_constant_under_weights_of_sum_one(seed: int, value: float, boundary: Any) -> None:
    _, missing, kernel = picture(seed, holes=0.6)
    y = ft.convolve(np.where(missing, np.nan, value), kernel / kernel.sum(), mode="same", nan="omit", boundary=boundary)
    np.testing.assert_allclose(y[~np.isnan(y)], value, rtol=1e-13, atol=1e-300)


@given(seed=seeds, boundary=st.sampled_from(BOUNDARIES), dtype=st.sampled_from(["float32", "float64", "longdouble"]))
def test_the_share_is_what_the_definition_says(seed: int, boundary: Any, dtype: str) -> None:
    x, missing, kernel = picture(seed, dtype, holes=0.5)
    y, share = ft.convolve(x, kernel, mode="same", boundary=boundary, nan="omit", return_weights=True)
    assert share.dtype == (np.longdouble if dtype == "longdouble" else np.float64)
    outside: Any = [0 if "ignore" in b else b if isinstance(b, str) and b != "zero" else ("constant", 1)
                    for b in (boundary if isinstance(boundary, list) else [boundary] * 2)]  # fmt: skip
    outside = ["zero" if b == 0 else b for b in outside]
    size = np.abs(kernel).astype(np.longdouble)
    right = ft.convolve((~missing).astype(np.longdouble), size, mode="same", boundary=outside) / size.sum()
    np.testing.assert_allclose(share, right, rtol=1e-13, atol=0)
    np.testing.assert_array_equal(np.isnan(y), share == 0)


def test_only_outputs_that_see_nothing_are_nan() -> None:
    x = np.full(1000, np.nan)
    x[500] = 3.0
    y, share = ft.convolve(x, np.ones(200), mode="same", nan="omit", return_weights=True)
    assert np.isnan(y).sum() == 1000 - 200 - 100 - 99  # zeros outside count as data
    assert (share[401:600] == 1 / 200).all()


@EACH_METHOD
def test_a_weight_beside_zeros_of_the_kernel_counts_as_nothing(method: str) -> None:
    """The window holds data, but under zeros only: nothing hits, also by FFT."""
    kernel = np.zeros((9, 9))
    kernel[0, 0] = 1.0
    x = np.full((40, 40), np.nan)
    x[20, 20] = 5.0
    y = called(method, x, kernel, nan="omit", boundary="ignore")
    assert np.isfinite(y).sum() == 1
    assert np.nanmax(y) == pytest.approx(5.0)


def test_integers_with_weights_become_floats() -> None:
    y = ft.convolve([1, 2, 3], [1, 1, 1], mode="same", weights=[1, 0, 1], boundary="ignore")
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, [3.0, 6.0, 9.0])


def test_the_share_of_plain_calls_is_one_and_falls_where_the_outside_is_ignored() -> None:
    _, share = ft.convolve(np.ones(5), np.ones(3), mode="same", return_weights=True)
    assert share.tolist() == [1] * 5
    _, share = ft.convolve(np.arange(5), [1, 1, 1], mode="same", boundary="ignore", return_weights=True)
    np.testing.assert_allclose(share, [2 / 3, 1, 1, 1, 2 / 3])


def test_nothing_given_is_modified_and_out_is_filled() -> None:
    x, _, kernel = picture(1)
    weights = np.random.default_rng(0).random(x.shape)
    kept = x.copy(), weights.copy()
    out = np.full(x.shape, 7.0)
    got, share = ft.convolve(x, kernel, mode="same", nan="omit", weights=weights, out=out, return_weights=True)
    assert got is out
    assert share.shape == x.shape
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(weights, kept[1])
    np.testing.assert_array_equal(out, ft.convolve(x, kernel, mode="same", nan="omit", weights=weights))


def test_a_plan_takes_new_weights_with_every_call() -> None:
    plan = ft.plan((4,), np.ones(3), mode="same", weighted=True, boundary="ignore")
    x = np.array([1.0, 2.0, np.nan, 4.0])
    np.testing.assert_allclose(plan(x, weights=[1, 1, 0, 1]), [4.5, 4.5, 9.0, 12.0])
    assert np.isnan(plan(x, weights=[1, 1, 1, 1])).sum() == 3
    with pytest.raises(ft.ParameterError, match="none are given"):
        plan(x)
    with pytest.raises(ft.ParameterError, match="weighted=True"):
        ft.plan((4,), np.ones(3))(x, weights=np.ones(4))


def test_nan_as_an_error_says_where() -> None:
    x = np.ones((5, 6))
    x[2, 3] = x[4, 0] = np.nan
    with pytest.raises(ft.MissingData, match=r"2 NaN, the first at \(2, 3\).*omit"):
        ft.convolve(x, np.ones((3, 3)), nan="error")
    with pytest.raises(ft.MissingData, match="kernel holds NaN"):
        ft.convolve(np.ones(4), [1.0, np.nan], nan="error")
    # infinities are numbers, and sums of squares may overflow
    ft.convolve([1e300, np.inf], [1.0], nan="error")
    ft.convolve(np.array([1, 2], object), [1], nan="error")


@pytest.mark.parametrize(
    ("x", "kernel", "options", "error", "message"),
    [
        ([1, 2, 3], [1, 1], {"nan": "omit"}, ft.ParameterError, 'nan="omit" with x of dtype int64.*weights='),
        ([1.0, 2.0], [1, 1], {"nan": "skip"}, ft.ParameterError, '"propagate", "omit", "error"'),
        ([1.0, 2.0], [1, 1], {"weights": [1.0]}, ft.ShapeError, r"\(1,\).*\(2,\).*broadcast_to"),
        ([1.0, 2.0], [1, 1], {"weights": [1.0, 2.0]}, ft.ParameterError, "outside 0"),
        ([1.0, 2.0], [1, 1], {"weights": [1.0, -0.1]}, ft.ParameterError, "outside 0"),
        ([1.0, 2.0], [1, 1], {"weights": [1.0, np.nan]}, ft.ParameterError, "NaN"),
        ([1.0, 2.0], [1, 1], {"weights": [1j, 1]}, ft.DtypeError, "complex"),
        ([1.0, 2.0], [1, 1], {"weights": "ab"}, ft.DtypeError, "weights is a str"),
        ([1.0, 2.0], [1.0, np.inf], {"weights": [1, 1]}, ft.ParameterError, "weights=.*finite"),
        ([1.0, 2.0], [1.0, np.nan], {"nan": "omit"}, ft.ParameterError, "omit.*finite"),
        (np.array([1, 2], object), [1], {"nan": "omit"}, ft.DtypeError, "objects"),
        (np.array([1, 2], object), [1], {"weights": [1, 1]}, ft.DtypeError, "weights= divides.*objects"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(x: Any, kernel: Any, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        ft.convolve(x, kernel, **options)
