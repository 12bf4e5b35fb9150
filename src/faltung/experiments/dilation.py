"""Item 14: dilated convolution: the same weights, spread apart."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole


@dataclass(frozen=True)
class Dilation(Parameters):
    """A kernel, its spread, and how many dilated layers are stacked."""

    taps: int = whole(3, 2, 7, "weights of the kernel")
    spread: int = whole(2, 1, 8, "distance between the weights, l")
    layers: int = whole(4, 1, 6, "layers in the stack; each is spread twice as far as the one below")
    seed: int = whole(3, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Dilated:
    """One dilated convolution by three ways, and what a stack of them sees."""

    signal: Array
    kernel: Array
    by_option: Array
    by_formula: Array
    by_zeros: Array
    reached: Array
    reached_plain: Array


def compute(p: Dilation) -> Dilated:
    """By the option, by the formula, by a kernel with zeros in its gaps; then a stack."""
    random = np.random.default_rng(p.seed)
    signal = random.integers(-5, 6, 40)
    kernel = random.integers(1, 5, p.taps)

    by_option = ft.convolve(signal, kernel, dilation=p.spread)

    # the formula: (F *_l k)(p) = sum of F(s) k(t) over all s + l t = p
    by_formula = np.zeros(len(signal) + p.spread * (p.taps - 1), int)
    for s, value in enumerate(signal):
        for t, weight in enumerate(kernel):
            by_formula[s + p.spread * t] += value * weight

    # the same kernel with zeros written into its gaps
    spaced = np.zeros(p.spread * (p.taps - 1) + 1, int)
    spaced[:: p.spread] = kernel
    by_zeros = ft.convolve(signal, spaced)

    # what one output of a stack sees: send a spike through it and count what is not zero
    reached = np.zeros(p.layers, int)
    reached_plain = np.zeros(p.layers, int)
    seen = seen_plain = np.ones(1)
    for layer in range(p.layers):
        seen = ft.convolve(seen, np.ones(p.taps), dilation=2**layer)
        seen_plain = ft.convolve(seen_plain, np.ones(p.taps))
        reached[layer] = np.count_nonzero(seen)
        reached_plain[layer] = np.count_nonzero(seen_plain)
    return Dilated(signal, kernel, by_option, by_formula, by_zeros, reached, reached_plain)


def check(p: Dilation, r: Dilated) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    layers = np.arange(1, p.layers + 1)
    return (
        Golden("dilation= against the formula, largest difference", 0, np.abs(r.by_option - r.by_formula).max()),
        Golden("dilation= against zeros in the kernel", 0, np.abs(r.by_option - r.by_zeros).max()),
        Golden("a doubling stack sees 1 + (k − 1)(2ⁿ − 1) samples", 1 + (p.taps - 1) * (2**layers - 1), r.reached),
        Golden("a plain stack sees 1 + (k − 1) n samples", 1 + (p.taps - 1) * layers, r.reached_plain),
    )


def draw(p: Dilation, r: Dilated) -> tuple[Panel | Table, ...]:
    """The stack as a net of lines, and its reach."""
    figure, axes = drawing.sheet("wide", height=60 + 52 * p.layers)
    width = min(int(r.reached[-1]), 48)
    first = -(width - 1)
    columns = np.arange(first - 1, 1)
    for level in range(p.layers + 1):
        role = "input" if level == 0 else "output" if level == p.layers else "kernel"
        axes.plot(
            columns,
            np.full(len(columns), level),
            linestyle="none",
            marker="o" if level else "s",
            markersize=4,
            color=drawing.COLOURS["rule"][0],
        )
        # what the last output needs at this level
        places = {0}
        for above in range(p.layers - 1, level - 1, -1):
            places = {place - tap * 2**above for place in places for tap in range(p.taps)}
        visible = [place for place in sorted(places) if place >= first - 1]
        axes.plot(
            visible,
            np.full(len(visible), level),
            linestyle="none",
            marker="o" if level else "s",
            markersize=6,
            color=drawing.COLOURS[role][0],
        )
        if level < p.layers:
            above_places = {0}
            for above in range(p.layers - 1, level, -1):
                above_places = {place - tap * 2**above for place in above_places for tap in range(p.taps)}
            for place in above_places:
                for tap in range(p.taps):
                    below = place - tap * 2**level
                    if below >= first - 1 and place >= first - 1:
                        axes.plot(
                            [below, place],
                            [level, level + 1],
                            color=drawing.COLOURS["kernel"][0],
                            linewidth=0.9,
                            alpha=0.8,
                        )
    axes.set_yticks(range(p.layers + 1), ["input", *(f"layer {n + 1}, spread {2**n}" for n in range(p.layers))])
    axes.grid(visible=False)
    drawing.label(axes, "What one output sees", "sample, counted from the output")
    stack = Panel(
        figure,
        f"{p.layers} layers of {p.taps} weights with spread "
        + ", ".join(str(2**n) for n in range(p.layers))
        + f". One output at the top right reaches {r.reached[-1]} input samples.",
        "Each layer spreads its weights twice as far as the one below. No sample is left out, none is read twice by "
        "one weight."
        if p.taps == 2
        else "Each layer spreads its weights twice as far as the one below, so the reach "
        "doubles while the work stays the same.",
        "wide",
    )
    spaced = np.zeros(p.spread * (p.taps - 1) + 1)
    spaced[:: p.spread] = r.kernel
    figure, axes = drawing.sheet()
    drawing.stems(axes, np.arange(len(spaced)), spaced, "kernel")
    axes.set_ylim(-0.2, None)
    axes.set_xticks(range(len(spaced)))
    drawing.label(axes, f"The kernel spread by {p.spread}", "tap", "weight")
    kernel = Panel(
        figure,
        f"The weights {' '.join(map(str, r.kernel))} at distance {p.spread}: {len(spaced)} taps long, "
        f"{p.taps} of them used.",
        "The weights are the same; only their places change. The gaps are skipped, not multiplied by zero.",
    )
    figure, axes = drawing.sheet()
    layers = np.arange(1, p.layers + 1)
    drawing.line(axes, layers, r.reached, "output", "spread doubles", marker="o")
    drawing.line(axes, layers, r.reached_plain, "muted", "no spread", marker="s")
    axes.set_xticks(layers)
    axes.set_ylim(0, None)
    drawing.label(axes, "Reach", "layers", "samples that one output sees", legend="upper left")
    reach = Panel(
        figure,
        f"Samples that one output sees after {p.layers} layers: {r.reached[-1]} if the spread doubles, "
        f"{r.reached_plain[-1]} without.",
        "Both stacks have the same number of weights and do the same work.",
    )
    table = Table(
        "Samples that one output sees.",
        ("layers", "spread doubles", "no spread", "weights"),
        tuple((str(n + 1), str(r.reached[n]), str(r.reached_plain[n]), str(p.taps * (n + 1))) for n in range(p.layers)),
    )
    return stack, kernel, reach, table


EXPERIMENT = Experiment(
    slug="dilation",
    items=(14,),
    title="Dilated convolution",
    goal="Spread the weights apart to see further without more work.",
    formula="(F ∗ₗ k)(p) = Σ F(s) k(t)   over all s + l·t = p",
    idea="A dilated kernel skips l − 1 samples between its weights. The formula says it in one line: ordinary "
    "convolution "
    "has s + t = p, dilated has s + l·t = p. Stacked with the spread doubling from layer to layer, the reach grows "
    "like 2ⁿ, while the number of weights grows like n.",
    parameters=Dilation,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Set the spread to 1: the plain convolution is back.",
        "Stack six layers: 3 weights a layer see 127 samples.",
        "Use the same spread of 2 in every layer and look at which samples are never seen by one output.",
    ),
    surprise="Four layers with 12 weights together see 31 samples; without spreading it takes 15 layers.",
)
