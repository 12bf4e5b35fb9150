"""Item 17: Sobel's two kernels, the edge vector, and which way it points."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from .. import data
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, words
from .pictures import load_photo


@dataclass(frozen=True)
class SobelSlopes(Parameters):
    """The photograph."""

    photo: str = words("camera", "a photograph's name, or a file")


@dataclass(frozen=True)
class Vectors:
    """Slopes of the photograph, and of three small pictures that tell the signs."""

    grey: Array
    gx_kernel: Array
    gy_kernel: Array
    gx: Array
    gy: Array
    magnitude: Array
    angle: Array
    correlated: Array
    convolved: Array
    flat: Array
    disc: Array
    disc_vector: Array


def compute(p: SobelSlopes) -> Vectors:
    """Both slopes, their length and direction; then a step, a flat field and a disc."""
    photo = load_photo(p.photo)
    grey = data.to_grey(photo) if photo.ndim == 3 else photo

    gx_kernel = ft.kernels.sobel(axis=1, dtype=int)
    gy_kernel = ft.kernels.sobel(axis=0, dtype=int)
    gx = ft.sobel(grey, axis=1)
    gy = ft.sobel(grey, axis=0)
    magnitude = ft.sobel(grey)
    angle = ft.edges(grey).direction

    # dark on the left, bright on the right: correlation says +4, convolution -4
    step = np.array([[0, 0, 0, 1, 1, 1]] * 3)
    correlated = ft.correlate(step, gx_kernel, mode="valid")
    convolved = ft.convolve(step, gx_kernel, mode="valid")

    # a flat field has no direction; a bright disc has all of them
    flat = ft.edges(np.full((9, 9), 0.7)).vector
    y, x = np.mgrid[-40:41, -40:41]
    disc = 1 / (1 + np.exp((np.hypot(y, x) - 25) / 1.5))
    disc_vector = ft.edges(disc).vector
    return Vectors(grey, gx_kernel, gy_kernel, gx, gy, magnitude, angle, correlated, convolved, flat, disc, disc_vector)


def check(p: SobelSlopes, r: Vectors) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    from scipy import ndimage

    peak = float(r.magnitude.max())
    inward = r.disc_vector[1, 40, 15], r.disc_vector[1, 40, 65], r.disc_vector[0, 15, 40], r.disc_vector[0, 65, 40]
    return (
        Golden("Gx", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], r.gx_kernel),
        Golden("Gy", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], r.gy_kernel),
        Golden("dark to bright, by correlation", [[0, 4, 4, 0]], r.correlated),
        Golden("the same, by convolution (convolve2d)", [[0, -4, -4, 0]], r.convolved),
        Golden("edge vector of a flat field", 0.0, float(np.abs(r.flat).max())),
        Golden("left, right, top, bottom of a bright disc point inwards", [1, -1, 1, -1], np.sign(inward)),
        Golden(
            "strength − √(Gx² + Gy²), largest",
            0.0,
            float(np.abs(r.magnitude - np.hypot(r.gx, r.gy)).max()),
            1e-5 * peak,
        ),
        Golden(
            "ndimage.sobel(picture) − Gx alone, largest",
            0.0,
            float(np.abs(ndimage.sobel(r.grey) - r.gx).max()),
            1e-5 * peak,
        ),
    )


def draw(p: SobelSlopes, r: Vectors) -> tuple[Panel | Table, ...]:
    """Kernels, slopes, strength, direction, and the disc as its key."""
    panels = []
    for values, title, caption in (
        (r.gx_kernel, "Gx", "Right column minus left column: answers to upright edges."),
        (r.gy_kernel, "Gy", "Lower row minus upper row: answers to level edges."),
    ):
        figure, axes = drawing.sheet("small", height=250)
        drawing.numbers(axes, values, "kernel", title)
        rows = " / ".join(" ".join(map(str, row)) for row in values.tolist())
        panels.append(Panel(figure, f"Kernel {title}, rows {rows}.", caption, "small"))
    figure, axes = drawing.sheet("small", height=250)
    drawing.grey(axes, r.grey, "Photograph")
    alt = f"The photograph in grey, {r.grey.shape[0]} by {r.grey.shape[1]} pixels, mean {r.grey.mean():.2f}."
    panels.append(Panel(figure, alt, "The picture, black 0 to white 1.", "small"))
    for values, title, caption in (
        (r.gx, "Gx, signed", "Red: brighter to the right. Blue: darker. White: no change."),
        (r.gy, "Gy, signed", "Red: brighter below. Blue: darker. White: no change."),
    ):
        figure, axes = drawing.sheet("small", height=300)
        drawing.signed(axes, values, title)
        alt = f"{title}: from {values.min():.2f} to {values.max():.2f}, mean {values.mean():.4f}. {caption}"
        panels.append(Panel(figure, alt, caption, "small"))
    figure, axes = drawing.sheet("small", height=300)
    drawing.magnitude(axes, r.magnitude, "Strength")
    alt = f"Strength of the edges: 0 to {r.magnitude.max():.2f}, half of all pixels below {np.median(r.magnitude):.3f}."
    panels.append(Panel(figure, alt, "The length of the vector (Gx, Gy), whatever its direction.", "small"))
    figure, axes = drawing.sheet(height=390)
    drawing.direction(axes, r.angle, r.magnitude, "Direction")
    alt = (
        "Direction of the edge vector as colour, as strong as the edge; the key is the disc beside it. "
        f"{np.mean(r.magnitude < 0.05 * r.magnitude.max()):.0%} of the pixels are nearly flat and stay paper."
    )
    panels.append(Panel(figure, alt, "The colour says where brightness lies, the disc beside is its key."))
    figure, axes = drawing.sheet(height=390)
    strength = np.hypot(*r.disc_vector)
    drawing.direction(axes, np.arctan2(r.disc_vector[0], r.disc_vector[1]), strength, "The key: a bright disc")
    angles = np.arange(0, 2 * np.pi, np.pi / 6)
    rows = np.round(40 + 25 * np.sin(angles)).astype(int)
    columns = np.round(40 + 25 * np.cos(angles)).astype(int)
    axes.quiver(
        columns,
        rows,
        r.disc_vector[1, rows, columns],
        r.disc_vector[0, rows, columns],
        angles="xy",
        pivot="tail",
        color=drawing.COLOURS["ink"][0],
        width=0.009,
        scale=9 * float(strength.max()),
    )
    alt = f"A bright disc on dark ground. Along its rim {len(angles)} arrows, all pointing to its middle."
    panels.append(Panel(figure, alt, "Every edge vector points from dark to bright: here, to the middle."))
    return tuple(panels)


EXPERIMENT = Experiment(
    slug="sobel",
    items=(17,),
    title="Sobel: two slopes, one vector",
    goal="Turn two differences into the strength and the direction of every edge.",
    formula="strength = √(Gx² + Gy²)     direction = atan2(Gy, Gx)",
    idea="Gx is a difference from left to right, averaged over three rows with weights 1, 2, 1; Gy is the same, "
    "turned. "
    "Together they are a vector at every pixel. Its length says how strong the edge is, its direction points across "
    "the "
    "edge, from dark to bright. Where the picture is flat the vector is zero, and a zero vector has no direction.",
    parameters=SobelSlopes,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Replace correlate by convolve: both signs flip, the strength stays, all arrows turn round.",
        "Add the two slopes instead of squaring: which edges vanish?",
        "Turn the picture upside down and predict the colours.",
    ),
    surprise="The sum of absolute slopes is often used because it is cheap. On a 45° edge it is 41 % too strong.",
    slips=(
        "The slide prints Gx as it is used in a correlation, then passes it to convolve2d, which flips it. The slope "
        "comes "
        "out with the opposite sign: −4 instead of +4 where dark turns bright.",
        "ndimage.sobel(image) is not the edge strength: it is the slope along the last axis alone. Both axes have to "
        "be "
        "combined.",
    ),
)
