"""Where pictures come from and results go: tensors, NumPy arrays and maps of files, zarr and dask; part by part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import DtypeError, ParameterError, ShapeError


class Source:
    """Something with a shape, a dtype and slices, read one part at a time.

    Args:
        x: (batch, channels, *spatial).
        dtype: in which the module computes; None: that of x, if it is of floats.
        device: where.
        scale: every number is multiplied by it; None refuses integers, whose range a module cannot know.

    Raises:
        DtypeError: integers without a scale, or numbers that are not real.
        ShapeError: there is no shape.
    """

    def __init__(self, x: Any, dtype: torch.dtype | None, device: torch.device, scale: float | None) -> None:
        if not hasattr(x, "shape") or not hasattr(x, "dtype") or not hasattr(x, "__getitem__"):
            raise ShapeError(
                f"x is a {type(x).__name__}: a tensor or an array of (batch, channels, *spatial) is expected, e.g. "
                "NumPy's memmap, zarr's or dask's"
            )
        self.x, self.device, self.scale = x, device, scale
        self.shape = tuple(int(size) for size in x.shape)
        kind = _kind(x.dtype)
        if kind not in "fiub":
            raise DtypeError(f"x is {x.dtype}: real numbers are expected")
        if kind != "f" and scale is None:
            raise DtypeError(
                f"x is {x.dtype}, and modules expect a certain range: say scale=1/255 for pictures of 0 to 255 that "
                "the module was trained to see as 0 to 1, scale=1 for numbers as they are"
            )

        self.dtype = torch.get_default_dtype() if dtype is None and kind != "f" else dtype

    def read(self, part: Sequence[slice]) -> Tensor:
        """A part, as a tensor of its own."""
        return self.tensor(self.x[tuple(part)])

    def tensor(self, found: Any) -> Tensor:
        """Numbers of x as a tensor of their own, as the module takes them."""
        if not isinstance(found, Tensor):
            found = np.asarray(found)
            # torch has no other byte orders, and warns of what may not be written
            native = found.dtype.newbyteorder("=")
            found = torch.from_numpy(np.array(found, dtype=native, order="C", copy=True))
        result = found.to(self.device, self.dtype or found.dtype, copy=True)
        return result if self.scale in (None, 1) else result.mul_(self.scale)


def _kind(dtype: Any) -> str:
    if isinstance(dtype, torch.dtype):
        return "f" if dtype.is_floating_point else "c" if dtype.is_complex else "i"
    return str(np.dtype(dtype).kind)


def is_dask(x: Any) -> bool:
    """Whether x is dask's, which computes later."""
    return type(x).__module__.partition(".")[0] == "dask"


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """The same in NumPy."""
    return torch.empty(0, dtype=dtype).numpy().dtype


class Sink:
    """Where one output goes.

    Args:
        out: written by slices; None: made when the first part comes, as large as the whole.
        shape: of the whole.
        like: what x is: a tensor gives tensors, anything else NumPy arrays.

    Raises:
        ShapeError: `out` has another shape.
    """

    def __init__(self, out: Any, shape: tuple[int, ...], like: Any) -> None:
        if out is not None and tuple(out.shape) != shape:
            raise ShapeError(f"out has shape {tuple(out.shape)}, the result has {shape}")
        if out is not None and is_dask(out):
            raise ParameterError("out is a dask array, which cannot be written: give one of NumPy or zarr")
        self.out, self.shape, self.as_tensor = out, shape, isinstance(like, Tensor)

    def write(self, part: tuple[slice, ...], values: Tensor) -> None:
        """Put a part where it belongs.

        Raises:
            DtypeError: `out` cannot hold these numbers.
        """
        if self.out is None:
            self.out = (
                torch.empty(self.shape, dtype=values.dtype, device=values.device)
                if self.as_tensor
                else np.empty(self.shape, numpy_dtype(values.dtype))
            )
        if isinstance(self.out, Tensor):
            if not torch.can_cast(values.dtype, self.out.dtype):
                raise DtypeError(f"out is {self.out.dtype}, the result is {values.dtype}: give an out of that")
            self.out[part] = values
            return
        numbers = values.cpu().numpy()
        if not np.can_cast(numbers.dtype, self.out.dtype, "same_kind"):
            raise DtypeError(f"out is {self.out.dtype}, the result is {numbers.dtype}: give an out of that")
        self.out[part] = numbers
