"""How well a network foretells a text: nats, bits and perplexity, altogether and line by line."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..networks.gated import GatedConvNet
from ..spec import Array
from .vocabulary import Unknown, Vocabulary

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
    """

    number: int
    text: str
    nats: float
    num_tokens: int

    @property
    def nats_per_token(self) -> float:
        """NaN if none was scored."""
        return self.nats / self.num_tokens if self.num_tokens else math.nan


@dataclass(frozen=True)
class Score:
    """What a text costs a language model; less is better.

    Attributes:
        nats: minus the logarithm of the probability of all symbols scored, each given all before it.
        num_tokens: how many were scored: all but the first, which nothing stands before.
        num_characters: of the text without its first symbol, and without what was left out.
        unknown: symbols that the vocabulary has not, and their counts: characters were left out, words scored as one
            common symbol, so that with many of them the figures are too good.
        lines: each line of the text.
    """

    nats: float
    num_tokens: int
    num_characters: int
    unknown: dict[str, int]
    lines: tuple[LineScore, ...]

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
    return Score(
        nats=float(nats.sum()),
        num_tokens=len(nats),
        num_characters=encoded.num_characters - first,
        unknown=encoded.unknown,
        lines=_by_line(vocabulary, tokens_L, nats),
    )


def _by_line(vocabulary: Vocabulary, tokens_L: Array, nats: Array) -> tuple[LineScore, ...]:
    """Sums over each line; a line's end belongs to it."""
    end = vocabulary.number("\n")
    ends = [] if end is None else np.flatnonzero(tokens_L == end).tolist()
    # the last line has no end, unless the text stops with one
    stops = [stop + 1 for stop in ends]
    if not stops or stops[-1] < len(tokens_L):
        stops.append(len(tokens_L))
    sums = np.concatenate([[0.0, 0.0], np.cumsum(nats)])
    lines: list[LineScore] = []
    start = 0
    for number, stop in enumerate(stops, 1):
        text = vocabulary.decode(tokens_L[start:stop])
        scored = stop - max(start, 1)
        lines.append(LineScore(number, text.removesuffix("\n"), float(sums[stop] - sums[max(start, 1)]), scored))
        start = stop
    return tuple(lines)
