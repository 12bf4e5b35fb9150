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


def test_a_wrong_picture_is_refused_before_anything_is_run_or_made(tmp_path, capsys):
    (tmp_path / "words.png").write_text("this is text")
    assert main(["tour", "-o", str(tmp_path / "tour"), "--picture", str(tmp_path / "words.png")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "tour").exists()


def test_the_experiment_that_the_help_names_exists(capsys):
    from faltung.experiments.registry import find

    assert main(["tour", "--help"]) == 0
    example = next(line for line in capsys.readouterr().out.splitlines() if "--picture photo.jpg" in line)
    assert find(example.split("--only")[1].strip())
