"""Item 29: the reading list: what to ask each text, which experiment shows its answer; three sentences are tried."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, whole
from .texts import DISCUSSION, TEXTS


@dataclass(frozen=True)
class Reading(Parameters):
    """How far the sentences are tried."""

    longest: int = whole(12, 3, 40, "longest signal that the formula of sizes is tried on")
    layers: int = whole(5, 1, 8, "layers of the dilated stack")
    samples: int = whole(200, 8, 2000, "length of the signal that is convolved by spectra and by the sum")


@dataclass(frozen=True)
class Read:
    """Three sentences tried, and which experiment answers which text."""

    lengths: Array
    stated_lengths: Array
    widths: Array
    spectra_error: float
    answered: Array


def compute(p: Reading) -> Read:
    """Try one sentence each of three texts, then look up who answers whom."""
    from faltung.experiments.registry import EXPERIMENTS

    # Dumoulin, Visin: floor((n + 2 padding - k) / stride) + 1 numbers come out
    cases = [
        (n, k, padding, stride)
        for n in range(1, p.longest + 1)
        for k in range(1, 6)
        for padding in range(3)
        for stride in range(1, 4)
        if n + 2 * padding >= k
    ]
    lengths = np.array([ft.correlate(np.ones(n), np.ones(k), padding=q, stride=s).size for n, k, q, s in cases])
    stated_lengths = np.array([(n + 2 * padding - k) // stride + 1 for n, k, padding, stride in cases])

    # Yu, Koltun: with dilation 1, 2, 4, ... layer i sees 2^(i+1) - 1 samples along each axis
    widths = np.zeros(p.layers, int)
    seen = np.ones(1)
    for layer in range(p.layers):
        seen = ft.convolve(seen, np.ones(3), dilation=2**layer)
        widths[layer] = np.count_nonzero(seen)

    # Cooley, Tukey: spectra give the same sum
    signal, kernel = np.random.default_rng(1).random((2, p.samples))
    by_sum = ft.convolve(signal, kernel, method="direct")
    by_spectra = ft.convolve(signal, kernel, method="fft", rtol=1e-10)
    spectra_error = float(np.abs(by_spectra - by_sum).max() / by_sum.max())

    # a row for each text, a column for each experiment
    slugs = [experiment.slug for experiment in EXPERIMENTS if experiment.slug != "reading"]
    answered = np.array([[slug in text.shown_by for slug in slugs] for text in TEXTS])
    return Read(lengths, stated_lengths, widths, spectra_error, answered)


def check(p: Reading, r: Read) -> tuple[Golden, ...]:
    """The sentences hold; every text has its experiment."""
    named = sum(len(text.shown_by) for text in TEXTS)
    return (
        Golden(
            f"Dumoulin, Visin: sizes that the formula misses, of {len(r.lengths):,}",
            0,
            int((r.lengths != r.stated_lengths).sum()),
        ),
        Golden("Yu, Koltun: what each layer sees", 2 ** (np.arange(p.layers) + 2) - 1, r.widths),
        Golden("Cooley, Tukey: spectra against the sum, relative", 0.0, r.spectra_error, 1e-12),
        Golden("texts that no experiment answers", 0, int((~r.answered.any(axis=1)).sum())),
        Golden("experiments that are named and there", named, int(r.answered.sum())),
    )


def draw(p: Reading, r: Read) -> tuple[Panel | Table, ...]:
    """The map of texts and experiments, the list, the questions."""
    from .registry import EXPERIMENTS

    titles = {experiment.slug: experiment.title for experiment in EXPERIMENTS}
    slugs = [slug for slug in titles if slug != "reading"]
    used = [column for column in range(len(slugs)) if r.answered[:, column].any()]
    figure, axes = drawing.sheet("wide", height=120 + 34 * len(TEXTS))
    rows, columns = np.nonzero(r.answered[:, used])
    axes.plot(columns, rows, "o", markersize=9, color=drawing.COLOURS["kernel"][0])
    axes.set_yticks(range(len(TEXTS)), [text.short for text in TEXTS])
    axes.set_xticks(range(len(used)), [slugs[column] for column in used], rotation=40, ha="right")
    axes.set_ylim(len(TEXTS) - 0.5, -0.5)
    axes.set_xlim(-0.5, len(used) - 0.5)
    drawing.label(axes, "Which experiment answers which text")
    panel = Panel(
        figure,
        f"{len(TEXTS)} texts against {len(used)} experiments, {len(rows)} marks: "
        + "; ".join(f"{text.short}: {', '.join(text.shown_by)}" for text in TEXTS)
        + ".",
        "A mark: this experiment shows what that text argues. Take its question, change the experiment, then read.",
    )
    texts = Table(
        "The texts, and the question to read each with.",
        ("text", "title", "question", "shown by"),
        tuple((text.short, text.cited, text.ask, "; ".join(titles[slug] for slug in text.shown_by)) for text in TEXTS),
    )
    questions = Table(
        "To discuss: make up your mind, then look.",
        ("question", "in short", "argued in"),
        tuple((question, answer, titles[slug]) for question, answer, slug in DISCUSSION),
    )
    return panel, texts, questions


EXPERIMENT = Experiment(
    slug="reading",
    items=(29,),
    title="What to read, and what to ask it",
    goal="Find for each text of the list the experiment that shows what it argues, and try its sentence on numbers.",
    formula="sizes: ⌊(n + 2·padding − k) / stride⌋ + 1     dilated stack: 2ⁱ⁺² − 1 samples, i = 0, 1, …",
    idea="A text is read best with a question, and believed best when its sentence has been tried. Three are short "
    "enough to be tried here, on every small size: the formula of output sizes, the reach of a dilated stack, and that "
    "a detour by spectra gives the same sum. The others are argued by experiments of their own; the map says which.",
    parameters=Reading,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take signals up to 40 samples: thousands of cases, still none that contradicts.",
        "Take 8 layers: 511 samples from 24 weights.",
        "Take 2,000 samples: the error of the spectra hardly grows.",
    ),
    surprise="Formulas of sizes and reach can be tried on every small case within a second; few readers ever do.",
)
