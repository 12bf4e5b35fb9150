"""Data: one's own files, in and out, and the pictures that installed packages carry."""

from .colour import to_grey
from .content import Content
from .files import read, write
from .mnist import digits
from .samples import photograph, photographs
from .tones import Written

__all__ = ["Content", "Written", "digits", "photograph", "photographs", "read", "to_grey", "write"]
