"""Item 12: padding adds a border, stride skips positions."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..errors import ParameterError
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Grid, Parameters, Table, choice, grid, whole
from .window_steps import KERNEL, PICTURE


@dataclass(frozen=True)
class PaddingStride(Parameters):
    """The picture of the last experiment, a border and a step."""

    picture: Grid = grid(PICTURE, "the picture")
    kernel: Grid = grid(KERNEL, "the weights")
    padding: int = whole(1, 0, 8, "border added on every side")
    stride: int = whole(2, 1, 8, "step from one window to the next")
    boundary: str = choice("zero", ("zero", "edge", "symmetric", "reflect", "wrap"), "what the border holds")

    def __post_init__(self) -> None:
        super().__post_init__()
        for axis, name in enumerate(("rows", "columns")):
            have = np.shape(self.picture)[axis] + 2 * self.padding
            need = np.shape(self.kernel)[axis]
            if have < need:
                raise ParameterError(f"the kernel has {need} {name}, the padded picture {have}: add padding")


@dataclass(frozen=True)
class Padded:
    """The output for each of four settings."""

    x: Array
    k: Array
    bordered: Array
    plain: Array
    with_padding: Array
    with_stride: Array
    with_both: Array


def compute(p: PaddingStride) -> Padded:
    """The four settings side by side."""
    x = np.array(p.picture)
    k = np.array(p.kernel)
    with_padding = ft.correlate(x, k, padding=p.padding, boundary=p.boundary)
    with_both = ft.correlate(x, k, padding=p.padding, stride=p.stride, boundary=p.boundary)

    # without a border the kernel has to fit
    fits = x.shape[0] >= k.shape[0] and x.shape[1] >= k.shape[1]
    plain = ft.correlate(x, k, mode="valid") if fits else np.zeros((0, 0))
    with_stride = ft.correlate(x, k, mode="valid", stride=p.stride) if fits else np.zeros((0, 0))

    # the picture with its border, to look at: a kernel of a single 1 copies what it sees
    bordered = ft.correlate(x, np.ones((1, 1), int), padding=p.padding, boundary=p.boundary)
    return Padded(x, k, bordered, plain, with_padding, with_stride, with_both)


def check(p: PaddingStride, r: Padded) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    sizes = [
        (n + 2 * p.padding - k) // p.stride + 1 for n, k in zip(np.shape(p.picture), np.shape(p.kernel), strict=True)
    ]
    reached = [
        Golden("size = ⌊(n + 2 padding − k) / stride⌋ + 1", sizes, list(r.with_both.shape)),
        Golden(
            "stride keeps every so-many-th", 0.0, np.abs(r.with_padding[:: p.stride, :: p.stride] - r.with_both).max()
        ),
    ]
    if p == PaddingStride():
        reached += [
            Golden("padding 1, first row", [6, 14, 17, 11, 3], r.with_padding[0]),
            Golden("padding 1, stride 2", [[6, 17, 3], [8, 17, 13], [6, 4, 4]], r.with_both),
            Golden("neither", [[12, 12, 17], [10, 17, 19], [9, 6, 14]], r.plain),
            Golden("stride 2 alone", [[12, 17], [9, 14]], r.with_stride),
        ]
    return tuple(reached)


def draw(p: PaddingStride, r: Padded) -> tuple[Panel | Table, ...]:
    """The bordered picture with the windows that stride keeps, and the outputs."""
    inside = np.zeros(r.bordered.shape, bool)
    if p.padding:
        inside[p.padding : -p.padding, p.padding : -p.padding] = True
    else:
        inside[:] = True
    rows, columns = r.k.shape
    figure, axes = drawing.sheet("small", height=280)
    drawing.numbers(axes, r.bordered, "input", "Picture with border", window=(0, 0, rows, columns), faint=~inside)
    bordered = Panel(
        figure,
        f"The picture with a border of {p.padding}, rule {p.boundary}; rows {_rows(r.bordered)}. The first window "
        "is the top left one.",
        f"Dotted cells are padding. The dashed box is the first window; with stride it moves on by {p.stride}.",
        "small",
    )
    kept = np.zeros(r.with_padding.shape, bool)
    kept[:: p.stride, :: p.stride] = True
    figure, axes = drawing.sheet("small", height=280)
    drawing.numbers(axes, r.with_padding, "output", f"Padding {p.padding}", shaded=kept)
    padded = Panel(
        figure,
        f"Output with padding {p.padding}: {_size(r.with_padding)}, rows {_rows(r.with_padding)}.",
        f"Every window. The bold ones are those that stride {p.stride} keeps.",
        "small",
    )
    figure, axes = drawing.sheet("small", height=280)
    drawing.numbers(axes, r.with_both, "output", f"Padding {p.padding}, stride {p.stride}")
    both = Panel(
        figure,
        f"Output with padding {p.padding} and stride {p.stride}: {_size(r.with_both)}, rows {_rows(r.with_both)}.",
        "Stride does not change a number; it leaves numbers out.",
        "small",
    )
    table = Table(
        f"Sizes for a picture of {_size(r.x)} and a kernel of {_size(r.k)}.",
        ("padding", "stride", "output", "numbers"),
        tuple(
            (str(padding), str(stride), _size(values), _rows(values))
            for padding, stride, values in (
                (0, 1, r.plain),
                (p.padding, 1, r.with_padding),
                (0, p.stride, r.with_stride),
                (p.padding, p.stride, r.with_both),
            )
        ),
    )
    return bordered, padded, both, table


def _rows(values: Array) -> str:
    return " / ".join(" ".join(f"{v:g}" for v in row) for row in values.tolist()) or "none: the kernel does not fit"


def _size(values: Array) -> str:
    return f"{values.shape[0]} × {values.shape[1]}"


EXPERIMENT = Experiment(
    slug="padding-stride",
    items=(12,),
    title="Padding and stride",
    goal="Steer the size of the output: a border makes it larger, a stride makes it smaller.",
    formula="size = ⌊(n + 2·padding − k) / stride⌋ + 1     ⌊(5 + 2·1 − 3) / 2⌋ + 1 = 3",
    idea="Without a border the output shrinks by k − 1, and pixels at the rim are seen by fewer windows than those "
    "inside. "
    "A border of (k − 1)/2 keeps the size. A stride of 2 halves it: the same windows, every second one.",
    parameters=PaddingStride,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Change the border to “edge” or “wrap” and see which outputs change: only the outer ring.",
        "Stride 3 with padding 1: 4/3 is not whole, so the last row and column of the border are never read.",
        "Padding 2 with a 3×3 kernel: what are the four corner values made of?",
    ),
    surprise="Stride is thrown-away work in a naive program: it computes the full result and drops three quarters of "
    "it. "
    "A good one never computes them.",
)
