"""Who is asked, who is taken, and what is said about it."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import faltung as ft
from faltung import planner
from faltung.algorithm import Cost
from faltung.algorithms import ALGORITHMS, direct
from faltung.planner import choose
from faltung.reading import make_spec
from faltung.spec import ConvSpec
from strategies import Case, cases

NAMES = [algorithm.name for algorithm in ALGORITHMS]


def spec_of(shape: Any = (64, 64), kernel: Any = None, **options: Any) -> ConvSpec:
    kernel = np.ones((3, 3)) if kernel is None else kernel
    return make_spec(shape, np.dtype(float), kernel, flip=True, **options)[0]


def pretender(name: str, seconds: float, *, error: float = 0.0, refusal: str | None = None) -> Any:
    """An algorithm that only answers questions."""
    return SimpleNamespace(
        name=name,
        refuses=lambda spec: refusal,
        transforms=False,
        cost=lambda spec, machine: Cost(seconds, 1 << 20, error),
        build=direct.build,
    )


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the planner ask these instead."""

    def with_algorithms(*algorithms: Any) -> None:
        monkeypatch.setattr(planner, "ALGORITHMS", algorithms)

    return with_algorithms


def test_the_cheapest_is_taken_and_stands_first(ask: Any) -> None:
    ask(pretender("slow", 2.0), pretender("quick", 0.5), pretender("middling", 1.0))
    explanation = choose(spec_of())
    assert explanation.method == "quick"
    assert [v.method for v in explanation.verdicts] == ["quick", "middling", "slow"]
    assert "2.0 times as fast" in explanation.reason
    assert not explanation.forced


def test_among_equals_the_first_of_the_list_is_taken(ask: Any) -> None:
    ask(pretender("first", 1.0), pretender("second", 1.0))
    assert choose(spec_of()).method == "first"


def test_one_that_refuses_is_not_taken_and_its_reason_is_kept(ask: Any) -> None:
    ask(pretender("quick", 0.1, refusal="does not like Mondays"), pretender("slow", 1.0))
    explanation = choose(spec_of())
    assert explanation.method == "slow"
    assert explanation.reason == "the only one that serves"
    assert "does not like Mondays" in str(explanation)
    with pytest.raises(ft.MethodError, match=r'method="quick" refuses: does not like Mondays.*"auto"'):
        choose(spec_of(), "quick")


def test_one_that_errs_too_much_is_taken_only_if_the_bound_is_lifted(ask: Any) -> None:
    ask(pretender("sloppy", 0.1, error=1e-3), pretender("careful", 1.0))
    assert choose(spec_of()).method == "careful"
    assert choose(spec_of(rtol=1e-2)).method == "sloppy"
    assert choose(spec_of(rtol=math.inf)).method == "sloppy"
    with pytest.raises(ft.AccuracyError, match=r"errs by up to 1\.0e-03.*rtol=inf"):
        choose(spec_of(), "sloppy")


def test_an_error_that_depends_on_the_data_is_no_reason_against_it(ask: Any) -> None:
    ask(pretender("transform", 0.1, error=math.inf), pretender("direct", 1.0))
    explanation = choose(spec_of())
    assert explanation.method == "transform"
    assert "checked" in str(explanation)


def test_one_that_is_asked_for_is_taken_though_slower(ask: Any) -> None:
    ask(pretender("slow", 2.0), pretender("quick", 0.5))
    explanation = choose(spec_of(), "slow")
    assert explanation.method == "slow"
    assert explanation.forced
    assert explanation.reason == "asked for by name"
    assert explanation.verdicts[0].method == "slow"


@pytest.mark.parametrize("method", ["", "AUTO", "winograd", None, 3, ["auto"]])
def test_an_unknown_method_is_refused_with_all_names(method: Any) -> None:
    with pytest.raises(ft.ParameterError, match=", ".join(f'"{name}"' for name in ["auto", *NAMES])):
        choose(spec_of(), method)


@given(cases())
def test_every_algorithm_answers_with_a_reason_or_a_sane_cost(case: Case) -> None:
    spec, _ = case.spec()
    explanation = choose(spec)
    assert sorted(v.method for v in explanation.verdicts) == sorted(NAMES)
    for verdict in explanation.verdicts:
        assert (verdict.cost is None) <= bool(verdict.refusal)
        if verdict.cost is not None:
            assert 0 < verdict.cost.seconds < math.inf
            assert 0 <= verdict.cost.num_bytes < math.inf
            assert verdict.cost.error >= 0


@given(cases())
def test_an_explanation_prints_one_line_for_every_algorithm(case: Case) -> None:
    spec, _ = case.spec()
    explanation = choose(spec)
    head, taken, blank, titles, *rows = str(explanation).splitlines()
    if any(v.cost is not None and math.isinf(v.cost.error) for v in explanation.verdicts):
        assert rows.pop().startswith("checked: how large the error may be depends on the data")
    assert head.startswith("convolve" if spec.flip else "correlate")
    assert taken == f"method {explanation.method}: {explanation.reason}"
    assert blank == ""
    assert titles.split()[0] == "method"
    assert [row.split()[0] for row in rows] == [v.method for v in explanation.verdicts]
    assert not any(line.endswith(" ") for line in (head, taken, titles, *rows))


def test_direct_refuses_nothing() -> None:
    assert {direct.refuses(spec_of()), direct.refuses(spec_of((9,), np.ones(3, object)))} == {None}


def test_more_outputs_are_never_predicted_faster() -> None:
    for algorithm in ALGORITHMS:
        costs = [_seconds(algorithm, spec_of((n, n))) for n in (64, 256, 1024, 4096)]
        assert costs == sorted(costs)


def _seconds(algorithm: Any, spec: ConvSpec) -> float:
    return algorithm.cost(spec, planner.DEFAULT).seconds


def test_an_outer_product_of_many_taps_is_taken_apart() -> None:
    line = np.hanning(25)[1:-1]
    assert ft.explain((1000, 1000), np.outer(line, line)).method == "separable"


def test_a_large_kernel_without_structure_goes_by_fft() -> None:
    kernel = np.random.default_rng(0).standard_normal((101, 101))
    assert ft.explain((1000, 1000), kernel).method == "fft"


def test_a_small_kernel_without_structure_goes_direct() -> None:
    assert ft.explain((1000, 1000), [[0.0, 1, 2], [2, 2, 0], [0, 1, 2]]).method == "direct"


def test_integers_go_ways_that_are_exact_and_the_others_say_why() -> None:
    short = ft.explain((100, 100), np.ones((5, 5), np.int64), x_dtype=np.int64)
    long = ft.explain((100_000,), np.ones(20_000, np.int64), x_dtype=np.int16)
    assert short.method == "direct"
    assert long.method == "exact"
    for verdict in (*short.verdicts, *long.verdicts):
        exact = verdict.cost is not None and verdict.cost.error == 0
        assert exact or verdict.refusal is not None


@pytest.mark.parametrize("method", NAMES)
def test_plan_and_explanation_name_the_same_method(method: str) -> None:
    dtype = int if method == "exact" else float
    plan = ft.plan((32, 32), np.ones((3, 3), dtype), method=method, x_dtype=dtype)
    assert plan.method == plan.explain().method == method
