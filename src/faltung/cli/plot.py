"""Curves and small pictures in a terminal: 2 x 4 dots a sign (braille), 1 x 2 pixels a sign (half blocks)."""

from typing import TYPE_CHECKING

import numpy as np

from ..spec import Array

if TYPE_CHECKING:
    from rich.text import Text

# braille numbers its dots down the left side, then the right, with the lowest row added later
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def curve(values: Array, columns: int, rows: int, low: float, high: float) -> list[str]:
    """A curve as lines of braille signs.

    Args:
        values: (sample,), real; NaN leaves a gap.
        columns, rows: size in signs.
        low, high: values at the lower and upper rim; others are drawn there.
    """
    dots = np.zeros((4 * rows, 2 * columns), bool)
    # halved, so that the span of the largest floats is finite
    span = (high / 2 - low / 2) or 1.0
    heights = (4 * rows - 1) * ((np.clip(np.asarray(values, np.float64), low, high) / 2 - low / 2) / span)
    num = len(heights)
    for j in range(2 * columns):
        # all samples of this column, and the first of the next so that the line closes; few samples repeat
        first = j * num // (2 * columns)
        last = max((j + 1) * num // (2 * columns), first + 1)
        part = heights[first : last + 1]
        part = part[np.isfinite(part)]
        if part.size:
            bottom, top = np.clip(np.rint([part.min(), part.max()]), 0, 4 * rows - 1).astype(int)
            dots[4 * rows - 1 - top : 4 * rows - bottom, j] = True
    signs = (dots.reshape(rows, 4, columns, 2) * DOTS[None, :, None, :]).sum((1, 3))
    return ["".join(chr(0x2800 + int(sign)) for sign in line) for line in signs]


def print_curves(curves: dict[str, Array], columns: int, rows: int = 4) -> None:
    """Curves one above the other on one scale, named and with the scale at the left."""
    finite = [values[np.isfinite(values)] for values in curves.values()]
    known = np.concatenate([part for part in finite if part.size] or [np.zeros(1)])
    low, high = float(known.min()), float(known.max())
    scale = [f"{high:.3g}", f"{low:.3g}"]
    margin = max(len(text) for text in [*curves, *scale]) + 1
    for name, values in curves.items():
        lines = curve(values, max(columns - margin - 2, 8), rows, low, high)
        labels = [scale[0], name, *[""] * (rows - 3), scale[1]]
        for label, line in zip(labels, lines, strict=True):
            print(f"{label:>{margin}} ┤{line.rstrip(chr(0x2800))}")


def thumbnail(levels: Array, columns: int) -> "Text":
    """A small colour picture: each sign is an upper and a lower pixel.

    Args:
        levels: uint8, (row, column) or (row, column, 3).
    """
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    colours = levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=-1)
    columns = min(columns, colours.shape[1])
    rows = max(1, round(columns * colours.shape[0] / colours.shape[1] / 2)) * 2
    small = _shrink(colours, rows, columns)
    text = Text()
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for top, bottom in zip(upper, lower, strict=True):
            ink = Color.from_rgb(*map(int, top))
            text.append("▀", Style(color=ink, bgcolor=Color.from_rgb(*map(int, bottom))))
        text.append("\n")
    text.rstrip()
    return text


def _shrink(colours: Array, rows: int, columns: int) -> Array:
    """Means over blocks, so that thin lines stay visible."""
    height, width = colours.shape[:2]
    down = np.arange(rows) * height // rows
    right = np.arange(columns) * width // columns
    sums = np.add.reduceat(np.add.reduceat(colours.astype(np.float64), down, axis=0), right, axis=1)
    tall = np.maximum(np.diff([*down, height]), 1)
    wide = np.maximum(np.diff([*right, width]), 1)
    return sums / (tall[:, None, None] * wide[None, :, None])
