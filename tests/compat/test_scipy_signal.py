"""`faltung.compat.scipy_signal` against SciPy: dtypes, shapes, modes, errors, and where it is better on purpose."""

from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.compat import scipy_signal as ours
from peers import DTYPES, check_close, check_same_error, check_same_signature, made

MODES = st.sampled_from(("full", "same", "valid"))
SEEDS = st.integers(0, 99)
NOT_SERVED_BY_SCIPY = ("bool", "float16", "object")
"""By its sums in two axes and more, where both arrays have these dtypes or one that they swallow."""


@st.composite
def shapes(draw: Any, num_axes: int | None = None, longest: int = 9) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes of equally many axes, one of which often fits into the other."""
    ndim = draw(st.integers(1, 3)) if num_axes is None else num_axes
    length = st.integers(1, longest)
    one, other = (tuple(draw(st.lists(length, min_size=ndim, max_size=ndim))) for _ in "ab")
    if draw(st.booleans()):
        one, other = tuple(map(max, one, other)), tuple(map(min, one, other))
    return (other, one) if draw(st.booleans()) else (one, other)


def fits(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether mode "valid" has a result."""
    return all(n >= k for n, k in zip(one, other, strict=True)) or all(n <= k for n, k in zip(one, other, strict=True))


@np.errstate(invalid="ignore")  # SciPy casts memory that it has not written yet
def definition(function: str, a: Any, v: Any, *args: Any, **options: Any) -> Any:
    """SciPy's sums, or for dtypes that it does not sum in planes, those of the nearest that it does."""
    dtype = np.result_type(a, v)
    if dtype.name in NOT_SERVED_BY_SCIPY:
        nearest = {"bool": np.int64, "float16": np.float32, "object": object}[dtype.name]
        if nearest is object:
            return python_sums(function, a, v, *args)
        return getattr(scipy.signal, function)(a.astype(nearest), v.astype(nearest), *args, **options).astype(dtype)
    return getattr(scipy.signal, function)(a, v, *args, **options)


