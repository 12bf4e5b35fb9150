"""Symbols as numbers and back: nothing is lost, and what is unknown is counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import ParameterError
from faltung.text import Vocabulary
from faltung.text.vocabulary import UNKNOWN

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=UNKNOWN), min_size=1)


@given(TEXTS, st.sampled_from(["characters", "bytes", "words"]))
def test_decoding_gives_the_text_back(text: str, unit: str) -> None:
    if unit == "characters" and len(set(text)) < 2:
        text = "ab"
    vocabulary = Vocabulary.of(text, unit=unit)
    encoded = vocabulary.encode(text)
    assert vocabulary.decode(encoded.tokens) == text
    assert not encoded.unknown
    assert encoded.num_characters == len(text)
    assert encoded.tokens.dtype == np.int64
    assert 0 <= encoded.tokens.min() <= encoded.tokens.max() < len(vocabulary)


@given(TEXTS, TEXTS)
def test_skipping_leaves_out_unknown_characters_and_counts_each(known: str, text: str) -> None:
    vocabulary = Vocabulary("characters", tuple(sorted({*known, "a", "b"})))
    encoded = vocabulary.encode(text, unknown="skip")
    kept = "".join(symbol for symbol in text if symbol in vocabulary.symbols)
    assert vocabulary.decode(encoded.tokens) == kept
    assert encoded.num_characters == len(kept)
    assert sum(encoded.unknown.values()) == len(text) - len(kept)
    if encoded.unknown:
        with pytest.raises(ParameterError, match="unknown"):
            vocabulary.encode(text)


def test_rare_words_are_unknown_and_frequent_ones_come_first() -> None:
    vocabulary = Vocabulary.of("a b a c a b", unit="words", least=2)
    assert vocabulary.symbols == (" a", " b", UNKNOWN)
    encoded = vocabulary.encode(" a c")
    assert encoded.tokens.tolist() == [0, 2]
    assert encoded.unknown == {" c": 1}


def test_bytes_that_are_no_utf8_are_decoded_as_unknown() -> None:
    assert Vocabulary("bytes").decode([104, 0xC3, 105]) == f"h{UNKNOWN}i"


def test_the_message_names_the_most_frequent_unknown_symbols() -> None:
    with pytest.raises(ParameterError, match=r"3 of 5 symbols are unknown: 'ü' 2, 'é' 1;.*unknown=\"skip\""):
        Vocabulary.of("abc").encode("aüéüb")


@pytest.mark.parametrize(
    ("unit", "symbols", "words"),
    [
        ("bytes", ("a",), "there are 256"),
        ("characters", ("a",), "two or more"),
        ("characters", ("a", "a", "b"), "2 different"),
        ("characters", ("a", "bc"), "no single piece"),
        ("characters", ("a", ""), "no single piece"),
        ("words", ("a", "b"), "is expected, for words unknown"),
        ("letters", (), "allowed are"),
    ],
)
def test_no_vocabulary_is_made_of(unit: str, symbols: tuple[str, ...], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Vocabulary(unit, symbols)


def test_numbers_that_stand_for_nothing_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"token 3: .* 0 to 1"):
        Vocabulary.of("ab").decode([0, 3])
    with pytest.raises(ParameterError, match="token -1"):
        Vocabulary("bytes").decode([-1])


@given(TEXTS, st.sampled_from(["characters", "bytes", "words"]))
def test_places_say_where_each_symbol_begins(text: str, unit: str) -> None:
    vocabulary = Vocabulary.of("ab" + text, unit=unit)
    encoded = vocabulary.encode(text, unknown="skip")
    assert encoded.places.tolist() == sorted(encoded.places.tolist())
    if unit == "bytes":
        assert np.bincount(encoded.places).tolist() == [len(sign.encode()) for sign in text]
    else:
        for token, place in zip(encoded.tokens.tolist(), encoded.places.tolist(), strict=True):
            symbol = vocabulary.symbols[token]
            assert symbol == UNKNOWN or text.startswith(symbol, place)


def test_places_pass_over_what_is_left_out() -> None:
    encoded = Vocabulary.of("ab").encode("xaxbb", unknown="skip")
    assert encoded.places.tolist() == [1, 3, 4]
    assert Vocabulary("bytes").encode("aüb").places.tolist() == [0, 1, 1, 2]
    words = Vocabulary.of("to be", unit="words").encode("to sleep, to be")
    assert words.places.tolist() == [0, 2, 8, 9, 12]


def test_marks_stay_with_their_letters() -> None:
    # a decomposed é, vowels of Hindi, an emoji with the sign that asks for its colours
    for word in ("cafe\u0301s", "नमस्ते", "🎉\ufe0f"):
        assert Vocabulary.of(f"a {word} {word}", unit="words").symbols == (f" {word}", "a", UNKNOWN)


def test_a_text_with_too_few_symbols_is_refused() -> None:
    with pytest.raises(ParameterError, match="made of 'a' alone"):
        Vocabulary.of("aaa")
    with pytest.raises(ParameterError, match=r"none of 3 different words comes 2 times.*least="):
        Vocabulary.of("a b c", unit="words", least=2)
