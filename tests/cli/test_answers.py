"""How sure a network is of a file, by samples of its dropout."""

import json

import numpy as np
import pytest
import torch

import faltung as ft
from cli.commands import told
from cli.pictures import READ, model_of, picture_of, refused_in_one_line, save
from faltung.cli import main
from faltung.data import read, write

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


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
    line = refused_in_one_line(capsys, 2, "predict", sure, files[0], "--samples", 5)
    assert "sure.safetensors has no dropout" in line
    assert "faltung train --dropout 0.5" in line
    assert "--seed 3: goes with --samples" in refused_in_one_line(capsys, 2, "predict", model, files[0], "--seed", 3)
    assert "--samples" in refused_in_one_line(capsys, 2, "predict", model, files[0], "--samples", 1)
    # the map would be written where the picture lies
    unsure = model_of(tmp_path / "unsure.safetensors")
    line = refused_in_one_line(capsys, 2, "predict", unsure, picture, "--samples", 2, "-o", tmp_path / "mask.npy")
    assert "is the input" in line
    np.testing.assert_array_equal(np.load(picture), picture_of(32, 32))
    # without samples there is no such map
    told(capsys, "predict", unsure, picture, "-o", tmp_path / "mask.npy")


@pytest.mark.parametrize("samples", [(), ("--samples", 3)])
def test_bytes_for_a_network_of_floats_are_named_with_the_cure(samples, tmp_path, capsys):
    model, picture = model_of(tmp_path / "m.safetensors", np.float32), tmp_path / "p.png"
    write(picture, picture_of(32, 32), tones="keep")
    line = refused_in_one_line(capsys, 1, "predict", model, picture, *samples)
    assert f"{picture}: x holds bytes, the network was trained with floats" in line
    assert ".npy or .tif" in line
