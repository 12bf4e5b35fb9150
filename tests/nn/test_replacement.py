import copy
from typing import Any

import pytest
import torch
from torch.nn.utils import parametrizations, parametrize

import faltung as ft
from faltung.nn import replacement


class Own(torch.nn.Conv2d):
    """A layer whose forward differs."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


def _network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    shared = torch.nn.Conv2d(4, 4, 5, padding=2, groups=4)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        shared,
        torch.nn.ReLU(inplace=True),
        shared,
        torch.nn.Dropout(),
        Own(4, 4, 1),
        parametrizations.weight_norm(torch.nn.Conv2d(4, 4, 3, padding=1, groups=4)),
    )
    # in which rounding cannot be taken for a difference
    return network.double()


X = torch.randn(2, 3, 24, 24, dtype=torch.float64)


@pytest.fixture
def ours_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions that do not hang on the machine's mood."""
    monkeypatch.setattr(replacement, "_times", lambda *_: (2.0, 1.0))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.usefixtures("ours_wins")
def test_results_parameters_keys_and_hooks_stay(training: bool) -> None:
    network = _network().train(training)
    calls = []
    network[2].register_forward_hook(lambda *_: calls.append(1))
    before = copy.deepcopy(network)
    keys, values = list(network.state_dict()), {n: v.clone() for n, v in network.state_dict().items()}
    parameters = list(network.parameters())
    state = torch.get_rng_state()
    same, report = ft.nn.replace(network, X)
    assert same is network
    assert torch.equal(torch.get_rng_state(), state)
    assert list(network.state_dict()) == keys
    assert all(torch.equal(v, values[n]) for n, v in network.state_dict().items())
    assert all(a is b for a, b in zip(network.parameters(), parameters, strict=True))
    assert all(p.grad is None for p in parameters)
    assert report.exchanged == ("2", "7")
    assert type(network[2]) is ft.nn.Conv2d
    assert network[2] is network[4]
    calls.clear()
    found, expected = (_run(net) for net in (network, before))
    assert len(calls) == 2 * 2
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def _run(network: torch.nn.Module) -> list[torch.Tensor]:
    torch.manual_seed(1)
    y = network(X)
    return [y, *torch.autograd.grad(y.sum(), list(network.parameters()))]


@pytest.mark.usefixtures("ours_wins")
def test_parametrized_layers_stay_parametrized() -> None:
    network, _ = ft.nn.replace(_network(), X)
    layer: Any = network[7]
    assert isinstance(layer, ft.nn.Conv2d)
    assert parametrize.is_parametrized(layer)
    assert isinstance(copy.deepcopy(layer), ft.nn.Conv2d)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is ft.nn.Conv2d


def test_every_layer_is_reported_with_its_reason() -> None:
    network = _network()
    network.append(torch.nn.Conv2d(4, 4, 1))
    network.append(ft.nn.Conv2d(4, 4, 1))
    network.append(torch.nn.LazyConv2d(4, 1))
    network[8].forward = network[8].forward
    _, report = ft.nn.replace(network[:8], X)
    reasons = {swap.path: swap.reason for swap in report.swaps}
    assert reasons["0"] == "ours would call torch's own function on this"
    assert "class of its own" in reasons["6"]
    measured = next(swap for swap in report.swaps if swap.path == "2")
    assert measured.torch_s is not None
    assert measured.faltung_s is not None
    assert measured.exchanged == (measured.torch_s / measured.faltung_s >= replacement.WORTH)
    assert "forward and backward" in measured.reason
    assert str(report).splitlines()[-1] == f"{len(report.exchanged)} of 4 layers exchanged"
    _, report = ft.nn.replace(network)
    reasons = {swap.path: swap.reason for swap in report.swaps}
    assert reasons["0"].startswith("no example")
    assert reasons["8"] == "its forward was exchanged by somebody else"
    assert reasons["9"] == "Faltung's already"
    assert reasons["10"].startswith("has no weights yet")


def test_a_layer_that_gives_something_else_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ft.nn.Conv2d, "forward", lambda self, x: 1.001 * torch.nn.Conv2d.forward(self, x))
    network, report = ft.nn.replace(torch.nn.Conv2d(4, 4, 3, groups=4).eval(), torch.randn(1, 4, 20, 20))
    assert type(network) is torch.nn.Conv2d
    assert report.swaps[0].reason.startswith("results differ by")
    assert "(itself)" in str(report)


def test_a_layer_that_the_example_does_not_reach_is_left() -> None:
    network = torch.nn.Sequential(torch.nn.Conv1d(2, 2, 3, groups=2))
    network.register_module("unused", torch.nn.Conv1d(2, 2, 3, groups=2))
    network.forward = lambda x: network[0](x)  # type: ignore[method-assign]
    _, report = ft.nn.replace(network, (torch.randn(1, 2, 20),))
    assert [swap.reason for swap in report.swaps if swap.path == "unused"] == ["the example does not call it"]


@pytest.mark.usefixtures("ours_wins")
def test_transposed_layers_with_a_size_asked_for_are_measured_as_called() -> None:
    class Up(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = torch.nn.ConvTranspose1d(2, 2, 3, groups=2, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.up(x, output_size=x.shape)

    network, report = ft.nn.replace(Up(), torch.randn(1, 2, 20))
    assert report.exchanged == ("up",)
    assert network(torch.randn(1, 2, 20)).shape == (1, 2, 20)


def test_what_cannot_be_changed_is_refused() -> None:
    with pytest.raises(ft.ParameterError, match="rounds=0"):
        ft.nn.replace(torch.nn.Conv1d(1, 1, 1), rounds=0)
    assert str(ft.nn.replace(torch.nn.Identity())[1]) == "no convolution layers"
