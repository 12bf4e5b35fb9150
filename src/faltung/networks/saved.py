"""Models as files: weights in safetensors, everything else as JSON that is checked; nothing in a file is executed."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ..data.damage import decoding, opening
from ..data.files import replace_file
from ..errors import DtypeError, FileError, ParameterError, ShapeError

FORMAT = "faltung model"
VERSION = 1
BYTES = 255.0
"""The scale of what is stored as bytes."""
MAX_METADATA = 1_000_000
"""Characters of JSON that are read: a few names and numbers."""


class _Networks(Mapping[str, type[nn.Module]]):
    """Networks by name, each loaded when it is asked for."""

    def __init__(self, homes: dict[str, str]) -> None:
        self._homes = homes

    def __getitem__(self, name: str) -> type[nn.Module]:
        found: type[nn.Module] = getattr(import_module(self._homes[name], __package__), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


NETWORKS = _Networks({"ConvNet": ".convnet", "GatedConvNet": ".gated", "UNet": ".unet"})
"""Name -> class of every network that can be read from a file; a new one is a row `"Name": ".module"`.

Such a class takes options that JSON knows, by keyword, and keeps them in `options`.
"""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What must be known of a trained network besides its weights.

    Attributes:
        task: what it was trained for: "classification", "segmentation", or the name of another task.
        classes: names; output channel i speaks of classes[i].
        input_shape: (channels, *spatial) of the inputs it was trained with; () if unknown.
        scale: what stored numbers are divided by first: 255 for bytes.
        mean, std: of each channel after that; subtracted, and divided by. () leaves inputs as they are.
        tokens: whether inputs are whole numbers that name things, which are not scaled at all.
        notes: anything else that JSON knows: scores, the config, the name of the data.

    Example:
        >>> facts = Facts(scale=255.0, mean=(0.5,), std=(0.25,))
        >>> facts.prepare(np.array([[[0, 255]]], np.uint8)).round(decimals=3).tolist()
        [[[-2.0, 2.0]]]
    """

    task: str = ""
    classes: tuple[str, ...] = ()
    input_shape: tuple[int, ...] = ()
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    tokens: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Facts":
        """The facts that became `dataclasses.asdict(facts)` and then JSON."""
        series = ("classes", "input_shape", "mean", "std")
        known: dict[str, Any] = {name: tuple(value) if name in series else value for name, value in facts.items()}
        return cls(**known)

    def prepare(self, x: "np.ndarray[Any, Any] | Tensor") -> Tensor:
        """Inputs as the network saw them in training.

        Args:
            x: (N, channels, *spatial), as stored: bytes or floats; tokens (N, ...).

        Returns:
            float32 of the same shape, on the same device; tokens as int64.

        Raises:
            ShapeError: another number of channels.
            DtypeError: floats where it was trained with bytes, or bytes where it was trained with floats: which scale
                these have cannot be known.
        """
        tensor = as_tensor(x)
        if self.tokens:
            return tensor.long()
        if (tensor.dtype == torch.uint8) != (self.scale == BYTES) and (self.mean or self.scale == BYTES):
            trained, got = ("bytes, 0 to 255", tensor.dtype) if self.scale == BYTES else ("floats", "bytes")
            raise DtypeError(f"x holds {got}, the network was trained with {trained}: convert x to those")
        if self.mean and (tensor.ndim < 2 or tensor.shape[1] != len(self.mean)):
            raise ShapeError(
                f"x has shape {tuple(tensor.shape)}, the network was trained with {len(self.mean)} channels: "
                f"(N, {len(self.mean)}, *spatial) is expected"
            )
        if not self.mean:
            return tensor.float() / self.scale if self.scale != 1 else tensor.float()
        shape = (1, -1, *[1] * (tensor.ndim - 2))
        mean = torch.tensor(self.mean, device=tensor.device).reshape(shape)
        std = torch.tensor(self.std, device=tensor.device).reshape(shape)
        # one pass over x instead of three
        return torch.addcmul(-mean / std, tensor.float(), 1 / (std * self.scale))


