import numpy as np
import pytest

import faltung as ft


@pytest.mark.parametrize("kernel", [[1.0], [[1.0]]], ids=["line", "plane"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_uint64_stay_positive_in_float_sums(dtype: str, kernel: list[float]) -> None:
    x = np.full((3,) * np.ndim(kernel), 2**64 - 1, np.uint64)
    assert np.array_equal(ft.convolve(x, np.array(kernel, dtype), dtype=dtype, method="direct"), x.astype(dtype))
