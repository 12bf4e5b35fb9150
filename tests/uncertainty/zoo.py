"""Networks that drop, in all the ways that code drops: what samples at prefix cost are held to."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

import faltung as ft

F = nn.functional


@dataclass(frozen=True)
class Case:
    """A network, the shape of its input, and the quickest way that is sound for it."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    way: str


CASES: dict[str, Case] = {}


def case(*shape: int, way: str = "side by side"):
    def enter(make):
        CASES[make.__name__] = Case(make, shape, way)
        return make

    return enter


class Does(nn.Module):
    """A network whose forward pass is a function of itself and x."""

    def __init__(self, forward, **parts):
        super().__init__()
        self._does = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self._does(self, x)


@case(3, 5)
def dense():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 8), nn.Dropout(0.2), nn.Linear(8, 3))


@case(3, 5)
def drops_first():
    return nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))


@case(2, 5)
def drops_last():
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))


@case(2, 5)
def in_place():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(True), nn.Dropout(0.5, inplace=True), nn.ReLU(True), nn.Linear(8, 3))


def _conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(True))


@case(2, 1, 8, 12)
def unet():
    def forward(net, x):
        one = net.one(x)
        two = net.two(F.max_pool2d(one, 2))
        y = net.bottom(net.drop(F.max_pool2d(two, 2)))
        y = net.three(torch.cat([two, F.interpolate(y, size=two.shape[2:])], 1))
        return net.last(torch.cat([one, net.up(y)], 1))

    return Does(
        forward,
        one=_conv(1, 4),
        two=_conv(4, 6),
        drop=nn.Dropout2d(0.5),
        bottom=_conv(6, 6),
        three=_conv(12, 5),
        up=nn.ConvTranspose2d(5, 4, 2, 2),
        last=nn.Conv2d(8, 3, 1),
    )


@case(2, 3, 6, 6)
def functional():
    # always on, whatever the mode; p=0 draws nothing
    return Does(
        lambda net, x: net.two(F.dropout(F.relu(net.one(F.dropout(x, 0.0, True))), 0.3, True)).mean((2, 3)),
        one=nn.Conv2d(3, 4, 3),
        two=nn.Conv2d(4, 2, 3),
    )


@case(2, 4)
def writes_into_what_came_before():
    def forward(net, x):
        y = net.one(x).relu_()
        y += net.drop(net.two(y))
        return net.three(y)

    return Does(forward, one=nn.Linear(4, 6), two=nn.Linear(6, 6), drop=nn.Dropout(0.5), three=nn.Linear(6, 2))


@case(2, 4)
def an_alias_of_what_is_dropped_in_place():
    def forward(net, x):
        y = net.one(x)
        early = y.view(-1, 2, 3)
        net.drop(y)
        return net.two(y) + early.sum((1, 2))[:, None]

    return Does(forward, one=nn.Linear(4, 6), drop=nn.Dropout(0.5, inplace=True), two=nn.Linear(6, 2))


@case(3, 4)
def fills_a_buffer_of_its_own():
    def forward(net, x):
        out = torch.empty(len(x), 8)
        out[:, :4] = x
        out[:, 4:] = net.drop(net.one(x))
        return net.two(out)

    return Does(forward, one=nn.Linear(4, 4), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(1, 4, 3)
def fixed_batch():
    return Does(
        lambda net, x: net.two(net.drop(net.one(x)).view(1, -1)),
        one=nn.Linear(3, 3),
        drop=nn.Dropout(0.5),
        two=nn.Linear(12, 2),
    )


@case(4, 5)
def mixes_the_batch():
    def forward(net, x):
        y = net.drop(net.one(x))
        return net.two((y - y.mean(0)) / (1 + y.std(0)))

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 5)
def random_by_hand():
    def forward(net, x):
        y = net.one(x)
        y = y * torch.bernoulli(torch.full_like(y, 0.7)) + torch.randn(y.shape) * 0.1
        keep = torch.empty(len(y), 1).bernoulli_(0.5)
        return net.two(y * keep)

    return Does(forward, one=nn.Linear(5, 8), two=nn.Linear(8, 2))


@case(3, 5, way="full passes")
def decides_by_random_numbers():
    def forward(net, x):
        y = net.one(x)
        if torch.rand(1) < 0.5:
            y = net.skipped(y)
        return net.two(y)

    return Does(forward, one=nn.Linear(5, 8), skipped=nn.Linear(8, 8), two=nn.Linear(8, 2))


@case(3, 5, way="full passes")
def chooses_weights_by_random_numbers():
    # the same calls, whatever is chosen
    def forward(net, x):
        y = net.one(x)
        return net.two(y) if net.drop(x)[0, 0] == 0 else net.three(y)

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2), three=nn.Linear(8, 2))


