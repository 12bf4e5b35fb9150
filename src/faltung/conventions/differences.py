"""Name what makes two calls return different numbers, and show the numbers.

Both calls are read to their meanings. Where a part of them differs, the first meaning is computed as it is and with
that part of the second, on a small example (or the caller's), until the results differ: so every difference stands
alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from ..arrays import as_array
from ..errors import FaltungError, ParameterError
from ..spec import Array
from .examples import examples
from .meaning import Meaning
from .running import compute
from .table import meaning_of
from .wording import words


@dataclass(frozen=True, eq=False)
class Difference:
    """One thing that two calls do differently.

    Attributes:
        name: "flip", "conjugation", "size", "centre", "stride", "dilation", "boundary", "rim", "kernel", "taps",
            "scale", "normalisation", "combination", "offset", "missing", "dtype", "rounding", "saturation" or "steps".
        first, second: what the first and the second call do, in words.
        x, kernel: an example on which it shows; the kernel is None where the functions bring theirs along.
        first_result, second_result: what the first call returns there, and what it would return if it did this one
            thing as the second does. A text where one of them is an error.
        on_given_x: whether the example is the x that was given.
        functions: the full names of both.
    """

    name: str
    first: str
    second: str
    x: Array
    kernel: Array | None
    first_result: Array | str
    second_result: Array | str
    on_given_x: bool
    functions: tuple[str, str]

    def __str__(self) -> str:
        one, other, row = _rows(self.first_result, self.second_result)
        labels = [f"{name}:" for name in self.functions]
        if labels[0] == labels[1]:
            labels = ["first:", "second:"]
        lines = [("x", _short(self.x)), (labels[0], one), (labels[1], other)]
        if row is not None:
            # the row of x beside the rows of the results
            alike = isinstance(self.first_result, np.ndarray) and self.x.shape == self.first_result.shape
            rows = self.x.reshape(-1, self.x.shape[-1])
            lines[0] = (
                (f"x, row {row}", _line(rows[row])) if alike else ("x", f"{_short(self.x)} (row {row} of the results)")
            )
        if self.kernel is not None:
            lines.insert(1, ("kernel", _short(self.kernel)))
        width = max(len(label) for label, _ in lines)
        shown = [f"    {label:<{width}}  {text}" for label, text in lines]
        return "\n".join([f"{self.name}: {self.first} | {self.second}", *shown])


@dataclass(frozen=True, eq=False)
class Differences:
    """What makes two calls return different numbers; print it, or go through it.

    Attributes:
        first, second: the calls.
        found: every difference, none if the two calls mean the same.
        on_x: how far the results are apart on the x that was given; empty without one.
        taken: what was taken to be the same though it is written otherwise, or is not the same: data and kernel.
    """

    first: str
    second: str
    found: tuple[Difference, ...]
    on_x: str = ""
    taken: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the differences."""
        return tuple(difference.name for difference in self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.found)

    def __getitem__(self, name: str) -> Difference:
        for difference in self.found:
            if difference.name == name:
                return difference
        raise KeyError(f"no difference {name!r}: there are {', '.join(self.names) or 'none'}")

    def __str__(self) -> str:
        head = f"{self.first}\n{self.second}\n"
        none = "no difference in what is done" if self.taken else "no difference: both mean the same"
        lines = ["\n".join(map(str, self.found)) or none, self.on_x, self.taken]
        return head + "\n".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(d.name)}</th><td>{escape(d.first)}</td><td>{escape(d.second)}</td></tr>"
            for d in self.found
        )
        calls = f"<tr><th></th><th>{escape(self.first)}</th><th>{escape(self.second)}</th></tr>"
        return f"<table>{calls}{rows or '<tr><td>no difference</td></tr>'}</table>"


