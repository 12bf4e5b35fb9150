import pytest
import torch
from torch import nn

import faltung as ft
from faltung.boundary import parse_boundary
from faltung.errors import ParameterError, ShapeError
from faltung.tensors.edges import pad_by_rules
from faltung.tiling import apply, plan, probe
from tiling.nets import UNet, of_integers, seeded

F = nn.functional


@pytest.fixture(scope="module")
def unet():
    return seeded(UNet)


def test_halo_grid_and_cost_of_the_u_net_are_those_of_the_arithmetic_on_paper(unet):
    found = plan(unet, (1, 1, 512, 512), tile=128)
    # 2 + 4 + 8 + 4 + 2 = 20 for the convolutions, and the pools begin at multiples of 4
    assert found.grid == (4, 4)
    assert found.reach == ((22, 22), (22, 22))
    assert found.halo == ((24, 24), (24, 24))
    assert found.counts == (4, 4)
    assert found.work == pytest.approx((656 / 512) ** 2)
    assert found.rounding == ()
    assert "24 24" in str(found)


@pytest.mark.parametrize(
    ("size", "tile", "count", "even"),
    [(512, 128, 4, 128), (960, 128, 8, 120), (300, 256, 2, 152), (300, 128, 3, 100), (1000, 128, 8, 128)],
)
def test_tiles_are_alike_so_that_a_rest_costs_no_full_tile(unet, size, tile, count, even):
    found = plan(unet, (1, 1, size, 64), tile=tile, even=True)
    assert found.tile == (even,)
    assert found.counts == (count,)
    # two halos at each inner border, and as much as tiles are longer than the picture
    pixels = sum(piece.read[2].stop - piece.read[2].start for piece in found.tiles())
    assert pixels <= count * even + 2 * 24 * (count - 1)
    assert found.work == pytest.approx(pixels / size)
    exact = plan(unet, (1, 1, size, 64), tile=tile)
    assert exact.tile == (tile,)
    assert exact.work >= found.work


def test_tiles_are_alike_in_what_is_left_of_the_picture_without_padding():
    net = of_integers(nn.Sequential(*[nn.Conv2d(1, 1, 9) for _ in range(4)]))
    x = torch.randint(-3, 4, (1, 1, 132, 40)).double()
    # of 132 rows 100 give a result: two tiles of 50, where 60 would leave 40
    found = plan(net, x.shape, tile=60, even=True)
    assert found.tile == (50,)
    assert [piece.write[0][2] for piece in found.tiles()] == [slice(0, 50), slice(50, 100)]
    assert torch.equal(apply(net, x, plan=found), net(x))


def tile_with_halo(net, x, first, stop, halo):
    """What a tile gives for its own part, read with this halo."""
    start = max(first - halo, 0)
    with torch.no_grad():
        y = net(x[:, :, start : stop + halo, start : stop + halo])
    return y[:, :, first - start : stop - start, first - start : stop - start]


def test_one_step_less_of_halo_differs(unet):
    torch.manual_seed(1)
    x = torch.rand(1, 1, 256, 256)
    with torch.no_grad():
        whole = unet(x)[:, :, 64:192, 64:192]
    assert torch.equal(tile_with_halo(unet, x, 64, 192, 24), whole)
    # in whole numbers nothing is rounded, so that what differs is no rounding
    net = of_integers(seeded(lambda: UNet(norm=nn.Identity, widths=(2, 2, 2))))
    x = torch.randint(-3, 4, x.shape).double()
    with torch.no_grad():
        whole = net(x)[:, :, 64:192, 64:192]
    assert torch.equal(tile_with_halo(net, x, 64, 192, 24), whole)
    assert not torch.equal(tile_with_halo(net, x, 64, 192, 20), whole)


