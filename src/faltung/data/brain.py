"""Slices of the average brain MNI152, with grey and white matter, out of nilearn."""

import gzip
import struct
from typing import Literal

import numpy as np

from ..errors import FileError
from ..spec import Array
from .examples import Examples
from .packages import bare, check_part

NILEARN = bare("nilearn", "nilearn", "0.14.1")

FILES = {
    "t1": "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
    "gm": "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed",
    "wm": "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db",
}
"""Picture, share of grey matter, share of white matter -> SHA-256."""

SLICES = {"train": slice(27, 113), "test": slice(123, 208), "all": slice(27, 208)}
"""Part -> coronal slices, counted from the back of the head in millimetres."""


def brain_slices(part: Literal["train", "test", "all"] = "train") -> Examples:
    """Coronal slices of the average of 152 brains, a millimetre thick, with three tissues.

    Labels come from maps of grey and white matter, 0 to 255 in each place: the larger share wins, the rest (255 minus
    both) is fluid inside the brain and outside elsewhere; of equal shares the first in this order wins: rest, grey,
    white. So the labels are smooth, as the picture is: no single brain looks like this.

    The template is symmetric to the last bit: the right hemisphere is the left one in a mirror. A split between them
    would test with the pictures that it trained on. So the back of the head trains and the front tests, with 10 mm
    between them in neither; that asks for more, since the front has other folds and the ventricles.

    Args:
        part: `"train"`, 86 slices from the back; `"test"`, 85 from the front; `"all"`, the 181 that show brain.

    Returns:
        x uint8 (slice, 1, 189, 197), the top of the head above, T1-weighted, 0 outside the brain; y (slice, 189, 197).

    Raises:
        ParameterError: no such part.
        MissingDependency: nilearn (its files only) is not installed.
        FileError: an installed file is another.

    Source: Fonov, Evans, McKinstry, Almli, Collins 2009, "Unbiased nonlinear average age-appropriate brain templates
    from birth to adulthood", NeuroImage 47; the symmetric template 09a, packed in nilearn.

    Example:
        >>> brain_slices().x.shape
        (86, 1, 189, 197)
    """
    check_part(part, ("train", "test", "all"))
    picture, grey, white = (_volume(name)[SLICES[part]] for name in FILES)
    # shares are bytes, and the two never exceed 255 together
    rest = 255 - grey.astype(np.int16) - white
    tissue = np.stack([rest, grey, white]).argmax(axis=0)
    labels = np.where(tissue == 0, (picture > 0).astype(np.int64), tissue + 1)
    return Examples(
        picture[:, None],
        labels,
        ("outside", "fluid", "grey matter", "white matter"),
        name=f"brain slices {part}",
        licence="not stated by nilearn, which packs it under BSD-3-Clause",
        source="MNI152 (McGill University), PyPI package nilearn",
    )


def _volume(name: str) -> Array:
    """One NIfTI-1 file of bytes as (front, up, right): coronal slices from the back, each with its top above."""
    file = f"datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    data = gzip.decompress(NILEARN.read(file, FILES[name], "brain_slices"))
    num_axes, right, front, up = struct.unpack_from("<4h", data, 40)
    dtype_code, start = struct.unpack_from("<h", data, 70)[0], int(struct.unpack_from("<f", data, 108)[0])
    if (num_axes, dtype_code) != (3, 2):
        raise FileError(f"{file}: three axes of bytes are expected, got {num_axes} axes of NIfTI type {dtype_code}")
    values = np.frombuffer(data, np.uint8, count=right * front * up, offset=start).reshape(up, front, right)
    return np.ascontiguousarray(values.transpose(1, 0, 2)[:, ::-1])
