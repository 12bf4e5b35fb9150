"""Item 23: units that rely on each other, and what dropout makes of them."""

from dataclasses import dataclass

import numpy as np

from ..spec import Array
from . import drawing
from .classifiers import activations, deletion_errors, dense_net, digit_tensors, error_percent, train
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole

NETS = ("without dropout", "with dropout")
_ROLES: tuple[drawing.Role, ...] = ("input", "output")


@dataclass(frozen=True)
class CoAdaptation(Parameters):
    """One net, trained twice from the same weights."""

    digits: int = whole(2000, 200, 8000, "digits to train with, of 8,000; the test is always on 2,000 others")
    hidden: int = whole(256, 36, 1024, "units of each of the two hidden layers")
    epochs: int = whole(15, 1, 200, "how often each digit is seen")
    dropped: float = real(0.5, 0.05, 0.9, "share of hidden units that dropout deletes at each step; of pixels 0.2")
    seed: int = whole(1, 0, 9999, "which first weights and random numbers")


@dataclass(frozen=True)
class Adapted:
    """Rows are the nets without and with dropout; shares and errors in per cent."""

    deleted: Array
    errors: Array
    whole_errors: Array
    levels: Array
    sparsity: Array
    active: Array
    mean_answer: Array
    bands: Array
    likeness: Array
    mean_likeness: Array
    sheets: Array


def compute(p: CoAdaptation) -> Adapted:
    """Train both nets; delete units, count answers, compare units, look at weights."""
    images, labels, test_images, test_labels = digit_tensors(p.digits)
    deleted = np.array([0, 25, 50, 75, 90])
    levels = np.linspace(0, 3, 31)
    bands = np.linspace(-1, 1, 41)
    errors, whole_errors = np.zeros((2, len(deleted))), np.zeros(2)
    sparsity, active, mean_answer = np.zeros((2, len(levels) - 1)), np.zeros(2), np.zeros(2)
    likeness, mean_likeness = np.zeros((2, 2, len(bands) - 1)), np.zeros((2, 2))
    sheets = np.zeros((2, 36, 28, 28))
    for row, (p_input, p_hidden) in enumerate([(0.0, 0.0), (0.2, p.dropped)]):
        net = dense_net(p.hidden, p_input=p_input, p_hidden=p_hidden, seed=p.seed)
        train(net, images, labels, epochs=p.epochs, rate=3e-3, batch=100, seed=p.seed)
        whole_errors[row] = error_percent(net, test_images, test_labels)
        errors[row] = deletion_errors(net, test_images, test_labels, shares=deleted / 100)

        # what units answer to digits that they have not seen: how often, how much, how alike
        for layer in (0, 1):
            answers = activations(net, test_images, layer)
            living = answers[:, answers.std(axis=0) > 0]
            pairs = np.corrcoef(living, rowvar=False)[np.triu_indices(living.shape[1], 1)]
            likeness[layer, row] = 100 * np.histogram(pairs.clip(-1, 1), bands)[0] / len(pairs)
            mean_likeness[layer, row] = np.abs(pairs).mean()
            if layer == 0:
                active[row] = 100 * (answers > 0).mean()
                mean_answer[row] = answers.mean()
                sparsity[row] = 100 * np.histogram(answers.clip(0, levels[-1]), levels)[0] / answers.size

        # the 36 units with the largest weights, as pictures of what they look for
        weights = next(w for w in net.parameters() if w.ndim == 2).detach().numpy()
        largest = np.argsort(-np.linalg.norm(weights, axis=1))[:36]
        sheets[row] = weights[largest].reshape(36, 28, 28)
    return Adapted(
        deleted,
        errors,
        whole_errors,
        levels,
        sparsity,
        active,
        mean_answer,
        bands,
        likeness,
        mean_likeness,
        sheets,
    )


def check(p: CoAdaptation, r: Adapted) -> tuple[Golden, ...]:
    """Laws, and what dropout comes to in the default case."""
    reached = [
        # sums in another order may tip a digit that stands on the edge between two answers
        Golden("nothing deleted: the errors of the whole net", r.whole_errors, r.errors[:, 0], 0.11),
        Golden("all answers are counted, in per cent", [100.0, 100.0], r.sparsity.sum(axis=1), 1e-9),
        Golden("all pairs of units are counted, in per cent", np.full((2, 2), 100.0), r.likeness.sum(axis=2), 1e-9),
    ]
    if p == CoAdaptation():
        lost = r.errors[0, -1] - r.errors[1, -1]
        reached += [
            Golden("90 % deleted: dropout saves 2 points of error and more", "yes", _yes(lost >= 2)),
            Golden("whole: the net with dropout errs less", "yes", _yes(r.whole_errors[1] < r.whole_errors[0])),
            Golden("half as many units answer, or fewer: sparser", "yes", _yes(r.active[1] < 0.67 * r.active[0])),
        ]
    return tuple(reached)


