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
    Output,
    TonesWord,
    Workers,
    parse_axes,
    parse_boundary,
    parse_tones,
    per_axis,
)

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
    from .inputs import parse_kernel
    from .screen import check_output, print_json, written_facts

    check_output(output, Path(source))
    content = _open(source, frame)
    x = content.values
    along = parse_axes(axes) if axes is not None else _own_axes(content)
    weights = parse_kernel(kernel, len(along) if along is not None else x.ndim)
    if along is not None and axes is None and weights.ndim != len(along) and weights.ndim == x.ndim:
        along = None
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
        method=method,
        dtype=_dtype(dtype),
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


def _open(source: str, frame: int | None) -> "Content":
    from ..data import Content, photographs, read
    from .inputs import looks_like_numbers, open_picture, parse_numbers

    if looks_like_numbers(source):
        values = parse_numbers(source, "the input")
        return Content(values, "array", (), "numbers", Path("numbers"))
    if source in photographs():
        return open_picture(source, frame)
    return read(source, frame=frame)


def _own_axes(content: "Content") -> tuple[int, ...] | None:
    """Rows and columns of a picture, samples of a signal; None for arrays, which are convolved along all."""
    along = tuple(i for i, name in enumerate(content.axes) if name in ("row", "column", "sample"))
    return along if 0 < len(along) < content.values.ndim else None


def _dtype(name: str | None) -> Any:
    """A NumPy dtype by name; the error lists what is allowed."""
    import numpy as np

    from ..errors import ParameterError

    if name is None:
        return None
    try:
        return np.dtype(name)
    except TypeError:
        raise ParameterError(f"--dtype {name}: no such dtype; float32, float64, int64, uint8 and so on are") from None


def _print(content: "Content", weights: "Array", result: "Array", flip: bool, method: str, written: Any) -> None:
    import numpy as np

    from .plot import print_curves
    from .screen import print_facts, width, written_words

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
    if written is not None:
        rows.append(("wrote", written_words(written)))
    print_facts(rows)
    if written is None and result.size <= MAX_PRINTED:
        print(np.array2string(result, max_line_width=width(), separator=", ", threshold=MAX_PRINTED))
    elif written is None:
        print(f"{result.size:,} values: -o FILE keeps them")
