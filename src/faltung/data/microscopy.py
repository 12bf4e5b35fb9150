"""Pictures from microscopes with what is on them, out of installed packages."""

import io
from typing import Any, Literal

import numpy as np

from ..errors import MissingDependency
from ..spec import Array
from .damage import complaints_raised, decoding
from .examples import Examples
from .packages import Package, check_part
from .pictures import INSTALL

STARDIST = Package("stardist", "stardist==0.9.2")

Part = Literal["train", "test", "all"]
PARTS = ("train", "test", "all")


def nuclei(part: Part = "train") -> Examples:
    """A fluorescence picture of 125 cell nuclei, each outlined, 512x512.

    There is one picture only, so its halves are the two parts: the left half trains, the right half tests. A nucleus
    on the middle line is cut and lies in both.

    Args:
        part: `"train"` (the left half, columns 0 to 255), `"test"` (the right half) or `"all"`.

    Returns:
        x uint8 (1, 1, 512, 256), or 512 wide; y (1, 512, 256), background and nucleus; instances, a number for each
        nucleus, the same in every part.

    Raises:
        ParameterError: no such part.
        MissingDependency: stardist (its files only: nothing else is installed with it) or tifffile is not installed.
        FileError: an installed file is another.

    Source: example data of StarDist (Schmidt, Weigert, Broaddus, Myers 2018), BSD-3-Clause.

    Example:
        >>> whole = nuclei("all")
        >>> whole.x.shape, len(np.unique(whole.instances)) - 1
        ((1, 1, 512, 512), 125)
    """
    check_part(part, PARTS)
    picture = _tiff(
        STARDIST, "data/images/img2d.tif", "f9ccc1571b92c861ff87e28463068b43f61bd47357ed0503f711e5cd1eb97750", "nuclei"
    )
    mask = _tiff(
        STARDIST, "data/images/mask2d.tif", "59ad5e820b7982ca9d13e946fa6e7f64e2714899e00a2ae6c69aa79aad53d46f", "nuclei"
    )
    middle = picture.shape[1] // 2
    columns = {"train": slice(None, middle), "test": slice(middle, None), "all": slice(None)}[part]
    # written with 16 bits, of which 8 are used: its values end at 235
    x = picture[None, None, :, columns].astype(np.uint8)
    instances = mask[None, :, columns].astype(np.int64)
    return Examples(
        x,
        (instances > 0).astype(np.int64),
        ("background", "nucleus"),
        name=f"nuclei {part}",
        licence="BSD-3-Clause",
        source="StarDist's example data, PyPI package stardist",
        instances=instances,
    )


def _tiff(package: Package, name: str, sha256: str, what: str) -> Array:
    """The numbers of a TIFF file that is known to the bit."""
    data = package.read(name, sha256, what)
    try:
        import tifffile
    except ModuleNotFoundError as missing:
        raise MissingDependency(f"{what} is a TIFF file, and tifffile is not installed: {INSTALL}") from missing
    with decoding(package.file(name, what), "TIFF"), complaints_raised("tifffile"):
        values: Any = tifffile.imread(io.BytesIO(data))
    return np.asarray(values)
