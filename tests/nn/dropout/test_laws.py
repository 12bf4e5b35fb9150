"""E[y] and every covariance of every family are those its docstring states, to 4 sigma, drawn and made of places."""

import math

import numpy as np
import pytest
import torch
from scipy.special import ndtri

import faltung as ft
from faltung.nn.dropout.elements import ALPHA

SAMPLES = 8000
RATES = (0.1, 0.5, 0.85)
SOURCES = ("generator", "key")


def law(mean, covariance):
    return mean.reshape(-1), covariance


def odds(p):
    return p / (1 - p)


def alone(x, p):
    """Independent elements: x² p / (1 - p) on the diagonal."""
    return law(x, torch.diag(x.reshape(-1) ** 2) * odds(p))


def together(*axes):
    """One fate along these axes, which count the batch."""

    def of(x, p):
        places = torch.stack(torch.meshgrid(*map(torch.arange, x.shape), indexing="ij"), -1)
        places[..., list(axes)] = 0
        flat = places.reshape(-1, x.ndim)
        same = (flat[:, None] == flat[None]).all(-1)
        return law(x, torch.outer(x.reshape(-1), x.reshape(-1)) * same * odds(p))

    return of


def blocks(block, *, per_channel=True):
    """Cov = x x' ((1 - p) ** (-overlap / area) - 1)."""

    def of(x, p):
        places = torch.stack(torch.meshgrid(*map(torch.arange, x.shape), indexing="ij"), -1).reshape(-1, x.ndim)
        apart = (places[:, None] - places[None]).abs()
        overlap = (torch.tensor(block) - apart[..., 2:]).clamp(min=0).prod(-1)
        if per_channel:
            overlap = overlap * (apart[..., 1] == 0)
        values = x.reshape(-1)
        return law(x, torch.outer(values, values) * ((1 - p) ** (-overlap / math.prod(block)) - 1))

    return of


def saturated(*axes):
    """E = a (1 - p) x, Cov = a² p (1 - p) (x + c) (x' + c) where the fate is one."""

    def of(x, p):
        a = 1 / math.sqrt((1 - p) * (1 + p * ALPHA**2))
        _, same = together(*axes)(torch.ones_like(x), 0.5)
        return law(
            a * (1 - p) * x, torch.outer((x + ALPHA).reshape(-1), (x + ALPHA).reshape(-1)) * same * a * a * p * (1 - p)
        )

    return of


FAMILIES = {
    "Dropout": (lambda p, **o: ft.nn.Dropout(p, **o), (1, 2, 5), alone),
    "GaussianDropout": (lambda p, **o: ft.nn.GaussianDropout(p, **o), (1, 2, 5), alone),
    "Dropout1d": (lambda p, **o: ft.nn.Dropout1d(p, **o), (1, 3, 4), together(2)),
    "Dropout2d": (lambda p, **o: ft.nn.Dropout2d(p, **o), (1, 3, 2, 2), together(2, 3)),
    "Dropout3d": (lambda p, **o: ft.nn.Dropout3d(p, **o), (1, 2, 2, 1, 3), together(2, 3, 4)),
    "AlphaDropout": (lambda p, **o: ft.nn.AlphaDropout(p, **o), (1, 2, 4), saturated()),
    "FeatureAlphaDropout": (lambda p, **o: ft.nn.FeatureAlphaDropout(p, **o), (1, 3, 2, 2), saturated(2, 3)),
    "VariationalDropout": (lambda p, **o: ft.nn.VariationalDropout(p, **o), (1, 4, 3), together(1)),
    "VariationalDropout, time last": (
        lambda p, **o: ft.nn.VariationalDropout(p, time_axis=-1, **o),
        (1, 4, 3),
        together(2),
    ),
    "DropBlock1d": (lambda p, **o: ft.nn.DropBlock1d(p, block=3, **o), (1, 2, 7), blocks((3,))),
    "DropBlock1d, longer than x": (lambda p, **o: ft.nn.DropBlock1d(p, block=9, **o), (1, 1, 4), blocks((9,))),
    "DropBlock2d, H < W": (lambda p, **o: ft.nn.DropBlock2d(p, block=3, **o), (1, 1, 3, 6), blocks((3, 3))),
    "DropBlock2d, H > W, even": (lambda p, **o: ft.nn.DropBlock2d(p, block=(4, 1), **o), (1, 1, 6, 2), blocks((4, 1))),
    "DropBlock2d, all channels": (
        lambda p, **o: ft.nn.DropBlock2d(p, block=2, per_channel=False, **o),
        (1, 2, 2, 3),
        blocks((2, 2), per_channel=False),
    ),
    "DropBlock3d": (lambda p, **o: ft.nn.DropBlock3d(p, block=(1, 2, 3), **o), (1, 1, 2, 2, 4), blocks((1, 2, 3))),
}


