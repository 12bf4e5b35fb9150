"""Data: one's own files, in and out, and the pictures and sets that installed packages carry."""

from .brain import brain_slices
from .catalogue import DataSet, sets
from .colour import to_grey
from .content import Content
from .examples import IGNORE, Examples
from .fashion import fashion_mnist
from .files import read, write
from .microscopy import nuclei, nuclei_stack, scratch_assay, slide
from .mnist import digits
from .optdigits import small_digits
from .own import check, examples_of, text_of
from .plays import shakespeare, shakespeare_works
from .samples import photograph, photographs
from .series import ucr
from .tones import Written

__all__ = [
    "IGNORE",
    "Content",
    "DataSet",
    "Examples",
    "Written",
    "brain_slices",
    "check",
    "digits",
    "examples_of",
    "fashion_mnist",
    "nuclei",
    "nuclei_stack",
    "photograph",
    "photographs",
    "read",
    "scratch_assay",
    "sets",
    "shakespeare",
    "shakespeare_works",
    "slide",
    "small_digits",
    "text_of",
    "to_grey",
    "ucr",
    "write",
]
