"""Item 18: Scharr's kernels, also as one complex kernel, and how well they keep directions."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole

PRINTED = [[-3 - 3j, -10j, 3 - 3j], [-10, 0, 10], [-3 + 3j, 10j, 3 + 3j]]
OPERATORS = ("central", "prewitt", "sobel", "scharr")


@dataclass(frozen=True)
class ScharrRotation(Parameters):
    """A disc: an edge in every direction."""

    radius: int = whole(60, 10, 200, "radius of the disc, in pixels")
    softness: float = real(1.0, 0.3, 10.0, "how gradually its rim falls off, in pixels")


@dataclass(frozen=True)
class Directions:
    """Errors in degrees; `errors` has one row per operator, one column per pixel of the rim."""

    disc: Array
    kernel: Array
    both: Array
    strength: Array
    angles: Array
    errors: Array


def compute(p: ScharrRotation) -> Directions:
    """A soft disc, its edge directions by four operators, against the true ones."""
    reach = p.radius + 10
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = 1 / (1 + np.exp((np.hypot(y, x) - p.radius) / p.softness))

    # one complex kernel holds both slopes: real part Gx, imaginary part Gy
    kernel = ft.kernels.scharr_complex()
    both = ft.convolve(disc, kernel, mode="same", boundary="symmetric")
    strength = ft.scharr(disc)

    # on the rim the true direction is known: to the middle
    rim = np.abs(np.hypot(y, x) - p.radius) < 1
    angles = np.arctan2(-y[rim], -x[rim])
    operators = ("central", "prewitt", "sobel", "scharr")
    found = [ft.edges(disc, operator=name).direction[rim] for name in operators]
    turned = np.array(found) - angles
    errors = np.degrees(np.arctan2(np.sin(turned), np.cos(turned)))
    return Directions(disc, kernel, both, strength, angles, errors)


def check(p: ScharrRotation, r: Directions) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    rms = np.sqrt(np.mean(r.errors**2, axis=1))
    peak = float(r.strength.max())
    opposite = ft.convolve(r.disc, -np.array(PRINTED), mode="same", boundary="symmetric")
    reached = [
        Golden("the complex kernel", PRINTED, r.kernel),
        Golden(
            "|complex result| − √(Gx² + Gy²), largest",
            0.0,
            float(np.abs(np.abs(r.both) - r.strength).max()),
            1e-12 * peak,
        ),
        Golden(
            "with the opposite sign: same strength, largest difference",
            0.0,
            float(np.abs(np.abs(opposite) - r.strength).max()),
            1e-12 * peak,
        ),
    ]
    if p == ScharrRotation():
        reached.append(
            Golden("Sobel errs more than twice as much as Scharr (RMS)", "yes", "yes" if rms[2] > 2 * rms[3] else "no")
        )
    return tuple(reached)


def draw(p: ScharrRotation, r: Directions) -> tuple[Panel | Table, ...]:
    """Error over direction; the disc's strength; the numbers."""
    figure, axes = drawing.sheet("wide")
    # the pattern repeats every quarter turn and mirrors at 45 degrees
    folded = np.degrees(r.angles) % 90
    for row, role in ((0, "muted"), (1, "input"), (2, "kernel"), (3, "output")):
        places = np.linspace(0, 90, 46)
        cells = np.digitize(folded, places) - 1
        means = np.array(
            [r.errors[row][cells == cell].mean() if (cells == cell).any() else np.nan for cell in range(45)]
        )
        drawing.line(axes, places[:-1] + 1, means, role, OPERATORS[row])
    axes.set_xticks([0, 15, 30, 45, 60, 75, 90])
    drawing.label(axes, "How wrong is the direction?", "direction of the edge, in degrees", "mean error, in degrees")
    axes.legend(loc="upper right", ncols=4, **drawing.legend_style())
    drawing.headroom(axes, 0.15)
    rms = np.sqrt(np.mean(r.errors**2, axis=1))
    worst = np.abs(r.errors).max(axis=1)
    curves = Panel(
        figure,
        "Error of the edge direction over the direction, folded to a quarter turn. RMS in degrees: "
        + ", ".join(f"{name} {value:.3f}" for name, value in zip(OPERATORS, rms, strict=True))
        + ".",
        "All are right at 0°, 45° and 90° and wrong between. Scharr chose its weights to flatten this curve.",
        "wide",
    )
    figure, axes = drawing.sheet("small", height=300)
    drawing.magnitude(axes, np.abs(r.both), "Strength")
    disc = Panel(
        figure,
        f"Strength of the disc's rim, up to {np.abs(r.both).max():.2f}: the same all round.",
        "The absolute value of the complex result.",
        "small",
    )
    panels = [curves, disc]
    for values, title in ((r.kernel.real, "Real part, Gx"), (r.kernel.imag, "Imaginary part, Gy")):
        figure, axes = drawing.sheet("small", height=300)
        drawing.numbers(axes, values.astype(int), "kernel", title)
        rows = " / ".join(" ".join(f"{v:g}" for v in row) for row in values.tolist())
        panels.append(Panel(figure, f"{title} of Scharr's kernel, rows {rows}.", "Weights 3, 10, 3 across.", "small"))
    table = Table(
        f"Error of the direction along the rim of a disc of radius {p.radius}, {r.errors.shape[1]} pixels.",
        ("operator", "weights across", "RMS error", "largest error"),
        tuple(
            (name, weights, f"{rms[row]:.3f}°", f"{worst[row]:.3f}°")
            for row, (name, weights) in enumerate(zip(OPERATORS, ("1", "1 1 1", "1 2 1", "3 10 3"), strict=True))
        ),
    )
    return (*panels, table)


EXPERIMENT = Experiment(
    slug="scharr",
    items=(18,),
    title="Scharr: keeping the direction",
    goal="Measure on a disc how well four operators tell the direction of an edge.",
    formula="k = Gx + j·Gy     strength = |x ∗ k|     direction from its angle",
    idea="Sobel's weights 1, 2, 1 are a compromise of whole numbers; the direction they find is off by a fraction "
    "of a degree, depending on how the edge lies to the grid. Scharr asked which weights err least over all "
    "directions and "
    "found 3, 10, 3. A disc has an edge in every direction, and the true one is known: it points to the "
    "middle.\n\nBoth "
    "slopes fit into one complex kernel. One convolution then gives both, and the absolute value is the strength.",
    parameters=ScharrRotation,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Make the rim sharper (softness 0.3): all errors grow, because the grid cannot hold so sharp an edge.",
        "Make it softer (softness 4): all errors shrink, Sobel's lead over Prewitt stays.",
        "Correlate with the complex kernel instead: NumPy and SciPy conjugate it, so Gy changes its sign.",
    ),
    surprise="The plain difference and Prewitt err by the same amount in opposite directions. Sobel and Scharr are "
    "weighted means of the two; Scharr's weights let the errors cancel almost completely.",
    slips=(
        "The slide prints the complex kernel with +3 on the left, the code beside it has −3. Strength is the same for "
        "both; every direction is turned by 180°.",
    ),
)
