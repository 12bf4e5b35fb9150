"""Sums of |x| by the compiled loops, for the error bound of the FFT."""

import numpy as np

from ..jit import compiler
from ..loops.sizes import block_sizes, sum_sizes
from ..spec import Array


def total(x: Array) -> float:
    """Sum of |x|, x contiguous and real."""
    loop = compiler.get(sum_sizes, dtype=x.dtype.name, vector_bytes=compiler.vector_bytes())
    out = np.empty(1, x.dtype)
    loop(compiler.pointer(x), compiler.pointer(out), x.size)
    return float(out[0])


def blocks(x: Array, sides: tuple[int, ...]) -> Array:
    """Sums of |x| over whole aligned blocks; what is left over at the ends counts nowhere.

    Args:
        x: of one or two axes, real; rows may lie apart.
        sides: samples of a block along each axis.

    Returns:
        (*whole blocks along each axis), flat.
    """
    plane = x[None] if x.ndim == 1 else x
    if plane.strides[-1] != plane.itemsize or plane.strides[0] % plane.itemsize or not plane.flags.aligned:
        plane = np.ascontiguousarray(plane)
    tall, wide = (1, *sides)[-2:]
    num_rows, num_columns = plane.shape[0] // tall, plane.shape[1] // wide
    out, line = np.empty(num_rows * num_columns, x.dtype), np.empty(num_columns * wide, x.dtype)
    loop = compiler.get(block_sizes, dtype=x.dtype.name, vector_bytes=compiler.vector_bytes())
    stride = plane.strides[0] // plane.itemsize
    addresses = compiler.pointer(plane), compiler.pointer(out), compiler.pointer(line)
    loop(*addresses, stride, num_rows, num_columns, tall, wide)
    return out
