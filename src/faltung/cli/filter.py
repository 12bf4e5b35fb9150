"""`faltung filter`: a kernel over a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError
from .options import (
    AsJson,
    BoundaryWord,
    Frame,
    KernelWord,
    Method,
    Nan,
    NanWord,
    Output,
    TonesWord,
    Workers,
    parse_boundary,
    parse_tones,
)
from .screen import check_output, console, picture_words, print_facts, print_json, width, written_facts, written_rows

if TYPE_CHECKING:
    from ..spec import Array

MAX_SHOWN = 9
"""Kernels up to this long are printed in numbers."""


def filter_picture(
    picture: Annotated[str, typer.Argument(help="A picture file, or a photograph by name, e.g. camera.")],
    kernel: KernelWord,
    boundary: BoundaryWord = "symmetric",
    nan: NanWord = Nan.propagate,
    method: Method = "auto",
    grey: Annotated[
        bool, typer.Option("--grey/--per-channel", help="Turn colour to grey, or filter each channel.")
    ] = False,
    frame: Frame = None,
    tones: TonesWord = "auto",
    workers: Workers = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Filter a picture with a kernel, laid on as printed (correlation); the result has the size of the picture.

    Weights that sum to 1 keep the tones, weights that sum to 0 (derivatives) draw 0 as middle grey, others are
    stretched; --tones says otherwise. TIFF and NPY keep the numbers themselves.

    \b
    Examples:
      faltung filter photo.jpg --kernel sobel-x --boundary symmetric -o gx.png
      faltung filter camera --kernel "0,-1,0;-1,5,-1;0,-1,0" -o sharp.png
    """
    import numpy as np

    from ..data import write
    from ..door import plan
    from ..filters.inputs import as_floats
    from .inputs import each_frame, open_picture, without_colour

    outside = parse_boundary(boundary)
    check_output(output, Path(picture))
    weights = _weights(kernel)
    source = open_picture(picture, frame)
    content = without_colour(source) if grey else source
    first = as_floats(content.values[0] if "frame" in content.axes else content.values, nan=nan.value)
    if weights.dtype.kind in "biuf":
        weights = weights.astype(first.dtype)
    made = plan(first, weights, flip=False, mode="same", boundary=outside, axes=(0, 1), nan=nan.value, method=method)
    result = each_frame(content, "filter", lambda values: made(as_floats(values), workers=workers))
    is_complex = result.dtype.kind == "c"
    shown = np.abs(result) if is_complex else result
    drawing = parse_tones(tones)
    if drawing == "auto" and not is_complex:
        drawing = _tones_for(weights)
    written = None
    if output is not None:
        # these two keep the numbers, unless tones are asked for
        exact = output.suffix.lower() in (".npy", ".tif", ".tiff") and tones == "auto"
        numbers = result if output.suffix.lower() == ".npy" else shown
        written = write(output, numbers, like=source, axes=content.axes, tones="auto" if exact else drawing)
    finite = shown[np.isfinite(shown)]
    lowest, highest = float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))
    mean = float(finite.mean()) if finite.size else float("nan")
    if as_json:
        print_json(
            {
                "picture": source.path,
                "shape": source.values.shape,
                "dtype": source.values.dtype.name,
                "kernel": weights if weights.size <= MAX_SHOWN**2 else None,
                "kernel_shape": weights.shape,
                "kernel_sum": weights.sum(),
                "boundary": boundary,
                "method": made.method,
                "result": {"shape": result.shape, "dtype": result.dtype.name, "magnitude_shown": is_complex},
                "smallest": lowest,
                "largest": highest,
                "mean": mean,
                "written": written_facts(written),
            }
        )
        return
    _print_kernel(weights, kernel)
    rows = [
        ("picture", picture_words(source)),
        ("result", f"{result.dtype}, by {made.method}, boundary {boundary}{', magnitude' if is_complex else ''}"),
        ("values", f"{lowest:.4g} to {highest:.4g}, mean {mean:.4g}"),
    ]
    print_facts([*rows, *written_rows(written)])
    _print_thumbnail(shown, content.axes, drawing, source.full_scale)


def _weights(word: str) -> "Array":
    from .inputs import parse_kernel

    weights = parse_kernel(word, 2)
    if weights.ndim != 2:
        raise ParameterError(
            f"--kernel {word}: has {weights.ndim} axes, a picture has 2; write rows apart by ';', or take"
            " `faltung convolve --axes 1` to filter along one axis"
        )
    return weights


def _tones_for(weights: "Array") -> Any:
    """How the result is best drawn, from what the weights sum to."""
    import numpy as np

    total, size = complex(weights.sum()), float(np.abs(weights).sum())
    if abs(total) <= 1e-5 * size:
        return "signed"
    return "keep" if abs(total - 1) <= 1e-5 * max(size, 1) else "stretch"


def _print_kernel(weights: "Array", word: str) -> None:
    rows, columns = weights.shape
    total = 0 if _tones_for(weights) == "signed" else weights.sum()
    print_facts([("kernel", f"{Path(word).name}: {rows} x {columns}, weights sum to {total:.4g}")])
    if max(rows, columns) > MAX_SHOWN:
        return
    cells = [[f"{weight:.4g}" for weight in row] for row in weights]
    room = max(len(cell) for row in cells for cell in row)
    for row in cells:
        print("  " + "  ".join(f"{cell:>{room}}" for cell in row))


def _print_thumbnail(values: "Array", axes: tuple[str, ...], tones: Any, white: float | None) -> None:
    """The first frame, small, where the terminal shows colours."""
    from ..data.tones import choose_range, to_levels
    from .plot import thumbnail

    screen = console()
    if not screen.is_terminal or screen.no_color or screen.color_system is None:
        return
    picture = values[0] if "frame" in axes else values
    levels, _ = to_levels(picture, *choose_range(picture, tones, white), 255)
    screen.print(thumbnail(levels, min(width(), 56)))
