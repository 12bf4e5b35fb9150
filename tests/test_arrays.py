"""What a caller may hand in as an array, and what it becomes."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import faltung as ft
from faltung.arrays import as_array, as_kernel
from faltung.spec import Array


class Series:
    """As pandas does it: no array, but it knows how to become one."""

    def __init__(self, values: list[float]) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._values, dtype)


@pytest.mark.parametrize(
    "data",
    [[1.0, 2.0], (1.0, 2.0), Series([1.0, 2.0]), np.array([1.0, 2.0]), memoryview(np.array([1.0, 2.0]))],
    ids=lambda data: type(data).__name__,
)
def test_what_can_become_an_array_does(data: Any) -> None:
    array = as_array(data, "x")
    assert type(array) is np.ndarray
    assert array.tolist() == [1, 2]


def test_subclasses_without_a_meaning_of_their_own_become_plain_arrays(tmp_path: Any) -> None:
    on_disk = np.memmap(tmp_path / "x", np.float32, "w+", shape=(3,))
    assert type(as_array(on_disk, "x")) is np.ndarray
    assert type(as_array(np.array([[1.0]]).view(np.matrix), "x")) is np.ndarray


def test_an_array_is_not_copied() -> None:
    x = np.ones((3, 4))[::-1, ::2]
    assert as_array(x, "x") is x


def test_foreign_byte_order_is_turned() -> None:
    x = np.arange(3, dtype=">i4")
    array = as_array(x, "x")
    assert array.dtype.isnative
    assert array.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (np.ma.masked_array([1.0, 2.0], [0, 1]), "filled"),
        ([[1, 2], [3]], "ragged"),
        (None, "NoneType"),
        ("abc", "str"),
        (b"abc", "bytes"),
        ({1: 2}, "dict"),
        ({1, 2}, "set"),
        ((i for i in range(3)), "list"),
        (object(), "object"),
        (len, "builtin_function_or_method"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_be_misread_is_refused(data: Any, cure: str) -> None:
    with pytest.raises(ft.DtypeError, match=cure) as caught:
        as_array(data, "x")
    assert isinstance(caught.value, TypeError)


def test_a_sparse_matrix_is_refused_with_the_cure() -> None:
    from scipy import sparse

    with pytest.raises(ft.DtypeError, match="toarray"):
        as_array(sparse.eye(3), "x")


@pytest.mark.parametrize("kernel", [[1, 2], (1.5, 2.5), [True, False], [[1, 2]]])
def test_lists_take_the_dtype_of_x(kernel: Any) -> None:
    assert as_kernel(kernel, np.ones(3, np.float32)).dtype == np.float32
    assert as_kernel(kernel, np.ones(3, np.float16)).dtype == np.float16


def test_complex_lists_take_the_precision_of_x() -> None:
    assert as_kernel([1, 2j], np.ones(3, np.float32)).dtype == np.complex64
    assert as_kernel([1, 2j], np.ones(3)).dtype == np.complex128


def test_lists_of_arrays_and_arrays_keep_their_dtype() -> None:
    x = np.ones(3, np.float32)
    assert as_kernel([np.float64(1), np.float64(2)], x).dtype == np.float64
    assert as_kernel(np.ones(2), x).dtype == np.float64


def test_lists_beside_integers_stay_as_they_are() -> None:
    x = np.ones(3, np.uint8)
    assert as_kernel([1, 2], x).dtype == np.int64
    assert as_kernel([0.5, 2], x).dtype == np.float64


def test_a_list_beyond_the_range_of_x_is_refused() -> None:
    with pytest.raises(ft.DtypeError, match="beyond float32"):
        as_kernel([1e300, 1.0], np.ones(3, np.float32))
    assert as_kernel([np.inf, 1.0], np.ones(3, np.float32)).tolist() == [np.inf, 1]


def test_objects_that_are_numbers_stay_objects() -> None:
    assert as_array([Fraction(1, 3), 1], "x").dtype == object
    assert as_array([10**30], "x").tolist() == [10**30]
