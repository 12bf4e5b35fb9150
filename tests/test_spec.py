"""The normal form: geometry, batches, dtypes and weights of a call."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.reading import make_spec
from faltung.spec import Array, ConvSpec
from strategies import Case, cases

lengths = st.integers(1, 9)


def spec_of(x_shape: Any, kernel: Any, *, flip: bool = True, x_dtype: Any = np.float64, **options: Any) -> ConvSpec:
    kernel = np.ones(kernel) if isinstance(kernel, tuple) else np.asarray(kernel)
    return make_spec(x_shape, np.dtype(x_dtype), kernel, flip=flip, **options)[0]


def weights_of(kernel: Any, *, flip: bool, x_dtype: Any = np.float64, x_shape: Any = (9,), **options: Any) -> Array:
    return make_spec(x_shape, np.dtype(x_dtype), np.asarray(kernel), flip=flip, **options)[1]


@given(n=lengths, k=lengths, d=st.integers(1, 3))
def test_lengths_of_the_modes(n: int, k: int, d: int) -> None:
    reach = (k - 1) * d + 1
    assert spec_of((n,), (k,), dilation=d).out_shape == (n + reach - 1,)
    assert spec_of((n,), (k,), dilation=d, mode="same").out_shape == (n,)
    assert spec_of((n,), (k,), dilation=d, padding="same").out_shape == (n,)
    if n >= reach:
        assert spec_of((n,), (k,), dilation=d, mode="valid").out_shape == (n - reach + 1,)


@given(n=lengths, k=lengths, s=st.integers(1, 5), before=st.integers(0, 9), after=st.integers(0, 9))
def test_stride_keeps_the_first_of_every_group(n: int, k: int, s: int, before: int, after: int) -> None:
    if n + before + after < k:
        return
    dense = spec_of((n,), (k,), padding=[(before, after)]).out_shape[0]
    assert spec_of((n,), (k,), padding=[(before, after)], stride=s).out_shape == (-(-dense // s),)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_same_starts_at_k_minus_1_half_of_full(k: int) -> None:
    full, same = spec_of((9,), (k,)).axes[0], spec_of((9,), (k,), mode="same").axes[0]
    assert full.before - same.before == (k - 1) // 2


@pytest.mark.parametrize("k", [2, 4])
def test_padding_same_of_an_even_kernel_is_one_sample_off_mode_same(k: int) -> None:
    assert spec_of((9,), (k,), mode="same").axes[0].before == k // 2
    assert spec_of((9,), (k,), padding="same").axes[0].before == (k - 1) // 2


@given(move=st.integers(-20, 20), k=lengths)
def test_origin_moves_the_window_and_keeps_the_length(move: int, k: int) -> None:
    here, there = spec_of((9,), (k,), mode="same").axes[0], spec_of((9,), (k,), mode="same", origin=move).axes[0]
    assert (there.before - here.before, there.after - here.after) == (move, -move)


def test_axes_may_come_in_any_order_and_count_from_the_end() -> None:
    spec = spec_of((5, 6, 7), (2, 3), axes=(-1, 0))
    assert [(a.position, a.size, a.taps) for a in spec.axes] == [(0, 5, 3), (2, 7, 2)]
    assert spec.batch_positions == (1,)
    assert spec.out_shape == (7, 6, 8)


def test_axes_that_are_not_convolved_broadcast_both_ways() -> None:
    assert spec_of((1, 100), (7, 10), axes=1, mode="same").out_shape == (7, 100)
    assert spec_of((4, 1, 9), (1, 3, 2), axes=2).out_shape == (4, 3, 10)


def test_an_empty_batch_makes_an_empty_result() -> None:
    assert spec_of((0, 9), (3,), axes=1).out_shape == (0, 11)
    assert spec_of((1, 9), (0, 3), axes=1).out_shape == (0, 11)


def test_each_batch_entry_of_the_kernel_is_one_set_of_weights() -> None:
    kernel = np.arange(12.0).reshape(2, 2, 3)
    weights = weights_of(kernel, flip=False, x_shape=(2, 2, 9), axes=2)
    np.testing.assert_array_equal(weights, kernel.reshape(4, 3))


@given(cases())
def test_to_canonical_puts_the_batch_first(case: Case) -> None:
    spec, _ = case.spec()
    assert spec.to_canonical(np.empty(spec.x_shape)).shape == (*spec.x_batch, *(a.size for a in spec.axes))
    assert spec.to_canonical(np.empty(spec.out_shape)).shape == (*spec.batch, *spec.out_sizes)
    assert spec.num_outputs == np.empty(spec.out_shape).size


# dtypes

RESULTS = {
    ("bool", "bool"): "int64",
    ("uint8", "uint8"): "uint64",
    ("bool", "uint8"): "uint64",
    ("uint8", "int8"): "int64",
    ("uint64", "int64"): "int64",
    ("int8", "float32"): "float32",
    ("int32", "float32"): "float64",
    ("float16", "float16"): "float16",
    ("float16", "float32"): "float32",
    ("float32", "float64"): "float64",
    ("float32", "complex64"): "complex64",
    ("float64", "complex64"): "complex128",
    ("int64", "object"): "object",
}


@pytest.mark.parametrize(("pair", "wanted"), RESULTS.items(), ids=lambda value: "-".join(value))
def test_dtype_of_the_result(pair: tuple[str, str], wanted: str) -> None:
    for a, b in (pair, pair[::-1]):
        assert spec_of((9,), np.ones(3, a), x_dtype=b).dtype == wanted


def test_half_precision_is_summed_in_float32() -> None:
    assert spec_of((9,), np.ones(3, np.float16), x_dtype=np.float16).item == np.float32


def test_a_wider_result_is_summed_in_its_own_precision() -> None:
    assert spec_of((9,), np.ones(3, np.float32), x_dtype=np.float32, dtype=np.float64).item == np.float64


def test_a_narrower_result_is_rounded_last() -> None:
    assert spec_of((9,), (3,), dtype=np.float32).item == np.float64


def test_integers_stay_exact_whatever_result_is_asked_for() -> None:
    for dtype in ("int8", "uint16", "float32", "bool"):
        assert spec_of((9,), [1, 2], x_dtype=np.int16, dtype=dtype).item == np.int64


def test_weights_that_int64_cannot_hold_are_python_integers() -> None:
    kernel = np.array([2**63 + 1], np.uint64)
    spec, weights = make_spec((9,), np.dtype(np.int8), kernel, flip=True)
    assert spec.item.kind == "O"
    assert weights.tolist() == [[2**63 + 1]]


# weights


def test_convolution_flips_and_correlation_conjugates() -> None:
    kernel = [1, 2 + 1j, 3j]
    assert weights_of(kernel, flip=True).tolist() == [[3j, 2 + 1j, 1]]
    assert weights_of(kernel, flip=False).tolist() == [[1, 2 - 1j, -3j]]


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64", "object"])
def test_weights_are_a_copy_of_the_kernel(flip: bool, dtype: Any) -> None:
    kernel = np.ones(3, dtype)
    weights = weights_of(kernel, flip=flip, x_dtype=dtype)
    kernel[:] = 7
    assert weights.tolist() == [[1, 1, 1]]


@given(cases())
def test_weights_are_contiguous_and_of_the_dtype_of_the_arithmetic(case: Case) -> None:
    spec, weights = case.spec()
    assert weights.flags.c_contiguous
    assert weights.dtype == spec.item
    assert weights.shape[1:] == spec.taps


def test_the_default_bound_grows_with_the_logarithm_of_the_taps() -> None:
    eps = np.finfo(np.float32).eps
    assert spec_of((99,), np.ones(64, np.float32), x_dtype=np.float32).rtol == pytest.approx(16 * eps * 6)
    assert spec_of((99,), np.ones(1, np.float32), x_dtype=np.float32).rtol == pytest.approx(16 * eps)
    assert spec_of((99,), (3,), rtol=0.5).rtol == 0.5


def test_specs_of_equal_calls_are_equal_and_hashable() -> None:
    one, other = spec_of((9,), (3,), mode="same"), spec_of((9,), (3,), padding="same")
    assert one == other
    assert hash(one) == hash(other)
    assert one != spec_of((9,), (3,))
