"""Measures the constant of the FFT's error bound (`faltung.algorithms.guard.ERROR`): python -m benchmarks.fft_error.

The bound is eps x (ERROR x mean over all frequencies of |spectrum of tile x spectrum of kernel| + ERROR_SPREAD x norm
of tile x norm of kernel / sqrt(points)). For every installed FFT, dtype, tile and kind of data this prints the smallest
ERROR_SPREAD that covers the largest error of any output. A minute.
"""

import itertools
import math

import numpy as np

from faltung.algorithms import guard, transforms
from faltung.spec import Array

SHAPES = [(1024,), (16384,), (256, 256), (64, 48), (24, 24, 24)]
EXTENTS = (3, 8, 32)
"""Kernels reach over this share of the tile: a third, an eighth, a thirty-second."""


def tiles(shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, Array]:
    """Data that are easy and hard for a transform."""
    spikes = np.zeros(shape)
    spikes.flat[rng.integers(0, spikes.size, 5)] = 10.0 ** rng.integers(0, 8, 5)
    ramp = np.arange(spikes.size, dtype=float).reshape(shape)
    return {
        "noise": rng.standard_normal(shape),
        "bright": 1 + 0.1 * rng.standard_normal(shape),
        "spikes": spikes,
        "one spike": (spikes == spikes.max()).astype(float),
        "wide range": 10.0 ** rng.uniform(-8, 8, shape) * rng.choice([-1, 1], shape),
        "ramp": ramp,
        "wave": np.cos(0.37 * ramp),
        "constant": np.ones(shape),
    }


def factor(engine: transforms.Transforms, x: Array, kernel: Array) -> float:
    """What the first term of the bound leaves of the error, in units of the second."""
    num_axes, num_points = x.ndim, x.size
    spectrum = np.fft.fftn(x.astype(np.complex128)) * np.fft.fftn(kernel.astype(np.complex128)).conj()
    exact = np.fft.ifftn(spectrum)
    product = engine.forward(x[None].copy(), num_axes) * engine.forward(kernel[None].copy(), num_axes).conj()
    scaled = product / np.finfo(x.dtype).dtype.type(num_points)
    got = engine.backward(scaled, np.empty_like(x[None]), num_axes)[0]
    error = float(np.abs(got - exact).max() / np.finfo(x.dtype).eps)
    mean = float((np.abs(spectrum.real) + np.abs(spectrum.imag)).sum()) / num_points
    norms = float(np.linalg.norm(x.astype(complex)) * np.linalg.norm(kernel.astype(complex)))
    return (error - guard.ERROR * mean) / (norms / math.sqrt(num_points)) if norms else 0.0


def main() -> None:
    """Print the largest factor per FFT and dtype."""
    rng = np.random.default_rng(1)
    for name, dtype in itertools.product(transforms.installed(), (np.float32, np.complex64)):
        engine = transforms.named(name)
        worst, where = 0.0, ""
        for shape, extent in itertools.product(SHAPES, EXTENTS):
            near = np.indices(shape).max(axis=0) <= shape[0] // extent
            pairs = itertools.product(tiles(shape, rng).items(), tiles(shape, rng).items())
            for (left, x), (right, weights) in pairs:
                found = factor(engine, x.astype(dtype), np.where(near, weights, 0).astype(dtype))
                if found > worst:
                    worst, where = found, f"{shape}, {left} with {right}, 1/{extent}"
        print(f"{name:8} {np.dtype(dtype).name:10} {worst:.3f}  {where}", flush=True)


if __name__ == "__main__":
    main()
