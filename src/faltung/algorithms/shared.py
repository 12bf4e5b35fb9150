"""Runs a compiled loop over a stack: its units cut into parts, its arrays brought to what the loop reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..jit import compiler
from ..jit.emitter import OF_DTYPE
from ..jit.pool import run_parts
from ..machine import DEFAULT
from ..spec import Array

WORTH = 2
"""From so many times what waking a thread takes, work is shared among several."""


@dataclass(frozen=True)
class Loaded:
    """Arrays of kernels, and where they are."""

    addresses: tuple[int, ...]
    arrays: tuple[Array, ...]

    @property
    def nbytes(self) -> int:
        """Memory that they hold."""
        return sum(array.nbytes for array in self.arrays)


class Shared:
    """A compiled loop over the units of a stack, with everything about the call that does not depend on the data.

    Args:
        loop: loop(src, dst, *weights, fill, plan, scratch, first unit, last unit).
        fields: the plan block; its first entries are `strides`, as for contiguous arrays.
        strides: for each leading entry of the block, (is it of src?, the axis from the end).
        units_per_entry: units in each entry of the stack.
        scratch_items: workspace of one thread.
        seconds_per_entry: predicted time of one entry on one thread.
    """

    def __init__(
        self,
        loop: Callable[..., None],
        fields: dict[str, Any],
        strides: tuple[tuple[bool, int], ...],
        fill: Any,
        units_per_entry: int,
        scratch_items: int,
        seconds_per_entry: float,
    ) -> None:
        """See the class."""
        self._loop, self._fill, self._strides = loop, fill, strides
        self._block, self._kept = compiler.pack(**fields)
        self._plan = compiler.pointer(self._block)
        self._num_bytes = sum(value.nbytes for value in fields.values() if isinstance(value, np.ndarray))
        self._units, self._scratch_items, self._seconds = units_per_entry, scratch_items, seconds_per_entry

    @property
    def nbytes(self) -> int:
        """Memory of the tables."""
        return self._num_bytes

    @staticmethod
    def load(*weights: Array) -> Loaded:
        """The kernels as the loop takes them: (M, ...) each."""
        kept = tuple(np.ascontiguousarray(w) for w in weights)
        return Loaded(tuple(compiler.pointer(w) for w in kept), kept)

    def __call__(self, x: Array, packed: Loaded, out: Array, workers: int) -> None:
        """Run over the stack x into the contiguous stack out."""
        plan, block = self._plan, self._block
        if not x.flags.c_contiguous:
            block = block.copy()
            for i, (of_src, axis) in enumerate(self._strides):
                if of_src:
                    block[i] = x.strides[axis] // x.itemsize
            plan = compiler.pointer(block)
        loop = self._loop
        fixed = (compiler.pointer(x), compiler.pointer(out), *packed.addresses, self._fill, plan)
        units = len(out) * self._units
        parts = num_parts(units, self._seconds * len(out), workers)
        if parts == 1:
            loop(*fixed, compiler.scratch(self._scratch_items, out.dtype), 0, units)
            return
        limits = cuts(units, parts)

        def part(i: int) -> None:
            loop(*fixed, compiler.scratch(self._scratch_items, out.dtype), limits[i], limits[i + 1])

        run_parts(part, parts, workers)


_READ = frozenset(np.dtype(name) for name in OF_DTYPE)


def readable(x: Array, item: np.dtype[Any]) -> Array:
    """Give x as a loop can read it: known dtype, aligned, last axis dense; copied only if it must be."""
    if x.dtype not in _READ:
        x = x.view(np.uint8) if x.dtype == np.bool_ else x.astype(item, order="C")
    flags = x.flags
    if flags.c_contiguous and flags.aligned:
        return x
    dense = x.strides[-1] == x.itemsize and all(stride % x.itemsize == 0 for stride in x.strides)
    return x if dense and flags.aligned else np.ascontiguousarray(x)


def source_name(dtype: np.dtype[Any], item: np.dtype[Any]) -> str:
    """The dtype name that a loop reads after `readable`."""
    if dtype == np.bool_:
        return "uint8"
    return dtype.name if dtype.name in OF_DTYPE else item.name


def num_parts(num_units: int, seconds: float, workers: int) -> int:
    """How many parts to cut the units into: enough to balance the threads, none too small to be worth handing over."""
    if workers <= 1 or seconds < WORTH * DEFAULT.handoff_s:
        return 1
    return min(num_units, 4 * workers)


def cuts(num_units: int, parts: int) -> list[int]:
    """Even cuts of 0..num_units."""
    return [num_units * i // parts for i in range(parts + 1)]
