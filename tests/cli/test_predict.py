"""`faltung predict`: classes and masks, and model files that are none."""

import csv
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import faltung as ft
from cli.commands import blobs, refused, told
from faltung.cli import main
from faltung.data import read, write

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


def test_files_get_classes_with_the_probabilities_of_the_library(trained_pictures, tmp_path, capsys):
    pictures, run = trained_pictures
    files = sorted((pictures / "row").iterdir())[:3]
    answers = told(capsys, "predict", run, *files, "-o", tmp_path / "a.csv")["answers"]
    assert [answer["file"] for answer in answers] == [str(file) for file in files]
    for answer in answers:
        assert answer["class"] == max(answer["shares"], key=answer["shares"].get)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [answer["class"] for answer in answers]
    saved = ft.networks.load_model(run / "model.safetensors")
    expected = ft.training.predict(saved, np.stack([read(file).values[None] for file in files]))
    np.testing.assert_allclose([list(answer["shares"].values()) for answer in answers], expected, rtol=1e-5, atol=1e-7)
    assert main(["predict", str(run), *map(str, files)]) == 0
    assert "probability" in capsys.readouterr().out


def test_a_picture_of_another_size_that_no_pooling_divides_gets_a_mask(trained_cells, tmp_path, capsys):
    _, run = trained_cells
    picture, truth = blobs(np.random.default_rng(7), 45, 70)
    write(tmp_path / "other.png", picture, tones="keep")
    answer = told(capsys, "predict", run, tmp_path / "other.png", "-o", tmp_path / "masks")["answers"][0]
    mask = read(tmp_path / "masks" / "other.png").values
    assert set(np.unique(mask)) == {0, 255}
    assert ((mask == 255) == truth).mean() > 0.95
    assert answer["shares"]["255"] == pytest.approx((mask == 255).mean())


def test_damaged_files_are_named_and_left_out_on_request(trained_pictures, tmp_path, capsys):
    pictures, run = trained_pictures
    good, bad = pictures / "row" / "003.png", tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:-30])
    code, line = refused(capsys, "predict", run, bad, good)
    assert code == 1
    assert line.startswith(f"{bad}: ")
    found = told(capsys, "predict", run, bad, good, "--skip-corrupt")
    assert [answer["file"] for answer in found["answers"]] == [str(good)]


class Harmful:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return (print, ("code from a file ran",))


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_pickle_under_the_name_of_a_model_is_refused_and_not_run(verb, trained_pictures, tmp_path, capsys):
    pictures, _ = trained_pictures
    model = tmp_path / "model.safetensors"
    for write_pickle in (
        lambda: torch.save({"weights": torch.zeros(3), "more": Harmful()}, model),
        lambda: model.write_bytes(pickle.dumps(Harmful())),
    ):
        write_pickle()
        data = pictures if verb == "evaluate" else pictures / "row" / "001.png"
        assert refused(capsys, verb, model, data) == (
            1,
            f"{model}: is no safetensors file; models are read from these only, because other formats can run code",
        )


def test_weights_of_another_program_are_refused(trained_pictures, tmp_path, capsys):
    pictures, run = trained_pictures
    picture, model = pictures / "row" / "001.png", tmp_path / "model.safetensors"
    save_file({"conv1.weight": torch.zeros(4, 3, 3, 3)}, model, {"format": "pt"})
    assert refused(capsys, "predict", model, picture) == (
        1,
        f"{model}: is a safetensors file, but no model of Faltung: nothing says what network it is",
    )
    # our own words over the tensors of another network
    saved = ft.networks.load_model(run / "model.safetensors")
    whole = saved.model.state_dict()
    first = next(iter(whole))
    from safetensors import safe_open

    with safe_open(run / "model.safetensors", framework="pt") as file:
        words = file.metadata()
    save_file({name: w for name, w in whole.items() if name != first}, model, words)
    assert refused(capsys, "predict", model, picture) == (
        1,
        f"{model}: holds the weights of another network: {first} is missing",
    )
