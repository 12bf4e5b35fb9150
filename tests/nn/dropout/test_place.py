"""Masks of places: equal in every tiling, for every sample, in every process."""

import subprocess
import sys

import pytest
import torch

import faltung as ft

LAYERS = {
    "Dropout": (ft.nn.Dropout(0.4, key=11), (9, 13)),
    "GaussianDropout": (ft.nn.GaussianDropout(0.4, key=11), (9, 13)),
    "AlphaDropout": (ft.nn.AlphaDropout(0.4, key=11), (9, 13)),
    "Dropout1d": (ft.nn.Dropout1d(0.4, key=11), (13,)),
    "Dropout2d": (ft.nn.Dropout2d(0.4, key=11), (9, 13)),
    "Dropout3d": (ft.nn.Dropout3d(0.4, key=11), (4, 5, 6)),
    "FeatureAlphaDropout": (ft.nn.FeatureAlphaDropout(0.4, key=11), (9, 13)),
    "DropBlock1d": (ft.nn.DropBlock1d(0.4, block=4, key=11), (29,)),
    "DropBlock2d": (ft.nn.DropBlock2d(0.4, block=(3, 2), key=11), (9, 13)),
    "DropBlock2d, all channels": (ft.nn.DropBlock2d(0.4, block=3, per_channel=False, key=11), (9, 13)),
    "DropBlock3d": (ft.nn.DropBlock3d(0.4, block=2, key=11), (5, 6, 7)),
    "Dropout, volumes": (ft.nn.Dropout(0.4, key=11), (4, 5, 6)),
}


def tiles(sides, step):
    """Slices that cut a picture into tiles of this length, the last ones shorter."""
    starts = torch.cartesian_prod(*(torch.arange(0, side, step) for side in sides)).reshape(-1, len(sides))
    return [tuple(slice(start, start + step) for start in row) for row in starts.tolist()]


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("name", LAYERS)
def test_every_tiling_gives_the_mask_of_the_whole(name, step):
    layer, sides = LAYERS[name]
    x = torch.randn(2, 3, *sides)
    with ft.nn.at(sample=5):
        whole = layer(x)
    joined = torch.full_like(x, torch.nan)
    for tile in tiles(sides, step):
        with ft.nn.at(origin=[part.start for part in tile], sample=5):
            joined[(..., *tile)] = layer(x[(..., *tile)])
    assert torch.equal(joined, whole)


@pytest.mark.parametrize("name", LAYERS)
def test_tiles_may_come_in_one_batch_each_with_its_origin_and_sample(name):
    layer, sides = LAYERS[name]
    x = torch.randn(1, 3, *sides)
    cut = [tile for tile in tiles(sides, 3) if all(part.stop <= side for part, side in zip(tile, sides, strict=True))]
    samples = [number % 2 for number in range(len(cut))]
    with ft.nn.at(origin=[[part.start for part in tile] for tile in cut], sample=samples):
        together = layer(torch.cat([x[(..., *tile)] for tile in cut]))
    for entry, tile, sample in zip(together, cut, samples, strict=True):
        with ft.nn.at(sample=sample):
            assert torch.equal(entry, layer(x)[0][(..., *tile)])


@pytest.mark.parametrize("name", LAYERS)
def test_a_halo_may_lie_outside_the_picture(name):
    layer, sides = LAYERS[name]
    x = torch.randn(1, 3, *(side + 6 for side in sides))
    with ft.nn.at(origin=[-3] * len(sides)):
        wide = layer(x)
    inner = (..., *[slice(3, -3)] * len(sides))
    with ft.nn.at(sample=0):
        assert torch.equal(layer(x[inner]), wide[inner])


