"""Which values in masks are classes, and which may be none: smoothed edges, traces of JPEG, "not known"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FileError, ParameterError
from ..spec import Array
from .file_rows import MaskValue, Unfit, mask_numbers, share_of

MOST_VALUES = 32
"""A mask with more values than this, and no table of them, is taken for a picture."""
SQUARE = 3
"""Pixels along a side of what a value has to fill somewhere, to be taken for a class without being named.

Smoothed edges are narrower: enlarged by a factor of 8, an edge has steps of one pixel still.
"""
UNKNOWN_GREYS, UNKNOWN_COLOUR = (255, 65535), (224, 224, 192)
"""What widespread sets write where nothing is known: the largest grey beside 0, 1, 2, ...; PASCAL VOC's pale yellow."""


@dataclass(frozen=True)
class MaskFacts:
    """Which values a mask holds.

    Attributes:
        counts: value -> how many pixels have it; colours if any pixel has one, greys else.
        filling: the values that fill a square of 3 x 3 pixels somewhere; all of a mask that has no room for one.
    """

    counts: Mapping[MaskValue, int]
    filling: frozenset[MaskValue]


def mask_facts(path: Path) -> MaskFacts:
    """Count the values in a mask.

    Raises:
        FileError: it is damaged.
        Unfit: it is no mask, or holds so many values that it is none of classes.
    """
    numbers, coloured = mask_numbers(path)
    there, counts = np.unique(numbers, return_counts=True)
    if len(there) > MOST_VALUES:
        ends = [_value(int(there[i]), coloured=coloured) for i in (0, -1)]
        raise Unfit(
            f"{path}: holds {len(there):,} values, which are hardly classes (smoothed edges and JPEG leave such):"
            f" {_cure(ends)}"
        )
    filling = there if min(numbers.shape) < SQUARE else np.unique(_middles_of_squares(numbers))
    values = [_value(number, coloured=coloured) for number in there.tolist()]
    return MaskFacts(
        dict(zip(values, counts.tolist(), strict=True)),
        frozenset(_value(number, coloured=coloured) for number in filling.tolist()),
    )


def certain_classes(masks: Mapping[Path, MaskFacts], unlabelled: MaskValue | None) -> dict[str, MaskValue]:
    """The values in masks as classes, named by themselves, as long as it is certain that they are.

    Two values are, whichever they are; whole numbers from 0 or 1 on without a gap; and others if each fills a square
    somewhere, however rare it is. What mostly stands for "not known" is not.

    Args:
        masks: file -> what it holds.
        unlabelled: the value that is no class.

    Raises:
        FileError: a value may be no class; it is named with its file and its share there.
    """
    if any(isinstance(value, tuple) for facts in masks.values() for value in facts.counts):
        masks = {path: _in_colour(facts) for path, facts in masks.items()}
    every = {value for facts in masks.values() for value in facts.counts}
    values = sorted((value for value in every if unlabelled is None or plain(value) != plain(unlabelled)), key=plain)
    _refuse_unknown(values, masks)
    if len(values) > 2 and not _without_a_gap(values):
        _refuse_edges(values, masks)
    return {",".join(map(str, value)) if isinstance(value, tuple) else str(value): value for value in values}


def plain(value: MaskValue) -> tuple[int, int, int]:
    """A value as a colour."""
    return value if isinstance(value, tuple) else (value, value, value)


def parse_values(words: str) -> dict[str, MaskValue]:
    """A table of classes in words, `0,255` or `ground=0,cell=255` or `road=128:64:128`, as `values=` takes it.

    Raises:
        ParameterError: it is none.

    Example:
        >>> parse_values("ground=0,road=128:64:128")
        {'ground': 0, 'road': (128, 64, 128)}
    """
    table: dict[str, MaskValue] = {}
    for word in words.split(","):
        name, _, number = word.rpartition("=")
        value = parse_value(number)
        name = name.strip() or number.strip().replace(":", ",")
        if name in table:
            raise ParameterError(f"--values {words}: {name} stands there twice; every class once is expected")
        table[name] = value
    return table


