"""`faltung evaluate`."""

import numpy as np
import pytest

from cli.commands import told
from faltung.cli import main
from faltung.data import read

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


def test_every_example_is_in_the_confusion_and_it_is_drawn(trained_pictures, tmp_path, capsys):
    pictures, run = trained_pictures
    found = told(capsys, "evaluate", run, pictures, "-o", tmp_path / "e.png")
    assert np.sum(found["confusion"]) == found["examples"] == 60
    picture = read(tmp_path / "e.png").values
    assert picture.shape[0] > 400
    assert picture.std() > 10


def test_the_confusion_says_what_its_axes_are(trained_pictures, capsys):
    pictures, run = trained_pictures
    assert main(["evaluate", str(run), str(pictures)]) == 0
    shown = capsys.readouterr().out.splitlines()
    place = shown.index("truth down, answer across")
    assert shown[place + 1].split() == ["0", "1"]
    # columns of numbers stand below their heads
    assert len(shown[place + 1]) == len(shown[place + 2]) == len(shown[place + 3])
    assert any("precision" in line for line in shown)
    assert any("probability said" in line for line in shown)


def test_places_are_scored_and_drawn_too(trained_cells, tmp_path, capsys):
    cells, run = trained_cells
    assert np.sum(told(capsys, "evaluate", run, cells, "-o", tmp_path / "e.png")["confusion"]) == 6 * 32 * 32
    assert read(tmp_path / "e.png").values.std() > 10
