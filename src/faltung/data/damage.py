"""What decoders and the system refuse, as one FileError in words."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FaltungError, FileError


@contextmanager
def decoding(path: Path, container: str) -> Iterator[None]:
    """Decoders of other libraries raise anything at all on hostile bytes: no list of exceptions would hold.

    Raises:
        FileError: the bytes are not what they claim, or do not fit into memory.
    """
    try:
        yield
    except FaltungError:
        raise
    except MemoryError as error:
        raise FileError(f"{path}: does not fit into memory; cut it into parts") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise FileError(
            f"{path}: is no whole {container} file ({reason}); it may be truncated or damaged: get it again"
        ) from error


@contextmanager
def complaints_raised(logger_name: str) -> Iterator[None]:
    """Raise what a decoder only logs before it goes on with half a file, as tifffile does at a broken chain of pages.

    Raises:
        ValueError: an error was logged; `decoding` turns it into a FileError.
    """
    complaints: list[str] = []
    here = threading.get_ident()

    def hear(record: logging.LogRecord) -> bool:
        # other threads may read files of their own
        if record.thread == here and record.levelno >= logging.ERROR:
            complaints.append(record.getMessage())
        return record.thread != here

    logger = logging.getLogger(logger_name)
    logger.addFilter(hear)
    try:
        yield
    finally:
        logger.removeFilter(hear)
    if complaints:
        raise ValueError(complaints[0])


@contextmanager
def opening(path: Path, verb: str) -> Iterator[None]:
    """What the system refuses, in words; `verb` is "read" or "written".

    Raises:
        FileError: it does not exist, may not be touched, its name is impossible, the disk is full.
    """
    try:
        yield
    except FileError:
        raise
    except FileNotFoundError as error:
        if verb == "written":
            raise FileError(f"{path}: cannot be written: its folder takes no new files") from error
        folder = path.absolute().parent
        raise FileError(f"{path}: there is no such file in the folder {folder}; check the name") from error
    except PermissionError as error:
        raise FileError(f"{path}: cannot be {verb}: no permission") from error
    except (OSError, ValueError) as error:
        # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{str(path)!r}: cannot be {verb}: {reason}") from error
