"""Which positions of one line each position of another depends on: windows, strides, gaps, phases; exact, as sets.

Everything here is integers. A `Reach` says it for one axis: position o = q·period + r depends on the positions
q·advance + p for p in the r-th set. Layers follow one another by `through`, branches meet by `union`. Sets are the bits
of integers, so that a field of a thousand positions with holes costs no more than its ends.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Literal

import numpy as np

from ..boundary import AxisBoundary

Resampling = Literal["nearest", "nearest-exact", "linear", "cubic", "area"]


@dataclass(frozen=True)
class Positions:
    """A finite set of whole numbers: start + i for every bit i of `mask`; bit 0 is set, or the set is empty."""

    start: int = 0
    mask: int = 0

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Positions":
        """These numbers."""
        if not numbers:
            return NONE
        start = min(numbers)
        return cls(start, reduce(lambda mask, number: mask | 1 << (number - start), numbers, 0))

    @classmethod
    def line(cls, start: int, count: int, step: int = 1) -> "Positions":
        """`count` numbers from `start`, `step` apart."""
        return cls.of(range(start, start + count * step, step)) if step != 1 else _trimmed(start, (1 << count) - 1)

    @property
    def stop(self) -> int:
        """One beyond the last number."""
        return self.start + self.mask.bit_length()

    @property
    def length(self) -> int:
        """From the first to the last number, both counted."""
        return self.mask.bit_length()

    def __iter__(self) -> Iterator[int]:
        mask, number = self.mask, self.start
        while mask:
            # a run of ones at a time, a gap at a time
            gap = (mask & -mask).bit_length() - 1
            number, mask = number + gap, mask >> gap
            run = (~mask & (mask + 1)).bit_length() - 1
            yield from range(number, number + run)
            number, mask = number + run, mask >> run

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number >= self.start and bool(self.mask >> (number - self.start) & 1)

    def __or__(self, other: "Positions") -> "Positions":
        if not self.mask or not other.mask:
            return self if self.mask else other
        start = min(self.start, other.start)
        return Positions(start, self.mask << (self.start - start) | other.mask << (other.start - start))

    def __le__(self, other: "Positions") -> bool:
        return (self | other) == other

    def moved(self, by: int) -> "Positions":
        """Every number, and `by`."""
        return Positions(self.start + by, self.mask) if self.mask else NONE

    def within(self, count: int) -> "Positions":
        """Those of 0 to count - 1."""
        mask = self.mask >> -self.start if self.start < 0 else self.mask << self.start
        return _trimmed(0, mask & ((1 << count) - 1))


def _trimmed(start: int, mask: int) -> Positions:
    if not mask:
        return NONE
    gap = (mask & -mask).bit_length() - 1
    return Positions(start + gap, mask >> gap)


NONE = Positions()


@dataclass(frozen=True)
class Reach:
    """What each position of a line depends on, on another line.

    Attributes:
        period: after so many positions the same sets come again,
        advance: this much further on. 0: always the same sets (a mean over the line, say).
        sets: for positions 0 to period - 1.
        borders: positions that depend on something else, as where a border is mirrored. Only `at` heeds them.
    """

    period: int
    advance: int
    sets: tuple[Positions, ...]
    borders: Mapping[int, Positions] = field(default_factory=dict)

    def inside(self, position: int) -> Positions:
        """What a position depends on, far from every border."""
        turns, place = divmod(position, self.period)
        return self.sets[place].moved(turns * self.advance)

    def at(self, position: int) -> Positions:
        """What a position depends on."""
        return self.borders[position] if position in self.borders else self.inside(position)

    def of(self, positions: Positions) -> Positions:
        """What any of these positions depends on."""
        return reduce(Positions.__or__, map(self.at, positions), NONE)

    def through(self, before: "Reach") -> "Reach":
        """The same through one more layer: `before` says what this one's sources depend on."""
        period = self.period
        if self.advance:
            period *= before.period // math.gcd(abs(self.advance), before.period)
        advance = period // self.period * self.advance // before.period * before.advance
        sets = (reduce(Positions.__or__, map(before.inside, self.inside(o)), NONE) for o in range(period))
        return _shortest(period, advance, tuple(sets))

    def union(self, other: "Reach", size: int, extent: int) -> "Reach":
        """What one or the other depends on; `size` positions here, `extent` there."""
        if self.advance * other.period != other.advance * self.period:
            # they drift apart: a list of all positions says it
            sets = tuple((self.at(o) | other.at(o)).within(extent) for o in range(size))
            return _shortest(size, 0, sets) if size else self
        period = math.lcm(self.period, other.period)
        sets = tuple(self.inside(o) | other.inside(o) for o in range(period))
        return _shortest(period, period // self.period * self.advance, sets)

    def whole(self, size: int, extent: int) -> "Reach":
        """Of something that depends on all `size` positions here: what these depend on, of `extent` there."""
        return Reach(1, 0, (self.of(Positions.line(0, size)).within(extent),))

    @property
    def stride(self) -> Fraction:
        """How far the field moves from one position to the next, on average."""
        return Fraction(self.advance, self.period)

    @property
    def length(self) -> int:
        """Of the longest field, from its first to its last position."""
        return max(positions.length for positions in self.sets)

    @property
    def intervals(self) -> tuple[tuple[int, int], ...]:
        """Start and length of the field of positions 0 to period - 1; length 0 if it depends on nothing."""
        return tuple((positions.start, positions.length) for positions in self.sets)


SAME = Reach(1, 1, (Positions(0, 1),))


def window(taps: int, *, stride: int = 1, dilation: int = 1, before: int = 0) -> Reach:
    """A convolution or a pooling window: o depends on o·stride - before + j·dilation for j < taps."""
    return Reach(1, stride, (Positions.line(-before, taps, dilation),))


def spread(taps: int, *, stride: int = 1, dilation: int = 1, before: int = 0) -> Reach:
    """A transposed convolution: o depends on every i with i·stride - before + j·dilation = o for a j < taps."""
    sets = []
    for place in range(stride):
        hits = [place + before - j * dilation for j in range(taps)]
        sets.append(Positions.of([hit // stride for hit in hits if hit % stride == 0]))
    return _shortest(stride, 1, tuple(sets))


def everything(size: int) -> Reach:
    """Each position depends on all."""
    return Reach(1, 0, (Positions.line(0, size),))


def only(position: int) -> Reach:
    """Each position depends on this one."""
    return Reach(1, 0, (Positions(position, 1),))


def flipped(size: int) -> Reach:
    """Backwards: o depends on size - 1 - o."""
    return Reach(1, -1, (Positions(size - 1, 1),))


def listed(sources: Sequence[int]) -> Reach:
    """Position o depends on sources[o]; negative for none."""
    return _shortest(len(sources), 0, tuple(Positions(s, 1) if s >= 0 else NONE for s in sources))


def bordered(size: int, before: int, after: int, rule: str) -> Reach:
    """A line with so many positions more at its ends: "constant", "reflect", "replicate" or "circular"."""
    inside = window(1, before=before)
    borders = {}
    if rule != "constant":
        for o in (*range(before), *range(before + size, before + size + after)):
            borders[o] = Positions(_source(o - before, size, rule), 1)
    return Reach(1, 1, inside.sets, borders)


def extended(size: int, rule: AxisBoundary, before: int, after: int) -> Reach:
    """A line with so many positions more (or fewer) at its ends, which are what a boundary's tables say."""
    left, right = rule.tables(size, max(before, 0), max(after, 0))
    places = [
        *zip(range(len(left)), left, strict=True),
        *zip(range(before + size, before + size + len(right)), right, strict=True),
    ]
    borders = {o: Positions(int(source), 1) if source >= 0 else NONE for o, source in places}
    return Reach(1, 1, window(1, before=before).sets, borders)


def _source(position: int, size: int, rule: str) -> int:
    if rule == "circular":
        return position % size
    if rule == "replicate":
        return min(max(position, 0), size - 1)
    return abs(position) if position < size else 2 * (size - 1) - position


def shares(size: int, count: int) -> Reach:
    """Adaptive pooling of `size` positions to `count`: o depends on floor(o·size/count) to ceil((o+1)·size/count)."""
    if count == 1:
        return everything(size)
    common = math.gcd(size, count)
    ends = [(o * size // count, -(-(o + 1) * size // count)) for o in range(count // common)]
    return _shortest(count // common, size // common, tuple(Positions.line(a, b - a) for a, b in ends))


def resampled(size: int, count: int, how: Resampling, *, ratio: Fraction, corners: bool = False) -> Reach:
    """A line of `size` positions sampled at `count` places `ratio` apart; taps of weight 0 are none."""
    if how == "area":
        return shares(size, count)
    if how in ("linear", "cubic") and corners:
        ratio = Fraction(size - 1, count - 1) if count > 1 else Fraction(0)
    if how.startswith("nearest") and ratio.denominator & (ratio.denominator - 1):
        # other ratios are rounded to float32 by torch, and the product with the position again
        step, shift = np.float32(ratio.numerator) / np.float32(ratio.denominator), 0.5 if how == "nearest-exact" else 0
        places = (np.arange(count, dtype=np.float32) + np.float32(shift)) * step
        return listed([min(int(place), size - 1) for place in places])

    def sources(o: int) -> list[int]:
        middle = 0 if corners or how == "nearest" else Fraction(1, 2)
        place = (o + middle) * ratio - (middle if how in ("linear", "cubic") else 0)
        low = math.floor(place)
        if how in ("nearest", "nearest-exact") or place == low:
            return [low]
        return [low, low + 1] if how == "linear" else [low - 1, low, low + 1, low + 2]

    sets = tuple(Positions.of(sources(o)) for o in range(ratio.denominator))
    inner = _shortest(ratio.denominator, ratio.numerator, sets)
    borders = {}
    for o in range(count):
        found = inner.inside(o)
        if found.start < 0 or found.stop > size:
            borders[o] = Positions.of([min(max(i, 0), size - 1) for i in found])
    return Reach(inner.period, inner.advance, inner.sets, borders)


def _shortest(period: int, advance: int, sets: tuple[Positions, ...]) -> Reach:
    """The same with the smallest period."""
    for parts in range(period, 1, -1):
        if period % parts or advance % parts:
            continue
        short, far = period // parts, advance // parts
        if all(sets[o] == sets[o - short].moved(far) for o in range(short, period)):
            return Reach(short, far, sets[:short])
    return Reach(period, advance, sets)
