"""A text as windows, and a network trained to foretell in each what comes next."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import integer, positive
from ..errors import DtypeError, ParameterError, ShapeError
from ..networks.gated import GatedConvNet
from ..nn.causal import Gate
from ..spec import Array
from ..training import Config, Run, resume, train
from ..training.loop import Watch
from ..training.state import read_state
from .language_model import TASKS, LanguageModel
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from torchmetrics import Metric

WINDOW = 256
RECIPE = Config(
    batch_size=4,
    learning_rate=5e-3,
    weight_decay=0.1,
    warm_up=0.05,
    clip=1.0,
    validation=0.0,
    precision="bf16-mixed",
)
"""What was found on Shakespeare's plays by the validation works: of nets that train equally long, narrow and deep ones
that see more text in small steps foretell it better; see benchmarks/text.py."""
TRIED_STEPS = 20
CUTOFFS = (2000, 10000)
"""Words are scored in clusters that end here, as far as a vocabulary has twice as many."""


class NextToken:
    """What a language model is trained for: the mean nats of the symbols that follow.

    A task as `faltung.training` takes it; inputs are pairs (N, 2, L), for which a `GatedConvNet` gives the nats.
    """

    watched = "nats"
    higher = False
    normalise = False

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.classes = vocabulary.symbols
        self.name = TASKS[vocabulary.unit]

    def check(self, x: Any, y: Any) -> None:
        """Pairs of integers.

        Raises:
            ShapeError, DtypeError: something else.
        """
        if len(x.shape) != 3 or x.shape[1] != 2:
            raise ShapeError(f"x has shape {tuple(x.shape)}: pairs (N, 2, L) are expected, as `Windows` makes them")
        if np.dtype(x.dtype).kind not in "iu":
            raise DtypeError(f"x is {x.dtype}: integers are expected, as `Windows` makes them")

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The mean of nats (N, L); what followed is in the pairs, y is not looked at."""
        return output.mean()

    def metrics(self) -> "Metric":
        """The mean over all symbols."""
        from torchmetrics import MeanMetric

        class Mean(MeanMetric):
            def update(self, output: Tensor, y: Tensor) -> None:
                super().update(output)

        return Mean()

    def summary(self, measured: Tensor) -> dict[str, float]:
        """Nats and bits a symbol."""
        return {"nats": float(measured), "bits": float(measured) / math.log(2)}

    def answer(self, output: Tensor) -> Tensor:
        """Nats (N, L)."""
        return output


class Windows:
    """Pieces of one long text, as examples to train with.

    Windows begin at places spread evenly, each moved by lot, so that together they see all of the text.

    Args:
        tokens_L: the text as numbers.
        vocabulary: what they stand for.
        window: symbols that are foretold in each.
        count: how many windows; 0 takes as many as see every symbol once, one behind the other.
        seed: of the lots.

    Raises:
        ShapeError: the text is shorter than a window and the symbol behind it.

    Example:
        >>> vocabulary = Vocabulary.of("abcdefghij")
        >>> windows = Windows(vocabulary.encode("abcdefghij").tokens, vocabulary, window=3, count=2)
        >>> windows.x.shape
        (2, 2, 3)
        >>> present, following = windows.x[np.array([1])][0]
        >>> bool((following == present + 1).all())
        True
    """

    def __init__(
        self, tokens_L: Array, vocabulary: Vocabulary, *, window: int = WINDOW, count: int = 0, seed: int = 0
    ) -> None:
        integer("window", window, least=1)
        room = len(tokens_L) - window
        if room < 1:
            smaller = f", or a window of {len(tokens_L) - 1:,} or less (--window)" if len(tokens_L) > 1 else ""
            raise ShapeError(
                f"the text to learn from has {len(tokens_L):,} symbols, a window of {window:,} and what follows needs "
                f"{window + 1:,}: give a longer text{smaller}"
            )
        if integer("count", count, least=0):
            # one of each of `count` stretches of the same length
            lot = np.random.default_rng(seed).random(count)
            starts = np.minimum(((np.arange(count) + lot) * room / count).astype(np.int64), room - 1)
        else:
            starts = np.arange(0, room, window)
        self.classes = vocabulary.symbols
        self.x = _Pairs(tokens_L, starts, window)
        self.y = _Following(self.x)

    def __len__(self) -> int:
        return len(self.x)


