"""Options that several verbs share, and how their words become values."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ParameterError

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where the result goes; the ending decides the format."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
KernelWord = Annotated[
    str,
    typer.Option(
        "--kernel",
        "-k",
        metavar="KERNEL",
        help='A name ("gaussian:3", "hann:50", "sobel-x"), numbers ("1,2,1;2,4,2;1,2,1") or a file of numbers.',
    ),
]
BoundaryWord = Annotated[
    str,
    typer.Option(
        metavar="RULE",
        help="What stands outside: zero edge symmetric reflect wrap ignore constant:V;"
        ' "edge,wrap" sets both ends apart, "edge;wrap" the axes.',
    ),
]


class Nan(StrEnum):
    """What NaN in the data do."""

    propagate = "propagate"
    omit = "omit"
    error = "error"


NanWord = Annotated[
    Nan,
    typer.Option(
        "--nan",
        help="NaN in the data: spread to the results that see them, are left out and the rest counts more (mostly with"
        " --boundary ignore), or are an error.",
    ),
]
Method = Annotated[str, typer.Option(metavar="NAME", help="The algorithm: auto, or one that `faltung explain` lists.")]
Axes = Annotated[
    str | None, typer.Option(metavar="I,J", help="The axes to filter, from 0, e.g. 0,1; default: those of the kernel.")
]
Frame = Annotated[int | None, typer.Option(metavar="N", help="Of a film or many pages, take this one, from 0.")]
TonesWord = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help="Which values are black and white in PNG, JPEG, GIF: auto keep stretch signed, or LOW:HIGH.",
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads; the result does not depend on it.")]


DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "longdouble", "complex64", "complex128"),
)


class Mode(StrEnum):
    """How much of the overlap is kept."""

    full = "full"
    same = "same"
    valid = "valid"


def parse_boundary(word: str) -> Any:
    """`reflect`, `constant:5`, `edge,wrap` (before, after) or `edge;wrap` (per axis), as `convolve` takes it."""
    if ";" in word:
        return [parse_boundary(entry) for entry in word.split(";")]
    before, comma, after = word.partition(",")
    if comma:
        return parse_boundary(before), parse_boundary(after)
    name, colon, value = word.strip().partition(":")
    return (name, parse_number(value, "--boundary")) if colon else name


def parse_axes(word: str | None) -> tuple[int, ...] | None:
    """`0,1` as numbers."""
    return None if word is None else tuple(parse_integers(word, "--axes"))


def parse_dtype(name: str | None) -> Any:
    """A NumPy dtype by name; None stays None."""
    import numpy as np

    if name is None:
        return None
    if name not in DTYPES:
        raise ParameterError(f"--dtype {name}: allowed are {' '.join(DTYPES)}")
    return np.dtype(name)


def parse_tones(word: str) -> Any:
    """A word for `write`, or the pair LOW:HIGH."""
    low, colon, high = word.partition(":")
    return (parse_number(low, "--tones"), parse_number(high, "--tones")) if colon else word


def parse_number(text: str, option: str) -> float:
    """A number, or an error that names the option."""
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"{option}: {text!r} is no number") from None


def parse_integers(text: str, option: str) -> list[int]:
    """Whole numbers between commas or `x`, e.g. 0,1 or 512x512."""
    try:
        return [int(part) for part in text.lower().replace("x", ",").split(",")]
    except ValueError:
        raise ParameterError(f"{option}: {text!r} is not whole numbers, such as 0,1 or 512x512") from None


def per_axis(text: str, option: str) -> Any:
    """One number for all axes, or a tuple with one each."""
    numbers = parse_integers(text, option)
    return numbers[0] if len(numbers) == 1 else tuple(numbers)
