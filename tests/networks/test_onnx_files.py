"""Networks as ONNX files."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from faltung.errors import FileError, ParameterError
from faltung.networks import Facts, Saved
from faltung.networks.onnx_files import export_onnx

FACTS = Facts(
    task="segmentation",
    classes=("no", "yes", "größer"),
    input_shape=(2, 9, 7),
    scale=255.0,
    mean=(0.1, 0.2),
    std=(0.5, 2),
)


def net():
    torch.manual_seed(0)
    found = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(5, 3, 3, padding=1)
    )
    # statistics that are not those of a new network
    found(torch.randn(8, 2, 9, 7) * 3 + 1)
    return found


def test_other_programs_get_the_same_answers_from_the_file(tmp_path):
    saved = Saved(net(), FACTS)
    written = export_onnx(tmp_path / "net.onnx", saved)
    assert written.inputs == ("N", 2, 9, 7)
    assert written.outputs == ("N", 3, 9, 7)
    assert 0 < written.difference < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).integers(0, 256, (3, 2, 9, 7), np.uint8)
    # what metadata say is all that is needed
    facts = json.loads(onnx.load(tmp_path / "net.onnx").metadata_props[0].value)
    mean, std = (np.array(facts[name], np.float32).reshape(1, -1, 1, 1) for name in ("mean", "std"))
    (theirs,) = session.run(None, {"x": ((x / facts["scale"]).astype(np.float32) - mean) / std})
    with torch.no_grad():
        ours = saved.model.eval()(saved.facts.prepare(x)).numpy()
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4)
    assert tuple(facts["classes"]) == FACTS.classes


def test_a_network_of_torchs_layers_alone_is_written_by_a_process_that_has_no_others(tmp_path):
    program = (
        "import sys, torch; from faltung.networks import Facts, Saved; "
        "from faltung.networks.onnx_files import export_onnx; "
        "net = torch.nn.Conv2d(1, 2, 3, padding=1).eval(); "
        "export_onnx(sys.argv[1], Saved(net, Facts(input_shape=(1, 9, 7))))"
    )
    path = tmp_path / "net.onnx"
    words = [sys.executable, "-W", "ignore", "-c", program, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert onnx.load(path).graph.node


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(FileError, match="ends so"):
        export_onnx(tmp_path / "net.pt", Saved(net(), FACTS))
    with pytest.raises(ParameterError, match="what size its inputs have"):
        export_onnx(tmp_path / "net.onnx", Saved(net(), Facts()))
    assert not list(tmp_path.iterdir())
