"""Arithmetic on sizes left open is arithmetic on every size."""

import math
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.networks.sizes import (
    NoFormula,
    Size,
    always,
    at,
    demand,
    maximum,
    minimum,
    scaled,
    value_on,
    variable,
    ways,
)

CONSTANTS = st.integers(-9, 9)
PAIRS = (operator.add, operator.sub, operator.mul, maximum, minimum, operator.lt, operator.ge, operator.eq, operator.ne)


def programs():
    """Functions of n made of sums, products, quotients and comparisons, of degree 4 at most."""
    lines = st.builds(lambda a, b: lambda n: a * n + b, CONSTANTS, CONSTANTS)
    # one level with products, then none: degrees stay small
    first = st.one_of(lines, st.builds(_pair, st.sampled_from(PAIRS), lines, lines))
    second = st.one_of(first, st.builds(_divided, first, st.integers(1, 6)), st.builds(_rest, first, st.integers(1, 6)))
    return st.one_of(second, st.builds(_pair, st.sampled_from(PAIRS), second, second))


def _pair(how, f, g):
    return lambda n: how(f(n), g(n)) + 0


def _divided(f, by):
    return lambda n: f(n) // by


def _rest(f, by):
    return lambda n: f(n) % by


@given(programs())
@settings(max_examples=300)
def test_a_program_on_the_open_size_is_the_program_on_every_size(program):
    found = program(variable())
    for n in (*range(1, 90), 211, 1000, 99_991):
        assert at(found, n) == program(n)


@given(programs(), st.integers(1, 40))
def test_what_is_kept_is_as_short_as_can_be(program, more):
    # the same numbers, said in a longer way
    found = program(variable())
    again = (found * more + more * 7) // more - 7
    if isinstance(found, int):
        assert again == found
    else:
        assert (again.values, again.onset, again.period) == (found.values, found.onset, found.period)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 8, 999, 1000])
def test_fractions_are_rounded_as_python_rounds_them(n):
    size = variable()
    assert at(math.ceil(size / 4), n) == math.ceil(n / 4)
    assert at(math.floor(size * 0.75 + 1), n) == math.floor(n * 0.75 + 1)
    assert at(round(size / 2), n) == round(n / 2)
    assert at(size / 4 > 2, n) == (n / 4 > 2)
    assert at(scaled(size, 1.5), n) == math.floor(n * 1.5)


WITHOUT_FORMULA = {
    "a long fraction": lambda n: scaled(n, 0.3),
    "int": int,
    "range": range,
    "float": lambda n: float(n / 2),
    "a size below": lambda n: 7 // n,
}


@pytest.mark.parametrize("what", WITHOUT_FORMULA.values(), ids=WITHOUT_FORMULA)
def test_what_no_formula_can_say_is_refused(what):
    with pytest.raises(NoFormula):
        what(variable())


def test_a_size_divides_what_it_divides_for_all_n():
    n = variable()
    assert always((n * n * 6 + n * 3) // (n * 3) == n * 2 + 1)
    with pytest.raises(NoFormula, match="does not divide"):
        (n * n + 1) // n


def test_every_outcome_of_a_decision_is_followed_for_the_sizes_that_lead_there():
    def program():
        n = variable()
        if n % 4 == 1:
            return "one"
        if n > 10:
            n = n // 2
        return "small" if n < 6 else "large"

    def plain(n):
        if n % 4 == 1:
            return "one"
        n = n // 2 if n > 10 else n
        return "small" if n < 6 else "large"

    found = list(ways(program))
    for n in range(1, 60):
        assert [result for way, result in found if at(way.allowed, n)] == [plain(n)]


def test_a_demand_leaves_the_sizes_that_meet_it():
    def program():
        n = variable()
        demand(n % 3 == 0)
        demand(n < 10)
        # for these it is decided: no second way
        assert n < 12
        return value_on(n * 0 + 5, 1)

    ((way, result),) = ways(program)
    assert [n for n in range(1, 40) if at(way.allowed, n)] == [3, 6, 9]
    assert result == 5


def test_too_many_ways_are_refused():
    def program():
        n = variable()
        return sum(bool(n == i) for i in range(1, 99))

    with pytest.raises(NoFormula, match="ways"):
        list(ways(program))


def test_a_size_is_no_key_and_no_plain_integer():
    assert isinstance(variable(), Size)
    with pytest.raises(TypeError, match="unhashable"):
        {variable(): 1}
