"""Item 4: the sliding window, frame by frame."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole, words
from .expression import evaluate


@dataclass(frozen=True)
class Film(Parameters):
    """Two shapes and the number of frames."""

    f: str = words("box(t, 2)", "the shape that stays")
    g: str = words("box(t, 2) / 2", "the shape that slides")
    frames: int = whole(9, 2, 24, "frames from first touch to last")


@dataclass(frozen=True)
class Frames:
    """Arrays over t; `sliding` and `product` have one row per frame."""

    t: Array
    f_t: Array
    y: Array
    shifts: Array
    sliding: Array
    product: Array
    areas: Array


def compute(p: Film) -> Frames:
    """The whole result, and the frames at a few shifts."""
    step = 1 / 64
    t = np.arange(-512, 513) * step
    f_t = evaluate(p.f, t)
    y = ft.convolve(f_t, evaluate(p.g, t), mode="same") * step

    # frames from where the result leaves zero to where it returns
    there = t[np.abs(y) > 1e-3 * np.abs(y).max()] if y.any() else t
    shifts = np.round(np.linspace(there[0], there[-1], p.frames) / step) * step
    # what lies outside -8..8 is not there
    sliding = np.array([evaluate(p.g, T - t) * (np.abs(T - t) <= 8) for T in shifts])
    product = f_t * sliding
    areas = product.sum(axis=1) * step
    return Frames(t, f_t, y, shifts, sliding, product, areas)


def check(p: Film, r: Frames) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    at_shifts = r.y[np.searchsorted(r.t, r.shifts)]
    reached = [
        Golden("the area of every frame is the result there", at_shifts, r.areas, 1e-12 * (1 + np.abs(r.y).max()))
    ]
    if (p.f, p.g) == (Film().f, Film().g):
        triangle = np.maximum(0, 1 - np.abs(r.t) / 2)
        reached.append(Golden("two boxes make a triangle; distance to it", 0.0, np.abs(r.y - triangle).max(), 1 / 64))
        reached.append(Golden("its top lies at T", 0.0, float(r.t[np.argmax(r.y)])))
    return tuple(reached)


def draw(p: Film, r: Frames) -> tuple[Panel | Table, ...]:
    """One small panel a frame: above what slides, below the result so far."""
    # every second sample is enough for the eye
    near = np.flatnonzero(np.abs(r.t) <= min(8.0, np.abs(r.shifts).max() + 1.6))[::2]
    t = r.t[near]
    top = 1.3 * max(r.f_t.max(), r.sliding.max(), 1e-9)
    # the shapes may be negative
    bottom = min(0.0, 1.2 * min(r.f_t.min(), r.sliding.min()))
    panels = []
    for number, (shift, area) in enumerate(zip(r.shifts, r.areas, strict=True), 1):
        figure, (above, below) = drawing.sheet("small", height=240, rows=2, sharex=True)
        drawing.area(above, t, r.product[number - 1][near], "output")
        drawing.line(above, t, r.f_t[near], "input", "f")
        drawing.line(above, t, r.sliding[number - 1][near], "kernel", "g(T − t)")
        above.set_ylim(bottom, top)
        drawing.label(above, f"{number}: T = {shift:.2f}, area {area:.2f}".replace("-", "−"))
        so_far = t <= shift
        drawing.line(below, t, r.y[near], "muted")
        drawing.line(below, t[so_far], r.y[near][so_far], "output")
        drawing.mark(below, shift, area, "", "output")
        below.set_ylim(min(0.0, 1.2 * r.y.min()) - 0.05, 1.45 * max(r.y.max(), 1e-9))
        drawing.label(below, x="T")
        panels.append(
            Panel(
                figure,
                f"Frame {number} of {p.frames}: g shifted to T = {shift:.3f}, shared area {area:.3f}.",
                f"Area {area:.3f}",
                "small",
            )
        )
    return tuple(panels)


EXPERIMENT = Experiment(
    slug="film",
    items=(4,),
    title="Frame by frame",
    goal="Watch one shape slide over another while the result is written below.",
    formula="two boxes, each 2 wide: (f ∗ g)(T) = max(0, 1 − |T|/2)",
    idea="Each frame shows the box that stays (solid), the one that slides (dashed) and what they share (hatched). The "
    "shared area is the next point of the curve below. Two equal boxes give a triangle: the overlap grows, is full "
    "once, and shrinks at the same rate.",
    parameters=Film,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Make g narrower, 2*box(t, 0.5): the triangle gets a flat roof.",
        "Take a ramp, (t >= 0)*(t <= 2)*(2 - t), and see it run backwards through the frames.",
        "Convolve the triangle with the box once more: after three rounds it is hard to tell from a bell.",
    ),
    surprise="Both shapes have jumps, their convolution has none. A convolution is always at least as smooth as the "
    "smoother of its two parts.",
)
