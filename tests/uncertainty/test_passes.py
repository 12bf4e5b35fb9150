"""Samples at prefix cost are full passes with the same masks, whatever a network does; and nothing is left changed."""

import pytest
import torch
from torch import nn

import faltung as ft
from faltung.nn.dropout.sampling import dropping_only
from faltung.uncertainty.generators import Generators

from .zoo import CASES

SAMPLES = 7


def full_passes(net: nn.Module, x: torch.Tensor, samples: int, seed: int = 0) -> torch.Tensor:
    """The definition."""
    generators = Generators(net, x, seed)
    outputs = []
    with torch.no_grad(), generators.kept(), dropping_only(net):
        for sample in range(samples):
            generators.start(sample)
            with ft.nn.at(sample=sample):
                outputs.append(net(x.clone()))
    return torch.stack(outputs)


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return CASES[name].make(), torch.randn(CASES[name].shape)


@pytest.mark.parametrize("name", CASES)
def test_one_by_one_is_bit_for_bit_full_passes(name: str) -> None:
    net, x = made(name)
    expected = full_passes(net, x, SAMPLES)
    found = ft.uncertainty.sample_outputs(net, x, samples=SAMPLES, batch=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert bool((expected[0] != expected[1]).any())


@pytest.mark.parametrize("name", CASES)
def test_side_by_side_is_full_passes(name: str) -> None:
    net, x = made(name)
    expected = full_passes(net, x, SAMPLES, seed=3)
    found = ft.uncertainty.monte_carlo(net, x, samples=SAMPLES, seed=3, batch=3, output="values")
    outputs = ft.uncertainty.sample_outputs(net, x, samples=SAMPLES, seed=3, batch=3)
    assert found.sampling.way == CASES[name].way, found.sampling
    torch.testing.assert_close(outputs, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.mean, expected.mean(0), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.std, expected.std(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_left_changed(name: str) -> None:
    net, x = made(name)
    for part in list(net.modules())[::2]:
        part.training = False
    modes = [part.training for part in net.modules()]
    before = {key: value.clone() for key, value in net.state_dict().items()}
    own = [part.generator for part in net.modules() if getattr(part, "generator", None) is not None]
    states = [torch.get_rng_state(), *(generator.get_state() for generator in own)]
    kept = x.clone()
    ft.uncertainty.sample_outputs(net, x, samples=3)
    assert torch.equal(x, kept)
    assert modes == [part.training for part in net.modules()]
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(
        torch.equal(a, b) for a, b in zip(states, [torch.get_rng_state(), *(g.get_state() for g in own)], strict=True)
    )
    assert not any(buffer.requires_grad for buffer in net.buffers())
