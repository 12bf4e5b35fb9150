"""What boundary="ignore" multiplies each output with: nothing but the kernel and the place of a window decide it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .boundary import Side
from .patches import Box, any_entry, boxes
from .spec import Array, Axis, ConvSpec


@dataclass(frozen=True)
class Normaliser:
    """Factors of the outputs whose windows reach outside; all others have the factor 1.

    Attributes:
        shares: (*kernel_batch, *kinds), real: one factor for each combination of what a window can see along the axes.
        kinds: per axis, which of these each output sees.
        inside: per axis, the outputs whose windows miss nothing.
    """

    shares: Array
    kinds: tuple[Array, ...]
    inside: tuple[slice, ...]

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        return self.shares.nbytes + sum(kind.nbytes for kind in self.kinds)

    def apply(self, out: Array) -> None:
        """Multiply the canonical result (*batch, *out_sizes) in place, border by border."""
        for where, factor in self._borders():
            multiply(out[(..., *where)], factor)

    def weak(self, least: float) -> list[tuple[Box, Array]]:
        """Boxes that hold all outputs with a factor of at least this, and which these are (*kernel_batch, *lengths)."""
        found = []
        for where, factor in self._borders():
            over = factor >= least
            for box in boxes(any_entry(over, len(where))):
                shifted = zip(where, box, strict=True)
                found.append((tuple(slice(w.start + b.start, w.start + b.stop) for w, b in shifted), over[(..., *box)]))
        return found

    def _borders(self) -> Iterator[tuple[Box, Array]]:
        """Parts of the result that see outside, apart from each other, and the factors there."""
        for i, inside in enumerate(self.inside):
            # the borders of axis i: axes before it inside only, those behind it whole
            whole = slice(0, len(self.kinds[i]))
            for border in (slice(0, inside.start), slice(inside.stop, whole.stop)):
                where = (*self.inside[:i], border, *(slice(0, len(kind)) for kind in self.kinds[i + 1 :]))
                kinds = (kind[part] for kind, part in zip(self.kinds, where, strict=True))
                yield where, self.shares[(..., *np.ix_(*kinds))]


def multiply(out: Array, factor: Array) -> None:
    """Multiply by real numbers in place, part by part: as complex numbers they would turn infinite parts into NaN."""
    parts = (out.real, out.imag) if out.dtype.kind == "c" else (out,)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for part in parts:
            np.multiply(part, factor, out=part, casting="same_kind")


def make_normaliser(spec: ConvSpec, kernels: Array) -> Normaliser:
    """Sum of the sizes of all weights over the sum of those that hit data; NaN where none does.

    Right for kernels whose weights sum to zero too (Sobel, LoG), and exactly 1 where nothing is missing.

    Args:
        kernels: (M, *taps).
    """
    size = spec.sizes_of(kernels)
    axes = [_seen(axis) for axis in spec.axes]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        hit = _counted(size, axes, missing=False)
        miss = _counted(size, axes, missing=True)
        shares = np.where(miss == 0, 1.0, np.where(hit > 0, (hit + miss) / hit, np.nan))
    # so little hits that its share is beyond all numbers
    shares[np.isinf(shares)] = np.nan
    shares = shares.reshape(*spec.kernel_batch, *shares.shape[1:])
    return Normaliser(shares, tuple(axis.kind for axis in axes), tuple(axis.inside for axis in axes))


@dataclass(frozen=True)
class _Seen:
    """What the windows of one axis see.

    Attributes:
        begin, end: for each kind of window, the taps from begin to end are inside x.
        before, after: what the taps outside meet: samples from inside (None), a value, or nothing at all.
        kind: for each output, its kind of window.
        inside: the outputs that see samples only.
    """

    begin: Array
    end: Array
    before: Side | None
    after: Side | None
    kind: Array
    inside: slice


def _seen(axis: Axis) -> _Seen:
    starts = np.arange(axis.num_out, dtype=np.int64) * axis.stride - axis.before
    before, after = (side if side.fills else None for side in (axis.boundary.before, axis.boundary.after))
    # taps j with 0 <= start + j * dilation < size; a side that has samples counts as inside
    begin = np.clip(-(starts // axis.dilation), 0, axis.taps) if before else np.zeros_like(starts)
    end = np.clip(-((starts - axis.size) // axis.dilation), 0, axis.taps) if after else np.full_like(starts, axis.taps)
    ends, kind = np.unique(np.stack([begin, np.maximum(begin, end)]), axis=1, return_inverse=True)
    whole = np.flatnonzero((begin == 0) & (end == axis.taps))
    inside = slice(int(whole[0]), int(whole[-1]) + 1) if len(whole) else slice(0, 0)
    return _Seen(ends[0], ends[1], before, after, kind.reshape(-1), inside)


def _counted(size: Array, axes: list[_Seen], *, missing: bool) -> Array:
    """Sums of the weights' sizes, (M, *taps), that hit something, or that miss; (M, *kinds).

    A tap outside several axes meets what the last of them that fills has there. All terms are sums of sizes, never
    differences, so that a weight of 1e-10 beside one of 1 counts to its last digit.
    """
    num = len(axes)
    terms = []
    for i in range(-1, num):
        # i is the last axis that fills; -1: none does
        ways = [_everything(axis) for axis in axes[: i + 1]] + [_inside(axis) for axis in axes[i + 1 :]]
        if i >= 0:
            ways[i] = [
                taps
                for side, taps in ((axes[i].before, _in_front(axes[i])), (axes[i].after, _behind(axes[i])))
                if side is not None and (side.rule == "ignore") == missing
            ]
        elif missing:
            continue
        for way in itertools.product(*ways):
            part = size
            for axis, (begin, end) in enumerate(way):
                part = _range_sums(part, axis + 1, begin, end)
            terms.append(part)
    return sum(terms, start=np.zeros((len(size), *(len(axis.begin) for axis in axes)), size.dtype))


def _inside(axis: _Seen) -> list[tuple[Array, Array]]:
    return [(axis.begin, axis.end)]


def _everything(axis: _Seen) -> list[tuple[Array, Array]]:
    return [_in_front(axis), (axis.begin, axis.end), _behind(axis)]


def _in_front(axis: _Seen) -> tuple[Array, Array]:
    return np.zeros_like(axis.begin), axis.begin


def _behind(axis: _Seen) -> tuple[Array, Array]:
    return axis.end, np.full_like(axis.end, np.iinfo(np.int64).max)


def _range_sums(size: Array, axis: int, begin: Array, end: Array) -> Array:
    """Sums over begin..end along one axis, one for each pair; running sums where a range reaches an end."""
    moved = np.moveaxis(size, axis, 0)
    taps = len(moved)
    end = np.minimum(end, taps)
    zero = np.zeros_like(moved[:1])
    from_front = np.concatenate([zero, np.cumsum(moved, axis=0)])
    from_behind = np.concatenate([np.cumsum(moved[::-1], axis=0)[::-1], zero])
    sums = np.where((begin == 0).reshape(-1, *(1,) * (moved.ndim - 1)), from_front[end], from_behind[begin])
    for i in np.flatnonzero((begin > 0) & (end < taps)):
        sums[i] = moved[begin[i] : end[i]].sum(axis=0)
    return np.moveaxis(sums, 0, axis)
