"""Item 13: pooling keeps one number per window."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..errors import ParameterError
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Grid, Parameters, Table, grid, whole

NUMBERS: Grid = ((0.8724, -1.1383, 0.0582, 0.3185, 1.9933, -0.6547, -0.8365, -0.0783, 0.5539, -0.5272),)
PICTURE: Grid = ((3, 3, 2, 1), (0, 0, 1, 3), (3, 1, 2, 2), (2, 0, 0, 2))


@dataclass(frozen=True)
class PoolingSteps(Parameters):
    """A row of numbers and a small picture, each with its window."""

    numbers: Grid = grid(NUMBERS, "the row of numbers")
    size: int = whole(3, 1, 8, "length of the window over the row")
    stride: int = whole(2, 1, 8, "step from window to window over the row")
    picture: Grid = grid(PICTURE, "the picture; its windows are 2 x 2, side by side")

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.numbers) != 1 or len(self.numbers[0]) < self.size:
            raise ParameterError(f"numbers: give one row of at least size={self.size} numbers, as ((1, 2, 3),)")
        if min(np.shape(self.picture)) < 2:
            raise ParameterError("picture: give at least 2 x 2 numbers")


@dataclass(frozen=True)
class Pooled:
    """Results, and which sample of the row won each window."""

    row: Array
    largest: Array
    mean: Array
    winners: Array
    x: Array
    largest_2d: Array
    mean_2d: Array
    moved: Array


def compute(p: PoolingSteps) -> Pooled:
    """The largest and the mean of every window."""
    row = np.array(p.numbers[0])
    largest = ft.max_pool(row, p.size, stride=p.stride)
    mean = ft.avg_pool(row, p.size, stride=p.stride)

    # which sample won: the place inside each window, plus where the window starts
    windows = np.lib.stride_tricks.sliding_window_view(row, p.size)[:: p.stride]
    winners = windows.argmax(axis=1) + p.stride * np.arange(len(windows))

    x = np.array(p.picture)
    largest_2d = ft.max_pool(x, 2)
    mean_2d = ft.avg_pool(x, 2)

    # the row one place later, what enters being no winner
    moved = ft.max_pool(np.concatenate([[row.min()], row[:-1]]), p.size, stride=p.stride)
    return Pooled(row, largest, mean, winners, x, largest_2d, mean_2d, moved)


def check(p: PoolingSteps, r: Pooled) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    blocks = r.x[: r.x.shape[0] // 2 * 2, : r.x.shape[1] // 2 * 2]
    means = blocks.reshape(len(blocks) // 2, 2, -1, 2).mean(axis=(1, 3))
    reached = [
        Golden("the largest are the winners' values", r.row[r.winners], r.largest),
        Golden("numbers out = ⌊(n − size) / stride⌋ + 1", (len(r.row) - p.size) // p.stride + 1, len(r.largest)),
        Golden("mean of the 2 × 2 blocks, largest difference", 0.0, float(np.abs(means - r.mean_2d).max()), 1e-6),
    ]
    if (p.numbers, p.size, p.stride) == (NUMBERS, 3, 2):
        reached.append(Golden("MaxPool1d(3, stride=2)", [0.8724, 1.9933, 1.9933, 0.5539], r.largest))
    if p.picture == PICTURE:
        reached.append(Golden("2 × 2, largest", [[3, 3], [3, 2]], r.largest_2d))
    return tuple(reached)


def draw(p: PoolingSteps, r: Pooled) -> tuple[Panel | Table, ...]:
    """The row with its windows and winners; the picture and its blocks."""
    figure, axes = drawing.sheet("wide", height=230)
    colour = drawing.COLOURS["kernel"][0]
    drawing.stems(axes, np.arange(len(r.row)), r.row, "input", "numbers")
    top = float(r.row.max()) + 0.12 * float(np.ptp(r.row) or 1)
    step = 0.12 * float(np.ptp(r.row) or 1)
    for number, (value, winner) in enumerate(zip(r.largest, r.winners, strict=True)):
        start = number * p.stride
        # neighbours overlap, so they lie on two levels
        level = top + step * (number % 2)
        axes.plot([start - 0.3, start + p.size - 0.7], [level, level], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot([winner, winner], [value, level], color=colour, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.plot(
        r.winners,
        r.largest,
        linestyle="none",
        marker="o",
        markersize=11,
        fillstyle="none",
        color=drawing.COLOURS["output"][0],
        markeredgewidth=2,
        label="largest of its window",
    )
    axes.set_xticks(range(len(r.row)))
    drawing.label(axes, f"Windows of {p.size}, {p.stride} apart", "place", "value", legend="lower right")
    row = Panel(
        figure,
        f"Numbers {_words(r.row)}. The largest of each window of {p.size}, {p.stride} apart: {_words(r.largest)}, from "
        f"places {' '.join(map(str, r.winners))}.",
        "Bars are windows, rings are winners. A large number may win two windows; most numbers never come through.",
        "wide",
    )
    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.x, "input", "Picture", window=(0, 0, 2, 2))
    picture = Panel(figure, f"The picture, rows {_rows(r.x)}.", "The dashed box is the first window.", "small")
    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.largest_2d, "output", "Largest")
    largest = Panel(figure, f"Largest of each 2 by 2 block: {_rows(r.largest_2d)}.", "Max pooling.", "small")
    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.mean_2d, "output", "Mean")
    mean = Panel(
        figure,
        f"Mean of each 2 by 2 block: {_rows(r.mean_2d)}.",
        "Average pooling: a convolution with stride.",
        "small",
    )
    table = Table(
        "The row, window by window.",
        ("window", "numbers", "largest", "from place", "mean", "largest, row moved by one"),
        tuple(
            (
                str(number),
                _words(r.row[number * p.stride : number * p.stride + p.size]),
                f"{r.largest[number]:.4f}",
                str(r.winners[number]),
                f"{r.mean[number]:.4f}",
                f"{r.moved[number]:.4f}",
            )
            for number in range(len(r.largest))
        ),
    )
    return row, picture, largest, mean, table


def _words(values: Array) -> str:
    return " ".join(f"{value:g}" for value in values.tolist())


def _rows(values: Array) -> str:
    return " / ".join(_words(row) for row in values)


EXPERIMENT = Experiment(
    slug="pooling",
    items=(13,),
    title="Pooling",
    goal="Shrink a result by keeping one number per window, and see what is lost.",
    formula="numbers out = ⌊(n − size) / stride⌋ + 1     ⌊(10 − 3) / 2⌋ + 1 = 4",
    idea="A pooling window moves like a kernel but has no weights: it answers with its largest number, or with the "
    "mean. "
    "The mean is a convolution with equal weights. The maximum is none: it is not linear, and it forgets where inside "
    "the window the winner stood. That is its purpose: a feature may move a little without being lost.",
    parameters=PoolingSteps,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Negate the numbers: the largest are now the former smallest, not the negated result.",
        "Set the stride to 1: nothing is skipped, and large numbers spread.",
        "Move the row by one place (last column of the table): which results change, and why those?",
    ),
    surprise="1.9933 appears twice in the result, 0.0582 not at all. Where windows overlap, one large number can "
    "silence "
    "all its neighbours.",
    slips=(
        "The slide asks for randn(1, 1, 20), twenty numbers, and prints ten. The ten printed are the ones above, and "
        "they "
        "do give the printed result.",
    ),
)
