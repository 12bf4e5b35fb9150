"""What does not fit is refused with the layer's path and what would fit; what cannot be followed is said so."""

import subprocess
import sys
import threading

import pytest
import torch
from torch import nn

import faltung as ft
from faltung.networks import inspect, output_size
from networks.zoo import UNet


class Nested(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.decoder = nn.ModuleList([nn.Identity(), nn.Identity(), nn.ModuleDict({"conv": inner})])

    def forward(self, x):
        return self.decoder[2]["conv"](x)


def calls(function):
    """A module that does this to its input."""

    class Calls(nn.Module):
        def forward(self, x):
            return function(x)

    return Calls()


F = nn.functional
ONES = torch.ones
WRONG = {
    "channels": (nn.Conv2d(4, 8, 3), r"takes 4 channels, got 6: give it 4, or build it for 6"),
    "kernel": (nn.Conv2d(6, 8, 11), r"the kernel spans 11 along axis -2, the input has 9: at least 11 would fit here"),
    "padded kernel": (
        nn.Conv2d(6, 8, 13, padding=1),
        r"the input has 9 \(11 with its padding\): at least 11 would fit",
    ),
    "pooling": (nn.MaxPool2d(10), r"the window spans 10 along axis -2, the input has 9: at least 10 would fit here"),
    "half": (nn.AvgPool2d(2, padding=2), r"padding=2 must be at most half of the window of 2"),
    "axes": (nn.Conv1d(6, 8, 3), r"takes batch, channels and 1 spatial axis, got 1x6x9x12"),
    "mirror": (
        nn.ReflectionPad2d(9),
        r'mode "reflect" along axis 2 needs a size of at least 10, got 9',
    ),
    "transposed": (nn.ConvTranspose2d(6, 8, 2, padding=6), r"would give -2 along axis -2 from 9: give a larger input"),
    "linear": (nn.Linear(5, 2), r"takes 5 values along the last axis, got 12"),
    "norm": (nn.BatchNorm2d(5).eval(), r"takes 5 channels, got 6"),
    "layer norm": (nn.LayerNorm(7), r"takes 7 along axis -1, got 12"),
    "shuffle": (nn.PixelShuffle(4), r"6 channels do not divide by 16, the factor squared"),
    "unshuffle": (nn.PixelUnshuffle(2), r"size 9 along axis -2 does not divide by 2"),
    "channel shuffle": (nn.ChannelShuffle(4), r"6 channels do not divide by groups=4"),
    "prelu": (nn.PReLU(5), r"takes 5 channels, got 6"),
    "glu": (nn.GLU(2), r"halves axis 2, whose size is 9: an even one is needed"),
    "unflatten": (nn.Unflatten(1, (4, 2)), r"cannot make 1x4x2x9x12 of 1x6x9x12: 648 elements, 864 are asked for"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_layer_that_does_not_fit_is_named_by_its_path(name):
    layer, reason = WRONG[name]
    x = torch.zeros(1, 6, 9, 12)
    with pytest.raises(ft.ShapeError, match=rf"^decoder\.2\.conv: {type(layer).__name__}.*({reason})"):
        inspect(Nested(layer), tuple(x.shape))
    # and torch refuses it as well
    with pytest.raises((RuntimeError, ValueError)):
        layer(x)


FUNCTIONS = {
    "groups of a weight": (
        lambda x: F.conv2d(x, ONES(8, 2, 3, 3), groups=4),
        r"6 channels do not divide by groups=4: give a multiple of 4",
    ),
    "groups of outputs": (lambda x: F.conv2d(x, ONES(7, 2, 3, 3), groups=3), r"7 output channels do not divide by"),
    "group norm": (lambda x: F.group_norm(x, 4), r"6 channels do not divide into 4 groups"),
    "sum": (lambda x: x + x[:, :, 1:], r"sizes 9x8 meet at axis -2: they must be equal, or one of them 1"),
    "cat": (lambda x: torch.cat([x, x[..., 1:]], 1), r"sizes 12 and 11 along axis 3 differ; crop or pad one of them"),
    "view": (lambda x: x.view(1, 5, -1), r"cannot make 1x5x-1 of 1x6x9x12: 648 elements"),
    "product": (lambda x: x @ x, r"multiplies 1x6x9x12 by 1x6x9x12: 12 and 9 must be equal"),
    "axis": (lambda x: x.mean(4), r"axis 4 does not exist: there are 4"),
    "position": (lambda x: x[:, :, 9], r"position 9 is outside of an axis of 9"),
    "own check": (
        lambda x: x.nothing if x.shape[2] < 9 else _refuse(),
        r"its forward pass raises ValueError: too large",
    ),
}


def _refuse():
    raise ValueError("too large")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functional_call_that_does_not_fit_is_named_by_its_network(name):
    function, reason = FUNCTIONS[name]
    with pytest.raises(ft.ShapeError, match=rf"^Calls.*{reason}"):
        inspect(calls(function), (1, 6, 9, 12))
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        function(torch.zeros(1, 6, 9, 12))


def test_an_input_that_does_not_fit_is_told_which_do():
    with pytest.raises(ft.ShapeError, match=r"height = width that fit the network: 8n with n >= 1: 8, 16, 24, \.\.\."):
        inspect(UNet("cat", depth=3), (1, 1, 60, 64))
    with pytest.raises(
        ft.ShapeError, match=r"^bottom\.0: Conv2d .*; height = width that fit the network: any size >= 44$"
    ):
        inspect(UNet("crop", padding=0), (1, 1, 20, 20))


NOT_FOLLOWED = {
    "values": (lambda x: x * 2 if x.sum() > 0 else x, r"decides by values of a tensor"),
    "item": (lambda x: x * x.max().item(), r"decides by values of a tensor"),
    "writing": (lambda x: x.__setitem__((0, 0), 1), r"writes into a part of a tensor"),
    "mask": (lambda x: x[x > 0], r"an index that is a tensor or a list is not known"),
    "unknown": (lambda x: torch.fft.rfft(x), r"calls fft_rfft, an operation whose sizes are not known here"),
    "antialias": (lambda x: F.interpolate(x, 5, mode="bilinear", antialias=True), r"antialias=True is not known here"),
    "tensors only": (lambda x: torch.from_numpy(x), r"forward pass raises TypeError"),
    "nothing": (lambda x: 3, r"returns no tensor made of its input"),
}


@pytest.mark.parametrize("name", NOT_FOLLOWED)
def test_what_cannot_be_followed_is_said(name):
    function, reason = NOT_FOLLOWED[name]
    with pytest.raises(ft.ParameterError, match=reason) as refusal:
        inspect(Nested(calls(function)), (1, 1, 8, 8))
    assert str(refusal.value).startswith("Nested: " if name == "nothing" else "decoder.2.conv: ")


def test_a_module_is_called_as_ever_after_a_failure():
    call = nn.Module.__call__
    with pytest.raises(ft.ShapeError):
        inspect(nn.Conv1d(1, 1, 9), (1, 1, 3))
    assert nn.Module.__call__ is call


def test_a_network_that_runs_in_another_thread_is_not_disturbed():
    net, results = nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU()), []

    class Waits(nn.Module):
        def forward(self, x):
            other = threading.Thread(target=lambda: results.append(net(torch.zeros(1, 1, 9)).shape))
            other.start()
            other.join()
            return x

    found = inspect(nn.Sequential(Waits(), nn.Conv1d(1, 1, 3)), (1, 1, 9))
    assert [layer.path for layer in found.layers] == ["1"]
    assert set(results) == {(1, 1, 7)}


def test_written_in_place_is_seen_by_later_readers():
    def function(x):
        y = F.max_pool1d(x, 3, 1, 1)
        z = x * 1
        z += y
        return z

    (field,) = ft.networks.receptive_field(calls(function), (1, 1, 20))
    assert (field.start, field.length) == (-1, 3)


def test_modules_that_ask_for_tensors_are_content():
    def function(x):
        assert isinstance(x, torch.Tensor)
        assert x.is_floating_point()
        assert x.device == torch.device("cpu")
        assert len(x) == 1
        return x.to(x.dtype).contiguous().float()

    assert str(output_size(calls(function), (1, 1, None))) == "(1, 1, n)"


def test_what_is_not_known_for_some_sizes_is_not_taken_for_sizes_that_do_not_fit():
    def function(x):
        return x if x.shape[2] < 20 else x[x > 0]

    with pytest.raises(ft.ParameterError, match="an index that is a tensor"):
        output_size(calls(function), (1, 1, None))


def test_a_formula_needs_no_other_calculator_loaded_before():
    program = (
        "import faltung as ft; from torch import nn; print(ft.networks.valid_sizes(nn.Conv1d(1, 1, 3), (1, 1, None)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "any size >= 3\n", done.stderr


@pytest.mark.parametrize("name", ["Conv2d", "DepthwiseConv2d", "ConvTranspose2d"])
def test_our_layers_are_followed_also_where_our_loops_would_run(name):
    plain = {"DepthwiseConv2d": lambda: nn.Conv2d(2, 2, 3, groups=2)}.get(name, lambda: getattr(nn, name)(2, 2, 3))()
    ours = getattr(ft.nn, name)(*((2, 3) if name == "DepthwiseConv2d" else (2, 2, 3)), method="direct")
    found, expected = (inspect(layer, (1, 2, 40, 40)) for layer in (ours, plain))
    assert (found.multiplies, found.layers[0].shape) == (expected.multiplies, expected.layers[0].shape)
    assert str(output_size(ours, (1, 2, None, 9))) == str(output_size(plain, (1, 2, None, 9)))


@pytest.mark.parametrize("name", ["Dropout", "Dropout2d", "DropBlock2d", "GaussianDropout", "AlphaDropout"])
def test_our_dropout_is_followed_in_training_with_a_key_and_on_large_inputs(name):
    net = nn.Sequential(nn.Conv2d(1, 8, 3), getattr(ft.nn, name)(0.3, key=1))
    assert str(output_size(net, (1, 1, None, 64))) == "(1, 8, n - 2, 62)"
