"""`faltung dropout`: what a layer of the dropout family does to a small grid."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError, ShapeError
from .options import AsJson, Output, parse_integers
from .screen import check_output, print_facts, print_json, width, written_facts, written_rows

if TYPE_CHECKING:
    from ..data import Written
    from ..spec import Array

MAX_PRINTED = 16
"""Rows and columns up to which grids are printed, and drawn, in numbers."""

PICTURES = (".png", ".jpg", ".jpeg", ".gif")
"""Endings of what is drawn, before beside after; any other keeps the numbers of the result."""


class Family(StrEnum):
    """Which elements share their fate."""

    dropout = "dropout"
    gaussian = "gaussian"
    alpha = "alpha"
    channels = "channels"
    alpha_channels = "alpha-channels"
    blocks = "blocks"
    sequence = "sequence"
    connect = "connect"


# what the rows and columns of the grid are to the layer
MEANING = {
    Family.dropout: "elements of one entry",
    Family.gaussian: "elements of one entry",
    Family.alpha: "elements of one entry",
    Family.channels: "rows are channels",
    Family.alpha_channels: "rows are channels",
    Family.blocks: "one channel of a picture",
    Family.sequence: "rows are times, columns features",
    Family.connect: "weights of a linear layer",
}


def dropout(
    source: Annotated[
        str, typer.Argument(metavar="FILE|NUMBERS", help='Rows of numbers, "1,2;3,4", or a file; default 5 x 5 ones.')
    ] = "",
    family: Annotated[Family, typer.Option(help="Which elements are dropped together.")] = Family.dropout,
    p: Annotated[float, typer.Option("--p", "-p", metavar="P", help="Probability of being dropped, 0 to 1.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Which mask; the same on every machine.")] = 0,
    block: Annotated[str, typer.Option(metavar="N|N,M", help="Side of a block, for --family blocks.")] = "3",
    training: Annotated[bool, typer.Option("--train/--evaluate", help="In training, or in evaluation.")] = True,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Show what dropout does to a grid of numbers: which are dropped, and how the others are scaled.

    -o PICTURE draws before and after beside each other; -o FILE.npy or FILE.csv keeps the numbers.

    \b
    Examples:
      faltung dropout
      faltung dropout "1,2,3;4,5,6" --family channels --p 0.3 --seed 7
      faltung dropout --family blocks --block 2 -o blocks.png
    """
    check_output(output, *([Path(source)] if source else []))
    before = _grid(source)
    layer, run = _layer(family, p, seed, block, before)
    layer.train(training)
    after = run(before)
    written = None if output is None else _written(output, before, after, f"{_name(layer)}, p = {p:g}")
    dropped = int((after == 0).sum() - (before == 0).sum()) if family not in _NEVER_ZERO else None
    if as_json:
        print_json(
            {
                "family": family.value,
                "layer": _name(layer),
                "p": p,
                "seed": seed,
                "training": training,
                "before": before,
                "after": after,
                "dropped": dropped,
                "mean_before": before.mean(),
                "mean_after": after.mean(),
                "written": written_facts(written),
            }
        )
        return
    rows = [
        ("layer", f"faltung.nn.{_name(layer)}, p = {p:g}, {'training' if training else 'evaluation'}; seed {seed}"),
        ("grid", f"{before.shape[0]} x {before.shape[1]}: {MEANING[family]}"),
    ]
    if dropped is not None and training and p < 1:
        rows.append(("dropped", f"{dropped} of {before.size}; what is kept is divided by {1 - p:g}"))
    rows.append(("mean", f"{before.mean():.4g} before, {after.mean():.4g} after"))
    print_facts([*rows, *written_rows(written)])
    if max(before.shape) <= MAX_PRINTED:
        _print_grids(before, after)
    elif written is None:
        print(f"{after.size:,} values: -o FILE keeps them")


_NEVER_ZERO = (Family.gaussian, Family.alpha, Family.alpha_channels)


def _grid(source: str) -> "Array":
    import numpy as np

    from .inputs import open_source

    if not source:
        return np.ones((5, 5), np.float32)
    values = np.atleast_2d(open_source(source).values)
    if values.ndim != 2 or not values.size:
        raise ShapeError(f'{source}: has shape {values.shape}; rows and columns are expected, as in "1,2;3,4"')
    if values.dtype.kind not in "biuf":
        raise ParameterError(f"{source}: real numbers are expected, not {values.dtype}")
    return values.astype(np.float32)


