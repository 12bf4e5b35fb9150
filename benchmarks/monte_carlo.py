"""Monte-Carlo dropout: is the time at most prefix + T suffixes + 10 %? python -m benchmarks.monte_carlo. Four minutes.

Each network is cut by hand where its first dropout stands, which is what one would write for it alone: `prefix(x)`,
then `suffix(...)` T times. Both parts are timed as torch runs them, with nothing of ours around; their sum is the
bound. All ways run on the same masks, have to agree before anything is timed, and take turns; only the batch of copies
draws its own, and runs afterwards. The machine should be quiet.
"""

import argparse
import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import faltung as ft
from faltung.nn.dropout.sampling import dropping_only
from faltung.spec import Array
from faltung.uncertainty import sample_seed

from . import record
from .contract import Close, Entry, race

F = nn.functional
SAMPLES = 50
ALLOWED = 1.10
CLOSE = Close(1e-5)


class Cut(nn.Module):
    """A network whose deterministic part is known: by hand, for this benchmark."""

    def prefix(self, x: Tensor) -> Any:
        """What is computed before the first dropout, as a tuple."""
        raise NotImplementedError

    def suffix(self, *held: Tensor) -> Tensor:
        """The rest."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Both."""
        return self.suffix(*self.prefix(x))


class Bottleneck(Cut):
    """A U-Net with dropout at the bottom; three skips pass it by."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(_convs(a, b) for a, b in zip([1, *widths[:-1]], widths, strict=True))
        self.bottom, self.drop = _convs(widths[-1], 8 * width), nn.Dropout2d(0.5)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[::-1])
        self.join = nn.ModuleList(_convs(2 * w, w) for w in widths[::-1])
        self.last = nn.Conv2d(width, 2, 1)

    def prefix(self, x: Tensor) -> Any:
        """The way down."""
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        return self.bottom(x), *skips

    def suffix(self, *held: Tensor) -> Tensor:
        """The way up."""
        x = self.drop(held[0])
        for up, join, skip in zip(self.up, self.join, held[:0:-1], strict=True):
            x = join(torch.cat([skip, up(x)], 1))
        return self.last(x)


class Dense(Cut):
    """784-800-800-10, dropout behind both hidden layers."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(784, 800), nn.Linear(800, 800), nn.Linear(800, 10)
        self.drop = nn.Dropout(0.5)

    def prefix(self, x: Tensor) -> Any:
        """Before the first dropout."""
        return (F.relu(self.one(x)),)

    def suffix(self, *held: Tensor) -> Tensor:
        """From the first dropout on."""
        return self.three(self.drop(F.relu(self.two(self.drop(held[0])))))


