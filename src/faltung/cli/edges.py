"""`faltung edges`: where a picture changes, how much, and how often."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ParameterError
from .options import (
    AsJson,
    BoundaryWord,
    Frame,
    Nan,
    NanWord,
    Output,
    TonesWord,
    parse_boundary,
    parse_number,
    parse_tones,
)
from .screen import check_output, picture_words, print_bars, print_facts, print_json, written_facts, written_rows

if TYPE_CHECKING:
    from ..data import Content, Written
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
    nan: NanWord = Nan.propagate,
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
    from ..data import write
    from .inputs import open_picture, without_colour

    canny = operator is Operator.canny
    how = How(
        operator=operator,
        sigma=1.0 if smooth is None and canny else smooth or None,
        scale=Scale.unit if canny else scale,
        boundary=parse_boundary(boundary),
        nan=nan,
        limits=_limits(threshold, operator),
    )
    check_output(output, Path(picture))
    source = open_picture(picture, frame)
    content = without_colour(source) if grey else source
    found = _find(content, how)
    written = None
    if output is not None:
        drawn = found.on_edge if canny or threshold is not None else found.strength
        written = write(output, drawn, like=source, axes=content.axes, tones=parse_tones(tones))
    if as_json:
        counts, rims = found.histogram()
        print_json(
            {
                "picture": source.path,
                "shape": source.values.shape,
                "dtype": source.values.dtype.name,
                "operator": operator.value,
                "sigma": how.sigma,
                "scale": how.scale.value,
                "boundary": boundary,
                "histogram": {"rims": rims, "counts": counts},
                "largest": rims[-1],
                "edge_rule": found.rule,
                "edge_share": found.share(),
                "written": written_facts(written),
            }
        )
        return
    blurred = f", blurred by {how.sigma:g} pixels" if how.sigma else ""
    _print(
        [
            ("picture", picture_words(source) + (", turned to grey" if content is not source else "")),
            ("strength", f"{operator.value} ({how.scale.value} scale){blurred}, boundary {boundary}"),
        ],
        found,
        written,
    )


@dataclass(frozen=True)
class How:
    """What was asked for: `sigma` None does not blur, `limits` are (low, high) of canny, (None, T) of the others."""

    operator: Operator
    sigma: float | None
    scale: Scale
    boundary: Any
    nan: Nan
    limits: tuple[float | None, float] | None


@dataclass(frozen=True)
class Found:
    """The strength of every pixel, whether it is on an edge, and by which rule."""

    strength: "Array"
    on_edge: "Array"
    rule: str

    def share(self) -> float:
        """Pixels on an edge, of all."""
        return float(self.on_edge.mean())

    def histogram(self) -> tuple["Array", "Array"]:
        """Counts in equal steps from 0 to the strongest, and the rims of the steps."""
        import numpy as np

        return np.histogram(_finite(self.strength), NUM_BINS, (0, _largest(self.strength) or 1.0))


def _find(content: "Content", how: How) -> Found:
    from ..filters.contours import canny
    from ..filters.derivatives import edges as find_edges
    from .inputs import each_frame

    # canny starts from Sobel's slopes
    name = "sobel" if how.operator is Operator.canny else how.operator.value
    scale = how.scale.value
    rest: dict[str, Any] = {"sigma": how.sigma, "boundary": how.boundary, "axes": (0, 1), "nan": how.nan.value}
    strength = each_frame(
        content, "edges", lambda values: find_edges(values, operator=name, scale=scale, **rest).magnitude
    )
    if how.operator is Operator.canny:
        low, high = how.limits or (None, None)
        lines = each_frame(content, "contours", lambda values: canny(values, low=low, high=high, **rest))
        return Found(strength, lines, "on a contour")
    least = how.limits[1] if how.limits is not None else _largest(strength) / 4
    return Found(strength, strength >= least if least > 0 else strength > 0, f"strength from {least:.4g}")


def _finite(values: "Array") -> "Array":
    import numpy as np

    return values[np.isfinite(values)]


def _largest(values: "Array") -> float:
    return float(_finite(values).max(initial=0))


def _print(rows: list[tuple[str, str]], found: Found, written: "Written | None") -> None:
    print_facts(rows)
    counts, rims = found.histogram()
    total = max(int(counts.sum()), 1)
    print_bars([(f"{rims[i]:.4g} - {rims[i + 1]:.4g}", counts[i] / total) for i in range(len(counts))])
    rows = [("edges", f"{found.share():.2%} of the pixels ({found.rule})")]
    print_facts([*rows, *written_rows(written)])


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
