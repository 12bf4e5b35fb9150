"""Slices of the average brain."""

import gzip
import struct

import numpy as np
import pytest

from faltung import data
from faltung.data import brain, packages
from faltung.errors import FileError, MissingDependency, ParameterError


@pytest.fixture(scope="module")
def whole():
    return data.brain_slices("all")


def test_the_parts_are_cut_out_of_the_whole_with_a_gap_between(whole):
    train, test = data.brain_slices("train"), data.brain_slices("test")
    assert (len(train), len(test), len(whole)) == (86, 85, 181)
    assert np.array_equal(train.x, whole.x[:86])
    assert np.array_equal(test.y, whole.y[-85:])
    # every slice of the whole shows brain, and none outside it does
    assert whole.x.any(axis=(1, 2, 3)).all()
    every = brain._volume("t1")
    assert np.count_nonzero(every) == np.count_nonzero(whole.x)


def test_the_hemispheres_are_mirrored_to_the_bit(whole):
    # why left and right are no training and test
    assert np.array_equal(whole.x, whole.x[..., ::-1])
    assert np.array_equal(whole.y, whole.y[..., ::-1])


def test_white_matter_is_lighter_than_grey_and_fluid_is_dark(whole):
    medians = [np.median(whole.x[:, 0][whole.y == label]) for label in range(4)]
    assert medians == sorted(medians)
    assert medians[0] == 0
    assert medians[1] > 0
    assert min(whole.counts().values()) > 100_000


def test_the_larger_share_decides(whole):
    grey, white = (brain._volume(name)[brain.SLICES["all"]].astype(int) for name in ("gm", "wm"))
    assert ((grey > 127) <= (whole.y == 2)).all()
    assert ((white > 127) <= (whole.y == 3)).all()
    assert (grey + white)[whole.y < 2].max() <= 170


def test_the_top_of_the_head_is_above_and_the_back_comes_first(whole):
    # the cerebellum lies low at the back: there the brain reaches further down than in front
    lowest = [np.flatnonzero((slice_ > 0).any(axis=1)).max() for slice_ in whole.x[:, 0]]
    assert lowest[40] > lowest[-20]
    # and the largest slices are far from both ends
    assert 40 < (whole.y > 0).sum(axis=(1, 2)).argmax() < 140


def test_parts_packages_and_headers_are_checked(monkeypatch):
    with pytest.raises(ParameterError, match="'train' or 'test' or 'all'"):
        data.brain_slices("left")
    header = bytearray(352)
    struct.pack_into("<8h", header, 40, 4, 2, 2, 2, 2, 1, 1, 1)
    struct.pack_into("<h", header, 70, 16)
    monkeypatch.setattr(packages.Package, "read", lambda *_: gzip.compress(bytes(header)))
    with pytest.raises(FileError, match="4 axes of NIfTI type 16"):
        data.brain_slices()
    monkeypatch.undo()
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install --no-deps nilearn==0\.14\.1"):
        data.brain_slices()
