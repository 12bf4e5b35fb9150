import copy
import pickle
import random
from typing import Any

import pytest
import torch

import faltung as ft
from layer_configs import apart


def _streamed(layer: Any, x: torch.Tensor, chunks: list[int]) -> torch.Tensor:
    """The whole of x in pieces; 0 stands for one sample without an axis of time."""
    state, parts, at = layer.initial_state(len(x) if x.ndim == 3 else None), [], 0
    for length in chunks:
        piece = x[..., at : at + length] if length else x[..., at]
        y, state = layer.step(piece, state)
        parts.append(y if length else y[..., None])
        at += length or 1
    y, _ = layer.step(x[..., at:], state)
    return torch.cat([*parts, y], -1)


@pytest.mark.parametrize("seed", range(40))
def test_steps_give_what_one_pass_gives(seed: int) -> None:
    draw = random.Random(seed)
    torch.manual_seed(seed)
    groups, gate = draw.choice((1, 2, 3)), draw.choice(("glu", "gtu", "bilinear", "relu", "tanh", None))
    channels = (groups * draw.choice((1, 2)), groups * draw.choice((1, 2)))
    options = {"kernel_size": draw.randint(1, 6), "dilation": draw.randint(1, 4), "groups": groups}
    layer = (
        ft.nn.CausalConv1d(*channels, **options) if gate is None else ft.nn.GatedConv1d(*channels, **options, gate=gate)
    )
    x = torch.randn(*draw.choice(((), (1,), (3,))), channels[0], 40)
    whole = layer(x)
    for chunks in ([0] * 40, [1] * 40, [draw.choice((0, 0, 1, 2, 7)) for _ in range(5)], [40], []):
        assert apart(whole, _streamed(layer, x, chunks)) < 1e-6


@pytest.mark.parametrize("layer", [ft.nn.CausalConv1d(2, 4, 3, dilation=3), ft.nn.GatedConv1d(2, 4, 3, dilation=3)])
def test_no_output_sees_the_future_and_all_see_what_they_can(layer: Any) -> None:
    x = torch.randn(1, 2, 20, requires_grad=True)
    (g,) = torch.autograd.grad(layer(x)[..., 12].sum(), x)
    assert g.abs().sum((0, 1)).nonzero()[:, 0].tolist() == [6, 9, 12]


def test_a_causal_layer_is_torchs_layer_on_what_was_before() -> None:
    ours, theirs = ft.nn.CausalConv1d(4, 6, 3, dilation=2, groups=2), torch.nn.Conv1d(4, 6, 3, dilation=2, groups=2)
    theirs.load_state_dict(ours.state_dict())
    assert isinstance(ours, torch.nn.Conv1d)
    x = torch.randn(2, 4, 30)
    torch.testing.assert_close(ours(x), theirs(torch.nn.functional.pad(x, (4, 0))))


def test_a_stream_can_be_differentiated_and_leaves_old_states_alone() -> None:
    layer = ft.nn.GatedConv1d(2, 2, 3, dtype=torch.float64)
    x = torch.randn(1, 2, 5, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(*(torch.autograd.grad(y.sum(), x)[0] for y in (layer(x), _streamed(layer, x, [0] * 5))))
    state = layer.initial_state(1)
    before = state.clone()
    layer.step(x[..., 0], state)
    assert torch.equal(state, before)


def test_steps_compile_whole_and_layers_are_copied_and_pickled() -> None:
    layer = ft.nn.GatedConv1d(2, 3, 3)
    x, state = torch.randn(1, 2), torch.randn(1, 2, 2)
    torch.compiler.reset()
    torch.testing.assert_close(
        torch.compile(layer.step, fullgraph=True, backend="eager")(x, state), layer.step(x, state)
    )
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(twin.step(x, state), layer.step(x, state))


def test_glu_is_torchs_glu_of_one_convolution() -> None:
    layer = ft.nn.GatedConv1d(3, 4, 3, causal=False, boundary="reflect")
    x = torch.randn(2, 3, 15)
    assert layer(x).shape == (2, 4, 15)
    torch.testing.assert_close(layer(x), torch.nn.functional.glu(layer.conv(x), 1))


@pytest.mark.parametrize("gate", ["glu", "gtu", "bilinear"])
def test_with_groups_a_gate_sees_the_inputs_of_its_value(gate: Any) -> None:
    layer = ft.nn.GatedConv1d(4, 4, 2, groups=2, gate=gate)
    x = torch.randn(1, 4, 6, requires_grad=True)
    (g,) = torch.autograd.grad(layer(x)[:, :2].sum(), x)
    assert g[:, :2].any()
    assert not g[:, 2:].any()


@pytest.mark.parametrize("gate", ["glu", "gtu", "bilinear", "tanh"])
@pytest.mark.parametrize("causal", [True, False])
def test_derivatives_of_gated_layers_are_right(gate: Any, causal: bool) -> None:
    layer = ft.nn.GatedConv1d(2, 2, 2, groups=2, gate=gate, causal=causal, method="direct", dtype=torch.float64)
    x = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradgradcheck(layer, (x,))


def test_wrong_streams_are_refused_in_words() -> None:
    layer = ft.nn.CausalConv1d(2, 3, 4)
    state = layer.initial_state(2)
    with pytest.raises(ft.ShapeError, match=r"CausalConv1d: x is \(3, 2\).*one sample is \(2, 2\)"):
        layer.step(torch.zeros(3, 2), state)
    with pytest.raises(ft.ShapeError, match=r"the state is \(2, 2, 2\): \(N, 2, 3\) is expected"):
        layer.step(torch.zeros(2, 2), state[..., 1:])
    with pytest.raises(ft.DtypeError, match="x is float64, the state float32"):
        layer.step(torch.zeros(2, 2, dtype=torch.float64), state)
    with pytest.raises(ft.ParameterError, match="causal=False: outputs wait"):
        ft.nn.GatedConv1d(2, 2, 3, causal=False).initial_state()
    with pytest.raises(ft.ParameterError, match="leave boundary out"):
        ft.nn.GatedConv1d(2, 2, 3, boundary="edge")
    with pytest.raises(ft.ParameterError, match="gate='swish': allowed are \"glu\""):
        ft.nn.GatedConv1d(2, 2, 3, gate="swish")  # type: ignore[arg-type]
