"""Item 21: what a ConvNet is made of: stages of convolutions and pooling, and what each makes of a digit."""

from dataclasses import dataclass

import numpy as np

from ..spec import Array
from . import drawing
from .classifiers import digit_tensors, error_percent, seeded, train
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole


@dataclass(frozen=True)
class ConvNetStages(Parameters):
    """A small ConvNet, trained on digits, and one digit on its way through it."""

    digits: int = whole(2000, 200, 8000, "digits to train with, of 8,000; the test is always on 2,000 others")
    stages: int = whole(3, 1, 4, "stages, with pooling between them: each halves the sides of the maps")
    maps: int = whole(8, 6, 32, "maps of the first stage; each stage has twice as many as the one before")
    epochs: int = whole(10, 1, 50, "how often each digit is seen")
    digit: int = whole(3, 0, 1999, "which of the test digits goes through")
    seed: int = whole(0, 0, 9999, "which first weights and random numbers")


@dataclass(frozen=True)
class Stages:
    """One entry for each stage; maps fill a corner of 28 by 28 places; `layers` are words, from the calculators."""

    error: float
    picture: Array
    shown: Array
    sizes: list[tuple[int, ...]]
    fields: list[tuple[int, int]]
    outside: Array
    inside: Array
    means: Array
    shares: Array
    layers: list[tuple[str, ...]]
    counted: int
    number: int
    other_sizes: list[int]


def compute(p: ConvNetStages) -> Stages:
    """Train, send one digit through stage by stage, and ask the calculators what each stage sees."""
    import torch

    from faltung.networks import ConvNet, inspect, receptive_field

    images, labels, test_images, test_labels = digit_tensors(p.digits)
    with seeded(p.seed):
        net = ConvNet(channels=1, classes=10, widths=[[p.maps * 2**stage] for stage in range(p.stages)])
    train(net, images, labels, epochs=p.epochs, rate=5e-3, seed=p.seed)
    error = error_percent(net, test_images, test_labels)

    # what is said without running it: layers, numbers, and how far each stage sees
    seen = inspect(net, (1, 1, 28, 28))
    layers, counted, number = seen.rows(), seen.parameters, net.num_parameters
    names = [f"stages.{stage}" for stage in range(p.stages)]
    found = [receptive_field(net, (1, 1, 28, 28), layer=name)[0] for name in names]

    # a digit on its way
    one = test_images[p.digit : p.digit + 1]
    picture = one[0, 0].numpy()
    shown = np.zeros((p.stages, 6, 28, 28))
    sizes: list[tuple[int, ...]] = []
    fields: list[tuple[int, int]] = []
    outside, inside = np.zeros(p.stages), np.zeros(p.stages)
    with torch.inference_mode(), seeded(p.seed):
        for stage, field in enumerate(found):
            maps = net.stages[: stage + 1](one)[0].numpy()
            sizes.append(maps.shape)
            # the six maps that vary most
            most = np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:6]
            shown[stage, :, : maps.shape[1], : maps.shape[2]] = maps[most]

            # the place in the middle of the maps, and the square of pixels that it sees
            middle = maps.shape[1] // 2
            begin = field.start + middle * int(field.stride)
            fields.append((begin, field.length))
            within = torch.zeros(28, 28, dtype=torch.bool)
            within[max(begin, 0) : begin + field.length, max(begin, 0) : begin + field.length] = True
            noise = torch.rand(28, 28)
            for changed, differences in ((~within, outside), (within, inside)):
                moved = net.stages[: stage + 1](torch.where(changed, noise, one))[0].numpy()
                differences[stage] = np.abs(moved - maps)[:, middle, middle].max()

        # then the place no longer matters
        means = net.features(one)[0].numpy()
        shares = torch.softmax(net(one), dim=1)[0].numpy()
        other_sizes = [len(net(torch.zeros(1, 1, rows, 40))[0]) for rows in (net.min_size, 28, 50)]
    return Stages(
        error,
        picture,
        shown,
        sizes,
        fields,
        outside,
        inside,
        means,
        shares,
        layers,
        counted,
        number,
        other_sizes,
    )


def check(p: ConvNetStages, r: Stages) -> tuple[Golden, ...]:
    """What must hold for any weights."""
    widths = [p.maps * 2**stage for stage in range(p.stages)]
    # 9 weights for each pair of maps, two numbers a map for the norm, and the last layer
    number = sum(9 * before * after + 2 * after for before, after in zip([1, *widths], widths, strict=False))
    number += 10 * widths[-1] + 10
    reached = [
        Golden("numbers to learn, by hand", number, r.number),
        Golden("numbers to learn, by the calculators", number, r.counted),
        Golden(
            "each stage halves the sides",
            [(width, 28 >> stage, 28 >> stage) for stage, width in enumerate(widths)],
            r.sizes,
        ),
        # 3, then twice the last step and two more places at the new step: 3, 8, 18, 38
        Golden("sides of the fields", [5 * 2**stage - 2 for stage in range(p.stages)], [side for _, side in r.fields]),
        Golden("pixels outside the field change nothing", np.zeros(p.stages), r.outside, 1e-6),
        Golden("answers are shares of 1", 1.0, float(r.shares.sum()), 1e-5),
        Golden("ten answers for pictures of any size", [10, 10, 10], r.other_sizes),
    ]
    if p == ConvNetStages():
        reached += [
            Golden("pixels inside the field do", "yes", _yes(r.inside.min() > 1e-3)),
            Golden("errs on fewer than 10 of 100 test digits", "yes", _yes(r.error < 10)),
        ]
    return tuple(reached)


