"""Pictures and masks in files as rows of an array: only those are read that are asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import FileError, ParameterError
from ..spec import Array
from .colour import to_grey
from .examples import IGNORE
from .files import read

Fit = Literal["resize", "crop"]
Colours = Literal["grey", "colour"]
MaskValue = int | tuple[int, int, int]
Others = Literal["refuse", "ignore", "nearest"]


class Unfit(FileError):
    """A whole file that does not go with the others; never left out silently, unlike a damaged one."""


class FileRows:
    """Rows of an array, one a file, read when indexed.

    Attributes:
        paths: the files.
        shape: of the array that all rows would be.
        dtype: of its numbers.
    """

    def __init__(
        self, paths: Sequence[Path], load: Callable[[Path], Array], shape: tuple[int, ...], dtype: Any
    ) -> None:
        self.paths = tuple(paths)
        self._load = load
        self.shape = (len(self.paths), *shape)
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: Any) -> Array:
        """The row at an integer, or rows at integers (k,), a slice or booleans.

        Raises:
            FileError: a file is damaged or does not go with the others; it is named.
        """
        chosen = np.arange(len(self.paths))[indices]
        if chosen.ndim == 0:
            return self._row(self.paths[int(chosen)])
        out = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        for place, i in enumerate(chosen):
            out[place] = self._row(self.paths[int(i)])
        return out

    def _row(self, path: Path) -> Array:
        row = self._load(path)
        # NumPy would repeat a single row of pixels in silence
        if row.shape != self.shape[1:] or row.dtype != self.dtype:
            raise FileError(f"{path}: has changed since it was looked at: it is {_times(row.shape)} of {row.dtype} now")
        return row

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        values = self[:]
        return values if dtype is None else values.astype(dtype)


@dataclass(frozen=True)
class PictureLoader:
    """Makes a picture file (channel, row, column), like the first one.

    Attributes:
        colours: what all become; None takes only what the first is.
        size: rows and columns that all become; None takes only what the first has.
        fit: by resizing, or by cutting out the middle.
        first: the file that the others have to be like; None while it is not known.
        shape, dtype: of it.
    """

    colours: Colours | None
    size: tuple[int, int] | None
    fit: Fit
    first: Path | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""

    def __call__(self, path: Path) -> Array:
        """One picture.

        Raises:
            FileError: it is damaged.
            Unfit: it is not like the first.
        """
        pixels = self._fitted(path, _colours(load_pixels(path), self.colours))
        if self.first is None:
            return pixels
        if pixels.shape[0] != self.shape[0]:
            words = {1: "grey", 3: "colour"}
            raise Unfit(
                f"{path}: is {words[pixels.shape[0]]}, {self.first.name} is {words[self.shape[0]]}:"
                " colours='grey' or colours='colour' makes them alike"
            )
        if pixels.shape != self.shape:
            raise Unfit(
                f"{path}: is {_times(pixels.shape[1:])}, {self.first.name} is {_times(self.shape[1:])}:"
                f" size=({self.shape[1]}, {self.shape[2]}) makes them alike"
            )
        if pixels.dtype != self.dtype:
            raise Unfit(
                f"{path}: its values become {pixels.dtype}, those of {self.first.name} {self.dtype}: save all with 8"
                " bits, or all with 16"
            )
        return pixels

    def _fitted(self, path: Path, pixels: Array) -> Array:
        if self.size is None or pixels.shape[1:] == self.size:
            return pixels
        if self.fit == "crop":
            return _cropped(path, pixels, self.size)
        from PIL import Image

        # one channel after the other: Pillow has no mode for three of floats
        resized = [
            np.asarray(Image.fromarray(plane).resize(self.size[::-1], Image.Resampling.BILINEAR)) for plane in pixels
        ]
        return np.stack(resized).astype(pixels.dtype, copy=False)


@dataclass(frozen=True)
class MaskLoader:
    """Makes a mask file labels (row, column), int64.

    Attributes:
        values: value or colour -> label.
        pictures: mask -> its picture, whose size it must have; None once that is certain.
        size: rows and columns that all become, as of the pictures; None leaves them.
        fit: by taking the nearest pixel, or by cutting out the middle.
        others: what values without a label are: an error, `IGNORE`, or the label whose value is nearest.
    """

    values: tuple[tuple[MaskValue, int], ...]
    pictures: Mapping[Path, Path] | None
    size: tuple[int, int] | None
    fit: Fit
    others: Others = "refuse"

    def __call__(self, path: Path) -> Array:
        """One mask.

        Raises:
            FileError: it is damaged.
            Unfit: it has another size than its picture, or a value without a label.
        """
        pixels = load_mask(path)
        if self.pictures is not None:
            picture = self.pictures[path]
            shape = load_pixels(picture).shape[:2]
            if pixels.shape[:2] != shape:
                raise Unfit(
                    f"{path}: is {_times(pixels.shape[:2])}, its picture {picture} is {_times(shape)}: a mask has a"
                    " pixel for each of its picture"
                )
        labels = self._labels(path, pixels)
        if self.size is None or labels.shape == self.size:
            return labels
        if self.fit == "crop":
            return _cropped(path, labels[None], self.size)[0]
        rows, columns = (
            np.minimum(((np.arange(new) + 0.5) * old / new).astype(np.int64), old - 1)
            for new, old in zip(self.size, labels.shape, strict=True)
        )
        return labels[rows[:, None], columns]

    def _labels(self, path: Path, pixels: Array) -> Array:
        coloured = any(isinstance(value, tuple) for value, _ in self.values)
        # all greys, or all as colours
        codes = sorted(
            (value if isinstance(value, int) and not coloured else _code(value), n) for value, n in self.values
        )
        known = np.array([code for code, _ in codes])
        numbers = _codes(path, pixels) if coloured else _greys(path, pixels)
        found = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
        labels = np.array([label for _, label in codes])
        strange = known[found] != numbers
        if not strange.any():
            return labels[found]
        if self.others == "ignore":
            return np.where(strange, IGNORE, labels[found])
        if self.others == "nearest":
            there, where = np.unique(numbers[strange], return_inverse=True)
            found[strange] = _nearest(there, known, coloured=coloured)[where]
            return labels[found]
        row, column = np.argwhere(strange)[0]
        named = ", ".join(str(value) for value, _ in self.values)
        raise Unfit(
            f"{path}: holds {pixels[row, column].tolist()} at row {row}, column {column};"
            f" {share_of(int(strange.sum()), strange.size)} are none of {named}: name them in values= (--values) if"
            " they are classes; others='ignore' (--others ignore) leaves such pixels out, 'nearest' gives them the"
            " nearest class"
        )


def load_pixels(path: Path) -> Array:
    """A file with one picture as (row, column) or (row, column, 3), uint8 or float32; opacity is left aside.

    Raises:
        FileError: it is damaged.
        Unfit: it holds several pictures, or none.
    """
    content = read(path)
    try:
        content = content.as_picture()
    except ParameterError as error:
        raise Unfit(str(error)) from error
    if "frame" in content.axes:
        raise Unfit(f"{path}: holds {content.num_frames} pictures: save each as a file of its own")
    pixels = content.values
    if pixels.dtype == np.uint8:
        return pixels
    with np.errstate(over="ignore"):
        pixels = pixels.astype(np.float32)
    if not np.isfinite(pixels).all():
        raise Unfit(f"{path}: holds NaN or infinity, as float32: put numbers there")
    return pixels


def load_mask(path: Path) -> Array:
    """A file of labels as whole numbers, (row, column) or (row, column, 3).

    Raises:
        FileError: it is damaged.
        Unfit: it holds something else.
    """
    content = read(path)
    try:
        content = content.as_picture()
    except ParameterError as error:
        raise Unfit(str(error)) from error
    if "frame" in content.axes or content.values.dtype.kind not in "ui":
        raise Unfit(
            f"{path}: shape {content.values.shape} of {content.values.dtype} is no mask: one whole number a place is"
        )
    return content.values


def mask_numbers(path: Path) -> tuple[Array, bool]:
    """A mask with one number a pixel: its grey level, or 65536 red + 256 green + blue if any pixel has a colour.

    Returns:
        int64 (row, column), and whether they are colours.

    Raises:
        FileError: as of `load_mask`.
    """
    pixels = load_mask(path)
    coloured = pixels.ndim == 3 and not _all_grey(pixels)
    return (_codes if coloured else _greys)(path, pixels), coloured


def share_of(count: int, total: int) -> str:
    """In words, e.g. 7 of 4,096 pixels (0.17 %)."""
    return f"{count:,} of {total:,} pixels ({100 * count / total:.2g} %)"


def _nearest(numbers: Array, known: Array, *, coloured: bool) -> Array:
    """For each number the place of the nearest known one, the smaller of two that are equally near."""
    parts = (16, 8, 0) if coloured else (0,)
    mask = 255 if coloured else -1
    found: list[Array] = []
    # some at a time: a picture taken for a mask may have as many colours as pixels
    for some in np.array_split(numbers, -(-len(numbers) // 65536)):
        squares = [((some[:, None] >> part & mask) - (known >> part & mask)) ** 2 for part in parts]
        found.append(np.sum(squares, axis=0).argmin(axis=1))
    return np.concatenate(found)


def _colours(pixels: Array, colours: Colours | None) -> Array:
    """(row, column[, 3]) as (channel, row, column)."""
    if colours == "grey" and pixels.ndim == 3:
        grey = to_grey(pixels)
        pixels = np.rint(grey).astype(np.uint8) if pixels.dtype == np.uint8 else grey
    if pixels.ndim == 2:
        return np.repeat(pixels[None], 3 if colours == "colour" else 1, axis=0)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _cropped(path: Path, pixels: Array, size: tuple[int, int]) -> Array:
    spare = [old - new for old, new in zip(pixels.shape[1:], size, strict=True)]
    if min(spare) < 0:
        raise Unfit(
            f"{path}: is {_times(pixels.shape[1:])}, too small to cut {_times(size)} out of it:"
            " fit='resize' enlarges it"
        )
    top, left = (one // 2 for one in spare)
    return np.ascontiguousarray(pixels[:, top : top + size[0], left : left + size[1]])


def _all_grey(pixels: Array) -> bool:
    return bool((pixels[..., :1] == pixels).all())


def _greys(path: Path, pixels: Array) -> Array:
    if pixels.ndim == 2:
        return pixels.astype(np.int64)
    if not _all_grey(pixels):
        raise Unfit(
            f"{path}: is in colour, values= names grey levels: name colours, e.g. values={{'cell': (255, 0, 0)}}"
        )
    return pixels[..., 0].astype(np.int64)


def _codes(path: Path, pixels: Array) -> Array:
    """Each colour as one whole number."""
    if pixels.dtype != np.uint8:
        raise Unfit(f"{path}: holds {pixels.dtype}: colours in masks have 8 bits")
    wide = (np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels).astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _code(value: MaskValue) -> int:
    red, green, blue = value if isinstance(value, tuple) else (value, value, value)
    return red << 16 | green << 8 | blue


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
