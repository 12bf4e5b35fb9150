"""Tiles against the whole: python -m benchmarks.tiling. A minute, one thread.

One net, one picture, tile 128: without a halo, with halos that are too short, with the planned one, and with windows
that overlap and are averaged, as the usual libraries do. All are compared with the run on the whole. The net is a U-Net
of 12, 24 and 48 channels, trained for 150 steps on the left half of the nuclei, so that its answers mean something; the
picture is the whole of 512x512 pixels.

--memory measures what a run takes beside what its tensors say: the constant in faltung.tiling.costs.
--large runs a light net on a map of 20,000x20,000 pixels, in a process of its own, and tells its peak of memory.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import faltung as ft
from faltung.networks.memory import peak_bytes
from faltung.networks.recording import record as recorded
from faltung.tiling.plans import TilePlan

from . import record

F = nn.functional

TILE = 128
STEPS = 150
RATE = 0.01
LIMIT_GIB = 2.0
"""What the run on the large map may take."""
MEMORY_CASES = ((12, 512), (12, 1024), (12, 2048), (32, 512), (32, 1024), (64, 256), (64, 512))
"""Channels of the U-Net's first level, and side of the picture."""


class Block(nn.Sequential):
    """Twice: convolution, batch norm, ReLU."""

    def __init__(self, a: int, b: int) -> None:
        parts = [(nn.Conv2d(i, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()) for i in (a, b)]
        super().__init__(*parts[0], *parts[1])


class UNet(nn.Module):
    """Three levels, zero padding, transposed convolutions."""

    def __init__(self, widths: tuple[int, int, int] = (12, 24, 48)) -> None:
        super().__init__()
        a, b, c = widths
        self.down1, self.down2, self.bottom = Block(1, a), Block(a, b), Block(b, c)
        self.up2, self.join2 = nn.ConvTranspose2d(c, b, 2, stride=2), Block(2 * b, b)
        self.up1, self.join1 = nn.ConvTranspose2d(b, a, 2, stride=2), Block(2 * a, a)
        self.last = nn.Conv2d(a, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the nuclei."""
        p = self.down1(x)
        q = self.down2(F.max_pool2d(p, 2))
        r = self.bottom(F.max_pool2d(q, 2))
        q = self.join2(torch.cat([q, self.up2(r)], 1))
        return self.last(self.join1(torch.cat([p, self.up1(q)], 1)))


def trained() -> UNet:
    """On crops of the left half of the nuclei."""
    torch.manual_seed(0)
    net, data = UNet(), ft.data.nuclei("train")
    x, y = torch.from_numpy(data.x).float() / 255, torch.from_numpy(data.y)[:, None].float()
    steps = torch.optim.Adam(net.parameters(), RATE)
    for _ in range(STEPS):
        crops = [[int(torch.randint(0, size - 128 + 1, ())) for size in x.shape[2:]] for _ in range(4)]
        batch, wanted = (torch.cat([part[:, :, i : i + 128, j : j + 128] for i, j in crops]) for part in (x, y))
        steps.zero_grad()
        F.binary_cross_entropy_with_logits(net(batch), wanted).backward()
        steps.step()
    return net.eval()


def with_halo(net: nn.Module, x: Tensor, halo: int) -> tuple[Tensor, int]:
    """Tiles that read so many pixels beyond their own, none across the border; how many pixels were run."""
    y, pixels = torch.empty_like(x), 0
    for i in range(0, x.shape[2], TILE):
        for j in range(0, x.shape[3], TILE):
            top, left = max(i - halo, 0), max(j - halo, 0)
            part = x[:, :, top : i + TILE + halo, left : j + TILE + halo]
            y[:, :, i : i + TILE, j : j + TILE] = net(part)[:, :, i - top :, j - left :][:, :, :TILE, :TILE]
            pixels += part[0, 0].numel()
    return y, pixels


def with_windows(net: nn.Module, x: Tensor, overlap: float, weights: str) -> tuple[Tensor, int]:
    """Windows that overlap and are averaged, by equal weights or by a Gaussian of sigma an eighth of the window."""
    places = (torch.arange(TILE) - (TILE - 1) / 2) / (TILE / 8)
    row = torch.exp(-(places**2) / 2) if weights == "gaussian" else torch.ones(TILE)
    # far corners would else have a weight of nothing, and nothing over nothing at the border
    window = (row[:, None] * row).clamp_min(1e-3)
    total, weight, pixels = torch.zeros_like(x), torch.zeros_like(x), 0
    for i in starts(x.shape[2], overlap):
        for j in starts(x.shape[3], overlap):
            part = (..., slice(i, i + TILE), slice(j, j + TILE))
            total[part] += net(x[part]) * window
            weight[part] += window
            pixels += window.numel()
    return total / weight, pixels


def starts(size: int, overlap: float) -> list[int]:
    """Where windows begin; the last ends with the picture."""
    step = int(TILE * (1 - overlap))
    return [*range(0, size - TILE, step), size - TILE]


def exact(net: nn.Module, x: Tensor, found: TilePlan) -> tuple[Tensor, int]:
    """As planned."""
    y = ft.tiling.apply(net, x, plan=found)
    pixels = sum(
        (tile.read[2].stop - tile.read[2].start) * (tile.read[3].stop - tile.read[3].start) for tile in found.tiles()
    )
    return y, pixels


def table() -> dict[str, Any]:
    """All ways, compared with the whole."""
    net, x = trained(), torch.from_numpy(ft.data.nuclei("all").x).float() / 255
    begun = time.perf_counter()
    found = ft.tiling.plan(net, x.shape, tile=TILE)
    run = {"plan_s": time.perf_counter() - begun, "plan": str(found), "rows": []}
    ways: dict[str, Callable[[], tuple[Tensor, int]]] = {
        "the whole": lambda: (net(x), x.numel()),
        **{f"tiles, halo {halo}": lambda halo=halo: with_halo(net, x, halo) for halo in (0, 8, 16)},
        "tiles as planned": lambda: exact(net, x, found),
        **{
            f"windows, overlap {overlap}, {weights}": lambda o=overlap, w=weights: with_windows(net, x, o, w)
            for overlap, weights in ((0.25, "constant"), (0.25, "gaussian"), (0.5, "gaussian"), (0.625, "gaussian"))
        },
    }
    with torch.no_grad():
        whole = net(x)
        run["largest"] = float(whole.abs().max())
        for name, way in ways.items():
            times = []
            for _ in range(3):
                begun = time.perf_counter()
                y, pixels = way()
                times.append(time.perf_counter() - begun)
            run["rows"].append(
                {
                    "way": name,
                    "max_difference": float((y - whole).abs().max()),
                    "flipped": int(((y > 0) != (whole > 0)).sum()),
                    "work": pixels / x.numel(),
                    "seconds": sorted(times)[1],
                }
            )
            print(run["rows"][-1], flush=True)
    return run


def markdown(run: dict[str, Any]) -> str:
    """The table."""
    lines = [
        "# Tiles and the whole",
        "",
        f"U-Net of 12, 24 and 48 channels, {STEPS} steps of training, on the nuclei, 512x512, tile {TILE}. Logits up "
        f"to {run['largest']:.1f}. {run['machine']['cpu']}, one thread, torch {run['libraries']['torch']}, commit "
        f"{run['commit']}, {run['date']}. Median of three runs; other work may have run beside them. The plan was made "
        f"once, in {run['plan_s']:.2f} s.",
        "",
        "| way | largest difference of logits | pixels that change sides | pixels run over those of the whole | s |",
        "|---|---|---|---|---|",
        *(
            f"| {row['way']} | {row['max_difference']:.3g} | {row['flipped']} | {row['work']:.2f} | "
            f"{row['seconds']:.2f} |"
            for row in run["rows"]
        ),
        "",
        "Windows: the usual averaging of overlapping parts, written here; no other library was run.",
        "",
        "```",
        run["plan"],
        "```",
    ]
    return "\n".join(lines) + "\n"


# memory


def _in_a_process(*words: Any) -> str:
    """What this file prints with these words, one thread."""
    command = [sys.executable, "-m", "benchmarks.tiling", *map(str, words)]
    return subprocess.run(
        command, check=True, env=record.with_threads(1), cwd=record.ROOT.parent, stdout=subprocess.PIPE, text=True
    ).stdout


def memory(width: int, size: int) -> None:
    """Peak of one run over the bytes of its tensors. Linux only."""
    net, x = UNet((width, 2 * width, 4 * width)).eval(), torch.rand(1, 1, size, size)
    status = Path("/proc/self/status")

    def kilobytes(word: str) -> int:
        found = re.search(rf"^{word}:\s*(\d+)", status.read_text(), re.MULTILINE)
        assert found is not None
        return int(found.group(1))

    with torch.no_grad():
        # what torch loads once
        net(x[:, :, :64, :64])
        before = kilobytes("VmRSS")
        # the peak begins anew
        Path("/proc/self/clear_refs").write_text("5")
        net(x)
    peak = (kilobytes("VmHWM") - before) * 1024 + x.numel() * x.itemsize
    tensors = peak_bytes(recorded(net, x.shape), keeps_input=False)
    print(f"{width} channels, {size}x{size}: {peak / 2**20:,.0f} MiB, {peak / tensors:.2f} times its tensors")


def large(folder: Path, size: int) -> None:
    """A map in, a map out; the picture is never in memory."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 1, 3, padding=1)).eval()
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.uint8, (1, 1, size, size))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.float32, (1, 1, size // 2, size // 2))
    random = np.random.default_rng(0)
    for row in range(0, size, 500):
        x[:, :, row : row + 500] = random.integers(0, 256, (1, 1, min(500, size - row), size), dtype=np.uint8)
    x.flush()
    begun = time.perf_counter()
    ft.tiling.apply(net, x, tile=1024, scale=1 / 255, out=y)
    seconds = time.perf_counter() - begun
    # a look at the middle, against a run on a part
    i = size // 4 // 2 * 2
    with torch.no_grad():
        part = torch.from_numpy(x[:, :, 2 * i - 64 : 2 * i + 64, 2 * i - 64 : 2 * i + 64].copy()).float() * (1 / 255)
        theirs = net(part)[:, :, 8:-8, 8:-8].numpy()
    difference = float(np.abs(y[:, :, i - 24 : i + 24, i - 24 : i + 24] - theirs).max())
    # kilobytes on Linux; pages of the maps that are in memory count too
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{size:,}x{size:,}: {seconds:.0f} s, peak {peak:.2f} GiB, difference from a part {difference:.2g}")
    if peak >= LIMIT_GIB or difference > 1e-5:
        raise SystemExit(f"the peak is to be below {LIMIT_GIB} GiB, and the difference rounding")


def main() -> None:
    """Read the options, run, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tiling", description=__doc__)
    parser.add_argument("--memory", action="store_true", help="measure memory, each size in a process of its own")
    parser.add_argument("--large", action="store_true", help="run a light net on a large map in a process of its own")
    parser.add_argument("--size", type=int, default=20_000, help="side of the large map")
    parser.add_argument("--memory-of", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--large-in", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory_of:
        memory(*options.memory_of)
    elif options.large_in:
        large(options.large_in, options.size)
    elif options.memory:
        for width, size in MEMORY_CASES:
            print(_in_a_process("--memory-of", width, size), end="", flush=True)
    elif options.large:
        with tempfile.TemporaryDirectory() as folder:
            print(_in_a_process("--large-in", folder, "--size", options.size), end="")
    else:
        run = record.facts()
        run["libraries"]["torch"] = record.version("torch")
        run |= table()
        run["load_average"]["after"] = record.load_average()
        print("\n" + markdown(run))
        record.save(run, markdown(run), "tiling")


if __name__ == "__main__":
    main()
