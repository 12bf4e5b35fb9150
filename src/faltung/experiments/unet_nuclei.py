"""Item 15: what convolution is good for: a U-Net finds nuclei; and how the sizes of the paper's net come out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .classifiers import num_parameters, seeded
from .drawing import Panel
from .experiment import Experiment, Golden, Listing, Parameters, Table, choice, whole

PAPER = 572


@dataclass(frozen=True)
class UnetNuclei(Parameters):
    """A small U-Net, trained on the left half of a picture, tested on the right half."""

    width: int = whole(8, 2, 64, "channels of the first block; each level below has twice as many")
    depth: int = whole(2, 1, 4, "levels below the first")
    padding: Literal["reflect", "mirror", "zero"] = choice(
        "reflect", ("reflect", "mirror", "zero"), "what stands outside the picture"
    )
    steps: int = whole(60, 2, 2000, "steps of training, each on eight crops drawn from the left half")
    crop: int = whole(48, 16, 128, "side of a crop, in pixels")
    seed: int = whole(0, 0, 9999, "which first weights and crops")


@dataclass(frozen=True)
class Found:
    """The unseen half, what is in it, and who finds it; Dice and counts are of net and Otsu's threshold."""

    picture: Array
    truth: Array
    probability: Array
    by_net: Array
    by_otsu: Array
    dice: list[float]
    counts: list[int]
    size: int
    paper_sizes: list[list[int]]
    paper_rule: str
    paper_output: int


def compute(p: UnetNuclei) -> Found:
    """Train, predict the half that was not seen, and work out the sizes of the paper's net."""
    from skimage.filters import threshold_otsu

    learned, tested = ft.data.nuclei("train"), ft.data.nuclei("test")
    picture, truth = tested.x[0, 0], tested.y[0] == 1
    config = ft.training.Config(
        epochs=1,
        repeats=8 * p.steps,
        batch_size=8,
        crop=(p.crop, p.crop),
        augment=("flips",),
        learning_rate=0.01,
        validation=0.0,
        device="cpu",
        threads=1,
        seed=p.seed,
    )
    with seeded(p.seed):
        net = ft.networks.UNet(width=p.width, depth=p.depth, padding=p.padding)
        run = ft.training.train(net, learned, config=config)
        probability = ft.training.predict(run, tested.x)[0, 1]
    size = num_parameters(net)

    # a threshold asks each pixel alone, the net what stands around it
    by_net, by_otsu = probability > 0.5, picture > threshold_otsu(picture)
    dice = [2 * float((found & truth).sum() / (found.sum() + truth.sum())) for found in (by_net, by_otsu)]
    parts = [ft.data.connected_parts(found, least_px=20) for found in (truth, by_net, by_otsu)]
    counts = [int(part.max()) for part in parts]

    # the net of the paper, where nothing is padded: sizes by following it, without running it
    paper = ft.networks.UNet(width=64, depth=4, padding="valid", norm=None)
    formula = ft.networks.output_size(paper, (1, 1, None, None))
    paper_rule, paper_output = f"{formula.valid}", formula(572)[3]
    layers = ft.networks.inspect(paper, (1, 1, 572, 572)).layers
    slides = ("conv2d", "max_pool2d", "conv_transpose2d")
    paper_sizes = [[layer.shape[1], layer.shape[3]] for layer in layers if layer.operation in slides]
    return Found(
        picture, truth, probability, by_net, by_otsu, dice, counts, size, paper_sizes, paper_rule, paper_output
    )


def check(p: UnetNuclei, r: Found) -> tuple[Golden, ...]:
    """The paper's sizes, and what training came to in the default case."""
    down, up = [572 - 2, 572 - 4], [392 - 2, 392 - 4]
    reached = [
        Golden("the paper's net: 572 in", 388, r.paper_output),
        Golden("its sizes", "16n + 12 with n >= 11: 188, 204, 220, ...", r.paper_rule),
        Golden("first block on the way down, last on the way up", [*down, *up], _first_and_last(r.paper_sizes)),
        Golden("channels at the bottom", 1024, max(channels for channels, _ in r.paper_sizes)),
        Golden("an answer for every pixel", list(r.picture.shape), list(r.probability.shape)),
    ]
    if p == UnetNuclei():
        reached += [
            Golden("Dice of the net is above 0.9", "yes", "yes" if r.dice[0] > 0.9 else "no"),
            Golden("and above that of Otsu's threshold", "yes", "yes" if r.dice[0] > r.dice[1] + 0.03 else "no"),
        ]
    return tuple(reached)


def _first_and_last(sizes: list[list[int]]) -> list[int]:
    """Sizes behind the two convolutions of the first block, and behind those of the last, before the last layer."""
    return [size for _, size in (*sizes[:2], *sizes[-3:-1])]


