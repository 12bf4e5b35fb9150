"""Whole numbers that depend on one size n: sums, quotients and comparisons of them are exact for every n >= 1.

Whatever a network computes of its input's size (strides, paddings, crops, numbers of elements) is a polynomial in n on
every residue class of n modulo some period, from some n on: a quasi-polynomial. A `Size` holds so many first values
that all others follow from them, so two of them are compared, divided and decided for all n at once.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar, Union

Number = Union[int, "Size"]
Result = TypeVar("Result")

LONGEST = 300_000
"""Values a Size may hold: beyond, a formula would be longer than the list of sizes that it stands for."""
MOST_WAYS = 64
"""Ways through one program that are followed to the end."""


class NoFormula(Exception):
    """A size leaves what a quasi-polynomial can say; sizes have to be tried one by one."""


class Size:
    """A whole number for every n >= 1; made by arithmetic on `variable()`, constants are plain integers.

    Attributes:
        values: at n = 1, 2, ..., as many as fix the rest: `onset` irregular ones, then `degree + 1` periods.
        onset: how many values come before the rule holds.
        period: the rule is a polynomial on each residue class of n modulo this.
        degree: of these polynomials, at most.
    """

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("degree", "onset", "period", "values")

    def __init__(self, values: Sequence[int], onset: int, period: int, degree: int) -> None:
        self.values, self.onset, self.period, self.degree = tuple(values), onset, period, degree

    def __call__(self, n: int) -> int:
        """The number at n."""
        if n <= len(self.values):
            return self.values[n - 1]
        turns, place = divmod(n - 1 - self.onset, self.period)
        row = [self.values[self.onset + place + i * self.period] for i in range(self.degree + 1)]
        return sum(step * math.comb(turns, j) for j, step in enumerate(_steps(row)))

    def first(self, count: int) -> list[int]:
        """The numbers at n = 1 to count."""
        if count <= len(self.values):
            return list(self.values[:count])
        values, far = list(self.values), self.degree + 1
        weights = [(j * self.period, (-1) ** (j + 1) * math.comb(far, j)) for j in range(1, far + 1)]
        for i in range(len(values), count):
            values.append(sum(weight * values[i - back] for back, weight in weights))
        return values

    def tail(self) -> list[list[int]]:
        """For each residue class: the value at its first n and the forward differences there."""
        return [
            _steps([self.values[self.onset + place + i * self.period] for i in range(self.degree + 1)])
            for place in range(self.period)
        ]

    def growth(self) -> Fraction:
        """How much it grows per step of n, in the long run; for degree 0 and 1."""
        return Fraction(self.tail()[0][1], self.period) if self.degree else Fraction(0)

    def __add__(self, other: Number) -> Any:
        return _pairwise(self, other, lambda a, b: a + b, max(self.degree, _degree(other)))

    def __sub__(self, other: Number) -> Any:
        return _pairwise(self, other, lambda a, b: a - b, max(self.degree, _degree(other)))

    def __rsub__(self, other: int) -> Any:
        return _pairwise(self, other, lambda a, b: b - a, self.degree)

    def __neg__(self) -> Any:
        return 0 - self

    def __pos__(self) -> Any:
        return self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, float):
            return Quotient.of(self) * other
        return _pairwise(self, other, lambda a, b: a * b, self.degree + _degree(other))

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, exponent: int) -> Any:
        return math.prod([self] * exponent) if exponent else 1

    def __floordiv__(self, other: Number) -> Any:
        return _quotient(self, other)

    def __rfloordiv__(self, other: int) -> Any:
        raise NoFormula("a number is divided by a size")

    def __mod__(self, other: Number) -> Any:
        return self - _quotient(self, other) * other

    def __divmod__(self, other: Number) -> Any:
        return self // other, self % other

    def __truediv__(self, other: Any) -> Any:
        return Quotient.of(self) / other

    def __rtruediv__(self, other: Any) -> Any:
        raise NoFormula("a number is divided by a size")

    def __lt__(self, other: Number) -> Any:
        return _is_positive(other - self)

    def __gt__(self, other: Number) -> Any:
        return _is_positive(self - other)

    def __le__(self, other: Number) -> Any:
        return 1 - (self > other)

    def __ge__(self, other: Number) -> Any:
        return 1 - (self < other)

    def __eq__(self, other: object) -> Any:
        return (self <= other) * (self >= other) if isinstance(other, (int, Size)) else False

    def __ne__(self, other: object) -> Any:
        return 1 - (self == other) if isinstance(other, (int, Size)) else True

    def __abs__(self) -> Any:
        return maximum(self, -self)

    def __round__(self, digits: int | None = None) -> Any:
        return self

    __floor__ = __ceil__ = __trunc__ = __pos__

    def __bool__(self) -> bool:
        return decide(self != 0)

    def __index__(self) -> int:
        value = value_on(self, _ways.stack[-1].allowed if _ways.stack else 1)
        if value is None:
            raise NoFormula("a plain integer is asked for, as int(), range() and len() do; // keeps a size a formula")
        return value

    __int__ = __index__

    def __float__(self) -> float:
        return float(self.__index__())

    def __repr__(self) -> str:
        return f"Size({', '.join(map(str, self.first(6)))}, ...)"


def variable() -> Size:
    """The size n itself."""
    return Size((1, 2), 0, 1, 1)


def at(number: Number, n: int) -> int:
    """A number, constant or not, at n."""
    return number(n) if isinstance(number, Size) else number


def maximum(a: Number, b: Number) -> Any:
    """The larger of two."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else a + (b - a) * (b > a)


