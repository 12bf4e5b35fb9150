"""Item 24: dropout on a 5 x 5 grid, in training and in evaluation."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..errors import ParameterError
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Grid, Parameters, Table, grid, real, whole

NUMBERS: Grid = (
    (0.3, -1.2, 0.8, 2.0, -0.5),
    (1.1, 0.4, -0.9, 0.6, 1.5),
    (-0.7, 1.9, 0.2, -1.4, 0.9),
    (0.5, -0.3, 1.3, 0.7, -1.1),
    (2.2, 0.1, -0.6, 1.0, 0.4),
)


@dataclass(frozen=True)
class DropoutGrid(Parameters):
    """A grid of activations, and how much of it goes."""

    numbers: Grid = grid(NUMBERS, "the activations, none of them 0")
    drop: float = real(0.5, 0.05, 0.9, "probability of being dropped")
    seed: int = whole(1, 0, 9999, "which masks")
    samples: int = whole(2000, 100, 10_000, "masks that are averaged")
    block: int = whole(5, 1, 12, "side of the blocks that DropBlock drops")

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 in np.array(self.numbers):
            raise ParameterError("numbers: a 0 cannot be told from what is dropped; give other numbers")


@dataclass(frozen=True)
class Dropped:
    """Grids before and after, the average over many masks, and who shares a fate in other layers."""

    x: Array
    trained: Array
    evaluated: Array
    mean: Array
    variance: Array
    ours: Array
    theirs: Array
    part: Array
    elements: Array
    channels: Array
    blocks: Array


def compute(p: DropoutGrid) -> Dropped:
    """One mask, many masks, no mask, and masks of other layers."""
    import torch

    activations = torch.tensor(p.numbers, dtype=torch.float64)
    layer = ft.nn.Dropout(p.drop, key=p.seed)
    x = activations.numpy()

    # one mask; a layer with a key makes it of the sample's number, so everybody sees the same one
    with ft.nn.at(sample=0):
        trained = layer(activations[None])[0].numpy()

    # the average over many
    with ft.nn.at(sample=range(p.samples)):
        many = layer(activations.expand(p.samples, *activations.shape))
    mean, variance = many.mean(0).numpy(), many.var(0).numpy()

    # without a key it draws what torch draws
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(p.seed)
        ours = ft.nn.Dropout(p.drop)(activations).numpy()
        torch.manual_seed(p.seed)
        theirs = torch.nn.Dropout(p.drop)(activations).numpy()

    # who shares a fate: nobody, a row of one channel, a block
    ones = torch.ones(1, 1, 24, 24)
    with ft.nn.at(sample=0):
        elements = layer(ones)[0, 0].numpy()
        channels = ft.nn.Dropout1d(p.drop, key=p.seed)(ones[0])[0].numpy()
        blocks = ft.nn.DropBlock2d(p.drop, block=p.block, key=p.seed)(ones)[0, 0].numpy()
    with ft.nn.at(origin=(7, 4), sample=0):
        part = ft.nn.DropBlock2d(p.drop, block=p.block, key=p.seed)(ones[..., 7:20, 4:15])[0, 0].numpy()

    # in evaluation nothing happens
    evaluated = layer.eval()(activations).numpy()
    return Dropped(x, trained, evaluated, mean, variance, ours, theirs, part, elements, channels, blocks)


def check(p: DropoutGrid, r: Dropped) -> tuple[Golden, ...]:
    """What is kept is scaled, evaluation is the identity, the average is x."""
    kept = r.trained != 0
    scale = 1 / (1 - p.drop)
    spread = np.abs(r.x) * np.sqrt(p.drop / (1 - p.drop) / p.samples)
    reached = [
        Golden("what is kept, over what it was", scale, _only(r.trained[kept] / r.x[kept]), 1e-12),
        Golden("evaluation, largest difference from x", 0.0, float(np.abs(r.evaluated - r.x).max())),
        Golden("torch.nn.Dropout on the same seed, largest difference", 0.0, float(np.abs(r.ours - r.theirs).max())),
        Golden("average over masks, furthest from x, in standard errors", 0.0, _furthest(r.mean - r.x, spread), 6.0),
        Golden(
            "a part of the mask made alone, largest difference", 0.0, float(np.abs(r.part - r.blocks[7:20, 4:15]).max())
        ),
        Golden("channels that are dropped in part", 0, int((r.channels != r.channels[:, :1]).any(axis=1).sum())),
    ]
    if p.drop == 0.5:
        reached.insert(0, Golden("nn.Dropout(p=0.5): kept values are doubled", 2.0, _only(r.trained[kept] / r.x[kept])))
    return tuple(reached)


def draw(p: DropoutGrid, r: Dropped) -> tuple[Panel | Table, ...]:
    """The grid before, in training, in evaluation; masks of three layers; the average."""
    dropped = r.trained == 0
    panels = []
    for values, role, title, shaded, caption in (
        (r.x, "input", "Before", None, "The activations of 25 units, say."),
        (r.trained, "output", "In training", ~dropped, "Dark cells are kept and scaled; the others are 0."),
        (r.evaluated, "output", "In evaluation", None, "The same layer after eval(): the input itself."),
    ):
        figure, axes = drawing.sheet("small", height=270)
        # 0 times a negative number is -0
        drawing.numbers(axes, np.round(values, 3) + 0.0, role, title, shaded=shaded)
        panels.append(Panel(figure, f"{title}: rows {_rows(values)}.", caption, "small"))
    fates = []
    for values, title, caption in (
        (r.elements, "Dropout", "Each element alone: its neighbours tell the next layer what it would have said."),
        (r.channels, "Dropout1d, rows are channels", "A channel goes whole, so that nothing tells what it said."),
        (r.blocks, f"DropBlock2d, {p.block} × {p.block}", "Blocks go. At the border as often as inside."),
    ):
        figure, axes = drawing.sheet("small", height=270)
        share = float((values == 0).mean())
        drawing.grey(axes, (values != 0).astype(float), f"{title}: {share:.0%} gone")
        fates.append(
            Panel(
                figure,
                f"{len(values)} by {len(values)} ones after {title}: {share:.1%} are dropped, drawn black.",
                caption,
                "small",
            )
        )
    theory = r.x**2 * p.drop / (1 - p.drop)
    table = Table(
        f"The first row over {p.samples:,} masks: what the next layer sees on average is x.",
        ("x", "values", "average", "variance", "x² p / (1 − p)"),
        tuple(
            (f"{x:g}", f"0 or {x / (1 - p.drop):.4g}", f"{mean:.4f}", f"{variance:.4f}", f"{law:.4f}")
            for x, mean, variance, law in zip(r.x[0], r.mean[0], r.variance[0], theory[0], strict=True)
        ),
    )
    return *panels, *fates, table


def _only(values: Array) -> float:
    """The one value that all have, to 12 digits; NaN if there is none, or several."""
    found = np.unique(np.round(values, 12))
    return float(found[0]) if len(found) == 1 else float("nan")


def _furthest(away: Array, spread: Array) -> float:
    return float(np.abs(away / spread).max())


def _rows(values: Array) -> str:
    return " / ".join(" ".join(f"{value:.3g}" for value in row) for row in values.tolist())


EXPERIMENT = Experiment(
    slug="dropout-grid",
    items=(24,),
    title="Dropout on a grid",
    goal="See which numbers go, how the others are scaled, and that evaluation changes nothing.",
    formula="y = m · x / (1 − p),   m = 1 with probability 1 − p, else 0     E[y] = x,   Var[y] = x² p / (1 − p)",
    idea="In training each number is kept with probability 1 − p, or set to 0. A unit can then not rely on one other "
    "unit, for it may be absent the next time. What is kept is divided by 1 − p, so that the next layer gets the same "
    "sum on average; in evaluation nothing is dropped and nothing has to be scaled.\n\n"
    "In a picture neighbours say nearly the same, so dropping one alone takes little away. Layers for pictures drop "
    "whole channels, or blocks.",
    parameters=DropoutGrid,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Set drop to 0.9: few are left, each ten times as large. The average is still x, but far noisier.",
        "Change the seed: other numbers go. The same seed gives the same mask on every machine.",
        "Set block to 1: DropBlock2d is then as scattered as Dropout.",
    ),
    surprise="Not exactly half of the numbers go at p = 0.5: each falls alone, and of 25 between 8 and 17 are gone in "
    "19 of 20 masks.",
)
