"""Which recipe suits some examples: where a command starts from, for data that nobody has tuned anything for."""

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..errors import ParameterError
from ..networks.saved import NETWORKS
from .config import Augmentation, Config
from .recipes import Recipe, fashion_mnist

if TYPE_CHECKING:
    from ..data.examples import Examples


def recipe_for(examples: "Examples", *, seed: int = 0, dropout: float | None = None) -> Recipe:
    """A recipe for examples: tuned where there is one for the set, else `classify` or `segment` by their labels.

    Args:
        examples: what is to be learnt.
        seed: of weights, order, augmentation and dropout.
        dropout: of the network, from 0 to 1; None leaves the recipe's.

    Raises:
        ParameterError: no such dropout.
    """
    if examples.name.startswith("fashion-mnist"):
        recipe = fashion_mnist(seed=seed, classes=len(examples.classes))
    else:
        recipe = (segment if len(examples.y.shape) > 1 else classify)(examples, seed=seed)
    if dropout is None:
        return recipe
    net: Any = recipe.model
    return Recipe(_made(type(net).__name__, {**net.options, "dropout": dropout}, seed), recipe.config)


def classify(examples: "Examples", *, seed: int = 0) -> Recipe:
    """A ConvNet for signals, pictures or volumes with a class each.

    Three stages, four from 64 places on, or as many as the smallest side can be halved; AdamW with one cycle up to
    0.003. Inputs are shifted by lot, and not mirrored: whether a mirror image is of the same class is not ours to know.

    Args:
        examples: x (N, channels, *spatial), y (N,).
        seed: of weights, order, augmentation and dropout.
    """
    channels, *sizes = (int(n) for n in examples.x.shape[1:])
    widths = ((16,), (32,), (64, 96)) if min(sizes) < 64 else ((16,), (32,), (64,), (96, 128))
    while len(widths) > 1 and 2 ** (len(widths) - 1) > min(sizes):
        widths = widths[:-1]
    options = {"channels": channels, "classes": len(examples.classes), "dims": len(sizes), "widths": widths}
    augment: tuple[Augmentation, ...] = ("shift",) if len(sizes) < 3 else ()
    config = Config(epochs=_epochs(len(examples)), learning_rate=3e-3, augment=augment, seed=seed)
    return Recipe(_made("ConvNet", {**options, "dropout": 0.2}, seed), config)


def segment(examples: "Examples", *, seed: int = 0) -> Recipe:
    """A U-Net for pictures with a class at each place.

    Large pictures are learnt from parts of 128 x 128, several of each in an epoch, so that an epoch has about a hundred
    parts at least; all are mirrored, turned, scaled and bent elastically.

    Args:
        examples: x (N, channels, *spatial), y (N, *spatial).
        seed: of weights, order, augmentation and dropout.
    """
    channels, *sizes = (int(n) for n in examples.x.shape[1:])
    options = {"channels": channels, "classes": len(examples.classes), "axes": len(sizes), "width": 16, "depth": 3}
    crop = tuple(min(size, 128) for size in sizes)
    parts = max(1, round(100 / len(examples)))
    moved: tuple[Augmentation, ...] = ("flips", "rotate", "scale", "elastic") if len(sizes) == 2 else ("flips",)
    config = Config(
        epochs=20,
        batch_size=8,
        learning_rate=2e-3,
        augment=(*moved, "light"),
        crop=crop if list(crop) != sizes else (),
        repeats=parts,
        validation=0.1 if len(examples) >= 10 else 0.0,
        seed=seed,
    )
    return Recipe(_made("UNet", {**options, "norm": "batch"}, seed), config)


def _epochs(num_examples: int) -> int:
    """As many as make about 3,000 steps of 64, from 5 to 60."""
    return min(60, max(5, round(3_000 * 64 / max(num_examples, 1))))


def _made(name: str, options: dict[str, Any], seed: int) -> nn.Module:
    if name not in NETWORKS:
        raise ParameterError(f"network {name} is not there; known are {', '.join(NETWORKS) or 'none'}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NETWORKS[name](**options)
