"""`python -m benchmarks`: race against the other libraries, print and save the table. About ten minutes.

The machine should have nothing else to do; the load average before and after is saved with the results.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import record, start_up
from .table import markdown

START_UP = "start-up"


def main() -> None:
    """Read the options, run, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="each in a process of its own")
    parser.add_argument("--rounds", type=int, default=21, help="measurements of each entry")
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help=f'cases whose name matches; "{START_UP}" for those'
    )
    parser.add_argument(
        "--size", type=int, default=2048, help="side of the pictures; only 2048 and all cases are saved"
    )
    parser.add_argument("--keep-memory", action="store_true", help="freed memory is used again; not saved")
    parser.add_argument("--no-save", action="store_true", help="print only")
    options = parser.parse_args()
    if min([options.rounds, *options.threads]) < 1 or options.size < 128:
        parser.error("rounds and threads are at least 1, the size at least 128")
    try:
        re.compile(options.only)
    except re.error as error:
        parser.error(f"--only {options.only!r} is no regular expression: {error}")
    run = record.facts() | {"rounds": options.rounds, "size": options.size, "threads": {}}
    if run["busy"]:
        print(f"The load average is {run['load_average']['before']}: this machine is not quiet.", file=sys.stderr)
    for threads in options.threads:
        run["threads"][str(threads)] = _race(options, threads)
    wanted = re.search(options.only, START_UP)
    run["start_up"] = start_up.start_up(min(start_up.PROCESSES, options.rounds)) if wanted else []
    run["load_average"]["after"] = record.load_average()
    print("\n" + markdown(run))
    if options.no_save:
        return
    # a part must not overwrite the whole
    if options.only or options.keep_memory or options.size != parser.get_default("size"):
        print("Not saved: only whole runs at the default size are.", file=sys.stderr)
        return
    print(
        "Saved:",
        *(
            path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            for path in record.save(run, record.markdown(run))
        ),
    )


def _race(options: argparse.Namespace, threads: int) -> list[dict[str, Any]]:
    """All cases in a new process that every library in it starts with so many threads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        words = [options.only, options.rounds, options.size, threads, path]
        environment = record.with_threads(threads, keep_memory=options.keep_memory)
        subprocess.run([sys.executable, "-m", "benchmarks.cases", *map(str, words)], check=True, env=environment)
        return json.loads(path.read_text())


if __name__ == "__main__":
    main()
