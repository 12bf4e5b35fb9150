"""Curves in braille, pictures in half blocks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faltung.cli.plot import curve, thumbnail

EMPTY, LOWEST, HIGHEST = "⠀", "⣀", "⠉"


def test_a_constant_is_a_level_line():
    assert curve(np.zeros(10), 5, 2, 0, 1) == [EMPTY * 5, LOWEST * 5]
    assert curve(np.ones(10), 5, 2, 0, 1) == [HIGHEST * 5, EMPTY * 5]


def test_a_step_is_joined_by_an_upright_line():
    upper, lower = curve(np.repeat([0.0, 1.0], 4), 4, 2, 0, 1)
    assert upper[2:] == HIGHEST * 2
    assert lower[:1] == LOWEST
    # the column of the step reaches from below to above
    assert upper[1] not in (EMPTY, HIGHEST)
    assert lower[1] not in (EMPTY, LOWEST)


def test_missing_samples_leave_a_gap():
    assert curve(np.array([0.0, 0.0, np.nan, np.nan, np.nan, np.nan, 0.0, 0.0]), 4, 1, 0, 1)[0][1] == EMPTY


@given(st.lists(st.floats(), max_size=40), st.integers(1, 30), st.integers(1, 5))
def test_every_curve_has_the_size_asked_for(numbers, columns, rows):
    lines = curve(np.array(numbers), columns, rows, -1, 1)
    assert [len(line) for line in lines] == [columns] * rows


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 50))
def test_a_thumbnail_keeps_a_flat_colour_and_fits(height, width, columns):
    text = thumbnail(np.full((height, width), 90, np.uint8), columns)
    lines = text.plain.split("\n")
    assert {len(line) for line in lines} == {min(columns, width)}
    assert {span.style.color.triplet for span in text.spans} == {(90, 90, 90)}
