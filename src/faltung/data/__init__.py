"""Data: one's own files, in and out, and the pictures and sets that installed packages carry."""

from .colour import to_grey
from .content import Content
from .examples import IGNORE, Examples
from .fashion import fashion_mnist
from .files import read, write
from .instances import Matched, connected_parts, match_instances, part_instances
from .microscopy import nuclei
from .mnist import digits
from .samples import photograph, photographs
from .tones import Written

__all__ = [
    "IGNORE",
    "Content",
    "Examples",
    "Matched",
    "Written",
    "connected_parts",
    "digits",
    "fashion_mnist",
    "match_instances",
    "nuclei",
    "part_instances",
    "photograph",
    "photographs",
    "read",
    "to_grey",
    "write",
]
