"""`faltung edges`."""

import json

import numpy as np
import pytest

import faltung as ft
from faltung.cli import main
from faltung.data import photograph, read, to_grey, write
from faltung.data.samples import photograph_path


def facts(capsys, *words):
    assert main(["edges", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("operator", ["sobel", "scharr", "prewitt"])
def test_the_strength_written_is_that_of_the_library(tmp_path, capsys, operator):
    found = facts(capsys, "astronaut", "--operator", operator, "--smooth", "1.2", "-o", str(tmp_path / "a.npy"))
    expected = ft.edges(to_grey(photograph("astronaut")), operator=operator, sigma=1.2).magnitude
    assert np.array_equal(np.load(tmp_path / "a.npy"), expected)
    assert found["largest"] == pytest.approx(expected.max())
    assert sum(found["histogram"]["counts"]) == expected.size
    assert found["edge_share"] == pytest.approx(np.mean(expected >= expected.max() / 4))


def test_a_threshold_makes_a_black_and_white_picture(tmp_path, capsys):
    found = facts(capsys, "coins", "--threshold", "100", "-o", str(tmp_path / "a.png"))
    mask = read(tmp_path / "a.png").values
    assert np.array_equal(mask == 255, ft.edges(photograph("coins")).magnitude >= 100)
    assert set(np.unique(mask)) == {0, 255}
    assert found["edge_share"] == pytest.approx(np.mean(mask == 255))


def test_canny_blurs_by_one_pixel_unless_told_otherwise(tmp_path, capsys):
    facts(capsys, "coins", "--operator", "canny", "-o", str(tmp_path / "a.npy"))
    assert np.array_equal(np.load(tmp_path / "a.npy"), ft.canny(photograph("coins")))
    facts(capsys, "coins", "--operator", "canny", "--smooth", "0", "--threshold", "5:20", "-o", str(tmp_path / "b.npy"))
    assert np.array_equal(np.load(tmp_path / "b.npy"), ft.canny(photograph("coins"), sigma=None, low=5, high=20))


def test_every_channel_has_its_own_edges_if_asked(tmp_path, capsys):
    facts(capsys, "coffee", "--per-channel", "-o", str(tmp_path / "a.npy"))
    assert np.array_equal(np.load(tmp_path / "a.npy"), ft.edges(photograph("coffee"), axes=(0, 1)).magnitude)


def test_a_film_is_filtered_frame_by_frame_with_progress_on_stderr(tmp_path, capsys):
    film = np.random.default_rng(0).integers(0, 255, (12, 9, 8), np.uint8)
    write(tmp_path / "film.tiff", film)
    assert main(["edges", str(tmp_path / "film.tiff"), "-o", str(tmp_path / "out.tiff")]) == 0
    printed = capsys.readouterr()
    assert "edges: 12 of 12 frames" in printed.err
    assert "frames" not in printed.out
    expected = np.stack([ft.edges(frame).magnitude for frame in film])
    assert np.array_equal(read(tmp_path / "out.tiff").values, expected)
    assert main(["edges", str(tmp_path / "film.tiff"), "--frame", "3", "-o", str(tmp_path / "one.npy")]) == 0
    assert np.array_equal(np.load(tmp_path / "one.npy"), expected[3])


def test_several_frames_do_not_go_into_one_png(tmp_path, capsys):
    write(tmp_path / "film.gif", np.random.default_rng(0).integers(0, 255, (3, 9, 8), np.uint8))
    assert main(["edges", str(tmp_path / "film.gif"), "-o", str(tmp_path / "out.png")]) == 1
    assert "--frame 0" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_alpha_passes_through_untouched(tmp_path):
    horse = read(photograph_path("horse"))
    assert main(["edges", "horse", "-o", str(tmp_path / "a.png")]) == 0
    assert np.array_equal(read(tmp_path / "a.png").alpha, horse.alpha)


def test_the_input_is_not_overwritten(tmp_path, capsys):
    write(tmp_path / "a.png", np.eye(9))
    before = (tmp_path / "a.png").read_bytes()
    assert main(["edges", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.png")]) == 2
    assert "is the input" in capsys.readouterr().err
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_flat_picture_has_no_edges(tmp_path, capsys):
    write(tmp_path / "flat.png", np.full((8, 8), 70, np.uint8))
    assert facts(capsys, str(tmp_path / "flat.png"))["edge_share"] == 0


def test_the_histogram_is_printed_with_the_share_of_edges(capsys):
    assert main(["edges", "camera", "--smooth", "1.2"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("%") == 9
    assert "5.89% of the pixels" in printed
