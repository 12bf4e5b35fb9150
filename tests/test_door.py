"""The public calls: what they keep, what they leave alone, and laws that every method obeys."""

import threading
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import faltung as ft
from faltung import door
from faltung.door import MAX_PLANS, forget_plans
from faltung.planner import Plan

BOTH = pytest.mark.parametrize("call", [ft.convolve, ft.correlate])


@pytest.fixture(autouse=True)
def _no_plans() -> None:
    forget_plans()


# plans that are kept


def test_the_same_words_find_the_same_plan() -> None:
    x, kernel = np.ones(9), np.ones(3)
    assert ft.plan(x, kernel) is ft.plan(x, kernel.copy())
    assert ft.plan(x, kernel, boundary=["edge"]) is ft.plan(x, kernel, boundary=["edge"])
    assert ft.plan(x, kernel, stride=np.array([2])) is ft.plan(x, kernel, stride=np.array([2]))


@pytest.mark.parametrize(
    "other",
    [
        {"flip": False},
        {"mode": "same"},
        {"boundary": "edge"},
        {"boundary": [("edge", "zero")]},
        {"boundary": ("constant", 2)},
        {"stride": 2},
        {"dilation": 2},
        {"padding": 1},
        {"axes": 0},
        {"method": "direct"},
        {"dtype": "float32"},
        {"overflow": "wrap"},
        {"rtol": 0.1},
        {"mode": "same", "origin": 1},
    ],
    ids=str,
)
def test_any_other_word_makes_another_plan(other: dict[str, Any]) -> None:
    x, kernel = np.ones(9), np.arange(3.0)
    assert ft.plan(x, kernel) is not ft.plan(x, kernel, **other)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"stride": 1}, {"stride": 1.0}),
        ({"dilation": (1,)}, {"dilation": (1.0,)}),
        ({"padding": [(1, 2)]}, {"padding": [(1.0, 2)]}),
        ({"boundary": ("constant", 1)}, {"boundary": ("constant", 1 + 0j)}),
    ],
    ids=str,
)
def test_a_wrong_word_is_refused_after_the_right_one_too(right: dict[str, Any], wrong: dict[str, Any]) -> None:
    x, kernel = np.ones(9), np.arange(3.0)
    ft.plan(x, kernel, **right)
    with pytest.raises(ft.ParameterError):
        ft.plan(x, kernel, **wrong)


def test_shape_dtype_and_weights_of_zero_sign_make_other_plans() -> None:
    plans = [
        ft.plan((9,), np.ones(3)),
        ft.plan((8,), np.ones(3)),
        ft.plan((9,), np.ones(3), x_dtype=np.float32),
        ft.plan((9,), np.ones(3, np.float32)),
        ft.plan((9,), -np.ones(3)),
        ft.plan((9,), np.zeros(3)),
        ft.plan((9,), -np.zeros(3)),
    ]
    assert len(set(map(id, plans))) == len(plans)


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64", "object"])
def test_a_kernel_edited_in_place_is_not_served_stale(call: Any, dtype: Any) -> None:
    x, kernel = np.arange(5).astype(dtype), np.ones(2, dtype)
    before = call(x, kernel, mode="same")
    kernel[:] = [0, 7]
    after = call(x, kernel, mode="same")
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(call(x, np.ones(2, dtype), mode="same"), before)
    np.testing.assert_array_equal(call(x, np.array([0, 7], dtype), mode="same"), after)


@pytest.mark.parametrize("flip", [True, False])
def test_a_plan_keeps_the_kernel_it_was_made_with(flip: bool) -> None:
    kernel = np.array([1.0, 2.0])
    plan = ft.plan((4,), kernel, flip=flip)
    before = plan(np.ones(4))
    kernel[:] = 0
    np.testing.assert_array_equal(plan(np.ones(4)), before)


def test_the_number_of_kept_plans_is_bounded() -> None:
    for n in range(1, MAX_PLANS + 10):
        ft.plan((n,), [1.0])
    assert len(door._plans) == MAX_PLANS


