"""Hypothesis profiles, and the gate's refusal to skip: `pytest --hypothesis-profile=ci` looks ten times longer."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

# the first call of a spec may compile a loop, so single examples have no deadline
# and the gate tries the same examples at every run: what it finds is due to the change at hand
settings.register_profile(
    "default",
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize="CI" in os.environ,
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=1000, derandomize=True)
settings.load_profile("default")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

MAY_BE_SKIPPED = ("root may write everywhere",)
"""Why a test may be skipped where CI is set: what its machine cannot show.

Any other skip is a failure there, so that no package can drop out of group `test` in pyproject.toml unseen."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return report if hasattr(report, "wasxfail") else _unless_allowed(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _unless_allowed(report)


def _unless_allowed(report: Report) -> Report:
    """The report, as a failure where it is a skip that the gate does not allow."""
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if os.environ.get("CI") and report.skipped and not any(allowed in reason for allowed in MAY_BE_SKIPPED):
        report.outcome = "failed"
        report.longrepr = f"{reason}: the gate skips only what MAY_BE_SKIPPED in tests/conftest.py names"
    return report
