"""Measures the constant of the FFT's error bound (`faltung.algorithms.fft.ERROR`): python -m benchmarks.fft_error.

For every installed FFT, dtype, tile and kind of data: the largest error of any output, in units of eps x the 2-norms of
tile and kernel. The bound in the library must lie above all of them.
"""

import itertools

import numpy as np

from faltung.algorithms import transforms
from faltung.spec import Array

SHAPES = [(4096,), (16384,), (65536,), (64, 64), (256, 256), (384, 384), (512, 512), (32, 32, 32), (16, 16, 16, 16)]
ROUNDS = 1


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


def main() -> None:
    """Print the largest factor per FFT and dtype."""
    rng = np.random.default_rng(1)
    for name, dtype in itertools.product(transforms.installed(), (np.float32, np.float64, np.complex64)):
        engine = transforms.named(name)
        worst, where = 0.0, ""
        for shape, _ in itertools.product(SHAPES, range(ROUNDS)):
            axes = tuple(range(-len(shape), 0))
            for (left, x), (right, w) in itertools.product(tiles(shape, rng).items(), tiles(shape, rng).items()):
                kernel = np.where(np.indices(shape).max(axis=0) < 1 + shape[0] // 8, w, 0)
                x_tile, w_tile = x.astype(dtype)[None], kernel.astype(dtype)[None]
                exact = np.fft.ifftn(
                    np.fft.fftn(x_tile[0].astype(np.clongdouble)) * np.fft.fftn(w_tile[0].astype(np.clongdouble)).conj()
                )
                spectrum = engine.forward(x_tile, len(axes)) * engine.forward(w_tile, len(axes)).conj()
                got = engine.backward(spectrum / dtype(x.size), np.empty_like(x_tile), len(axes))[0]
                norms = np.linalg.norm(x_tile.astype(complex)) * np.linalg.norm(w_tile.astype(complex))
                factor = float(np.abs(got - exact).max() / (np.finfo(dtype).eps * norms))
                if factor > worst:
                    worst, where = factor, f"{shape}, {left} with {right}"
        print(f"{name:8} {np.dtype(dtype).name:10} {worst:.3f}  {where}")


if __name__ == "__main__":
    main()