def python_sums(function: str, a: Any, v: Any, mode: str) -> Any:
    """The definition in Python's own integers."""
    kernel = v if function.startswith("convolve") else v[(slice(None, None, -1),) * v.ndim]
    full = np.full([n + k - 1 for n, k in zip(a.shape, v.shape, strict=True)], 0, object)
    for j in np.ndindex(kernel.shape):
        full[tuple(slice(s, s + n) for s, n in zip(j, a.shape, strict=True))] += a * kernel[j]
    sizes = {
        "full": full.shape,
        "same": a.shape,
        "valid": [abs(n - k) + 1 for n, k in zip(a.shape, v.shape, strict=True)],
    }[mode]
    starts = [(n - size) // 2 for n, size in zip(full.shape, sizes, strict=True)]
    return full[tuple(slice(s, s + size) for s, size in zip(starts, sizes, strict=True))]


@np.errstate(invalid="ignore")
def scale(function: str, a: Any, v: Any, *args: Any, **options: Any) -> Any:
    """The sum of the sizes of the products."""
    sizes = (np.abs(x.astype(complex)) for x in (a, v))
    return getattr(scipy.signal, function)(*sizes, *args, **options)


def eps_of_transform(dtype: np.dtype[Any]) -> float:
    """Of the floats that SciPy's FFT computes in."""
    item = np.float32 if dtype == np.float16 else dtype if dtype.kind in "fc" else np.float64
    return float(np.finfo(item).eps)


def whole(*arrays: Any) -> list[Any]:
    """Objects and floats together make floats, summed in any order: these stay exact."""
    if all(x.dtype.kind in "biufcO" and x.dtype != object for x in arrays):
        return list(arrays)
    return [
        x.astype(object) if x.dtype.kind in "biuO" else np.rint(x.real * 8).astype(int).astype(object) for x in arrays
    ]


@pytest.mark.parametrize("function", ["convolve", "correlate"])
@given(shapes(), st.sampled_from(DTYPES), st.sampled_from(DTYPES), MODES, st.sampled_from(("auto", "direct")), SEEDS)
def test_equals_scipys_sums_for_every_pair_of_dtypes(
    function: str, sizes: Any, of_a: str, of_v: str, mode: str, method: str, seed: int
) -> None:
    if mode == "valid" and not fits(*sizes):
        mode = "same"
    rng = np.random.default_rng(seed)
    a, v = whole(made(rng, of_a, sizes[0]), made(rng, of_v, sizes[1]))
    theirs = definition(function, a, v, mode, **({} if a.dtype == object else {"method": "direct"}))
    check_close(getattr(ours, function)(a, v, mode, method), theirs, scale(function, a, v, mode, method="direct"))


@given(shapes(1, longest=60), st.sampled_from(("float32", "float64", "complex64", "float16", "int16")), MODES, SEEDS)
def test_the_fft_asked_for_keeps_the_dtype_and_the_integers(sizes: Any, dtype: str, mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, v = (made(rng, dtype, size) for size in sizes)
    theirs = definition("convolve", a, v, mode, method="direct")
    most = scale("convolve", a, v, "full", method="direct").max()
    check_close(ours.convolve(a, v, mode, "fft"), theirs, most)


@pytest.mark.parametrize("function", ["fftconvolve", "oaconvolve"])
@given(shapes(), st.sampled_from(DTYPES), st.sampled_from(DTYPES), MODES, st.data(), SEEDS)
def test_equals_fftconvolve_along_any_axes(
    function: str, sizes: Any, of_a: str, of_v: str, mode: str, data: st.DataObject, seed: int
) -> None:
    ndim = len(sizes[0])
    axes = data.draw(st.none() | st.lists(st.integers(-ndim, ndim - 1), min_size=1, unique_by=lambda a: a % ndim))
    along = range(ndim) if axes is None else [a % ndim for a in axes]
    # axes that are not convolved are equally long, or one of them is 1
    one, other = (list(size) for size in sizes)
    for p in set(range(ndim)) - set(along):
        one[p], other[p] = data.draw(st.sampled_from(((one[p], one[p]), (1, other[p]), (one[p], 1))))
    conv = [p for p in along if 1 not in (one[p], other[p])]
    if mode == "valid" and not fits(tuple(one[p] for p in conv), tuple(other[p] for p in conv)):
        mode = "same"
    rng = np.random.default_rng(seed)
    a, v = made(rng, of_a, one), made(rng, of_v, other)
    theirs = getattr(scipy.signal, function)(a, v, mode, axes)
    most = float(np.abs(a.astype(complex)).max() * np.abs(v.astype(complex)).max() * max(a.size, v.size))
    if theirs.dtype == object and not conv:
        assert np.array_equal(getattr(ours, function)(a, v, mode, axes), theirs)
        return
    # each array is transformed in its own precision there
    coarsest = max(eps_of_transform(x.dtype) for x in (a, v))
    bound = 64 * coarsest / float(np.finfo(theirs.dtype).eps) if theirs.dtype.kind in "fc" else 64
    check_close(getattr(ours, function)(a, v, mode, axes), theirs, most, bound=bound)


@pytest.mark.parametrize("function", ["convolve2d", "correlate2d"])
@given(
    shapes(2),
    st.sampled_from(DTYPES),
    st.sampled_from(DTYPES),
    MODES,
    st.sampled_from(("fill", "pad", "wrap", "circular", "symm", "symmetric")),
    st.sampled_from((0, 3, 3.0, [2], True)),
    SEEDS,
)
def test_equals_scipys_planes_with_every_boundary(
    function: str, sizes: Any, of_a: str, of_v: str, mode: str, boundary: str, fill: Any, seed: int
) -> None:
    if mode == "valid" and not fits(*sizes):
        mode = "full"
    rng = np.random.default_rng(seed)
    a, v = made(rng, of_a, sizes[0]), made(rng, of_v, sizes[1])
    dtype = np.result_type(a, v)
    if dtype.kind == "O":
        # not served there; "same" begins elsewhere in correlate2d
        mode = "full" if mode == "same" else mode
        a, v = whole(a, v)
        check_close(getattr(ours, function)(a, v, mode), python_sums(function, a, v, mode), 0)
        return
    fill = 1 if dtype.kind == "b" else fill
    theirs = definition(function, a, v, mode, boundary=boundary, fillvalue=fill)
    sums = scale(function, a, v, mode, boundary=boundary, fillvalue=fill)
    check_close(getattr(ours, function)(a, v, mode, boundary, fill), theirs, sums)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in ("longdouble", "clongdouble", "object")])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 5), (5, 1)])
def test_separable_filters_equal_sepfir2d(dtype: str, width: int, height: int) -> None:
    rng = np.random.default_rng(width)
    picture = made(rng, dtype, (7, 6))
    hrow, hcol = rng.normal(size=width).tolist(), rng.normal(size=height).tolist()
    theirs = scipy.signal.sepfir2d(picture, hrow, hcol)
    most = float(np.abs(picture.astype(complex)).max()) * width * height * 10
    check_close(ours.sepfir2d(picture, hrow, hcol), theirs, most)


def test_an_empty_picture_stays_empty() -> None:
    check_close(ours.sepfir2d(np.ones((0, 2)), [1.0], [1.0]), scipy.signal.sepfir2d(np.ones((0, 2)), [1.0], [1.0]), 0)


