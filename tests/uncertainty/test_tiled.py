"""Maps made of tiles are those of the whole picture: a sample has one mask, whatever the tile."""

import numpy as np
import pytest
import torch
from torch import nn

import faltung as ft
from faltung.errors import DtypeError, ParameterError

F = nn.functional
MAPS = ("probabilities", "entropy", "expected_entropy", "mutual_information")


class UNet(nn.Module):
    """Two steps down, dropout at the bottom (grid 4), skips; a second dropout at full size where asked for."""

    def __init__(self, *, classes: int = 3, norm: type[nn.Module] = nn.BatchNorm2d, late: float = 0.0) -> None:
        super().__init__()
        self.one, self.two, self.bottom = self._block(1, 4, norm), self._block(4, 6, norm), self._block(6, 8, norm)
        self.drop, self.late = ft.nn.Dropout(0.5, grid=4), ft.nn.Dropout2d(late)
        self.up, self.join = nn.ConvTranspose2d(8, 6, 2, 2), self._block(12, 6, norm)
        self.top, self.last = nn.ConvTranspose2d(6, 4, 2, 2), nn.Conv2d(8, classes, 3, padding=1)

    @staticmethod
    def _block(before: int, after: int, norm: type[nn.Module]) -> nn.Module:
        return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), norm(after), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self.one(x)
        two = self.two(F.max_pool2d(one, 2))
        y = self.drop(self.bottom(F.max_pool2d(two, 2)))
        y = self.join(torch.cat([two, self.up(y)], 1))
        return self.last(self.late(torch.cat([one, self.top(y)], 1)))


def keyed(**options) -> UNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = UNet(**options).double()
        with torch.no_grad():
            # what comes from the bottom counts: samples then disagree
            for part in (net.bottom[0], net.up, net.join[0], net.top, net.last):
                part.weight.mul_(3)
    ft.nn.key_layers(net, 7)
    return net


