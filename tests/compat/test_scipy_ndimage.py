import inspect
import itertools
import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import faltung as ft
from faltung.compat import scipy_ndimage as ours

MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
REAL = ["bool", *INTEGERS, "float32", "float64"]
DTYPES = [*REAL, "complex64", "complex128"]
rng = np.random.default_rng(7)


def values(seed, shape, dtype, largest=50):
    """Numbers that no dtype rounds; a few of them only, so that sums meet ties."""
    local, dtype = np.random.default_rng(seed), np.dtype(dtype)
    whole = local.integers(0 if dtype.kind in "bu" else -largest, largest, shape)
    if dtype.kind == "b":
        return whole % 2 == 1
    if dtype.kind == "c":
        return (whole + 1j * local.integers(-largest, largest, shape)).astype(dtype)
    return (whole + local.integers(0, 4, shape) / 4 * (dtype.kind == "f")).astype(dtype)


def agree(y, expected, size=1.0):
    """Same dtype; integers equal, floats to rounding of sums as large as `size`."""
    assert y.dtype == expected.dtype
    assert y.shape == expected.shape
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(y, expected.astype(bool) if expected.dtype.kind == "b" else expected)
    else:
        eps = np.finfo(expected.dtype).eps
        np.testing.assert_allclose(y, expected, rtol=8 * eps, atol=64 * np.finfo(float).eps * size)


seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=1, max_dims=4, max_side=6)
weights_dtypes = st.sampled_from(["int64", "uint8", "float64", "float32"])


@st.composite
def inputs(draw, dtypes=REAL):
    return values(draw(seeds), draw(shapes), draw(st.sampled_from(dtypes)))


@st.composite
def axes_of(draw, ndim):
    """Some axes in rising order, counted from either end, or None for all; and how many."""
    chosen = sorted(draw(st.permutations(range(ndim)))[: draw(st.integers(1, ndim))])
    if len(chosen) == ndim and draw(st.booleans()):
        return None, ndim
    return tuple(axis - ndim * draw(st.integers(0, 1)) for axis in chosen), len(chosen)