def test_a_separable_filter_may_be_longer_than_the_picture() -> None:
    picture, weights = np.arange(6.0).reshape(2, 3), np.arange(1.0, 10)
    wide = np.pad(picture, 4, "symmetric")
    expected = scipy.signal.convolve2d(wide, np.outer(weights, weights), "valid")
    assert np.allclose(ours.sepfir2d(picture, weights, weights), expected, rtol=1e-13)


@given(st.integers(1, 12), st.integers(1, 12), MODES)
def test_lags_say_how_far_the_second_was_shifted(n: int, m: int, mode: Any) -> None:
    lags = ours.correlation_lags(n, m, mode)
    rng = np.random.default_rng(n + 100 * m)
    a, v = rng.normal(size=n), rng.normal(size=m)
    by_hand = [sum(a[i] * v[i - lag] for i in range(n) if 0 <= i - lag < m) for lag in lags]
    assert np.allclose(scipy.signal.correlate(a, v, mode), by_hand, rtol=1e-9, atol=1e-12)
    if not (mode == "same" and n % 2 and m % 2 == 0):
        assert np.array_equal(lags, scipy.signal.correlation_lags(n, m, mode))


def test_one_nan_touches_its_window_only_by_fft_too() -> None:
    x, kernel = np.random.default_rng(0).normal(size=(2, 1000))
    x[400] = np.nan
    result = ours.convolve(x, kernel[:200], "same", "fft")
    by_sums = scipy.signal.convolve(x, kernel[:200], "same", "direct")
    assert np.array_equal(np.isnan(result), np.isnan(by_sums))
    assert np.isnan(result).sum() == 200
    assert np.isnan(ours.fftconvolve(x, kernel[:200], "same")).sum() == 200


@given(shapes(2), st.sampled_from(("full", "same")), st.data())
def test_one_nan_in_the_kernel_touches_where_it_meets_a_sample(sizes: Any, mode: str, data: st.DataObject) -> None:
    a, v = np.ones(sizes[0]), np.ones(sizes[1])
    v[data.draw(st.tuples(*(st.integers(0, n - 1) for n in v.shape)))] = np.nan
    met = scipy.signal.convolve(np.ones(sizes[0]), np.isnan(v).astype(float), mode, "direct") > 0
    assert np.array_equal(np.isnan(ours.convolve(a, v, mode)), met)


def test_the_fft_is_taken_where_it_serves_and_the_engine_would_not() -> None:
    # the bits tell which it was
    x, kernel = 1 + np.random.default_rng(0).random((2, 4096))
    kernel = kernel[:40]
    assert ft.explain(x, kernel, mode="valid").method == "direct"
    by_fft = ours.convolve(x, kernel, "valid", "fft")
    assert np.array_equal(by_fft, ft.convolve(x, kernel, mode="valid", method="fft"))
    assert not np.array_equal(by_fft, ours.convolve(x, kernel, "valid", "direct"))


def test_a_nan_in_both_planes_leaves_nothing_out_that_it_meets() -> None:
    a, v = np.ones((4, 5)), np.ones((2, 3))
    a[1, 1] = v[0, 2] = np.nan
    met = scipy.signal.convolve(np.isnan(a) * 1.0, np.ones_like(v)) > 0.5
    assert np.isnan(ours.convolve(a, v)[met]).all()


def test_a_huge_range_is_right_where_scipys_choice_is_not() -> None:
    x = np.concatenate([np.zeros(10_000), 10.0 ** np.arange(0, 90, 9)])
    exact = scipy.signal.convolve(x, x, method="direct")
    for method in ("auto", "fft"):
        assert np.allclose(ours.convolve(x, x, "full", method), exact, rtol=1e-12, atol=0)


def test_the_method_answered_is_the_one_that_is_taken() -> None:
    rng = np.random.default_rng(0)
    for n, k in ((8, 6), (5000, 3), (5000, 4000)):
        x, kernel = rng.normal(size=n), rng.normal(size=k)
        taken = ft.explain(x, kernel, mode="same").method
        assert ours.choose_conv_method(x, kernel, "same") == taken
    assert taken == "fft"
    few = np.ones(9, int)
    assert ours.choose_conv_method(few, few) == "direct"
    assert ours.choose_conv_method(np.ones(0), np.ones(0)) == "direct"


def test_where_no_transform_serves_the_method_measured_is_direct() -> None:
    objects = np.ones(50, object)
    assert ours.choose_conv_method(objects, objects, measure=True)[0] == "direct"


def test_the_method_measured_is_the_faster_one() -> None:
    rng = np.random.default_rng(0)
    method, times = ours.choose_conv_method(rng.normal(size=20_000), rng.normal(size=20_000), measure=True)
    assert set(times) == {"fft", "direct"}
    assert method == min(times, key=times.__getitem__)


