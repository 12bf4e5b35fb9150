import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label

import faltung as ft

rng = np.random.default_rng(9)


def picture(name):
    image = getattr(pytest.importorskip("skimage.data"), name)()
    return image[..., 1] if image.ndim == 3 else image


def share_found(a, b):
    """How much of the contours in b lies within one pixel of those in a."""
    return (binary_dilation(a, np.ones((3, 3))) & b).sum() / b.sum()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_straight_edge_is_a_line_one_pixel_wide(axis):
    step = np.zeros((20, 21))
    step[10:] = 1
    lines = ft.canny(step if axis == 0 else step.T)
    np.testing.assert_array_equal(lines.sum(axis=axis), 1)
    assert lines.dtype == bool


@pytest.mark.parametrize("angle", np.radians([10, 30, 45, 60, 80]))
def test_a_slanted_edge_is_one_unbroken_line(angle):
    y, x = np.mgrid[-30:31, -30:31]
    ramp = 1 / (1 + np.exp(-(x * np.cos(angle) + y * np.sin(angle) + 0.2)))
    lines = ft.canny(ramp, low=0.01, high=0.05)
    assert label(lines, np.ones((3, 3)))[1] == 1
    distance = np.abs(x * np.cos(angle) + y * np.sin(angle) + 0.2)
    assert distance[lines].max() < 1
    # slopes are compared over a whole diagonal step, so at 45 degrees two pixels of a row may share the top
    assert lines.sum() <= 61 * (2 if np.isclose(angle, np.pi / 4) else 1.45) + 1


def test_a_flat_picture_has_no_contours():
    for value in (0, 0.1, 255):
        assert not ft.canny(np.full((9, 9), value), low=0).any()
        assert not ft.canny(np.full((9, 9), value)).any()


def test_turning_the_picture_turns_its_contours():
    x = ft.gaussian(rng.normal(size=(60, 61)), 2)
    expected = np.rot90(ft.canny(x))
    # of two equal pixels the first is kept, and a turn changes which is first
    assert (ft.canny(np.rot90(x)) != expected).mean() < 1e-3


def test_inverting_the_picture_keeps_its_contours():
    x = picture("camera")[:128, :128].astype(float)
    np.testing.assert_array_equal(ft.canny(-x), ft.canny(x))


def test_thresholds_are_slopes():
    ramp = np.clip(np.arange(40.0), 10, 30) * np.ones((9, 1))
    smooth = ft.gaussian(ramp, 3)
    assert ft.canny(smooth, sigma=None, low=0.5, high=0.9).any()
    assert not ft.canny(smooth, sigma=None, low=0.5, high=1.1).any()


def test_faint_chains_stay_only_where_they_reach_a_strong_one():
    x = np.zeros((30, 40))
    x[:, 10:] = np.linspace(0.2, 1, 30)[:, None]
    x[:, 30:] += 0.3
    strict, loose = ft.canny(x, low=0.2, high=0.2), ft.canny(x, low=0.05, high=0.2)
    assert strict[25, 8:12].any()
    assert not strict[5, 8:12].any()
    assert loose[5, 8:12].any()
    assert not loose[:, 26:34].any()
    assert ft.canny(x, low=0.05, high=0.05)[:, 26:34].any()


@pytest.mark.parametrize("name", ["camera", "coins", "page", "astronaut"])
@pytest.mark.parametrize("sigma", [1, 2])
def test_contours_are_scikit_images_on_real_pictures(name, sigma):
    feature = pytest.importorskip("skimage.feature")
    x = picture(name)[:256, :256] / 255
    theirs = feature.canny(x, sigma, low_threshold=0.1, high_threshold=0.3, mode="reflect")
    ours = ft.canny(x, sigma=sigma, low=0.1 / 8, high=0.3 / 8)
    inner = np.s_[2:-2, 2:-2]
    assert (ours != theirs)[inner].mean() < 1e-3
    assert theirs.any()


@pytest.mark.parametrize("name", ["camera", "coins"])
def test_contours_are_close_to_opencvs_on_real_pictures(name):
    cv2 = pytest.importorskip("cv2")
    x = picture(name)[:256, :256]
    blurred = np.rint(ft.gaussian(x, 1.5)).astype(np.uint8)
    theirs = cv2.Canny(blurred, 60, 160, apertureSize=3, L2gradient=True) > 0
    ours = ft.canny(blurred, sigma=None, low=60 / 8, high=160 / 8)
    assert share_found(ours, theirs) > 0.97
    assert share_found(theirs, ours) > 0.97


@pytest.mark.parametrize("dtype", ["uint8", "int32", "f2", "f4", "f8"])
def test_contours_do_not_depend_on_the_dtype(dtype):
    x = picture("camera")[:128, :128]
    np.testing.assert_array_equal(ft.canny(x.astype(dtype), low=2.3, high=7.7), ft.canny(x, low=2.3, high=7.7))


def test_contours_scale_with_the_picture_when_no_threshold_is_given():
    x = picture("camera")[:128, :128].astype(float)
    np.testing.assert_array_equal(ft.canny(x / 256), ft.canny(x))
    np.testing.assert_array_equal(ft.canny(x, high=8), ft.canny(x, low=4, high=8))
    np.testing.assert_array_equal(ft.canny(x, low=4), ft.canny(x, low=4, high=8))


def test_colour_pictures_have_contours_per_channel():
    x = pytest.importorskip("skimage.data").astronaut()[:100, :90]
    lines = ft.canny(x, low=5, high=10, axes=(0, 1))
    assert lines.shape == x.shape
    for channel in range(3):
        np.testing.assert_array_equal(lines[..., channel], ft.canny(x[..., channel], low=5, high=10))
    np.testing.assert_array_equal(
        ft.canny(np.moveaxis(x, -1, 0), low=5, high=10, axes=(1, 2)), np.moveaxis(lines, -1, 0)
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_sample_spoils_its_surroundings_only(value):
    x = picture("camera")[128:256, 128:256].astype(float)
    whole = ft.canny(x, low=2, high=2)
    x[64, 64] = value
    with np.errstate(invalid="ignore"):
        broken = ft.canny(x, low=2, high=2)
    np.testing.assert_array_equal(broken[:50], whole[:50])
    assert whole[:50].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_tiny_pictures_work(shape):
    assert ft.canny(rng.normal(size=shape)).shape == shape


@pytest.mark.parametrize(
    "options",
    [{"low": 2, "high": 1}, {"low": -1}, {"high": np.nan}, {"sigma": 0}, {"sigma": np.nan}, {"low": "a"}],
    ids=str,
)
def test_bad_options_are_refused(options):
    with pytest.raises(ft.ParameterError):
        ft.canny(np.ones((5, 5)), **options)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ft.ShapeError, match="two axes"):
        ft.canny(np.ones(5))
    with pytest.raises(ft.ShapeError, match=r"axes=\(0, 1\)"):
        ft.canny(np.ones((5, 5, 3)))
    with pytest.raises(ft.DtypeError):
        ft.canny(np.ones((5, 5)) * 1j)
