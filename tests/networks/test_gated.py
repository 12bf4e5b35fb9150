"""The gated ConvNet: causal, the same in one pass and step by step, nats that are those of its scores."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import faltung as ft
from faltung.errors import DtypeError, ParameterError, ShapeError
from faltung.networks import GatedConvNet, receptive_field
from faltung.nn.causal import GATES


@st.composite
def networks(draw: st.DrawFn) -> GatedConvNet:
    """Small stacks in float64: kernels of one tap and more, dilation, with and without bottleneck, both heads."""
    torch.manual_seed(draw(st.integers(0, 2**31)))
    return (
        GatedConvNet(
            symbols=20,
            channels=draw(st.sampled_from([4, 16])),
            kernel_size=draw(st.integers(1, 4)),
            dilations=draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)),
            bottleneck=draw(st.sampled_from([0, 3])),
            gate=draw(st.sampled_from(GATES)),
            weight_norm=draw(st.booleans()),
            cutoffs=draw(st.sampled_from([(), (6,)])),
        )
        .double()
        .eval()
    )


@settings(max_examples=50)
@given(networks(), st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 3))
def test_a_stream_gives_what_one_pass_gives(net: GatedConvNet, lengths: list[int], batch: int) -> None:
    """Any mixture of single steps (0) and of chunks."""
    tokens = torch.randint(20, (batch, sum(max(length, 1) for length in lengths)))
    whole = net(tokens).detach()
    stream, at = net.stream(batch), 0
    for length in lengths:
        found = stream.feed(tokens[:, at : at + length]) if length else stream.step(tokens[:, at])
        at += max(length, 1)
        torch.testing.assert_close(found, whole[..., at - 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("gate", GATES)
def test_a_long_stream_in_float32_stays_within_rounding(gate: ft.nn.causal.Gate) -> None:
    torch.manual_seed(1)
    net = GatedConvNet(symbols=30, channels=32, kernel_size=3, dilations=(1, 2, 4, 8), bottleneck=16, gate=gate).eval()
    tokens, stream = torch.randint(30, (2, 400)), net.stream(2)
    steps = torch.stack([stream.step(some) for some in tokens.unbind(1)], -1)
    torch.testing.assert_close(steps, net(tokens).detach(), rtol=0, atol=1e-5)


@settings(max_examples=25)
@given(networks(), st.integers(1, 30))
def test_a_place_sees_itself_and_num_seen_places_back_and_no_other(net: GatedConvNet, place: int) -> None:
    tokens = torch.randint(20, (1, 80))
    changed = tokens.clone()
    changed[0, place] = (tokens[0, place] + 1) % 20
    # what is hidden, as scores of rare symbols may not differ
    differs = (net.hidden(tokens) != net.hidden(changed)).any(1)[0]
    assert not differs[:place].any()
    assert not differs[place + net.num_seen :].any()
    assert differs[place]


@settings(max_examples=25)
@given(networks())
def test_the_calculators_find_the_same_receptive_field(net: GatedConvNet) -> None:
    (field,) = receptive_field(net.blocks, (1, net.channels, 200))
    assert (field.start, field.length) == (1 - net.num_seen, net.num_seen)


@settings(max_examples=25)
@given(networks())
def test_nats_of_pairs_are_those_of_the_scores(net: GatedConvNet) -> None:
    tokens = torch.randint(20, (2, 9))
    nats = net(torch.stack([tokens[:, :-1], tokens[:, 1:]], 1))
    p = net(tokens)[..., :-1].log_softmax(1)
    torch.testing.assert_close(nats, -p.gather(1, tokens[:, None, 1:])[:, 0])


@settings(max_examples=25)
@given(networks())
def test_options_make_the_same_network_again(net: GatedConvNet) -> None:
    again = type(net)(**net.options).double().eval()
    again.load_state_dict(net.state_dict())
    tokens = torch.randint(20, (1, 7))
    assert torch.equal(again(tokens), net(tokens))


@pytest.mark.parametrize("cutoffs", [(), (6,)])
def test_training_in_half_precision_has_losses_in_full(cutoffs: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net = GatedConvNet(symbols=20, channels=16, dilations=(1, 2), cutoffs=cutoffs, dropout=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        nats = net(torch.randint(20, (2, 2, 12)))
    assert nats.dtype == torch.float32
    nats.mean().backward()
    assert all(weights.grad is not None and weights.grad.isfinite().all() for weights in net.parameters())


def test_a_stream_keeps_the_weights_it_began_with() -> None:
    net = GatedConvNet(symbols=5, channels=4, dilations=(1,)).eval()
    tokens = torch.tensor([[1, 2]])
    stream = net.stream()
    before = net.hidden(tokens)
    with torch.no_grad():
        for weights in net.blocks.parameters():
            weights.mul_(2)
    torch.testing.assert_close(stream.feed(tokens), net.scores(before[..., -1]).detach())


def test_what_cannot_be_is_refused_with_the_cure() -> None:
    for options, words in [
        ({"dilations": ()}, "at least one block"),
        ({"dilations": 2}, "a series of integers"),
        ({"dropout": 1.0}, "below 1"),
        ({"cutoffs": (5, 5)}, "rising numbers below 10"),
        ({"cutoffs": (10,)}, "rising numbers below 10"),
        ({"cutoffs": (2, 5), "channels": 8}, "16 are needed"),
        ({"gate": "gru"}, "allowed are"),
        ({"kernel_size": 0}, "at least 1"),
    ]:
        with pytest.raises(ParameterError, match=words):
            GatedConvNet(**{"symbols": 10, **options})
    net = GatedConvNet(symbols=10, channels=4, dilations=(1,))
    with pytest.raises(DtypeError, match="tokens are float32"):
        net(torch.zeros(1, 3))
    with pytest.raises(ShapeError, match="what follows each"):
        net(torch.zeros(1, 3, 4, dtype=torch.int64))
    with pytest.raises(ShapeError, match="one for each text"):
        net.stream(2).step(torch.tensor([1]))
    with pytest.raises(ShapeError, match="L >= 1"):
        net.stream().feed(torch.zeros(1, 0, dtype=torch.int64))