def origins_of(draw, lengths, most=None):
    return [draw(st.integers(-(k // 2), (k - 1) // 2)) for k in lengths]


def outputs_of(draw, dtype):
    """None, a dtype, its name, or an array, such that the cast is defined in C for small whole numbers."""
    kind = np.dtype(dtype).kind
    names = ["complex64", "complex128"] if kind == "c" else ["int32", "int64", "float32", "float64"]
    name = draw(st.sampled_from(names))
    return draw(st.sampled_from([None, name, np.dtype(name), getattr(np, name)]))


@st.composite
def per_axis_or_one(draw, num, strategy):
    return draw(strategy) if draw(st.booleans()) else [draw(strategy) for _ in range(num)]


@pytest.mark.parametrize("name", ours.__all__)
def test_signatures_are_theirs(name):
    of_ours, of_theirs = (inspect.signature(getattr(module, name)).parameters for module in (ours, theirs))
    assert [(p.name, p.kind, p.default) for p in of_ours.values()] == [
        (p.name, p.kind, p.default) for p in of_theirs.values()
    ]


@settings(max_examples=400)
@given(data=st.data(), x=inputs(DTYPES), name=st.sampled_from(["convolve", "correlate"]))
def test_kernels_of_any_shape(data, x, name):
    axes, num = data.draw(axes_of(x.ndim))
    # 9 taps could reach four lengths before an axis: see the next test
    lengths = [data.draw(st.integers(1, (8, 5, 4, 3)[num - 1])) for _ in range(num)]
    weights = values(data.draw(seeds), lengths, data.draw(st.sampled_from(["int64", "uint8", "bool", "float64"])), 5)
    origin = origins_of(data.draw, lengths)
    if name == "convolve":
        origin = [-o - (1 - k % 2) for o, k in zip(origin, lengths, strict=True)]
    # whole weights where the result is: the cast of a fraction is tested on its own
    if x.dtype.kind in "biu":
        weights = np.trunc(weights).astype(weights.dtype)
    options = {
        "mode": data.draw(st.sampled_from(MODES)),
        "cval": data.draw(st.sampled_from([0.0, 3, -2.0])),
        "origin": origin,
        "axes": axes,
        "output": outputs_of(data.draw, x.dtype) if x.dtype.kind == "c" else None,
    }
    agree(getattr(ours, name)(x, weights, **options), getattr(theirs, name)(x, weights, **options), 50 * 5 * 256)


@pytest.mark.parametrize(("mode", "pad"), [("reflect", "symmetric"), ("mirror", "reflect"), ("wrap", "wrap")])
def test_kernels_may_reach_many_lengths_beyond_the_input(mode, pad):
    # in mode reflect the N-D kernels of SciPy 1.17 read other memory, four lengths before an axis and further
    x, weights = rng.integers(-9, 9, (2, 3)), rng.integers(-9, 9, (19, 25))
    padded = np.pad(x, [(9, 9), (12, 12)], mode=pad)
    for y, kernel in [
        (ours.correlate(x, weights, mode=mode), weights),
        (ours.convolve(x, weights, mode=mode), weights[::-1, ::-1]),
    ]:
        windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape)
        np.testing.assert_array_equal(y, (windows * kernel).sum((-1, -2)))


@settings(max_examples=300)
@given(data=st.data(), x=inputs(DTYPES), name=st.sampled_from(["convolve1d", "correlate1d"]))
def test_kernels_along_one_axis(data, x, name):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    length = data.draw(st.integers(1, 20))
    weights = values(data.draw(seeds), length, data.draw(st.sampled_from(["int64", "float64", "complex128"])), 5)
    if x.dtype.kind in "biu" and weights.dtype.kind == "f":
        weights = np.trunc(weights)
    (origin,) = origins_of(data.draw, [length])
    origin = -origin - (1 - length % 2) if name == "convolve1d" else origin
    cval = data.draw(st.sampled_from([0.0, 3, 2 - 1j if x.dtype.kind == "c" else -2.0]))
    arguments = (x, weights, axis, None, data.draw(st.sampled_from(MODES)), cval, origin)
    agree(getattr(ours, name)(*arguments), getattr(theirs, name)(*arguments), 50 * 5 * 40)


@settings(max_examples=200)
@given(data=st.data(), x=inputs(["float32", "float64", "complex64", "complex128"]))
def test_gaussians(data, x):
    axes, num = data.draw(axes_of(x.ndim))
    options = {
        "sigma": data.draw(per_axis_or_one(num, st.sampled_from([0, 0.4, 1, 2.5]))),
        "order": data.draw(per_axis_or_one(num, st.integers(0, 4))),
        "mode": data.draw(per_axis_or_one(num, st.sampled_from(MODES))),
        "cval": data.draw(st.sampled_from([0.0, 3.5])),
        "radius": data.draw(per_axis_or_one(num, st.sampled_from([None, 0, 1, 7]))),
        "truncate": data.draw(st.sampled_from([4.0, 2])),
        "output": outputs_of(data.draw, x.dtype) if x.dtype.kind == "c" else data.draw(st.sampled_from([None, "f4"])),
        "axes": axes,
    }
    # a fourth derivative at sigma 0.4 has weights up to 3 / 0.4**4
    agree(ours.gaussian_filter(x, **options), theirs.gaussian_filter(x, **options), 50 * 120.0**num)


@settings(max_examples=200)
@given(data=st.data(), x=inputs(DTYPES))
def test_means(data, x):
    axes, num = data.draw(axes_of(x.ndim))
    size = [data.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 17])) for _ in range(num)]
    options = {
        "size": size,
        "mode": data.draw(per_axis_or_one(num, st.sampled_from(MODES))),
        "cval": data.draw(st.sampled_from([0.0, 3, -2])),
        "origin": origins_of(data.draw, [max(k, 1) for k in size]),
        "output": None if x.dtype.kind == "b" else outputs_of(data.draw, x.dtype),
        "axes": axes,
    }
    # scipy.ndimage adds and takes away again: its last digits are those of the largest sum on the way
    agree(ours.uniform_filter(x, **options), theirs.uniform_filter(x, **options), 50 * 17 * 6)


@settings(max_examples=200)
@given(data=st.data(), x=inputs(DTYPES), name=st.sampled_from(["sobel", "prewitt"]))
def test_differences(data, x, name):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    mode = data.draw(per_axis_or_one(x.ndim, st.sampled_from(MODES)))
    options = {"axis": axis, "mode": mode, "cval": data.draw(st.sampled_from([0.0, 3]))}
    # theirs loses digits of a negative difference that wraps, as in every number above 2**53
    signed = x.astype(np.int64) if x.dtype == np.uint64 else x
    agree(getattr(ours, name)(x, **options), getattr(theirs, name)(signed, **options).astype(x.dtype), 50 * 2 * 64)


@settings(max_examples=100)
@given(data=st.data(), x=inputs(DTYPES))
def test_sums_of_second_differences(data, x):
    axes, num = data.draw(axes_of(x.ndim))
    mode, cval = data.draw(per_axis_or_one(num, st.sampled_from(MODES))), data.draw(st.sampled_from([0.0, 3]))
    agree(ours.laplace(x, None, mode, cval, axes=axes), theirs.laplace(x, None, mode, cval, axes=axes), 50 * 16)


