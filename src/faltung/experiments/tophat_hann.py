"""Item 6, hands-on: a top-hat smoothed with a Hann window."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..errors import ParameterError
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole


@dataclass(frozen=True)
class TophatHann(Parameters):
    """A top-hat and the window that smooths it."""

    length: int = whole(300, 20, 5000, "samples of the signal")
    start: int = whole(100, 0, 4999, "first sample of the top-hat")
    stop: int = whole(200, 1, 5000, "first sample after the top-hat")
    taps: int = whole(50, 3, 500, "samples of the Hann window")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.start < self.stop <= self.length:
            raise ParameterError(
                f"start={self.start}, stop={self.stop}, length={self.length}: give start < stop <= length"
            )


@dataclass(frozen=True)
class Smoothed:
    """Arrays over the samples."""

    signal: Array
    window: Array
    full: Array
    same: Array
    golden_window: Array


def compute(p: TophatHann) -> Smoothed:
    """The workshop's exercise, in both lengths."""
    import scipy.signal.windows

    signal = ft.kernels.tophat(p.length, p.start, p.stop)
    window = ft.kernels.hann(p.taps)
    golden_window = scipy.signal.windows.hann(p.taps)

    # every overlap counts; weights that sum to 1 keep the height
    full = ft.convolve(signal, window / window.sum())

    # as long as the signal; smooth divides by the sum of the weights itself
    same = ft.smooth(signal, window, boundary="zero")
    return Smoothed(signal, window, full, same, golden_window)


def check(p: TophatHann, r: Smoothed) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    reached = [
        Golden("full has n + k − 1 samples", p.length + p.taps - 1, len(r.full)),
        Golden("full keeps the sum", float(r.signal.sum()), r.full.sum(), 1e-9),
        Golden("distance of kernels.hann to SciPy's window", 0.0, np.abs(r.window - r.golden_window).max(), 1e-14),
    ]
    if p == TophatHann():
        reached += [
            Golden("samples of the signal", 300, len(r.same)),
            Golden("samples of full", 349, len(r.full)),
            Golden("value at sample 100", 0.5, float(r.same[100]), 1e-12),
            Golden("sum", 100.0, float(r.same.sum()), 1e-9),
            Golden("largest value", 1.0, float(r.same.max()), 1e-12),
        ]
    return tuple(reached)


def draw(p: TophatHann, r: Smoothed) -> tuple[Panel | Table, ...]:
    """Signal and result; the window; both lengths."""
    figure, axes = drawing.sheet("wide")
    drawing.line(axes, np.arange(p.length), r.signal, "input", "top-hat")
    drawing.line(axes, np.arange(p.length), r.same, "output", "smoothed, same")
    drawing.line(axes, np.arange(len(r.full)), r.full, "other", "smoothed, full")
    drawing.mark(axes, p.start, r.same[p.start], f"{r.same[p.start]:.2f} at {p.start}", "output", (-10, 6))
    drawing.label(axes, "A top-hat, smoothed", "sample", "value")
    axes.legend(loc="upper right", **drawing.legend_style())
    drawing.headroom(axes, 0.1)
    signal = Panel(
        figure,
        f"A top-hat of {p.length} samples, 1 from {p.start} to {p.stop - 1}. Smoothed to the same length it passes "
        f"{r.same[p.start]:.3f} at sample {p.start}, reaches {r.same.max():.3f} and sums to {r.same.sum():.3f}. The "
        "full "
        f"result has {len(r.full)} samples and lies {(p.taps - 1) // 2} samples later.",
        "The jumps become ramps as wide as the window; the area stays. “Full” is the same curve, begun "
        f"{(p.taps - 1) // 2} samples earlier, so its sample numbers are larger.",
        "wide",
    )
    figure, axes = drawing.sheet()
    drawing.line(axes, np.arange(p.taps), r.window, "kernel", marker=".")
    drawing.label(axes, f"hann({p.taps})", "tap", "weight")
    window = Panel(
        figure,
        f"The Hann window of {p.taps} taps: 0 at both ends, largest weight {r.window.max():.4f}, sum "
        f"{r.window.sum():.3f}.",
        f"Half a wave of cosine, lifted. Its weights sum to {r.window.sum():g}; divide by that to keep heights.",
    )
    figure, axes = drawing.sheet()
    near = slice(max(p.start - p.taps, 0), min(p.start + p.taps, p.length))
    drawing.line(axes, np.arange(p.length)[near], r.signal[near], "input", "top-hat", marker=".")
    drawing.line(axes, np.arange(p.length)[near], r.same[near], "output", "smoothed", marker=".")
    drawing.label(axes, "The rising edge", "sample", "value", legend="upper left")
    edge = Panel(
        figure,
        f"Around sample {p.start} the top-hat jumps from 0 to 1; the smoothed signal takes "
        f"{np.count_nonzero((r.same[near] > 1e-9) & (r.same[near] < 1 - 1e-9))} samples for it.",
        "Half of the window has passed the jump where the value is one half.",
    )
    return signal, window, edge


EXPERIMENT = Experiment(
    slug="tophat-hann",
    items=(6,),
    title="Hands-on: a top-hat and a Hann window",
    goal="Smooth a signal with jumps and account for every sample of the result.",
    formula="len(full) = n + k − 1     300 + 50 − 1 = 349",
    idea="The top-hat is 1 from sample 100 up to 200 and 0 elsewhere. The Hann window weighs neighbours gently, "
    "without "
    "a jump of its own. Divided by its sum it becomes an average, which moves area about but makes none.",
    parameters=TophatHann,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Predict the length of full for 51 taps before you run it, and what changes at sample 100.",
        "Make the window longer than the top-hat: it no longer reaches 1.",
        'Move the top-hat to sample 0 and compare boundary="zero" with "symmetric".',
    ),
    surprise="The jump lies between samples 99 and 100, yet the result is 0.5 at sample 100. 50 taps have no middle "
    "one, "
    "so everything comes half a sample late.",
    slips=(
        "The slides take the window from scipy.signal.hann, which SciPy has removed. It is scipy.signal.windows.hann "
        "now, "
        "and faltung.kernels.hann gives the same numbers.",
    ),
)
