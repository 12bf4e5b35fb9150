"""The correctness grid in checked mode: no compiled loop strays, and the tests in it change no bit.

Compiling a checked loop takes some 0.2 s, running it next to nothing: the quick tests vary sizes freely and loops
sparingly; those marked slow take the whole grid, and stacks of kernels among the quick ones use the table of pairs.
"""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import faltung as ft
from faltung import door
from faltung.jit import compiler
from faltung.jit.compiler import checking
from faltung.spec import Array
from strategies import Case, cases, check

SIZES = (1, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 100, 300)
BOUNDARIES: tuple[Any, ...] = ("zero", "edge", "symmetric", "reflect", "wrap", ("constant", 3), ("wrap", "zero"))
DTYPES = {
    "float32": ("float32", "float32"),
    "float64": ("float64", "float64"),
    "int64": ("int64", "int64"),
    "uint8 to float32": ("uint8", "float32"),
}
dtypes = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())


def values(shape: tuple[int, ...], dtype: str) -> Array:
    """Random numbers, whole where the dtype is."""
    rng = np.random.default_rng(sum(shape))
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 99, shape).astype(dtype)


def assert_same_when_checked(calls: list[tuple[Array, Array, dict[str, Any]]]) -> None:
    """Run all calls plainly and in checked mode."""
    plain = [ft.convolve(x, kernel, **options) for x, kernel, options in calls]
    door.forget_plans()
    try:
        with checking():
            checked = [ft.convolve(x, kernel, **options) for x, kernel, options in calls]
    finally:
        # their pointers have limits, which the plain loops do not take
        door.forget_plans()
    assert any(key[1] for key in compiler._loaded)
    for call, got, right in zip(calls, checked, plain, strict=True):
        x, kernel, options = call
        np.testing.assert_array_equal(got, right, err_msg=f"{x.dtype}{x.shape} * {kernel.shape} {options}")


# lines


@pytest.mark.parametrize(
    ("taps", "name"), [(1, "float32"), (2, "float64"), (3, "uint8 to float32"), (8, "int64"), (300, "float32")]
)
def test_lines_of_all_sizes(taps: int, name: str) -> None:
    """300 taps are longer than all lines but one, and summed in pieces."""
    dtype = DTYPES[name]
    kernel = values((taps,), dtype[1])
    ways = itertools.cycle(itertools.product(BOUNDARIES, ("same", "full")))
    calls = [
        (values((size,), dtype[0]), kernel, {"method": "direct", "boundary": boundary, "mode": mode})
        for size in SIZES
        for boundary, mode in itertools.islice(ways, 5)
    ]
    calls += [(x, k, {"method": "direct", "mode": "valid"}) for x, k, _ in calls if x.size >= taps]
    assert_same_when_checked(calls)


@dtypes
def test_stacks_of_lines_and_several_workers(dtype: tuple[str, str]) -> None:
    options = {"method": "direct", "axes": -1, "boundary": "symmetric", "workers": 2}
    x, kernel = values((7, 5000), dtype[0]), values((5,), dtype[1])
    assert_same_when_checked(
        [(x, kernel, options), (x, kernel, options | {"stride": 3}), (x[:, ::-1], kernel, options)]
    )


@dtypes
def test_stacks_of_kernels(dtype: tuple[str, str]) -> None:
    """Which entry meets which kernel is read from a table."""
    options = {"method": "direct", "axes": (-2, -1), "mode": "same"}
    x, kernels = values((2, 1, 40, 50), dtype[0]), values((1, 3, 3, 4), dtype[1])
    lines = {"method": "direct", "axes": -1, "boundary": "edge"}
    assert_same_when_checked(
        [
            (x, kernels, options),
            (x[0, 0], values((40, 5), dtype[1]), lines),
            (x[:, 0, 0], values((2, 9), dtype[1]), lines),
        ]
    )


# planes


def planes(
    kernel: Array, dtype: tuple[str, str], method: str, *, every: int = 9
) -> list[tuple[Array, Array, dict[str, Any]]]:
    """One in so many of all pairs of sizes, with changing boundaries."""
    # separable refuses a constant other than 0
    boundaries = [b for b in BOUNDARIES if method != "separable" or b != ("constant", 3)]
    ways = itertools.cycle(itertools.product(boundaries, ("same", "full")))
    pairs = [(a, b) for a in SIZES for b in SIZES if a * b <= 6600 or a == b == 100][::every]
    calls: list[tuple[Array, Array, dict[str, Any]]] = []
    for shape, (boundary, mode) in zip(pairs, ways, strict=False):
        calls.append((values(shape, dtype[0]), kernel, {"method": method, "boundary": boundary, "mode": mode}))
        if all(n >= k for n, k in zip(shape, kernel.shape, strict=True)):
            calls.append((calls[-1][0], kernel, {"method": method, "mode": "valid"}))
    return calls


