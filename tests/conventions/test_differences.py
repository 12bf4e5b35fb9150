"""Every difference that counts is named, no other is, and the numbers show it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung.conventions.running import compute
from faltung.conventions.table import meaning_of
from peer_calls import OPTIONAL, USUAL, modules, peer_calls, scale_of

NUMPY, NDIMAGE = "np.convolve(x, k, 'same')", "scipy.ndimage.convolve(x, k, mode='constant')"


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        (NUMPY, NUMPY, ()),
        (NUMPY, "np.correlate(x, k, 'same')", ("flip", "conjugation")),
        (NUMPY, "scipy.signal.convolve(x, k, 'same')", ("size",)),
        ("scipy.signal.convolve(x, k, 'same')", "scipy.signal.convolve(x, k)", ("size",)),
        ("scipy.signal.convolve(x, k)", "scipy.signal.fftconvolve(x, k)", ("dtype",)),
        ("scipy.ndimage.convolve(x, k)", "scipy.ndimage.convolve(x, k, mode='grid-mirror')", ()),
        ("scipy.ndimage.convolve(x, k)", "scipy.ndimage.convolve(x, k, mode='mirror')", ("boundary",)),
        ("scipy.ndimage.convolve(x, k)", "scipy.ndimage.convolve(x, k, origin=-1)", ("centre",)),
        ("scipy.ndimage.correlate(x, k)", "cv2.filter2D(x, -1, k)", ("boundary", "rounding", "saturation")),
        ("F.conv1d(x, k, padding='same')", "F.conv1d(x, k, padding='same', dilation=2)", ("dilation",)),
        ("F.conv2d(x, k)", "F.conv2d(x, k, stride=2)", ("stride",)),
        ("cv2.blur(x, (3, 3))", "cv2.boxFilter(x, -1, (3, 3), normalize=False)", ("scale",)),
        ("cv2.blur(x, (3, 3))", "cv2.blur(x, (5, 3))", ("taps",)),
        ("cv2.Sobel(x, -1, 1, 0)", "cv2.Scharr(x, -1, 1, 0)", ("kernel",)),
        ("skimage.filters.sobel_v(x)", "skimage.filters.sobel(x)", ("combination", "scale")),
        ("astropy.convolution.convolve(x, k)", "astropy.convolution.convolve(x, k, boundary=None)", ("rim",)),
        ("kornia.filters.filter2d(x, k)", "kornia.filters.filter2d(x, k, normalized=True)", ("normalisation",)),
        ("cv2.filter2D(x, -1, k)", "cv2.filter2D(x, -1, k, delta=3)", ("offset",)),
        ("ft.convolve(x, k)", "ft.convolve(x, k, overflow='saturate', dtype='int16')", ("dtype",)),
        ("ndimage.sobel(x)", "ndimage.laplace(x)", ("kernel",)),
        ("ndimage.gaussian_filter(x, 2)", "imfilter(x, Kernel.gaussian(2))", ("taps", "boundary", "dtype")),
    ],
)
def test_differences_are_named_and_nothing_else(a: str, b: str, names: tuple[str, ...]) -> None:
    found = ft.why_different(a, b)
    assert found.names == names, str(found)
    assert len(found) == len(names)
    assert [found[name] for name in names] == list(found)


@pytest.mark.parametrize("library", [*USUAL, *OPTIONAL])
@settings(max_examples=40)
@given(data=st.data())
def test_where_nothing_is_named_the_results_are_equal_and_where_something_is_it_shows(
    library: str, data: st.DataObject
) -> None:
    modules(library)
    first, second = data.draw(peer_calls(library)), data.draw(peer_calls(library))
    ndim = first.x.ndim
    if second.x.ndim != ndim or (first.k is None) != (second.k is None):
        return
    found = ft.why_different(first.text, second.text, x=first.x, kernel=first.k)
    if not found:
        results = []
        for call in (first.text, second.text):
            try:
                results.append(compute(meaning_of(call, ndim=ndim), first.x, first.k))
            except ft.FaltungError:
                results.append(np.zeros(0))
        one, other = results
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6 * scale_of(one))
    for difference in found:
        one, other = difference.first_result, difference.second_result
        if isinstance(one, str) or isinstance(other, str):
            continue
        same = one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=1e-12, equal_nan=True)
        assert not same or one.dtype != other.dtype


def test_the_centre_of_an_even_kernel_is_moved_by_one_sample() -> None:
    found = ft.why_different(NUMPY.replace("k,", "[1, 0],"), NDIMAGE.replace("k,", "[1, 0],"), x=[1.0, 2, 4, 8])
    centre = found["centre"]
    assert "(k - 1) // 2 = 0" in centre.first
    assert "k // 2 = 1" in centre.second
    assert np.asarray(centre.first_result).tolist() == [1, 2, 4, 8]
    assert np.asarray(centre.second_result).tolist() == [2, 4, 8, 0]
    assert centre.on_given_x
    assert found.on_x == "on the x given 4 of 4 samples differ, by at most 8"


@pytest.mark.parametrize(
    ("call", "slope"),
    [
        ("cv2.Sobel(x, -1, 1, 0)", 8),
        ("ndimage.sobel(x)", 8),
        ("skimage.filters.sobel_v(x)", 2),
        ("ft.sobel(x, 1)", 8),
        ("ft.sobel(x, 1, scale='unit')", 1),
        ("kornia.filters.sobel(x)", 1),
        ("skimage.filters.sobel(x)", 2 / 2**0.5),
        ("cv2.Scharr(x, -1, 1, 0)", 32),
        ("skimage.filters.scharr_v(x)", 2),
        ("ndimage.prewitt(x)", 6),
    ],
)
def test_an_edge_operator_says_what_it_makes_of_a_ramp(call: str, slope: float) -> None:
    ramp = np.tile(np.arange(9.0), (9, 1))
    assert compute(meaning_of(call), ramp)[..., 4, 4].max() == pytest.approx(slope, rel=1e-5)
    found = ft.why_different(call, "ndimage.laplace(x)")
    if "kernel" in found.names:
        assert f"{slope:.3g} on a ramp of slope 1" in found["kernel"].first
    else:
        assert "combination" in found.names


def test_a_kernel_that_cannot_show_a_difference_hides_it() -> None:
    symmetric = ft.why_different(NUMPY, "np.correlate(x, k, 'same')", kernel=[1.0, 2.0, 1.0])
    assert symmetric.names == ()
    assert ft.why_different(NUMPY, NDIMAGE, kernel=[1.0, 2.0, 4.0]).names == ("dtype",)
    assert "centre" in ft.why_different(NUMPY, NDIMAGE).names


def test_uint8_is_told_to_wrap_saturate_or_widen() -> None:
    bright = np.array([[200, 100, 7]], np.uint8)
    kernel = np.ones((1, 3), np.uint8)
    saturates = ft.why_different("ndimage.correlate(x, k)", "cv2.filter2D(x, -1, k)", x=bright, kernel=kernel)[
        "saturation"
    ]
    assert saturates.on_given_x
    assert np.asarray(saturates.first_result).tolist() == [[244, 51, 114]]
    assert np.asarray(saturates.second_result).tolist() == [[255, 255, 114]]
    wider = ft.why_different("np.convolve(x, k)", "ft.convolve(x, k)", x=bright[0], kernel=kernel[0])
    assert np.asarray(wider["dtype"].second_result).dtype == np.uint64


def test_results_are_printed_with_the_row_that_differs_most() -> None:
    text = str(ft.why_different("cv2.Sobel(x, -1, 1, 0)", "skimage.filters.sobel_v(x)"))
    assert "boundary: " in text
    assert "scale: 8 on a ramp of slope 1 | 2 on a ramp of slope 1" in text
    assert "x, row 0" in text
    html = ft.why_different(NUMPY, NDIMAGE)._repr_html_()
    assert html.startswith("<table>")
    assert "no difference" in str(ft.why_different(NUMPY, NUMPY))


def test_samples_that_are_nan_in_one_result_only_are_counted() -> None:
    plain = "kornia.filters.filter2d(x, [[0, 0, 0]], normalized=False)"
    found = ft.why_different(plain, plain.replace("False", "True"), x=np.ones((4, 5)))
    assert found.on_x == "on the x given 20 of 20 samples differ, 20 as NaN in one of them"


def test_calls_for_different_numbers_of_axes_are_not_compared() -> None:
    with pytest.raises(ft.ParameterError, match="same number of axes"):
        ft.why_different("np.convolve(x, k)", "cv2.filter2D(x, -1, k)")
    with pytest.raises(KeyError, match="no difference 'flip'"):
        ft.why_different(NUMPY, NDIMAGE)["flip"]
