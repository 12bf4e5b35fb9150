"""What blocks promise of windows holds, and says enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.algorithms.fetch import CompiledFetch, GeneralFetch
from faltung.algorithms.guard import block_side, kernel_size, least_sum, num_held, window_sums
from faltung.algorithms.products import multiply
from faltung.algorithms.tiling import Tiling, Unit
from faltung.reading import make_spec


@given(taps=st.integers(1, 300), start=st.integers(0, 50))
def test_every_window_holds_as_many_whole_blocks_as_is_said(taps: int, start: int) -> None:
    side = block_side(taps)
    # whole blocks within start .. start + taps
    first, behind = -(-start // side), (start + taps) // side
    assert behind - first >= num_held(taps, side) >= 1
    assert num_held(taps, side) * side > taps / 3


@given(seed=st.integers(0, 999), taps=st.tuples(st.integers(1, 20), st.integers(1, 20)), dark=st.booleans())
def test_blocks_never_promise_more_than_the_darkest_window_keeps(seed: int, taps: tuple[int, int], dark: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 1, (60, 70)).astype(np.float32)
    if dark:
        x[:20] = 0
    kernel = rng.uniform(0.5, 1, taps).astype(np.float32)
    spec, kernels = make_spec(x.shape, x.dtype, kernel, flip=False, mode="valid")
    size = kernel_size(kernels[0])
    tiling = Tiling((80, 80), spec.out_sizes, 1)
    unit = Unit(0, 0, 0, (0, 0), spec.out_sizes)
    tiles = np.full((2, 80, 80), np.nan, np.float32)
    ways = [CompiledFetch(spec, tiling), GeneralFetch(spec)]
    measured = [fetch(x, unit, size, tile) for fetch, tile in zip(ways, tiles, strict=True)]
    np.testing.assert_array_equal(tiles[0], tiles[1])
    assert measured[0].norm == pytest.approx(measured[1].norm, rel=1e-4)
    sums = window_sums(x, spec.axes, size)
    right = np.lib.stride_tricks.sliding_window_view(x, taps).sum(axis=(2, 3), dtype=np.float64)
    np.testing.assert_allclose(sums, right, rtol=1e-9, atol=1e-8)
    assert (sums <= right).all()
    truth = float(right.min())
    for one in measured:
        assert not one.holds(truth * 1.001 + 1e-6)
    if not dark:
        # and no less than a fair share of it
        assert measured[0].holds(truth / 30)


@given(seed=st.integers(0, 999), rows=st.integers(1, 5), columns=st.integers(2, 40))
def test_products_of_spectra_and_their_sizes(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal((rows, columns)) + 1j * rng.standard_normal((rows, columns)) for _ in range(2))
    for dtype, rtol in ((np.complex64, 1e-5), (np.complex128, 1e-13)):
        product = a.astype(dtype)
        whole = multiply(product, b.astype(dtype), half=False)
        np.testing.assert_allclose(product, a * b, rtol=0, atol=rtol * 10)
        sizes = np.abs((a * b).real) + np.abs((a * b).imag)
        assert whole == pytest.approx(sizes.sum(), rel=rtol * 10)
        halved = multiply(a.astype(dtype), b.astype(dtype), half=True)
        assert halved == pytest.approx(2 * sizes.sum() - sizes[:, 0].sum() - sizes[:, -1].sum(), rel=rtol * 10)


def test_nothing_is_promised_beyond_the_largest_number() -> None:
    size = kernel_size(np.ones(3))
    assert least_sum(float("inf"), float("inf"), size) == float("inf")
    assert least_sum(float("nan"), float("inf"), size) == float("inf")
    assert least_sum(1.0, float("inf"), size) == 0
    assert least_sum(0.0, 1e-6, size) == 0
    assert least_sum(1e-9, 0.0, size) == float("inf")
    assert least_sum(1e-9, 1e-6, size) == pytest.approx(1e-3)


def test_dilated_windows_are_summed_in_their_order() -> None:
    x = np.random.default_rng(0).random(40)
    spec, kernels = make_spec(x.shape, x.dtype, np.ones(4), flip=False, mode="valid", dilation=3)
    right = [x[i : i + 10 : 3].sum() for i in range(31)]
    np.testing.assert_allclose(window_sums(x, spec.axes, kernel_size(kernels[0])), right, rtol=1e-10)