@case(3, 5, way="full passes")
def sizes_by_random_numbers():
    def forward(net, x):
        y = net.drop(net.one(x))
        kept = y[y != 0]
        return net.two(y) * kept.mean() + torch.zeros(len(kept)).numel()

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 5, way="one by one")
def no_rule_for_lanes():
    # writes into what it is told to
    def forward(net, x):
        y = net.drop(net.one(x))
        out = torch.empty(3, 8)
        return net.two(torch.mul(y, 2, out=out))

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 5, way="full passes")
def asks_for_values():
    return Does(
        lambda net, x: net.two(net.drop(net.one(x))) * (1 + float(net.drop(x).sum() > -1000)),
        one=nn.Linear(5, 8),
        drop=nn.Dropout(0.5),
        two=nn.Linear(8, 2),
    )


@case(3, 5)
def asks_for_values_before():
    def forward(net, x):
        y = net.one(x)
        scale = float(y.detach().abs().max())
        for _ in range(int(1 + scale) % 3 + 1):
            y = y / scale
        return net.two(net.drop(y))

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 5, way="full passes")
def counts_its_calls():
    def forward(net, x):
        net.calls += 1
        y = net.drop(net.one(x))
        return net.two(y) if net.calls[0] > 0 else y

    return Does(
        forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2), calls=nn.Buffer(torch.zeros(1))
    )


@case(2, 6, 5)
def recurrent():
    return Does(
        lambda net, x: net.two(net.inner(net.one(x))[0][:, -1]),
        one=nn.Linear(5, 4),
        inner=nn.LSTM(4, 4, num_layers=2, dropout=0.5, batch_first=True),
        two=nn.Linear(4, 2),
    )


@case(2, 6, 8)
def transformer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)
    return nn.Sequential(nn.Linear(8, 8), layer, nn.Linear(8, 2))


@case(2, 6, 8)
def attention():
    return Does(
        lambda net, x: net.inner(x, x, x, need_weights=False)[0],
        inner=nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True),
    )


@case(2, 4, 8)
def times_first():
    def forward(net, x):
        y = net.one(x).transpose(0, 1)
        return net.two(net.drop(y)).transpose(0, 1)

    return Does(forward, one=nn.Linear(8, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 3))


@case(2, 4, 9, 9)
def ours():
    return nn.Sequential(
        ft.nn.DepthwiseConv2d(4, 3, padding=1),
        ft.nn.Dropout(0.3),
        ft.nn.Conv2d(4, 4, 3, padding="same", boundary="reflect"),
        ft.nn.Dropout2d(0.3),
        ft.nn.GaussianDropout(0.2),
        ft.nn.Conv2d(4, 3, 3),
        ft.nn.DropBlock2d(0.2, block=3),
    )


@case(2, 4, 32, 32)
def ours_and_large():
    # elements enough for the layer's own way of drawing
    return nn.Sequential(nn.Conv2d(4, 4, 3), ft.nn.Dropout(0.3), nn.Conv2d(4, 2, 3), ft.nn.Dropout(0.3, inplace=True))


@case(3, 5)
def alpha():
    return nn.Sequential(
        nn.Linear(5, 8), nn.SELU(), nn.AlphaDropout(0.3), nn.Linear(8, 8), ft.nn.AlphaDropout(0.3), nn.Linear(8, 3)
    )


@case(2, 6, 5)
def sequences():
    return nn.Sequential(nn.Linear(5, 8), ft.nn.VariationalDropout(0.5), nn.Linear(8, 3))


@case(3, 5)
def weights_dropped():
    return nn.Sequential(
        nn.Linear(5, 8), nn.ReLU(), ft.nn.DropConnect(nn.Linear(8, 8), 0.5), nn.ReLU(), nn.Linear(8, 3)
    )


@case(2, 3, 9, 9)
def with_keys():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        ft.nn.Dropout(0.4),
        nn.Conv2d(4, 4, 3),
        ft.nn.DropBlock2d(0.2, block=2),
        ft.nn.DropConnect(nn.Conv2d(4, 2, 1), 0.3),
        ft.nn.GaussianDropout(0.3),
    )
    ft.nn.key_layers(net)
    return net


@case(3, 5)
def with_a_generator():
    return nn.Sequential(
        nn.Linear(5, 8),
        ft.nn.Dropout(0.5, generator=torch.Generator().manual_seed(4)),
        nn.Dropout(0.2),
        nn.Linear(8, 3),
        ft.nn.Dropout(0.5, generator=torch.Generator().manual_seed(4)),
    )


@case(3, 5)
def weight_norm():
    net = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 8), nn.Linear(8, 3))
    nn.utils.parametrizations.weight_norm(net[2])
    return net


@case(3, 8)
def layers_called_twice():
    def forward(net, x):
        y = net.one(net.one(x))
        early = net.act(y)
        y = net.drop(early)
        return net.two(net.one(net.act(y)) + net.one(early))

    return Does(
        forward,
        one=nn.Sequential(nn.Linear(8, 8), nn.Tanh()),
        act=nn.ReLU(),
        drop=nn.Dropout(0.5),
        two=nn.Linear(8, 2),
    )


