"""How a race is run: equal results first, then interleaved timing, the same for everybody.

Every entry computes the same case once, and its result is compared with that of the first entry; one that disagrees
beyond the stated tolerance stops the case: nothing of it is timed. Then all entries run round-robin in one process on
the same arrays, each round starting with another, and each measurement follows an untimed call of the same entry: the
threads of some libraries spin for a while after a call, and would be paid for by whoever comes next. What counts is the
median; quartiles and minimum stand beside it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faltung.spec import Array

SAMPLE_S = 2e-3
"""Quick calls are repeated until one measurement takes about this long, so that the clock does not show."""

SLOW_S = 0.3
SLOW_ROUNDS = 5
"""Whoever takes longer than SLOW_S, we or a rival, runs no more than so many rounds."""

TIE = 1.25
"""Ratios between 1 / TIE and TIE are called a tie: so much do medians move on a machine that others use too."""


def _same(y: Array) -> Array:
    return y


@dataclass(frozen=True)
class Entry:
    """One way to compute a case.

    Attributes:
        call: computes it and returns a new array.
        as_first: brings the result to the first entry's scale and shape, for the comparison only.
        note: how it is computed, for the table.
    """

    call: Callable[[], Array]
    as_first: Callable[[Array], Array] = field(default=_same)
    note: str = ""


@dataclass(frozen=True)
class Close:
    """Results count as equal if no sample differs by more than `tolerance` x the largest sample."""

    tolerance: float

    def difference(self, expected: Array, got: Array) -> float:
        """The largest difference, in units of the largest sample; inf for another shape or for NaN."""
        if expected.shape != got.shape:
            return math.inf
        expected = expected.astype(np.float64)
        with np.errstate(invalid="ignore"):
            apart = float(np.abs(expected - got).max(initial=0))
        if apart == 0:
            return 0.0
        relative = apart / max(float(np.abs(expected).max()), np.finfo(np.float64).tiny)
        return relative if relative >= 0 else math.inf


def race(case: str, entries: dict[str, Entry], check: Close, rounds: int, threads: int) -> dict[str, Any]:
    """Compare the results, then time everybody.

    Args:
        case: its name in the table.
        entries: name -> what to run; the first is what the others are compared with.
        check: when results count as equal.
        rounds: measurements of each entry.
        threads: how many the process was started for; noted only.

    Returns:
        What is saved: the case, why it was stopped (or None), and for each entry seconds per call: the first call of
        all (with imports, compilation, plans), median, quartiles, minimum.
    """
    result: dict[str, Any] = {"case": case, "threads": threads, "tolerance": check.tolerance, "stopped": None}
    first_calls, result["stopped"] = _gate(entries, check)
    result["entries"] = {name: {"note": entry.note, **first_calls.get(name, {})} for name, entry in entries.items()}
    if result["stopped"]:
        return result
    warm = {name: _seconds(entry.call, 1) for name, entry in entries.items()}
    repeats = {name: max(1, math.ceil(SAMPLE_S / seconds)) for name, seconds in warm.items()}
    shares = {name: min(rounds, SLOW_ROUNDS) if warm[name] > SLOW_S else rounds for name in entries}
    measured: dict[str, list[float]] = {name: [] for name in entries}
    names = list(entries)
    for i in range(rounds):
        # each round starts with another entry: nobody always inherits the same neighbour's caches
        for name in names[i % len(names) :] + names[: i % len(names)]:
            if i < shares[name]:
                if warm[name] <= SLOW_S:
                    entries[name].call()
                measured[name].append(_seconds(entries[name].call, repeats[name]))
    for name, seconds in measured.items():
        result["entries"][name] |= summary(seconds) | {"calls_per_round": repeats[name]}
    return result


def summary(seconds: list[float]) -> dict[str, float]:
    """Median, quartiles and minimum of some measurements."""
    low, median, high = np.quantile(seconds, [0.25, 0.5, 0.75]).tolist()
    return {"median_s": median, "low_s": low, "high_s": high, "min_s": min(seconds), "rounds": len(seconds)}


def verdict(ratio: float) -> str:
    """Win, tie or loss, from the best rival's median over ours."""
    return "win" if ratio > TIE else "LOSS" if ratio < 1 / TIE else "tie"


def _gate(entries: dict[str, Entry], check: Close) -> tuple[dict[str, dict[str, float]], str | None]:
    """First call and difference of every entry, and who disagrees with the first."""
    found: dict[str, dict[str, float]] = {}
    apart = []
    first: Array | None = None
    for name, entry in entries.items():
        start = time.perf_counter()
        try:
            got = entry.call()
        except Exception as error:
            # whatever a library raises: the case is over and says so
            return found, f"{name} failed: {type(error).__name__}: {str(error).strip()}"
        seconds = time.perf_counter() - start
        got = entry.as_first(got)
        first = got if first is None else first
        difference = check.difference(first, got)
        found[name] = {"first_s": seconds, "difference": difference}
        if not difference <= check.tolerance:
            apart.append(f"{name} by {difference:.2g}")
    if apart:
        return found, f"differ from {next(iter(entries))} (allowed {check.tolerance:.2g}): {', '.join(apart)}"
    return found, None


def _seconds(call: Callable[[], Array], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats
