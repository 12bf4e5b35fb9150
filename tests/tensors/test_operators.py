"""The three operators are each other's gradients, by our loops and by torch's."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from faltung.tensors import operators
from faltung.tensors.edges import places
from faltung.tensors.operators import correlate, depthwise, depthwise_gradients, num_outputs, to_input, to_weight


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, object]:
    """Sizes, taps and options that have an output, of one to three axes."""
    num = draw(st.integers(1, 3))
    some = lambda low, high: draw(st.lists(st.integers(low, high), min_size=num, max_size=num))  # noqa: E731
    taps, dilation, stride, before, after = some(1, 4), some(1, 2), some(1, 3), some(0, 5), some(0, 5)
    needed = [(k - 1) * d + 1 - b - a for k, d, b, a in zip(taps, dilation, before, after, strict=True)]
    return {
        "sizes": [max(n, least, 1) for n, least in zip(some(1, 12), needed, strict=True)],
        "taps": taps,
        "options": (stride, dilation, before, after),
        "groups": draw(st.integers(1, 3)),
        "inside": draw(st.integers(1, 2)),
        "out": draw(st.integers(1, 2)),
        "seed": draw(st.integers(0, 9999)),
    }


@given(layouts())
def test_our_loops_and_torchs_agree(layout: dict) -> None:
    torch.manual_seed(layout["seed"])
    stride, dilation, before, after = layout["options"]
    groups, sizes, taps = layout["groups"], layout["sizes"], layout["taps"]
    x = torch.randn(2, groups * layout["inside"], *sizes, dtype=torch.float64)
    w = torch.randn(groups * layout["out"], layout["inside"], *taps, dtype=torch.float64)
    out = [num_outputs(*one) for one in zip(sizes, taps, stride, dilation, before, after, strict=True)]
    g = torch.randn(2, groups * layout["out"], *out, dtype=torch.float64)
    for name, *operands in (("correlate", x, w), ("to_input", g, w, sizes), ("to_weight", x, g, taps)):
        ours, theirs = (
            getattr(operators, name)(*operands, *layout["options"], groups, method) for method in ("direct", "torch")
        )
        torch.testing.assert_close(ours, theirs, msg=lambda text, name=name: f"{name}: {text}")


@given(layouts())
def test_adjoints_satisfy_their_identity(layout: dict) -> None:
    """<correlate(x, w), g> = <x, to_input(g, w)> = <w, to_weight(x, g)>."""
    torch.manual_seed(layout["seed"])
    groups, sizes, taps, options = layout["groups"], layout["sizes"], layout["taps"], layout["options"]
    x = torch.randn(2, groups * layout["inside"], *sizes, dtype=torch.float64)
    w = torch.randn(groups * layout["out"], layout["inside"], *taps, dtype=torch.float64)
    y = correlate(x, w, *options, groups, "auto")
    g = torch.randn_like(y)
    number = (y * g).sum()
    scale = math.sqrt(float((y * y).sum() * (g * g).sum())) + 1e-12
    assert abs(number - (x * to_input(g, w, sizes, *options, groups, "auto")).sum()) < 1e-12 * scale + 1e-12
    assert abs(number - (w * to_weight(x, g, taps, *options, groups, "auto")).sum()) < 1e-12 * scale + 1e-12


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("options", [([1, 1], [1, 1], [1, 1], [1, 1]), ([1, 2], [2, 1], [1, 0], [2, 3])])
@pytest.mark.parametrize("method", ["auto", "direct"])
def test_gradients_of_any_order(dtype: torch.dtype, options: tuple, method: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 2, 4, 5, dtype=dtype, requires_grad=True)
    w = torch.randn(2, 1, 3, 2, dtype=dtype, requires_grad=True)
    for name, operands in (
        ("correlate", lambda: (x, w)),
        ("to_input", lambda: (correlate(x, w, *options, 2, method).detach().requires_grad_(), w, [4, 5])),
        ("to_weight", lambda: (x, correlate(x, w, *options, 2, method).detach().requires_grad_(), [3, 2])),
    ):
        first, second, *rest = operands()

        def call(a: torch.Tensor, b: torch.Tensor, name: str = name, rest: list = rest) -> torch.Tensor:
            return getattr(operators, name)(a, b, *rest, *options, 2, method)

        assert gradcheck(call, (first, second)), name
        assert gradgradcheck(call, (first, second)), name


def test_torch_finds_the_operators_sound() -> None:
    x, w = torch.randn(2, 3, 5, 20, requires_grad=True), torch.randn(3, 1, 3, 2, requires_grad=True)
    rest = ([1, 1], [2, 1], [1, 0], [2, 3], 3, "auto")
    torch.library.opcheck(correlate, (x, w, *rest))
    g = correlate(x, w, *rest).detach().requires_grad_()
    torch.library.opcheck(to_input, (g, w, [5, 20], *rest))
    torch.library.opcheck(to_weight, (x, g, [3, 2], *rest))
    torch.library.opcheck(places, ("edge", "zero", 4, 2, 3))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_floats_are_summed_in_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, w = torch.randn(1, 2, 8, 40).to(dtype), torch.randn(2, 1, 3, 3).to(dtype)
    rest = ([1, 1], [1, 1], [1, 1], [1, 1], 2, "direct")
    right = correlate(x.float(), w.float(), *rest)
    assert torch.equal(correlate(x, w, *rest), right.to(dtype))


@pytest.mark.parametrize("sizes", [(24,), (5, 24)], ids=str)
def test_depthwise_operators_have_gradients_of_any_order(sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    num = len(sizes)
    x = torch.randn(2, 2, *sizes, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 1, *[3] * num, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)
    before, after = [1] * num, [2] * num
    g = torch.randn_like(depthwise(x, w, bias, before, after), requires_grad=True)
    # a few random directions: every entry of the second order would take minutes
    assert gradcheck(lambda *a: depthwise(*a, before, after), (x, w, bias), fast_mode=True)
    assert gradgradcheck(lambda *a: depthwise(*a, before, after), (x, w, bias), fast_mode=True)
    assert gradcheck(lambda *a: depthwise_gradients(*a, before, after), (x, w, g), fast_mode=True)
    assert gradgradcheck(lambda *a: depthwise_gradients(*a, before, after), (x, w, g), fast_mode=True)
    torch.library.opcheck(depthwise, (x, w, bias, before, after))
    torch.library.opcheck(depthwise_gradients, (x, w, g, before, after))


@pytest.mark.parametrize(
    "wanted", [(True, False, False), (False, True, True), (False, False, True), (True, True, False)]
)
def test_depthwise_gives_the_gradients_that_are_wanted(wanted: tuple[bool, ...]) -> None:
    torch.manual_seed(0)
    operands = [torch.randn(2, 2, 5, 24), torch.randn(2, 1, 3, 3), torch.randn(2)]
    operands = [one.double().requires_grad_(want) for one, want in zip(operands, wanted, strict=True)]
    y = depthwise(*operands, [1, 1], [1, 1])
    right = torch.nn.functional.conv2d(*operands, padding=1, groups=2)
    g = torch.randn_like(right)
    asked = [one for one in operands if one.requires_grad]
    for got, expected in zip(torch.autograd.grad(y, asked, g), torch.autograd.grad(right, asked, g), strict=True):
        torch.testing.assert_close(got, expected)
