"""Formulas of output sizes, and valid sizes, are what real runs give, for every size from 1 to 200, failures too."""

import re

import pytest
import torch
from torch import nn

import faltung as ft
from faltung.networks import output_size, valid_sizes
from networks.real import edges, lite0
from networks.zoo import CASES, UNet


def real_shape(net, shape, device="cpu"):
    """What a run gives; None where it fails."""
    try:
        with torch.no_grad():
            return tuple(net(torch.zeros(shape, device=device)).shape)
    except (RuntimeError, ValueError):
        return None


def filled(shape, n):
    return [n if size is None else size for size in shape]


# bilinear enlarging of nothing, and the like, are warned of by torch before they fail
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_every_size_up_to_200_is_as_in_a_real_run(name):
    case = CASES[name]
    net = case.make()
    size = output_size(net, case.shape)
    for n in range(1, 201):
        real = real_shape(net, filled(case.shape, n))
        assert (n in size.valid) == (real is not None), f"{n}: {real}"
        if real is None:
            with pytest.raises(ft.ShapeError):
                size(n)
        else:
            assert size(n) == real


def test_networks_are_many_and_of_all_kinds():
    assert len(CASES) >= 40
    assert {len(case.shape) for case in CASES.values()} == {3, 4, 5}


@pytest.mark.parametrize("make", [lite0, edges])
@pytest.mark.parametrize("shape", [(1, 3, None, None), (2, 3, None, 40)])
def test_trained_networks_give_the_sizes_of_their_formulas(make, shape):
    net = make().to("meta")
    size = output_size(net, shape)
    for n in (*range(1, 9), *range(9, 201, 19)):
        assert size(n) == real_shape(net, filled(shape, n), "meta")
    assert str(size.valid) == "any size"


@pytest.mark.slow
@pytest.mark.parametrize("make", [lite0, edges])
def test_trained_networks_give_the_sizes_of_their_formulas_at_every_size(make):
    net = make().to("meta")
    size = output_size(net, (1, 3, None, None))
    assert [size(n) for n in range(1, 201)] == [real_shape(net, (1, 3, n, n), "meta") for n in range(1, 201)]


FORMULAS = {
    "plain": ("(1, 1, ceil(n/2) - 3, 2)", "any size >= 7"),
    "tutorial_classifier": ("(1, 3)", "32 to 35"),
    "square_classifier": ("(1, 3)", "25 to 28"),
    "unet_cat": ("(1, 2, n, n)", "8n with n >= 1: 8, 16, 24, ..."),
    "unet_crop": ("(1, 2, 4floor(n/4) - 40, 4floor(n/4) - 40)", "any size >= 44"),
    "pixel_shuffles": ("(1, 1, (3n - 14)/2, 8)", "2n with n >= 3: 6, 8, 10, ..."),
    "decides": (
        "(1, 1, (n - 4)/2 for n >= 72; before, n - 2, 8 for n >= 72; before, 18)",
        "8n with n >= 1: 8, 16, 24, ...",
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_read_as_one_would_write_them(name):
    size = output_size(CASES[name].make(), CASES[name].shape)
    assert (str(size), str(size.valid)) == FORMULAS[name]


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"resized_by_a_long_fraction"}))
def test_a_formula_in_words_is_the_function(name):
    size = output_size(CASES[name].make(), CASES[name].shape)
    valid = size.valid.upto(150)
    for axis, words in enumerate(size.axes):
        for n in valid:
            value = _evaluate(words, n)
            assert value is None or value == size(n)[axis], words


def _evaluate(words, n):
    """A formula in words at n; None where the words give examples only."""
    late, _, early = words.partition("; before, ")
    if early:
        start = int(late.partition(" for n >= ")[2])
        words = late.partition(" for n >= ")[0] if n >= start else early
    if " at n = " in words:
        return None
    for part in words.split("; "):
        formula, _, condition = part.partition(" if n mod ")
        if condition:
            period, place = map(int, condition.split(" = "))
            if n % period != place:
                continue
        line = re.sub(r"(\d)([a-z(])", r"\1*\2", formula)
        line = re.sub(r"ceil\((.*?)/(\d+)\)", r"(-(-(\1)//\2))", line)
        line = re.sub(r"floor\((.*?)/(\d+)\)", r"((\1)//\2)", line)
        return eval(line, {"n": n})
    raise AssertionError(words)


def test_a_formula_holds_for_sizes_that_no_machine_could_run():
    size = output_size(UNet("crop", padding=0), (1, 1, None, 10**9))
    assert size(10**12 + 2) == (1, 2, 10**12 - 40, 10**9 - 40)
    assert 10**12 in size.valid


def test_sizes_without_a_formula_are_tried_and_it_is_said():
    sizes = valid_sizes(CASES["resized_by_a_long_fraction"].make(), (1, 1, None))
    assert "tried up to 512: the factor 0.3 is no short binary fraction" in str(sizes)
    with pytest.raises(ft.ParameterError, match="tried up to 512"):
        513 in sizes  # noqa: B015


class Python(nn.Module):
    """Asks for plain integers, as int() and range() do."""

    def forward(self, x):
        half = int(x.shape[2] * 0.5)
        return x[:, :, :half] if isinstance(half, int) else x


def test_a_module_that_needs_plain_integers_is_tried_size_by_size():
    size = output_size(Python(), (1, 1, None))
    assert size.valid.tried == 512
    assert [size(n)[2] for n in (1, 2, 9, 512)] == [0, 1, 4, 256]


class TwoFaced(nn.Module):
    """Treats plain integers in another way than anything else."""

    def forward(self, x):
        return x[:, :, 1:] if type(x.shape[2]) is int else x


def test_a_module_that_looks_at_the_class_of_a_size_is_not_believed():
    size = output_size(TwoFaced(), (1, 1, None))
    assert size.valid.tried == 512
    assert size(7) == (1, 1, 6)


def test_one_of_several_outputs_can_be_asked_for():
    class Two(nn.Module):
        def forward(self, x):
            return {"all": x, "half": x[:, :, ::2]}

    assert str(output_size(Two(), (1, 1, None), output=1)) == "(1, 1, ceil(n/2))"
    with pytest.raises(ft.ParameterError, match="returns 2 tensors"):
        output_size(Two(), (1, 1, None), output=2)


class Unequal(nn.Module):
    """Joins what is never equally long."""

    def forward(self, x):
        return torch.cat([x, x[:, :, 1:]], 1)


def test_no_size_fits_is_said_with_the_layer():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3))
    with pytest.raises(ft.ShapeError, match=r"^1: Conv2d \(conv2d\) takes 9 channels, got 8"):
        output_size(net, (1, 3, None, None))
    with pytest.raises(ft.ShapeError, match="no size fits"):
        output_size(Unequal(), (1, 1, None))


@pytest.mark.parametrize("shape", [(1, 3, 9, 9), (1,), "13", (1, 3, 0, None), (1, 3, 2.0, None)])
def test_a_shape_that_leaves_nothing_open_or_is_none_is_refused(shape):
    with pytest.raises(ft.FaltungError, match="input_shape"):
        output_size(nn.Identity(), shape)
