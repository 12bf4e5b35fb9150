import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.stride_tricks import sliding_window_view

import faltung as ft
from faltung.boundary import parse_boundary
from faltung.filters import extrema

BOUNDARIES = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap", "zero": "constant"}
"""Ours -> scipy.ndimage's."""

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
DTYPES += ["float16", "float32", "float64", "longdouble"]
both = pytest.mark.parametrize("extreme", [ft.max_filter, ft.min_filter])
rng = np.random.default_rng(3)


def by_definition(x, lengths, boundary, pick):
    """Pad as the boundary says, look into every window."""
    for axis, length in enumerate(lengths):
        reach = [(0, 0)] * x.ndim
        reach[axis] = (length // 2, length // 2)
        options = {"mode": boundary} if boundary != "zero" else {"mode": "constant"}
        windows = sliding_window_view(np.pad(x, reach, **options), length, axis=axis)
        x = pick(windows, axis=-1)
    return x


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=9))
    if dtype.kind == "f":
        return draw(hnp.arrays(np.float16, shape)).astype(dtype)
    return draw(hnp.arrays(dtype, shape))


@both
@settings(max_examples=200)
@given(x=arrays(), boundary=st.sampled_from(["symmetric", "reflect", "edge", "wrap", "zero"]), data=st.data())
def test_every_window_gives_its_extreme(extreme, x, boundary, data):
    lengths = data.draw(st.lists(st.sampled_from([1, 3, 5, 7, 9, 21]), min_size=x.ndim, max_size=x.ndim))
    y = extreme(x, lengths, boundary=boundary)
    assert y.dtype == x.dtype
    assert not np.may_share_memory(x, y)
    pick = np.max if extreme is ft.max_filter else np.min
    np.testing.assert_array_equal(y, by_definition(x, lengths, boundary, pick))


@pytest.mark.parametrize("boundary", sorted(BOUNDARIES))
@pytest.mark.parametrize("size", [3, 5, (1, 7, 3)])
def test_it_is_ndimages(boundary, size):
    x = rng.integers(0, 1000, (11, 12, 13))
    mode = BOUNDARIES[boundary]
    np.testing.assert_array_equal(
        ft.max_filter(x, size, boundary=boundary), scipy.ndimage.maximum_filter(x, size, mode=mode)
    )
    np.testing.assert_array_equal(
        ft.min_filter(x, size, boundary=boundary), scipy.ndimage.minimum_filter(x, size, mode=mode)
    )


def test_the_largest_is_opencvs_dilation_on_a_real_picture():
    cv2 = pytest.importorskip("cv2")
    picture = pytest.importorskip("skimage.data").camera()
    np.testing.assert_array_equal(
        ft.max_filter(picture, 15, boundary="ignore"), cv2.dilate(picture, np.ones((15, 15), np.uint8))
    )


@given(x=arrays(), size=st.sampled_from([1, 3, 5, 11]))
def test_the_smallest_is_minus_the_largest_of_minus_x(x, size):
    if x.dtype.kind == "f":
        np.testing.assert_array_equal(ft.min_filter(x, size), -ft.max_filter(-x, size))
    else:
        np.testing.assert_array_equal(ft.min_filter(x, size), ~ft.max_filter(~x, size))


@both
def test_two_windows_are_one_of_the_added_reach(extreme):
    x = rng.normal(size=(20, 21))
    np.testing.assert_array_equal(
        extreme(extreme(x, 5, boundary="ignore"), 7, boundary="ignore"), extreme(x, 11, boundary="ignore")
    )


@both
@pytest.mark.parametrize("size", [3, 5, 13])
def test_a_nan_reaches_exactly_the_windows_that_hold_it(extreme, size):
    x = rng.normal(size=(30, 31))
    x[15, 16] = np.nan
    y = extreme(x, size)
    expected = scipy.ndimage.binary_dilation(np.isnan(x), np.ones((size, size)))
    np.testing.assert_array_equal(np.isnan(y), expected)


