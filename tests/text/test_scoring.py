"""Scores: sums of the network's own probabilities, whatever the pieces, line by line too."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
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


@given(st.text(min_size=2), st.sampled_from(["characters", "bytes", "words"]))
def test_any_text_has_lines_and_words(text: str, unit: str) -> None:
    vocabulary = Vocabulary.of("ab" + text, unit=unit)
    torch.manual_seed(1)
    net = GatedConvNet(symbols=len(vocabulary), channels=2, kernel_size=2, dilations=(1,))
    assume(len(vocabulary.encode(text).tokens) > 1)
    found = LanguageModel(net, vocabulary).score(text)
    assert "".join(line.text + "\n" for line in found.lines).removesuffix("\n") == text.removesuffix("\n")
    assert sum(line.nats for line in found.lines) == pytest.approx(found.nats)
    assert sum(word.count * word.nats for word in found.words) <= found.nats * (1 + 1e-9)
    assert all(word.text in text for word in found.words)


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


@pytest.mark.parametrize("unit", ["characters", "bytes", "words"])
def test_characters_add_up_to_the_whole(unit: str) -> None:
    text = TEXT if unit == "characters" else "naïve: " + TEXT + "über allem"
    found = model(unit).score(text)
    assert found.costs.shape == (len(text),)
    assert np.nansum(found.costs) == pytest.approx(found.nats)
    np.testing.assert_array_equal(np.concatenate([line.costs for line in found.lines]), found.costs)
    # what nothing stands before
    first = len("naïve") if unit == "words" else 1
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.costs)), np.arange(first))


def test_each_character_costs_what_its_symbols_cost() -> None:
    characters, raw = model(), model("bytes")
    tokens = torch.from_numpy(characters.vocabulary.encode(TEXT).tokens)
    np.testing.assert_array_equal(characters.score(TEXT).costs[1:], token_nats(characters.net, tokens))
    nats = token_nats(raw.net, torch.tensor([*"aüb".encode()]))
    np.testing.assert_allclose(raw.score("aüb").costs[1:], [nats[0] + nats[1], nats[2]])


def test_lines_are_those_of_the_text_whatever_the_model_knows() -> None:
    # no line's end is in either vocabulary
    words = Vocabulary.of("to be or not to be", unit="words")
    characters = Vocabulary.of("to be or not to be")
    for vocabulary in (words, characters):
        net = GatedConvNet(symbols=len(vocabulary), channels=4, dilations=(1,))
        found = LanguageModel(net, vocabulary).score("to sleep\nor not\n", unknown="skip")
        assert [line.text for line in found.lines] == ["to sleep", "or not"]
        assert sum(line.num_tokens for line in found.lines) == found.num_tokens


def test_words_cost_what_their_characters_cost_the_dearest_first() -> None:
    found = model().score(TEXT)
    sums = {word.text: word for word in found.words}
    place = TEXT.index(" question")
    question = sums["question"]
    assert question.nats == pytest.approx(found.costs[place : place + len(" question")].sum())
    assert (question.count, question.line) == (1, 2)
    # the first one was given in part, its second place is scored
    assert (sums["be"].count, "To" in sums) == (2, False)
    at = [TEXT.index(" be,"), TEXT.index(" be:")]
    assert sums["be"].nats == pytest.approx(np.mean([found.costs[i : i + 3].sum() for i in at]))
    assert [word.nats for word in found.words] == sorted((word.nats for word in found.words), reverse=True)
    assert not {",", ":", "\n"} & sums.keys()


def test_words_of_which_a_part_is_unknown_have_no_cost() -> None:
    text = "or to sleep, or ü that"
    assert {word.text for word in model().score(text, unknown="skip").words} == {"to", "or", "that"}
    # " that" is unknown: where it is known, it begins a line
    assert {word.text for word in model("words").score(text).words} == {"to", "or"}
