import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

import faltung as ft

rng = np.random.default_rng(5)
DECK = [0.8724, -1.1383, 0.0582, 0.3185, 1.9933, -0.6547, -0.8365, -0.0783, 0.5539, -0.5272]


@st.composite
def poolings(draw, dilations=(1, 2, 3)):
    """An array and the options of a pooling that PyTorch would accept."""
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    num = len(shape)

    def per_axis(numbers):
        return draw(st.lists(numbers, min_size=num, max_size=num))

    size, stride = per_axis(st.integers(1, 4)), per_axis(st.integers(1, 4))
    dilation = per_axis(st.sampled_from(dilations))
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    padding = [draw(st.integers(0, r // 2)) for r in reach]
    assume(all(n + 2 * p >= r for n, p, r in zip(shape, padding, reach, strict=True)))
    x = np.array(draw(st.lists(st.integers(-50, 50), min_size=1, max_size=20)), float)
    options = {"size": size, "stride": stride, "padding": padding, "ceil_mode": draw(st.booleans())}
    return np.resize(x, shape), options | ({"dilation": dilation} if len(dilations) > 1 else {})


def windows(x, size, stride, padding, ceil_mode, dilation=None):
    """Window by window: its place in the result, its samples, and how many positions lie in x or its padding."""
    dilation = dilation or [1] * x.ndim
    lengths = []
    for n, k, s, p, d in zip(x.shape, size, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        length = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (length - 1) * s >= n + p:
            length -= 1
        lengths.append(length)
    for place in itertools.product(*map(range, lengths)):
        samples, num_positions = [], 0
        for tap in itertools.product(*map(range, size)):
            at = [o * s + j * d - p for o, s, j, d, p in zip(place, stride, tap, dilation, padding, strict=True)]
            num_positions += all(-p <= i < n + p for i, n, p in zip(at, x.shape, padding, strict=True))
            if all(0 <= i < n for i, n in zip(at, x.shape, strict=True)):
                samples.append(x[tuple(at)])
        yield lengths, place, np.array(samples), num_positions


def by_definition(x, pool, **options):
    out = None
    for lengths, place, samples, num_positions in windows(x, **options):
        out = np.empty(lengths) if out is None else out
        out[place] = pool(samples, num_positions)
    return out


@settings(max_examples=200)
@given(poolings())
def test_max_pool_is_the_largest_of_every_window(case):
    x, options = case
    assume(all(len(samples) for *_, samples, _ in windows(x, **options)))
    np.testing.assert_array_equal(
        ft.max_pool(x, **options), by_definition(x, lambda samples, _: samples.max(), **options)
    )


@settings(max_examples=200)
@given(poolings(dilations=(1,)))
def test_avg_pool_is_the_mean_of_every_window(case):
    x, options = case
    with_zeros = by_definition(x, lambda samples, num_positions: samples.sum() / num_positions, **options)
    np.testing.assert_allclose(ft.avg_pool(x, **options), with_zeros, atol=1e-12)
    without = by_definition(x, lambda samples, _: samples.mean(), **options)
    np.testing.assert_allclose(ft.avg_pool(x, **options, count_include_pad=False), without, atol=1e-12)


@settings(max_examples=100)
@given(case=poolings(dilations=(1,)), norm=st.sampled_from([0.5, 1, 2, 3, 4.5, 30, np.inf]))
def test_lp_pool_is_the_norm_of_every_window(case, norm):
    x, options = case
    options["padding"] = [0] * x.ndim
    assume(all(n >= k for n, k in zip(x.shape, options["size"], strict=True)))
    expected = by_definition(
        x, lambda s, _: np.abs(s).max() if norm == np.inf else (np.abs(s) ** norm).sum() ** (1 / norm), **options
    )
    del options["padding"]
    np.testing.assert_allclose(ft.lp_pool(x, norm, **options), expected, rtol=1e-12)


def test_the_decks_ten_numbers():
    np.testing.assert_array_equal(ft.max_pool(DECK, 3, stride=2), [0.8724, 1.9933, 1.9933, 0.5539])


def test_windows_stand_side_by_side_unless_said_otherwise():
    x = np.arange(24.0).reshape(4, 6)
    blocks = x.reshape(2, 2, 2, 3)
    np.testing.assert_array_equal(ft.max_pool(x, (2, 3)), blocks.max(axis=(1, 3)))
    np.testing.assert_allclose(ft.avg_pool(x, (2, 3)), blocks.mean(axis=(1, 3)))
    np.testing.assert_allclose(ft.lp_pool(x, 2, (2, 3)), np.sqrt((blocks**2).sum(axis=(1, 3))))


def test_only_the_axes_named_are_pooled():
    x = rng.normal(size=(2, 3, 8, 6))
    y = ft.max_pool(x, 2, axes=(-2, -1))
    assert y.shape == (2, 3, 4, 3)
    np.testing.assert_array_equal(y[1, 2], ft.max_pool(x[1, 2], 2))
    np.testing.assert_allclose(ft.avg_pool(x, 2, axes=(-2, -1))[1, 2], ft.avg_pool(x[1, 2], 2))
    np.testing.assert_array_equal(ft.max_pool(x, (4, 2), axes=(3, 2)), ft.max_pool(x, (2, 4), axes=(2, 3)))


def test_one_window_over_everything_is_a_plain_reduction():
    x = rng.normal(size=(300, 200))
    np.testing.assert_array_equal(ft.max_pool(x, x.shape), [[x.max()]])
    np.testing.assert_allclose(ft.avg_pool(x, x.shape), [[x.mean()]], atol=1e-14)
    np.testing.assert_allclose(ft.lp_pool(x, 3, x.shape), [[(np.abs(x) ** 3).sum() ** (1 / 3)]])


def test_the_largest_of_sliding_windows_is_the_max_filter():
    x = rng.integers(-99, 99, (20, 21))
    np.testing.assert_array_equal(ft.max_pool(x, 5, stride=1, padding=2), ft.max_filter(x, 5, boundary="ignore"))


def test_average_pooling_is_a_strided_box():
    x = rng.normal(size=(20, 21))
    expected = sliding_window_view(x, (4, 4))[::3, ::3].mean(axis=(-2, -1))
    np.testing.assert_allclose(ft.avg_pool(x, 4, stride=3), expected, atol=1e-14)


@given(norm=st.floats(0.5, 50), scale=st.sampled_from([1e-300, 1e-30, 1.0, 1e30, 1e300]))
def test_the_norm_scales_with_x_without_overflow(norm, scale):
    x = np.array([3.0, -4.0, 1.0, 2.0])
    np.testing.assert_allclose(ft.lp_pool(x * scale, norm, 2), ft.lp_pool(x, norm, 2) * scale, rtol=1e-10)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "uint64", "float16", "float32", "longdouble"])
def test_the_largest_keeps_its_dtype(dtype):
    x = rng.integers(0, 2, (6, 6)).astype(dtype)
    y = ft.max_pool(x, 3, stride=2, padding=1)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, ft.max_pool(x.astype(float), 3, stride=2, padding=1))


def test_padding_is_empty_for_the_largest_also_below_zero():
    np.testing.assert_array_equal(ft.max_pool(np.array([-3, -2], np.int8), 2, padding=1), [-3, -2])


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("uint8", "f4"), ("int16", "f4"), ("int32", "f8"), ("f2", "f2"), ("f4", "f4"), ("longdouble", "longdouble")],
)
def test_means_and_norms_are_floats_wide_enough(dtype, result):
    x = np.full((4, 4), 3, dtype)
    for y in (ft.avg_pool(x, 2), ft.lp_pool(x, np.inf, 2)):
        assert y.dtype == np.dtype(result)
        np.testing.assert_allclose(y, 3, rtol=1e-3)


