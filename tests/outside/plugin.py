"""The pytest plug-in: `-p outside.plugin --outside-suite NAME --outside-report FILE`.

Puts our functions in the place of the peer's before its test modules are imported, keeps the tests of the suite, marks
those listed as different on purpose as strictly expected to fail, counts the calls and writes what happened as JSON.
"""

import functools
import importlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outside.suites import BY_NAME, Suite


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("outside")
    group.addoption("--outside-suite", help="the name of a suite in suites.py")
    group.addoption("--outside-report", help="the file to write")
    group.addoption("--outside-differences", help="the folder with the lists of tests that fail on purpose")
    group.addoption("--outside-theirs", action="store_true", help="leave the peer's functions in place")


def pytest_configure(config: pytest.Config) -> None:
    name = config.getoption("outside_suite")
    if name:
        suite = BY_NAME[name]
        config.pluginmanager.register(Runner(suite, config), "outside-runner")


class Runner:
    """One run of one suite."""

    def __init__(self, suite: Suite, config: pytest.Config) -> None:
        self.suite = suite
        self.report = Path(config.getoption("outside_report"))
        self.theirs = config.getoption("outside_theirs")
        folder = Path(config.getoption("outside_differences"))
        self.differences = {} if self.theirs else suite.differences(folder)
        self.calls: Counter[str] = Counter()
        self.outcomes: dict[str, str] = {}
        self.failures: list[str] = []
        self.unused = set(self.differences)
        if self.theirs:
            return
        for place, ours in suite.swaps.items():
            self.swap(place, ours)

    def swap(self, place: str, ours: str) -> None:
        """Put our function, with a counter, where the peer has its own."""
        module, attribute = _home(place)
        original = getattr(module, attribute)
        counted = self.counted(place, getattr(*_home(ours)))
        setattr(module, attribute, counted)
        if place.startswith("scipy."):
            _alias_capabilities(original, counted)

    def counted(self, place: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[place] += 1
            return function(*args, **kwargs)

        return call

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what belongs to the suite, and mark what fails on purpose."""
        ours, others = [], []
        for item in items:
            (ours if self._belongs(_short(item.nodeid)) else others).append(item)
        items[:] = ours
        config.hook.pytest_deselected(items=others)
        for item in items:
            name = _short(item.nodeid)
            listed = next((known for known in (name, name.partition("[")[0]) if known in self.differences), None)
            if listed is not None:
                self.unused.discard(listed)
                item.add_marker(pytest.mark.xfail(reason=f"on purpose: {self.differences[listed]}", strict=True))

    def _belongs(self, name: str) -> bool:
        inner = name.partition("::")[2]
        top = inner.partition("::")[0].partition("[")[0]
        return (not self.suite.classes or top in self.suite.classes) and not inner.startswith(self.suite.but)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One word per test: passed, failed, skipped (by the peer), expected (to fail, by the peer) or listed."""
        name = _short(report.nodeid)
        if report.failed:
            self.outcomes[name] = "failed"
            self.failures.append(f"{name}: {_last_line(report)}")
        elif report.skipped and hasattr(report, "wasxfail"):
            on_purpose = "on purpose: " in report.wasxfail
            self.outcomes[name] = "listed" if on_purpose else "expected"
        elif report.skipped:
            self.outcomes[name] = "skipped"
        elif report.when == "call":
            self.outcomes.setdefault(name, "passed")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report."""
        found = {
            "collected": session.testscollected,
            "outcomes": Counter(self.outcomes.values()),
            "failures": self.failures,
            "calls": self.calls,
            "stale": sorted(self.unused),
        }
        self.report.write_text(json.dumps(found))


def _home(place: str) -> tuple[Any, str]:
    module, attribute = place.split(":")
    return importlib.import_module(module), attribute


def _alias_capabilities(original: Any, ours: Any) -> None:
    """SciPy's tests look up by function what it can do with other libraries' arrays."""
    from scipy._lib._array_api import xp_capabilities_table

    if original in xp_capabilities_table:
        xp_capabilities_table[ours] = xp_capabilities_table[original]


def _short(nodeid: str) -> str:
    """`test_file.py::Class::test[case]`, without the folders before it."""
    path, _, inner = nodeid.partition("::")
    return f"{Path(path).name}::{inner}"


def _last_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    return next((line for line in text.splitlines() if line.strip()), "")[:200]