def parse_value(word: str) -> MaskValue:
    """A grey level, `255`, or a colour, `224:224:192`.

    Raises:
        ParameterError: it is neither.
    """
    match [part.strip() for part in word.split(":")]:
        case [grey] if grey.isdecimal():
            return int(grey)
        case [red, green, blue] if (red + green + blue).isdecimal() and red and green and blue:
            return int(red), int(green), int(blue)
    raise ParameterError(
        f"{word!r} is no value of a mask: a grey level, such as 255, or red:green:blue, is expected; several stand"
        " between commas, with names or without: 0,255 or ground=0,cell=255"
    )


def _refuse_unknown(values: Sequence[MaskValue], masks: Mapping[Path, MaskFacts]) -> None:
    for odd in values:
        rest = [value for value in values if value != odd]
        if len(rest) > 1 and (odd == UNKNOWN_COLOUR or (odd in UNKNOWN_GREYS and _without_a_gap(rest))):
            path, share = _most_of(odd, masks)
            raise FileError(
                f"{path}: {share} are {_word(odd)}, which beside {_shown(rest)} mostly stands for what is not known:"
                f" --unlabelled {_word(odd)} (unlabelled=) leaves it out; if it is a class, --values {_shown(values)}"
                " (values=) says so"
            )


def _refuse_edges(values: Sequence[MaskValue], masks: Mapping[Path, MaskFacts]) -> None:
    filling = {value for facts in masks.values() for value in facts.filling}
    total = {value: sum(facts.counts.get(value, 0) for facts in masks.values()) for value in values}
    doubtful = sorted((value for value in values if value not in filling), key=total.__getitem__)
    if not doubtful:
        return
    path, share = _most_of(doubtful[0], masks)
    more = f", as {len(doubtful) - 1} other values" if len(doubtful) > 1 else ""
    sure = [value for value in values if value in filling]
    raise FileError(
        f"{path}: {share} are {_word(doubtful[0])}, which{more} nowhere fills {SQUARE} x {SQUARE} pixels in"
        f" {len(masks)} masks, as smoothed edges and JPEG do, but hardly a class:"
        f" {_cure(sure if len(sure) > 1 else [values[0], values[-1]])}; if all are classes, --values"
        f" {_shown(values)} says so"
    )


def _cure(classes: Sequence[MaskValue]) -> str:
    return (
        f"say which values are classes, e.g. --values {','.join(map(_word, classes))} (values=), and --others ignore"
        " (others=) to leave the other pixels out, or --others nearest to give them the nearest class"
    )


def _most_of(value: MaskValue, masks: Mapping[Path, MaskFacts]) -> tuple[Path, str]:
    """The mask with most pixels of a value, and how many these are."""
    path = max(masks, key=lambda path: masks[path].counts.get(value, 0))
    counts = masks[path].counts
    return path, share_of(counts[value], sum(counts.values()))


def _middles_of_squares(numbers: Array) -> Array:
    """The numbers at whose place all of 3 x 3 are alike, in a row."""
    across = (numbers[:, :-2] == numbers[:, 1:-1]) & (numbers[:, 1:-1] == numbers[:, 2:])
    column = numbers[:, 1:-1]
    down = (column[:-2] == column[1:-1]) & (column[1:-1] == column[2:])
    middles: Array = column[1:-1][across[:-2] & across[1:-1] & across[2:] & down]
    return middles


def _without_a_gap(values: Sequence[MaskValue]) -> bool:
    # sorted and all different
    return list(values) in ([*range(len(values))], [*range(1, len(values) + 1)])


def _in_colour(facts: MaskFacts) -> MaskFacts:
    return MaskFacts({plain(value): n for value, n in facts.counts.items()}, frozenset(map(plain, facts.filling)))


def _value(number: int, *, coloured: bool) -> MaskValue:
    return (number >> 16, number >> 8 & 255, number & 255) if coloured else number


def _word(value: MaskValue) -> str:
    """As the commands take it."""
    return ":".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _shown(values: Sequence[MaskValue]) -> str:
    words = [_word(value) for value in values]
    return ",".join(words if len(words) < 13 else [*words[:4], "...", words[-1]])
