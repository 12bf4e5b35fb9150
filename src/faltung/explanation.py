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
        lines.append(f"{'method':<12}{'time':>10}{'memory':>10}{'error <=':>10}  why not")
        for verdict in self.verdicts:
            if verdict.cost is None:
                lines.append(f"{verdict.method:<12}{'-':>10}{'-':>10}{'-':>10}  {verdict.refusal}")
                continue
            bound = "of data" if math.isinf(verdict.cost.error) else f"{verdict.cost.error:.1e}"
            why = verdict.refusal or ("" if verdict.method == self.method else "slower")
            lines.append(
                f"{verdict.method:<12}{seconds_words(verdict.cost.seconds):>10}"
                f"{size_words(verdict.cost.num_bytes):>10}{bound:>10}  {why}"
            )
        return "\n".join(line.rstrip() for line in lines)


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
