import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung import kernels

PER_SLOPE = {"sobel": 4, "scharr": 16, "prewitt": 3}
"""Operator -> sum of its weights across."""

FILTERS = {
    "gradient": ft.gradient,
    "sobel": ft.sobel,
    "scharr": ft.scharr,
    "prewitt": ft.prewitt,
    "laplacian": ft.laplacian,
    "log": lambda x, **options: ft.laplacian(x, 1.2, **options),
}
EXACT = {name: make for name, make in FILTERS.items() if name != "log"}
by_filter = pytest.mark.parametrize("differentiate", FILTERS.values(), ids=FILTERS.keys())
by_operator = pytest.mark.parametrize("name", sorted(PER_SLOPE))
rng = np.random.default_rng(11)


def camera():
    return pytest.importorskip("skimage.data").camera()


@pytest.mark.parametrize("differentiate", EXACT.values(), ids=EXACT.keys())
@settings(deadline=None, max_examples=30)
@given(value=st.floats(-1e6, 1e6, width=32), ndim=st.integers(1, 3), dtype=st.sampled_from([np.float32, np.float64]))
def test_a_flat_region_gives_exactly_zero(differentiate, value, ndim, dtype):
    y = differentiate(np.full((5, 6, 4)[:ndim], value, dtype))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, 0)


@by_operator
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_a_ramp_gives_its_slope_in_the_scale_asked_for(name, ndim):
    operator = getattr(ft, name)
    ramp = np.broadcast_to(2.0 * np.arange(6).reshape(-1, *[1] * (ndim - 1)), (6, 5, 4)[:ndim])
    inner = slice(1, -1)
    printed = operator(ramp, axis=0)[inner]
    np.testing.assert_allclose(printed, 2 * 2 * PER_SLOPE[name] ** (ndim - 1), rtol=1e-14)
    np.testing.assert_allclose(operator(ramp, axis=0, scale="unit")[inner], 2, rtol=1e-14)
    np.testing.assert_allclose(operator(ramp)[inner], printed, rtol=1e-14)
    np.testing.assert_allclose(operator(-ramp, axis=0)[inner], -printed, rtol=1e-14)
    for axis in range(1, ndim):
        np.testing.assert_array_equal(operator(ramp, axis=axis), 0)


def test_the_gradient_of_a_ramp_is_its_slope_or_the_plain_difference():
    y, x = np.mgrid[:6, :7].astype(float)
    slopes = ft.gradient(3 * x - 2 * y)
    assert slopes.shape == (2, 6, 7)
    np.testing.assert_allclose(slopes[0][1:-1], -2)
    np.testing.assert_allclose(slopes[1][:, 1:-1], 3)
    np.testing.assert_array_equal(ft.gradient(3 * x - 2 * y, scale="kernel"), 2 * slopes)


def test_the_gradient_is_the_decks_estimate():
    f = rng.normal(size=(6, 7))
    down, right = ft.gradient(f, scale="kernel")
    np.testing.assert_array_equal(right[:, 1:-1], f[:, 2:] - f[:, :-2])
    np.testing.assert_array_equal(down[1:-1], f[2:] - f[:-2])


def test_the_gradient_is_numpys_inside():
    f = rng.normal(size=(6, 7, 5))
    for ours, theirs in zip(ft.gradient(f), np.gradient(f), strict=True):
        np.testing.assert_allclose(ours[1:-1, 1:-1, 1:-1], theirs[1:-1, 1:-1, 1:-1], atol=1e-15)


@by_operator
@pytest.mark.parametrize("axis", [0, 1])
def test_the_signed_derivative_is_the_printed_kernel_correlated(name, axis):
    x = rng.normal(size=(9, 8))
    weights = getattr(kernels, name)(axis=axis)
    expected = ft.correlate(x, weights, mode="same", boundary="symmetric")
    np.testing.assert_allclose(getattr(ft, name)(x, axis), expected, atol=1e-13)
    np.testing.assert_allclose(ft.convolve(x, weights, mode="same", boundary="symmetric"), -expected, atol=1e-13)


