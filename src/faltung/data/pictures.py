"""PNG, JPEG, TIFF and GIF."""

import io
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import FileError, MissingDependency, ParameterError
from ..spec import Array
from . import png16
from .colour import split_alpha
from .content import Content, check_size
from .damage import complaints_raised, decoding

INSTALL = 'pip install "faltung[images]"'

PLAIN_COMPRESSIONS = (1, 8, 32773, 32946)
"""TIFF: none, deflate, PackBits, old deflate: what tifffile decodes by itself; Pillow is asked for the others."""


def read_picture(path: Path, container: str, frame: int | None, max_values: int) -> Content:
    """Decode one picture file; `container` is what its first bytes say."""
    with decoding(path, container):
        if container == "TIFF":
            return _read_tiff(path, frame, max_values)
        data = path.read_bytes()
        if container == "PNG":
            _, _, bits, colour_type, _ = png16.header(data)
            if bits == 16 and colour_type in (2, 4, 6):
                pixels = png16.decode(path, data, max_values)
                return _content(path, container, pixels[None], frame=_only(path, frame, 1))
        return _read_pillow(path, container, data, frame, max_values)


def encode_picture(container: str, pixels: Array, frame_s: tuple[float, ...]) -> bytes:
    """(frame, row, column, channel) as the bytes of a file.

    Args:
        pixels: uint8; uint16 for PNG; any real dtype for TIFF. Channels are grey, grey + alpha, RGB, RGB + alpha.
        frame_s: how long each frame is shown, in seconds.
    """
    if container == "PNG" and pixels.dtype == np.uint16:
        return png16.encode(pixels[0])
    file = io.BytesIO()
    if container == "TIFF":
        _write_tiff(file, pixels)
        return file.getvalue()
    image = _optional("PIL.Image")
    frames = [image.fromarray(entry[..., 0] if entry.shape[-1] == 1 else entry) for entry in pixels]
    options: dict[str, Any] = {}
    if container == "GIF":
        shown_ms = [round(1000 * seconds) for seconds in frame_s] or 100
        options = {"save_all": True, "append_images": frames[1:], "duration": shown_ms, "loop": 0}
    if container == "JPEG":
        options = {"quality": 95, "subsampling": 0}
    frames[0].save(file, container, **options)
    return file.getvalue()


def _read_pillow(path: Path, container: str, data: bytes, frame: int | None, max_values: int) -> Content:
    plugin = {"PNG": "PngImageFile", "JPEG": "JpegImageFile", "GIF": "GifImageFile"}[container]
    # the class itself, not Image.open: that one guards sizes by a global limit of its own, and by a warning
    module = _optional(f"PIL.{plugin.removesuffix('File')}Plugin")
    with getattr(module, plugin)(io.BytesIO(data)) as picture:
        width, height = picture.size
        check_size(path, (height, width, len(picture.getbands())), max_values)
        count = getattr(picture, "n_frames", 1)
        if frame is None:
            check_size(path, (count, height, width, 3 if container == "GIF" else len(picture.getbands())), max_values)
        wanted = range(count) if frame is None else [_only(path, frame, count)]
        frames: list[Array] = []
        shown_s: list[float] = []
        for number in wanted:
            if count > 1:
                picture.seek(number)
            shown_s.append(picture.info.get("duration", 0) / 1000)
            frames.append(_plain_pixels(picture, container))
    channels = max(entry.shape[-1] for entry in frames)
    pixels = np.stack([_widen(entry, channels) for entry in frames])
    if container == "GIF" and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all():
        # a palette of greys is the only way that GIF has to say grey
        pixels = pixels[..., [0, 3]] if channels == 4 else pixels[..., :1]
    return _content(path, container, pixels, frame=frame, frame_s=tuple(shown_s) if any(shown_s) else ())


