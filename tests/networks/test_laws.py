"""Any stack of layers, with any options: sizes are those of real runs, fields are where gradients are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faltung.networks import measure_receptive_field, output_size, receptive_positions

SMALL = st.integers(1, 4)


@st.composite
def layers(draw):
    """One layer on a signal of one channel."""
    k, s, d = draw(SMALL), draw(SMALL), draw(st.integers(1, 3))
    form = draw(st.sampled_from(["conv", "transposed", "max", "mean", "pad", "larger", "resized", "shares", "mirror"]))
    if form == "conv":
        return nn.Conv1d(1, 1, k, s, draw(st.integers(0, 4)), d)
    if form == "transposed":
        extra = draw(st.integers(0, max(s, d) - 1))
        return nn.ConvTranspose1d(1, 1, k, s, draw(st.integers(0, 2)), extra, dilation=d)
    if form == "max":
        return nn.MaxPool1d(k, s, draw(st.integers(0, k // 2)), d, ceil_mode=draw(st.booleans()))
    if form == "mean":
        return nn.AvgPool1d(k, s, draw(st.integers(0, k // 2)), draw(st.booleans()))
    if form == "pad":
        return nn.ConstantPad1d((draw(st.integers(-2, 3)), draw(st.integers(-2, 3))), 1.0)
    if form == "larger":
        return nn.Upsample(scale_factor=draw(st.sampled_from([2, 3, 1.5, 0.5])), mode="nearest")
    if form == "resized":
        return nn.Upsample(scale_factor=draw(st.sampled_from([2, 4, 0.5])), mode="linear")
    if form == "shares":
        return nn.AdaptiveAvgPool1d(draw(st.integers(1, 5)))
    return nn.ReflectionPad1d((draw(st.integers(0, 3)), draw(st.integers(0, 3))))


STACKS = st.lists(layers(), min_size=1, max_size=5).map(lambda stack: nn.Sequential(*stack))


class Branches(nn.Module):
    """Two stacks beside each other, both cut to the shorter one."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        a, b = self.first(x), self.second(x)
        size = min(a.shape[2], b.shape[2])
        return a[:, :, :size] + b[:, :, -size:]


NETWORKS = st.one_of(STACKS, st.builds(Branches, STACKS, STACKS))


def real_size(net, n):
    try:
        with torch.no_grad():
            return net(torch.zeros(1, 1, n)).shape[2]
    except (RuntimeError, ValueError):
        return None


# torch warns of what it refuses a moment later
@pytest.mark.filterwarnings("ignore::UserWarning")
@given(NETWORKS)
@settings(max_examples=80)
def test_sizes_are_those_of_real_runs(net):
    real = {n: real_size(net, n) for n in range(1, 40)}
    fits = [n for n, size in real.items() if size is not None]
    try:
        size = output_size(net, (1, 1, None))
    except ValueError:
        assert not fits
        return
    assert size.valid.upto(39) == fits
    assert [size(n)[2] for n in fits] == [real[n] for n in fits]


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(NETWORKS, st.integers(1, 40), st.data())
@settings(max_examples=80)
def test_fields_are_where_gradients_are(net, n, data):
    size = real_size(net, n)
    if not size:
        return
    place = data.draw(st.integers(0, size - 1))
    assert receptive_positions(net, (1, 1, n), (place,)) == measure_receptive_field(net, (1, 1, n), (place,))
