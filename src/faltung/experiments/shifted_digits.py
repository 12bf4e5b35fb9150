"""Item 1: why more than dense layers: a digit that has moved is another digit to them."""

from dataclasses import dataclass

import numpy as np

from ..spec import Array
from . import drawing
from .classifiers import conv_net, dense_net, digit_tensors, framed, num_parameters, scores, train
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole

NETS = ("dense", "convolution")
_ROLES: tuple[drawing.Role, ...] = ("input", "output")


@dataclass(frozen=True)
class ShiftedDigits(Parameters):
    """Two nets, trained on digits in the middle, tested on digits that have moved."""

    digits: int = whole(1500, 200, 8000, "digits to train with, of 8,000")
    tested: int = whole(300, 50, 2000, "other digits to test with, each at every place")
    hidden: int = whole(32, 2, 256, "hidden units of the dense net; it has 1,307 numbers for each, and 10")
    epochs: int = whole(10, 1, 100, "how often each digit is seen")
    digit: int = whole(3, 0, 49, "which of the test digits is shown on its way")
    seed: int = whole(0, 0, 9999, "which first weights and random numbers")


@dataclass(frozen=True)
class Shifted:
    """Rows are the dense net and the convolutions; errors in per cent, one column for each shift."""

    shifts: Array
    errors: Array
    sizes: list[int]
    layer_sizes: list[int]
    changes: Array
    moved: Array
    answers: list[list[int]]


def compute(p: ShiftedDigits) -> Shifted:
    """Train on digits in the middle of a frame, then move digits from side to side and up and down."""
    images, labels, test_images, test_labels = digit_tensors(p.digits)
    test_images, test_labels = test_images[: p.tested], test_labels[: p.tested]
    nets = [dense_net(p.hidden, num_pixels=36 * 36, layers=1, seed=p.seed), conv_net(seed=p.seed)]
    shifts = np.arange(9)
    errors = np.zeros((2, len(shifts)))
    changes = np.zeros((2, len(shifts)))
    answers = []
    for row, net in enumerate(nets):
        train(net, framed(images), labels, epochs=p.epochs, rate=5e-3, seed=p.seed)
        centred = scores(net, framed(test_images))
        for shift in shifts.tolist():
            for down, right in [(shift, 0), (-shift, 0), (0, shift), (0, -shift)]:
                found = scores(net, framed(test_images, down=down, right=right))
                errors[row, shift] += 100 * (found.argmax(axis=1) != test_labels.numpy()).mean() / 4
                changes[row, shift] = max(changes[row, shift], np.abs(found - centred).max())

        # one digit on its way to the right
        on_its_way = [framed(test_images[p.digit : p.digit + 1], right=right) for right in (0, 2, 4, 6)]
        answers.append([int(scores(net, place).argmax()) for place in on_its_way])
    moved = np.stack([place[0, 0].numpy() for place in on_its_way])

    # numbers to learn for the same first step: 28 x 28 pixels to 8 maps of 28 x 28
    layer_sizes = [784 * 8 * 784 + 8 * 784, 8 * 5 * 5 + 8]
    sizes = [num_parameters(net) for net in nets]
    return Shifted(shifts, errors, sizes, layer_sizes, changes, moved, answers)


def check(p: ShiftedDigits, r: Shifted) -> tuple[Golden, ...]:
    """What must hold for any weights, and what training came to in the default case."""
    reached = [
        Golden(
            "convolutions: largest change of any answer by a shift of 4 or 8", 0.0, r.changes[1, [4, 8]].max(), 1e-4
        ),
        Golden("so its error there is that in the middle", float(r.errors[1, 0]), float(r.errors[1, 4]), 1e-9),
        Golden("numbers of the dense net: 1,307 for each hidden unit, and 10", 1307 * p.hidden + 10, r.sizes[0]),
        Golden("numbers of the three convolutions and the last layer", 8394, r.sizes[1]),
        Golden("first step alone, dense and convolution", [4_923_520, 208], r.layer_sizes),
    ]
    if p == ShiftedDigits():
        reached += [
            Golden("moved by 4: the dense net errs on more than half", "yes", _yes(r.errors[0, 4] > 50)),
            Golden("convolutions: no shift adds more than 5 points", "yes", _yes(np.ptp(r.errors[1]) < 5)),
        ]
    return tuple(reached)


