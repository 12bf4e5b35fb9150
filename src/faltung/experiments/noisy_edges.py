"""Item 16: an edge is a steep place; noise is steep everywhere, so smooth first."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from .. import data
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole, words
from .pictures import load_photo


@dataclass(frozen=True)
class NoisyEdges(Parameters):
    """A blurred step with noise, and a photograph with noise."""

    photo: str = words("camera", "a photograph's name, or a file")
    noise: float = real(0.15, 0.0, 1.0, "standard deviation of the noise; the step is 1 high, white is 1")
    sigma: float = real(2.5, 0.5, 20.0, "standard deviation of the low-pass, in samples")
    seed: int = whole(5, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Slopes:
    """One step, one photograph; slopes are plain differences f(x + 1) − f(x − 1)."""

    step: Array
    noisy: Array
    raw: Array
    calm: Array
    slope: Array
    at_once: Array
    grey: Array
    speckled: Array
    raw_across: Array
    slope_across: Array
    clean_across: Array


def compute(p: NoisyEdges) -> Slopes:
    """Difference alone, low-pass then difference, and both in one kernel."""
    random = np.random.default_rng(p.seed)
    step = 1 / (1 + np.exp((100 - np.arange(200)) / 1.5))
    noisy = step + p.noise * random.standard_normal(200)

    # f(x + 1) - f(x - 1), without and with a low-pass h first
    h = ft.kernels.gaussian(p.sigma)
    raw = ft.gradient(noisy, scale="kernel")[0]
    calm = ft.smooth(noisy, h)
    slope = ft.gradient(calm, scale="kernel")[0]

    # both steps are convolutions, so one kernel does both
    at_once = ft.convolve(noisy, ft.convolve(h, [1, 0, -1]), mode="same", boundary="symmetric")

    # the same on a photograph: differences from left to right
    photo = load_photo(p.photo)
    grey = data.to_grey(photo) if photo.ndim == 3 else photo
    speckled = grey + np.float32(p.noise) * random.standard_normal(grey.shape, np.float32)
    clean_across = ft.gradient(grey, scale="kernel")[1]
    raw_across = ft.gradient(speckled, scale="kernel")[1]
    slope_across = ft.gradient(ft.gaussian(speckled, p.sigma), scale="kernel")[1]
    return Slopes(step, noisy, raw, calm, slope, at_once, grey, speckled, raw_across, slope_across, clean_across)


def check(p: NoisyEdges, r: Slopes) -> tuple[Golden, ...]:
    """Laws, and where the step is found."""
    inside = slice(int(4 * p.sigma) + 2, -int(4 * p.sigma) - 2)
    shifted = r.grey[:, 2:] - r.grey[:, :-2]
    reached = [
        Golden(
            "gradient = f(x + 1) − f(x − 1), on the photograph", 0.0, np.abs(r.clean_across[:, 1:-1] - shifted).max()
        ),
        Golden(
            "(g ∗ h) ∗ d = g ∗ (h ∗ d) away from the ends",
            0.0,
            np.abs(r.slope[inside] - r.at_once[inside]).max() if len(r.slope[inside]) else 0.0,
            1e-13,
        ),
    ]
    if (p.noise, p.sigma, p.seed) == (0.15, 2.5, 5):
        reached.append(Golden("the steepest place after the low-pass", 100, int(np.argmax(r.slope)), 2))
    return tuple(reached)


def draw(p: NoisyEdges, r: Slopes) -> tuple[Panel | Table, ...]:
    """The step and its slopes; the photograph's slopes without and with the low-pass."""
    t = np.arange(len(r.step))
    figure, axes = drawing.sheet()
    drawing.line(axes, t, r.noisy, "input", "step with noise")
    drawing.line(axes, t, r.calm, "output", "after the low-pass")
    drawing.label(axes, "A step in noise", "sample", "value", legend="upper left")
    drawing.headroom(axes, 0.15)
    step = Panel(
        figure,
        f"A step from 0 to 1 at sample 100 with noise of {p.noise:g}, and the same after a Gaussian of {p.sigma:g}.",
        "To the eye the step is obvious in both.",
    )
    figure, axes = drawing.sheet()
    drawing.line(axes, t, r.raw, "input", "difference alone")
    drawing.line(axes, t, r.slope, "output", "low-pass first")
    drawing.label(axes, "Its slope", "sample", "f(x+1) − f(x−1)", legend="upper left")
    drawing.headroom(axes, 0.15)
    away = np.abs(t - 100) > 20
    slopes = Panel(
        figure,
        f"Slopes. Alone the difference reaches {r.raw.max():.2f}, but also {np.abs(r.raw[away]).max():.2f} far from "
        "the "
        f"step. After the low-pass the top is {r.slope.max():.2f} at sample {int(np.argmax(r.slope))}, elsewhere at "
        "most "
        f"{np.abs(r.slope[away]).max():.2f}.",
        "To the difference it is not: it takes two neighbours, and their noise does not cancel, it adds.",
    )
    panels = [step, slopes]
    panels.append(_picture(r.speckled, "Photograph with noise", f"A photograph with noise of {p.noise:g}."))
    for values, title, caption in (
        (r.raw_across, "Difference alone", "Left to right, f(x+1) − f(x−1): noise everywhere."),
        (r.slope_across, "Low-pass first", f"After a Gaussian of {p.sigma:g}: the outlines stand alone, and wider."),
    ):
        figure, axes = drawing.sheet("small", height=300)
        drawing.signed(axes, values, title, "f(x+1) − f(x−1)")
        reach = float(np.abs(values).max())
        rest = float(np.median(np.abs(values)))
        panels.append(
            Panel(
                figure,
                f"{title}: signed differences up to {reach:.2f}, half of all below {rest:.4f}; red rises, blue falls.",
                caption,
                "small",
            )
        )
    # the photograph without noise tells where its edges are: the steepest two per cent
    order = np.argsort(np.abs(r.clean_across), axis=None)
    num_steep = max(order.size // 50, 1)
    rows: list[tuple[str, ...]] = []
    for name, values in (("difference alone", r.raw_across), ("low-pass first", r.slope_across)):
        sizes = np.abs(values).ravel()[order]
        there, elsewhere = float(sizes[-num_steep:].mean()), float(sizes[:-num_steep].mean())
        rows.append((name, f"{there:.4f}", f"{elsewhere:.4f}", f"{there / max(elsewhere, 1e-12):.1f} ×"))
    table = Table(
        "How far do the edges stand out? Mean slopes of the noisy photograph.",
        ("way", "at the true edges (steepest 2 %)", "elsewhere", "edges stand out by"),
        tuple(rows),
    )
    return (*panels, table)


def _picture(values: Array, title: str, caption: str) -> Panel:
    figure, axes = drawing.sheet("small", height=300)
    drawing.grey(axes, np.clip(values, 0, 1), title)
    alt = f"{caption} {values.shape[0]} by {values.shape[1]} pixels, mean {values.mean():.2f}."
    return Panel(figure, alt, caption, "small")


EXPERIMENT = Experiment(
    slug="noisy-edges",
    items=(16,),
    title="Edges in noise",
    goal="Find the steep places of a signal and a photograph when noise makes everything steep.",
    formula="slope: f(x + 1, y) − f(x − 1, y), and the same in y     low-pass first: g = h ∗ f",
    idea="The slope of a picture is the difference of two neighbours. Where the picture is flat the difference is all "
    "noise, and larger than the noise itself, by √2. A low-pass h averages the noise away before the difference is "
    "taken.\n\nBoth steps are convolutions, and convolutions can be regrouped: (f ∗ h) ∗ d = f ∗ (h ∗ d). So one "
    "kernel, "
    "the derivative of a Gaussian, does both.",
    parameters=NoisyEdges,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Raise sigma to 8: the slope is smooth and the edge wide. Where is it now, exactly?",
        "Set the noise to 0: the difference alone is best.",
        "Run the tour with --picture and a photograph of your own, taken in the dark.",
    ),
    surprise="Smoothing does not move a lone step: the steepest place stays where it was, the slope only gets lower "
    "and "
    "wider. Two steps closer than the kernel is wide do move, and melt into one.",
)
