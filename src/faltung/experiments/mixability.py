"""Item 23: why sex, and why dropout: selection with ever new partners favours what mixes well."""

from dataclasses import dataclass

import numpy as np

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole

WAYS = ("asexual", "sexual")
_ROLES: tuple[drawing.Role, ...] = ("input", "output")


@dataclass(frozen=True)
class Mixability(Parameters):
    """Two genes, a fitness for every pair of their alleles, and two ways to have children."""

    alleles: int = whole(10, 2, 20, "variants of each of the two genes")
    landscapes: int = whole(300, 1, 2000, "random tables of fitness, all averaged")
    generations: int = whole(120, 1, 1000, "generations of selection")
    spread: float = real(0.1, 0.01, 0.5, "standard deviation of the logarithm of fitness")
    recombination: float = real(0.5, 0.01, 0.5, "share of sexual children with genes of two parents; 0.5 is free")
    seed: int = whole(3, 0, 9999, "which random tables")


@dataclass(frozen=True)
class Evolved:
    """Rows of means are the two ways, columns generations; shares and tables are (landscape, allele, allele)."""

    fitness: Array
    mixability: Array
    mean_fitness: Array
    mean_mixability: Array
    first_share: Array
    last_share: Array
    next_share: Array


def compute(p: Mixability) -> Evolved:
    """Endless populations: selection and recombination act on the share of each pair of alleles."""
    random = np.random.default_rng(p.seed)
    fitness = np.exp(p.spread * random.standard_normal((p.landscapes, p.alleles, p.alleles)))

    # how a pair does on average once one of the two, by lot, gets a partner taken at random
    by_first, by_second = fitness.mean(axis=2, keepdims=True), fitness.mean(axis=1, keepdims=True)
    mixability = (by_first + by_second) / 2

    first_share = np.full(fitness.shape, 1 / p.alleles**2)
    mean_fitness = np.zeros((2, p.generations + 1))
    mean_mixability = np.zeros((2, p.generations + 1))
    last_share = np.zeros((2, *fitness.shape))
    next_share = np.zeros((2, *fitness.shape))
    for row, recombination in enumerate((0.0, p.recombination)):
        share = first_share
        for generation in range(p.generations + 1):
            mean_fitness[row, generation] = (share * fitness).sum(axis=(1, 2)).mean()
            mean_mixability[row, generation] = (share * mixability).sum(axis=(1, 2)).mean()
            last_share[row] = share

            # selection: as many children as the pair is fit
            share = share * fitness
            share /= share.sum(axis=(1, 2), keepdims=True)
            # recombination: the first gene of one parent, the second of another
            mixed = share.sum(axis=2, keepdims=True) * share.sum(axis=1, keepdims=True)
            share = (1 - recombination) * share + recombination * mixed
        next_share[row] = share
    return Evolved(fitness, mixability, mean_fitness, mean_mixability, first_share, last_share, next_share)


def check(p: Mixability, r: Evolved) -> tuple[Golden, ...]:
    """Laws of selection and recombination, and what they come to in the default case."""
    # without recombination every generation multiplies by fitness
    powers = np.log(r.fitness) * p.generations
    alone = np.exp(powers - powers.max(axis=(1, 2), keepdims=True))
    alone /= alone.sum(axis=(1, 2), keepdims=True)
    # with it an allele still grows by its mean fitness among the partners that it has
    before = r.last_share[1]
    grown = (before * r.fitness).sum(axis=2) / (before * r.fitness).sum(axis=(1, 2))[:, None]
    reached = [
        Golden(
            "asexual shares are fitness to the power of generations", 0.0, np.abs(r.last_share[0] - alone).max(), 1e-9
        ),
        Golden(
            "sexual: an allele's share grows by its mean fitness with its partners",
            0.0,
            np.abs(r.next_share[1].sum(axis=2) - grown).max(),
            1e-12,
        ),
        Golden(
            "first generation, every partner as frequent: the mean of all fitness",
            float(r.fitness.mean()),
            float(r.mean_mixability[1, 0]),
            1e-12,
        ),
        Golden("asexual mean fitness never falls", "yes", _yes((np.diff(r.mean_fitness[0]) >= -1e-12).all())),
    ]
    if p == Mixability():
        fitness, mixing = r.mean_fitness[:, -1], r.mean_mixability[:, -1]
        reached += [
            Golden("the fitter population is the asexual one", "yes", _yes(fitness[0] > fitness[1])),
            Golden("the one that mixes better is the sexual one", "yes", _yes(mixing[1] > mixing[0])),
        ]
    return tuple(reached)


