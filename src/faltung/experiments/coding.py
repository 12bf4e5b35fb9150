"""Item 5: the sum as two loops, and the libraries that compute it, each with its own habits."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole


@dataclass(frozen=True)
class Coding(Parameters):
    """Lengths of signal and kernel; both are small integers drawn at random, so equal means equal."""

    samples: int = whole(12, 2, 200, "samples of the signal; the picture has as many rows and columns")
    taps: int = whole(4, 1, 50, "taps of the kernel; the stencil has as many rows and columns")
    seed: int = whole(2, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Coded:
    """The same convolution by several hands."""

    signal: Array
    kernel: Array
    by_hand: Array
    by_faltung: Array
    by_numpy: Array
    by_scipy: Array
    flat: Array
    flat_by_scipy: Array
    unflipped: Array
    unflipped_by_scipy: Array


def compute(p: Coding) -> Coded:
    """Two loops, then one call of each library."""
    import scipy.signal

    random = np.random.default_rng(p.seed)
    signal = random.integers(0, 6, p.samples)
    kernel = random.integers(1, 5, p.taps)

    # the definition in two loops: every sample leaves a scaled copy of the kernel
    by_hand = np.zeros(len(signal) + len(kernel) - 1, int)
    for place, sample in enumerate(signal):
        for tap, weight in enumerate(kernel):
            by_hand[place + tap] += sample * weight

    by_faltung = ft.convolve(signal, kernel)
    by_numpy = np.convolve(signal, kernel)
    by_scipy = scipy.signal.convolve(signal, kernel)

    # two axes
    picture = random.integers(0, 10, (p.samples, p.samples))
    stencil = random.integers(-3, 4, (p.taps, p.taps))
    flat = ft.convolve(picture, stencil, boundary="symmetric", mode="same")
    flat_by_scipy = scipy.signal.convolve2d(picture, stencil, boundary="symm", mode="same")

    # deep learning's "convolution" does not flip: it is a correlation
    unflipped = ft.correlate(picture, stencil)
    unflipped_by_scipy = scipy.signal.correlate2d(picture, stencil)
    return Coded(
        signal, kernel, by_hand, by_faltung, by_numpy, by_scipy, flat, flat_by_scipy, unflipped, unflipped_by_scipy
    )


def check(p: Coding, r: Coded) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    n, k = p.samples, p.taps
    # a kernel longer than the signal nowhere lies wholly on it
    modes = ("full", "same", "valid") if n >= k else ("full", "same")
    lengths = [len(ft.convolve(np.ones(n), np.ones(k), mode=mode)) for mode in modes]
    return (
        Golden("two loops = faltung.convolve, largest difference", 0, np.abs(r.by_hand - r.by_faltung).max()),
        Golden("numpy.convolve = faltung.convolve", 0, np.abs(r.by_numpy - r.by_faltung).max()),
        Golden("scipy.signal.convolve = faltung.convolve", 0, np.abs(r.by_scipy - r.by_faltung).max()),
        Golden("scipy.signal.convolve2d(symm, same) = faltung.convolve", 0, np.abs(r.flat - r.flat_by_scipy).max()),
        Golden("scipy.signal.correlate2d = faltung.correlate", 0, np.abs(r.unflipped - r.unflipped_by_scipy).max()),
        Golden(f"lengths of {', '.join(modes)}", [n + k - 1, n, n - k + 1][: len(modes)], lengths),
    )


_HABITS = (
    ("faltung.convolve", "yes", "full", "zero, or any of six rules"),
    ("faltung.correlate", "no", "full", "zero, or any of six rules"),
    ("numpy.convolve", "yes", "full; swaps its arguments if the second is longer", "zero"),
    ("scipy.signal.convolve", "yes", "full", "zero; may choose the FFT by itself"),
    ("scipy.signal.convolve2d", "yes", "full", "zero, wrap or symm"),
    ("scipy.ndimage.convolve", "yes", "same", "“reflect”, which NumPy calls symmetric"),
    ("OpenCV filter2D", "no", "same", "“REFLECT_101”, which NumPy calls reflect"),
    ("torch.nn.Conv2d", "no", "valid", "zero, as much as padding= says"),
    ("MATLAB conv2", "yes", "full", "zero"),
)


def draw(p: Coding, r: Coded) -> tuple[Panel | Table, ...]:
    """The copies that add up, what the three modes keep, and who has which habit."""
    figure, axes = drawing.sheet()
    total = np.zeros(len(r.by_hand))
    colour = drawing.COLOURS["kernel"][0]
    for place, sample in enumerate(r.signal):
        taps = slice(place, place + p.taps)
        axes.bar(
            np.arange(len(total))[taps],
            sample * r.kernel,
            bottom=total[taps],
            width=0.92,
            facecolor=colour,
            alpha=0.22 if place % 2 else 0.5,
            label="copies of the kernel" if place == 0 else None,
        )
        total[taps] += sample * r.kernel
    drawing.line(axes, np.arange(len(total)), r.by_hand, "output", "their sum", marker="o", markersize=4)
    axes.set_ylim(0, None)
    drawing.headroom(axes)
    drawing.label(axes, "Every sample leaves a scaled kernel", "sample of the result", "value", legend="upper left")
    copies = Panel(
        figure,
        f"Stacked bars: {p.samples} copies of the kernel {' '.join(map(str, r.kernel))}, one sample apart, scaled by "
        f"{_some(r.signal)}. They add up to {_some(r.by_hand)}.",
        "What the two loops do: each sample leaves a copy of the kernel, scaled by its value; the result is the sum.",
    )
    figure, axes = drawing.sheet()
    n, k = p.samples, p.taps
    kept = {"full": (0, n + k - 1), "same": ((k - 1) // 2, n), "valid": (k - 1, max(n - k + 1, 0))}
    for row, (mode, (first, count)) in enumerate(kept.items()):
        axes.barh(row, count, left=first - 0.5, height=0.55, facecolor=drawing.COLOURS["output"][0], alpha=0.3)
        axes.text(n + k - 1.2, row, f"{mode}: {count}", va="center", ha="left", color=drawing.COLOURS["ink"][0])
    axes.set_xlim(-0.8, 1.35 * (n + k))
    axes.set_yticks([])
    axes.set_xticks(np.unique(np.linspace(0, n + k - 2, 6).astype(int)))
    axes.invert_yaxis()
    axes.spines["left"].set_visible(False)
    drawing.label(axes, "What the modes keep", "sample of the full result")
    modes = Panel(
        figure,
        f"Of {n + k - 1} places where {n} samples and {k} taps meet, same keeps {n} from place {(k - 1) // 2} and "
        "valid "
        f"keeps {max(n - k + 1, 0)} from place {k - 1}.",
        "The same numbers, cut at different places. “Same” starts at (k − 1)/2, rounded down.",
    )
    table = Table(
        "One operation, many habits: who flips, what comes out by default, and what stands outside the data.",
        ("call", "flips the kernel", "default output", "outside the data"),
        _HABITS,
    )
    return copies, modes, table


def _some(values: Array) -> str:
    """The first numbers, as words."""
    return " ".join(map(str, values[:20])) + (" and so on" if len(values) > 20 else "")


EXPERIMENT = Experiment(
    slug="coding",
    items=(5,),
    title="The sum in code",
    goal="Write the sum as two loops, then get the same numbers from every library by naming its convention.",
    formula="y[i] = Σⱼ k[j] x[i − j]     y[r, c] = Σₐ Σᵦ k[a, b] x[r − a, c − b]",
    idea="With n samples and k taps there are n + k − 1 places where the two meet: that is the full result. “Same” "
    "keeps n of them, “valid” only the n − k + 1 where the kernel lies wholly on data. Libraries agree on the sum; "
    "they "
    "differ in what they call it, whether they flip, what they keep, and what they assume outside.",
    parameters=Coding,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Make the kernel symmetric: convolve and correlate now agree.",
        "Make the kernel longer than the signal: numpy swaps the two, ours does not.",
        "Give both as uint8. NumPy wraps around at 256; ours is exact.",
    ),
    surprise="The layer called Conv2d in every deep-learning library is a correlation. It does no harm there, because "
    "its weights are learnt: they come out flipped, and nobody minds.",
    slips=("The slides call scipy.signal.conv2d. It has never existed; the name is scipy.signal.convolve2d.",),
)
