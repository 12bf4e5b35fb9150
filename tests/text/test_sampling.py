"""What is drawn: probabilities are as promised, and lots follow them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import ParameterError
from faltung.networks import GatedConvNet
from faltung.text import probabilities
from faltung.text.sampling import draw

SCORES = st.lists(st.floats(-20, 20), min_size=2, max_size=12).map(lambda row: torch.tensor([row]))


@given(SCORES, st.floats(0.01, 5), st.integers(0, 12), st.floats(0.01, 1))
def test_probabilities_sum_to_one_and_keep_the_order(
    scores: torch.Tensor, temperature: float, top_k: int, top_p: float
) -> None:
    p = probabilities(scores, temperature=temperature, top_k=top_k, top_p=top_p)[0]
    assert float(p.sum()) == pytest.approx(1)
    assert not top_k or int((p > 0).sum()) <= top_k
    kept, left = scores[0][p > 0], scores[0][p == 0]
    assert not len(left) or float(left.max()) <= float(kept.min())


@given(SCORES)
def test_without_options_they_are_the_softmax(scores: torch.Tensor) -> None:
    torch.testing.assert_close(probabilities(scores), scores.double().softmax(1))


@given(SCORES, st.floats(0.05, 0.999))
def test_a_nucleus_is_the_smallest_set_of_that_mass(scores: torch.Tensor, top_p: float) -> None:
    p = scores.double().softmax(1)[0]
    kept = probabilities(scores, top_p=top_p)[0] > 0
    assert float(p[kept].sum()) >= top_p - 1e-12
    assert float(p[kept].sum() - p[kept].min()) < top_p


@given(SCORES)
def test_temperature_zero_and_one_symbol_take_the_likeliest(scores: torch.Tensor) -> None:
    best = scores.argmax(1)
    for p in (probabilities(scores, temperature=0), probabilities(scores, top_k=1)):
        assert p[0, best].item() == p.sum() == 1


def test_the_smallest_temperature_is_no_overflow() -> None:
    assert probabilities(torch.tensor([[1.0, 3.0, 2.0]]), temperature=5e-324).tolist() == [[0, 1, 0]]


def test_lots_follow_the_probabilities() -> None:
    """A network without a past: 6,000 lots against its own probabilities, four deviations allowed."""
    torch.manual_seed(3)
    net = GatedConvNet(symbols=5, channels=4, dilations=(1,), kernel_size=1).eval()
    with torch.no_grad():
        net.embedding.weight.copy_(net.embedding.weight[:1].expand(5, -1))
    p = probabilities(net(torch.tensor([[0]]))[..., 0].detach())[0]
    (first, *_) = draw(net, torch.tensor([0]), length=1, batch=6000, seed=1)
    share = torch.bincount(first, minlength=5) / 6000
    assert bool(((share - p).abs() < 4 * (p * (1 - p) / 6000).sqrt()).all())


def test_the_seed_decides_and_torchs_own_state_is_left_alone() -> None:
    torch.manual_seed(0)
    net = GatedConvNet(symbols=30, channels=8, dilations=(1, 2)).eval()
    before = torch.get_rng_state()
    texts = [torch.stack(list(draw(net, torch.tensor([1, 2]), length=40, seed=seed))) for seed in (5, 5, 6)]
    assert torch.equal(texts[0], texts[1])
    assert not torch.equal(texts[0], texts[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_banned_symbol_is_never_drawn() -> None:
    net = GatedConvNet(symbols=2, channels=4, dilations=(1,)).eval()
    drawn = torch.stack(list(draw(net, torch.tensor([1]), length=50, banned=1)))
    assert not drawn.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": -0.5}, "0 or more"),
        ({"temperature": float("nan")}, "finite"),
        ({"top_k": -1}, "at least 0"),
        ({"top_p": 0.0}, "temperature=0"),
        ({"top_p": 1.5}, "up to 1"),
    ],
)
def test_options_that_cannot_be(options: dict[str, float], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        probabilities(torch.zeros(1, 3), **options)