@both
def test_blocks_do_not_show(extreme, monkeypatch):
    x = rng.integers(0, 255, (37, 41, 5)).astype(np.uint8)
    whole = extreme(x, (5, 3, 3))
    for size in (1, 200, 3000):
        monkeypatch.setattr(extrema, "BLOCK_BYTES", size)
        np.testing.assert_array_equal(extreme(x, (5, 3, 3)), whole)


@both
def test_strides_and_byte_order_do_not_matter(extreme):
    x = rng.normal(size=(12, 14))
    expected = extreme(x, 3)
    np.testing.assert_array_equal(extreme(np.asfortranarray(x), 3), expected)
    np.testing.assert_array_equal(extreme(x[::-1, ::-1], 3), expected[::-1, ::-1])
    np.testing.assert_array_equal(extreme(x.astype(">f8"), 3), expected)


def test_ignore_means_that_the_outside_never_wins():
    x = np.array([-5, -3, -9])
    np.testing.assert_array_equal(ft.max_filter(x, 3, boundary="ignore"), [-3, -3, -3])
    np.testing.assert_array_equal(ft.max_filter(x, 3, boundary="zero"), [0, -3, 0])
    np.testing.assert_array_equal(ft.max_filter(x, 3, boundary=("constant", -4)), [-3, -3, -3])
    np.testing.assert_array_equal(ft.max_filter(x, 3, boundary=(("constant", 7), "ignore")), [7, -3, -3])
    np.testing.assert_array_equal(ft.min_filter(x, 3, boundary="ignore"), [-5, -9, -9])


@both
def test_colour_is_filtered_channel_by_channel(extreme):
    picture = rng.integers(0, 255, (9, 8, 3)).astype(np.uint8)
    y = extreme(picture, 3, axes=(0, 1))
    for channel in range(3):
        np.testing.assert_array_equal(y[..., channel], extreme(picture[..., channel], 3))


@both
def test_a_window_longer_than_x_follows_the_boundary(extreme):
    x = np.array([3, 1, 2])
    pick = np.max if extreme is ft.max_filter else np.min
    np.testing.assert_array_equal(extreme(x, 99), np.full(3, pick(x)))


@both
def test_an_empty_batch_gives_an_empty_result_and_an_empty_axis_an_error(extreme):
    assert extreme(np.ones((0, 5)), 3, axes=1).shape == (0, 5)
    with pytest.raises(ft.ShapeError, match="empty"):
        extreme(np.ones((0, 5)), 3)


@both
@pytest.mark.parametrize("bad", [0, -1, 2, 2.0, "3", (3, 3, 3), None])
def test_a_bad_window_is_refused(extreme, bad):
    with pytest.raises(ft.ParameterError, match="size"):
        extreme(np.ones((4, 4)), bad)


@both
@pytest.mark.parametrize("bad", ["text", None, [[1, 2], [3]], np.array(["a"]), np.array([object()]), np.ones(3) * 1j])
def test_what_has_no_order_is_refused(extreme, bad):
    with pytest.raises(ft.DtypeError):
        extreme(bad, 3)


@both
@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *(("uint8", 256), ("uint8", 0.5), ("uint8", 1j), ("int8", np.nan), ("bool", 2), ("int64", 10**400)),
        *(("float16", 1e6), ("f4", 1j), ("f8", 10**400)),
    ],
)
def test_a_value_outside_that_the_dtype_cannot_hold_is_refused(extreme, dtype, value):
    with pytest.raises(ft.ParameterError, match="boundary value"):
        extreme(np.ones(4, dtype), 3, boundary=("constant", value))


@both
def test_axes_and_boundaries_are_checked(extreme):
    with pytest.raises(ft.ShapeError, match="axis 2"):
        extreme(np.ones((4, 4)), 3, axes=2)
    with pytest.raises(ft.BoundaryError, match='"reflect"'):
        extreme(np.ones(4), 3, boundary="mirror")


