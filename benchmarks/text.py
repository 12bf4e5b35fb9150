"""Language models on Shakespeare's plays: python -m benchmarks.text. An hour on two cores, and no other work.

Whole works are held out (`faltung.data.shakespeare`): the recipe was chosen by the validation works, the test works are
only scored. The main run is `faltung text train shakespeare` at its defaults, five minutes. The gates and the LSTM are
compared in short runs: gates with equal numbers of parameters (the widths of the plain ones are larger) and of
characters seen, GTU once more as long as the main run; the LSTM with equal parameters and equal time, at the best of
four learning rates on seed 0, by the validation works. Every row is saved as soon as it is there; --resume goes on from
there, on another number of threads too, since gates are compared at equal characters and not at equal time. --rows
takes groups of rows or single ones: --rows main "gate gtu 2". The recipe was looked for in runs of 200 processor
seconds (one thread, AMD EPYC znver4), nats of parts of the validation works: 192 channels, kernels of 4, dilations 1 2
4 1 2 4, batches of 8, rate 0.003 gave 1.638; dilations up to 16 1.632, with batches of 4 1.618, with 144 channels
1.603, with seven blocks of kernels of 3 and rate 0.004 to 0.006 1.584 to 1.581; nine blocks of 128 1.593; ten of
kernels of 2 1.625. Normalised channels, bottlenecks and depthwise convolutions gained nothing.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from faltung.data import shakespeare
from faltung.networks import GatedConvNet
from faltung.text import LanguageModel, Vocabulary, new_net, train_text
from faltung.text.training import RECIPE

from . import record
from .record import spread

MINUTES = 5.0
GATE_PASSES = 0.35
"""Of the training works, for each gate: about two minutes on one core."""
LONG_PASSES = 1.45
"""As often as the main run saw the text in its five minutes."""
GROUPS = ("main", "gates", "long", "lstm")
GATES = ("glu", "gtu", "bilinear", "relu", "tanh")
SEEDS = (1, 2, 3)
LSTM_MINUTES = 1.25
LSTM_RATES = (1e-3, 3e-3, 1e-2, 2e-2)
GENERATED = 300

PUBLISHED = (
    ("GCNN-8, words, WikiText-103 (Dauphin et al. 2017)", "44.9 perplexity a word"),
    ("GCNN-14, words, WikiText-103 (Dauphin et al. 2017)", "37.2 perplexity a word"),
    ("nanoGPT's README, characters, 1 MB of Shakespeare, about 3 minutes on a laptop's CPU", "1.88 nats a character"),
    ("nanoGPT's README, characters, 1 MB of Shakespeare, about 3 minutes on an A100", "1.4697 nats a character"),
)


class Lstm(nn.Module):
    """What the gated net is compared with: an embedding, one `nn.LSTM` of two layers, a softmax; called alike."""

    def __init__(self, symbols: int, hidden: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.embedding = nn.Embedding(symbols, hidden)
        self.lstm = nn.LSTM(hidden, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, symbols)

    def forward(self, tokens: Tensor) -> Tensor:
        """Nats (N, L) of pairs (N, 2, L)."""
        scores, _ = self.step(tokens[:, 0], None)
        return nn.functional.cross_entropy(scores.transpose(1, 2).float(), tokens[:, 1], reduction="none")

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Scores (N, L, V) and the state behind them."""
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.head(hidden), state


