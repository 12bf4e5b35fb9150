"""ConvSpec: one convolution without its data, in one normal form.

For every convolved axis output o is the sum over taps j of w[j] * x[o * stride + j * dilation - before], where
positions outside the axis follow its boundary. `reading.py` makes a spec of a caller's words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .boundary import AxisBoundary, Side
from .errors import DtypeError
from .kernel_facts import KernelFacts

Array = np.ndarray[Any, np.dtype[Any]]
Overflow = Literal["error", "saturate", "wrap"]
Nan = Literal["propagate", "omit", "error"]


@dataclass(frozen=True)
class Axis:
    """One convolved axis; lengths in samples.

    Attributes:
        position: which axis of x, >= 0.
        size: length of x.
        taps: length of the kernel, before dilation.
        before, after: how many positions outside x the windows reach; negative if they leave samples out.
        first, whole: where this is a part of a larger convolution, its first output there and the number of outputs
            there; 0 and 0 where it is all. Whatever is cut along the axis is cut at places of the whole.
    """

    position: int
    size: int
    taps: int
    stride: int
    dilation: int
    before: int
    after: int
    boundary: AxisBoundary
    first: int = 0
    whole: int = 0

    @property
    def reach(self) -> int:
        """Length of the dilated kernel."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def num_out(self) -> int:
        """Length of the output."""
        return (self.size + self.before + self.after - self.reach) // self.stride + 1

    @property
    def ignores(self) -> bool:
        """Whether what is outside is missing rather than a value, on one side at least."""
        return "ignore" in (self.boundary.before.rule, self.boundary.after.rule)

    def padded(self, size: int) -> "Axis":
        """The axis of so many samples that have been padded beforehand."""
        nothing = AxisBoundary(Side("zero"), Side("zero"))
        return replace(self, size=size, before=0, after=0, boundary=nothing)

    @property
    def span(self) -> int:
        """How many positions of the padded axis the outputs read."""
        return (self.num_out - 1) * self.stride + self.reach


def untouched(size: int) -> Axis:
    """An axis over which a kernel of one tap passes."""
    nothing = AxisBoundary(Side("zero"), Side("zero"))
    return Axis(0, size, taps=1, stride=1, dilation=1, before=0, after=0, boundary=nothing)


