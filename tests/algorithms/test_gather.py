"""A block of the padded input equals the same block of numpy.pad's."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faltung.algorithms.gather import gather
from faltung.boundary import AxisBoundary, Side
from faltung.spec import Axis

OF_NUMPY = {"edge": "edge", "symmetric": "symmetric", "reflect": "reflect", "wrap": "wrap", "zero": "constant"}


@st.composite
def blocks(draw: Any) -> tuple[list[Axis], list[int], list[int]]:
    """Axes with a rule each, and where a block of their padded form starts and stops."""
    axes, starts, stops = [], [], []
    for i in range(draw(st.integers(1, 3))):
        size, before, after = draw(st.integers(1, 5)), draw(st.integers(-3, 7)), draw(st.integers(-3, 7))
        side = Side(draw(st.sampled_from(sorted(OF_NUMPY))))
        start = draw(st.integers(0, 12))
        axes.append(Axis(i, size, 1, 1, 1, before, after, AxisBoundary(side, side)))
        starts.append(start)
        stops.append(start + draw(st.integers(1, 6)))
    return axes, starts, stops


@given(blocks(), st.sampled_from(["float32", "float64", "object", "complex128"]))
def test_a_block_equals_the_block_of_numpy_pad(block: Any, dtype: str) -> None:
    axes, starts, stops = block
    x = np.arange(1.0, 1 + np.prod([a.size for a in axes])).reshape(1, *(a.size for a in axes))
    wanted = x
    for i, (axis, start, stop) in enumerate(zip(axes, starts, stops, strict=True)):
        far = 20  # beyond every start and stop drawn
        widths = [(0, 0)] * x.ndim
        widths[i + 1] = (far, far)
        mode: Any = OF_NUMPY[axis.boundary.before.rule]
        wanted = np.pad(wanted, widths, mode=mode)
        index = [slice(None)] * x.ndim
        index[i + 1] = slice(start - axis.before + far, stop - axis.before + far)
        wanted = wanted[tuple(index)]
    got = gather(x, axes, starts, stops, np.dtype(dtype))
    assert got.dtype == dtype
    np.testing.assert_array_equal(got.astype(complex), wanted)


def test_a_block_inside_is_a_view() -> None:
    x = np.arange(12.0).reshape(1, 3, 4)
    rule = AxisBoundary(Side("edge"), Side("edge"))
    axes = [Axis(0, 3, 1, 1, 1, 1, 1, rule), Axis(1, 4, 1, 1, 1, 1, 1, rule)]
    block = gather(x, axes, [1, 2], [4, 5], x.dtype)
    assert np.shares_memory(block, x)
    np.testing.assert_array_equal(block, x[:, :, 1:4])


def test_the_sides_have_rules_and_values_of_their_own() -> None:
    rule = AxisBoundary(Side("constant", 7), Side("ignore"))
    block = gather(np.ones((1, 2)), [Axis(0, 2, 1, 1, 1, 2, 2, rule)], [0], [6], np.dtype(float))
    assert block.tolist() == [[7, 7, 1, 1, 0, 0]]


def test_x_is_never_written() -> None:
    x = np.ones((1, 3))
    x.flags.writeable = False
    rule = AxisBoundary(Side("constant", 7), Side("zero"))
    gather(x, [Axis(0, 3, 1, 1, 1, 1, 1, rule)], [0], [5], x.dtype)
