"""`ft.convolve` on tensors says what it says on arrays, and can be differentiated twice."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

import faltung as ft

SIDES = ["zero", "edge", "symmetric", "reflect", "wrap", "ignore", ("constant", 1.5)]
BOUNDARIES = [*SIDES, [("edge", "wrap"), "reflect"], [("ignore", "zero"), ("constant", 2.0)]]


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, np.ndarray, np.ndarray, dict[str, Any]]:
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    num, more = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    x = rng.standard_normal([draw(st.integers(1, 6)) for _ in range(num + more)])
    axes = tuple(draw(st.permutations(range(num + more)))[:num]) if more else None
    kernel = rng.standard_normal([draw(st.integers(1, 4)) for _ in range(num)])
    if more and draw(st.booleans()):
        # one kernel for each entry
        shape = list(x.shape)
        for axis, taps in zip(axes or (), kernel.shape, strict=True):
            shape[axis] = taps
        kernel = rng.standard_normal(shape)
    side = st.sampled_from(SIDES)
    options: dict[str, Any] = {
        "boundary": draw(side | st.lists(st.tuples(side, side), min_size=num, max_size=num)),
        "mode": draw(st.sampled_from(["full", "same"])),
        "stride": draw(st.integers(1, 2)),
        "dilation": draw(st.integers(1, 2)),
        "axes": axes,
    }
    if draw(st.booleans()):
        options["nan"] = "omit"
        x[rng.random(x.shape) < 0.2] = np.nan
    if draw(st.booleans()):
        options["weights"] = rng.random(x.shape) * (rng.random(x.shape) < 0.7)
    return draw(st.sampled_from([ft.convolve, ft.correlate])), x, kernel, options


def _tensors(options: dict[str, Any]) -> dict[str, Any]:
    return {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}


@given(calls())
def test_tensors_without_gradients_are_arrays(call: tuple) -> None:
    function, x, kernel, options = call
    right = function(x, kernel, return_weights=True, **options)
    got = function(torch.from_numpy(x), torch.from_numpy(kernel), return_weights=True, **_tensors(options))
    for a, b in zip(right, got, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


@given(calls())
def test_with_gradients_results_are_the_same(call: tuple) -> None:
    function, x, kernel, options = call
    right = function(x, kernel, return_weights=True, **options)
    taught = torch.from_numpy(kernel).requires_grad_()
    got = function(torch.from_numpy(x), taught, return_weights=True, **_tensors(options))
    for a, b in zip(right, got, strict=True):
        np.testing.assert_allclose(b.detach().numpy(), a, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("value", [0.1, 1e300, (0.1, -1e-300)])
def test_constants_outside_keep_all_their_digits(value: Any) -> None:
    sides = tuple(("constant", v) for v in value) if isinstance(value, tuple) else ("constant", value)
    x = np.array([1.0, 2.0, 3.0])
    right = ft.convolve(x, [0.5, 0.25, 0.25], mode="same", boundary=[sides])
    got = ft.convolve(torch.tensor(x, requires_grad=True), [0.5, 0.25, 0.25], mode="same", boundary=[sides])
    np.testing.assert_allclose(got.detach().numpy(), right, rtol=1e-15)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=str)
def test_every_boundary_differentiates_twice(boundary: Any) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)

    def call(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return ft.convolve(x, kernel, mode="same", boundary=boundary)

    assert gradcheck(call, (x, kernel))
    assert gradgradcheck(call, (x, kernel))


def test_weights_and_omitted_samples_have_gradients() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 7, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(3, 7, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda *a: ft.convolve(a[0], a[1], mode="same", weights=a[2]), (x, kernel, weights))
    holed = torch.randn(3, 7, dtype=torch.float64)
    holed[1, 2] = torch.nan
    assert gradcheck(lambda k: ft.convolve(holed, k, mode="same", nan="omit", boundary="ignore"), (kernel,))
    ft.convolve(x, kernel, mode="same", weights=(holed == holed).double()).sum().backward()
    assert x.grad is not None
    assert x.grad[1, 2] == 0


def test_four_axes_and_complex_numbers() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x: ft.convolve(x, torch.ones(2, 2, 1, 3, dtype=torch.float64), boundary="edge"), (x,))
    z = torch.randn(4, 5, dtype=torch.complex128, requires_grad=True)
    kernel = torch.randn(2, 3, dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z, k: ft.correlate(z, k, mode="same", boundary="edge"), (z, kernel))
    right = ft.correlate(z.detach().numpy(), kernel.detach().numpy())
    np.testing.assert_allclose(ft.correlate(z, kernel).detach().numpy(), right)


class _Smooth(torch.nn.Module):
    def forward(self, x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return ft.correlate(x, kernel, boundary=[("edge", "wrap"), "ignore"], padding=2)


def test_compile_and_export_pass_through() -> None:
    torch.manual_seed(0)
    x, kernel = torch.randn(4, 20, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    module = _Smooth()
    right = module(x, kernel)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, kernel), right)
    (wanted,) = torch.autograd.grad(right.square().sum(), kernel)
    (got,) = torch.autograd.grad(compiled(x, kernel).square().sum(), kernel)
    torch.testing.assert_close(got, wanted)
    exported = torch.export.export(module, (x.detach(), kernel.detach()))
    torch.testing.assert_close(exported.module()(x, kernel), right)


def test_one_compiled_call_takes_one_shape_after_the_other() -> None:
    compiled = torch.compile(_Smooth(), fullgraph=True, backend="eager")
    for n in (5, 6, 9):
        x, kernel = torch.ones(n, n + 1, requires_grad=True), torch.ones(2, n - 3, requires_grad=True)
        torch.testing.assert_close(compiled(x, kernel), _Smooth()(x, kernel), equal_nan=True)


def test_dtypes_are_torchs() -> None:
    bright = torch.tensor([200, 100], dtype=torch.uint8)
    assert torch.equal(ft.convolve(bright, bright), torch.tensor([40000, 40000, 10000]))
    narrow = ft.convolve(torch.tensor([1.0, 2.0, 3.0]).bfloat16(), [0, 1, 0.5])
    assert narrow.dtype is torch.bfloat16
    assert narrow.tolist() == [0, 1, 2.5, 4, 1.5]
    assert ft.convolve(torch.ones(3, dtype=torch.float16), torch.ones(2)).dtype is torch.float32
    assert ft.convolve(torch.ones(3), torch.ones(2), dtype=torch.float64).dtype is torch.float64
    assert ft.convolve(np.ones(3), torch.ones(2, dtype=torch.float64)).tolist() == [1, 2, 2, 1]
    with torch.autocast("cpu"):
        assert ft.convolve(torch.ones(3), torch.ones(2, requires_grad=True)).dtype is torch.float32


def test_what_cannot_be_is_refused_in_words() -> None:
    x, kernel = torch.ones(5), torch.ones(3, requires_grad=True)
    with pytest.raises(ft.ParameterError, match="out= is for arrays"):
        ft.convolve(x, kernel, out=np.ones(7))
    with pytest.raises(ft.MethodError, match="no gradients"):
        ft.convolve(x, kernel, method="separable")
    with pytest.raises(ft.ShapeError, match="the kernel 2"):
        ft.convolve(x, torch.ones(2, 2, requires_grad=True))
    with pytest.raises(ft.MissingData):
        ft.convolve(torch.tensor([1.0, torch.nan]), kernel, nan="error")
    with pytest.raises(ft.BoundaryError, match="edge"):
        ft.convolve(x, kernel, boundary="replicate")
