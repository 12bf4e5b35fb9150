"""Demonstrations: on each of these inputs a current release of another library is wrong or gives up.

Where that library is installed, the test shows that too, so that a demonstration which others have mended is noticed.
"""

from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

import faltung as ft
from strategies import methods_for

EACH_METHOD = pytest.mark.parametrize("method", methods_for("float64"))
LINES = pytest.mark.parametrize("method", [m for m in methods_for("float64") if m != "separable"])


@pytest.mark.parametrize("powers", [np.arange(0, 82, 9), np.arange(82)], ids=["every ninth power", "all powers"])
@pytest.mark.parametrize("zeros", [10_000, 300])
def test_demonstration_small_values_beside_huge_ones_are_right(powers: Any, zeros: int) -> None:
    a = np.concatenate([np.zeros(zeros), 10.0**powers])
    tail = [10 ** int(p) for p in powers]
    exact = [
        sum(tail[i] * tail[n - i] for i in range(len(tail)) if 0 <= n - i < len(tail)) for n in range(2 * len(tail) - 1)
    ]
    y = ft.convolve(a, a)
    assert (y[: 2 * zeros] == 0).all()
    np.testing.assert_allclose(y[2 * zeros :], np.array(exact, float), rtol=1e-12)
    with pytest.raises(ft.AccuracyError, match="would have erred"):
        ft.convolve(a, a, method="fft")
    if zeros == 10_000 and len(powers) == 10:
        theirs = scipy.signal.convolve(a, a)[2 * zeros :]
        assert (np.abs(theirs / np.array(exact, float) - 1) > 1e-3).sum() == 17


@LINES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_demonstration_one_nan_touches_as_many_outputs_as_the_kernel_has_taps(method: str, dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal(1000).astype(dtype)
    x[500] = np.nan
    taps = np.ones(200, dtype)
    assert np.isnan(scipy.signal.fftconvolve(x, taps, "same")).all()
    assert np.isnan(ft.convolve(x, taps, mode="same", method=method, rtol=np.inf)).sum() == 200
    assert np.isnan(ft.convolve(x, taps, mode="same", method=method, rtol=np.inf, nan="omit")).sum() == 0


@EACH_METHOD
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_demonstration_one_nan_in_a_picture_touches_169_pixels(method: str, dtype: Any) -> None:
    image = np.random.default_rng(0).standard_normal((64, 64)).astype(dtype)
    image[30, 30] = np.nan
    kernel = np.ones((13, 13), dtype)
    assert np.isnan(ft.convolve(image, kernel, mode="same", method=method, rtol=np.inf)).sum() == 169
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: only our side is shown")
    assert np.isnan(cv2.filter2D(image, -1, kernel)).sum() == 4096


def test_demonstration_bytes_do_not_wrap() -> None:
    x = np.array([200, 100], np.uint8)
    assert np.convolve(x, x).tolist() == [64, 64, 16]
    assert ft.convolve(x, x).tolist() == [40000, 40000, 10000]
    with pytest.raises(ft.IntegerOverflow, match="40000, outside uint8"):
        ft.convolve(x, x, dtype=np.uint8)
    assert ft.convolve(x, x, dtype=np.uint8, overflow="saturate").tolist() == [255, 255, 255]
    assert ft.convolve(x, x, dtype=np.uint8, overflow="wrap").tolist() == [64, 64, 16]


@pytest.mark.parametrize("method", methods_for("int64"))
def test_demonstration_the_last_digit_of_a_large_integer_is_kept(method: str) -> None:
    large = np.array([2**62 + 1])
    assert scipy.ndimage.convolve(large, [1]).tolist() != large.tolist()
    assert ft.convolve(large, [1], method=method).tolist() == [2**62 + 1]


@EACH_METHOD
def test_demonstration_three_by_three_with_wrap(method: str) -> None:
    x = np.arange(20.0).reshape(4, 5)
    kernel = np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0])
    wanted = scipy.signal.convolve2d(x, kernel, "same", boundary="wrap")
    np.testing.assert_allclose(ft.convolve(x, kernel, mode="same", boundary="wrap", method=method, rtol=np.inf), wanted)
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: only our side is shown")
    with pytest.raises(cv2.error):
        cv2.filter2D(x, -1, kernel, borderType=cv2.BORDER_WRAP)


@LINES
def test_demonstration_an_axis_of_one_broadcasts_against_many_kernels(method: str) -> None:
    row, kernels = np.random.default_rng(0).random((1, 100)), np.random.default_rng(1).random((7, 10))
    assert scipy.signal.fftconvolve(row, kernels, "same", axes=1).shape == (1, 100)
    y = ft.convolve(row, kernels, mode="same", axes=1, method=method, rtol=np.inf)
    np.testing.assert_allclose(y, [np.convolve(row[0], kernel, "same") for kernel in kernels], rtol=1e-12)


@LINES
def test_demonstration_a_kernel_longer_than_x_reflects_again_and_again(method: str) -> None:
    # 3 2 | 1 2 3 2 | 1 ... has period 4 and sum 8
    y = ft.convolve([1.0, 2.0, 3.0], np.ones(9), mode="same", boundary="reflect", method=method, rtol=np.inf)
    np.testing.assert_allclose(y, [17, 18, 19], rtol=1e-14)
    with pytest.raises(ValueError, match="boundary"):
        scipy.signal.convolve2d(np.ones((1, 3)), np.ones((1, 9)), "same", boundary="reflect")


def test_demonstration_the_slope_of_a_ramp_has_a_named_scale() -> None:
    ramp = np.tile(np.arange(8.0), (8, 1))
    filters = pytest.importorskip("skimage.filters", reason="scikit-image is not installed")
    assert scipy.ndimage.sobel(ramp, axis=1)[4, 4] == 8
    assert filters.sobel_v(ramp)[4, 4] == 2
    assert ft.sobel(ramp, axis=1)[4, 4] == 8
    assert ft.sobel(ramp, axis=1, scale="unit")[4, 4] == 1
