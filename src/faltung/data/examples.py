"""`Examples`: inputs with what is known of them, the form that every set and one's own files come in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import DtypeError, ParameterError, ShapeError
from ..spec import Array

IGNORE = -1
"""The label of a place of which nothing is known: it counts neither in training nor in a score."""


@runtime_checkable
class Rows(Protocol):
    """What may stand for an array of examples: files, say, of which only those are read that are asked for.

    `rows[indices]`, with integers of shape (k,), gives an array of shape (k, *rows.shape[1:]).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """As of the array that all of it would be."""
        ...

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Of the arrays that indexing gives."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Any) -> Array: ...


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and their labels.

    Attributes:
        x: (example, channel, *spatial), uint8 from 0 to 255 or float32; an array, or `Rows` that are read when indexed.
        y: int64; (example,), the class of each, or (example, *spatial), the class of each place. Places may be
            `IGNORE`. An array, or `Rows`.
        classes: their names; label i means classes[i].
        name: of the set, e.g. "fashion-mnist train".
        licence: under which the inputs may be used.
        source: where they come from.
        instances: int64 of the shape of a y with places: 0 is background, every other number one thing (one nucleus,
            one cell), its own number in its example. None where things are not told apart.
        left_out: files that were asked for and not taken, each with the reason.
    """

    x: Any
    y: Any
    classes: tuple[str, ...]
    name: str = "examples"
    licence: str = "not stated"
    source: str = "not stated"
    instances: Any = None
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_inputs(self.x)
        _check_labels(self.y, self.x.shape, len(self.classes))
        if self.instances is not None and tuple(self.instances.shape) != (len(self.x), *self.x.shape[2:]):
            raise ShapeError(
                f"instances have shape {tuple(self.instances.shape)}, x has {tuple(self.x.shape)}: one number for each"
                " place of each example is needed"
            )

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        kept = "" if isinstance(self.x, np.ndarray) else ", read when asked for"
        return (
            f"Examples({self.name!r}: x {tuple(self.x.shape)} {self.x.dtype}{kept}, y {tuple(self.y.shape)}, "
            f"{len(self.classes)} classes)"
        )

    @property
    def dense(self) -> bool:
        """Whether every place has a label of its own (segmentation), not every example."""
        return len(self.y.shape) > 1

    def counts(self) -> dict[str, int]:
        """How many examples, or places, each class has; `IGNORE` is not counted. Reads all labels.

        Example:
            >>> Examples(np.zeros((3, 1, 4), np.float32), np.array([1, 0, 1]), ("no", "yes")).counts()
            {'no': 1, 'yes': 2}
        """
        totals = np.zeros(len(self.classes), np.int64)
        # some at a time: masks may lie in files
        for first in range(0, len(self), 64):
            some = np.asarray(self.y[np.arange(first, min(first + 64, len(self)))])
            totals += np.bincount(some[some != IGNORE], minlength=len(self.classes))
        return dict(zip(self.classes, totals.tolist(), strict=True))

    def subset(self, indices: Sequence[int] | Array) -> "Examples":
        """Those at the given places, in the given order; what lies in files stays there.

        Args:
            indices: integers (k,), from 0; a place may come twice. Or booleans (example,), true for those to take.

        Raises:
            ParameterError: no index at all, or one outside.
            DtypeError: no integers and no booleans.
        """
        chosen = _as_indices(indices, len(self))
        return replace(
            self,
            x=_take(self.x, chosen),
            y=_take(self.y, chosen),
            instances=None if self.instances is None else _take(self.instances, chosen),
        )

    def split(self, share: float, seed: int = 0) -> tuple["Examples", "Examples"]:
        """Two parts that have nothing in common, by lot; the same seed draws the same parts.

        With a class for each example, each class is split by itself, so both parts hold every class in the same
        proportion, up to rounding, and at least once.

        Args:
            share: of the examples, that goes to the first part; more than 0, less than 1.
            seed: of the lot, a whole number from 0.

        Returns:
            The first part and the rest, each in the order that the examples have here.

        Raises:
            ParameterError: share is no such number; a class, or the whole, has one example only.

        Example:
            >>> both = Examples(np.zeros((10, 1, 8), np.float32), np.arange(10) % 2, ("even", "odd"))
            >>> train, test = both.split(0.8, seed=1)
            >>> train.counts(), test.counts()
            ({'even': 4, 'odd': 4}, {'even': 1, 'odd': 1})
        """
        if not 0 < share < 1:
            raise ParameterError(f"share={share!r}: a number between 0 and 1 is needed, e.g. 0.8 for four fifths")
        rng = np.random.default_rng(seed)
        first = np.zeros(len(self), bool)
        for name, members in self._strata():
            if len(members) < 2:
                raise ParameterError(
                    f"{self.name}: {name} has one example only, and a split needs two: add another, or leave it out"
                )
            taken = min(max(round(share * len(members)), 1), len(members) - 1)
            first[rng.permutation(members)[:taken]] = True
        return self.subset(first), self.subset(~first)

    def loaded(self) -> "Examples":
        """The same, with all that lies in files read into memory, once.

        Raises:
            FileError: a file is damaged, or has changed.
        """
        return replace(self, x=np.asarray(self.x), y=np.asarray(self.y))

    def _strata(self) -> list[tuple[str, Array]]:
        """The groups to split one by one: classes; all together where examples have many labels each."""
        if self.dense:
            return [("the set", np.arange(len(self)))]
        labels = np.asarray(self.y)
        groups = [(f"class {name!r}", np.flatnonzero(labels == i)) for i, name in enumerate(self.classes)]
        return [(name, members) for name, members in groups if len(members)]


class Chosen:
    """Some rows of others, read when indexed.

    Attributes:
        paths: the files of these rows, if they lie in such.
    """

    def __init__(self, rows: Rows, indices: Array) -> None:
        self._rows, self._indices = rows, indices
        files: Sequence[Path] = getattr(rows, "paths", ())
        self.paths = tuple(files[i] for i in indices.tolist()) if files else ()
        self.shape = (len(indices), *rows.shape[1:])
        self.dtype = rows.dtype

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, indices: Any) -> Array:
        return self._rows[self._indices[indices]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        values = self[np.arange(len(self))]
        return values if dtype is None else values.astype(dtype)


def _take(rows: Any, chosen: Array) -> Any:
    if isinstance(rows, np.ndarray):
        return rows[chosen]
    return Chosen(rows, chosen)


def _as_indices(indices: Sequence[int] | Array, count: int) -> Array:
    found = np.asarray(indices)
    if found.ndim != 1 or not found.size:
        raise ParameterError(f"indices have shape {found.shape}: (k,) with at least one is needed")
    if found.dtype == bool:
        if len(found) != count or not found.any():
            raise ParameterError(f"{len(found)} booleans, {int(found.sum())} of them true, for {count} examples")
        return np.flatnonzero(found)
    if found.dtype.kind not in "iu":
        raise DtypeError(f"indices are {found.dtype}: integers or booleans are needed")
    if found.min() < 0 or found.max() >= count:
        raise ParameterError(f"indices go from {found.min()} to {found.max()}: there are 0 to {count - 1}")
    return found.astype(np.int64)


def _check_inputs(x: Any) -> None:
    if not isinstance(x, Rows):
        raise DtypeError(
            f"x is {type(x).__name__}: a NumPy array is needed, or what has len, shape, dtype and indexing"
        )
    if x.dtype not in (np.uint8, np.float32):
        raise DtypeError(f"x is {x.dtype}: uint8 (0 to 255) or float32 is needed, e.g. x.astype(np.float32)")
    if len(x.shape) < 3 or 0 in x.shape:
        raise ShapeError(
            f"x has shape {tuple(x.shape)}: (example, channel, *spatial) is needed, none of them 0; one channel is"
            " x[:, None]"
        )


def _check_labels(y: Any, shape: tuple[int, ...], num_classes: int) -> None:
    if not isinstance(y, Rows):
        raise DtypeError(
            f"y is {type(y).__name__}: a NumPy array is needed, or what has len, shape, dtype and indexing"
        )
    if y.dtype != np.int64:
        raise DtypeError(f"y is {y.dtype}: int64 is needed, e.g. y.astype(np.int64)")
    allowed = {(shape[0],): "a class for each example", (shape[0], *shape[2:]): "a class for each place"}
    if tuple(y.shape) not in allowed:
        wanted = " or ".join(f"{size} ({what})" for size, what in allowed.items())
        raise ShapeError(f"y has shape {tuple(y.shape)}, x has {tuple(shape)}: {wanted} is needed")
    if not num_classes:
        raise ParameterError("classes is empty: one name for each label is needed")
    # labels in files are held against the table of values when they are read
    if isinstance(y, np.ndarray):
        lowest = 0 if y.ndim == 1 else IGNORE
        if y.min() < lowest or y.max() >= num_classes:
            raise ParameterError(
                f"labels go from {y.min()} to {y.max()}: with {num_classes} classes {lowest} to {num_classes - 1} are"
                " allowed"
            )
