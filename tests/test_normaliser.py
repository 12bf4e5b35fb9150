import numpy as np
import pytest

import faltung as ft


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float32", "float64", "complex64"])
def test_where_missing_samples_are_ignored_a_constant_stays_constant(dtype: str) -> None:
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    result = ft.convolve(np.ones((4, 5), dtype), kernel, mode="same", boundary="ignore")
    assert np.allclose(result, kernel.sum())