def draw(p: ConvNetStages, r: Stages) -> tuple[Panel | Table, ...]:
    """The maps of each stage, what one place sees, the answers, and all layers."""
    panels = [_fields(r), *(_maps(stage, r.shown[stage], sizes) for stage, sizes in enumerate(r.sizes)), _answers(r)]
    table = Table(
        f"Every layer, from `faltung.networks.inspect`: {r.number:,} numbers to learn in all. Test error "
        f"{r.error:.1f} % after {p.epochs} epochs on {p.digits:,} digits.",
        ("layer", "operation", "output", "sees", "step", "numbers", "multiply-adds"),
        tuple(row[:7] for row in r.layers),
    )
    return (*panels, table)


def _fields(r: Stages) -> Panel:
    """The digit with the square that the middle of each stage sees."""
    figure, axes = drawing.sheet(height=330)
    drawing.grey(axes, 1 - r.picture, "What one place sees")
    roles: tuple[drawing.Role, ...] = ("input", "kernel", "output", "other")
    marks = []
    for stage, ((begin, side), role) in enumerate(zip(r.fields, roles, strict=False), 1):
        from matplotlib.patches import Rectangle

        dash = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (4, 1, 1, 1)))[stage - 1]
        colour = drawing.COLOURS[role][0]
        # lines at the edges of pixels, not through their middles
        square = Rectangle(
            (begin - 0.5, begin - 0.5), side, side, fill=False, edgecolor=colour, linewidth=2, linestyle=dash
        )
        square.set_label(f"stage {stage}: {side} × {side}")
        axes.add_patch(square)
        marks.append(square)
    drawing.frame(axes, -0.5, -0.5, 28, 28)
    reach = max(0.0, *(-begin for begin, _ in r.fields)) + 1
    axes.set_xlim(-0.5 - reach, 27.5 + reach)
    axes.set_ylim(27.5 + reach, -0.5 - reach)
    figure.legend(handles=marks, loc="outside lower center", ncols=2, **drawing.legend_style())
    return Panel(
        figure,
        "The digit, and the squares that the middle place of each stage sees: "
        + ", ".join(f"{side} by {side} pixels" for _, side in r.fields)
        + ".",
        "With every stage a place sees more than twice as far. What lies outside its square changes nothing there, not "
        "even in the last digit; a square beyond the picture sees zeros.",
    )


def _maps(stage: int, maps: Array, sizes: tuple[int, ...]) -> Panel:
    """Six maps of one stage in two rows, a gap between."""
    side = sizes[-1]
    maps = maps[:, :side, :side]
    gap = max(1, side // 14)
    rows = np.pad(maps, ((0, 0), (0, gap), (0, gap))).reshape(2, 3, side + gap, side + gap)
    joined = rows.transpose(0, 2, 1, 3).reshape(2 * (side + gap), 3 * (side + gap))[:-gap, :-gap]
    figure, axes = drawing.sheet(height=300)
    title = f"Stage {stage + 1}: {sizes[0]} maps of {sizes[1]} × {sizes[2]}"
    drawing.magnitude(axes, joined, title, "how strongly a place answers")
    for place in range(6):
        down, right = divmod(place, 3)
        drawing.frame(axes, right * (side + gap) - 0.5, down * (side + gap) - 0.5, side, side)
    return Panel(
        figure,
        f"The six maps of stage {stage + 1} that vary most, of {sizes[0]}, each {sizes[1]} by {sizes[2]}; largest "
        f"value {maps.max():.2f}, {100 * float((maps > 0).mean()):.0f} per cent of the places are above zero.",
        (
            "Strokes and their edges, at the very places where the digit has them."
            if stage == 0
            else "What the maps before say together, at half as many places in a row."
        ),
    )


def _answers(r: Stages) -> Panel:
    """How sure the net is of each digit."""
    figure, axes = drawing.sheet()
    axes.bar(np.arange(10), 100 * r.shares, color=drawing.COLOURS["output"][0], width=0.7)
    axes.set_xticks(range(10))
    axes.set_ylim(0, 105)
    drawing.label(axes, "The answer", "digit", "share of all answers, %")
    return Panel(
        figure,
        "Share of each digit from 0 to 9, in per cent: " + ", ".join(f"{100 * share:.1f}" for share in r.shares) + ".",
        f"The mean of each of the {len(r.means)} last maps is all that is left of the picture; ten weighted sums of "
        "them, brought to a sum of 100 %, are the answer.",
    )


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="convnet-stages",
    items=(21,),
    title="ConvNets: layers, pooling, structure",
    goal="Follow one digit through a trained ConvNet, and see what each stage makes of it and how far it sees.",
    formula="one stage: y = max(0, norm(k ∗ x)), one y for each kernel     pooling: the largest of every 2 × 2 places",
    idea="A convolution with learned kernels makes maps: how strongly a feature is found at each place. The ReLU keeps "
    "what is found and drops what is not. Pooling keeps the largest of every four places: the place matters less, "
    "there is a quarter of the work left, and the next kernels, 3 × 3 as before, see twice as far.\n\n"
    "So maps get smaller and more, and what they find gets larger: edges, then strokes, then digits. At the end the "
    "mean of each map goes into one weighted sum for each answer. Nothing in it asks for a certain size of picture. "
    "The same stages, with other ends, colour every pixel (segmentation), find things (detection), or read signals and "
    "text along one axis.",
    parameters=ConvNetStages,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take 1 stage: every place sees 3 × 3 pixels, and the net hardly tells digits apart, however long it trains.",
        "Take 4 stages: the last maps are 3 × 3, each place sees more than all of the picture.",
        "Take 32 maps: sixteen times as many numbers to learn, and little is won on so few digits.",
    ),
    surprise="The largest layers on paper are the cheapest to run: the last stage has most of the numbers to learn, "
    "and no more multiplications than the one before, because its maps are a quarter of the size.",
)
