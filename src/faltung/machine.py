"""What this machine can do: the constants of the planner's cost model.

The shipped numbers were measured by `benchmarks/calibrate.py`; see `DEFAULT`. They steer choices only, never results.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Speeds of one processor core, for float32 unless said.

    Attributes:
        direct_rate: multiply-adds per second of the compiled direct loops.
        general_rate: multiply-adds per second of the general direct path.
        copy_rate: bytes per second read or written by streaming loops.
        fft_rate: real FFT points x log2(points) per second.
        call_s: seconds that any call costs.
        handoff_s: seconds to wake another thread.
    """

    direct_rate: float
    general_rate: float
    copy_rate: float
    fft_rate: float
    call_s: float
    handoff_s: float


DEFAULT = Machine(
    direct_rate=1.3e11, general_rate=3.9e9, copy_rate=8.5e10, fft_rate=1.8e10, call_s=5.5e-6, handoff_s=6.5e-5
)
"""An AMD EPYC with AVX-512 (znver5), two cores, 2026-11, by benchmarks/calibrate.py. An Intel Xeon with AVX-512 had
half the direct rate."""


def num_workers() -> int:
    """How many threads a call may use: the processors this process may run on, or FALTUNG_WORKERS."""
    asked = os.environ.get("FALTUNG_WORKERS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
