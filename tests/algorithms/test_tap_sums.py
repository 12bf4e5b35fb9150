"""The gradient of depthwise layers by their weights, by its own loop: right, and nothing read or written outside."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.algorithms import tap_sums
from faltung.boundary import AxisBoundary, Side
from faltung.jit import compiler
from faltung.spec import Axis

ZERO = AxisBoundary(Side("zero"), Side("zero"))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Any, list[Axis], int]:
    axes = []
    for i in range(draw(st.integers(1, 2))):
        taps, dilation = draw(st.integers(1, 6)), draw(st.integers(1, 2))
        before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        least = max(1, (taps - 1) * dilation + 1 - before - after)
        axes.append(Axis(i, draw(st.integers(least, least + 40)), taps, 1, dilation, before, after, ZERO))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    per_channel = draw(st.integers(1, 2))
    x = rng.standard_normal((2, 3, *(axis.size for axis in axes))).astype(dtype)
    g = rng.standard_normal((2, 3 * per_channel, *(axis.num_out for axis in axes))).astype(dtype)
    return x, g, axes, draw(st.integers(1, 2))


def _expected(x: Any, g: Any, axes: list[Axis]) -> Any:
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *((axis.before, axis.after) for axis in axes)])
    padded = padded.repeat(g.shape[1] // x.shape[1], axis=1)
    out = np.empty((g.shape[1], *(axis.taps for axis in axes)))
    for tap in np.ndindex(*out.shape[1:]):
        seen = (slice(t * a.dilation, t * a.dilation + a.num_out) for t, a in zip(tap, axes, strict=True))
        out[(slice(None), *tap)] = (padded[(..., *seen)] * g).sum(axis=(0, *range(2, g.ndim)))
    return out


@given(cases())
def test_agrees_with_the_definition(case: tuple[Any, Any, list[Axis], int]) -> None:
    x, g, axes, workers = case
    eps = float(np.finfo(x.dtype).eps)
    got, right = tap_sums.run(x, g, axes, workers), _expected(x, g, axes)
    bound = eps * g[0, 0].size * np.abs(x).max() * np.abs(g).max()
    assert np.abs(got - right).max() <= bound
    np.testing.assert_array_equal(got, tap_sums.run(x, g, axes, 3 - workers))


@settings(max_examples=10)
@given(cases())
def test_stays_inside_its_arrays(case: tuple[Any, Any, list[Axis], int]) -> None:
    x, g, axes, workers = case
    with compiler.checking():
        got = tap_sums.run(x, g, axes, workers)
    np.testing.assert_allclose(got, _expected(x, g, axes), rtol=1e-3, atol=1e-3)


def test_a_nan_touches_only_the_taps_that_see_it() -> None:
    x, g = np.ones((1, 1, 6, 21), np.float32), np.ones((1, 1, 6, 19), np.float32)
    x[0, 0, 2, 20] = np.nan
    axes = [Axis(0, 6, 1, 1, 1, 0, 0, ZERO), Axis(1, 21, 3, 1, 1, 0, 0, ZERO)]
    assert tap_sums.run(x, g, axes, 1)[0, 0].tolist() == pytest.approx([114, 114, np.nan], nan_ok=True)


def test_tall_planes_lose_no_digits() -> None:
    x = g = np.full((1, 1, 4096, 64), 0.1, np.float32)
    axes = [Axis(0, 4096, 1, 1, 1, 0, 0, ZERO), Axis(1, 64, 1, 1, 1, 0, 0, ZERO)]
    assert tap_sums.run(x, g, axes, 1).item() == pytest.approx(float(np.float32(0.1)) ** 2 * x.size, rel=1e-6)
