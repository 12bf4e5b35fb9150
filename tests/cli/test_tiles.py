"""Masks of large pictures, part by part."""

import numpy as np
import pytest
import torch

import faltung as ft
from cli.commands import blobs, told
from faltung.cli import main
from faltung.data import read, write

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


@pytest.mark.parametrize("ending", [".tif", ".npy"])
def test_a_large_picture_is_masked_part_by_part_as_it_is_whole(ending, trained_cells, tmp_path, capsys, monkeypatch):
    from faltung.cli import tiles

    _, run = trained_cells
    plans = []
    genuine = tiles.apply_file

    def in_small_tiles(*arguments, **options):
        plans.append(genuine(*arguments, **options, tile=64))
        return plans[-1]

    monkeypatch.setattr(tiles, "apply_file", in_small_tiles)
    picture, _ = blobs(np.random.default_rng(3), 171, 230)
    write(tmp_path / "big.tif", picture, tones="keep")
    whole = told(capsys, "predict", run, tmp_path / "big.tif", "-o", tmp_path / "masks")["answers"][0]
    expected = read(tmp_path / "masks" / "big.png").values
    target = tmp_path / f"mask{ending}"
    facts = told(capsys, "predict", run, tmp_path / "big.tif", "-o", target)
    # not by chance in one piece
    assert len(list(plans[0].tiles())) >= 9
    assert facts["written"] == [str(target)]
    np.testing.assert_array_equal(read(target).values, expected)
    assert set(np.unique(expected)) == {0, 255}
    assert facts["answers"][0]["shares"] == pytest.approx(whole["shares"], abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 7, 256])
def test_levels_in_parts_are_those_of_masks_in_folders(classes):
    from faltung.cli.tiles import Masking
    from faltung.networks import Facts, Saved

    facts = Facts(classes=tuple(map(str, range(classes))), input_shape=(classes, 1, 1), scale=255.0)
    # place i has its largest score at class i
    levels = Masking(Saved(torch.nn.Identity(), facts))(torch.eye(classes)[None, :, None])[0, 0]
    np.testing.assert_array_equal(levels, np.rint(np.linspace(0, 255, classes)).astype(np.uint8))


def test_what_tiling_refuses_is_one_line(trained_cells, tmp_path, capsys, monkeypatch):
    _, run = trained_cells
    picture, _ = blobs(np.random.default_rng(3), 40, 40)
    big, deep, colour = tmp_path / "big.tif", tmp_path / "deep.npy", tmp_path / "colour.npy"
    write(big, picture, tones="keep")
    np.save(deep, picture.astype(np.uint16) * 257)
    np.save(colour, np.stack([picture] * 3, -1))
    write(tmp_path / "p.png", picture, tones="keep")
    target = tmp_path / "o.tif"
    for words, code, part in [
        ((tmp_path / "p.png",), 1, ".tif"),
        ((tmp_path / "none.tif",), 1, "no such file"),
        ((deep,), 1, "holds uint16"),
        ((colour,), 1, "the file holds (40, 40, 3)"),
        ((big, big), 2, "the mask of one picture, not of 2"),
    ]:
        capsys.readouterr()
        assert main(["predict", str(run), *map(str, words), "-o", str(target)]) == code
        printed = capsys.readouterr()
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1
        assert part in printed.err
        assert not target.exists()
    assert main(["predict", str(run), str(big), "-o", str(big)]) == 2
    np.testing.assert_array_equal(read(big).values, picture)

    # what cannot be followed is named
    class Choosing(torch.nn.Module):
        def forward(self, x):
            return x[:, torch.tensor([0, 0])]

    saved = ft.networks.Saved(Choosing(), ft.networks.load_model(run / "model.safetensors").facts)
    monkeypatch.setattr("faltung.cli.trainings.open_model", lambda _: saved)
    capsys.readouterr()
    assert main(["predict", str(run), str(big), "-o", str(target)]) == 2
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) == 1
    assert "an index that is a tensor" in printed
    assert not target.exists()
