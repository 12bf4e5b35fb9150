"""Models as files."""

import json
import os
import pickle

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from faltung.errors import FileError, ParameterError, ShapeError
from faltung.networks import Facts, load_model, save_model
from faltung.networks import saved as module


class Small(nn.Module):
    """As Faltung's own networks: options by keyword, kept."""

    def __init__(self, *, width=3, bias=True):
        super().__init__()
        self.options = {"width": width, "bias": bias}
        self.line = nn.Linear(4, width, bias=bias)
        self.register_buffer("count", torch.tensor(7))


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """`Small` is one of Faltung's networks."""
    monkeypatch.setattr(module, "NETWORKS", {"Small": Small})


FACTS = Facts(
    task="classification",
    classes=("Äpfel", "pears"),
    input_shape=(3, 8, 8),
    scale=255.0,
    mean=(0.1, 0.2, 0.3),
    std=(1.0, 2.0, 1e-3),
    notes={"scores": {"accuracy": 0.5}, "list": [1, None, True]},
)


@pytest.mark.parametrize("options", [{}, {"width": 5, "bias": False}])
def test_a_model_comes_back_with_its_options_weights_and_facts(tmp_path, options):
    model = Small(**options)
    save_model(tmp_path / "m.safetensors", model, FACTS)
    state = torch.get_rng_state()
    found = load_model(tmp_path / "m.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
    assert found.model.options == model.options
    assert found.facts == FACTS
    assert not found.model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, found.model.state_dict()[name])


def test_tied_weights_stay_tied(tmp_path):
    def tied():
        net = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
        net[1].weight = net[0].weight
        return net

    net = tied()
    save_model(tmp_path / "m.safetensors", net, Facts())
    found = load_model(tmp_path / "m.safetensors", tied()).model
    assert found[0].weight is found[1].weight
    assert torch.equal(found[1].weight, net[1].weight)


@given(
    mean=st.lists(st.floats(-2, 2), min_size=1, max_size=3),
    seed=st.integers(0, 99),
    scale=st.sampled_from([1.0, 255.0]),
)
def test_inputs_are_scaled_as_the_facts_say(mean, seed, scale):
    lot = np.random.default_rng(seed)
    x = lot.integers(0, 256, (2, len(mean), 5), np.uint8)
    std = tuple(lot.uniform(0.1, 2, len(mean)).tolist())
    got = Facts(scale=scale, mean=tuple(mean), std=std).prepare(x).double().numpy()
    expected = (x / scale - np.array(mean)[:, None]) / np.array(std)[:, None]
    assert np.abs(got - expected).max() <= 1e-6 * (np.abs(x / scale).max() + 2) / min(std)


def test_another_number_of_channels_is_refused():
    with pytest.raises(ShapeError, match="trained with 3 channels"):
        FACTS.prepare(np.zeros((1, 1, 8, 8), np.uint8))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    save_model(path, Small(), FACTS)
    old = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        save_model(path, Small(), FACTS)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


class Bomb:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("code of a file was run",))


def test_files_of_pickles_are_refused_unread(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FileError, match="no safetensors file"):
        load_model(path)
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(FileError, match="no safetensors file"):
        load_model(path)


def rewritten(path, **changes):
    """The file with other words in its JSON."""
    with safetensors.safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["faltung"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, value in changes.items():
        *way, last = name.split("__")
        inner = about
        for step in way:
            inner = inner[step]
        inner[last] = value
    path.write_bytes(safetensors.torch.save(tensors, {"faltung": json.dumps(about)}))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"network": "os.system"}, ParameterError, "network 'os.system' is unknown"),
        ({"network": ["Small"]}, ParameterError, "is unknown"),
        ({"network": None}, ParameterError, "give a module of the same make"),
        ({"options": {"wide": 3}}, ParameterError, "does not take these options"),
        ({"options": 3}, ParameterError, "an object is expected"),
        ({"options__width": 4}, ShapeError, "weights of another network"),
        ({"version": 2}, FileError, "version 2 of the format"),
        ({"format": "x"}, FileError, "not a model"),
        ({"facts": []}, FileError, "not a model"),
        ({"facts__mean": [1, 2]}, FileError, "differ in length"),
        ({"facts__mean": "123"}, FileError, "numbers are expected"),
        ({"facts__std": [1, 0, 1]}, FileError, "numbers above 0"),
        ({"facts__std": [1, float("nan"), 1]}, FileError, "numbers above 0"),
        ({"facts__classes": [1, 2]}, FileError, "names are expected"),
        ({"facts__scale": -1}, FileError, "above 0"),
        ({"facts__tokens": 1}, FileError, "true or false"),
        ({"facts__code": "import os"}, FileError, "does not know"),
    ],
)
def test_words_in_a_file_are_checked(tmp_path, changes, error, words):
    path = tmp_path / "m.safetensors"
    save_model(path, Small(), FACTS)
    rewritten(path, **changes)
    with pytest.raises(error, match=words):
        load_model(path)


@pytest.mark.parametrize("kept", [0, 5, 9, 200, -1])
def test_damaged_files_are_refused(tmp_path, kept):
    path = tmp_path / "m.safetensors"
    save_model(path, Small(), FACTS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FileError, match=r"m\.safetensors"):
        load_model(path)


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(FileError, match="no model of Faltung"):
        load_model(path)
    with pytest.raises(FileError, match="folder"):
        load_model(tmp_path)
    with pytest.raises(FileError, match="no such file"):
        load_model(tmp_path / "no.safetensors")


def test_notes_that_json_does_not_know_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="what JSON knows"):
        save_model(tmp_path / "m.safetensors", Small(), Facts(notes={"when": object()}))
    with pytest.raises(ParameterError, match="what JSON knows"):
        save_model(tmp_path / "m.safetensors", Small(), Facts(notes={"loss": float("nan")}))
    with pytest.raises(FileError, match="ends so"):
        save_model(tmp_path / "m.pt", Small(), Facts())
