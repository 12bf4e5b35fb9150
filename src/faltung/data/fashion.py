"""Fashion-MNIST, out of the Debian package or a folder of one's own."""

import functools
import gzip
import math
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import FileError, MissingDependency
from ..spec import Array
from .damage import decoding
from .examples import Examples
from .packages import check_part, homes, read_known

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
INSTALL = "sudo apt-get install dataset-fashion-mnist"

# of the unpacked bytes: what others pack again is still the same set
FILES = {
    "train": (
        ("train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        ("train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    ),
    "test": (
        ("t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        ("t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ),
}
"""Part -> (name, SHA-256 of the unpacked bytes) of the images and of the labels."""


def fashion_mnist(part: Literal["train", "test"] = "train") -> Examples:
    """Fashion-MNIST: 70,000 articles of clothing, grey, 28x28, ten classes, with its own split.

    Out of the Debian package `dataset-fashion-mnist`; nothing is downloaded. Elsewhere put the four files, packed
    (.gz) or not, into a folder `fashion-mnist` of the folder that `FALTUNG_DATA` names.

    Args:
        part: `"train"`, 60,000, or `"test"`, the other 10,000; every class has its tenth of both.

    Returns:
        x uint8 (example, 1, 28, 28), 0 is background; y the ten classes. The arrays are the caller's own.

    Raises:
        ParameterError: no such part.
        MissingDependency: the set is not installed; the message holds the line that installs it.
        FileError: an installed file is damaged or another.

    Source: Xiao, Rasul, Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", MIT (Zalando SE).

    Example:
        >>> test = fashion_mnist("test")
        >>> test.x.shape, test.classes[test.y[0]]
        ((10000, 1, 28, 28), 'ankle boot')
    """
    check_part(part)
    images, labels = _part(_folder(), part)
    return Examples(
        images[:, None].copy(),
        labels.astype(np.int64),
        CLASSES,
        name=f"fashion-mnist {part}",
        licence="MIT (Zalando SE)",
        source="Debian package dataset-fashion-mnist",
    )


def _folder() -> Path:
    """Where the files lie: in one's own folders first."""
    name = FILES["train"][0][0]
    for folder in (*(home / "fashion-mnist" for home in homes()), DEBIAN):
        if any((folder / f"{name}{ending}").exists() for ending in ("", ".gz")):
            return folder
    raise MissingDependency(
        f"fashion_mnist lies in the Debian package dataset-fashion-mnist, which is not installed: {INSTALL}; elsewhere"
        " name a folder in FALTUNG_DATA that holds fashion-mnist/ with the four IDX files"
    )


@functools.lru_cache(maxsize=2)
def _part(folder: Path, part: str) -> tuple[Array, Array]:
    """Images and labels; kept, because unpacking takes half a second."""
    images, labels = (_read_idx(folder, name, sha256) for name, sha256 in FILES[part])
    return images, labels


def _read_idx(folder: Path, name: str, sha256: str) -> Array:
    """One IDX file: two zeros, the type (8 is uint8), the number of axes, their lengths, the numbers."""
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), folder / name)
    data = read_known(path, sha256, "fashion_mnist", INSTALL, unpack=_unpack if path.suffix == ".gz" else None)
    lengths = tuple(int(length) for length in np.frombuffer(data, ">u4", count=data[3], offset=4))
    if data[:3] != b"\0\0\x08" or len(data) != 4 + 4 * len(lengths) + math.prod(lengths):
        raise FileError(f"{path}: is no IDX file of bytes")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(lengths)).reshape(lengths)


def _unpack(path: Path, data: bytes) -> bytes:
    with decoding(path, "gzip"):
        return gzip.decompress(data)
