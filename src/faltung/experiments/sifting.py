"""Item 3: a spike copies what it is convolved with, and picks one value out of an integral."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole


@dataclass(frozen=True)
class Sifting(Parameters):
    """A spike and a bell."""

    length: int = whole(101, 21, 2001, "samples")
    at: int = whole(65, 0, 2000, "where the spike is, in samples; taken modulo the length")
    sigma: float = real(5.0, 0.5, 50.0, "standard deviation of the bell, in samples")


@dataclass(frozen=True)
class Sifted:
    """Arrays over the samples, and over the widths of the boxes."""

    spike: Array
    bell: Array
    moved: Array
    picked: float
    widths: Array
    distance: Array


def compute(p: Sifting) -> Sifted:
    """The spike itself, and boxes of area 1 that narrow towards it."""
    at = p.at % p.length
    t = np.arange(p.length)
    spike = ft.kernels.delta(p.length, at=at)
    reach = int(4 * p.sigma)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / p.sigma) ** 2)

    moved = ft.convolve(spike, bell)
    picked = float((np.cos(t / 9) * spike).sum())

    # a box of area 1 becomes a spike as it narrows: so does what it makes of the bell
    fine = np.exp(-0.5 * (np.arange(-9600, 9601) / 1600) ** 2)
    widths = np.array([1601, 801, 401, 201, 101])
    distance = np.array([np.abs(ft.convolve(fine, np.ones(w) / w, mode="same") - fine).max() for w in widths])
    return Sifted(spike, bell, moved, picked, widths, distance)


def check(p: Sifting, r: Sifted) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    at = p.at % p.length
    around = np.delete(r.moved, np.s_[at : at + len(r.bell)])
    return (
        Golden(
            "distance of δ ∗ bell to the bell moved to a",
            0.0,
            np.abs(r.moved[at:][: len(r.bell)] - r.bell).max(),
        ),
        Golden("and everywhere else", 0.0, np.abs(around).max()),
        Golden("sum of f(t) delta(t − a) equals f(a), f = cos(t/9)", float(np.cos(at / 9)), r.picked),
        Golden("half the width, a quarter of the distance", [4, 4, 4, 4], r.distance[:-1] / r.distance[1:], 0.15),
    )


def draw(p: Sifting, r: Sifted) -> tuple[Panel | Table, ...]:
    """Spike and bell, the copy, and the boxes on their way."""
    at, reach = p.at % p.length, len(r.bell) // 2
    figure, axes = drawing.sheet()
    positions = np.arange(p.length)
    drawing.line(axes, np.arange(-reach, reach + 1), r.bell, "kernel", "bell, around 0")
    drawing.stems(axes, [at], [1.0], "input", f"spike at a = {at}")
    drawing.line(axes, np.arange(len(r.moved)) - reach, r.moved, "output", "spike ∗ bell")
    drawing.label(axes, "The spike carries the bell to its place", "sample", "value", legend="upper left")
    drawing.headroom(axes, 0.45)
    copy = Panel(
        figure,
        f"A spike of 1 at sample {at} of {len(positions)}, a bell of standard deviation {p.sigma:g} around 0, and "
        f"their convolution: the same bell, around {at}, largest value {r.moved.max():.3f}.",
        "Convolving with a spike changes nothing but the place: the bell arrives at a, sample for sample.",
    )
    figure, axes = drawing.sheet()
    shares = r.widths / 1600
    drawing.line(axes, shares, r.distance, "output", "distance to the bell", marker="o")
    drawing.line(axes, shares, shares**2 / 24, "muted", "width² / 24")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(shares, [f"{share:.3g}" for share in shares])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    drawing.label(axes, "A box of area 1 becomes a spike", "width of the box, in sigmas", "difference", legend=True)
    boxes = Panel(
        figure,
        "Largest difference between the bell and the bell convolved with a box of area 1: "
        + ", ".join(f"{d:.5f} at width {w:.3g} sigma" for w, d in zip(shares, r.distance, strict=True))
        + ".",
        "Convolve the bell with boxes of area 1, each half as wide as the last. What they change shrinks with the "
        "square of the width; in the limit nothing is left to change, and that limit is the delta.",
    )
    return copy, boxes


EXPERIMENT = Experiment(
    slug="sifting",
    items=(3,),
    title="The delta, and its sifting property",
    goal="See that convolving with a spike moves a function without changing it.",
    formula="(δₐ ∗ g)(t) = g(t − a)     ∫ f(t) δ(t − a) dt = f(a)",
    idea="In samples the delta is plain: a single 1 among zeros. Every sample of a signal is such a spike, scaled, and "
    "every spike turns into a scaled copy of the kernel. A convolution is the sum of these copies; that is all of it.",
    parameters=Sifting,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Move the spike to sample 0: the bell goes with it, half of it beyond the start.",
        "Give the signal two spikes of different height. You get two bells, added.",
        "Use the kernel as the signal and the spike as the kernel: the same result.",
    ),
    surprise="On a continuous line no function does this: the delta is the end of a row of ever narrower boxes. Among "
    "samples it is simply [1].",
)
