"""A network from a file that `torch.export.save` wrote, for the calculators: its graph alone is read, as text.

`torch.export.load` unpickles weights and constants, which may run whatever the file's author wanted. Sizes, fields and
costs need neither, so nothing but the JSON in the archive is looked at.
"""

import json
import operator
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import FileError, ParameterError
from .operations import require
from .recording import Frame, Recorder, Traced
from .sizes import maximum, minimum

SCHEMA = 8
"""The format's number that is understood."""
LARGEST = 1 << 28
"""Bytes of text that a graph may take."""

_ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{f"_operator.{name}": getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "pow")},
    **{f"_operator.{name}": getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_")},
    "torch.sym_max": maximum,
    "torch.sym_min": minimum,
    "torch._sym_max": maximum,
    "torch._sym_min": minimum,
}
_NOTHING = ("sym_constrain_range", "sym_constrain_range_for_size", "_assert_tensor_metadata", "_guards_fn")


class Exported(nn.Module):
    """An exported graph as a module that the calculators follow; it has no weights and cannot be run.

    Attributes:
        name: what it is called in tables.
        input_shape: of the input that it was exported with; None where other sizes are allowed.
    """

    def __init__(self, name: str, program: dict[str, Any]) -> None:
        super().__init__()
        self.name = name
        module = program["graph_module"]
        self._graph, self._ranges = module["graph"], program.get("range_constraints", {})
        self._held: dict[str, Any] = {}
        self._input = ""
        for spec in module["signature"]["input_specs"]:
            ((role, facts),) = spec.items()
            if role == "user_input":
                self._input = self._input or next(iter(facts["arg"].values()))["name"]
            elif role in ("parameter", "buffer", "tensor_constant"):
                held = facts["arg"]["name"]
                shape = [size["as_int"] for size in self._graph["tensor_values"][held]["sizes"]]
                values = torch.empty(shape, device="meta")
                if role == "parameter":
                    values = nn.Parameter(values)
                    self.register_parameter(held.replace(".", "_"), values)
                self._held[held] = values
        if not self._input:
            raise FileError(f"{name}: its graph takes no tensor")
        self._sizes = self._graph["tensor_values"][self._input]["sizes"]
        self.input_shape = tuple(size.get("as_int") for size in self._sizes)

    def forward(self, x: Traced) -> tuple[Any, ...]:
        """Follow the graph."""
        if type(x) is not Traced:
            raise ParameterError(f"{self.name}: an exported graph is followed here, not run: use torch.export.load")
        self._check(x)
        recorder: Recorder = x.recorder
        values = {**self._held, self._input: x}
        for node in self._graph["nodes"]:
            frame = _frame(node, recorder)
            recorder.stack.append(frame)
            result = self._call(node, values, recorder)
            recorder.stack.pop()
            names = [name for output in node["outputs"] for name in _names(output)]
            results = result if isinstance(result, (list, tuple)) and len(names) > 1 else [result]
            values.update(zip(names, results, strict=False))
            if isinstance(result, Traced):
                recorder.recording.results[frame.path] = [result.number]
        return tuple(_value(output, values) for output in self._graph["outputs"])

    def _check(self, x: Traced) -> None:
        """What the export allows: sizes that were fixed, and ranges of those left open."""
        require(
            int(x.ndim == len(self._sizes)),
            lambda: f"was exported for {len(self._sizes)} axes, got {x.ndim}",
        )
        for axis, (size, allowed) in enumerate(zip(x.shape, self._sizes, strict=True)):
            if "as_int" in allowed:
                require(
                    size == allowed["as_int"],
                    lambda axis=axis, size=size, allowed=allowed: (
                        f"was exported for a size of {allowed['as_int']} along axis {axis} and no other, got {size}; "
                        "export it with dynamic_shapes to leave it open"
                    ),
                )
                continue
            limits = self._ranges.get(allowed["as_expr"]["expr_str"], {})
            least, most = limits.get("min_val"), limits.get("max_val")
            require(
                (size >= (least or 0)) * (size <= most if most is not None else 1),
                lambda axis=axis, size=size, least=least, most=most: (
                    f"was exported for sizes from {least} to {most if most is not None else 'any'} along axis {axis}, "
                    f"got {size}"
                ),
            )

    def _call(self, node: dict[str, Any], values: dict[str, Any], recorder: Recorder) -> Any:
        target = node["target"]
        positional = [_value(entry["arg"], values) for entry in node["inputs"] if entry.get("kind", 1) != 2]
        named = {entry["name"]: _value(entry["arg"], values) for entry in node["inputs"] if entry.get("kind", 1) == 2}
        if target in _ARITHMETIC:
            return _ARITHMETIC[target](*positional)
        word = target.removeprefix("torch.ops.aten.").partition(".")[0]
        if not target.startswith("torch.ops.aten.") or word in _NOTHING:
            if word in _NOTHING:
                return None
            recorder.fail(f"calls {target}, an operation whose sizes are not known here")
        if word == "_assert_scalar":
            require(positional[0], lambda: str(positional[1]))
            return None
        if word == "sym_size":
            return positional[0].shape[positional[1]]
        if not any(isinstance(value, Traced) for value in _spread(positional)):
            # made of weights alone: its values do not matter
            with torch.device("meta"):
                return _operation(target)(*positional, **named)
        return recorder.call(word, positional, named)