def why_different(
    a: str, b: str, *, x: Any = None, kernel: Any = None, of: str | tuple[str | None, str | None] | None = None
) -> Differences:
    """Name what two calls do differently, each with the numbers that show it.

    Args:
        a, b: two calls as one writes them, of the same or of different libraries; they are read, never run, and the
            numbers come from Faltung's own engine.
        x, kernel: data to show the differences on; without them small examples are taken. A kernel that is written out
            in a call counts as given.
        of: the library of both calls, or a pair, where their names leave that open.

    Returns:
        `Differences`: iterate, look one up by its name, or print it. What cannot show with the kernel that is given
        (the flip of a symmetric one) is left out.

    Raises:
        ParameterError: a call is not in the table of conventions, or the two work along different numbers of axes.

    Example:
        >>> import faltung as ft
        >>> print(ft.why_different("np.convolve(x, [1, 0], 'same')", "ndimage.convolve(x, [1, 0], mode='constant')",
        ...                        x=[1.0, 2.0, 4.0, 8.0])["centre"])
        centre: tap (k - 1) // 2 = 0 of k = 2 lies on the sample | tap k // 2 = 1 of k = 2 lies on the sample
            x                        1 2 4 8
            kernel                   1 0  (int64)
            numpy.convolve:          1 2 4 8
            scipy.ndimage.convolve:  2 4 8 0
        >>> ft.why_different("np.correlate(x, k, 'same')", "ndimage.correlate(x, k, mode='constant')").names
        ('size', 'dtype')
        >>> edges = ft.why_different("cv2.Sobel(x, -1, 1, 0)", "skimage.filters.sobel_v(x)")
        >>> edges["scale"].first, edges["scale"].second
        ('8 on a ramp of slope 1', '2 on a ramp of slope 1')
    """
    given_x = None if x is None else as_array(x, "x")
    given_kernel = None if kernel is None else as_array(kernel, "kernel")
    whose = of if isinstance(of, tuple) else (of, of)
    first, second = _read_both((a, b), whose, given_x, given_kernel)
    found = []
    for part in PARTS:
        difference = _difference(part, first, second, given_x, given_kernel)
        if difference is not None:
            found.append(difference)
    on_x = _apart(first, second, given_x, given_kernel)
    return Differences(a, b, tuple(found), on_x, _taken(first, second, given_x, given_kernel))


def _taken(first: Meaning, second: Meaning, x: Array | None, kernel: Array | None) -> str:
    """That conventions alone are compared, where the calls name other data or another kernel."""
    pairs = []
    if kernel is None and first.kernel and second.kernel and first.kernel != second.kernel:
        differ = first.weights is not None and second.weights is not None
        pairs.append(("the kernels differ" if differ else "taken for the same kernel", first.kernel, second.kernel))
    if x is None and first.x != second.x:
        pairs.append(("taken for the same data", first.x, second.x))
    return "\n".join(f"{what}: {one} | {other}" for what, one, other in pairs)


def _read_both(
    calls: tuple[str, str], whose: tuple[str | None, str | None], x: Array | None, kernel: Array | None
) -> tuple[Meaning, Meaning]:
    """Both meanings, for the same number of axes."""
    dtype = None if x is None else x.dtype
    first = kernel.ndim if kernel is not None else x.ndim if x is not None else None
    meanings = [meaning_of(call, of=of, ndim=first, dtype=dtype) for call, of in zip(calls, whose, strict=True)]
    known = [m.ndim for m in meanings if m.ndim is not None and m.operator is None]
    num = kernel.ndim if kernel is not None else known[0] if known else x.ndim if x is not None else None
    if num is None:
        brought = [m.ndim for m in meanings if m.operator is not None]
        num = brought[0] if brought else 1
    read = [meaning_of(call, of=of, ndim=num, dtype=dtype) for call, of in zip(calls, whose, strict=True)]
    if read[0].ndim != read[1].ndim:
        raise ParameterError(
            f"{calls[0]} works along {read[0].ndim} axes and {calls[1]} along {read[1].ndim}: compare calls for the "
            f"same number of axes"
        )
    # x has just the axes that are convolved, unless it was given with more
    plain = [replace(m, axes=None) if x is None or x.ndim == num else m for m in read]
    return plain[0], plain[1]


