"""Examples changed by lot."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import ParameterError
from faltung.training.augmentation import PLACES, augment, check_augmentation
from faltung.training.config import Augmentation

NAMES = get_args(Augmentation)
seeds = st.integers(0, 10_000)


def lot(seed):
    return torch.Generator().manual_seed(seed)


def steps(seed, n=4, size=(15, 10)):
    """Pictures whose places hold their own label, in blocks: what moves one moves the other."""
    y = torch.randint(0, 3, (n, *(side // 5 for side in size)), generator=lot(seed))
    for axis, _ in enumerate(size):
        y = y.repeat_interleave(5, axis + 1)
    return y[:, None].float(), y


@given(seeds, st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
def test_the_same_lot_gives_the_same_and_shapes_stay(seed, names):
    x, y = steps(seed)
    before = torch.get_rng_state()
    one, other = augment(x, y, names, lot(seed)), augment(x, y, names, lot(seed))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert one[0].shape == x.shape
    assert one[1].shape == y.shape
    assert set(one[1].unique().tolist()) <= {-1, 0, 1, 2}


@given(seeds, st.lists(st.sampled_from(NAMES), unique=True))
def test_processes_together_see_what_one_alone_does(seed, names):
    x, y = steps(seed, n=5)
    whole = augment(x, y, names, lot(seed))
    parts = [augment(x[a:b], y[a:b], names, lot(seed), first=a, total=5) for a, b in ((0, 2), (2, 5))]
    for i in range(2):
        torch.testing.assert_close(torch.cat([part[i] for part in parts]), whole[i])


@given(seeds, st.lists(st.sampled_from([*PLACES, "flip", "flips"]), unique=True, min_size=1))
def test_labels_go_where_their_places_go(seed, names):
    x, y = steps(seed)
    x, y = augment(x, y, names, lot(seed + 1))
    # away from the blocks' edges a value is its label; there, where it is between two, the nearest is within 1/2
    exact = (x[:, 0] - x[:, 0].round()).abs() < 1e-3
    # a mean of 0 and 2 may look like a 1: few places
    wrong = exact & (x[:, 0].round().long() != y)
    assert exact.float().mean() > 0.25
    assert wrong.float().mean() < 0.03


@given(seeds)
def test_flips_permute(seed):
    x, y = steps(seed)
    for names in (["flip"], ["flips"]):
        flipped, labels = augment(x, y, names, lot(seed))
        assert torch.equal(flipped[:, 0].long(), labels)
        assert torch.equal(flipped.flatten(1).sort(1)[0], x.flatten(1).sort(1)[0])


def test_a_constant_stays_constant_wherever_it_moves():
    x, y = torch.full((8, 2, 9, 13), 3.0), torch.ones(8, 9, 13, dtype=torch.long)
    moved, labels = augment(x, y, PLACES, lot(0))
    torch.testing.assert_close(moved, x)
    assert torch.equal(labels, y)


def test_a_turn_keeps_distances_in_pictures_that_are_no_squares():
    x = torch.zeros(64, 1, 40, 80)
    x[:, :, 20, 40:61] = 1
    moved, _ = augment(x, torch.zeros(64, dtype=torch.long), ["rotate"], lot(0))
    # the bar's length, from its spread: that of a straight bar of 21 places, at every angle
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(80.0), indexing="ij")
    mass = moved[:, 0] / moved[:, 0].sum((1, 2), keepdim=True)
    mean_r, mean_c = (mass * rows).sum((1, 2)), (mass * columns).sum((1, 2))
    spread = (mass * ((rows - mean_r[:, None, None]) ** 2 + (columns - mean_c[:, None, None]) ** 2)).sum((1, 2))
    torch.testing.assert_close(spread, torch.full((64,), (21**2 - 1) / 12), rtol=0.04, atol=0.5)


def test_erased_places_are_unknown():
    x, y = torch.ones(32, 1, 9, 9), torch.zeros(32, 9, 9, dtype=torch.long)
    x, y = augment(x, y, ["erase"], lot(0))
    assert torch.equal(x[:, 0] == 0, y == -1)
    assert 8 <= int((y == -1).flatten(1).any(1).sum()) <= 24


def test_signals_move_too():
    x = torch.arange(20.0).repeat(6, 1, 1)
    moved, _ = augment(x, torch.zeros(6, dtype=torch.long), ["shift", "scale"], lot(0))
    inner = moved[:, 0, 5:15].diff(dim=1)
    # still straight, with slopes from 0.9 to 1.1
    assert (inner - inner[:, :1]).abs().max() < 1e-4
    assert ((inner > 0.89) & (inner < 1.11)).all()


@given(seeds, st.sampled_from([(15, 10), (7, 31), (1, 24), (40, 9)]))
def test_a_shift_alone_moves_whole_pixels_and_keeps_their_values(seed, size):
    x, y = torch.randn(5, 2, *size, generator=lot(seed)), torch.randint(0, 9, (5, *size), generator=lot(seed))
    moved, labels = augment(x, y, ["shift"], lot(seed + 1))
    # against NumPy's own mirror image, for every shift that is allowed: one of them it is, for pictures and labels
    most = [max(1, side // 10) if side > 1 else 0 for side in size]
    for n in range(5):
        wide, wide_y = (
            np.pad(part, [(0, 0)] * (part.ndim - 2) + [(k, k) for k in most], mode="symmetric")
            for part in (x[n].numpy(), y[n].numpy())
        )
        found = [
            np.array_equal(moved[n], wide[:, i : i + size[0], j : j + size[1]])
            and np.array_equal(labels[n], wide_y[i : i + size[0], j : j + size[1]])
            for i in range(2 * most[0] + 1)
            for j in range(2 * most[1] + 1)
        ]
        assert any(found)


def test_each_number_of_pixels_up_to_a_tenth_is_as_likely():
    x = torch.zeros(7000, 1, 1, 35)
    x[..., 17] = 1
    moved, _ = augment(x, torch.zeros(7000, dtype=torch.long), ["shift"], lot(0))
    counts = torch.bincount(moved.flatten(1).argmax(1), minlength=35)
    assert counts[:14].sum() == counts[21:].sum() == 0
    # 1,000 each, with a deviation of 29
    assert (counts[14:21] - 1000).abs().max() < 120


def test_elastic_moves_each_axis_by_its_own_size():
    ramps = torch.stack(torch.meshgrid(torch.arange(100.0), torch.arange(400.0), indexing="ij"))
    moved, _ = augment(ramps.expand(300, 2, 100, 400), torch.zeros(300, dtype=torch.long), ["elastic"], lot(0))
    # in the corner of the grid of points: 2.5 and 10 pixels, folded at the border
    folded = (moved[:, :, 0, 0] + 0.5).square().mean(0).sqrt()
    torch.testing.assert_close(folded, torch.tensor([2.5, 10.0]), rtol=0.15, atol=0)


def test_what_needs_other_axes_is_refused():
    with pytest.raises(ParameterError, match="is for pictures"):
        check_augmentation(["rotate"], 1)
    with pytest.raises(ParameterError, match="not for 3 axes"):
        check_augmentation(["shift"], 3)
    check_augmentation(["flips", "noise", "light", "erase"], 3)
