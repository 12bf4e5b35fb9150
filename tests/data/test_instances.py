"""Things told apart: parts are connected, lines part what touches, matches are those of the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import faltung as ft
from faltung.data import Examples, connected_parts, match_instances, part_instances

MASKS = arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8)))
THINGS = arrays(np.int64, (5, 6), elements=st.integers(0, 4))


def by_filling(mask):
    """Parts by walking from pixel to pixel."""
    found, number = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if found[start]:
            continue
        number += 1
        stack = [start]
        while stack:
            i, j = stack.pop()
            if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and mask[i, j] and not found[i, j]:
                found[i, j] = number
                stack += [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    return found


@given(MASKS, st.integers(1, 4))
def test_parts_are_what_walking_from_pixel_to_pixel_reaches(mask, least):
    walked = by_filling(mask)
    large = [n for n in range(1, walked.max() + 1) if np.count_nonzero(walked == n) >= least]
    expected = np.zeros(mask.shape, int)
    for number, n in enumerate(large, 1):
        expected[walked == n] = number
    assert np.array_equal(connected_parts(mask, least_px=least), expected)


def examples(things):
    return Examples(
        np.zeros((1, 1, *things.shape), np.uint8),
        (things > 0).astype(np.int64)[None],
        ("background", "thing"),
        instances=things[None],
    )


@given(THINGS)
def test_behind_the_line_no_two_things_touch_and_nothing_else_is_taken(things):
    parted = part_instances(examples(things))
    left, labels = parted.instances[0], parted.y[0]
    assert np.array_equal(labels, (left > 0).astype(int))
    assert np.all((left == things) | (left == 0))
    # every part is of one thing
    parts = connected_parts(labels > 0)
    assert all(len(np.unique(left[parts == n])) == 1 for n in range(1, parts.max() + 1))
    # the thing of the smallest number touches none of a smaller one
    if things.any():
        least = things[things > 0].min()
        assert np.array_equal(left == least, things == least)


def test_examples_without_instances_are_refused():
    plain = Examples(np.zeros((1, 1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.int64), ("a", "b"), name="plain")
    with pytest.raises(ft.ParameterError, match="plain has no instances"):
        part_instances(plain)


@given(THINGS, THINGS)
def test_matches_are_those_of_the_definition(found, true):
    matched = match_instances(found, true)
    pairs = 0
    for a in set(np.unique(found)) - {0}:
        for b in set(np.unique(true)) - {0}:
            both, either = np.count_nonzero((found == a) & (true == b)), np.count_nonzero((found == a) | (true == b))
            pairs += both > either / 2
    assert matched.num_right == pairs <= min(matched.num_found, matched.num_true)
    assert match_instances(true, true).f1 == 1.0


def test_the_nuclei_are_counted():
    whole = ft.data.nuclei("all")
    parted = part_instances(whole)
    assert connected_parts(parted.y[0] > 0).max() >= 125
    assert match_instances(parted.instances[0], whole.instances[0]).f1 == 1.0


def test_what_is_no_mask_is_refused():
    with pytest.raises(ft.DtypeError, match="predicted == 1"):
        connected_parts(np.zeros((3, 3)))
    with pytest.raises(ft.ShapeError, match="the same is needed"):
        match_instances(np.zeros((3, 3), int), np.zeros((3, 4), int))