@settings(max_examples=100)
@given(
    data=st.data(),
    x=inputs(["float32", "float64"]),
    name=st.sampled_from(["gaussian_laplace", "gaussian_gradient_magnitude"]),
)
def test_derivatives_of_gaussians_over_all_axes(data, x, name):
    axes, num = data.draw(axes_of(x.ndim))
    sigma = data.draw(st.sampled_from([0.5, 1.0, 2.0]))
    if name == "gaussian_laplace":
        sigma = data.draw(per_axis_or_one(num, st.just(sigma)))
    options = {"mode": data.draw(per_axis_or_one(num, st.sampled_from(MODES))), "cval": 2.0, "axes": axes}
    options |= data.draw(st.sampled_from([{}, {"truncate": 2.0}, {"radius": 2}]))
    y, expected = getattr(ours, name)(x, sigma, **options), getattr(theirs, name)(x, sigma, **options)
    assert y.dtype == expected.dtype
    # the root of a square that is 0 but for rounding
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-4 if x.dtype == np.float32 else 1e-10)


def test_generic_filters_call_with_an_array_then_with_dtypes():
    x = rng.normal(size=(5, 6, 7))

    def derivative(x, axis, output, mode, cval, scale, *, power=1):
        seen.append((axis, isinstance(output, np.ndarray), mode, cval))
        return module.correlate1d(x, [-(scale**power), 0, scale], axis, output, mode, cval, 0)

    modes, found = ["wrap", "mirror", "nearest"], []
    for module, name in itertools.product((ours, theirs), ("generic_laplace", "generic_gradient_magnitude")):
        seen = []
        y = getattr(module, name)(x, derivative, None, modes, 1.5, (2.0,), {"power": 2})
        found.append((y, seen))
    np.testing.assert_allclose(found[0][0], found[2][0], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(found[1][0], found[3][0], rtol=1e-13, atol=1e-13)
    assert found[0][1] == found[1][1] == found[2][1] == found[3][1]


@settings(max_examples=200)
@given(data=st.data(), x=inputs(), largest=st.booleans())
def test_extremes_in_boxes(data, x, largest):
    name = "maximum_filter" if largest else "minimum_filter"
    axes, num = data.draw(axes_of(x.ndim))
    size = [data.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 17])) for _ in range(num)]
    cval = data.draw(st.sampled_from([0.0, 3, -2, 0.5, 1000, np.inf if not largest else -np.inf]))
    if x.dtype.kind == "b":
        cval = data.draw(st.sampled_from([0, 1]))
    options = {
        "size": size,
        "mode": data.draw(per_axis_or_one(num, st.sampled_from(MODES))),
        "cval": cval,
        "origin": origins_of(data.draw, [max(k, 1) for k in size]),
        "output": None if x.dtype.kind == "b" else outputs_of(data.draw, x.dtype),
        "axes": axes,
    }
    if np.isinf(cval) and (x.dtype.kind != "f" or options["output"] is not None):
        options["cval"] = 7.0
    agree(getattr(ours, name)(x, **options), getattr(theirs, name)(x, **options))


@settings(max_examples=200)
@given(data=st.data(), x=inputs(), name=st.sampled_from(["minimum_filter", "maximum_filter"]))
def test_extremes_under_footprints(data, x, name):
    axes, num = data.draw(axes_of(x.ndim))
    lengths = [data.draw(st.integers(1, 5)) for _ in range(num)]
    footprint = data.draw(hnp.arrays(bool, lengths).filter(np.any))
    options = {
        "footprint": footprint,
        "mode": data.draw(st.sampled_from(MODES)),
        "cval": data.draw(st.sampled_from([0, 1] if x.dtype.kind in "bu" else [0.0, 3, -2])),
        "origin": origins_of(data.draw, lengths),
        "axes": axes,
    }
    agree(getattr(ours, name)(x, **options), getattr(theirs, name)(x, **options))


