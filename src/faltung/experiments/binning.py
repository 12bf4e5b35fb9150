"""Item 8: averaging a noisy signal over L samples, and what padding does to length, place and ends."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole


@dataclass(frozen=True)
class Binning(Parameters):
    """A noisy signal and the window that averages it."""

    length: int = whole(100, 20, 5000, "samples of the signal")
    taps: int = whole(10, 1, 200, "samples that are averaged, L")
    padding: int = whole(5, 0, 100, "zeros added at both ends")
    noise: float = real(0.4, 0.0, 10.0, "standard deviation of the noise")
    seed: int = whole(1, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Binned:
    """Arrays over the samples; `errors` over `lengths`."""

    clean: Array
    noisy: Array
    padded: Array
    cured: Array
    constant: Array
    ramp: Array
    lengths: Array
    errors: Array


def compute(p: Binning) -> Binned:
    """The layer-style padding, the cure, and the error over the window's length."""
    t = np.arange(p.length)
    clean = 2 + np.sin(2 * np.pi * t / 50)
    noisy = clean + p.noise * np.random.default_rng(p.seed).standard_normal(p.length)
    window = ft.kernels.box(p.taps)

    padded = ft.convolve(noisy, window, padding=p.padding)
    cured = ft.smooth(noisy, window)

    # two signals that tell what the padding does: a constant and a ramp
    constant = ft.convolve(np.ones(p.length), window, padding=p.padding)
    ramp = ft.convolve(t.astype(float), window, padding=p.padding)

    # how far from the clean signal, for windows of odd length (they lie centred)
    lengths = np.arange(1, min(42, p.length), 2)
    smoothed = [ft.smooth(noisy, ft.kernels.box(int(n))) for n in lengths]
    errors = np.sqrt(np.mean((np.array(smoothed) - clean) ** 2, axis=1))
    return Binned(clean, noisy, padded, cured, constant, ramp, lengths, errors)


def check(p: Binning, r: Binned) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    reached = [Golden("samples out = n + 2 padding − L + 1", p.length + 2 * p.padding - p.taps + 1, len(r.padded))]
    if (p.length, p.taps, p.padding) == (100, 10, 5):
        reached += [
            Golden("100 samples, 10 taps, padding 5", 101, len(r.padded)),
            Golden("a ramp's value at sample 50: half a sample late", 49.5, float(r.ramp[50]), 1e-12),
            Golden("the constant 1 at the first and last sample", [0.5, 0.5], r.constant[[0, -1]], 1e-12),
            Golden("samples with the symmetric boundary", 100, len(r.cured)),
        ]
    return tuple(reached)


def draw(p: Binning, r: Binned) -> tuple[Panel | Table, ...]:
    """The signal, the ends, and the best length."""
    figure, axes = drawing.sheet("wide")
    t = np.arange(p.length)
    drawing.line(axes, t, r.noisy, "input", "noisy", linewidth=1.0)
    drawing.line(axes, t, r.clean, "muted", "clean")
    drawing.line(axes, np.arange(len(r.padded)), r.padded, "other", f"zero padding {p.padding}")
    drawing.line(axes, t, r.cured, "output", "same, symmetric")
    drawing.label(axes, f"Averages of {p.taps} samples", "sample", "value")
    axes.legend(loc="upper right", ncols=2, **drawing.legend_style())
    drawing.headroom(axes, 0.3)
    signal = Panel(
        figure,
        f"A noisy sine of {p.length} samples around 2. Averaged with zero padding {p.padding} it has "
        f"{len(r.padded)} samples and falls to {r.padded[0]:.2f} and {r.padded[-1]:.2f} at its ends; "
        "with "
        f"the symmetric boundary it keeps {len(r.cured)} samples and ends at {r.cured[0]:.2f} and "
        f"{r.cured[-1]:.2f}.",
        "Zeros outside pull both ends down and the even window adds a sample. Mirroring the signal at its ends cures "
        "both.",
        "wide",
    )
    figure, axes = drawing.sheet()
    drawing.line(axes, np.arange(len(r.constant)), r.constant, "other", "of the constant 1", marker=".")
    axes.set_xlim(-0.5, min(len(r.constant), 2 * p.taps + 2))
    axes.set_ylim(0, 1.1)
    drawing.label(axes, "The droop at the end", "sample", "average", legend="lower right")
    droop = Panel(
        figure,
        f"The average of a constant 1 with zero padding starts at {r.constant[0]:.2f} and reaches 1 after "
        f"{int(np.argmax(r.constant > 1 - 1e-9))} samples.",
        "What the padding alone does: the average of ones should be 1 everywhere.",
    )
    figure, axes = drawing.sheet()
    best = int(np.argmin(r.errors))
    drawing.line(axes, r.lengths, r.errors, "output", marker="o", markersize=3)
    drawing.mark(axes, r.lengths[best], r.errors[best], f"L = {r.lengths[best]}", "output", (6, -10))
    axes.set_ylim(0, None)
    drawing.label(axes, "Too short, too long", "window length L, in samples", "RMS error against clean")
    errors = Panel(
        figure,
        f"Error against the clean signal over the window's length: {r.errors[0]:.3f} without smoothing, smallest "
        f"{r.errors[best]:.3f} at {r.lengths[best]} samples, {r.errors[-1]:.3f} at "
        f"{r.lengths[-1]}.",
        "A short window leaves noise, a long one flattens the signal. The best length lies between.",
    )
    return signal, droop, errors


EXPERIMENT = Experiment(
    slug="binning",
    items=(8,),
    title="Binning a noisy signal",
    goal="Average a noisy signal over L samples and find out where an extra sample and the drooping ends come from.",
    formula="samples out = n + 2·padding − L + 1     100 + 2·5 − 10 + 1 = 101",
    idea="A window of equal weights takes the mean of L neighbours. A layer with padding 5 and 10 taps is the usual "
    "recipe for it, and it does three things that nobody asked for: an even window has no middle, so the result has "
    "one "
    "sample more and lies half a sample late; and the padding is zeros, which are averaged in as if they were data.",
    parameters=Binning,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take 11 taps with padding 5: 100 samples again, and in place.",
        "Set the noise to 0: every length above 1 now makes things worse.",
        'Take boundary="ignore": what is missing counts as missing, not as zero.',
    ),
    surprise="The end values are half of what they should be: 5 of the 10 samples averaged there are padding.",
    slips=(
        "The slide smooths 100 samples with 10 taps and padding 5 and plots the result over the input. It has 101 "
        "samples, is shifted by half a sample and pulled to zero at both ends.",
    ),
)
