import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung import kernels
from faltung.filters.kernels.formulas import outer

BOUNDARIES = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap", "zero": "constant"}
"""Ours -> scipy.ndimage's."""

FILTERS = {
    "gaussian": lambda x, **options: ft.gaussian(x, 1.3, **options),
    "box": lambda x, **options: ft.box(x, 3, **options),
    "smooth": lambda x, **options: ft.smooth(x, "triangle:5", **options),
    "smooth_even": lambda x, **options: ft.smooth(x, [1, 3, 2, 1], **options),
}
by_filter = pytest.mark.parametrize("blur", FILTERS.values(), ids=FILTERS.keys())
rng = np.random.default_rng(7)


@by_filter
@pytest.mark.parametrize("shape", [(9,), (7, 8), (5, 6, 4), (3, 4, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_a_constant_stays_constant(blur, shape, dtype):
    y = blur(np.full(shape, 3, dtype))
    assert y.dtype == dtype
    assert y.shape == shape
    np.testing.assert_allclose(y, 3, rtol=8 * np.finfo(dtype).eps)


@by_filter
def test_wrapped_smoothing_keeps_the_sum(blur):
    x = rng.normal(size=(8, 9))
    assert blur(x, boundary="wrap").sum() == pytest.approx(x.sum())


@by_filter
def test_symmetric_outside_keeps_the_sum_of_an_odd_window(blur):
    x = rng.normal(size=(12,))
    if blur is not FILTERS["smooth_even"]:
        assert blur(x).sum() == pytest.approx(x.sum())


@by_filter
@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (bool, np.float32),
        (np.uint8, np.float32),
        (np.int16, np.float32),
        (np.int32, np.float64),
        (np.uint64, np.float64),
        (np.float16, np.float16),
        (np.float32, np.float32),
        (np.longdouble, np.longdouble),
        (np.complex128, np.complex128),
    ],
)
def test_integers_become_floats_wide_enough_and_floats_stay(blur, dtype, result):
    x = (rng.integers(0, 2, (6, 7)) * 100).astype(dtype)
    y = blur(x)
    assert y.dtype == result
    np.testing.assert_allclose(y, blur(x.astype(np.float64 if x.dtype.kind != "c" else complex)), rtol=2e-3)


@by_filter
def test_colour_is_filtered_channel_by_channel(blur):
    picture = rng.random((9, 8, 3)).astype(np.float32)
    y = blur(picture, axes=(0, 1))
    for channel in range(3):
        np.testing.assert_allclose(y[..., channel], blur(picture[..., channel]), rtol=1e-6)


@by_filter
def test_axes_are_filtered_one_after_the_other(blur):
    x = rng.random((6, 7, 8))
    in_turn = blur(blur(blur(x, axes=2), axes=0), axes=1)
    np.testing.assert_allclose(blur(x), in_turn, rtol=1e-12)


@by_filter
@pytest.mark.parametrize("boundary", ["ignore", ("constant", 2.0), ("edge", "wrap"), ["edge", "zero", "reflect"]])
def test_three_axes_follow_the_boundary_as_one_kernel_would(blur, boundary):
    x = rng.random((4, 5, 6))
    kernel = blur(kernels.delta((11, 11, 11)), boundary="zero")
    expected = ft.convolve(x, kernel, mode="same", boundary=boundary)
    np.testing.assert_allclose(blur(x, boundary=boundary), expected, rtol=1e-12)


@by_filter
def test_a_nan_reaches_its_windows_and_no_further(blur):
    x = np.zeros((12, 13, 14))
    x[6, 6, 6] = np.nan
    marked = np.isnan(blur(x, boundary="zero"))
    window = blur(np.isnan(x).astype(float), boundary="zero") > 0
    np.testing.assert_array_equal(marked, window)


@pytest.mark.parametrize("boundary", sorted(BOUNDARIES))
@pytest.mark.parametrize("shape", [(20,), (11, 9), (6, 7, 5)])
def test_gaussian_is_ndimages(shape, boundary):
    x = rng.normal(size=shape)
    expected = scipy.ndimage.gaussian_filter(x, 1.2, mode=BOUNDARIES[boundary])
    np.testing.assert_allclose(ft.gaussian(x, 1.2, boundary=boundary), expected, atol=1e-13)


@pytest.mark.parametrize("boundary", sorted(BOUNDARIES))
@pytest.mark.parametrize("shape", [(20,), (11, 9), (6, 7, 5)])
def test_box_is_ndimages(shape, boundary):
    x = rng.normal(size=shape)
    expected = scipy.ndimage.uniform_filter(x, 5, mode=BOUNDARIES[boundary])
    np.testing.assert_allclose(ft.box(x, 5, boundary=boundary), expected, atol=1e-13)


def test_gaussian_is_opencvs_on_a_real_picture():
    cv2 = pytest.importorskip("cv2")
    picture = pytest.importorskip("skimage.data").camera()[100:228, 100:228].astype(np.float32)
    expected = cv2.GaussianBlur(picture, (17, 17), 2, borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(ft.gaussian(picture, 2), expected, rtol=1e-5)


@settings(deadline=None, max_examples=25)
@given(a=st.floats(1, 3), b=st.floats(1, 3))
def test_two_gaussians_are_one_of_the_added_variances(a, b):
    x = np.zeros(101)
    x[50] = 1
    twice = ft.gaussian(ft.gaussian(x, a, truncate=6), b, truncate=6)
    np.testing.assert_allclose(twice, ft.gaussian(x, np.hypot(a, b), truncate=6), atol=5e-5)


def test_each_axis_has_its_own_sigma_and_length():
    x = rng.normal(size=(9, 10))
    by_axis = ft.gaussian(ft.gaussian(x, 1, axes=0), 2, axes=1)
    np.testing.assert_allclose(ft.gaussian(x, (1, 2)), by_axis, atol=1e-14)
    np.testing.assert_allclose(ft.gaussian(x, (2, 1), axes=(1, 0)), by_axis, atol=1e-14)
    np.testing.assert_allclose(ft.box(x, (3, 1)), ft.box(x, 3, axes=0), atol=1e-14)


@by_filter
def test_the_result_is_a_new_array(blur):
    x = rng.random((5, 6, 7))
    before = x.copy()
    y = blur(x)
    assert not np.may_share_memory(x, y)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(ft.box(x, 1), x)
    assert not np.may_share_memory(x, ft.box(x, 1))


def test_smooth_takes_names_lines_and_whole_kernels():
    x = rng.normal(size=(9, 10))
    by_name = ft.smooth(x, "hann:6")
    np.testing.assert_allclose(ft.smooth(x, kernels.hann(6)), by_name, atol=1e-14)
    np.testing.assert_allclose(ft.smooth(x, 5 * kernels.hann((6, 6))), by_name, atol=1e-14)
    expected = ft.convolve(x, kernels.hann((6, 6)) / 6.25, mode="same", boundary="symmetric")
    np.testing.assert_allclose(by_name, expected, atol=1e-14)


def test_an_even_kernel_leans_right_in_any_number_of_axes():
    line = [4, 3, 2, 1]
    for ndim in (1, 2, 3):
        spot = kernels.delta((9,) * ndim)
        whole = outer([np.array(line) / 10] * ndim)
        expected = ft.convolve(spot, whole, mode="same")
        np.testing.assert_allclose(ft.smooth(spot, line, boundary="zero"), expected, atol=1e-15)


def test_the_decks_top_hat_under_hann_50():
    tophat = kernels.tophat(300, 100, 200)
    assert ft.convolve(tophat, kernels.hann(50)).shape == (349,)
    smoothed = ft.smooth(tophat, "hann:50")
    assert smoothed.shape == (300,)
    assert smoothed[100] == pytest.approx(0.5, abs=1e-14)
    assert smoothed.sum() == pytest.approx(100)
    assert smoothed.max() == pytest.approx(1)


@pytest.mark.parametrize("bad", [float("nan"), 0, -2, float("inf"), "2", [1.0, 2.0, 3.0], None])
def test_a_bad_sigma_is_refused(bad):
    with pytest.raises(ft.ParameterError, match="sigma"):
        ft.gaussian(np.ones((4, 4)), bad)


@pytest.mark.parametrize("bad", [0, -1, 4, 2.5, "3", (3, 3, 3)])
def test_a_bad_window_is_refused(bad):
    with pytest.raises(ft.ParameterError, match="size"):
        ft.box(np.ones((4, 4)), bad)


def test_an_even_window_is_refused_with_both_ways_out():
    with pytest.raises(ft.ParameterError, match=r"give 3 or 5, or .*smooth\(x, kernels.box"):
        ft.box(np.ones(9), 4)


@by_filter
@pytest.mark.parametrize("bad", ["text", None, [[1, 2], [3]], np.array(["a"]), np.array([object()]), {}])
def test_what_is_not_numbers_is_refused(blur, bad):
    with pytest.raises(ft.DtypeError):
        blur(bad)


@by_filter
def test_axes_that_do_not_exist_are_refused(blur):
    for axes in (2, (0, 0), (), (0, -2), 0.5):
        with pytest.raises((ft.ShapeError, ft.ParameterError), match="axes"):
            blur(np.ones((5, 5)), axes=axes)
    with pytest.raises(ft.ShapeError):
        blur(3.0)
    with pytest.raises(ft.ShapeError):
        blur(np.ones((5, 0)))


@by_filter
def test_a_foreign_boundary_is_translated(blur):
    for shape in ((5,), (5, 5, 5)):
        with pytest.raises(ft.BoundaryError, match='"reflect"'):
            blur(np.ones(shape), boundary="mirror")
    with pytest.raises(ft.ParameterError, match="entries"):
        blur(np.ones((5, 5, 5)), boundary=["edge"])


@pytest.mark.parametrize("kernel", [[1, -1], [0, 0], [np.nan, 1], [np.inf, 1], "sobel-x", "laplacian", [1e308, 1e308]])
def test_weights_that_cannot_be_scaled_are_refused(kernel):
    with np.errstate(over="ignore"), pytest.raises(ft.ParameterError):
        ft.smooth(np.ones((5, 5)), kernel)


def test_kernels_of_the_wrong_sort_are_refused():
    with pytest.raises(ft.DtypeError, match="real weights"):
        ft.smooth(np.ones(5), [1j, 1])
    with pytest.raises(ft.ShapeError, match="1 axis or 3"):
        ft.smooth(np.ones((5, 5, 5)), np.ones((3, 3)))
    with pytest.raises(ft.ShapeError):
        ft.smooth(np.ones((5, 5)), [])


@by_filter
@pytest.mark.parametrize("shape", [(11,), (9, 10), (6, 7, 5)])
def test_what_is_missing_is_left_out_as_one_convolution_leaves_it_out(blur, shape):
    x = rng.normal(size=shape)
    x.ravel()[[3, 4, -1]] = np.nan
    line = blur(np.eye(1, 31, 15)[0], boundary="zero")
    weights = outer([line[8:-7]] * len(shape))
    expected = ft.convolve(x, weights, mode="same", nan="omit", boundary="ignore")
    found = blur(x, nan="omit", boundary="ignore")
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    flat = np.where(np.isnan(x), np.nan, 3.0)
    np.testing.assert_allclose(blur(flat, nan="omit"), 3, rtol=1e-12)
    assert np.isnan(blur(x)).any()


@by_filter
def test_nan_is_refused_where_it_is_an_error_and_looked_for_in_floats_only(blur):
    with pytest.raises(ft.MissingData, match="nan"):
        blur([1.0, np.nan, 2.0], nan="error")
    with pytest.raises(ft.ParameterError, match="integers hold no NaN"):
        blur([1, 2, 3], nan="omit")
    with pytest.raises(ft.ParameterError, match="allowed are"):
        blur([1.0, 2.0], nan="ignore")
    # infinities make NaN on the way, which were not in x
    full = np.full((3, 3, 3), np.inf)
    full[1] = -np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(blur(full, nan="error")).all()