class Head(Cut):
    """A ConvNet of 18 layers whose only dropout stands before its last layer, as in EfficientNet."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, 32, 64, 64, 128, 128, 256, 256, 512]
        self.blocks = nn.Sequential(*(_convs(a, b, 2 - i % 2) for i, (a, b) in enumerate(pairwise(widths))))
        self.drop, self.last = nn.Dropout(0.2), nn.Linear(512, 1000)

    def prefix(self, x: Tensor) -> Any:
        """Before the first dropout."""
        return (self.blocks(x).mean((2, 3)),)

    def suffix(self, *held: Tensor) -> Tensor:
        """From the first dropout on."""
        return self.last(self.drop(held[0]))


class EfficientNet(Cut):
    """EfficientNet-Lite0 with its trained weights, as the tests read it; dropout stands before the last layer."""

    def __init__(self) -> None:
        super().__init__()
        # a file of the tests is no package
        spec = importlib.util.spec_from_file_location("real", record.ROOT.parent / "tests" / "networks" / "real.py")
        assert spec is not None
        assert spec.loader is not None
        real = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(real)
        self.body = real.lite0()
        self.head = nn.Sequential(self.body._dropout, self.body._fc)
        self.body._dropout = self.body._fc = nn.Identity()

    def prefix(self, x: Tensor) -> Any:
        """Before the first dropout."""
        return (self.body(x),)

    def suffix(self, *held: Tensor) -> Tensor:
        """From the first dropout on."""
        return self.head(held[0])


def _convs(a: int, b: int, stride: int = 1) -> nn.Sequential:
    parts: list[nn.Module] = []
    for before, step in ((a, stride), (b, 1)):
        parts += [nn.Conv2d(before, b, 3, step, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)


@dataclass(frozen=True)
class Case:
    """A network and the shape of its input."""

    make: Callable[[], Cut]
    shape: tuple[int, ...]


CASES = {
    "U-Net, dropout at the bottom, 1x256x256": Case(Bottleneck, (1, 1, 256, 256)),
    "U-Net, dropout at the bottom, 1x64x64": Case(Bottleneck, (1, 1, 64, 64)),
    "U-Net, dropout at the bottom, 1x16x16": Case(Bottleneck, (1, 1, 16, 16)),
    "dense 784-800-800-10, 256 digits": Case(Dense, (256, 784)),
    "dense 784-800-800-10, 1 digit": Case(Dense, (1, 784)),
    "ConvNet, dropout before the last layer, 1x224x224": Case(Head, (1, 3, 224, 224)),
    "EfficientNet-Lite0, dropout before the last layer, 1x224x224": Case(EfficientNet, (1, 3, 224, 224)),
}


def entries(net: Cut, x: Tensor) -> dict[str, Entry]:
    """The ways, and the parts of the bound, on the same masks; the first is what the others are compared with."""
    seeds = [sample_seed(sample) for sample in range(SAMPLES)]

    def passes(one: Callable[[], Tensor]) -> Array:
        outputs = []
        for seed in seeds:
            torch.default_generator.manual_seed(seed)
            outputs.append(one())
        return torch.stack(outputs).numpy()

    def suffixes(*held: Tensor) -> Array:
        return passes(lambda: net.suffix(*held))

    with plain(net):
        held = net.prefix(x)

    def alone(call: Callable[[], Array]) -> Callable[[], Array]:
        def run() -> Array:
            with plain(net):
                return call()

        return run

    return {
        "faltung": Entry(lambda: ft.uncertainty.sample_outputs(net, x, samples=SAMPLES).numpy()),
        "one by one": Entry(lambda: ft.uncertainty.sample_outputs(net, x, samples=SAMPLES, batch=1).numpy()),
        "T full passes": Entry(alone(lambda: passes(lambda: net(x)))),
        "cut by hand": Entry(alone(lambda: suffixes(*net.prefix(x)))),
        "prefix": Entry(
            alone(lambda: net.prefix(x)[0].numpy()),
            # on its own it is no result: the suffixes of what it gives are
            lambda y: alone(lambda: suffixes(torch.from_numpy(y), *held[1:]))(),
        ),
        "T suffixes": Entry(alone(lambda: suffixes(*held))),
    }


@contextmanager
def plain(net: Cut) -> Iterator[None]:
    """As whoever cuts by hand runs it."""
    with torch.no_grad(), dropping_only(net), torch.random.fork_rng(devices=[]):
        yield


def copies(net: Cut, x: Tensor) -> dict[str, Entry]:
    """The usual batch of T copies, with masks of its own."""

    def run() -> Array:
        with plain(net):
            return net(x.repeat(SAMPLES, *[1] * (x.ndim - 1))).numpy()

    return {"T copies in one batch": Entry(run, note="masks of its own")}


def measured(only: str, rounds: int, threads: int) -> Iterator[dict[str, Any]]:
    """All cases whose name holds `only`."""
    for name, case in CASES.items():
        if only not in name:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net, x = case.make().eval(), torch.randn(case.shape)
        result = race(name, entries(net, x), CLOSE, rounds, threads)
        if result["stopped"]:
            yield result
            continue
        result["copies"] = race(name, copies(net, x), CLOSE, rounds, threads)["entries"]
        result["bound_s"] = sum(result["entries"][part]["median_s"] for part in ("prefix", "T suffixes"))
        result["sampling"] = str(ft.uncertainty.monte_carlo(net, x, samples=SAMPLES, output="values").sampling)
        yield result


def report(result: dict[str, Any]) -> str:
    """Some lines for a case."""
    if result["stopped"]:
        return f"{result['case']}: STOPPED, {result['stopped']}"
    ours, bound = result["entries"]["faltung"]["median_s"], result["bound_s"]
    lines = [result["case"], f"  {result['sampling']}"]
    for name, entry in {**result["entries"], **result["copies"]}.items():
        apart = f", differs by {entry['difference']:.1g}" if name in result["entries"] else ""
        lines.append(f"  {name:24} {1e3 * entry['median_s']:9.2f} ms{apart}")
    kept = "kept" if ours <= ALLOWED * bound else "MISSED"
    lines.append(f"  prefix + {SAMPLES} suffixes = {1e3 * bound:.2f} ms; ours is {ours / bound:.3f} of it: {kept}")
    return "\n".join(lines)


def main() -> None:
    """Read the options, run, print; save where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monte_carlo", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--save", metavar="FILE", help="where results go, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    run = record.facts() | {"samples": SAMPLES, "threads": options.threads, "cases": []}
    for result in measured(options.only, options.rounds, options.threads):
        print(report(result), flush=True)
        run["cases"].append(result)
    run["load_average"]["after"] = record.load_average()
    if options.save:
        Path(options.save).write_text(json.dumps(run, indent=1))


if __name__ == "__main__":
    main()
