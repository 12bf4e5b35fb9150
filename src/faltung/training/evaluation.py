"""`predict` and `evaluate`: what a trained network says, and how well."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ParameterError
from ..networks.saved import Facts, Saved
from ..spec import Array
from .config import Config
from .equipment import shape_errors
from .feeding import Feed
from .tasks import IGNORE, TASKS, Task, centred

if TYPE_CHECKING:
    from ..data.examples import Examples


class HasSaved(Protocol):
    """A `Run`, whose `saved` is its model with the facts."""

    @property
    def saved(self) -> Saved:
        """Model and facts."""
        ...


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well a network does on examples.

    Attributes:
        task: "classification" or "segmentation".
        classes: their names.
        num_examples: how many.
        confusion: int64 (truth, answer): how many examples, or places, of each class got each answer.
        loss: mean negative log of the probability of the right class, in nats; places of `IGNORE` are left out.
    """

    task: str
    classes: tuple[str, ...]
    num_examples: int
    confusion: Array
    loss: float

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return float(np.trace(self.confusion) / max(int(self.confusion.sum()), 1))

    @property
    def precision(self) -> Array:
        """By class: which share of the answers is right; NaN where the answer was never given."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(0))

    @property
    def recall(self) -> Array:
        """By class: which share was found; NaN where there is none."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(1))

    @property
    def f1(self) -> Array:
        """By class: harmonic mean of precision and recall, which for places is Dice; NaN where neither is defined."""
        return _ratio(2 * np.diag(self.confusion), self.confusion.sum(0) + self.confusion.sum(1))

    @property
    def iou(self) -> Array:
        """By class: intersection over union; NaN where neither truth nor answer has the class."""
        hits = np.diag(self.confusion)
        return _ratio(hits, self.confusion.sum(0) + self.confusion.sum(1) - hits)


def predict(
    model: "Saved | HasSaved | nn.Module", x: Any, *, facts: Facts | None = None, batch_size: int = 256
) -> Array:
    """Probabilities of each class.

    Args:
        model: a `Run`, what `load_model` gave, or a module with `facts`.
        x: (N, channels, *spatial), as stored: bytes or floats; an array, or rows that are read when indexed.
        facts: of a bare module: how its inputs are scaled.
        batch_size: examples at a time; changes memory and the last digits only.

    Returns:
        float32 (N, class), or (N, class, *spatial).

    Raises:
        ShapeError: x is not what the network takes.
        ParameterError: a bare module without facts.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> facts = Facts(task="classification", classes=("no", "yes"))
        >>> predict(net, np.zeros((3, 1, 4), np.float32), facts=facts).shape
        (3, 2)
    """
    found = _saved(model, facts)
    task = _task_of(found.facts)
    return np.concatenate([task.answer(output).cpu().numpy() for output, _, _ in _outputs(found, x, None, batch_size)])


def evaluate(
    model: "Saved | HasSaved | nn.Module",
    examples: "Examples",
    *,
    facts: Facts | None = None,
    batch_size: int = 256,
) -> Evaluation:
    """Measure a trained network on examples it has not seen.

    Args:
        model: a `Run`, what `load_model` gave, or a module with `facts`.
        examples: with the classes that the network was trained for, in the same order.
        facts: of a bare module: how its inputs are scaled.
        batch_size: examples at a time.

    Returns:
        The scores.

    Raises:
        ParameterError: other classes; a bare module without facts; a task that is neither classification nor
            segmentation.
        ShapeError: the examples are not what the network takes.

    Example:
        >>> from faltung.data.examples import Examples
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> examples = Examples(np.zeros((3, 1, 4), np.float32), np.array([0, 1, 1]), ("no", "yes"))
        >>> facts = Facts(task="classification", classes=("no", "yes"))
        >>> evaluate(net, examples, facts=facts).confusion.sum()
        np.int64(3)
    """
    found = _saved(model, facts)
    task = _task_of(found.facts)
    if tuple(examples.classes) != tuple(found.facts.classes):
        raise ParameterError(
            f"the examples have classes {tuple(examples.classes)}, the network {tuple(found.facts.classes)}: the same,"
            " in the same order, are needed"
        )
    task.check(examples.x, examples.y)
    measure = task.metrics()
    total, count = 0.0, 0
    for output, y, _ in _outputs(found, examples.x, examples.y, batch_size):
        measure.update(output.cpu(), y.cpu())
        nats, known = _log_loss(output, y)
        total, count = total + nats, count + known
    confusion = measure.compute().numpy().astype(np.int64)
    return Evaluation(found.facts.task, found.facts.classes, len(examples.x), confusion, total / max(count, 1))


def _log_loss(output: Tensor, y: Tensor) -> tuple[float, int]:
    """Sum of -log p of the right class, and over how many."""
    y = centred(y, output)
    sums = nn.functional.cross_entropy(output.double(), y, ignore_index=IGNORE, reduction="sum")
    return float(sums), int((y != IGNORE).sum())


def _outputs(found: Saved, x: Any, y: Any, batch_size: int) -> Iterator[tuple[Tensor, Tensor, Any]]:
    """Outputs, labels (zeros if there are none) and indices, batch by batch; the model is left as it was."""
    net = found.model
    device = next((w.device for w in net.parameters()), torch.device("cpu"))
    labels = np.zeros(len(x), np.int64) if y is None else y
    examples: Any = SimpleNamespace(x=x, y=labels)
    feed = Feed(examples, Config(batch_size=batch_size), found.facts, device)
    training = net.training
    net.eval()
    try:
        with torch.inference_mode():
            for batch in feed.scoring():
                with shape_errors(batch.x):
                    output = net(batch.x)
                yield output, batch.y, batch.indices
    finally:
        net.train(training)


def _saved(model: "Saved | HasSaved | nn.Module", facts: Facts | None) -> Saved:
    if isinstance(model, nn.Module):
        if facts is None:
            raise ParameterError(
                "a bare module does not say how its inputs are scaled: give the Run that train returned, what"
                " load_model returned, or facts="
            )
        return Saved(model, facts)
    found = model if isinstance(model, Saved) else model.saved
    return found if facts is None else Saved(found.model, facts)


def _task_of(facts: Facts) -> Task:
    if facts.task not in TASKS:
        raise ParameterError(f"the network is for {facts.task!r}: only {' and '.join(TASKS)} are answered here")
    return TASKS[facts.task](facts.classes)


def _ratio(part: Array, whole: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
