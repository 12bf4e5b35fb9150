from typing import Any

import pytest
import torch

import faltung as ft

WRONG: list[tuple[Any, str]] = [
    (lambda: ft.nn.Conv2d(6, 8, 3, groups=4), "in_channels=6 does not divide by groups=4: 6 and 8 .* groups of 1, 2"),
    (lambda: ft.nn.Conv2d(4, 6, 3, groups=4), "out_channels=6 does not divide by groups=4"),
    (lambda: ft.nn.Conv2d(0, 6, 3), "in_channels=0: at least 1"),
    (lambda: ft.nn.Conv2d(4, 6, 3, groups=-1), "groups=-1: at least 1"),
    (lambda: ft.nn.Conv2d(4, 6, 0), "kernel_size=0: at least 1"),
    (lambda: ft.nn.Conv2d(4, 6, (3, 3, 3)), "3 entries for 2 axes"),
    (lambda: ft.nn.Conv2d(4, 6, 3.0), "kernel_size=3.0: an integer"),
    (lambda: ft.nn.Conv2d(4, 6, 3, dilation=0), "dilation=0: at least 1"),
    (lambda: ft.nn.Conv2d(4, 6, 3, padding_mode="mirror"), "padding_mode='mirror': allowed are"),
    (lambda: ft.nn.Conv2d(4, 6, 3, padding_mode="replicate", boundary="edge"), 'is boundary="edge"'),
    (lambda: ft.nn.ConvTranspose1d(4, 6, 3, padding_mode="reflect"), "its padding takes away"),
    (lambda: ft.nn.ConvTranspose1d(4, 6, 3, output_padding=1), "output_padding=1 with stride 1 and dilation 1"),
    (lambda: ft.nn.DepthwiseConv1d(4, 3, multiplier=0), "multiplier=0: at least 1"),
    (lambda: ft.nn.CausalConv1d(4, 6, 3, groups=4), "does not divide"),
]


@pytest.mark.parametrize(("act", "message"), WRONG)
def test_layers_that_cannot_be_are_refused_when_made(act: Any, message: str) -> None:
    with pytest.raises(ft.ParameterError, match=message):
        act()


class Block(torch.nn.Module):
    """A part of a network that calls its layers itself."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (ft.nn.Conv1d(2, 2, 3), (1, 3, 9), r"x has 3 channels, \(1, 3, 9\): 2 are expected"),
        (
            ft.nn.Conv1d(2, 2, 3, dilation=4),
            (1, 2, 5),
            "has 5 samples; a kernel of 3 with dilation 4 spans 9: at least 9",
        ),
        (
            ft.nn.Conv1d(2, 2, 9, padding=1),
            (1, 2, 5),
            r"5 samples and 1 \+ 1 of padding; .* 2 more .* kernel of at most 7",
        ),
        (
            ft.nn.Conv1d(2, 2, 3, padding=3, padding_mode="reflect"),
            (1, 2, 3),
            'at most 2 on a side, not 3; boundary="ref',
        ),
        (
            ft.nn.ConvTranspose1d(2, 2, 3, padding=4),
            (1, 2, 3),
            "has 3 samples, of which 5 are made, and padding=4 takes 8",
        ),
        (ft.nn.LongConv1d(2, 3), (1, 5, 3), "x has 5 channels"),
        (ft.nn.GatedConv1d(2, 2, 3), (1, 5, 3), "x has 5 channels"),
    ],
)
def test_an_error_names_its_layer_by_the_path_in_the_network_that_was_called(
    layer: torch.nn.Module, shape: tuple[int, ...], message: str
) -> None:
    network = torch.nn.Sequential(torch.nn.Identity(), torch.nn.ModuleDict({"block": Block(layer)})["block"])
    with pytest.raises(ft.ShapeError, match=rf"^1\.layer(\.conv)? \(\w+1d\): .*{message}"):
        network(torch.zeros(shape))
    with pytest.raises(ft.ShapeError, match=rf"^(conv \()?\w+1d\)?: .*{message}"):
        layer(torch.zeros(shape))


def test_dtypes_are_not_mixed() -> None:
    for method in ("auto", "direct"):
        with pytest.raises(ft.DtypeError, match=r"x is float64, weight float32: give x.to\(torch.float32\)"):
            ft.nn.Conv1d(2, 2, 3, groups=2, method=method)(torch.zeros(1, 2, 30, dtype=torch.float64))
