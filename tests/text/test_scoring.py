"""Scores: sums of the network's own probabilities, whatever the pieces, line by line too."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import ParameterError, ShapeError
from faltung.networks import GatedConvNet
from faltung.text import LanguageModel, Vocabulary, token_nats

TEXT = "To be, or not to be:\nthat is the question.\n\nWhether 'tis nobler\n"


def model(unit: str = "characters") -> LanguageModel:
    torch.manual_seed(2)
    vocabulary = Vocabulary.of(TEXT, unit=unit)
    net = GatedConvNet(symbols=len(vocabulary), channels=6, kernel_size=3, dilations=(1, 2))
    return LanguageModel(net, vocabulary)


@given(st.integers(2, 90), st.integers(1, 100))
def test_pieces_change_nothing(length: int, chunk: int) -> None:
    net = model().net.double()
    tokens = torch.from_numpy(np.random.default_rng(length).integers(0, net.symbols, length))
    p = net(tokens[None]).detach().log_softmax(1)[0]
    expected = -p[tokens[1:], torch.arange(length - 1)]
    np.testing.assert_allclose(token_nats(net, tokens, chunk=chunk), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("unit", ["characters", "bytes", "words"])
def test_lines_add_up_to_the_whole(unit: str) -> None:
    found = model(unit).score(TEXT)
    assert sum(line.nats for line in found.lines) == pytest.approx(found.nats)
    assert sum(line.num_tokens for line in found.lines) == found.num_tokens
    assert "\n".join(line.text for line in found.lines) + "\n" == TEXT
    assert [line.number for line in found.lines] == [1, 2, 3, 4]


def test_figures_follow_from_each_other() -> None:
    found = model().score(TEXT)
    assert found.num_tokens == found.num_characters == len(TEXT) - 1
    assert found.perplexity == pytest.approx(math.exp(found.nats / found.num_tokens))
    assert found.bits_per_character == pytest.approx(found.nats / math.log(2) / (len(TEXT) - 1))


def test_the_first_symbol_is_not_counted_whatever_it_is() -> None:
    words = model("words").score("To be")
    assert (words.num_tokens, words.num_characters) == (1, 3)
    # two bytes of which the second is scored
    raw = model("bytes").score("üb")
    assert (raw.num_tokens, raw.num_characters) == (2, 2)
    assert math.isnan(model().score("\nTo").lines[0].nats_per_token)


def test_unknown_symbols_are_refused_left_out_or_common() -> None:
    characters = model()
    with pytest.raises(ParameterError, match="2 of 6 symbols are unknown: 'é' 2"):
        characters.score("to béé")
    found = characters.score("to béé", unknown="skip")
    assert (found.unknown, found.nats) == ({"é": 2}, characters.score("to b").nats)
    assert model("words").score("To sleep").unknown == {" sleep": 1}
    assert model("bytes").score("To béé").unknown == {}


def test_a_text_of_one_symbol_has_no_score() -> None:
    for text in ("", "T", "éé"):
        with pytest.raises(ShapeError, match="two are needed"):
            model().score(text, unknown="skip")
