"""NPY arrays and tables of numbers as text (CSV)."""

import io
import math
from pathlib import Path

import numpy as np

from ..errors import FileError, ShapeError
from ..spec import Array
from .content import Content, check_size
from .damage import decoding
from .tones import check_real


def read_npy(path: Path, max_values: int) -> Content:
    """An NPY array; its header is held against the size of the file before memory is taken.

    Raises:
        FileError: the header lies, or it holds Python objects or records.
    """
    with decoding(path, "NPY"), path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        # 3.0 differs from 2.0 by the names of fields only, and records are refused below
        shape, by_columns, dtype = readers[(min(version[0], 2), version[1])](file)
        if dtype.hasobject:
            raise FileError(f"{path}: holds Python objects, which could run code when read: save plain numbers")
        if dtype.names is not None or dtype.kind not in "biufc":
            raise FileError(f"{path}: holds {dtype}, not plain numbers: save one field as an array")
        if any(size < 0 for size in shape):
            raise FileError(f"{path}: its header declares the shape {shape}")
        check_size(path, shape, max_values)
        declared, held = math.prod(shape) * dtype.itemsize, path.stat().st_size - file.tell()
        if declared > held:
            raise FileError(f"{path}: truncated: its header declares {declared:,} bytes, the file holds {held:,}")
        values = np.frombuffer(bytearray(file.read(declared)), dtype).reshape(shape, order="F" if by_columns else "C")
    values = values.astype(dtype.newbyteorder("="), copy=False)
    return Content(values, "array", (), "NPY", path)


def encode_npy(values: Array) -> bytes:
    """An NPY file, any number dtype, exactly."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def read_csv(path: Path, max_values: int) -> Content:
    """Numbers as text: separated by comma, semicolon, tab or blanks, `#` starts a comment, one line of names may lead.

    One column, or one line, is a signal; anything else a table. All values become float64.

    Raises:
        FileError: no text, rows of different length, or a cell that is no number; it names line and column.
    """
    with decoding(path, "CSV"):
        raw = path.read_bytes()
        if b"\0" in raw:
            raise FileError(f"{path}: is no text, but a CSV file is: give it the ending of its format")
        lines = _content_lines(raw.decode("utf-8-sig", errors="replace"))
        if not lines:
            raise FileError(f"{path}: holds no numbers")
        separator = _separator(lines)
        columns: tuple[str, ...] = ()
        if not any(_is_number(cell) for cell in _cells(lines[0][1], separator)):
            columns = tuple(cell.strip("\"'") for cell in _cells(lines.pop(0)[1], separator))
        if not lines:
            raise FileError(f"{path}: holds one line of names or text and no numbers")
        width = len(_cells(lines[0][1], separator))
        check_size(path, (len(lines), width), max_values)
        values = _parse(path, lines, separator, width)
    if columns and len(columns) != width:
        raise FileError(f"{path}: names {len(columns)} columns in its first line, but its rows have {width}")
    if 1 in values.shape:
        return Content(values.ravel(), "signal", ("sample",), "CSV", path, columns=columns if width == 1 else ())
    return Content(values, "table", ("row", "column"), "CSV", path, columns=columns)


def encode_csv(path: Path, values: Array, columns: tuple[str, ...], separator: str = ",") -> bytes:
    """One line a sample, one column a channel, as many digits as give the same number back.

    Raises:
        ShapeError: more than two axes.
        DtypeError: complex numbers or objects.
    """
    check_real(values, "CSV")
    if values.ndim not in (1, 2):
        raise ShapeError(f"{path}: CSV holds one or two axes, the result has shape {values.shape}: write .npy")
    rows = values.reshape(len(values), -1)
    if rows.dtype == bool:
        rows = rows.astype(np.uint8)
    lines = [separator.join(columns)] if len(columns) == rows.shape[1] else []
    # repr of Python's float is the shortest text that gives the same float64 back
    as_python = rows.astype(np.float64).tolist() if rows.dtype.kind == "f" else rows.tolist()
    lines.extend(separator.join(map(repr, row)) for row in as_python)
    return ("\n".join(lines) + "\n").encode()


def _content_lines(text: str) -> list[tuple[int, str]]:
    """(number, text) of the lines that hold something, comments cut off."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition("#")[0].strip()
        if bare:
            found.append((number, bare))
    return found


def _separator(lines: list[tuple[int, str]]) -> str | None:
    """The first of `;`, tab and comma found in the first or last line; None for blanks."""
    ends = lines[0][1] + lines[-1][1]
    return next((sign for sign in (";", "\t", ",") if sign in ends), None)


def _cells(line: str, separator: str | None) -> list[str]:
    return [cell.strip() for cell in line.split(separator)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse(path: Path, lines: list[tuple[int, str]], separator: str | None, width: int) -> Array:
    """By NumPy's fast reader; where that fails, line by line to say what is wrong."""
    bodies = [line for _, line in lines]
    if not any("_" in line for line in bodies):
        try:
            return np.loadtxt(bodies, delimiter=separator, ndmin=2, comments=None)
        except ValueError:
            pass
    for number, line in lines:
        cells = _cells(line, separator)
        if len(cells) != width:
            raise FileError(
                f"{path}, line {number}: has {len(cells)} columns, the first row has {width}: rows must be equally long"
            )
        for column, cell in enumerate(cells, 1):
            if not _is_number(cell) or "_" in cell:
                raise FileError(f"{path}, line {number}, column {column}: {_not_a_number(cell)}")
    raise FileError(f"{path}: its numbers cannot be read as a table")


def _not_a_number(cell: str) -> str:
    if not cell:
        return "is empty; write nan for a missing value"
    shown = repr(cell[:40])
    if _is_number(cell.replace(",", ".", 1)):
        return f"{shown} is no number; write a decimal point: {cell.replace(',', '.', 1)}"
    return f"{shown} is no number; write numbers, or nan for a missing value"
