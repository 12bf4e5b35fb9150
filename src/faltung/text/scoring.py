"""How well a network foretells a text: nats, bits and perplexity, altogether, by line, word and character."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..networks.gated import GatedConvNet
from ..spec import Array
from .vocabulary import Encoded, Unknown, Vocabulary, word_pattern

CHUNK = 4096
"""Places of one pass; what they see of the past is given again before each."""


@dataclass(frozen=True)
class LineScore:
    """One line of a text.

    Attributes:
        number: from 1.
        text: without its end.
        nats: of its scored symbols, with the line's end, together.
        num_tokens: how many were scored.
        costs: float64 (character,), the nats of each of its characters, see `Score.costs`; the line's end comes last.
    """

    number: int
    text: str
    nats: float
    num_tokens: int
    costs: Array = field(repr=False, compare=False)

    @property
    def nats_per_token(self) -> float:
        """NaN if none was scored."""
        return self.nats / self.num_tokens if self.num_tokens else math.nan


@dataclass(frozen=True)
class WordScore:
    """One word of a text, wherever it comes.

    Attributes:
        text: without the space before it.
        count: how often it was scored.
        nats: of all its characters and the space before them, the mean over `count`.
        line: number of the line, from 1, where it cost most.
    """

    text: str
    count: int
    nats: float
    line: int


@dataclass(frozen=True)
class Score:
    """What a text costs a language model; less is better.

    Attributes:
        nats: minus the logarithm of the probability of all symbols scored, each given all before it.
        num_tokens: how many were scored: all but the first, which nothing stands before.
        num_characters: of the text without its first symbol, and without what was left out.
        unknown: symbols that the vocabulary has not, and their counts: characters were left out, words scored as one
            common symbol, so that with many of them the figures are too good.
        text: all of it, also what was left out.
        costs: float64 (character,), the nats of each character of the text; those of a symbol of several characters, a
            word, are shared equally among them. NaN where none was scored: at the first, and where one was left out.
    """

    nats: float
    num_tokens: int
    num_characters: int
    unknown: dict[str, int]
    text: str = field(repr=False)
    costs: Array = field(repr=False, compare=False)
    _counts: Array = field(repr=False, compare=False)

    @property
    def nats_per_token(self) -> float:
        """Mean over the symbols."""
        return self.nats / self.num_tokens

    @property
    def nats_per_character(self) -> float:
        """Mean over the characters of the text, whatever the symbols are."""
        return self.nats / self.num_characters

    @property
    def bits_per_character(self) -> float:
        """The same in bits: what an ideal compressor with this model would need."""
        return self.nats_per_character / math.log(2)

    @property
    def perplexity(self) -> float:
        """As if each symbol were one of so many that are equally likely; infinite if too large for a float."""
        return math.exp(self.nats_per_token) if self.nats_per_token < 700 else math.inf

    @cached_property
    def lines(self) -> tuple[LineScore, ...]:
        """Each line of the text; a line's end belongs to it."""
        ends = [place + 1 for place, sign in enumerate(self.text) if sign == "\n"]
        # the last line has no end, unless the text stops with one
        stops = ends if self.text.endswith("\n") else [*ends, len(self.text)]
        sums, counts = _running(self.costs), _running(self._counts)
        lines: list[LineScore] = []
        start = 0
        for number, stop in enumerate(stops, 1):
            text = self.text[start:stop].removesuffix("\n")
            nats, scored = float(sums[stop] - sums[start]), int(counts[stop] - counts[start])
            lines.append(LineScore(number, text, nats, scored, self.costs[start:stop]))
            start = stop
        return tuple(lines)

    @cached_property
    def words(self) -> tuple[WordScore, ...]:
        """The words of the text, the least likely first.

        Left out are the first one, whose beginning was given, words with characters that were left out, and words
        unknown, whose cost is that of all these together.
        """
        sums, missing = _running(self.costs), _running(np.isnan(self.costs))
        found: dict[str, list[tuple[float, int]]] = defaultdict(list)
        line = 1
        for piece in word_pattern().finditer(self.text):
            start, stop = piece.span()
            word = piece[0].removeprefix(" ")
            line += word == "\n"
            if start and word[:1].isalnum() and missing[stop] == missing[start] and piece[0] not in self.unknown:
                found[word].append((float(sums[stop] - sums[start]), line))
        scores = []
        for word, each in found.items():
            # the first of equals
            _, where = max(each, key=lambda occurrence: occurrence[0])
            scores.append(WordScore(word, len(each), sum(nats for nats, _ in each) / len(each), where))
        return tuple(sorted(scores, key=lambda score: (-score.nats, score.text)))


@torch.no_grad()
def token_nats(net: GatedConvNet, tokens_L: Tensor, *, chunk: int = CHUNK) -> Array:
    """Nats (L - 1,) of every symbol but the first, each seeing all that the network can see of what is before it.

    The text is taken in pieces, each with as much before it as `net.num_seen` says: pieces change nothing but rounding.

    Args:
        net: in evaluation mode.
        tokens_L: two or more.
        chunk: symbols scored in one pass.

    Returns:
        float64.
    """
    device = next(net.parameters()).device
    parts = []
    for first in range(0, len(tokens_L) - 1, chunk):
        last = min(first + chunk, len(tokens_L) - 1)
        before = min(first, net.num_seen - 1)
        pair_2L = torch.stack([tokens_L[first - before : last], tokens_L[first - before + 1 : last + 1]])
        parts.append(net(pair_2L[None].to(device))[0, before:].double().cpu().numpy())
    return np.concatenate(parts)


def measure(net: GatedConvNet, vocabulary: Vocabulary, text: str, *, unknown: Unknown = "error") -> Score:
    """What a text costs; for options and errors see `LanguageModel.score`."""
    encoded = vocabulary.encode(text, unknown=unknown)
    tokens_L = encoded.tokens
    if len(tokens_L) < 2:
        raise ShapeError(f"the text has {len(tokens_L)} known symbols: two are needed, as the first is not scored")
    nats = token_nats(net, torch.from_numpy(tokens_L))
    # of several bytes that are one character, the first is not scored and the others are: it counts
    first = 0 if vocabulary.unit == "bytes" and ord(text[0]) > 127 else len(vocabulary.decode(tokens_L[:1]))
    costs, counts = _by_character(vocabulary, encoded, nats, len(text))
    return Score(
        nats=float(nats.sum()),
        num_tokens=len(nats),
        num_characters=encoded.num_characters - first,
        unknown=encoded.unknown,
        text=text,
        costs=costs,
        _counts=counts,
    )


def _by_character(vocabulary: Vocabulary, encoded: Encoded, nats: Array, length: int) -> tuple[Array, Array]:
    """Nats of each character, and how many symbols begin in it that were scored."""
    counts = np.bincount(encoded.places[1:], minlength=length)
    if vocabulary.unit == "words":
        lengths = np.diff(np.append(encoded.places, length))
        return np.repeat(np.append(np.nan, nats) / lengths, lengths), counts
    costs = np.bincount(encoded.places[1:], nats, minlength=length)
    costs[counts == 0] = np.nan
    return costs, counts


def _running(values: Array) -> Array:
    """Sums of what stands before each place, and of all."""
    return np.append(0.0, np.cumsum(np.nan_to_num(values)))