def test_the_mask_depends_on_key_sample_channel_and_place_and_on_nothing_else():
    x = torch.ones(2, 3, 40, 50)
    layer = ft.nn.Dropout(0.5, key=1)
    with ft.nn.at(sample=(0, 1)):
        y = layer(x)
    with ft.nn.at(sample=0):
        assert torch.equal(layer(x)[1], y[0])
        assert torch.equal(layer(x.contiguous(memory_format=torch.channels_last)), layer(x))
        assert torch.equal(layer(x.double()), layer(x).double())
        assert not torch.equal(ft.nn.Dropout(0.5, key=2)(x)[0], y[0])
    # agreement of independent masks: 1/2, here to 4 sigma
    for one, other in ((y[0], y[1]), (y[0, 0], y[0, 1]), (y[0, 0, 0::2], y[0, 0, 1::2]), (y[..., ::2], y[..., 1::2])):
        agreeing = (one == other).double()
        assert abs(agreeing.mean() - 0.5) < 4 * 0.5 / agreeing.numel() ** 0.5


def test_a_lower_rate_keeps_what_a_higher_one_keeps():
    x = torch.ones(1, 1000)
    with ft.nn.at(sample=0):
        some, more = (ft.nn.Dropout(p, key=1)(x) > 0 for p in (0.6, 0.3))
    assert (more | ~some).all()
    assert more.sum() > some.sum()