@pytest.mark.parametrize(
    ("size", "name"), [((3, 3), "float32"), ((2, 2), "uint8 to float32"), ((4, 7), "int64"), ((17, 19), "float64")]
)
def test_planes_of_all_sizes(size: tuple[int, int], name: str) -> None:
    """The largest kernel has more than 256 taps, so it is summed in pieces."""
    dtype = DTYPES[name]
    assert_same_when_checked(planes(values(size, dtype[1]), dtype, "direct"))


@pytest.mark.parametrize(("size", "name"), [((3, 3), "float32"), ((2, 6), "float64"), ((21, 9), "uint8 to float32")])
def test_separable_planes_of_all_sizes(size: tuple[int, int], name: str) -> None:
    dtype = DTYPES[name]
    down, across = (values((n,), "float64") + 3 for n in size)
    kernel = np.outer(down, across).astype(dtype[1])
    assert_same_when_checked(planes(kernel, dtype, "separable"))


@dtypes
def test_stacks_of_planes_and_several_workers(dtype: tuple[str, str]) -> None:
    options = {"method": "direct", "axes": (-2, -1), "boundary": "reflect", "workers": 2}
    x, kernel = values((3, 120, 130), dtype[0]), values((3, 3), dtype[1])
    assert_same_when_checked(
        [(x, kernel, options), (x, kernel, options | {"stride": 2}), (x.transpose(0, 2, 1), kernel, options)]
    )


@pytest.mark.parametrize(("size", "name"), [((3, 3), "float32"), ((7, 2), "float64"), ((21, 9), "uint8 to float32")])
def test_tiles_of_planes_of_all_sizes(size: tuple[int, int], name: str) -> None:
    dtype = DTYPES[name]
    calls = planes(values(size, dtype[1]), dtype, "fft")
    assert_same_when_checked([(x, kernel, options | {"rtol": np.inf}) for x, kernel, options in calls])


@pytest.mark.parametrize(("taps", "name"), [(1, "float32"), (8, "float64"), (40, "uint8 to float32")])
def test_tiles_of_lines_of_all_sizes(taps: int, name: str) -> None:
    dtype = DTYPES[name]
    kernel = values((taps,), dtype[1])
    options = {"method": "fft", "rtol": np.inf}
    assert_same_when_checked(
        [
            (values((size,), dtype[0]), kernel, options | {"boundary": boundary})
            for size in (1, 5, 100, 3000)
            for boundary in BOUNDARIES
        ]
    )


# the whole grid


TAPS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 65, 257, 300)
KERNEL_SIZES = (*((k, k) for k in (1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 17)), (1, 9), (9, 1), (3, 40), (40, 3), (5, 64))


@pytest.mark.slow
@pytest.mark.parametrize("taps", TAPS)
@dtypes
def test_the_whole_grid_of_lines(taps: int, dtype: tuple[str, str]) -> None:
    kernel = values((taps,), dtype[1])
    calls = [
        (values((size,), dtype[0]), kernel, {"method": "direct", "boundary": boundary, "mode": mode})
        for size in SIZES
        for boundary in BOUNDARIES
        for mode in ("same", "full")
    ]
    calls += [(values((n,), dtype[0]), kernel, {"method": "direct", "mode": "valid"}) for n in SIZES if n >= taps]
    assert_same_when_checked(calls)


@pytest.mark.slow
@pytest.mark.parametrize("size", KERNEL_SIZES, ids=str)
@dtypes
def test_the_whole_grid_of_planes(size: tuple[int, int], dtype: tuple[str, str]) -> None:
    assert_same_when_checked(planes(values(size, dtype[1]), dtype, "direct", every=1))


@pytest.mark.slow
@pytest.mark.parametrize("size", KERNEL_SIZES, ids=str)
@pytest.mark.parametrize("name", ["float32", "float64", "uint8 to float32"])
def test_the_whole_grid_of_separable_planes(size: tuple[int, int], name: str) -> None:
    dtype = DTYPES[name]
    down, across = (values((n,), "float64") + 3 for n in size)
    assert_same_when_checked(planes(np.outer(down, across).astype(dtype[1]), dtype, "separable", every=1))


# anything


def _held_when_checked(case: Case, method: str) -> None:
    door.forget_plans()
    try:
        with checking():
            check(case, method, by="oracle")
    finally:
        door.forget_plans()


@settings(max_examples=4)
@given(cases(large=True, dtypes=("float32", "float64", "int64", "uint8")))
def test_any_large_case_by_the_direct_loops(case: Case) -> None:
    _held_when_checked(case, "direct")


@settings(max_examples=4)
@given(cases(large=True, dtypes=("float32", "float64")))
def test_any_large_case_by_the_separable_loops(case: Case) -> None:
    _held_when_checked(case, "separable")
