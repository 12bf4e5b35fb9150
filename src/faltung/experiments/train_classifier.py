"""Item 25: a classifier trained from nothing, with what it takes to believe the result."""

from dataclasses import dataclass

import numpy as np

from ..data import fashion_mnist
from ..spec import Array
from . import drawing
from .classifiers import seeded
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, choice, whole


@dataclass(frozen=True)
class TrainClassifier(Parameters):
    """A small ConvNet learns ten kinds of clothes."""

    pictures: int = whole(1500, 300, 60000, "pictures to train with, of 60,000; a fifth of them is held back")
    tested: int = whole(1000, 100, 10000, "other pictures to test with, of 10,000")
    maps: int = whole(12, 4, 32, "maps of the first stage; the second has twice as many, the third four times")
    epochs: int = whole(10, 2, 50, "how often each picture is seen")
    mirror: str = choice("yes", ("yes", "no"), "whether half of the pictures are mirrored at each sight")
    seed: int = whole(0, 0, 9999, "which first weights, which pictures are held back, and all that is drawn")


@dataclass(frozen=True)
class Trained:
    """Losses in nats, accuracies in per cent; `confusion` counts (truth, answer)."""

    classes: tuple[str, ...]
    losses: Array
    held_losses: Array
    held: Array
    best: int
    confusion: Array
    counts: Array
    accuracy: float
    majority: float
    number: int
    recall: Array
    surest: Array
    pictures: Array
    truths: Array
    answers: Array
    shares: Array
    sure: Array
    right: Array


def compute(p: TrainClassifier) -> Trained:
    """Hold pictures back, train, test once, look at what went wrong."""
    from faltung.networks import ConvNet
    from faltung.training import Config, evaluate, predict, train

    examples = fashion_mnist("train").subset(np.arange(p.pictures))
    test = fashion_mnist("test").subset(np.arange(p.tested))
    classes = examples.classes
    with seeded(p.seed):
        net = ConvNet(channels=1, classes=10, widths=((p.maps,), (2 * p.maps,), (4 * p.maps,)))
    number = net.num_parameters
    config = Config(
        epochs=p.epochs,
        batch_size=50,
        learning_rate=0.01,
        augment=("flip",) if p.mirror == "yes" else (),
        validation=0.2,
        seed=p.seed,
        device="cpu",
        threads=1,
    )
    run = train(net, examples, config=config)
    losses = np.array([epoch.loss for epoch in run.history])
    held_losses = np.array([epoch.scores["loss"] for epoch in run.history])
    held = np.array([100 * epoch.scores["accuracy"] for epoch in run.history])
    best = max(epoch.number for epoch in run.history if epoch.best)

    # the test comes once, when nothing is left to be chosen
    with seeded(p.seed):
        found = evaluate(run, test)
        every = predict(run, test.x)
    confusion, accuracy, recall = found.confusion, 100 * found.accuracy, 100 * found.recall
    counts = np.bincount(test.y, minlength=10)
    majority = 100 * float(counts.max() / counts.sum())

    # the mistakes of which it is surest
    given, top = every.argmax(axis=1), every.max(axis=1)
    wrong = np.flatnonzero(given != test.y)
    surest = wrong[np.argsort(-top[wrong], kind="stable")[:8]]
    pictures, truths, answers, shares = test.x[surest, 0], test.y[surest], given[surest], 100 * top[surest]

    # how sure it says it is, and how often it is right then
    bands = np.digitize(top, [0.5, 0.6, 0.7, 0.8, 0.9])
    filled = [band for band in range(6) if (bands == band).any()]
    sure = np.array([100 * top[bands == band].mean() for band in filled])
    right = np.array([100 * (given == test.y)[bands == band].mean() for band in filled])
    return Trained(
        classes,
        losses,
        held_losses,
        held,
        best,
        confusion,
        counts,
        accuracy,
        majority,
        number,
        recall,
        surest,
        pictures,
        truths,
        answers,
        shares,
        sure,
        right,
    )


