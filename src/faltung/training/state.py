"""What a training has come to, as one file: enough to go on from any batch as if nothing had happened."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FileError
from ..networks.saved import read_tensors, write_tensors

FORMAT = "faltung training"
STATE, MODEL, EVENTS = "state.safetensors", "model.safetensors", "events.jsonl"
"""The files of a training's folder: where it stands, the best model so far, and what happened, a JSON object a line."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One epoch's outcome.

    Attributes:
        number: from 1.
        loss: mean over its steps, in training.
        rate: the learning rate of its last step.
        scores: of the validation examples: "loss" and what the task measures; empty without such.
        best: whether this is the best so far.
        seconds: it took.
    """

    number: int
    loss: float
    rate: float
    scores: dict[str, float]
    best: bool
    seconds: float

    def line(self) -> str:
        """In words, on one line.

        Example:
            >>> Epoch(number=2, loss=0.5, rate=1e-3, scores={"accuracy": 0.875}, best=True, seconds=3).line()
            'epoch 2: loss 0.5000, accuracy 0.8750, rate 0.001, 3.0 s, best so far'
        """
        # scores by class would fill the line
        shown = [(name, value) for name, value in self.scores.items() if " " not in name]
        words = [("validation " if name == "loss" else "") + f"{name} {value:.4f}" for name, value in shown]
        ending = [", best so far"] if self.best and shown else [""]
        parts = [f"loss {self.loss:.4f}", *words, f"rate {self.rate:.3g}", f"{self.seconds:.1f} s"]
        return f"epoch {self.number}: {', '.join(parts)}{ending[0]}"


@dataclass(kw_only=True)
class State:
    """Where a training stands.

    Attributes:
        config, about, task, data: its options, network, task's name, and the words that the data were named by.
        facts: of its model.
        fingerprint: of the data.
        rate: the largest learning rate.
        epoch: number of the epoch it is in, from 0.
        batch: the next batch of it.
        history: the epochs that are complete.
        losses: of the steps of this epoch, float64 (step,), each with its share.
        tensors: "model/...", "best/...", "optimiser/...", "ema/...".
        more: other numbers, of the optimiser and of half precision.
    """

    config: dict[str, Any]
    about: dict[str, Any]
    task: str
    data: str
    facts: dict[str, Any]
    fingerprint: dict[str, Any]
    rate: float
    epoch: int = 0
    batch: int = 0
    history: list[Epoch] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def under(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part."""
        return {key[len(name) + 1 :]: value for key, value in self.tensors.items() if key.startswith(f"{name}/")}


def write_state(folder: Path, state: State) -> None:
    """Replace the folder's state.

    Raises:
        FileError: the system refuses; the old state is still there.
    """
    about = {entry.name: getattr(state, entry.name) for entry in fields(State) if entry.name != "tensors"}
    about["history"] = [asdict(epoch) for epoch in state.history]
    try:
        write_tensors(folder / STATE, state.tensors, {"format": FORMAT, "version": 1, **about})
    except FileError as error:
        reached = f"the one before, of epoch {state.epoch}, is" if (folder / STATE).exists() else "none is there yet"
        raise FileError(f"{error}; {reached} whole: make room, then resume") from error


def read_state(folder: Path) -> State:
    """What `write_state` wrote.

    Raises:
        FileError: there is none, or it is damaged, or no state.
    """
    path = folder / STATE
    if not path.is_file():
        raise FileError(f"{folder}: no training is kept there: a folder with {STATE} is expected")
    tensors, about = read_tensors(path)
    known = {entry.name for entry in fields(State)} - {"tensors"}
    if about.pop("format", None) != FORMAT or not known <= about.keys():
        raise FileError(f"{path}: is not the state of a training")
    about.pop("version")
    try:
        history = [Epoch(**epoch) for epoch in about.pop("history")]
        return State(**{name: about[name] for name in known - {"history"}}, history=history, tensors=tensors)
    except TypeError as error:
        raise FileError(f"{path}: is not the state of a training: {error}") from error


def optimiser_state(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Its tensors by "parameter/name", and its other numbers in the same way."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, entries in optimiser.state_dict()["state"].items():
        for name, value in entries.items():
            (tensors if isinstance(value, Tensor) else numbers)[f"{index}/{name}"] = value
    return tensors, numbers


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    """Set what `optimiser_state` gave; the options stay those of the optimiser."""
    entries: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *numbers.items()]:
        index, name = key.split("/")
        entries.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": entries, "param_groups": optimiser.state_dict()["param_groups"]})


class Events:
    """The log of a training: one JSON object a line, each on the disk before the next begins.

    Args:
        folder: where; None keeps no log.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / EVENTS
        if self.path is not None and self.path.exists() and not self.path.read_bytes().endswith(b"\n"):
            # what a killed process left half written stays a line of its own
            self.add_text("\n")

    def add(self, event: str, **facts: Any) -> None:
        """Write one event with its time."""
        from datetime import UTC, datetime

        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.add_text(json.dumps({"event": event, "time": now, **facts}, ensure_ascii=False) + "\n")

    def add_text(self, text: str) -> None:
        """Append as it stands."""
        from ..data.damage import opening

        if self.path is not None:
            with opening(self.path, "written"), self.path.open("a", encoding="utf-8") as file:
                file.write(text)