def test_one_plan_serves_many_threads() -> None:
    plan = ft.plan((50, 50), np.ones((3, 3)), mode="same")
    fields = [np.full((50, 50), float(i)) for i in range(8)]
    results: dict[int, Any] = {}

    def work(i: int) -> None:
        for _ in range(20):
            results[i] = plan(fields[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, result in results.items():
        np.testing.assert_array_equal(result, plan(fields[i]))


def test_a_plan_takes_what_the_call_takes() -> None:
    plan = ft.plan((3,), [1.0, 1.0])
    assert plan([1.0, 2.0, 3.0]).tolist() == [1, 3, 5, 3]  # type: ignore[arg-type]
    assert isinstance(plan, Plan)
    with pytest.raises(ft.DtypeError, match="masked"):
        plan(np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0]))
    with pytest.raises(ft.ShapeError, match=r"\(3,\), got \(4,\)"):
        plan(np.ones(4))
    with pytest.raises(ft.DtypeError, match="float64, got float32"):
        plan(np.ones(3, np.float32))


def test_a_shape_may_stand_for_data() -> None:
    assert ft.plan((4, 5), np.ones((2, 2), np.float32)).spec.x_dtype == np.float32
    assert ft.plan((4,), [1, 2]).spec.x_dtype == np.float64
    assert ft.plan((4,), [1, 2], x_dtype="uint8").spec.x_dtype == np.uint8
    assert ft.explain((10**6, 10**6), np.ones((3, 3))).spec.out_shape == (10**6 + 2, 10**6 + 2)


# what goes in and what comes out


@BOTH
def test_nothing_that_is_given_is_modified(call: Any) -> None:
    x, kernel = np.arange(12.0).reshape(3, 4), np.arange(4.0).reshape(2, 2)
    kept = x.copy(), kernel.copy()
    for boundary in ("zero", "reflect", "ignore", ("constant", 3.0)):
        call(x, kernel, boundary=boundary, mode="same")
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(kernel, kept[1])


@BOTH
def test_the_result_is_a_new_contiguous_array(call: Any) -> None:
    x = np.asfortranarray(np.ones((4, 5, 6)))
    for options in ({}, {"axes": (2, 0)}, {"axes": 1}, {"mode": "same", "stride": 2}):
        kernel = np.ones((1,) * (1 if options.get("axes") == 1 else 2 if "axes" in options else 3))
        y = call(x, kernel, **options)
        assert y.flags.c_contiguous
        assert y.flags.owndata
        assert y.flags.writeable
        assert not np.shares_memory(y, x)


def test_a_kernel_of_one_still_gives_a_copy() -> None:
    x = np.ones(4)
    y = ft.convolve(x, [1.0])
    y[0] = 7
    assert x[0] == 1


@BOTH
def test_out_is_filled_and_returned(call: Any) -> None:
    x, kernel = np.arange(6.0), np.array([1.0, 2.0])
    wanted = call(x, kernel)
    out = np.full(7, np.nan)
    assert call(x, kernel, out=out) is out
    np.testing.assert_array_equal(out, wanted)


def test_out_may_lie_between_the_samples_of_x() -> None:
    both = np.arange(12.0)
    x, out = both[::2], both[1::2]
    wanted = ft.convolve(x, [1.0, 2.0], mode="same")
    ft.convolve(x, [1.0, 2.0], mode="same", out=out)
    np.testing.assert_array_equal(out, wanted)


def test_out_may_be_the_kernel() -> None:
    kernel = np.array([1.0, 2.0, 3.0])
    wanted = ft.correlate([1.0, 1.0, 1.0], kernel, mode="same")
    ft.correlate([1.0, 1.0, 1.0], kernel, mode="same", out=kernel)
    np.testing.assert_array_equal(kernel, wanted)


@BOTH
def test_lists_tuples_and_arrays_are_the_same_numbers(call: Any) -> None:
    wanted = call(np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0])).tolist()
    assert call([1.0, 2.0, 3.0], [0.5, 1.0]).tolist() == wanted
    assert call((1.0, 2.0, 3.0), (0.5, 1.0)).tolist() == wanted
    assert call([1, 2, 3], [0.5, 1.0]).tolist() == wanted


