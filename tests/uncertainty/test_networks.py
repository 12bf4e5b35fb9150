"""Samples of a trained network are full passes with the same masks, and only its last layer is run for each."""

import pytest
import torch

import faltung as ft
from faltung.nn.dropout.sampling import dropping_only
from faltung.uncertainty import sample_seed
from networks.real import lite0


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 5])
def test_efficientnet_with_dropout_before_its_last_layer(batch: int) -> None:
    net, x = lite0(), torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    outputs = ft.uncertainty.sample_outputs(net, x, samples=6, batch=batch)
    found = ft.uncertainty.monte_carlo(net, x, samples=6, batch=batch)
    with torch.no_grad(), dropping_only(net), torch.random.fork_rng(devices=[]):
        for sample, output in enumerate(outputs):
            torch.manual_seed(sample_seed(sample))
            expected = net(x)
            apart = float((output - expected).abs().max() / expected.abs().max())
            assert apart == 0 if batch == 1 else apart < 1e-6
    assert found.sampling.way == ("one by one" if batch == 1 else "side by side")
    assert found.sampling.suffix_calls == 2
    assert not found.sampling.reason
    torch.testing.assert_close(found.probabilities, outputs.softmax(2).mean(0))
    assert bool((outputs[0] != outputs[1]).any())
