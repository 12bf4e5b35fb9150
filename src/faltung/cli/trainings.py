"""What the verbs that train share: where a training stands, Ctrl+C, and what it came to."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FileError
from . import CANCELLED, DONE
from .screen import aside, print_facts, print_json, progress_lines

if TYPE_CHECKING:
    from ..networks import Saved
    from ..training import Epoch, Run


def trained(verb: str, epochs: int, work: Callable[..., "Run"], about: dict[str, Any], *, as_json: bool) -> int:
    """Run a training with progress; print what it came to.

    Args:
        epochs: how many there will be.
        work: takes `stop` and `watch`.
        about: what else JSON says.

    Returns:
        The exit code: that of a cancelled command if Ctrl+C ended it.
    """
    with stopping() as stop, _watching(verb, epochs) as watch:
        run = work(stop=stop, watch=watch)
    if speaks():
        _print_run(run, about, as_json=as_json)
    return CANCELLED if run.stopped == "cancelled" else DONE


def speaks() -> bool:
    """Whether this process says what there is to say: of several that torchrun has started one does."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl+C is a wish that the given function tells of; the second one interrupts at once."""
    wished = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wished.is_set
        return

    def wish(number: int, frame: Any) -> None:
        if wished.is_set():
            raise KeyboardInterrupt
        wished.set()
        if speaks():
            aside("stopping after this step, the best is kept; once more interrupts at once")

    before = signal.signal(signal.SIGINT, wish)
    try:
        yield wished.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _watching(verb: str, epochs: int) -> Iterator[Callable[["Epoch | str"], None]]:
    import sys

    if not speaks():
        yield lambda _: None
        return
    if not sys.stderr.isatty():
        yield lambda said: None if isinstance(said, str) else aside(said.line())
        return
    with progress_lines(verb) as say:
        reached = 0

        def watch(said: "Epoch | str") -> None:
            nonlocal reached
            if isinstance(said, str):
                say(f"{reached + 1}/{epochs} {said}")
                return
            reached = said.number
            aside(said.line())

        yield watch


def open_model(model: Path) -> "Saved":
    """The model of a file, or the best one of a training's folder."""
    from ..networks import load_model

    if model.is_dir():
        from ..training.state import MODEL

        if not (model / MODEL).is_file():
            raise FileError(
                f"{model}: no model is kept there: a training's folder with {MODEL}, or a file, is expected"
            )
        return load_model(model / MODEL)
    return load_model(model)


def _print_run(run: "Run", about: dict[str, Any], *, as_json: bool) -> None:
    from ..training.state import MODEL

    best = run.best
    parameters = sum(w.numel() for w in run.model.parameters())
    written = None if run.folder is None else run.folder / MODEL
    if as_json:
        print_json(
            {
                **about,
                "network": type(run.model).__name__,
                "parameters": parameters,
                "classes": run.facts.classes,
                "stopped": run.stopped,
                "rate": run.rate,
                "best": None if best is None else best.number,
                "epochs": [
                    {"epoch": e.number, "loss": e.loss, "rate": e.rate, "seconds": e.seconds, "scores": e.scores}
                    for e in run.history
                ],
                "model": written,
            }
        )
        return
    ends = {"done": "complete", "early": "complete: no better for a while", "cancelled": "cancelled: the best is kept"}
    rows = [
        ("network", f"{type(run.model).__name__}, {parameters:,} parameters; classes {' '.join(run.facts.classes)}"),
        ("training", f"{len(run.history)} epochs, {ends[run.stopped]}; largest rate {run.rate:.3g}"),
    ]
    if best is not None:
        rows.append(("best", best.line().removesuffix(", best so far")))
    if run.stopped == "cancelled" and run.folder is not None:
        rows.append(("resume", f"faltung resume {run.folder}"))
    print_facts([*rows, *([] if written is None else [("model", str(written))])])
