"""Means, entropies and spreads are those of the samples; what cannot be meant is refused."""

import math

import pytest
import torch
from torch import nn

import faltung as ft
from faltung.errors import DtypeError, ParameterError, ShapeError


def net(*, last: nn.Module | None = None, classes: int = 3) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        parts = [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, classes, 3, padding=1)]
        return nn.Sequential(*parts, *([last] if last else []))


X = torch.randn(2, 2, 5, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("output", ["logits", "probabilities"])
@pytest.mark.parametrize("batch", [1, 4])
def test_entropies_are_those_of_the_samples(output: str, batch: int) -> None:
    module = net(last=nn.Softmax(1) if output == "probabilities" else None)
    found = ft.uncertainty.monte_carlo(module, X, samples=9, output=output, batch=batch)
    outputs = ft.uncertainty.sample_outputs(module, X, samples=9, batch=batch).double()
    p = outputs if output == "probabilities" else outputs.softmax(2)
    mean = p.mean(0)
    entropy = -(mean * mean.log()).sum(1)
    expected = -(p * p.log()).sum(2).mean(0)
    torch.testing.assert_close(found.probabilities.double(), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.entropy.double(), entropy, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.expected_entropy.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.mutual_information.double(), entropy - expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(found.classes, found.probabilities.argmax(1))


def test_entropies_keep_their_order() -> None:
    found = ft.uncertainty.monte_carlo(net(classes=7), 30 * X, samples=20)
    assert bool((found.mutual_information >= 0).all())
    assert bool((found.expected_entropy <= found.entropy + 1e-6).all())
    assert bool((found.entropy <= math.log(7) + 1e-6).all())


def test_classes_that_are_certain_have_no_entropy() -> None:
    class Certain(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = nn.functional.dropout(x, 0.5, training=True) * 0
            return torch.cat([y + 1000, y - 1000], 1)

    found = ft.uncertainty.monte_carlo(Certain(), torch.ones(2, 1), samples=5)
    assert float(found.entropy.abs().max()) == 0
    assert float(found.mutual_information.abs().max()) == 0


@pytest.mark.parametrize("batch", [1, 2, 5, 50])
def test_batches_change_nothing_but_rounding(batch: int) -> None:
    one = ft.uncertainty.monte_carlo(net(), X, samples=11, batch=1)
    other = ft.uncertainty.monte_carlo(net(), X, samples=11, batch=batch)
    torch.testing.assert_close(one.probabilities, other.probabilities)
    torch.testing.assert_close(one.mutual_information, other.mutual_information, rtol=1e-4, atol=1e-6)


def test_the_same_seed_is_the_same_answer() -> None:
    torch.manual_seed(8)
    one = ft.uncertainty.monte_carlo(net(), X, samples=6, seed=4)
    torch.manual_seed(9)
    again = ft.uncertainty.monte_carlo(net(), X, samples=6, seed=4)
    other = ft.uncertainty.monte_carlo(net(), X, samples=6, seed=5)
    assert torch.equal(one.probabilities, again.probabilities)
    assert not torch.equal(one.probabilities, other.probabilities)


def test_a_sample_can_be_run_again_by_hand() -> None:
    module = net()
    outputs = ft.uncertainty.sample_outputs(module, X, samples=4, seed=2, batch=1)
    with ft.nn.monte_carlo(module, samples=1) as draws, torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(ft.uncertainty.sample_seed(3, seed=2))
        for _ in draws:
            assert torch.equal(module(X), outputs[3])


def test_half_precision_is_added_up_in_more() -> None:
    found = ft.uncertainty.monte_carlo(net().bfloat16(), X.bfloat16(), samples=5)
    assert found.probabilities.dtype == torch.float32
    torch.testing.assert_close(found.probabilities.sum(1), torch.ones(2, 5, 6))


def test_memory_bounds_the_batch() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 8))
    x = torch.ones(3, 4)
    wide = ft.uncertainty.monte_carlo(module, x, samples=40).sampling
    narrow = ft.uncertainty.monte_carlo(module, x, samples=40, max_memory=2000).sampling
    assert wide.batch == 40
    assert 1 < narrow.batch < 40
    assert ft.uncertainty.monte_carlo(module, x, samples=40, max_memory=1).sampling.way == "one by one"


def test_prefix_is_computed_once() -> None:
    calls = {"prefix": 0, "suffix": 0}

    class Counted(torch.autograd.Function):
        """A call of torch that counts how often it is computed."""

        @staticmethod
        def forward(ctx, x: torch.Tensor, name: str) -> torch.Tensor:
            calls[name] += 1
            return x + 1

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            before = torch.overrides.handle_torch_function(counted, (), x, "prefix")
            y = nn.functional.dropout(before, 0.5, training=True)
            return torch.overrides.handle_torch_function(counted, (), y, "suffix") + before

    def counted(x: torch.Tensor, name: str) -> torch.Tensor:
        return Counted.apply(x, name)

    ft.uncertainty.sample_outputs(Net(), torch.ones(2, 3), samples=10, batch=1)
    # sample 0 is computed twice, and compared
    assert calls == {"prefix": 1, "suffix": 11}


def test_run_says_what_was_done() -> None:
    run = ft.uncertainty.monte_carlo(net(), X, samples=5, batch=1).sampling
    assert (run.way, run.prefix_calls, run.suffix_calls, run.difference) == ("one by one", 2, 2, 0.0)
    assert str(run) == "5 samples: 2 calls once, 2 calls for each, one by one; sample 0 as its full pass, bit for bit"


@pytest.mark.parametrize("functional", [False, True])
def test_what_drops_nothing_is_refused(functional: bool) -> None:
    module: nn.Module = nn.Sequential(nn.Linear(3, 3), nn.ReLU() if functional else nn.Dropout(0.0))
    with pytest.raises(ParameterError, match="drops nothing"):
        ft.uncertainty.monte_carlo(module, torch.ones(2, 3))


def test_wrong_options_are_refused() -> None:
    module = net()
    with pytest.raises(ParameterError, match="output="):
        ft.uncertainty.monte_carlo(module, X, output="logit")  # type: ignore[call-overload]
    with pytest.raises(ParameterError, match="two samples"):
        ft.uncertainty.monte_carlo(module, X, samples=1, output="values")
    with pytest.raises(ParameterError, match="samples"):
        ft.uncertainty.monte_carlo(module, X, samples=0)
    with pytest.raises(ParameterError, match="batch"):
        ft.uncertainty.monte_carlo(module, X, batch=0)
    with pytest.raises(ParameterError, match="do not sum to 1"):
        ft.uncertainty.monte_carlo(module, X, output="probabilities")
    with pytest.raises(ShapeError, match="single logit"):
        ft.uncertainty.monte_carlo(net(classes=1), X)
    with pytest.raises(DtypeError, match=r"torch\.as_tensor"):
        ft.uncertainty.monte_carlo(module, X.numpy())  # type: ignore[call-overload]


def test_a_module_that_returns_several_tensors_is_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            y = nn.functional.dropout(x, 0.5, training=True)
            return y, x

    with pytest.raises(DtypeError, match="one tensor is expected"):
        ft.uncertainty.monte_carlo(Two(), torch.ones(2, 3))


def test_errors_of_the_module_come_through() -> None:
    with pytest.raises(RuntimeError, match="channels"):
        ft.uncertainty.monte_carlo(net(), torch.ones(1, 3, 4, 4))
