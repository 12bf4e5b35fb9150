"""What a command prints: facts or JSON on stdout, remarks and progress on stderr."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError

if TYPE_CHECKING:
    from rich.console import Console

    from ..data import Content, Written

BLOCKS = " ▏▎▍▌▋▊▉█"


def console() -> "Console":
    """Stdout through rich, which knows the width and whether colours are wanted (NO_COLOR, pipes)."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def width() -> int:
    """Columns of the terminal; 80 if there is none."""
    import shutil

    return max(20, shutil.get_terminal_size((80, 24)).columns)


def aside(line: str) -> None:
    """A remark, on stderr."""
    print(line, file=sys.stderr)


def print_json(facts: dict[str, Any]) -> None:
    """One JSON object; NaN and infinity, which JSON has not, become null."""
    print(json.dumps(_plain(facts), ensure_ascii=False, allow_nan=False))


def print_facts(rows: Sequence[tuple[str, Any]]) -> None:
    """Name and value per line, long values folded under themselves."""
    import textwrap

    names = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        room = max(width() - names, 16)
        lines = textwrap.wrap(str(value), room, break_on_hyphens=False) or [""]
        print(f"{name:<{names}}{lines[0]}")
        for line in lines[1:]:
            print(" " * names + line)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Columns side by side, the last one folded; in a narrow terminal each row becomes a few lines.

    Args:
        right: columns that hold numbers.
    """
    import textwrap

    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header) - 1)]
    taken = sum(widths) + 2 * len(widths)
    room = width() - taken
    if room < min(20, max(len(row[-1]) for row in rows)):
        for row in rows:
            numbers = "  ".join(cell for cell in row[1:-1] if cell != "-")
            print(f"{row[0]}  {numbers}".rstrip())
            for line in textwrap.wrap(row[-1], max(width() - 2, 16)):
                print(f"  {line}")
        return
    for line in (header, *rows):
        cells = [
            f"{cell:>{w}}" if i in right else f"{cell:<{w}}"
            for i, (cell, w) in enumerate(zip(line[:-1], widths, strict=True))
        ]
        first, *rest = textwrap.wrap(line[-1], room) or [""]
        print("  ".join([*cells, first]).rstrip())
        for more in rest:
            print(" " * taken + more)


def print_bars(shares: Sequence[tuple[str, float]]) -> None:
    """A histogram lying down: label, bar, per cent."""
    labels = max(len(label) for label, _ in shares)
    room = max(min(width(), 80) - labels - 11, 4)
    largest = max(share for _, share in shares) or 1.0
    for label, share in shares:
        eighths = round(8 * room * share / largest)
        bar = BLOCKS[8] * (eighths // 8) + BLOCKS[eighths % 8].strip()
        print(f"{label:>{labels}}  {bar:<{room}} {share:6.1%}")


def written_words(written: "Written") -> str:
    """What went into the file, and which values are black and white."""
    shape = " x ".join(str(size) for size in written.shape)
    words = f"{written.path} ({written.container}, {shape}, {written.dtype})"
    if written.tones is not None:
        words += f"; {written.tones[0]:.4g} is black, {written.tones[1]:.4g} white"
    return "; ".join([words, *written.notes])


def written_rows(written: "Written | None") -> list[tuple[str, str]]:
    """A line for `print_facts`, or none."""
    return [] if written is None else [("wrote", written_words(written))]


def picture_words(content: "Content") -> str:
    """Name, size and dtype of a picture."""
    return f"{content.path.name}, {' x '.join(map(str, content.values.shape))}, {content.values.dtype}"


def written_facts(written: "Written | None") -> dict[str, Any] | None:
    """The same for JSON."""
    if written is None:
        return None
    return {
        "path": str(written.path),
        "container": written.container,
        "shape": written.shape,
        "dtype": written.dtype,
        "black_and_white": written.tones,
        "notes": written.notes,
    }


def check_output(output: Path | None, *inputs: Path) -> None:
    """Refuse a target that cannot be written, or that is an input, before the work is done."""
    if output is None:
        return
    from ..data.files import check_target

    check_target(output)
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ParameterError(f"-o {output} is the input and would be overwritten: give another name")


@contextmanager
def progress(verb: str, total: int, unit: str) -> Iterator[Callable[[], None]]:
    """Counts steps on stderr: a bar in a terminal, else a line at every tenth."""
    if total < 2:
        yield lambda: None
        return
    if not sys.stderr.isatty():
        count = 0

        def step() -> None:
            nonlocal count
            count += 1
            if count == total or count % max(total // 10, 1) == 0:
                aside(f"{verb}: {count} of {total} {unit}")

        yield step
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(verb, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def progress_lines(verb: str) -> Iterator[Callable[[str], None]]:
    """Shows where a long work stands, a line at a time: in place in a terminal, else one below the other."""
    if not sys.stderr.isatty():
        yield lambda line: aside(f"{verb}: {line}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    screen = Console(stderr=True)
    with Progress(BarColumn(20), TextColumn("{task.description}"), console=screen, transient=True) as bar:
        task = bar.add_task(verb, total=None)

        def say(line: str) -> None:
            # "3/17 Title" moves the bar, anything else is only said
            count, _, total = line.partition(" ")[0].partition("/")
            if count.isdecimal() and total.isdecimal():
                bar.update(task, completed=int(count) - 1, total=int(total))
            bar.update(task, description=line)

        yield say


def _plain(value: Any) -> Any:
    """Python's own numbers, lists and texts."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, complex):
        return [_plain(value.real), _plain(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