@by_operator
def test_the_magnitude_is_the_length_of_the_slope_vector(name):
    x = rng.normal(size=(6, 7, 5))
    operator = getattr(ft, name)
    squares = sum(operator(x, axis) ** 2 for axis in range(3))
    np.testing.assert_allclose(operator(x), np.sqrt(squares), rtol=1e-13)


@by_operator
def test_turning_the_picture_swaps_the_axes(name):
    x = rng.normal(size=(7, 9))
    operator = getattr(ft, name)
    np.testing.assert_allclose(operator(np.rot90(x), axis=0), -np.rot90(operator(x, axis=1)), atol=1e-14)
    np.testing.assert_allclose(operator(np.rot90(x), axis=1), np.rot90(operator(x, axis=0)), atol=1e-14)
    np.testing.assert_allclose(operator(np.rot90(x)), np.rot90(operator(x)), atol=1e-14)


@by_operator
@pytest.mark.parametrize(
    "boundary", ["ignore", ("constant", 3.0), (("constant", 3.0), "edge"), ["wrap", "reflect", "zero"]]
)
def test_two_passes_follow_the_boundary_as_one_kernel_would(name, boundary):
    x = rng.normal(size=(4, 5, 6))
    for axis in range(3):
        weights = getattr(kernels, name)(axis=axis, ndim=3)
        expected = ft.correlate(x, weights, mode="same", boundary=boundary)
        np.testing.assert_allclose(getattr(ft, name)(x, axis, boundary=boundary), expected, atol=1e-12)


@by_filter
def test_colour_is_filtered_channel_by_channel(differentiate):
    picture = rng.random((9, 8, 3)).astype(np.float32)
    y = differentiate(picture, axes=(0, 1))
    for channel in range(3):
        np.testing.assert_allclose(y[..., channel], differentiate(picture[..., channel]), atol=1e-5)


@by_filter
@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (bool, np.float32),
        (np.uint8, np.float32),
        (np.uint16, np.float32),
        (np.int32, np.float64),
        (np.float16, np.float16),
        (np.longdouble, np.longdouble),
    ],
)
def test_integers_become_floats_wide_enough_and_floats_stay(differentiate, dtype, result):
    x = (rng.integers(0, 2, (6, 7)) * 50).astype(dtype)
    y = differentiate(x)
    assert y.dtype == result
    np.testing.assert_allclose(y, differentiate(x.astype(float)), rtol=3e-3, atol=0.1)


def test_complex_pictures_have_a_real_magnitude():
    x = rng.normal(size=(6, 7)) + 1j * rng.normal(size=(6, 7))
    expected = np.sqrt(sum(np.abs(ft.sobel(x, axis)) ** 2 for axis in (0, 1)))
    np.testing.assert_allclose(ft.sobel(x), expected)
    assert ft.sobel(x.astype(np.complex64)).dtype == np.float32


def test_sobel_and_prewitt_are_ndimages():
    x = rng.normal(size=(6, 7, 5))
    for axis in range(3):
        np.testing.assert_allclose(ft.sobel(x, axis), scipy.ndimage.sobel(x, axis), atol=1e-13)
        np.testing.assert_allclose(ft.prewitt(x, axis), scipy.ndimage.prewitt(x, axis), atol=1e-13)
    np.testing.assert_allclose(ft.laplacian(x), scipy.ndimage.laplace(x), atol=1e-13)


