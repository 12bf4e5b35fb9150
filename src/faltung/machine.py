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


DEFAULT = Machine(direct_rate=6.8e10, general_rate=1.4e9, copy_rate=2.3e10, fft_rate=4.5e9, call_s=1e-5, handoff_s=3e-5)
"""An Intel Xeon with AVX-512, two cores, 2026-11, by benchmarks/calibrate.py, but for two: fft_rate is set below the
7.2e9 measured there, because whole convolutions by FFT took up to 1.7 times as long as it predicted, and call_s is that
of a repeated 64x64 call."""


def num_workers() -> int:
    """How many threads a call may use: the processors this process may run on, or FALTUNG_WORKERS."""
    asked = os.environ.get("FALTUNG_WORKERS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
