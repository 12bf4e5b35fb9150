"""Recipes are what their words say, come from the seed alone, and learn."""

import dataclasses

import numpy as np
import pytest
import torch

from faltung import data
from faltung.errors import ParameterError
from faltung.training import evaluate, train
from faltung.training.recipes import fashion_mnist, signals


def weights(recipe):
    return torch.cat([w.detach().flatten() for w in recipe.model.parameters()])


def test_fashion_mnist_has_fewer_than_100_000_numbers_to_learn():
    assert fashion_mnist().model.num_parameters < 100_000


@pytest.mark.parametrize(
    "make", [fashion_mnist, lambda seed: signals(classes=3, seed=seed)], ids=["fashion", "signals"]
)
def test_the_seed_decides_the_weights_and_nothing_else_is_touched(make):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = make(seed=1), make(seed=1), make(seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))
    assert (first.config.seed, other.config.seed) == (1, 2)
    assert first.config == again.config


def test_fashion_mnist_learns_from_few_pictures():
    recipe = fashion_mnist(seed=1)
    examples = data.fashion_mnist("train").subset(np.arange(1500))
    config = dataclasses.replace(recipe.config, epochs=3, threads=1, validation=0.0, device="cpu")
    run = train(recipe.model, examples, config=config)
    # guessing comes to 0.1
    assert evaluate(run, data.fashion_mnist("test").subset(np.arange(500))).accuracy > 0.5


def test_signals_learns_italian_power():
    train_part, test_part = (data.ucr("ItalyPowerDemand", part) for part in ("train", "test"))
    recipe = signals(classes=len(train_part.classes), seed=1)
    config = dataclasses.replace(recipe.config, epochs=25, threads=1, device="cpu")
    run = train(recipe.model, train_part, config=config)
    assert run.history[-1].loss < run.history[0].loss
    # a half by guessing
    assert evaluate(run, test_part).accuracy > 0.8


def test_a_seed_below_zero_is_refused():
    with pytest.raises(ParameterError, match="seed=-1"):
        fashion_mnist(seed=-1)
