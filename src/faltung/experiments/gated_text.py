"""Item 26: a text foretold by gated convolutions: what it costs, how far back they look, when the gates are open."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..spec import Array
from . import drawing
from .classifiers import seeded
from .drawing import Panel
from .experiment import Experiment, Golden, Listing, Parameters, Table, choice, whole, words


@dataclass(frozen=True)
class GatedText(Parameters):
    """A small net that learns to foretell the next character of Shakespeare's plays."""

    characters: int = whole(120_000, 50_000, 4_000_000, "characters to learn from, of 4.4 million")
    passes: int = whole(3, 1, 50, "how often each is seen")
    channels: int = whole(48, 8, 256, "channels of each of the three blocks")
    gate: str = choice("glu", ("glu", "gtu"), "A · sigmoid(B), or tanh(A) · sigmoid(B)")
    prompt: str = words("ROMEO.", "the line that the sample goes on from")
    seed: int = whole(0, 0, 9999, "which first weights, order and lots")


@dataclass(frozen=True)
class Foretold:
    """Losses in nats a character; gates from 0 (closed) to 1 (open), one row for each block."""

    unigram: float
    losses: Array
    lengths: Array
    by_length: Array
    nats: float
    num_seen: int
    field: int
    parameters: int
    strip: Array
    symbols: list[str]
    opened: Array
    step_error: float
    line: str
    sample: str


def compute(p: GatedText) -> Foretold:
    """Train, look into the gates, shorten what is seen, go on with the prompt."""
    import torch

    from faltung import networks, text
    from faltung.data import shakespeare
    from faltung.training import Config

    plays = shakespeare("train")
    learned, held_out = plays[: p.characters], plays[p.characters :][:20_000]
    vocabulary = text.Vocabulary.of(learned)
    gate: Any = p.gate
    net = text.new_net(vocabulary, channels=p.channels, kernel_size=4, dilations=(1, 2, 4), gate=gate, seed=p.seed)
    config = Config(batch_size=32, learning_rate=1e-2, warm_up=0.1, clip=1.0, seed=p.seed, threads=1)
    done = text.train_text(
        learned, validation=held_out, vocabulary=vocabulary, net=net, config=config, window=64, passes=p.passes
    )
    line = "HAMLET.\nTo be, or not to be, that is the question:\n"
    epochs = [(epoch.loss, epoch.scores["nats"]) for epoch in done.run.history]
    tokens = torch.from_numpy(vocabulary.encode(held_out, unknown="skip").tokens)
    with seeded(p.seed), torch.no_grad():
        # what each character costs if nothing stands before it
        counts = np.bincount(vocabulary.encode(learned).tokens, minlength=len(vocabulary)) + 1.0
        unigram = -np.log(counts / counts.sum())[tokens.numpy()].mean()

        # the same places again and again, with more and more before them
        places = torch.linspace(100, len(tokens) - 2, 2_000).long()
        lengths = np.array([1, 2, 3, 4, 6, 9, 13, 17, net.num_seen, net.num_seen + 10])
        costs = []
        for length in lengths.tolist():
            seen = tokens[places[:, None] + torch.arange(1 - length, 1)]
            p_next = net(seen)[..., -1].log_softmax(1)
            costs.append(-float(p_next.gather(1, tokens[places + 1, None]).mean()))
        nats = text.token_nats(net, tokens)[places.numpy()].mean()
        (reached,) = networks.receptive_field(net.blocks, (1, p.channels, 60))

        # the gates: sigmoid(B), the mean over channels, at every place of the text
        gates = []
        for block in net.blocks:
            block.gated.conv.register_forward_hook(
                lambda _, __, y: gates.append(y.chunk(2, 1)[1].sigmoid().mean((0, 1)).numpy())
            )
        shown = torch.from_numpy(vocabulary.encode(line).tokens)
        net(shown[None])
        strip = np.stack(gates)
        gates.clear()
        net(tokens[None])
        by_place = np.stack(gates)

        # one character at a time, and all at once
        stream = net.stream()
        steps = torch.stack([stream.step(token) for token in shown[:, None]], -1)
        step_error = float((steps - net(shown[None])).abs().max())
        sample = done.model.sample(p.prompt + "\n", length=300, temperature=0.7, seed=p.seed)

    # gates by the character that has just come, of those that come at least 20 times
    found = [i for i in range(len(vocabulary)) if (tokens == i).sum() >= 20]
    opened = np.stack([by_place[:, (tokens == i).numpy()].mean(1) for i in found], 1)
    symbols = [vocabulary.symbols[i] for i in found]
    parameters = sum(weights.numel() for weights in net.parameters())
    unigram, nats, num_seen = float(unigram), float(nats), net.num_seen
    losses, by_length, field = np.array(epochs), np.array(costs), reached.length
    return Foretold(
        unigram, losses, lengths, by_length, nats, num_seen, field, parameters, strip, symbols, opened, step_error,
        line, sample,
    )  # fmt: skip


