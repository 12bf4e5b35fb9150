"""Exact: integers by FFT, in limbs so short that every sum is proven to round to the right integer.

Integers are written in digits of some bits (limbs, balanced around 0), limbs are convolved by FFT in float64, and the
rounded sums are put together modulo 2**64, in which the direct loops of integers count too. How far an FFT can be off
is known beforehand from the 2-norms of its operands; limbs are cut so that it is by less than a half.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

from ..algorithm import Cost, Detour, Routine
from ..jit.pool import run_parts
from ..kernel_facts import signed_bits
from ..machine import Machine
from ..spec import Array, ConvSpec
from . import direct
from .gather import gather
from .thinned import Thinned, unthinned
from .tiling import SPENT_POINT_S, SPENT_TILE_S, Grid, Tiling, Unit, fill, lengths_of, tiling_for
from .transforms import backend, transforms_for

name = "exact"
transforms = True

WORD = 64
"""Bits of the integers that sums wrap around in."""

SURE = 0.5
"""A sum that is off by less rounds to the right integer."""

SANE = 0.125
"""Real sums are off by far less than is proven. One that is off by more than this tells of an FFT that is broken."""

COMPLEX = np.dtype(np.complex128)
REAL = np.dtype(np.float64)


def refuses(spec: ConvSpec) -> str | None:
    """Serves 64-bit integers."""
    if spec.item.kind == "O":
        return "objects may be any numbers, with no end"
    if spec.item.kind not in "iu":
        return "for integers only: floats are rounded anyway"
    return None


def cost(spec: ConvSpec, machine: Machine) -> Cost:
    """Some transforms for each tile: as many as there are limbs of x, and of the result."""
    every = unthinned(spec)
    work = _work(spec)
    tiling = _tiling(every)
    points = math.prod(tiling.sizes)
    split = work.split(points)
    if split is None:
        return Cost(math.inf, 0, 0.0)
    count = math.prod(spec.batch) * tiling.count(every)
    one = points * math.log2(max(points, 2)) * REAL.itemsize / 4 / (machine.fft_rate * backend().speed)
    per_tile = SPENT_TILE_S + split.num_transforms * (one + 2 * points * SPENT_POINT_S)
    seconds = machine.call_s + count * per_tile
    held = math.prod(spec.kernel_batch) * split.num_kernel + split.num_transforms * tiling.group
    return Cost(seconds, held * points * REAL.itemsize, 0.0)


def grain(spec: ConvSpec) -> tuple[int, ...]:
    """Exact sums are the same wherever the convolution is cut."""
    return (1,) * len(spec.axes)


def build(spec: ConvSpec) -> Routine:
    """Tiles over every output; a stride thins them out."""
    if any(axis.stride > 1 for axis in spec.axes):
        return Thinned(spec, build)
    return Limbs(spec)


def _tiling(spec: ConvSpec) -> Tiling:
    return tiling_for(lengths_of(spec), backend(), work=_work(spec))


def _work(spec: ConvSpec) -> "_Work":
    bits = 2 if spec.x_dtype.kind == "b" else 8 * spec.x_dtype.itemsize + (spec.x_dtype.kind == "u")
    return _Work(min(WORD, bits), spec.facts.bits, math.sqrt(spec.num_taps))


def error_factor(num_points: int) -> float:
    """A convolution by FFT of this many points is off by less than this factor times the 2-norms of its operands.

    With roundings of relative size eps in sums, products and the roots of unity alike, 3 n of the first and third and
    3 n + 1 complex products on the way there and back, n = log2(num_points); twice that for transforms of real numbers,
    which take one more step on each side.

    Source: Percival 2003, "Rapid multiplication modulo the sum and difference of highly composite numbers", Math. Comp.
    72, theorem 5.1.
    """
    eps = float(np.finfo(REAL).eps) / 2
    n = math.log2(num_points)
    return 2 * math.expm1(6 * n * math.log1p(eps) + (3 * n + 1) * math.log1p(math.sqrt(5) * eps))


@dataclass(frozen=True)
class _Split:
    """How operands are cut into limbs.

    Attributes:
        bits: of a limb.
        num_x, num_kernel: limbs of each.
    """

    bits: int
    num_x: int
    num_kernel: int

    @property
    def num_sums(self) -> int:
        """Limbs of the result that do not vanish modulo 2**64."""
        return min(self.num_x + self.num_kernel - 1, -(-WORD // self.bits))

    @property
    def num_transforms(self) -> int:
        """Of each tile."""
        return self.num_x + self.num_sums


@dataclass(frozen=True)
class _Work:
    """Integers of so many bits, by a kernel of so many taps; decides how they are cut.

    Attributes:
        x_bits, kernel_bits: of x and kernel, the sign among them.
        root_taps: square root of the number of taps.
    """

    x_bits: int
    kernel_bits: int
    root_taps: float

    @functools.lru_cache(1024)  # noqa: B019, a frozen record of three numbers
    def split(self, num_points: int) -> _Split | None:
        """The fewest transforms that should round right; None if none do.

        Should: x is taken as evenly spread where the kernel is one limb, for then a tile of larger numbers can be cut
        finer when it comes. The proof is made with the norms of each tile.
        """
        best = None
        for num_kernel in range(1, 9):
            for num_x in range(1, 9):
                bits = max(-(-self.x_bits // num_x), -(-self.kernel_bits // num_kernel))
                split = _Split(bits, num_x, num_kernel)
                spread = math.sqrt(3) if num_kernel == 1 else 1.0
                # balanced limbs of b bits are at most 2**(b - 1); an operand that is not cut may be shorter
                x_norm = math.sqrt(num_points) / spread * 2.0 ** (min(bits, self.x_bits) - 1)
                kernel_norm = self.root_taps / spread * 2.0 ** (min(bits, self.kernel_bits) - 1)
                error = error_factor(num_points) * x_norm * kernel_norm * min(num_x, num_kernel)
                if error < SURE and (best is None or split.num_transforms < best.num_transforms):
                    best = split
        return best

    def num_transforms(self, num_points: int) -> float:
        """Of each tile."""
        split = self.split(num_points)
        return math.inf if split is None else split.num_transforms


@dataclass(frozen=True)
class _Loaded:
    """Kernels, ready for tiles.

    Attributes:
        spectra: (M, limbs, *spectrum), divided by the number of points.
        norms: (M, limbs), the 2-norms of the limbs.
        kernels: (M, *taps), for tiles that are convolved directly.
        bits: of a limb; 0 if nothing could be proven.
    """

    spectra: Array
    norms: Array
    kernels: Array
    bits: int

    @property
    def nbytes(self) -> int:
        """Memory that they hold."""
        return self.spectra.nbytes + self.kernels.nbytes


class Limbs:
    """Overlap-save over a fixed grid of tiles, limb by limb."""

    def __init__(self, spec: ConvSpec) -> None:
        """Choose tiles and limbs, and try the transforms."""
        self._spec = spec
        self._tiling = _tiling(spec)
        self._group_shape = (self._tiling.group, *self._tiling.sizes)
        self._engine = transforms_for(self._group_shape, REAL, len(spec.axes))
        self._grid = Grid(spec, self._tiling)
        self._directly = direct.Blocks(spec)
        self._error = error_factor(math.prod(self._tiling.sizes))

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""
        return self._grid.nbytes

    def load(self, kernels: Array) -> _Loaded:
        """The spectra of the kernels' limbs, which turn circular convolution into correlation."""
        sizes = self._tiling.sizes
        num_points = math.prod(sizes)
        split = _work(self._spec).split(num_points)
        if split is None:
            return _Loaded(np.empty(0, COMPLEX), np.empty(0), kernels, 0)
        spread = tuple(slice(0, axis.reach, axis.dilation) for axis in self._spec.axes)
        tile = np.zeros(self._group_shape, REAL)
        spectra: list[list[Array]] = []
        norms: list[list[float]] = []
        for kernel in kernels:
            limbs = _limbs(kernel.view(np.int64), split.bits, split.num_kernel)
            norms.append([_norm(limb) for limb in limbs])
            of_kernel = []
            for limb in limbs:
                tile[...] = 0
                tile[(0, *spread)] = limb
                of_kernel.append(self._engine.forward(tile, len(sizes))[0].conj() / num_points)
            spectra.append(of_kernel)
        return _Loaded(np.array(spectra, COMPLEX), np.array(norms), kernels, split.bits)

    def run(self, x: Array, packed: _Loaded, out: Array, workers: int) -> Detour | None:
        """Group by group; threads share the groups."""
        groups = self._grid.groups(len(out))
        parts = min(len(groups), 4 * workers) if workers > 1 else 1
        limits = [len(groups) * i // parts for i in range(parts + 1)]

        def part(i: int) -> None:
            tile = np.zeros(self._group_shape, REAL)
            for g in range(limits[i], limits[i + 1]):
                self._one_group(x, groups[g], packed, out, tile)

        run_parts(part, parts, workers)

    def _one_group(self, x: Array, units: list[Unit], packed: _Loaded, out: Array, tile: Array) -> None:
        spec = self._spec
        words = np.dtype(np.int64)
        blocks = [
            gather(x[unit.source : unit.source + 1], spec.axes, unit.start, unit.ends(spec), spec.item)[0].view(words)
            for unit in units
        ]
        sums = self._sums(blocks, units, packed, tile) if packed.bits else None
        for slot, (unit, block) in enumerate(zip(units, blocks, strict=True)):
            target = out[unit.outputs]
            if sums is None:
                self._directly(block.view(spec.item), packed.kernels[unit.kernel], target)
            else:
                whole = sums[(slot, *(slice(0, n) for n in target.shape))]
                target[...] = whole.view(spec.item)

    def _sums(self, blocks: list[Array], units: list[Unit], packed: _Loaded, tile: Array) -> Array | None:
        """The results of a group modulo 2**64, (group, *sizes) int64; None if they are not certain."""
        cut = self._cut(blocks, units, packed)
        if cut is None:
            return None
        bits, limbs = cut
        num_x = len(limbs[0])
        num_axes, num_kernel = len(self._spec.axes), packed.spectra.shape[1]
        spectra = []
        for i in range(num_x):
            tile[len(units) :] = 0
            for slot in range(len(units)):
                fill(tile[slot], limbs[slot][i])
            spectra.append(self._engine.forward(tile, num_axes))
        total = np.zeros(tile.shape, np.int64)
        for s in range(min(num_x + num_kernel - 1, -(-WORD // bits))):
            # sums of equal place come back in one transform
            together = np.zeros_like(spectra[0])
            for i in range(max(0, s - num_kernel + 1), min(s + 1, num_x)):
                for slot, unit in enumerate(units):
                    together[slot] += spectra[i][slot] * packed.spectra[unit.kernel, s - i]
            limb = self._engine.backward(together, tile, num_axes)
            whole = np.rint(limb)
            np.subtract(limb, whole, out=limb)
            if not max(float(limb.max()), -float(limb.min())) < SANE:
                return None
            total += whole.astype(np.int64) << np.int64(s * bits)
        return total

    def _cut(self, blocks: list[Array], units: list[Unit], packed: _Loaded) -> tuple[int, list[list[Array]]] | None:
        """Bits of a limb, and the limbs of each block, such that every sum is proven to be off by less than a half."""
        most = max(signed_bits(block) for block in blocks)
        if packed.norms.shape[1] > 1:
            # limbs of x and kernel share their length, so that sums of equal place come back together
            ways = [(packed.bits, -(-most // packed.bits))]
        else:
            ways = [(-(-most // num_x), num_x) for num_x in range(1, 9)]
        for bits, num_x in ways:
            limbs = [_limbs(block, bits, num_x) for block in blocks]
            sums = [
                np.convolve([_norm(limb) for limb in of_block], packed.norms[unit.kernel]).max()
                for of_block, unit in zip(limbs, units, strict=True)
            ]
            if self._error * float(max(sums)) < SURE:
                return bits, limbs
        return None


def _norm(limb: Array) -> float:
    """The 2-norm, without a BLAS that would wake threads for it."""
    return math.sqrt(float(np.einsum("i,i->", limb.ravel(), limb.ravel())))


def _limbs(numbers: Array, bits: int, num_limbs: int) -> list[Array]:
    """Integers as sums of limbs times powers of 2**bits, in float64; the last limb takes what is left."""
    if num_limbs == 1:
        return [numbers.astype(REAL)]
    found = []
    half = np.int64(1 << (bits - 1))
    rest = numbers
    for _ in range(num_limbs - 1):
        limb = ((rest + half) & np.int64((1 << bits) - 1)) - half
        found.append(limb.astype(REAL))
        # exact: the difference ends in zeros
        rest = (rest - limb) >> np.int64(bits)
    return [*found, rest.astype(REAL)]
