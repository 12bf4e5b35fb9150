"""Text from a file: the encoding is UTF-8 or named, never guessed."""

import codecs
from pathlib import Path

from ..errors import FileError, ParameterError

BOM = "\ufeff"


def read_text(path: str | Path, *, encoding: str = "utf-8") -> str:
    r"""The text of a file; a mark at its beginning (BOM) is dropped, line ends become "\n".

    Args:
        encoding: as Python names it, such as "utf-8", "latin-1", "cp1252" or "utf-16". Nothing is guessed: in Latin-1
            each byte is a character, so any file can be read as that, also wrongly.

    Raises:
        FileError: the file cannot be read, is empty, is of another encoding, or holds NUL, as no text does; the message
            says where, and what may help.
        ParameterError: there is no such encoding.
    """
    path = Path(path)
    try:
        codec = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise ParameterError(_no_encoding(encoding)) from None
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    if not raw:
        raise FileError(f"{path}: is empty; a text is expected")
    try:
        text = raw.decode(codec)
    except LookupError:
        # of bytes into bytes, such as base64
        raise ParameterError(_no_encoding(encoding)) from None
    except UnicodeDecodeError as error:
        raise FileError(_not_encoded(path, raw, codec, error)) from None
    except UnicodeError as error:
        raise FileError(f"{path}: is no {codec} ({error}): give the encoding it was written in") from None
    text = text.removeprefix(BOM)
    if not text:
        raise FileError(f"{path}: holds a byte order mark and nothing else; a text is expected")
    if "\0" in text:
        # UTF-16 read as UTF-8 is a NUL beside each letter, which a model would learn without a word
        raise FileError(
            f"{path}: character {text.index(chr(0)) + 1:,} is NUL, which no text holds: give a text file, or if this "
            f"is one in UTF-16 without a mark, encoding='{_without_mark(raw)}' (--encoding {_without_mark(raw)})"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_encoded(path: Path, raw: bytes, codec: str, error: UnicodeDecodeError) -> str:
    """Where it is not what it should be, and the cure."""
    line = raw.count(b"\n", 0, error.start) + 1
    found = f"{path}: byte {error.start:,} ({raw[error.start]:#04x}) is no {codec.upper()}, in line {line:,}"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return f"{found}; the file begins with the mark of UTF-16: give encoding='utf-16' (--encoding utf-16)"
    if b"\0" in raw:
        return f"{found}; it holds NUL too, which no text does: this is a binary file, give a text"
    return (
        f"{found}: give the encoding it was written in, such as encoding='latin-1' (--encoding latin-1), or cp1252 for "
        "a file of Windows"
    )


def _without_mark(raw: bytes) -> str:
    """Letters of Latin script are a byte and NUL, in this order or the other."""
    return "utf-16-le" if raw[1::2].count(0) >= raw[::2].count(0) else "utf-16-be"


def _no_encoding(encoding: str) -> str:
    return (
        f"encoding={encoding!r}: is none of text that Python knows; allowed are utf-8, latin-1, cp1252, utf-16 and the "
        "others of its list of standard encodings"
    )
