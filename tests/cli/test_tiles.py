"""Masks of pictures part by part: the same as in one piece, from and to every kind of file."""

import numpy as np
import pytest
import tifffile
import torch

import faltung as ft
from cli.commands import told
from cli.pictures import READ, model_of, picture_of, refused_in_one_line, save
from faltung.cli import main
from faltung.data import read, write

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


@pytest.mark.parametrize(
    ("source", "dtype", "target"),
    [
        (".tif", np.uint8, ".tif"),
        (".tif", np.uint16, ".zarr"),
        (".npy", np.uint16, ".npy"),
        (".npy", np.float64, ".zarr"),
        (".zarr", np.uint16, ".tif"),
    ],
)
def test_a_large_picture_is_masked_part_by_part_as_it_is_whole(source, dtype, target, tmp_path, capsys):
    model = model_of(tmp_path / "m.safetensors", dtype)
    picture = picture_of(171, 230, dtype)
    np.save(tmp_path / "whole.npy", picture)
    save(tmp_path / f"big{source}", picture)
    whole = told(capsys, "predict", model, tmp_path / "whole.npy", "-o", tmp_path / "masks")["answers"][0]
    expected = read(tmp_path / "masks" / "whole.png").values
    made = tmp_path / f"mask{target}"
    facts = told(capsys, "predict", model, tmp_path / f"big{source}", "-o", made, "--tile", 64)
    # not by chance in one piece
    assert facts["tiles"]["count"] == 12
    assert facts["written"] == [str(made)]
    result = READ[target](made)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)
    assert 0.2 < np.mean(expected == 255) < 0.8
    assert facts["answers"][0]["shares"] == pytest.approx(whole["shares"], abs=1e-12)


def test_pictures_of_16_bits_are_scaled_as_in_training(tmp_path, capsys):
    for part in ("images", "masks"):
        (tmp_path / "cells" / part).mkdir(parents=True)
    for number in range(4):
        picture = np.roll(picture_of(32, 32, np.uint16), 7 * number, 0)
        write(tmp_path / "cells" / "images" / f"{number}.tif", picture, tones="keep")
        write(tmp_path / "cells" / "masks" / f"{number}.png", ((picture > 30_000) * 255).astype(np.uint8), tones="keep")
    run = tmp_path / "run"
    (tmp_path / "c.json").write_text('{"repeats": 10}')
    words = ("--epochs", 8, "--threads", 1, "--augment", "none", "--config", tmp_path / "c.json")
    told(capsys, "train", tmp_path / "cells", "-o", run, *words)
    picture = picture_of(150, 140, np.uint16)
    save(tmp_path / "big.tif", picture)
    told(capsys, "predict", run, tmp_path / "big.tif", "-o", tmp_path / "masks")
    told(capsys, "predict", run, tmp_path / "big.tif", "-o", tmp_path / "mask.npy", "--tile", "64x48")
    tiled = np.load(tmp_path / "mask.npy")
    np.testing.assert_array_equal(tiled, read(tmp_path / "masks" / "big.png").values)
    # what was learnt is seen, which numbers divided by 65535 would hide
    assert np.mean((tiled == 255) == (picture > 30_000)) > 0.95


