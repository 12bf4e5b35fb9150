"""Item 24: what dropout says when it stays on: how sure a net is of digits, and of digits that are turned or moved."""

import math
from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .classifiers import dense_net, digit_tensors, framed, scores, seeded, train
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole


@dataclass(frozen=True)
class UncertaintyDigits(Parameters):
    """A net of dense layers with dropout, asked once without it, and many times with it."""

    digits: int = whole(500, 200, 8000, "digits to train with, of 8,000")
    tested: int = whole(300, 50, 1000, "other digits to test with")
    hidden: int = whole(128, 16, 512, "units of each of the two hidden layers")
    epochs: int = whole(30, 1, 100, "how often each digit is seen")
    dropped: float = real(0.5, 0.05, 0.9, "share of the hidden units that dropout deletes")
    samples: int = whole(60, 2, 400, "T: passes with dropout on")
    seed: int = whole(0, 0, 9999, "which first weights and random numbers")


@dataclass(frozen=True)
class Unsure:
    """Reliability: rows are before and after the temperature. Turned and moved: rows are entropy and information."""

    edges: Array
    confidence: Array
    accuracy: Array
    ece: Array
    nll: Array
    right: Array
    temperature: float
    angles: Array
    turned: Array
    turned_errors: Array
    shifts: Array
    moved: Array
    moved_errors: Array
    scaled_nll: float
    mean_nll: Array
    single_nll: Array


def compute(p: UncertaintyDigits) -> Unsure:
    """Train once; then hold confidence against truth, turn and move the digits, and average more and more passes."""
    import torch

    images, labels, test_images, test_labels = digit_tensors(p.digits)
    net = dense_net(p.hidden, p_hidden=p.dropped, seed=p.seed)
    train(net, images, labels, epochs=p.epochs, rate=3e-3, seed=p.seed)

    # the temperature is fitted to digits that are not tested
    fitted, tested = slice(0, 1000), slice(1000, 1000 + p.tested)
    found = ft.training.temperature(scores(net, test_images[fitted]), test_labels[fitted].numpy())
    temperature = found.value
    x, y = test_images[tested], test_labels[tested]
    logits = torch.from_numpy(scores(net, x)).double()
    told = [ft.training.reliability((logits / t).softmax(1), y, bins=10) for t in (1.0, temperature)]
    edges = told[0].edges
    confidence, accuracy = np.stack([r.confidence for r in told]), np.stack([r.accuracy for r in told])
    ece, nll = np.array([r.ece for r in told]), np.array([r.nll for r in told])
    right = np.array([r.mean_accuracy for r in told])

    # digits turned about their middle, and moved to the right
    angles, shifts = np.arange(0, 181, 20), np.arange(0, 11, 2)
    turned, turned_errors = np.zeros((2, len(angles))), np.zeros(len(angles))
    moved, moved_errors = np.zeros((2, len(shifts))), np.zeros(len(shifts))
    with seeded(p.seed):
        for place, angle in enumerate(np.deg2rad(angles).tolist()):
            c, s = math.cos(angle), math.sin(angle)
            turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0]]).expand(len(x), 2, 3)
            grid = torch.nn.functional.affine_grid(turn, list(x.shape), align_corners=False)
            other = torch.nn.functional.grid_sample(x, grid, align_corners=False)
            said = ft.uncertainty.monte_carlo(net, other, samples=p.samples, seed=p.seed)
            turned[:, place] = float(said.entropy.mean()), float(said.mutual_information.mean())
            turned_errors[place] = 100 * float((said.classes != y).double().mean())
        for place, shift in enumerate(shifts.tolist()):
            said = ft.uncertainty.monte_carlo(net, framed(x, margin=0, right=shift), samples=p.samples, seed=p.seed)
            moved[:, place] = float(said.entropy.mean()), float(said.mutual_information.mean())
            moved_errors[place] = 100 * float((said.classes != y).double().mean())

        # the mean of the first T passes, against each alone and against the whole net in one pass
        outputs = ft.uncertainty.sample_outputs(net, x, samples=p.samples, seed=p.seed).double().softmax(2)
    truth = outputs[:, torch.arange(len(y)), y]
    counted = torch.arange(1, p.samples + 1, dtype=torch.float64)
    mean_nll = -(truth.cumsum(0) / counted[:, None]).log().mean(1).numpy()
    single_nll = -truth.log().mean(1).numpy()
    scaled_nll = float(torch.nn.functional.cross_entropy(logits, y))
    return Unsure(
        edges,
        confidence,
        accuracy,
        ece,
        nll,
        right,
        temperature,
        angles,
        turned,
        turned_errors,
        shifts,
        moved,
        moved_errors,
        scaled_nll,
        mean_nll,
        single_nll,
    )


def check(p: UncertaintyDigits, r: Unsure) -> tuple[Golden, ...]:
    """What must hold for any weights, and what training came to in the default case."""
    both = np.concatenate([r.turned, r.moved], axis=1)
    ordered = (both[1] >= 0).all() and (both[1] <= both[0]).all() and (both[0] <= math.log(10) + 1e-6).all()
    running = np.cumsum(r.single_nll) / np.arange(1, p.samples + 1)
    reached = [
        Golden("a temperature changes no answer", float(r.right[0]), float(r.right[1]), 1e-12),
        Golden("0 ≤ mutual information ≤ entropy ≤ log 10", "yes", _yes(ordered)),
        Golden("-log of a mean is no more than the mean of -log (Jensen)", "yes", _yes((r.mean_nll <= running).all())),
        Golden("one pass is its own mean", float(r.single_nll[0]), float(r.mean_nll[0]), 1e-12),
        Golden("turned by 0 and moved by 0 are the same", float(r.moved[1, 0]), float(r.turned[1, 0]), 1e-4),
    ]
    if p == UncertaintyDigits():
        reached += [
            Golden("a quarter turn: more than twice the mutual information", "yes", _yes(_quarter(r) > 2)),
            Golden("the mean of all passes is better than one", "yes", _yes(r.mean_nll[-1] < r.mean_nll[0])),
        ]
    return tuple(reached)


