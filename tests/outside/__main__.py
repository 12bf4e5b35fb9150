"""`python -m outside`: every suite, one line each; exit code 1 if one is not good enough."""

import argparse
import sys
import time

from outside.running import Outcome, run
from outside.suites import BY_NAME, SUITES

HEAD = (
    f"{'suite':<26}{'collected':>10}{'passed':>8}{'failed':>8}{'listed':>8}{'left out':>10}{'share':>9}"
    f"{'calls':>8}{'s':>6}"
)
"""Listed: differ on purpose; left out: skipped or expected to fail by their library; calls: of our functions."""


def main() -> int:
    """Run the suites named, or all."""
    parser = argparse.ArgumentParser(prog="python -m outside", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[[], *BY_NAME], help="which; all if none is named")
    parser.add_argument("--theirs", action="store_true", help="leave the peers' own functions in place, to compare")
    parser.add_argument("--pytest", default="", help='more arguments for pytest, e.g. --pytest="-k same -x"')
    given = parser.parse_args()
    print(HEAD)
    good = True
    for suite in [BY_NAME[name] for name in given.suites] or SUITES:
        if not suite.swaps:
            print(f"{suite.name:<26}no function of ours yet")
            continue
        start = time.perf_counter()
        outcome = run(suite, tuple(given.pytest.split()), theirs=given.theirs)
        complaints = [] if given.theirs else outcome.complaints(whole=not given.pytest)
        print(_line(outcome, time.perf_counter() - start), flush=True)
        for complaint in complaints or outcome.failures:
            print(f"  {complaint}")
        good = good and not complaints
    return 0 if good else 1


def _line(o: Outcome, seconds: float) -> str:
    counts = f"{o.collected:>10}{o.passed:>8}{o.failed:>8}{o.listed:>8}{o.left_out:>10}"
    return f"{o.suite.name:<26}{counts}{o.share:>9.2%}{sum(o.calls.values()):>8}{seconds:>6.0f}"


if __name__ == "__main__":
    sys.exit(main())