class _Pairs:
    """Present and next symbols (N, 2, L) of each window, made when asked for."""

    dtype = np.dtype(np.int64)

    def __init__(self, tokens_L: Array, starts: Array, window: int) -> None:
        self.tokens_L, self.starts = tokens_L, starts
        self.shape = (len(starts), 2, window)
        self._offsets = np.arange(window)[None] + np.arange(2)[:, None]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, indices: Any) -> Array:
        found: Array = self.tokens_L[np.asarray(self.starts[indices])[..., None, None] + self._offsets]
        return found


class _Following:
    """The next symbols (N, L) alone: the labels."""

    dtype = np.dtype(np.int64)

    def __init__(self, pairs: _Pairs) -> None:
        self._pairs = pairs
        self.shape = (pairs.shape[0], pairs.shape[2])

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, indices: Any) -> Array:
        found: Array = self._pairs[indices][..., 1, :]
        return found


@dataclass(frozen=True)
class TextRun:
    """What a training on a text came to.

    Attributes:
        model: the language model, with the weights of the best epoch.
        run: its epochs, their losses and scores; nats of the validation text are those of windows, whose first symbols
            see little before them: `model.score` gives them with all that stands before.
        passes: how often the text was seen.
    """

    model: LanguageModel
    run: Run
    passes: float


