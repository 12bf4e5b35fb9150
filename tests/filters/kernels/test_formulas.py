import inspect
import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.filters import kernels
from faltung.filters.kernels import named, names
from faltung.filters.kernels.words import KERNELS
from kernel_examples import EXAMPLES

WINDOWS = ("box", "triangle", "binomial", "hann")
DERIVATIVES = ("sobel", "scharr", "prewitt")
SUMS_TO_ONE = ("delta", "box", "triangle", "binomial", "gaussian", "sharpen", "disk", "motion")
SUMS_TO_ZERO = ("gaussian_derivative", *DERIVATIVES, "scharr_complex", "laplacian", "log")


def test_every_kernel_has_an_example_here():
    assert set(EXAMPLES) == set(KERNELS) == set(names())
    assert {*KERNELS, "named", "names", "usage"} == set(kernels.__all__)


@pytest.mark.parametrize("name", SUMS_TO_ONE)
def test_averages_sum_to_one(name):
    assert named(EXAMPLES[name]).sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", SUMS_TO_ZERO)
def test_derivatives_sum_to_zero(name):
    weights = named(EXAMPLES[name])
    assert abs(weights.sum()) <= 1e-15 * np.abs(weights).sum()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_dtype_is_as_asked(name, dtype):
    if name != "scharr_complex" or dtype == np.complex64:
        assert named(EXAMPLES[name], dtype=dtype).dtype == dtype


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 50])
def test_windows_read_the_same_both_ways(name, size):
    weights = KERNELS[name](size)
    np.testing.assert_array_equal(weights, weights[::-1])
    assert weights.shape == (size,)


@pytest.mark.parametrize("name", [*WINDOWS, "gaussian", "delta"])
def test_two_axes_are_the_outer_product_of_one(name):
    make = KERNELS[name]
    np.testing.assert_allclose(make(5, ndim=2), np.multiply.outer(make(5), make(5)), rtol=1e-15)
    np.testing.assert_allclose(make((5, 3)), np.multiply.outer(make(5), make(3)), rtol=1e-15)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 49, 50, 101])
def test_hann_is_scipys_symmetric_window(size):
    np.testing.assert_allclose(kernels.hann(size), scipy.signal.windows.hann(size, sym=True), atol=1e-15)


@given(sigma=st.floats(0.3, 20), order=st.sampled_from([1, 2]))
def test_gaussian_derivatives_are_exact_on_polynomials(sigma, order):
    weights = kernels.gaussian_derivative(sigma, order=order)
    t = np.arange(len(weights)) - len(weights) // 2
    assert (weights * t**order / math.factorial(order)).sum() == pytest.approx(1, rel=1e-12)
    assert weights.sum() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("sigma", [1e-300, 1e-3, 0.02, 0.03, 0.05, 0.1])
def test_a_tiny_sigma_gives_plain_differences(sigma):
    np.testing.assert_allclose(kernels.gaussian_derivative(sigma), [-0.5, 0, 0.5])
    np.testing.assert_allclose(kernels.gaussian_derivative(sigma, order=2), [1, -2, 1], atol=1e-9)
    np.testing.assert_allclose(kernels.log(sigma), kernels.laplacian(), atol=1e-9)
    np.testing.assert_allclose(kernels.gaussian(sigma, size=4), [0, 0.5, 0.5, 0], atol=1e-9)


def test_gaussian_follows_the_formula():
    t = np.arange(-8, 9)
    bell = np.exp(-(t**2) / 8)
    np.testing.assert_allclose(kernels.gaussian(2), bell / bell.sum(), rtol=1e-14)


def test_gaussian_with_a_size_is_opencvs():
    cv2 = pytest.importorskip("cv2")
    np.testing.assert_allclose(kernels.gaussian(1.2, size=5), cv2.getGaussianKernel(5, 1.2)[:, 0], rtol=1e-7)


def test_binomial_has_the_variance_it_names():
    weights = kernels.binomial(9)
    t = np.arange(9) - 4
    assert (weights * t**2).sum() == 2
    np.testing.assert_array_equal(weights * 256, [1, 8, 28, 56, 70, 56, 28, 8, 1])


