"""What the table says of a call is what the library returns."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.conventions.running import compute
from faltung.conventions.table import meaning_of
from peer_calls import OPTIONAL, USUAL, PeerCall, modules, peer_calls, scale_of


def _agrees(case: PeerCall, *, digits: float = 1e-9) -> None:
    ndim = case.x.ndim
    meaning = meaning_of(case.text, ndim=ndim, dtype=case.x.dtype)
    expected = case.run()
    found = compute(meaning, case.x, case.k)
    assert found.shape == expected.shape, case
    assert found.dtype == expected.dtype, case
    tolerance = digits * scale_of(expected)
    np.testing.assert_allclose(found, expected, rtol=digits, atol=tolerance, err_msg=repr(case))


@pytest.mark.parametrize("library", [*USUAL, *OPTIONAL])
@given(data=st.data())
def test_the_meaning_of_a_call_computes_what_the_library_returns(library: str, data: st.DataObject) -> None:
    modules(library)
    case = data.draw(peer_calls(library))
    _agrees(case)


@pytest.mark.parametrize("library", ["numpy", "scipy.signal", "scipy.ndimage"])
@given(data=st.data())
def test_complex_kernels_are_conjugated_where_the_library_does(library: str, data: st.DataObject) -> None:
    case = data.draw(peer_calls(library))
    if case.k is not None and "cval" not in case.text and "fillvalue" not in case.text:
        _agrees(PeerCall(library, case.text, case.x, case.k + 1j * case.k[..., ::-1]))


DTYPES = {
    "numpy": ("bool", "uint8", "int8", "int16", "uint16", "int64", "float16", "float32"),
    "scipy.signal": ("uint8", "int8", "int16", "uint16", "int32", "int64", "float32"),
    "scipy.ndimage": ("uint8", "int8", "int16", "uint16", "int32", "int64", "float32"),
    "skimage": ("uint8", "int8", "int16", "uint16", "float32"),
    "cv2": ("uint8", "uint16", "int16", "float32"),
    "torch": ("int8", "uint8", "int16", "int32", "int64", "float32"),
}


@pytest.mark.parametrize("library", DTYPES)
@given(data=st.data())
def test_integers_wrap_saturate_round_and_widen_as_the_library_does(library: str, data: st.DataObject) -> None:
    modules(library)
    case = data.draw(peer_calls(library, dtypes=DTYPES[library], longer=False))
    if library == "cv2" and ("CV_64F" in case.text or "GaussianBlur" in case.text or "blur(" in case.text):
        # sources and depths that OpenCV does not combine, and its fixed point, have tests of their own
        return
    if case.x.dtype.kind == "f":
        _agrees(case, digits=2e-2 if case.x.dtype == np.float16 else 2e-5)
    elif "gaussian" in case.text or "uniform" in case.text:
        # a sum such as 2.9999999 is cut to 2 by one and to 3 by the other
        _agrees_nearly(case, most=len(case.x.shape))
    else:
        _agrees(case)


def _agrees_nearly(case: PeerCall, *, most: int) -> None:
    meaning = meaning_of(case.text, ndim=case.x.ndim, dtype=case.x.dtype)
    expected, found = case.run(), compute(meaning, case.x, case.k)
    assert found.dtype == expected.dtype
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, atol=1e-9 * scale_of(expected))
        return
    bits = 8 * expected.dtype.itemsize
    # modulo the range: one more than the largest is the smallest
    gap = (found.astype(object) - expected.astype(object) + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    assert np.max(np.abs(gap)) <= most


@settings(max_examples=50)
@given(data=st.data())
def test_fixed_point_of_opencv_is_within_one_of_its_meaning(data: st.DataObject) -> None:
    modules("cv2")
    case = data.draw(peer_calls("cv2", dtypes=("uint8",)))
    if "GaussianBlur" in case.text or "blur(" in case.text:
        _agrees_nearly(case, most=1)


@pytest.mark.parametrize("depth", ["CV_16S", "CV_32F", "CV_64F"])
def test_opencv_widens_to_the_depth_that_is_asked_for(depth: str) -> None:
    modules("cv2")
    x = np.random.default_rng(0).integers(0, 256, (8, 9)).astype(np.uint8)
    k = np.array([[0.5, 1.0, 0.5], [-3.0, 1.0, 2.0]])
    _agrees(PeerCall("cv2", f"cv2.filter2D(x, cv2.{depth}, k)", x, k), digits=1e-6)
    _agrees(PeerCall("cv2", f"cv2.Sobel(x, cv2.{depth}, 1, 0)", x, None), digits=1e-6)


@settings(max_examples=50)
@given(data=st.data())
def test_missing_samples_are_left_out_as_astropy_does(data: st.DataObject) -> None:
    modules("astropy")
    case = data.draw(peer_calls("astropy"))
    if "convolve_fft" in case.text or "boundary=None" in case.text:
        return
    x = case.x.copy()
    holes = data.draw(st.lists(st.integers(0, x.size - 1), min_size=1, max_size=3))
    x.ravel()[holes] = np.nan
    with warnings.catch_warnings():
        # of holes wider than the kernel, which stay NaN
        warnings.simplefilter("ignore")
        _agrees(PeerCall("astropy", case.text, x, np.abs(case.k) + 1))


def test_layers_of_torch_are_read_with_their_padding_mode() -> None:
    torch = modules("torch")["torch"]
    x, k = np.arange(42.0).reshape(6, 7) % 5, np.array([[1.0, 2.0, 0.5], [4.0, -1.0, 3.0], [2.0, 0.0, 8.0]])
    for mode in ("zeros", "reflect", "replicate", "circular"):
        call = f"nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode={mode!r})(x)"
        layer = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode=mode, dtype=torch.float64)
        with torch.no_grad():
            layer.weight[:] = torch.as_tensor(k)[None, None]
            expected = layer(torch.as_tensor(x)[None, None])[0, 0].numpy()
        np.testing.assert_allclose(compute(meaning_of(call), x, k), expected, rtol=1e-12)


def test_average_pooling_is_a_box_with_a_stride() -> None:
    modules("torch")
    x = np.random.default_rng(0).standard_normal((9, 10))
    for call in ("F.avg_pool2d(x, 3)", "F.avg_pool2d(x, (2, 3), stride=1)", "F.avg_pool2d(x, 3, stride=2, padding=1)"):
        _agrees(PeerCall("torch", call, x, None))


def test_matlab_and_julia_compute_what_their_documentation_shows() -> None:
    # conv(1:10, 7:7:28) and its central part, from an answer of MATLAB Central
    full = [7, 28, 70, 140, 210, 280, 350, 420, 490, 560, 553, 462, 280]
    x = np.arange(1, 11)
    assert compute(meaning_of("conv(a, [7 14 21 28])"), x).tolist() == full
    assert compute(meaning_of("conv(a, [7 14 21 28], 'same')"), x).tolist() == full[2:-1]
    # filter2(H, X) is conv2(X, rot90(H, 2), 'same')
    picture, h = np.arange(30.0).reshape(5, 6) % 7, np.array([[1.0, 2.0], [4.0, 8.0]])
    turned = compute(meaning_of("conv2(X, h, 'same')"), picture, h[::-1, ::-1])
    assert np.array_equal(compute(meaning_of("filter2(h, X)"), picture, h), turned)
    # imfilter rounds and saturates in the class of the picture
    bright = np.array([[200, 100, 0]], np.uint8)
    assert compute(meaning_of("matlab: imfilter(A, [1 1.5 1])"), bright).tolist() == [[255, 255, 100]]
    # padarray(A, Pad(:symmetric, 4, 4)) begins 4 3 2 1 | 1 2 3 4, Pad(:reflect, 4, 4) begins 5 4 3 2 | 1 2 3 4
    row = np.arange(1.0, 7.0)
    first = {'"symmetric"': 4.0, '"reflect"': 5.0, '"replicate"': 1.0, '"circular"': 3.0, "Fill(9)": 9.0}
    for border, value in first.items():
        call = f"julia: imfilter(img, centered([1, 0, 0, 0, 0, 0, 0, 0, 0]), {border})"
        assert compute(meaning_of(call), row)[0] == value
    assert compute(meaning_of("julia: imfilter(img, [1, 1, 1])"), row).tolist() == [4, 6, 9, 12, 15, 17]
    means = compute(meaning_of("imfilter(img, centered([1, 1, 1]), NA())"), row)
    np.testing.assert_allclose(means, [1.5, 2, 3, 4, 5, 5.5])
    assert compute(meaning_of("imfilter(img, centered([1, 1, 1]), Inner())"), row).tolist() == [6, 9, 12, 15]
