"""`faltung dropout`."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import faltung as ft
from faltung.cli import main
from faltung.cli.dropout import Family
from faltung.data import read, write


def facts(capsys, *words):
    assert main(["dropout", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_half_of_the_ones_are_doubled_and_the_others_gone(capsys):
    found = facts(capsys)
    assert (found["layer"], found["p"], found["training"]) == ("Dropout", 0.5, True)
    assert np.shape(found["before"]) == np.shape(found["after"]) == (5, 5)
    assert {value for row in found["after"] for value in row} == {0.0, 2.0}
    assert found["dropped"] == sum(row.count(0.0) for row in found["after"])


@pytest.mark.parametrize("family", Family)
def test_evaluation_changes_nothing(capsys, family):
    found = facts(capsys, "1,2;3,4;5,6", "--family", family, "--evaluate")
    assert found["before"] == found["after"] == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("family", Family)
def test_the_seed_decides_and_the_numbers_are_those_printed(capsys, family):
    words = ("1,2,3,4,5,6;7,8,9,1,2,3;4,5,6,7,8,9", "--family", family, "--block", "2")
    found = facts(capsys, *words, "--seed", "3")
    assert facts(capsys, *words, "--seed", "3") == found
    others = [facts(capsys, *words, "--seed", str(seed))["after"] for seed in range(4, 10)]
    assert any(other != found["after"] for other in others)
    assert main(["dropout", *words, "--seed", "3"]) == 0
    printed = capsys.readouterr().out
    assert f"faltung.nn.{found['layer']}" in printed
    for value in found["after"][0]:
        assert f"{value:.4g}" in printed


def test_fates_are_shared_as_the_family_says(capsys):
    def kept(family, *more):
        return np.array(facts(capsys, "--family", family, *more)["after"]) > 0

    for seed in map(str, range(5)):
        channels, sequence = kept("channels", "--seed", seed), kept("sequence", "--seed", seed)
        assert (channels == channels[:, :1]).all()
        assert (sequence == sequence[:1]).all()
    assert kept("blocks", "--block", "5,1", "--p", "0.2").any()


def test_numbers_are_those_of_the_layer(capsys):
    after = facts(capsys, "1,2,3;4,5,6", "--p", "0.25", "--seed", "9")["after"]
    with ft.nn.at(sample=0):
        expected = ft.nn.Dropout(0.25, key=9)(torch.tensor([[[1.0, 2, 3], [4, 5, 6]]]))[0]
    assert torch.equal(torch.tensor(after), expected)


def test_a_picture_shows_before_and_after(tmp_path, capsys):
    for source in ([], [str(tmp_path / "signed.npy")], ["camera"]):
        np.save(tmp_path / "signed.npy", np.linspace(-1, 1, 400).reshape(20, 20))
        found = facts(capsys, *source, "-o", str(tmp_path / "a.png"))
        drawn = read(tmp_path / "a.png").values
        assert list(drawn.shape) == found["written"]["shape"]
        left, right = np.split(drawn, 2, axis=1)
        assert not np.array_equal(left, right)
        # drawn on paper, not on nothing
        assert drawn[0, 0].tolist() == [255, 254, 251]
    assert main(["dropout", "-o", str(tmp_path / "a.npy")]) == 0
    assert np.load(tmp_path / "a.npy").shape == (5, 5)


def test_large_grids_are_kept_not_printed(tmp_path, capsys):
    write(tmp_path / "large.npy", np.ones((30, 40), np.float32))
    assert main(["dropout", str(tmp_path / "large.npy")]) == 0
    assert "1,200 values: -o FILE keeps them" in capsys.readouterr().out


def test_a_narrow_terminal_gets_one_below_the_other(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    assert main(["dropout", "1,2,3,4,5,6,7,8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "after" in lines
    assert all(len(line) <= 30 for line in lines)


@pytest.mark.parametrize(
    ("words", "code", "cure"),
    [
        (["-p", "1.5"], 2, "from 0 (none) to 1 (all)"),
        (["-p", "nan"], 2, "from 0 (none) to 1 (all)"),
        (["--family", "gaussian", "-p", "1"], 2, "infinite variance"),
        (["--family", "blocks", "--block", "0"], 2, "block=0: at least 1"),
        (["--family", "blocks", "--block", "1,2,3"], 2, "2 axes"),
        (["--block", "a"], 2, "--block: 'a'"),
        (["--family", "lstm"], 2, "'alpha-channels'"),
        (["1+2j,3"], 2, "real numbers are expected"),
        (["astronaut"], 1, "rows and columns are expected"),
        (["1,2;3"], 2, "equally long"),
    ],
)
def test_wrong_words_are_one_line(capsys, words, code, cure):
    assert main(["dropout", *words]) == code
    error = capsys.readouterr().err
    assert cure in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("family", ["dropout", "connect"])
def test_without_torch_it_says_how_to_install_it(family):
    program = (
        "import sys; sys.modules['torch'] = None\n"
        f"from faltung.cli import main; sys.exit(main(['dropout', '--family', '{family}']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "faltung[nn]"' in done.stderr
    assert done.stderr.count("\n") == 1