@pytest.mark.parametrize("function", [name for name in ours.__all__ if name != "sepfir2d"])
def test_takes_what_scipy_takes(function: str) -> None:
    check_same_signature(getattr(ours, function), getattr(scipy.signal, function))


def test_sepfir2d_takes_no_names_as_in_scipy() -> None:
    named = {"input": np.ones((3, 3)), "hrow": [1.0], "hcol": [1.0]}
    check_same_error(ours.sepfir2d, scipy.signal.sepfir2d, (), named)


PLANE = np.ones((2, 3))
REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((f, ([1.0], [[1.0]]), {}) for f in ("convolve", "correlate", "fftconvolve", "oaconvolve")),
    *((f, (PLANE, PLANE.T, "valid"), {}) for f in ("convolve", "correlate", "fftconvolve", "correlate2d")),
    *((f, (PLANE, PLANE, "cut"), {}) for f in ("convolve", "correlate", "fftconvolve", "oaconvolve", "convolve2d")),
    *((f, (PLANE, PLANE), {"mode": None}) for f in ("convolve", "correlate", "fftconvolve", "convolve2d")),
    *((f, (PLANE, PLANE), {"method": "fast"}) for f in ("convolve", "correlate")),
    *((f, ([], [1.0]), {}) for f in ("convolve", "correlate")),
    *((f, ([1.0], [], "same"), {}) for f in ("convolve", "correlate")),
    *(("fftconvolve", (PLANE, PLANE), {"axes": a}) for a in ([], [[0, 1]], 1.0, "x", 2, -3, [0, 0], [0, -2])),
    ("fftconvolve", (PLANE, np.ones((3, 3))), {"axes": 1}),
    *((f, ([1.0], [1.0]), {}) for f in ("convolve2d", "correlate2d")),
    *(("convolve2d", (PLANE, PLANE), {"boundary": b}) for b in ("mirror", "reflect", 0, None)),
    *(("convolve2d", (PLANE, PLANE), {"fillvalue": v}) for v in ([1, 2], [], 1j, "a")),
    *(("convolve2d", ([[1]], [[1]]), {"fillvalue": v}) for v in (np.nan, 1e30, None)),
    ("correlation_lags", (3, 3, "cut"), {}),
    *(("sepfir2d", args, {}) for args in (
        (PLANE, [1.0, 2.0], [1.0]),
        (PLANE, [1.0], []),
        (PLANE, [[1.0]], [1.0]),
        (PLANE, 3.0, [1.0]),
        (PLANE[0], [1.0], [1.0]),
        (PLANE[None], [1.0], [1.0]),
        (PLANE.astype(object), [1.0], [1.0]),
        (PLANE.astype(np.float32), np.ones(1), [1.0]),
        (PLANE, [1j], [1.0]),
    )),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "options"), REFUSED)
def test_refuses_what_scipy_refuses(function: str, args: Any, options: dict[str, Any]) -> None:
    check_same_error(getattr(ours, function), getattr(scipy.signal, function), args, options)


@pytest.mark.parametrize("function", ["convolve", "correlate", "fftconvolve", "oaconvolve"])
@pytest.mark.parametrize(("a", "v"), [(3, 4.5), (np.int8(100), np.int8(100)), (3j, 4j), (True, True)])
def test_two_numbers_are_multiplied(function: str, a: Any, v: Any) -> None:
    with np.errstate(over="ignore"):
        check_close(getattr(ours, function)(a, v), getattr(scipy.signal, function)(a, v), abs(a * v))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "mode", "a", "v"),
    [
        *(("convolve", mode, (0, 2), (1, 2)) for mode in ("full", "same")),
        ("convolve", "valid", (2, 3), (0, 2)),
        *(("correlate", mode, (1, 2), (0, 2)) for mode in ("full", "same", "valid")),
        ("convolve", "same", (0,), (3,)),
        *(("fftconvolve", mode, (0,), (3,)) for mode in ("full", "same", "valid")),
        *(("convolve2d", mode, (2, 3), (1, 0)) for mode in ("same", "valid")),
        *(("correlate2d", mode, (0, 2), (1, 2)) for mode in ("full", "same")),
    ],
)
def test_nothing_convolved_is_nothing_or_zeros_as_in_scipy(function: str, mode: Any, a: Any, v: Any) -> None:
    x, kernel = np.ones(a), np.ones(v)
    theirs = getattr(scipy.signal, function)(x, kernel, mode)
    check_close(getattr(ours, function)(x, kernel, mode), theirs, 0)


def test_a_masked_array_is_refused_where_scipy_drops_its_mask() -> None:
    with pytest.raises(ft.DtypeError, match="masked"):
        ours.convolve2d(np.ma.masked_array(PLANE, PLANE > 0), PLANE)
