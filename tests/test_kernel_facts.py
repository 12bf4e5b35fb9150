"""What is said of a kernel is true of it."""

from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import faltung as ft
from faltung.kernel_facts import Array, kernel_facts, outer_factors


@st.composite
def kernels(draw: Any, *, separable: bool) -> Array:
    """One kernel of 2 or 3 axes (complex: 2), an outer product or not; scaled by up to 2**80 either way."""
    dtype = draw(st.sampled_from(["float32", "float64", "complex64", "complex128"]))
    shape = draw(st.lists(st.integers(2, 5), min_size=2, max_size=2 if dtype.startswith("c") else 3))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    lines = [_line(rng, n, dtype) for n in shape]
    kernel = reduce(np.multiply.outer, lines) if separable else _line(rng, int(np.prod(shape)), dtype).reshape(shape)
    return (kernel * 2.0 ** draw(st.sampled_from([-80, -9, 0, 9, 80]))).astype(dtype)


def _line(rng: np.random.Generator, n: int, dtype: str) -> Array:
    line = rng.standard_normal(n)
    return (line + 1j * rng.standard_normal(n) if dtype.startswith("c") else line).astype(dtype)


def outer(factors: tuple[Array, ...]) -> Array:
    return reduce(np.multiply.outer, factors)


@given(kernels(separable=True))
def test_outer_products_are_recognised_with_their_factors(kernel: Array) -> None:
    assert kernel_facts(kernel[None]).separable
    factors = outer_factors(kernel)
    assert factors is not None
    again = outer(factors)
    size = np.abs(kernel)
    slack = 4.01 * np.finfo(kernel.dtype).eps * np.maximum(size, size.mean())
    assert (np.abs(again - kernel) <= slack).all()


@given(kernels(separable=False))
def test_other_kernels_are_not_called_outer_products(kernel: Array) -> None:
    assert not kernel_facts(kernel[None]).separable


@given(kernels(separable=True), st.data())
def test_one_changed_weight_is_noticed(kernel: Array, data: st.DataObject) -> None:
    changed = kernel.copy()
    changed.flat[data.draw(st.integers(0, kernel.size - 1))] += 0.01 * np.abs(kernel).max()
    assert not kernel_facts(changed[None]).separable


@pytest.mark.parametrize("top", [3e38, 2e38, 1e-38, 1e-44])
def test_nothing_is_claimed_near_the_ends_of_the_range(top: float) -> None:
    kernel = np.array([[1, -0.5], [1, 1]], np.float32) * np.float32(top)
    assert not kernel_facts(kernel[None]).separable


@pytest.mark.parametrize("kernel", [[[1e308 + 1e308j, 1], [0, 5e-324]], [[5e-324j, 0], [0, 5e-324]]])
def test_extreme_complex_weights_raise_no_warning(kernel: Any) -> None:
    assert not kernel_facts(np.array([kernel])).separable


def test_one_axis_has_no_factors() -> None:
    assert not kernel_facts(np.ones((1, 5))).separable


def test_a_stack_is_separable_only_if_every_kernel_is() -> None:
    yes, no = np.ones((3, 3)), np.eye(3)
    assert kernel_facts(np.stack([yes, 2 * yes])).separable
    assert not kernel_facts(np.stack([yes, no])).separable


def test_zero_kernels_have_no_factors() -> None:
    assert not kernel_facts(np.zeros((1, 3, 3))).separable


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_noticed(value: float) -> None:
    facts = kernel_facts(np.array([[[1.0, value], [1.0, 1.0]]]))
    assert not facts.finite
    assert not facts.separable


@pytest.mark.parametrize("dtype", ["float64", "int64", "object"])
def test_an_empty_stack_has_facts_too(dtype: str) -> None:
    facts = kernel_facts(np.empty((0, 3, 3), dtype))
    assert facts.finite
    assert not facts.separable


def test_integers_and_objects_are_not_factored() -> None:
    assert not kernel_facts(np.ones((1, 3, 3), np.int64)).separable
    assert not kernel_facts(np.ones((1, 3, 3), object)).separable


@given(
    st.lists(st.lists(st.integers(-20, 20), min_size=2, max_size=5), min_size=2, max_size=3),
    st.integers(1, 9),
    st.integers(-9, 9),
    st.sampled_from(["float32", "float64"]),
)
def test_factors_of_whole_numbers_are_whole_and_exact(
    lines: list[list[int]], share: int, power: int, dtype: str
) -> None:
    kernel = (reduce(np.multiply.outer, lines) * share * 2.0**power).astype(dtype)
    factors = outer_factors(kernel)
    if factors is None:
        assert not kernel.any()
        return
    assert (outer(factors) == kernel).all()
    assert all((line == np.rint(line)).all() for line in (factors[0] / 2.0**power, *factors[1:]))


@given(st.integers(0, 9999), st.sampled_from(["float32", "float64"]))
def test_separable_sums_of_whole_samples_are_exact(seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    kernel = np.outer(rng.integers(-9, 10, 7), rng.integers(1, 10, 5)).astype(dtype)
    assume(kernel.any())
    x = rng.integers(0, 256, (9, 12))
    got = ft.convolve(x.astype(dtype), kernel, method="separable")
    assert (got == ft.convolve(x, kernel.astype(np.int64))).all()