def test_complex_numbers_have_means_and_norms_but_no_largest():
    x = np.array([3 + 4j, 0, 1j, 1])
    np.testing.assert_allclose(ft.avg_pool(x, 2), [1.5 + 2j, 0.5 + 0.5j])
    np.testing.assert_allclose(ft.lp_pool(x, 2, 2), [5, np.sqrt(2)])
    assert ft.lp_pool(x.astype(np.complex64), 2, 2).dtype == np.float32
    with pytest.raises(ft.DtypeError, match="no order"):
        ft.max_pool(x, 2)


@pytest.mark.parametrize("pool", [ft.max_pool, ft.avg_pool, lambda x, size, **o: ft.lp_pool(x, 2, size, **o)])
def test_a_nan_reaches_exactly_the_windows_that_hold_it(pool):
    x = np.ones((9, 9))
    x[4, 4] = np.nan
    expected = ft.max_pool(np.isnan(x), 3, stride=2)
    np.testing.assert_array_equal(np.isnan(pool(x, 3, stride=2)), expected)
    assert expected.sum() == 4
    assert ft.lp_pool([np.inf, 1.0], 2, 2) == np.inf


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"size": 2.0},
        {"size": "2"},
        {"size": (2, 2, 2)},
        {"size": 2, "stride": 0},
        {"size": 2, "stride": -1},
        {"size": 2, "padding": 2},
        {"size": 3, "padding": -1},
        {"size": 2, "dilation": 0},
    ],
    ids=str,
)
def test_numbers_outside_their_range_are_refused(options):
    with pytest.raises(ft.ParameterError, match=list(options)[-1]):
        ft.max_pool(np.ones((8, 8)), **options)


def test_a_window_that_does_not_fit_says_how_many_samples_it_needs():
    with pytest.raises(ft.ShapeError, match="needs at least 5"):
        ft.max_pool(np.ones(4), 3, dilation=2)
    with pytest.raises(ft.ShapeError, match="needs at least 3"):
        ft.avg_pool(np.ones(2), 5, padding=1)
    with pytest.raises(ft.ShapeError, match="needs at least 1"):
        ft.max_pool(np.ones(0), 1)
    with pytest.raises(ft.ShapeError, match="steps over"):
        ft.max_pool(np.ones(1), 2, dilation=3, padding=2)


@pytest.mark.parametrize("norm", [0, -1, np.nan, "two", None, -np.inf])
def test_a_bad_norm_is_refused(norm):
    with pytest.raises(ft.ParameterError, match="norm"):
        ft.lp_pool(np.ones(4), norm, 2)


@pytest.mark.parametrize("pool", [ft.max_pool, ft.avg_pool])
@pytest.mark.parametrize("bad", ["text", None, [[1, 2], [3]], np.array(["a"]), np.array([object()])], ids=repr)
def test_what_is_not_numbers_is_refused(pool, bad):
    with pytest.raises(ft.DtypeError):
        pool(bad, 2)
