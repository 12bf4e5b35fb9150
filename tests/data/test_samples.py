"""Pictures from installed packages."""

import numpy as np
import pytest

from faltung.data import packages, photograph, photographs
from faltung.errors import FileError, MissingDependency, ParameterError


@pytest.mark.parametrize("name", photographs())
def test_every_photograph_opens(name):
    picture = photograph(name)
    assert picture.dtype == np.uint8
    assert picture.shape[2:] in ((), (3,))
    assert picture.std() > 5


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ParameterError, match="camera"):
        photograph("lena")


def test_without_scikit_image_the_install_line_is_given(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"faltung\[images\]"):
        photograph("camera")


def test_a_changed_file_is_refused(monkeypatch, tmp_path):
    from types import SimpleNamespace

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "camera.png").write_bytes(b"other")
    monkeypatch.setattr(packages, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    with pytest.raises(FileError, match="not the known file of photograph 'camera'"):
        photograph("camera")
