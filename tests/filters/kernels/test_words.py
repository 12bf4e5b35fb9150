"""Kernels by word mean what their functions make."""

import numpy as np
import pytest

import faltung as ft
from faltung.filters import kernels
from faltung.filters.kernels import named, usage
from kernel_examples import EXAMPLES


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_names_make_what_their_function_makes(name):
    assert isinstance(named(EXAMPLES[name]), np.ndarray)
    assert EXAMPLES[name].split(":")[0].removesuffix("-x").removesuffix("-y") in usage(name)


def test_names_take_numbers_by_place_and_by_name():
    np.testing.assert_array_equal(named("hann:50"), kernels.hann(50))
    np.testing.assert_array_equal(named("Gaussian:2,truncate=3"), kernels.gaussian(2, truncate=3))
    np.testing.assert_array_equal(named("gaussian:sigma=2,size=7"), kernels.gaussian(2, size=7))
    np.testing.assert_array_equal(named("box:3x5"), kernels.box((3, 5)))
    np.testing.assert_array_equal(named("delta:5,at=1"), kernels.delta(5, at=1))
    np.testing.assert_array_equal(named("laplacian:diagonal=true"), kernels.laplacian(diagonal=True))
    np.testing.assert_array_equal(named("sobel-x"), kernels.sobel(axis=1))
    np.testing.assert_array_equal(named("sobel-y"), kernels.sobel(axis=0))
    np.testing.assert_array_equal(
        named("gaussian_derivative-y:2", ndim=2), kernels.gaussian_derivative(2, axis=0, ndim=2)
    )


def test_names_follow_the_number_of_axes():
    np.testing.assert_array_equal(named("hann:9", ndim=2), kernels.hann((9, 9)))
    np.testing.assert_array_equal(named("sobel-z", ndim=3), kernels.sobel(axis=0, ndim=3))
    np.testing.assert_array_equal(named("sobel", ndim=1), [-1, 0, 1])
    with pytest.raises(ft.ParameterError, match="2 axes, 1 are filtered"):
        named("gabor:8", ndim=1)
    with pytest.raises(ft.ShapeError):
        named("sobel-y", ndim=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hanning:5", "did you mean 'hann'"),
        ("", "unknown kernel"),
        ("hann", "lacks size: write hann:size"),
        ("hann:", "not a number"),
        ("hann:5,6", "has no place"),
        ("hann:5,size=6", "given twice"),
        ("hann:length=5", "no option; write hann:size"),
        ("hann:5x", "not a number"),
        ("hann-x:5", "no direction"),
        ("gaussian:nan", "finite"),
        ("gaussian:truncate=3,2", "has no place"),
        ("sobel-x:axis=0", "twice"),
        ("sobel:1", "has no place"),
        ("box:1e3", "integer"),
        (7, "kernel name is expected"),
    ],
)
def test_a_slip_in_a_name_is_answered_with_the_cure(text, message):
    with pytest.raises(ft.ParameterError, match=message):
        named(text)
