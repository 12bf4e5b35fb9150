"""`faltung smooth`."""

import json

import numpy as np
import pytest

import faltung as ft
from faltung.cli import main
from faltung.data import photograph, read, write


def facts(capsys, *words):
    assert main(["smooth", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_formula_with_noise_is_scored_against_the_clean_signal(tmp_path, capsys):
    words = ["--expr", "sin(t/8)+(t>50)", "--noise", "0.3", "--seed", "1", "--kernel", "tophat:10"]
    found = facts(capsys, *words, "-o", str(tmp_path / "a.npy"))
    t = np.arange(100)
    clean = np.sin(t / 8) + (t > 50)
    noisy = clean + np.random.default_rng(1).normal(0, 0.3, 100)
    smoothed = ft.smooth(noisy, "tophat:10")
    assert np.array_equal(np.load(tmp_path / "a.npy"), smoothed)
    assert found["error_before"] == pytest.approx(np.sqrt(np.mean((noisy - clean) ** 2)))
    assert found["error_after"] == pytest.approx(np.sqrt(np.mean((smoothed - clean) ** 2)))
    assert found["error_after"] < found["error_before"]


def test_the_same_seed_gives_the_same_noise(capsys):
    words = ["--expr", "t", "--noise", "1"]
    first, second, third = (facts(capsys, *words, "--seed", seed) for seed in ("5", "5", "6"))
    assert first == second
    assert first["error_before"] != third["error_before"]


def test_before_and_after_are_plotted(capsys):
    assert main(["smooth", "--expr", "sin(t/8)", "--noise", "0.3"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("┤") == 8
    assert "before" in printed
    assert "times smaller" in printed


def test_a_column_of_a_table_is_smoothed_and_keeps_its_name(tmp_path):
    (tmp_path / "a.csv").write_text("time,volts\n" + "".join(f"{i},{i * i}\n" for i in range(20)))
    words = ["smooth", str(tmp_path / "a.csv"), "--column", "volts", "-k", "1,2,1", "-o", str(tmp_path / "b.csv")]
    assert main(words) == 0
    smoothed = read(tmp_path / "b.csv")
    assert smoothed.columns == ("volts",)
    assert np.allclose(smoothed.values, ft.smooth(np.arange(20.0) ** 2, [1, 2, 1]))


def test_all_columns_are_smoothed_along_the_rows(tmp_path):
    table = np.random.default_rng(0).normal(size=(30, 3))
    write(tmp_path / "a.csv", table)
    assert main(["smooth", str(tmp_path / "a.csv"), "-o", str(tmp_path / "b.npy")]) == 0
    assert np.array_equal(np.load(tmp_path / "b.npy"), ft.smooth(table, "hann:9", axes=0))


def test_a_sound_keeps_rate_and_depth(tmp_path):
    sound = np.random.default_rng(0).integers(-9000, 9000, (200, 2), np.int16)
    write(tmp_path / "a.wav", sound, sample_rate_hz=8000)
    assert main(["smooth", str(tmp_path / "a.wav"), "-k", "hann:5", "-o", str(tmp_path / "b.wav")]) == 0
    smoothed = read(tmp_path / "b.wav")
    assert smoothed.sample_rate_hz == 8000
    assert smoothed.values.dtype == np.int16
    assert np.array_equal(smoothed.values, np.rint(ft.smooth(sound, "hann:5", axes=0)))


def test_a_picture_is_smoothed_along_both_axes_per_channel(tmp_path):
    assert main(["smooth", "coffee", "-k", "gaussian:2", "-o", str(tmp_path / "a.npy")]) == 0
    expected = ft.gaussian(photograph("coffee"), 2, axes=(0, 1))
    assert np.allclose(np.load(tmp_path / "a.npy"), expected, atol=1e-3)
    assert main(["smooth", "coffee", "--grey", "-o", str(tmp_path / "a.png")]) == 0
    assert read(tmp_path / "a.png").values.shape == (400, 600)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--expr", "1/0*t"], 2, "infinite or undefined"),
        (["--expr", "t", "--noise", "-1"], 2, "--noise"),
        (["--expr", "t", "-k", "sobel-x"], 2, "sum to 0"),
        (["--expr", "t", "--samples", "0"], 2, "--samples"),
        (["--expr", "t", "-o", "a.wav"], 2, "--rate"),
        (["coins", "--column", "2"], 2, "--column"),
        (["coins", "--expr", "t"], 2, "not both"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, monkeypatch, capsys, words, code, said):
    monkeypatch.chdir(tmp_path)
    assert main(["smooth", *words]) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
