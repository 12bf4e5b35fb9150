"""Pictures from microscopes out of installed packages."""

import numpy as np
import pytest

from faltung import data
from faltung.data import packages
from faltung.errors import FileError, MissingDependency, ParameterError


def test_the_picture_has_125_nuclei():
    whole = data.nuclei("all")
    assert whole.x.shape == (1, 1, 512, 512)
    assert len(np.unique(whole.instances)) == 126


def test_nuclei_are_brighter_than_what_is_around_them():
    whole = data.nuclei("all")
    inside, outside = (whole.x[:, 0][whole.y == label] for label in (1, 0))
    assert np.median(inside) > 2 * np.median(outside)


@pytest.mark.parametrize("read", [data.nuclei, data.nuclei_stack], ids=["flat", "stack"])
def test_the_halves_are_the_whole(read):
    left, right, whole = (read(part) for part in ("train", "test", "all"))
    for name in ("x", "y", "instances"):
        halves = [getattr(part, name) for part in (left, right)]
        assert np.array_equal(np.concatenate(halves, axis=-1), getattr(whole, name))
        assert halves[0].shape == halves[1].shape
    assert np.array_equal(whole.y, whole.instances > 0)


def test_the_stack_has_twenty_nuclei_in_the_slices_named():
    whole = data.nuclei_stack("all")
    assert len(np.unique(whole.instances)) == 21
    filled = np.flatnonzero(whole.y[0].any(axis=(1, 2)))
    assert (filled[0], filled[-1]) == (17, 59)
    assert whole.x.max() == 65535


def test_the_moments_of_the_scratch_come_in_two_parts_and_the_scratch_closes():
    early, late, whole = (data.scratch_assay(part) for part in ("train", "test", "all"))
    assert np.array_equal(np.concatenate([early.x, late.x]), whole.x)
    assert np.array_equal(np.concatenate([early.y, late.y]), whole.y)
    share = whole.y.mean(axis=(1, 2))
    assert 0.27 < share[0] < 0.29
    assert 0.79 < share[-1] < 0.81


def test_the_stain_shows_nuclei_and_oblique_light_does_not():
    whole = data.scratch_assay("all", labels="nuclei")
    assert whole.classes == ("background", "nucleus")
    stain, light = (np.median(whole.x[:, c][whole.y == 1]) / np.median(whole.x[:, c][whole.y == 0]) for c in (0, 1))
    assert stain > 1.5
    assert abs(light - 1) < 0.05
    with pytest.raises(ParameterError, match="'cells' or 'nuclei'"):
        data.scratch_assay(labels="cytoplasm")


def test_the_slide_is_light_above_and_stained_below():
    skin = data.slide()
    assert (skin.shape, skin.dtype) == ((960, 1280, 3), np.uint8)
    top, bottom = skin[:100].mean(axis=(0, 1)), skin[-100:].mean(axis=(0, 1))
    # eosin lets red and blue pass and keeps green back
    assert top[1] > 200
    assert bottom[1] < bottom[0] - 30


def test_an_unknown_part_is_refused():
    with pytest.raises(ParameterError, match="'train' or 'test' or 'all'"):
        data.nuclei("valid")


def test_without_the_package_the_install_line_is_given(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install --no-deps stardist==0\.9\.2"):
        data.nuclei()


def test_a_changed_file_is_refused(monkeypatch, tmp_path):
    from types import SimpleNamespace

    folder = tmp_path / "data" / "images"
    folder.mkdir(parents=True)
    monkeypatch.setattr(packages, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    with pytest.raises(FileError, match=r"img2d\.tif: cannot be read.*install it again"):
        data.nuclei()
    (folder / "img2d.tif").write_bytes(b"other")
    with pytest.raises(FileError, match=r"img2d\.tif: is not the known file of nuclei"):
        data.nuclei()
