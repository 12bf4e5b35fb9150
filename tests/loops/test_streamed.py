"""Results that are stored past the caches: the same bits, in aligned places and others, and nothing outside."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

import faltung as ft
from faltung import door
from faltung.jit import compiler
from faltung.spec import Array

SIZES = (1, 16, 33, 64, 128, 200)


@contextmanager
def everything_streamed(*, checked: bool) -> Iterator[None]:
    """Small results too."""
    limit = compiler.STREAMED
    door.forget_plans()
    compiler.STREAMED = 0
    try:
        with compiler.checking() if checked else nullcontext():
            yield
    finally:
        compiler.STREAMED = limit
        door.forget_plans()


def _room(shape: tuple[int, ...], dtype: np.dtype, offset: int) -> Array:
    """Memory that begins `offset` elements behind a multiple of 64 bytes, between walls of 77."""
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.full((size + 256) // dtype.itemsize, 77, dtype)
    first = (-memory.ctypes.data % 64) // dtype.itemsize + 16 + offset
    return memory[first : first + size // dtype.itemsize].reshape(shape)


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("method", ["direct", "separable"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_streamed_results_have_the_same_bits(dtype: type, method: str, checked: bool) -> None:
    item = np.dtype(dtype)
    rng = np.random.default_rng(0)
    kernel = np.outer(rng.random(3), rng.random(5)).astype(item)
    # compiling checked loops is slow: one size of planes in each direction is enough for them
    shapes = list(itertools.product(SIZES[3:] if checked else SIZES, SIZES[3:] if checked else SIZES))
    xs = [rng.standard_normal(shape).astype(item) for shape in shapes]
    options = {"method": method, "mode": "same", "boundary": "reflect", "workers": 2}
    plain = [ft.correlate(x, kernel, **options) for x in xs]
    with everything_streamed(checked=checked):
        for x, right in zip(xs, plain, strict=True):
            np.testing.assert_array_equal(ft.correlate(x, kernel, **options), right, err_msg=str(x.shape))
            for offset in (0, 1, 4):
                out = _room(x.shape, item, offset)
                ft.correlate(x, kernel, out=out, **options)
                np.testing.assert_array_equal(out, right, err_msg=f"{x.shape}, {offset} elements off")
                walls = np.asarray(out.base)
                assert (walls == 77).sum() == walls.size - out.size


def test_a_large_result_begins_where_a_vector_does() -> None:
    y = ft.correlate(np.ones((1536, 1536), np.float32), np.ones((3, 3), np.float32), mode="same")
    assert y.nbytes >= compiler.STREAMED
    assert y.ctypes.data % compiler.ALIGNMENT == 0
    assert y[1:-1, 1:-1].min() == y[1:-1, 1:-1].max() == 9
    assert y.flags.writeable
    assert y.flags.c_contiguous
