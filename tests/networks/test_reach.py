"""Which positions depend on which: sets, followed layer by layer, are what indices say."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faltung.networks.reach import (
    NONE,
    SAME,
    Positions,
    bordered,
    everything,
    flipped,
    listed,
    only,
    resampled,
    shares,
    spread,
    window,
)

SETS = st.lists(st.integers(-40, 40), max_size=12, unique=True)


@given(SETS, SETS, st.integers(-50, 50))
def test_positions_are_a_set(a, b, by):
    p, q = Positions.of(a), Positions.of(b)
    assert list(p) == sorted(a)
    assert len(p) == len(a)
    assert set(p | q) == set(a) | set(b)
    assert list(p.moved(by)) == [n + by for n in sorted(a)]
    assert set(p.within(17)) == {n for n in a if 0 <= n < 17}
    assert (p <= q) == (set(a) <= set(b))
    assert all((n in p) == (n in set(a)) for n in range(-45, 45))
    assert p == Positions.of(a[::-1])
    if a:
        assert (p.start, p.stop, p.length) == (min(a), max(a) + 1, max(a) - min(a) + 1)


@st.composite
def layers(draw):
    """A layer's reach, and the same as a function from a position to a set."""
    k, s, d, p = (draw(st.integers(*ends)) for ends in ((1, 4), (1, 3), (1, 3), (0, 3)))
    if draw(st.booleans()):
        return window(k, stride=s, dilation=d, before=p), lambda o: {o * s - p + j * d for j in range(k)}
    hits = lambda o: {(o + p - j * d) // s for j in range(k) if (o + p - j * d) % s == 0}  # noqa: E731
    return spread(k, stride=s, dilation=d, before=p), hits


@given(st.lists(layers(), min_size=1, max_size=5))
def test_layers_through_each_other_are_the_sets_followed_position_by_position(stack):
    reach = SAME
    for layer, _ in stack:
        reach = layer.through(reach)
    for o in range(-7, 8):
        positions = {o}
        for _, sources in reversed(stack):
            positions = set().union(*map(sources, positions))
        assert set(reach.inside(o)) == positions
    assert reach.stride == math.prod(layer.stride for layer, _ in stack)


@given(st.lists(layers(), min_size=1, max_size=3), st.lists(layers(), min_size=1, max_size=3))
def test_a_union_is_the_union_of_both(first, second):
    branches = []
    for stack in (first, second):
        reach = SAME
        for layer, _ in stack:
            reach = layer.through(reach)
        branches.append(reach)
    a, b = branches
    both = a.union(b, 20, 50)
    for o in range(20):
        assert set(both.inside(o).within(50)) == set((a.inside(o) | b.inside(o)).within(50))


@given(layers(), layers(), layers())
def test_following_layers_is_associative(a, b, c):
    left, right = a[0].through(b[0]).through(c[0]), a[0].through(b[0].through(c[0]))
    assert all(left.inside(o) == right.inside(o) for o in range(-9, 10))


def test_a_stride_undone_by_enlarging_leaves_one_phase_each():
    reach = spread(2, stride=2).through(window(2, stride=2))
    assert (reach.period, reach.advance) == (2, 2)
    assert [set(reach.inside(o)) for o in range(4)] == [{0, 1}, {0, 1}, {2, 3}, {2, 3}]
    # and the other way round, nothing is left of both
    assert window(2, stride=2).through(spread(2, stride=2)) == SAME


@pytest.mark.parametrize(("size", "count"), [(7, 3), (3, 7), (12, 4), (5, 1), (10, 6), (9, 9)])
def test_shares_are_those_of_adaptive_pooling(size, count):
    x = torch.rand(1, 1, size, dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.adaptive_avg_pool1d(x, count)
    reach = shares(size, count)
    for o in range(count):
        (gradient,) = torch.autograd.grad(y[0, 0, o], x, retain_graph=True)
        assert list(reach.at(o)) == gradient[0, 0].nonzero().flatten().tolist()


@pytest.mark.parametrize("how", ["nearest", "nearest-exact", "linear", "bicubic"])
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize(("size", "count"), [(4, 8), (8, 4), (5, 15), (6, 4), (4, 6), (7, 12), (9, 7), (16, 10)])
def test_resampling_takes_the_positions_that_torch_takes(how, corners, size, count):
    if corners and how.startswith("nearest"):
        # torch has no corners there; the ratio is all that counts
        corners = False
    flat = how == "bicubic"
    x = torch.rand(1, 1, size, *([3] if flat else []), dtype=torch.float64, requires_grad=True)
    words = {} if how.startswith("nearest") else {"align_corners": corners}
    y = torch.nn.functional.interpolate(x, (count, 3) if flat else count, mode=how, **words)
    reach = resampled(size, count, "cubic" if flat else how, ratio=Fraction(size, count), corners=corners)
    for o in range(count):
        (gradient,) = torch.autograd.grad(y[(0, 0, o, *([1] if flat else []))], x, retain_graph=True)
        weights = gradient[0, 0].abs().reshape(size, -1).sum(1)
        # torch's places are rounded: what should weigh nothing may weigh 1e-16
        assert list(reach.at(o)) == (weights > 1e-12).nonzero().flatten().tolist()


@pytest.mark.parametrize("rule", ["constant", "reflect", "replicate", "circular"])
def test_borders_are_those_of_torch(rule):
    x = torch.rand(1, 1, 6, dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.pad(x, (3, 2), mode=rule)
    reach = bordered(6, 3, 2, rule)
    for o in range(11):
        (gradient,) = torch.autograd.grad(y[0, 0, o], x, retain_graph=True, allow_unused=True)
        assert list(reach.at(o).within(6)) == gradient[0, 0].nonzero().flatten().tolist()


def test_small_reaches_say_what_they_are():
    assert list(everything(4).at(9)) == [0, 1, 2, 3]
    assert list(only(3).at(5)) == [3]
    assert [list(flipped(5).at(o)) for o in range(5)] == [[4], [3], [2], [1], [0]]
    assert [list(listed([2, 0, -1]).at(o)) for o in range(3)] == [[2], [0], []]
    assert spread(1, stride=2).intervals == ((0, 1), (0, 0))
    # positions -2, 2, 6 of place 0, up to 2, 6, 10 of place 4, cut to eight
    assert set(window(3, dilation=4, before=2).whole(5, 8).at(0)) == set(range(8))
    assert set(window(1, stride=3).whole(3, 9).at(0)) == {0, 3, 6}


def test_a_long_field_costs_little():
    reach = SAME
    for i in range(14):
        reach = window(2, dilation=2**i).through(reach)
    assert (reach.length, len(reach.sets[0])) == (2**14, 2**14)
    assert NONE.length == 0
    assert np.array_equal(list(reach.sets[0])[:3], [0, 1, 2])
