"""PNG with 16 bits per colour channel, which Pillow would silently cut to 8.

Source: W3C Portable Network Graphics Specification (Third Edition), clauses 5, 7, 9 and 10.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import FileError
from ..spec import Array
from .content import check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type -> channels per pixel: grey, RGB, palette, grey + alpha, RGB + alpha."""


def header(data: bytes) -> tuple[int, int, int, int, int]:
    """Width, height, bits per channel, colour type and interlacing, as the first chunk declares them."""
    width, height, bits, colour_type, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    return width, height, bits, colour_type, interlaced


def decode(path: Path, data: bytes, max_values: int) -> Array:
    """A 16-bit PNG as uint16 (rows, columns, channels).

    Raises:
        FileError: interlaced, too large, or damaged.
    """
    width, height, _, colour_type, interlaced = header(data)
    channels = CHANNELS[colour_type]
    check_size(path, (height, width, channels), max_values)
    if interlaced:
        raise FileError(f"{path}: interlaced PNG with 16-bit colour is not read: save it without interlacing")
    packed = b"".join(body for name, body in _chunks(data) if name == b"IDAT")
    num_bytes = height * (1 + 2 * channels * width)
    inflater = zlib.decompressobj()
    lines = inflater.decompress(packed, num_bytes)
    if len(lines) != num_bytes:
        raise FileError(f"{path}: truncated PNG: {len(lines):,} of {num_bytes:,} bytes of pixels; get it again")
    table = np.frombuffer(lines, np.uint8).reshape(height, -1)
    pixels = _unfilter(table[:, 0], table[:, 1:].reshape(height, width, 2 * channels))
    return pixels.reshape(height, width, channels, 2).view(">u2")[..., 0].astype(np.uint16)


def encode(pixels: Array) -> bytes:
    """uint16 (rows, columns, channels) as a PNG; each byte is stored as its difference to the pixel on its left."""
    height, width, channels = pixels.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    as_bytes = pixels.astype(">u2").view(np.uint8).reshape(height, width, 2 * channels)
    table = np.empty((height, 1 + 2 * channels * width), np.uint8)
    table[:, 0] = 1
    differences = table[:, 1:].reshape(height, width, 2 * channels)
    differences[...] = as_bytes
    differences[:, 1:] -= as_bytes[:, :-1]
    table[:, 1:] = differences.reshape(height, -1)
    first = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = zlib.compress(table.tobytes(), 6)
    return SIGNATURE + _chunk(b"IHDR", first) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of every chunk; ValueError where one is cut off or its checksum is wrong."""
    at = len(SIGNATURE)
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(name + body) != checksum:
            raise ValueError(f"wrong checksum in chunk {name.decode('latin-1')}")
        yield name, body
        at += 12 + length


def _unfilter(filters: Array, stored: Array) -> Array:
    """Undo the prediction of every line: (rows, columns, bytes of a pixel), uint8.

    A pixel needs those on its left, above and above left, so pixels on one anti-diagonal are independent: rows +
    columns steps on whole arrays, where the plain loop takes one step a byte.
    """
    if filters.max(initial=0) > 4:
        raise ValueError(f"unknown line filter {filters.max()}")
    rows, columns, depth = stored.shape
    # one row and column of zeros in front stand for what is outside
    out = np.zeros((rows + 1, columns + 1, depth), np.uint8)
    for step in range(rows + columns - 1):
        i = np.arange(max(0, step - columns + 1), min(rows, step + 1))
        j = step - i
        left, above, corner = (out[a, b].astype(np.int16) for a, b in ((i + 1, j), (i, j + 1), (i, j)))
        choice = filters[i][:, None]
        guess = np.select(
            [choice == 0, choice == 1, choice == 2, choice == 3],
            [np.int16(0), left, above, (left + above) // 2],
            _paeth(left, above, corner),
        )
        out[i + 1, j + 1] = (stored[i, j] + guess).astype(np.uint8)
    return out[1:, 1:]


def _paeth(left: Array, above: Array, corner: Array) -> Array:
    """Of the three neighbours the one nearest to left + above - corner; ties go in this order."""
    to_left, to_above = np.abs(above - corner), np.abs(left - corner)
    to_corner = np.abs(left + above - 2 * corner)
    nearest = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
