"""Drawing in one style for all experiments: colours by role, themes, signed maps, grids of numbers.

Figures are drawn in the light theme; `to_svg` turns its colours into CSS variables, so one drawing serves both themes.
Matplotlib is loaded by the first sheet, not by importing this module.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..spec import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Role = Literal["input", "kernel", "output", "other", "ink", "muted"]
Size = Literal["small", "normal", "wide"]

# role -> (colour on light, colour on dark); lines and marks keep 3:1, text 4.5:1, against both papers
COLOURS = {
    "paper": ("#fffefb", "#14181f"),
    "ink": ("#1d2430", "#e7eaf0"),
    "muted": ("#5b6472", "#a3acba"),
    "rule": ("#d5d9e0", "#39424f"),
    "input": ("#1c64c8", "#79b0ff"),
    "kernel": ("#a85f00", "#f2b34c"),
    "output": ("#12793f", "#5ed492"),
    "other": ("#9b2fae", "#df9df0"),
}

# never colour alone: every role has its own line too
_LINES: dict[str, dict[str, Any]] = {
    "input": {"linewidth": 1.4, "linestyle": "-"},
    "kernel": {"linewidth": 1.8, "linestyle": (0, (5, 2))},
    "output": {"linewidth": 2.4, "linestyle": "-"},
    "other": {"linewidth": 1.6, "linestyle": (0, (1, 1.2))},
    "ink": {"linewidth": 1.2, "linestyle": "-"},
    "muted": {"linewidth": 1.0, "linestyle": (0, (4, 3))},
}

# size -> width in points, which are CSS pixels in the report
WIDTHS: dict[Size, float] = {"small": 260, "normal": 390, "wide": 800}


@dataclass(frozen=True)
class Panel:
    """One drawing with the words that replace and explain it.

    Attributes:
        figure: a Matplotlib figure.
        alt: what it shows, with the numbers, for who cannot see it.
        caption: one or two sentences.
        size: how wide it was drawn.
    """

    figure: "Figure"
    alt: str
    caption: str
    size: Size = "normal"


def sheet(
    size: Size = "normal", *, height: float | None = None, rows: int = 1, columns: int = 1, **layout: Any
) -> "tuple[Figure, Any]":
    """An empty figure and its axes (an array of them if there are several); height in points."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    width = WIDTHS[size]
    tall = height if height is not None else (0.62 * width if size != "wide" else 250)
    with rc_context(_style()):
        figure = Figure(figsize=(width / 72, tall / 72), layout="constrained")
        axes = figure.subplots(rows, columns, **layout)
    for axis in np.atleast_1d(axes):
        axis.tick_params(length=3)
    return figure, axes


def line(axes: "Axes", x: Any, y: Any, role: Role, label: str | None = None, **changes: Any) -> None:
    """A curve in the colour and dash of its role."""
    axes.plot(x, y, color=COLOURS[role][0], label=label, **{**_LINES[role], **changes})


def stems(axes: "Axes", x: Any, y: Any, role: Role, label: str | None = None) -> None:
    """Samples as dots on stalks."""
    colour = COLOURS[role][0]
    axes.vlines(x, 0, y, color=colour, linewidth=1.2)
    axes.plot(x, y, linestyle="none", marker="o", markersize=4, color=colour, label=label)
    axes.axhline(0, color=COLOURS["muted"][0], linewidth=0.8)


def dots(axes: "Axes", x: Any, y: float, role: Role, marker: str) -> None:
    """Some measurements of one thing in a row at height y, and a bar at their mean."""
    colour = COLOURS[role][0]
    axes.plot(
        x, [y] * len(x), linestyle="none", marker=marker, markersize=8, color=colour, markeredgewidth=1.6, alpha=0.75
    )
    axes.vlines(float(np.mean(x)), y - 0.24, y + 0.24, color=colour, linewidth=3)


def area(axes: "Axes", x: Any, y: Any, role: Role, label: str | None = None) -> None:
    """The shaded area between a curve and zero, hatched so that it shows without colour."""
    colour = COLOURS[role][0]
    axes.fill_between(x, 0, y, facecolor=colour, alpha=0.2, linewidth=0, label=label)
    axes.fill_between(x, 0, y, facecolor="none", edgecolor=colour, hatch="////", linewidth=0)


def mark(axes: "Axes", x: float, y: float, text: str, role: Role = "ink", shift: tuple[float, float] = (8, 8)) -> None:
    """A ring around a point with words beside it; shift in points."""
    colour = COLOURS[role][0]
    axes.plot([x], [y], color=colour, linestyle="none", marker="o", markersize=8, fillstyle="none", markeredgewidth=1.6)
    axes.annotate(
        text,
        (x, y),
        xytext=shift,
        textcoords="offset points",
        color=COLOURS["ink"][0],
        ha="left" if shift[0] >= 0 else "right",
        va="bottom" if shift[1] >= 0 else "top",
    )


