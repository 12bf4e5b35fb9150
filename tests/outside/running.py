"""Runs one suite in a process of its own, and says what came out."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

import faltung
from outside.suites import DIFFERENCES, Suite

TESTS = Path(__file__).parents[1]
LEAST_SHARE = 0.99


@dataclass(frozen=True)
class Outcome:
    """What one suite did.

    Attributes:
        collected: tests selected.
        passed, failed, listed: of those, how many passed, failed, and failed as listed in `differences/`.
        left_out: skipped or expected to fail by their own library.
        calls: how often each swapped function was called.
        stale: lines in `differences/` that name no test.
        failures: one line each; or the output, where pytest itself failed.
    """

    suite: Suite
    collected: int = 0
    passed: int = 0
    failed: int = 0
    listed: int = 0
    left_out: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Passes among the tests that count."""
        counted = self.passed + self.failed + self.listed
        return self.passed / counted if counted else 0.0

    def complaints(self, *, whole: bool = True) -> list[str]:
        """Why the suite is not good enough; empty if it is.

        Args:
            whole: False where only some of the tests were run: a function may then have gone without a call.
        """
        found = list(self.failures)
        never = [place for place in self.suite.swaps if not self.calls.get(place)]
        if whole and never:
            found.append(f"swapped and never called: {', '.join(never)}")
        if not any(self.calls.values()):
            found.append("no swapped function was called at all")
        if whole:
            found += [f"differences/{self.suite.name}.txt names no test: {name}" for name in self.stale]
        if whole and self.share < LEAST_SHARE:
            found.append(f"{self.share:.2%} pass, at least {LEAST_SHARE:.0%} are asked for")
        return found


def run(
    suite: Suite, arguments: tuple[str, ...] = (), *, theirs: bool = False, differences: Path = DIFFERENCES
) -> Outcome:
    """Run a suite; `arguments` go to pytest, `theirs` leaves the peer's own functions in place.

    A collection that fails, and a suite without a test, are failures.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"),
            *("-c", str(TESTS / "outside" / "peers.ini"), "-p", "outside.plugin"),
            *("--rootdir", str(_folder_of(suite.package))),
            *("--outside-suite", suite.name, "--outside-report", str(report)),
            *("--outside-differences", str(differences)),
            *(["--outside-theirs"] if theirs else []),
            *suite.options,
            *arguments,
            *("--pyargs", *suite.files),
        ]
        done = subprocess.run(command, cwd=TESTS, env=_environment(), capture_output=True, text=True, check=False)
        if not report.exists():
            return _broken(suite, done)
        found = json.loads(report.read_text())
    if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return _broken(suite, done)
    outcomes = found["outcomes"]
    return Outcome(
        suite,
        collected=found["collected"],
        passed=outcomes.get("passed", 0),
        failed=outcomes.get("failed", 0),
        listed=outcomes.get("listed", 0),
        left_out=outcomes.get("skipped", 0) + outcomes.get("expected", 0),
        calls=found["calls"],
        stale=tuple(found["stale"]),
        failures=tuple(found["failures"]),
    )


def _broken(suite: Suite, done: subprocess.CompletedProcess[str]) -> Outcome:
    return Outcome(suite, failures=(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}",))


def _folder_of(package: str) -> Path:
    """Where the package is installed: test ids begin there."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: make test-outside installs what is needed")
    return Path(spec.origin).parents[1]


def _environment() -> dict[str, str]:
    """This process's, with this folder's plug-in and this copy of Faltung on the path."""
    places = (str(TESTS), str(Path(faltung.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
