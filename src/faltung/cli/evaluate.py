"""`faltung evaluate`: how well a trained network does on examples it has not seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError
from .options import AsJson
from .screen import aside, check_output, print_facts, print_json, print_table, width
from .train import Limit, Others, OthersWord, SkipCorrupt, UnlabelledWord, ValuesWord

if TYPE_CHECKING:
    from ..training import Evaluation

DRAWN = ("png", "svg", "pdf")


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or a training's folder.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="As for faltung train; of a set, the part that tests.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Confusion and reliability drawn: png, svg, pdf."),
    ] = None,
    skip_corrupt: SkipCorrupt = False,
    values: ValuesWord = "",
    unlabelled: UnlabelledWord = "",
    others: OthersWord = Others.refuse,
    limit: Limit = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a trained network: which classes it takes for which, and whether its probabilities can be believed.

    Values in masks mean what they meant in training, unless --values says something else.

    \b
    Examples:
      faltung evaluate clothes fashion-mnist
      faltung evaluate pets other-pictures/ -o pets.png
      faltung evaluate cells test-cells/ --json
    """
    if output is not None:
        if output.suffix.lstrip(".").lower() not in DRAWN:
            raise ParameterError(f"-o {output}: a picture is written; endings are {', '.join(f'.{e}' for e in DRAWN)}")
        # the place is checked as of any picture
        check_output(output.with_suffix(".png"))
    from ..training import evaluate as measure
    from ..training.sources import Source
    from .trainings import open_model

    saved = open_model(model)
    source = Source(
        word=data,
        skip_corrupt=skip_corrupt,
        values=values,
        unlabelled=unlabelled,
        others=others.value,
        limit=limit,
    )
    examples = source.open("test", facts=saved.facts)
    for path in examples.left_out:
        aside(f"left out: {path}")
    found = measure(saved, examples)
    if output is not None:
        _draw(found, output)
    if as_json:
        print_json({"data": data, **_facts(found), "written": output})
        return
    unit = "places" if found.task == "segmentation" else "examples"
    print_facts(
        [
            ("data", f"{examples.name}: {found.num_examples:,} examples"),
            ("accuracy", f"{found.accuracy:.2%} of {int(found.confusion.sum()):,} {unit}"),
            ("log loss", f"{found.loss:.4f} nats"),
            ("Brier", f"{found.reliability.brier:.4f}: mean squared error of all probabilities, 0 is best, 2 worst"),
            ("calibration", str(found.reliability)),
        ]
    )
    print()
    _print_classes(found)
    print()
    _print_confusion(found)
    print()
    _print_reliability(found)
    if output is not None:
        print(f"wrote {output}")


def _print_classes(found: "Evaluation") -> None:
    places = found.task == "segmentation"
    header = ("class", "precision", "recall", "Dice" if places else "F1", *(["IoU"] if places else []), "number")
    columns = [found.precision, found.recall, found.f1, *([found.iou] if places else [])]
    rows = [
        (name, *("-" if value != value else f"{value:.4f}" for value in values), f"{int(number):,}")
        for name, *values, number in zip(found.classes, *columns, found.confusion.sum(1), strict=True)
    ]
    print_table(header, rows, right=range(1, len(header) - 1))


def _print_confusion(found: "Evaluation") -> None:
    """The table, if it fits; else the most frequent confusions."""
    counts = found.confusion
    cells = max(len(str(int(counts.max()))), len(str(len(found.classes)))) + 1
    names = [f"{i} {name}" for i, name in enumerate(found.classes)]
    label = max(map(len, names))
    if label + cells * len(names) <= width():
        print("truth down, answer across")
        print(" " * label + "".join(f"{i:>{cells}}" for i in range(len(names))))
        for name, row in zip(names, counts.tolist(), strict=True):
            print(f"{name:<{label}}" + "".join(f"{'.' if n == 0 else n:>{cells}}" for n in row))
        return
    wrong = [
        (int(counts[i, j]), found.classes[i], found.classes[j])
        for i in range(len(names))
        for j in range(len(names))
        if i != j and counts[i, j]
    ]
    print_table(
        ("number", "truth", "taken for"), [(str(n), a, b) for n, a, b in sorted(wrong, reverse=True)[:20]], right=(0,)
    )


def _print_reliability(found: "Evaluation") -> None:
    bins = found.reliability
    rows = [
        (f"{low:.2f} to {high:.2f}", f"{count:,}", f"{said:.4f}", f"{right:.4f}")
        for low, high, count, said, right in zip(
            bins.edges, bins.edges[1:], bins.counts, bins.confidence, bins.accuracy, strict=False
        )
        if count
    ]
    print_table(("probability said", "number", "mean said", "share right"), rows, right=(1, 2))


def _facts(found: "Evaluation") -> dict[str, Any]:
    bins = found.reliability
    return {
        "task": found.task,
        "classes": found.classes,
        "examples": found.num_examples,
        "accuracy": found.accuracy,
        "loss": found.loss,
        "confusion": found.confusion,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "iou": found.iou,
        "ece": bins.ece,
        "brier": bins.brier,
        "reliability": {
            "edges": bins.edges,
            "counts": bins.counts,
            "confidence": bins.confidence,
            "accuracy": bins.accuracy,
        },
    }


def _draw(found: "Evaluation", output: Path) -> None:
    """Left, which class is taken for which; right, what probabilities are worth."""
    import io

    import numpy as np
    from matplotlib import rc_context

    from ..data.files import replace_file
    from ..experiments.drawing import COLOURS, label, line, sheet

    count = len(found.classes)
    figure, (left, right) = sheet("wide", columns=2, height=380)
    shares = found.confusion / np.maximum(found.confusion.sum(1, keepdims=True), 1)
    left.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    left.grid(visible=False)
    for (row, column), share in np.ndenumerate(shares):
        if count <= 12 and found.confusion[row, column]:
            # dark on light, light on dark
            ink = "paper" if share > 0.5 else "ink"
            size = max(6.0, 11 - 0.4 * count)
            left.text(column, row, _percent(share), ha="center", va="center", fontsize=size, color=COLOURS[ink][0])
    ticks = range(count) if count <= 30 else range(0, count, count // 15)
    left.set_xticks(ticks, [_short(found.classes[i]) for i in ticks], rotation=45, ha="right", fontsize=8.5)
    left.set_yticks(ticks, [_short(found.classes[i]) for i in ticks], fontsize=8.5)
    label(left, f"accuracy {found.accuracy:.1%}: per cent of each row", x="answer", y="truth")
    bins = found.reliability
    some = bins.counts > 0
    line(right, [0, 1], [0, 1], "muted", "honest")
    line(right, bins.confidence[some], bins.accuracy[some], "output", "this network", marker="o", markersize=4)
    weights = bins.counts / bins.counts.sum()
    middles, step = (bins.edges[1:] + bins.edges[:-1]) / 2, bins.edges[1] - bins.edges[0]
    colour = COLOURS["input"][0]
    right.bar(middles, weights, width=0.9 * step, color=colour, alpha=0.25, label="share of answers", zorder=0)
    right.set_xlim(0, 1)
    right.set_ylim(0, 1)
    label(right, f"calibration: ECE {bins.ece:.1%}", x="probability said", y="share right", legend="upper left")
    held = io.BytesIO()
    with rc_context({"savefig.facecolor": COLOURS["paper"][0]}):
        figure.savefig(held, format=output.suffix.lstrip(".").lower(), dpi=150)
    replace_file(output, held.getvalue())


def _percent(share: float) -> str:
    return "<1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def _short(name: str) -> str:
    return name if len(name) <= 14 else name[:13] + "…"
