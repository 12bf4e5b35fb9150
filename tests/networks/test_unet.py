"""U-Nets give the paper's sizes, take any size where they say so, shift with their input, are made of their options."""

import itertools
import json

import numpy as np
import pytest
import torch

import faltung as ft
from faltung.networks import UNet, output_size, valid_sizes


def filled(net, seed=0):
    """The net in evaluation and float64, with its first weights moved a little, also those that are zeros and ones."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    net = type(net)(**net.options)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
    return net.double().eval()


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_paper_s_net_takes_572_to_388():
    net = UNet(width=1, depth=4, padding="valid", norm=None)
    assert net(torch.zeros(1, 1, 572, 572)).shape == (1, 2, 388, 388)
    size = output_size(net, (1, 1, None, None))
    assert str(size) == "(1, 2, n - 184, n - 184)"
    assert str(size.valid) == "16n + 12 with n >= 11: 188, 204, 220, ..."
    assert net.margin == 92


def test_the_paper_s_net_has_31_million_weights():
    with torch.device("meta"):
        net = UNet(width=64, depth=4, padding="valid", norm=None, dropout=0.5)
    assert sum(p.numel() for p in net.parameters()) == 31_030_658


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("padding", ["reflect", "zero", "valid", "mirror"])
def test_sizes_are_those_of_the_calculator(padding, depth):
    net = UNet(width=1, depth=depth, padding=padding, axes=1).eval()
    said = output_size(net, (1, 1, None))
    for n in range(1, 121):
        if n in said.valid:
            expected = n - 2 * net.margin if padding == "valid" else n
            assert net(torch.zeros(1, 1, n)).shape[2] == said(n)[2] == expected
        else:
            with pytest.raises(ft.ShapeError, match='with padding="valid" and depth'):
                net(torch.zeros(1, 1, n))
    assert padding == "valid" or str(said.valid) == "any size"
    if padding in ("reflect", "zero"):
        assert valid_sizes(net.core, (1, 1, None)).upto(120) == list(range(net.grid, 121, net.grid))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (13, 8), (16, 17)])
def test_a_size_off_the_grid_is_extended_behind_by_reflection_and_cut_back(shape):
    net = filled(UNet(width=2, depth=2))
    x = random(1, 1, *shape)
    missing = [(0, -n % 4) for n in shape]
    extended = torch.from_numpy(np.pad(x[0, 0].numpy(), missing, mode="reflect"))[None, None]
    assert torch.equal(net(x), net.core(extended)[:, :, : shape[0], : shape[1]])


@pytest.mark.parametrize("shape", [(1, 5), (40, 11)])
def test_mirror_is_valid_on_the_mirrored_picture(shape):
    net, valid = (filled(UNet(width=2, depth=2, padding=padding)) for padding in ("mirror", "valid"))
    x = random(1, 1, *shape)
    extra = [(net.margin, net.margin + (12 - n - 2 * net.margin) % 4) for n in shape]
    mirrored = torch.from_numpy(np.pad(x[0, 0].numpy(), extra, mode="reflect"))[None, None]
    assert torch.equal(net(x), valid(mirrored)[:, :, : shape[0], : shape[1]])


@pytest.mark.parametrize("up", ["transpose", "nearest", "linear"])
def test_far_from_borders_a_shift_on_the_grid_is_a_shift(up):
    net = filled(UNet(width=4, depth=2, up=up, axes=1))
    assert net.grid == 4
    x = random(1, 1, 160)
    whole, tile = net(x), net(x[:, :, 40:120])
    # the reach is 20 on each side, 26 with linear resampling, and up to 3 of the grid
    assert torch.allclose(whole[:, :, 72:88], tile[:, :, 32:48], rtol=0, atol=1e-12)
    off = net(x[:, :, 41:121])
    assert not torch.allclose(whole[:, :, 73:88], off[:, :, 32:47])


def test_without_padding_every_tile_equals_the_whole_up_to_its_border():
    net = filled(UNet(width=2, depth=2, padding="valid", axes=1))
    x = random(1, 1, 44 + 4 * 20)
    whole = net(x)
    tile = net(x[:, :, 16 : 16 + 60])
    assert torch.allclose(whole[:, :, 16 : 16 + 20], tile, rtol=0, atol=1e-12)


def test_one_tap_and_resampling_commute():
    net = filled(UNet(width=2, depth=1, up="linear"))
    x = random(1, 4, 6, 5)
    ours = net.core._resampled(net.core.up[0](x))
    other = net.core.up[0](torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"))
    assert torch.allclose(ours, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("axes", "norm", "residual", "up"),
    list(itertools.product([1, 2, 3], [None, "batch", "group", "instance"], [False, True], ["transpose", "nearest"])),
)
def test_every_variant_trains_every_weight_and_is_made_of_its_options(axes, norm, residual, up):
    given = {"channels": 3, "classes": 4, "axes": axes, "width": 2, "depth": 1, "norm": norm, "residual": residual}
    net = UNet(**given, up=up, dropout=0.1)
    x = torch.randn(2, 3, *[6, 5, 4][:axes])
    y = net(x)
    assert y.shape == (2, 4, *x.shape[2:])
    y.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    again = UNet(**json.loads(json.dumps(net.options)))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.eval()(x), net.eval()(x))


def test_a_residual_block_without_weights_passes_on_its_input():
    block = UNet(width=3, depth=1, channels=3, norm=None, residual=True).core.down[0]
    for p in block.parameters():
        torch.nn.init.zeros_(p)
    x = torch.rand(1, 3, 5, 5)
    assert torch.equal(block(x), x)


def test_first_weights_keep_the_variance():
    torch.manual_seed(0)
    net = UNet(width=32, depth=2, norm=None)
    for layer in (net.core.bottom.second, net.core.join[0].first):
        expected = (2 / (9 * layer.in_channels)) ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.02)
    assert float(net.core.up[0].weight.detach().std()) == pytest.approx((2 / 128) ** 0.5, rel=0.03)


def test_dropout_masks_belong_to_places_of_the_whole_picture():
    net = UNet(width=2, depth=2, dropout=0.5, axes=1, norm=None).double()
    ft.nn.key_layers(net)
    x = random(1, 1, 160)
    with ft.nn.at(sample=3):
        whole = net(x)
    with ft.nn.at(origin=(40,), sample=3):
        tile = net(x[:, :, 40:120])
    assert torch.allclose(whole[:, :, 64:96], tile[:, :, 24:56], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"axes": 4}, "axes=4: 1"),
        ({"padding": "same"}, "padding='same'"),
        ({"up": "bicubic"}, "up='bicubic'"),
        ({"norm": "layer"}, "norm='layer'"),
        ({"depth": 0}, "depth"),
        ({"up": "linear", "padding": "valid"}, "beyond the border"),
        ({"dropout": 1.5}, "p=1.5"),
    ],
)
def test_what_is_no_option_is_refused(options, said):
    with pytest.raises(ft.ParameterError, match=said):
        UNet(**options)


def test_wrong_inputs_are_refused_with_what_to_do():
    with pytest.raises(ft.ShapeError, match=r"x\[None\]"):
        UNet(width=1, depth=1)(torch.zeros(1, 8, 8))
    with pytest.raises(ft.ShapeError, match=r"core\.down\.0\.first .*3 channels"):
        UNet(width=1, depth=1)(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ft.ShapeError, match="556 and 572 are nearest"):
        UNet(width=1, depth=4, padding="valid")(torch.zeros(1, 1, 572, 570))
