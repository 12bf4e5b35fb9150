"""Item 23: delete units, or only shake them: Bernoulli's dropout against Gaussian noise of the same size."""

from dataclasses import dataclass

import numpy as np

from ..spec import Array
from . import drawing
from .classifiers import Noise, activations, dense_net, digit_tensors, error_percent, noise_factors, train
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole

NOISES = ("Bernoulli", "Gaussian")
ARMS = ("no noise", *NOISES)
_ROLES: tuple[drawing.Role, ...] = ("input", "output", "kernel")
_MARKERS = "sox"


@dataclass(frozen=True)
class DropoutNoise(Parameters):
    """One net, trained with no noise and with two kinds of the same mean and variance."""

    digits: int = whole(500, 200, 8000, "digits to train with, of 8,000; the test is always on 2,000 others")
    hidden: int = whole(128, 16, 1024, "units of each of the two hidden layers")
    epochs: int = whole(30, 1, 200, "how often each digit is seen")
    dropped: float = real(0.5, 0.05, 0.9, "p: Bernoulli's share of deleted units; Gaussian variance is p / (1 − p)")
    seeds: int = whole(2, 1, 10, "trainings of each kind, from different first weights")


@dataclass(frozen=True)
class Shaken:
    """Noise and sums: rows are Bernoulli and Gaussian; errors in per cent: rows are the arms, columns the seeds."""

    factors: Array
    parts: Array
    sums: Array
    errors: Array


def compute(p: DropoutNoise) -> Shaken:
    """Draw both noises, see what the next unit makes of them, and train with them."""
    images, labels, test_images, test_labels = digit_tensors(p.digits)

    # each unit is multiplied by a factor: 0 or 1 / (1 - p), or a normal variable of the same mean and variance
    draws = 4000
    factors = np.zeros((2, draws, p.hidden))
    for row, noise in enumerate(("bernoulli", "gaussian")):
        factors[row] = noise_factors(noise, p.dropped, draws * p.hidden, seed=1).reshape(draws, p.hidden)

    ways: list[tuple[Noise, float, float]] = [
        ("bernoulli", 0.0, 0.0),
        ("bernoulli", 0.2, p.dropped),
        ("gaussian", 0.2, p.dropped),
    ]
    errors = np.zeros((3, p.seeds))
    nets = []
    for row, (noise, p_input, p_hidden) in enumerate(ways):
        for seed in range(p.seeds):
            net = dense_net(p.hidden, p_input=p_input, p_hidden=p_hidden, noise=noise, seed=seed)
            nets.append(train(net, images, labels, epochs=p.epochs, rate=5e-3, seed=seed))
            errors[row, seed] = error_percent(net, test_images, test_labels)

    # the last net and one digit: what each unit of layer 2 adds to the score of the right answer
    answers = activations(nets[-1], test_images[:1], 1)[0]
    weights = list(nets[-1].parameters())[-2].detach().numpy()
    parts = answers * weights[int(test_labels[0])]
    sums = factors @ parts
    return Shaken(factors, parts, sums, errors)


def check(p: DropoutNoise, r: Shaken) -> tuple[Golden, ...]:
    """Both noises have mean 1 and variance p / (1 − p), and so has what they do to a sum."""
    variance = p.dropped / (1 - p.dropped)
    reached = []
    for name, factors, sums in zip(NOISES, r.factors, r.sums, strict=True):
        size = float(np.sum(r.parts**2))
        for what, values, expected in (
            (f"{name}: mean of a factor", factors.ravel(), 1.0),
            (f"{name}: its variance, p / (1 − p)", (factors.ravel() - 1) ** 2, variance),
            (f"{name}: mean of the sum, that of the whole net", sums, float(r.parts.sum())),
            (f"{name}: its variance, p / (1 − p) Σ part²", (sums - r.parts.sum()) ** 2, variance * size),
        ):
            # five standard errors of the mean; without any, at p = 0.5, the rounding of 32 bits is left
            reached.append(Golden(what, expected, float(values.mean()), _errors_of_mean(values) + 1e-6 * expected))
    if p == DropoutNoise():
        best = r.errors.mean(axis=1)
        reached += [
            Golden("either noise: fewer errors than none, on average", "yes", _yes((best[1:] < best[0]).all())),
            Golden("the two differ by less than 1 point", "yes", _yes(abs(best[1] - best[2]) < 1)),
        ]
    return tuple(reached)