@by_operator
def test_the_magnitude_is_scikit_images_up_to_its_scale(name):
    filters = pytest.importorskip("skimage.filters")
    picture = camera()[:64, :64] / 255
    # scikit-image does not halve the difference, and divides by the root of the number of axes
    expected = getattr(filters, name)(picture) * np.sqrt(2) / 2
    np.testing.assert_allclose(getattr(ft, name)(picture, scale="unit"), expected, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_derivatives_are_opencvs_on_a_real_picture(axis):
    cv2 = pytest.importorskip("cv2")
    picture = camera()[:64, :64]
    order = (1 - axis, axis)[::-1]
    options = {"borderType": cv2.BORDER_REFLECT}
    np.testing.assert_array_equal(ft.sobel(picture, axis), cv2.Sobel(picture, cv2.CV_32F, *order, ksize=3, **options))
    np.testing.assert_array_equal(ft.scharr(picture, axis), cv2.Scharr(picture, cv2.CV_32F, *order, **options))


def test_laplacian_of_gaussian_is_close_to_ndimages():
    x = rng.normal(size=(20, 21))
    expected = scipy.ndimage.gaussian_laplace(x, 2, truncate=6)
    np.testing.assert_allclose(ft.laplacian(x, 2, truncate=6), expected, atol=1e-5)


def test_laplacian_of_gaussian_is_its_kernel():
    x = rng.normal(size=(20, 21))
    expected = ft.correlate(x, kernels.log(1.5), mode="same", boundary="symmetric")
    np.testing.assert_allclose(ft.laplacian(x, 1.5), expected, atol=1e-12)


@pytest.mark.parametrize("sigma", [None, 1.5])
def test_the_laplacian_of_a_square_is_its_curvature(sigma):
    y, x = np.mgrid[:40, :41].astype(float)
    inner = ft.laplacian(x**2 / 2 + 3 * y**2 / 2, sigma)[12:-12, 12:-12]
    np.testing.assert_allclose(inner, 4, rtol=1e-10)


def test_complex_scharr_has_the_magnitude_of_both():
    x = camera()[:50, :60].astype(float)
    options = {"mode": "same", "boundary": "symmetric"}
    both = ft.convolve(x, kernels.scharr_complex(), **options)
    right, down = ft.scharr(x, 1), ft.scharr(x, 0)
    np.testing.assert_allclose(both, -(right + 1j * down), atol=1e-9)
    np.testing.assert_allclose(ft.correlate(x, kernels.scharr_complex(), **options), right - 1j * down, atol=1e-9)
    np.testing.assert_allclose(np.abs(both), np.hypot(right, down), atol=1e-9)
    np.testing.assert_allclose(ft.scharr(x), np.hypot(right, down), atol=1e-9)


def disc(size=201, radius=60.0):
    """A bright disc with a rim 12 pixels wide, and the angle from its middle, in radians, at every pixel."""
    y, x = np.mgrid[:size, :size] - size // 2
    distance = np.hypot(x, y)
    return 1 / (1 + np.exp((distance - radius) / 3)), np.arctan2(-y, -x), np.abs(distance - radius) < 3


def test_scharr_errs_less_than_sobel_in_direction():
    picture, inwards, rim = disc()
    error = {}
    for name in ("prewitt", "sobel", "scharr", "central"):
        turned = ft.edges(picture, operator=name).direction - inwards
        error[name] = np.abs(np.angle(np.exp(1j * turned)))[rim].max()
    assert error["scharr"] < error["sobel"] / 3 < error["prewitt"] / 3
    assert error["scharr"] < np.radians(0.05)


@by_operator
def test_edge_vectors_point_from_dark_to_bright(name):
    picture, inwards, rim = disc()
    found = ft.edges(picture, operator=name)
    np.testing.assert_allclose(np.cos(found.direction - inwards)[rim], 1, atol=1e-3)
    down, right = found.vector
    np.testing.assert_array_equal(found.magnitude, np.hypot(down, right))
    np.testing.assert_array_equal(found.direction, np.arctan2(down, right))


def test_a_step_gives_the_angle_of_its_bright_side():
    step = np.tile([0, 0, 1, 1], (4, 1)).astype(np.uint8)
    for turns, angle in enumerate([0, -np.pi / 2, np.pi, np.pi / 2]):
        found = ft.edges(np.rot90(step, turns))
        middle = found.magnitude == 4
        assert middle.sum() == 8
        np.testing.assert_allclose(found.direction[middle], angle, atol=1e-7)


def test_a_flat_picture_has_no_edges_and_no_direction():
    for value in (0.1, -0.1, 7):
        found = ft.edges(np.full((5, 6), value, np.float32))
        for part in (found.magnitude, found.direction, found.vector):
            np.testing.assert_array_equal(part, 0)
            assert not np.signbit(part).any()


def test_edges_blur_first_if_asked():
    picture = camera()[:64, :64]
    expected = ft.edges(ft.gaussian(picture, 2))
    np.testing.assert_array_equal(ft.edges(picture, sigma=2).magnitude, expected.magnitude)


def test_edges_of_colour_pictures_are_found_per_channel():
    picture = rng.random((9, 8, 3))
    found = ft.edges(picture, axes=(0, 1))
    assert found.vector.shape == (2, 9, 8, 3)
    np.testing.assert_allclose(found.direction[..., 1], ft.edges(picture[..., 1]).direction)
    with pytest.raises(ft.ShapeError, match=r"axes=\(0, 1\)"):
        ft.edges(picture)


def test_wrong_options_are_refused():
    x = np.ones((5, 5))
    for call in (
        lambda: ft.sobel(x, scale="one"),
        lambda: ft.gradient(x, scale=2),
        lambda: ft.edges(x, operator="roberts"),
        lambda: ft.edges(x, sigma=0),
        lambda: ft.laplacian(x, np.nan),
        lambda: ft.laplacian(x, [1, 2, 3]),
        lambda: ft.sobel(x, axis=1.0),
    ):
        with pytest.raises(ft.ParameterError):
            call()
    with pytest.raises(ft.ShapeError, match="axis 2 does not exist"):
        ft.sobel(x, axis=2)
    with pytest.raises(ft.ShapeError, match="not among axes"):
        ft.sobel(np.ones((5, 5, 3)), axis=2, axes=(0, 1))
    with pytest.raises(ft.DtypeError, match="no order"):
        ft.edges(x + 1j)


@by_filter
@pytest.mark.parametrize("bad", ["text", None, [[1, 2], [3]], np.array(["a"]), np.array([object()])])
def test_what_is_not_numbers_is_refused(differentiate, bad):
    with pytest.raises(ft.DtypeError):
        differentiate(bad)


@by_filter
def test_a_foreign_boundary_is_translated(differentiate):
    with pytest.raises(ft.BoundaryError, match='"reflect"'):
        differentiate(np.ones((5, 5)), boundary="mirror")
    with pytest.raises(ft.ParameterError, match="entries"):
        differentiate(np.ones((5, 5)), boundary=["edge"])


@by_filter
def test_a_nan_reaches_its_windows_and_no_further(differentiate):
    x = np.zeros((15, 15))
    x[7, 7] = np.nan
    y = np.isnan(differentiate(x))
    reach = np.argwhere(y.any(axis=0) if y.ndim > 2 else y)
    assert len(reach) > 0
    assert (np.abs(reach - 7) <= 5).all()


@pytest.mark.parametrize("find", [ft.gradient, ft.sobel, ft.scharr, ft.prewitt, ft.laplacian, ft.edges])
def test_a_difference_leaves_no_sample_out(find):
    holed = np.full((7, 8), 5.0)
    holed[3, 3] = np.nan
    with pytest.raises(ft.MissingData):
        find(holed, nan="error")
    with pytest.raises(ft.ParameterError, match="a difference: one that lacks a side is none"):
        find(holed, nan="omit")


def test_edges_and_contours_of_a_picture_with_holes_are_found_after_a_blur_that_closes_them():
    step = np.tile([0.0, 0, 0, 0, 1, 1, 1, 1], (7, 1))
    step[3, 1] = np.nan
    assert np.isnan(ft.edges(step, sigma=1).magnitude).any()
    whole = ft.edges(step, sigma=1, nan="omit").magnitude
    assert np.isfinite(whole).all()
    assert ft.canny(step, nan="omit")[3].sum() == 1
