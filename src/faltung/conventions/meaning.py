"""Meaning: what a call computes, in one normal form whoever's call it was.

For every output o: the sum over taps j of w[j] * x[o * stride + j * dilation - before], where w is the kernel, flipped
for a convolution, and positions outside x follow the boundary; then scale, offset and the numbers of the result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import DtypeError, ParameterError, ShapeError
from ..filters.kernels.formulas import bell, outer
from ..spec import Array

COMPLEX = ("complex64", "complex128")
Line = tuple[float, ...]
Mode = Literal["full", "same", "valid", "padded"]
Front = Literal["k // 2", "(k - 1) // 2"]
Combine = Literal["sum", "length", "stack"]
Rounding = Literal["to nearest even", "towards zero", "half away from zero"]
Overflow = Literal["wraps", "saturates", "is an error"]


@dataclass(frozen=True)
class Operator:
    """Weights that a function brings along, as a correlation lays them.

    Attributes:
        name: what the field calls it, e.g. "sobel".
        terms: for every term one line of weights per axis, whose outer product is the kernel.
        combine: how the terms make the result: their sum, the root of the sum of their squares, or all in a stack.
        sigmas: of a Gaussian, one per axis.
    """

    name: str
    terms: tuple[tuple[Line, ...], ...]
    combine: Combine = "sum"
    sigmas: tuple[float, ...] = ()

    @property
    def taps(self) -> tuple[int, ...]:
        """Length of the longest line along every axis."""
        return tuple(max(map(len, lines)) for lines in zip(*self.terms, strict=True))

    def kernels(self) -> list[Array]:
        """Every term as an array."""
        return [outer([np.array(line, float) for line in lines]) for lines in self.terms]


@dataclass(frozen=True)
class Numbers:
    """Which numbers a function computes with, and which it returns.

    Attributes:
        compute, result: names of rules in `RULES`, or of dtypes.
        rounding, overflow: what happens where the result is an integer and the sum is none, or does not fit.
        rescales: integers become fractions of their largest value first.
        refuses: dtypes that the function does not take.
        stepwise: a kernel made of lines is applied line by line, each result cast and given the boundary anew.
    """

    compute: str
    result: str
    rounding: Rounding = "towards zero"
    overflow: Overflow = "wraps"
    rescales: bool = False
    stepwise: bool = False
    refuses: tuple[str, ...] = ()

    def dtypes(self, x: np.dtype[Any], kernel: np.dtype[Any]) -> tuple[np.dtype[Any], np.dtype[Any]]:
        """Dtypes of the arithmetic and of the result for these of x and kernel."""
        return _dtype(self.compute, x, kernel), _dtype(self.result, x, kernel)

    def words(self, x: np.dtype[Any], kernel: np.dtype[Any]) -> str:
        """What becomes of samples of dtype x, in words."""
        item, result = self.dtypes(x, kernel)
        text = f"{x} in, {result} out"
        if x.kind in "iu" and self.rescales:
            text += f", divided by {np.iinfo(x).max} first"
        if result.kind in "iu":
            if item.kind in "fc":
                text += f", computed in {item}, rounded {self.rounding}"
            text += f", overflow {self.overflow}"
        return text


def _dtype(rule: str, x: np.dtype[Any], kernel: np.dtype[Any]) -> np.dtype[Any]:
    found = RULES[rule](x, kernel) if rule in RULES else rule
    return np.dtype(found)


def _float_of(x: np.dtype[Any], *, narrow: Any) -> Any:
    """The dtype of floats, `narrow` for float16; float64 for everything else."""
    if x.kind in "fc":
        return narrow if x == np.float16 else x
    return np.float64


def _exact(x: np.dtype[Any], kernel: np.dtype[Any]) -> Any:
    if x.kind not in "biu" or kernel.kind not in "biu":
        return np.result_type(x, kernel)
    return np.uint64 if "i" not in (x.kind, kernel.kind) and "u" in (x.kind, kernel.kind) else np.int64


RULES: dict[str, Any] = {
    "promoted": lambda x, k: np.result_type(x, k),
    "of x": lambda x, k: x,
    "transformed": lambda x, k: _float_of(np.result_type(x, k), narrow=np.float32),
    "float of x": lambda x, k: _float_of(x, narrow=np.float32),
    "own float of x": lambda x, k: _float_of(x, narrow=np.float16),
    "double unless single": lambda x, k: np.float32 if np.float32 in (x, k) else np.float64,
    "float32 unless float": lambda x, k: x if x.kind == "f" else np.float32,
    "exact": _exact,
    "filtered": lambda x, k: x if x.kind in "fc" else np.float32 if x.itemsize <= 2 else np.float64,
}
"""Name of a rule -> dtype from the dtypes of x and kernel."""


@dataclass(frozen=True)
class Meaning:
    """What a call computes.

    Attributes:
        function: its full name, e.g. "scipy.ndimage.correlate".
        x, kernel: as the caller wrote them; `kernel` is empty where the function brings its weights along.
        weights: the kernel's numbers, where the call spells them out.
        operator: the weights that the function brings along.
        ndim: number of convolved axes; None where the call leaves it open.
        axes: which axes of x they are; None means all.
        flip, conjugate: what is done to the kernel before it is laid on x.
        mode, front, shift, padding: where the windows begin, see `margins`. `front` is how far a window of k taps
            reaches before its sample under "same", `shift` moves that, per axis.
        exchanges: where the kernel is longer than x, the two change places.
        boundary: what stands outside x, in Faltung's words; a list has one entry per axis.
        scale, offset: the sums are multiplied by the one, and the other added.
        normalises: the kernel is divided by its sum (by the sum of its sizes where `of_sizes`).
        least_sum: kernels of a smaller sum are refused where they would be divided by it.
        epsilon: added under the root that makes a length.
        missing: what NaN in x do: "spread" to every output that sees one, or "are left out" of the sums, which are
            scaled by the weights that remain; or the number they count as.
        blank_rim: outputs whose window leaves x are 0.
        numbers: dtypes.
        remarks: what else a reader should know.
    """

    function: str
    x: str = "x"
    kernel: str = ""
    weights: Any = None
    operator: Operator | None = None
    ndim: int | None = None
    axes: tuple[int, ...] | None = None
    flip: bool = False
    conjugate: bool = False
    mode: Mode = "same"
    front: Front = "k // 2"
    shift: tuple[int, ...] = ()
    padding: tuple[tuple[int, int], ...] = ()
    exchanges: bool = False
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    boundary: Any = "zero"
    scale: float = 1.0
    offset: float = 0.0
    normalises: bool = False
    of_sizes: bool = False
    least_sum: float = -math.inf
    epsilon: float = 0.0
    missing: Any = "spread"
    blank_rim: bool = False
    numbers: Numbers = Numbers("promoted", "promoted")
    remarks: tuple[str, ...] = ()

    def divisor(self, kernel: Array) -> Any:
        """What a kernel is divided by where that is done.

        Raises:
            ParameterError: the function refuses a kernel of this sum.
        """
        if kernel.sum() < self.least_sum:
            raise ParameterError(
                f"{self.function} divides the kernel by its sum and refuses one that sums to {kernel.sum():g}, below "
                f"{self.least_sum:g}: leave the kernel as it is, with normalize_kernel=False"
            )
        return np.abs(kernel).sum() if self.of_sizes else kernel.sum()

    def margins(self, sizes: Sequence[int], taps: Sequence[int]) -> list[tuple[int, int]]:
        """How far the windows reach (before, after) axes of x of these lengths, for a kernel of these taps."""
        num = len(taps)
        reaches = [(k - 1) * d + 1 for k, d in zip(taps, per_axis(self.dilation, num, 1), strict=True)]
        if self.mode == "padded":
            return list(per_axis(self.padding, num, (0, 0)))
        if self.mode == "full":
            return [(r - 1, r - 1) for r in reaches]
        if self.mode == "valid":
            if self.exchanges and all(r >= n for r, n in zip(reaches, sizes, strict=True)):
                return [(r - n, r - n) for r, n in zip(reaches, sizes, strict=True)]
            return [(0, 0)] * num
        if self.exchanges and reaches[0] > sizes[0]:
            # numpy, one axis: as many samples as the kernel has, from the place that the shorter one sets
            n, r = sizes[0], reaches[0]
            before = r - 1 - ((n - 1) // 2 if self.flip else n // 2)
            return [(before, 2 * r - 1 - n - before)]
        fronts = [r // 2 if self.front == "k // 2" else (r - 1) // 2 for r in reaches]
        starts = [f + s for f, s in zip(fronts, per_axis(self.shift, num, 0), strict=True)]
        for before, reach in zip(starts, reaches, strict=True):
            if not 0 <= before < reach:
                raise ParameterError(
                    f"{self.function}: the kernel's centre is moved outside of its {reach} taps: move it less"
                )
        return [(b, r - 1 - b) for b, r in zip(starts, reaches, strict=True)]


def per_axis(value: Any, num: int, default: Any) -> tuple[Any, ...]:
    """One entry per axis; nothing means the default, a single entry is repeated."""
    entries = tuple(value) or (default,)
    if len(entries) == 1:
        return entries * num
    if len(entries) != num:
        raise ShapeError(f"{value} has {len(entries)} entries for {num} axes: give one, or one per axis")
    return entries


def gaussian_line(sigma: float, taps: int) -> Line:
    """Samples of a bell, sum 1."""
    return tuple(bell(sigma, taps).tolist())


def box_line(taps: int) -> Line:
    """Equal weights, sum 1."""
    return (1 / taps,) * taps


def one_dtype(name: str, given: Any) -> str:
    """The name of a dtype."""
    try:
        return np.dtype(given).name
    except TypeError as error:
        raise DtypeError(f'{name}={given!r} is not a dtype: give one, e.g. "uint8"') from error


def is_whole(line: Line) -> bool:
    """Whether all weights are whole numbers."""
    return all(math.isfinite(w) and w == int(w) for w in line)
