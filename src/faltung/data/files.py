"""Files in and out: `read` and `write`, by the first bytes and by the ending."""

import os
import secrets
import stat
from pathlib import Path

import numpy as np

from ..errors import DtypeError, FileError, ParameterError, ShapeError
from ..spec import Array
from .content import FULL_SCALE, MAX_VALUES, Content
from .damage import opening
from .pictures import encode_picture, read_picture
from .sound import encode_wav, read_wav
from .tables import encode_csv, encode_npy, read_csv, read_npy
from .tones import Tones, Written, check_real, choose_range, to_levels

ENDINGS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
    ".npy": "NPY",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".wav": "WAV",
}
"""Ending of a name -> format."""

PICTURES = ("PNG", "JPEG", "TIFF", "GIF")
MANY_FRAMES = ("TIFF", "GIF")

FIRST_BYTES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\x93NUMPY", "NPY"),
    (b"PK\x03\x04", "ZIP"),
    (b"%PDF", "PDF"),
    (b"BM", "BMP"),
    (b"\x89HDF", "HDF5"),
    (b"\x1f\x8b", "gzip"),
)


def read(path: str | Path, *, frame: int | None = None, max_values: int = MAX_VALUES) -> Content:
    """Read a picture (PNG, JPEG, TIFF, GIF), signal (WAV), table (CSV) or array (NPY).

    The first bytes say what a file is; a name that says something else is refused. Nothing is trusted before it is
    checked: sizes are held against a limit before memory is taken, Python objects are never loaded.

    Args:
        path: a file.
        frame: of a picture with several, read this one only, from 0; None reads all.
        max_values: refuse files that declare more numbers than this.

    Returns:
        The numbers as stored, integers not rescaled; alpha apart; palettes resolved; JPEG turned upright.

    Raises:
        FileError: it cannot be opened, is no file, is not what its name says, is damaged, or is too large.
        MissingDependency: a picture, and Pillow or tifffile is not installed.
        ParameterError: no such frame.

    Example:
        >>> import tempfile, numpy as np
        >>> path = Path(tempfile.mkdtemp()) / "ramp.npy"
        >>> write(path, np.arange(4.0)).container
        'NPY'
        >>> read(path).values
        array([0., 1., 2., 3.])
    """
    path = Path(path)
    container = _identify(path)
    if container in PICTURES:
        return read_picture(path, container, frame, max_values)
    if frame is not None:
        raise ParameterError(f"{path}: frame= goes with pictures, a {container} file has no frames")
    if container == "NPY":
        return read_npy(path, max_values)
    return read_wav(path, max_values) if container == "WAV" else read_csv(path, max_values)


def write(
    path: str | Path,
    values: Array,
    *,
    like: Content | None = None,
    axes: tuple[str, ...] | None = None,
    tones: Tones = "auto",
    sample_rate_hz: float | None = None,
) -> Written:
    """Write numbers in the format that the ending names; whole or not at all.

    The bytes go to a file beside the target, which is renamed when complete: a failure leaves what was there before.

    NPY and TIFF keep every number (TIFF: real ones). CSV keeps floats to the last bit. PNG, JPEG and GIF hold tones:
    see `tones`. WAV from a sound with whole samples is rounded and clipped to those. JPEG is lossy, GIF holds 256
    colours.

    Args:
        path: the target; .png .jpg .tif .gif .npy .csv .wav.
        values: real numbers, except in NPY. A picture is ([frame,] row, column[, channel]).
        like: what the values were made from: gives alpha, sample rate, column names, depth and which value is white.
        axes: names of the axes of values, as in `Content.axes`; default those of `like`, else by shape: a last axis
            of 3 is colour, a third axis in front counts frames.
        tones: which values are black and white in 8 and 16 bits: "keep", "stretch", "signed", (black, white), or
            "auto" (see `faltung.data.tones.choose_range`).
        sample_rate_hz: for WAV; default that of `like`.

    Returns:
        What was written, with notes on what the format could not hold.

    Raises:
        FileError: no such folder, no permission, disk full, an unknown ending.
        ShapeError, DtypeError: the format does not hold such an array.
        ParameterError: WAV without a sample rate; tones that are no range.
        MissingDependency: a picture, and Pillow or tifffile is not installed.
    """
    path = Path(path)
    container = _by_ending(path)
    values = np.asarray(values)
    if values.size == 0:
        raise ShapeError(f"{path}: nothing to write: the result has shape {values.shape}")
    if container in PICTURES:
        return _write_picture(path, container, values, like, axes, tones)
    notes: tuple[str, ...] = ()
    if container == "NPY":
        if values.dtype.kind not in "biufc":
            raise DtypeError(f"{path}: {values.dtype} is not written, numbers are: convert with values.astype(float)")
        data = encode_npy(values)
    elif container == "CSV":
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        data = encode_csv(path, values, () if like is None else like.columns, separator)
    else:
        source = like.values.dtype if like is not None and like.container == "WAV" else None
        rate_hz = sample_rate_hz if sample_rate_hz is not None else like.sample_rate_hz if like is not None else None
        data, notes = encode_wav(path, values, rate_hz, source)
    replace_file(path, data)
    return Written(path, container, values.shape, values.dtype.name, notes=notes)


