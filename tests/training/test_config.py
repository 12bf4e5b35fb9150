"""`Config`, and what follows from it at each step."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import FaltungError, ParameterError
from faltung.training import Config
from faltung.training.schedules import rate_at, seed_of


@given(
    st.builds(
        Config,
        epochs=st.integers(1, 50),
        learning_rate=st.one_of(st.just("find"), st.floats(1e-6, 10)),
        augment=st.lists(st.sampled_from(["flip", "elastic"]), max_size=2).map(tuple),
        crop=st.lists(st.integers(1, 9), max_size=2).map(tuple),
        schedule=st.sampled_from(["one-cycle", "cosine", "constant"]),
        ema=st.floats(0, 0.99),
    )
)
def test_a_config_goes_through_json(config):
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "at least 1"),
        ({"epochs": 2.5}, "an integer"),
        ({"learning_rate": 0}, 'or "find"'),
        ({"learning_rate": float("nan")}, "finite"),
        ({"learning_rate": "auto"}, "learning_rate"),
        ({"optimiser": "adam"}, 'did you mean "adamw"'),
        ({"augment": ("flop",)}, 'did you mean "flip"'),
        ({"validation": 1.0}, "below 1"),
        ({"ema": -0.1}, "from 0"),
        ({"weight_decay": -1}, "0 or more"),
        ({"clip": float("inf")}, "finite"),
        ({"crop": (0,)}, "at least 1"),
        ({"precision": "16"}, "precision"),
    ],
)
def test_values_outside_are_refused(options, words):
    with pytest.raises(ParameterError, match=words) as caught:
        Config(**options)
    assert isinstance(caught.value, FaltungError)


def test_unknown_options_are_refused_by_name():
    with pytest.raises(ParameterError, match="no option optimizer"):
        Config.from_json({"optimizer": "adamw"})


def test_every_option_is_described():
    assert all(f"        {field.name}: " in Config.__doc__ for field in dataclasses.fields(Config))


@given(
    schedule=st.sampled_from(["one-cycle", "cosine", "constant"]),
    warm_up=st.floats(0, 0.9),
    num_steps=st.integers(1, 300),
    rate=st.floats(1e-4, 1),
)
def test_rates_climb_then_fall_and_never_leave_their_range(schedule, warm_up, num_steps, rate):
    config = Config(schedule=schedule, warm_up=warm_up)
    rates = [rate_at(config, rate, step, num_steps) for step in range(num_steps)]
    assert all(0 <= r <= rate * (1 + 1e-12) for r in rates)
    top = max(range(num_steps), key=rates.__getitem__)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if warm_up == 0:
        assert rates[0] == rate


def test_one_cycle_begins_at_a_25th_and_ends_at_a_10000th():
    rates = [rate_at(Config(warm_up=0.25), 1.0, step, 101) for step in range(101)]
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[25] == pytest.approx(1)
    assert rates[100] == pytest.approx(1e-4)


def test_seeds_differ_by_purpose_and_place():
    seeds = {seed_of(s, p, *place) for s in (0, 1) for p in ("order", "noise") for place in ((0,), (1,), (0, 1))}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**63 for seed in seeds)