@dataclass(frozen=True)
class ConvSpec:
    """Shapes, geometry, dtypes and facts on the kernel; never a fact on the data.

    Attributes:
        x_shape: shape of x.
        axes: the convolved axes, in the order of x.
        x_batch, kernel_batch: lengths of the other axes of x and kernel, aligned; they broadcast.
        x_dtype: dtype of x.
        item: dtype of the arithmetic: int64, uint64 or Python's integers for integers (exact), else a float or complex
            dtype.
        dtype: dtype of the result.
        flip: True for convolution, False for correlation (which conjugates a complex kernel).
        overflow: what to do where an integer result does not fit.
        nan: what NaN in x means.
        weighted: every sample has a weight of its own, given with the data.
        rtol: bound on the error of every output, see `convolve`; inf lifts it.
        facts: what is true of the kernels.
    """

    x_shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    x_batch: tuple[int, ...]
    kernel_batch: tuple[int, ...]
    x_dtype: np.dtype[Any]
    item: np.dtype[Any]
    dtype: np.dtype[Any]
    flip: bool
    overflow: Overflow
    nan: Nan
    weighted: bool
    rtol: float
    facts: KernelFacts

    @property
    def batch(self) -> tuple[int, ...]:
        """Lengths of the axes that are not convolved."""
        return tuple(np.broadcast_shapes(self.x_batch, self.kernel_batch))

    @property
    def batch_positions(self) -> tuple[int, ...]:
        """Which axes of x are not convolved."""
        convolved = {axis.position for axis in self.axes}
        return tuple(p for p in range(len(self.x_shape)) if p not in convolved)

    @property
    def taps(self) -> tuple[int, ...]:
        """Shape of one kernel."""
        return tuple(axis.taps for axis in self.axes)

    @property
    def out_sizes(self) -> tuple[int, ...]:
        """Lengths of the convolved axes of the result."""
        return tuple(axis.num_out for axis in self.axes)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the result, axes in the order of x."""
        shape = [0] * len(self.x_shape)
        for position, size in zip(self.batch_positions, self.batch, strict=True):
            shape[position] = size
        for axis in self.axes:
            shape[axis.position] = axis.num_out
        return tuple(shape)

    @property
    def num_taps(self) -> int:
        """Number of weights of one kernel."""
        return math.prod(self.taps)

    @property
    def num_outputs(self) -> int:
        """Number of results."""
        return math.prod(self.out_shape)

    @property
    def ignores(self) -> bool:
        """Whether some outside is missing rather than a value."""
        return any(axis.ignores for axis in self.axes)

    @property
    def scales(self) -> bool:
        """Whether sums are scaled up by what is missing, and errors with them."""
        return self.ignores or self.weighted or self.nan == "omit"

    @property
    def real(self) -> np.dtype[Any]:
        """The dtype in which sizes and shares of weights are counted: at least float64."""
        return np.dtype(np.longdouble if self.item in (np.longdouble, np.clongdouble) else np.float64)

    def sizes_of(self, kernels: Array) -> Array:
        """The sizes of weights, in `real`."""
        # the size of the smallest int64 is no int64, and that of a narrow complex number is rounded
        wide = np.result_type(self.real, np.complex64) if kernels.dtype.kind == "c" else self.real
        return np.abs(kernels.astype(wide)).astype(self.real, copy=False)

    def over(
        self,
        axes: Sequence[Axis],
        *,
        x_batch: tuple[int, ...] | None = None,
        kernel_batch: tuple[int, ...] | None = None,
        x_dtype: np.dtype[Any] | None = None,
    ) -> "ConvSpec":
        """The same arithmetic along other axes, with the batch axes in front."""
        front = self.x_batch if x_batch is None else x_batch
        return replace(
            self,
            x_shape=(*front, *(axis.size for axis in axes)),
            axes=tuple(replace(axis, position=len(front) + i) for i, axis in enumerate(axes)),
            x_batch=front,
            kernel_batch=self.kernel_batch if kernel_batch is None else kernel_batch,
            x_dtype=self.x_dtype if x_dtype is None else x_dtype,
        )

    def part(self, starts: Sequence[int], stops: Sequence[int]) -> "ConvSpec":
        """Outputs starts..stops of the convolved axes alone, over the padded samples that they read."""
        axes = []
        for axis, start, stop in zip(self.axes, starts, stops, strict=True):
            whole = axis.whole or axis.num_out
            # up to where the next part begins, so that all results between the strides can be computed
            last = min(stop * axis.stride - 1, (whole - 1 - axis.first) * axis.stride)
            size = last - start * axis.stride + axis.reach
            axes.append(replace(axis.padded(size), first=axis.first + start, whole=whole))
        return self.over(axes)

    def pairs(self) -> Array | None:
        """Which entry of x and which kernel make each entry of the batch: (B, 2) int64.

        None where there is one kernel for all, and each entry of x makes one of the result.
        """
        if self.x_batch == self.batch and math.prod(self.kernel_batch) == 1:
            return None
        numbers = (np.arange(math.prod(sizes)).reshape(sizes) for sizes in (self.x_batch, self.kernel_batch))
        return np.stack([np.broadcast_to(number, self.batch).ravel() for number in numbers], axis=1).astype(np.int64)

    def to_canonical(self, array: Array) -> Array:
        """A view of x (or of the result) with the batch axes first and the convolved axes last."""
        return array.transpose((*self.batch_positions, *(axis.position for axis in self.axes)))


def pair_of(pairs: Array | None, entry: int) -> tuple[int, int]:
    """The numbers of the x and of the kernel that make this entry of the batch, by the table of `ConvSpec.pairs`."""
    return (entry, 0) if pairs is None else (int(pairs[entry, 0]), int(pairs[entry, 1]))


def default_rtol(item: np.dtype[Any], num_taps: int) -> float:
    """The error promised unless something else is asked for; 0 for exact numbers."""
    eps = float(np.finfo(item).eps) if item.kind in "fc" else 0.0
    return 16 * eps * max(1.0, math.log2(num_taps))


def parse_dtype(asked: Any, name: str = "dtype") -> np.dtype[Any]:
    """What was given as `name` as a NumPy dtype of numbers.

    Raises:
        DtypeError: it is none.
    """
    try:
        dtype = np.dtype(asked)
    except (TypeError, ValueError, SyntaxError) as error:
        raise DtypeError(f'{name}={asked!r} is not a NumPy dtype: give one, e.g. np.float32 or "float32"') from error
    if dtype.kind not in "biufcO":
        raise DtypeError(f"{name}={dtype} cannot hold numbers: use an integer, float or complex dtype")
    return dtype
