"""The oracle itself: against loops written from the formula, NumPy, SciPy and numbers known by heart."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

import faltung as ft
from faltung.reading import make_spec
from faltung.reference import reference
from faltung.spec import Array

Call = Callable[..., Array]
OF_NDIMAGE = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "zero"}


def _by_definition(x: Any, kernel: Any, *, flip: bool, **options: Any) -> Array:
    x, kernel = np.asarray(x), np.asarray(kernel)
    spec, weights = make_spec(x.shape, x.dtype, kernel, flip=flip, **options)
    return reference(spec, weights, x)


def convolve(x: Any, kernel: Any, **options: Any) -> Array:
    return _by_definition(x, kernel, flip=True, **options)


def correlate(x: Any, kernel: Any, **options: Any) -> Array:
    return _by_definition(x, kernel, flip=False, **options)


BOTH_CONVOLVE = pytest.mark.parametrize("call", [convolve, ft.convolve], ids=["reference", "public"])
BOTH_CORRELATE = pytest.mark.parametrize("call", [correlate, ft.correlate], ids=["reference", "public"])
FEW = settings(max_examples=25)
integers = st.integers(-9, 9)


def arrays(ndim: int, longest: int, *, complex_values: bool = False) -> st.SearchStrategy[Array]:
    @st.composite
    def draw_one(draw: Any) -> Array:
        shape = tuple(draw(st.integers(1, longest)) for _ in range(ndim))
        rng = np.random.default_rng(draw(st.integers(0, 999)))
        x = rng.standard_normal(shape)
        return x + 1j * rng.standard_normal(shape) if complex_values else x

    return draw_one()


@given(st.lists(integers, min_size=1, max_size=9), st.lists(integers, min_size=1, max_size=9))
def test_full_convolution_is_the_double_sum(x: list[int], kernel: list[int]) -> None:
    wanted = [0] * (len(x) + len(kernel) - 1)
    for i, a in enumerate(x):
        for j, b in enumerate(kernel):
            wanted[i + j] += a * b
    assert convolve(x, kernel).tolist() == wanted


@given(st.lists(integers, min_size=1, max_size=9), st.lists(integers, min_size=1, max_size=9))
def test_full_convolution_multiplies_polynomials(x: list[int], kernel: list[int]) -> None:
    product = convolve(x, kernel).tolist()
    for at in (0, 1, -2, 10):
        assert _value(product, at) == _value(x, at) * _value(kernel, at)


def _value(coefficients: list[int], at: int) -> int:
    return sum(c * at**i for i, c in enumerate(coefficients))


def test_two_axes_are_four_loops() -> None:
    rng = np.random.default_rng(1)
    x, kernel = rng.integers(-9, 9, (5, 7)).tolist(), rng.integers(-9, 9, (2, 3)).tolist()
    wanted = [[0] * 9 for _ in range(6)]
    for i, j, a, b in itertools.product(range(5), range(7), range(2), range(3)):
        wanted[i + a][j + b] += x[i][j] * kernel[a][b]
    assert convolve(x, kernel).tolist() == wanted


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@given(x=arrays(1, 12), kernel=arrays(1, 12))
def test_one_axis_equals_numpy(mode: Any, x: Array, kernel: Array) -> None:
    if len(kernel) > len(x):
        x, kernel = kernel, x
    np.testing.assert_allclose(convolve(x, kernel, mode=mode).astype(float), np.convolve(x, kernel, mode), atol=1e-13)
    np.testing.assert_allclose(
        correlate(x, kernel, mode=mode).astype(float), _np_correlate(x, kernel, mode), atol=1e-13
    )


def _np_correlate(x: Array, kernel: Array, mode: Any) -> Array:
    """np.correlate; its "same" is one sample off from convolving with the reversed kernel where the kernel is even."""
    return np.convolve(x, kernel[::-1].conj(), mode)


@given(x=arrays(1, 12, complex_values=True), kernel=arrays(1, 12, complex_values=True))
def test_correlation_conjugates_as_numpy_does(x: Array, kernel: Array) -> None:
    got = correlate(x, kernel).astype(complex)
    np.testing.assert_allclose(got, np.correlate(x, kernel, "full"), atol=1e-13)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("ndim", [1, 2, 3])
@FEW
@given(data=st.data())
def test_every_mode_equals_scipy_signal(mode: Any, ndim: int, data: st.DataObject) -> None:
    complex_values = data.draw(st.booleans())
    x = data.draw(arrays(ndim, 7, complex_values=complex_values))
    kernel = data.draw(arrays(ndim, 4, complex_values=complex_values))
    if mode == "valid":
        kernel = kernel[tuple(slice(n) for n in x.shape)]
    narrow = complex if complex_values else float
    for ours, theirs in ((convolve, signal.convolve), (correlate, signal.correlate)):
        wanted = theirs(x, kernel, mode, method="direct")
        np.testing.assert_allclose(ours(x, kernel, mode=mode).astype(narrow), wanted, atol=1e-13)


@pytest.mark.parametrize("mode", OF_NDIMAGE)
@FEW
@given(x=arrays(2, 8), kernel=arrays(2, 5), move=st.integers(-1, 0))
def test_boundaries_and_origin_equal_scipy_ndimage(mode: str, x: Array, kernel: Array, move: int) -> None:
    # ndimage allows origins up to half of the kernel
    origin = [move if n > 2 else 0 for n in kernel.shape]
    ours = correlate(x, kernel, mode="same", boundary=OF_NDIMAGE[mode], origin=origin).astype(float)
    np.testing.assert_allclose(ours, ndimage.correlate(x, kernel, mode=mode, origin=origin), atol=1e-13)
    # ndimage.convolve centres at k // 2, and its origin moves the kernel instead of the result
    moved = [-o - (n % 2 == 0) for o, n in zip(origin, kernel.shape, strict=True)]
    ours = convolve(x, kernel, mode="same", boundary=OF_NDIMAGE[mode], origin=moved).astype(float)
    np.testing.assert_allclose(ours, ndimage.convolve(x, kernel, mode=mode, origin=origin), atol=1e-13)


@pytest.mark.parametrize("name", ["edge", "symmetric", "reflect", "wrap"])
@FEW
@given(x=arrays(2, 5), kernel=arrays(2, 9))
def test_a_boundary_equals_padding_with_numpy_first(name: Any, x: Array, kernel: Array) -> None:
    widths = [(n - 1, n - 1) for n in kernel.shape]
    wanted = signal.convolve(np.pad(x, widths, mode=name), kernel, "valid", method="direct")
    np.testing.assert_allclose(convolve(x, kernel, boundary=name).astype(float), wanted, atol=1e-13)


@given(
    x=arrays(1, 20),
    kernel=arrays(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.integers(0, 6),
)
def test_padding_stride_and_dilation_follow_the_formula_of_torch(
    x: Array, kernel: Array, stride: int, dilation: int, padding: int
) -> None:
    length = (len(x) + 2 * padding - dilation * (len(kernel) - 1) - 1) // stride + 1
    if length < 1:
        return
    padded = [0.0] * padding + x.tolist() + [0.0] * padding
    wanted = [sum(k * padded[o * stride + j * dilation] for j, k in enumerate(kernel)) for o in range(length)]
    got = correlate(x, kernel, padding=padding, stride=stride, dilation=dilation)
    np.testing.assert_allclose(got.astype(float), wanted, atol=1e-13)


def test_ignore_leaves_a_constant_constant() -> None:
    y = convolve(np.full((4, 5), 3.0), [[1.0, 2, 1], [0, 1, 5]], boundary="ignore", mode="same")
    np.testing.assert_allclose(y.astype(float), 3.0 * 10, rtol=1e-15)


def test_ignore_gives_nan_where_no_weight_hits_data() -> None:
    y = convolve([1.0, 2.0], [1.0, 0.0, 0.0], boundary="ignore")
    assert np.isnan(y.astype(float)).tolist() == [False, False, True, True]


# numbers of the lecture


@BOTH_CONVOLVE
def test_a_top_hat_smoothed_with_a_hann_window(call: Call) -> None:
    top_hat = np.zeros(300)
    top_hat[100:200] = 1
    window = signal.windows.hann(50)
    assert call(top_hat, window).shape == (349,)
    smooth = call(top_hat, window / window.sum(), mode="same").astype(float)
    assert smooth[100] == pytest.approx(0.5)
    assert smooth.sum() == pytest.approx(100)
    assert smooth.max() == pytest.approx(1)


@BOTH_CONVOLVE
def test_ten_taps_with_padding_five_make_101_samples_half_a_sample_late(call: Call) -> None:
    ramp = np.arange(100.0)
    y = call(ramp, np.full(10, 0.1), padding=5).astype(float)
    assert y.shape == (101,)
    np.testing.assert_allclose(y[10:90], ramp[10:90] - 0.5)
    assert y[0] < y[5]
    assert y[-1] < y[-6]
    held = call(ramp, np.full(10, 0.1), padding=5, boundary="edge").astype(float)
    assert held[-1] > 96


X_5X5 = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
K_3X3 = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]


@BOTH_CORRELATE
def test_five_by_five_with_three_by_three(call: Call) -> None:
    assert call(X_5X5, K_3X3, mode="valid").tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


@BOTH_CONVOLVE
def test_true_convolution_gives_other_numbers(call: Call) -> None:
    assert call(X_5X5, K_3X3, mode="valid").tolist() == [[18, 20, 19], [10, 9, 17], [11, 8, 14]]


@BOTH_CORRELATE
def test_padding_one_and_stride_two(call: Call) -> None:
    assert call(X_5X5, K_3X3, padding=1)[0].tolist() == [6, 14, 17, 11, 3]
    assert call(X_5X5, K_3X3, padding=1, stride=2).tolist() == [[6, 17, 3], [8, 17, 13], [6, 4, 4]]


@BOTH_CONVOLVE
def test_dilation_sums_over_s_plus_l_t_equal_p(call: Call) -> None:
    f, k, dilation = [3, 1, 4, 1, 5, 9], [2, 7, 1], 2
    wanted = [0] * (len(f) + dilation * (len(k) - 1))
    for s, a in enumerate(f):
        for t, b in enumerate(k):
            wanted[s + dilation * t] += a * b
    assert call(f, k, dilation=dilation).tolist() == wanted