def check(p: TrainClassifier, r: Trained) -> tuple[Golden, ...]:
    """What must hold for any training, and what the default comes to."""
    m = p.maps
    # 9 weights for each pair of maps, two numbers a map for the norm, and the last layer
    number = 9 * (m + 2 * m * m + 8 * m * m) + 2 * 7 * m + 40 * m + 10
    reached = [
        Golden("numbers to learn, by hand", number, r.number),
        Golden("every test picture is counted where it belongs", r.counts, r.confusion.sum(axis=1)),
        Golden("accuracy is the diagonal", 100 * np.trace(r.confusion) / p.tested, r.accuracy, 1e-9),
        Golden("accuracy is the mean of the recalls, each by its count", r.accuracy, _mean_recall(r), 1e-9),
        Golden("the weights kept are those that did best on what was held back", r.held.max(), r.held[r.best - 1]),
        Golden("mistakes shown are mistakes", 0, int((r.truths == r.answers).sum())),
    ]
    if p == TrainClassifier():
        reached += [
            Golden("right on three of four test pictures, or more", "yes", _yes(r.accuracy > 75)),
            Golden("the loss falls to less than half", "yes", _yes(r.losses[-1] < r.losses[0] / 2)),
        ]
    return tuple(reached)


def draw(p: TrainClassifier, r: Trained) -> tuple[Panel | Table, ...]:
    """Curves, confusion, certain mistakes, and how far its certainty can be believed."""
    return _curves(r), _mistakes(r), _confusion(r), _certainty(r), _table(p, r)


def _curves(r: Trained) -> Panel:
    figure, axes = drawing.sheet()
    epochs = np.arange(1, len(r.losses) + 1)
    drawing.line(axes, epochs, r.losses, "input", "trained with", marker="o", markersize=4)
    drawing.line(axes, epochs, r.held_losses, "output", "held back", marker="s", markersize=4)
    axes.set_ylim(bottom=0)
    drawing.label(axes, "How it learns", "epoch", "loss, nats", "upper right")
    return Panel(
        figure,
        "Loss in nats by epoch, of the pictures trained with: "
        + ", ".join(f"{loss:.2f}" for loss in r.losses)
        + "; of those held back: "
        + ", ".join(f"{loss:.2f}" for loss in r.held_losses)
        + ".",
        f"Pictures held back say which epoch is best, here {r.best}, with {r.held[r.best - 1]:.1f} % right. When only "
        "the first curve still falls, the net has begun to learn by heart.",
    )


def _mistakes(r: Trained) -> Panel:
    """Up to eight mistakes in two rows."""
    sheet = np.zeros((2, 4, 28, 28))
    for place, picture in enumerate(r.pictures):
        sheet[divmod(place, 4)] = picture / 255
    figure, axes = drawing.sheet("wide", height=330)
    tall, broad = 46, 44
    canvas = np.full((2 * tall, 4 * broad), np.nan)
    for place in range(len(r.pictures)):
        row, column = divmod(place, 4)
        canvas[row * tall : row * tall + 28, column * broad : column * broad + 28] = 1 - sheet[row, column]
    drawing.grey(axes, np.ma.masked_invalid(canvas), "The mistakes of which it is surest")
    ink, muted = drawing.COLOURS["ink"][0], drawing.COLOURS["muted"][0]
    for place, (truth, answer, share) in enumerate(zip(r.truths, r.answers, r.shares, strict=True)):
        row, column = divmod(place, 4)
        drawing.frame(axes, column * broad - 0.5, row * tall - 0.5, 28, 28)
        where = {"ha": "left", "va": "top", "fontsize": 9.5}
        axes.text(column * broad - 0.5, row * tall + 29, f"{r.classes[answer]}, {share:.0f} %", color=ink, **where)
        axes.text(column * broad - 0.5, row * tall + 35, f"is: {r.classes[truth]}", color=muted, **where)
    words = [
        f"{r.classes[truth]} taken for {r.classes[answer]} with {share:.0f} per cent"
        for truth, answer, share in zip(r.truths, r.answers, r.shares, strict=True)
    ]
    return Panel(
        figure,
        "Test pictures with wrong answers: " + "; ".join(words) + ".",
        "Some of these a person would get wrong too; some labels may be wrong. To look at them is the quickest way to "
        "learn what a net has learned.",
        "wide",
    )