def test_lists_take_the_dtype_of_x() -> None:
    x = np.ones(4, np.float32)
    assert ft.convolve(x, [0.5, 0.5]).dtype == np.float32
    assert ft.convolve(x, np.array([0.5, 0.5])).dtype == np.float64
    assert ft.convolve(x, [1, 2]).dtype == np.float32


def test_exact_numbers_beyond_64_bits() -> None:
    assert ft.convolve(np.array([2**62 + 1]), [1]).tolist() == [2**62 + 1]
    assert ft.convolve([10**30, 1], [10**30]).tolist() == [10**60, 10**30]
    assert ft.convolve([Fraction(1, 3)], [Fraction(3, 7)]).tolist() == [Fraction(1, 7)]
    assert ft.convolve(np.array([200, 100], np.uint8), np.array([200, 100], np.uint8)).tolist() == [40000, 40000, 10000]


@pytest.mark.parametrize("kernel", [[2**63 + 1], [-(2**63)], [2**40]])
def test_an_integer_that_does_not_fit_is_an_error_until_told_otherwise(kernel: Any) -> None:
    x, k = np.array([2**30, 1], np.int64), np.array(kernel)
    with pytest.raises(ft.IntegerOverflow, match="saturate"):
        ft.convolve(x, k)
    exact = [2**30 * kernel[0], kernel[0]]
    low, high = -(2**63), 2**63 - 1
    assert ft.convolve(x, k, overflow="saturate").tolist() == [min(max(v, low), high) for v in exact]
    assert ft.convolve(x, k, overflow="wrap").tolist() == [(v - low) % 2**64 + low for v in exact]
    assert ft.convolve(x, k, dtype=object).tolist() == exact
    assert ft.convolve(x, k, dtype=float).tolist() == [float(v) for v in exact]


def test_methods_starts_with_auto() -> None:
    assert ft.methods()[0] == "auto"
    assert len(set(ft.methods())) == len(ft.methods())
    for name in ft.methods():
        dtype = int if name == "exact" else float
        x, kernel = np.ones((8, 8), dtype), np.ones((3, 3), dtype)
        assert ft.convolve(x, kernel, method=name, rtol=np.inf).shape == (10, 10)


# demonstrations: each is wrong or fails in a current release of another library


@pytest.mark.parametrize("powers", [np.arange(0, 82, 9), np.arange(82)])
@pytest.mark.parametrize("zeros", [10_000, 300])
def test_small_values_beside_huge_ones_are_right(powers: Any, zeros: int) -> None:
    a = np.concatenate([np.zeros(zeros), 10.0**powers])
    y = ft.convolve(a, a)
    assert (y[: 2 * zeros] == 0).all()
    tail = [10 ** int(p) for p in powers]
    exact = [
        sum(tail[i] * tail[n - i] for i in range(len(tail)) if 0 <= n - i < len(tail)) for n in range(2 * len(tail) - 1)
    ]
    np.testing.assert_allclose(y[2 * zeros :], np.array(exact, float), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_nan_touches_as_many_outputs_as_the_kernel_has_taps(dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal(1000).astype(dtype)
    x[500] = np.nan
    assert np.isnan(ft.convolve(x, np.ones(200, dtype), mode="same")).sum() == 200
    image = np.random.default_rng(0).standard_normal((64, 64)).astype(dtype)
    image[30, 30] = np.nan
    assert np.isnan(ft.convolve(image, np.ones((13, 13), dtype), mode="same")).sum() == 169


def test_an_axis_of_one_broadcasts_against_many_kernels() -> None:
    assert ft.convolve(np.ones((1, 100)), np.ones((7, 10)), mode="same", axes=1).shape == (7, 100)


def test_a_kernel_longer_than_x_reflects_again_and_again() -> None:
    y = ft.convolve([1.0, 2.0, 3.0], np.ones(9), mode="same", boundary="reflect")
    # 3 2 | 1 2 3 2 | 1 ... has period 4 and sum 8
    assert y.tolist() == [17, 18, 19]
