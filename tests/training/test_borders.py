"""Border weights are equation 2 of the paper, summed up directly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import faltung as ft
from faltung.training.borders import BorderWeights, border_weights

THINGS = arrays(np.int64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(-1, 3))


def directly(things, w0, sigma, class_weights):
    """Every distance from every place to every pixel of every thing."""
    weights = np.zeros(things.shape)
    numbers = [n for n in np.unique(things) if n > 0]
    for p in np.ndindex(things.shape):
        if things[p] < 0:
            continue
        weights[p] = class_weights[int(things[p] > 0)]
        if things[p] == 0 and len(numbers) > 1:
            nearest = sorted(min(np.hypot(*np.subtract(q, p)) for q in np.argwhere(things == n)) for n in numbers)
            weights[p] += w0 * np.exp(-((nearest[0] + nearest[1]) ** 2) / (2 * sigma**2))
    return weights


@settings(max_examples=40)
@given(THINGS, st.floats(0, 20), st.floats(0.5, 8))
def test_weights_are_those_of_the_formula(things, w0, sigma):
    expected = directly(things, w0, sigma, (0.5, 2.0))
    found = border_weights(things, w0=w0, sigma=sigma, class_weights=(0.5, 2.0))
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-6)


@given(THINGS)
def test_balanced_classes_weigh_the_same_and_one_on_average(things):
    found = border_weights(things, w0=0)
    on, off = (things > 0), (things == 0)
    if on.any() and off.any():
        assert found[on].sum(dtype=float) == pytest.approx(found[off].sum(dtype=float), rel=1e-5)
    if (on | off).any():
        assert found[on | off].mean(dtype=float) == pytest.approx(1, rel=1e-5)
    assert not found[things < 0].any()


def test_in_a_batch_parts_are_the_things_and_unknown_places_count_nothing():
    y = torch.zeros(2, 9, 9, dtype=torch.long)
    y[0, 2:4, 2:7], y[0, 5:8, 2:7], y[1, 0], y[1, 4] = 1, 1, -1, 1
    found = BorderWeights()(y)
    things = np.zeros((9, 9), int)
    things[2:4, 2:7], things[5:8, 2:7] = 1, 2
    assert np.array_equal(found[0].numpy(), border_weights(things, class_weights=(1, 1)))
    assert found[0, 4, 4] > 10
    # one thing only: no gap, and the unknown row is 0
    assert found[1].unique().tolist() == [0.0, 1.0]
    assert not found[1, 0].any()


def test_wrong_options_are_refused():
    things = np.array([[1, 0, 2]])
    with pytest.raises(ft.ParameterError, match="sigma"):
        border_weights(things, sigma=0)
    with pytest.raises(ft.ParameterError, match="w0"):
        border_weights(things, w0=-1)
    with pytest.raises(ft.DtypeError, match="a number for each thing"):
        border_weights(things.astype(float))
