"""Runs the loop that finds the gradient of depthwise layers by their weights, where kernels are small."""

from collections.abc import Sequence

import numpy as np

from ..jit import compiler
from ..jit.pool import run_parts
from ..loops.tap_sums import ROWS, SUMS, tap_sums
from ..spec import Array, Axis, untouched
from . import planes
from .shared import cuts

MAX_TAPS = 225
"""Taps beyond which the engine's own choice, an FFT, is as fast: 8x64 planes of 56x56 take 9 ms at 15x15."""


def serves(item: np.dtype[np.generic], taps: Sequence[int]) -> bool:
    """Whether there is a loop for these numbers and so many taps."""
    few = int(np.prod(taps)) <= MAX_TAPS and taps[-1] <= SUMS
    return item.name in ("float32", "float64") and len(taps) <= 2 and few


def run(x: Array, g: Array, axes: Sequence[Axis], workers: int) -> Array:
    """Sum g times what each tap of its windows saw.

    Args:
        x: (N, C, *sizes), C-contiguous, float32 or float64.
        g: (N, C * M, *outputs), the same.
        axes: one or two; stride 1.

    Returns:
        (C * M, *taps) in float64.
    """
    down, across = axes if len(axes) == 2 else (untouched(1), axes[0])
    (num_top, rows), (num_left, columns) = planes.tables(down), planes.tables(across)
    stage_stride = across.num_out + across.reach - 1
    block, kept = compiler.pack(
        height=down.size, width=across.size, top=down.before, left=across.before, num_top=num_top, num_left=num_left,
        row_table=rows, column_table=columns, out_height=down.num_out, out_width=across.num_out, down=down.dilation,
        across=across.dilation, stage_stride=stage_stride, num_entries=len(x), num_channels=x.shape[1],
        per_channel=g.shape[1] // max(1, x.shape[1]),
    )  # fmt: skip
    loop = compiler.get(tap_sums, item=x.dtype.name, kh=down.taps, kw=across.taps, vector_bytes=compiler.vector_bytes())
    out = np.empty((g.shape[1], *(axis.taps for axis in axes)))
    fixed = [compiler.pointer(a) for a in (x, g, out, block)]
    staged = (ROWS + down.reach - 1) * stage_stride
    parts = min(len(out), 4 * workers) if workers > 1 else 1
    limits = cuts(len(out), parts)

    def part(i: int) -> None:
        loop(*fixed, compiler.scratch(staged, x.dtype), limits[i], limits[i + 1])

    run_parts(part, parts, workers)
    del kept
    return out
