"""What callers write as numbers, words, axes and series of them, checked in one place."""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from .errors import ParameterError, ShapeError

Axes = int | Sequence[int] | None
PerAxis = int | Sequence[int]


def integer(name: str, value: Any, *, least: int | None = None) -> int:
    """`value` as an integer; a float is refused, even 3.0, as in Python's own ranges."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ParameterError(f"{name}={value!r}: an integer is expected") from None
    if least is not None and number < least:
        raise ParameterError(f"{name}={number}: at least {least} is allowed")
    return number


def real(name: str, value: Any) -> float:
    """`value` as a finite float; a string is refused, even "2"."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    except OverflowError:
        raise ParameterError(f"{name} is too large for a float: give a smaller number") from None
    if not math.isfinite(number):
        raise ParameterError(f"{name}={value!r}: a finite real number is expected")
    return number


def positive(name: str, value: Any, cure: str = "") -> float:
    """`value` as a finite float above zero."""
    number = real(name, value)
    if number <= 0:
        raise ParameterError(f"{name}={number:g}: a number above 0 is expected" + (f"; {cure}" if cure else ""))
    return number


def check_choice(name: str, value: Any, allowed: Iterable[str]) -> None:
    """Refuse what is not one of the words allowed."""
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        import difflib

        near = difflib.get_close_matches(value.lower(), words, 1) if isinstance(value, str) else []
        hint = f' (did you mean "{near[0]}"?)' if near else ""
        raise ParameterError(f"{name}={value!r}{hint}: allowed are " + ", ".join(f'"{word}"' for word in words))


def entries(value: Any) -> list[Any] | None:
    """What a list, tuple, array or other series of options holds; None for a single one."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim else None
    # neither letters nor what has no order can be one entry per axis
    if isinstance(value, (str, bytes, Mapping, Set)) or not isinstance(value, Iterable):
        return None
    return list(value)


def per_axis(name: str, value: Any, num_axes: int) -> list[Any]:
    """One entry per axis: a single one is repeated."""
    listed = entries(value)
    if listed is None:
        return [value] * num_axes
    if len(listed) != num_axes:
        raise ParameterError(
            f"{name}={value!r} has {len(listed)} entries for {num_axes} axes: give one for all, or one per axis"
        )
    return listed


def integers(name: str, value: Any, num_axes: int, *, least: int | None = None) -> list[int]:
    """One integer per axis: a single one is repeated."""
    return [integer(name, entry, least=least) for entry in per_axis(name, value, num_axes)]


def holds(dtype: np.dtype[Any], value: Any) -> bool:
    """Whether bool or an integer dtype has this number; a fraction, NaN, infinity or complex number is none of them."""
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return False
    least, greatest = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return bool(whole == value and least <= whole <= greatest)


def parse_axis(name: str, axis: Any, ndim: int) -> int:
    """One axis as a position >= 0."""
    number = integer(name, axis)
    if not -ndim <= number < ndim:
        raise ShapeError(
            f"{name}={axis!r}: axis {number} does not exist, x has {ndim} {'axis' if ndim == 1 else 'axes'} "
            f"({-ndim} to {ndim - 1})"
        )
    return number % ndim


def parse_axes(axes: Axes, ndim: int) -> tuple[int, ...]:
    """Axes as positions >= 0, in the order in which they are named; None means all."""
    if axes is None:
        return tuple(range(ndim))
    listed = entries(axes)
    found = tuple(parse_axis("axes", axis, ndim) for axis in ([axes] if listed is None else listed))
    if not found or len(set(found)) < len(found):
        raise ShapeError(f"axes={axes!r}: name each axis once, at least one")
    return found
