"""The photographs that experiments look at: scikit-image's by name, or a person's own by path."""

import math
from pathlib import Path

import numpy as np

import faltung as ft

from ..data import photograph, photographs, read
from ..errors import ParameterError
from ..spec import Array

SMALLEST = 32
"""Pixels of the shorter side that the experiments need."""


def load_photo(source: str, longest: int = 640) -> Array:
    """A photograph as numbers from 0 (black) to 1 (white).

    Args:
        source: one of `faltung.data.photographs()`, or the path of a picture file; of several frames the first.
        longest: pixels of the longer side at most; a larger picture is shrunk by the mean of whole blocks.

    Returns:
        float32, (rows, columns) if grey, (rows, columns, 3) if in colour.

    Raises:
        ParameterError: the picture is smaller than 32 pixels on a side, or holds NaN or infinity.
        FileError: the file cannot be read.

    Example:
        >>> load_photo("camera", 128).shape
        (128, 128)
    """
    if source in photographs():
        values = photograph(source)
        white = 255.0
    else:
        content = read(Path(source)).as_picture()
        values = content.values[0] if "frame" in content.axes else content.values
        white = content.full_scale or _white(values, source)
    if min(values.shape[:2]) < SMALLEST:
        raise ParameterError(
            f"{source} has {values.shape[0]} x {values.shape[1]} pixels: give a picture of at least {SMALLEST} x "
            f"{SMALLEST}"
        )
    numbers = values.astype(np.float32) / np.float32(white)
    block = math.ceil(max(numbers.shape[:2]) / longest)
    return ft.avg_pool(numbers, block, axes=(0, 1)) if block > 1 else numbers


def _white(values: Array, source: str) -> float:
    """The value that counts as white where the file's dtype does not say."""
    largest = float(np.abs(values).max())
    if not math.isfinite(largest):
        raise ParameterError(f"{source} holds NaN or infinity: replace them first")
    return largest if largest > 1 else 1.0