def draw(p: CoAdaptation, r: Adapted) -> tuple[Panel | Table, ...]:
    """Deletion, sparsity, likeness, and what the first units look for."""
    figure, axes = drawing.sheet("wide", height=270)
    for row, role in enumerate(_ROLES):
        drawing.line(axes, r.deleted, r.errors[row], role, NETS[row], marker="os"[row])
        drawing.mark(axes, r.deleted[-1], r.errors[row, -1], f"{r.errors[row, -1]:.1f} %", role, (-10, 5))
    axes.set_ylim(0, 1.15 * r.errors.max())
    axes.set_xticks(r.deleted)
    drawing.label(
        axes,
        "How much can be taken away?",
        "units deleted from the last hidden layer, %",
        "test error, %",
        "upper left",
    )
    deletion = Panel(
        figure,
        "Test error in per cent with "
        + ", ".join(f"{share}" for share in r.deleted)
        + " per cent of the last hidden layer deleted: "
        + "; ".join(f"{name} " + ", ".join(f"{e:.1f}" for e in line) for name, line in zip(NETS, r.errors, strict=True))
        + ".",
        "Units are deleted at random, 20 times, and the rest counts more. A net whose units rely on each other falls "
        "apart; one trained with dropout has long been used to it.",
        "wide",
    )
    figure, axes = drawing.sheet()
    # the last level holds all that is larger, and is left out
    middle = (r.levels[1:-1] + r.levels[:-2]) / 2
    for row, role in enumerate(_ROLES):
        drawing.line(axes, middle, r.sparsity[row, :-1], role, NETS[row], drawstyle="steps-mid")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(bottom=max(float(r.sparsity[r.sparsity > 0].min()), 1e-3))
    drawing.label(axes, "How much units answer", "answer of a unit, layer 1", "share of answers, %", "upper right")
    sparsity = Panel(
        figure,
        "Histogram of the first hidden layer's answers to test digits, logarithmic. "
        + "; ".join(
            f"{n}: {a:.0f} % are above 0, mean {m:.3f}" for n, a, m in zip(NETS, r.active, r.mean_answer, strict=True)
        )
        + ".",
        f"With dropout {r.active[1]:.0f} % of the units answer a digit, without it {r.active[0]:.0f} %. Nobody asked "
        "for that.",
    )
    figure, axes = drawing.sheet()
    middle = (r.bands[1:] + r.bands[:-1]) / 2
    for row, role in enumerate(_ROLES):
        drawing.line(axes, middle, r.likeness[0, row], role, NETS[row], drawstyle="steps-mid")
    drawing.label(axes, "How alike units are", "correlation of two units, layer 1", "share of pairs, %", "upper right")
    likeness = Panel(
        figure,
        "Histogram of the correlation between two units of the first hidden layer. Mean size: "
        + "; ".join(f"{name} {value:.3f}" for name, value in zip(NETS, r.mean_likeness[0], strict=True))
        + ".",
        "In the first layer dropout leaves fewer pairs of units that say nearly the same, or the opposite.",
    )
    captions = (
        "What 36 units look for, the ones with the largest weights: ink where it is red, paper where it is blue.",
        "With dropout they look for the same kind of thing. What has changed is how units work together.",
    )
    sheets = [_sheet(*one) for one in zip(r.sheets, NETS, captions, strict=True)]
    table = Table(
        f"Both nets: 784-{p.hidden}-{p.hidden}-10, {p.digits:,} digits, {p.epochs} epochs; test on 2,000 digits.",
        ("", *NETS),
        (
            ("test error", *(f"{value:.2f} %" for value in r.whole_errors)),
            *(
                (f"{share} % deleted", *(f"{value:.2f} %" for value in column))
                for share, column in zip(r.deleted[1:], r.errors[:, 1:].T, strict=True)
            ),
            ("layer 1: units that answer", *(f"{value:.0f} %" for value in r.active)),
            ("layer 1: mean answer", *(f"{value:.3f}" for value in r.mean_answer)),
            ("layer 1: mean |correlation|", *(f"{value:.3f}" for value in r.mean_likeness[0])),
            ("layer 2: mean |correlation|", *(f"{value:.3f}" for value in r.mean_likeness[1])),
        ),
    )
    return (deletion, sparsity, likeness, *sheets, table)


def _sheet(weights: Array, name: str, caption: str) -> Panel:
    """Weights as small pictures, six in a row, a gap between."""
    framed = np.pad(weights.reshape(6, 6, 28, 28), ((0, 0), (0, 0), (1, 1), (1, 1)))
    figure, axes = drawing.sheet(height=400)
    drawing.signed(axes, framed.transpose(0, 2, 1, 3).reshape(180, 180), f"Weights {name}", "weight of a pixel")
    return Panel(
        figure,
        f"Weights of 36 units of the first layer {name}, red positive, blue negative, each 28 by 28; standard "
        f"deviation {weights.std():.3f}.",
        caption,
    )


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="co-adaptation",
    items=(23,),
    title="Co-adaptation, and dropout against it",
    goal="Take units out of two trained nets, one of them trained with dropout, and watch which falls apart.",
    formula="training: h ← h · m / (1 − p), m = 0 with probability p, else 1     test: h as it is",
    idea="The units of a net are trained together, so each may come to rely on what just these others do: one corrects "
    "the mistake of another. That fits the training digits and little else. Dropout deletes units at random at every "
    "step, so that no unit can rely on a partner: a thinned net is trained each time, out of very many that share "
    "their weights. At the test nothing is deleted.\n\n"
    "Here one net is trained twice from the same first weights. Then we do what dropout does, to both: delete.",
    parameters=CoAdaptation,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take all 8,000 digits and 60 epochs (minutes): errors fall to about 3 %, and the gap stays.",
        "Raise dropped to 0.8: more can be taken away, and the whole net gets worse.",
        "Take 36 hidden units: half of them are too few to learn with.",
    ),
    surprise="Nobody asked the units to be silent, yet with dropout only about half as many answer a digit. "
    "Each has to be worth hearing by itself.",
)