def _plain_pixels(picture: Any, container: str) -> Array:
    """One frame as uint8 or uint16 (row, column, channel), upright, without palette."""
    if container == "JPEG":
        picture = _optional("PIL.ImageOps").exif_transpose(picture)
    if picture.mode.startswith("I"):
        deep = np.asarray(picture)
        return deep.astype(np.uint16)[..., None]
    has_alpha = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    grey = picture.mode in ("1", "L", "LA", "La")
    if container == "GIF":
        grey = False
    mode = {(True, False): "L", (True, True): "LA", (False, False): "RGB", (False, True): "RGBA"}[grey, has_alpha]
    pixels = np.array(picture.convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _widen(pixels: Array, channels: int) -> Array:
    """Frames without opacity beside frames with one: opaque."""
    if pixels.shape[-1] == channels:
        return pixels
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, pixels.dtype)], axis=-1)


def _read_tiff(path: Path, frame: int | None, max_values: int) -> Content:
    tifffile = _optional("tifffile")
    with complaints_raised("tifffile"), tifffile.TiffFile(path) as file:
        size = path.stat().st_size
        series = file.series[0]
        pages = list(series.pages)
        different = {tuple(page.shape) for page in file.pages}
        if frame is None and len(different) > 1:
            raise FileError(
                f"{path}: its {len(file.pages)} pages differ in shape ({', '.join(map(str, sorted(different)))}):"
                " take one, frame=0 (--frame 0)"
            )
        chosen = series if frame is None else file.pages[_only(path, frame, len(file.pages))]
        check_size(path, chosen.shape, max_values)
        asked = pages if frame is None else [chosen]
        key = asked[0].keyframe
        for page in asked:
            if page is not None:
                _check_segments(path, file, page, size)
        if chosen.dtype is None or chosen.dtype.kind not in "biuf":
            raise FileError(f"{path}: holds {chosen.dtype}: real numbers are read; write magnitude or parts apart")
        compression = int(key.compression)
        values = chosen.asarray() if compression in PLAIN_COMPRESSIONS else _tiff_by_pillow(path, file, asked)
        axes, photometric = chosen.axes, int(key.photometric)
        extra = tuple(key.extrasamples)
        palette = key.colormap if photometric == 3 else None
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if palette is not None:
        values, axes = np.moveaxis(palette, 0, -1)[values].astype(np.uint16), axes + "S"
    elif photometric == 0 and values.dtype.kind in ("b", "u"):
        # 0 means white there
        values = ~values
    if values.dtype == bool:
        values = values.astype(np.uint8) * np.uint8(255)
    return _tiff_content(path, values, axes, photometric, bool(extra), frame)


def _tiff_content(path: Path, values: Array, axes: str, photometric: int, extra: bool, frame: int | None) -> Content:
    """Axes as TIFF names them (Y X, S for samples, anything else counts frames) in our order."""
    if axes.count("Y") != 1 or axes.count("X") != 1 or len(axes) != values.ndim:
        raise FileError(f"{path}: its axes are {axes!r}: rows and columns (Y, X) are needed; save it as .npy")
    others = [i for i, name in enumerate(axes) if name not in "YXS"]
    samples = [axes.index("S")] if "S" in axes else []
    values = values.transpose(*others, axes.index("Y"), axes.index("X"), *samples)
    rows, columns = values.shape[len(others)], values.shape[len(others) + 1]
    num_frames = math.prod(values.shape[: len(others)])
    pixels = values.reshape(num_frames, rows, columns, -1)
    channels = pixels.shape[-1]
    num_colours = 3 if photometric in (2, 3, 6) and channels >= 3 else 1
    if channels != num_colours and not (extra and channels == num_colours + 1):
        raise FileError(
            f"{path}: has {channels} samples a pixel: grey or red, green, blue, with or without alpha are pictures;"
            " save it as .npy to treat it as an array"
        )
    return _content(path, "TIFF", pixels, num_colours=num_colours, frame=0 if frame is not None else None)


