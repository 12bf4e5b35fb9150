"""Pictures in files, read and written tile by tile: TIFF, NumPy's .npy, zarr stores."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import FaltungError, FileError, MissingDependency, ParameterError, ShapeError
from .arrays import numpy_dtype
from .plans import TilePlan, TileSize, plan
from .running import Progress, Run, apply

_SUFFIXES = (".tif", ".tiff", ".npy", ".zarr")


class Picture:
    """A picture or volume as it lies in a file, seen as (1, channels, *spatial); parts are read when asked for.

    Args:
        x: with a shape, a dtype and slices.
        channels: how many are expected.
        axes: number of spatial axes.

    Raises:
        ShapeError: its axes are neither spatial alone, nor with channels first or last.
    """

    def __init__(self, x: Any, channels: int, axes: int) -> None:
        sizes = tuple(int(size) for size in x.shape)
        self.x, self.dtype = x, x.dtype
        if len(sizes) == axes and channels == 1:
            self.place: int | None = None
        elif len(sizes) == axes + 1 and sizes[-1] == channels:
            self.place = axes
        elif len(sizes) == axes + 1 and sizes[0] == channels:
            self.place = 0
        else:
            raise ShapeError(
                f"the file holds {sizes}: {axes} spatial axes"
                + (" alone," if channels == 1 else "")
                + f" with {channels} channels behind or in front of them are expected"
            )
        spatial = [size for axis, size in enumerate(sizes) if axis != self.place]
        self.shape = (1, channels, *spatial)

    def __getitem__(self, part: tuple[slice, ...]) -> Any:
        _, channels, *spatial = part
        if self.place is None:
            return np.asarray(self.x[tuple(spatial)])[None, None]
        wanted = [*spatial]
        wanted.insert(self.place, channels)
        return np.moveaxis(np.asarray(self.x[tuple(wanted)]), self.place, 0)[None]


def apply_file(
    module: nn.Module,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    channels: int | None = None,
    axes: int = 2,
    scale: float | None = None,
    after: Callable[[Tensor], Tensor] | None = None,
    tile: TileSize = "auto",
    max_memory: int = 512 * 2**20,
    workers: int = 1,
    progress: Progress | None = None,
) -> TilePlan:
    """Run a module on a picture in a file, tile by tile; neither picture nor result is ever in memory as a whole.

    TIFF files are read by their own tiles or strips, uncompressed, deflate or PackBits, and in any other compression
    where the package imagecodecs is installed; results go to an uncompressed BigTIFF
    where they need one, to a zarr store whose chunks are the tiles, or to .npy. The target appears when it is complete.

    Args:
        module: takes (1, channels, *spatial), gives (1, outputs, *spatial) or (1, *spatial).
        source: .tif, .npy or .zarr, with channels in front, behind, or none.
        target: .tif, .npy or .zarr; results lie as (outputs, *spatial), or (*spatial) for one output.
        channels: that the module takes; None: as many as its first weights take.
        axes: spatial axes.
        scale: of the numbers; None: 1/255 and 1/65535 for uint8 and uint16, as in training, 1 for floats.
        after: applied to what a tile gives, place by place, e.g. `lambda y: y.argmax(1)`; the module's own result if
            None.
        tile, max_memory, workers, progress: see `faltung.tiling.apply`.

    Returns:
        The plan that was run.

    Raises:
        FileError: a file of another kind, or one that cannot be read.
        MissingDependency: zarr or tifffile is not installed, or imagecodecs for a compression that needs it.
        ShapeError: the file's axes do not fit the module.
        ParameterError: the module cannot be run in tiles.

    Example:
        >>> import numpy as np, tempfile, torch, faltung as ft
        >>> folder = tempfile.mkdtemp()
        >>> np.save(f"{folder}/x.npy", np.eye(64, dtype=np.float32))
        >>> _ = ft.tiling.apply_file(torch.nn.Conv2d(1, 1, 3, padding=1), f"{folder}/x.npy", f"{folder}/y.npy", tile=32)
        >>> np.load(f"{folder}/y.npy").shape
        (64, 64)
    """
    wanted = _channels(module) if channels is None else channels
    with opened(Path(source)) as x:
        return _applied(
            module,
            Picture(x, wanted, axes),
            Path(target),
            scale=scale,
            after=after,
            tile=tile,
            max_memory=max_memory,
            workers=workers,
            progress=progress,
        )


def _applied(
    module: nn.Module,
    picture: Picture,
    target: Path,
    *,
    scale: float | None,
    after: Callable[[Tensor], Tensor] | None,
    tile: TileSize,
    max_memory: int,
    workers: int,
    progress: Progress | None,
) -> TilePlan:
    axes = len(picture.shape) - 2
    kind = np.dtype(picture.dtype)
    if scale is None:
        scale = 1 / np.iinfo(kind).max if kind in (np.uint8, np.uint16) else 1.0
    whole = module if after is None else _After(module, after)
    found = plan(whole, picture.shape, tile=tile, max_memory=max_memory)
    if len(found.output_shapes) != 1:
        raise ParameterError(f"{found.name} returns {len(found.output_shapes)} tensors: choose one by after=")
    shape = found.output_shapes[0][1:]
    shape = shape[1:] if len(shape) > axes and shape[0] == 1 else shape
    dtype = _result_dtype(whole, picture, found, scale)
    with writing(target, shape, dtype, chunks_of(found, shape)) as stored:
        view = _Unsqueezed(stored, found.output_shapes[0])
        apply(whole, picture, plan=found, scale=scale, out=view, workers=workers, progress=progress)
    return found


class _After(nn.Module):
    """A module and what is done with its result."""

    def __init__(self, module: nn.Module, after: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.module, self.after = module, after

    def forward(self, x: Tensor) -> Any:
        return self.after(self.module(x))


class _Unsqueezed:
    """An array without axes of one position, written as if it had them."""

    def __init__(self, x: Any, shape: tuple[int, ...]) -> None:
        self.x, self.shape, self.dtype = x, shape, x.dtype
        self.missing = len(shape) - len(x.shape)

    def __setitem__(self, part: tuple[slice, ...], values: Any) -> None:
        self.x[part[self.missing :]] = values.reshape(values.shape[self.missing :])


def _channels(module: nn.Module) -> int:
    for part in module.modules():
        if isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            return part.in_channels
    raise ParameterError("the module has no convolution to tell how many channels it takes: say channels=")


def _result_dtype(module: nn.Module, picture: Any, found: TilePlan, scale: float) -> Any:
    """Of what a module gives, by running a tile: what it converts to is not in a recording."""
    run = Run(module, found, scale=scale)
    tile = run.tiles[0]
    with torch.no_grad():
        result = module(run.source(picture).read(tile.read))
    return numpy_dtype(run.own(result, tile)[0].dtype)


def chunks_of(found: TilePlan, shape: Sequence[int]) -> tuple[int, ...]:
    """Chunks that tiles fill alone, where results have the picture's scale."""
    sizes = dict(zip(found.axes, found.tile, strict=True))
    ahead = len(found.input_shape) - len(shape)
    scaled = []
    for axis, size in enumerate(shape):
        here, there = found.input_shape[axis + ahead], sizes.get(axis + ahead)
        scaled.append(size if there is None or axis + ahead < 2 else max(1, min(size, there * size // here)))
    return tuple(scaled)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A file as something with a shape, a dtype and slices, closed when the block ends.

    Raises:
        FileError: it cannot be read, or is of another kind.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise FileError(f"{path}: files of {', '.join(_SUFFIXES)} are read in tiles")
    if not path.exists():
        raise FileError(f"{path}: there is no such file")
    with ExitStack() as closing:
        try:
            if suffix == ".npy":
                x = np.load(path, mmap_mode="r", allow_pickle=False)
            else:
                x = _zarr(path) if suffix == ".zarr" else _tiff(path, closing)
        except FaltungError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{path} cannot be read: {error}") from error
        yield x


def _zarr(path: Path) -> Any:
    zarr = _package("zarr", "large")
    found = zarr.open(str(path), mode="r")
    if not hasattr(found, "dtype"):
        raise ValueError("it is a group of arrays: give the path of one")
    return found


def _tiff(path: Path, closing: ExitStack) -> Any:
    tifffile = _package("tifffile", "images")
    with tifffile.TiffFile(path) as file:
        _check_tiff(path, file.pages.first, tifffile.TIFF)
    try:
        # uncompressed and in one piece: the file's own bytes
        return tifffile.memmap(path, mode="r")
    except ValueError:
        store = closing.enter_context(tifffile.imread(path, aszarr=True, level=0))
        return _package("zarr", "large").open(store, mode="r")


def _check_tiff(path: Path, page: Any, known: Any) -> None:
    """Refuse before the work is done what cannot be read by tiles, or would be taken for something else."""
    unsigned = page.dtype is not None and page.dtype.kind in "bu"
    if page.photometric == 3 or (page.photometric == 0 and unsigned):
        what = "0 means white in it" if page.photometric == 0 else "its numbers are places in a table of colours"
        raise FileError(f"{path}: {what}: save it as grey, or red, green, blue, to read it in tiles")
    if page.compression not in known.DECOMPRESSORS or page.predictor not in known.UNPREDICTORS:
        raise MissingDependency(
            f"{path}: has {page.compression.name} compression, for which tifffile needs another package: "
            "pip install imagecodecs, or save it uncompressed or with deflate"
        )


def _package(name: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise MissingDependency(f'{name} is needed for this file: pip install "faltung[{extra}]"') from missing


@contextmanager
def writing(path: Path, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]) -> Iterator[Any]:
    """A file to be filled by slices, which appears when the block ends without an error.

    Raises:
        FileError: its kind cannot be written, or its folder does not exist.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise FileError(f"{path}: files of {', '.join(_SUFFIXES)} are written in tiles")
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: there is no such folder")
    if suffix == ".zarr" and path.exists():
        raise FileError(f"{path}: there is a store already, remove it or give another name")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        made = Path(folder) / f"part{suffix}"
        stored = _made(made, shape, dtype, chunks)
        yield stored
        if isinstance(stored, np.memmap):
            stored.flush()
        del stored
        made.replace(path)


def _made(path: Path, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]) -> Any:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if suffix == ".zarr":
        return _package("zarr", "large").create_array(str(path), shape=shape, dtype=dtype, chunks=chunks)
    tifffile = _package("tifffile", "images")
    bigtiff = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize > 2**31
    return tifffile.memmap(path, shape=shape, dtype=dtype, bigtiff=bigtiff, photometric="minisblack")
