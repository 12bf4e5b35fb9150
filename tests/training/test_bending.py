"""Bent pictures: labels go where pixels go, what was never seen is unknown, and the lot is the generator's alone."""

import numpy as np
import pytest
import torch
from scipy import ndimage

import faltung as ft
from faltung.training.bending import elastic


def lot(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_shift_changes_nothing():
    x, y = torch.rand(2, 3, 9, 12), torch.randint(0, 3, (2, 9, 12))
    bent, labels = elastic(x, y, lot(), sigma=0)
    assert torch.allclose(bent, x, atol=1e-6)
    assert torch.equal(labels, y)


def test_it_is_an_interpolation_at_the_shifted_places():
    x, y = torch.rand(1, 1, 20, 31, dtype=torch.float64), torch.randint(0, 5, (1, 20, 31))
    bent, labels = elastic(x, y, lot(3), sigma=3)
    # the shifts read off two ramps, where nothing is mirrored
    ramps = torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (20, 31)), indexing="ij"))[None]
    places, seen = elastic(ramps, torch.zeros(1, 20, 31, dtype=torch.long), lot(3), sigma=3)
    inside = (places[0, 0] > 0) & (places[0, 0] < 19) & (places[0, 1] > 0) & (places[0, 1] < 30) & (seen[0] == 0)
    assert 0.3 < inside.double().mean() < 1
    at = places[0].numpy()
    direct = ndimage.map_coordinates(x[0, 0].numpy(), at, order=1)
    assert np.allclose(bent[0, 0].numpy()[inside], direct[inside], atol=1e-9)
    nearest = y[0].numpy()[tuple(np.rint(at).astype(int))]
    assert np.array_equal(labels[0].numpy()[inside], nearest[inside])


def test_what_lay_outside_is_unknown_or_mirrored_with_its_pixels():
    x = torch.rand(1, 1, 24, 24)
    # labels that say where a pixel came from
    y = torch.arange(24 * 24).reshape(1, 24, 24)
    _, some = elastic(x, y, lot(1), sigma=8)
    _, all_of_it = elastic(x, y, lot(1), sigma=8, keep_mirrored=True)
    assert 0 < int((some == -1).sum()) < 24 * 24
    assert int(all_of_it.min()) >= 0
    assert torch.equal(some[some >= 0], all_of_it[some >= 0])


def test_shifts_are_normal_at_the_points_of_the_grid_and_come_from_the_generator_alone():
    state = torch.get_rng_state()
    x = torch.stack([torch.arange(101.0).expand(101, 101)] * 400)[:, None]
    y = torch.zeros(400, dtype=torch.long)
    bent, _ = elastic(x, y, lot(), sigma=10)
    middle = bent[:, 0, 50, 50] - 50
    assert float(middle.std()) == pytest.approx(10, rel=0.1)
    assert abs(float(middle.mean())) < 2
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(elastic(x[:2], y[:2], lot(), sigma=10)[0], elastic(x[:2], y[:2], lot(), sigma=10)[0])


def test_wrong_shapes_are_refused():
    with pytest.raises(ft.ShapeError, match="pictures"):
        elastic(torch.zeros(1, 1, 9), torch.zeros(1), lot())
    with pytest.raises(ft.ShapeError, match="y has shape"):
        elastic(torch.zeros(1, 1, 9, 9), torch.zeros(1, 8, 9), lot())
    with pytest.raises(ft.ParameterError, match="sigma"):
        elastic(torch.zeros(1, 1, 9, 9), torch.zeros(1), lot(), sigma=-1)
