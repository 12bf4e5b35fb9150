"""Item 10: a 3x3 kernel steps over a 5x5 picture."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..errors import ParameterError
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Grid, Parameters, Table, grid, whole

PICTURE: Grid = ((3, 3, 2, 1, 0), (0, 0, 1, 3, 1), (3, 1, 2, 2, 3), (2, 0, 0, 2, 2), (2, 0, 0, 0, 1))
KERNEL: Grid = ((0, 1, 2), (2, 2, 0), (0, 1, 2))


@dataclass(frozen=True)
class WindowSteps(Parameters):
    """A picture, a kernel, and the output that is looked at."""

    picture: Grid = grid(PICTURE, "the picture")
    kernel: Grid = grid(KERNEL, "the weights")
    row: int = whole(0, 0, 15, "row of the output that is looked at")
    column: int = whole(0, 0, 15, "column of the output that is looked at")

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = len(self.picture) - len(self.kernel) + 1
        columns = len(self.picture[0]) - len(self.kernel[0]) + 1
        if rows < 1 or columns < 1:
            raise ParameterError(
                f"the kernel, {len(self.kernel)} x {len(self.kernel[0])}, does not fit into the picture, "
                f"{len(self.picture)} x {len(self.picture[0])}: give a larger picture"
            )
        if self.row >= rows or self.column >= columns:
            raise ParameterError(
                f"row={self.row}, column={self.column}: the output is {rows} x {columns}; rows go from 0 to "
                f"{rows - 1}, "
                f"columns from 0 to {columns - 1}"
            )


@dataclass(frozen=True)
class Stepped:
    """Both results, and the arithmetic behind one output."""

    x: Array
    k: Array
    correlated: Array
    convolved: Array
    products: Array


def compute(p: WindowSteps) -> Stepped:
    """With and without the flip."""
    x = np.array(p.picture)
    k = np.array(p.kernel)
    correlated = ft.correlate(x, k, mode="valid")
    convolved = ft.convolve(x, k, mode="valid")

    # one output by hand: the window under the kernel, times the kernel
    rows, columns = k.shape
    products = x[p.row : p.row + rows, p.column : p.column + columns] * k
    return Stepped(x, k, correlated, convolved, products)


def check(p: WindowSteps, r: Stepped) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    x, k = np.array(p.picture), np.array(p.kernel)
    size = float(np.abs(x).max() * np.abs(k).sum())
    turned = ft.correlate(x, k[::-1, ::-1], mode="valid")
    reached = [
        Golden(
            f"sum of products at row {p.row}, column {p.column}",
            r.correlated[p.row, p.column],
            r.products.sum(),
            1e-13 * size,
        ),
        Golden(
            "convolution = correlation with the turned kernel", 0.0, np.abs(turned - r.convolved).max(), 1e-13 * size
        ),
    ]
    if (p.picture, p.kernel) == (PICTURE, KERNEL):
        reached.append(Golden("correlation", [[12, 12, 17], [10, 17, 19], [9, 6, 14]], r.correlated))
        reached.append(Golden("true convolution", [[18, 20, 19], [10, 9, 17], [11, 8, 14]], r.convolved))
    return tuple(reached)


def draw(p: WindowSteps, r: Stepped) -> tuple[Panel | Table, ...]:
    """Picture with its window, kernel, both outputs; the products as a table."""
    rows, columns = r.k.shape
    at_output = np.zeros(r.correlated.shape, bool)
    at_output[p.row, p.column] = True

    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.x, "input", "Picture", window=(p.row, p.column, rows, columns))
    picture = Panel(
        figure,
        f"The picture, rows {_rows(r.x)}. The window covers rows {p.row} to {p.row + rows - 1} and columns "
        f"{p.column} to {p.column + columns - 1}.",
        "The dashed box is what the kernel sees now.",
        "small",
    )
    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.k, "kernel", "Kernel")
    kernel = Panel(figure, f"The kernel, rows {_rows(r.k)}.", "The weights, as printed.", "small")

    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.products, "muted", "Products")
    products = Panel(
        figure,
        f"The products under the window, rows {_rows(r.products)}; their sum is {r.products.sum():g}.",
        f"Number times weight, cell by cell. They add up to {r.products.sum():g}.",
        "small",
    )
    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.correlated, "output", "Correlation", shaded=at_output)
    correlation = Panel(
        figure,
        f"Correlation, rows {_rows(r.correlated)}.",
        "The kernel laid on as printed. This is what a layer of a network computes.",
        "small",
    )
    figure, axes = drawing.sheet("small", height=270)
    drawing.numbers(axes, r.convolved, "output", "Convolution")
    convolution = Panel(
        figure,
        f"Convolution, rows {_rows(r.convolved)}.",
        "The kernel turned by half a turn first, as the definition says.",
        "small",
    )
    window = r.x[p.row : p.row + rows, p.column : p.column + columns]
    terms = [f"{x:g}·{k:g}" for x, k in zip(window.ravel().tolist(), r.k.ravel().tolist(), strict=True)]
    sums = Table(
        f"Output at row {p.row}, column {p.column}, product by product.",
        ("kernel row", "number · weight", "sum of the row"),
        (
            *(
                (str(row), " + ".join(terms[row * columns : (row + 1) * columns]), f"{r.products[row].sum():g}")
                for row in range(rows)
            ),
            ("all", "", f"{r.products.sum():g}"),
        ),
    )
    return picture, kernel, products, correlation, convolution, sums


def _rows(values: Array) -> str:
    return " / ".join(" ".join(f"{v:g}" for v in row) for row in values.tolist())


EXPERIMENT = Experiment(
    slug="window-steps",
    items=(10,),
    title="Nine products and a sum",
    goal="Compute a 2-D result by hand, one window at a time, with and without the flip.",
    formula="y[r, c] = Σₐ Σᵦ k[a, b] x[r + a, c + b]   (correlation)",
    idea="Lay the kernel on the picture. Multiply each weight with the number below it, add the nine products, write "
    "the "
    "sum down, move on by one. A 3×3 kernel fits into a 5×5 picture at 3×3 places, so nine numbers come out.",
    parameters=WindowSteps,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Pick row 1, column 2 and compute the 19 yourself before you look.",
        "Turn the kernel by half a turn (last row first, each row backwards): the two results trade places.",
        "Use a kernel with a single 1 in its corner: the output is a corner of the picture.",
    ),
    surprise="Both results come from the same numbers, yet only two of the nine agree, and those by chance: the flip "
    "matters as "
    "soon as a kernel has a direction.",
)
