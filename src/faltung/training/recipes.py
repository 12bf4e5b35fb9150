"""Recipes: a network and the config that trains it well, for sets on which others have published what they reached."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..arguments import integer
from ..networks.convnet import ConvNet
from .config import Config

__all__ = ["Recipe", "fashion_mnist", "signals"]


@dataclass(frozen=True, eq=False)
class Recipe:
    """A network, untrained, and how to train it.

    Attributes:
        model: a new network, its first weights drawn from the seed.
        config: for `faltung.training.train`.
    """

    model: ConvNet
    config: Config


def fashion_mnist(*, seed: int = 0, classes: int = 10) -> Recipe:
    """A small ConvNet for small grey pictures, and 16 epochs for it.

    Three stages of 16, 32 and 64 maps and more, 28 x 28, 14 x 14 and 7 x 7, fewer than 100,000 numbers to learn. Most
    of the work is done where maps are small, so an epoch of 60,000 pictures takes seconds. Steps are large and fall to
    nothing (one cycle), pictures are mirrored and moved by lot, and no answer is asked for with more than 91 %
    (label smoothing), so that 16 epochs are enough. What it reaches stands in `benchmarks/results`.

    Args:
        seed: of the first weights and of all that is drawn in training.
        classes: how many.

    Source: Smith 2018, "A disciplined approach to neural network hyper-parameters" (one cycle); Szegedy et al. 2016,
    "Rethinking the inception architecture for computer vision" (label smoothing).

    Example:
        >>> recipe = fashion_mnist()
        >>> recipe.model.num_parameters, recipe.config.epochs
        (89114, 16)
    """
    config = Config(
        epochs=16,
        batch_size=128,
        learning_rate=0.2,
        optimiser="sgd",
        weight_decay=5e-4,
        warm_up=0.2,
        label_smoothing=0.1,
        augment=("flip", "shift"),
        precision="bf16-mixed",
        channels_last=True,
        seed=seed,
    )
    widths = ((16,), (32, 32), (64, 96))
    return Recipe(_drawn(seed, lambda: ConvNet(channels=1, classes=classes, widths=widths)), config)


def signals(*, channels: int = 1, classes: int, seed: int = 0) -> Recipe:
    """The fully convolutional net for signals (`ConvNet.for_signals`), and 250 epochs of 16 signals a step.

    Meant for the few hundred signals of most sets: nothing is held back for validation, and the last weights, where the
    rate has fallen to nothing, are kept. Label smoothing keeps the net from growing ever surer of the few that it has
    seen. What it reaches stands in `benchmarks/results`.

    Args:
        channels: of the signals, one for each sensor.
        classes: how many.
        seed: of the first weights and of all that is drawn in training.

    Source: Wang, Yan and Oates 2017, "Time series classification from scratch with deep neural networks", IJCNN: the
    net. They train for 2,000 epochs with Adam and keep the weights of the lowest training loss.

    Example:
        >>> recipe = signals(classes=6)
        >>> recipe.model.num_parameters, recipe.config.batch_size
        (264966, 16)
    """
    config = Config(
        epochs=250,
        batch_size=16,
        learning_rate=3e-3,
        label_smoothing=0.1,
        validation=0.0,
        precision="bf16-mixed",
        seed=seed,
    )
    return Recipe(_drawn(seed, lambda: ConvNet.for_signals(channels=channels, classes=classes)), config)


def _drawn(seed: int, make: Callable[[], ConvNet]) -> ConvNet:
    """A net with weights from this seed; torch's own random numbers are afterwards as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer("seed", seed, least=0))
        return make()
