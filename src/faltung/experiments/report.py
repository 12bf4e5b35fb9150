"""The tour as one HTML page: no script, no outside request, both themes from one drawing."""

import io
import keyword
import tokenize
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from .drawing import COLOURS, Panel, to_svg
from .experiment import Experiment, Golden, Listing, Table, shown, value_of

# nothing may be fetched, nothing may run; styles are inline because one file has to be enough
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

FORMULA_GAP = " " * 5
"""Stands between two formulas of an experiment; on a narrow page the second goes to a line of its own."""

# light and dark, beside the colours of the drawings: behind code, and for what went wrong
_PAGE_COLOURS = {"wash": ("#f3f2ec", "#1d232c"), "wrong": ("#b3261e", "#ff9a90")}


@dataclass(frozen=True)
class Shown:
    """One experiment, run and drawn."""

    experiment: Experiment[Any, Any]
    parameters: Any
    golden: tuple[Golden, ...]
    pieces: tuple[Panel | Table | Listing, ...]
    seconds: float


@dataclass(frozen=True)
class LeftOut:
    """One experiment that could not run, and why: a package that is not installed, with the line that installs it."""

    experiment: Experiment[Any, Any]
    reason: str


def page(
    shown_experiments: Sequence[Shown | LeftOut], *, seconds: Callable[[], float], machine: str, made_with: str
) -> str:
    """The whole report.

    Args:
        seconds: how long the tour took until it is asked; it is asked when all else is drawn.
        machine: one line about the computer and the versions.
        made_with: the call that makes this report.
    """
    ran = [one for one in shown_experiments if isinstance(one, Shown)]
    golden = [entry for one in ran for entry in one.golden]
    how_many = str(len(ran)) if len(ran) == len(shown_experiments) else f"{len(ran)} of {len(shown_experiments)}"
    reached = sum(entry.reached for entry in golden)
    # first, because the head tells how long the drawing took
    sections = "\n".join(_section(one) if isinstance(one, Shown) else _left_out(one) for one in shown_experiments)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(POLICY, quote=True)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>A tour of convolution</title>
