"""The smallest set."""

import numpy as np
import pytest

from faltung import data
from faltung.data import packages
from faltung.errors import MissingDependency, ParameterError


def test_they_are_those_that_scikit_learn_gives():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    parts = [data.small_digits(part) for part in ("train", "test")]
    assert np.array_equal(np.concatenate([part.x[:, 0] * 16 for part in parts]), theirs.images)
    assert np.array_equal(np.concatenate([part.y for part in parts]), theirs.target)


def test_every_class_is_in_both_parts():
    for part, fewest in (("train", 130), ("test", 30)):
        assert min(data.small_digits(part).counts().values()) > fewest


def test_unknown_parts_and_a_missing_package_are_refused(monkeypatch):
    with pytest.raises(ParameterError, match="'train' or 'test'"):
        data.small_digits("all")
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="pip install scikit-learn"):
        data.small_digits()
