"""Item 2: what a convolution is: flip one function, shift it, multiply, add up."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, words
from .expression import evaluate


@dataclass(frozen=True)
class Definition(Parameters):
    """Two functions and the shift that is looked at."""

    f: str = words("box(t, 2)", "first function, of t; it stays where it is")
    g: str = words("(t >= 0) * exp(-t)", "second function, of t; it is flipped and shifted")
    shift: float = real(0.75, -4.0, 4.0, "the shift T that is looked at")


@dataclass(frozen=True)
class Convolved:
    """Arrays over t from -8 to 8 in steps of 1/64."""

    t: Array
    f_t: Array
    flipped: Array
    product: Array
    y: Array
    area: float
    misread: Array


def compute(p: Definition) -> Convolved:
    """All shifts at once by `convolve`, one shift by hand."""
    step = 1 / 64
    t = np.arange(-512, 513) * step
    f_t = evaluate(p.f, t)
    g_t = evaluate(p.g, t)

    # all shifts at once: the sum times the step is the integral
    y = ft.convolve(f_t, g_t, mode="same") * step

    # one shift T by hand: g is read backwards, from T - t; what lies outside -8..8 is not there
    shift = round(p.shift / step) * step
    flipped = evaluate(p.g, shift - t) * (np.abs(shift - t) <= 8)
    product = f_t * flipped
    area = float(product.sum() * step)

    # what f(t - T) g(t - T) would give: both move together, so T does nothing
    shifts = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    misread = np.array([(evaluate(p.f, t - T) * evaluate(p.g, t - T)).sum() * step for T in shifts])
    return Convolved(t, f_t, flipped, product, y, area, misread)


def check(p: Definition, r: Convolved) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    at_shift = float(r.y[round(p.shift * 64) + 512])
    swapped = ft.convolve(evaluate(p.g, r.t), evaluate(p.f, r.t), mode="same") / 64
    reached = [
        Golden("(f * g)(T) by hand equals the library's", at_shift, r.area, 1e-12 * (1 + np.abs(r.y).max())),
        Golden(
            "largest difference between f * g and g * f", 0.0, np.abs(swapped - r.y).max(), 1e-12 * np.abs(r.y).max()
        ),
    ]
    if p == Definition():
        # the integral of e^-t from 0 to T + 1; a sum in steps of 1/64 is off by at most one step
        reached.append(Golden("(f * g)(0.75) on paper, 1 - exp(-1.75)", 1 - np.exp(-1.75), r.area, 1 / 64))
        reached.append(Golden("f(t − T) g(t − T) changes with T by", 0.0, np.ptp(r.misread), 1e-12))
    return tuple(reached)


def draw(p: Definition, r: Convolved) -> tuple[Panel | Table, ...]:
    """One shift on the left, all shifts on the right."""
    near = np.abs(r.t) <= 4.5
    t = r.t[near]
    figure, axes = drawing.sheet()
    drawing.area(axes, t, r.product[near], "output", f"product, area {r.area:.3f}")
    drawing.line(axes, t, r.f_t[near], "input", "f(t)")
    drawing.line(axes, t, r.flipped[near], "kernel", "g(T − t)")
    drawing.label(axes, f"One shift, T = {p.shift:g}", "t", "value", legend="upper left")
    drawing.headroom(axes, 0.45)
    one = Panel(
        figure,
        f"f stays, g is flipped and shifted to T = {p.shift:g}. The product of the two encloses {r.area:.4f}.",
        "f stays in place. g is read backwards and moved to T. Where both are there, the product is; its area is one "
        "number, the result at T.",
    )
    figure, axes = drawing.sheet()
    drawing.line(axes, t, r.y[near], "output", "(f ∗ g)(T)")
    drawing.line(axes, [-2, -1, 0, 1, 2], r.misread, "muted", "f(t − T) g(t − T), summed", marker="s")
    drawing.mark(axes, p.shift, r.area, f"{r.area:.3f}", "output")
    drawing.label(axes, "All shifts", "T", "area", legend="upper left")
    drawing.headroom(axes, 0.35)
    peak = int(np.argmax(r.y))
    every = Panel(
        figure,
        f"The result over T: largest {r.y[peak]:.3f} at T = {r.t[peak]:.3f}, {r.area:.4f} at the shift "
        f"on the left. Shifting both functions together gives {r.misread[0]:.3f} for every T: a flat line.",
        "Every T gives one such area; together they are f ∗ g. Shift both functions together and nothing changes.",
    )
    return one, every


EXPERIMENT = Experiment(
    slug="definition",
    items=(2,),
    title="Flip, shift, multiply, add up",
    goal="See that a convolution is one area for every shift, and that only one of the two functions moves.",
    formula="(f ∗ g)(T) = ∫ f(t) g(T − t) dt     in samples: y[T] = Σ f[t] g[T − t]",
    idea="Keep f where it is. Turn g around, so that it runs backwards, and slide it to the place T. Multiply the two "
    "and measure the area under the product: that is the value of f ∗ g at T, and nothing else. A computer replaces "
    "the area by a sum of samples; here the samples are 1/64 apart.",
    parameters=Definition,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Move T to −1.5: the box and the flipped g no longer meet, so the area is 0.",
        "Swap f and g. The picture changes, the result does not.",
        "Make g symmetric, gauss(t, 0.5): now the flip cannot be seen. That is why it is so often forgotten.",
    ),
    surprise="The result rises although g only ever falls: while the box slides in, more and more of g lies under it.",
    slips=(
        "The practical definition on the slide sums f(t − T) g(t − T). Both factors move together there, so the sum is "
        "the same for every T (the flat line). It has to be f(t) g(T − t): f stays, g is flipped and shifted.",
    ),
)
