"""Why a call takes the algorithm it takes: every algorithm's verdict, and the words for it."""

import math
from dataclasses import dataclass

from .algorithm import Cost
from .spec import ConvSpec


@dataclass(frozen=True)
class Verdict:
    """What one algorithm answered: a reason why not, or a cost.

    Attributes:
        transforms: its sums come by transforms.
    """

    method: str
    refusal: str | None
    cost: Cost | None
    transforms: bool = False


@dataclass(frozen=True)
class Explanation:
    """Which algorithm a call takes, and why; print it.

    Attributes:
        method: the algorithm taken.
        reason: one sentence.
        forced: the caller named the algorithm.
        verdicts: every algorithm's answer, the one taken first.
        spec: what is convolved.
    """

    method: str
    reason: str
    forced: bool
    verdicts: tuple[Verdict, ...]
    spec: ConvSpec

    def __str__(self) -> str:
        lines = [f"{describe(self.spec)}", f"method {self.method}: {self.reason}", ""]
        rows = in_words(self)
        lines += [f"{a:<12}{b:>10}{c:>10}{d:>10}  {e}" for a, b, c, d, e in (HEADINGS, *rows)]
        return "\n".join([*lines, *notes(rows)])


HEADINGS = ("method", "time", "memory", "error <=", "verdict")
CHECKED = "checked"


def in_words(found: Explanation) -> list[tuple[str, ...]]:
    """Every verdict in words, under `HEADINGS`."""
    rows: list[tuple[str, ...]] = []
    for verdict in found.verdicts:
        cost = verdict.cost
        if cost is None:
            rows.append((verdict.method, "-", "-", "-", verdict.refusal or ""))
            continue
        bound = CHECKED if math.isinf(cost.error) else f"{cost.error:.1e}"
        why = verdict.refusal or ("taken" if verdict.method == found.method else "slower")
        rows.append((verdict.method, seconds_words(cost.seconds), size_words(cost.num_bytes), bound, why))
    return rows


def notes(rows: list[tuple[str, ...]]) -> list[str]:
    """What the words in these rows mean, where they need it."""
    if not any(CHECKED in row for row in rows):
        return []
    return [f"{CHECKED}: how large the error may be depends on the data; every call looks, and keeps to rtol"]


def describe(spec: ConvSpec) -> str:
    """The convolution in one line, e.g. `convolve (512, 512) float32 with 3x3 -> (512, 512) float32`."""
    verb = "convolve" if spec.flip else "correlate"
    taps = "x".join(map(str, spec.taps))
    return f"{verb} {spec.x_shape} {spec.x_dtype} with {taps} -> {spec.out_shape} {spec.dtype}"


def seconds_words(seconds: float) -> str:
    """Seconds in a unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def size_words(num_bytes: float) -> str:
    """Bytes in a unit that fits."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if num_bytes >= size:
            return f"{num_bytes / size:.3g} {unit}"
    return f"{num_bytes:.0f} B"
