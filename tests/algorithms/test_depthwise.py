"""Depthwise layers by their own loops: the result and all gradients are right, and nothing is touched outside."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.algorithms import depthwise
from faltung.boundary import AxisBoundary, Side
from faltung.jit import compiler
from faltung.spec import Array, Axis

ZERO = AxisBoundary(Side("zero"), Side("zero"))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    """x, weights, bias, g, axes, workers; margins may be wider than the kernel, strips one row high."""
    dtype = np.dtype(draw(st.sampled_from([np.float32, np.float64])))
    lanes = compiler.vector_bytes() // dtype.itemsize
    axes = []
    for i in range(num := draw(st.integers(1, 2))):
        taps = draw(st.integers(1, 7))
        before, after = draw(st.integers(0, taps + 2)), draw(st.integers(0, taps + 2))
        least = max(lanes if i == num - 1 else 1, (lanes if i == num - 1 else 1) + taps - 1 - before - after)
        axes.append(Axis(i, draw(st.integers(least, least + 70)), taps, 1, 1, before, after, ZERO))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    n, c = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    shapes: list[tuple[int, ...]] = [
        (n, c, *(axis.size for axis in axes)), (c, *(axis.taps for axis in axes)), (c,),
        (n, c, *(axis.num_out for axis in axes)),
    ]  # fmt: skip
    return *(rng.standard_normal(shape).astype(dtype) for shape in shapes), axes, draw(st.integers(1, 2))


def _expected(x: Array, weights: Array, bias: Array, g: Array, axes: list[Axis]) -> list[Array]:
    """By torch in float64, in one sum after the other."""
    pads = [n for axis in reversed(axes) for n in (axis.before, axis.after)]
    operands = [torch.from_numpy(a).double().requires_grad_() for a in (x, weights[:, None], bias)]
    call = torch.nn.functional.conv1d if len(axes) == 1 else torch.nn.functional.conv2d
    y = call(torch.nn.functional.pad(operands[0], pads), operands[1], operands[2], groups=len(bias))
    grads = torch.autograd.grad(y, operands, torch.from_numpy(g).double())
    to_x, to_weights, to_bias = (grad.numpy() for grad in grads)
    return [y.detach().numpy(), to_x, to_weights[:, 0], to_bias]


@given(cases())
def test_agrees_with_the_definition(case: tuple[Any, ...]) -> None:
    x, weights, bias, g, axes, workers = case
    assert depthwise.serves(x.dtype, axes)
    got = [depthwise.run(x, weights, bias, axes, workers), *depthwise.gradients(x, weights, g, axes, workers)]
    eps, largest = float(np.finfo(x.dtype).eps), max(np.abs(a).max() for a in (x, weights, bias, g))
    for one, right in zip(got, _expected(x, weights, bias, g, axes), strict=True):
        assert np.abs(one - right).max() <= eps * max(64, g[0, 0].size) * largest**2
    again = [depthwise.run(x, weights, bias, axes, 3 - workers), *depthwise.gradients(x, weights, g, axes, 3 - workers)]
    for one, other in zip(got, again, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=10)
@given(cases())
def test_stays_inside_its_arrays(case: tuple[Any, ...]) -> None:
    x, weights, bias, g, axes, workers = case
    # plans that were made without checks are not to be met, nor those with checks afterwards
    for forget in (depthwise._forward.cache_clear, depthwise._backward.cache_clear):
        forget()
    try:
        with compiler.checking():
            got = [depthwise.run(x, weights, bias, axes, workers), *depthwise.gradients(x, weights, g, axes, workers)]
    finally:
        for forget in (depthwise._forward.cache_clear, depthwise._backward.cache_clear):
            forget()
    for one, right in zip(got, _expected(x, weights, bias, g, axes), strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    "axis",
    [
        Axis(0, 64, 8, 1, 1, 0, 0, ZERO),
        Axis(0, 64, 3, 2, 1, 0, 0, ZERO),
        Axis(0, 64, 3, 1, 2, 0, 0, ZERO),
        Axis(0, 3, 3, 1, 1, 1, 1, ZERO),
    ],
    ids=["long kernel", "stride", "dilation", "narrow"],
)
def test_other_layers_are_not_served(axis: Axis) -> None:
    assert not depthwise.serves(np.dtype("float32"), [axis])


def test_a_nan_touches_only_the_windows_that_see_it() -> None:
    axes = [Axis(0, 64, 3, 1, 1, 1, 1, ZERO)]
    x = np.ones((1, 1, 64), np.float32)
    x[0, 0, 40] = np.nan
    y = depthwise.run(x, np.ones((1, 3), np.float32), np.zeros(1, np.float32), axes, 1)
    assert np.flatnonzero(np.isnan(y)).tolist() == [39, 40, 41]
