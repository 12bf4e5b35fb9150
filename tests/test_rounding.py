"""From the dtype of the arithmetic to the dtype of the result: Python's integers are the oracle."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.reading import make_spec
from faltung.rounding import fits_for_certain, largest_in, largest_of, to_result
from strategies import INTEGERS, in_dtype

RESULTS = tuple(name for name in INTEGERS if name != "bool")
overflows = st.sampled_from(["error", "saturate", "wrap"])
results = st.sampled_from(RESULTS).map(np.dtype)


@given(
    values=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5),
    dtype=results,
    overflow=overflows,
    exact=st.booleans(),
)
def test_integers_become_what_python_says(values: list[int], dtype: Any, overflow: Any, exact: bool) -> None:
    _agrees(np.array(values, object if exact else np.int64), values, dtype, overflow)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), results, overflows)
def test_unsigned_integers_become_what_python_says(values: list[int], dtype: Any, overflow: Any) -> None:
    _agrees(np.array(values, np.uint64), values, dtype, overflow)


@given(st.lists(st.floats(-1e25, 1e25), min_size=1, max_size=5), results, overflows)
def test_floats_are_rounded_to_even_as_python_rounds(values: list[float], dtype: Any, overflow: Any) -> None:
    _agrees(np.array(values), [round(v) for v in values], dtype, overflow)


def _agrees(total: Any, values: list[int], dtype: Any, overflow: Any) -> None:
    wanted = [in_dtype(value, dtype, overflow) for value in values]
    if None in wanted:
        with pytest.raises(ft.IntegerOverflow, match=rf"outside {dtype}"):
            to_result(total, dtype, overflow)
        return
    got = to_result(total, dtype, overflow)
    assert got.dtype == dtype
    assert got.tolist() == wanted


@pytest.mark.parametrize(
    "total", [np.array([0.5, 1.5, 2.5, -0.5, -1.5]), np.array([0.5, 1.5, 2.5, -0.5, -1.5], object)]
)
def test_halves_go_to_even(total: Any) -> None:
    assert to_result(total, np.dtype(np.int8), "error").tolist() == [0, 2, 2, 0, -2]


@pytest.mark.parametrize("largest", [2.0**63, -(2.0**63), 2.0**64, 9.3e18])
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_floats_at_the_end_of_64_bits_are_judged_rightly(largest: float, dtype: str) -> None:
    info = np.iinfo(dtype)
    if info.min <= int(largest) <= info.max:
        assert to_result(np.array([largest]), np.dtype(dtype), "error").tolist() == [int(largest)]
    else:
        with pytest.raises(ft.IntegerOverflow):
            to_result(np.array([largest]), np.dtype(dtype), "error")


@pytest.mark.parametrize("overflow", ["error", "saturate", "wrap"])
@pytest.mark.parametrize("dtype", [float, object])
def test_nan_is_never_an_integer(overflow: Any, dtype: Any) -> None:
    with pytest.raises(ft.IntegerOverflow):
        to_result(np.array([np.nan, 1.0], dtype), np.dtype(np.int32), overflow)


def test_infinity_saturates_and_does_not_wrap() -> None:
    total = np.array([np.inf, -np.inf, 3.0])
    assert to_result(total, np.dtype(np.int8), "saturate").tolist() == [127, -128, 3]
    with pytest.raises(ft.IntegerOverflow):
        to_result(total, np.dtype(np.int8), "wrap")


def test_bool_asks_whether_it_is_zero() -> None:
    assert to_result(np.array([0, 256, -1]), np.dtype(bool), "error").tolist() == [False, True, True]
    assert to_result(np.array([0, 2**64], object), np.dtype(bool), "wrap").tolist() == [False, True]


def test_a_float16_result_overflows_to_infinity_without_a_warning() -> None:
    assert to_result(np.array([1e5, 1.0], np.float32), np.dtype(np.float16), "error").tolist() == [np.inf, 1]


def test_integers_beyond_a_float_raise_our_error() -> None:
    with pytest.raises(ft.IntegerOverflow, match="dtype=object"):
        to_result(np.array([10**400], object), np.dtype(float), "error")


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_complex_objects_are_refused_as_real_ones(dtype: str) -> None:
    with pytest.raises(ft.DtypeError):
        to_result(np.array([1j], object), np.dtype(dtype), "error")


@pytest.mark.parametrize("value", [Fraction(5, 2), Decimal("2.5"), 2.5])
def test_objects_that_are_numbers_are_rounded(value: Any) -> None:
    assert to_result(np.array([value], object), np.dtype(np.int8), "error").tolist() == [2]


@given(
    x=st.lists(st.integers(-128, 127), min_size=1, max_size=4),
    kernel=st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=3),
    constant=st.integers(-(2**40), 2**40),
)
def test_what_fits_for_certain_fits(x: list[int], kernel: list[int], constant: int) -> None:
    array = np.array(x, np.int8)
    spec, weights = make_spec(
        array.shape, array.dtype, np.array(kernel), flip=True, boundary=("constant", constant), mode="full"
    )
    padded = [constant] * (len(kernel) - 1) + x + [constant] * (len(kernel) - 1)
    sums = [sum(k * padded[o + j] for j, k in enumerate(kernel[::-1])) for o in range(len(padded) - len(kernel) + 1)]
    if fits_for_certain(spec, weights, largest_in(array)):
        assert all(-(2**63) <= value < 2**63 for value in sums)
    if fits_for_certain(spec, weights, largest_of(array.dtype)):
        assert fits_for_certain(spec, weights, largest_in(array))


def test_the_largest_size_of_an_integer_is_that_of_its_minimum() -> None:
    assert largest_of(np.dtype(np.int64)) == 2**63
    assert largest_of(np.dtype(np.uint64)) == 2**64 - 1
    assert largest_of(np.dtype(bool)) == 1
    assert largest_in(np.array([-(2**63), 5])) == 2**63
    assert largest_in(np.array([], np.int64)) == 0


@pytest.mark.parametrize("overflow", ["error", "saturate"])
def test_nan_for_an_integer_is_answered_with_a_cure_that_cures(overflow):
    with pytest.raises(ft.IntegerOverflow, match=r"NaN.*ask for a float dtype"):
        ft.convolve([np.nan], [1.0], dtype="uint8", overflow=overflow)