@dataclass(frozen=True)
class Saved:
    """A network with what is known of it.

    Attributes:
        model: in evaluation mode.
        facts: task, classes, how inputs are scaled.
    """

    model: nn.Module
    facts: Facts


def save_model(path: str | Path, model: nn.Module, facts: Facts) -> None:
    """Write a model: whole or not at all, what was there before survives a failure.

    A network of `NETWORKS` can be made again from its file alone; of any other module the weights are kept, and
    `load_model` has to be given a module of the same make.

    Args:
        path: the target; ends in .safetensors.
        model: any module.
        facts: what is known of it.

    Raises:
        FileError: no such folder, no permission, disk full, another ending.
        ParameterError: its options, or the notes, hold what JSON does not know.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "line.safetensors"
        >>> save_model(path, nn.Linear(3, 2), Facts(classes=("no", "yes")))
        >>> load_model(path, nn.Linear(3, 2)).facts.classes
        ('no', 'yes')
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise FileError(f"{path}: models are written as .safetensors: give a name that ends so")
    about = {"format": FORMAT, "version": VERSION, **describe(model), "facts": asdict(facts)}
    write_tensors(path, model.state_dict(), about)


def load_model(path: str | Path, model: nn.Module | None = None) -> Saved:
    """Read a model that `save_model` wrote. Nothing in the file is executed, and everything is checked.

    Args:
        path: the file.
        model: gets the weights; needed where the file's network is none of `NETWORKS`.

    Returns:
        The model, in evaluation mode on the processor, and its facts.

    Raises:
        FileError: it cannot be read, is damaged, or is no model of Faltung.
        ParameterError: the network is unknown, and no model was given.
        ShapeError: the weights are those of another network.
    """
    path = Path(path)
    tensors, about = read_tensors(path)
    facts = _facts_of(path, about)
    if model is None:
        model = make_network(about.get("network"), about.get("options"), str(path))
    set_weights(model, tensors, str(path))
    return Saved(model.eval(), facts)


def describe(model: nn.Module) -> dict[str, Any]:
    """What a file says about a network: its name and options, or None and the name of its class."""
    name = type(model).__name__
    if name not in NETWORKS or not isinstance(model, NETWORKS[name]):
        return {"network": None, "options": {}, "class": name}
    return {"network": name, "options": dict(model.options), "class": name}


def make_network(name: Any, options: Any, source: str) -> nn.Module:
    """The network of that name, untrained; global random numbers stay as they were.

    Raises:
        ParameterError: no such network, or one that has not these options.
    """
    if name is None:
        raise ParameterError(f"{source}: its network is none of Faltung's own: give a module of the same make, model=")
    if not isinstance(name, str) or name not in NETWORKS:
        raise ParameterError(f"{source}: network {name!r} is unknown; known are {', '.join(NETWORKS) or 'none'}")
    if not isinstance(options, dict):
        raise ParameterError(f"{source}: options of {name} are {type(options).__name__}: an object is expected")
    with torch.random.fork_rng(devices=[]):
        try:
            return NETWORKS[name](**options)
        except TypeError as error:
            raise ParameterError(f"{source}: {name} does not take these options: {error}") from error


def set_weights(model: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Give a module its weights, all of them.

    Raises:
        ShapeError: some are missing, or are those of another network.
    """
    own = model.state_dict()
    missing, unknown = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    other = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if missing or unknown or other:
        first = (
            f"{other[0]} has shape {tuple(tensors[other[0]].shape)}, the network's {tuple(own[other[0]].shape)}"
            if other
            else f"{missing[0]} is missing"
            if missing
            else f"the network has no {unknown[0]}"
        )
        raise ShapeError(f"{source}: holds the weights of another network: {first}")
    model.load_state_dict(dict(tensors))


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: dict[str, Any]) -> None:
    """One safetensors file with JSON beside its tensors; whole or not at all.

    Raises:
        FileError: the system refuses.
        ParameterError: about holds what JSON does not know.
    """
    try:
        words = json.dumps(about, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{path}: options and notes of a model must be what JSON knows: {error}") from error
    if len(words) > MAX_METADATA:
        raise ParameterError(f"{path}: {len(words):,} characters of notes, {MAX_METADATA:,} are allowed: keep fewer")
    # copies: tied weights share memory, which the format refuses, and a GPU's tensors come home
    home = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    replace_file(path, safetensors.torch.save(home, {"faltung": words}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote.

    Raises:
        FileError: it cannot be read, is damaged, or was written by something else.
    """
    with opening(path, "read"):
        size = path.stat().st_size
        if path.is_dir():
            raise FileError(f"{path}: is a folder; a model file ends in .safetensors")
        with path.open("rb") as file:
            head = file.read(9)
    if size < 9 or head[8:] != b"{":
        raise FileError(
            f"{path}: is no safetensors file; models are read from these only, because other formats can run code"
        )
    tensors: dict[str, Tensor] = {}
    with decoding(path, "safetensors"), safetensors.safe_open(path, framework="pt") as file:
        words = (file.metadata() or {}).get("faltung", "")
        about = json.loads(words) if 0 < len(words) <= MAX_METADATA else None
        if isinstance(about, dict):
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if not isinstance(about, dict):
        raise FileError(f"{path}: is a safetensors file, but no model of Faltung: nothing says what network it is")
    if about.get("version") != VERSION:
        raise FileError(
            f"{path}: has version {about.get('version')!r} of the format; this Faltung reads {VERSION}: update it"
        )
    return tensors, about


def as_tensor(x: "np.ndarray[Any, Any] | Tensor") -> Tensor:
    """An array as a tensor on the same memory where torch can, to be read only."""
    if isinstance(x, Tensor):
        return x
    with warnings.catch_warnings():
        # of arrays that must not be written to: nobody does
        warnings.simplefilter("ignore")
        return torch.from_numpy(np.ascontiguousarray(x))


def _facts_of(path: Path, about: dict[str, Any]) -> Facts:
    """The facts, each of the kind that it must be."""
    facts = about.get("facts")
    if about.get("format") != FORMAT or not isinstance(facts, dict):
        raise FileError(f"{path}: is {about.get('format')!r}, not a model; a training folder has one beside it")
    unknown = sorted(facts.keys() - {entry.name for entry in fields(Facts)})
    if unknown:
        raise FileError(f"{path}: says {', '.join(unknown)}, which this Faltung does not know: update it")
    for name, fits, words in _SCHEMA:
        if name in facts and not fits(facts[name]):
            raise FileError(f"{path}: {name} is {str(facts[name])[:40]!r}: {words} expected; get the file again")
    if len(facts.get("mean", ())) != len(facts.get("std", ())):
        raise FileError(f"{path}: mean and std differ in length; get the file again")
    return Facts.from_json(facts)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _is_list_of(value: Any, fits: Any) -> bool:
    return isinstance(value, list) and all(map(fits, value))


_SCHEMA = (
    ("task", lambda v: isinstance(v, str), "a name is"),
    ("classes", lambda v: _is_list_of(v, lambda e: isinstance(e, str)), "names are"),
    ("input_shape", lambda v: _is_list_of(v, lambda e: isinstance(e, int) and e > 0), "sizes are"),
    ("scale", lambda v: _is_number(v) and v > 0, "a number above 0 is"),
    ("mean", lambda v: _is_list_of(v, _is_number), "numbers are"),
    ("std", lambda v: _is_list_of(v, lambda e: _is_number(e) and e > 0), "numbers above 0 are"),
    ("tokens", lambda v: isinstance(v, bool), "true or false is"),
    ("notes", lambda v: isinstance(v, dict), "an object is"),
)