@case(3, 5)
def hooks():
    net = nn.Sequential(
        nn.Sequential(nn.Linear(5, 8), nn.ReLU()), nn.Dropout(0.5), nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    )
    net[0][0].register_forward_hook(lambda layer, inputs, y: y * 2)
    net[0].register_forward_pre_hook(lambda layer, inputs: (inputs[0] + 1,))
    net[2][1].register_forward_pre_hook(lambda layer, inputs: (inputs[0] * 3,))
    net[2].register_forward_hook(lambda layer, inputs, y: (y * inputs[0]).flip(1))
    return net


@case(3, 5)
def a_forward_of_ones_own():
    net = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 8), nn.Linear(8, 2))
    net[0].forward = lambda x: F.linear(x, net[0].weight).cos()
    net[2].forward = lambda x: F.linear(x, net[2].weight).sin()
    return net


@case(2, 5)
def dictionaries_and_tuples_between():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.drop = nn.Linear(5, 6), nn.Linear(6, 6), nn.Dropout(0.5)

        def forward(self, x):
            y = torch.relu(self.one(x))
            return {"skip": y, "deep": (self.two(self.drop(y)), [y * 2])}

    def forward(net, x):
        found = net.both(x)
        y, (early,) = found["deep"]
        return net.last(torch.cat([found["skip"], y, early], 1))

    return Does(forward, both=Both(), last=nn.Linear(18, 2))


@case(2, 5)
def several_results_of_a_layer():
    class Twice(nn.Module):
        def forward(self, x):
            return x.sort(1).values, (x * 2, None)

    return Does(
        lambda net, x: net.two(net.drop(net.twice(net.one(x))[1][0])) + net.twice(net.one(x))[0][:, :2],
        one=nn.Linear(5, 8),
        twice=Twice(),
        drop=nn.Dropout(0.5),
        two=nn.Linear(8, 2),
    )


@case(4, 5, way="full passes")
def batch_norm_in_training():
    def forward(net, x):
        net.norm.train()
        return net.two(net.drop(net.norm(net.one(x))))

    return Does(forward, one=nn.Linear(5, 8), norm=nn.BatchNorm1d(8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 5)
def weights_drawn_for_a_layer():
    # the layer gets nothing that was drawn, it is run on it
    def forward(net, x):
        thinned = {"weight": F.dropout(net.two.weight, 0.5, True)}
        return net.three(torch.func.functional_call(net.two, thinned, net.one(x)))

    return Does(forward, one=nn.Linear(5, 8), two=nn.Linear(8, 8), three=nn.Linear(8, 2))


@case(3, 5)
def weights_drawn_and_put_in():
    def forward(net, x):
        inner = net.two[0]
        inner.weight = F.dropout(net.raw, 0.5, True)
        return net.three(net.two(net.one(x)))

    net = Does(
        forward,
        one=nn.Linear(5, 8),
        two=nn.Sequential(nn.Linear(8, 8), nn.ReLU()),
        three=nn.Linear(8, 2),
        raw=nn.Parameter(torch.randn(8, 8)),
    )
    del net.two[0].weight
    net.two[0].weight = torch.zeros(8, 8)
    return net


@case(3, 5)
def layers_taken_one_by_one():
    def forward(net, x):
        for number, part in enumerate(net.parts):
            x = part(x)
            if number == 1:
                x = net.drop(x)
        return net.parts[-1].forward(x)

    return Does(
        forward,
        parts=nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 6), nn.Softmax(1), nn.Linear(6, 6)),
        drop=nn.Dropout(0.5),
    )


@case(3, 5)
def a_default_device_inside():
    def forward(net, x):
        with torch.device("cpu"):
            y = net.one(x) + torch.ones(8)
            return net.two(net.drop(y)) * torch.ones(2)

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 5)
def without_gradients_inside():
    def forward(net, x):
        with torch.enable_grad():
            y = net.one(x)
        with torch.no_grad():
            return net.two(net.drop(y))

    return Does(forward, one=nn.Linear(5, 8), drop=nn.Dropout(0.5), two=nn.Linear(8, 2))


@case(3, 4)
def a_layer_writes_into_what_came_before():
    # what the layer in place gets was made before dropout, and is read once more behind it
    def forward(net, x):
        y = net.one(x)
        y += net.drop(y)
        net.act(y)
        return net.two(y) + y.mean()

    return Does(forward, one=nn.Linear(4, 6), drop=nn.Dropout(0.5), act=nn.ReLU(inplace=True), two=nn.Linear(6, 2))


@case(2, 2, 9, 9)
def pools_by_lot():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.FractionalMaxPool2d(2, output_size=3), nn.Conv2d(3, 2, 2), nn.Flatten())
