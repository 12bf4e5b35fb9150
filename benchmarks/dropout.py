"""Dropout, ours and torch's, on the same seed: results are equal bit for bit before anything is timed."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

import faltung as ft
from faltung.spec import Array

from .contract import Entry

SHAPES = ((64, 1000), (8, 64, 56, 56))
"""What comes out of a hidden layer, and of a layer of a small ConvNet."""

LAYERS = ("Dropout", "Dropout2d", "AlphaDropout")


def races() -> Iterator[tuple[str, Callable[[], dict[str, Entry]]]]:
    """Name and entries of each case: forward, and forward with backward."""
    for shape in SHAPES:
        for name in LAYERS:
            if name.endswith("2d") and len(shape) != 4:
                continue
            for backward in (False, True):
                words = f"nn.{name}, {'x'.join(map(str, shape))}{', with gradient' if backward else ''}"
                yield words, lambda name=name, shape=shape, backward=backward: _entries(name, shape, backward)


def _entries(name: str, shape: tuple[int, ...], backward: bool) -> dict[str, Entry]:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return {
        "faltung": Entry(_steps(getattr(ft.nn, name)(0.5), x.clone(), backward)),
        "torch": Entry(_steps(getattr(torch.nn, name)(0.5), x.clone(), backward)),
    }


def _steps(layer: Any, x: torch.Tensor, backward: bool) -> Callable[[], Array]:
    """One call; with gradient, the gradient is what is compared."""
    upstream = torch.ones_like(x)

    def forward() -> Array:
        torch.manual_seed(0)
        return layer(x).numpy()

    def forward_and_backward() -> Array:
        torch.manual_seed(0)
        x.grad = None
        layer(x).backward(upstream)
        assert x.grad is not None
        return x.grad.numpy()

    if not backward:
        return forward
    x.requires_grad_()
    return forward_and_backward
