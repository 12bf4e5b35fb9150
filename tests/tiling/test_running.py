import dask.array as da
import numpy as np
import pytest
import torch
import zarr
from torch import nn

import faltung as ft
from faltung.errors import DtypeError, ParameterError, ShapeError
from faltung.tiling import apply, plan
from tiling.nets import UNet, seeded

F = nn.functional


class Two(nn.Module):
    """Two results at two scales, in a dictionary."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, x):
        y = self.conv(x)
        return {"large": F.interpolate(y, scale_factor=2, mode="nearest"), "small": [F.max_pool2d(y, 4), y.argmax(1)]}


@pytest.fixture(scope="module")
def conv():
    return seeded(lambda: nn.Sequential(nn.Conv2d(1, 2, 5, padding=2), nn.ReLU(), nn.Conv2d(2, 1, 3, padding=1)))


@pytest.fixture(scope="module")
def picture():
    return torch.rand(1, 1, 150, 120, generator=torch.Generator().manual_seed(3))


def whole(net, x):
    with torch.no_grad():
        return net(x)


def test_several_results_at_several_scales_come_back_as_the_module_returns_them():
    net, x = seeded(Two), torch.rand(2, 1, 96, 64)
    ours, theirs = apply(net, x, tile=32), whole(net, x)
    assert list(ours) == ["large", "small"]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    assert ours["small"][1].dtype == torch.int64


@pytest.mark.parametrize("shape", [(1, 2, 301), (2, 2, 60, 70), (1, 2, 26, 30, 34)])
def test_one_to_three_axes_and_batches(shape):
    count = len(shape) - 2
    conv, pool = [getattr(nn, f"{name}{count}d") for name in ("Conv", "MaxPool")]
    net = seeded(lambda: nn.Sequential(conv(2, 3, 3, padding=1), pool(2), conv(3, 2, 3))).double()
    x = torch.rand(shape).double()
    torch.testing.assert_close(apply(net, x, tile=12), whole(net, x), rtol=0, atol=1e-12)


def test_x_is_left_alone_by_modules_that_write_into_it(picture):
    before = picture.clone()
    apply(nn.ReLU(inplace=True), picture - 0.5, tile=64)
    apply(nn.Hardtanh(0.2, 0.5, inplace=True), picture, tile=64)
    assert torch.equal(picture, before)


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_change_nothing(conv, picture, workers):
    assert torch.equal(apply(conv, picture, tile=32, workers=workers), apply(conv, picture, tile=32))


def test_numpy_maps_and_integers(conv, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 1, 90, 120), dtype=np.uint8)
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=pixels.shape)
    x[:] = pixels
    out = np.lib.format.open_memmap(tmp_path / "y.npy", "w+", np.float32, pixels.shape)
    theirs = whole(conv, torch.from_numpy(pixels) * (1 / 255)).numpy()
    assert apply(conv, x, tile=32, scale=1 / 255, out=out) is out
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), theirs, rtol=0, atol=1e-6)
    assert isinstance(apply(conv, pixels, tile=32, scale=1), np.ndarray)
    with pytest.raises(DtypeError, match="scale=1/255"):
        apply(conv, pixels, tile=32)


def test_big_endian_arrays_are_read(conv, picture):
    x = picture.numpy().astype(">f4")
    np.testing.assert_array_equal(apply(conv, x, tile=32), apply(conv, picture, tile=32).numpy())


def test_zarr_in_and_out_by_chunks_that_are_tiles(conv, picture, tmp_path):
    x = zarr.create_array(str(tmp_path / "x.zarr"), shape=picture.shape, chunks=(1, 1, 32, 32), dtype="f4")
    x[:] = picture.numpy()
    out = zarr.create_array(str(tmp_path / "y.zarr"), shape=picture.shape, chunks=(1, 1, 32, 32), dtype="f4")
    apply(conv, x, tile=32, out=out)
    np.testing.assert_array_equal(out[:], apply(conv, picture, tile=32).numpy())
    found = plan(conv, picture.shape, tile=32)
    # every tile writes chunks of its own
    assert all(part.start % 32 == 0 for tile in found.tiles() for part in tile.write[0][2:])


def test_dask_stays_lazy_and_its_chunks_are_tiles(conv, picture):
    x = da.from_array(picture.numpy(), chunks=(1, 1, 40, 50))
    y = apply(conv, x, tile=64)
    assert y.chunks == ((1,), (1,), (64, 64, 22), (64, 56))
    np.testing.assert_array_equal(y.compute(scheduler="synchronous"), apply(conv, picture, tile=64).numpy())


def test_wrong_outputs_and_plans_are_told(conv, picture):
    with pytest.raises(ShapeError, match="out has shape"):
        apply(conv, picture, out=torch.empty(1, 1, 3, 3))
    with pytest.raises(DtypeError, match="give an out of that"):
        apply(conv, picture, out=np.empty(picture.shape, np.uint8))
    with pytest.raises(ShapeError, match="the plan is for"):
        apply(conv, picture, plan=plan(conv, (1, 1, 64, 64)))
    with pytest.raises(ShapeError, match="give a list"):
        apply(Two(), torch.rand(1, 1, 64, 64), out=np.empty((1, 3, 128, 128)))
    with pytest.raises(ShapeError, match="a tensor or an array"):
        apply(conv, [[1.0]])


def test_progress_counts_all_tiles_of_all_passes(picture):
    seen = []
    apply(nn.InstanceNorm2d(1), picture, tile=50, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 18) for i in range(1, 19)]


# dropout


def keyed(grid=4):
    net = seeded(lambda: UNet(widths=(4, 6, 8), drop=ft.nn.Dropout(0.5, grid=grid)))
    ft.nn.key_layers(net, 7)
    return net.double()


def test_monte_carlo_maps_have_no_seams_and_do_not_depend_on_the_tile(picture):
    net, x = keyed(), picture[:, :, :100, :100].double()
    with ft.nn.monte_carlo(net, samples=2) as draws:
        maps = []
        for number in draws:
            with ft.nn.at(origin=(0, 0)):
                expected = whole(net, x)
            for tile, workers in ((32, 1), (52, 1), (32, 3)):
                torch.testing.assert_close(
                    apply(net, x, tile=tile, workers=workers), expected, rtol=0, atol=1e-12, msg=str(number)
                )
            maps.append(expected)
    assert float((maps[0] - maps[1]).abs().max()) > 1e-5


def test_masks_that_would_miss_their_place_are_refused():
    with ft.nn.monte_carlo(keyed(grid=1), samples=1) as draws:
        assert next(draws) == 0
    net = keyed(grid=2)
    with ft.nn.monte_carlo(net, samples=1), pytest.raises(ParameterError, match=r"drop: Dropout has grid=\(2,\)"):
        plan(net, (1, 1, 128, 128), tile=32)


def test_dropout_that_is_on_without_a_key_is_refused():
    net = seeded(lambda: UNet(widths=(2, 2, 2), drop=ft.nn.Dropout(0.5)))
    with ft.nn.monte_carlo(net, samples=1), pytest.raises(ParameterError, match="key_layers"):
        plan(net, (1, 1, 128, 128), tile=32)


def test_plans_do_not_change_the_module():
    net = keyed()
    before = [sorted(vars(part)) for part in net.modules()]
    with ft.nn.monte_carlo(net, samples=1):
        plan(net, (1, 1, 128, 128), tile=32)
    assert [sorted(vars(part)) for part in net.modules()] == before