def sampled(make, x, p, source):
    """(SAMPLES, elements): y for many entries of a batch, in double precision."""
    batch = x.double().expand(SAMPLES, *x.shape[1:])
    if source == "generator":
        return make(p, generator=torch.Generator().manual_seed(5))(batch).reshape(SAMPLES, -1)
    with ft.nn.at(sample=range(SAMPLES)):
        return make(p, key=5)(batch).reshape(SAMPLES, -1)


def assert_mean(drawn, expected):
    """The mean of independent draws (SAMPLES, ...) is as expected: 4 sigma for one number, as rare for one of many."""
    away = drawn - expected
    sigma = away.std(0) / math.sqrt(len(drawn))
    limit = -ndtri(3e-5 / expected.numel())
    # a rest of rounding, where all draws are equal
    assert (away.mean(0).abs() <= limit * sigma + 1e-12 * (1 + expected.abs())).all()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("family", FAMILIES)
def test_mean_and_covariances_are_those_of_the_docstring(family, p, source):
    make, shape, of = FAMILIES[family]
    x = torch.linspace(-1, 2, math.prod(shape), dtype=torch.float64).reshape(shape)
    y = sampled(make, x, p, source)
    mean, covariance = of(x, p)
    assert_mean(y, mean)
    assert_mean((y - mean)[:, :, None] * (y - mean)[:, None, :], covariance)


@pytest.mark.parametrize("source", SOURCES)
def test_normalised_input_stays_normalised_through_alpha_dropout(source):
    x = torch.randn(1, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = (x - x.mean()) / x.std(unbiased=False)
    y = sampled(lambda p, **o: ft.nn.AlphaDropout(p, **o), x, 0.3, source)
    assert_mean(y.mean(1), torch.tensor(0.0, dtype=torch.float64))
    assert_mean((y**2).mean(1), torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("p", RATES)
def test_dropconnect_keeps_the_mean_and_has_the_variance_of_its_docstring(p, source):
    generator = torch.Generator().manual_seed(0)
    linear = torch.nn.Linear(4, 2).double()
    x = torch.randn(1, 4, generator=generator, dtype=torch.float64)
    options = {"generator": generator} if source == "generator" else {"key": 3}
    layer = ft.nn.DropConnect(linear, p, **options)
    drawn = []
    with torch.no_grad():
        for sample in range(1000):
            with ft.nn.at(sample=sample):
                drawn.append(layer(x)[0])
        y, mean = torch.stack(drawn), linear(x)[0]
        assert_mean(y, mean)
        assert_mean((y - mean) ** 2, odds(p) * (linear.weight**2 @ x[0] ** 2))


@pytest.mark.parametrize("size", [(3, 17), (17, 3), (1, 1), (7, 7), (5, 40)])
@pytest.mark.parametrize("block", [1, 2, 3, 7, 12])
def test_every_element_is_dropped_at_the_same_rate_also_at_borders(size, block):
    layer = ft.nn.DropBlock2d(0.3, block=block, generator=torch.Generator().manual_seed(block))
    kept = (layer(torch.ones(4000, 1, *size)) > 0).double().reshape(4000, -1)
    assert_mean(kept, torch.full((math.prod(size),), 0.7, dtype=torch.float64))


def test_what_is_dropped_are_blocks():
    with ft.nn.at(sample=0):
        dropped = ft.nn.DropBlock2d(0.02, block=(3, 5), key=1)(torch.ones(1, 4, 60, 80))[0] == 0
    assert dropped.any()
    # inside x, each dropped element lies in a block that is dropped whole
    whole = torch.nn.functional.max_pool2d(-dropped.float(), (3, 5), 1) == -1
    covered = torch.nn.functional.max_pool2d(torch.nn.functional.pad(whole.float(), (4, 4, 2, 2)), (3, 5), 1).bool()
    inner = (slice(None), slice(2, -2), slice(4, -4))
    assert torch.equal(covered[inner], dropped[inner])


@pytest.mark.parametrize("p", RATES)
def test_the_scale_is_one_over_the_keep_rate(p):
    for make, shape, _ in FAMILIES.values():
        y = make(p, generator=torch.Generator().manual_seed(2))(torch.ones(50, *shape[1:], dtype=torch.float64))
        if "Alpha" in type(make(p)).__name__ or "Gaussian" in type(make(p)).__name__:
            continue
        assert set(y.unique().tolist()) <= {0.0, 1 / (1 - p)}


def test_gaussian_noise_of_places_is_normal():
    x = torch.ones(1, 100_000, dtype=torch.float64)
    with ft.nn.at(sample=0):
        noise = (ft.nn.GaussianDropout(0.5, key=1)(x) - 1)[0].numpy()
    quantiles = np.quantile(noise, [0.001, 0.1, 0.5, 0.9, 0.999])
    np.testing.assert_allclose(quantiles, ndtri([0.001, 0.1, 0.5, 0.9, 0.999]), atol=0.1)
