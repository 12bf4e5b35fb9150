"""ConvNets of any structure fit their inputs, are made again from their options, and say what they refuse."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.errors import ParameterError, ShapeError
from faltung.networks import ConvNet, inspect, receptive_field, valid_sizes

WIDTHS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=2), min_size=1, max_size=3)


@st.composite
def options(draw):
    widths = draw(WIDTHS)
    count = sum(map(len, widths))
    sides = st.integers(1, 4)
    return {
        "channels": draw(st.integers(1, 3)),
        "classes": draw(st.integers(1, 4)),
        "dims": draw(st.integers(1, 3)),
        "widths": widths,
        "kernels": draw(sides | st.lists(sides, min_size=count, max_size=count)),
        "pool": draw(st.sampled_from(["max", "mean"])),
        "dropout": draw(st.sampled_from([0.0, 0.5])),
        "map_dropout": draw(st.sampled_from([0.0, 0.25])),
    }


@given(options())
@settings(deadline=None, max_examples=40)
def test_any_structure_takes_its_least_size_and_one_less_is_refused(given_options):
    net = ConvNet(**given_options).eval()
    channels, dims = given_options["channels"], given_options["dims"]
    sizes = [net.min_size + 2 * axis for axis in range(dims)]
    assert net(torch.zeros(2, channels, *sizes)).shape == (2, given_options["classes"])
    if net.min_size > 1:
        with pytest.raises(ShapeError, match="stages"):
            net(torch.zeros(2, channels, *[net.min_size - 1] * dims))


@given(options())
@settings(deadline=None, max_examples=40)
def test_options_survive_json_and_make_the_same_structure(given_options):
    torch.manual_seed(0)
    net = ConvNet(**given_options)
    again = ConvNet(**json.loads(json.dumps(net.options)))
    assert again.options == net.options == json.loads(json.dumps(net.options))
    again.load_state_dict(net.state_dict())
    x = torch.randn(2, given_options["channels"], *[net.min_size + 1] * given_options["dims"])
    assert torch.equal(net.eval()(x), again.eval()(x))


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_the_calculators_find_the_least_size_that_is_said(stages):
    net = ConvNet(channels=2, classes=3, widths=[[2]] * stages).eval()
    valid = valid_sizes(net, (1, 2, None, 40))
    assert [n for n in range(1, 40) if n in valid] == list(range(net.min_size, 40))


def test_a_convolution_keeps_the_size_for_odd_and_even_kernels():
    for side in range(1, 9):
        net = ConvNet(channels=1, classes=2, dims=1, widths=((2, 2),), kernels=side)
        assert net.stages(torch.zeros(3, 1, 11)).shape == (3, 2, 11)


def test_an_even_kernel_has_one_more_place_after_than_before():
    field = receptive_field(ConvNet(channels=1, classes=2, dims=1, widths=((1,),), kernels=8).stages.eval(), (1, 1, 40))
    assert field[0].length == 8
    net = ConvNet(channels=1, classes=2, dims=1, widths=((1,),), kernels=8).eval()
    x = torch.zeros(1, 1, 40)
    x.requires_grad_()
    # before the ReLU, which may hide it
    net.stages[0][:2](x)[0, 0, 20].backward()
    assert x.grad is not None
    assert x.grad[0, 0].nonzero().flatten().tolist() == list(range(17, 25))


def test_places_beyond_the_field_change_nothing():
    torch.manual_seed(1)
    net = ConvNet(channels=1, classes=2).eval()
    width = receptive_field(net.stages, (1, 1, 64, 64))[0].length
    x = torch.randn(1, 1, 64, 64)
    y = x.clone()
    y[..., width:, :] = 5
    with torch.inference_mode():
        assert torch.equal(net.stages(x)[..., 0, :], net.stages(y)[..., 0, :])
        assert not torch.equal(net.stages(x), net.stages(y))


def test_the_signal_net_is_the_published_one():
    net = ConvNet.for_signals(channels=1, classes=6)
    convolutions = [part for part in net.modules() if isinstance(part, torch.nn.Conv1d)]
    assert [(c.out_channels, c.kernel_size[0]) for c in convolutions] == [(128, 8), (256, 5), (128, 3)]
    # 128 x 8, 256 x 128 x 5, 128 x 256 x 3 weights, two numbers a norm for each map, and the last layer
    assert net.num_parameters == 1024 + 163_840 + 98_304 + 2 * (128 + 256 + 128) + 6 * 129
    # only the global mean sees more than one place
    assert net.stages(torch.zeros(1, 1, 30)).shape == (1, 128, 30)


def test_the_parameters_counted_are_those_that_the_calculators_meet():
    net = ConvNet(channels=3, classes=4, widths=((8,), (8, 16)))
    found = inspect(net.eval(), (1, 3, 16, 16))
    assert found.parameters == net.num_parameters
    assert found.unused == 0


def test_dropout_is_ours_and_off_in_evaluation():
    torch.manual_seed(0)
    net = ConvNet(channels=1, classes=3, dropout=0.5, map_dropout=0.5)
    x = torch.randn(4, 1, 8, 8)
    assert {type(part).__module__.split(".")[0] for part in net.modules() if "Dropout" in type(part).__name__} == {
        "faltung"
    }
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    net = ConvNet(channels=2, classes=3, widths=((4,), (6, 8)))
    torch.nn.functional.cross_entropy(net(torch.randn(8, 2, 12, 12)), torch.arange(8) % 3).backward()
    assert all(weights.grad is not None and bool(weights.grad.abs().max() > 0) for weights in net.parameters())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"channels": 0}, "channels=0"),
        ({"classes": 2.0}, "classes=2.0"),
        ({"dims": 4}, "dims=4"),
        ({"widths": ()}, "widths=()"),
        ({"widths": (8, 16)}, "for each stage"),
        ({"widths": ((8,), ())}, "for each stage"),
        ({"widths": ((0,),)}, "widths=0"),
        ({"kernels": (3, 3)}, "has 2 entries for 4 convolutions"),
        ({"kernels": 0}, "kernels=0"),
        ({"pool": "maximum"}, "pool='maximum'"),
        ({"dropout": 1.0}, "dropout=1"),
        ({"map_dropout": -0.1}, "map_dropout"),
    ],
)
def test_what_is_refused_is_named(wrong, words):
    with pytest.raises(ParameterError) as refused:
        ConvNet(**{"channels": 1, "classes": 2, **wrong})
    assert words in str(refused.value)


def test_inputs_without_a_number_are_told_how():
    with pytest.raises(ShapeError, match=r"x\[None\]"):
        ConvNet(channels=1, classes=2)(torch.zeros(1, 28, 28))
    with pytest.raises(ShapeError, match="3 channels"):
        ConvNet(channels=1, classes=2)(torch.zeros(1, 3, 28, 28))
