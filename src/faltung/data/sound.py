"""WAV: samples of 8, 16, 24 and 32 bits and floats."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np

from ..errors import DtypeError, FileError, ParameterError, ShapeError
from ..spec import Array
from .content import Content, check_size
from .damage import decoding
from .tones import check_real

HELD = ("int8", "int16", "int32", "float32", "float64")
"""What a WAV file holds. 24-bit samples come as int32 with eight zero bits below, 8-bit ones, which the file stores as
0 to 255 around 128, as int8 around 0: silence is 0 in all of them."""

WIDER = {"bool": np.int16, "uint8": np.int16, "uint16": np.int32, "float16": np.float32}


def read_wav(path: Path, max_values: int) -> Content:
    """(sample,) or (sample, channel), in the dtype of the file.

    Raises:
        FileError: truncated, or a compressed kind of sound.
    """
    with decoding(path, "WAV"):
        data = path.read_bytes()
        _check_chunks(path, data)
        rate_hz, values = _parse(io.BytesIO(data))
        check_size(path, values.shape, max_values)
        if rate_hz <= 0:
            raise FileError(f"{path}: declares {rate_hz} samples per second")
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    if values.dtype == np.uint8:
        values = (values ^ np.uint8(128)).view(np.int8)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    axes = ("sample", "channel")[: values.ndim]
    return Content(values, "signal", axes, "WAV", path, sample_rate_hz=float(rate_hz))


def encode_wav(
    path: Path, values: Array, sample_rate_hz: float | None, like: np.dtype | None
) -> tuple[bytes, tuple[str, ...]]:
    """A WAV file, and notes on what was rounded.

    Args:
        like: integer dtype of the sound that these samples came from: they are rounded and clipped to it. None keeps
            the dtype if WAV holds it, else takes the next that holds every number.

    Raises:
        ShapeError: more than two axes.
        DtypeError: complex samples, or integers too long for float64.
        ParameterError: no sample rate, or one that does not fit.
    """
    check_real(values, "WAV")
    if values.ndim not in (1, 2) or values.size == 0:
        raise ShapeError(f"{path}: WAV holds (samples,) or (samples, channels), got shape {values.shape}: write .npy")
    if sample_rate_hz is None:
        raise ParameterError(f"{path}: WAV needs a sample rate and the input had none: give sample_rate_hz= (--rate)")
    if not 1 <= sample_rate_hz < 2**32:
        raise ParameterError(
            f"{path}: {sample_rate_hz:g} samples per second do not fit a WAV header: 1 to 4294967295 do"
        )
    notes: list[str] = []
    if like is not None and like.kind in "iu" and values.dtype != like:
        values = _to_samples(values, like, notes)
    elif values.dtype.name not in HELD:
        if values.dtype.kind in "iu" and values.size and max(abs(int(values.min())), int(values.max())) > 2**53:
            raise DtypeError(f"{path}: {values.dtype} beyond 2^53 does not fit WAV: write .npy, or scale it down")
        values = values.astype(WIDER.get(values.dtype.name, np.float64))
    if sample_rate_hz != round(sample_rate_hz):
        notes.append(f"sample rate {sample_rate_hz:g} Hz written as {round(sample_rate_hz)} Hz")
    if values.dtype == np.int8:
        values = values.view(np.uint8) ^ np.uint8(128)
    from scipy.io import wavfile

    buffer = io.BytesIO()
    wavfile.write(buffer, round(sample_rate_hz), values)
    return buffer.getvalue(), tuple(notes)


def _check_chunks(path: Path, data: bytes) -> None:
    """Hold the declared lengths against the file: SciPy reads what is there of a chunk that is cut off."""
    at, order = 12, ">" if data[:4] == b"RIFX" else "<"
    while at + 8 <= len(data):
        name, length = struct.unpack_from(f"{order}4sI", data, at)
        # RF64 keeps the length of its data elsewhere, and says so by this number
        if at + 8 + length > len(data) and not (data[:4] == b"RF64" and length == 0xFFFFFFFF):
            held = len(data) - at - 8
            raise FileError(
                f"{path}: truncated WAV: its {name.decode('latin-1')!r} part declares {length:,} bytes, the file holds"
                f" {held:,}; get it again"
            )
        # parts start at even places
        at += 8 + length + length % 2


def _parse(file: io.BytesIO) -> tuple[int, Array]:
    from scipy.io import wavfile

    with warnings.catch_warnings():
        # it warns where chunks are cut off, and goes on
        warnings.simplefilter("error", wavfile.WavFileWarning)
        # unknown chunks are only remarks of the program that wrote the file
        warnings.filterwarnings("ignore", message="Chunk .non-data. not understood")
        return wavfile.read(file)


def _to_samples(values: Array, like: np.dtype, notes: list[str]) -> Array:
    """Rounded to whole samples of the dtype `like`, and clipped."""
    limits = np.iinfo(like)
    rounded = np.rint(values) if values.dtype.kind == "f" else values
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros((), bool)
    num_clipped = int(np.count_nonzero((rounded < limits.min) | (rounded > limits.max)))
    if missing.any():
        notes.append(f"{int(np.count_nonzero(missing)):,} NaN written as 0")
        rounded = np.where(missing, 0, rounded)
    if num_clipped:
        notes.append(f"{num_clipped:,} samples outside {limits.min}..{limits.max} clipped")
    if rounded.dtype.kind == "f":
        rounded = rounded.astype(np.float64)
    return np.clip(rounded, limits.min, limits.max).astype(like)
