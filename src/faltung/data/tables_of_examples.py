"""Examples out of tables: numbers and a label a line (CSV), or arrays by name (NPZ)."""

import csv
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import FileError, ParameterError
from ..spec import Array
from .content import MAX_VALUES
from .damage import decoding, opening
from .examples import Examples

LARGEST = float(np.finfo(np.float32).max)

ChannelAxis = Literal["auto", "none", "first", "last"]


def examples_of_csv(path: Path, label: str | int, classes: tuple[str, ...] | None) -> Examples:
    """One example a line: x (example, 1, column), the label in one column as a number or a word.

    Lines that begin with `#` are remarks; the first line holds names if nothing in it beside the label is a number.

    Raises:
        FileError: rows differ in length, a cell is no number; line and column are named.
        ParameterError: no such column, or labels that are no classes.
    """
    with opening(path, "read"), decoding(path, "CSV"):
        text = path.read_text(encoding="utf-8-sig")
    # remarks become empty lines, so that the numbers of lines stay
    lines = ["" if line.startswith("#") else line for line in text.splitlines()]
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=next((sign for sign in (";", "\t", ",") if sign in first), ","))
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    if not rows:
        raise FileError(f"{path}: holds no lines")
    width = len(rows[0][1])
    if width < 2:
        raise FileError(f"{path}: has one column: numbers and a label are needed, with comma, semicolon or tab between")
    names = rows.pop(0)[1] if _leads(path, rows, label, width) else []
    if "" in names:
        raise FileError(f"{path}: column {names.index('') + 1} has no name; an index is no input: write without it")
    column = _column(path, label, names, width)
    values: list[list[float]] = []
    labels: list[str] = []
    for line, cells in rows:
        if len(cells) != width:
            raise FileError(f"{path}, line {line}: has {len(cells)} columns, the first line has {width}")
        labels.append(cells[column])
        values.append([_number(path, line, i, cell) for i, cell in enumerate(cells) if i != column])
        if not cells[column]:
            raise FileError(f"{path}, line {line}, column {column + 1}: the label is empty")
    if not rows:
        raise FileError(f"{path}: holds one line of names and no numbers")
    found = classes_of(str(path), labels, classes)
    y = np.array([found.index(one) for one in labels], np.int64)
    return Examples(np.array(values, np.float32)[:, None], y, found, name=path.stem, source=str(path))


def examples_of_npz(path: Path, channel_axis: ChannelAxis, classes: tuple[str, ...] | None) -> Examples:
    """Arrays `x` and `y`, and `classes` if it is there; Python objects are never loaded.

    Raises:
        FileError: x or y is not there, damaged, too large, or holds something else than numbers.
        ParameterError: it is not certain which axis holds channels.
    """
    with opening(path, "read"), decoding(path, "NPZ"):
        with zipfile.ZipFile(path) as members:
            for member in members.infolist():
                if member.file_size > 8 * MAX_VALUES:
                    raise FileError(
                        f"{path}: {member.filename} unpacks to {member.file_size:,} bytes; the limit is 2 GiB"
                    )
        with np.load(path, allow_pickle=False) as arrays:
            missing = [name for name in ("x", "y") if name not in arrays]
            if missing:
                raise FileError(f"{path}: holds {', '.join(arrays) or 'nothing'}, but no {' and no '.join(missing)}")
            x, y = arrays["x"], arrays["y"]
            named = tuple(str(name) for name in arrays["classes"]) if "classes" in arrays else None
    if x.dtype.kind not in "biuf" or x.ndim == 0 or y.dtype.kind not in "biufU" or y.ndim == 0:
        raise FileError(f"{path}: x is {x.dtype} {x.shape}, y is {y.dtype} {y.shape}: numbers, and labels, are needed")
    if x.dtype != np.uint8:
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
    x = _with_channels(path, x, y, channel_axis)
    finite = np.isfinite(x).reshape(len(x), -1).all(axis=1)
    if not finite.all():
        raise FileError(
            f"{path}: x holds NaN or infinity, also as float32, in {int((~finite).sum()):,} of {len(x):,} examples, the"
            f" first of them example {int(finite.argmin())}: leave those examples out"
        )
    # classes that are numbers are names too: those of a training that had labels 1 and 2, say
    by_name = named is None and (classes is None or y.dtype.kind == "U" or any(map(_is_number, classes)))
    if y.ndim == 1 and by_name:
        labels = [str(one) for one in y.tolist()]
        found = classes_of(str(path), labels, classes)
        return Examples(x, np.array([found.index(one) for one in labels]), found, name=path.stem, source=str(path))
    return _numbered(path, x, y, classes or named)