def draw(p: UncertaintyDigits, r: Unsure) -> tuple[Panel | Table, ...]:
    """Reliability, digits turned and moved, and the curve over T."""
    names = ("as trained", f"temperature {r.temperature:.2f}")
    roles: tuple[drawing.Role, ...] = ("input", "output")
    figure, axes = drawing.sheet()
    drawing.line(axes, [0, 1], [0, 1], "muted", "honest")
    for row, role in enumerate(roles):
        full = np.isfinite(r.accuracy[row])
        drawing.line(axes, r.confidence[row][full], r.accuracy[row][full], role, names[row], marker="os"[row])
    drawing.label(axes, "How sure, how often right", "confidence", "share of right answers", "upper left")
    reliability = Panel(
        figure,
        f"Reliability on {p.tested} digits: "
        + "; ".join(f"{n} ECE {e:.3f}, NLL {loss:.3f}" for n, e, loss in zip(names, r.ece, r.nll, strict=True))
        + ".",
        "Ten bins of confidence. The temperature was fitted to 1,000 other digits; it changes no answer.",
    )
    panels = [reliability]
    for places, values, errors, title, axis in (
        (r.angles, r.turned, r.turned_errors, "Turned", "angle, degrees"),
        (r.shifts, r.moved, r.moved_errors, "Moved", "shift to the right, pixels"),
    ):
        figure, axes = drawing.sheet()
        drawing.line(axes, places, values[0], "input", "entropy", marker="o")
        drawing.line(axes, places, values[1], "output", "mutual information", marker="s")
        drawing.label(axes, title, axis, "nats, mean over digits", "upper left")
        axes.set_ylim(0, 2.3)
        panels.append(
            Panel(
                figure,
                f"{title}: "
                + "; ".join(
                    f"{place} error {e:.0f} %, entropy {h:.2f}, mutual information {i:.2f}"
                    for place, e, h, i in zip(places, errors, *values, strict=True)
                )
                + ".",
                f"{p.samples} passes with dropout on. Errors go from {errors[0]:.0f} to {errors.max():.0f} %; log 10 = "
                "2.30 would be no idea at all.",
            )
        )
    figure, axes = drawing.sheet()
    counts = np.arange(1, p.samples + 1)
    drawing.line(axes, counts, r.mean_nll, "output", "mean of T passes")
    drawing.line(axes, counts, np.full(p.samples, r.scaled_nll), "input", "one pass of the whole net")
    axes.set_xscale("log")
    ticks = [count for count in (1, 2, 5, 10, 20, 50, 100, 200, 400) if count <= p.samples]
    axes.set_xticks(ticks, [str(count) for count in ticks])
    axes.minorticks_off()
    drawing.label(axes, "How many passes", "T", "NLL, nats", "upper right")
    panels.append(
        Panel(
            figure,
            f"NLL of the mean: 1 pass {r.mean_nll[0]:.3f}, {p.samples} passes {r.mean_nll[-1]:.3f}; the whole net "
            f"once, weights scaled: {r.scaled_nll:.3f}.",
            "Each pass is a thinned net; their mean is compared with the whole net, which stands for that mean in one "
            "pass.",
        )
    )
    rows = tuple(
        (name, f"{100 * right:.1f} %", f"{ece:.3f}", f"{nll:.3f}")
        for name, right, ece, nll in zip(names, r.right, r.ece, r.nll, strict=True)
    )
    return (*panels, Table("Before and after the temperature.", ("net", "right", "ECE", "NLL, nats"), rows))


def _quarter(r: Unsure) -> float:
    """Mutual information near 90 degrees over that of upright digits."""
    return float(r.turned[1, np.abs(r.angles - 90).argmin()] / r.turned[1, 0])


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="uncertainty-digits",
    items=(24,),
    title="Asked many times",
    goal="Leave dropout on, ask many times, and see whether a net knows what it does not know.",
    formula="entropy of the mean = mean of the entropies + mutual information",
    idea="Softmax gives every answer a probability, but is it right as often as it says? A reliability diagram holds "
    "one against the other, and a single number, the temperature, divides all logits to make them honest.\n\n"
    "With dropout left on, every pass is another thinned net. Where each is unsure by itself, the digit is unclear; "
    "where each is sure and they disagree, nobody has learned it: that part is the mutual information. It should rise "
    "for digits that are turned or moved, which the net was never shown.",
    parameters=UncertaintyDigits,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take 2 epochs: is a net that has learned little too sure, or not sure enough?",
        "Train with 8,000 digits: which of the two parts of the entropy falls?",
        "Raise samples to 400: where does the curve over T stop falling?",
    ),
    surprise="A handful of passes already gives better probabilities than the whole net in one. Yet of digits turned "
    "by a right angle nine in ten are read wrongly, and the entropy stays below half of what it could be: to be unsure "
    "is not to know that one is wrong.",
)
