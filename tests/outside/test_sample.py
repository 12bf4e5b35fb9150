"""A few of the suites, in seconds; `make test-outside` runs them all."""

from pathlib import Path

import pytest

from outside.running import Outcome, run
from outside.suites import BY_NAME, SUITES


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("numpy", ()),
        ("scipy.linalg", ()),
        ("scipy.signal", ("-k", "TestConvolve and not large or TestSepfir2d or TestCorrelate")),
        ("scipy.signal.oaconvolve", ("-k", "test_1d_axes and 47")),
    ],
)
def test_their_tests_pass_on_our_functions(name: str, arguments: tuple[str, ...]) -> None:
    outcome = run(BY_NAME[name], arguments)
    assert outcome.complaints(whole=not arguments) == []
    assert outcome.passed >= 10


def test_a_listed_difference_that_passes_is_a_failure_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    listed = "test_numeric.py::TestConvolve::test_mode :: passes\n# a comment\ntest_numeric.py::TestGone :: never was\n"
    (tmp_path / "numpy.txt").write_text(listed)
    outcome = run(BY_NAME["numpy"], differences=tmp_path)
    assert (outcome.passed, outcome.failed) == (9, 1)
    complaints = "\n".join(outcome.complaints())
    assert "test_mode: [XPASS(strict)] on purpose: passes" in complaints
    assert "names no test: test_numeric.py::TestGone" in complaints


def test_a_suite_without_one_call_of_ours_is_not_good_enough() -> None:
    quiet = Outcome(BY_NAME["numpy"], collected=10, passed=10)
    assert "no swapped function was called at all" in quiet.complaints(whole=False)


def test_a_failure_and_a_low_share_are_told() -> None:
    calls = dict.fromkeys(BY_NAME["numpy"].swaps, 1)
    assert Outcome(BY_NAME["numpy"], passed=99, listed=1, calls=calls).complaints() == []
    assert len(Outcome(BY_NAME["numpy"], passed=98, listed=2, calls=calls).complaints()) == 1
    assert Outcome(BY_NAME["numpy"], passed=999, failed=1, calls=calls, failures=("one",)).complaints() == ["one"]


def test_a_suite_that_cannot_start_is_a_failure() -> None:
    outcome = run(BY_NAME["numpy"], ("--no-such-option",))
    assert "no-such-option" in outcome.complaints()[0]


def test_every_difference_has_its_reason() -> None:
    assert all(reason for suite in SUITES for reason in suite.differences().values())
