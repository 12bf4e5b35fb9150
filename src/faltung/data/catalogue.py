"""All sets with their size and licence, and whether they are installed."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import MissingDependency
from . import brain, fashion, microscopy, mnist, optdigits, plays, samples, series


@dataclass(frozen=True)
class DataSet:
    """What there is to know of a set before it is read.

    Attributes:
        name: of the function in `ft.data` that gives it.
        shows: what it holds, in a few words.
        size: how many, and how large; of two numbers the first trains and the second tests.
        licence: under which its contents may be used.
        installed: whether its package is there; its files are held against their hashes when they are read.
        install: the line that installs it.
    """

    name: str
    shows: str
    size: str
    licence: str
    installed: bool
    install: str


def sets() -> tuple[DataSet, ...]:
    """All sets that `ft.data` knows, installed or not; nothing of them is read.

    Example:
        >>> [one.name for one in sets() if one.installed][:2]
        ['digits', 'fashion_mnist']
    """
    found = []
    for name, shows, size, licence, look in _SETS:
        installed, install = look()
        found.append(DataSet(name, shows, size, licence, installed, install))
    return tuple(found)


def _of(package: samples.Package) -> Callable[[], tuple[bool, str]]:
    return lambda: (package.folder() is not None, package.install)


def _by(find: Callable[[], object], install: Callable[[], str]) -> Callable[[], tuple[bool, str]]:
    def look() -> tuple[bool, str]:
        try:
            find()
        except MissingDependency:
            return False, install()
        return True, install()

    return look


_SETS: tuple[tuple[str, str, str, str, Callable[[], tuple[bool, str]]], ...] = (
    (
        "digits",
        "handwritten digits of MNIST",
        "8,000 + 2,000, 28x28 grey, 10 classes",
        "CC BY-SA 3.0",
        _by(mnist._folder, mnist.install_here),
    ),
    (
        "fashion_mnist",
        "clothing",
        "60,000 + 10,000, 28x28 grey, 10 classes",
        "MIT",
        _by(fashion._folder, lambda: fashion.INSTALL),
    ),
    (
        "small_digits",
        "handwritten digits, tiny",
        "1,437 + 360, 8x8 grey, 10 classes",
        "CC BY 4.0",
        _of(optdigits.SKLEARN),
    ),
    (
        "nuclei",
        "fluorescent cell nuclei, outlined",
        "1 + 1 halves of 512x512 grey, 125 nuclei",
        "BSD-3-Clause",
        _of(microscopy.STARDIST),
    ),
    (
        "scratch_assay",
        "cells closing a scratch, two lights, silver labels",
        "5 + 5 moments, 210x576, 2 channels",
        "BSD-3-Clause",
        _of(microscopy.NDEV),
    ),
    (
        "brain_slices",
        "average brain with grey and white matter",
        "86 + 85 slices, 189x197 grey, 4 classes",
        "not stated",
        _of(brain.NILEARN),
    ),
    (
        "nuclei_stack",
        "nuclei in three dimensions, labels incomplete",
        "1 + 1 halves of 60x256x256 grey",
        "BSD-3-Clause",
        _of(microscopy.NAPARI),
    ),
    ("slide", "stained skin, no labels", "960x1280 colour", "public domain", _of(microscopy.NAPARI)),
    (
        "ucr",
        "time series: " + ", ".join(series.UCR),
        "36 to 200 + 40 to 1,029, 24 to 1,460 samples",
        "not stated",
        _of(series.AEON),
    ),
    (
        "shakespeare",
        "42 plays and poems as text",
        "4,375,050 + 361,385 characters, 320,763 to validate",
        "CC BY 2.5",
        _by(plays._archive, plays.download_here),
    ),
    (
        "photograph",
        "photographs: " + ", ".join(samples.photographs()),
        "18, grey or colour",
        "public domain, CC0, others",
        _of(samples.SKIMAGE),
    ),
)
