"""Compiled objects on disk, so that a process starts with the loops of the one before.

Machine code is only ever run from a file that nobody else could have written: folder and file must belong to this user
and be closed to writing by others, no links are followed, and a checksum guards against damage. Anything else is passed
over and compiled again. A folder that cannot be written costs time, never correctness.
"""

import hashlib
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

_SUFFIX = ".loop"


def folder() -> Path:
    """Where objects are kept: FALTUNG_CACHE, or the user's cache folder."""
    asked = os.environ.get("FALTUNG_CACHE")
    if asked:
        return Path(asked)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "faltung"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "faltung" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faltung"


def read(key: str) -> bytes | None:
    """What was kept under this key; None if there is nothing that may be trusted."""
    with suppress(OSError, RuntimeError):
        place = folder()
        if not _is_ours(place.stat()):
            return None
        no_link = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(place / (key + _SUFFIX), os.O_RDONLY | no_link)
        with os.fdopen(handle, "rb") as file:
            # of the open file, so that it cannot be exchanged between the test and the reading
            if not _is_ours(os.fstat(file.fileno())):
                return None
            checksum, body = file.read(64), file.read()
        if checksum == _checksum(key, body):
            return body
    return None


def write(key: str, body: bytes) -> None:
    """Keep `body`; a reader sees the old file or the new one, never a part."""
    with suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(place.stat()):
            return
        handle, name = tempfile.mkstemp(dir=place, suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_checksum(key, body) + body)
            temporary.replace(place / (key + _SUFFIX))
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def clear() -> int:
    """Remove all kept objects; returns how many."""
    count = 0
    for path in _objects():
        with suppress(OSError):
            path.unlink()
            count += 1
    return count


def summary() -> dict[str, Any]:
    """What `faltung doctor` prints on the cache."""
    sizes = []
    for path in _objects():
        with suppress(OSError):
            sizes.append(path.stat().st_size)
    try:
        place = folder()
    except RuntimeError:
        return {"folder": "none: no home folder", "num_objects": 0, "num_bytes": 0, "writable": False, "trusted": True}
    trusted = True
    with suppress(OSError):
        trusted = _is_ours(place.stat())
    # os.access, for Path.exists raises where a folder above may not be entered
    nearest = next((p for p in (place, *place.parents) if os.access(p, os.F_OK)), place)
    return {
        "folder": str(place),
        "num_objects": len(sizes),
        "num_bytes": sum(sizes),
        "writable": nearest.is_dir() and os.access(nearest, os.W_OK),
        "trusted": trusted,
    }


def _objects() -> list[Path]:
    with suppress(OSError, RuntimeError):
        return [path for path in folder().iterdir() if path.suffix in (_SUFFIX, ".part")]
    return []


def _checksum(key: str, body: bytes) -> bytes:
    """Of key and body: an object filed under another key is as wrong as a damaged one."""
    return hashlib.sha256(key.encode() + b"\n" + body).hexdigest().encode()


def _is_ours(status: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True  # Windows: the profile folder's access list does this
    closed = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.getuid() and closed
