"""Exported graphs, read as text: the same sizes, fields and costs as the module that they came from."""

import json
import pickle
import zipfile

import pytest
import torch
from torch import nn

import faltung as ft
from faltung.networks import inspect, output_size, read_exported, receptive_field
from networks.zoo import CASES

SAVED = (
    *("vgg_like", "tutorial_classifier", "residual", "unet_pad", "unet_crop", "dilated", "odd_padding", "shuffled"),
    *("squeeze_excite", "asymmetric", "grouped", "group_norm", "channels_last", "volume", "transposed", "functional"),
)


def save(folder, name, *, free=True):
    """A network of the zoo as a file, and its input's shape; with sizes left open where the zoo does."""
    case = CASES[name]
    net = case.make().eval()
    valid = output_size(net, case.shape).valid
    n = next((n for n in range(64, 90) if n in valid), None) or valid.upto(64)[-1]
    shape = [n if size is None else size for size in case.shape]
    axes = {i: torch.export.Dim.AUTO for i, size in enumerate(case.shape) if size is None}
    program = torch.export.export(net, (torch.zeros(shape),), dynamic_shapes=(axes,) if free else None)
    path = folder / f"{name}.pt2"
    torch.export.save(program, path)
    return net, path, shape


@pytest.mark.parametrize("name", SAVED)
def test_a_file_says_what_its_module_says(tmp_path, name):
    net, path, shape = save(tmp_path, name)
    known, found = inspect(net, shape), inspect(read_exported(path), shape)
    assert found.name == name
    for fact in ("shapes", "parameters", "multiplies"):
        assert getattr(found, fact) == getattr(known, fact)
    assert receptive_field(read_exported(path), shape) == receptive_field(net, shape)
    called = [layer.path for layer in known.layers if layer.parameters]
    assert [layer.path for layer in found.layers if layer.parameters] == called


@pytest.mark.parametrize("name", ["vgg_like", "unet_crop", "dilated"])
def test_a_file_with_open_sizes_has_their_formula(tmp_path, name):
    net, path, _ = save(tmp_path, name)
    shape = CASES[name].shape
    known, found = output_size(net, shape), output_size(read_exported(path), shape)
    # what export allows may begin later than what the module takes
    sizes = found.valid.upto(200)
    assert sizes
    assert set(sizes) <= set(known.valid.upto(200))
    assert [found(n) for n in sizes] == [known(n) for n in sizes]


def test_a_file_with_fixed_sizes_takes_these_only(tmp_path):
    _, path, shape = save(tmp_path, "dense", free=False)
    assert read_exported(path).input_shape == tuple(shape)
    assert str(output_size(read_exported(path), (1, 1, None, 10)).valid) == "64"
    with pytest.raises(ft.ShapeError, match=r"exported for a size of 64 along axis 2 and no other, got 65"):
        inspect(read_exported(path), (1, 1, 65, 10))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_no_pickle_in_a_file_is_opened(tmp_path):
    _, path, shape = save(tmp_path, "dilated")
    trap = tmp_path / "trap.pt2"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(trap, "w") as target:
        for entry in source.namelist():
            held = source.read(entry)
            target.writestr(entry, held if entry.endswith("model.json") else pickle.dumps(Bomb()))
    assert inspect(read_exported(trap), shape).parameters == 20


def test_an_exported_graph_cannot_be_run(tmp_path):
    _, path, shape = save(tmp_path, "dilated")
    with pytest.raises(ft.ParameterError, match=r"use torch\.export\.load"):
        read_exported(path)(torch.zeros(shape))


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ft.FileError, match="there is no such file"):
        read_exported(tmp_path / "none.pt2")
    (tmp_path / "text.pt2").write_text("no archive")
    torch.save(nn.Conv1d(1, 1, 1).state_dict(), tmp_path / "weights.pt2")
    for name in ("text.pt2", "weights.pt2"):
        with pytest.raises(ft.FileError, match=r"is no file of torch\.export\.save"):
            read_exported(tmp_path / name)
    for program, reason in (({"schema_version": {"major": 3}}, "format is number 3"), ({}, "format is number None")):
        with zipfile.ZipFile(tmp_path / "other.pt2", "w") as archive:
            archive.writestr("other/models/model.json", json.dumps(program))
        with pytest.raises(ft.FileError, match=reason):
            read_exported(tmp_path / "other.pt2")
    with zipfile.ZipFile(tmp_path / "other.pt2", "w") as archive:
        archive.writestr("other/models/model.json", json.dumps({"schema_version": {"major": 8}}))
    with pytest.raises(ft.FileError, match="graph is not as expected"):
        read_exported(tmp_path / "other.pt2")