def draw(p: Mixability, r: Evolved) -> tuple[Panel | Table, ...]:
    """Fitness and mixability over the generations, and one table of fitness with both winners."""
    generation = np.arange(p.generations + 1)
    panels = []
    for values, title, caption in (
        (r.mean_fitness, "As it is", "Mean fitness. Without sex the best pair is found, kept and copied."),
        (
            r.mean_mixability,
            "With a new partner",
            "Mean fitness once one gene of each pair gets a partner at random. What sex selects bears that better.",
        ),
    ):
        figure, axes = drawing.sheet()
        for row, role in enumerate(_ROLES):
            drawing.line(axes, generation, values[row], role, WAYS[row])
        drawing.label(axes, title, "generation", "mean fitness", legend="lower right")
        numbers = "; ".join(
            f"{way} from {line[0]:.3f} to {line[-1]:.3f}" for way, line in zip(WAYS, values, strict=True)
        )
        panels.append(Panel(figure, f"{title}, mean fitness of {p.landscapes} populations: {numbers}.", caption))

    commonest = [r.last_share[row].reshape(p.landscapes, -1).argmax(axis=1) for row in range(2)]
    every = np.arange(p.landscapes)
    fit, mixing = (
        [table.reshape(p.landscapes, -1)[every, won] for won in commonest] for table in (r.fitness, r.mixability)
    )
    panels.append(_winners(p, fit, mixing))
    # the table in which the winners' mixabilities differ most tells the story best
    shown = int(np.argmax(mixing[1] - mixing[0]))
    panels.append(_landscape(p, r.fitness[shown], [int(won[shown]) for won in commonest]))
    rows = tuple(
        (
            way,
            f"{r.mean_fitness[row, -1]:.3f}",
            f"{r.mean_mixability[row, -1]:.3f}",
            f"{r.mean_fitness[row, -1] - r.mean_mixability[row, -1]:.3f}",
            f"{100 * np.mean(commonest[row] == r.fitness.reshape(p.landscapes, -1).argmax(axis=1)):.0f} %",
        )
        for row, way in enumerate(WAYS)
    )
    table = Table(
        f"After {p.generations} generations, mean of {p.landscapes} tables of fitness (mean of all pairs "
        f"{r.fitness.mean():.3f}).",
        ("way", "mean fitness", "with a new partner", "lost", "best pair of all is the commonest"),
        rows,
    )
    return (*panels, table)


def _winners(p: Mixability, fit: list[Array], mixing: list[Array]) -> Panel:
    """The commonest pair of every population: as it is, and with a new partner."""
    figure, axes = drawing.sheet(height=330)
    for row, role in enumerate(_ROLES):
        axes.scatter(
            fit[row], mixing[row], s=16, marker="so"[row], color=drawing.COLOURS[role][0], alpha=0.45, label=WAYS[row]
        )
    drawing.label(axes, "The commonest pairs", "fitness", "mean fitness with a new partner", "upper left")
    drawing.headroom(axes, 0.2)
    means = "; ".join(
        f"{way} {one.mean():.3f} and {other.mean():.3f}" for way, one, other in zip(WAYS, fit, mixing, strict=True)
    )
    return Panel(
        figure,
        f"The commonest pair of each of {p.landscapes} populations; mean fitness as it is and with a new partner: "
        f"{means}.",
        "Where both ways end with the same pair, marks lie on each other. Where they differ, sex gave up some fitness "
        "(left) for mixing better (up).",
    )


def _landscape(p: Mixability, fitness: Array, winners: list[int]) -> Panel:
    """One table of fitness, alleles sorted by how well they mix, the commonest pair of each way marked."""
    order = [np.argsort(fitness.mean(axis=axis)) for axis in (1, 0)]
    figure, axes = drawing.sheet(height=330)
    image = axes.imshow(fitness[np.ix_(*order)], cmap="gray", origin="lower")
    places = []
    for won, way, role, marker in zip(winners, WAYS, _ROLES, "so", strict=True):
        pair = divmod(won, p.alleles)
        row, column = (int(np.flatnonzero(order[axis] == pair[axis])[0]) for axis in (0, 1))
        places.append(f"{way}: row {row + 1}, column {column + 1}, fitness {fitness[pair]:.2f}")
        colour = drawing.COLOURS[role][0]
        axes.plot(column, row, marker, markersize=13, fillstyle="none", markeredgewidth=3, color=colour, label=way)
    ends = [0, p.alleles - 1]
    axes.set_xticks(ends, ["mixes worst", "best"])
    axes.set_yticks(ends, ["worst", "best"])
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    muted, ink = drawing.COLOURS["muted"][0], drawing.COLOURS["ink"][0]
    bar.ax.tick_params(labelsize=9.5, length=3, colors=muted, labelcolor=ink)
    bar.ax.grid(visible=False)
    bar.outline.set_edgecolor(muted)
    drawing.label(axes, "One table of fitness", "alleles of the second gene", "alleles of the first")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, **drawing.legend_style())
    return Panel(
        figure,
        f"Fitness of {p.alleles} by {p.alleles} pairs, sorted by how well each allele mixes. Commonest pair: "
        + "; ".join(places)
        + ".",
        "Each cell is a pair, white the fittest. The asexual winner is one bright cell, wherever it lies; the sexual "
        "winner lies among alleles that do well with most partners.",
    )


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="mixability",
    items=(23,),
    title="Why sex, and why dropout",
    goal="See that selection with ever new partners favours genes that do well with many.",
    formula="share′ ∝ share · fitness     then (1 − r) share + r (share of first gene) (share of second gene)",
    idea="Sex breaks up pairs of genes that do well together. Why then is it everywhere? Because a gene that meets a "
    "new partner in every generation is selected for what it does on average: for how well it mixes. Without sex the "
    "best pair is simply copied, however badly its two genes would do with any other partner.\n\n"
    "A unit of a network under dropout is such a gene: its partners are drawn anew at every step, so it has to be "
    "useful with whichever are left. What relies on one partner, a co-adaptation, does not last.",
    parameters=Mixability,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Make the recombination small, 0.05: the two ways come closer.",
        "Take 1,000 generations: the sexual population also settles on one pair, but on one that mixes well.",
        "Take only 2 alleles: there is hardly anything to mix.",
    ),
    surprise="The sexual population is the less fit one. It pays for every pair that it breaks, and what it buys is "
    "seen only when partners change.",
)
