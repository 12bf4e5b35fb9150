"""What a verb works on: files, photographs by name, numbers and kernels as words."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Content, photographs, read, to_grey
from ..data.samples import photograph_path
from ..errors import FileError, ParameterError
from ..spec import Array
from .screen import progress

NUMBER_FILES = (".npy", ".csv", ".tsv", ".txt", ".wav", ".tif", ".tiff", ".png")


def open_picture(name: str, frame: int | None) -> Content:
    """A picture file, or one of scikit-image's photographs by name."""
    path = Path(name)
    if name in photographs() and not path.exists():
        path = photograph_path(name)
    elif name and not path.suffix and path.name == name and not path.exists():
        raise FileError(f"{name}: there is no such file, nor a photograph; those are {' '.join(photographs())}")
    return read(path, frame=frame).as_picture()


def open_source(word: str, frame: int | None = None) -> Content:
    """Numbers as they stand, a photograph by name, or a file."""
    if not word.strip():
        raise ParameterError('the input is empty: give numbers, such as "1,2,3", or a file')
    if looks_like_numbers(word):
        return Content(parse_numbers(word, "the input"), "array", (), "numbers", Path("numbers"))
    if word in photographs() and not Path(word).exists():
        return open_picture(word, frame)
    return read(word, frame=frame)


def filtered_axes(content: Content) -> tuple[int, ...]:
    """Rows and columns of a picture, samples of a signal, all axes of an array."""
    named = tuple(i for i, name in enumerate(content.axes) if name in ("row", "column", "sample"))
    return named or tuple(range(content.values.ndim))


def without_colour(content: Content) -> Content:
    """The luma of a colour picture; a grey one as it is."""
    if "channel" not in content.axes:
        return content
    return replace(content, values=to_grey(content.values), axes=content.axes[:-1])


def each_frame(content: Content, verb: str, compute: Callable[[Array], Array]) -> Array:
    """Compute frame by frame, with progress on stderr if there are several."""
    if "frame" not in content.axes:
        return compute(content.values)
    with progress(verb, content.num_frames, "frames") as step:
        results = []
        for values in content.values:
            results.append(compute(values))
            step()
    return np.stack(results)


def looks_like_numbers(text: str) -> bool:
    """Whether a word is meant as numbers: it starts with one and is no file."""
    first = re.split(r"[,;\s]+", text.strip("[ "), maxsplit=1)[0]
    return (_value(first) is not None or bool(re.search("[,;]", text))) and not Path(text).exists()


def parse_numbers(text: str, option: str) -> Array:
    """`1,2,3` as one axis, `1,2;3,4` as rows; whole numbers stay whole, `1+2j` is complex.

    Raises:
        ParameterError: a part is no number, or rows differ in length.
    """
    rows = [_row(row, option) for row in text.strip().strip("[]").rstrip(";").split(";")]
    if len({len(row) for row in rows}) > 1:
        lengths = ", ".join(str(len(row)) for row in rows)
        raise ParameterError(f"{option}: its rows have {lengths} numbers; they must be equally long")
    if any(abs(value) > 2**63 - 1 for row in rows for value in row if isinstance(value, int)):
        raise ParameterError(f"{option}: a whole number is too large; write it with a point")
    return np.array(rows[0] if len(rows) == 1 else rows)


def parse_kernel(word: str, ndim: int, dtype: Any = None) -> Array:
    """A kernel from a name with numbers, numbers alone, or a file.

    Args:
        ndim: axes of the kernel, where a name leaves it open.
        dtype: for a kernel by name; None keeps the name's own.
    """
    if not word.strip():
        raise ParameterError('--kernel is empty: give a name such as "gaussian:3", numbers, or a file')
    if looks_like_numbers(word):
        return parse_numbers(word, "--kernel")
    path = Path(word)
    if path.suffix.lower() in NUMBER_FILES or path.exists():
        return read(path).values
    from ..filters import kernels

    return kernels.named(word, ndim=ndim, dtype=dtype)


def _row(text: str, option: str) -> list[Any]:
    parts = [part.split() for part in text.split(",")]
    if len(parts) > 1 and not all(parts):
        # left out without a word, the numbers behind the hole would move one place
        raise ParameterError(f"{option}: nothing stands between two commas of {text.strip()!r}, or at an end; write 0")
    return [_number(word, option) for part in parts for word in part] or _empty(option)


def _number(text: str, option: str) -> Any:
    value = _value(text)
    if value is None:
        raise ParameterError(f'{option}: {text!r} is no number; write "1,2,1", rows apart by ";"')
    return value


def _value(text: str) -> Any:
    """A whole, real or complex number; None if it is none."""
    for reader in (int, float, complex):
        try:
            if "_" not in text:
                return reader(text)
        except ValueError:
            continue
    return None


def _empty(option: str) -> list[Any]:
    raise ParameterError(f'{option}: an empty row; write "1,2,1", rows apart by ";"')
