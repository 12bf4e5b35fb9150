"""From numbers of any range to the 256 or 65,536 tones that a picture file holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import DtypeError, ParameterError
from ..spec import Array

Tones = Literal["auto", "keep", "stretch", "signed"] | tuple[float, float]
NAMES = ("auto", "keep", "stretch", "signed")


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        path: the file.
        container: its format, e.g. "PNG".
        shape: shape of the numbers in it.
        dtype: their dtype in the file.
        tones: (black, white), the values drawn black and white; None where the numbers went in as they are.
        notes: what the format could not hold, in words.
    """

    path: Path
    container: str
    shape: tuple[int, ...]
    dtype: str
    tones: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def choose_range(values: Array, tones: Tones, white: float | None) -> tuple[float, float]:
    """The values to draw black and white.

    Args:
        tones: "keep" draws 0 black and `white` white and clips the rest; "stretch" spreads what is there (0 stays
            black if nothing is below it); "signed" puts 0 in the middle, the largest magnitude at the ends;
            (black, white) says it outright. "auto" is "signed" if anything is negative, "keep" if all fits into
            0..white, else "stretch".
        white: the value that is white in the picture these values came from; None if unknown: then values within
            0..1 are taken to mean that.

    Raises:
        ParameterError: an unknown word, or a range that is empty or not finite.
    """
    if not isinstance(tones, str):
        black, top = (float(tones[0]), float(tones[1]))
        if not (np.isfinite(black) and np.isfinite(top) and black < top):
            raise ParameterError(f"tones={black:g}:{top:g}: the value for black must be below the one for white")
        return black, top
    if tones not in NAMES:
        raise ParameterError(f"tones={tones!r}: allowed are {', '.join(NAMES)}, or a pair (black, white)")
    lowest, highest = _extremes(values)
    if white is None:
        white = 1.0 if highest <= 1 else None
    if tones == "auto":
        # a blur of a white picture may exceed white by rounding: that is no reason to redraw it
        fits = white is not None and highest <= white * (1 + 1e-5)
        tones = "signed" if lowest < -1e-5 * (highest - lowest) else "keep" if fits else "stretch"
    if tones == "keep":
        return 0.0, float(white if white is not None else 255.0)
    if tones == "signed":
        largest = max(abs(lowest), abs(highest)) or 1.0
        return -largest, largest
    black = min(lowest, 0.0) if lowest < 0 else 0.0
    return black, (highest if highest > black else black + 1.0)


def to_levels(values: Array, black: float, white: float, full: int) -> tuple[Array, tuple[str, ...]]:
    """Values as whole tones 0..full, and notes on what did not fit.

    Args:
        values: any real dtype. NaN is drawn black, values outside black..white are clipped.
        full: 255 or 65535; decides the dtype, uint8 or uint16.
    """
    dtype = np.uint8 if full == 255 else np.uint16
    if values.dtype == dtype and (black, white) == (0, full):
        return values, ()
    narrow = values.dtype in (np.float32, np.float16, np.uint8) and 1e-30 < white - black < 1e30
    wide = values.astype(np.float32 if narrow else np.float64)
    if not np.isfinite(white - black):
        wide, black, white = wide / 2, black / 2, white / 2
    missing = np.isnan(wide)
    real = wide.dtype.type
    scaled = (wide - real(black)) / real(white - black) * real(full)
    # half a tone outside is rounding; more is lost
    num_clipped = int(np.count_nonzero((scaled < -0.5) | (scaled > full + 0.5)))
    scaled[missing] = 0
    levels = np.clip(np.rint(scaled), 0, full).astype(dtype)
    notes = []
    if num_missing := int(np.count_nonzero(missing)):
        notes.append(f"{num_missing:,} NaN drawn black")
    if num_clipped:
        notes.append(f"{num_clipped:,} values outside {black:g}..{white:g} clipped ({num_clipped / values.size:.2%})")
    return levels, tuple(notes)


def check_real(values: Array, container: str) -> None:
    """Refuse what no picture, sound or table holds.

    Raises:
        DtypeError: complex numbers or objects.
    """
    if values.dtype.kind not in "biuf":
        raise DtypeError(
            f"{container} holds real numbers, got {values.dtype}: write abs(values) or .real, or keep all in .npy"
        )


def _extremes(values: Array) -> tuple[float, float]:
    """Smallest and largest finite value; (0, 0) if there is none."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if finite.size == 0:
        return 0.0, 0.0
    return float(finite.min()), float(finite.max())
