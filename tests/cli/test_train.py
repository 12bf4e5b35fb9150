"""`faltung train`, `resume`, `predict`, `evaluate` and `export`: from pictures to answers."""

import csv
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from faltung.cli import main
from faltung.data import read, write
from faltung.networks.saved import NETWORKS
from training.small import lines, spots


@pytest.fixture(autouse=True)
def quick_networks(monkeypatch):
    """Small stand-ins, and one thread."""
    for name in ("ConvNet", "UNet"):
        monkeypatch.setitem(NETWORKS._homes, name, "training.small")
    # so wide that no path is folded
    monkeypatch.setenv("COLUMNS", "300")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folder(tmp_path):
    """Pictures, a folder for each class."""
    examples = lines(80)
    for number, (picture, label) in enumerate(zip(examples.x, examples.y, strict=True)):
        place = tmp_path / "pictures" / examples.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        write(place / f"{number:03}.png", picture[0], tones="keep")
    return tmp_path / "pictures"


@pytest.fixture
def masked(tmp_path):
    """Pictures and masks."""
    examples = spots(12, size=24)
    for part in ("images", "masks"):
        (tmp_path / "cells" / part).mkdir(parents=True)
    for number, (picture, mask) in enumerate(zip(examples.x, examples.y, strict=True)):
        grey = np.clip(picture[0] * 40 + 60, 0, 255).astype(np.uint8)
        write(tmp_path / "cells" / "images" / f"{number}.png", grey, tones="keep")
        write(tmp_path / "cells" / "masks" / f"{number}.png", (mask * 255).astype(np.uint8), tones="keep")
    return tmp_path / "cells"


