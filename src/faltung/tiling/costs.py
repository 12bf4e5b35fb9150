"""What a plan costs: multiply-adds, memory, and the last digits where results may differ from the whole's."""

import math
from collections.abc import Sequence

from ..networks.memory import peak_bytes
from ..networks.recording import Recording
from .agreement import rounded
from .lines import Line, Recordings
from .statistics import kind_of

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_FEW = 20480
"""Numbers in an input of one picture up to which torch on CPUs leaves a convolution to im2col and a matrix product."""
_WORKSPACE = 3.0
"""Memory of a run over that of its tensors: convolutions reorder inputs and results. 1.7 to 2.9 were measured on U-Nets
of 12 to 64 channels, 256x256 to 2048x2048, by `python -m benchmarks.tiling --memory` (AMD EPYC, one thread)."""


def work(
    runs: Recordings,
    lines: Sequence[Line],
    shapes: dict[tuple[int, ...], int],
    levels: Sequence[Sequence[int]],
) -> float:
    """Multiply-adds of all passes over those of the whole; pixels where nothing is multiplied."""

    def of(recording: Recording, stop: int) -> int:
        return sum(int(step.multiplies) for step in recording.steps[:stop])

    count = len(runs.whole.steps)
    total = of(runs.whole, count)
    if not total:
        return sum(math.prod(shape) * number for shape, number in shapes.items()) / max(math.prod(runs.shape), 1)
    stops = [max(places) for places in levels]
    # what does not depend on the tile is taken from the first one
    lasts = dict(shapes)
    if lines and all(own is None for line in lines for own in line.outputs[0]):
        lasts = dict.fromkeys(list(shapes)[:1], 1)
    done = sum(of(runs.of(shape), stop) * number for stop in stops for shape, number in shapes.items())
    done += sum(of(runs.of(shape), count) * number for shape, number in lasts.items())
    return done / total


def peak(recording: Recording) -> int:
    """Bytes that a run takes, estimated."""
    return int(peak_bytes(recording, keeps_input=False) * _WORKSPACE)


def rounding(runs: Recordings, lines: Sequence[Line], smallest: tuple[int, ...]) -> tuple[str, ...]:
    """Why results may differ from the whole's in their last digits."""
    whole = runs.whole
    if not lines:
        return ()
    reasons = [reason for step in whole.steps if (reason := rounded(step)) is not None]
    for place in lines[0].statistics[0]:
        step = whole.steps[place]
        if kind_of(step) != "extreme":
            reasons.append(f"{step.name} ({step.operation}) is summed tile by tile, in float64")
    tiled = runs.of(smallest)
    for step in tiled.steps:
        if step.operation in _CONVOLUTIONS and (count := math.prod(tiled.shapes[step.inputs[0]])) <= _FEW:
            reasons.append(
                f"{step.name} ({step.operation}) gets {count:,} numbers from a tile, and up to {_FEW:,} torch "
                "multiplies matrices instead: larger tiles avoid it"
            )
            break
    return tuple(dict.fromkeys(reasons))
