"""A translated call, run in the other library, returns what the first call returns."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung.conventions.table import ROWS, meaning_of
from peer_calls import OPTIONAL, USUAL, PeerCall, modules, peer_calls, run_translated, scale_of

TARGETS = ("numpy", "scipy.signal", "scipy.ndimage", "skimage", "cv2", "astropy", "torch", "kornia", "faltung")


REFUSALS = "no convolution with a kernel of one's own|along .* of the axes|cannot name|odd lengths|has no dilation"
"""All that a library may not be able to say."""


def _translated(case: PeerCall, to: str, **more: object) -> ft.Translation | None:
    """The translation, or None where the other library cannot say it, and says so."""
    try:
        return ft.translate(case.text, to=to, ndim=case.x.ndim, **more)  # type: ignore[arg-type]
    except ft.ParameterError as refusal:
        if re.search(REFUSALS, str(refusal)):
            return None
        raise


def _can_run(case: PeerCall, to: str) -> bool:
    """Whether the other library takes these data at all."""
    if case.k is not None and to == "astropy" and any(n % 2 == 0 for n in case.k.shape):
        return False
    operator = meaning_of(case.text, ndim=case.x.ndim).operator
    taps = (1,) * case.x.ndim if case.k is None else case.k.shape
    taps = taps if operator is None else operator.taps
    return all(k <= n for k, n in zip(taps, case.x.shape, strict=True))


def _run(to: str, translation: ft.Translation, case: PeerCall) -> Any:
    """What the translation returns; None where torch refuses to reflect by as much as x is long."""
    try:
        return run_translated(to, translation.code, case.x, case.k)
    except RuntimeError as refusal:
        if re.search(r"[Pp]adding", str(refusal)):
            return None
        raise


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("library", [*USUAL, *OPTIONAL])
@settings(max_examples=15)
@given(data=st.data())
def test_a_translated_call_returns_the_same(library: str, to: str, data: st.DataObject) -> None:
    modules(library), modules(to)
    case = data.draw(peer_calls(library, longer=False))
    assume(_can_run(case, to))
    translation = _translated(case, to)
    if translation is None:
        return
    if meaning_of(case.text, ndim=case.x.ndim).normalises and not np.any(case.k):
        # NaN by kornia, and whatever the other library makes of NaN weights: said, or left to kornia itself
        assert "makes NaN of one of zeros" in str(translation) or "normalized=True" in translation.code
        return
    expected = case.run()
    found = _run(to, translation, case)
    if found is None:
        return
    assert found.dtype == expected.dtype, f"{case}\n{translation}"
    assert found.shape == expected.shape, f"{case}\n{translation}"
    tolerance = 1e-9
    if not translation.exact:
        # rims where ndimage pads between its passes, and the small number under kornia's root
        found, expected = (y[(..., *[slice(3, -3)] * case.x.ndim)] for y in (found, expected))
        tolerance = 2e-3
    size = tolerance * scale_of(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=size, err_msg=f"{case}\n{translation}")


INTEGERS = {
    "numpy": ("uint8", "int16", "int64"),
    "scipy.signal": ("uint8", "int16"),
    "scipy.ndimage": ("uint8", "int16"),
    "skimage": ("uint8", "uint16"),
    "cv2": ("uint8", "int16"),
}


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("library", INTEGERS)
@settings(max_examples=15)
@given(data=st.data())
def test_with_a_dtype_the_code_rounds_wraps_and_saturates_as_the_first_call(
    library: str, to: str, data: st.DataObject
) -> None:
    modules(library), modules(to)
    case = data.draw(peer_calls(library, dtypes=INTEGERS[library], longer=False))
    assume(_can_run(case, to) and "CV_64F" not in case.text)
    translation = _translated(case, to, dtype=case.x.dtype)
    if translation is None:
        return
    expected = case.run()
    found = _run(to, translation, case)
    if found is None:
        return
    assert found.dtype == expected.dtype, f"{case}\n{translation}"
    fixed_point = library == "cv2" and ("GaussianBlur" in case.text or "blur(" in case.text)
    rounded = "gaussian" in case.text or "uniform" in case.text or fixed_point or to in ("cv2", "skimage")
    if expected.dtype.kind == "f" or (translation.exact and not rounded):
        np.testing.assert_allclose(
            found, expected, rtol=1e-6, atol=1e-6 * scale_of(expected), err_msg=f"{case}\n{translation}"
        )
        return
    if not translation.exact:
        found, expected = (y[(..., *[slice(3, -3)] * case.x.ndim)] for y in (found, expected))
    bits = 8 * expected.dtype.itemsize
    gap = (found.astype(object) - expected.astype(object) + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    assert np.max(np.abs(gap), initial=0) <= 1 + case.x.ndim, f"{case}\n{translation}"


@pytest.mark.parametrize("library", [*USUAL, *OPTIONAL])
@settings(max_examples=15)
@given(data=st.data())
def test_a_call_in_its_own_library_differs_in_nothing(library: str, data: st.DataObject) -> None:
    case = data.draw(peer_calls(library, longer=False))
    translation = _translated(case, library)
    if (
        translation is None
        or "\n" in translation.code
        or not re.fullmatch(r"[\w.]+\(.*\)(\[0, 0\])?", translation.code)
    ):
        return
    if (
        "np.pad" in translation.code
        or "F.pad" in translation.code
        or "flip" in translation.code
        or "outer" in translation.code
    ):
        return
    again = translation.code.removesuffix("[0, 0]")
    differences = ft.why_different(case.text, again, x=case.x, kernel=case.k)
    # functions of one library may still differ in what they do with integers
    assert not set(differences.names) - {"dtype", "rounding", "saturation", "steps"}, f"{translation}\n{differences}"


def test_every_function_of_the_table_can_be_said_in_faltung() -> None:
    own = {
        "cv2.filter2D": "x, -1, k",
        "cv2.sepFilter2D": "x, -1, k, k",
        "cv2.blur": "x, (3, 3)",
        "cv2.boxFilter": "x, -1, (3, 3)",
        "cv2.GaussianBlur": "x, (0, 0), 2",
        "cv2.Sobel": "x, -1, 1, 0",
        "cv2.Scharr": "x, -1, 1, 0",
        "cv2.Laplacian": "x, -1",
        "scipy.ndimage.gaussian_filter": "x, 2",
        "scipy.ndimage.gaussian_filter1d": "x, 2",
        "scipy.ndimage.uniform_filter1d": "x, 3",
        "torch.nn.functional.avg_pool2d": "x, 2",
        "kornia.filters.filter2d": "x, k",
        "kornia.filters.gaussian_blur2d": "x, 3, (1, 1)",
        "kornia.filters.box_blur": "x, 3",
        "faltung.gaussian": "x, 2",
        "faltung.box": "x, 3",
    }
    for name, row in ROWS.items():
        takes_kernel = row.language != "python" or re.search("conv|correlate", name.rpartition(".")[2].lower())
        words = own.get(name, "x, k" if takes_kernel else "x")
        if name.startswith("torch.nn.Conv"):
            words = "1, 1, 3"
        library = {"matlab": "matlab", "ImageFiltering": "julia"}.get(row.library)
        call = f"{name.rpartition('.')[2] if library else name}({words})"
        assert "ft." in ft.translate(call, to="faltung", of=library).code


def test_names_of_the_caller_are_left_alone() -> None:
    code = ft.translate("ft.sobel(a)", to="scipy.ndimage").code
    assert not re.search(r"^a =", code, re.M)
    a = np.random.default_rng(0).standard_normal((6, 7))
    before = a.copy()
    names = {"a": a, "np": np, "ndimage": __import__("scipy.ndimage").ndimage}
    *lines, last = code.split("\n")
    for line in lines:
        exec(line, names)
    np.testing.assert_allclose(eval(last, names), ft.sobel(before), rtol=1e-12)


def test_what_is_mended_is_said() -> None:
    flipped = ft.translate("np.convolve(x, k, 'same')", to="scipy.ndimage")
    assert "np.flip" in flipped.code
    assert any("flips the kernel" in note for note in flipped.notes)
    wrapped = ft.translate("scipy.ndimage.correlate(x, k, mode='wrap')", to="cv2")
    assert "np.pad" in wrapped.code
    assert any("OpenCV has no boundary 'wrap'" in note for note in wrapped.notes)
    scaled = ft.translate("cv2.Sobel(x, -1, 1, 0)", to="skimage")
    assert scaled.code.startswith("4 * ")
    assert any("4 times" in note for note in scaled.notes)
    assert "uint8 in" in str(ft.translate("cv2.filter2D(x, -1, k)", to="scipy.ndimage"))
    assert scaled._repr_html_().startswith("<pre>")
    unseen = ft.translate("conv2(A, B)", to="julia")
    assert any("matlab.conv2 is known from its documentation" in note for note in unseen.notes)
    assert str(ft.translate("np.convolve(x, k)", to="matlab")).splitlines()[1].startswith("% ")


@pytest.mark.parametrize(
    "call", ["F.conv2d(x, k, padding=1)", "nn.Conv2d(1, 1, 3)(x)", "kornia.filters.filter2d(x, k)"]
)
def test_batch_and_channels_are_no_axes_of_a_translation(call: str) -> None:
    with pytest.raises(ft.ParameterError, match=r"ndim=4: .* along 2 of the axes.*x\[0, 0\]"):
        ft.translate(call, to="scipy.ndimage", ndim=4)


def test_a_depth_of_floats_is_asked_of_ndimage() -> None:
    wide = ft.translate("cv2.Sobel(x, cv2.CV_64F, 1, 0)", to="scipy.ndimage")
    assert wide.code == "ndimage.sobel(x, axis=1, mode='mirror', output=float)"
    assert not wide.notes
    x = np.random.default_rng(0).integers(0, 256, (8, 9)).astype(np.uint8)
    assert np.array_equal(
        run_translated("scipy.ndimage", wide.code, x, None), ft.sobel(x.astype(float), 1, boundary="reflect")
    )


def test_notes_are_those_of_this_dtype_and_kernel() -> None:
    def notes(call: str, to: str, dtype: str | None = None) -> str:
        return " ".join(ft.translate(call, to=to, dtype=dtype).notes)

    assert "integers" in notes("np.convolve(x, k)", "matlab")
    assert "integers" not in notes("np.convolve(x, k)", "matlab", "float64")
    assert "int16 in, float64 out" in notes("np.convolve(x, k)", "matlab", "int16")
    blur = "cv2.GaussianBlur(x, (5, 5), 1)"
    assert "fixed point" in notes(blur, "scipy.ndimage", "uint8")
    assert "fixed point" not in notes(blur, "scipy.ndimage", "float32")
    assert "change places" in notes("np.convolve(x, k, 'same')", "scipy.signal")
    assert not notes("np.convolve(x, k, 'same')", "numpy")
    assert "one tap" not in notes("signal.fftconvolve(x, [1, 2])", "numpy")
    assert "for 2 axes" not in notes("ft.correlate(x, k, mode='same')", "astropy")


@pytest.mark.parametrize(
    ("call", "to", "said"),
    [
        ("cv2.filter2D(x, -1, k)", "skimage", "no convolution with a kernel of one's own"),
        ("cv2.filter2D(x, -1, k)", "numpy", "along 1 of the axes"),
        ("scipy.ndimage.correlate(x, k, mode='mirror')", "matlab", "padarray has no 'reflect'"),
        ("scipy.ndimage.correlate1d(x, k, axis=0)", "cv2", "along 2 of the axes"),
        ("np.convolve(x, [1, 2], 'same')", "astropy", "odd lengths"),
        ("np.convolve(x, k)", "excel", "known are numpy"),
        ("kornia.filters.filter2d(x, [[0, 0, 0]], normalized=True)", "cv2", "is 0 here, so that its result is NaN"),
        ("astropy.convolution.convolve(x, [-1, 0, 1])", "scipy.ndimage", "refuses one that sums to 0, below 0.01"),
    ],
)
def test_what_the_other_library_cannot_say_is_refused_in_words(call: str, to: str, said: str) -> None:
    with pytest.raises(ft.ParameterError, match=re.escape(said)):
        ft.translate(call, to=to)


@pytest.mark.parametrize(
    ("call", "to", "code"),
    [
        ("np.convolve(u, v, 'same')", "matlab", "imfilter(u, v, 0, 'conv')"),
        ("conv2(A, B, 'same')", "scipy.ndimage", "ndimage.convolve(A, B, mode='constant')"),
        ("imfilter(A, h, 'replicate')", "julia", 'imfilter(A, centered(h), "replicate")'),
        ("imfilter(A, h, 'symmetric', 'conv')", "scipy.ndimage", "ndimage.correlate(A, np.flip(h), mode='reflect')"),
        ("julia: imfilter(img, centered(k))", "torch", None),
        ("scipy.signal.convolve2d(x, k, 'same', 'symm')", "matlab", "imfilter(x, k, 'symmetric', 'conv')"),
    ],
)
def test_matlab_and_julia_are_written_in_their_words(call: str, to: str, code: str | None) -> None:
    found = ft.translate(call, to=to, of="matlab" if call.startswith("imfilter") else None).code
    assert found == code if code is not None else 'mode="replicate"' in found
