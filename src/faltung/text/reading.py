"""Text from a file: UTF-8, and no guesses; or by name, from an installed package."""

from pathlib import Path

from ..errors import FileError


def read_text(path: str | Path) -> str:
    r"""The text of a file in UTF-8; a mark at its beginning (BOM) is dropped, line ends become "\n".

    Raises:
        FileError: the file cannot be read, is empty, or is no UTF-8; the message says where.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    if not raw:
        raise FileError(f"{path}: is empty; a text is expected")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path}: byte {error.start:,} ({raw[error.start]:#04x}) is no UTF-8, which is expected; convert the file, "
            f"e.g. with iconv -f latin1 -t utf-8"
        ) from None
    if not text:
        raise FileError(f"{path}: holds a byte order mark and nothing else; a text is expected")
    return text.replace("\r\n", "\n").replace("\r", "\n")
