"""Costs, memory and the table."""

import time

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import faltung as ft
from faltung.networks import inspect, output_size
from networks.real import edges, lite0
from networks.zoo import CASES


def example(name):
    case = CASES[name]
    net = case.make()
    valid = output_size(net, case.shape).valid
    n = next((n for n in range(40, 90) if n in valid), None) or valid.upto(40)[-1]
    return net, [n if size is None else size for size in case.shape]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_multiply_adds_are_those_that_torch_counts(name):
    net, shape = example(name)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(shape))
    # torch counts a multiply-add as two
    assert 2 * inspect(net, shape).multiplies == counter.get_total_flops()


@pytest.mark.parametrize("name", CASES)
def test_parameters_of_layers_add_up_and_the_network_is_left_as_it_was(name):
    net, shape = example(name)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    found = inspect(net, shape)
    total = sum(p.numel() for p in net.parameters())
    assert (sum(layer.parameters for layer in found.layers), found.parameters) == (total, total)
    assert found.unused == 0
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(("make", "shape"), [(lite0, (1, 3, 224, 224)), (edges, (1, 3, 64, 80))])
def test_costs_of_trained_networks(make, shape):
    net = make().to("meta")
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(shape, device="meta"))
    found = inspect(net, shape)
    assert 2 * found.multiplies == counter.get_total_flops()
    assert found.shapes == (tuple(net(torch.zeros(shape, device="meta")).shape),)


def test_published_numbers():
    # Tan & Le's Lite0: 4.7 million parameters, 407 million operations counted with their additions
    lite = inspect(lite0(), (1, 3, 224, 224))
    assert (lite.parameters, lite.multiplies) == (4_652_008, 385_187_552)
    # the convolutions of VGG-16 at 224: 15.35 billion multiply-adds, 14.7 million parameters
    blocks = [layer for layer in inspect(edges(), (1, 3, 224, 224)).layers if layer.path.startswith("block")]
    assert sum(layer.multiplies for layer in blocks) == 15_346_630_656
    assert sum(layer.parameters for layer in blocks) == 14_714_688


def test_a_trained_network_is_a_cat_s_and_a_cup_s():
    # that the weights are in the right places, the sizes of all else being right
    from skimage.transform import resize

    from faltung.data import photograph

    net = lite0()
    for name, classes in (("chelsea", {281, 282, 285}), ("coffee", {967})):
        photo = photograph(name)
        side = min(photo.shape[:2])
        top, left = ((size - side) // 2 for size in photo.shape[:2])
        x = resize(photo[top : top + side, left : left + side], (224, 224), anti_aliasing=True, preserve_range=True)
        x_NCHW = torch.tensor((x - 127) / 128, dtype=torch.float32).permute(2, 0, 1)[None]
        with torch.no_grad():
            assert int(net(x_NCHW).argmax()) in classes


def test_a_large_network_is_inspected_in_a_moment():
    net = edges()
    times = []
    for _ in range(3):
        start = time.process_time()
        inspect(net, (1, 3, 2240, 2240))
        times.append(time.process_time() - start)
    assert min(times) < 0.5


def test_memory_is_counted_from_first_use_to_last():
    kib = 1024
    # input 4 KiB; 8 KiB after the convolution, the same in place, 2 KiB after pooling
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten())
    found = inspect(net, (1, 1, 32, 32))
    assert [layer.num_bytes for layer in found.layers] == [8 * kib, 0, 2 * kib, 0]
    assert (found.sum_bytes, found.peak_bytes) == (10 * kib, 14 * kib)

    class Skip(nn.Module):
        def forward(self, x):
            # x twice as large is kept while two more are made
            a = torch.cat([x, x], 1)
            return a + torch.relu(torch.relu(a))

    # 4 for the input, 8 for a, and 8 for each of the two ReLUs at the second; a sum has three of them too
    assert inspect(Skip(), (1, 1, 32, 32)).peak_bytes == (4 + 8 + 8 + 8) * kib
    assert inspect(Skip().double(), (1, 1, 32, 32)).peak_bytes == 28 * kib
    half = nn.Conv2d(1, 1, 1).half()
    assert inspect(half, (1, 1, 32, 32)).peak_bytes == 4 * kib


class Weighted(nn.Module):
    """Weights from elsewhere: of a layer that is not called, behind a parametrization, and one that is never met."""

    def __init__(self):
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 3))
        self.table = nn.Linear(2, 4)
        self.scale = nn.Parameter(torch.ones(2, 1))
        self.spare = nn.Parameter(torch.ones(7))

    def forward(self, x):
        return nn.functional.linear((self.conv(x) * self.scale).transpose(1, 2), self.table.weight)


def test_parameters_are_counted_where_they_are_met():
    found = inspect(Weighted(), (1, 1, 9))
    assert [(layer.path, layer.operation, layer.parameters) for layer in found.layers] == [
        ("conv", "conv1d", 2 + 2 + 6),
        ("", "mul", 2),
        ("", "transpose", 0),
        ("", "linear", 8 + 7),
    ]
    # the bias of the table is not used; the network's own spare parameter cannot be told from what it computes with
    assert (found.parameters, found.unused) == (10 + 2 + 12 + 7, 4)


def test_the_table_has_a_row_for_every_operation():
    found = inspect(CASES["reused"].make(), (1, 1, 40, 30))
    rows = str(found).splitlines()
    assert rows[1].split() == ["conv", "conv2d", "1x1x38x28", "3", "1", "10", "9,576", "4.16", "KiB"]
    # used again: no new parameters
    assert rows[3].split()[:6] == ["conv", "conv2d", "1x1x36x26", "5", "1", "-"]
    assert len(found.layers) == 4 * 2 + 2 + 1
    assert "valid height         any size >= 16" in rows


def test_batch_norm_in_training_is_remarked():
    net = CASES["batch_norm_in_training"].make()
    assert "norm uses the statistics of the batch" in str(inspect(net, (1, 1, 40, 40)))
    assert inspect(net.eval(), (1, 1, 40, 40)).remark == ""


def test_a_network_without_spatial_axes_has_costs_only():
    found = inspect(nn.Sequential(nn.Linear(5, 3), nn.GELU(), nn.Linear(3, 2)), (7, 5))
    assert (found.shapes, found.sizes, found.multiplies) == (((7, 2),), (), 7 * (15 + 6))
    assert "gelu" in str(found)


@pytest.mark.parametrize("shape", [(1,), 3, (1, 3, -1, 5), (1, 3, None, 5), (1, 3, 2.5, 5)])
def test_a_shape_that_is_none_is_refused(shape):
    with pytest.raises(ft.FaltungError, match="input_shape"):
        inspect(nn.Identity(), shape)
