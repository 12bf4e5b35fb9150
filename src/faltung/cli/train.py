"""`faltung train`: a network learns from a set, or from one's own pictures, tables and arrays."""

import json
import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import FileError, ParameterError
from .options import AsJson, parse_integers
from .screen import aside

if TYPE_CHECKING:
    from ..data import Examples
    from ..training import Config


class Others(StrEnum):
    """What values in masks are that no class has."""

    refuse = "refuse"
    ignore = "ignore"
    nearest = "nearest"


class Colours(StrEnum):
    """What all pictures of a folder become."""

    grey = "grey"
    colour = "colour"


SizeWord = Annotated[
    str, typer.Option("--size", metavar="64x64", help="Rows and columns that all pictures of a folder become.")
]
ColoursWord = Annotated[Colours | None, typer.Option(help="What all pictures of a folder become.")]
SkipCorrupt = Annotated[
    bool, typer.Option("--skip-corrupt", help="Leave damaged pictures out and name them, instead of refusing all.")
]
ValuesWord = Annotated[
    str,
    typer.Option(
        "--values",
        metavar="V,V",
        help="Values in masks that are classes: 0,255 or ground=0,cell=255 or road=128:64:128. Without it: two values;"
        " 0,1,2,... without a gap; others that each fill 3 x 3 pixels somewhere. Anything else is refused.",
    ),
]
UnlabelledWord = Annotated[
    str,
    typer.Option(
        "--unlabelled", metavar="V", help="The value in masks of what is not known, often 255; it is left out."
    ),
]
OthersWord = Annotated[
    Others,
    typer.Option(
        help="With --values, all other values in masks: an error, left out (smoothed edges), or of the nearest class"
        " (0 and 255 saved as JPEG)."
    ),
]
Limit = Annotated[int, typer.Option(min=0, metavar="N", help="Take about N examples, by lot; 0 takes all.")]


def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A set (fashion-mnist, digits, nuclei, ucr:NAME, ...), a folder with a folder of pictures for each"
            " class, a folder with images/ and masks/, a table (.csv) or arrays (.npz).",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Gets model, state and log; default: DATA-training."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, metavar="N", help="How often every example is seen.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, metavar="N", help="Examples of one step.")] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="R|find", help="Largest learning rate; find looks for it first.")
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Changes by lot: flip flips shift rotate scale elastic erase noise light; or none."
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Stop after N epochs without a better score; 0 never.")
    ] = None,
    validation: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of the examples held back for scores.")
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            metavar="P", help="How likely a value is dropped, before a ConvNet's last layer or at a U-Net's bottom."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same network.")] = 0,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with any options of faltung.training.Config.")
    ] = None,
    size: SizeWord = "",
    colours: ColoursWord = None,
    skip_corrupt: SkipCorrupt = False,
    values: ValuesWord = "",
    unlabelled: UnlabelledWord = "",
    others: OthersWord = Others.refuse,
    limit: Limit = 0,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="auto cpu cuda mps.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads of the processor.")] = None,
    as_json: AsJson = False,
) -> int:
    """Train a network: a ConvNet where each example has a class, a U-Net where each place has one.

    In masks each value is a class, if that is certain: smoothed edges, traces of JPEG and 255 for "not known" are
    refused until --values, --others or --unlabelled say what they are.

    A share of the examples is held back; the weights that score best on them are kept. Ctrl+C ends it after a step and
    keeps the best; faltung resume goes on with the same bits.

    \b
    Examples:
      faltung train fashion-mnist -o clothes --epochs 5
      faltung train pictures/ --size 64x64 --augment flip,shift,light --patience 5
      faltung train cells/ --epochs 40 --rate find      (cells/images and cells/masks)
      torchrun --no-python --nproc-per-node 2 faltung train digits
    """
    from ..training import train as train_model
    from ..training.choosing import recipe_for
    from ..training.sources import Source
    from .trainings import speaks, trained

    source = Source(
        word=data,
        size=tuple(parse_integers(size, "--size")) if size else (),
        colours="" if colours is None else colours.value,
        skip_corrupt=skip_corrupt,
        values=values,
        unlabelled=unlabelled,
        others=others.value,
        limit=limit,
    ).absolute
    folder = output or Path(f"{Path(data.replace(':', '-')).name or 'faltung'}-training")
    _check_folder(folder)
    examples = source.open()
    recipe = recipe_for(examples, seed=seed, dropout=dropout)
    given = {
        "epochs": epochs,
        "batch_size": batch,
        "learning_rate": _rate(rate),
        "augment": None if augment is None else _names(augment),
        "patience": patience,
        "validation": validation,
        "device": device,
        "threads": threads,
    }
    chosen = _config(recipe.config, config, {name: value for name, value in given.items() if value is not None})
    if speaks():
        for path in examples.left_out:
            aside(f"left out: {path}")
        if len(examples.y.shape) > 1:
            aside(f"classes: {_shares(examples)}")
        aside(f"{examples.name}: {len(examples)} examples, {chosen.epochs} epochs; log and model in {folder}")

    def work(**options: Any) -> Any:
        return train_model(recipe.model, examples, config=chosen, folder=folder, data=source.to_text(), **options)

    return trained("train", chosen.epochs, work, {"data": source.word, "folder": folder}, as_json=as_json)


def _shares(examples: "Examples") -> str:
    """Which class has which share of all places."""
    counts = examples.counts()
    known, places = sum(counts.values()), math.prod(examples.y.shape)
    words = [f"{name} {count / places:.2%}" for name, count in counts.items()]
    return ", ".join([*words, *([f"left out {1 - known / places:.2%}"] if known < places else [])])


def _check_folder(folder: Path) -> None:
    """Before data are read: a training is not overwritten."""
    from ..training.state import STATE

    if (folder / STATE).exists():
        raise FileError(f"{folder}: holds a training already: faltung resume {folder}, or -o another folder")


def _config(recipe: "Config", path: Path | None, given: dict[str, Any]) -> "Config":
    """The recipe's, changed by a file and then by options."""
    from ..data.damage import opening
    from ..training import Config

    written: Any = {}
    if path is not None:
        with opening(path, "read"):
            text = path.read_text(encoding="utf-8", errors="replace")
        try:
            written = json.loads(text)
        except ValueError as error:
            raise FileError(f"{path}: is no JSON: {error}") from error
        if not isinstance(written, dict):
            raise FileError(f'{path}: options of a training are expected, e.g. {{"epochs": 5}}')
    return Config.from_json({**recipe.to_json(), **written, **given})


def _rate(word: str | None) -> Any:
    if word is None or word == "find":
        return word
    try:
        return float(word)
    except ValueError:
        raise ParameterError(f"--rate {word}: a number, or find, is expected") from None


def _names(word: str) -> list[str]:
    return [] if word in ("", "none") else word.split(",")
