from typing import Any

import numpy as np
import pytest
import torch

import faltung as ft
from faltung.nn.functional import long_conv1d
from layer_configs import apart


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("taps", [1, 4, 7, 12, 30])
@pytest.mark.parametrize("method", ["fft", "direct"])
def test_a_long_kernel_is_numpys_convolution_cut(taps: int, causal: bool, method: Any) -> None:
    x, k = torch.randn(2, 3, 12, dtype=torch.float64), torch.randn(3, taps, dtype=torch.float64)
    bias = torch.randn(3, dtype=torch.float64)
    got = long_conv1d(x, k, bias, causal=causal, method=method)
    first = 0 if causal else taps // 2
    for n, c in np.ndindex(2, 3):
        full = np.convolve(x[n, c].numpy(), k[c].numpy())
        expected = np.concatenate([full, np.zeros(12)])[first : first + 12] + float(bias[c])
        np.testing.assert_allclose(got[n, c].numpy(), expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(long_conv1d(x[0], k, bias, causal=causal, method=method), got[0])


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("taps", [1, 4, 9])
def test_first_and_second_derivatives_are_right(taps: int, causal: bool) -> None:
    operands = tuple(torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((2, 2, 6), (2, taps), (2,)))
    call = lambda *given: long_conv1d(*given, causal=causal)  # noqa: E731
    assert torch.autograd.gradcheck(call, operands)
    assert torch.autograd.gradgradcheck(call, operands)


@pytest.mark.parametrize("causal", [True, False])
def test_gradients_are_those_of_the_sums(causal: bool) -> None:
    operands = [torch.randn(s, requires_grad=True) for s in ((3, 4, 500), (4, 400))]
    g = torch.randn(3, 4, 500)
    expected, got = (
        torch.autograd.grad(long_conv1d(*operands, causal=causal, method=m), operands, g) for m in ("direct", "fft")
    )
    assert max(map(apart, expected, got)) < 1e-6


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_nan_and_infinity_touch_what_sees_them_forward_and_back(value: float) -> None:
    x, k = torch.randn(2, 2, 50), torch.randn(2, 10)
    x[1, 0, 20] = value
    x.requires_grad_()
    y = long_conv1d(x, k.requires_grad_())
    assert (~y.isfinite()).nonzero().tolist() == [[1, 0, t] for t in range(20, 30)]
    to_x, to_k = torch.autograd.grad(y, [x, k], torch.ones_like(y))
    assert to_x.isfinite().all()
    assert to_k.isfinite().all(1).tolist() == [False, True]
    g = torch.zeros_like(y)
    g[0, 1, 30] = value
    (to_x,) = torch.autograd.grad(long_conv1d(x, k), x, g)
    assert (~to_x.isfinite()).nonzero().tolist() == [[0, 1, t] for t in range(21, 31)]


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_it_compiles_whole_is_exported_and_works_with_torch_func(backend: str) -> None:
    layer = ft.nn.LongConv1d(2, 30)
    x = torch.randn(3, 2, 30, requires_grad=True)
    operands = [x, *layer.parameters()]
    torch.compiler.reset()
    compiled = torch.compile(layer, fullgraph=True, backend=backend)
    torch.testing.assert_close(compiled(x), layer(x))
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x), layer(x))
    found, expected = (torch.autograd.grad(call(x).square().sum(), operands) for call in (compiled, layer))
    torch.testing.assert_close(found, expected)

    def loss(parameters: Any) -> torch.Tensor:
        return torch.func.functional_call(layer, parameters, (x,)).square().sum()

    by_func = torch.func.grad(loss)({name: p.detach() for name, p in layer.named_parameters()})
    torch.testing.assert_close(tuple(by_func.values()), expected[1:])


def test_narrow_floats_are_computed_in_float32_and_autocast_does_as_with_an_fft() -> None:
    layer = ft.nn.LongConv1d(2, 30)
    x = torch.randn(1, 2, 30)
    narrow = ft.nn.LongConv1d(2, 30, dtype=torch.bfloat16)
    narrow.load_state_dict(layer.state_dict())
    assert narrow(x.bfloat16()).dtype == torch.bfloat16
    assert apart(layer(x), narrow(x.bfloat16()).float()) < 3e-2
    with torch.autocast("cpu", torch.bfloat16):
        assert apart(layer(x), layer(x.bfloat16())) < 3e-2


def test_edges_of_what_is_allowed() -> None:
    layer = ft.nn.LongConv1d(2, 3, bias=False)
    assert repr(layer) == "LongConv1d(2, kernel_size=3, bias=False)"
    assert layer(torch.zeros(0, 2, 5)).shape == (0, 2, 5)
    assert layer(torch.zeros(1, 2, 0)).shape == (1, 2, 0)
    with pytest.raises(ft.ShapeError, match="LongConv1d: x has 3 channels"):
        layer(torch.zeros(1, 3, 5))
    with pytest.raises(ft.DtypeError, match="x is float64, weight float32"):
        layer(torch.zeros(1, 2, 5, dtype=torch.float64))
    with pytest.raises(ft.ParameterError, match="kernel_size=0"):
        ft.nn.LongConv1d(2, 0)
    with pytest.raises(ft.ShapeError, match=r"the weights are \(2, 1, 3\): \(C, taps\)"):
        long_conv1d(torch.zeros(1, 2, 5), torch.zeros(2, 1, 3))
