"""Data and trained networks for the tests of commands that train and answer."""

import pytest
import torch

from cli.commands import train_words, write_cells, write_pictures
from faltung.cli import main


@pytest.fixture
def one_thread_and_wide_lines(monkeypatch):
    # so wide that no path is folded
    monkeypatch.setenv("COLUMNS", "300")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def pictures(tmp_path):
    """60 pictures of two classes."""
    return write_pictures(tmp_path / "pictures")


@pytest.fixture
def cells(tmp_path):
    """6 pictures with masks."""
    return write_cells(tmp_path / "cells")


@pytest.fixture(scope="session")
def trained_pictures(tmp_path_factory):
    """Pictures, and the folder of a ConvNet that has learned them; to be read only."""
    place = tmp_path_factory.mktemp("trained")
    pictures = write_pictures(place / "pictures")
    _train(pictures, place / "run", "--epochs", 30)
    return pictures, place / "run"


@pytest.fixture(scope="session")
def trained_cells(tmp_path_factory):
    """Pictures with masks, and the folder of a U-Net that has learned them; to be read only."""
    place = tmp_path_factory.mktemp("trained")
    cells = write_cells(place / "cells")
    (place / "c.json").write_text('{"repeats": 4}')
    _train(cells, place / "run", "--epochs", 16, "--batch", 8, "--config", place / "c.json")
    return cells, place / "run"


def _train(data, run, *more):
    assert main([*map(str, train_words(data, run, *more))]) == 0