def train_text(
    text: str,
    *,
    validation: str = "",
    vocabulary: Vocabulary | None = None,
    net: GatedConvNet | None = None,
    config: Config = RECIPE,
    window: int = WINDOW,
    passes: float = 2.0,
    minutes: float = 0.0,
    folder: str | Path | None = None,
    stop: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> TextRun:
    """Train a language model on a text.

    Args:
        text: what it learns from.
        validation: another text, which says which epoch is best; "" keeps the last epoch. Characters in it that the
            vocabulary has not are left out.
        vocabulary: default: the characters of the text.
        net: default: `new_net` with `config.seed`.
        config: how; `epochs` is `passes`, rounded up.
        window: symbols of an example; a batch has `config.batch_size` of these.
        passes: how often the text is seen, more or less than 1 too.
        minutes: instead of passes, as many as fit into this time, from the speed of a few steps measured first; so the
            same call may train more or less on another day. 0 counts passes.
        folder: gets the best model so far, and the state from which `resume_text` goes on.
        stop, watch: as in `faltung.training.train`.

    Raises:
        ShapeError: the text is shorter than a window, or of the validation text fewer than two symbols are known.
        ParameterError: an option is outside what it may be, or the network has another number of symbols.
        FileError: the folder holds a training already, or cannot be written to.
        AccuracyError: the loss is no number any more.

    Example:
        >>> net = new_net(Vocabulary.of("abc"), channels=4, dilations=(1,), kernel_size=2)
        >>> config = Config(batch_size=8, learning_rate=0.05)
        >>> done = train_text("abc" * 400, net=net, window=16, passes=4, config=config)
        >>> done.model.score("abcabcabc").perplexity < 1.5
        True
    """
    vocabulary = vocabulary or Vocabulary.of(text)
    tokens_L = vocabulary.encode(text).tokens
    net = net or new_net(vocabulary, seed=config.seed)
    if net.symbols != len(vocabulary):
        raise ParameterError(
            f"the network has {net.symbols} symbols, the vocabulary {len(vocabulary)}: make it with "
            f"symbols={len(vocabulary)}, or leave it out"
        )
    positive("passes", passes)
    if minutes:
        speed = measure_speed(net, tokens_L, vocabulary, window=window, config=config)
        passes = 60 * positive("minutes", minutes) * speed / len(tokens_L)
    about = {"sha256": _checksum(text), "validation": _checksum(validation), "window": window, "passes": passes}
    parts = _examples(tokens_L, validation, vocabulary, window, passes, config.seed)
    config = replace(config, epochs=math.ceil(passes), validation=0.0)
    run = train(
        net,
        parts[0],  # pyrefly: ignore[bad-argument-type]
        config=config,
        validation=parts[1],  # pyrefly: ignore[bad-argument-type]
        task=NextToken(vocabulary),
        folder=folder,
        data=json.dumps(about),
        stop=stop,
        watch=watch,
    )
    return TextRun(LanguageModel(net, vocabulary, dict(run.facts.notes)), run, passes)


def resume_text(
    folder: str | Path,
    text: str,
    *,
    validation: str = "",
    stop: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> TextRun:
    """Go on with a training of `train_text` where its folder says it stands.

    Args:
        folder: of `train_text`.
        text, validation: the same as then; that is checked.
        stop, watch: as in `train_text`.

    Raises:
        FileError: no training of a language model is kept there.
        ParameterError: the texts are not those of then.
    """
    state = read_state(Path(folder))
    units = {task: unit for unit, task in TASKS.items()}
    if state.task not in units:
        raise ParameterError(
            f"{folder}: was trained for {state.task!r}, which is no language model: use faltung resume"
        )
    vocabulary = Vocabulary(units[state.task], tuple(state.facts["classes"]))
    about = json.loads(state.data)
    for name, given, key in (("text", text, "sha256"), ("validation", validation, "validation")):
        if _checksum(given) != about[key]:
            raise ParameterError(f"{folder}: the {name} is not the one it began with: give that of then")
    config = Config.from_json(state.config)
    tokens_L = vocabulary.encode(text).tokens
    parts = _examples(tokens_L, validation, vocabulary, about["window"], about["passes"], config.seed)
    run = resume(
        folder,
        parts[0],  # pyrefly: ignore[bad-argument-type]
        validation=parts[1],  # pyrefly: ignore[bad-argument-type]
        task=NextToken(vocabulary),
        stop=stop,
        watch=watch,
    )
    assert isinstance(run.model, GatedConvNet)
    return TextRun(LanguageModel(run.model, vocabulary, dict(run.facts.notes)), run, about["passes"])


def new_net(
    vocabulary: Vocabulary,
    *,
    seed: int = 0,
    channels: int = 160,
    kernel_size: int = 3,
    dilations: Sequence[int] = (1, 2, 4, 8, 16, 1, 2),
    bottleneck: int = 0,
    gate: Gate = "glu",
    dropout: float = 0.0,
) -> GatedConvNet:
    """An untrained network for a vocabulary; its first weights come from the seed alone.

    For many words the softmax has cutoffs. Options are those of `GatedConvNet`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer("seed", seed, least=0))
        return GatedConvNet(
            symbols=len(vocabulary),
            channels=channels,
            kernel_size=kernel_size,
            dilations=dilations,
            bottleneck=bottleneck,
            gate=gate,
            dropout=dropout,
            cutoffs=[cut for cut in CUTOFFS if 2 * cut < len(vocabulary)],
        )


def measure_speed(
    net: GatedConvNet, tokens_L: Array, vocabulary: Vocabulary, *, window: int = WINDOW, config: Config = RECIPE
) -> float:
    """Symbols a second in training, of a few steps of a copy of the network; a step that was held up does not count."""
    tried = Windows(tokens_L, vocabulary, window=window, count=TRIED_STEPS * config.batch_size)
    begun: list[float] = []
    # asked before every step
    train(
        deepcopy(net),
        tried,  # pyrefly: ignore[bad-argument-type]
        config=replace(config, epochs=1, validation=0.0),
        task=NextToken(vocabulary),
        stop=lambda: begun.append(time.perf_counter()) is not None,
    )
    # the first steps of a process are slower, and a long training meets more pauses than a short one
    return config.batch_size * window / float(np.quantile(np.diff(begun)[2:], 0.75))


def _examples(
    tokens_L: Array, validation: str, vocabulary: Vocabulary, window: int, passes: float, seed: int
) -> tuple[Windows, Windows | None]:
    """Windows to train with, those of one epoch; and windows of the validation text, if there is one."""
    count = max(1, round(len(tokens_L) * passes / math.ceil(passes) / window))
    training = Windows(tokens_L, vocabulary, window=window, count=count, seed=seed)
    if not validation:
        return training, None
    held_out = vocabulary.encode(validation, unknown="skip").tokens
    if len(held_out) < 2:
        raise ShapeError(
            f"the validation text has {len(held_out)} symbols that the vocabulary knows: two or more are needed; "
            "give a longer one, or one in the same script"
        )
    # of a short text one window, so that it scores all of it
    return training, Windows(held_out, vocabulary, window=min(2 * window, len(held_out) - 1))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
