"""Calls are taken apart as they are written, and never run."""

import pytest

import faltung as ft
from faltung.conventions.calls import Expression, read_matrices, read_python


def test_arguments_are_values_where_they_are_literals_and_text_where_they_are_not() -> None:
    call = read_python("scipy.ndimage.correlate(img[0], [[1, 2], [3, -4.5]], mode='mirror', origin=(0, -1))")
    assert call.name == "scipy.ndimage.correlate"
    assert call.positional == (Expression("img[0]"), [[1, 2], [3, -4.5]])
    assert call.named == {"mode": "mirror", "origin": (0, -1)}
    assert call.texts[0] == "img[0]"
    assert read_python("f(np.array([1, 2]), (3, cv2.X))").positional == ([1, 2], (3, Expression("cv2.X")))


def test_a_layer_is_a_call_of_a_call() -> None:
    call = read_python("nn.Conv2d(1, 1, 3, padding=1)(image)")
    assert call.name == "nn.Conv2d"
    assert call.texts["x"] == "image"


@pytest.mark.parametrize("text", ["", "x +", "x", "f(*a)", "f(**a)", "(lambda: 1)()", "f(x)[0]", "1(x)"])
def test_what_is_not_one_plain_call_is_refused(text: str) -> None:
    with pytest.raises(ft.ParameterError, match=r"call|expression|name|star"):
        read_python(text)


def test_nothing_is_run() -> None:
    with pytest.raises(ft.ParameterError):
        ft.translate("__import__('os').abort()", to="numpy")
    text = ft.translate("np.convolve(launch(), k)", to="scipy.signal").code
    assert text == "signal.convolve(launch(), k, 'full')"


def test_matrices_strings_and_transposes_of_matlab_are_read() -> None:
    call = read_matrices("imfilter(A', [1 2; 3 4], 'replicate', 2);")
    assert call.positional == (Expression("A'"), [[1, 2], [3, 4]], "replicate", 2)
    assert read_matrices("conv2(f(a, b), [1, -2.5])").positional == (Expression("f(a, b)"), [[1, -2.5]])


@pytest.mark.parametrize("text", ["conv2(A, B", "conv2", "conv2(A, 'same)", "conv2(A, B])"])
def test_unbalanced_text_of_matlab_is_refused(text: str) -> None:
    with pytest.raises(ft.ParameterError):
        read_matrices(text)
