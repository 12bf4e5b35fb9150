"""Item 20: one result, several algorithms: which is fastest, and does the planner know?"""

import time
from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Listing, Parameters, Table, whole


@dataclass(frozen=True)
class AlgorithmsRace(Parameters):
    """A picture's size and how often each contestant runs."""

    side: int = whole(384, 32, 2048, "rows and columns of the picture, float32")
    rounds: int = whole(5, 1, 50, "runs of each contestant; the median counts")
    seed: int = whole(6, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Raced:
    """Rows are contestants, columns kernel sizes; NaN where a contestant did not run."""

    sizes: Array
    contestants: list[str]
    predicted_s: Array
    measured_s: Array
    error: Array
    bound: Array
    refusals: list[str]
    chosen: list[str]
    bitwise: bool
    explained: str


def compute(p: AlgorithmsRace) -> Raced:
    """Every method on every size; equal results first, then the clock."""
    picture = np.random.default_rng(p.seed).random((p.side, p.side), np.float32)
    sizes = np.array([3, 5, 9, 15, 25])
    contestants = [name for name in ft.methods() if name != "auto"]
    predicted_s = np.full((len(contestants), len(sizes)), np.nan)
    measured_s = np.full(predicted_s.shape, np.nan)
    error = np.full(predicted_s.shape, np.nan)
    bound = np.full(len(sizes), np.nan)
    refusals: list[str] = []
    chosen: list[str] = []
    explained = ""
    bitwise = True
    for column, size in enumerate(sizes.tolist()):
        kernel = ft.kernels.gaussian(size / 6, size=size, ndim=2, dtype=np.float32)
        explanation = ft.explain(picture, kernel, mode="same", boundary="symmetric")
        explained = str(explanation)
        chosen.append(explanation.method)

        # the gate: everyone is held against the definition, in double precision
        wide = picture.astype(np.float64), kernel.astype(np.float64)
        exact = ft.convolve(*wide, mode="same", boundary="symmetric", method="direct")
        bound[column] = 1e-5 * np.abs(exact).max()
        for verdict in explanation.verdicts:
            row = contestants.index(verdict.method)
            if verdict.cost is not None:
                predicted_s[row, column] = verdict.cost.seconds
            if verdict.refusal is not None:
                refusals.append(f"{verdict.method}, {size} x {size}: {verdict.refusal}")
                continue
            plan = ft.plan(picture, kernel, mode="same", boundary="symmetric", method=verdict.method)
            try:
                y = plan(picture)
            except ft.AccuracyError as refusal:
                refusals.append(f"{verdict.method}, {size} x {size}: {refusal}")
                continue
            error[row, column] = np.abs(y - exact).max()
            if verdict.method == explanation.method:
                bitwise = bitwise and np.array_equal(y, ft.convolve(picture, kernel, mode="same", boundary="symmetric"))

            # the clock: what is neither wrong nor hopeless runs a few rounds
            if error[row, column] <= bound[column]:
                runs: list[float] = []
                while len(runs) < p.rounds and sum(runs) < 0.5:
                    start = time.perf_counter()
                    plan(picture, out=y)
                    runs.append(time.perf_counter() - start)
                measured_s[row, column] = np.median(runs)
    return Raced(sizes, contestants, predicted_s, measured_s, error, bound, refusals, chosen, bitwise, explained)


def check(p: AlgorithmsRace, r: Raced) -> tuple[Golden, ...]:
    """Right before fast: nothing here depends on the machine's speed."""
    worst = float(np.nanmax(r.error / r.bound))
    ran = np.isfinite(r.error)
    return (
        Golden("largest difference of any contestant to the definition, in units of 1e-5", 0.0, worst, 1.0),
        Golden(
            "contestants that ran, of those that did not refuse", int(ran.sum()), int(np.isfinite(r.measured_s).sum())
        ),
        Golden('method="auto" gives the bits of the method that explain names', "yes", "yes" if r.bitwise else "no"),
        Golden("every size has a contestant", len(r.sizes), int(ran.any(axis=0).sum())),
    )


def _ticks(limits: tuple[float, float]) -> list[float]:
    """1, 2, 5, 10, ... between the limits of a logarithmic axis."""
    every = [step * 10.0**power for power in range(-6, 7) for step in (1, 2, 5)]
    return [tick for tick in every if limits[0] <= tick <= limits[1]]


_ROLES: tuple[drawing.Role, ...] = ("kernel", "output", "input", "other", "ink", "muted")
_MARKERS = "os^Dvx"


def draw(p: AlgorithmsRace, r: Raced) -> tuple[Panel | Table | Listing, ...]:
    """Lanes, prediction against measurement, all numbers, and the planner's words."""
    figure, axes = drawing.sheet("wide", height=300)
    ran = [row for row in range(len(r.contestants)) if np.isfinite(r.measured_s[row]).any()]
    for place, row in enumerate(ran):
        role, marker = _ROLES[place % 6], _MARKERS[place % 6]
        name = r.contestants[row]
        drawing.line(axes, r.sizes, r.measured_s[row] * 1e3, role, name, marker=marker, linestyle="-", linewidth=2)
        drawing.line(
            axes, r.sizes, r.predicted_s[row] * 1e3, role, f"{name}, predicted", linestyle=(0, (1, 2)), linewidth=1.4
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(r.sizes, [f"{size}×{size}" for size in r.sizes])
    axes.minorticks_off()
    axes.set_yticks(ticks := _ticks(axes.get_ylim()), [f"{tick:g}" for tick in ticks])
    drawing.label(axes, f"{p.side} × {p.side} picture, one call", "kernel", "milliseconds", legend="upper left")
    drawing.headroom(axes, 0.2)
    lanes = Panel(
        figure,
        "Median milliseconds of one call: "
        + "; ".join(
            f"{r.contestants[row]} "
            + ", ".join(
                f"{t * 1e3:.3g} at {s}" for s, t in zip(r.sizes, r.measured_s[row], strict=True) if np.isfinite(t)
            )
            for row in ran
        )
        + ".",
        "Solid: measured just now, on this machine. Dotted: what the planner predicted before it ran anything.",
        "wide",
    )
    rows: list[tuple[str, ...]] = []
    for column, size in enumerate(r.sizes):
        times = r.measured_s[:, column]
        fastest = int(np.nanargmin(times)) if np.isfinite(times).any() else -1
        for row in ran:
            if np.isfinite(times[row]):
                notes = [
                    *(["fastest"] if row == fastest else []),
                    *(["chosen"] if r.contestants[row] == r.chosen[column] else []),
                ]
                rows.append(
                    (
                        f"{size} × {size}",
                        r.contestants[row],
                        f"{times[row] * 1e3:.3f} ms",
                        f"{r.predicted_s[row, column] * 1e3:.3f} ms",
                        f"{p.side**2 / times[row] / 1e6:.0f}",
                        f"{r.error[row, column]:.1e}",
                        ", ".join(notes),
                    )
                )
    table = Table(
        "Equal results first, then the clock.",
        ("kernel", "method", "measured", "predicted", "Mpixel/s", "largest error", ""),
        tuple(rows),
    )
    explained = Listing(f"What faltung.explain says about the {r.sizes[-1]} × {r.sizes[-1]} kernel.", r.explained)
    if not r.refusals:
        return lanes, table, explained
    refused = Table(
        "Who did not run, and why.",
        ("method and kernel", "reason"),
        tuple((who, why) for who, _, why in (refusal.partition(": ") for refusal in r.refusals)),
    )
    return lanes, table, refused, explained


EXPERIMENT = Experiment(
    slug="race",
    items=(20,),
    title="Efficient algorithms: a race",
    goal="Let all algorithms compute the same result, check that it is the same, and only then compare their times.",
    formula="per pixel: direct k², separable 2k, FFT about log₂ of the tile",
    idea="A k×k kernel costs k² multiply-adds per pixel if one follows the definition. A kernel that is the product "
    "of a "
    "column and a row, as every Gaussian is, costs 2k. The FFT hardly cares how large the kernel is, but it has a "
    "price "
    "of its own to begin with, and it rounds differently. Which one wins depends on the kernel, the size and the "
    "machine; the planner predicts it, and explain says what it expects.",
    parameters=AlgorithmsRace,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Use a kernel of random numbers: the separable lane closes, with the reason in words.",
        "Set rtol=1e-7 in ft.plan: contestants that round too much are refused.",
        "Run the race with 32 × 32 pixels: now the price of a call decides.",
    ),
    surprise="At 25×25 the separable way needs 12 times fewer multiplications than the definition. It is faster, but "
    "not "
    "by 12: moving numbers takes time too, and that part does not shrink.",
    measured=("predicted_s", "measured_s", "chosen", "refusals", "explained"),
)
