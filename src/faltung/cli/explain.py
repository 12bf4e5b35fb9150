"""`faltung explain`: which algorithm a convolution would take, and why not the others."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError
from .options import (
    AsJson,
    Axes,
    BoundaryWord,
    KernelWord,
    Method,
    Mode,
    Nan,
    NanWord,
    parse_axes,
    parse_boundary,
    parse_dtype,
    parse_integers,
    per_axis,
)
from .screen import print_facts, print_json, print_table, width

if TYPE_CHECKING:
    from ..explanation import Explanation


def explain(
    kernel: KernelWord,
    source: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A file; or give --shape.")] = None,
    shape: Annotated[str | None, typer.Option(metavar="512x512", help="Shape of the data, instead of a file.")] = None,
    dtype: Annotated[str, typer.Option(metavar="NAME", help="Dtype of the data, with --shape.")] = "float32",
    flip: Annotated[bool, typer.Option("--convolve/--correlate", help="Flip the kernel, or not.")] = True,
    mode: Annotated[Mode, typer.Option(help="How much of the overlap is kept.")] = Mode.full,
    boundary: BoundaryWord = "zero",
    stride: Annotated[str, typer.Option(metavar="N|N,M", help="Keep every so-many-th output.")] = "1",
    dilation: Annotated[str, typer.Option(metavar="N|N,M", help="Spread the weights this far apart.")] = "1",
    axes: Axes = None,
    nan: NanWord = Nan.propagate,
    method: Method = "auto",
    rtol: Annotated[
        float | None, typer.Option(metavar="R", help="Allowed relative error; inf lifts the bound.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain the choice of an algorithm: predicted time, memory and error of each, or why it cannot serve.

    \b
    Examples:
      faltung explain --shape 512x512 --kernel gaussian:3
      faltung explain --shape 2048x2048 --kernel box:31 --boundary reflect --mode same
    """
    import numpy as np

    from ..door import explain as explain_call
    from .inputs import filtered_axes, open_source, parse_kernel

    if (source is None) == (shape is None):
        raise ParameterError("give either a file or --shape, e.g. --shape 512x512")
    along = parse_axes(axes)
    if source is not None:
        content = open_source(source)
        lengths, x_dtype = content.values.shape, content.values.dtype
        along = along if along is not None else filtered_axes(content)
    else:
        lengths, x_dtype = tuple(parse_integers(shape or "", "--shape")), parse_dtype(dtype)
        if any(size < 0 for size in lengths):
            raise ParameterError(f"--shape {shape}: sizes are 0 or more")
    real = x_dtype if x_dtype.kind in "fc" else np.dtype(np.float64)
    weights = parse_kernel(kernel, len(along) if along is not None else len(lengths))
    # a kernel by name takes the precision of the data, as filters do; numbers and files keep theirs
    if weights.dtype == np.float64 and real.itemsize < 8:
        weights = weights.astype(real)
    found = explain_call(
        lengths,
        weights,
        flip=flip,
        x_dtype=x_dtype,
        mode=mode.value,
        boundary=parse_boundary(boundary),
        stride=per_axis(stride, "--stride"),
        dilation=per_axis(dilation, "--dilation"),
        axes=along,
        nan=nan.value,
        method=method,
        rtol=rtol,
    )
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)


def _facts(found: "Explanation") -> dict[str, Any]:
    from ..explanation import describe

    verdicts = [
        {
            "method": verdict.method,
            "refusal": verdict.refusal,
            "seconds": None if verdict.cost is None else verdict.cost.seconds,
            "num_bytes": None if verdict.cost is None else verdict.cost.num_bytes,
            "error_bound": None if verdict.cost is None else verdict.cost.error,
        }
        for verdict in found.verdicts
    ]
    return {"call": describe(found.spec), "method": found.method, "reason": found.reason, "verdicts": verdicts}


def _print(found: "Explanation") -> None:
    import textwrap

    from ..explanation import HEADINGS, describe, in_words, notes

    print_facts([("call", describe(found.spec)), ("method", f"{found.method}: {found.reason}")])
    rows = in_words(found)
    print_table(HEADINGS, rows, right=(1, 2, 3))
    for note in notes(rows):
        print(textwrap.fill(note, max(width(), 16)))
