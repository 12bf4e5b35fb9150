"""The nets that experiments train: laws that need no long training."""

import sys

import numpy as np
import pytest
import torch

from faltung.errors import MissingDependency
from faltung.experiments.classifiers import (
    activations,
    conv_net,
    deletion_errors,
    dense_net,
    error_percent,
    framed,
    noise_factors,
    num_parameters,
    scores,
    train,
)

IMAGES = torch.from_numpy(np.random.default_rng(0).random((60, 1, 28, 28), np.float32))
LABELS = torch.arange(60) % 10


def weights_of(net):
    return [w.detach().clone() for w in net.parameters()]


def trained(*, hidden=24, seed=3, p_hidden=0.0, **options):
    net = dense_net(hidden, p_hidden=p_hidden, seed=seed)
    return train(net, IMAGES, LABELS, epochs=3, batch=20, seed=seed, **options)


def test_the_same_seed_gives_the_same_net_whatever_torch_did_before():
    first = weights_of(trained(p_hidden=0.5))
    torch.rand(7)
    assert all(torch.equal(a, b) for a, b in zip(first, weights_of(trained(p_hidden=0.5)), strict=True))
    assert not torch.equal(first[0], weights_of(trained(p_hidden=0.5, seed=4))[0])


def test_torch_is_left_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    trained(p_hidden=0.5)
    noise_factors("gaussian", 0.5, 10)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_nets_with_and_without_dropout_start_from_the_same_weights():
    plain, thinned = dense_net(16, seed=5), dense_net(16, p_input=0.2, p_hidden=0.5, noise="gaussian", seed=5)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), thinned.parameters(), strict=True))


@pytest.mark.parametrize("bound", [0.3, 1.0])
def test_max_norm_holds_after_the_last_step(bound):
    net = trained(max_norm=bound, rate=0.02)
    norms = [float(w.detach().norm(dim=1).max()) for w in net.parameters() if w.ndim > 1]
    assert max(norms) <= bound * (1 + 1e-6)
    assert max(norms) > 0.9 * bound


def test_l2_and_l1_add_their_gradients():
    for name, gradient in (("l2", lambda w: w), ("l1", torch.sign)):
        # one step of Adam from rest moves every weight by the rate, against the sign of its gradient
        net = dense_net(8, seed=1)
        before = weights_of(net)
        train(net, IMAGES, LABELS, epochs=1, batch=60, rate=1e-4, seed=1, **{name: 1e6})
        for old, new in zip(before, weights_of(net), strict=True):
            if old.ndim > 1:
                moved = old.abs() > 1e-3
                assert torch.equal(torch.sign(old - new)[moved], torch.sign(gradient(old))[moved])


def test_a_net_learns_what_it_is_shown_often_enough():
    net = dense_net(64, seed=0)
    train(net, IMAGES, LABELS, epochs=60, batch=20, rate=3e-3)
    assert error_percent(net, IMAGES, LABELS) == 0
    assert not net.training


def test_nothing_deleted_is_the_whole_net_and_almost_all_deleted_is_worse():
    net = dense_net(64, seed=0)
    train(net, IMAGES, LABELS, epochs=60, batch=20, rate=3e-3)
    whole, few = deletion_errors(net, IMAGES, LABELS, shares=(0.0, 0.97))
    assert whole == error_percent(net, IMAGES, LABELS)
    assert few > 30


def test_answers_of_units_are_those_that_the_next_layer_reads():
    net = trained()
    last = activations(net, IMAGES, 1)
    assert last.shape == (60, 24)
    assert last.min() >= 0
    weights, bias = (w.detach().numpy() for w in list(net.parameters())[-2:])
    np.testing.assert_allclose(last @ weights.T + bias, scores(net, IMAGES), rtol=1e-4, atol=1e-5)
    hidden = list(net.parameters())[:2]
    first = IMAGES.flatten(1).numpy() @ hidden[0].detach().numpy().T + hidden[1].detach().numpy()
    np.testing.assert_allclose(activations(net, IMAGES, 0), np.maximum(first, 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("noise", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_noise_has_mean_1_and_variance_p_over_1_minus_p(noise, p):
    factors = noise_factors(noise, p, 200_000, seed=1).astype(np.float64)
    for found, expected in ((factors, 1.0), ((factors - 1) ** 2, p / (1 - p))):
        # five standard errors; Bernoulli's kind has none at p = 0.5, where every factor is 1 away from the mean
        assert abs(found.mean() - expected) <= 5 * found.std() / np.sqrt(factors.size) + 1e-6


@pytest.mark.parametrize(("down", "right"), [(4, 0), (0, -4), (-8, 4), (12, 8)])
def test_convolutions_answer_a_shift_by_4_as_if_there_were_none(down, right):
    net = conv_net(seed=2).eval()
    moved = scores(net, framed(IMAGES, down=down, right=right))
    np.testing.assert_allclose(moved, scores(net, framed(IMAGES)), atol=1e-5)
    assert np.abs(scores(net, framed(IMAGES, down=2)) - scores(net, framed(IMAGES))).max() > 1e-3


def test_a_frame_adds_paper_and_loses_no_ink():
    sheet = framed(IMAGES, down=3, right=-2)
    assert tuple(sheet.shape) == (60, 1, 36, 36)
    assert torch.equal(sheet[:, :, 7:35, 2:30], IMAGES)
    assert float(sheet.sum()) == pytest.approx(float(IMAGES.sum()), rel=1e-5)


def test_parameters_are_counted():
    assert num_parameters(dense_net(800)) == 784 * 800 + 800 + 800 * 800 + 800 + 8010
    assert num_parameters(conv_net()) == 208 + 3216 + 4640 + 330


def test_without_torch_the_install_line_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match=r'pip install "faltung\[nn\]"'):
        dense_net(3)
