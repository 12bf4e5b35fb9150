"""Bytes held at once, against sums done by hand."""

import torch
from torch import nn

from faltung.networks.memory import peak_bytes
from faltung.networks.recording import record


def kib(module: nn.Module, *, keeps_input: bool) -> float:
    """Of a run on 1 x 1 x 16 x 16 float32, which is 1 KiB."""
    return peak_bytes(record(module.eval(), (1, 1, 16, 16)), keeps_input=keeps_input) / 1024


def test_the_input_counts_to_the_end_only_where_it_is_kept() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 1, 1))
    assert kib(net, keeps_input=True) == 1 + 4 + 4
    assert kib(net, keeps_input=False) == 4 + 4


def test_a_skip_is_held_until_it_is_read() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 8, 1), nn.Conv2d(8, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            held = self.one(x)
            return self.three(self.two(held)) + held

    # the skip, and what the third layer reads and gives
    assert kib(Skip(), keeps_input=False) == 2 + 8 + 2


def test_a_view_takes_nothing_and_keeps_what_it_looks_at() -> None:
    class Looked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(1, 4, 1), nn.Conv2d(1, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            view = self.one(x).flatten(1)
            return self.two(x).flatten(1).sum() + view.sum()

    # and one sum
    assert kib(Looked(), keeps_input=True) == 1 + 4 + 1 + 4 / 1024