def _check_segments(path: Path, file: Any, page: Any, size: int) -> None:
    """Refuse pages whose strips are missing, end beyond the file, or inflate to more than they declare."""
    # facts stand at the first of a run of like pages, offsets at each
    key = page.keyframe
    if len(page.dataoffsets) != math.prod(key.chunked) or 0 in page.databytecounts:
        held = sum(count > 0 for count in page.databytecounts)
        raise FileError(f"{path}: damaged TIFF: it holds {held:,} of {math.prod(key.chunked):,} parts of its pixels")
    if any(
        start + count > size or start < 0 for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ):
        raise FileError(
            f"{path}: truncated TIFF: its header points beyond the {size:,} bytes of the file; get it again"
        )
    expected = math.prod(key.shape) * key.bitspersample // 8
    if int(key.compression) == 1 and sum(page.databytecounts) < expected:
        raise FileError(f"{path}: truncated TIFF: {sum(page.databytecounts):,} of {expected:,} bytes of pixels")
    if int(key.compression) in (8, 32946):
        # tifffile inflates a strip to its end, however long that is; a tile may overlap the rim by its own size
        allowed = 2 * expected + (1 << 24)
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=False):
            # deflate cannot expand more than 1032 times
            if count * 1032 > allowed:
                file.filehandle.seek(start)
                inflater = zlib.decompressobj()
                inflater.decompress(file.filehandle.read(count), allowed)
                if inflater.unconsumed_tail:
                    raise FileError(f"{path}: a strip holds more than the picture it declares: not read")


def _tiff_by_pillow(path: Path, file: Any, pages: list[Any]) -> Array:
    """Pages in a compression that tifffile has no decoder for; only where Pillow keeps every bit."""
    image = _optional("PIL.TiffImagePlugin")
    frames = []
    with image.TiffImageFile(io.BytesIO(path.read_bytes())) as picture:
        for page in pages:
            picture.seek(page.index)
            pixels, key = np.array(picture), page.keyframe
            if pixels.dtype.itemsize * 8 != key.bitspersample or pixels.shape != key.shape:
                raise FileError(
                    f"{path}: {key.bitspersample}-bit TIFF with {key.compression.name} compression is not read:"
                    " save it uncompressed or with deflate"
                )
            frames.append(pixels)
    return frames[0] if len(frames) == 1 else np.stack(frames)


def _write_tiff(file: BinaryIO, pixels: Array) -> None:
    channels = pixels.shape[-1]
    frames = pixels[..., 0] if channels == 1 else pixels
    _optional("tifffile").imwrite(
        file,
        frames[0] if len(frames) == 1 else frames,
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        metadata=None,
    )


def _content(
    path: Path,
    container: str,
    pixels: Array,
    *,
    num_colours: int | None = None,
    frame: int | None,
    frame_s: tuple[float, ...] = (),
) -> Content:
    """(frame, row, column, channel) with alpha split off, and axes of length one dropped."""
    if num_colours is None:
        num_colours = 3 if pixels.shape[-1] >= 3 else 1
    values, alpha = split_alpha(pixels, num_colours)
    axes = ("frame", "row", "column", "channel")[: values.ndim]
    if len(pixels) == 1 or frame is not None:
        values, alpha, axes = values[0], None if alpha is None else alpha[0], axes[1:]
        frame_s = ()
    return Content(values, "picture", axes, container, path, alpha=alpha, frame_s=frame_s)


def _only(path: Path, frame: int | None, count: int) -> int:
    """The frame asked for, if there is one."""
    number = 0 if frame is None else frame
    if not 0 <= number < count:
        raise ParameterError(f"{path}: frame={number}, but it holds {count} frame{'s' * (count > 1)}: 0 to {count - 1}")
    return number


def _optional(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        package = "pillow" if module.startswith("PIL") else module
        raise MissingDependency(f"pictures need {package}, which is not installed: {INSTALL}") from error