def label(axes: "Axes", title: str = "", x: str = "", y: str = "", legend: bool | str = False) -> None:
    """Title, axis labels with units, legend; a text says where the legend goes."""
    if title:
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=COLOURS["ink"][0])
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if legend:
        place: Any = legend if isinstance(legend, str) else "best"
        axes.legend(loc=place, **legend_style())


def legend_style() -> dict[str, Any]:
    """How every legend looks; its text is themed only if its colour is said here."""
    return {"frameon": False, "fontsize": 9.5, "handlelength": 2.4, "labelcolor": COLOURS["ink"][0]}


def headroom(axes: "Axes", share: float = 0.25) -> None:
    """Lift the upper limit, so that a legend finds room above the curves."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + share * (high - low))


def grey(axes: "Axes", picture: Array, title: str = "") -> None:
    """A picture from black (its 0) to white (its 1 or its largest value)."""
    top = max(float(picture.max()), 1e-12)
    axes.imshow(picture, cmap="gray", vmin=min(0.0, float(picture.min())), vmax=max(1.0, top) if top <= 1 else top)
    _bare(axes, title)


def frame(axes: "Axes", x: float, y: float, width: float, height: float) -> None:
    """A thin line around a part, in data units, so that white paper has an end."""
    from matplotlib.patches import Rectangle

    edge = COLOURS["muted"][0]
    axes.add_patch(Rectangle((x, y), width, height, facecolor="none", edgecolor=edge, linewidth=1, clip_on=False))


def signed(axes: "Axes", values: Array, title: str = "", unit: str = "") -> None:
    """Signed values on a diverging map: white is zero, the legend says the numbers.

    The few strongest values share the end colours, and the legend says so; else one spike would pale all others.
    """
    reach = _reach(np.abs(values))
    image = axes.imshow(values, cmap="RdBu_r", vmin=-reach, vmax=reach)
    clipped = float(np.abs(values).max()) > reach
    _legend(axes, image, [-reach, 0.0, reach], ["≤ −" if clipped else "−", "", "≥ " if clipped else ""], unit)
    _bare(axes, title)


def magnitude(axes: "Axes", values: Array, title: str = "", unit: str = "") -> None:
    """Values from zero upwards on a sequential map with numbers on the legend."""
    reach = _reach(values)
    image = axes.imshow(values, cmap="magma", vmin=0, vmax=reach)
    _legend(axes, image, [0.0, reach / 2, reach], ["", "", "≥ " if float(values.max()) > reach else ""], unit)
    _bare(axes, title)


def direction(axes: "Axes", angle: Array, strength: Array, title: str = "") -> None:
    """Angles (radians, from -pi to pi) on a cyclic map; what is weak fades into the paper."""
    import matplotlib

    reach = np.quantile(strength, 0.95)
    colours = matplotlib.colormaps["hsv"]((angle + np.pi) / (2 * np.pi))
    # hsv is far too bright in yellow and cyan: equal luma for all angles, so that only the hue speaks
    luma = colours[..., :3] @ np.array([0.2126, 0.7152, 0.0722])
    colours[..., :3] = np.clip(colours[..., :3] * (0.45 / np.maximum(luma, 0.08))[..., None], 0, 1)
    colours[..., 3] = np.clip(strength / reach if reach > 0 else 0 * strength, 0, 1)
    axes.imshow(colours)
    _bare(axes, title)


def numbers(
    axes: "Axes",
    values: Any,
    role: Role,
    title: str = "",
    *,
    window: tuple[int, int, int, int] | None = None,
    window_role: Role = "kernel",
    faint: Array | None = None,
    shaded: Array | None = None,
) -> None:
    """A table of numbers drawn as cells.

    Args:
        window: (row, column, rows, columns) of a box around some cells, dashed.
        faint: True where a cell is not data: padding; its outline is dotted.
        shaded: True where a cell is to stand out.
    """
    from matplotlib.patches import Rectangle

    table = np.atleast_2d(np.asarray(values))
    num_rows, num_columns = table.shape
    colour = COLOURS[role][0]
    for row in range(num_rows):
        for column in range(num_columns):
            is_faint = faint is not None and bool(faint[row, column])
            is_shaded = shaded is not None and bool(shaded[row, column])
            axes.add_patch(
                Rectangle(
                    (column, row),
                    1,
                    1,
                    facecolor=colour,
                    alpha=0.0 if is_faint else 0.34 if is_shaded else 0.12,
                    linewidth=0,
                )
            )
            axes.add_patch(
                Rectangle(
                    (column, row),
                    1,
                    1,
                    facecolor="none",
                    edgecolor=COLOURS["muted" if is_faint else role][0],
                    linewidth=0.8,
                    linestyle=(0, (1, 2)) if is_faint else "-",
                )
            )
            axes.text(
                column + 0.5,
                row + 0.5,
                _cell(table[row, column]),
                ha="center",
                va="center",
                fontsize=min(13.0, 60 / max(num_columns, 4))
                if table.dtype.kind == "f"
                else 13
                if num_columns < 9
                else 9,
                color=COLOURS["muted" if is_faint else "ink"][0],
                fontweight="bold" if is_shaded else "normal",
            )
    if window is not None:
        row, column, tall, broad = window
        axes.add_patch(
            Rectangle(
                (column, row),
                broad,
                tall,
                facecolor="none",
                edgecolor=COLOURS[window_role][0],
                linewidth=3,
                linestyle=(0, (3, 1)),
                clip_on=False,
            )
        )
    axes.set_xlim(-0.06, num_columns + 0.06)
    axes.set_ylim(num_rows + 0.06, -0.06)
    axes.set_aspect("equal")
    axes.set_anchor("N")
    axes.axis("off")
    if title:
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=COLOURS["ink"][0])


def _smaller(encoded: str) -> str:
    """The same pixels in fewer bytes: Matplotlib writes four channels of what is mostly grey and always opaque."""
    from PIL import Image

    given = base64.b64decode(encoded)
    picture = Image.open(BytesIO(given))
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    if picture.mode == "RGB":
        red, green, blue = picture.split()
        picture = red if red.tobytes() == green.tobytes() == blue.tobytes() else picture
    written = BytesIO()
    picture.save(written, "PNG", compress_level=9)
    fewest = min(given, written.getvalue(), key=len)
    return f"data:image/png;base64,{base64.b64encode(fewest).decode()}"


def to_svg(figure: "Figure", name: str) -> str:
    """The figure as one SVG element to stand in a page: themed by CSS variables, ids unique under `name`."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = StringIO()
    # text stays text: it can be selected, searched and enlarged, and follows the reader's own font
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "savefig.dpi": 130, "hatch.linewidth": 0.7}):
        nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(text, metadata=nothing)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    for role, (light, _) in COLOURS.items():
        svg = svg.replace(light, f"var(--{role})")
    svg = re.sub(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", lambda found: _smaller(found[1]), svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r"\sxmlns(:xlink)?=\"[^\"]*\"", "", svg, count=2)
    svg = re.sub(r"font: ([^;\"]*?)(\d[\d.]*px)[^;\"]*", r"font: \1\2 var(--sans)", svg)
    svg = _with_own_ids(svg, name)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" focusable="false">', svg, count=1)
    return re.sub(r"\n\s*", "\n", svg).strip()


