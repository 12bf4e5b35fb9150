import math

import pytest
import torch

import faltung as ft


def test_a_ramp_goes_from_start_to_end_and_stays():
    ramp = ft.nn.Ramp(10, start=0.2, end=0.7, wait=5)
    assert [ramp(step) for step in (0, 5)] == [0.2, 0.2]
    assert ramp(10) == pytest.approx(0.45)
    assert ramp(15) == ramp(1000) == pytest.approx(0.7)
    smooth = ft.nn.Ramp(10, shape="cosine")
    assert [smooth(0), smooth(5), smooth(10)] == pytest.approx([0, 0.5, 1])
    assert smooth(2) == pytest.approx((1 - math.cos(math.pi / 5)) / 2)


def test_advance_moves_every_scheduled_layer_and_no_other():
    net = torch.nn.Sequential(
        ft.nn.Dropout(0.4, schedule=ft.nn.Ramp(4)),
        torch.nn.Sequential(ft.nn.DropBlock2d(0.2, schedule=ft.nn.Ramp(2)), ft.nn.Dropout(0.3)),
    )
    assert ft.nn.advance(net) == 2
    assert (net[0].rate, net[1][0].rate, net[1][1].rate) == pytest.approx((0.1, 0.1, 0.3))
    ft.nn.advance(net, 3)
    assert (net[0].rate, net[1][0].rate) == pytest.approx((0.4, 0.2))
    with pytest.raises(ft.ParameterError, match="no dropout layer in this Linear has a schedule"):
        ft.nn.advance(torch.nn.Linear(2, 2))
    with pytest.raises(ft.ParameterError, match="at least 1"):
        ft.nn.advance(net, 0)


def test_the_rate_that_applies_is_the_rate_that_drops():
    layer = ft.nn.Dropout(0.8, schedule=ft.nn.Ramp(4), generator=torch.Generator().manual_seed(1))
    x = torch.ones(100_000)
    for step in range(5):
        share = (layer(x) == 0).double().mean()
        assert abs(share - 0.2 * step) <= 4 * math.sqrt(0.2 * step * (1 - 0.2 * step) / len(x)) + 1e-12
        ft.nn.advance(layer)


def test_training_resumed_from_a_state_dict_goes_on_with_its_step():
    first, second = (ft.nn.Dropout(0.5, schedule=ft.nn.Ramp(10)) for _ in range(2))
    ft.nn.advance(first, 4)
    assert list(first.state_dict()) == ["step"]
    second.load_state_dict(first.state_dict())
    assert second.rate == first.rate == 0.2
    ft.nn.advance(second)
    assert second.state_dict()["step"] == 5
    with pytest.raises(RuntimeError, match="Missing key"):
        second.load_state_dict({})


def test_any_function_is_a_schedule_if_it_gives_shares():
    layer = ft.nn.Dropout(0.5, schedule=lambda step: 2.0 if step else 0.5)
    assert layer.rate == 0.25
    ft.nn.advance(layer)
    with pytest.raises(ft.ParameterError, match="gave 2 at step 1"):
        layer(torch.ones(3))


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"steps": 0}, "at least 1"),
        ({"steps": 1.5}, "an integer"),
        ({"steps": 2, "wait": -1}, "at least 0"),
        ({"steps": 2, "start": -0.1}, "a share from 0 to 1"),
        ({"steps": 2, "end": 1.5}, "a share from 0 to 1"),
        ({"steps": 2, "end": math.nan}, "a finite real number"),
        ({"steps": 2, "shape": "step"}, '"linear", "cosine"'),
    ],
)
def test_a_wrong_ramp_is_refused(options, cure):
    with pytest.raises(ft.ParameterError, match=cure):
        ft.nn.Ramp(**options)
