"""Long integers by FFT come out to the last bit, or are computed directly."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung.algorithms import exact
from faltung.algorithms.exact import _limbs, error_factor
from faltung.kernel_facts import signed_bits
from faltung.spec import Array

INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def integers(rng: np.random.Generator, shape: Any, dtype: str, look: str) -> Array:
    """All bits used, or all of them at their ends, or small numbers."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    info = np.iinfo(dtype)
    if look == "ends":
        return rng.choice(np.array([info.min, info.max], dtype), shape)
    low, high = (info.min, info.max) if look == "any" else (max(info.min, -5), 5)
    return rng.integers(low, high, shape, dtype, endpoint=True)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 9999),
    dtypes=st.tuples(st.sampled_from(INTEGERS), st.sampled_from(INTEGERS)),
    looks=st.tuples(*[st.sampled_from(("any", "ends", "small"))] * 2),
    sizes=st.tuples(st.integers(1, 3000), st.integers(1, 700)),
    boundary=st.sampled_from(("zero", "reflect", ("constant", 1), ("wrap", "edge"))),
)
def test_every_bit_is_that_of_the_direct_sum(seed: int, dtypes: Any, looks: Any, sizes: Any, boundary: Any) -> None:
    rng = np.random.default_rng(seed)
    x, kernel = (integers(rng, n, dtype, look) for n, dtype, look in zip(sizes, dtypes, looks, strict=True))
    # no 64-bit integers hold such weights beside signed samples
    assume(int(kernel.max()) < 2**63 or x.dtype.kind != "i")
    options = {"overflow": "wrap", "boundary": boundary}
    got = ft.convolve(x, kernel, method="exact", **options)
    np.testing.assert_array_equal(got, ft.convolve(x, kernel, method="direct", **options))


def test_long_16_bit_signals_equal_numpy() -> None:
    rng = np.random.default_rng(0)
    x, kernel = integers(rng, 100_000, "int16", "any"), integers(rng, 5000, "int16", "any")
    assert ft.explain(x, kernel).method == "exact"
    np.testing.assert_array_equal(ft.convolve(x, kernel), np.convolve(x.astype(np.int64), kernel.astype(np.int64)))


def test_the_worst_numbers_of_16_bits_are_cut_finer_and_right() -> None:
    """Every sample at its end: norms are as large as they can be, so one limb cannot be proven and two are taken."""
    x, kernel = np.full(200_000, -(2**15), np.int16), np.full(10_000, -(2**15), np.int16)
    y = ft.convolve(x, kernel, method="exact", mode="valid")
    assert (y == 2**30 * 10_000).all()


def test_pictures_and_stacks_of_kernels() -> None:
    rng = np.random.default_rng(1)
    x, kernels = integers(rng, (3, 150, 170), "uint16", "any"), integers(rng, (3, 40, 31), "int16", "any")
    options = {"axes": (1, 2), "stride": (2, 1), "mode": "same"}
    got = ft.convolve(x, kernels, method="exact", **options)
    np.testing.assert_array_equal(got, ft.convolve(x, kernels, method="direct", **options))


def test_sums_beyond_64_bits_are_an_error_or_pythons_integers() -> None:
    x, kernel = np.full(3000, 2**62), np.full(2000, 3)
    with pytest.raises(ft.IntegerOverflow):
        ft.convolve(x, kernel, method="exact")
    assert ft.convolve(x, kernel, method="exact", dtype=object)[1999] == 2000 * 3 * 2**62
    assert ft.convolve(x, kernel, method="exact", overflow="saturate").max() == np.iinfo(np.int64).max


@given(st.integers(1, 53), st.integers(1, 8), st.integers(0, 999))
def test_limbs_are_short_and_make_the_number_again(bits: int, num_limbs: int, seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(-(2**62), 2**62, 50) >> (62 - min(62, bits * num_limbs - 1))
    limbs = _limbs(numbers, bits, num_limbs)
    total = sum(int(1 << (bits * i)) * limb.astype(np.int64).astype(object) for i, limb in enumerate(limbs))
    assert (total == numbers.astype(object)).all()
    assert all(np.abs(limb).max() <= 2 ** (bits - 1) for limb in limbs[:-1])


def test_bits_are_counted_with_the_sign() -> None:
    assert [signed_bits(np.array([n])) for n in (0, 1, -1, 127, 128, -128, -129)] == [1, 2, 1, 8, 9, 8, 9]
    assert signed_bits(np.array([2**63], np.uint64)) == 64
    assert signed_bits(np.array([], np.int64)) == 1


@pytest.mark.parametrize("log2", [5, 10, 15, 17])
def test_the_proven_error_is_far_above_what_transforms_err(log2: int) -> None:
    num_points = 2**log2
    rng = np.random.default_rng(log2)
    worst = 0.0
    for _ in range(5):
        x, kernel = rng.integers(-(2**10), 2**10, num_points), rng.integers(-(2**10), 2**10, num_points // 2)
        right = ft.convolve(x, kernel, method="direct")
        spectrum = np.fft.rfft(x) * np.fft.rfft(kernel, num_points)
        got = np.fft.irfft(spectrum, num_points)
        # circular: only the samples behind the kernel are those of the plain convolution
        there = slice(num_points // 2, num_points)
        error = np.abs(got[there] - right[there]).max()
        worst = max(worst, error / (np.linalg.norm(x) * np.linalg.norm(kernel)))
    assert 0 < worst < error_factor(num_points) / 4


def test_a_broken_fft_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that are not near integers are not rounded: the tile is summed directly."""
    rng = np.random.default_rng(2)
    x, kernel = rng.integers(0, 999, 5000), rng.integers(0, 999, 300)
    plan = ft.plan(x, kernel, method="exact")
    routine: Any = plan._routine
    engine = routine._engine

    class Broken:
        def forward(self, tile: Array, num_axes: int) -> Array:
            return engine.forward(tile, num_axes) * 1.001

        def backward(self, spectrum: Array, tile: Array, num_axes: int) -> Array:
            return engine.backward(spectrum, tile, num_axes)

    monkeypatch.setattr(routine, "_engine", Broken())
    np.testing.assert_array_equal(plan(x), np.convolve(x, kernel))


def test_floats_and_objects_are_refused_with_the_reason() -> None:
    with pytest.raises(ft.MethodError, match="floats are rounded anyway"):
        ft.convolve([1.0], [1.0], method="exact")
    with pytest.raises(ft.MethodError, match="no end"):
        ft.convolve(np.array([1], object), [1], method="exact")
    assert exact.name in ft.methods()