def _with_own_ids(svg: str, name: str) -> str:
    """Ids that something refers to get the prefix; all others go."""
    referred = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))

    def renamed(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in referred else ""

    svg = re.sub(r'\sid="([^"]*)"', renamed, svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)


def _style() -> dict[str, Any]:
    ink, muted, rule = COLOURS["ink"][0], COLOURS["muted"][0], COLOURS["rule"][0]
    return {
        "font.size": 10.5,
        "font.family": "DejaVu Sans",
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.edgecolor": muted,
        "axes.labelcolor": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": rule,
        "grid.linewidth": 0.7,
        "text.color": ink,
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
    }


def _bare(axes: "Axes", title: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    # at the top, so that pictures beside each other begin at one height, with a legend or without
    axes.set_anchor("N")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=COLOURS["ink"][0])


def _legend(axes: "Axes", image: Any, ticks: Sequence[float], signs: Sequence[str], unit: str) -> None:
    bar = axes.figure.colorbar(image, ax=axes, orientation="horizontal", fraction=0.05, pad=0.03, ticks=list(ticks))
    bar.ax.set_xticklabels([f"{sign}{abs(tick):.3g}" for sign, tick in zip(signs, ticks, strict=True)])
    bar.ax.tick_params(labelsize=9.5, length=3, colors=COLOURS["muted"][0], labelcolor=COLOURS["ink"][0])
    bar.ax.grid(visible=False)
    bar.outline.set_edgecolor(COLOURS["muted"][0])
    if unit:
        bar.set_label(unit, fontsize=9.5, color=COLOURS["ink"][0])


def _reach(values: Array) -> float:
    """Where a map's colours end: above 99.5 per cent of the values, all of them if the rest is not far away."""
    largest, most = float(values.max()), float(np.quantile(values, 0.995))
    return _round_up(largest if largest <= 1.3 * most or most == 0 else most)


def _round_up(value: float) -> float:
    """The next number with two digits, so that a legend reads well; 1 if there is nothing."""
    if not value > 0:
        return 1.0
    step = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(np.ceil(value / step - 1e-9) * step)


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:.4g}"
    return str(value)
