"""The product of a tile's spectrum and a kernel's, and its size."""

import numpy as np

from ..jit import compiler
from ..loops.products import multiply_spectra
from ..spec import Array


def multiply(spectrum: Array, factor: Array, *, half: bool) -> float:
    """Multiply a spectrum, in place, and sum the sizes |real| + |imaginary part| of the products.

    Args:
        half: the spectrum of real numbers, whose other half mirrors this one.
    """
    real = np.finfo(spectrum.dtype).dtype
    loop = compiler.get(multiply_spectra, dtype=real.name, vector_bytes=compiler.vector_bytes())
    totals = np.empty(2, real)
    columns = spectrum.shape[-1]
    addresses = (compiler.pointer(a) for a in (spectrum, factor, totals))
    loop(*addresses, spectrum.size // columns, columns)
    total, ends = map(float, totals)
    # every column but the first and the last (the number of points is even) stands for two
    return 2 * total - ends if half else total