@settings(max_examples=300)
@given(data=st.data(), x=inputs([*INTEGERS, "float32", "float64"]), name=st.sampled_from(["erosion", "dilation"]))
def test_grey_morphology(data, x, name):
    axes, num = data.draw(axes_of(x.ndim))
    lengths = [data.draw(st.integers(1, 4)) for _ in range(num)]
    window = data.draw(st.sampled_from(["size", "footprint", "structure", "both"]))
    options = {
        "mode": data.draw(st.sampled_from(MODES)),
        "cval": data.draw(st.sampled_from([0.0, 3])),
        "origin": [
            0 if name == "dilation" and k % 2 == 0 else o
            for o, k in zip(origins_of(data.draw, lengths), lengths, strict=True)
        ],
        "axes": axes,
    }
    if window == "size":
        options["size"] = lengths
    if window in ("footprint", "both"):
        options["footprint"] = data.draw(hnp.arrays(bool, lengths).filter(np.any))
    if window in ("structure", "both"):
        # theirs cuts heights off to the input's dtype
        of_structure = "float64" if x.dtype.kind == "f" else "uint8" if x.dtype.kind == "u" else "int8"
        options["structure"] = values(data.draw(seeds), lengths, of_structure, 5)
        if x.dtype.kind == "u":
            x, options["cval"] = x + x.dtype.type(10), 10
    agree(getattr(ours, f"grey_{name}")(x, **options), getattr(theirs, f"grey_{name}")(x, **options))


@pytest.mark.parametrize("name", ["minimum_filter1d", "maximum_filter1d", "uniform_filter1d"])
@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("mode", MODES)
def test_windows_along_one_axis(name, dtype, mode):
    x = values(3, (5, 6, 4), dtype)
    for size, axis in itertools.product([1, 2, 3, 8, 13], [0, 1, -1]):
        for origin in {-(size // 2), 0, (size - 1) // 2}:
            arguments = (x, size, axis, None, mode, 1, origin)
            agree(getattr(ours, name)(*arguments), getattr(theirs, name)(*arguments), 13 * 60)


# what integers become


@pytest.mark.parametrize("dtype", INTEGERS)
def test_sums_wrap(dtype):
    x = rng.integers(100, 128, (7, 8)).astype(dtype)
    weights = np.array([[300, -7, 1], [0, 2, 90], [5, 5, -1000]])
    agree(ours.correlate(x, weights), theirs.correlate(x, weights))
    if np.dtype(dtype).itemsize > 2:
        return
    for out in ["int8", "uint8", "int16", "uint16", "uint32"]:
        agree(ours.convolve(x, weights, out), theirs.convolve(x, weights, out))
        agree(ours.sobel(x, 0, out), theirs.sobel(x, 0, out))


def test_32_and_64_bits_wrap_too_where_theirs_end_at_the_least_number():
    x = np.array([2**31 - 1], np.int32)
    assert ours.correlate1d(x, [2], mode="constant")[0] == -2
    assert theirs.correlate1d(x, [2], mode="constant")[0] == -(2**31)
    y = ours.correlate1d([2.0**63 + 2048.0, -(2.0**64) - 4096.0], [1.0], output=np.int64)
    assert y.tolist() == [2048 - 2**63, -4096]


@given(seed=seeds, sigma=st.sampled_from([0.5, 0.8, 1.3, 2.2]), dtype=st.sampled_from(["uint8", "int16", "int32"]))
def test_fractions_are_cut_off_after_every_pass(seed, sigma, dtype):
    x = values(seed, (9, 10), dtype, 120)
    y, expected = ours.gaussian_filter(x, sigma), theirs.gaussian_filter(x, sigma)
    # theirs may lose a whole number to rounding, in the second pass also of one that was lost in the first
    assert np.abs(y.astype(int) - expected).max() <= 2
    line, theirs_line = ours.gaussian_filter1d(x, sigma, 0), theirs.gaussian_filter1d(x, sigma, 0)
    exact = theirs.gaussian_filter1d(x.astype(float), sigma, 0)
    certain = np.abs(exact - np.rint(exact)) > 1e-9
    np.testing.assert_array_equal(line[certain], theirs_line[certain])
    np.testing.assert_array_equal(line[~certain], np.rint(exact[~certain]))


@settings(max_examples=200)
@given(data=st.data(), x=inputs(), output=st.sampled_from(["int8", "uint8", "int16", "uint32", "int64", bool]))
def test_sums_of_fractions_are_cut_off_towards_zero(data, x, output):
    lengths = [data.draw(st.integers(1, 3)) for _ in range(x.ndim)]
    weights = np.random.default_rng(data.draw(seeds)).normal(size=lengths)
    options = {"mode": data.draw(st.sampled_from(MODES)), "cval": data.draw(st.sampled_from([0.0, 2.5, 70]))}
    # random weights reach no whole number but 0; in a bool theirs counts modulo 256
    y, expected = ours.correlate(x, weights, output, **options), theirs.correlate(x, weights, float, **options)
    agree(y, np.abs(expected) >= 1 if output is bool else theirs.correlate(x, weights, output, **options))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "bool"])
