"""`faltung smooth`: a noisy signal or picture, before and after."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError
from .options import AsJson, BoundaryWord, Frame, Nan, NanWord, Output, TonesWord, parse_boundary, parse_tones
from .screen import check_output, picture_words, print_facts, print_json, width, written_facts, written_rows

if TYPE_CHECKING:
    from ..data import Content
    from ..spec import Array


def smooth(
    source: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="CSV, WAV, NPY or a picture; or none, with --expr.")
    ] = None,
    kernel: Annotated[
        str,
        typer.Option(
            "--kernel",
            "-k",
            metavar="KERNEL",
            help='A name ("hann:9", "tophat:10", "gaussian:3"), numbers ("1,2,1") or a file; scaled to sum to 1.',
        ),
    ] = "hann:9",
    expr: Annotated[
        str | None,
        typer.Option(metavar="FORMULA", help='A formula of t = 0, 1, 2, ... instead of a file: "sin(t/8) + (t>50)".'),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many samples of --expr.")] = 100,
    noise: Annotated[
        float, typer.Option(min=0, metavar="SD", help="Standard deviation of the noise added before smoothing.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise: the same seed gives the same noise.")] = 0,
    boundary: BoundaryWord = "symmetric",
    nan: NanWord = Nan.propagate,
    column: Annotated[str | None, typer.Option(metavar="NAME|N", help="Of a table, smooth this column only.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, metavar="HZ", help="Sample rate, for -o FILE.wav.")] = None,
    grey: Annotated[bool, typer.Option("--grey/--per-channel", help="Of pictures: turn colour to grey.")] = False,
    frame: Frame = None,
    tones: TonesWord = "auto",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Smooth a signal or picture with a kernel whose weights are scaled to sum to 1.

    With --expr, or with --noise on a file, the clean signal is known: the error before and after is printed.

    \b
    Examples:
      faltung smooth --expr "sin(t/8) + (t>50)" --noise 0.3 --seed 1 --kernel tophat:10
      faltung smooth signal.csv --kernel hann:9 -o smooth.csv
    """
    import numpy as np

    from ..data import write
    from ..filters.smoothing import smooth as smooth_array
    from .inputs import filtered_axes

    if (source is None) == (expr is None):
        raise ParameterError('give either a file or --expr "FORMULA"' + ("" if source is None else ", not both"))
    outside = parse_boundary(boundary)
    check_output(output, *([Path(source)] if source is not None else []))
    content = _open(source, expr, samples, column, grey, frame)
    clean = content.values
    before = _with_noise(clean, noise, seed)
    along = filtered_axes(content)
    weights = _weights(kernel, len(along))
    after = smooth_array(before, weights, boundary=outside, axes=along, nan=nan.value)
    written = None
    if output is not None:
        written = write(
            output, after, like=content, axes=content.axes or None, tones=parse_tones(tones), sample_rate_hz=rate
        )
    known = expr is not None or noise > 0
    errors = (_rms(before - clean), _rms(after - clean)) if known else None
    taps = " x ".join(map(str, weights.shape))
    facts = {
        "source": expr if expr is not None else source,
        "shape": before.shape,
        "kernel": kernel,
        "taps": weights.shape,
        "boundary": boundary,
        "noise": noise,
        "seed": seed if noise else None,
        "error_before": errors[0] if errors else None,
        "error_after": errors[1] if errors else None,
        "removed": _rms(before - after.astype(np.float64)),
        "written": written_facts(written),
    }
    if as_json:
        print_json(facts)
        return
    _print(content, before, after, errors, f"{kernel} ({taps} taps), boundary {boundary}", facts, written)


def _open(
    source: str | None, expr: str | None, samples: int, column: str | None, grey: bool, frame: int | None
) -> "Content":
    """The clean data: a formula's values, a picture, or signals along axis 0."""
    import numpy as np

    from ..data import Content
    from ..experiments.expression import evaluate
    from .inputs import open_source, without_colour

    if source is None:
        values = evaluate(expr or "", np.arange(samples))
        return Content(values, "signal", ("sample",), "formula", Path("formula"))
    content = open_source(source, frame)
    if content.form == "picture":
        if column is not None:
            raise ParameterError("--column goes with tables and sounds; a picture has --frame and --grey")
        return without_colour(content) if grey else content
    if content.values.dtype.kind not in "biuf":
        raise ParameterError(f"{source}: holds {content.values.dtype}: smoothing takes real numbers")
    return content.as_signal(column)


def _with_noise(clean: "Array", noise: float, seed: int) -> "Array":
    import numpy as np

    if noise == 0:
        return clean
    return clean + np.random.default_rng(seed).normal(0.0, noise, clean.shape)


def _weights(word: str, ndim: int) -> "Array":
    """The kernel; `tophat:10` means ten equal weights, and a window serves every axis in turn."""
    from .inputs import parse_kernel

    weights = parse_kernel(word, 1)
    if weights.ndim not in (1, ndim):
        raise ParameterError(f"--kernel {word}: has {weights.ndim} axes, {ndim} are smoothed: give weights in one row")
    return weights


def _print(
    content: "Content",
    before: "Array",
    after: "Array",
    errors: tuple[float, float] | None,
    how: str,
    facts: dict[str, Any],
    written: Any,
) -> None:
    from .plot import print_curves

    rows = [("kernel", how)]
    if content.form == "signal":
        first = (slice(None),) + (0,) * (before.ndim - 1)
        print_curves({"before": before[first], "after": after[first]}, min(width(), 100))
        channels = f", channel 0 of {before.shape[1]} drawn" if before.ndim == 2 and before.shape[1] > 1 else ""
        rows.append(("samples", f"{len(before)}{channels}"))
    else:
        rows.append(("picture", picture_words(content)))
    if errors is not None:
        was, now = errors
        times = "" if min(was, now) <= 0 else f", {was / now:.2f} times smaller" if now < was else ", which is worse"
        rows.append(("error", f"{was:.4g} before, {now:.4g} after (RMS){times}"))
    else:
        rows.append(("removed", f"{facts['removed']:.4g} (RMS of before - after)"))
    print_facts([*rows, *written_rows(written)])


def _rms(difference: "Array") -> float:
    """Root of the mean square."""
    import numpy as np

    return float(np.sqrt(np.mean(np.square(difference.astype(np.float64)))))
