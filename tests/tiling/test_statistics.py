"""Sums over the picture, tile by tile, against torch on the whole in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faltung.errors import ParameterError
from faltung.tiling import apply, plan
from tiling.nets import UNet, seeded

F = nn.functional


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.less, self.more = nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x):
        x = F.silu(self.conv(x))
        gate = torch.sigmoid(self.more(F.relu(self.less(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class Context(nn.Module):
    """Global means enlarged to the picture and joined, as in segmentation heads with pooled context."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.Conv2d(6, 2, 1)

    def forward(self, x):
        y = self.conv(x)
        mean = F.interpolate(F.adaptive_avg_pool2d(y, 1), size=y.shape[2:], mode="bilinear")
        return self.last(torch.cat([y, mean], 1))


class Reduced(nn.Module):
    """One reduction over the picture, put beside it."""

    def __init__(self, reduce):
        super().__init__()
        self.reduce = reduce

    def forward(self, x):
        return x - self.reduce(x)


NETS = {
    "instance norm": lambda: UNet(widths=(4, 6, 8), norm=lambda c: nn.InstanceNorm2d(c, affine=True)),
    "group norm": lambda: UNet(widths=(4, 6, 8), norm=lambda c: nn.GroupNorm(2, c)),
    "squeeze and excite": SqueezeExcite,
    "pooled context": Context,
    "classifier": lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
    "standard deviation": lambda: Reduced(lambda x: x.std((2, 3), keepdim=True)),
    "variance": lambda: Reduced(lambda x: torch.var(x, dim=(2, 3), unbiased=False, keepdim=True)),
    "sum": lambda: Reduced(lambda x: x.sum((1, 2, 3), keepdim=True)),
    "largest": lambda: Reduced(lambda x: x.amax((2, 3), keepdim=True)),
    "least": lambda: Reduced(lambda x: torch.amin(x, (2, 3), True)),
}


@pytest.mark.parametrize("name", NETS)
def test_sums_over_the_picture_are_those_of_the_whole(name):
    net = seeded(NETS[name]).double()
    x = torch.rand(2, 1, 132, 100).double() + 0.5
    with torch.no_grad():
        whole = net(x)
    found = plan(net, x.shape, tile=(48, 32))
    assert found.count > 4
    assert found.passes > 1
    result = apply(net, x, plan=found)
    torch.testing.assert_close(result, whole, rtol=1e-11, atol=1e-11)
    if name in ("largest", "least"):
        assert torch.equal(result, whole)
        assert found.rounding == ()


def test_a_large_mean_costs_no_digits():
    # sums of squares would: 1e4² is 1e8, and float32 has 7 digits
    norm = nn.InstanceNorm2d(1)
    x = torch.randn(1, 1, 300, 300) + 1e4
    exact = norm(x.double())
    error = float((apply(norm, x, tile=64) - exact).abs().max())
    theirs = float((norm(x) - exact).abs().max())
    assert error < 1e-3
    assert error <= 1.05 * theirs


@given(st.integers(2, 90), st.integers(2, 90), st.integers(5, 40), st.integers(1, 4))
@settings(max_examples=25)
def test_statistics_do_not_depend_on_tiles_or_workers(h, w, tile, workers):
    norm = nn.GroupNorm(1, 2).double()
    x = torch.rand(1, 2, h, w).double()
    torch.testing.assert_close(apply(norm, x, tile=tile, workers=workers), norm(x), rtol=0, atol=1e-12)


def test_each_level_of_norms_is_a_pass_and_counts_as_work():
    norms = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.InstanceNorm2d(2), nn.Conv2d(2, 2, 3, padding=1), nn.InstanceNorm2d(2)
    )
    found = plan(norms, (1, 1, 128, 128), tile=64)
    assert found.passes == 3
    # of 1 + 2 parts of work: 1, 3 and 3, and halos
    assert found.work > 7 / 3
    assert "3 passes" in str(found)


def test_a_classifier_runs_once_after_its_mean_is_known():
    net = seeded(NETS["classifier"])
    done = []
    apply(net, torch.rand(1, 1, 130, 130), tile=32, progress=lambda i, n: done.append((i, n)))
    # of 5 x 5 tiles, the last row and column hold nothing of the 128 x 128 that the convolution leaves
    assert done[-1] == (17, 17)


def test_sums_by_position_in_var_are_refused():
    with pytest.raises(ParameterError, match="by position"):
        plan(Reduced(lambda x: x.var((2, 3), False, True)), (1, 1, 64, 64), tile=32)
