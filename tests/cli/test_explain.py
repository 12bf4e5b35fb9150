"""`faltung explain`."""

import json

import numpy as np
import pytest

import faltung as ft
from faltung.cli import main


def test_the_choice_is_that_of_the_library(capsys):
    assert main(["explain", "--shape", "512x512", "--kernel", "gaussian:3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = ft.explain((512, 512), ft.kernels.gaussian(3, ndim=2, dtype="float32"), x_dtype="float32")
    assert found["method"] == expected.method
    assert [verdict["method"] for verdict in found["verdicts"]] == [verdict.method for verdict in expected.verdicts]
    assert {verdict["method"] for verdict in found["verdicts"]} == set(ft.methods()) - {"auto"}


def test_the_table_shows_time_or_a_reason_for_every_method(capsys):
    assert main(["explain", "--shape", "64x64", "-k", "disk:4"]) == 0
    printed = capsys.readouterr().out
    for name in ft.methods()[1:]:
        assert f"\n{name} " in printed
    assert "taken" in printed


def test_a_file_may_stand_for_its_shape(capsys):
    assert main(["explain", "coffee", "-k", "box:5", "--json"]) == 0
    assert "(400, 600, 3) uint8" in json.loads(capsys.readouterr().out)["call"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--shape", "512y512", "-k", "box:3"], 2, "--shape"),
        (["--shape=-5x5", "-k", "box:3"], 2, "0 or more"),
        (["coins", "--shape", "5x5", "-k", "box:3"], 2, "either"),
        (["--shape", "5x5", "-k", "disk:4", "--method", "separable"], 1, "refuses"),
    ],
)
def test_what_does_not_fit_is_refused(capsys, words, code, said):
    assert main(["explain", *words]) == code
    assert said in capsys.readouterr().err


def test_print_and_command_say_the_same_of_every_algorithm(capsys):
    path = "1,2,3;4,5,7;7,8,9"
    assert main(["explain", "--shape", "40x50", "--dtype", "float64", "-k", path]) == 0
    command = [line.split() for line in capsys.readouterr().out.splitlines()]
    found = ft.explain((40, 50), np.array([[1.0, 2, 3], [4, 5, 7], [7, 8, 9]]))
    printed = [line.split() for line in str(found).splitlines()]
    heading = ["method", "time", "memory", "error", "<=", "verdict"]
    assert heading in command
    assert heading in printed
    for line in printed[printed.index(heading) + 1 :]:
        assert any(line[:6] == other[:6] for other in command), line
    assert "depends on the data" in str(found)