X = torch.rand(2, 1, 72, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("tile", [16, 28, (72, 20), 400])
@pytest.mark.parametrize("late", [0.0, 0.4])
def test_maps_are_those_of_the_whole_for_any_tile(tile, late: float) -> None:
    net = keyed(late=late)
    whole = ft.uncertainty.monte_carlo(net, X, samples=5)
    tiled = ft.uncertainty.monte_carlo_tiles(net, X, tile=tile, samples=5)
    for name in MAPS:
        torch.testing.assert_close(getattr(tiled, name), getattr(whole, name), rtol=0, atol=1e-12, msg=name)
    # there is something to be equal: samples disagree, and not everywhere alike
    assert float(whole.mutual_information.max()) > 0.01
    assert float(whole.mutual_information.std()) > 1e-3
    assert (tiled.sampling.tiles > 1) == (tile != 400)


def test_masks_of_tiles_alone_would_show() -> None:
    net = keyed()
    whole = ft.uncertainty.monte_carlo(net, X, samples=5).probabilities
    # the same part, run as a picture of its own: the mask begins anew
    part = ft.uncertainty.monte_carlo(net, X[:, :, 32:, 28:], samples=5).probabilities
    inner = (slice(None), slice(None), slice(20, 30), slice(12, 22))
    assert float((part[inner] - whole[:, :, 32:, 28:][inner]).abs().max()) > 1e-3


def test_values_have_the_mean_and_the_spread_of_the_whole() -> None:
    net = keyed(classes=1)
    whole = ft.uncertainty.monte_carlo(net, X, samples=6, output="values")
    tiled = ft.uncertainty.monte_carlo_tiles(net, X, tile=24, samples=6, output="values")
    torch.testing.assert_close(tiled.mean, whole.mean, rtol=0, atol=1e-11)
    torch.testing.assert_close(tiled.std, whole.std, rtol=0, atol=1e-11)


def test_sums_over_the_picture_are_those_of_each_sample() -> None:
    net = keyed(norm=nn.InstanceNorm2d)
    whole = ft.uncertainty.monte_carlo(net, X, samples=4)
    tiled = ft.uncertainty.monte_carlo_tiles(net, X, tile=24, samples=4)
    assert tiled.sampling.way == "full passes"
    assert "sums over the picture" in str(tiled.sampling)
    for name in MAPS:
        torch.testing.assert_close(getattr(tiled, name), getattr(whole, name), rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize("batch", [1, 3])
def test_the_prefix_of_a_tile_is_computed_once(batch: int) -> None:
    run = ft.uncertainty.monte_carlo_tiles(keyed(), X, tile=28, samples=7, batch=batch).sampling
    assert run.way == ("one by one" if batch == 1 else "side by side")
    # three blocks and two maxima on the way down
    assert run.prefix_calls == 5
    assert run.difference < 1e-12
    assert f"7 samples of each of {run.tiles} tiles: " in str(run)


def test_module_and_generators_are_left_as_they_were() -> None:
    net, state = keyed().train(), torch.get_rng_state()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    ft.uncertainty.monte_carlo_tiles(net, X, tile=28, samples=2)
    assert all(part.training for part in net.modules())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_arrays_of_bytes_are_read_in_parts_and_scaled() -> None:
    net = keyed().float()
    reads = []

    class Stored:
        """Bytes that are read by slices, as a map of a file is."""

        values = (255 * X.numpy()).astype(np.uint8)
        shape, dtype = values.shape, values.dtype

        def __getitem__(self, part):
            reads.append(self.values[part].size)
            return self.values[part]

    tiled = ft.uncertainty.monte_carlo_tiles(net, Stored(), tile=16, samples=3, scale=1 / 255)
    x = torch.from_numpy(Stored.values).float() / 255
    whole = ft.uncertainty.monte_carlo(net, x, samples=3)
    torch.testing.assert_close(tiled.mutual_information, whole.mutual_information, rtol=0, atol=1e-5)
    # nothing is read for each sample, and never the whole
    assert len(reads) == tiled.sampling.tiles
    assert max(reads) < X.numel()


def test_a_part_that_nothing_is_dropped_from_is_no_error() -> None:
    # black parts: whatever is dropped of nothing is nothing
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), ft.nn.Dropout(0.5), nn.Conv2d(2, 2, 1)).double()
    ft.nn.key_layers(net)
    x = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    x[..., :20, :20] = 1
    tiled = ft.uncertainty.monte_carlo_tiles(net, x, tile=16, samples=6)
    # equal samples, whose means are rounded: weights were found for which 0 came out as 1e-16
    assert float(tiled.mutual_information[0, 40:, 40:].max()) < 1e-14
    assert float(tiled.mutual_information[0, :20, :20].max()) > 0


def test_what_has_no_mask_of_the_whole_is_refused() -> None:
    conv = nn.Conv2d(1, 2, 3, padding=1)
    with pytest.raises(ParameterError, match=r"1: torch\.nn\.Dropout drops at random.*key_layers"):
        ft.uncertainty.monte_carlo_tiles(nn.Sequential(conv, nn.Dropout(0.5)), X.float())
    with pytest.raises(ParameterError, match=r"1: Dropout drops at random.*key_layers"):
        ft.uncertainty.monte_carlo_tiles(nn.Sequential(conv, ft.nn.Dropout(0.5)), X.float())
    with pytest.raises(ParameterError, match="drops nothing"):
        ft.uncertainty.monte_carlo_tiles(nn.Sequential(conv), X.float())
    with pytest.raises(ParameterError, match="drops nothing"):
        ft.uncertainty.monte_carlo_tiles(nn.Sequential(conv, ft.nn.Dropout(0.0, key=1)), X.float())

    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.drop = conv, ft.nn.Dropout(0.5, key=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.drop(F.dropout(self.conv(x), 0.5, training=True))

    with pytest.raises(ParameterError, match="random"):
        ft.uncertainty.monte_carlo_tiles(Hidden(), X.float(), tile=24)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ParameterError, match="output="):
        ft.uncertainty.monte_carlo_tiles(keyed(), X, output="logit")  # type: ignore[call-overload]
    with pytest.raises(ParameterError, match="two samples"):
        ft.uncertainty.monte_carlo_tiles(keyed(), X, output="values", samples=1)
    with pytest.raises(DtypeError, match="expected"):
        ft.uncertainty.monte_carlo_tiles(keyed(), [[1.0]])
