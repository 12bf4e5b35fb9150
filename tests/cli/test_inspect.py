"""`faltung inspect`."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import faltung as ft
from faltung.cli import main
from faltung.data import read

ZOO = Path(__file__).parent.parent / "networks" / "zoo.py"


def facts(capsys, *words):
    assert main(["inspect", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *words):
    """Exit code and the one line."""
    code = main(["inspect", *words])
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.strip().splitlines()
    return code, line


def test_the_facts_are_those_of_the_library(capsys):
    found = facts(capsys, f"{ZOO}:unet_cat", "--input", "1x64x48")
    from networks.zoo import UNet

    known = ft.networks.inspect(UNet("cat", depth=3), (1, 1, 64, 48))
    assert found["parameters"] == known.parameters
    assert [layer["path"] for layer in found["layers"]] == [layer.path for layer in known.layers]
    assert found["layers"][-1]["receptive_field"][0]["length"] == known.layers[-1].fields[0].length == 100
    assert found["sizes"][0] == {
        "axis": "height",
        "output": ["1", "2", "n", "48"],
        "valid": "8n with n >= 1: 8, 16, 24, ...",
        "tried_up_to": None,
    }


def test_the_table_and_the_formula_are_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["inspect", f"{ZOO}:plain", "--input", "1x20x9"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == [
        *("layer", "operation", "output", "field", "stride", "parameters", "multiplies", "memory")
    ]
    assert "output for height n  (1, 1, ceil(n/2) - 3, 2)" in shown
    assert "valid height         any size >= 7" in shown
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["inspect", f"{ZOO}:plain", "--input", "1x20x9"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_prediction_is_shown_unless_training_is_asked_for(capsys):
    words = (f"{ZOO}:batch_norm_in_training", "--input", "1x20x20")
    assert facts(capsys, *words)["remark"] is None
    assert "statistics of the batch" in facts(capsys, *words, "--training")["remark"]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_is_written(tmp_path, capsys, ending):
    target = tmp_path / f"net.{ending}"
    assert facts(capsys, f"{ZOO}:asymmetric", "--input", "1x40x30", "-o", str(target))["written"] == str(target)
    if ending == "png":
        values = read(target).values
        # two curves on paper: not one colour
        assert values.shape[0] > 500
        assert values.std() > 10
    assert target.stat().st_size > 5000


@pytest.mark.parametrize("name", ["tutorial_classifier", "dilated", "volume"])
def test_networks_of_any_number_of_axes_are_drawn(tmp_path, capsys, name):
    shape = {"tutorial_classifier": "3x32x32", "dilated": "1x99", "volume": "1x12x5x6"}[name]
    facts(capsys, f"{ZOO}:{name}", "--input", shape, "-o", str(tmp_path / "net.png"))


def test_an_exported_file_is_read(tmp_path, capsys):
    program = torch.export.export(nn.Conv2d(3, 2, 3), (torch.zeros(1, 3, 9, 9),))
    torch.export.save(program, tmp_path / "conv.pt2")
    found = facts(capsys, str(tmp_path / "conv.pt2"), "--input", "3x9x9")
    assert (found["network"], found["outputs"], found["parameters"]) == ("conv", [[1, 2, 7, 7]], 56)


def test_a_module_is_found_by_its_import_path(capsys, tmp_path, monkeypatch):
    assert facts(capsys, "torch.nn:Identity", "--input", "3x9x9")["parameters"] == 0
    (tmp_path / "beside_me.py").write_text("from torch import nn\nclass Nets:\n    one = nn.Conv1d(1, 1, 3)\n")
    monkeypatch.chdir(tmp_path)
    assert facts(capsys, "beside_me:Nets.one", "--input", "1x9")["parameters"] == 4


WRONG = {
    "no name": (("torch.nn", "--input", "3x9x9"), 2, "package.module:Name, file.py:Name or a .pt2 file is expected"),
    "no such name": (("torch.nn:Nothing", "--input", "3x9x9"), 2, "torch.nn has no Nothing"),
    "no such module": (("no_such_module:Net", "--input", "3x9x9"), 1, "importing it raises ModuleNotFoundError"),
    "no such file": (("none.py:Net", "--input", "3x9x9"), 1, "none.py: there is no such file"),
    "no such export": (("none.pt2", "--input", "3x9x9"), 1, "none.pt2: there is no such file"),
    "needs arguments": (("torch.nn:Conv2d", "--input", "3x9x9"), 1, "calling it without arguments raises TypeError"),
    "no module": (("math:pi", "--input", "3x9x9"), 2, "is float: a module, or what makes one, is expected"),
    "makes no module": (("collections:OrderedDict", "--input", "3x9"), 2, "gives OrderedDict: a torch.nn.Module"),
    "size": (("torch.nn:Identity", "--input", "3x0x9"), 2, "--input 3x0x9: sizes are 1 or more"),
    "words": (("torch.nn:Identity", "--input", "big"), 2, "is not whole numbers"),
    "ending": (("torch.nn:Identity", "--input", "3x9", "-o", "a.txt"), 2, "endings are .png, .svg, .pdf"),
    "folder": (("torch.nn:Identity", "--input", "3x9", "-o", "none/a.png"), 1, "none"),
    "too small": ((f"{ZOO}:plain", "--input", "1x6x9"), 1, "4: Conv2d (conv2d) the kernel spans 5 along axis -2"),
    "channels": ((f"{ZOO}:plain", "--input", "2x20x20"), 1, "0: Conv2d (conv2d) takes 1 channels, got 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_word_is_one_line_and_a_code(capsys, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, code, reason = WRONG[name]
    found = refusal(capsys, *words)
    assert found[0] == code
    assert reason in found[1]


def test_what_fits_is_said(capsys):
    _, line = refusal(capsys, f"{ZOO}:unet_cat", "--input", "1x100x100")
    assert line.endswith("height = width that fit the network: 8n with n >= 1: 8, 16, 24, ...")