def main() -> None:
    """Read the options, train and measure what is missing, print, save after every row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text", description=__doc__)
    parser.add_argument(
        "--rows", nargs="+", default=list(GROUPS), metavar="ROW", help="main, gates, long, lstm, or names"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="keep what the saved file has and do the rest")
    parser.add_argument("--scale", type=float, default=1.0, help="share of training budgets and texts scored")
    parser.add_argument("--folder", type=Path, help="where files go: results/<version>; at another scale than 1, none")
    options = parser.parse_args()
    known = list(jobs(list(GROUPS), 1.0, {}, Vocabulary.of("ab")))
    if unknown := [row for row in options.rows if row not in (*GROUPS, *known)]:
        parser.error(f"--rows {unknown[0]}: {', '.join(GROUPS)} are allowed, or any of: {'; '.join(known)}")
    torch.set_num_threads(options.threads)
    run = record.facts() | {"scale": options.scale, "rows": []}
    run["libraries"]["torch"] = record.version("torch")
    folder = options.folder or (record.ROOT / "results" / run["version"] if options.scale == 1 else None)
    if options.resume:
        if folder is None or not record.files(run, "text", folder)[0].is_file():
            parser.error(f"--resume: no rows are saved in {folder or 'any folder; give --folder'}")
        saved = json.loads(record.files(run, "text", folder)[0].read_text())
        if saved["scale"] != run["scale"]:
            parser.error(f"--resume: the rows saved have --scale {saved['scale']}, here it is {run['scale']}")
        run["rows"] = saved["rows"]
    parts = {part: shakespeare(part) for part in ("train", "valid", "test")}
    if options.scale < 1:
        for part in ("valid", "test"):
            parts[part] = parts[part][: max(100_000, int(options.scale * len(parts[part])))]
    vocabulary = Vocabulary.of(parts["train"])
    for name, make in jobs(options.rows, options.scale, parts, vocabulary).items():
        if any(row["name"] == name for row in run["rows"]):
            continue
        wall, cpu = time.perf_counter(), time.process_time()
        made = {"name": name, "commit": run["commit"], "date": run["date"], "threads": options.threads}
        row = made | {**make(), "all_wall_s": time.perf_counter() - wall, "all_cpu_s": time.process_time() - cpu}
        run["rows"].append(row)
        print(name, {key: round(value, 4) for key, value in row.items() if isinstance(value, float)}, flush=True)
        run["load_average"]["after"] = record.load_average()
        if folder is not None:
            record.save(run, markdown(run), "text", folder)
    print("\n" + markdown(run))


def jobs(
    wanted: list[str], scale: float, parts: dict[str, str], vocabulary: Vocabulary
) -> dict[str, Callable[[], dict[str, Any]]]:
    """Name of a row -> what makes it, of the groups and rows wanted."""
    groups: dict[str, dict[str, Callable[[], dict[str, Any]]]] = {name: {} for name in GROUPS}
    groups["main"]["main"] = lambda: main_run(MINUTES * scale, parts, vocabulary)
    for seed in SEEDS:
        for gate in GATES:
            groups["gates"][f"gate {gate} {seed}"] = lambda g=gate, s=seed: gate_run(
                g, s, GATE_PASSES * scale, parts, vocabulary
            )
    groups["long"]["long gtu"] = lambda: gate_run("gtu", 0, LONG_PASSES * scale, parts, vocabulary)
    for rate in LSTM_RATES:
        groups["lstm"][f"lstm {rate:g}"] = lambda r=rate: lstm_run(r, LSTM_MINUTES * scale, parts, vocabulary)
    groups["lstm"]["gated as long as the lstm"] = lambda: main_run(LSTM_MINUTES * scale, parts, vocabulary)
    return {
        name: make for group, rows in groups.items() for name, make in rows.items() if group in wanted or name in wanted
    }


def main_run(minutes: float, parts: dict[str, str], vocabulary: Vocabulary) -> dict[str, Any]:
    """The recipe, with the speed of scoring and of generation."""
    net = new_net(vocabulary, seed=0)
    row, model = trained(net, parts, vocabulary, minutes=minutes)
    row |= {"seen": net.num_seen, "sample": model.sample("ROMEO.\n", length=400, temperature=0.8, seed=1)}
    tokens = torch.from_numpy(vocabulary.encode(parts["test"]).tokens)
    # as whoever has no state does it; weight norm is worked out once, not at every step
    with torch.no_grad(), nn.utils.parametrize.cached():
        net(tokens[None, : net.num_seen])
        windows = iter(range(net.num_seen, 10**9))
        row["window_per_s"] = speed(lambda: net(tokens[None, (at := next(windows)) - net.num_seen : at]), 30)
    stream = net.stream()
    stream.feed(tokens[None, : net.num_seen])
    following = iter(tokens[net.num_seen :, None])
    row["step_per_s"] = speed(lambda: stream.step(next(following)), GENERATED)
    row["score_per_s"] = scoring_speed(lambda: model.score(parts["test"][:100_000]))
    return row


def gate_run(gate: Any, seed: int, passes: float, parts: dict[str, str], vocabulary: Vocabulary) -> dict[str, Any]:
    """One gate, with as many parameters as the recipe has."""
    size = num_parameters(new_net(vocabulary))
    # blocks grow with the square of the width
    widths = range(96, 400, 4)
    nets = {width: num_parameters(new_net(vocabulary, gate=gate, channels=width)) for width in widths}
    width = min(widths, key=lambda width: abs(nets[width] - size))
    net = new_net(vocabulary, gate=gate, channels=width, seed=seed)
    # a choice between gates is none of the test's
    row, _ = trained(net, parts, vocabulary, passes=passes, scored=("valid",), seed=seed)
    return row | {"gate": gate, "seed": seed, "channels": width}


def lstm_run(rate: float, minutes: float, parts: dict[str, str], vocabulary: Vocabulary) -> dict[str, Any]:
    """An LSTM with as many parameters, float32 (torch trains none in bfloat16 here)."""
    size = num_parameters(new_net(vocabulary))
    hidden = min(range(64, 1024, 4), key=lambda hidden: abs(16 * hidden**2 + 2 * len(vocabulary) * hidden - size))
    torch.manual_seed(0)
    net = Lstm(len(vocabulary), hidden)
    row, _ = trained(net, parts, vocabulary, minutes=minutes, learning_rate=rate, precision="32-true")
    tokens = torch.from_numpy(vocabulary.encode(parts["test"]).tokens)
    with torch.no_grad():
        _, state = net.step(tokens[None, :50], None)
        at = iter(tokens[50:, None, None])
        row["step_per_s"] = speed(lambda: net.step(next(at), state), GENERATED)
        pair = torch.stack([tokens[:20_000], tokens[1:20_001]])[None]
        row["score_per_s"] = pair.shape[-1] * speed(lambda: net(pair), 1)
    return row | {"rate": rate, "hidden": hidden}


def trained(
    net: Any,
    parts: dict[str, str],
    vocabulary: Vocabulary,
    *,
    minutes: float = 0.0,
    passes: float = 1.0,
    scored: Sequence[str] = ("valid", "test"),
    **changes: Any,
) -> tuple[dict[str, Any], LanguageModel]:
    """Train, and score the works held out with all that stands before each character."""
    wall, cpu = time.perf_counter(), time.process_time()
    config = replace(RECIPE, **changes)
    done = train_text(parts["train"], vocabulary=vocabulary, net=net, config=config, minutes=minutes, passes=passes)
    row = {
        "parameters": num_parameters(net),
        "passes": done.passes,
        "train_wall_s": time.perf_counter() - wall,
        "train_cpu_s": time.process_time() - cpu,
        "train": done.run.history[-1].loss,
    }
    for part in scored:
        row[part] = nats_of(net, done.model, parts[part])
    return row, done.model


def nats_of(net: Any, model: LanguageModel, text: str) -> float:
    """Nats a character, all left context."""
    if isinstance(net, GatedConvNet):
        return model.score(text).nats_per_token
    tokens, state, total = torch.from_numpy(model.vocabulary.encode(text).tokens), None, 0.0
    with torch.no_grad():
        for first in range(0, len(tokens) - 1, 5000):
            following = tokens[first + 1 : first + 5001]
            scores, state = net.step(tokens[None, first : first + len(following)], state)
            total += float(nn.functional.cross_entropy(scores[0], following, reduction="sum"))
    return total / (len(tokens) - 1)


def num_parameters(net: nn.Module) -> int:
    """All numbers that are learned."""
    return sum(weights.numel() for weights in net.parameters())


def speed(call: Callable[[], Any], calls: int) -> float:
    """Calls a second, the median of five."""
    call()
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(calls):
            call()
        seconds.append(time.perf_counter() - begun)
    return calls / statistics.median(seconds)


def scoring_speed(call: Callable[[], Any]) -> float:
    """Characters a second when a text is scored."""
    call()
    begun = time.perf_counter()
    found = call()
    return float(found.num_tokens / (time.perf_counter() - begun))


def markdown(run: dict[str, Any]) -> str:
    """The tables, published rows beside ours."""
    machine, rows = run["machine"], {row["name"]: row for row in run["rows"]}
    share = "" if run["scale"] == 1 else f", {run['scale']:g} of all training budgets and texts scored"
    lines = [
        "# Language models on Shakespeare's plays",
        "",
        f"Characters; whole works held out. {machine['cpu']}, torch "
        f"{run['libraries']['torch']}, commit {run['commit']}, {run['date']}, load before "
        f"{run['load_average']['before']}{share}. Nats a character with all left context; perplexity of a "
        "character is their exponential.",
        "",
    ]
    lines += ["| | result | trained | same data? |", "|---|---|---|---|"]
    if main := rows.get("main"):
        lines.append(
            f"| **gated ConvNet**, {main['parameters']:,} parameters, sees {main['seen']} characters | test "
            f"{main['test']:.4f} nats = {main['test'] / np.log(2):.3f} bits (validation {main['valid']:.4f}, training "
            f"{main['train']:.4f}) | {main['train_wall_s']:.0f} s on {main['threads']} threads, "
            f"{main['train_cpu_s']:.0f} CPU s, {main['passes']:.2f} passes | |"
        )
    lines += [f"| {name} | {result} | | no |" for name, result in PUBLISHED]
    gates = {gate: [row for name, row in rows.items() if name.startswith(f"gate {gate} ")] for gate in GATES}
    if any(gates.values()):
        lines += ["", "Gates, equal parameters and characters seen, validation works:", ""]
        lines += ["| gate | parameters | channels | nats | each seed |", "|---|---|---|---|---|"]
    for gate, found in sorted(gates.items(), key=lambda pair: sum(row["valid"] for row in pair[1])):
        if found:
            each = [row["valid"] for row in found]
            lines.append(
                f"| {gate} | {found[0]['parameters']:,} | {found[0]['channels']} | {spread(each, 4)} | "
                f"{' '.join(f'{nats:.4f}' for nats in each)} |"
            )
    if main and (long := rows.get("long gtu")):
        told = f"glu {main['valid']:.4f} ({main['passes']:.2f} passes), gtu {long['valid']:.4f} ({long['passes']:.2f})"
        lines += ["", f"As long as the main run, one seed: {told}."]
    lstms = [row for name, row in rows.items() if name.startswith("lstm")]
    shown = [*([rows["gated as long as the lstm"]] if "gated as long as the lstm" in rows else [])]
    shown += [min(lstms, key=lambda row: row["valid"])] if lstms else []
    if shown:
        lines += ["", "Equal parameters, equal time; characters a second:", ""]
        lines += [
            "| | parameters | trained, CPU s | validation | test | scoring | one at a time | window anew each time |",
            "|---|---|---|---|---|---|---|---|",
        ]
    for row in shown:
        name = f"LSTM, 2 layers, rate {row['rate']:g}" if "rate" in row else "gated ConvNet"
        window = f"{row['window_per_s']:,.0f}" if "window_per_s" in row else "-"
        lines.append(
            f"| {name} | {row['parameters']:,} | {row['train_cpu_s']:.0f} | {row['valid']:.4f} | {row['test']:.4f} | "
            f"{row['score_per_s']:,.0f} | {row['step_per_s']:,.0f} | {window} |"
        )
    if shown:
        lines += [
            "",
            "Published (same data? no; on a GPU, words): scoring one text, 45,878 words a second gated, 2,282 LSTM.",
        ]
    if main:
        lines += ["", "A sample (temperature 0.8, seed 1):", "", "```", main["sample"], "```"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