@dataclass(frozen=True)
class _Part:
    """A part of a meaning that may differ: its name, its fields, and how a reader calls it."""

    name: str
    fields: tuple[str, ...]

    def taken_from(self, other: Meaning, m: Meaning) -> Meaning:
        """The meaning with this part of another."""
        return replace(m, **{field: getattr(other, field) for field in self.fields})

    def start(self, m: Meaning, other: Meaning) -> Meaning:
        """What the changed meaning is compared with."""
        return m

    def can_show(self, m: Meaning, x: Array, kernel: Array | None) -> bool:
        """Whether the part has an effect on these dtypes."""
        return True


@dataclass(frozen=True)
class _NumbersPart(_Part):
    """A part of the rules on numbers."""

    def taken_from(self, other: Meaning, m: Meaning) -> Meaning:
        changes = {field: getattr(other.numbers, field) for field in self.fields}
        return replace(m, numbers=replace(m.numbers, **changes))


class _IntegersPart(_NumbersPart):
    """A part that has an effect on integer results only."""

    def can_show(self, m: Meaning, x: Array, kernel: Array | None) -> bool:
        item, result = m.numbers.dtypes(x.dtype, np.dtype(float) if kernel is None else kernel.dtype)
        return result.kind in "iu" and (self.name == "saturation" or item.kind == "f")


class _StepsPart(_IntegersPart):
    """Casts between the axes, with all other rules on numbers as the second has them."""

    def start(self, m: Meaning, other: Meaning) -> Meaning:
        return replace(m, numbers=replace(other.numbers, stepwise=m.numbers.stepwise))

    def taken_from(self, other: Meaning, m: Meaning) -> Meaning:
        return replace(m, numbers=other.numbers)


class _ScaleAndTerms(_Part):
    """The weights that a function brings along, on the scale of the first."""

    def taken_from(self, other: Meaning, m: Meaning) -> Meaning:
        if (m.operator is None) != (other.operator is None):
            return replace(
                m,
                operator=other.operator,
                kernel=other.kernel,
                weights=other.weights,
                scale=other.scale,
                flip=other.flip,
                conjugate=other.conjugate,
            )
        return replace(m, operator=other.operator)


PARTS: tuple[_Part, ...] = (
    _ScaleAndTerms("kernel", ("operator",)),
    _Part("flip", ("flip",)),
    _Part("conjugation", ("conjugate",)),
    _Part("size", ("mode", "padding", "exchanges")),
    _Part("centre", ("front", "shift")),
    _Part("stride", ("stride",)),
    _Part("dilation", ("dilation",)),
    _Part("boundary", ("boundary",)),
    _Part("rim", ("blank_rim",)),
    _Part("scale", ("scale",)),
    _Part("normalisation", ("normalises", "of_sizes", "least_sum")),
    _Part("offset", ("offset", "epsilon")),
    _Part("missing", ("missing",)),
    _NumbersPart("dtype", ("compute", "result", "rescales")),
    _IntegersPart("rounding", ("rounding",)),
    _IntegersPart("saturation", ("overflow",)),
    _StepsPart("steps", ("stepwise",)),
)


def _difference(part: _Part, a: Meaning, b: Meaning, x: Array | None, kernel: Array | None) -> Difference | None:
    start, changed = part.start(a, b), part.taken_from(b, a)
    if changed == start:
        return None
    for example_x, example_kernel, given in examples(part.name, a, b, x, kernel):
        if not all(
            _takes(m, example_x, example_kernel) and part.can_show(m, example_x, example_kernel) for m in (a, b)
        ):
            continue
        one, other = _result(start, example_x, example_kernel), _result(changed, example_x, example_kernel)
        if isinstance(one, str) and isinstance(other, str):
            continue
        if _differ(one, other, dtypes=part.name == "dtype"):
            name = _name(part.name, a, b)
            first, second = (words(name, m, example_x, example_kernel, a, b) for m in (a, b))
            shown = example_kernel if a.operator is None else None
            functions = (a.function, b.function)
            return Difference(name, first, second, example_x, shown, one, other, given, functions)
    return None


