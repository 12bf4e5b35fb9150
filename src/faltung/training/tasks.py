"""`Task`: what a network is trained for; which loss, which scores, and what its outputs mean."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import DtypeError, ParameterError, ShapeError
from .processes import joined

if TYPE_CHECKING:
    from torchmetrics import Metric

    from ..data.examples import Examples

IGNORE = -1
"""The label of what counts neither in the loss nor in a score."""


class Task(Protocol):
    """What a network is trained for.

    A task of one's own is any object with these; `Classification` is the shortest example.

    Attributes:
        name: stands in model files and logs.
        classes: their names, or ().
        watched: the score of `summary` that says which epoch is better.
        higher: whether more of it is better.
        normalise: whether inputs are numbers to be scaled, not tokens.
    """

    name: str
    classes: tuple[str, ...]
    watched: str
    higher: bool
    normalise: bool

    def check(self, x: Any, y: Any) -> None:
        """Refuse data of which something is wrong, before the first step; x and y as in `Examples`."""
        ...

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The mean loss of a batch; 0-dimensional, differentiable by output.

        Of several processes each sees its part of a batch. A mean over examples is right as it is; a loss that divides
        by something else adds its sums up by `processes.joined` first.
        """
        ...

    def metrics(self) -> "Metric":
        """A fresh measure, fed with `update(output, y)` batch by batch."""
        ...

    def summary(self, measured: Any) -> dict[str, float]:
        """Named scores from what the measure's `compute()` gave; `watched` is among them."""
        ...

    def answer(self, output: Tensor) -> Tensor:
        """What a user wants of an output: probabilities, classes on axis 1."""
        ...