def test_another_process_makes_the_same_mask():
    program = (
        "import faltung as ft, torch\n"
        "net = torch.nn.Sequential(ft.nn.Dropout(0.5), ft.nn.Dropout(0.5))\n"
        "ft.nn.key_layers(net, seed=3)\n"
        "with ft.nn.at(origin=(1000, 7), sample=9): print(net(torch.ones(1, 1, 2, 40)).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    net = torch.nn.Sequential(ft.nn.Dropout(0.5), ft.nn.Dropout(0.5))
    ft.nn.key_layers(net, seed=3)
    with ft.nn.at(origin=(1000, 7), sample=9):
        assert str(net(torch.ones(1, 1, 2, 40)).tolist()) == done.stdout.strip()


def test_a_layer_behind_strides_divides_the_origin_by_its_grid():
    here, there = ft.nn.Dropout(0.5, key=1, grid=(4, 2)), ft.nn.Dropout(0.5, key=1)
    x = torch.ones(1, 2, 5, 5)
    with ft.nn.at(origin=(8, 6)):
        y = here(x)
    with ft.nn.at(origin=(2, 3)):
        assert torch.equal(there(x), y)
    with ft.nn.at(origin=(8, 7)), pytest.raises(ft.ParameterError, match="multiples"):
        here(x)


def test_features_without_place_ignore_the_origin():
    x = torch.ones(2, 30)
    layer = ft.nn.Dropout(0.5, key=1)
    with ft.nn.at(sample=0):
        y = layer(x)
    for origin in ((5,), (3, 4)):
        with ft.nn.at(origin=origin):
            assert torch.equal(layer(x), y)


def test_a_sequence_step_by_step_gets_the_mask_of_the_whole():
    x = torch.randn(3, 6, 10)
    layer = ft.nn.VariationalDropout(0.5, key=1)
    with ft.nn.at(sample=range(3)):
        steps = torch.cat([layer(x[:, t : t + 1]) for t in range(6)], 1)
        assert torch.equal(steps, layer(x))


def test_blocks_of_at_keep_what_is_not_said():
    x = torch.ones(1, 1, 4, 40)
    layer = ft.nn.Dropout(0.5, key=1)
    with ft.nn.at(origin=(2, 3), sample=4):
        expected = layer(x)
    with ft.nn.at(sample=4):
        with ft.nn.at(origin=(2, 3)):
            assert torch.equal(layer(x), expected)
        assert not torch.equal(layer(x), expected)
    with ft.nn.at(origin=(2, 3)), ft.nn.at(sample=4):
        assert torch.equal(layer(x), expected)
    with pytest.raises(ft.ParameterError, match=r"inside faltung\.nn\.at"):
        layer(x)


def test_no_generator_is_touched():
    before = torch.get_rng_state()
    with ft.nn.at(sample=0):
        for layer, sides in LAYERS.values():
            layer(torch.ones(1, 2, *sides))
    assert torch.equal(torch.get_rng_state(), before)


def test_keys_differ_by_name_and_seed():
    def net():
        return torch.nn.ModuleDict(
            {"a": ft.nn.Dropout(), "b": torch.nn.Sequential(ft.nn.DropConnect(torch.nn.Linear(2, 2)))}
        )

    keys = ft.nn.key_layers(net())
    assert list(keys) == ["a", "b.0"]
    assert ft.nn.key_layers(net()) == keys
    assert not set(ft.nn.key_layers(net(), seed=1).values()) & set(keys.values())
    with pytest.raises(ft.ParameterError, match=r"no dropout layer of faltung\.nn in this Sequential"):
        ft.nn.key_layers(torch.nn.Sequential(torch.nn.Dropout()))
    with pytest.raises(ft.ParameterError, match="'0' has a generator"):
        ft.nn.key_layers(torch.nn.Sequential(ft.nn.Dropout(generator=torch.Generator())))


def test_a_network_in_tiles_has_the_uncertainty_of_the_whole_picture():
    """One network with dropout at two resolutions: samples of tiles join without a seam."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 1),
        ft.nn.Dropout(0.3),
        torch.nn.Conv2d(3, 4, 2, stride=2),
        ft.nn.DropBlock2d(0.3, block=3, grid=2),
        torch.nn.ConvTranspose2d(4, 1, 2, stride=2),
    ).double()
    ft.nn.key_layers(net)
    x = torch.randn(1, 1, 16, 24, dtype=torch.float64)
    with torch.no_grad(), ft.nn.monte_carlo(net, samples=3) as draws:
        for _ in draws:
            whole, joined = net(x), torch.empty_like(x)
            for tile in tiles((16, 24), 6):
                with ft.nn.at(origin=[part.start for part in tile]):
                    joined[(..., *tile)] = net(x[(..., *tile)])
            torch.testing.assert_close(joined, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "shape", "cure"),
    [
        ({"origin": ()}, (1, 1, 4, 4), "integers are expected"),
        ({"origin": (1, 2, 3, 4)}, (1, 1, 4, 4), "1 to 3 are allowed"),
        ({"origin": ((1, 2), (1,))}, (2, 1, 4, 4), "equally many"),
        ({"origin": (1.5, 2)}, (1, 1, 4, 4), "an integer is expected"),
        ({"sample": -1}, (1, 1, 4, 4), "at least 0"),
        ({"sample": ()}, (1, 1, 4, 4), "no entries"),
        ({"sample": (1, 2, 3)}, (2, 1, 4, 4), "sample has 3 entries, the batch .* has 2"),
        ({"origin": ((1, 2), (3, 4))}, (3, 1, 4, 4), "origin has 2 entries, the batch .* has 3"),
        ({"origin": (1,)}, (1, 1, 4, 4), "origin=.1,. has 1 axes, x has 4: 3 are expected"),
        ({"sample": 0}, (4,), r"give x\[None\]"),
        ({"sample": 0}, (), r"give x\[None\]"),
    ],
)
def test_a_wrong_place_is_refused_in_words(options, shape, cure):
    layer = ft.nn.Dropout(0.5, key=1)
    with pytest.raises(ft.FaltungError, match=cure), ft.nn.at(**options):
        layer(torch.ones(shape))


def test_a_weight_has_one_mask_for_the_whole_batch():
    layer = ft.nn.DropConnect(torch.nn.Linear(50, 1, bias=False), 0.5, key=1)
    with ft.nn.at(sample=2, origin=(7,)):
        y = layer(torch.eye(50))
    with ft.nn.at(sample=2):
        assert torch.equal(layer(torch.eye(50)), y)
    with ft.nn.at(sample=3):
        assert not torch.equal(layer(torch.eye(50)), y)
    with ft.nn.at(sample=(2, 3)), pytest.raises(ft.ShapeError, match="one sample is expected"):
        layer(torch.eye(2, 50))