def test_reach_is_no_pixel_too_short_and_none_too_long(unet):
    # of the tile's own 64 rows, the first depends on the pixel at `reach` before, and on none before that
    net = unet.double()
    found = plan(net, (1, 1, 192, 160), tile=64)
    (before, behind), _ = found.reach
    torch.manual_seed(1)
    x = torch.rand(1, 1, 192, 160).double()
    with torch.no_grad():
        whole = net(x)[:, :, 64:128]
        for place, is_seen in (
            (64 - before, True),
            (64 - before - 1, False),
            (127 + behind, True),
            (128 + behind, False),
        ):
            other = x.clone()
            other[:, :, place] += 100 * torch.rand(160).double()
            assert (not torch.equal(net(other)[:, :, 64:128], whole)) == is_seen
    unet.float()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), "1 .batch_norm. in training mode"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(0.5)), "1 .dropout. drops at random"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softmax(dim=2)), "1 .softmax. divides by a sum over all"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")), "circular"),
        (lambda: nn.Sequential(nn.AdaptiveAvgPool2d(8)), "0 .adaptive_avg_pool2d. spaces its positions"),
        (lambda: nn.Sequential(nn.InstanceNorm2d(1, track_running_stats=True)), "running statistics"),
        (lambda: nn.MaxPool2d(2, return_indices=True), "positions of maxima"),
    ],
)
def test_refusals_name_the_layer_and_the_reason(make, words):
    with pytest.raises(ParameterError, match=words):
        plan(make(), (1, 1, 256, 256), tile=32)


@pytest.mark.parametrize(
    "boundary", ["reflect", "symmetric", "edge", "zero", ("constant", 2.0), [("edge", "reflect")] * 2]
)
def test_boundaries_of_all_kinds_stay_at_the_pictures_border(boundary):
    layers = ft.nn.Conv2d(1, 2, 5, padding=2, boundary=boundary), ft.nn.Conv2d(2, 1, 3, padding=3, boundary=boundary)
    net = of_integers(nn.Sequential(layers[0], nn.MaxPool2d(2), layers[1]))
    x = torch.randint(-3, 4, (1, 1, 97, 84)).double()
    found = plan(net, x.shape, tile=(32, 20))
    assert found.counts == (4, 5)
    assert torch.equal(apply(net, x, plan=found), net(x))


def test_a_picture_that_wraps_around_is_cut_along_the_other_axis_only():
    net = of_integers(ft.nn.Conv2d(1, 1, 5, padding=2, boundary=["wrap", "reflect"]))
    x = torch.randint(-3, 4, (1, 1, 64, 96)).double()
    with pytest.raises(ParameterError, match=r"axis 2: .*pad_by_rules.*circular"):
        plan(net, x.shape, tile=32)
    found = plan(net, x.shape, tile=(64, 32))
    assert found.counts == (3,)
    assert torch.equal(apply(net, x, plan=found), net(x))


class FilledBySize(nn.Module):
    """Pads by a value that is made of the size."""

    def __init__(self, pad):
        super().__init__()
        self.pad = pad

    def forward(self, x):
        return self.pad(x, float(x.shape[3]))


@pytest.mark.parametrize(
    "pad",
    [
        lambda x, value: F.pad(x, (1, 1), value=value),
        lambda x, value: torch.constant_pad_nd(x, (1, 1), value),
        lambda x, value: pad_by_rules(x, parse_boundary([("constant", value)], 1), (1,), (1,)),
    ],
    ids=["pad", "constant_pad_nd", "pad_by_rules"],
)
def test_a_value_outside_that_depends_on_the_size_is_refused(pad):
    with pytest.raises(ParameterError, match="pads with another value on a part"):
        plan(FilledBySize(pad), (1, 1, 64, 64), tile=32)


class Coordinates(nn.Module):
    """Adds what depends on the size: places from 0 to 1."""

    def forward(self, x):
        return x + torch.linspace(0, 1, x.shape[3])


class BySize(nn.Module):
    def forward(self, x):
        return x.sum(dim=1, keepdim=True) / x.shape[2]


class Flat(nn.Module):
    def forward(self, x):
        return x.mean((2, 3), keepdim=True).expand_as(x) + torch.rand_like(x)


