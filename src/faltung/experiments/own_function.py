"""Item 9: your own function, noise of your own choice, and which kernel serves it best."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole, words
from .expression import evaluate


@dataclass(frozen=True)
class OwnFunction(Parameters):
    """A formula, its noise, and how long the kernels may be."""

    formula: str = words("sin(t/8) + (t > 50)", "the clean signal, of t in samples")
    length: int = whole(200, 40, 5000, "samples of the signal")
    noise: float = real(0.3, 0.0, 10.0, "standard deviation of the noise")
    longest: int = whole(41, 5, 201, "longest kernel that is tried, in taps")
    seed: int = whole(4, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Scored:
    """`errors` and `gains` have one row per kernel and one column per length."""

    t: Array
    clean: Array
    noisy: Array
    lengths: Array
    errors: Array
    gains: Array
    kept: Array
    best: Array


def compute(p: OwnFunction) -> Scored:
    """Every kernel at every odd length, scored against the clean signal."""
    t = np.arange(p.length)
    clean = evaluate(p.formula, t)
    random = np.random.default_rng(p.seed)
    noisy = clean + p.noise * random.standard_normal(p.length)

    # hann's first and last weights are 0, so it gets two more taps
    lengths = np.arange(1, p.longest + 1, 2)
    kernels = [
        [ft.kernels.box(int(n)) for n in lengths],
        [ft.kernels.hann(int(n) + 2) for n in lengths],
        [ft.kernels.gaussian(n / 5, size=int(n)) for n in lengths],
    ]
    smoothed = np.array([[ft.smooth(noisy, kernel) for kernel in row] for row in kernels])
    errors = np.sqrt(np.mean((smoothed - clean) ** 2, axis=-1))
    best = smoothed[np.unravel_index(np.argmin(errors), errors.shape)]

    # what is left of noise alone, measured, against the root of the sum of squared weights
    alone = random.standard_normal(20_000)
    kept = np.array([[ft.smooth(alone, kernel).std() for kernel in row] for row in kernels])
    gains = np.array([[np.sqrt(np.sum((kernel / kernel.sum()) ** 2)) for kernel in row] for row in kernels])
    return Scored(t, clean, noisy, lengths, errors, gains, kept, best)


_KERNELS: tuple[tuple[str, drawing.Role], ...] = (("box", "input"), ("hann", "other"), ("gaussian", "output"))
_NAMES = tuple(name for name, _ in _KERNELS)


def check(p: OwnFunction, r: Scored) -> tuple[Golden, ...]:
    """Laws; the workshop leaves the numbers to its readers."""
    alone = float(np.sqrt(np.mean((r.noisy - r.clean) ** 2)))
    rest = float((r.kept / r.gains).mean())
    reached = [
        Golden("error with a single tap = the noise itself", alone, float(r.errors[0, 0]), 1e-12 + 1e-12 * alone),
        Golden("noise left / √(sum of squared weights), mean of all kernels", 1.0, rest, 0.05),
        Golden("a box of L keeps 1/√L of the noise", 1 / np.sqrt(r.lengths[-1]), float(r.gains[0, -1]), 1e-12),
    ]
    return tuple(reached)


def draw(p: OwnFunction, r: Scored) -> tuple[Panel | Table, ...]:
    """The signal, the score over length, and the winners."""
    kernel, column = np.unravel_index(np.argmin(r.errors), r.errors.shape)
    figure, axes = drawing.sheet("wide")
    drawing.line(axes, r.t, r.noisy, "input", "noisy", linewidth=0.9)
    drawing.line(axes, r.t, r.clean, "muted", "clean")
    drawing.line(axes, r.t, r.best, "output", f"{_NAMES[kernel]}, {r.lengths[column]} taps")
    drawing.label(axes, p.formula if len(p.formula) < 60 else p.formula[:57] + "...", "t, in samples", "value")
    axes.legend(loc="upper right", ncols=3, **drawing.legend_style())
    drawing.headroom(axes, 0.2)
    signal = Panel(
        figure,
        f"The signal {p.formula} with noise of {p.noise:g}, {p.length} samples. The best of all tried, "
        f"{_NAMES[kernel]} "
        f"with {r.lengths[column]} taps, brings the error from {r.errors[0, 0]:.3f} to {r.errors[kernel, column]:.3f}.",
        "The best of all kernels tried. Look at the jump: what helps elsewhere hurts there.",
        "wide",
    )
    figure, axes = drawing.sheet()
    for row, (name, role) in enumerate(_KERNELS):
        drawing.line(axes, r.lengths, r.errors[row], role, name)
        where = int(np.argmin(r.errors[row]))
        drawing.mark(axes, r.lengths[where], r.errors[row, where], "", role)
    axes.set_ylim(0, None)
    drawing.label(axes, "Error against the clean signal", "taps", "RMS error", legend="lower right")
    score = Panel(
        figure,
        "Error over the number of taps. Smallest: "
        + ", ".join(
            f"{name} {r.errors[row].min():.3f} at {r.lengths[np.argmin(r.errors[row])]} taps"
            for row, name in enumerate(_NAMES)
        )
        + ".",
        "Rings mark each kernel's best length. A box of few taps is as good as a longer bell: what counts is its "
        "width.",
    )
    figure, axes = drawing.sheet()
    for row, (name, role) in enumerate(_KERNELS):
        drawing.line(axes, r.lengths, r.gains[row], role, name)
        axes.plot(r.lengths[::3], r.kept[row, ::3], linestyle="none", marker="x", color=drawing.COLOURS[role][0])
    axes.set_ylim(0, None)
    drawing.label(axes, "Noise that is left", "taps", "share of the noise", legend="upper right")
    left = Panel(
        figure,
        f"Share of pure noise left by each kernel. At {r.lengths[-1]} taps: "
        + ", ".join(f"{name} {r.gains[row, -1]:.3f}" for row, name in enumerate(_NAMES))
        + " by the formula; the measured crosses lie on the curves.",
        "Curves: the root of the sum of squared weights. Crosses: measured on 20,000 samples of pure noise.",
    )
    table = Table(
        "Each kernel at its best length.",
        ("kernel", "taps", "error before", "error after", "better by"),
        tuple(
            (
                name,
                str(r.lengths[np.argmin(r.errors[row])]),
                f"{r.errors[0, 0]:.4f}",
                f"{r.errors[row].min():.4f}",
                f"{r.errors[0, 0] / r.errors[row].min():.2f} ×" if r.errors[row].min() > 0 else "no noise",
            )
            for row, name in enumerate(_NAMES)
        ),
    )
    return signal, score, left, table


EXPERIMENT = Experiment(
    slug="own-function",
    items=(9,),
    title="Your own function, your own noise",
    goal="Type a function, add noise, and find the kernel that brings you closest to what you typed.",
    formula="noise left = √(Σ kᵢ²)   for weights that sum to 1",
    idea="Smoothing trades two errors. Noise falls with every tap: L equal weights leave 1/√L of it. But the signal is "
    "averaged too, so corners and jumps are rounded off. Because the clean signal is known here, the sum of both can "
    "be "
    "measured, and the best length read off.",
    parameters=OwnFunction,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "A slow wave, sin(t/30): long kernels win.",
        "A comb, (t % 20 < 2): only the shortest kernels help.",
        "No noise at all: the best length is 1.",
    ),
    surprise="The shape of the kernel matters far less than its length. At their best lengths the three differ by a "
    "few "
    "per cent.",
)
