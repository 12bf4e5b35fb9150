"""`faltung convolve`: the library's call in words."""

import json

import numpy as np
import pytest

import faltung as ft
from faltung.cli import main
from faltung.data import photograph, write

DECK = "3 3 2 1 0;0 0 1 3 1;3 1 2 2 3;2 0 0 2 2;2 0 0 0 1"
KERNEL = "0,1,2;2,2,0;0,1,2"


def facts(capsys, *words):
    assert main(["convolve", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["--correlate", "--mode", "valid"], [[12, 12, 17], [10, 17, 19], [9, 6, 14]]),
        (["--mode", "valid"], [[18, 20, 19], [10, 9, 17], [11, 8, 14]]),
        (["--correlate", "--padding", "1", "--stride", "2"], [[6, 17, 3], [8, 17, 13], [6, 4, 4]]),
    ],
)
def test_the_workshops_numbers_come_out(capsys, words, values):
    found = facts(capsys, DECK, "-k", KERNEL, *words)
    assert found["values"] == values
    assert found["result"]["dtype"] == "int64"


def test_numbers_in_numbers_out(capsys):
    assert main(["convolve", "1,2,3", "-k", "0,1,0.5"]) == 0
    printed = capsys.readouterr().out
    assert "[0. , 1. , 2.5, 4. , 1.5]" in printed
    assert "flipped (convolution)" in printed


def test_negative_numbers_stand_after_two_dashes(capsys):
    assert facts(capsys, "-k", "-1,2", "--mode", "same", "--", "-1,2,3")["values"] == [1, -4, 1]


def test_complex_numbers_pass(capsys):
    assert facts(capsys, "1+2j,3", "-k", "1j")["values"] == [[-2, 1], [0, 3]]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--boundary reflect --mode same", {"boundary": "reflect", "mode": "same"}),
        ("--boundary constant:5", {"boundary": ("constant", 5.0)}),
        ("--boundary edge,wrap --mode same", {"boundary": ("edge", "wrap"), "mode": "same"}),
        ("--boundary edge;wrap --mode same", {"boundary": ["edge", "wrap"], "mode": "same"}),
        ("--stride 2,1 --dilation 2", {"stride": (2, 1), "dilation": 2}),
        ("--padding 1,2", {"padding": (1, 2)}),
        ("--padding same", {"padding": "same"}),
        ("--dtype float32 --method direct", {"dtype": np.float32, "method": "direct"}),
    ],
)
def test_options_mean_what_they_mean_in_the_library(tmp_path, words, options):
    x = np.random.default_rng(0).normal(size=(12, 11))
    kernel = np.random.default_rng(1).normal(size=(3, 4))
    write(tmp_path / "x.npy", x)
    write(tmp_path / "k.npy", kernel)
    out = tmp_path / "y.npy"
    assert (
        main(["convolve", str(tmp_path / "x.npy"), "-k", str(tmp_path / "k.npy"), *words.split(), "-o", str(out)]) == 0
    )
    result = np.load(out)
    expected = ft.convolve(x, kernel, **options)
    assert result.dtype == expected.dtype
    assert np.array_equal(result, expected)


def test_pictures_are_convolved_along_rows_and_columns(tmp_path):
    out = tmp_path / "y.npy"
    assert main(["convolve", "coffee", "-k", "box:3", "--mode", "valid", "-o", str(out)]) == 0
    assert np.array_equal(
        np.load(out), ft.convolve(photograph("coffee"), np.full((3, 3), 1 / 9), mode="valid", axes=(0, 1))
    )


def test_one_axis_may_be_chosen(tmp_path):
    out = tmp_path / "y.npy"
    assert main(["convolve", "camera", "-k", "1,0,-1", "--axes", "1", "--mode", "same", "-o", str(out)]) == 0
    assert np.array_equal(np.load(out), ft.convolve(photograph("camera"), [1, 0, -1], mode="same", axes=1))


def test_long_results_are_not_printed(capsys):
    assert main(["convolve", "camera", "-k", "box:3"]) == 0
    assert "-o FILE keeps them" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["1,2;3", "-k", "1"], 2, "equally long"),
        (["1,2", "-k", "1;1"], 1, "axes"),
        (["1,2", "-k", ""], 2, "--kernel is empty"),
        (["1,2", "-k", "1", "--stride", "0"], 2, "stride"),
        (["1,2", "-k", "1", "--stride", "a"], 2, "--stride"),
        (["1,2", "-k", "1", "--dtype", "loud"], 2, "--dtype loud"),
        (["1,2", "-k", "1", "--boundary", "constant:x"], 2, "--boundary"),
        (["1,2", "-k", "1", "--mode", "same", "--padding", "1"], 2, "padding"),
        (["99999999999999999999", "-k", "1"], 2, "too large"),
        (["9000000000000000000", "-k", "9"], 1, "overflow"),
    ],
)
def test_what_does_not_fit_is_refused(capsys, words, code, said):
    assert main(["convolve", *words]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("numbers", ["1,,3", "1,2,", ",1", "1,2;3,", "", " "])
def test_a_hole_in_the_numbers_is_refused_and_not_left_out(capsys, numbers):
    assert main(["convolve", numbers, "-k", "1"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "between two commas" in error or "empty" in error


@pytest.mark.parametrize("numbers", ["1,2,3", "1, 2 ,3", "1 2 3", "1 2, 3", "[1,2,3]"])
def test_commas_and_blanks_part_numbers_alike(capsys, numbers):
    assert facts(capsys, numbers, "-k", "1")["values"] == [1, 2, 3]


def test_missing_numbers_spread_are_left_out_or_are_an_error(capsys):
    words = ["1,nan,3", "-k", "1,2,1", "--mode", "same", "--boundary", "ignore", "--nan"]
    assert facts(capsys, *words, "omit")["values"] == [4, 8, 12]
    assert main(["convolve", *words, "error"]) == 1
    assert "NaN" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["smooth", "filter", "edges"])
def test_every_command_that_convolves_takes_nan(capsys, tmp_path, verb):
    picture = np.ones((9, 9))
    picture[4, 4] = np.nan
    path = str(tmp_path / "holes.npy")
    np.save(path, picture)
    out = str(tmp_path / "out.npy")
    more = ["-k", "1,2,1;2,4,2;1,2,1"] if verb == "filter" else ["--smooth", "1"] if verb == "edges" else []
    for nan, holes in (("propagate", True), ("omit", False)):
        assert main([verb, path, *more, "--nan", nan, "-o", out]) == 0
        assert np.isnan(np.load(out)).any() == holes
    assert main([verb, path, *more, "--nan", "error"]) == 1
    capsys.readouterr()
