"""Handwritten digits of 8x8 pixels that scikit-learn carries."""

import gzip
from typing import Literal

import numpy as np

from .examples import Examples
from .packages import Package, check_part

SKLEARN = Package("sklearn", "scikit-learn", "pip install scikit-learn")
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
NUM_TRAIN = 1437


def small_digits(part: Literal["train", "test"] = "train") -> Examples:
    """Handwritten digits of 8x8 pixels, 1,797 of 13 writers: the smallest set here, for trials that take a second.

    scikit-learn has no split of them. Ours is fixed: the last 360 in its order are for the test. The order follows the
    writers, so most of those in the test wrote nothing in the other part.

    Args:
        part: `"train"`, 1,437 digits, or `"test"`, 360.

    Returns:
        x float32 (digit, 1, 8, 8) from 0 (paper) to 1 in sixteenths: each pixel is the share of ink in 4x4 finer ones;
        y the classes "0" to "9".

    Raises:
        ParameterError: no such part.
        MissingDependency: scikit-learn is not installed.
        FileError: the installed file is another.

    Source: Alpaydin, Kaynak 1998, "Optical recognition of handwritten digits", UCI, CC BY 4.0; its test set.

    Example:
        >>> small_digits("test").x.shape
        (360, 1, 8, 8)
    """
    check_part(part)
    packed = SKLEARN.read("datasets/data/digits.csv.gz", SHA256, "small_digits")
    table = np.loadtxt(gzip.decompress(packed).decode("ascii").splitlines(), delimiter=",")
    rows = table[:NUM_TRAIN] if part == "train" else table[NUM_TRAIN:]
    return Examples(
        (rows[:, :64] / 16).astype(np.float32).reshape(-1, 1, 8, 8),
        rows[:, 64].astype(np.int64),
        tuple("0123456789"),
        name=f"digits 8x8 {part}",
        licence="CC BY 4.0",
        source="UCI's optical digits, scikit-learn",
    )