PICKS = {np.maximum: np.max, np.minimum: np.min}


@given(x=arrays(), boundary=st.sampled_from(["symmetric", "reflect", "edge", "wrap", "zero"]), data=st.data())
def test_a_line_may_reach_unequally_far_to_both_sides(x, boundary, data):
    position = data.draw(st.integers(0, x.ndim - 1))
    before, after = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 12))
    pick = data.draw(st.sampled_from(list(PICKS)))
    y = extrema.extreme_along(x, position, before, after, parse_boundary(boundary, 1)[0], pick)
    reach = [(before, after) if axis == position else (0, 0) for axis in range(x.ndim)]
    padded = np.pad(x, reach, mode="constant" if boundary == "zero" else boundary)
    np.testing.assert_array_equal(y, PICKS[pick](sliding_window_view(padded, before + 1 + after, position), axis=-1))


@settings(max_examples=200)
@given(x=arrays(), boundary=st.sampled_from(["symmetric", "reflect", "edge", "wrap", "zero"]), data=st.data())
def test_under_a_shape_lies_what_it_covers(x, boundary, data):
    positions = data.draw(st.permutations(range(x.ndim)))[: data.draw(st.integers(1, min(3, x.ndim)))]
    footprint = data.draw(hnp.arrays(bool, [data.draw(st.integers(1, 4)) for _ in positions]).filter(np.any))
    before = [data.draw(st.integers(0, k - 1)) for k in footprint.shape]
    pick = data.draw(st.sampled_from(list(PICKS)))
    rules = parse_boundary(boundary, len(positions))
    y = extrema.extreme_under(x, footprint, positions, before, rules, pick)
    assert y.dtype == x.dtype
    assert not np.may_share_memory(x, y)
    reach = [(0, 0)] * x.ndim
    for position, b, k in zip(positions, before, footprint.shape, strict=True):
        reach[position] = (b, k - 1 - b)
    padded = np.pad(x, reach, mode="constant" if boundary == "zero" else boundary)
    windows = sliding_window_view(padded, footprint.shape, axis=tuple(positions))
    np.testing.assert_array_equal(y, PICKS[pick](windows[..., footprint], axis=-1))


@pytest.mark.parametrize("pick", PICKS)
def test_a_full_footprint_is_a_box(pick):
    x = rng.integers(0, 255, (9, 10, 11)).astype(np.uint8)
    extreme = ft.max_filter if pick is np.maximum else ft.min_filter
    for boundary in ["symmetric", "ignore", ("constant", 7), ("edge", "wrap")]:
        rules = parse_boundary(boundary, 2)
        y = extrema.extreme_under(x, np.ones((3, 5), bool), (2, 0), (1, 2), rules, pick)
        np.testing.assert_array_equal(y, extreme(x, (3, 5), boundary=boundary, axes=(2, 0)))


def test_heights_are_added_before_the_comparison():
    x = np.array([2.0, 8.0, 0.0, 4.0])
    rules, shape = parse_boundary("zero", 1), np.array([True, False, True])
    y = extrema.extreme_under(x, shape, (0,), (1,), rules, np.maximum, np.array([1.0, 99.0, -1.0]))
    np.testing.assert_array_equal(y, [7, 3, 9, 1])


def test_a_value_outside_that_the_dtype_cannot_hold_is_refused_under_every_shape():
    x, rules = np.ones(4, np.uint8), parse_boundary(("constant", -1), 1)
    with pytest.raises(ft.ParameterError, match="boundary value"):
        extrema.extreme_along(x, 0, 1, 1, rules[0], np.maximum)
    with pytest.raises(ft.ParameterError, match="boundary value"):
        extrema.extreme_under(x, np.ones(3, bool), (0,), (1,), rules, np.maximum)