def minimum(a: Number, b: Number) -> Any:
    """The smaller of two."""
    return -maximum(-a, -b)


def scaled(number: Number, factor: float) -> Any:
    """floor(number · factor) as floating-point arithmetic gives it.

    Raises:
        NoFormula: the factor has no short binary fraction, as 0.3: its products are rounded, now up and now down.
    """
    return math.floor(number * factor)


@dataclass(frozen=True)
class Quotient:
    """A size over an integer: what `size / 2` is until it is rounded by `math.floor`, `math.ceil` or `round`."""

    top: Number
    bottom: int

    @classmethod
    def of(cls, number: Number) -> "Quotient":
        """A size over 1."""
        return cls(number, 1)

    def __mul__(self, factor: float) -> "Quotient":
        exact = Fraction(factor)
        # a short binary factor times a size is exact in float64, so floor and ceil are what the program gets
        if exact.denominator > 1024:
            raise NoFormula(f"the factor {factor:g} is no short binary fraction, so its products are rounded")
        return Quotient(self.top * exact.numerator, self.bottom * exact.denominator)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> "Quotient":
        if isinstance(divisor, int) and divisor > 0:
            return Quotient(self.top, self.bottom * divisor)
        if isinstance(divisor, float) and divisor > 0 and Fraction(1 / divisor) * Fraction(divisor) == 1:
            return self * (1 / divisor)
        raise NoFormula(f"a size is divided by {divisor!r}")

    def __add__(self, other: Number) -> "Quotient":
        return Quotient(self.top + other * self.bottom, self.bottom)

    def __sub__(self, other: Number) -> "Quotient":
        return Quotient(self.top - other * self.bottom, self.bottom)

    __radd__ = __add__

    def __floor__(self) -> Any:
        return self.top // self.bottom

    def __ceil__(self) -> Any:
        return -(-self.top // self.bottom)

    def __round__(self, digits: int | None = None) -> Any:
        # ties go to the even neighbour, as Python's round has it
        doubled = 2 * self.top + self.bottom
        up = doubled // (2 * self.bottom)
        return up - (doubled % (2 * self.bottom) == 0) * (up % 2)

    def __float__(self) -> float:
        raise NoFormula("a float is asked for; //, math.floor and math.ceil keep a size a formula")

    def __int__(self) -> int:
        raise NoFormula("int() is asked for; //, math.floor and math.ceil keep a size a formula")

    def __gt__(self, other: Number) -> Any:
        return self.top > other * self.bottom

    def __lt__(self, other: Number) -> Any:
        return self.top < other * self.bottom


# one program, all its ways


@dataclass
class Way:
    """One run of a program on sizes: which n come here, and what was decided so far."""

    script: list[bool] = field(default_factory=list)
    allowed: Number = 1
    taken: int = 0
    open: list[list[bool]] = field(default_factory=list)


class _Ways(threading.local):
    """The ways that this thread is on, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Way] = []


_ways = _Ways()


def ways(program: Callable[[], Result]) -> Iterator[tuple[Way, Result]]:
    """Run a program that decides on sizes once for each outcome, with the n that lead there.

    Raises:
        NoFormula: more than `MOST_WAYS` ways.
    """
    scripts: list[list[bool]] = [[]]
    for _ in range(MOST_WAYS):
        if not scripts:
            return
        way = Way(scripts.pop())
        _ways.stack.append(way)
        try:
            result = program()
        finally:
            _ways.stack.pop()
        scripts += way.open
        yield way, result
    if scripts:
        raise NoFormula(f"the sizes decide on more than {MOST_WAYS} ways through the network")


def decide(truth: Number) -> bool:
    """A truth that depends on n as one that does not: this way goes on with the n for which it holds, or does not."""
    if isinstance(truth, int):
        return bool(truth)
    if not _ways.stack:
        raise NoFormula("a size is asked whether it is true outside of a run over all sizes")
    way = _ways.stack[-1]
    yes, no = way.allowed * truth, way.allowed * (1 - truth)
    if _is_never(yes) or _is_never(no):
        return _is_never(no)
    if way.taken == len(way.script):
        way.open.append([*way.script, False])
        way.script.append(True)
    outcome = way.script[way.taken]
    way.taken += 1
    way.allowed = yes if outcome else no
    return outcome


def demand(truth: Number) -> None:
    """Go on with those n only for which this holds."""
    _ways.stack[-1].allowed = _ways.stack[-1].allowed * truth


def always(truth: Number) -> bool:
    """Whether this holds for all n that come here, without deciding anything."""
    if isinstance(truth, int):
        return bool(truth)
    return _is_never((_ways.stack[-1].allowed if _ways.stack else 1) * (1 - truth))


def is_dead() -> bool:
    """Whether no n is left on this way."""
    return bool(_ways.stack) and _is_never(_ways.stack[-1].allowed)


def value_on(number: Number, where: Number) -> int | None:
    """The one value that a number has for all n of a set (a truth); None if there are several or none."""
    if isinstance(number, int):
        return number
    # two periods: a polynomial that grows has moved after one
    count = max(_reach(number), _reach(where)) + math.lcm(number.period, _period(where)) * (number.degree + 1)
    found = {value for value, is_in in zip(number.first(count), _first(where, count), strict=True) if is_in}
    return found.pop() if len(found) == 1 else None


def _is_never(truth: Number) -> bool:
    return not any(truth.values) if isinstance(truth, Size) else not truth


def _first(number: Number, count: int) -> list[int]:
    return number.first(count) if isinstance(number, Size) else [number] * count


def _reach(number: Number) -> int:
    return len(number.values) if isinstance(number, Size) else 1


def _onset(number: Number) -> int:
    return number.onset if isinstance(number, Size) else 0


def _period(number: Number) -> int:
    return number.period if isinstance(number, Size) else 1


def _degree(number: Number) -> int:
    return number.degree if isinstance(number, Size) else 0


def _steps(row: list[int]) -> list[int]:
    """A value and its forward differences."""
    steps = []
    while row:
        steps.append(row[0])
        row = [after - before for before, after in pairwise(row)]
    return steps


def _pairwise(a: Number, b: Any, combine: Callable[[int, int], int], degree: int) -> Any:
    if not isinstance(b, (int, Size)):
        return NotImplemented
    onset, period = max(_onset(a), _onset(b)), math.lcm(_period(a), _period(b))
    count = _count(onset, period, degree)
    values = [combine(p, q) for p, q in zip(_first(a, count), _first(b, count), strict=True)]
    return _shortest(values, onset, period, degree)


def _count(onset: int, period: int, degree: int) -> int:
    count = onset + period * (degree + 1)
    if count > LONGEST:
        raise NoFormula(f"it would take {count} values to say a size")
    return count


def _shortest(values: list[int], onset: int, period: int, degree: int) -> Number:
    """The same with the smallest degree, period and onset; a plain integer if nothing varies."""
    size = Size(values, onset, period, degree)
    while degree and not any(steps[degree] for steps in size.tail()):
        degree -= 1
        size = Size(values[: onset + period * (degree + 1)], onset, period, degree)
    for prime in _primes(period):
        while period % prime == 0 and _repeats(size, period // prime):
            period //= prime
            size = Size(size.values[: onset + period * (degree + 1)], onset, period, degree)
    weights = [(j * period, (-1) ** (j + 1) * math.comb(degree + 1, j)) for j in range(1, degree + 2)]
    while onset and values[onset - 1] == sum(weight * values[onset - 1 + ahead] for ahead, weight in weights):
        onset -= 1
    if degree == 0 and period == 1 and onset == 0:
        return values[0]
    return Size(values[: onset + period * (degree + 1)], onset, period, degree)


def _repeats(size: Size, period: int) -> bool:
    far = size.degree + 1
    count = size.onset + size.period * far
    values = size.first(count + far * period)
    weights = [(j * period, (-1) ** j * math.comb(far, j)) for j in range(far + 1)]
    return all(not sum(w * values[i + ahead] for ahead, w in weights) for i in range(size.onset, count))


def _primes(number: int) -> list[int]:
    return [p for p in range(2, number + 1) if number % p == 0 and all(p % q for q in range(2, math.isqrt(p) + 1))]


def _quotient(a: Number, b: Number) -> Any:
    if isinstance(b, Size):
        return _exact_quotient(a, b)
    if b < 0:
        return _quotient(-a, -b)
    if isinstance(a, int):
        return a // b
    period = a.period
    if a.degree:
        # a polynomial v + g·q(k) modulo b repeats as q does modulo b / g, and q (of whole values) after (b / g)·degree!
        common = math.gcd(b, *(step for steps in a.tail() for step in steps[1:]))
        period *= (b // common) * (math.factorial(a.degree) if b > common else 1)
    count = _count(a.onset, period, a.degree)
    return _shortest([value // b for value in a.first(count)], a.onset, period, a.degree)


def _exact_quotient(a: Number, b: Size) -> Any:
    """A size over a size that divides it for all n that come here: guessed from the first values, then proven."""
    allowed = _ways.stack[-1].allowed if _ways.stack else 1
    degree = max(_degree(a) - b.degree, 0)
    onset = max(_onset(a), b.onset, _onset(allowed))
    period = math.lcm(_period(a), b.period, _period(allowed))
    count = _count(onset, period, degree)
    pairs = zip(_first(a, count), b.first(count), strict=True)
    guess = _shortest([p // q if q else 0 for p, q in pairs], onset, period, degree)
    if not _is_never(allowed * (1 - (guess * b == a))):
        raise NoFormula("a size is divided by a size that does not divide it for all n")
    return guess


def _is_positive(number: Number) -> Number:
    """1 where a number is above 0, else 0."""
    if isinstance(number, int):
        return int(number > 0)
    settled = max(_settles(steps) for steps in number.tail())
    onset = number.onset + settled * number.period
    count = _count(onset, number.period, 0)
    return _shortest([int(value > 0) for value in number.first(count)], onset, number.period, 0)


def _settles(steps: list[int]) -> int:
    """After how many periods a polynomial, given by its differences, keeps its sign."""
    k = 0
    while any(steps) and not ((steps[0] > 0 and min(steps) >= 0) or (steps[0] < 0 and max(steps) <= 0)):
        # a straight line is followed beyond its root at once
        far = -steps[0] // steps[1] + 1 if len(steps) == 2 else 1
        k += far
        if k > LONGEST:
            raise NoFormula("a comparison is undecided up to very large sizes")
        steps = [sum(math.comb(far, j) * step for j, step in enumerate(steps[i:])) for i in range(len(steps))]
    return k