def _layer(family: Family, p: float, seed: int, block: str, grid: "Array") -> tuple[Any, Callable[["Array"], "Array"]]:
    """The layer, and how it is run on a grid."""
    from .. import nn

    rows, columns = grid.shape
    sides = parse_integers(block, "--block")
    # without torch, this says how to install it
    place = nn.at
    key: dict[str, Any] = {"key": seed}
    # the shape that the layer is to see
    layer, shape = {
        Family.dropout: lambda: (nn.Dropout(p, **key), (1, rows, columns)),
        Family.gaussian: lambda: (nn.GaussianDropout(p, **key), (1, rows, columns)),
        Family.alpha: lambda: (nn.AlphaDropout(p, **key), (1, rows, columns)),
        Family.channels: lambda: (nn.Dropout1d(p, **key), (1, rows, columns)),
        Family.alpha_channels: lambda: (nn.FeatureAlphaDropout(p, **key), (1, rows, columns)),
        Family.sequence: lambda: (nn.VariationalDropout(p, **key), (1, rows, columns)),
        Family.blocks: lambda: (
            nn.DropBlock2d(p, block=sides[0] if len(sides) == 1 else sides, **key),
            (1, 1, rows, columns),
        ),
        Family.connect: lambda: (_linear(p, seed, grid), (rows, columns)),
    }[family]()

    def run(values: "Array") -> "Array":
        import torch

        # on unit vectors a linear layer shows its weights
        x = torch.eye(columns) if family is Family.connect else torch.from_numpy(values).reshape(shape)
        with torch.no_grad(), place(sample=0):
            y = layer(x)
        return (y.T if family is Family.connect else y.reshape(rows, columns)).numpy()

    return layer, run


def _linear(p: float, seed: int, weights: "Array") -> Any:
    import torch

    from .. import nn

    layer = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights))
    return nn.DropConnect(layer, p, key=seed)


def _name(layer: Any) -> str:
    return type(layer).__name__


def _print_grids(before: "Array", after: "Array") -> None:
    """Both side by side, or one below the other where the terminal is narrow."""
    left, right = _lines(before), _lines(after)
    if len(left[0]) + len(right[0]) + 5 <= width():
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            print(f"{one}  {'->' if number == len(left) // 2 else '  '}  {other}")
        return
    print("\n".join(["before", *left, "after", *right]))


def _lines(values: "Array") -> list[str]:
    # 0 times a negative number is -0
    cells = [[f"{value:.4g}" for value in row] for row in (values + 0.0).tolist()]
    room = max(len(cell) for row in cells for cell in row)
    return ["  ".join(f"{cell:>{room}}" for cell in row) for row in cells]


def _written(output: Path, before: "Array", after: "Array", title: str) -> "Written":
    from ..data import write

    if output.suffix.lower() in PICTURES:
        return write(output, _drawn(before, after, title), axes=("row", "column", "channel"), tones="keep")
    return write(output, after)


def _drawn(before: "Array", after: "Array", title: str) -> "Array":
    """Before and after as one picture (rows, columns, 3) of bytes."""
    import numpy as np

    from ..errors import MissingDependency

    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        raise MissingDependency(
            'pictures of grids need Matplotlib, which is not installed: pip install "faltung[images]"'
        ) from error
    from ..experiments import drawing

    small = max(before.shape) <= MAX_PRINTED
    pictures = []
    for values, role, words in ((before, "input", "before"), (after, "output", title)):
        figure, axes = drawing.sheet("normal", height=380)
        if small:
            drawing.numbers(axes, values + 0.0, role, words, shaded=None if values is before else values != 0)
        elif values.min() < 0:
            drawing.signed(axes, values, words)
        else:
            drawing.grey(axes, values, words)
        figure.set_facecolor(drawing.COLOURS["paper"][0])
        figure.set_dpi(144)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pictures.append(np.asarray(canvas.buffer_rgba())[..., :3])
    return np.concatenate(pictures, axis=1)
