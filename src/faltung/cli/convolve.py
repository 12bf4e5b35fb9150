"""`faltung convolve`: the library's own call, on files or numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import (
    AsJson,
    Axes,
    BoundaryWord,
    Frame,
    KernelWord,
    Method,
    Mode,
    Nan,
    NanWord,
    Output,
    TonesWord,
    Workers,
    parse_axes,
    parse_boundary,
    parse_dtype,
    parse_tones,
    per_axis,
)
from .screen import check_output, print_facts, print_json, width, written_facts, written_rows

if TYPE_CHECKING:
    from ..data import Content
    from ..spec import Array

MAX_PRINTED = 200
"""Results up to this long are printed in numbers; JSON carries up to fifty times as many."""


def convolve(
    source: Annotated[str, typer.Argument(metavar="FILE|NUMBERS", help='A file, or numbers: "1,2,3" or "1,2;3,4".')],
    kernel: KernelWord,
    flip: Annotated[
        bool, typer.Option("--convolve/--correlate", help="Flip the kernel (mathematics), or not (deep learning).")
    ] = True,
    mode: Annotated[Mode | None, typer.Option(help="How much of the overlap is kept; default full.")] = None,
    boundary: BoundaryWord = "zero",
    stride: Annotated[str, typer.Option(metavar="N|N,M", help="Keep every so-many-th output.")] = "1",
    dilation: Annotated[str, typer.Option(metavar="N|N,M", help="Spread the weights this far apart.")] = "1",
    padding: Annotated[
        str | None, typer.Option(metavar="N|N,M|same", help="Samples to add outside, instead of --mode.")
    ] = None,
    axes: Axes = None,
    nan: NanWord = Nan.propagate,
    method: Method = "auto",
    dtype: Annotated[str | None, typer.Option(metavar="NAME", help="Of the result, e.g. float32, uint8.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, metavar="HZ", help="Sample rate, for -o FILE.wav.")] = None,
    frame: Frame = None,
    tones: TonesWord = "auto",
    workers: Workers = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Convolve (or correlate) arrays as `faltung.convolve` does; whole numbers are computed exactly.

    Pictures are convolved along rows and columns, signals along their samples, other arrays along --axes.

    \b
    Examples:
      faltung convolve "1,2,3" --kernel "0,1,0.5"
      faltung convolve signal.csv --kernel hann:50 --mode same -o smooth.csv
    """
    from ..data import write
    from ..door import plan
    from .inputs import filtered_axes, open_source, parse_kernel

    check_output(output, Path(source))
    content = open_source(source, frame)
    x = content.values
    along = parse_axes(axes) or filtered_axes(content)
    weights = parse_kernel(kernel, len(along))
    if axes is None and weights.ndim != len(along) and weights.ndim == x.ndim:
        # a kernel file with an entry for every axis, also frames or channels
        along = tuple(range(x.ndim))
    made = plan(
        x,
        weights,
        flip=flip,
        mode=mode.value if mode is not None else "full",
        boundary=parse_boundary(boundary),
        stride=per_axis(stride, "--stride"),
        dilation=per_axis(dilation, "--dilation"),
        padding=None if padding is None else padding if padding == "same" else per_axis(padding, "--padding"),
        axes=along,
        nan=nan.value,
        method=method,
        dtype=parse_dtype(dtype),
    )
    result = made(x, workers=workers)
    written = None
    if output is not None:
        axes_now = content.axes if result.ndim == x.ndim and content.axes else None
        written = write(output, result, like=content, axes=axes_now, tones=parse_tones(tones), sample_rate_hz=rate)
    if as_json:
        print_json(
            {
                "source": source,
                "x": {"shape": x.shape, "dtype": x.dtype.name},
                "kernel": {"shape": weights.shape, "dtype": weights.dtype.name},
                "convention": "convolution" if flip else "correlation",
                "mode": None if padding is not None else (mode or Mode.full).value,
                "boundary": boundary,
                "method": made.method,
                "result": {"shape": result.shape, "dtype": result.dtype.name},
                "values": result if result.size <= 50 * MAX_PRINTED else None,
                "written": written_facts(written),
            }
        )
        return
    _print(content, weights, result, flip, made.method, written)


def _print(content: "Content", weights: "Array", result: "Array", flip: bool, method: str, written: Any) -> None:
    import numpy as np

    from .plot import print_curves

    x = content.values
    if x.ndim == 1 and result.ndim == 1 and x.size > 8 and x.dtype.kind in "biuf" and result.dtype.kind in "biuf":
        print_curves({"before": x, "after": result}, min(width(), 100))
    rows = [
        ("x", f"{x.shape} {x.dtype}"),
        (
            "kernel",
            f"{weights.shape} {weights.dtype}, {'flipped (convolution)' if flip else 'not flipped (correlation)'}",
        ),
        ("result", f"{result.shape} {result.dtype}, by {method}"),
    ]
    print_facts([*rows, *written_rows(written)])
    if written is None and result.size <= MAX_PRINTED:
        print(np.array2string(result, max_line_width=width(), separator=", ", threshold=MAX_PRINTED))
    elif written is None:
        print(f"{result.size:,} values: -o FILE keeps them")
