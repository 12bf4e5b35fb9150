"""Examples: what they may be, and how they are taken apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.data import IGNORE, Examples
from faltung.errors import DtypeError, ParameterError, ShapeError


class OnDisk:
    """Rows that count how many of them were read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.num_read = values, values.shape, values.dtype, 0

    def __len__(self):
        return len(self.values)

    def __getitem__(self, indices):
        found = self.values[indices]
        self.num_read += len(found)
        return found


def _examples(labels, num_classes=None, rows=np.asarray):
    labels = np.asarray(labels, np.int64)
    x = np.arange(len(labels) * 6, dtype=np.float32).reshape(len(labels), 1, 6)
    names = tuple(f"class {i}" for i in range(num_classes or labels.max() + 1))
    return Examples(rows(x), labels, names, name="made")


@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=60).filter(
        lambda labels: min(labels.count(label) for label in labels) > 1
    ),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_a_split_gives_every_example_to_one_part_and_every_class_to_both(labels, share, seed):
    whole = _examples(labels, 4)
    first, second = whole.split(share, seed)
    both = np.concatenate([first.x, second.x])
    assert np.array_equal(np.sort(both[:, 0, 0]), whole.x[:, 0, 0])
    for part in (first, second):
        # inputs and labels stay together, in the order of the whole
        at = (part.x[:, 0, 0] / 6).astype(int)
        assert np.array_equal(part.y, whole.y[at])
        assert (np.diff(at) > 0).all()
        assert set(part.y) == set(whole.y)
    for name, count in whole.counts().items():
        # as near to the share as whole examples allow, but for the one that each part gets
        allowed = max(1.0, 0.5 + 1e-9) if round(share * count) in (0, count) else 0.5 + 1e-9
        assert abs(first.counts()[name] - share * count) <= allowed
    again, _ = whole.split(share, seed)
    assert np.array_equal(again.x, first.x)


def test_another_seed_draws_other_parts():
    whole = _examples([0] * 50 + [1] * 50)
    assert not np.array_equal(whole.split(0.5, 0)[0].x, whole.split(0.5, 1)[0].x)


def test_a_class_with_one_example_cannot_be_split_and_the_error_names_it():
    with pytest.raises(ParameterError, match="'class 1' has one example only"):
        _examples([0, 0, 1]).split(0.5)
    with pytest.raises(ParameterError, match="the set has one example only"):
        Examples(np.zeros((1, 1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.int64), ("ground",)).split(0.5)


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_refused(share):
    with pytest.raises(ParameterError, match="between 0 and 1"):
        _examples([0, 0]).split(share)


def test_a_subset_is_in_the_given_order_and_takes_instances_along():
    y = np.arange(3 * 4).reshape(3, 2, 2) % 2
    whole = Examples(np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2), y, ("a", "b"), instances=y * 7)
    some = whole.subset([2, 0, 2])
    assert np.array_equal(some.x, whole.x[[2, 0, 2]])
    assert np.array_equal(some.instances, 7 * some.y)
    assert np.array_equal(whole.subset(np.array([True, False, True])).x, whole.x[[0, 2]])
    assert some.name == whole.name


def test_rows_are_read_only_when_indexed():
    rows = OnDisk(np.arange(60, dtype=np.float32).reshape(10, 1, 6))
    whole = Examples(rows, np.arange(10) % 2, ("a", "b"))
    train, test = whole.split(0.6)
    part = train.subset([0, 2])
    assert rows.num_read == 0
    assert np.array_equal(part.x[np.array([1])], train.x[np.array([2])])
    assert rows.num_read == 2
    assert np.asarray(test.x).shape == test.x.shape == (4, 1, 6)
    assert len(part.x) == 2
    assert "read when asked for" in repr(part)


def test_ignored_places_are_in_no_count():
    y = np.array([[[0, 1], [IGNORE, 1]]])
    assert Examples(np.zeros((1, 3, 2, 2), np.uint8), y, ("a", "b")).counts() == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("x", "y", "classes", "error", "words"),
    [
        ([[1.0]], np.array([0]), ("a",), DtypeError, "x is list"),
        (np.zeros((1, 1, 4)), np.array([0]), ("a",), DtypeError, "float64: uint8"),
        (np.zeros((1, 4), np.float32), np.array([0]), ("a",), ShapeError, "one channel is"),
        (np.zeros((0, 1, 4), np.float32), np.array([], np.int64), ("a",), ShapeError, "none of them 0"),
        (np.zeros((1, 1, 4), np.float32), [0], ("a",), DtypeError, "y is list"),
        (np.zeros((1, 1, 4), np.float32), np.array([0], np.int32), ("a",), DtypeError, "int32: int64"),
        (np.zeros((2, 1, 4), np.float32), np.array([0]), ("a",), ShapeError, r"\(2,\) \(a class for each example\)"),
        (np.zeros((1, 1, 4), np.float32), np.array([0]), (), ParameterError, "one name for each label"),
        (np.zeros((1, 1, 4), np.float32), np.array([1]), ("a",), ParameterError, "0 to 0 are allowed"),
        (np.zeros((1, 1, 4), np.float32), np.array([-1]), ("a",), ParameterError, "0 to 0 are allowed"),
        (np.zeros((1, 1, 4), np.float32), np.full((1, 4), -2), ("a",), ParameterError, "-1 to 0 are allowed"),
    ],
)
def test_what_is_no_set_of_examples_is_refused(x, y, classes, error, words):
    with pytest.raises(error, match=words):
        Examples(x, y, classes)


def test_instances_have_a_number_for_each_place():
    with pytest.raises(ShapeError, match="one number for each"):
        Examples(np.zeros((1, 1, 4), np.uint8), np.zeros((1, 4), np.int64), ("a",), instances=np.zeros((1, 5)))


@pytest.mark.parametrize(
    ("indices", "error"),
    [([], ParameterError), ([3], ParameterError), ([-1], ParameterError), ([0.5], DtypeError), ([[0]], ParameterError)],
)
def test_indices_outside_are_refused(indices, error):
    with pytest.raises(error):
        _examples([0, 0, 1]).subset(indices)
    with pytest.raises(ParameterError, match="booleans"):
        _examples([0, 0, 1]).subset(np.zeros(3, bool))
