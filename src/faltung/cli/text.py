"""`faltung text`: train a language model on a text, go on with a text, say how likely one is."""

import contextlib
import math
import signal
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import FileError, ParameterError
from . import CANCELLED
from .options import AsJson, parse_integers
from .screen import aside, print_facts, print_json, print_table, progress_lines, width

if TYPE_CHECKING:
    from ..spec import Array
    from ..text import LanguageModel, Score, TextRun
    from ..training.state import Epoch

HELP = """Train a language model on a text, go on with a text, say how likely one is.

The network is a gated ConvNet, trained on one's own text in minutes, without a graphics card.

\b
Examples:
  faltung text train diary.txt -o diary.safetensors
  faltung text sample diary.safetensors --prompt "Today "
  faltung text score diary.safetensors letter.txt
"""
text = typer.Typer(help=HELP, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})

SHAKESPEARE = "shakespeare"
HELD_OUT = 0.05
"""Share of a file that is held out for scores, where no other text is given: its end, from the start of a line."""
LOGGED_S = 15
"""Between lines on where a training stands, where they are not overwritten."""
BARS = "▁▂▃▄▅▆▇█"
"""What a character cost: up to 1 nat, up to 2, and so on; the last is for all above 7."""


class Unit(StrEnum):
    """What a symbol is."""

    characters = "characters"
    bytes = "bytes"
    words = "words"


class Gate(StrEnum):
    """How a block decides what it lets through."""

    glu = "glu"
    gtu = "gtu"
    bilinear = "bilinear"
    relu = "relu"
    tanh = "tanh"


