"""What a new process waits for: imports, the first call, the first compilation. `python -m benchmarks.start_up`.

Every figure is the median over fresh processes; parts of a process are timed inside it, whole commands from outside.
"""

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from .contract import summary
from .table import start_up_lines

PROCESSES = 7

_FIRST_CALL = """
import time
import numpy as np
clock = time.perf_counter
x = np.random.default_rng(1).random((512, 512), np.float32)
kernel = np.random.default_rng(2).standard_normal((7, 7)).astype(np.float32)
start = clock()
import faltung as ft
imported = clock()
ft.convolve
if {preload}:
    import llvmlite.binding
    import faltung.jit.compiler
loaded = clock()
ft.convolve(x, kernel, mode="same")
called = clock()
ft.convolve(x, kernel, mode="same")
print(imported - start, loaded - imported, called - loaded, clock() - called)
"""

_HELP = "import sys; from faltung.cli import main; sys.argv = ['faltung', '--help']; main()"


def start_up(processes: int = PROCESSES) -> list[dict[str, Any]]:
    """All figures, in seconds.

    Args:
        processes: how many fresh ones each figure is the median of.
    """
    rows = [
        _row("process: nothing", _commands("pass", processes)),
        _row("process: import numpy", _commands("import numpy", processes)),
        _row("process: import numpy, faltung", _commands("import numpy, faltung", processes)),
        _row("process: faltung --help", _commands(_HELP, processes)),
    ]
    with tempfile.TemporaryDirectory() as kept:
        plain = _first_calls(preload=False, processes=processes, cache=kept)
        ready = _first_calls(preload=True, processes=processes, cache=kept)
    cold = _first_calls(preload=True, processes=processes, cache=None)
    what = "512x512 float32 with 7x7"
    rows += [
        _row("import faltung, numpy already imported", [one[0] for one in plain]),
        _row("loading `faltung.convolve`", [one[1] for one in plain]),
        _row(f"first call, {what}, loop kept on disk, llvmlite not yet imported", [one[2] for one in plain]),
        _row("the two lines above together", [one[1] + one[2] for one in plain]),
        _row(f"first call, {what}, loop kept on disk, llvmlite imported", [one[2] for one in ready]),
        _row(f"first call, {what}, empty cache: compiled, llvmlite imported", [one[2] for one in cold]),
        _row("second call", [one[3] for one in plain]),
    ]
    return rows


def _row(what: str, seconds: list[float]) -> dict[str, Any]:
    return {"what": what, **summary(seconds)}


def _commands(code: str, processes: int) -> list[float]:
    """Wall time of `python -c code`, the first one (disk caches) left out."""
    seconds = []
    for _ in range(processes + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def _first_calls(*, preload: bool, processes: int, cache: str | None) -> list[tuple[float, ...]]:
    """Seconds to import faltung, load the call, call first, call again; one warm-up process left out.

    Args:
        preload: import llvmlite before the first call.
        cache: folder of compiled loops; None means a new, empty one for each process.
    """
    found = []
    for _ in range(processes + 1):
        with tempfile.TemporaryDirectory() as empty:
            environment = {**os.environ, "FALTUNG_CACHE": cache or empty}
            command = [sys.executable, "-c", _FIRST_CALL.format(preload=preload)]
            done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        found.append(tuple(map(float, done.stdout.split())))
    return found[1:]


if __name__ == "__main__":
    print("\n".join(start_up_lines(start_up())))
