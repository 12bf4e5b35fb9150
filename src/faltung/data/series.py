"""Time series with classes: sets of the UCR archive that aeon carries."""

from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import FileError, ParameterError
from ..spec import Array
from .damage import decoding
from .examples import Examples
from .packages import bare, check_part

AEON = bare("aeon", "aeon", "1.6.0")

UCR = {
    "ACSF1": (
        "0646b90dc4843e02baed6b2ba345c5601a4991b6796565489cef1b2d92a7537b",
        "93e8aaeb44a10af181d24a156e60da7021193cd990ca28f263fccf3b905bfebf",
    ),
    "ArrowHead": (
        "a83c470aaf611a5f5284377cce27a5fc9f6292bc3d110257b0fd4905ced5ee72",
        "5417dab42626d41df5e435bb22458c2df40dfad4bcd3b59559bbe72e20e84904",
    ),
    "BasicMotions": (
        "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
        "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc",
    ),
    "GunPoint": (
        "f842401779fd9800d247d8b33121a1a4643710a19b24917dbdd9a060ca8630d5",
        "79332750788a6227b325b96bd0d70130c8eb707b9731f8d7dec62b7a7d36017e",
    ),
    "ItalyPowerDemand": (
        "341269cb7e6cef96846b30e774580beec79addb93848ba360145219115a74b7c",
        "26122451f87dd0387ef90b18bc8a86c041371b8a1c068004922b939971247144",
    ),
    "OSULeaf": (
        "86b9d6e860414ffd26cebc62fff84ffb37fa588ef3e5bf79e4094a437c36ddfc",
        "6c549dd354f9e42d5985fa5fab75321ca9acefc7873457e71467fc8a31f107ce",
    ),
}
"""Name -> SHA-256 of the files for training and for the test; no sets with series of different lengths."""

UcrName = Literal["ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "OSULeaf"]


def ucr(name: UcrName, part: Literal["train", "test"] = "train") -> Examples:
    """A set of time series with classes, in the archive's own split, which published errors refer to.

    | name             | train | test | length | classes | what                                       |
    |------------------|-------|------|--------|---------|--------------------------------------------|
    | ACSF1            | 100   | 100  | 1460   | 10      | power that an appliance draws              |
    | ArrowHead        | 36    | 175  | 251    | 3       | outline of an arrow head                   |
    | BasicMotions     | 40    | 40   | 100    | 4       | six sensors on a wrist                     |
    | GunPoint         | 50    | 150  | 150    | 2       | a hand that draws a gun, or points         |
    | ItalyPowerDemand | 67    | 1029 | 24     | 2       | a day's electricity, October-March or else |
    | OSULeaf          | 200   | 242  | 427    | 6       | outline of a leaf                          |

    Args:
        name: of the set.
        part: `"train"` or `"test"`.

    Returns:
        x float32 (example, 1, sample), or 6 channels; y the classes as they are named in the file. Nothing is scaled;
        most series come with mean 0 and variance 1.

    Raises:
        ParameterError: no such set or part.
        MissingDependency: aeon (its files only) is not installed.
        FileError: an installed file is another.

    Source: Dau et al. 2019, "The UCR time series archive"; packed in aeon, BSD-3-Clause.

    Example:
        >>> ucr("GunPoint").x.shape
        (50, 1, 150)
    """
    if name not in UCR:
        raise ParameterError(f"no set is called {name!r}; there are {', '.join(UCR)}")
    check_part(part)
    file = f"datasets/data/{name}/{name}_{part.upper()}.ts"
    data = AEON.read(file, UCR[name][part == "test"], f"ucr {name}")
    x, y, classes = parse_ts(AEON.file(file, name), data.decode("utf-8"))
    return Examples(
        x,
        y,
        classes,
        name=f"{name} {part}",
        licence="not stated by the archive; packed under BSD-3-Clause",
        source="UCR archive, PyPI package aeon",
    )


def parse_ts(path: Path, text: str) -> tuple[Array, Array, tuple[str, ...]]:
    """Series of one length out of a .ts file: (example, channel, sample), labels, names of the classes.

    A line of `#` is a remark, of `@` says what is in the file, and after `@data` each line is an example: its channels,
    then its class, separated by colons.

    Raises:
        FileError: no classes are declared, a class is another, or the series differ in length.
    """
    classes: tuple[str, ...] = ()
    series: list[list[list[float]]] = []
    labels: list[int] = []
    with decoding(path, "ts"):
        for number, line in enumerate(text.splitlines(), 1):
            bare_line = line.strip()
            if bare_line.lower().startswith("@classlabel true"):
                classes = tuple(bare_line.split()[2:])
            if not bare_line or bare_line[0] in "#@":
                continue
            *channels, label = bare_line.split(":")
            if label not in classes:
                raise FileError(f"{path}, line {number}: class {label!r} is none of {', '.join(classes) or 'none'}")
            series.append([[float(value) for value in channel.split(",")] for channel in channels])
            labels.append(classes.index(label))
        lengths = {len(channel) for example in series for channel in example}
        if len(lengths) != 1 or len({len(example) for example in series}) != 1:
            raise FileError(f"{path}: series of one length and as many channels are needed, lengths are {lengths}")
        return np.array(series, np.float32), np.array(labels, np.int64), classes
