"""The readable table of a run: losses beside wins, every entry below."""

from typing import Any

from .contract import TIE, verdict

Result = dict[str, Any]


def case_lines(result: Result) -> list[str]:
    """One case for the screen: every entry, or why it was stopped."""
    lines = [f"{result['case']}, threads: {result['threads']}"]
    if result["stopped"]:
        return [*lines, f"  STOPPED: {result['stopped']}"]
    for name, entry in result["entries"].items():
        label = f"{name} ({entry['note']})" if entry["note"] else name
        spread = f"{_time(entry['low_s'])} to {_time(entry['high_s'])}"
        lines.append(f"  {label:<36}{_time(entry['median_s']):>10}   {spread}")
    return [*lines, *(f"  {name}: {ratio:.2f}x {rival}, {verdict(ratio)}" for name, rival, ratio in ratios(result))]


def ratios(result: Result) -> list[tuple[str, str, float]]:
    """For each entry of ours: its name, the best rival, and that rival's median over ours."""
    if result["stopped"]:
        return []
    medians = {name: entry["median_s"] for name, entry in result["entries"].items()}
    rivals = [name for name in medians if not _is_ours(name)]
    best = min(rivals, key=medians.__getitem__)
    return [(name, best, medians[best] / medians[name]) for name in medians if _is_ours(name)]


def markdown(record: Result) -> str:
    """The whole run."""
    lines = [f"# Faltung {record['version']} on {record['machine']['cpu']}", ""]
    lines += [f"- {fact}" for fact in _facts(record)]
    lines += ["", _reading(), ""]
    for threads, results in record["threads"].items():
        lines += _section(threads, results) if results else []
    if record["start_up"]:
        lines += ["## Start-up", "", *start_up_lines(record["start_up"])]
    return "\n".join(lines).rstrip() + "\n"


def _reading() -> str:
    return (
        f"Times are medians per call. Ratio: the best rival's median over ours; above {TIE} it is a win, below "
        f"{1 / TIE} a loss, between them a tie. In brackets what our planner took; `faltung` uses the FFT that it "
        "prefers among those installed, `faltung, scipy` what one gets without any other. Pictures are float32 unless "
        "said, borders mirrored (`reflect`); signals are float32 with zeros outside. Before anything was timed all "
        "results of a case were compared: no sample differed by more than the tolerance x the largest sample."
    )


def _facts(record: Result) -> list[str]:
    machine, load = record["machine"], record["load_average"]
    libraries = ", ".join(f"{name} {version}" for name, version in record["libraries"].items())
    dirty = " with uncommitted changes" if record["uncommitted"] else ""
    return [
        f"{record['date']}, commit {record['commit']}{dirty}",
        f"{machine['processors']} processors, {machine['vectors']}, {machine['system']}, Python {machine['python']}",
        libraries,
        f"{record['rounds']} rounds; load average {load['before']} before, {load['after']} after"
        + (" (**not quiet**: something else ran)" if record["busy"] else ""),
    ]


def _section(threads: str, results: list[Result]) -> list[str]:
    called = "1 thread" if threads == "1" else f"{threads} threads"
    rows = [(result, *one) for result in results for one in ratios(result)]
    words = [verdict(ratio) for *_, ratio in rows]
    count = f"Wins: {words.count('win')}, ties: {words.count('tie')}, losses: {words.count('LOSS')}."
    lines = [f"## {called}", "", count, ""]
    lines += ["| case | ours | time | best rival | its time | ratio | |", "|---|---|--:|---|--:|--:|---|"]
    for result, name, rival, ratio in rows:
        entries = result["entries"]
        note = f" ({entries[name]['note']})" if entries[name]["note"] else ""
        ours, theirs = _time(entries[name]["median_s"]), _time(entries[rival]["median_s"])
        word = f"**{verdict(ratio)}**" if verdict(ratio) == "LOSS" else verdict(ratio)
        lines.append(f"| {result['case']} | {name}{note} | {ours} | {rival} | {theirs} | {ratio:.2f} | {word} |")
    lines += [f"\nStopped: {r['case']}: {r['stopped']}" for r in results if r["stopped"]]
    lines += ["", f"Every entry, {called}:", ""]
    lines += ["| case | entry | median | quartiles | minimum | first call | rounds | differs by | tolerance |"]
    lines += ["|---|---|--:|---|--:|--:|--:|--:|--:|"]
    for result in results:
        lines += [_entry_row(result, name) for name in result["entries"] if not result["stopped"]]
    return [*lines, ""]


def _entry_row(result: Result, name: str) -> str:
    entry = result["entries"][name]
    times = (
        f"{_time(entry['median_s'])} | {_time(entry['low_s'])} to {_time(entry['high_s'])} | {_time(entry['min_s'])} "
        f"| {_time(entry['first_s'])} | {entry['rounds']}"
    )
    return f"| {result['case']} | {name} | {times} | {entry['difference']:.1e} | {result['tolerance']:.0e} |"


def start_up_lines(rows: list[Result]) -> list[str]:
    """Seconds a new process waits for what."""
    lines = ["| what | median | quartiles | minimum |", "|---|--:|---|--:|"]
    for row in rows:
        spread = f"{_time(row['low_s'])} to {_time(row['high_s'])}"
        lines.append(f"| {row['what']} | {_time(row['median_s'])} | {spread} | {_time(row['min_s'])} |")
    return lines


def _is_ours(name: str) -> bool:
    return name.startswith("faltung")


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
