"""A pass that depends on more than the samples' own random numbers is found out, and says why it is not shortened."""

import random

import numpy as np
import pytest
import torch
from torch import nn

import faltung as ft

from .zoo import Does

F = nn.functional


def sampling(net: nn.Module, x: torch.Tensor, batch: int = 1):
    with torch.random.fork_rng(devices=[]):
        return ft.uncertainty.monte_carlo(net, x, samples=6, batch=batch, output="values").sampling


def two_ways(choose) -> nn.Module:
    """One of two layers, then dropout."""
    return Does(
        lambda net, x: net.last(net.drop(net.ways[choose(net)](x))),
        ways=nn.ModuleList([nn.Linear(5, 8), nn.Linear(5, 8)]),
        drop=nn.Dropout(0.5),
        last=nn.Linear(8, 2),
    )


@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("draw", [random.random, np.random.random], ids=["random", "numpy"])
def test_random_numbers_of_python_are_those_of_no_sample(draw, batch: int) -> None:
    found = sampling(two_ways(lambda net: int(draw() < 0.5)), torch.ones(3, 5), batch)
    assert found.way == "full passes"
    assert "Python's or NumPy's" in found.reason


def test_other_weights_in_a_later_pass_are_noticed() -> None:
    # the calls are the same, only the layer is another one
    passes: list[None] = []

    def turn(net: nn.Module) -> int:
        passes.append(None)
        return len(passes) % 2

    found = sampling(two_ways(turn), torch.ones(3, 5))
    assert found.way == "full passes"
    assert "Linear" in found.reason or "linear" in found.reason


def test_other_inputs_in_a_later_pass_are_noticed() -> None:
    passes: list[None] = []

    def forward(net: Does, x: torch.Tensor) -> torch.Tensor:
        passes.append(None)
        both = (x * 2, x * 3)
        return net.last(net.drop(net.one(both[len(passes) % 2])))

    net = Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), last=nn.Linear(8, 2))
    found = sampling(net, torch.ones(3, 5))
    assert found.way == "full passes"
    assert "something else than in the first pass" in found.reason


def test_layers_before_dropout_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {"before": 0, "behind": 0}
    own = nn.Conv2d._conv_forward

    def counted(self, x, weight, bias):
        runs["before" if self.in_channels == 2 else "behind"] += 1
        return own(self, x, weight, bias)

    monkeypatch.setattr(nn.Conv2d, "_conv_forward", counted)
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU()),
        nn.Dropout2d(0.5),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU()),
    )
    found = sampling(net, torch.ones(1, 2, 5, 5))
    # sample 0 is computed twice, and compared
    assert runs == {"before": 1, "behind": 7}
    assert (found.prefix_calls, found.suffix_calls, found.difference) == (1, 2, 0.0)


def test_layers_are_as_before_also_after_an_error() -> None:
    net = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(7, 2))
    with pytest.raises(RuntimeError, match="shapes"):
        sampling(net, torch.ones(3, 5))
    assert not any("forward" in vars(part) for part in net.modules())


def test_what_a_layer_holds_inside_counts_as_memory() -> None:
    wide = nn.Sequential(nn.Linear(4, 20_000), nn.ReLU(), nn.Linear(20_000, 2))
    narrow = nn.Sequential(nn.Linear(4, 20), nn.ReLU(), nn.Linear(20, 2))
    x = torch.ones(1, 4)
    many = ft.uncertainty.monte_carlo(nn.Sequential(nn.Dropout(0.5), narrow), x, samples=40).sampling
    few = ft.uncertainty.monte_carlo(nn.Sequential(nn.Dropout(0.5), wide), x, samples=40).sampling
    assert (many.batch, few.batch) == (40, 1)