<style>
{_theme()}{files("faltung.experiments").joinpath("report.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<a class="skip" href="#experiments">Skip to the experiments</a>
<header>
<h1>A tour of convolution</h1>
<p class="lead">One operation, from two sliding shapes to the edges of a photograph. Every experiment below was just
computed on this machine; the code beside it makes exactly these numbers.</p>
<dl class="score">
{_score("experiments", how_many)}
{_score("numbers that had to come out", f"{reached} of {len(golden)}")}
{_score("computed and drawn in", f"{seconds():.1f} s")}
</dl>
<p>Colours and lines mean the same everywhere:</p>
<ul class="roles">
<li>{_swatch("input", "", 2)}input</li>
<li>{_swatch("kernel", "7 3", 3)}kernel</li>
<li>{_swatch("output", "", 4)}output</li>
<li>{_swatch("other", "2 2", 2.5)}something to compare with</li>
</ul>
</header>
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
{"".join(_entry(one) for one in shown_experiments)}</ol>
</nav>
<main id="experiments">
{sections}
</main>
<footer>
<p>{escape(machine)}</p>
<p>Made with <code>{escape(made_with)}</code>. Topics and golden numbers follow the workshop “Mathematics of Deep
Learning II” (A. Hajian, 2019); words, drawings and code are Faltung's own. Photographs come with scikit-image;
digits are those of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0), packed by J. Cazala.</p>
</footer>
</body>
</html>
"""


def _section(one: Shown) -> str:
    experiment = one.experiment
    slug = experiment.slug
    panels = [piece for piece in one.pieces if isinstance(piece, Panel)]
    tables = [piece for piece in one.pieces if isinstance(piece, Table)]
    parts = _head(experiment)
    if experiment.formula:
        formulas = (f"<span>{escape(part)}</span>" for part in experiment.formula.split(FORMULA_GAP))
        parts.append(f'<p class="formula">{" ".join(formulas)}</p>')
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in experiment.idea.split("\n\n")]
    parts.append('<div class="panels">')
    parts += [_figure(panel, f"{slug}-{number}") for number, panel in enumerate(panels, 1)]
    parts.append("</div>")
    parts += [_table(table, f"{slug}: table {number}") for number, table in enumerate(tables, 1)]
    parts += [_listing(piece) for piece in one.pieces if isinstance(piece, Listing)]
    parts += [
        f'<div class="aside surprise"><h3>What should surprise you</h3><p>{escape(experiment.surprise)}</p></div>',
    ]
    if experiment.slips:
        slips = "".join(f"<p>{escape(slip)}</p>" for slip in experiment.slips)
        parts.append(f'<div class="aside slip"><h3>Where the slides slip</h3>{slips}</div>')
    parts += [
        "<h3>Expected and got</h3>",
        _golden(one.golden, slug),
        "<h3>The code that made it</h3>",
        f'<pre tabindex="0" role="region" aria-label="Code of {escape(experiment.title, quote=True)}"><code>'
        f"{highlighted(experiment.code(one.parameters))}</code></pre>",
        f"<h3>Try this</h3><ul>{''.join(f'<li>{escape(text)}</li>' for text in experiment.try_this)}</ul>",
        f"<details><summary>Parameters</summary>{_parameters(one)}</details>",
        "</section>",
    ]
    return "\n".join(parts)


def _left_out(one: LeftOut) -> str:
    parts = [
        *_head(one.experiment),
        f'<div class="aside"><h3>Left out</h3><p>{escape(one.reason)}</p></div>',
        "</section>",
    ]
    return "\n".join(parts)


def _head(experiment: Experiment[Any, Any]) -> list[str]:
    slug = experiment.slug
    return [
        f'<section class="experiment" id="{slug}" aria-labelledby="{slug}-title">',
        f'<p class="eyebrow">{_items(experiment)}</p>',
        f'<h2 id="{slug}-title">{escape(experiment.title)}</h2>',
        f'<p class="goal">{escape(experiment.goal)}</p>',
    ]


def _figure(panel: Panel, name: str) -> str:
    svg = to_svg(panel.figure, name).replace(
        "<svg ", f'<svg role="img" aria-label="{escape(panel.alt, quote=True)}" ', 1
    )
    if panel.size == "wide":
        svg = f'<div class="scroll" tabindex="0" role="region" aria-label="Wide drawing, scrolls sideways">{svg}</div>'
    return f'<figure class="{panel.size}">{svg}<figcaption>{escape(panel.caption)}</figcaption></figure>'


def _table(table: Table, name: str) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.headings)
    rows = (
        f'<th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(text)}</td>" for text in row[1:])
        for row in table.rows
    )
    return _scrolling(f"<caption>{escape(table.caption)}</caption><thead><tr>{head}</tr></thead>", rows, name)


def _listing(listing: Listing) -> str:
    return (
        f'<figure class="wide listing"><figcaption>{escape(listing.caption)}</figcaption>'
        f'<pre tabindex="0" role="region" aria-label="{escape(listing.caption, quote=True)}">'
        f"{escape(listing.text)}</pre></figure>"
    )


def _golden(golden: Iterable[Golden], slug: str) -> str:
    rows = (
        f'<th scope="row">{escape(entry.name)}</th><td class="value">{_rows(_expected(entry))}</td>'
        f'<td class="value">{_rows(shown(entry.got))}</td>'
        f'<td class="{"yes" if entry.reached else "no"}">{"✓ reached" if entry.reached else "✗ missed"}</td>'
        for entry in golden
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in ("what", "expected", "got", "result"))
    return _scrolling(f"<thead><tr>{head}</tr></thead>", rows, f"{slug}: expected and got")


def _expected(entry: Golden) -> str:
    within = f" ± {entry.tolerance:.2g}" if entry.tolerance else ""
    return shown(entry.expected) + within


def _rows(text: str) -> str:
    """Rows of a small array below each other."""
    return escape(text).replace(" / ", "<br>")


def _parameters(one: Shown) -> str:
    rows = (
        f'<th scope="row"><code>{escape(name)}</code></th><td class="value">{_rows(value)}</td>'
        f"<td>{escape(allowed)}</td><td>{escape(meaning)}</td>"
        for name, value, allowed, meaning in value_of(one.parameters)
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in ("name", "value", "may be", "meaning"))
    return _scrolling(f"<thead><tr>{head}</tr></thead>", rows, f"{one.experiment.slug}: parameters")


def _scrolling(head: str, rows: Iterable[str], name: str) -> str:
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name, quote=True)}">'
        f"<table>{head}<tbody>{body}</tbody></table></div>"
    )


def _entry(one: Shown | LeftOut) -> str:
    experiment = one.experiment
    return (
        f'<li><span class="item">{_items(experiment)}</span> '
        f'<a href="#{experiment.slug}">{escape(experiment.title)}</a>'
        f"{'' if isinstance(one, Shown) else ' (left out)'}</li>\n"
    )


def _items(experiment: Experiment[Any, Any]) -> str:
    word = "item" if len(experiment.items) == 1 else "items"
    return f"{word} {', '.join(map(str, experiment.items))}"


def _score(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _swatch(role: str, dashes: str, width: float) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<svg viewBox="0 0 42 12" aria-hidden="true"><line x1="1" y1="6" x2="41" y2="6" stroke="var(--{role})" '
        f'stroke-width="{width}"{dashed}/></svg>'
    )


def _theme() -> str:
    colours = {**COLOURS, **_PAGE_COLOURS}
    light = "".join(f"--{role}:{light};" for role, (light, _) in colours.items())
    dark = "".join(f"--{role}:{dark};" for role, (_, dark) in colours.items())
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def highlighted(code: str) -> str:
    """Python code as HTML: comments, strings, numbers and keywords in spans of class c, s, n, k."""
    lines = code.splitlines(keepends=True)
    out: list[str] = []
    row, column = 1, 0

    def copy_up_to(end_row: int, end_column: int) -> str:
        if row == end_row:
            return lines[row - 1][column:end_column] if row <= len(lines) else ""
        return lines[row - 1][column:] + "".join(lines[row : end_row - 1]) + (lines[end_row - 1][:end_column])

    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        mark = {tokenize.COMMENT: "c", tokenize.STRING: "s", tokenize.NUMBER: "n"}.get(token.type)
        if token.type == tokenize.NAME and keyword.iskeyword(token.string):
            mark = "k"
        if mark is None:
            continue
        out.append(escape(copy_up_to(*token.start), quote=False))
        out.append(f'<span class="{mark}">{escape(token.string, quote=False)}</span>')
        row, column = token.end
    out.append(escape(lines[row - 1][column:] + "".join(lines[row:]), quote=False))
    return "".join(out)