def told(capsys, *words, code=0):
    """What a command says as JSON."""
    assert main([*map(str, words), "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *words):
    """Exit code and the last line on stderr."""
    code = main([*map(str, words)])
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err.strip().splitlines()[-1]


def train_words(folder, target, *more):
    return ("train", folder, "-o", target, "--epochs", 8, "--rate", "0.03", "--threads", 1, *more)


def test_a_folder_of_pictures_becomes_a_network_that_answers(folder, tmp_path, capsys):
    run = tmp_path / "run"
    facts = told(capsys, *train_words(folder, run, "--augment", "flips", "--batch", 16))
    assert facts["classes"] == ["column", "row"]
    assert facts["stopped"] == "done"
    assert len(facts["epochs"]) == 8
    found = told(capsys, "evaluate", run, folder)
    assert found["accuracy"] > 0.9
    assert np.sum(found["confusion"]) == found["examples"] == 80
    # a class, and its probability
    files = sorted((folder / "row").iterdir())[:3]
    answers = told(capsys, "predict", run, *files, "-o", tmp_path / "a.csv")["answers"]
    assert [answer["file"] for answer in answers] == [str(file) for file in files]
    for answer in answers:
        assert sum(answer["shares"].values()) == pytest.approx(1)
        assert answer["class"] == max(answer["shares"], key=answer["shares"].get)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [answer["class"] for answer in answers]
    # the same probabilities as those of the library on the same numbers
    import faltung as ft

    saved = ft.networks.load_model(run / "model.safetensors")
    x = np.stack([read(file).values[None] for file in files])
    expected = ft.training.predict(saved, x)
    np.testing.assert_allclose([list(answer["shares"].values()) for answer in answers], expected, rtol=1e-5, atol=1e-7)


def test_a_run_is_told_in_words(folder, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*map(str, train_words(folder, run, "--augment", "none"))]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("epoch ") == 8
    assert f"model     {run / 'model.safetensors'}" in printed.out
    assert main(["evaluate", str(run), str(folder), "-o", str(tmp_path / "e.png")]) == 0
    shown = capsys.readouterr().out
    assert "precision" in shown
    assert "probability said" in shown
    picture = read(tmp_path / "e.png").values
    assert picture.shape[0] > 400
    assert picture.std() > 10
    assert main(["predict", str(run), *map(str, sorted((folder / "row").iterdir())[:2])]) == 0
    assert "probability" in capsys.readouterr().out


def test_pictures_with_masks_become_a_network_that_masks(masked, tmp_path, capsys):
    run = tmp_path / "run"
    facts = told(capsys, *train_words(masked, run, "--epochs", 12, "--augment", "flips"))
    assert facts["best"] is not None
    found = told(capsys, "evaluate", run, masked)
    assert found["f1"][1] > 0.9
    picture = masked / "images" / "3.png"
    answer = told(capsys, "predict", run, picture, "-o", tmp_path / "masks")["answers"][0]
    mask = read(tmp_path / "masks" / "3.png").values
    assert set(np.unique(mask)) <= {0, 255}
    assert answer["shares"][list(answer["shares"])[1]] == pytest.approx((mask == 255).mean())
    truth = read(masked / "masks" / "3.png").values
    assert (mask == truth).mean() > 0.95


def test_an_interrupted_training_keeps_the_best_and_goes_on_exactly(folder, tmp_path, capsys, monkeypatch):
    run, whole = tmp_path / "run", tmp_path / "whole"
    words = train_words(folder, run, "--augment", "shift", "--batch", 16)
    expected = told(capsys, *train_words(folder, whole, "--augment", "shift", "--batch", 16))
    import faltung.training.loop as loop

    steps = []
    genuine = loop._Training._step

    def interrupted(self, batch):
        steps.append(1)
        if len(steps) == 13:
            os.kill(os.getpid(), signal.SIGINT)
        genuine(self, batch)

    monkeypatch.setattr(loop._Training, "_step", interrupted)
    assert main([*map(str, words)]) == 130
    printed = capsys.readouterr()
    assert f"faltung resume {run}" in printed.out
    assert printed.err.strip().endswith("faltung: cancelled")
    monkeypatch.setattr(loop._Training, "_step", genuine)
    assert told(capsys, "evaluate", run, folder)["accuracy"] > 0.4
    rest = told(capsys, "resume", run)
    drop = ("seconds",)
    assert [{k: v for k, v in e.items() if k not in drop} for e in rest["epochs"]] == [
        {k: v for k, v in e.items() if k not in drop} for e in expected["epochs"]
    ]
    assert (run / "model.safetensors").stat().st_size == (whole / "model.safetensors").stat().st_size


def test_a_set_is_trained_on_by_name(tmp_path, capsys):
    facts = told(capsys, "train", "small-digits", "--limit", 100, "--epochs", 1, "--threads", 1, "-o", tmp_path / "r")
    assert len(facts["classes"]) == 10
    assert told(capsys, "evaluate", tmp_path / "r", "small-digits", "--limit", 60)["examples"] in range(55, 66)


def test_damaged_pictures_are_named_and_left_out_on_request(folder, tmp_path, capsys):
    (folder / "row" / "001.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    code, line = refusal(capsys, *train_words(folder, tmp_path / "run"))
    assert code == 1
    assert "001.png" in line
    assert main([*map(str, train_words(folder, tmp_path / "run", "--skip-corrupt", "--epochs", 1))]) == 0
    assert "left out: " in capsys.readouterr().err
    code, line = refusal(capsys, "predict", tmp_path / "run", folder / "row" / "001.png")
    assert code == 1
    assert "001.png" in line
    good = folder / "row" / "003.png"
    words = ("predict", tmp_path / "run", folder / "row" / "001.png", good, "--skip-corrupt")
    assert [a["file"] for a in told(capsys, *words)["answers"]] == [str(good)]


def test_wrong_words_are_one_line_and_code_2_or_1(folder, tmp_path, capsys):
    run = tmp_path / "run"
    for words, expected in [
        ((*train_words(folder, run), "--rate", "fast"), (2, "--rate fast")),
        ((*train_words(folder, run), "--augment", "flop"), (2, "flop")),
        ((*train_words(folder, run), "--validation", "1.5"), (2, "validation")),
        (train_words("fashion-mints", run), (1, "no file or folder, and no set")),
        (("train", "digits", "--size", "8x8"), (2, "go with folders")),
        (("predict", tmp_path / "none.safetensors", "x.png"), (1, "no such file")),
        (("predict", folder, "x.png"), (1, "no model is kept there")),
        (("resume", folder), (1, "no training is kept there")),
        (("export", folder, "-o", "net.pt"), (2, ".onnx")),
        (("evaluate", folder, folder, "-o", "x.txt"), (2, "png")),
    ]:
        code, line = refusal(capsys, *words)
        assert code == expected[0], line
        assert expected[1] in line
    assert not run.exists()


def test_a_config_file_is_the_last_word_but_for_options(folder, tmp_path, capsys):
    (tmp_path / "c.json").write_text('{"epochs": 3, "ema": 0.5, "optimiser": "sgd"}')
    told(capsys, *train_words(folder, tmp_path / "run", "--config", tmp_path / "c.json", "--epochs", 2))
    start = json.loads((tmp_path / "run" / "events.jsonl").read_text().splitlines()[0])
    assert (start["config"]["epochs"], start["config"]["ema"], start["config"]["optimiser"]) == (2, 0.5, "sgd")
    (tmp_path / "c.json").write_text('{"epoch": 3}')
    code, line = refusal(capsys, *train_words(folder, tmp_path / "other", "--config", tmp_path / "c.json"))
    assert (code, "no option epoch" in line) == (2, True)


def test_a_trained_network_is_exported(folder, tmp_path, capsys):
    run = tmp_path / "run"
    told(capsys, *train_words(folder, run, "--epochs", 1))
    facts = told(capsys, "export", run, "-o", tmp_path / "net.onnx")
    assert facts["difference"] < 1e-5
    assert facts["input"] == ["N", 1, 8, 8]
    assert (tmp_path / "net.onnx").stat().st_size > 500


@pytest.mark.parametrize("verb", ["train", "resume", "predict", "evaluate", "export"])
def test_help_shows_examples_and_loads_no_torch(verb):
    program = (
        "import sys; from faltung.cli import main; code = main([sys.argv[1], '--help']);"
        "assert not {'torch', 'lightning_fabric', 'matplotlib', 'rich'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, verb], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"faltung {verb} " in done.stdout.split("Examples:")[1]