def draw(p: UnetNuclei, r: Found) -> tuple[Panel | Table | Listing, ...]:
    """The unseen half four times, the counts, and the paper's arithmetic."""
    figure, axes = drawing.sheet("wide", height=330)
    bright = np.clip(r.picture / np.quantile(r.picture, 0.995), 0, 1)
    strips = [bright, r.truth, r.probability, r.by_otsu]
    gap = np.full((r.picture.shape[0], 8), np.nan)
    columns = [part for strip in strips for part in (np.asarray(strip, float), gap)][:-1]
    drawing.grey(axes, np.ma.masked_invalid(np.concatenate(columns, axis=1)))
    height, width = r.picture.shape
    ink, muted = drawing.COLOURS["ink"][0], drawing.COLOURS["muted"][0]
    words = [
        ("the unseen half", "fluorescence"),
        ("nuclei in it", f"{r.counts[0]} parts"),
        ("U-Net: probability", f"Dice {r.dice[0]:.3f}, {r.counts[1]} parts"),
        ("Otsu's threshold", f"Dice {r.dice[1]:.3f}, {r.counts[2]} parts"),
    ]
    for place, (name, score) in enumerate(words):
        drawing.frame(axes, place * (width + 8) - 0.5, -0.5, width, height)
        middle = place * (width + 8) + width / 2
        axes.text(middle, height + 12, name, ha="center", va="top", fontweight="bold", color=ink)
        axes.text(middle, height + 46, score, ha="center", va="top", color=muted)
    axes.set_ylim(height + 80, -0.5)
    seen = Panel(
        figure,
        "Right half of a picture of nuclei, its labels, the U-Net's probability of a nucleus and Otsu's threshold. "
        f"Dice of the net {r.dice[0]:.3f}, of the threshold {r.dice[1]:.3f}; {r.counts[0]} parts are there, the net "
        f"has {r.counts[1]}, the threshold {r.counts[2]}.",
        f"The net has {r.size:,} numbers and saw {p.steps} times eight crops, of the left half only. Parts are what "
        "hangs together in a mask and has 20 pixels or more.",
        "wide",
    )
    return seen, Listing("The net of the paper, 572 pixels in: sizes along one side.", _u_shape(r.paper_sizes))


def _u_shape(sizes: list[list[int]]) -> str:
    """A line for each level: sizes on the way down, what is cut out of the bridge, sizes on the way up."""
    depth = (len(sizes) - 3) // 6
    before = PAPER
    down = []
    for level in range(depth + 1):
        # two convolutions, and a maximum between the levels
        found = [size for _, size in sizes[3 * level : 3 * level + 2]]
        down.append([before, *found])
        before = sizes[3 * level + 2][1]
    lines = []
    for level in range(depth + 1):
        left = "   " * level + " -> ".join(f"{size}" for size in down[level])
        if level == depth:
            lines.append(f"{left:<26}")
            continue
        start = 3 * depth + 2 + 3 * (depth - 1 - level)
        up = [size for _, size in sizes[start : start + 3]]
        right = " -> ".join(f"{size}" for size in up)
        lines.append(f"{left:<26}-- middle {up[0]:>3} of {down[level][-1]:>3} -->   {right}")
    lines[0] += f" -> {sizes[-1][1]}"
    return "\n".join(lines)


EXPERIMENT = Experiment(
    slug="unet-nuclei",
    items=(15,),
    title="What it is good for: segmentation",
    goal="Let a U-Net learn from half a picture what a nucleus is, and hold it against a threshold on the other half.",
    formula="a block without padding: n → n − 4     maximum over 2: n → n / 2     up: n → 2 n     "
    "so n − 184 = 388 for 572",
    idea="A segmentation says for every pixel what it belongs to. A U-Net is convolutions only: on the way down the "
    "picture is halved again and again, so that a small kernel sees far; on the way up it is enlarged and joined with "
    "what was known at that size before. What a pixel is depends on what surrounds it; where exactly the border runs, "
    "on the pixel itself.\n\n"
    "Without padding each block of two 3 × 3 convolutions takes 4 pixels, and every maximum must get an even size: "
    "that is a rule for sizes. It is not looked up here but worked out, by following the net with the size left open. "
    "One labelled picture is enough to learn from: crops of it, mirrored by lot, hardly ever repeat.",
    parameters=UnetNuclei,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take 5 steps: the threshold is still better. Take 300: the Dice rises by less than half a point.",
        "Take depth 1: the net sees 18 pixels instead of 44, about as far as a nucleus is wide.",
        'Take padding "mirror", the paper\'s way: nothing is padded inside the net, the picture is mirrored around it.',
    ),
    surprise="A few seconds on one processor and half a picture are enough to beat the threshold clearly. The "
    "threshold asks each pixel alone: it frays dim nuclei into dots and lets bright ones run together. The net has "
    "seen what a nucleus looks like.",
)
