"""What a file held: numbers, the names of their axes, and what goes beside them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import FileError, ParameterError
from ..spec import Array

Form = Literal["picture", "signal", "table", "array"]

MAX_VALUES = 1 << 28
"""Numbers that a file may declare before `read` refuses it: 268 million, 2 GiB as float64."""

FULL_SCALE = {"bool": 1, "uint8": 255, "uint16": 65535}
"""dtype of a picture -> the value that is white."""


@dataclass(frozen=True)
class Content:
    """What was read.

    Attributes:
        values: the numbers. Pictures are (row, column), with "channel" last if they have colour and "frame" first if
            the file holds several; signals are (sample,) or (sample, channel); tables (row, column).
        form: "picture", "signal", "table" or "array".
        axes: what each axis of values is: "frame", "row", "column", "channel", "sample"; () for a plain array.
        container: the format that the bytes are in, e.g. "PNG".
        path: where it was read.
        alpha: opacity of a picture, apart from the colours so that no filter touches it; None without.
        sample_rate_hz: samples per second of a signal; None if the file does not say.
        frame_s: how long each frame is shown, in seconds; () if the file does not say.
        columns: the names in a table's first line; () without.
    """

    values: Array
    form: Form
    axes: tuple[str, ...]
    container: str
    path: Path
    alpha: Array | None = None
    sample_rate_hz: float | None = None
    frame_s: tuple[float, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def num_frames(self) -> int:
        """Frames of a picture; 1 for everything else."""
        return self.values.shape[0] if "frame" in self.axes else 1

    @property
    def full_scale(self) -> float | None:
        """The value that is white in an integer picture; None where the dtype does not say."""
        return FULL_SCALE.get(self.values.dtype.name) if self.form == "picture" else None

    def as_picture(self) -> "Content":
        """The same, seen as a picture: a table or array of two axes is grey, one of (row, column, 3) is colour.

        Raises:
            ParameterError: it has other axes.
        """
        if self.form == "picture":
            return self
        shape = self.values.shape
        if len(shape) == 2:
            return replace(self, form="picture", axes=("row", "column"))
        if len(shape) == 3 and shape[-1] == 3:
            return replace(self, form="picture", axes=("row", "column", "channel"))
        raise ParameterError(
            f"{self.path}: shape {shape} is no picture: (rows, columns) or (rows, columns, 3) is needed;"
            " cut it out with NumPy, or treat it as numbers with `faltung convolve`"
        )

    def as_signal(self, column: str | None = None) -> "Content":
        """The same, seen as signals along axis 0: (sample,) or (sample, channel).

        Args:
            column: the one to take, by name or by number from 0; None takes all.

        Raises:
            ParameterError: it is a picture, has more than two axes, or no such column.
        """
        if self.form == "picture" or self.values.ndim > 2 or self.values.ndim == 0:
            raise ParameterError(
                f"{self.path}: a {self.form} of shape {self.values.shape} is no signal: one column of numbers per"
                " channel is needed (CSV, WAV, or NPY with one or two axes)"
            )
        values, names = self.values, self.columns
        if column is not None:
            where = self._column_number(column)
            values, names = values.reshape(len(values), -1)[:, where], names[where : where + 1]
        axes = ("sample", "channel")[: values.ndim]
        return replace(self, values=values, form="signal", axes=axes, columns=names)

    def _column_number(self, column: str) -> int:
        count = 1 if self.values.ndim == 1 else self.values.shape[1]
        if column in self.columns:
            return self.columns.index(column)
        if column.isdecimal() and int(column) < count:
            return int(column)
        named = f", or by name: {', '.join(self.columns)}" if self.columns else ""
        raise ParameterError(f"{self.path}: no column {column!r}; there are 0 to {count - 1}{named}")


def check_size(path: Path, shape: tuple[int, ...], max_values: int) -> None:
    """Refuse a declared shape before any of it is decoded.

    Raises:
        FileError: it is empty or has more than max_values numbers.
    """
    count = 1
    for size in shape:
        count *= int(size)
    what = " x ".join(str(int(size)) for size in shape)
    if count <= 0:
        raise FileError(f"{path}: holds nothing: its header declares {what} values")
    if count > max_values:
        raise FileError(
            f"{path}: declares {what} = {count:,} values; the limit is {max_values:,}:"
            " cut it, or read it in Python with faltung.data.read(path, max_values=...)"
        )
