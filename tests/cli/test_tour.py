"""`faltung tour`: the report and what is said about it."""

import json

from faltung.cli import main


def test_one_experiment_makes_one_report(tmp_path, capsys):
    assert main(["tour", "-o", str(tmp_path / "tour"), "--only", "2", "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    report = tmp_path / "tour" / "index.html"
    assert found["report"] == str(report)
    assert found["num_bytes"] == report.stat().st_size
    assert printed.err.startswith("tour: 1/1 ")


def test_a_file_in_the_way_is_one_line(tmp_path, capsys):
    (tmp_path / "tour").write_text("")
    assert main(["tour", "-o", str(tmp_path / "tour")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
