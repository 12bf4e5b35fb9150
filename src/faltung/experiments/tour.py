"""The tour: every experiment run on the real engine, into one HTML report."""

import dataclasses
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import FileError, MissingDependency
from ..machine import num_workers
from . import report
from .experiment import Experiment, Parameters
from .pictures import load_photo
from .registry import EXPERIMENTS, find

REPORT_NAME = "index.html"

_EXTRAS = {"torch": "nn"}
"""Optional packages that experiments import themselves, and the extra that installs each."""


def write_tour(
    folder: Path,
    *,
    picture: Path | None = None,
    only: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Run the experiments and write what they found as one self-contained HTML file.

    Args:
        folder: where `index.html` goes; made if there is none. An older report there is replaced at the end, whole.
        picture: a picture of one's own for the experiments that look at photographs; None takes scikit-image's.
        only: the slug of one experiment, or the number of its item in the workshop; None runs all.
        progress: called with one line before each experiment.

    Returns:
        The file that was written. An experiment whose optional package is not installed is left out: the report says so
        in its place, with the line that installs it.

    Raises:
        ParameterError: `only` names no experiment; the message lists them.
        FileError: the folder cannot be written, or the picture cannot be read.
        MissingDependency: Matplotlib is not installed, or what the one experiment in `only` needs; the message holds
            the line that installs it.
    """
    start = time.perf_counter()
    chosen = EXPERIMENTS if only is None else (find(only),)
    _need_drawing()
    if picture is not None:
        # a picture that cannot be read is refused now, not after the experiments before the first that looks at it
        load_photo(str(picture), 128)
    folder = Path(folder)
    _make(folder)
    shown: list[report.Shown | report.LeftOut] = []
    for number, experiment in enumerate(chosen, 1):
        if progress is not None:
            progress(f"{number}/{len(chosen)} {experiment.title}")
        try:
            shown.append(run(experiment, _parameters(experiment, picture)))
        except MissingDependency as error:
            if only is not None:
                raise
            shown.append(report.LeftOut(experiment, str(error)))
            if progress is not None:
                progress(f"left out: {error}")
    made_with = " ".join(
        ["faltung tour", *(["--picture", picture.name] if picture else []), *(["--only", only] if only else [])]
    )
    text = report.page(shown, seconds=lambda: time.perf_counter() - start, machine=machine_line(), made_with=made_with)
    return _write_whole(folder / REPORT_NAME, text)


def run(experiment: Experiment[Any, Any], parameters: Parameters) -> report.Shown:
    """One experiment computed, checked and drawn.

    Raises:
        MissingDependency: it needs an optional package that is not installed.
    """
    start = time.perf_counter()
    try:
        result = experiment.compute(parameters)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        raise MissingDependency(
            f"experiment {experiment.slug} needs {error.name}, which is not installed: "
            f'pip install "faltung[{_EXTRAS[error.name]}]"'
        ) from error
    golden = experiment.check(parameters, result)
    seconds = time.perf_counter() - start
    return report.Shown(experiment, parameters, golden, experiment.draw(parameters, result), seconds)


def machine_line() -> str:
    """The computer and the versions, in one line."""
    import llvmlite
    import matplotlib
    import scipy

    return (
        f"Faltung {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, SciPy "
        f"{scipy.__version__}, "
        f"llvmlite {llvmlite.__version__}, Matplotlib {matplotlib.__version__}; {platform.system()} "
        f"{platform.machine()}, {_processor()}, {num_workers()} threads."
    )


def _parameters(experiment: Experiment[Any, Any], picture: Path | None) -> Any:
    """The workshop's case, with the person's own picture where there is one to look at."""
    if picture is not None and any(entry.name == "photo" for entry in dataclasses.fields(experiment.parameters)):
        return experiment.parameters(photo=str(picture))
    return experiment.parameters()


def _processor() -> str:
    """Name of the processor, as the system tells it."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "processor unknown"


def _need_drawing() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            'the tour draws with Matplotlib, which is not installed: pip install "faltung[images]"'
        ) from error


def _make(folder: Path) -> None:
    """Make the folder now, so that a wrong one is told before the work and not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FileError(f"{folder} is a file: give a folder for the report") from error
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}; give one that you may write to") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{folder} may not be written to: give another folder")


def _write_whole(path: Path, text: str) -> Path:
    """Write beside the target and rename: there is the old file or the new one, never half of one."""
    scratch = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            scratch = Path(file.name)
            file.write(text)
        # temporary files are private; a report is as readable as any other new file
        umask = os.umask(0)
        os.umask(umask)
        scratch.chmod(0o666 & ~umask)
        scratch.replace(path)
    except OSError as error:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise FileError(f"cannot write {path}: {error.strerror}; is the disk full, or {path.name} a folder?") from error
    return path