def test_a_network_without_mean_takes_numbers_as_they_are(tmp_path, capsys):
    model = model_of(tmp_path / "m.safetensors", np.float32, mean=(), std=())
    picture = picture_of(90, 70, np.float32)
    np.save(tmp_path / "x.npy", picture)
    told(capsys, "predict", model, tmp_path / "x.npy", "-o", tmp_path / "masks")
    told(capsys, "predict", model, tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--tile", 32)
    mask = np.load(tmp_path / "y.npy")
    np.testing.assert_array_equal(mask, read(tmp_path / "masks" / "x.png").values)
    assert set(np.unique(mask)) == {0, 255}


def test_the_tiles_are_told(tmp_path, capsys):
    model = model_of(tmp_path / "m.safetensors")
    np.save(tmp_path / "x.npy", picture_of(128, 128))
    assert main(["predict", str(model), str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy"), "--tile", "64"]) == 0
    printed = capsys.readouterr()
    assert "4 tiles of 64x64 that read up to 24x24 pixels beyond" in printed.err
    assert "times the work of the whole" in printed.err
    assert str(tmp_path / "y.npy") in printed.out


@pytest.mark.parametrize("classes", [1, 2, 3, 7, 256])
def test_levels_in_parts_are_those_of_masks_in_folders(classes):
    from faltung.cli.tiles import Masking
    from faltung.networks import Facts, Saved

    facts = Facts(classes=tuple(map(str, range(classes))), input_shape=(classes, 1, 1), scale=255.0)
    # place i has its largest score at class i
    levels = Masking(Saved(torch.nn.Identity(), facts))(torch.eye(classes)[None, :, None])[0, 0]
    np.testing.assert_array_equal(levels, np.rint(np.linspace(0, 255, classes)).astype(np.uint8))


def test_what_tiling_refuses_is_one_line(tmp_path, capsys, monkeypatch):
    model = model_of(tmp_path / "m.safetensors")
    picture = picture_of(40, 40)
    big, deep, colour = tmp_path / "big.tif", tmp_path / "deep.npy", tmp_path / "colour.npy"
    save(big, picture)
    np.save(deep, picture.astype(np.uint16) * 257)
    np.save(colour, np.stack([picture] * 3, -1))
    np.save(tmp_path / "flags.npy", picture > 128)
    tifffile.imwrite(tmp_path / "negative.tif", picture, photometric="miniswhite")
    write(tmp_path / "p.png", picture, tones="keep")
    target = tmp_path / "o.tif"
    for words, code, part in [
        ((tmp_path / "p.png",), 1, ".tif"),
        ((tmp_path / "none.tif",), 1, "no such file"),
        ((deep,), 1, "holds uint16"),
        ((tmp_path / "flags.npy",), 1, "holds bool"),
        ((tmp_path / "negative.tif",), 1, "0 means white"),
        ((colour,), 1, "the file holds (40, 40, 3)"),
        ((big, big), 2, "the mask of one picture, not of 2"),
        ((big, "--tile", "0"), 2, "tile=0"),
        ((big, "--tile", "many"), 2, "--tile: 'many'"),
    ]:
        assert part in refused_in_one_line(capsys, code, "predict", model, *words, "-o", target)
        assert not target.exists()
    assert "goes with a mask" in refused_in_one_line(capsys, 2, "predict", model, big, "--tile", 64)
    refused_in_one_line(capsys, 2, "predict", model, big, "-o", big)
    np.testing.assert_array_equal(read(big).values, picture)
    # what cannot be followed is named

    class Choosing(torch.nn.Module):
        def forward(self, x):
            return x[:, torch.tensor([0, 0])]

    saved = ft.networks.Saved(Choosing(), ft.networks.load_model(model).facts)
    monkeypatch.setattr("faltung.cli.trainings.open_model", lambda _: saved)
    assert "an index that is a tensor" in refused_in_one_line(capsys, 2, "predict", model, big, "-o", target)
    assert not target.exists()


def test_numbers_that_are_none_are_refused_wherever_they_lie(tmp_path, capsys):
    model = model_of(tmp_path / "m.safetensors", np.float32)
    picture = picture_of(150, 90, np.float64)
    for value in (np.nan, np.inf, 1e300):
        picture[140, 80] = value
        np.save(tmp_path / "x.npy", picture)
        capsys.readouterr()
        words = ["predict", str(model), str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.zarr"), "--tile", "32"]
        assert main(words) == 1
        printed = capsys.readouterr()
        assert "holds NaN or infinity" in printed.err.splitlines()[-1]
        assert printed.out == ""
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors", "x.npy"]


def test_a_network_that_loses_the_border_masks_nothing(tmp_path, capsys):
    net = ft.networks.UNet(width=2, depth=1, padding="valid")
    facts = {"classes": ("a", "b", "c"), "task": "segmentation"}
    model = model_of(tmp_path / "m.safetensors", net=net, **facts)
    np.save(tmp_path / "x.npy", picture_of(64, 64))
    for target in ("y.zarr", "y.tif"):
        assert "keep the size" in refused_in_one_line(
            capsys, 2, "predict", model, tmp_path / "x.npy", "-o", tmp_path / target
        )
        assert not (tmp_path / target).exists()
