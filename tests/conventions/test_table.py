"""The table knows usual import names, and says what it knows where it does not."""

import inspect

import pytest

import faltung as ft
from faltung.conventions.calls import Expression
from faltung.conventions.rows import _signature
from faltung.conventions.table import ROWS, meaning_of
from peer_calls import modules


@pytest.mark.parametrize(
    ("call", "function"),
    [
        ("np.convolve(x, k)", "numpy.convolve"),
        ("ndi.sobel(x)", "scipy.ndimage.sobel"),
        ("filters.sobel(x)", "skimage.filters.sobel"),
        ("F.conv2d(x, k)", "torch.nn.functional.conv2d"),
        ("nn.Conv1d(1, 1, 3)(x)", "torch.nn.Conv1d"),
        ("gaussian_filter(x, 2)", "scipy.ndimage.gaussian_filter"),
        ("imfilter(A, h, 'replicate')", "matlab.imfilter"),
        ("matlab: imfilter(A, h)", "matlab.imfilter"),
        ("Julia: imfilter(A, h)", "ImageFiltering.imfilter"),
        ("imfilter(A, h, Fill(0))", "ImageFiltering.imfilter"),
        ("ft.box(x, 3)", "faltung.box"),
    ],
)
def test_functions_are_found_by_the_names_that_people_import_them_by(call: str, function: str) -> None:
    assert meaning_of(call).function == function


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("convolve(x, k)", "stands for"),
        ("imfilter(A, h)", 'of="matlab" or of="julia"'),
        ("np.convolv(x, k)", "did you mean numpy.convolve"),
        ("ndimage.gauss(x)", "did you mean scipy.ndimage.gaussian_filter or"),
        ("np.foo(x)", "import ROWS"),
        ("np.convolve(x)", "v is missing"),
        ("np.convolve(x, k, 'same', 3)", "too many arguments"),
        ("np.convolve(x, k, mode='middle')", "known are 'full', 'same', 'valid'"),
        ("np.convolve(x, k, mode=m)", "write the value"),
        ("np.convolve(x, k, boundary='wrap')", "known are a, v, mode"),
        ("scipy.ndimage.convolve(x, k, mode='edge')", "'reflect'"),
        ("cv2.filter2D(x, -1, k, borderType=cv2.BORDER_MIRROR)", "BORDER_REFLECT"),
        ("cv2.GaussianBlur(x, (4, 4), 1)", "odd lengths"),
        ("scipy.ndimage.gaussian_filter(x, 2, order=1)", "not covered"),
        ("imfilter(A, h, 'reflect')", "'symmetric'"),
        ("imfilter(A, h, Fill(x))", "Fill(v)"),
        ("kornia.filters.spatial_gradient(x, order=2)", "1 is"),
        ("signal.fftconvolve(x, k, axes=0)", "not covered"),
        ("ft.laplacian(x, 2)", "not covered"),
    ],
)
def test_what_the_table_does_not_know_is_refused_with_what_it_knows(call: str, said: str) -> None:
    with pytest.raises(ft.ParameterError) as refusal:
        meaning_of(call)
    assert said in str(refusal.value)


def test_what_is_no_call_or_no_dtype_is_refused() -> None:
    with pytest.raises(ft.ParameterError, match="as text"):
        ft.translate(3, to="numpy")  # type: ignore[arg-type]
    with pytest.raises(ft.ParameterError, match="of='excel'"):
        ft.translate("f(x)", to="numpy", of="excel")
    with pytest.raises(ft.DtypeError, match="dtype"):
        ft.translate("np.convolve(x, k)", to="numpy", dtype="number")


PYTHON = [name for name, row in ROWS.items() if row.language == "python" and not name.startswith(("cv2.", "torch."))]
HOME = {"kornia": "kornia", "astropy": "astropy", "skimage": "skimage", "numpy": "numpy", "faltung": "faltung"}


@pytest.mark.parametrize("name", PYTHON)
def test_parameters_and_defaults_are_those_of_the_library(name: str) -> None:
    top = name.partition(".")[0]
    found = modules(HOME.get(top, "scipy.ndimage" if "ndimage" in name else "scipy.signal"))
    module, _, function = name.rpartition(".")
    del found
    signature = inspect.signature(getattr(__import__(module, fromlist=[function]), function))
    defaults, _ = _signature(ROWS[name].parameters)
    assert list(defaults) == list(signature.parameters)
    for parameter, value in defaults.items():
        theirs = signature.parameters[parameter].default
        if not isinstance(value, Expression) and not callable(theirs) and parameter != "complex_dtype":
            assert theirs == value or theirs is inspect.Parameter.empty, parameter
