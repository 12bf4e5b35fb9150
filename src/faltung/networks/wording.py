"""Sizes in words: formulas of n, and which n are valid."""

import math
from collections.abc import Sequence
from fractions import Fraction

from .sizes import Number, Size, at

MOST_CASES = 8
"""Residue classes that are written out one by one."""


def formula_words(number: Number, valid: Number) -> str:
    """A size as a formula of n that holds for all valid n, e.g. `floor((n + 1)/2)`."""
    if isinstance(number, int):
        return str(number)
    onset, period = _rule(number, valid)
    window = _members(valid, onset + (number.degree + 2) * period)
    if not window:
        return "none"
    if window[-1] <= onset or not any(n > onset for n in window):
        # finitely many sizes
        values = {number(n) for n in window}
        return str(values.pop()) if len(values) == 1 else _pairs(number, window)
    late = [n for n in window if n > onset]
    for start in (window, late):
        words = _one_formula(number, start, period)
        if words is not None:
            early = [n for n in window if n < start[0]]
            before = (_one_formula(number, early, period) if len(early) > 2 else None) or _pairs(number, early)
            return words + (f" for n >= {start[0]}; before, {before}" if early else "")
    return _by_cases(number, late, period)


def valid_words(valid: Number) -> str:
    """Which n are valid, e.g. `any size >= 7`, `32n + 12 with n >= 1: 44, 76, 108, ...`."""
    if isinstance(valid, int):
        return "any size" if valid else "no size"
    onset, period = _rule(valid, valid)
    tail = [n for n in range(onset + 1, onset + period + 1) if valid(n)]
    members = _members(valid, onset)
    if not tail:
        return _runs(members) if members else "no size"
    # back to where the rule sets in
    regular = {n % period for n in tail}
    first = onset + 1
    while first > 1 and bool(valid(first - 1)) == ((first - 1) % period in regular):
        first -= 1
    early = [n for n in members if n < first]
    start = next(n for n in range(first, first + period) if n % period in regular)
    also = f", and {_runs(early)}" if early else ""
    if len(regular) == period:
        return f"any size >= {start}{also}" if start > 1 else "any size"
    if len(regular) == 1:
        offset = start % period
        name = f"{period}n" + (f" + {offset}" if offset else "")
        return f"{name} with n >= {start // period}: {start}, {start + period}, {start + 2 * period}, ...{also}"
    return f"n >= {start} with n mod {period} in {', '.join(map(str, sorted(regular)))}{also}"


def _rule(*numbers: Number) -> tuple[int, int]:
    """From where on all of them are regular, and their common period."""
    sizes = [number for number in numbers if isinstance(number, Size)]
    return max(size.onset for size in sizes), math.lcm(*(size.period for size in sizes))


def _members(valid: Number, count: int) -> list[int]:
    return [n for n in range(1, count + 1) if at(valid, n)]


def _pairs(number: Size, ns: Sequence[int]) -> str:
    shown = ", ".join(f"{number(n)} at n = {n}" for n in ns[:MOST_CASES])
    return shown + (", ..." if len(ns) > MOST_CASES else "")


def _runs(ns: Sequence[int]) -> str:
    """`3, 5 to 9`."""
    runs: list[list[int]] = []
    for n in ns:
        if runs and n == runs[-1][-1] + 1:
            runs[-1][1:] = [n]
        else:
            runs.append([n])
    shown = ", ".join(" to ".join(map(str, run)) for run in runs[:MOST_CASES])
    return shown + (", ..." if len(runs) > MOST_CASES else "")


def _one_formula(number: Size, ns: Sequence[int], period: int) -> str | None:
    """A constant, a straight line, or a line of a floor, that gives all values at these n; None if there is none."""
    values = [number(n) for n in ns]
    if len(set(values)) == 1:
        return str(values[0])
    if number.degree > 1:
        return None
    # two n one period apart show the slope
    pairs = [(n, n + period) for n in ns if n + period in ns]
    slopes = {Fraction(number(b) - number(a), period) for a, b in pairs}
    if len(slopes) != 1:
        return None
    slope = slopes.pop()
    a, b = slope.numerator, slope.denominator
    offsets = {b * value - a * n for n, value in zip(ns, values, strict=True)}
    if len(offsets) == 1:
        return _line(a, b, offsets.pop())
    for step in range(2, period + 1):
        rise = slope * step
        if period % step or rise.denominator > 1 or period > 4096:
            continue
        for shift in range(step):
            rests = {value - int(rise) * ((n + shift) // step) for n, value in zip(ns, values, strict=True)}
            if len(rests) == 1:
                return _floor(int(rise), step, shift, rests.pop())
    return None


def _line(a: int, b: int, offset: int) -> str:
    """(a·n + offset) / b."""
    top = ("" if a == 1 else "-" if a == -1 else str(a)) + "n"
    if b == 1:
        return top + _plus(offset)
    return f"({top}{_plus(offset)})/{b}" if offset else f"{top}/{b}"


def _floor(rise: int, step: int, shift: int, rest: int) -> str:
    """Rise · floor((n + shift)/step) + rest, with the fewest and smallest terms; ceil where that is shorter."""
    forms: list[tuple[str, int, int]] = []
    # floor((n + s - 1)/s) is ceil(n/s), and a whole step may move from the shift to the rest
    for name, inner in (("floor", shift), ("ceil", shift - step + 1)):
        most = abs(inner) // step + 1
        forms += [(name, inner - turns * step, rest + turns * rise) for turns in range(-most, most + 1)]
        if rise and rest % rise == 0:
            forms.append((name, inner + rest // rise * step, 0))
    name, inner, outer = min(forms, key=lambda form: (bool(form[1]) + bool(form[2]), abs(form[1]) + abs(form[2])))
    top = f"(n{_plus(inner)})" if inner else "n"
    return f"{'' if rise == 1 else rise}{name}({top}/{step}){_plus(outer)}"


def _plus(offset: int) -> str:
    return f" {'+' if offset > 0 else '-'} {abs(offset)}" if offset else ""


def _by_cases(number: Size, ns: Sequence[int], period: int) -> str:
    """A line for every residue class."""
    classes = sorted({n % period for n in ns})
    if number.degree > 1 or len(classes) > MOST_CASES:
        growth = f"grows as n^{number.degree}" if number.degree else "is bounded"
        return f"{growth}, in {len(classes)} cases by n mod {period}: {_pairs(number, ns[:4])}, ..."
    cases = []
    for place in classes:
        mine = [n for n in ns if n % period == place]
        cases.append(f"{_one_formula(number, mine, period) or _pairs(number, mine)} if n mod {period} = {place}")
    return "; ".join(cases)
