"""`faltung filter`."""

import json

import numpy as np
import pytest

import faltung as ft
from faltung.cli import main
from faltung.data import photograph, read, write


def facts(capsys, *words):
    assert main(["filter", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kernel", ["sobel-x", "gaussian:2", "0,-1,0;-1,5,-1;0,-1,0", "motion:9", "1,2;3,4"])
def test_the_numbers_written_are_those_of_correlate(tmp_path, capsys, kernel):
    from faltung.cli.inputs import parse_kernel

    weights = parse_kernel(kernel, 2).astype(np.float32)
    found = facts(capsys, "camera", "-k", kernel, "-o", str(tmp_path / "a.npy"))
    picture = photograph("camera").astype(np.float32)
    expected = ft.correlate(picture, weights, mode="same", boundary="symmetric")
    result = np.load(tmp_path / "a.npy")
    assert np.array_equal(result, expected)
    assert found["smallest"] == pytest.approx(result.min())
    assert found["largest"] == pytest.approx(result.max())
    assert found["method"] in ft.methods()


@pytest.mark.parametrize(
    ("kernel", "tones"),
    [("gaussian:2", [0, 255]), ("sharpen", [0, 255]), ("0,1,0;1,2,1;0,1,0", None), ("sobel-y", "signed")],
)
def test_the_weights_decide_how_the_result_is_drawn(tmp_path, capsys, kernel, tones):
    found = facts(capsys, "coins", "-k", kernel, "-o", str(tmp_path / "a.png"))
    black, white = found["written"]["black_and_white"]
    if tones is None:
        assert (black, white) == (0, pytest.approx(found["largest"]))
    elif tones == "signed":
        assert black == -white
        assert white == pytest.approx(max(-found["smallest"], found["largest"]))
    else:
        assert [black, white] == tones


def test_a_blurred_flat_picture_keeps_its_tone(tmp_path):
    write(tmp_path / "flat.png", np.full((9, 9, 3), 70, np.uint8))
    assert main(["filter", str(tmp_path / "flat.png"), "-k", "gaussian:1", "-o", str(tmp_path / "b.png")]) == 0
    assert (read(tmp_path / "b.png").values == 70).all()


def test_tones_may_be_said_outright(tmp_path, capsys):
    found = facts(capsys, "coins", "-k", "sobel-x", "--tones", "-50:50", "-o", str(tmp_path / "a.png"))
    assert found["written"]["black_and_white"] == [-50, 50]
    assert "clipped" in found["written"]["notes"][0]


def test_a_complex_kernel_is_drawn_by_magnitude_and_kept_in_npy(tmp_path, capsys):
    found = facts(capsys, "coins", "-k", "scharr-complex", "-o", str(tmp_path / "a.npy"))
    assert found["result"]["magnitude_shown"]
    result = np.load(tmp_path / "a.npy")
    assert result.dtype.kind == "c"
    assert np.allclose(np.abs(result), ft.scharr(photograph("coins")), rtol=1e-5, atol=1e-3)
    assert main(["filter", "coins", "-k", "scharr-complex", "-o", str(tmp_path / "a.png")]) == 0


def test_a_kernel_may_come_from_a_file(tmp_path, capsys):
    write(tmp_path / "k.npy", np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]))
    write(tmp_path / "k.csv", np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]))
    found = [
        facts(capsys, "coins", "-k", kernel)
        for kernel in (str(tmp_path / "k.npy"), str(tmp_path / "k.csv"), "laplacian")
    ]
    assert found[0]["largest"] == found[1]["largest"] == found[2]["largest"]


def test_a_float_tiff_keeps_the_numbers(tmp_path):
    picture = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32)
    write(tmp_path / "a.tif", picture)
    assert main(["filter", str(tmp_path / "a.tif"), "-k", "sobel-x", "-o", str(tmp_path / "b.tif")]) == 0
    expected = ft.correlate(picture, ft.kernels.sobel(dtype=np.float32), mode="same", boundary="symmetric")
    assert np.array_equal(read(tmp_path / "b.tif").values, expected)


def test_a_kernel_in_one_row_is_refused_with_the_cure(capsys):
    assert main(["filter", "coins", "-k", "1,2,1"]) == 2
    assert "rows apart by ';'" in capsys.readouterr().err


def test_small_kernels_are_printed_in_numbers(capsys):
    assert main(["filter", "coins", "-k", "sobel-x"]) == 0
    assert "  -2   0   2\n" in capsys.readouterr().out


def test_no_colours_reach_a_pipe(capsys):
    assert main(["filter", "coins", "-k", "sobel-x"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_misspelt_photograph_is_answered_with_their_names(capsys):
    assert main(["filter", "camra", "-k", "box:3"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "camera" in error