def classes_of(place: str, labels: list[str], classes: tuple[str, ...] | None) -> tuple[str, ...]:
    """The given classes if they hold all labels; else the labels there are, numbers in order of size, words of letters.

    Raises:
        ParameterError: a label is no class.
    """
    found = set(labels)
    if classes is not None:
        if strange := sorted(found - set(classes)):
            raise ParameterError(f"{place}: {strange[0]!r} is none of the classes {', '.join(classes)}")
        return classes
    numbers = {one: _as_number(one) for one in found}
    if all(number is not None for number in numbers.values()):
        if any(number != int(number) for number in numbers.values() if number is not None):
            broken = next(one for one in labels if not float(one).is_integer())
            raise ParameterError(f"{place}: the label {broken} is no whole number and no word, so no class")
        return tuple(sorted(found, key=lambda one: (numbers[one], one)))
    return tuple(sorted(found))


def _leads(path: Path, rows: list[tuple[int, list[str]]], label: str | int, width: int) -> bool:
    """Whether the first line holds names: the label is asked for by name, or nothing beside the label is a number."""
    if isinstance(label, str):
        return True
    column = label % width if -width <= label < width else width - 1
    line, cells = rows[0]
    if not any(_as_number(cell) is not None for i, cell in enumerate(cells) if i != column):
        return True
    # 0,1,2,label: names that are numbers, and a word that would be a class of its own
    others = [row[column] for _, row in rows[1:] if len(row) == width]
    if _as_number(cells[column]) is None and others and cells[column] not in others:
        raise ParameterError(
            f"{path}, line {line}: {cells[column]!r} stands nowhere else: if it is the name of its column, give"
            f" label={cells[column]!r}; a class needs two examples"
        )
    return False


def _column(path: Path, label: str | int, names: list[str], width: int) -> int:
    if isinstance(label, str):
        if names.count(label) == 1:
            return names.index(label)
        raise ParameterError(
            f"{path}: label={label!r} names {names.count(label)} columns; there are {', '.join(names)}"
        )
    if not -width <= label < width:
        raise ParameterError(f"{path}: label={label} names no column; there are 0 to {width - 1}")
    return label % width


def _number(path: Path, line: int, column: int, cell: str) -> float:
    number = _as_number(cell)
    if number is None or not abs(number) <= LARGEST:
        what = f"{cell[:40]!r} is no finite number" if cell else "is empty"
        raise FileError(f"{path}, line {line}, column {column + 1}: {what}: leave the line out, or put a number there")
    return number


def _as_number(cell: str) -> float | None:
    try:
        # Python takes 1_000 for a number
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _is_number(cell: str) -> bool:
    return _as_number(cell) is not None


def _with_channels(path: Path, x: Array, y: Array, channel_axis: ChannelAxis) -> Array:
    """X with its channels in axis 1."""
    if channel_axis == "auto":
        if y.ndim > 1 and x.ndim in (y.ndim, y.ndim + 1):
            channel_axis = "none" if x.ndim == y.ndim else "last" if x.shape[:-1] == y.shape else "first"
        elif x.ndim == 2:
            channel_axis = "none"
        else:
            raise ParameterError(
                f"{path}: x has shape {x.shape}; say which axis holds channels: channel_axis='none', 'first' (axis 1)"
                " or 'last'"
            )
    if channel_axis == "none":
        return x[:, None]
    return x if channel_axis == "first" else np.ascontiguousarray(np.moveaxis(x, -1, 1))


def _numbered(path: Path, x: Array, y: Array, classes: tuple[str, ...] | None) -> Examples:
    """Labels that are numbers of classes already, one a place or one an example."""
    if y.dtype.kind not in "biu":
        raise FileError(
            f"{path}: y is {y.dtype}: whole numbers are needed, the places of classes from 0 (-1: not known)"
        )
    labels = y.astype(np.int64)
    names = classes or tuple(str(i) for i in range(int(labels.max()) + 1))
    return Examples(x, labels, names, name=path.stem, source=str(path))