def read_exported(path: str | Path) -> Exported:
    """A network from a `.pt2` file, for `inspect` and the other calculators.

    The graph is read as text; weights and other pickles in the file are not opened, so that no code in it can run.

    Args:
        path: a file written by `torch.export.save`.

    Returns:
        A module without weights. Sizes that the export fixed are the only ones that it takes.

    Raises:
        FileError: there is no such file, or it is no exported program of a known format.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry for entry in archive.infolist() if entry.filename.endswith("models/model.json")]
            if len(names) != 1 or names[0].file_size > LARGEST:
                raise FileError(f"{path}: is no file of torch.export.save with one graph; export the network again")
            program = json.loads(archive.read(names[0]))
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise FileError(f"{path}: is no file of torch.export.save ({error})") from None
    version = program.get("schema_version", {}).get("major")
    if version != SCHEMA:
        raise FileError(f"{path}: its format is number {version}, known is {SCHEMA}: export it with torch 2.9 or newer")
    try:
        return Exported(path.stem, program)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path}: its graph is not as expected ({type(error).__name__}: {error})") from error


def _frame(node: dict[str, Any], recorder: Recorder) -> Frame:
    """The layer that an operation came from, as the export noted it."""
    last = node.get("metadata", {}).get("nn_module_stack", "").rpartition(";")[2].split(",")
    if len(last) != 3 or last[0].startswith("_"):
        return Frame("", recorder.root, 0)
    return Frame(last[1], last[2].rpartition(".")[2], 0)


def _names(output: dict[str, Any]) -> list[str]:
    ((_, facts),) = output.items()
    entries = facts if isinstance(facts, list) else [facts]
    return [entry.get("name", entry.get("as_name", "")) for entry in entries if isinstance(entry, dict)]


def _value(argument: dict[str, Any], values: dict[str, Any]) -> Any:
    """An argument as the format writes it."""
    ((form, held),) = argument.items()
    if form in ("as_tensor", "as_optional_tensor"):
        return values[held["name"]] if "name" in held else _value(held, values)
    if form in ("as_name", "as_sym_int", "as_sym_bool", "as_sym_float"):
        return values[held] if isinstance(held, str) else _value(held, values)
    if form == "as_tensors":
        return [values[entry["name"]] for entry in held]
    if form in ("as_sym_ints", "as_optional_tensors"):
        return [_value(entry, values) for entry in held]
    return None if form == "as_none" else held


def _spread(values: Any) -> list[Any]:
    return [inner for value in values for inner in (_spread(value) if isinstance(value, (list, tuple)) else [value])]


def _operation(target: str) -> Any:
    found: Any = torch.ops
    for part in target.removeprefix("torch.ops.").split("."):
        found = getattr(found, part)
    return found
