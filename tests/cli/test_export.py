"""`faltung export`: the same answers from ONNX Runtime."""

import json

import pytest

from cli.commands import told
from faltung.cli import main

pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


def test_a_convnet_goes_out_as_onnx_without_remarks_of_other_libraries(trained_pictures, tmp_path, capsys):
    _, run = trained_pictures
    assert main(["export", str(run), "-o", str(tmp_path / "net.onnx"), "--json"]) == 0
    printed = capsys.readouterr()
    facts = json.loads(printed.out)
    assert facts["difference"] < 1e-5
    assert facts["classes"] == ["column", "row"]
    assert facts["input"] == ["N", 1, 8, 8]
    assert (tmp_path / "net.onnx").stat().st_size > 500
    assert printed.err == ""


def test_a_unet_with_its_reflecting_borders_goes_out_as_onnx(trained_cells, tmp_path, capsys):
    _, run = trained_cells
    assert told(capsys, "export", run, "-o", tmp_path / "net.onnx")["difference"] < 1e-4