def check_target(path: str | Path) -> None:
    """Refuse a target that cannot be written, before the work is done.

    Raises:
        FileError: an unknown ending, no such folder, a folder, or no permission.
    """
    path = Path(path)
    _by_ending(path)
    _check_place(path)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: into a new one beside it, then rename.

    Raises:
        FileError: whatever the system refuses, in words.
    """
    _check_place(path)
    with opening(path, "written"):
        # a link keeps pointing where it did
        target = Path(os.path.realpath(path))
        draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
        try:
            # unlike tempfile's, a file made so has the permissions that the user's mask gives
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                # renamed only when the bytes lie on the disk: a power cut leaves the old file or the new one
                os.fsync(file.fileno())
            if target.exists():
                draft.chmod(stat.S_IMODE(target.stat().st_mode))
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _write_picture(
    path: Path, container: str, values: Array, like: Content | None, axes: tuple[str, ...] | None, tones: Tones
) -> Written:
    check_real(values, container)
    axes = _picture_axes(path, values, like, axes)
    pixels = values if "channel" in axes else values[..., None]
    pixels = pixels if "frame" in axes else pixels[None]
    if len(pixels) > 1 and container not in MANY_FRAMES:
        raise ShapeError(
            f"{path}: {len(pixels)} frames do not fit into one {container}: write .tiff, .gif or .npy, or take one"
            " (--frame 0)"
        )
    white = None if like is None else like.full_scale
    notes: tuple[str, ...] = ()
    drawn: tuple[float, float] | None = None
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif container != "TIFF" or tones != "auto":
        if white is None:
            white = FULL_SCALE.get(pixels.dtype.name)
        drawn = choose_range(pixels, tones, white)
        full = 65535 if white == 65535 and container in ("PNG", "TIFF") else 255
        pixels, notes = to_levels(pixels, *drawn, full)
    pixels, more = _with_alpha(container, pixels, like, "frame" in axes)
    replace_file(path, encode_picture(container, pixels, like.frame_s if like is not None else ()))
    if container == "GIF" and pixels.shape[-1] == 3:
        more = (*more, "colours rounded to the 256 that GIF holds")
    return Written(path, container, values.shape, pixels.dtype.name, drawn, (*notes, *more))


def _picture_axes(path: Path, values: Array, like: Content | None, axes: tuple[str, ...] | None) -> tuple[str, ...]:
    """Names of the axes: as said, else as in the source, else by shape."""
    if axes is None and like is not None and like.form == "picture" and len(like.axes) == values.ndim:
        axes = like.axes
    if axes is None:
        coloured = values.ndim >= 3 and values.shape[-1] == 3
        axes = ("frame", "row", "column", "channel")[4 - values.ndim :] if coloured else ("frame", "row", "column")
        axes = axes if coloured else axes[3 - values.ndim :] if values.ndim in (2, 3) else ()
    allowed = [("frame",) * a + ("row", "column") + ("channel",) * b for a in (0, 1) for b in (0, 1)]
    if tuple(axes) not in allowed or len(axes) != values.ndim:
        raise ShapeError(
            f"{path}: shape {values.shape} is no picture; (rows, columns), (rows, columns, 3) and frames of these are:"
            " write .npy"
        )
    if "channel" in axes and values.shape[-1] not in (1, 3):
        raise ShapeError(f"{path}: {values.shape[-1]} channels are no colour; 1 or 3 are: write .npy, or one channel")
    return tuple(axes)


def _with_alpha(container: str, pixels: Array, like: Content | None, many: bool) -> tuple[Array, tuple[str, ...]]:
    """Put the opacity back, on the scale of the new pixels, where format and shape allow."""
    if like is None or like.alpha is None:
        return pixels, ()
    alpha = like.alpha if many else like.alpha[None]
    if container not in ("PNG", "TIFF"):
        return pixels, (f"{container} holds no alpha: left out",)
    if alpha.shape != pixels.shape[:-1]:
        return pixels, ("alpha left out: it no longer has the shape of the picture",)
    if alpha.dtype != pixels.dtype and {alpha.dtype.name, pixels.dtype.name} == {"uint8", "uint16"}:
        alpha = alpha.astype(np.uint16) * np.uint16(257) if alpha.dtype == np.uint8 else (alpha + 128.0) // 257
    return np.concatenate([pixels, alpha[..., None].astype(pixels.dtype)], axis=-1), ()


def _identify(path: Path) -> str:
    """The format, from the first bytes; the ending may not contradict them."""
    with opening(path, "read"):
        # a pipe or device would block, or never end
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "a pipe or device"
            raise FileError(f"{path}: is {what}, not a file: give the name of one file")
        with path.open("rb") as file:
            first = file.read(16)
    named, found = ENDINGS.get(path.suffix.lower()), _sniff(first)
    if not first:
        raise FileError(f"{path}: is empty")
    if found is None and named == "CSV":
        return "CSV"
    if found is None:
        known = f"is no {named} file, whatever its name says" if named else "its format is not known"
        raise FileError(f"{path}: {known}; read are {_endings()}")
    if found not in ENDINGS.values():
        raise FileError(f"{path}: holds {found} data; read are {_endings()}")
    if named is not None and named != found:
        ending = next(ending for ending, container in ENDINGS.items() if container == found)
        raise FileError(f"{path}: is named as {named} but holds {found}: rename it to {path.with_suffix(ending).name}")
    return found


def _sniff(first: bytes) -> str | None:
    if first[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return {b"WAVE": "WAV", b"WEBP": "WebP", b"AVI ": "AVI"}.get(first[8:12], "RIFF")
    return next((container for magic, container in FIRST_BYTES if first.startswith(magic)), None)


def _by_ending(path: Path) -> str:
    container = ENDINGS.get(path.suffix.lower())
    if container is None:
        got = f"the ending {path.suffix!r}" if path.suffix else "no ending"
        raise FileError(f"{path}: has {got}, which decides the format; written are {_endings()}")
    return container


def _check_place(path: Path) -> None:
    folder = path.parent
    with opening(path, "written"):
        if path.is_dir():
            raise FileError(f"{path}: is a folder: give the name of a file in it")
        if path.exists() and not path.is_file():
            raise FileError(f"{path}: is a pipe or device, which cannot be replaced: give the name of a file")
        if not folder.is_dir():
            raise FileError(f"{path}: there is no folder {folder}: make it first (mkdir -p {folder})")
        if not os.access(folder, os.W_OK):
            raise FileError(f"{path}: no permission to write into the folder {folder}")
        if path.exists() and not os.access(path, os.W_OK):
            raise FileError(f"{path}: exists and is read-only: allow writing, or give another name")


def _endings() -> str:
    return " ".join(ending for ending in ENDINGS if ending not in (".jpeg", ".tif", ".tsv", ".txt"))
