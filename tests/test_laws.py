"""What convolution obeys, whatever the numbers; each law holds for every method that serves."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung.algorithms import ALGORITHMS
from faltung.algorithms.gather import gather
from faltung.spec import Array
from strategies import layout, methods_for, poisoned

METHODS = methods_for("float64")
EACH_METHOD = pytest.mark.parametrize("method", METHODS)
FEW = settings(max_examples=max(5, settings().max_examples // 4))
seeds = st.integers(0, 9999)
dtypes = st.sampled_from(["float32", "float64", "complex128"])
REPEATING = st.sampled_from(["edge", "symmetric", "reflect", "wrap"])


def numbers(seed: int, *shape: int, dtype: str = "float64") -> Array:
    """Random numbers whose sizes are within a factor of three, so that no window is small."""
    rng = np.random.default_rng((seed, *shape))
    size = rng.uniform(0.5, 1.5, shape)
    if dtype.startswith("complex"):
        return (size * np.exp(2j * np.pi * rng.random(shape))).astype(dtype)
    return (size * rng.choice([-1, 1], shape)).astype(dtype)


def outer(seed: int, *shape: int, dtype: str = "float64") -> Array:
    """A kernel that every method serves: an outer product of two vectors."""
    down, across = shape
    return np.multiply.outer(numbers(seed, down, dtype=dtype), numbers(seed + 1, across, dtype=dtype))


def using(method: str, call: Callable[..., Array] = ft.convolve) -> Callable[..., Array]:
    """The call by one method, without the promise on errors, which would make some refuse."""
    return lambda x, kernel, **options: call(x, kernel, method=method, rtol=np.inf, **options)


def assert_equal_but_rounding(one: Array, other: Array, *arrays: Array) -> None:
    """Equal to within the rounding of sums of products of these arrays."""
    dtype = np.result_type(*arrays)
    eps = np.finfo(dtype).eps
    scale = np.prod([np.sqrt((np.abs(a) ** 2).sum()) for a in arrays])
    np.testing.assert_allclose(one, other, rtol=0, atol=32 * eps * scale)


@EACH_METHOD
@FEW
@given(seed=seeds, dtype=dtypes)
def test_linear_in_x(method: str, seed: int, dtype: str) -> None:
    call = using(method)
    a, b, kernel = numbers(seed, 9, 11, dtype=dtype), numbers(seed + 1, 9, 11, dtype=dtype), outer(seed, 4, 3)
    kernel = kernel.astype(dtype)
    together = call(2 * a - 3 * b, kernel, boundary="reflect")
    apart = 2 * call(a, kernel, boundary="reflect") - 3 * call(b, kernel, boundary="reflect")
    assert_equal_but_rounding(together, apart, a, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, dtype=dtypes)
def test_linear_in_the_kernel(method: str, seed: int, dtype: str) -> None:
    call = using(method)
    x, a = numbers(seed, 9, 11, dtype=dtype), outer(seed, 4, 3, dtype=dtype)
    assert_equal_but_rounding(call(x, 3 * a), 3 * call(x, a), x, a)
    b = numbers(seed, 4, 3, dtype=dtype)
    assert_equal_but_rounding(ft.convolve(x, a + b), ft.convolve(x, a) + ft.convolve(x, b), x, a)


@EACH_METHOD
@FEW
@given(seed=seeds, by=st.tuples(st.integers(-5, 5), st.integers(-5, 5)))
def test_turning_x_round_turns_a_wrapped_result(method: str, seed: int, by: tuple[int, int]) -> None:
    call = using(method)
    x, kernel = numbers(seed, 8, 9), outer(seed, 3, 4)
    rolled = call(np.roll(x, by, (0, 1)), kernel, mode="same", boundary="wrap")
    result = np.roll(call(x, kernel, mode="same", boundary="wrap"), by, (0, 1))
    assert_equal_but_rounding(rolled, result, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, late=st.integers(0, 7))
def test_a_delta_moves_x_to_where_it_stands(method: str, seed: int, late: int) -> None:
    x, delta = numbers(seed, 6, 7), np.zeros((1, late + 1))
    delta[0, late] = 1
    result = using(method)(x, delta)
    assert_equal_but_rounding(result[:, late:], x, x)
    assert_equal_but_rounding(result[:, :late], np.zeros((6, late)), x)


@EACH_METHOD
@FEW
@given(seed=seeds, dtype=dtypes)
def test_full_convolution_commutes(method: str, seed: int, dtype: str) -> None:
    call = using(method)
    a, b = outer(seed, 7, 5, dtype=dtype), outer(seed + 7, 3, 8, dtype=dtype)
    assert_equal_but_rounding(call(a, b), call(b, a), a, b)


@FEW
@given(seed=seeds)
def test_convolution_is_associative(seed: int) -> None:
    a, b, c = numbers(seed, 12), numbers(seed + 1, 5), numbers(seed + 2, 4)
    assert_equal_but_rounding(ft.convolve(ft.convolve(a, b), c), ft.convolve(a, ft.convolve(b, c)), a, b, c)


@EACH_METHOD
@FEW
@given(seed=seeds, dtype=dtypes)
def test_correlation_is_the_adjoint_of_convolution(method: str, seed: int, dtype: str) -> None:
    x, kernel = numbers(seed, 7, 6, dtype=dtype), outer(seed, 3, 4, dtype=dtype)
    y = numbers(seed + 1, 9, 9, dtype=dtype)
    forth = np.vdot(using(method)(x, kernel), y)
    back = np.vdot(x, using(method, ft.correlate)(y, kernel, mode="valid"))
    assert_equal_but_rounding(forth, back, x, kernel, y)


@EACH_METHOD
@FEW
@given(seed=seeds, boundary=st.tuples(REPEATING, REPEATING))
def test_reversing_both_reverses_the_result(method: str, seed: int, boundary: tuple[str, str]) -> None:
    call = using(method)
    x, kernel = numbers(seed, 6, 7), outer(seed, 3, 4)
    swapped = call(x[::-1, ::-1], kernel[::-1, ::-1], boundary=boundary[::-1])
    assert_equal_but_rounding(swapped, call(x, kernel, boundary=boundary)[::-1, ::-1], x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, cut=st.integers(1, 19))
def test_parts_that_overlap_join_to_the_whole(method: str, seed: int, cut: int) -> None:
    call = using(method)
    x, kernel = numbers(seed, 20, 6), outer(seed, 4, 3)
    whole = call(x, kernel, mode="valid")
    joined = [call(part, kernel, mode="valid") for part in (x[: cut + 3], x[cut:]) if len(part) > 3]
    assert_equal_but_rounding(np.concatenate(joined), whole, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, cut=st.integers(1, 19))
def test_full_results_of_parts_add_up_to_the_whole(method: str, seed: int, cut: int) -> None:
    call = using(method)
    x, kernel = numbers(seed, 20, 6), outer(seed, 4, 3)
    total = np.zeros((23, 8))
    total[: cut + 3] += call(x[:cut], kernel)
    total[cut:] += call(x[cut:], kernel)
    assert_equal_but_rounding(total, call(x, kernel), x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, stride=st.tuples(st.integers(1, 5), st.integers(1, 5)), mode=st.sampled_from(["full", "same"]))
def test_a_stride_keeps_every_so_many_th_of_the_dense_result(
    method: str, seed: int, stride: tuple[int, int], mode: Any
) -> None:
    call = using(method)
    x, kernel = numbers(seed, 13, 11), outer(seed, 4, 3)
    dense = call(x, kernel, mode=mode, boundary="edge")[:: stride[0], :: stride[1]]
    assert_equal_but_rounding(call(x, kernel, mode=mode, boundary="edge", stride=stride), dense, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, dilation=st.tuples(st.integers(1, 4), st.integers(1, 4)), mode=st.sampled_from(["full", "same"]))
def test_a_dilation_is_a_kernel_with_zeros_in_between(
    method: str, seed: int, dilation: tuple[int, int], mode: Any
) -> None:
    call = using(method)
    x, kernel = numbers(seed, 13, 11), outer(seed, 4, 3)
    spread = np.zeros([(n - 1) * d + 1 for n, d in zip(kernel.shape, dilation, strict=True)])
    spread[:: dilation[0], :: dilation[1]] = kernel
    one = call(x, kernel, mode=mode, boundary="symmetric", dilation=dilation)
    assert_equal_but_rounding(one, call(x, spread, mode=mode, boundary="symmetric"), x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, kernel_shape=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_padding_says_the_modes_in_numbers(method: str, seed: int, kernel_shape: tuple[int, int]) -> None:
    call = using(method)
    x, kernel = numbers(seed, 6, 7), outer(seed, *kernel_shape)
    reach = [(n - 1, n - 1) for n in kernel_shape]
    centred = [(n // 2, (n - 1) // 2) for n in kernel_shape]
    for mode, padding in (("full", reach), ("same", centred), ("valid", 0)):
        by_mode = call(x, kernel, mode=mode, boundary="wrap")
        assert_equal_but_rounding(call(x, kernel, padding=padding, boundary="wrap"), by_mode, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, boundary=REPEATING)
def test_a_boundary_is_padding_by_hand(method: str, seed: int, boundary: Any) -> None:
    call = using(method)
    x, kernel = numbers(seed, 3, 4), outer(seed, 6, 7)
    by_hand = call(np.pad(x, ((5, 5), (6, 6)), mode=boundary), kernel, mode="valid")
    assert_equal_but_rounding(call(x, kernel, boundary=boundary), by_hand, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, order=st.permutations([0, 1, 2]))
def test_moving_the_axes_of_x_moves_those_of_the_result(method: str, seed: int, order: list[int]) -> None:
    call = using(method)
    x, kernel = numbers(seed, 4, 6, 7), outer(seed, 2, 3)
    wanted = call(x, kernel, axes=(1, 2)).transpose(order)
    moved = call(x.transpose(order), kernel, axes=(order.index(1), order.index(2)))
    assert_equal_but_rounding(moved, wanted, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds)
def test_correlation_is_convolution_with_the_flipped_conjugate(method: str, seed: int) -> None:
    x, kernel = numbers(seed, 6, 7, dtype="complex128"), outer(seed, 3, 4, dtype="complex128")
    one, other = using(method, ft.correlate)(x, kernel), using(method)(x, kernel[::-1, ::-1].conj())
    assert_equal_but_rounding(one, other, x, kernel)


@EACH_METHOD
@FEW
@given(seed=seeds, rules=st.permutations(["zero", ("edge", "wrap")]))
def test_naming_the_axes_in_another_order_changes_nothing(method: str, seed: int, rules: list[Any]) -> None:
    x, kernel = numbers(seed, 5, 6), outer(seed, 3, 2)
    there = using(method)(x, kernel, axes=(0, 1), boundary=rules, stride=(2, 1))
    back = using(method)(x, kernel.T, axes=(1, 0), boundary=rules[::-1], stride=(1, 2))
    np.testing.assert_array_equal(there, back)


# what is not finite


@EACH_METHOD
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@FEW
@given(
    dtype=st.sampled_from(["float32", "float64", "complex64"]),
    boundary=st.sampled_from(["zero", "wrap", "symmetric", "ignore"]),
    where=st.tuples(st.integers(0, 39), st.integers(0, 49)),
)
def test_what_is_not_finite_touches_the_outputs_whose_window_holds_it(
    method: str, odd: float, dtype: str, boundary: Any, where: tuple[int, int]
) -> None:
    x, kernel = numbers(1, 40, 50, dtype=dtype), outer(2, 5, 4, dtype=dtype)
    x[where] = odd
    spot = np.zeros(x.shape, int)
    spot[where] = 1
    holds = ft.convolve(spot, np.ones((5, 4), int), boundary="zero" if boundary == "ignore" else boundary)
    y = ft.convolve(x, kernel, boundary=boundary, method=method, rtol=np.inf)
    np.testing.assert_array_equal(~np.isfinite(y), holds > 0)
    if dtype != "complex64":
        # where a boundary shows an infinity twice, it may meet itself with the other sign
        once = holds == 1
        np.testing.assert_array_equal(np.isnan(y[once]), np.isnan(odd))
    clean = x.copy()
    clean[where] = 1
    far = holds == 0
    np.testing.assert_allclose(y[far], ft.convolve(clean, kernel, boundary=boundary)[far], rtol=1e-3, atol=1e-4)


@EACH_METHOD
def test_infinity_times_a_weight_of_zero_is_nan(method: str) -> None:
    x, kernel = np.ones((9, 9)), np.outer([1.0, 2.0], [1.0, 0.0, 1.0])
    x[4, 4] = np.inf
    y = ft.convolve(x, kernel, method=method, rtol=np.inf)
    assert np.isnan(y[4:6, 5]).all()
    assert np.isinf(y[4:6, [4, 6]]).all()
    assert np.isfinite(y).sum() == y.size - 6


@EACH_METHOD
def test_opposite_infinities_meet_in_nan(method: str) -> None:
    x = np.ones((9, 9))
    x[4, 4], x[4, 5], x[6, 4] = np.inf, -np.inf, np.inf
    y = ft.convolve(x, np.ones((2, 2)), mode="valid", method=method, rtol=np.inf)
    assert np.isnan(y[3:5, 4]).all()
    assert np.isnan(y).sum() == 2
    assert (y[3:5, 3] == np.inf).all()
    assert (y[3:5, 5] == -np.inf).all()


def test_a_nan_in_the_kernel_reaches_every_output() -> None:
    kernel = np.ones((3, 3))
    kernel[0, 0] = np.nan
    for boundary in ("zero", "ignore", "wrap"):
        assert np.isnan(ft.correlate(np.ones((9, 9)), kernel, mode="same", boundary=boundary)).all()


# bit for bit


def batches(dtype: str) -> tuple[Array, Array]:
    return numbers(5, 7, 90, 110, dtype=dtype), outer(6, 9, 12, dtype=dtype)


@EACH_METHOD
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_threads_do_not_change_a_bit(method: str, dtype: str) -> None:
    x, kernel = batches(dtype)
    plan = ft.plan(x, kernel, axes=(1, 2), method=method, rtol=np.inf)
    one = plan(x, workers=1)
    for workers in (2, 3, 8, None):
        np.testing.assert_array_equal(plan(x, workers=workers), one)


@EACH_METHOD
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("boundary", ["zero", "reflect", "ignore"])
def test_the_place_in_a_batch_does_not_change_a_bit(method: str, dtype: str, boundary: Any) -> None:
    x, kernel = batches(dtype)
    call = using(method)
    together = call(x, kernel, axes=(1, 2), boundary=boundary)
    for i, one in enumerate(x):
        np.testing.assert_array_equal(call(one, kernel, boundary=boundary), together[i])


@pytest.mark.parametrize("method", [method for method in METHODS if method != "separable"])
def test_the_place_in_a_batch_of_lines_does_not_change_a_bit(method: str) -> None:
    x, kernel = numbers(5, 5, 3000, dtype="float32"), numbers(6, 70, dtype="float32")
    call = using(method)
    together = call(x, kernel, axes=1)
    for i, one in enumerate(x):
        np.testing.assert_array_equal(call(one, kernel), together[i])


# auto may find another algorithm cheaper for many than for one
@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("shapes", [((2, 3), (1, 3)), ((1, 3), (2, 3)), ((2, 1), (1, 3)), ((2, 3), (2, 1))])
@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"boundary": "ignore", "mode": "same"}])
def test_a_batch_of_kernels_is_one_call_for_each_bit_for_bit(
    method: str, dtype: str, shapes: tuple[tuple[int, int], tuple[int, int]], options: dict[str, Any]
) -> None:
    """Depthwise kernels, banks of kernels, and both."""
    (of_x, of_kernel), call = shapes, using(method)
    x = numbers(7, *of_x, 70, 90, dtype=dtype)
    kernels = np.array([outer(8 + i, 5, 9, dtype=dtype) for i in range(np.prod(of_kernel))]).reshape(*of_kernel, 5, 9)
    together = call(x, kernels, axes=(2, 3), **options)
    xs, each = np.broadcast_to(x, (2, 3, 70, 90)), np.broadcast_to(kernels, (2, 3, 5, 9))
    for place in np.ndindex(2, 3):
        np.testing.assert_array_equal(together[place], call(xs[place], each[place], **options))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("method", "boundary"),
    [(m, b) for m in METHODS for b in ("zero", "reflect", ["edge", "wrap"])]
    # separable refuses a value other than 0 outside
    + [(m, ("constant", 2.0)) for m in METHODS if m != "separable"],
)
def test_parts_make_the_whole_bit_for_bit(method: str, boundary: Any, stride: int) -> None:
    """Cut where the algorithm allows it, and given the samples that its windows read, a part is as in the whole."""
    x, kernel = numbers(9, 700, 500, dtype="float32"), outer(9, 21, 17, dtype="float32")
    plan = ft.plan(x, kernel, mode="same", boundary=boundary, stride=stride, method=method, rtol=np.inf)
    whole, spec = plan(x), plan.spec
    algorithm = next(a for a in ALGORITHMS if a.name == plan.method)
    cuts = []
    for grain, axis in zip(algorithm.grain(spec), spec.axes, strict=True):
        middle = min(max(1, axis.num_out // 2 // grain) * grain, axis.num_out)
        cuts.append([(0, middle), (middle, axis.num_out)] if middle < axis.num_out else [(0, middle)])
    assert len(cuts[0]) == 2
    for down, across in itertools.product(*cuts):
        starts, stops = zip(down, across, strict=True)
        part = spec.part(starts, stops)
        firsts = [start * stride for start in starts]
        lasts = [first + axis.size for first, axis in zip(firsts, part.axes, strict=True)]
        padded = gather(x[None], spec.axes, firsts, lasts, spec.item)
        routine = algorithm.build(part)
        out = np.empty((1, *part.out_sizes), np.float32)
        routine.run(np.ascontiguousarray(padded), routine.load(plan._kernels), out, 1)
        np.testing.assert_array_equal(out[0], whole[slice(*down), slice(*across)])


@EACH_METHOD
@pytest.mark.parametrize("way", ["C", "F", "reversed", "strided", "unaligned", "swapped", "read-only"])
def test_where_x_lies_in_memory_does_not_change_a_bit(method: str, way: str) -> None:
    x, kernel = batches("float32")
    call = using(method)
    wanted = call(x, kernel, axes=(1, 2))
    np.testing.assert_array_equal(call(layout(x, way), layout(kernel, way), axes=(1, 2)), wanted)


@EACH_METHOD
@pytest.mark.parametrize("way", ["C", "F", "reversed", "strided", "unaligned"])
def test_where_out_lies_in_memory_does_not_change_a_bit(method: str, way: str) -> None:
    x, kernel = batches("float32")
    call = using(method)
    wanted = call(x, kernel, axes=(1, 2))
    out = layout(poisoned(wanted.shape, wanted.dtype), way)
    assert call(x, kernel, axes=(1, 2), out=out) is out
    np.testing.assert_array_equal(out, wanted)


@EACH_METHOD
def test_calls_before_do_not_change_a_bit(method: str) -> None:
    x, kernel = batches("float32")
    call = using(method)
    before = call(x, kernel, axes=(1, 2))
    call(x[0, :50], kernel[:3])
    call(np.full_like(x, np.nan), kernel, axes=(1, 2))
    np.testing.assert_array_equal(call(x, kernel, axes=(1, 2)), before)
