"""`faltung doctor`."""

import json

import numpy as np
import pytest

from faltung.cli import doctor, main
from faltung.jit import cache


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("FALTUNG_CACHE", str(folder))
    return folder


def facts(capsys, *words):
    assert main(["doctor", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_engine_passes_its_own_test(own_cache, capsys):
    found = facts(capsys)
    assert {test["name"] for test in found["self_test"]} >= {"direct", "separable"}
    assert all(test["passed"] and test["error"] < 1e-3 for test in found["self_test"])
    assert found["threads"]["used"] >= 1
    assert found["cache"]["folder"] == str(own_cache)


def test_a_wrong_engine_is_found_out(own_cache, monkeypatch, capsys):
    from faltung.planner import Plan

    right = Plan.__call__
    monkeypatch.setattr(Plan, "__call__", lambda self, x, *a, **k: right(self, x, *a, **k) * np.float32(1.001))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr()
    assert "FAILED" in printed.out
    assert "self-test failed" in printed.err


def test_an_engine_that_raises_is_found_out(own_cache, monkeypatch, capsys):
    from faltung.planner import Plan

    def fail(self, x):
        raise RuntimeError("no code for this processor")

    monkeypatch.setattr(Plan, "__call__", fail)
    assert main(["doctor"]) == 1
    assert "no code for this processor" in " ".join(capsys.readouterr().out.split())


def test_clearing_the_cache_removes_all_objects(own_cache, capsys):
    cache.write("some-key", b"body")
    cache.write("other-key", b"body")
    found = facts(capsys, "--clear-cache")
    assert found["cache_removed"] == 2
    assert cache.read("some-key") is None


def test_damaged_objects_are_counted(own_cache, capsys):
    cache.write("some-key", b"body")
    path = own_cache / "some-key.loop"
    path.write_bytes(path.read_bytes() + b"x")
    assert facts(capsys)["cache"]["num_damaged"] == 1
    assert main(["doctor"]) == 0
    assert "1 damaged" in capsys.readouterr().out


def test_a_folder_that_others_may_write_to_is_named(own_cache, capsys):
    own_cache.chmod(0o777)
    assert main(["doctor"]) == 0
    assert "chmod go-w" in capsys.readouterr().out


def test_missing_parts_are_named_with_the_line_that_installs_them(own_cache, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "find_spec", lambda module: None)
    assert main(["doctor"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert 'PNG, JPEG and GIF: pip install "faltung[images]"' in printed
    assert "ducc0 missing" in printed
