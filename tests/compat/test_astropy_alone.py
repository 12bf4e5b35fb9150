"""What holds of `faltung.compat.astropy` without astropy, which need not be installed."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.compat import astropy as compat

VERBS = (compat.convolve, compat.convolve_fft)
SEEDS = st.integers(0, 2**32)

WITHOUT = """
import json, sys, warnings
sys.modules["astropy"] = None
from faltung.compat import astropy as compat
caught = []
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    found = compat.convolve([1, float("nan"), 3], [1, 1, 1]), compat.convolve_fft([1, float("nan"), 3], [1, 1, 1])
    compat.convolve_fft([1, 2, 3], [1, 1, 1], boundary=None)
    compat.convolve([float("nan")] * 3, [1])
try:
    compat.convolve([1, 2], [1, 2])
except Exception as error:
    caught.append(type(error).__name__)
print(json.dumps([[list(a) for a in found], [w.category.__name__ for w in warned], caught]))
"""


def holed(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A plane with gaps, and weights of 0 and more."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rng.integers(4, 12, 2))
    x[rng.random(x.shape) < rng.random()] = np.nan
    return x, rng.random(rng.integers(0, 2, 2) * 2 + 1) + 0.01


def test_works_where_astropy_is_not_installed() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[[0.5, 2.0, 1.5]] * 2, ["UserWarning"] * 2, ["ShapeError"]]


def test_warnings_point_at_the_caller() -> None:
    calls: list[Any] = [
        lambda: compat.convolve([np.nan], [1]),
        lambda: compat.convolve_fft([1.0], [1], boundary=None),
        lambda: compat.convolve_fft([1.0], [1], psf_pad=False),
    ]
    for call in calls:
        with pytest.warns(UserWarning, match="post convolution|boundary") as caught:
            call()
        assert caught[0].filename == __file__


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("boundary", ["fill", "wrap"])
@given(SEEDS, st.floats(1e-3, 1e6))
def test_what_is_constant_stays_so_across_gaps(verb: Any, boundary: str, seed: int, level: float) -> None:
    x, kernel = holed(seed)
    x[~np.isnan(x)] = level
    x[0, 0] = level
    wide = np.ones([2 * n + 1 for n in x.shape])
    np.testing.assert_allclose(verb(x, wide, boundary=boundary, fill_value=np.nan), np.full(x.shape, level), rtol=1e-12)
    y = verb(x, kernel, boundary=boundary, fill_value=np.nan, preserve_nan=True)
    np.testing.assert_allclose(y[~np.isnan(x)], level, rtol=1e-12)


@pytest.mark.parametrize("boundary", ["fill", "wrap"])
@pytest.mark.parametrize("fill_value", [0.0, -1.5, np.nan])
@given(SEEDS)
def test_both_verbs_say_the_same_where_a_weight_meets_a_sample(boundary: str, fill_value: float, seed: int) -> None:
    x, kernel = holed(seed)
    x[0, 0] = 1
    options = {"boundary": boundary, "fill_value": fill_value, "normalize_kernel": False}
    wide = np.pad(kernel, [(n, n) for n in x.shape], constant_values=0.5)
    np.testing.assert_allclose(
        compat.convolve(x, wide, **options), compat.convolve_fft(x, wide, **options), rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize("verb", VERBS)
@given(SEEDS)
def test_without_gaps_it_is_the_engines_convolution(verb: Any, seed: int) -> None:
    x, kernel = holed(seed)
    x = np.nan_to_num(x)
    raw = ft.convolve(x, kernel, mode="same")
    np.testing.assert_array_equal(verb(x, kernel, normalize_kernel=False), raw)
    np.testing.assert_array_equal(verb(x, kernel), raw / kernel.sum())


@pytest.mark.parametrize("verb", VERBS)
@given(SEEDS)
def test_an_unnormalised_result_is_the_normalised_times_the_sum(verb: Any, seed: int) -> None:
    x, kernel = holed(seed)
    options = {"fill_value": np.nan, "preserve_nan": True}
    normalised = verb(x, kernel, **options)
    np.testing.assert_allclose(
        verb(x, kernel, normalize_kernel=False, **options), normalised * kernel.sum(), rtol=1e-13
    )


@pytest.mark.parametrize("verb", VERBS)
@given(SEEDS)
def test_a_kernel_of_mixed_signs_interpolates_by_its_signed_sum(verb: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=30)
    x[rng.random(30) < 0.3] = np.nan
    # one weight outweighs the others, so that no sum of those that meet a sample is near 0 where it does
    kernel = np.array([-0.25, 0.5, 4, -0.5, -0.125])
    there = ~np.isnan(x)
    top = np.convolve(np.where(there, x, 0), kernel, "same")
    met = np.convolve(there, kernel, "same")
    y = verb(x, kernel, fill_value=np.nan, preserve_nan=True)
    np.testing.assert_allclose(y[there], top[there] / met[there], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_handed_in_is_written_to(verb: Any) -> None:
    for dtype in (float, complex if verb is compat.convolve_fft else np.float32):
        x, kernel, mask = np.array([1, np.nan, 3], dtype), np.array([1, 2, 1], dtype), np.array([0, 0, 1])
        for array in (x, kernel, mask):
            array.flags.writeable = False
        for treatment in ("interpolate", "fill"):
            verb(x, kernel, nan_treatment=treatment, mask=mask, preserve_nan=True)


@pytest.mark.parametrize("verb", VERBS)
def test_gaps_as_wide_as_the_kernel_are_reported(verb: Any) -> None:
    x = [1.0, np.nan, np.nan, np.nan, 5]
    if verb is compat.convolve_fft:
        np.testing.assert_array_equal(verb(x, [1, 1, 1], fill_value=np.nan), [1, 1, 0, 5, 5])
        np.testing.assert_array_equal(verb(x, [1, 1, 1], fill_value=np.nan, min_wt=0.3), [1, 1, np.nan, 5, 5])
    else:
        with pytest.warns(UserWarning, match="Increase the kernel size"):
            np.testing.assert_array_equal(verb(x, [1, 1, 1], fill_value=np.nan), [1, 1, np.nan, 5, 5])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("made", [0, np.nan, np.inf, [1, 2]])
def test_a_callable_that_makes_nothing_to_divide_by_is_refused(verb: Any, made: Any) -> None:
    with pytest.raises(ft.ParameterError, match="number other than 0"):
        verb([1, 2, 3], [1, 2, 1], normalize_kernel=lambda kernel: made)


def test_exact_zeros_stay_zero() -> None:
    x = np.zeros((200, 200))
    x[:20, :20] = 1e12
    y = compat.convolve_fft(x, np.random.default_rng(0).random((31, 31)))
    assert not y[40:, 40:].any()


def test_a_sample_in_a_far_tail_counts_to_its_last_digit() -> None:
    x = np.full(101, np.nan)
    x[0] = 3.0
    kernel = np.exp(-0.5 * (np.arange(-100, 101) / 8) ** 2)
    np.testing.assert_allclose(compat.convolve(x, kernel, fill_value=np.nan), 3.0, rtol=1e-12)
