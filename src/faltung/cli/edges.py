"""`faltung edges`: where a picture changes, how much, and how often."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError
from .options import AsJson, BoundaryWord, Frame, Output, TonesWord, parse_boundary, parse_number, parse_tones

if TYPE_CHECKING:
    from ..spec import Array

NUM_BINS = 8


class Operator(StrEnum):
    """How edges are found."""

    sobel = "sobel"
    scharr = "scharr"
    prewitt = "prewitt"
    canny = "canny"


class Scale(StrEnum):
    """What a unit slope gives."""

    kernel = "kernel"
    unit = "unit"


def edges(
    picture: Annotated[str, typer.Argument(help="A picture file, or a photograph by name, e.g. camera.")],
    operator: Annotated[Operator, typer.Option(help="Which differences; canny thins them to lines.")] = Operator.sobel,
    smooth: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SIGMA",
            help="First blur with this Gaussian, in pixels. Default: 1 for canny, else no blur (0).",
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="T|LOW:HIGH",
            help="Strength from which a pixel is an edge: the picture written is then black and white. Default: a"
            " quarter of the strongest, and the strengths are written. For canny the slopes that continue and start a"
            " line, per pixel.",
        ),
    ] = None,
    scale: Annotated[
        Scale, typer.Option(help="kernel: weights as printed, 8 per unit slope for sobel; unit: 1 per unit slope.")
    ] = Scale.kernel,
    boundary: BoundaryWord = "symmetric",
    grey: Annotated[
        bool, typer.Option("--grey/--per-channel", help="Turn colour to grey, or take each channel.")
    ] = True,
    frame: Frame = None,
    tones: TonesWord = "auto",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Find the edges of a picture: a histogram of their strength, and the share that counts.

    \b
    Examples:
      faltung edges photo.jpg --operator scharr --smooth 1.2 -o edges.png
      faltung edges camera --operator canny --threshold 5:10 -o lines.png
    """
    import numpy as np

    from ..data import write
    from .inputs import each_frame, open_picture, without_colour
    from .screen import check_output, print_bars, print_facts, print_json, written_facts, written_words

    limits = _limits(threshold, operator)
    outside = parse_boundary(boundary)
    check_output(output, Path(picture))
    source = open_picture(picture, frame)
    content = without_colour(source) if grey else source
    sigma = 1.0 if smooth is None and operator is Operator.canny else smooth or None
    slopes = Scale.unit if operator is Operator.canny else scale
    strength = each_frame(content, "edges", lambda values: _strength(values, operator, sigma, slopes, outside))
    if operator is Operator.canny:
        found = each_frame(content, "contours", lambda values: _contours(values, sigma, limits, outside))
        rule = "on a contour"
    else:
        finite = strength[np.isfinite(strength)]
        least = limits[1] if limits is not None else float(finite.max(initial=0)) / 4
        found = strength >= least if least > 0 else strength > 0
        rule = f"strength from {least:.4g}"
    drawn = found if operator is Operator.canny or threshold is not None else strength
    written = None
    if output is not None:
        written = write(output, drawn, like=source, axes=content.axes, tones=parse_tones(tones))
    counts, rims = _histogram(strength)
    share = float(np.mean(found))
    if as_json:
        print_json(
            {
                "picture": source.path,
                "shape": source.values.shape,
                "dtype": source.values.dtype.name,
                "operator": operator.value,
                "sigma": sigma,
                "scale": slopes.value,
                "boundary": boundary,
                "histogram": {"rims": rims, "counts": counts},
                "largest": rims[-1],
                "edge_rule": rule,
                "edge_share": share,
                "written": written_facts(written),
            }
        )
        return
    shape = " x ".join(map(str, source.values.shape))
    blurred = f", blurred by {sigma:g} pixels" if sigma else ""
    turned = ", turned to grey" if content is not source else ""
    print_facts(
        [
            ("picture", f"{source.path.name}, {shape}, {source.values.dtype}{turned}"),
            ("strength", f"{operator.value} ({slopes.value} scale){blurred}, boundary {boundary}"),
        ]
    )
    total = max(int(counts.sum()), 1)
    print_bars([(f"{rims[i]:.4g} - {rims[i + 1]:.4g}", counts[i] / total) for i in range(len(counts))])
    rows = [("edges", f"{share:.2%} of the pixels ({rule})")]
    if written is not None:
        rows.append(("wrote", written_words(written)))
    print_facts(rows)


def _limits(threshold: str | None, operator: Operator) -> tuple[float | None, float] | None:
    """(low, high) of canny, (None, T) of the others."""
    if threshold is None:
        return None
    low, colon, high = threshold.partition(":")
    if colon and operator is not Operator.canny:
        raise ParameterError(f"--threshold {threshold}: LOW:HIGH goes with --operator canny; give one number")
    if colon:
        return parse_number(low, "--threshold"), parse_number(high, "--threshold")
    number = parse_number(low, "--threshold")
    if not number > 0:
        raise ParameterError(f"--threshold {threshold}: a number above 0 is expected; every pixel reaches 0")
    return None, number


def _strength(values: "Array", operator: Operator, sigma: float | None, scale: Scale, boundary: Any) -> "Array":
    from ..filters.derivatives import edges as find_edges

    # canny starts from Sobel's slopes
    name = "sobel" if operator is Operator.canny else operator.value
    return find_edges(values, operator=name, sigma=sigma, scale=scale.value, boundary=boundary, axes=(0, 1)).magnitude


def _contours(
    values: "Array", sigma: float | None, limits: tuple[float | None, float] | None, boundary: Any
) -> "Array":
    from ..filters.contours import canny

    low, high = limits if limits is not None else (None, None)
    return canny(values, sigma=sigma, low=low, high=high, boundary=boundary, axes=(0, 1))


def _histogram(strength: "Array") -> tuple["Array", "Array"]:
    """Counts in equal steps from 0 to the strongest."""
    import numpy as np

    finite = strength[np.isfinite(strength)]
    largest = float(finite.max(initial=0)) or 1.0
    return np.histogram(finite, NUM_BINS, (0, largest))