class Classification:
    """One class for each example; cross-entropy; scored by accuracy.

    Args:
        classes: their names.
        label_smoothing: share of the target that goes to all classes alike.
        weights: of each class in the loss; () counts all alike.

    Example:
        >>> task = Classification(("no", "yes"))
        >>> task.answer(torch.tensor([[0.0, 0.0]])).tolist()
        [[0.5, 0.5]]
    """

    name = "classification"
    watched = "accuracy"
    higher = True
    normalise = True

    def __init__(
        self, classes: tuple[str, ...], *, label_smoothing: float = 0.0, weights: tuple[float, ...] = ()
    ) -> None:
        self.classes = _named(classes)
        self.label_smoothing = label_smoothing
        self.weights = _class_weights(weights, classes)

    def check(self, x: Any, y: Any) -> None:
        """One label within the classes for each example.

        Raises:
            ShapeError, DtypeError, ParameterError: something else.
        """
        if len(y.shape) != 1 or len(y) != len(x):
            raise ShapeError(
                f"y has shape {tuple(y.shape)}, x {tuple(x.shape)}: one class for each example is expected"
            )
        _check_labels(y, self.classes, least=0)

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy; output (N, class), y (N,)."""
        _check_output(output, y, self.classes, (len(y), len(self.classes)))
        if self.weights is None:
            return F.cross_entropy(output.float(), y, label_smoothing=self.label_smoothing)
        weights = self.weights.to(output.device)
        each = F.cross_entropy(
            output.float(), y, weight=weights, label_smoothing=self.label_smoothing, reduction="none"
        )
        sums = torch.stack([each.sum(), weights[y].sum()])
        loss, counted = joined(sums, weight=sums[1])
        return loss / counted

    def metrics(self) -> "Metric":
        """How often each class was taken for each."""
        return _confusion(len(self.classes))

    def summary(self, measured: Tensor) -> dict[str, float]:
        """The share that was right."""
        return {"accuracy": float(measured.trace()) / max(int(measured.sum()), 1)}

    def answer(self, output: Tensor) -> Tensor:
        """Probabilities, (N, class)."""
        return output.float().softmax(1)


class Segmentation:
    """One class for each place; cross-entropy + soft Dice; scored by the mean Dice of the classes.

    Places with label `IGNORE` count nowhere. An output that is smaller than y, as of a net without padding, is that of
    the centre.

    Args:
        classes: their names.
        dice: weight of the Dice loss beside the cross-entropy; 0 leaves it out.
        weights: of each class in the cross-entropy; () counts all alike.
        place_weights: from labels (N, *spatial) to the weight of each place in the cross-entropy, same shape; None
            counts all alike.
        label_smoothing: share of the target that goes to all classes alike, in the cross-entropy.

    Source: soft Dice: Milletari et al. 2016, "V-Net", here with plain sums in the denominator, over the whole batch.

    Example:
        >>> task = Segmentation(("paper", "ink"))
        >>> sure = torch.tensor([[[[9.0, -9.0]], [[-9.0, 9.0]]]])
        >>> float(task.loss(sure, torch.tensor([[[0, 1]]]))) < 1e-6
        True
    """

    name = "segmentation"
    watched = "dice"
    higher = True
    normalise = True

    def __init__(
        self,
        classes: tuple[str, ...],
        *,
        dice: float = 1.0,
        weights: tuple[float, ...] = (),
        place_weights: Callable[[Tensor], Tensor] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self.classes = _named(classes)
        self.dice = dice
        self.weights = _class_weights(weights, classes)
        self.place_weights = place_weights
        self.label_smoothing = label_smoothing

    def check(self, x: Any, y: Any) -> None:
        """A label within the classes, or `IGNORE`, for each place of each example.

        Raises:
            ShapeError, DtypeError, ParameterError: something else.
        """
        if tuple(y.shape) != (len(x), *x.shape[2:]):
            raise ShapeError(
                f"y has shape {tuple(y.shape)}, x {tuple(x.shape)}: one class for each place is expected, "
                f"{(len(x), *x.shape[2:])}"
            )
        if _check_labels(y, self.classes, least=IGNORE) == IGNORE:
            raise ParameterError("y: no place has a label, all are IGNORE: nothing can be learnt")

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy + Dice; output (N, class, *spatial), y (N, *spatial)."""
        # weights belong to a place and its surroundings, so they are made before anything is cut off
        weights = None if self.place_weights is None else centred(self.place_weights(y), output)
        y = centred(y, output)
        _check_output(output, y, self.classes, (len(y), len(self.classes), *y.shape[1:]))
        output = output.float()
        known = y != IGNORE
        class_weights = None if self.weights is None else self.weights.to(output)
        each = F.cross_entropy(
            output, y, weight=class_weights, ignore_index=IGNORE, label_smoothing=self.label_smoothing, reduction="none"
        )
        counted = known.to(each) if class_weights is None else class_weights[y.clamp(min=0)] * known
        if weights is not None:
            each = each * weights
            counted = counted * weights
        sums = torch.stack([each.sum(), counted.sum()])
        if self.dice:
            sums = torch.cat([sums, _dice_sums(output, y, known)])
        sums = joined(sums, weight=sums[1])
        # a batch without a label has loss 0, not 0/0
        loss = sums[0] / sums[1].clamp(min=1e-12)
        return loss + self.dice * _soft_dice_loss(sums[2:]) if self.dice else loss

    def metrics(self) -> "Metric":
        """How often each class was taken for each, place by place."""
        return _confusion(len(self.classes))

    def summary(self, measured: Tensor) -> dict[str, float]:
        """Mean Dice and IoU of the classes that occur, the share of right places, and Dice by class."""
        hits = measured.diagonal().double()
        truth, said = measured.sum(1).double(), measured.sum(0).double()
        occurs = truth + said > 0
        dice = 2 * hits / (truth + said).clamp(min=1)
        iou = hits / (truth + said - hits).clamp(min=1)
        return {
            "dice": float(dice[occurs].mean()) if occurs.any() else 0.0,
            "iou": float(iou[occurs].mean()) if occurs.any() else 0.0,
            "accuracy": float(hits.sum() / measured.sum().clamp(min=1)),
            **{f"dice {name}": float(value) for name, value in zip(self.classes, dice, strict=True)},
        }

    def answer(self, output: Tensor) -> Tensor:
        """Probabilities, (N, class, *spatial)."""
        return output.float().softmax(1)


TASKS: dict[str, type[Classification] | type[Segmentation]] = {
    Classification.name: Classification,
    Segmentation.name: Segmentation,
}


def infer_task(examples: "Examples", *, label_smoothing: float = 0.0) -> Task:
    """`Classification` where each example has a class, `Segmentation` where each place has one.

    Raises:
        ShapeError: y is neither; pass `task=`.

    Example:
        >>> import numpy as np
        >>> from types import SimpleNamespace
        >>> examples = SimpleNamespace(x=np.zeros((2, 1, 4, 4)), y=np.array([0, 1]), classes=("a", "b"))
        >>> infer_task(examples).name
        'classification'
    """
    x, y = examples.x, examples.y
    if len(y.shape) == 1:
        return Classification(examples.classes, label_smoothing=label_smoothing)
    if len(x.shape) > 2 and len(y.shape) == len(x.shape) - 1:
        return Segmentation(examples.classes, label_smoothing=label_smoothing)
    raise ShapeError(
        f"y has shape {tuple(y.shape)}, x {tuple(x.shape)}: neither a class for each example, (N,), nor one for each "
        "place, (N, *spatial), where x is (N, channels, *spatial); pictures without channels become x[:, None]; for "
        "anything else pass task="
    )


