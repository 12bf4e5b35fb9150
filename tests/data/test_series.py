"""Time series out of aeon's files."""

from pathlib import Path

import numpy as np
import pytest

from faltung import data
from faltung.data import packages, series
from faltung.errors import FileError, MissingDependency, ParameterError

SIZES = {
    "ACSF1": (100, 100, 1, 1460, 10),
    "ArrowHead": (36, 175, 1, 251, 3),
    "BasicMotions": (40, 40, 6, 100, 4),
    "GunPoint": (50, 150, 1, 150, 2),
    "ItalyPowerDemand": (67, 1029, 1, 24, 2),
    "OSULeaf": (200, 242, 1, 427, 6),
}


@pytest.mark.parametrize("name", series.UCR)
def test_sizes_are_those_of_the_table(name):
    train, test, channels, length, num_classes = SIZES[name]
    for part, count in (("train", train), ("test", test)):
        found = data.ucr(name, part)
        assert (found.x.shape, found.x.dtype) == ((count, channels, length), np.float32)
        assert len(found.classes) == num_classes
        assert min(found.counts().values()) > 0
        assert np.isfinite(found.x).all()
        row = f"| {name:<16} | {train:<5} | {test:<4} | {length:<6} | {num_classes:<7} |"
        assert row in series.ucr.__doc__


def test_the_nearest_neighbour_errs_as_published():
    # Dau et al. 2019 give 0.0867 for Euclidean distance on GunPoint, 0.0447 on ItalyPowerDemand
    for name, published in (("GunPoint", 0.0867), ("ItalyPowerDemand", 0.0447)):
        train, test = data.ucr(name, "train"), data.ucr(name, "test")
        apart = ((test.x[:, None, 0] - train.x[None, :, 0]) ** 2).sum(axis=-1)
        error = np.mean(train.y[apart.argmin(axis=1)] != test.y)
        assert error == pytest.approx(published, abs=1e-4)


def test_unknown_names_and_parts_are_refused():
    with pytest.raises(ParameterError, match="GunPoint"):
        data.ucr("Gunpoint")
    with pytest.raises(ParameterError, match="'train' or 'test'"):
        data.ucr("GunPoint", "valid")


def test_without_the_package_the_install_line_is_given(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install --no-deps aeon==1\.6\.0"):
        data.ucr("GunPoint")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("@classlabel true a b\n@data\n1,2:c", "line 3: class 'c' is none of a, b"),
        ("@data\n1,2:a", "class 'a' is none of none"),
        ("@classlabel true a b\n@data\n1,2:a\n1,2,3:b", "series of one length"),
        ("@classlabel true a b\n@data\n1,2:a\n1,2:1,2:b", "series of one length"),
        ("@classlabel true a b\n@data\n", "series of one length"),
        ("@classlabel true a b\n@data\n1,two:a", "no whole ts file"),
    ],
    ids=["class", "no classes", "lengths", "channels", "empty", "number"],
)
def test_a_file_that_is_no_even_table_is_refused(lines, words):
    with pytest.raises(FileError, match=words):
        series.parse_ts(Path("x.ts"), lines)