def _confusion(r: Trained) -> Panel:
    """The table of truths and answers as numbers."""
    figure, axes = drawing.sheet("wide", height=380)
    title = "Truth (rows) and answer (columns), test pictures"
    drawing.numbers(axes, r.confusion, "output", title, shaded=np.eye(len(r.classes), dtype=bool))
    for place, name in enumerate(r.classes):
        axes.text(-0.2, place + 0.5, name, ha="right", va="center", color=drawing.COLOURS["ink"][0], fontsize=9.5)
    # the names of the columns are those of the rows
    axes.set_xlim(left=-4)
    pairs = np.array(r.confusion)
    np.fill_diagonal(pairs, 0)
    truth, answer = np.unravel_index(pairs.argmax(), pairs.shape)
    return Panel(
        figure,
        "Confusion counts, truth by answer: "
        + "; ".join(f"{name} {' '.join(map(str, row))}" for name, row in zip(r.classes, r.confusion, strict=True))
        + ".",
        f"The diagonal is right: {r.accuracy:.1f} %. What is most often mixed up: {r.classes[truth]}, taken for "
        f"{r.classes[answer]} {pairs.max()} times.",
        "wide",
    )


def _certainty(r: Trained) -> Panel:
    figure, axes = drawing.sheet()
    drawing.line(axes, [30, 100], [30, 100], "muted", "as sure as right")
    drawing.line(axes, r.sure, r.right, "output", "this net", marker="s")
    drawing.label(axes, "Sure, and right?", "how sure it says it is, %", "right, %", "upper left")
    return Panel(
        figure,
        "Per cent right against how sure the net is: "
        + ", ".join(f"{right:.0f} at {sure:.0f}" for sure, right in zip(r.sure, r.right, strict=True))
        + ".",
        "Answers in bands of certainty. Below the line the net is surer than it should be.",
    )


def _table(p: TrainClassifier, r: Trained) -> Table:
    worst, easiest = int(np.nanargmin(r.recall)), int(np.nanargmax(r.recall))
    held = p.pictures // 5
    return Table(
        f"{r.number:,} numbers to learn, about {p.pictures - held:,} pictures trained with and {held:,} held back.",
        ("", "right"),
        (
            ("always the commonest kind", f"{r.majority:.1f} %"),
            ("held back, best epoch", f"{r.held[r.best - 1]:.1f} %"),
            (f"test, {p.tested:,} pictures", f"{r.accuracy:.1f} %"),
            (f"easiest kind: {r.classes[easiest]}", f"{r.recall[easiest]:.1f} %"),
            (f"hardest kind: {r.classes[worst]}", f"{r.recall[worst]:.1f} %"),
        ),
    )


def _mean_recall(r: Trained) -> float:
    return float((np.nan_to_num(r.recall) * r.counts).sum() / r.counts.sum())


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="train-classifier",
    items=(25,),
    title="Train a classifier",
    goal="Train a ConvNet on pictures of clothes, and find out how far it can be believed.",
    formula="loss = −log p(right answer), mean over a batch     step: w ← w − rate · gradient",
    idea="Pictures go through the net in batches. The loss says how surprised it is by the right answers, its gradient "
    "how each weight has to move so that it is surprised less. The rate of the steps climbs at first and falls to "
    "nothing in the end.\n\n"
    "Three parts are kept apart: pictures trained with, pictures held back that say which epoch is best, and test "
    "pictures that are looked at once, at the end. One number is not enough: the table of truths and answers shows "
    "what is mixed up, the surest mistakes show why, and the last curve whether 90 % means nine of ten.",
    parameters=TrainClassifier,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take 300 pictures: the loss still falls to little, but not that of the pictures held back.",
        "Mirror no pictures: it is surer of what it was shown, and errs more often elsewhere.",
        "Take 60,000 pictures and some patience: `faltung.training.recipes.fashion_mnist` is the recipe for all.",
    ),
    surprise="A small net and a few seconds come close to the 83.5 % that people without training in fashion reach. "
    "It fails on shirts, which are all that is neither T-shirt, pullover nor coat.",
)