def _takes(m: Meaning, x: Array, kernel: Array | None) -> bool:
    """Whether the function takes these dtypes."""
    arrays = [x] if kernel is None or kernel.dtype.kind != "c" else [x, kernel]
    return all(array.dtype.name not in m.numbers.refuses for array in arrays)


def _name(name: str, a: Meaning, b: Meaning) -> str:
    """The part by the name of what differs in it."""
    if name == "kernel" and a.operator is not None and b.operator is not None:
        if a.operator.combine != b.operator.combine:
            return "combination"
        if a.operator.name == b.operator.name and a.operator.taps != b.operator.taps:
            return "taps"
    return name


def _result(m: Meaning, x: Array, kernel: Array | None) -> Array | str:
    try:
        with np.errstate(all="ignore"):
            return compute(m, x, kernel)
    except FaltungError as error:
        return f"{type(error).__name__}: {error}"


def _differ(one: Array | str, other: Array | str, *, dtypes: bool) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return True
    if one.shape != other.shape or (dtypes and one.dtype != other.dtype):
        return True
    return not np.allclose(one, other, rtol=1e-5, atol=1e-9, equal_nan=True)


def _apart(a: Meaning, b: Meaning, x: Array | None, kernel: Array | None) -> str:
    """How far the results are apart on the x that was given."""
    weights = kernel if kernel is not None else next((m.weights for m in (a, b) if m.weights is not None), None)
    if x is None or (weights is None and not (a.operator is not None and b.operator is not None)):
        return ""
    one, other = (_result(m, x, None if weights is None else as_array(weights, "kernel")) for m in (a, b))
    if isinstance(one, str) or isinstance(other, str):
        return f"on the x given: {one if isinstance(one, str) else other}"
    if one.shape != other.shape:
        return f"on the x given: shapes {one.shape} and {other.shape}"
    with np.errstate(invalid="ignore"):
        kind = complex if "c" in (one.dtype.kind, other.dtype.kind) else float
        gap = np.abs(one.astype(kind) - other.astype(kind))
    apart = gap[~np.isclose(one.astype(kind), other.astype(kind), equal_nan=True)]
    if not apart.size:
        return "on the x given the results are the same"
    holes = np.isnan(apart)
    by = [f"by at most {apart[~holes].max():.6g}"] if not holes.all() else []
    by += [f"{holes.sum()} as NaN in one of them"] if holes.any() else []
    return f"on the x given {apart.size} of {gap.size} samples differ, {', '.join(by)}"


def _rows(one: Array | str, other: Array | str) -> tuple[str, str, int | None]:
    """Both results as text: of pictures the row that differs most, and which one that is."""
    if isinstance(one, str) or isinstance(other, str) or one.ndim == 1:
        return _line(one), _line(other), None
    if one.shape != other.shape:
        return f"shape {one.shape}", f"shape {other.shape}", None
    lines, others = one.reshape(-1, one.shape[-1]), other.reshape(-1, other.shape[-1])
    with np.errstate(invalid="ignore"):
        gap = np.nan_to_num(np.abs(lines.astype(complex) - others.astype(complex)), nan=1e300).sum(axis=1)
    row = int(np.argmax(gap)) if gap.any() else len(lines) // 2
    return _line(lines[row]), _line(others[row]), row


def _line(values: Array | str, most: int = 12) -> str:
    if isinstance(values, str):
        return values
    shown = " ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values[:most].tolist())
    more = f" ... ({values.size} in all)" if values.size > most else ""
    return shown + more + ("" if values.dtype in (np.float64, object) else f"  ({values.dtype})")


def _short(array: Array) -> str:
    if array.ndim == 1:
        return _line(array)
    if array.size <= 16:
        rows = "; ".join(_line(row.astype(object)) for row in array.reshape(-1, array.shape[-1]))
        return rows + ("" if array.dtype == np.float64 else f"  ({array.dtype})")
    return f"{' x '.join(map(str, array.shape))} {array.dtype}"


__all__ = ["Difference", "Differences", "why_different"]
