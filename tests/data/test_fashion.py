"""Fashion-MNIST out of its installed package."""

import gzip

import numpy as np
import pytest

from faltung import data
from faltung.data import fashion
from faltung.errors import FileError, MissingDependency, ParameterError


@pytest.mark.parametrize(("part", "count"), [("train", 60_000), ("test", 10_000)])
def test_every_class_has_its_tenth(part, count):
    found = data.fashion_mnist(part)
    assert found.x.shape == (count, 1, 28, 28)
    assert found.x.dtype == np.uint8
    assert set(found.counts().values()) == {count // 10}
    assert found.x.min() == 0
    assert found.x.max() == 255


def test_trousers_are_tall_and_sneakers_are_flat():
    test = data.fashion_mnist("test")
    ink = test.x[:, 0] > 64
    height, width = ink.any(2).sum(1), ink.any(1).sum(1)
    ratio = {name: np.median((height / np.maximum(width, 1))[test.y == i]) for i, name in enumerate(test.classes)}
    assert max(ratio, key=ratio.get) == "trouser"
    assert min(ratio, key=ratio.get) == "sneaker"


def test_each_caller_gets_arrays_of_its_own():
    first = data.fashion_mnist("test")
    kept = first.x.copy()
    first.x[:], first.y[:] = 7, 7
    again = data.fashion_mnist("test")
    assert np.array_equal(again.x, kept)
    assert len(set(again.y)) == 10


def test_an_unknown_part_is_refused():
    with pytest.raises(ParameterError, match="'train' or 'test'"):
        data.fashion_mnist("valid")


def test_without_the_package_the_install_line_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "nowhere")
    monkeypatch.setattr("faltung.data.packages.sys.prefix", str(tmp_path))
    monkeypatch.delenv("FALTUNG_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDependency, match=r"apt-get install dataset-fashion-mnist.*FALTUNG_DATA"):
        data.fashion_mnist()


def test_files_of_a_named_folder_come_first_packed_or_not(monkeypatch, tmp_path):
    real = fashion._folder()
    mine = tmp_path / "fashion-mnist"
    mine.mkdir()
    names = [name for name, _ in (*fashion.FILES["test"], *fashion.FILES["train"])]
    for name in names[:1]:
        (mine / name).write_bytes(gzip.decompress((real / f"{name}.gz").read_bytes()))
    for name in names[1:]:
        (mine / f"{name}.gz").symlink_to(real / f"{name}.gz")
    monkeypatch.setenv("FALTUNG_DATA", str(tmp_path))
    assert fashion._folder() == mine
    assert np.array_equal(data.fashion_mnist("test").x, fashion._part(real, "test")[0][:, None])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda packed: packed[: len(packed) // 2], "no whole gzip file"),
        (lambda packed: b"no archive", "no whole gzip file"),
        (lambda packed: gzip.compress(gzip.decompress(packed)[:-1] + b"\xff"), "not the known file"),
        (None, "cannot be read"),
    ],
    ids=["cut off", "foreign", "changed", "missing"],
)
def test_a_damaged_changed_or_missing_file_is_named(monkeypatch, tmp_path, damage, words):
    real = fashion._folder()
    mine = tmp_path / "fashion-mnist"
    mine.mkdir()
    for path in real.glob("*.gz"):
        (mine / path.name).symlink_to(path)
    spoilt = mine / "t10k-labels-idx1-ubyte.gz"
    packed = spoilt.read_bytes()
    spoilt.unlink()
    if damage is not None:
        spoilt.write_bytes(damage(packed))
    monkeypatch.setenv("FALTUNG_DATA", str(tmp_path))
    with pytest.raises(FileError, match=rf"t10k-labels.*{words}"):
        data.fashion_mnist("test")