class Unknown(StrEnum):
    """What is done about characters that the model has not."""

    error = "error"
    skip = "skip"


Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A .safetensors file that text train wrote.")]
Encoding = Annotated[
    str, typer.Option(metavar="NAME", help="Of the text files, such as utf-8, latin-1, cp1252, utf-16.")
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Which random numbers; the same give the same result.")]


@text.command("train", short_help="Train a language model on a text.")
def train(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|shakespeare", help="A text, or the installed plays.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the model goes: .safetensors.")
    ] = Path("text.safetensors"),
    validation: Annotated[
        Path | None,
        typer.Option("--validation", metavar="FILE", help="A text to score with; else the last 20th is held out."),
    ] = None,
    encoding: Encoding = "utf-8",
    unit: Annotated[Unit, typer.Option(help="What a symbol is.")] = Unit.characters,
    minutes: Annotated[
        float, typer.Option(min=0, metavar="T", help="Train for about so long; 0: as --passes says.")
    ] = 5.0,
    passes: Annotated[
        float, typer.Option(min=0, metavar="X", help="How often the text is seen; in place of --minutes.")
    ] = 0.0,
    channels: Annotated[int, typer.Option(min=1, metavar="N", help="Channels of the residual path.")] = 160,
    bottleneck: Annotated[int, typer.Option(min=0, metavar="N", help="Channels inside a block; 0: all.")] = 0,
    kernel: Annotated[int, typer.Option("--kernel-size", min=1, metavar="N", help="Places a block sees.")] = 3,
    dilations: Annotated[str, typer.Option(metavar="I,J,..", help="Of each block, one after the other.")] = (
        "1,2,4,8,16,1,2"
    ),
    gate: Annotated[Gate, typer.Option(help="What lets values through.")] = Gate.glu,
    dropout: Annotated[float, typer.Option(min=0, metavar="P", help="Share of a block that training deletes.")] = 0.0,
    least: Annotated[int, typer.Option(min=1, metavar="N", help="Words seen less often are unknown.")] = 3,
    window: Annotated[int, typer.Option(min=1, metavar="N", help="Symbols of one example.")] = 256,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Examples of one step.")] = 4,
    rate: Annotated[float, typer.Option(metavar="R", help="The largest learning rate.")] = 5e-3,
    seed: Seed = 0,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the state of the training here, to resume it.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Go on where this folder stands; FILE as then, options of then."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a gated ConvNet to foretell a text, symbol by symbol, and write it to one file.

    Ctrl+C ends the training and keeps the best model so far; with --folder it can be resumed.

    \b
    Examples:
      faltung text train shakespeare --minutes 5 -o plays.safetensors
      faltung text train diary.txt --unit bytes --passes 3 --folder run
      faltung text train diary.txt --resume run
    """
    if output.suffix != ".safetensors":
        raise ParameterError(f"-o {output}: a model is written; its name ends in .safetensors")
    if not output.parent.is_dir():
        raise FileError(f"-o {output}: there is no folder {output.parent}")
    if resume is not None:
        _check_kept(context)
    elif not minutes and not passes:
        raise ParameterError("--minutes 0 --passes 0: train for no time at all; give one of the two")
    learned, held_out = _texts(source, validation, encoding)
    steps = parse_integers(dilations, "--dilations")
    # without torch, the first says how to install it
    from ..text import Vocabulary, resume_text, train_text
    from ..text.training import RECIPE, new_net

    with progress_lines("train") as say, _interruptible() as stop:
        watch = _telling(say)
        if resume is not None:
            done = resume_text(resume, learned, validation=held_out, stop=stop, watch=watch)
        else:
            vocabulary = Vocabulary.of(learned, unit=unit.value, least=least)
            net = new_net(
                vocabulary,
                seed=seed,
                channels=channels,
                kernel_size=kernel,
                dilations=steps,
                bottleneck=bottleneck,
                gate=gate.value,
                dropout=dropout,
            )
            config = replace(RECIPE, batch_size=batch, learning_rate=rate, seed=seed)
            done = train_text(
                learned,
                validation=held_out,
                vocabulary=vocabulary,
                net=net,
                config=config,
                window=window,
                # not looked at where there are minutes
                passes=passes or 1.0,
                minutes=0.0 if passes else minutes,
                folder=folder,
                stop=stop,
                watch=watch,
            )
    done.model.save(output)
    found = done.model.score(held_out, unknown="skip") if held_out else None
    _print_run(done, found, output, as_json)
    if done.run.stopped == "cancelled":
        raise typer.Exit(CANCELLED)


@text.command("sample", short_help="Go on with a text.")
def sample(
    model: Model,
    prompt: Annotated[str, typer.Option(help=r"What the text begins with; \n is a line's end.")] = r"\n",
    length: Annotated[int, typer.Option(min=0, metavar="N", help="Symbols to draw.")] = 500,
    temperature: Annotated[
        float, typer.Option(metavar="T", help="Below 1 the likely gets likelier; 0 always takes the likeliest.")
    ] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, metavar="K", help="Draw from the K likeliest only; 0: from all.")] = 0,
    top_p: Annotated[
        float, typer.Option(metavar="P", help="Draw from the fewest symbols that make up this probability.")
    ] = 1.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Go on with a prompt, symbol by symbol.

    \b
    Examples:
      faltung text sample plays.safetensors --prompt "HAMLET." --temperature 0.8
      faltung text sample plays.safetensors --length 2000 --top-p 0.9 --seed 7
    """
    language_model = _load(model)
    prompt = prompt.replace("\\n", "\n")
    options = (length, temperature, top_k, top_p, seed)
    unknown = language_model.vocabulary.encode(prompt, unknown="skip").unknown
    if as_json:
        written = "".join(language_model.generate(prompt, *options))
        facts = {"model": model, "prompt": prompt, "text": written, "seed": seed, "temperature": temperature}
        print_json(facts | {"unknown": unknown})
        return
    pieces = language_model.generate(prompt, *options)
    # the first piece says what is wrong, before anything is printed
    first = next(pieces, "")
    if unknown:
        aside(f"the model does not know {', '.join(map(repr, unknown))}: read as one symbol for all such words")
    print(prompt + first, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


@text.command("score", short_help="Say how likely a text is.")
def score(
    model: Model,
    source: Annotated[str, typer.Argument(metavar="FILE|shakespeare", help="A text; of the plays, the test works.")],
    lines: Annotated[int, typer.Option(min=0, metavar="N", help="Show the N least likely lines.")] = 3,
    words: Annotated[int, typer.Option(min=0, metavar="N", help="Show the N least likely words.")] = 5,
    encoding: Encoding = "utf-8",
    unknown: Annotated[Unknown, typer.Option(help="What is done about characters the model has not.")] = Unknown.error,
    as_json: AsJson = False,
) -> None:
    """Score a text: nats and bits for each symbol and character, perplexity, and where it was least expected.

    Each symbol is foretold from all that stand before it; the first is given. Less is better, but for the same text
    only: figures of other texts, or of a share of one, are another test.

    A word costs what its characters cost together, with the space before it, on average over its places. Under each of
    the least likely lines stands what its characters cost, from a low bar, up to 1 nat, to a high one, above 7.

    \b
    Examples:
      faltung text score plays.safetensors sonnet.txt --lines 5
      faltung text score plays.safetensors shakespeare --json
    """
    language_model = _load(model)
    if source == SHAKESPEARE:
        from ..data import shakespeare

        scored = shakespeare("test")
    else:
        from ..text import read_text

        scored = read_text(source, encoding=encoding)
    found = language_model.score(scored, unknown=unknown.value)
    scored_lines = [line for line in found.lines if line.num_tokens]
    worst = sorted(scored_lines, key=lambda line: -line.nats_per_token)[:lines]
    if as_json:
        facts = {"model": model, "text": source, **_score_facts(found)}
        facts["words"] = [
            {"text": word.text, "count": word.count, "nats": word.nats, "line": word.line}
            for word in found.words[:words]
        ]
        facts["lines"] = [
            {"number": line.number, "nats_per_token": line.nats_per_token, "text": line.text, "tokens": line.num_tokens}
            for line in worst
        ]
        print_json(facts)
        return
    unit = language_model.vocabulary.unit
    print_facts([("text", source), *_score_rows(found, unit)])
    if dear := found.words[:words]:
        print()
        rows = [(f"{word.nats:.1f}", f"{word.count}", f"{word.line}", word.text) for word in dear]
        print_table(("nats", "times", "in line", "least likely words"), rows, right=(0, 1, 2))
    if worst:
        print()
        print(f"least likely lines, in nats a {unit.removesuffix('s')}")
    for line in worst:
        print(f"line {line.number}: {line.nats_per_token:.2f}")
        for row in surprise(line.text, line.costs, width() - 2):
            print(f"  {row}")


def surprise(text: str, costs: "Array", room: int) -> tuple[str, str]:
    """A line and what its characters cost, as bars under them; of a long line the part that costs most.

    Args:
        costs: nats of each character; NaN is left blank.
        room: columns that there are.

    Example:
        >>> import numpy as np
        >>> for row in surprise("to be, ze", np.array([np.nan, 2.4, 1.2, 2.2, 0.4, 3.0, 0.6, 9.0, 4.0]), 8):
        ...     print(row)
        …be, ze
         ▃▁▄▁█▅
    """
    import numpy as np
    from rich.cells import cell_len

    text = "".join(sign if sign.isprintable() or unicodedata.category(sign) == "Cf" else " " for sign in text)
    costs = np.nan_to_num(costs[: len(text)], nan=-1.0)
    ends = np.cumsum([cell_len(sign) for sign in text])
    start, stop = 0, len(text)
    if stop and ends[-1] > room:
        sums = np.append(0.0, np.cumsum(costs))
        before = np.append(0, ends)
        # room for the two signs of what is left out
        stops = np.searchsorted(before, before + room - 2, side="right") - 1
        start = int(np.argmax(sums[stops] - sums[: len(stops)]))
        stop = int(stops[start])
    shown, bars = "", ""
    for sign, cost in zip(text[start:stop], costs[start:stop].tolist(), strict=True):
        shown += sign
        bars += (BARS[min(int(cost), 7)] if cost >= 0 else " ") * cell_len(sign)
    left, right = "…" * (start > 0), "…" * (stop < len(text))
    return left + shown + right, (" " * len(left) + bars).rstrip()


def _check_kept(context: typer.Context) -> None:
    """Refuse options that a training has from its beginning, which would be passed over without a word."""
    free = ("source", "output", "validation", "encoding", "resume", "as_json")
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name not in free and source is not None and source.name == "COMMANDLINE":
            raise ParameterError(
                f"{option.opts[0]} with --resume: a training goes on with the options it began with; leave it out, or "
                "begin another one"
            )


def _texts(source: str, validation: Path | None, encoding: str) -> tuple[str, str]:
    """What is learned from, and what is held out."""
    from ..text import read_text

    held_out = "" if validation is None else read_text(validation, encoding=encoding)
    if source == SHAKESPEARE:
        from ..data import shakespeare

        return shakespeare("train"), held_out or shakespeare("valid")
    learned = read_text(source, encoding=encoding)
    if held_out:
        return learned, held_out
    # the start of a line, if one begins near; a text too short to be cut is refused where windows are made
    cut = math.ceil(len(learned) * (1 - HELD_OUT))
    cut = learned.rfind("\n", cut // 2, cut) + 1 or cut
    return learned[:cut], learned[cut:]


def _load(path: Path) -> "LanguageModel":
    from ..text import LanguageModel

    return LanguageModel.load(path)


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Inside, Ctrl+C is kept for whoever asks; the second one is as always."""
    wanted = False

    def note(number: int, frame: Any) -> None:
        nonlocal wanted
        if wanted:
            raise KeyboardInterrupt
        wanted = True

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:
        # handlers belong to the main thread
        yield lambda: False
        return
    try:
        yield lambda: wanted
    finally:
        signal.signal(signal.SIGINT, before)


def _telling(say: Callable[[str], None]) -> "Callable[[Epoch | str], None]":
    """Each epoch and where it stands, as a line; where lines stay, in a log, where it stands is said now and then."""
    told = time.monotonic()

    def watch(news: "Epoch | str") -> None:
        nonlocal told
        if not isinstance(news, str):
            scores = f", {news.scores['nats']:.3f} held out" if news.scores else ""
            say(f"epoch {news.number}: {news.loss:.3f} nats{scores}, {news.seconds:.0f} s")
        elif sys.stderr.isatty() or time.monotonic() - told >= LOGGED_S:
            told = time.monotonic()
            say(news)

    return watch


def _print_run(done: "TextRun", found: "Score | None", output: Path, as_json: bool) -> None:
    net, vocabulary = done.model.net, done.model.vocabulary
    size = sum(weights.numel() for weights in net.parameters())
    if as_json:
        print_json(
            {
                "model": output,
                "stopped": done.run.stopped,
                "unit": vocabulary.unit,
                "symbols": len(vocabulary),
                "parameters": size,
                "passes": done.passes,
                "epochs": [{"loss": epoch.loss, "seconds": epoch.seconds} for epoch in done.run.history],
                "held_out": None if found is None else _score_facts(found),
            }
        )
        return
    rows = [
        ("network", f"{size:,} parameters, {len(net.blocks)} blocks, sees {net.num_seen} symbols"),
        ("symbols", f"{len(vocabulary):,} {vocabulary.unit}"),
        ("trained", f"{done.passes:.2f} passes, {sum(epoch.seconds for epoch in done.run.history):.0f} s"),
    ]
    if found is not None:
        rows += [(f"held out: {name}", value) for name, value in _score_rows(found, vocabulary.unit)]
    print_facts([*rows, ("wrote", str(output))])


def _score_rows(found: "Score", unit: str) -> list[tuple[str, str]]:
    from ..text.vocabulary import unknown_words

    rows = [
        ("scored", f"{found.num_tokens:,} {unit}"),
        ("nats", f"{found.nats_per_token:.4f} each; {found.nats_per_character:.4f} a character"),
        ("bits", f"{found.bits_per_character:.4f} a character"),
        ("perplexity", f"{found.perplexity:.2f}"),
    ]
    if found.unknown:
        done = "scored as one symbol, so figures are too good" if unit == "words" else "left out"
        total = found.num_tokens + 1 + (0 if unit == "words" else sum(found.unknown.values()))
        rows.append(("unknown", f"{unknown_words(found.unknown, total)}; {done}"))
    return rows


def _score_facts(found: "Score") -> dict[str, Any]:
    return {
        "tokens": found.num_tokens,
        "characters": found.num_characters,
        "nats_per_token": found.nats_per_token,
        "nats_per_character": found.nats_per_character,
        "bits_per_character": found.bits_per_character,
        "perplexity": found.perplexity,
        "unknown": found.unknown,
    }
