"""`faltung.compat.numpy` against NumPy: any dtypes, lengths and modes, errors, and where it is better on purpose."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.compat import numpy as ours
from peers import DTYPES, check_close, check_same_error, check_same_signature, made

FUNCTIONS = ("convolve", "correlate")
MODES = ("full", "same", "valid", 0, 1, 2, np.int64(1))
LENGTHS = st.integers(1, 40)


def scale(a: Any, v: Any, mode: Any, function: str) -> Any:
    """The sum of the sizes of the products."""
    sizes = (np.abs(x.astype(complex)) for x in (a, v))
    return getattr(np, function)(*sizes, mode)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(st.sampled_from(DTYPES), st.sampled_from(DTYPES), LENGTHS, LENGTHS, st.sampled_from(MODES), st.integers(0, 99))
def test_equals_numpy_for_every_pair_of_dtypes(
    function: str, of_a: str, of_v: str, n: int, m: int, mode: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, v = made(rng, of_a, n), made(rng, of_v, m)
    theirs = getattr(np, function)(a, v, mode)
    # objects with floats are floats, summed in another order
    if theirs.dtype == object and not all(isinstance(value, int) for value in theirs):
        a, v = (x.astype(object) if x.dtype.kind in "biuO" else np.rint(x.real * 8).astype(int) for x in (a, v))
        theirs = getattr(np, function)(a, v, mode)
    check_close(getattr(ours, function)(a, v, mode), theirs, scale(a, v, mode, function))


@pytest.mark.parametrize("function", FUNCTIONS)
@given(LENGTHS, LENGTHS, st.sampled_from(MODES), st.sampled_from(("float32", "float64", "complex128")), st.data())
def test_nan_and_infinity_on_either_side_end_up_where_numpy_has_them(
    function: str, n: int, m: int, mode: Any, dtype: str, data: st.DataObject
) -> None:
    rng = np.random.default_rng(n)
    a, v = made(rng, dtype, n), made(rng, dtype, m)
    for array in (a, v):
        for place in data.draw(st.lists(st.integers(0, len(array) - 1), max_size=2)):
            array[place] = data.draw(st.sampled_from((np.nan, np.inf, -np.inf)))
    with np.errstate(invalid="ignore"):
        theirs = getattr(np, function)(a, v, mode)
        tame = [np.where(np.isfinite(array), array, 1) for array in (a, v)]
        check_close(getattr(ours, function)(a, v, mode), theirs, scale(*tame, mode, function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_takes_what_numpy_takes(function: str) -> None:
    check_same_signature(getattr(ours, function), getattr(np, function))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("args", "options"),
    [
        (([], [1.0]), {}),
        (([1.0], []), {}),
        (([[1.0, 2.0]], [1.0]), {}),
        (([1.0], [[1.0, 2.0]]), {}),
        (([1.0, 2.0], [1.0], "f"), {}),
        (([1.0, 2.0], [1.0], "Full"), {}),
        (([1.0, 2.0], [1.0]), {"mode": 3}),
        (([1.0, 2.0], [1.0]), {"mode": -1}),
        (([1.0, 2.0], [1.0]), {"mode": None}),
        (([1.0, 2.0], [1.0]), {"mode": 1.0}),
        (([1.0, 2.0], [1.0]), {"mode": True}),
        (([1.0, 2.0], [1.0]), {"mode": b"full"}),
        (([[1, 2], [3]], [1]), {}),
        ((None, [1]), {}),
        (([1.0], [1.0]), {"method": "fft"}),
    ],
)
def test_refuses_what_numpy_refuses(function: str, args: Any, options: dict[str, Any]) -> None:
    check_same_error(getattr(ours, function), getattr(np, function), args, options)


def test_single_numbers_are_convolved_and_not_correlated() -> None:
    assert np.array_equal(ours.convolve(2, 3), np.convolve(2, 3))
    check_same_error(ours.correlate, np.correlate, (2, [1, 3]), {})


def test_decimals_stay_decimals() -> None:
    a, v = np.array([Decimal("0.1"), Decimal("0.2")]), np.array([Decimal(3), Decimal("0.5")])
    assert ours.convolve(a, v).tolist() == np.convolve(a, v).tolist()
    assert ours.correlate(a, v, "full").tolist() == np.correlate(a, v, "full").tolist()


def test_bytes_in_the_other_order_are_read_right() -> None:
    a = np.array([1, 2, 300], ">i4")
    assert np.array_equal(ours.convolve(a, a), np.convolve(a, a))


def test_a_masked_array_is_refused_where_numpy_drops_its_mask() -> None:
    with pytest.raises(ft.DtypeError, match="masked"):
        ours.convolve(np.ma.array([1.0, 2.0], mask=[False, True]), [1.0])


def test_the_arrays_given_are_left_alone_and_not_shared() -> None:
    a, v = np.arange(5.0), np.ones(1)
    for result in (ours.convolve(a, v), ours.correlate(v, a, "full")):
        result[:] = 7
    assert np.array_equal(a, np.arange(5.0))
    assert np.array_equal(v, np.ones(1))
