"""`faltung predict` on whole pictures and part by part: the same answer, from and to every kind of file."""

import json

import numpy as np
import pytest
import tifffile
import torch
import zarr

import faltung as ft
from faltung.cli import main
from faltung.data import read, write


@pytest.fixture(autouse=True)
def quiet_and_wide(monkeypatch):
    # so wide that no path is folded
    monkeypatch.setenv("COLUMNS", "300")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def picture_of(rows, columns, dtype=np.uint8):
    """Discs brighter than their surroundings, on the whole range of the dtype."""
    lot = np.random.default_rng(3)
    grid = np.mgrid[:rows, :columns]
    bright = np.zeros((rows, columns))
    for centre in lot.uniform(0, (rows, columns), (rows * columns // 300, 2)):
        bright += 90 * (((grid - centre[:, None, None]) ** 2).sum(0) < 25)
    levels = np.clip(lot.normal(60, 12, bright.shape) + bright, 0, 255) / 255
    if np.dtype(dtype).kind == "f":
        return levels.astype(dtype)
    return np.rint(levels * np.iinfo(dtype).max).astype(dtype)


def model_of(path, dtype=np.uint8, *, net=None, **facts):
    """A U-Net with random weights, scaled as one trained with such pictures, so that both classes occur."""
    values = picture_of(64, 64, dtype) / (255.0 if dtype == np.uint8 else 1.0)
    facts = {
        "task": "segmentation",
        "classes": ("paper", "ink"),
        "input_shape": (1, 32, 32),
        "scale": 255.0 if dtype == np.uint8 else 1.0,
        "mean": (float(values.mean()),),
        "std": (float(values.std()),),
        **facts,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = ft.networks.UNet(width=4, depth=2, dropout=0.4) if net is None else net
        net.eval()
        with torch.no_grad():
            # scores of both classes are equal at the median, so that masks have both
            scores = net(ft.networks.Facts(**facts).prepare(picture_of(64, 64, dtype)[None, None]))
            if facts["task"] == "segmentation" and len(facts["classes"]) == 2:
                net.core.head.bias[0] += (scores[0, 1] - scores[0, 0]).median()
    ft.networks.save_model(path, net, ft.networks.Facts(**facts))
    return path


def told(capsys, *words):
    """What a command says as JSON."""
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def refused(capsys, code, *words):
    """The one line on stderr of a command that fails."""
    capsys.readouterr()
    assert main([*map(str, words)]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    return printed.err


def save(path, pixels):
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".zarr":
        zarr.create_array(str(path), shape=pixels.shape, chunks=(64, 64), dtype=pixels.dtype)[:] = pixels
    else:
        tifffile.imwrite(path, pixels, tile=(64, 64), compression="zlib")


READ = {".tif": tifffile.imread, ".npy": np.load, ".zarr": lambda path: zarr.open(str(path), mode="r")[:]}


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
        assert part in refused(capsys, code, "predict", model, *words, "-o", target)
        assert not target.exists()
    assert "goes with a mask" in refused(capsys, 2, "predict", model, big, "--tile", 64)
    refused(capsys, 2, "predict", model, big, "-o", big)
    np.testing.assert_array_equal(read(big).values, picture)
    # what cannot be followed is named

    class Choosing(torch.nn.Module):
        def forward(self, x):
            return x[:, torch.tensor([0, 0])]

    saved = ft.networks.Saved(Choosing(), ft.networks.load_model(model).facts)
    monkeypatch.setattr("faltung.cli.trainings.open_model", lambda _: saved)
    assert "an index that is a tensor" in refused(capsys, 2, "predict", model, big, "-o", target)
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
        assert "keep the size" in refused(capsys, 2, "predict", model, tmp_path / "x.npy", "-o", tmp_path / target)
        assert not (tmp_path / target).exists()


@pytest.fixture
def classifying(tmp_path):
    """A ConvNet with random weights, dropout of both kinds, and three pictures."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        net = ft.networks.ConvNet(channels=1, classes=3, widths=((4,), (6,)), dropout=0.3, map_dropout=0.2)
    facts = {"task": "classification", "classes": ("a", "b", "c")}
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file in files:
        write(file, np.roll(picture_of(32, 32), 5 * len(file.stem), 0), tones="keep")
    return model_of(tmp_path / "m.safetensors", net=net, **facts), files


def test_samples_of_a_classifier_give_the_mean_and_two_columns_of_nats(classifying, tmp_path, capsys):
    model, files = classifying
    words = ("predict", model, *files, "--samples", 7, "--seed", 5)
    answers = told(capsys, *words)["answers"]
    saved = ft.networks.load_model(model)
    ft.nn.key_layers(saved.model, 5)
    for file, answer in zip(files, answers, strict=True):
        x = saved.facts.prepare(read(file).values[None, None])
        found = ft.uncertainty.monte_carlo(saved.model, x, samples=7)
        assert list(answer["shares"].values()) == pytest.approx(found.probabilities[0].tolist(), abs=1e-6)
        assert answer["entropy_nats"] == pytest.approx(float(found.entropy), abs=1e-6)
        assert answer["mutual_information_nats"] == pytest.approx(float(found.mutual_information), abs=1e-6)
        assert answer["mutual_information_nats"] > 1e-4
    assert told(capsys, *words)["answers"] == answers
    assert told(capsys, *words[:-1], 6)["answers"] != answers
    assert main([*map(str, words), "-o", str(tmp_path / "a.csv")]) == 0
    printed = capsys.readouterr().out
    assert "entropy (nats)  mutual information (nats)" in printed
    assert f"{answers[0]['mutual_information_nats']:.3g}" in printed
    head, first, *_ = (tmp_path / "a.csv").read_text().splitlines()
    assert head == "file,class,a,b,c,entropy_nats,mutual_information_nats"
    assert float(first.split(",")[-1]) == pytest.approx(answers[0]["mutual_information_nats"], rel=1e-5)
    # without samples no doubt is shown
    assert "entropy" not in json.dumps(told(capsys, "predict", model, *files))


@pytest.mark.parametrize("ending", READ)
def test_maps_of_uncertainty_lie_beside_the_mask_and_are_those_of_the_whole(ending, tmp_path, capsys):
    model = model_of(tmp_path / "m.safetensors", np.uint16)
    save(tmp_path / "x.tif", picture_of(130, 110, np.uint16))
    words = ("predict", model, tmp_path / "x.tif", "--samples", 5)
    whole = told(capsys, *words, "-o", tmp_path / "masks")
    tiled = told(capsys, *words, "-o", tmp_path / f"y{ending}", "--tile", "64")
    assert tiled["tiles"]["count"] == 6
    names = ("x.png", "x-entropy.tif", "x-mutual-information.tif")
    assert whole["written"] == [str(tmp_path / "masks" / name) for name in names]
    assert tiled["written"] == [str(tmp_path / f"y{part}{ending}") for part in ("", "-entropy", "-mutual-information")]
    mask, entropy, information = (read(path).values for path in whole["written"])
    own_mask, own_entropy, own_information = (READ[ending](path) for path in map(type(tmp_path), tiled["written"]))
    assert own_entropy.dtype == own_information.dtype == np.float32
    np.testing.assert_allclose(own_entropy, entropy, rtol=0, atol=1e-5)
    np.testing.assert_allclose(own_information, information, rtol=0, atol=1e-5)
    # near equal classes rounding may decide
    assert np.mean(own_mask != mask) < 1e-3
    # nats of two classes, of which samples disagree here more and there less
    assert 0.3 < entropy.max() <= np.log(2) + 1e-6
    assert (information <= entropy + 1e-6).all()
    assert information.std() > 1e-3
    for row, atol in ((whole["answers"][0], 1e-6), (tiled["answers"][0], 1e-5)):
        assert row["entropy_nats"] == pytest.approx(entropy.mean(dtype=float), abs=atol)
        assert row["mutual_information_nats"] == pytest.approx(information.mean(dtype=float), abs=atol)


def test_what_samples_refuse_is_one_line(classifying, tmp_path, capsys):
    model, files = classifying
    sure = model_of(tmp_path / "sure.safetensors", net=ft.networks.UNet(width=2, depth=1))
    picture = tmp_path / "mask-entropy.npy"
    np.save(picture, picture_of(32, 32))
    line = refused(capsys, 2, "predict", sure, files[0], "--samples", 5)
    assert "sure.safetensors has no dropout" in line
    assert "faltung train --dropout 0.5" in line
    assert "--seed 3: goes with --samples" in refused(capsys, 2, "predict", model, files[0], "--seed", 3)
    assert "--samples" in refused(capsys, 2, "predict", model, files[0], "--samples", 1)
    # the map would be written where the picture lies
    unsure = model_of(tmp_path / "unsure.safetensors")
    line = refused(capsys, 2, "predict", unsure, picture, "--samples", 2, "-o", tmp_path / "mask.npy")
    assert "is the input" in line
    np.testing.assert_array_equal(np.load(picture), picture_of(32, 32))
    # without samples there is no such map
    told(capsys, "predict", unsure, picture, "-o", tmp_path / "mask.npy")
