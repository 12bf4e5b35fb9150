"""Index tables against numpy.pad and the pictures of the module, and how rules are written down."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung import boundary as module
from faltung.boundary import FOREIGN, OUTSIDE, RULES, AxisBoundary, Side, parse_boundary

REPEATING = ("edge", "symmetric", "reflect", "wrap")
FILLING = ("zero", "constant", "ignore")


@given(
    before=st.sampled_from(REPEATING),
    after=st.sampled_from(REPEATING),
    n=st.integers(1, 7),
    num_before=st.integers(0, 30),
    num_after=st.integers(0, 30),
)
def test_tables_equal_numpy_pad_at_any_distance(
    before: Any, after: Any, n: int, num_before: int, num_after: int
) -> None:
    left, right = AxisBoundary(Side(before), Side(after)).tables(n, num_before, num_after)
    inside = np.arange(n)
    assert left.tolist() == np.pad(inside, (num_before, 0), mode=before)[:num_before].tolist()
    assert right.tolist() == np.pad(inside, (0, num_after), mode=after)[n:].tolist()


@pytest.mark.parametrize("name", FILLING)
def test_filling_rules_point_outside(name: str) -> None:
    left, right = AxisBoundary(Side(name), Side(name)).tables(3, 4, 5)
    assert left.tolist() == [OUTSIDE] * 4
    assert right.tolist() == [OUTSIDE] * 5


def test_the_pictures_in_the_docstring_are_true() -> None:
    pictures = re.findall(r"^ +(\w+) +(. .) │a b c d│ (. .)$", module.__doc__ or "", re.MULTILINE)
    assert {name for name, _, _ in pictures} >= set(REPEATING)
    for name, before, after in pictures:
        left, right = AxisBoundary(Side(name), Side(name)).tables(4, 2, 2)
        letters = "abcd0"
        assert [letters[i] for i in left] == before.split()
        assert [letters[i] for i in right] == after.split()


@pytest.mark.parametrize("name", [name for name in RULES if name != "constant"])
def test_one_name_counts_for_all_axes_and_sides(name: str) -> None:
    assert parse_boundary(name, 3) == (AxisBoundary(Side(name), Side(name)),) * 3


def test_a_pair_sets_the_sides_apart() -> None:
    (axis,) = parse_boundary(("edge", ("constant", 2.5)), 1)
    assert axis == AxisBoundary(Side("edge"), Side("constant", 2.5))


def test_a_list_has_one_entry_per_axis() -> None:
    first, second = parse_boundary([("edge", "wrap"), "reflect"], 2)
    assert first == AxisBoundary(Side("edge"), Side("wrap"))
    assert second == AxisBoundary(Side("reflect"), Side("reflect"))


def test_a_constant_of_zero_is_zero() -> None:
    assert parse_boundary(("constant", 0.0), 1) == parse_boundary("zero", 1)


@pytest.mark.parametrize("value", [2, 2.0, True, np.float32(2), np.array(2), np.array([2]), 2**70, 1j, float("nan")])
def test_a_constant_may_be_any_one_number(value: Any) -> None:
    (axis,) = parse_boundary(("constant", value), 1)
    assert axis.before.rule == "constant"


@pytest.mark.parametrize("value", [None, [1, 2], np.ones(2), "x", object()])
def test_a_constant_that_is_not_one_number_is_refused(value: Any) -> None:
    with pytest.raises(ft.BoundaryError):
        parse_boundary(("constant", value), 1)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_name_is_refused_with_its_translation(name: str) -> None:
    library, ours = FOREIGN[name]
    assert ours in RULES
    with pytest.raises(ft.BoundaryError, match=rf'{re.escape(library)}.*"{ours}"'):
        parse_boundary(name, 1)


@pytest.mark.parametrize(
    ("name", "ours"),
    [("REFLECT_101", "reflect"), ("cv2.BORDER_REPLICATE", "edge"), ("BORDER_REFLECT101", "reflect"), ("Edge", "edge")],
)
def test_capitals_and_prefixes_are_seen_through(name: str, ours: str) -> None:
    with pytest.raises(ft.BoundaryError, match=f'"{ours}"'):
        parse_boundary(name, 1)


@pytest.mark.parametrize("name", ["BORDER_REFLECT", "cv2.BORDER_REFLECT"])
def test_reflect_of_opencv_is_called_symmetric_here(name: str) -> None:
    with pytest.raises(ft.BoundaryError, match='"symmetric"'):
        parse_boundary(name, 1)


@pytest.mark.parametrize("entry", ["", "mirrored", None, 3, ("edge",), ("edge", "wrap", "edge"), {"edge"}, b"edge"])
def test_what_is_no_rule_is_refused_with_all_names(entry: Any) -> None:
    with pytest.raises(ft.BoundaryError, match=r'"zero".*"symmetric".*"constant", value'):
        parse_boundary(entry, 1)


def test_constant_without_a_value_is_refused_with_the_cure() -> None:
    with pytest.raises(ft.BoundaryError, match=r'\("constant", 0\.5\)'):
        parse_boundary("constant", 1)


def test_a_list_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ft.ParameterError, match="3 entries for 2"):
        parse_boundary(["edge", "edge", "edge"], 2)


@given(data=st.data(), n=st.integers(1, 6), distance=st.integers(0, 20))
def test_every_rule_points_into_the_axis(data: st.DataObject, n: int, distance: int) -> None:
    name = data.draw(st.sampled_from(sorted(RULES)))
    outside = np.concatenate([np.arange(-distance, 0), np.arange(n, n + distance)])
    sources = RULES[name](outside, n)
    assert ((sources >= 0) & (sources < n)).all() or (sources == OUTSIDE).all()


@pytest.mark.parametrize(("typed", "meant"), [("constnat", "constant"), ("symetric", "symmetric"), ("warp", "wrap")])
def test_a_misspelt_boundary_is_answered_with_the_one_meant(typed, meant):
    with pytest.raises(ft.BoundaryError, match=f"did you mean '{meant}'"):
        ft.convolve([1, 2], [1, 1], boundary=typed)
