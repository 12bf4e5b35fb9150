"""What stands outside an axis: six rules, named as in `numpy.pad`.

    zero             0 0 │a b c d│ 0 0
    ("constant", v)  v v │a b c d│ v v
    edge             a a │a b c d│ d d
    symmetric        b a │a b c d│ d c
    reflect          c b │a b c d│ c b
    wrap             c d │a b c d│ a b
    ignore           outside is missing: the sum is scaled by the share of the weights that hit data

A rule answers for one side of one axis and any distance, also beyond one length of the axis. Everything above this
floor reads index tables only, so a new boundary is one function and its row in `RULES`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from .errors import BoundaryError, ParameterError

OUTSIDE = -1
"""Index that stands for "no sample": the rule's fill value is used."""

IndexArray = np.ndarray[tuple[int], np.dtype[np.int64]]
Boundary = str | tuple[Any, Any] | Sequence[Any]
"""A name, `("constant", v)`, a pair `(before, after)`, or a list with one of these per convolved axis."""


def _outside(i: IndexArray, _n: int) -> IndexArray:
    return np.full_like(i, OUTSIDE)


def _edge(i: IndexArray, n: int) -> IndexArray:
    return np.clip(i, 0, n - 1)


def _symmetric(i: IndexArray, n: int) -> IndexArray:
    j = i % (2 * n)
    return np.where(j < n, j, 2 * n - 1 - j)


def _reflect(i: IndexArray, n: int) -> IndexArray:
    j = i % max(2 * n - 2, 1)
    return np.where(j < n, j, 2 * n - 2 - j)


def _wrap(i: IndexArray, n: int) -> IndexArray:
    return i % n


RULES: dict[str, Callable[[IndexArray, int], IndexArray]] = {
    "zero": _outside,
    "constant": _outside,
    "edge": _edge,
    "symmetric": _symmetric,
    "reflect": _reflect,
    "wrap": _wrap,
    "ignore": _outside,
}
"""name -> (positions outside 0..n-1, n) -> positions inside, or OUTSIDE."""

FOREIGN = {
    "nearest": ("scipy.ndimage", "edge"),
    "replicate": ("torch, OpenCV and MATLAB", "edge"),
    "extend": ("astropy", "edge"),
    "clamp": ("Halide", "edge"),
    "mirror": ("scipy.ndimage", "reflect"),
    "reflect_101": ("OpenCV", "reflect"),
    "reflect101": ("OpenCV", "reflect"),
    "grid-mirror": ("scipy.ndimage", "symmetric"),
    "symm": ("scipy.signal.convolve2d", "symmetric"),
    "grid-wrap": ("scipy.ndimage", "wrap"),
    "circular": ("torch and MATLAB", "wrap"),
    "periodic": ("ITK", "wrap"),
    "fill": ("scipy.signal.convolve2d and astropy", "zero"),
    "zeros": ("torch", "zero"),
    "grid-constant": ("scipy.ndimage", "zero"),
    "na": ("ImageFiltering.jl", "ignore"),
}
"""Names that other libraries use, whose they are, and the NumPy name of the same picture."""


@dataclass(frozen=True)
class Side:
    """The rule on one side of one axis; `value`, any number, counts for "constant" only."""

    rule: str
    value: Any = 0

    @property
    def fills(self) -> bool:
        """Whether outside positions hold a value of their own instead of a sample."""
        return RULES[self.rule] is _outside


@dataclass(frozen=True)
class AxisBoundary:
    """The rules before and after one axis."""

    before: Side
    after: Side

    def tables(self, n: int, num_before: int, num_after: int) -> tuple[IndexArray, IndexArray]:
        """Where the samples before position 0, and those from n on, come from.

        Returns:
            Two int64 arrays of lengths num_before and num_after, both in rising position, holding indices into the
            axis or OUTSIDE.
        """
        left = RULES[self.before.rule](np.arange(-num_before, 0, dtype=np.int64), n)
        right = RULES[self.after.rule](np.arange(n, n + num_after, dtype=np.int64), n)
        return left, right


def parse_boundary(boundary: Boundary, num_axes: int) -> tuple[AxisBoundary, ...]:
    """One AxisBoundary per convolved axis, from what a caller may write.

    Raises:
        BoundaryError: the name is unknown, or another library's; the message holds the translation.
        ParameterError: a list whose length is not the number of convolved axes.
    """
    if isinstance(boundary, list):
        if len(boundary) != num_axes:
            raise ParameterError(
                f"boundary has {len(boundary)} entries for {num_axes} convolved axes: give one entry per axis, "
                f'or one name for all, e.g. "edge"; the two sides of an axis are a tuple, ("edge", "wrap")'
            )
        return tuple(_parse_axis(entry) for entry in boundary)
    return (_parse_axis(boundary),) * num_axes


def _parse_axis(entry: Any) -> AxisBoundary:
    if isinstance(entry, tuple) and len(entry) == 2 and not _is_constant(entry):
        return AxisBoundary(_parse_side(entry[0]), _parse_side(entry[1]))
    side = _parse_side(entry)
    return AxisBoundary(side, side)


def _is_constant(entry: tuple[Any, Any]) -> bool:
    return isinstance(entry[0], str) and entry[0] == "constant" and not isinstance(entry[1], (str, tuple))


def _parse_side(entry: Any) -> Side:
    if isinstance(entry, tuple) and len(entry) == 2 and _is_constant(entry):
        return _parse_constant(entry[1])
    if not isinstance(entry, str):
        raise BoundaryError(
            f"boundary entry {entry!r} is neither a name nor a pair: allowed are {_names()}, a pair (before, after) "
            f"of these, or a list with one entry per axis"
        )
    if entry == "constant":
        raise BoundaryError('boundary "constant" needs its value: write ("constant", 0.5), or "zero" for 0')
    if entry not in RULES:
        raise BoundaryError(_unknown(entry))
    return Side(entry)


def _parse_constant(value: Any) -> Side:
    number: Any = value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value
    if not isinstance(number, Number):
        raise BoundaryError(
            f'boundary ("constant", {value!r}): its value must be one number, e.g. ("constant", 0.5); for several axes '
            f"give a list with one entry each"
        )
    return Side("constant", number) if number != 0 else Side("zero")


def _unknown(name: str) -> str:
    key = name.lower().removeprefix("cv2.").removeprefix("border_")
    if key == "reflect" and "border_" in name.lower():
        return f'boundary {name!r} is the name in OpenCV: here it is NumPy\'s "symmetric"'
    if key in RULES and key != "constant":
        return f'unknown boundary {name!r}: names are written small, here "{key}"'
    if key not in FOREIGN:
        import difflib

        close = difflib.get_close_matches(key, [*RULES, *FOREIGN], 1)
        hint = f" (did you mean {FOREIGN.get(close[0], ('', close[0]))[1]!r}?)" if close else ""
        return f"unknown boundary {name!r}{hint}: allowed are {_names()}"
    library, ours = FOREIGN[key]
    other = ', or ("constant", v) for another value' if key in ("fill", "grid-constant") else ""
    return f'boundary {name!r} is the name in {library}: here it is NumPy\'s "{ours}"{other}'


def _names() -> str:
    return ", ".join(f'"{name}"' for name in RULES if name != "constant") + ' and ("constant", value)'