@pytest.mark.parametrize(
    ("make", "words"),
    [(Coordinates, "coordinates"), (BySize, "depends on the size"), (Flat, "random")],
)
def test_what_depends_on_the_size_or_on_chance_is_refused_not_wrong(make, words):
    with pytest.raises(ParameterError, match=words):
        plan(make(), (1, 1, 256, 256), tile=32)


def test_resampling_by_the_size_is_not_cut_and_says_so_before_it_fills_the_memory():
    net = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
    found = plan(net, (1, 1, 256, 256), tile=32)
    assert found.count == 1
    assert [note[:18] for note in found.notes] == ["axis 2 is not cut:", "axis 3 is not cut:"]
    with pytest.raises(ParameterError, match="allow it by max_memory"):
        plan(net, (1, 1, 20_000, 20_000), tile=32)


def test_a_mean_over_one_axis_is_cut_along_that_axis_only():
    class Rows(nn.Module):
        def forward(self, x):
            return x - x.mean(3, keepdim=True)

    with pytest.raises(ParameterError, match="sums over some of them only"):
        plan(Rows(), (1, 1, 64, 64), tile=32)
    x = torch.rand(1, 1, 64, 64)
    torch.testing.assert_close(apply(Rows(), x, tile=(64, 16)), Rows()(x), rtol=0, atol=1e-6)


def test_auto_takes_the_largest_tile_that_fits(unet):
    small, large = (plan(unet, (1, 1, 1024, 768), tile="auto", max_memory=m * 2**20) for m in (16, 60))
    assert small.tile_bytes <= 16 * 2**20
    assert large.tile_bytes <= 60 * 2**20
    assert large.tile > small.tile
    with pytest.raises(ParameterError, match="give at least that"):
        plan(unet, (1, 1, 1024, 768), tile="auto", max_memory=1000)


def test_wrong_options_are_told(unet):
    with pytest.raises(ShapeError, match="one per spatial axis"):
        plan(unet, (1, 1, 64, 64), tile=(32, 32, 32))
    with pytest.raises(ShapeError, match="spatial axes"):
        plan(unet, (1, 64), tile=8)
    with pytest.raises(ParameterError, match="tile"):
        plan(unet, (1, 1, 64, 64), tile=0)


def test_sizes_that_the_network_refuses_are_refused_by_its_layer(unet):
    with pytest.raises(ShapeError, match=r"UNet|cat"):
        plan(unet, (1, 1, 510, 512), tile=128)


class PadsItself(nn.Module):
    """Mirrors the end up to a multiple of 16, and cuts it off again."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        h, w = x.shape[2:]
        y = self.net(F.pad(x, (0, -w % 16, 0, -h % 16), mode="reflect"))
        return y[:, :, :h, :w]


def test_networks_that_pad_their_input_do_so_at_the_end_of_the_picture_only(unet):
    net = PadsItself(unet)
    torch.manual_seed(2)
    x = torch.rand(1, 1, 301, 285)
    found = plan(net, x.shape, tile=128)
    assert found.count > 4
    with torch.no_grad():
        torch.testing.assert_close(apply(net, x, plan=found), net(x), rtol=0, atol=1e-6)


def test_a_probe_says_whether_all_bits_are_equal(unet):
    found = plan(unet, (1, 1, 512, 512), tile=128)
    small = probe(unet, found, max_memory=found.whole_bytes // 3)
    assert not small.is_whole
    assert small.max_difference < 1e-6
    assert ("bit for bit" in str(small)) == small.bitwise
    whole = probe(seeded(lambda: nn.Conv2d(1, 1, 3)), plan(nn.Conv2d(1, 1, 3), (1, 1, 64, 64), tile=32))
    assert whole.is_whole


def test_small_tiles_are_said_to_round_otherwise(unet):
    assert any("multiplies matrices" in reason for reason in plan(unet, (1, 1, 512, 512), tile=32).rounding)
