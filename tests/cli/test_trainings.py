"""The verbs that train and answer, end to end with the networks that they are for: ConvNet and UNet, small."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import faltung as ft
from faltung.cli import main
from faltung.data import read, write
from training.small import lines


@pytest.fixture(autouse=True)
def quiet_and_wide(monkeypatch):
    # so wide that no path is folded
    monkeypatch.setenv("COLUMNS", "300")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def pictures(tmp_path):
    """60 pictures, a folder for each class."""
    examples = lines(60)
    for number, (picture, label) in enumerate(zip(examples.x, examples.y, strict=True)):
        place = tmp_path / "pictures" / examples.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        write(place / f"{number:03}.png", picture[0], tones="keep")
    return tmp_path / "pictures"


def blobs(lot, rows, columns):
    """A picture of bytes with bright discs, and where they are."""
    grid = np.mgrid[:rows, :columns]
    mask = np.zeros((rows, columns), bool)
    for centre in lot.uniform(0, (rows, columns), (rows * columns // 300, 2)):
        mask |= ((grid - centre[:, None, None]) ** 2).sum(0) < 25
    return np.clip(lot.normal(60, 12, mask.shape) + 90 * mask, 0, 255).astype(np.uint8), mask


@pytest.fixture
def cells(tmp_path):
    """6 pictures with masks."""
    lot = np.random.default_rng(0)
    for part in ("images", "masks"):
        (tmp_path / "cells" / part).mkdir(parents=True)
    for number in range(6):
        picture, mask = blobs(lot, 32, 32)
        write(tmp_path / "cells" / "images" / f"{number}.png", picture, tones="keep")
        write(tmp_path / "cells" / "masks" / f"{number}.png", (mask * 255).astype(np.uint8), tones="keep")
    return tmp_path / "cells"


def train_words(folder, target, *more):
    return ["train", str(folder), "-o", str(target), "--threads", "1", "--augment", "none", *map(str, more)]


@pytest.fixture
def segmenting(cells, tmp_path):
    """A U-Net's training on the cells, a few seconds long."""
    (tmp_path / "c.json").write_text('{"repeats": 4}')
    run = tmp_path / "segmenting"
    assert main(train_words(cells, run, "--epochs", 16, "--config", tmp_path / "c.json")) == 0
    return run


def told(capsys, *words):
    """What a command says as JSON."""
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def test_a_convnet_learns_a_folder_of_pictures_and_goes_out_as_onnx(pictures, tmp_path, capsys):
    run = tmp_path / "run"
    facts = told(capsys, *train_words(pictures, run, "--epochs", 30, "--batch", 16))
    assert facts["network"] == "ConvNet"
    assert told(capsys, "evaluate", run, pictures, "-o", tmp_path / "e.png")["accuracy"] > 0.95
    assert read(tmp_path / "e.png").values.std() > 10
    assert main(["export", str(run), "-o", str(tmp_path / "net.onnx"), "--json"]) == 0
    printed = capsys.readouterr()
    exported = json.loads(printed.out)
    assert exported["difference"] < 1e-5
    assert exported["classes"] == ["column", "row"]
    # no remarks of other libraries
    assert printed.err == ""


def test_the_confusion_says_what_its_axes_are(pictures, tmp_path, capsys):
    run = tmp_path / "run"
    told(capsys, *train_words(pictures, run, "--epochs", 1))
    assert main(["evaluate", str(run), str(pictures)]) == 0
    shown = capsys.readouterr().out.splitlines()
    place = shown.index("truth down, answer across")
    assert shown[place + 1].split() == ["0", "1"]
    # columns of numbers stand below their heads
    assert len(shown[place + 1]) == len(shown[place + 2]) == len(shown[place + 3])


def test_a_unet_learns_pictures_with_masks(cells, segmenting, tmp_path, capsys):
    found = told(capsys, "evaluate", segmenting, cells, "-o", tmp_path / "e.png")
    assert found["task"] == "segmentation"
    assert found["f1"][1] > 0.9
    assert read(tmp_path / "e.png").values.std() > 10
    # a picture of another size, that no pooling divides
    picture, truth = blobs(np.random.default_rng(7), 45, 70)
    write(tmp_path / "other.png", picture, tones="keep")
    told(capsys, "predict", segmenting, tmp_path / "other.png", "-o", tmp_path / "masks")
    mask = read(tmp_path / "masks" / "other.png").values
    assert ((mask == 255) == truth).mean() > 0.95
    # our own layers with their reflecting borders, run by ONNX Runtime
    assert told(capsys, "export", segmenting, "-o", tmp_path / "net.onnx")["difference"] < 1e-4


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise there")
def test_ctrl_c_in_a_process_of_its_own_ends_with_130_and_resume_reaches_the_same_weights(pictures, tmp_path, capsys):
    run, whole = tmp_path / "run", tmp_path / "whole"
    told(capsys, *train_words(pictures, whole, "--epochs", 40, "--batch", 8))
    program = "import sys; from faltung.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", program, *train_words(pictures, run, "--epochs", 40, "--batch", 8)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        # not before the training has begun, where Ctrl+C ends the program at once
        until = time.monotonic() + 60
        line = ""
        while not line.startswith("epoch 2:") and time.monotonic() < until:
            line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"faltung resume {run}" in out
    assert told(capsys, "resume", run)["stopped"] == "done"
    one, other = (ft.networks.load_model(folder / "model.safetensors").model.state_dict() for folder in (run, whole))
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.mark.parametrize("kind", ["pictures", "cells"])
def test_dropout_of_the_network_is_chosen_by_an_option(kind, tmp_path, capsys, request):
    folder, run = request.getfixturevalue(kind), tmp_path / "run"
    words = train_words(folder, run, "--epochs", 1)
    assert main([*words, "--dropout", "1.5"]) == 2
    assert "=1.5: " in capsys.readouterr().err
    told(capsys, *words, "--dropout", 0.35)
    net = ft.networks.load_model(run / "model.safetensors").model
    assert net.options["dropout"] == 0.35
    # and is on when samples are asked for
    picture = sorted(folder.rglob("*.png"))[0]
    answer = told(capsys, "predict", run, picture, "--samples", 4)["answers"][0]
    assert answer["mutual_information_nats"] > 1e-6
