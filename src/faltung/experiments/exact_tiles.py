"""Item 15: pictures of any size by the overlap-tile strategy of U-Net, and what goes wrong with a little less of it."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .classifiers import seeded
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole

ROUNDING = 1e-5
"""Of a probability: what another order of the same sums may change."""


@dataclass(frozen=True)
class ExactTiles(Parameters):
    """A small U-Net, trained on the left half of a picture of nuclei; the right half is run whole and in tiles."""

    tile: int = whole(128, 32, 256, "side of a tile, in pixels")
    width: int = whole(8, 2, 32, "channels of the net's first block; each of two levels below has twice as many")
    steps: int = whole(20, 1, 500, "steps of training, each on four crops")
    seed: int = whole(0, 0, 9999, "which first weights and crops")


@dataclass(frozen=True)
class Run:
    """Ways to run the net on the picture: the planned tiles come first, and their halo is the whole one.

    Differences are of the probability of a nucleus, against the run on the whole; work is pixels run over those of the
    picture; flipped counts pixels on the other side of a half.
    """

    picture: Array
    probability: Array
    ways: list[str]
    differences: Array
    work: list[float]
    flipped: list[int]
    reach: int
    grid: int
    halo: int
    told: str


def compute(p: ExactTiles) -> Run:
    """Train; run the unseen half as a whole, in planned tiles, with halos too short, and in blended windows."""
    import torch

    learned, tested = ft.data.nuclei("train"), ft.data.nuclei("test")
    picture = tested.x[0, 0]
    config = ft.training.Config(
        epochs=1,
        repeats=4 * p.steps,
        batch_size=4,
        crop=(48, 48),
        augment=("flips",),
        learning_rate=0.02,
        validation=0.0,
        device="cpu",
        threads=1,
        seed=p.seed,
    )
    with seeded(p.seed), torch.no_grad():
        with torch.enable_grad():
            run = ft.training.train(ft.networks.UNet(width=p.width, depth=2), learned, config=config)
        net, x = run.model.eval(), run.saved.facts.prepare(tested.x)

        # how far the net sees, by following it; then its tiles
        found = ft.tiling.plan(net, x.shape, tile=p.tile)
        told, reach, grid, halo = f"{found}", found.reach[0][0], found.grid[0], found.halo[0][0]
        scores = {"the whole": net(x), "tiles as planned": ft.tiling.apply(net, x, plan=found)}
        work, (height, width) = [found.work], found.tile

        # the same tiles, read with less around them
        for less, name in ((grid, "one step of the grid less"), (1, "one pixel less"), (halo, "no halo")):
            y, pixels, beyond = torch.empty_like(scores["the whole"]), 0, halo - less
            for top in range(0, x.shape[2], height):
                for left in range(0, x.shape[3], width):
                    first, start = max(top - beyond, 0), max(left - beyond, 0)
                    part = x[:, :, first : top + height + beyond, start : left + width + beyond]
                    own = net(part)[:, :, top - first :, left - start :][:, :, :height, :width]
                    y[:, :, top : top + height, left : left + width] = own
                    pixels += part.numel()
            scores[name] = y
            work.append(pixels / x.numel())

        # windows that overlap by a half, averaged with weights that fall towards their border
        fall = torch.exp(-(((torch.arange(p.tile) - (p.tile - 1) / 2) / (p.tile / 8)) ** 2) / 2)
        weights = (fall[:, None] * fall).clamp(min=1e-3)
        total, weight, pixels = torch.zeros_like(scores["the whole"]), torch.zeros_like(x), 0
        tops, lefts = ([*range(0, size - p.tile, p.tile // 2), size - p.tile] for size in picture.shape)
        for top in tops:
            for left in lefts:
                part = (..., slice(top, top + p.tile), slice(left, left + p.tile))
                total[part] += net(x[part]) * weights
                weight[part] += weights
                pixels += weights.numel()
        scores["windows blended by Gaussians"] = total / weight
        work.append(pixels / x.numel())

    probability, *others = (y.softmax(1)[0, 1].numpy() for y in scores.values())
    ways = list(scores)[1:]
    differences = np.abs(np.stack(others) - probability)
    flipped = [int(((other > 0.5) != (probability > 0.5)).sum()) for other in others]
    return Run(picture, probability, ways, differences, work, flipped, reach, grid, halo, told)


def check(p: ExactTiles, r: Run) -> tuple[Golden, ...]:
    """Planned tiles are the whole; whatever saves a part of the halo is not."""
    largest = r.differences.max((1, 2))
    exact, short, off, none, blended = (float(value) for value in largest)
    reached = [
        Golden("planned tiles against the whole: largest difference", 0.0, exact, ROUNDING),
        Golden("pixels that they put on the other side", 0, r.flipped[0], 0 if exact == 0 else 2),
        Golden("the halo is the reach, up to the grid", -(-r.reach // r.grid) * r.grid, r.halo),
        Golden("the net's reach, grid and halo", [22, 4, 24], [r.reach, r.grid, r.halo]),
    ]
    if p == ExactTiles():
        reached += [
            Golden("one step of the grid less differs by more than rounding", "yes", _yes(short > 3 * ROUNDING)),
            Golden("one pixel less, off the grid, by more than that", "yes", _yes(off > 3 * short)),
            Golden("no halo and blended windows differ by more than 0.05", "yes", _yes(min(none, blended) > 0.05)),
            Golden("blending costs more work than exact tiles", "yes", _yes(r.work[4] > 1.2 * r.work[0])),
        ]
    return tuple(reached)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def draw(p: ExactTiles, r: Run) -> tuple[Panel | Table, ...]:
    """The picture and the answer, where each way differs, and what it costs."""
    cells = [_largest_nearby(own) for own in r.differences]
    # all but those without a halo, which nobody runs
    shown = [0, 1, 2, 4]
    figure, axes = drawing.sheet("wide", columns=2 + len(shown), height=300)
    drawing.grey(axes[0], np.clip(r.picture / np.quantile(r.picture, 0.995), 0, 1), "the unseen half")
    drawing.grey(axes[1], r.probability, "P(nucleus)")
    words = {0: "as planned", 1: "a step less", 2: "a pixel less", 4: "blended"}
    for place, i in zip(axes[2:], shown, strict=True):
        drawing.magnitude(place, cells[i], words[i])
    largest = [f"{_number(own.max())} for {name}" for name, own in zip(r.ways, r.differences, strict=True)]
    seen = Panel(
        figure,
        "Right half of a picture of nuclei, the net's probability of a nucleus for it, and four maps of how far other"
        f" runs differ from the whole. Largest differences: {', '.join(largest)}. One step less differs along "
        "the inner borders of the tiles, one pixel less around the nuclei of all tiles that begin between the pairs, "
        "blended windows where their borders meet that of the picture.",
        f"Differences of the probability from the run on the whole; a cell shows the largest of {CELL} x {CELL} "
        "pixels, and each map has its own scale.",
        "wide",
    )
    rows = tuple(
        (name, f"{work:.2f}", _number(own.max()), f"{flipped:,}")
        for name, work, own, flipped in zip(r.ways, r.work, r.differences, r.flipped, strict=True)
    )
    headings = ("way", "pixels run over the picture's", "largest difference", "pixels on the other side of a half")
    return seen, Table(
        f"Tiles of {p.tile} pixels against the whole. The net sees {r.reach} pixels beyond a tile, tiles begin at "
        f"multiples of {r.grid}: so {r.halo} are read.",
        headings,
        rows,
    )


CELL = 4


def _largest_nearby(values: Array) -> Array:
    """Seams are thin: of each cell the largest value, so that none is lost where a map is drawn small."""
    rows, columns = (size // CELL for size in values.shape)
    return values[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL).max((1, 3))


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.3g}"


EXPERIMENT = Experiment(
    slug="exact-tiles",
    items=(15,),
    title="Any size: tiles that equal the whole",
    goal="Run a U-Net on tiles of a picture so that nothing tells of them, and see what a pixel less does.",
    formula="halo = ⌈reach / grid⌉ · grid = ⌈22 / 4⌉ · 4 = 24     work = pixels run / pixels of the picture",
    idea="A picture too large for memory is cut into tiles. The paper calls its way overlap-tile: a tile is read with "
    "more around it than it answers for, and only its own part of the answer is kept. How much more is no matter of "
    "taste. A pixel of the answer depends on those within the net's reach, 22 here; a tile with that much around it "
    "sees for its own part all that the whole would have seen. Two things have to fit besides: maxima over 2 x 2 take "
    "their pairs from the picture's first pixel on, so tiles must begin at multiples of 4; and what the net makes up "
    "outside, by mirroring, belongs to the border of the picture and not to that of a tile.\n\n"
    "ft.tiling.plan follows the net without running it, and finds all three for any module, or says which layer "
    "forbids it. Many programs take another way: windows that overlap somehow are averaged, with weights that fall "
    "towards the border. That hides the seams, and changes the answer.",
    parameters=ExactTiles,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take tiles of 64: 2.6 times the work, small tiles pay for their halo. Differences of 0.000001 come up: for "
        "small inputs torch sums in another order, and the plan says so.",
        "Take one step of training: a net that has learned little disagrees with itself in other places, yet the "
        "planned tiles still equal the whole.",
        "Print the plan of a net of your own: print(ft.tiling.plan(net, (1, 1, 512, 512), tile=128)).",
    ),
    surprise="One pixel less of halo is far worse than four pixels less: tiles then begin between the pairs of the "
    "maxima, and the net sees another picture. And blending, the most expensive way here, still changes the answer: it "
    "averages what is right with what did not see enough.",
)