def test_a_flat_region_stays_flat_under_a_gaussian(dtype):
    for level, sigma in itertools.product([1, 7, 100, 127], np.arange(0.3, 4, 0.3)):
        x = np.full((6, 7), level).astype(dtype)
        np.testing.assert_array_equal(ours.gaussian_filter(x, sigma), x)


@given(
    data=hnp.arrays(np.int64, st.integers(1, 9), elements=st.integers(-(2**63), 2**63 - 1)),
    size=st.integers(1, 12),
    mode=st.sampled_from(["nearest", "wrap", "reflect", "mirror"]),
)
def test_means_of_64_bits_are_exact(data, size, mode):
    x = data
    padded = np.pad(
        x,
        (size // 2, size - 1 - size // 2),
        mode={"nearest": "edge", "wrap": "wrap", "reflect": "symmetric"}.get(mode, "reflect"),
    )
    whole = [int(Fraction(sum(int(v) for v in padded[i : i + size]), size)) for i in range(len(x))]
    np.testing.assert_array_equal(ours.uniform_filter1d(x, size, mode=mode), whole)
    unsigned = x.view(np.uint64)
    padded = padded.view(np.uint64)
    whole = np.array([sum(int(v) for v in padded[i : i + size]) // size for i in range(len(x))], np.uint64)
    np.testing.assert_array_equal(ours.uniform_filter1d(unsigned, size, mode=mode), whole)


def test_digits_above_2_to_the_53_are_kept():
    x = np.array([2**62 + 1, 2**62 + 3, 5])
    assert ours.convolve(x, [1])[0] == 2**62 + 1 != theirs.convolve(x, [1])[0]
    assert ours.maximum_filter(x, 3)[0] == 2**62 + 3 != theirs.maximum_filter(x, 3)[0]
    assert ours.maximum_filter(x, 3, mode="constant", cval=0.5)[0] == 2**62 + 3
    assert ours.grey_dilation(x, structure=[0, 1, 0])[1] == 2**62 + 4


def test_what_stands_outside_is_compared_as_it_is():
    x = np.array([35, 13, 24], np.int8)
    for window in ({"size": 3}, {"footprint": [1, 0, 1]}):
        inside = ours.minimum_filter(x, mode="constant", cval=np.inf, **window)
        assert inside.tolist() == ([13, 13, 13] if "size" in window else [13, 24, 13])
        y = ours.maximum_filter(x, mode="constant", cval=50.5, output=float, **window)
        assert y.tolist() == [50.5, 35, 50.5]
    assert ours.grey_erosion(x, structure=[0, 1.25], output=float).tolist() == [33.75, 11.75, 13.0]
    assert ours.grey_dilation(x, structure=[0, 300.5], output=float)[0] == 335.5


def test_bool_is_what_the_whole_sum_says():
    x = np.ones(300, bool)
    y = ours.correlate(x, np.ones(256), mode="wrap")
    assert y.dtype == bool
    assert y.all()
    assert set(y.view(np.uint8)) == {1}
    assert not theirs.correlate(x, np.ones(256), mode="wrap").any()
    picture = rng.random((9, 9)) < 0.5
    np.testing.assert_array_equal(ours.sobel(picture), theirs.sobel(picture).view(np.uint8) != 0)
    np.testing.assert_array_equal(ours.sobel(picture.astype(float), output=bool), ours.sobel(picture))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_nan_and_infinity_do_not_go_into_integers(dtype):
    for bad in (np.nan, np.inf, -np.inf):
        for call in (ours.gaussian_filter, ours.uniform_filter, ours.minimum_filter, ours.correlate):
            with pytest.raises(ft.IntegerOverflow, match="float output"):
                call([bad, bad, 3.0], [2] if call is ours.correlate else 2, output=np.dtype(dtype))


# NaN, small weights


def test_nan_stays_in_its_windows():
    x = np.ones(50)
    x[20] = np.nan
    assert np.isnan(ours.uniform_filter(x, 5)).sum() == 5 < np.isnan(theirs.uniform_filter(x, 5)).sum()
    for extreme in (ours.maximum_filter, ours.minimum_filter):
        assert np.isnan(extreme(x, 5)).sum() == 5


@settings(max_examples=200)
@given(data=st.data())
def test_what_is_not_finite_counts_as_there_under_weights_of_0(data):
    x = data.draw(hnp.arrays(np.float64, (4, 5), elements=st.sampled_from([1.0, 2.0, np.nan, np.inf, -np.inf, 0.0])))
    weights = data.draw(hnp.arrays(np.float64, (3, 2), elements=st.sampled_from([0.0, 1.0, -2.0])))
    options = {"mode": data.draw(st.sampled_from(MODES)), "cval": data.draw(st.sampled_from([0.0, np.nan, np.inf]))}
    for name in ("convolve", "correlate"):
        y, expected = getattr(ours, name)(x, weights, **options), getattr(theirs, name)(x, weights, **options)
        np.testing.assert_array_equal(y, expected)
        whole = np.nan_to_num(x, posinf=3, neginf=4).astype(np.int16)
        y = getattr(ours, name)(whole, weights, "f8", **options)
        np.testing.assert_array_equal(y, getattr(theirs, name)(whole, weights, "f8", **options))
    line = data.draw(hnp.arrays(np.float64, 3, elements=st.sampled_from([0.0, 1.0, -2.0, 3.0])))
    np.testing.assert_array_equal(ours.correlate1d(x, line, **options), theirs.correlate1d(x, line, **options))


def test_small_weights_count():
    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(ours.correlate(x, [1e-20]), x * 1e-20)
    np.testing.assert_allclose(
        ours.correlate1d(x, [1e-20, 0, 3e-20], mode="wrap"), [1e-19 - 2e-20 + 2e-20, 1.3e-19, 5e-20], rtol=1e-12
    )
    assert (theirs.correlate(x, [1e-20]) == 0).all()


# arrays that come and go

CALLS = {
    "convolve": (np.arange(6.0).reshape(2, 3),),
    "correlate": (np.arange(6.0).reshape(2, 3),),
    "convolve1d": ([1, 2, 4],),
    "correlate1d": ([1, 2, 4],),
    "gaussian_filter": (1.0,),
    "gaussian_filter1d": (1.0,),
    "uniform_filter": (4,),
    "uniform_filter1d": (4,),
    "sobel": (),
    "prewitt": (),
    "laplace": (),
    "gaussian_laplace": (1.0,),
    "gaussian_gradient_magnitude": (1.0,),
    "minimum_filter": (4,),
    "maximum_filter": (4,),
    "minimum_filter1d": (4,),
    "maximum_filter1d": (4,),
    "grey_dilation": (4,),
    "grey_erosion": (4,),
}
each = pytest.mark.parametrize(("name", "arguments"), CALLS.items(), ids=CALLS)


@each
def test_output_takes_arrays_of_any_layout_and_returns_them(name, arguments):
    x = rng.normal(size=(6, 7))
    expected = getattr(ours, name)(x, *arguments)
    agree(expected, getattr(theirs, name)(x, *arguments), 50)
    for layout in (np.zeros((6, 7)), np.zeros((7, 6)).T, np.zeros((12, 14))[::-2, ::2], np.zeros((6, 7), ">f8")):
        assert getattr(ours, name)(x, *arguments, output=layout) is layout
        np.testing.assert_array_equal(layout, expected)
    narrow = np.zeros((6, 7), np.float32)
    assert getattr(ours, name)(x, *arguments, output=narrow) is narrow
    np.testing.assert_allclose(narrow, expected, rtol=1e-5, atol=1e-5)


@each
def test_output_may_be_the_input(name, arguments):
    x = rng.normal(size=(6, 7))
    expected = getattr(ours, name)(x.copy(), *arguments)
    y = x.copy()
    assert getattr(ours, name)(y, *arguments, output=y) is y
    np.testing.assert_array_equal(y, expected)
    y = x.copy()
    getattr(ours, name)(y, *arguments, output=y[::-1])
    np.testing.assert_array_equal(y[::-1], expected)


@each
def test_the_input_is_left_as_it_is_and_the_result_is_new(name, arguments):
    x = rng.normal(size=(6, 7))
    kept = x.copy()
    x.flags.writeable = False
    y = getattr(ours, name)(x, *arguments)
    np.testing.assert_array_equal(x, kept)
    assert not np.may_share_memory(x, y)
    assert y.flags.writeable


@pytest.mark.parametrize("name", ["uniform_filter", "maximum_filter", "gaussian_filter"])
def test_a_filter_that_does_nothing_gives_a_copy(name):
    x = rng.normal(size=(6, 7))
    y = getattr(ours, name)(x, 0)
    np.testing.assert_array_equal(y, x)
    assert not np.may_share_memory(x, y)
    np.testing.assert_array_equal(getattr(ours, name)(x, 3, axes=()), x)


@each
def test_an_empty_input_gives_an_empty_result(name, arguments):
    for shape in [(0, 4), (4, 0)]:
        y = getattr(ours, name)(np.zeros(shape, np.float32), *arguments)
        assert y.shape == shape
        assert y.dtype == np.float32


@each
def test_lists_and_foreign_byte_order_are_read(name, arguments):
    x = rng.integers(-9, 9, (6, 7))
    expected = getattr(ours, name)(x, *arguments)
    np.testing.assert_array_equal(getattr(ours, name)(x.tolist(), *arguments), expected)
    for foreign in (x.astype(">i8"), np.asfortranarray(x), np.repeat(x, 2, 0)[::2]):
        y = getattr(ours, name)(foreign, *arguments)
        np.testing.assert_array_equal(y, expected)
        assert y.dtype == np.int64


def test_single_numbers_and_no_axes():
    for module in (ours, theirs):
        assert module.correlate(3, 2.0) == 6
        assert module.convolve(np.float32(3), 2.5) == 7.5
        assert module.gaussian_filter(3.0, 1) == 3
        assert module.laplace(3.0) == 3
        np.testing.assert_array_equal(module.correlate(np.ones((2, 3)), 2.0, axes=()), np.full((2, 3), 2.0))


@each
@pytest.mark.parametrize("dtype", ["float16", "longdouble", "object", "M8[s]", "clongdouble"])
def test_dtypes_without_a_filter_there_have_none_here(name, arguments, dtype):
    x = np.ones((4, 5)).astype(dtype)
    for module in (ours, theirs):
        with pytest.raises((RuntimeError, TypeError)):
            getattr(module, name)(x, *arguments)
    with pytest.raises(ft.DtypeError, match="not supported"):
        getattr(ours, name)(x, *arguments)


@each
@pytest.mark.parametrize("output", [np.float16, "longdouble", np.zeros((4, 5), object)], ids=["f2", "g", "O"])
def test_outputs_without_a_filter_there_have_none_here(name, arguments, output):
    for module in (ours, theirs):
        with pytest.raises(RuntimeError):
            getattr(module, name)(np.ones((4, 5)), *arguments, output=output)


def test_masked_arrays_are_refused():
    with pytest.raises(ft.DtypeError, match="mask"):
        ours.gaussian_filter(np.ma.masked_array([1.0, 2.0], [True, False]), 1)


def test_complex_outputs_are_asked_for():
    x = np.ones(5) * (1 + 1j)
    with pytest.warns(UserWarning, match="promoting specified output"):
        assert ours.correlate1d(x, [1], output=np.float32).dtype == np.complex64
    for module in (ours, theirs):
        for call in (module.correlate, module.correlate1d, module.gaussian_filter, module.uniform_filter):
            with pytest.raises(RuntimeError):
                call(
                    x,
                    3 if call is module.uniform_filter else 1.0 if call is module.gaussian_filter else [1],
                    output="f8",
                )
        with pytest.raises(RuntimeError):
            module.uniform_filter1d(x, 3, output=np.zeros(5))
        with pytest.raises(RuntimeError):
            module.correlate1d(x.real, [1], output="complex128")


def test_the_warning_names_the_callers_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours.correlate(np.ones(5), [1j], output=np.float32)
        ours.convolve1d(np.ones(5), [1j], output=np.float32)
        ours.uniform_filter(np.ones(5) * 1j, 3, output=np.float32)
        ours.maximum_filter(np.ones(5), 3, [1, 1])
        ours.grey_dilation(np.ones(5), 3, [1, 1])
    assert len(caught) == 5
    assert {w.filename for w in caught} == {__file__}


X, PICTURE = np.arange(5.0), np.ones((4, 5))
BAD = [
    ("correlate", (X, [[1, 2]]), {}),
    ("correlate", (PICTURE, [1, 2]), {}),
    ("correlate", (PICTURE, np.ones((0, 3))), {}),
    ("correlate", (X, [1, 2], None, ["wrap"]), {}),
    ("correlate", (X, [1, 2], None, "symmetric"), {}),
    ("correlate", (X, [1, 2, 3], None, "wrap", 0.0, 2), {}),
    ("correlate", (X, [1, 2, 3], None, "wrap", 0.0, 0.5), {}),
    ("correlate", (X, [1, 2, 3], None, "wrap", 0.0, [0, 0]), {}),
    ("correlate", (X, [1, 2, 3]), {"axes": (0, 0)}),
    ("correlate", (X, [1, 2, 3]), {"axes": (1,)}),
    ("correlate", (X, [1, 2, 3]), {"axes": 0.0}),
    ("correlate", (X, [1, 2, 3]), {"axes": ()}),
    ("correlate", (X, [1, 2], np.zeros(4)), {}),
    ("correlate", (X, [1, 2], "bool"), {}),
    ("correlate", (X, [1, 2], "no dtype"), {}),
    ("correlate", (X, [1j, 2], None, "constant", 1j), {}),
    ("correlate", (X, [1, 2], None, "constant", 1j), {}),
    ("correlate", (X, [1, 2], None, "constant", None), {}),
    ("correlate", (X, [1, 2], None, "constant", "1"), {}),
    ("correlate", (X, ["a"]), {}),
    ("convolve", (X, [1, 2], None, "wrap", 0.0, 1), {}),
    ("convolve", (X, [1, 2, 3], None, "wrap", 0.0, "0"), {}),
    ("correlate1d", (X, []), {}),
    ("correlate1d", (X, 3), {}),
    ("correlate1d", (X, [[1, 2]]), {}),
    ("correlate1d", (X, [1, 2], 1), {}),
    ("correlate1d", (X, [1, 2], 0.0), {}),
    ("correlate1d", (X, [1, 2], -1, None, ["wrap"]), {}),
    ("correlate1d", (X, [1, 2, 1, 1], -1, None, "wrap", 0.0, 2), {}),
    ("convolve1d", (X, []), {}),
    ("gaussian_filter", (X, "1"), {}),
    ("gaussian_filter", (X, None), {}),
    ("gaussian_filter", (X, [1, 1]), {}),
    ("gaussian_filter", (X, np.inf), {}),
    ("gaussian_filter", (X, 1, -1), {}),
    ("gaussian_filter", (X, 1, 0.5), {}),
    ("gaussian_filter", (X, 1), {"radius": 1.5}),
    ("gaussian_filter", (X, 1), {"radius": -1}),
    ("gaussian_filter", (X, 1), {"truncate": None}),
    ("gaussian_filter1d", (X, 0), {}),
    ("gaussian_filter1d", (X, np.nan), {}),
    ("gaussian_filter1d", (X, -1), {}),
    ("uniform_filter", (X, "3"), {}),
    ("uniform_filter", (X, [3, 3]), {}),
    ("uniform_filter", (X, 3, None, "wrap", 0.0, 2), {}),
    ("uniform_filter", (X, 3), {"mode": "even"}),
    ("uniform_filter1d", (X, 0), {}),
    ("uniform_filter1d", (X, 2.0), {}),
    ("sobel", (X, 1), {}),
    ("sobel", (PICTURE, 1, None, ["wrap"]), {}),
    ("laplace", (PICTURE,), {"axes": (0, 2)}),
    ("laplace", (PICTURE,), {"extra": 1}),
    ("gaussian_laplace", (PICTURE, [1, 1, 1]), {}),
    ("gaussian_laplace", (PICTURE, 1), {"sigmas": 1}),
    ("maximum_filter", (X,), {}),
    ("maximum_filter", (X * 1j, 3), {}),
    ("maximum_filter", (X, 3), {"origin": 2}),
    ("maximum_filter", (X,), {"footprint": [0, 0]}),
    ("maximum_filter", (PICTURE,), {"footprint": [1, 0, 1]}),
    ("maximum_filter", (PICTURE,), {"footprint": [1, 1, 1]}),
    ("maximum_filter", (X,), {"footprint": [1, 0, 1], "mode": ["wrap"]}),
    ("maximum_filter", (X,), {"footprint": [1, 0, 1], "origin": -2}),
    ("maximum_filter1d", (X, 0), {}),
    ("maximum_filter1d", (X * 1j, 3), {}),
    ("maximum_filter1d", (X, 3, -1, None, "wrap", 0.0, 2), {}),
    ("grey_dilation", (X,), {}),
    ("grey_erosion", (PICTURE,), {"size": (3,)}),
    ("grey_dilation", (PICTURE,), {"footprint": [[[1, 0]]]}),
    ("grey_erosion", (PICTURE,), {"structure": [1, 2]}),
    ("grey_erosion", (PICTURE,), {"structure": [[1, 2]], "mode": ["wrap", "wrap"]}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), BAD)
def test_wrong_calls_raise_what_they_raise_there(name, arguments, options):
    assert isinstance(error_of(ours, name, arguments, options), type(error_of(theirs, name, arguments, options)))


def error_of(module, name, arguments, options):
    try:
        getattr(module, name)(*arguments, **options)
    except Exception as error:
        return error
    return pytest.fail(f"{module.__name__}.{name} takes it")


def test_structures_of_another_shape_than_the_footprint_are_refused():
    with pytest.raises(RuntimeError, match="structure"):
        ours.grey_erosion(X, structure=[1, 2], footprint=[1, 0, 1])
    with pytest.raises(ValueError, match="All-zero"):
        ours.grey_erosion(X, structure=[1, 2], footprint=[0, 0])
