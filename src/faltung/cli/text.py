"""`faltung text`: train a language model on a text, go on with a text, say how likely one is."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import FileError, ParameterError
from . import CANCELLED
from .options import AsJson, parse_integers
from .screen import print_facts, print_json, print_table, progress_lines

if TYPE_CHECKING:
    from ..text import LanguageModel, Score, TextRun
    from ..training.state import Epoch

text = typer.Typer(help=__doc__, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})

SHAKESPEARE = "shakespeare"
HELD_OUT = 0.05
"""Share of a file that is held out for scores, where no other text is given: its end, from the start of a line."""


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
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Which random numbers; the same give the same result.")]


@text.command("train", short_help="Train a language model on a text.")
def train(
    source: Annotated[str, typer.Argument(metavar="FILE|shakespeare", help="A text in UTF-8, or the installed plays.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the model goes: .safetensors.")
    ] = Path("text.safetensors"),
    validation: Annotated[
        Path | None,
        typer.Option("--validation", metavar="FILE", help="A text to score with; else the last 20th is held out."),
    ] = None,
    unit: Annotated[Unit, typer.Option(help="What a symbol is.")] = Unit.characters,
    minutes: Annotated[
        float, typer.Option(min=0, metavar="T", help="Train for about so long; 0: as --passes says.")
    ] = 5.0,
    passes: Annotated[
        float, typer.Option(min=0, metavar="X", help="How often the text is seen; in place of --minutes.")
    ] = 0.0,
    channels: Annotated[int, typer.Option(min=1, metavar="N", help="Channels of the residual path.")] = 192,
    bottleneck: Annotated[int, typer.Option(min=0, metavar="N", help="Channels inside a block; 0: all.")] = 0,
    kernel: Annotated[int, typer.Option("--kernel-size", min=1, metavar="N", help="Places a block sees.")] = 4,
    dilations: Annotated[str, typer.Option(metavar="I,J,..", help="Of each block, one after the other.")] = (
        "1,2,4,1,2,4"
    ),
    gate: Annotated[Gate, typer.Option(help="What lets values through.")] = Gate.glu,
    dropout: Annotated[float, typer.Option(min=0, metavar="P", help="Share of a block that training deletes.")] = 0.0,
    least: Annotated[int, typer.Option(min=1, metavar="N", help="Words seen less often are unknown.")] = 3,
    window: Annotated[int, typer.Option(min=1, metavar="N", help="Symbols of one example.")] = 256,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Examples of one step.")] = 8,
    rate: Annotated[float, typer.Option(metavar="R", help="The largest learning rate.")] = 3e-3,
    seed: Seed = 0,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the state of the training here, to resume it.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Go on where this folder stands; FILE as then.")
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
    learned, held_out = _texts(source, validation)
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
    if as_json:
        written = "".join(language_model.generate(prompt, *options))
        print_json({"model": model, "prompt": prompt, "text": written, "seed": seed, "temperature": temperature})
        return
    pieces = language_model.generate(prompt, *options)
    # the first piece says what is wrong, before anything is printed
    print(prompt + next(pieces, ""), end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


@text.command("score", short_help="Say how likely a text is.")
def score(
    model: Model,
    source: Annotated[str, typer.Argument(metavar="FILE|shakespeare", help="A text in UTF-8; of the plays, the test.")],
    lines: Annotated[int, typer.Option(min=0, metavar="N", help="Show the N least likely lines.")] = 0,
    unknown: Annotated[Unknown, typer.Option(help="What is done about characters the model has not.")] = Unknown.error,
    as_json: AsJson = False,
) -> None:
    """Score a text: nats and bits for each symbol and character, perplexity, the least likely lines.

    Each symbol is foretold from all that stand before it; the first is given. Less is better, but for the same text
    only: figures of other texts, or of a share of one, are another test.

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

        scored = read_text(source)
    found = language_model.score(scored, unknown=unknown.value)
    worst = sorted((line for line in found.lines if line.num_tokens), key=lambda line: -line.nats_per_token)[:lines]
    if as_json:
        shown = [
            {"number": line.number, "nats_per_token": line.nats_per_token, "text": line.text, "tokens": line.num_tokens}
            for line in worst
        ]
        print_json({"model": model, "text": source, **_score_facts(found), "lines": shown})
        return
    print_facts([("text", source), *_score_rows(found, language_model.vocabulary.unit)])
    if worst:
        print()
        rows = [(f"{line.number}", f"{line.nats_per_token:.2f}", line.text) for line in worst]
        print_table(("line", "nats a symbol", "text"), rows, right=(0, 1))


def _texts(source: str, validation: Path | None) -> tuple[str, str]:
    """What is learned from, and what is held out."""
    from ..text import read_text

    held_out = "" if validation is None else read_text(validation)
    if source == SHAKESPEARE:
        from ..data import shakespeare

        return shakespeare("train"), held_out or shakespeare("valid")
    learned = read_text(source)
    if held_out:
        return learned, held_out
    # the start of a line, if one begins near; a text too short to be cut is refused where windows are made
    cut = int(len(learned) * (1 - HELD_OUT))
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
    """Each epoch and where it stands, as a line."""

    def watch(news: "Epoch | str") -> None:
        if isinstance(news, str):
            say(news)
            return
        scores = f", {news.scores['nats']:.3f} held out" if news.scores else ""
        say(f"epoch {news.number}: {news.loss:.3f} nats{scores}, {news.seconds:.0f} s")

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