def draw(p: ShiftedDigits, r: Shifted) -> tuple[Panel | Table, ...]:
    """One digit on its way, errors over the shift, and the counts."""
    figure, axes = drawing.sheet("wide", height=270)
    for row, role in enumerate(_ROLES):
        drawing.line(axes, r.shifts, r.errors[row], role, f"{NETS[row]}, {r.sizes[row]:,} numbers", marker="os"[row])
    axes.axhline(90, color=drawing.COLOURS["muted"][0], linewidth=1, linestyle=(0, (4, 3)))
    axes.text(0, 91.5, "guessing", color=drawing.COLOURS["muted"][0], fontsize=9.5)
    axes.set_ylim(0, 104)
    drawing.label(axes, "A digit that has moved", "shift, pixels", "test error, %", "center right")
    curve = Panel(
        figure,
        "Test error in per cent for shifts of 0 to 8 pixels: "
        + "; ".join(f"{name} " + ", ".join(f"{e:.1f}" for e in line) for name, line in zip(NETS, r.errors, strict=True))
        + ".",
        "Both nets learned digits in the middle only. Mean over shifts up, down, left and right; what little leaves on "
        "one side comes back on the other.",
        "wide",
    )
    figure, axes = drawing.sheet("wide", height=255)
    # paper is white and ink black, as on paper; a gap of nothing between the pictures
    strip = [np.pad(1 - picture, ((0, 0), (2, 2)), constant_values=np.nan) for picture in r.moved]
    drawing.grey(axes, np.ma.masked_invalid(np.concatenate(strip, axis=1)))
    for place in range(4):
        drawing.frame(axes, 40 * place + 1.5, -0.5, 36, 36)
    ink, muted = drawing.COLOURS["ink"][0], drawing.COLOURS["muted"][0]
    for place, right in enumerate((0, 2, 4, 6)):
        middle = 40 * place + 19.5
        axes.text(middle, 39, f"moved by {right}", ha="center", va="top", fontweight="bold", color=ink)
        for line, (name, answers) in enumerate(zip(NETS, r.answers, strict=True)):
            axes.text(middle, 43.5 + 4 * line, f"{name}: {answers[place]}", ha="center", va="top", color=muted)
    axes.set_ylim(51, -0.5)
    digit = Panel(
        figure,
        "One test digit, moved to the right by 0, 2, 4 and 6 pixels. "
        + "; ".join(f"{name} says {' '.join(map(str, answers))}" for name, answers in zip(NETS, r.answers, strict=True))
        + ".",
        "The same digit to the eye, and what the nets call it. To the dense net every pixel has its own weights, and "
        "those of the middle no longer meet it.",
        "wide",
    )
    table = Table(
        "The same first step twice: from 28 × 28 pixels to 8 maps of 28 × 28.",
        ("layer", "numbers to learn", "what they say"),
        (
            ("dense", f"{r.layer_sizes[0]:,}", "each output has its own weight for every pixel"),
            ("convolution, 5 × 5", f"{r.layer_sizes[1]:,}", "one small kernel a map, the same at every place"),
            ("the whole dense net here", f"{r.sizes[0]:,}", f"36 · 36 pixels, {p.hidden} hidden units, 10 answers"),
            (
                "the whole net of convolutions here",
                f"{r.sizes[1]:,}",
                "8, 16 and 32 maps, the largest of each, 10 answers",
            ),
        ),
    )
    return digit, curve, table


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="shifted-digits",
    items=(1,),
    title="Why more than dense layers",
    goal="Count what a dense layer and a convolution have to learn, then move a digit by a few pixels.",
    formula="dense: y = W x, a weight for every pair     convolution: y = k ∗ x, so a shift of x is a shift of y",
    idea="A scalar is a number, a vector a row of them, a matrix a table; a dense layer is a matrix times a vector. It "
    "treats a picture as a list: neighbours mean nothing to it, and what it learns at one place is unknown at the "
    "next.\n\n"
    "A convolution has one small kernel for all places. That is far less to learn, and a picture that moves gives maps "
    "that move. Taking the largest value of each map forgets where it was. Two steps of stride 2 keep only every "
    "fourth pixel, so a shift by 4 changes nothing at all, whatever the weights, and one by 2 a little.",
    parameters=ShiftedDigits,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Train with 8,000 digits: the dense net gets better in the middle, and no better elsewhere.",
        "Take 256 hidden units: forty times as many numbers as the convolutions have, and the same fall.",
        "Take 1 epoch: the convolutions err more, but a shift by 4 still changes no answer.",
    ),
    surprise="A shift by two pixels, which hardly anyone would notice, is enough to make the dense net err several "
    "times as often. The net of convolutions has a fifth of its numbers and was never shown a moved digit.",
)