def test_sobel_is_the_decks():
    np.testing.assert_array_equal(kernels.sobel(axis=1), [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    np.testing.assert_array_equal(kernels.sobel(axis=0), [[-1, -2, -1], [0, 0, 0], [1, 2, 1]])


def test_complex_scharr_is_the_decks():
    np.testing.assert_array_equal(
        kernels.scharr_complex(), [[-3 - 3j, -10j, 3 - 3j], [-10, 0, 10], [-3 + 3j, 10j, 3 + 3j]]
    )


@pytest.mark.parametrize("name", DERIVATIVES)
def test_turning_a_picture_kernel_swaps_its_axes(name):
    make = KERNELS[name]
    np.testing.assert_array_equal(make(axis=0), make(axis=1).T)
    np.testing.assert_array_equal(np.rot90(make(axis=1)), -make(axis=0))


@pytest.mark.parametrize(("name", "across"), [("sobel", 4), ("scharr", 16), ("prewitt", 3)])
@pytest.mark.parametrize("ndim", [1, 2, 3, 4])
def test_a_ramp_gives_the_stated_slope_in_any_number_of_axes(name, across, ndim):
    weights = KERNELS[name](axis=0, ndim=ndim)
    ramp = np.arange(3).reshape(3, *[1] * (ndim - 1))
    assert (weights * ramp).sum() == 2 * across ** (ndim - 1)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_laplacians_give_one_for_half_a_square(ndim):
    t = np.arange(-20, 21).reshape(-1, *[1] * (ndim - 1))
    plain, corners, hat = (
        kernels.laplacian(ndim=ndim),
        kernels.laplacian(ndim=ndim, diagonal=True),
        kernels.log(1, ndim=ndim),
    )
    assert (plain * t[19:22] ** 2 / 2).sum() == 1
    assert (corners * t[19:22] ** 2 / 2).sum() == 3 ** (ndim - 1)
    assert (hat * t[16:25] ** 2 / 2).sum() == pytest.approx(1, rel=1e-12)


def test_gabor_is_scikit_images_with_wavelength_for_frequency():
    theirs = pytest.importorskip("skimage.filters").gabor_kernel(
        1 / 6, theta=0.4, sigma_x=3, sigma_y=3, n_stds=3, offset=0.2
    )
    ours = kernels.gabor(6, 0.4, sigma=3, phase=0.2, dtype=complex)
    margin = [(a - b) // 2 for a, b in zip(ours.shape, theirs.shape, strict=True)]
    assert all(m >= 0 for m in margin)
    inner = ours[tuple(slice(m, n - m) for m, n in zip(margin, ours.shape, strict=True))]
    np.testing.assert_allclose(inner, theirs, atol=2e-4)


def test_gabor_turned_by_a_right_angle_is_transposed():
    np.testing.assert_allclose(kernels.gabor(7, np.pi / 2, aspect=2), kernels.gabor(7, aspect=2).T, atol=1e-15)


def test_gabor_answers_to_its_own_wave_with_one_half():
    x = np.cos(2 * np.pi * np.arange(65) / 8) * np.ones((65, 1))
    assert ft.correlate(x, kernels.gabor(8, sigma=6), mode="valid").max() == pytest.approx(0.5, rel=1e-3)


def test_disk_holds_the_pixels_within_its_radius():
    y, x = np.mgrid[-4:5, -4:5]
    inside = np.hypot(x, y) <= 4.2
    np.testing.assert_allclose(kernels.disk(4.2), inside / inside.sum())
    np.testing.assert_allclose(kernels.disk(2, ndim=1), np.full(5, 0.2))
    assert kernels.disk(2, ndim=3).shape == (5, 5, 5)


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_motion_along_the_axes_is_a_line(length):
    across, down = kernels.motion(length), kernels.motion(length, np.pi / 2)
    assert across.shape == (1, length + 1 - length % 2)
    np.testing.assert_array_equal(down, across.T)
    if length % 2:
        np.testing.assert_allclose(across, 1 / length)


@given(length=st.integers(1, 30), angle=st.floats(-10, 10))
def test_motion_is_centred_whatever_its_angle(length, angle):
    weights = kernels.motion(length, angle)
    y, x = (np.arange(n) - n // 2 for n in weights.shape)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    assert (weights * x).sum() == pytest.approx(0, abs=1e-9)
    assert (weights * y[:, None]).sum() == pytest.approx(0, abs=1e-9)


def test_delta_moves_a_signal_to_where_it_stands():
    x = kernels.gaussian(3)
    shifted = ft.convolve(kernels.delta(100, at=40), x)
    np.testing.assert_array_equal(shifted[40 : 40 + len(x)], x)
    assert np.count_nonzero(shifted) == len(x)
    for size in (4, 5):
        np.testing.assert_array_equal(ft.convolve(x, kernels.delta(size), mode="same"), x)


def test_whole_weights_come_as_integers_and_fractions_are_refused():
    assert kernels.sobel(dtype=np.int8).dtype == np.int8
    with pytest.raises(ft.DtypeError, match="float64"):
        kernels.sobel(dtype=np.uint8)
    with pytest.raises(ft.DtypeError, match="float64"):
        kernels.gaussian(1, dtype=int)
    with pytest.raises(ft.DtypeError, match="complex64"):
        kernels.scharr_complex(dtype=float)
    with pytest.raises(ft.DtypeError):
        kernels.box(3, dtype="no such")


@pytest.mark.parametrize("bad", [float("nan"), 0, -1.0, float("inf"), "wide", None, [], [1.0, -1], 1j, 1e300])
def test_a_bad_sigma_is_refused(bad):
    for make in (kernels.gaussian, kernels.gaussian_derivative, kernels.log):
        with pytest.raises(ft.ParameterError):
            make(bad)


@pytest.mark.parametrize("bad", [0, -3, 2.0, "5", None, (), (3, 0), 10**12])
def test_a_bad_length_is_refused(bad):
    for make in (kernels.box, kernels.hann, kernels.triangle, kernels.binomial, kernels.delta):
        with pytest.raises(ft.ParameterError):
            make(bad)


@pytest.mark.parametrize(
    "text",
    [
        "delta:5,at=5",
        "tophat:5,3,3",
        "tophat:5,0,6",
        "gaussian:1,truncate=0",
        "gaussian-derivative:1,order=3",
        "gabor:1",
        "disk:0",
        "motion:0",
        "sobel:ndim=0",
        "sobel:ndim=99",
        "sharpen:nan",
        "binomial:2000",
    ],
)
def test_numbers_outside_their_range_are_refused(text):
    with pytest.raises(ft.ParameterError):
        named(text)


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(ft.ShapeError, match="axis 2 does not exist"):
        kernels.sobel(axis=2)


def test_every_kernel_says_what_it_sums_to_or_shows_it():
    for make in KERNELS.values():
        text = inspect.getdoc(make)
        assert text is not None
        assert "Sum" in text or "sum" in text or ">>>" in text


@pytest.mark.parametrize("dtype", [",", "loud", "i4,i4", "U3"])
def test_what_is_no_dtype_of_numbers_is_refused(dtype):
    for word in ("hann:5", "gabor:4"):
        with pytest.raises(ft.DtypeError, match="dtype="):
            named(word, dtype=dtype)
