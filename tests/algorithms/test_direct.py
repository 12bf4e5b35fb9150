import numpy as np
import pytest

import faltung as ft


@pytest.mark.parametrize("kernel", [[1.0], [[1.0]]], ids=["line", "plane"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_uint64_stay_positive_in_float_sums(dtype: str, kernel: list[float]) -> None:
    x = np.full((3,) * np.ndim(kernel), 2**64 - 1, np.uint64)
    assert np.array_equal(ft.convolve(x, np.array(kernel, dtype), dtype=dtype, method="direct"), x.astype(dtype))


def test_a_converted_column_ordered_array_is_read_by_rows() -> None:
    x = np.asfortranarray(np.arange(35).reshape(5, 7).astype(np.float16))
    kernel = np.array([[1, 2], [3, 5]], np.float16)
    np.testing.assert_array_equal(ft.convolve(x, kernel), ft.convolve(x.copy(order="C"), kernel))
