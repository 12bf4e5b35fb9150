"""`LanguageModel`: a network and its vocabulary, which go on with a text, and say how likely one is."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..arguments import integer
from ..errors import FileError, ParameterError
from ..networks.gated import GatedConvNet
from ..networks.saved import Facts, load_model, save_model
from . import sampling, scoring
from .scoring import Score
from .vocabulary import UNKNOWN, Unit, Unknown, Vocabulary, unknown_words

TASKS: dict[Unit, str] = {"characters": "next character", "bytes": "next byte", "words": "next word"}
"""What a network of each unit was trained for, in the words of its file."""


@dataclass(frozen=True)
class LanguageModel:
    """A network that foretells the next symbol, and the symbols it knows.

    Attributes:
        net: the network; used in evaluation mode.
        vocabulary: as many symbols as it has scores.
        notes: what else is known of it, as JSON knows it: data, scores.

    Raises:
        ParameterError: the network has another number of symbols.

    Example:
        >>> import torch, faltung as ft
        >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
        <torch._C.Generator ...>
        >>> vocabulary = Vocabulary.of("to be or not")
        >>> net = ft.networks.GatedConvNet(symbols=len(vocabulary), channels=8, dilations=(1, 2))
        >>> model = LanguageModel(net, vocabulary)
        >>> len(model.sample("to be", length=7, seed=1))
        7
        >>> round(model.score("or not to be").perplexity) < 30
        True
    """

    net: GatedConvNet
    vocabulary: Vocabulary
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.net.symbols != len(self.vocabulary):
            raise ParameterError(
                f"the network has {self.net.symbols} symbols, the vocabulary {len(self.vocabulary)}: "
                "give the vocabulary that it was trained with"
            )
        self.net.eval()

    def score(self, text: str, *, unknown: Unknown = "error") -> Score:
        """How well the network foretells a text, each symbol from all before it; the first is given.

        Args:
            text: two symbols or more.
            unknown: "error" refuses characters that the vocabulary has not, "skip" leaves them out. Unknown words are
                scored as one common symbol. The result counts them.

        Raises:
            ParameterError: unknown characters.
            ShapeError: fewer than two symbols.
        """
        return scoring.measure(self.net, self.vocabulary, text, unknown=unknown)

    def sample(
        self,
        prompt: str = "\n",
        *,
        length: int = 500,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """A text that goes on from the prompt, which is not part of it.

        Args:
            prompt: one symbol or more; characters all known, unknown words stand as the one symbol for these.
            length: symbols to draw.
            temperature: below 1 the likely gets likelier; 0 always takes the likeliest symbol.
            top_k: draw from so many of the likeliest symbols only; 0 draws from all.
            top_p: draw from the fewest symbols whose probabilities sum to this or more.
            seed: the same seed gives the same text; torch's own random numbers are left alone.

        Raises:
            ParameterError: an option is outside what it may be, or the prompt is empty or has unknown characters.
        """
        options = (length, temperature, top_k, top_p, seed)
        return "".join(self.generate(prompt, *options))

    def generate(
        self,
        prompt: str = "\n",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """The same piece by piece, as soon as each is known; of bytes a piece is empty until a character is whole."""
        encoded = self.vocabulary.encode(prompt, unknown="skip")
        if encoded.unknown and self.vocabulary.unit == "characters":
            raise ParameterError(
                f"prompt: {unknown_words(encoded.unknown, len(prompt))}: write it without; the model knows "
                f"{''.join(self.vocabulary.symbols)!r}"
            )
        prompt_L = torch.from_numpy(encoded.tokens)
        if not len(prompt_L):
            raise ParameterError("the prompt is empty: give one symbol or more, such as a line's end")
        integer("length", length, least=0)
        # what stands for words unknown is no word
        banned = self.vocabulary.number(UNKNOWN) if self.vocabulary.unit == "words" else None
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        drawn = sampling.draw(
            self.net,
            prompt_L.to(self.net.embedding.weight.device),
            length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            banned=banned,
        )
        for token in (int(tokens_N[0]) for tokens_N in drawn):
            yield decoder.decode(bytes([token])) if self.vocabulary.unit == "bytes" else self.vocabulary.decode([token])
        if rest := decoder.decode(b"", final=True):
            yield rest

    def save(self, path: str | Path) -> None:
        """Write network, vocabulary and notes to one file, .safetensors; whole or not at all.

        Raises:
            FileError: it cannot be written.
        """
        unit, symbols = self.vocabulary.unit, self.vocabulary.symbols
        save_model(path, self.net, Facts(task=TASKS[unit], classes=symbols, tokens=True, notes=self.notes))

    @classmethod
    def load(cls, path: str | Path) -> "LanguageModel":
        """Read what `save` or `train_text` wrote; nothing in the file is executed.

        Raises:
            FileError: it cannot be read, is damaged, or holds no language model.
        """
        saved = load_model(path)
        units = {task: unit for unit, task in TASKS.items()}
        if not isinstance(saved.model, GatedConvNet) or saved.facts.task not in units:
            raise FileError(
                f"{path}: holds a {type(saved.model).__name__} for {saved.facts.task or 'no task'}: a language model is"
                " expected, as faltung text train writes"
            )
        try:
            vocabulary = Vocabulary(units[saved.facts.task], saved.facts.classes)
            return cls(saved.model, vocabulary, dict(saved.facts.notes))
        except ParameterError as error:
            raise FileError(f"{path}: its vocabulary is damaged: {error}") from error
