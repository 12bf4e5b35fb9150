"""`faltung.compat.scipy_linalg` against SciPy, bit for bit."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from faltung.compat import scipy_linalg as ours
from peers import DTYPES, check_close, check_same_error, check_same_signature, made

MODES = ("full", "same", "valid")


@given(
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from(MODES),
    st.sampled_from(DTYPES),
)
def test_is_the_matrix_of_scipy(batch: list[int], taps: int, n: int, mode: Any, dtype: str) -> None:
    a = made(np.random.default_rng(taps), dtype, (*batch, taps))
    check_close(ours.convolution_matrix(a, n, mode), scipy.linalg.convolution_matrix(a, n, mode), 0)


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(MODES))
def test_times_a_vector_it_is_numpys_convolution(taps: int, n: int, mode: Any) -> None:
    a, v = np.random.default_rng(0).integers(-9, 9, (2, 9))
    assert np.array_equal(ours.convolution_matrix(a[:taps], n, mode) @ v[:n], np.convolve(a[:taps], v[:n], mode))


def test_a_nan_stands_where_its_weight_stands() -> None:
    matrix = ours.convolution_matrix([1.0, np.nan], 3)
    assert np.isnan(matrix).sum() == 3


def test_the_result_may_be_written_to() -> None:
    a = np.ones(3)
    ours.convolution_matrix(a, 3)[:] = 0
    assert np.array_equal(a, np.ones(3))


def test_takes_what_scipy_takes() -> None:
    check_same_signature(ours.convolution_matrix, scipy.linalg.convolution_matrix)


@pytest.mark.parametrize("args", [([1, 2], 0), ([1, 2], -3), ([], 4), ([1, 2], 3, "cut"), ([1, 2], 2.5), ([1, 2], "2")])
def test_refuses_what_scipy_refuses(args: Any) -> None:
    check_same_error(ours.convolution_matrix, scipy.linalg.convolution_matrix, args, {})
