"""Small data and networks that are learnt in a second."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from faltung.data.examples import Examples
from faltung.training import Classification, Config


def lines(n=60, *, seed=0):
    """Pictures (n, 1, 8, 8) of bytes with a bright row or a bright column."""
    lot = np.random.default_rng(seed)
    x = lot.integers(0, 60, (n, 1, 8, 8), np.uint8)
    y = np.arange(n) % 2
    for picture, label, place in zip(x[:, 0], y, lot.integers(0, 8, n), strict=True):
        picture[(place, slice(None)) if label else (slice(None), place)] = 255
    return Examples(x, y.astype(np.int64), ("column", "row"), name="lines")


def spots(n=16, *, size=12, seed=0, unknown=0.0):
    """Pictures (n, 1, size, size) with a bright box, and its mask; a share of places is unlabelled."""
    lot = np.random.default_rng(seed)
    x = lot.normal(0, 0.3, (n, 1, size, size)).astype(np.float32)
    y = np.zeros((n, size, size), np.int64)
    for picture, mask in zip(x[:, 0], y, strict=True):
        row, column = lot.integers(0, size - 4, 2)
        box = (slice(row, row + 4), slice(column, column + 4))
        picture[box] += 2
        mask[box] = 1
    y[lot.random(y.shape) < unknown] = -1
    return Examples(x, y, ("paper", "spot"), name="spots")


def classifier(seed=0, *, p=0.2):
    """With dropout and batch norm: randomness and state to be kept."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(p), nn.Flatten(), nn.Linear(384, 2)
    )


def segmenter(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 2, 3, padding=1))


def same_weights(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(v, w) for (a, v), (b, w) in pairs)


def curve(run):
    """All of a history but how long it took."""
    return [(epoch.number, epoch.loss, epoch.rate, epoch.scores, epoch.best) for epoch in run.history]


def plain(seed=0):
    """Nothing that several processes do apart: no dropout, no batch norm."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2))


def split_cases():
    """What several processes together have to learn as one does: network, examples, config and task, by name.

    Batches do not divide evenly, all that is drawn by lot for examples is drawn, and labels are unevenly many.
    """
    augment = ("flip", "shift", "rotate", "elastic", "noise", "light", "erase")
    config = Config(epochs=2, batch_size=11, learning_rate=0.01, optimiser="sgd", augment=augment, clip=1.0, threads=1)
    uneven = spots(23)
    # some have hardly a label
    uneven.y[::2] = np.where(np.random.default_rng(5).random(uneven.y[::2].shape) < 0.95, -1, uneven.y[::2])
    weighted = Classification(("column", "row"), weights=(1.0, 7.0), label_smoothing=0.1)
    return {
        "classes": (plain(), lines(61), config, None),
        "weighted classes": (plain(), lines(61), config, weighted),
        "places": (segmenter(), uneven, config, None),
        "classes in parts": (plain(), lines(61), replace(config, accumulate=3), None),
        "single examples": (segmenter(), uneven.subset(range(5)), replace(config, batch_size=1, validation=0.2), None),
    }
