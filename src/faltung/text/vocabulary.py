"""`Vocabulary`: the symbols a text is made of, and the numbers that stand for them."""

import functools
import re
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ..arguments import check_choice, integer
from ..errors import ParameterError
from ..spec import Array

Unit = Literal["characters", "bytes", "words"]
Unknown = Literal["error", "skip"]

UNKNOWN = "\ufffd"
"""Stands for every word that is not in the vocabulary; it is the last symbol of vocabularies of words."""

_SHOWN = 8


@dataclass(frozen=True)
class Encoded:
    """A text as numbers.

    Attributes:
        tokens: int64 (L,), one for each symbol.
        places: int64 (L,), of the character of the text with which each symbol begins; the bytes of one share it.
        unknown: symbols that the vocabulary has not, and how often they came, the most frequent first. Words among
            them became `UNKNOWN`, characters were left out.
        num_characters: of the text, without those left out.
    """

    tokens: Array
    places: Array
    unknown: dict[str, int]
    num_characters: int


@dataclass(frozen=True)
class Vocabulary:
    """Symbols in a fixed order; number i stands for symbol i.

    Characters are those that occur in a text; bytes are all 256 of UTF-8, so no text has unknown ones; words come with
    the space before them and the marks upon their letters; punctuation and line ends are symbols of their own, so that
    joining them gives the text back.

    Args:
        unit: "characters", "bytes" or "words".
        symbols: for bytes none.

    Raises:
        ParameterError: no symbols, a symbol twice, or one that is none of its unit.

    Example:
        >>> words = Vocabulary.of("To be, or not to be", unit="words")
        >>> words.symbols
        (' be', ' not', ' or', ' to', ',', 'To', '�')
        >>> words.decode(words.encode("To be, or not to be").tokens)
        'To be, or not to be'
        >>> words.encode("To sleep", unknown="skip").unknown
        {' sleep': 1}
    """

    unit: Unit
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("unit", self.unit, get_args(Unit))
        object.__setattr__(self, "symbols", tuple(self.symbols))
        if self.unit == "bytes":
            if self.symbols:
                raise ParameterError(f"{len(self.symbols)} symbols for bytes: there are 256, and none is given")
            return
        if len(set(self.symbols)) < max(len(self.symbols), 2):
            raise ParameterError(
                f"{len(self.symbols)} symbols, {len(set(self.symbols))} different: two or more are needed"
            )
        wrong = [
            s for s in self.symbols if not isinstance(s, str) or not s or (self.unit == "characters" and len(s) > 1)
        ]
        if wrong:
            raise ParameterError(f"symbol {wrong[0]!r}: no single piece of text of the unit {self.unit}")
        if self.unit == "words" and self.symbols[-1] != UNKNOWN:
            raise ParameterError(f"the last word is {self.symbols[-1]!r}: {UNKNOWN!r} is expected, for words unknown")

    @classmethod
    def of(cls, text: str, *, unit: Unit = "characters", least: int = 1) -> "Vocabulary":
        """The symbols that occur in a text; characters in their own order, words by falling frequency.

        Args:
            least: words that occur less often are left out; they are unknown, as all that do not occur.

        Raises:
            ParameterError: the text has too few different symbols: two characters, or a word that comes often enough.
        """
        check_choice("unit", unit, get_args(Unit))
        if unit == "bytes":
            return cls("bytes")
        integer("least", least, least=1)
        if unit == "characters":
            found = sorted(set(text))
            if len(found) < 2:
                raise ParameterError(
                    f"the text is made of {''.join(found)!r} alone: give one with two different characters or more"
                )
            return cls("characters", tuple(found))
        counts = Counter(word_pattern().findall(text))
        counts.pop(UNKNOWN, None)
        kept = [word for word, count in counts.items() if count >= least]
        if not kept:
            raise ParameterError(
                f"none of {len(counts):,} different words comes {least} times: give a longer text, or a lower least= "
                "(--least)"
            )
        return cls("words", (*sorted(kept, key=lambda word: (-counts[word], word)), UNKNOWN))

    def __len__(self) -> int:
        """How many symbols there are."""
        return 256 if self.unit == "bytes" else len(self.symbols)

    def encode(self, text: str, *, unknown: Unknown = "error") -> Encoded:
        """A text as numbers.

        Args:
            unknown: "error" refuses characters that the vocabulary has not; "skip" leaves them out. Words that it has
                not are `UNKNOWN` in both cases. All are counted.

        Raises:
            ParameterError: unknown characters; the message says which, and how often.
        """
        check_choice("unknown", unknown, get_args(Unknown))
        if self.unit == "bytes":
            raw = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
            # a character begins with every byte but those of the form 10xxxxxx
            return Encoded(raw.astype(np.int64), np.cumsum(raw & 0xC0 != 0x80) - 1, {}, len(text))
        number = {symbol: i for i, symbol in enumerate(self.symbols)}
        if self.unit == "words":
            words = word_pattern().findall(text)
            foreign = Counter(word for word in words if word not in number)
            tokens = np.array([number.get(word, len(number) - 1) for word in words], np.int64)
            stops = np.cumsum([len(word) for word in words], dtype=np.int64)
            return Encoded(tokens, np.append(0, stops)[:-1], dict(foreign.most_common()), len(text))
        foreign = Counter(symbol for symbol in text if symbol not in number)
        if foreign and unknown == "error":
            raise ParameterError(
                f"{unknown_words(dict(foreign.most_common()), len(text))}; the vocabulary has {len(self)} characters: "
                'leave the others out with unknown="skip" (--unknown skip), or train with a vocabulary of bytes '
                "(--unit bytes), which has them all"
            )
        # -1 for what is left out
        tokens = np.array([number.get(symbol, -1) for symbol in text], np.int64)
        places = np.flatnonzero(tokens >= 0)
        return Encoded(tokens[places], places, dict(foreign.most_common()), len(places))

    def decode(self, tokens: Any) -> str:
        """The text for numbers; bytes that are no UTF-8 become `UNKNOWN`.

        Raises:
            ParameterError: a number that stands for no symbol.
        """
        numbers = np.asarray(tokens, np.int64).ravel()
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            wrong = numbers.min() if numbers.min() < 0 else numbers.max()
            raise ParameterError(f"token {wrong}: the vocabulary has the numbers 0 to {len(self) - 1}")
        if self.unit == "bytes":
            return numbers.astype(np.uint8).tobytes().decode("utf-8", "replace")
        return "".join(self.symbols[i] for i in numbers.tolist())

    def number(self, symbol: str) -> int | None:
        """What stands for one symbol; None if it is unknown."""
        if self.unit == "bytes":
            raw = symbol.encode()
            return raw[0] if len(raw) == 1 else None
        return self.symbols.index(symbol) if symbol in self.symbols else None


def unknown_words(unknown: dict[str, int], total: int) -> str:
    """`3 of 120 symbols are unknown: 'é' 2, 'ß' 1`."""
    shown = ", ".join(f"{symbol!r} {count}" for symbol, count in list(unknown.items())[:_SHOWN])
    more = f", and {len(unknown) - _SHOWN} others" if len(unknown) > _SHOWN else ""
    count = sum(unknown.values())
    return f"{count:,} of {total:,} symbols {'is' if count == 1 else 'are'} unknown: {shown}{more}"


@functools.cache
def word_pattern() -> re.Pattern[str]:
    r"""Finds the pieces of which words, punctuation and spaces are made; together they are the text.

    Python's `\w` has letters, but not the marks that many scripts set upon them: without these, a decomposed "é" or a
    vowel of Hindi would end the word.
    """
    marks = "".join(chr(code) for code in range(0x300, sys.maxunicode) if unicodedata.category(chr(code))[0] == "M")
    # letters first and marks only behind them: one large class for both takes four times as long
    return re.compile(rf" ?\w+(?:[{marks}]+\w*)*| ?[^\w\s][{marks}]*|\s")
