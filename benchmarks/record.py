"""Where and on what a benchmark ran, and the files that keep it."""

import datetime
import json
import os
import platform
import re
import statistics
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import faltung
from faltung.jit import compiler
from faltung.machine import num_workers

ROOT = Path(__file__).parent
LIBRARIES = ("numpy", "scipy", "llvmlite", "opencv-python-headless", "scikit-image", "ducc0", "mkl_fft", "torch")

QUIET = 0.5
"""A load average above this before the start means that something else runs."""


def cpu_name() -> str:
    """The processor as it calls itself, and LLVM's word for its kind: virtual machines hide the model."""
    name = platform.processor() or platform.machine()
    if platform.system() == "Linux":
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        name = found.group(1) if found else name
    elif platform.system() == "Darwin":
        name = _output("sysctl", "-n", "machdep.cpu.brand_string") or name
    name = " ".join(re.sub(r"\((R|TM)\)|CPU|@.*", " ", name).split())
    return f"{name} ({compiler.host_description()[0]})"


def load_average() -> list[float] | None:
    """Over one, five and fifteen minutes, where the system keeps it."""
    return [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None


def facts() -> dict[str, Any]:
    """Everything about a run that is known before it."""
    load = load_average()
    return {
        "version": faltung.__version__,
        "commit": _output("git", "rev-parse", "--short=12", "HEAD") or "unknown",
        "uncommitted": bool(_output("git", "status", "--porcelain", "--", ".", ":!benchmarks/results")),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {
            "cpu": cpu_name(),
            "processors": num_workers(),
            "vectors": " ".join(compiler.host_description()[1]),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "libraries": _versions(),
        "load_average": {"before": load, "after": None},
        "busy": load is not None and load[0] > QUIET,
    }


KEEP_MEMORY = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
"""What tells glibc to use freed memory again. Without, large results lie in pages that the system clears first: 0.5 ms
for 16 MB, and 10 ms of a training step of torch with a few tensors of 6 MB. Both states are met with in real programs,
so a ratio that depends on it is to be shown in both."""


def with_threads(count: int, *, keep_memory: bool = False) -> dict[str, str]:
    """An environment in which every library, ours too, starts with so many threads and the FFT is ours to choose.

    Args:
        keep_memory: freed memory is used again, see `KEEP_MEMORY`.
    """
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "FALTUNG_WORKERS")
    kept = {name: value for name, value in os.environ.items() if name != "FALTUNG_FFT"}
    return kept | dict.fromkeys(names, str(count)) | (dict.fromkeys(KEEP_MEMORY, str(1 << 32)) if keep_memory else {})


def files(run: dict[str, Any], name: str = "", folder: Path | None = None) -> tuple[Path, Path]:
    """results/<version>/[<name>-]<machine>.json and .md; the machine is the processor, never the host."""
    slug = re.sub(r"[^a-z0-9]+", "-", run["machine"]["cpu"].lower()).strip("-")
    stem = (folder or ROOT / "results" / run["version"]) / "-".join(filter(None, (name, slug)))
    return stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.md")


def save(run: dict[str, Any], text: str, name: str = "", folder: Path | None = None) -> tuple[Path, Path]:
    """Write the numbers and their table to `files`."""
    paths = files(run, name, folder)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    paths[0].write_text(json.dumps(run, indent=1) + "\n")
    paths[1].write_text(text)
    return paths


def spread(values: list[float], digits: int = 2) -> str:
    """Mean ± standard deviation; the value alone if there is one."""
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def version(name: str) -> str:
    """Of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def _output(*command: str) -> str:
    """What a command prints; empty if it cannot be run."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT.parent).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
