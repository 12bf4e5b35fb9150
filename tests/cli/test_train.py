"""`faltung train`: from a folder or a set to a network; what users' own data do wrong is said in one line."""

import json
import subprocess
import sys

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
        (train_words("fashion-mints", run), (1, "no file or folder, and no set")),
        (("train", "digits", "--size", "8x8"), (2, "go with folders")),
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


@pytest.mark.parametrize("verb", ["train", "resume", "predict", "evaluate", "export"])
def test_help_shows_examples_and_loads_no_torch(verb):
    program = (
        "import sys; from faltung.cli import main; code = main([sys.argv[1], '--help']);"
        "assert not {'torch', 'lightning_fabric', 'matplotlib', 'rich'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, verb], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"faltung {verb} " in done.stdout.split("Examples:")[1]
