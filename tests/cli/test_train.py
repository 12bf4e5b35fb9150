"""`faltung train`: from a folder or a set to a network; what users' own data do wrong is said in one line."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import faltung as ft
from cli.commands import refused, told, train_words
from faltung.cli import main
from faltung.data import read, write

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


def test_a_folder_of_pictures_becomes_a_convnet(trained_pictures, capsys):
    pictures, run = trained_pictures
    saved = ft.networks.load_model(run / "model.safetensors")
    assert type(saved.model).__name__ == "ConvNet"
    assert saved.facts.classes == ("column", "row")
    assert told(capsys, "evaluate", run, pictures)["accuracy"] > 0.95


def test_pictures_with_masks_become_a_unet(trained_cells, capsys):
    cells, run = trained_cells
    saved = ft.networks.load_model(run / "model.safetensors")
    assert type(saved.model).__name__ == "UNet"
    assert saved.facts.classes == ("0", "255")
    found = told(capsys, "evaluate", run, cells)
    assert found["task"] == "segmentation"
    assert found["f1"][1] > 0.9


def test_a_run_is_told_in_words(pictures, tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*map(str, train_words(pictures, run, "--epochs", 3))]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("epoch ") == 3
    assert f"model     {run / 'model.safetensors'}" in printed.out
    facts = told(capsys, *train_words(pictures, tmp_path / "other", "--epochs", 3))
    assert (facts["stopped"], facts["network"], len(facts["epochs"])) == ("done", "ConvNet", 3)


def test_the_shares_of_the_classes_of_masks_are_told_first(cells, tmp_path, capsys):
    assert main([*map(str, train_words(cells, tmp_path / "run", "--epochs", 1))]) == 0
    share = np.mean([read(path).values == 255 for path in (cells / "masks").iterdir()])
    assert f"classes: 0 {1 - share:.2%}, 255 {share:.2%}" in capsys.readouterr().err


def test_a_set_is_trained_on_by_name(tmp_path, capsys):
    facts = told(capsys, "train", "small-digits", "--limit", 100, "--epochs", 1, "--threads", 1, "-o", tmp_path / "r")
    assert len(facts["classes"]) == 10
    assert told(capsys, "evaluate", tmp_path / "r", "small-digits", "--limit", 60)["examples"] in range(55, 66)


def test_a_config_file_is_the_last_word_but_for_options(pictures, tmp_path, capsys):
    (tmp_path / "c.json").write_text('{"epochs": 3, "ema": 0.5, "optimiser": "sgd"}')
    told(capsys, *train_words(pictures, tmp_path / "run", "--config", tmp_path / "c.json", "--epochs", 2))
    start = json.loads((tmp_path / "run" / "events.jsonl").read_text().splitlines()[0])
    assert (start["config"]["epochs"], start["config"]["ema"], start["config"]["optimiser"]) == (2, 0.5, "sgd")
    (tmp_path / "c.json").write_text('{"epoch": 3}')
    code, line = refused(capsys, *train_words(pictures, tmp_path / "other", "--config", tmp_path / "c.json"))
    assert (code, "no option epoch" in line) == (2, True)


def test_wrong_words_are_one_line_and_code_2_or_1(pictures, cells, tmp_path, capsys):
    run = tmp_path / "run"
    for words, expected in [
        ((*train_words(pictures, run), "--rate", "fast"), (2, "--rate fast")),
        ((*train_words(pictures, run), "--augment", "flop"), (2, "flop")),
        ((*train_words(pictures, run), "--validation", "1.5"), (2, "validation")),
        ((*train_words(pictures, run), "--values", "0,255"), (2, "go with images/ and masks/")),
        ((*train_words(cells, run), "--others", "ignore"), (2, "say which values are classes, e.g. --values 0,255")),
        ((*train_words(cells, run), "--values", "0,much"), (2, "'much' is no value of a mask")),
        (train_words("fashion-mints", run), (1, "no file or folder, and no set")),
        (("train", "digits", "--size", "8x8"), (2, "go with folders")),
        (("train", "digits", "--unlabelled", "255"), (2, "go with folders of pictures and masks")),
        (("predict", tmp_path / "none.safetensors", "x.png"), (1, "no such file")),
        (("predict", pictures, "x.png"), (1, "no model is kept there")),
        (("resume", pictures), (1, "no training is kept there")),
        (("export", pictures, "-o", "net.pt"), (2, ".onnx")),
        (("evaluate", pictures, pictures, "-o", "x.txt"), (2, "png")),
    ]:
        code, line = refused(capsys, *words)
        assert code == expected[0], line
        assert expected[1] in line
    assert not run.exists()


def test_stray_pixels_in_masks_are_no_class_of_their_own(cells, tmp_path, capsys):
    place = cells / "masks" / "3.png"
    mask = read(place).values.copy()
    mask[tuple(np.random.default_rng(0).integers(0, 32, (2, 7)))] = 128
    write(place, mask, tones="keep")
    code, line = refused(capsys, *train_words(cells, tmp_path / "run"))
    assert code == 1
    assert line == (
        f"{place}: 7 of 1,024 pixels (0.68 %) are 128, which nowhere fills 3 x 3 pixels in 6 masks, as smoothed edges"
        " and JPEG do, but hardly a class: say which values are classes, e.g. --values 0,255 (values=), and --others"
        " ignore (others=) to leave the other pixels out, or --others nearest to give them the nearest class; if all"
        " are classes, --values 0,128,255 says so"
    )
    assert not (tmp_path / "run").exists()
    # each cure of the message is one
    for words, classes in [
        (("--values", "0,255", "--others", "ignore"), ["0", "255"]),
        (("--values", "ground=0,cell=255", "--others", "nearest"), ["ground", "cell"]),
        (("--values", "0,128,255"), ["0", "128", "255"]),
        (("--unlabelled", "128"), ["0", "255"]),
    ]:
        run = tmp_path / "-".join(words)
        assert told(capsys, *train_words(cells, run, "--epochs", 1, *words))["classes"] == classes
        # values mean later what they meant here
        assert told(capsys, "evaluate", run, cells)["classes"] == classes


def test_a_value_that_is_unknown_in_a_later_mask_is_named(trained_cells, cells, tmp_path, capsys):
    _, run = trained_cells
    place = cells / "masks" / "4.png"
    mask = read(place).values.copy()
    mask[10:20, 10:20] = 7
    write(place, mask, tones="keep")
    expected = (
        f"{place}: holds 7 at row 10, column 10; 100 of 1,024 pixels (9.8 %) are none of 0, 255: name them in values="
        " (--values) if they are classes; others='ignore' (--others ignore) leaves such pixels out, 'nearest' gives"
        " them the nearest class"
    )
    assert refused(capsys, *train_words(cells, tmp_path / "run", "--values", "0,255")) == (1, expected)
    assert refused(capsys, "evaluate", run, cells) == (1, expected)
    assert told(capsys, "evaluate", run, cells, "--values", "0=0,255=255", "--others", "ignore")["examples"] == 6


def test_a_folder_whose_masks_lack_a_class_is_evaluated_all_the_same(trained_cells, cells, capsys):
    _, run = trained_cells
    for path in (cells / "masks").iterdir():
        write(path, np.zeros((32, 32), np.uint8), tones="keep")
    found = told(capsys, "evaluate", run, cells)
    assert found["classes"] == ["0", "255"]
    assert sum(found["confusion"][1]) == 0


def test_a_mask_of_another_size_than_its_picture_is_named(cells, tmp_path, capsys):
    place = cells / "masks" / "2.png"
    write(place, read(place).values[:-1], tones="keep")
    for words in ((), ("--size", "16x16"), ("--skip-corrupt",)):
        code, line = refused(capsys, *train_words(cells, tmp_path / "run", *words))
        assert code == 1
        assert line == (
            f"{place}: is 31x32, its picture {cells / 'images' / '2.png'} is 32x32: a mask has a pixel for each of its"
            " picture"
        )


def test_a_class_of_one_picture_is_named_before_anything_is_held_back(pictures, tmp_path, capsys):
    for path in sorted((pictures / "row").iterdir())[1:]:
        path.unlink()
    code, line = refused(capsys, *train_words(pictures, tmp_path / "run"))
    assert code == 2
    assert line == (
        "pictures: class 'row' has one example only, and a split needs two: add another, or leave it out, or hold"
        " nothing back (validation=0.0, --validation 0)"
    )
    assert not (tmp_path / "run").exists()
    # nothing held back: one is enough
    words = ("--validation", 0, "--epochs", 1)
    assert told(capsys, *train_words(pictures, tmp_path / "run", *words))["classes"] == ["column", "row"]


def test_an_empty_folder_of_a_class_is_named(pictures, tmp_path, capsys):
    (pictures / "empty").mkdir()
    code, line = refused(capsys, *train_words(pictures, tmp_path / "run"))
    assert code == 1
    assert line == (
        f"{pictures / 'empty'}: is the folder of a class and holds no pictures: put some in, or move it away"
    )


@pytest.mark.parametrize("damage", ["cut off", "no picture", "empty"])
def test_a_damaged_picture_is_found_before_the_first_step_and_left_out_on_request(damage, pictures, tmp_path, capsys):
    place = sorted((pictures / "row").iterdir())[13]
    whole = place.read_bytes()
    place.write_bytes({"cut off": whole[:-30], "no picture": b"a letter", "empty": b""}[damage])
    code, line = refused(capsys, *train_words(pictures, tmp_path / "run"))
    assert code == 1
    assert line.startswith(f"{place}: ")
    assert not (tmp_path / "run").exists()
    assert main([*map(str, train_words(pictures, tmp_path / "run", "--skip-corrupt", "--epochs", 1))]) == 0
    assert f"left out: {place}: " in capsys.readouterr().err
    start = json.loads((tmp_path / "run" / "events.jsonl").read_text().splitlines()[0])
    assert start["examples"] + start["validation"] == 59


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files cannot be limited there")
def test_a_disk_that_fills_leaves_the_checkpoint_before(pictures, tmp_path, capsys, monkeypatch):
    import resource

    from faltung.training import loop

    run, whole = tmp_path / "run", tmp_path / "whole"
    expected = told(capsys, *train_words(pictures, whole, "--epochs", 4))
    genuine = loop.write_state
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def with_little_room(folder, state):
        # the system itself refuses, in the middle of the file
        if state.epoch == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        try:
            genuine(folder, state)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(loop, "write_state", with_little_room)
    code, line = refused(capsys, *train_words(pictures, run, "--epochs", 4))
    monkeypatch.undo()
    assert code == 1
    assert str(run / "state.safetensors") in line
    assert line.endswith("is whole: make room, then resume")
    assert not list(run.glob(".*.part"))
    assert told(capsys, "evaluate", run, pictures)["examples"] == 60
    rest = told(capsys, "resume", run)
    assert [epoch["loss"] for epoch in rest["epochs"]] == [epoch["loss"] for epoch in expected["epochs"]]


def test_a_rate_that_is_too_high_ends_in_words_and_not_in_a_network(pictures, tmp_path, capsys):
    code, line = refused(capsys, *train_words(pictures, tmp_path / "run", "--rate", "1e30", "--epochs", 5))
    assert code == 1
    assert line.startswith("the loss is NaN at step ")
    assert line.endswith(
        'the learning rate is probably too high; take a third of it, or learning_rate="find", or clip=1.0'
    )
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_nan_in_arrays_is_named_before_the_first_step(tmp_path, capsys):
    x = np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)
    x[13, 5] = np.nan
    np.savez(tmp_path / "signals.npz", x=x, y=np.arange(20) % 2)
    code, line = refused(capsys, *train_words(tmp_path / "signals.npz", tmp_path / "run"))
    assert code == 1
    assert line == (
        f"{tmp_path / 'signals.npz'}: x holds NaN or infinity, also as float32, in 1 of 20 examples, the first of them"
        " example 13: leave those examples out"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_processes_that_torchrun_starts_train_together_and_one_of_them_speaks(cells, tmp_path, capsys):
    more = ("--epochs", 2, "--batch", 4, "--validation", 0)
    program = "import sys; from faltung.cli import main; sys.exit(main(sys.argv[1:]))"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--no-python"]
    words = [sys.executable, "-W", "ignore", "-c", program, *map(str, train_words(cells, tmp_path / "run", *more))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launcher, *words], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("classes: 0 ") == done.stderr.count("epoch 2: loss ") == 1
    assert done.stdout.count(f"model     {tmp_path / 'run' / 'model.safetensors'}") == 1
    assert told(capsys, "evaluate", tmp_path / "run", cells)["examples"] == 6


@pytest.mark.parametrize("verb", ["train", "resume", "predict", "evaluate", "export"])
def test_help_shows_examples_and_loads_no_torch(verb):
    program = (
        "import sys; from faltung.cli import main; code = main([sys.argv[1], '--help']);"
        "assert not {'torch', 'lightning_fabric', 'matplotlib', 'rich'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, verb], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"faltung {verb} " in done.stdout.split("Examples:")[1]


@pytest.mark.parametrize("kind", ["pictures", "cells"])
def test_dropout_of_the_network_is_chosen_by_an_option(kind, tmp_path, capsys, request):
    folder, run = request.getfixturevalue(kind), tmp_path / "run"
    words = train_words(folder, run, "--epochs", 1)
    assert "=1.5: " in refused(capsys, *words, "--dropout", 1.5)[1]
    told(capsys, *words, "--dropout", 0.35)
    net = ft.networks.load_model(run / "model.safetensors").model
    assert net.options["dropout"] == 0.35
    # and is on when samples are asked for
    picture = sorted(folder.rglob("*.png"))[0]
    answer = told(capsys, "predict", run, picture, "--samples", 4)["answers"][0]
    assert answer["mutual_information_nats"] > 1e-6
