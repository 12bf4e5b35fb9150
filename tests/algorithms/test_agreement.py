"""Every algorithm against the definition, over convolutions made by hypothesis. A new algorithm joins by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.algorithms import ALGORITHMS
from strategies import Case, cases, check

NAMES = ["auto", *(algorithm.name for algorithm in ALGORITHMS)]
SPECIAL = dict.fromkeys(NAMES, ("float32", "float64")) | {"exact": ("int64", "uint64", "int16", "uint8")}
"""The dtypes that algorithms make a special loop or transform for."""


def share(of_profile: float) -> settings:
    """So much of the profile's number of examples."""
    return settings(max_examples=max(1, int(settings().max_examples * of_profile)))


def serves(method: str, strategy: st.SearchStrategy[Case], part: float, by: str) -> bool:
    """Hold a method to the definition on many cases, and say whether it served one."""
    served = 0

    @share(part)
    @given(strategy)
    def agrees(case: Case) -> None:
        nonlocal served
        served += check(case, method, by=by)

    agrees()
    return served > 0


@pytest.mark.parametrize("method", NAMES)
def test_agrees_with_the_reference(method: str) -> None:
    assert serves(method, cases(), 1.0, "reference"), f"{method} refused every case"


@pytest.mark.parametrize("method", NAMES)
def test_agrees_in_the_dtypes_that_have_loops_of_their_own(method: str) -> None:
    plain = cases(dtypes=SPECIAL[method], options=False)
    assert serves(method, plain, 1.0, "reference"), f"{method} refused every case"


@pytest.mark.parametrize("method", NAMES)
def test_agrees_over_many_vectors_and_tiles(method: str) -> None:
    large = cases(large=True, dtypes=SPECIAL[method], options=False)
    assert serves(method, large, 0.5, "oracle"), f"{method} refused every case"


@pytest.mark.parametrize("method", NAMES)
def test_agrees_over_many_vectors_in_any_dtype(method: str) -> None:
    # one case in five is separable: of half the profile's number, some are
    assert serves(method, cases(large=True), 0.5, "oracle"), f"{method} refused every case"


@pytest.mark.slow
@settings(max_examples=10_000)
@given(cases())
def test_ten_thousand_calls_through_the_door_agree_with_the_reference(case: Case) -> None:
    check(case)
