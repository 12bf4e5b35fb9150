import math
import random
from typing import Any

import pytest
import torch

import faltung as ft

BOUNDARIES: list[Any] = ["zero", "edge", "symmetric", "reflect", "wrap", ("constant", -9.0), ("edge", "wrap")]


@pytest.mark.parametrize("seed", range(60))
def test_without_a_boundary_maxima_and_means_are_torchs(seed: int) -> None:
    draw = random.Random(seed)
    torch.manual_seed(seed)
    n, name = draw.choice((1, 2, 3)), draw.choice(("Max", "Avg"))
    sizes = tuple(draw.randint(1, 4) for _ in range(n))
    options: dict[str, Any] = {
        "kernel_size": sizes,
        "stride": draw.choice((None, 1, 2, 3)),
        "padding": tuple(draw.randint(0, k // 2) for k in sizes),
        "ceil_mode": draw.random() < 0.5,
    }
    if name == "Max":
        options["dilation"] = draw.choice((1, 2))
    else:
        options["count_include_pad"] = draw.random() < 0.5
    theirs, ours = (getattr(home, f"{name}Pool{n}d")(**options) for home in (torch.nn, ft.nn))
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    x = torch.randn(*draw.choice(((), (2,))), 3, *(draw.randint(7, 12) for _ in range(n)))
    assert torch.equal(ours(x), theirs(x))
    function = getattr(ft.nn.functional, f"{name.lower()}_pool{n}d")
    assert torch.equal(function(x, **options), theirs(x))


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=str)
@pytest.mark.parametrize("name", ["Max", "Avg"])
def test_with_a_boundary_windows_hold_what_the_boundary_says(name: str, boundary: Any) -> None:
    layer = getattr(ft.nn, f"{name}Pool2d")((2, 3), stride=1, padding=(4, 3), boundary=boundary)
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    inside = ft.nn.functional.unfold(x, 1, padding=(4, 3), boundary=boundary).reshape(1, 2, 11, 10)
    expected = getattr(torch.nn, f"{name}Pool2d")((2, 3), stride=1)(inside)
    assert torch.equal(layer(x), expected)
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("norm", [1, 2, 2.5, 3, math.inf])
def test_the_p_norm_of_a_window_is_torchs_vector_norm(n: int, norm: float) -> None:
    x = torch.randn(2, 3, *[7] * n, dtype=torch.float64, requires_grad=True)
    layer = getattr(ft.nn, f"LPPool{n}d")(norm, 3, stride=2)
    windows = x
    for axis in range(2, 2 + n):
        windows = windows.unfold(axis, 3, 2)
    expected = torch.linalg.vector_norm(windows.flatten(2 + n), norm, -1)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(getattr(ft.nn.functional, f"lp_pool{n}d")(x, norm, 3, 2), expected)
    assert torch.autograd.gradcheck(layer, (x,), fast_mode=True)
    assert torch.autograd.gradgradcheck(layer, (x,), fast_mode=True)
    everything = getattr(ft.nn, f"GlobalLPPool{n}d")(norm)
    torch.testing.assert_close(everything(x), torch.linalg.vector_norm(x.flatten(2), norm, -1).reshape(2, 3, *[1] * n))


def test_lp_pooling_agrees_with_torch_where_that_is_a_norm() -> None:
    x = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(ft.nn.LPPool2d(3, 2)(x), torch.nn.LPPool2d(3, 2)(x))
    # a window of zeros and a NaN: the gradient is 0, the NaN stays
    zeros = torch.zeros(1, 1, 4, requires_grad=True)
    (g,) = torch.autograd.grad(ft.nn.LPPool1d(2, 2)(zeros).sum(), zeros)
    assert not g.any()
    assert ft.nn.LPPool1d(2, 2)(torch.tensor([[[1.0, torch.nan, 3, 4]]])).isnan().tolist() == [[[True, False]]]
    # cut windows sum what they hold
    assert ft.nn.LPPool1d(2, 2, ceil_mode=True)(torch.ones(1, 1, 3))[0, 0, 1] == 1


@pytest.mark.parametrize("n", [1, 2, 3])
def test_global_pooling_is_the_whole_channel(n: int) -> None:
    x = torch.randn(2, 3, *[5] * n)
    axes = tuple(range(2, 2 + n))
    torch.testing.assert_close(getattr(ft.nn, f"GlobalAvgPool{n}d")()(x), x.mean(axes, keepdim=True))
    assert torch.equal(getattr(ft.nn, f"GlobalMaxPool{n}d")()(x), x.amax(axes, keepdim=True))


def test_maxima_go_back_to_where_they_were() -> None:
    x = torch.randn(1, 2, 8, 8)
    largest, places = ft.nn.MaxPool2d(2, return_indices=True)(x)
    back = ft.nn.MaxUnpool2d(2)(largest, places)
    assert torch.equal(back, x * (back != 0))
    assert torch.equal(ft.nn.MaxPool2d(2)(back), largest.clamp(min=0))


def test_what_excludes_each_other_is_refused_in_words() -> None:
    with pytest.raises(ft.ParameterError, match="padding=2 for windows of 3: at most half a window, 1"):
        ft.nn.MaxPool2d(3, padding=2)
    with pytest.raises(ft.ParameterError, match="ceil_mode with boundary='edge'"):
        ft.nn.AvgPool2d(3, boundary="edge", ceil_mode=True)
    with pytest.raises(ft.ParameterError, match="places outside x have no index"):
        ft.nn.MaxPool1d(2, padding=1, boundary="edge", return_indices=True)(torch.zeros(1, 1, 4))
    with pytest.raises(ft.ParameterError, match="norm_type=0: a number above 0"):
        ft.nn.LPPool1d(0, 2)
    with pytest.raises(ft.BoundaryError, match="layers take"):
        ft.nn.MaxPool1d(2, boundary="ignore")
    network = torch.nn.Sequential(torch.nn.Identity(), ft.nn.MaxPool2d(5))
    with pytest.raises(ft.ShapeError, match=r"1 \(MaxPool2d\): axis 2 of x, \(1, 1, 4, 9\), has 4 samples"):
        network(torch.zeros(1, 1, 4, 9))
    with pytest.raises(ft.ShapeError, match=r"AvgPool1d: x has 4 axes"):
        ft.nn.AvgPool1d(2)(torch.zeros(1, 1, 4, 9))