def _errors_of_mean(values: Array) -> float:
    return 5 * float(values.std()) / len(values) ** 0.5


def draw(p: DropoutNoise, r: Shaken) -> tuple[Panel | Table, ...]:
    """Factors, sums, and errors."""
    panels = []
    for values, title, axis, caption in (
        (
            r.factors.reshape(2, -1),
            "What a unit is multiplied by",
            "factor",
            "Could hardly look less alike, yet mean (1) and variance "
            f"({p.dropped / (1 - p.dropped):.2f}) are the same.",
        ),
        (
            r.sums,
            "What the next unit sees",
            "sum over the layer",
            "Summed over a layer, the two are nearly the same: many small parts, so both sums are close to normal.",
        ),
    ):
        figure, axes = drawing.sheet()
        low, high = np.quantile(values, [0.0005, 0.9995])
        bins = np.linspace(low - 0.02 * (high - low), high + 0.02 * (high - low), 48)
        middle = (bins[1:] + bins[:-1]) / 2
        for row, role in ((0, "output"), (1, "kernel")):
            share = 100 * np.histogram(values[row], bins)[0] / values.shape[1]
            drawing.line(axes, middle, share, role, NOISES[row], drawstyle="steps-mid")
        drawing.label(axes, title, axis, "share, %", "upper right")
        drawing.headroom(axes, 0.25)
        panels.append(
            Panel(
                figure,
                f"{title}: histograms. "
                + "; ".join(
                    f"{n} mean {v.mean():.3f}, variance {v.var():.3f}" for n, v in zip(NOISES, values, strict=True)
                )
                + ".",
                caption,
            )
        )
    figure, axes = drawing.sheet("wide", height=190)
    for row, role in enumerate(_ROLES):
        drawing.dots(axes, r.errors[row], 2 - row, role, _MARKERS[row])
        axes.annotate(
            f"{r.errors[row].mean():.2f} %",
            (r.errors[row].mean(), 2 - row),
            xytext=(0, 12),
            ha="center",
            textcoords="offset points",
            color=drawing.COLOURS["ink"][0],
        )
    axes.set_yticks([2, 1, 0], ARMS)
    axes.set_ylim(-0.5, 2.75)
    drawing.label(axes, "Errors", "test error, %")
    arms = Panel(
        figure,
        "Test errors in per cent of each training: "
        + "; ".join(
            f"{name} {' '.join(f'{e:.2f}' for e in errors)}" for name, errors in zip(ARMS, r.errors, strict=True)
        )
        + ".",
        f"Every mark is one training on {p.digits:,} digits; the bar is the mean.",
        "wide",
    )
    rows = tuple(
        (name, f"{ours.mean():.2f} %", f"{ours.min():.2f} to {ours.max():.2f} %", published, "no")
        for name, ours, published in zip(
            ARMS, r.errors, ("1.60 % (recalled)", "1.08 % (recalled)", "0.95 % (recalled)"), strict=True
        )
    )
    table = Table(
        f"Ours: {p.digits:,} digits, 784-{p.hidden}-{p.hidden}-10, {p.seeds} trainings each. Published: Srivastava et "
        "al. 2014 on all 60,000, larger nets; recalled, not the same data.",
        ("noise", "our mean error", "from, to", "published", "same data?"),
        rows,
    )
    return (*panels, arms, table)


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="dropout-noise",
    items=(23,),
    title="Delete, or only shake",
    goal="Compare dropout with Gaussian noise of the same mean and variance.",
    formula="Bernoulli: h · m / (1 − p), m is 0 or 1     Gaussian: h · (1 + √(p / (1 − p)) · n), n normal",
    idea="Is it the deleting that helps, or the noise? Dropout multiplies a unit by 0 or by 1 / (1 − p): a random "
    "factor with mean 1 and variance p / (1 − p). A normal variable with the same two numbers deletes nothing, it only "
    "shakes. The next unit sums over the whole layer, and a sum of many small random parts knows little of them but "
    "mean and variance. So it can hardly tell one noise from the other, and both should do the same good.",
    parameters=DropoutNoise,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Raise dropped to 0.8: few parts are left, and the two sums look less alike.",
        "Take 16 hidden units: a sum of so few is not normal.",
        "Take 10 seeds: is the difference of the two means larger than the spread of either?",
    ),
    surprise="A Gaussian factor may be negative: it turns a unit's answer around, which deleting never does, and does "
    "no harm.",
)