def check(p: GatedText, r: Foretold) -> tuple[Golden, ...]:
    """What must hold for any weights, and what training came to in the default case."""
    seen = int(np.flatnonzero(r.lengths == r.num_seen)[0])
    reached = [
        Golden("characters a place sees: 1 + (4 − 1)(1 + 2 + 4)", 22, r.num_seen),
        Golden("the same by the calculator of receptive fields", 22, r.field),
        Golden("one character at a time gives what one pass gives", 0.0, r.step_error, 1e-4),
        Golden("22 characters before a place are as good as all", r.nats, float(r.by_length[seen]), 1e-4),
        Golden("and ten more change nothing", float(r.by_length[seen]), float(r.by_length[seen + 1]), 1e-4),
    ]
    if p == GatedText():
        reached += [
            Golden("better than counting characters by 1 nat", "yes", _yes(r.unigram - r.losses[-1, 1] > 1)),
            Golden("each of 2, 3 and 4 characters seen helps", "yes", _yes((np.diff(r.by_length[:4]) < 0).all())),
        ]
    return tuple(reached)


def draw(p: GatedText, r: Foretold) -> tuple[Panel | Table | Listing, ...]:
    """Loss over passes, loss over what is seen, gates along a line, the characters that open and close them."""
    ink = drawing.COLOURS["ink"][0]
    figure, axes = drawing.sheet("normal", height=270)
    passes = np.arange(1, len(r.losses) + 1)
    drawing.line(axes, passes, r.losses[:, 0], "input", "text learned from", marker="o")
    drawing.line(axes, passes, r.losses[:, 1], "output", "the pages that follow", marker="s")
    axes.xaxis.get_major_locator().set_params(integer=True)
    drawing.label(axes, "Learning", "pass", "nats a character", legend=True)
    loss = Panel(
        figure,
        f"Nats a character after each pass: {', '.join(f'{nats:.2f}' for nats in r.losses[:, 1])} on the pages that "
        f"follow; counting characters alone gives {r.unigram:.2f}.",
        f"{r.parameters:,} numbers, learned from {p.characters:,} characters, scored on the next 20,000. "
        f"Counting how often each character comes, and no more, costs {r.unigram:.2f}.",
        "normal",
    )
    figure, axes = drawing.sheet("normal", height=270)
    drawing.line(axes, r.lengths, r.by_length, "output", marker="s")
    axes.axvline(r.num_seen, color=drawing.COLOURS["muted"][0], linewidth=1, linestyle=(0, (4, 3)))
    axes.text(r.num_seen - 0.4, r.by_length[0], "all it can see", ha="right", va="top", color=ink)
    drawing.label(axes, "What a look back is worth", "characters seen", "nats a character")
    context = Panel(
        figure,
        "Nats a character if only the last n are seen: "
        + ", ".join(f"{n}: {nats:.2f}" for n, nats in zip(r.lengths, r.by_length, strict=True))
        + ".",
        f"The same net, 2,000 places, less and less before each. From {r.num_seen} on the line is level: "
        "no convolution reaches further.",
        "normal",
    )
    figure, axes = drawing.sheet("wide", height=190)
    drawing.magnitude(axes, r.strip, "Gates along a line", "mean gate")
    axes.set_aspect("auto")
    names = [_sign(symbol) for symbol in r.line]
    for place, name in enumerate(names):
        axes.text(place, len(r.strip) - 0.35, name, ha="center", va="top", family="monospace", color=ink)
    for row in range(len(r.strip)):
        axes.text(-0.8, row, f"block {row + 1}", ha="right", va="center", color=ink)
    strip = Panel(
        figure,
        f"How far the gates of the {len(r.strip)} blocks are open at each character of a line.",
        "Each column is the moment after its character has come; bright gates let their block speak, dark ones pass on "
        "what was known before it. ⏎ is the line's end, ␣ a space.",
        "wide",
    )
    last = r.opened[-1]
    order = np.argsort(last)
    rows = tuple((_sign(r.symbols[i]), *(f"{gate:.2f}" for gate in r.opened[:, i])) for i in [*order[:5], *order[-5:]])
    headings = ("character", *(f"block {row + 1}" for row in range(len(r.opened))))
    table = Table("The five characters after which the last gate is least open, and the five most.", headings, rows)
    sample = Listing(f"Going on from {p.prompt!r}, temperature 0.7.", p.prompt + "\n" + r.sample)
    return loss, context, strip, table, sample


def _sign(symbol: str) -> str:
    return {"\n": "⏎", " ": "␣"}.get(symbol, symbol)


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


EXPERIMENT = Experiment(
    slug="gated-text",
    items=(26,),
    title="Gated convolutions foretell a text",
    goal="Train a small net on plays, character by character; see how far it looks back, and when its gates open.",
    formula="h ← h + E (A · σ(B)),   A = x ∗ W + b,   B = x ∗ V + c;   the next character: softmax(U h)",
    idea="A causal convolution sees the present and the past. Three of them, one upon the other, with taps 1, 2 and 4 "
    "apart, see 22 characters. Each is computed twice: A says what, and B, squeezed to 0 … 1, how much of it is let "
    "through. Where a gate is closed, what came before passes on untouched, since every block only adds.\n\n"
    "All places of a text are learned at once: no state has to be carried from one to the next, as a recurrent net "
    "must. When the net writes, it keeps the last few samples of each block in a ring, so a character costs the same "
    "however long the text is.",
    parameters=GatedText,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take 50 passes over 50,000 characters: the text learned from gets cheap, what follows it does not.",
        "Take the other gate, gtu: tanh lets no more than 1 through, whatever A says.",
        "Take another prompt, such as a king's name in capitals, and another seed.",
    ),
    surprise="Most of what it knows is in the last six characters: they bring more than all that stands before them.",
)
