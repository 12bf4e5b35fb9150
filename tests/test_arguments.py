"""What callers write: whether a dtype has a number. Words, axes and series are tested with the calls that take them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.arguments import holds

DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


@given(st.sampled_from(DTYPES), st.integers(-(2**65), 2**65) | st.integers(-300, 300), st.booleans())
def test_a_whole_number_is_held_where_writing_it_changes_nothing(name: str, number: int, as_float: bool) -> None:
    value: Any = float(number) if as_float else number
    # as C writes integers: modulo 2**n
    written = np.array(int(value) % 2**64, np.uint64).astype(name)
    assert holds(np.dtype(name), value) == (int(written) == value)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -np.inf, 1j, 1 + 0j, 10**400, "1", None])
def test_what_is_no_number_of_the_dtype_is_not_held(name: str, value: Any) -> None:
    assert not holds(np.dtype(name), value)