def _dice_sums(output: Tensor, y: Tensor, known: Tensor) -> Tensor:
    """For each class what answer and truth have in common, and then what both have; (2 class,)."""
    num_classes = output.shape[1]
    p = (output.softmax(1) * known[:, None]).transpose(0, 1).reshape(num_classes, -1)
    truth = (F.one_hot(y.clamp(min=0), num_classes).movedim(-1, 0) * known[None]).reshape(num_classes, -1).to(p)
    return torch.cat([(p * truth).sum(1), p.sum(1) + truth.sum(1)])


def _soft_dice_loss(sums: Tensor) -> Tensor:
    """1 - mean Dice of the classes that occur in the batch or are claimed there; 0 where no place is known."""
    common, both = sums.chunk(2)
    # one place of truth more in both: a class that is absent, and hardly claimed, costs next to nothing
    return 1 - ((2 * common + 1) / (both + 1)).mean()


def centred(y: Tensor, output: Tensor) -> Tensor:
    """The centre of y (N, *spatial) that an output (N, class, *spatial) of smaller size speaks of."""
    if y.shape[1:] == output.shape[2:] or len(y.shape) != len(output.shape) - 1:
        return y
    margins = [(whole - part, part) for whole, part in zip(y.shape[1:], output.shape[2:], strict=True)]
    if any(margin < 0 or margin % 2 for margin, _ in margins):
        raise ShapeError(
            f"the network's output has places {tuple(output.shape[2:])}, the labels {tuple(y.shape[1:])}: it must be as"
            " large, or smaller by an even number along each axis"
        )
    return y[(slice(None), *(slice(margin // 2, margin // 2 + part) for margin, part in margins))]


def _confusion(num_classes: int) -> "Metric":
    from torchmetrics.classification import MulticlassConfusionMatrix

    class Confusion(MulticlassConfusionMatrix):
        def update(self, output: Tensor, y: Tensor) -> None:
            super().update(output.argmax(1), centred(y, output))

    return Confusion(num_classes, ignore_index=IGNORE, validate_args=False)


def _named(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(classes) < 2:
        raise ParameterError(f"classes are {tuple(classes)}: two or more are needed to tell anything apart")
    return tuple(classes)


def _class_weights(weights: tuple[float, ...], classes: tuple[str, ...]) -> Tensor | None:
    if not weights:
        return None
    if len(weights) != len(classes):
        raise ParameterError(f"{len(weights)} weights for {len(classes)} classes: give one for each")
    return torch.tensor(weights, dtype=torch.float32)


def _check_labels(y: Any, classes: tuple[str, ...], *, least: Literal[-1, 0]) -> int:
    """Labels within the classes; their largest."""
    import numpy as np

    largest = least - 1
    # some at a time: masks may lie in files
    for first in range(0, len(y), 256):
        some = np.asarray(y[np.arange(first, min(first + 256, len(y)))])
        if some.dtype.kind not in "iu":
            raise DtypeError(f"y holds {some.dtype}: labels are whole numbers, such as y.astype(int)")
        if some.size and (some.min() < least or some.max() >= len(classes)):
            wrong = np.flatnonzero(((some < least) | (some >= len(classes))).reshape(len(some), -1).any(1))[0]
            label = sorted({int(v) for v in np.unique(some[wrong])} - set(range(least, len(classes))))[0]
            raise ParameterError(
                f"example {first + wrong} has label {label}: there are {len(classes)} classes, 0 to {len(classes) - 1}"
                + (f", and {IGNORE} for unknown places" if least == IGNORE else "")
            )
        largest = max(largest, int(some.max(initial=largest)))
    return largest


def _check_output(output: Tensor, y: Tensor, classes: tuple[str, ...], expected: tuple[int, ...]) -> None:
    if tuple(output.shape) != expected:
        raise ShapeError(
            f"the network's output has shape {tuple(output.shape)}; for labels {tuple(y.shape)} of {len(classes)} "
            f"classes {expected} is expected: a number for each class on axis 1"
        )
