"""Pooling: one number per window, windows as far apart as they are long unless said otherwise.

Sizes, padding and rounding are PyTorch's; x needs no batch or channel axes, `axes=` names those that are pooled.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

from ..arguments import Axes, integers, parse_axes, positive
from ..door import correlate
from ..errors import ParameterError, ShapeError
from ..spec import Array
from .extrema import least_of
from .inputs import Lengths, as_floats, as_numbers, beside, rounded, takes_tensors, weights_dtype


@takes_tensors
def max_pool(
    x: Any,
    size: Lengths,
    *,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    dilation: Lengths = 1,
    ceil_mode: bool = False,
    axes: Axes = None,
) -> Array:
    """The largest sample of every window.

    Args:
        x: array or tensor of any shape; integers, bool or real floats.
        size: length of the window in samples; one number, or one per axis of `axes`.
        stride: distance from window to window; None means `size`.
        padding: how many positions the windows start before x and end behind it, at most half a window. They are
            empty, not zero.
        dilation: distance between the samples of a window.
        ceil_mode: True keeps a last window that reaches beyond x, if it starts inside.
        axes: the axes to pool; None means all. For (channels, height, width) give (1, 2).

    Returns:
        Same dtype as x; each pooled axis has floor((n + 2 padding - dilation (size - 1) - 1) / stride) + 1 samples,
        with `ceil_mode` rounded up. A NaN makes exactly the windows NaN that hold it. Of equal samples of a tensor the
        first takes the whole gradient.

    Raises:
        ParameterError: lengths that are not whole numbers >= 1, or more padding than half a window.
        ShapeError: no window fits into x, or one would hold no sample.
        DtypeError: complex numbers, which have no order, or no numbers at all.

    Source: Boureau, Ponce and LeCun 2010, "A theoretical analysis of feature pooling in visual recognition", ICML.

    Example:
        >>> import faltung as ft
        >>> ft.max_pool([1, 5, 2, 0, 3, 4], 3, stride=2)
        array([5, 3])
    """
    array = as_numbers(x, "biuf")
    windows = _windows(array, size, stride, padding, dilation, ceil_mode, axes)
    if not isinstance(array, np.ndarray):
        from .tensors import largest_of_windows

        return largest_of_windows(array, windows)
    lowest = least_of(array.dtype)

    def largest(samples: Array, window: Window) -> Array:
        return window.reduce(samples, np.maximum, lowest)

    return _axis_by_axis(array, windows, largest)


@takes_tensors
def avg_pool(
    x: Any,
    size: Lengths,
    *,
    stride: Lengths | None = None,
    padding: Lengths = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    axes: Axes = None,
) -> Array:
    """The mean of every window.

    Args:
        x: array or tensor of any shape; integers up to 16 bits are computed and returned in float32, wider ones in
            float64.
        size, stride, ceil_mode, axes: as in `max_pool`.
        padding: how many zeros are added before and behind x, at most half a window.
        count_include_pad: whether these zeros count as samples; False takes the mean of what is in x.

    Returns:
        As in `max_pool`.

    Raises:
        ParameterError, ShapeError, DtypeError: as in `max_pool`, but complex numbers are allowed.

    Example:
        >>> import faltung as ft
        >>> ft.avg_pool([1.0, 5.0, 2.0, 0.0], 2)
        array([3., 1.])
    """
    array = as_floats(x)
    windows = _windows(array, size, stride, padding, 1, ceil_mode, axes)
    total = correlate(
        array,
        np.ones([w.taps for w in windows], weights_dtype(array)),
        stride=[w.stride for w in windows],
        padding=[(w.padding, w.padding_after) for w in windows],
        axes=tuple(w.position for w in windows),
    )
    for window in windows:
        shape = [1] * array.ndim
        shape[window.position] = window.num_out
        counts = window.counts(window.padding if count_include_pad else 0)
        total /= beside(counts.reshape(shape), total)
    return rounded(total, array)


@takes_tensors
def lp_pool(
    x: Any,
    norm: float,
    size: Lengths,
    *,
    stride: Lengths | None = None,
    ceil_mode: bool = False,
    axes: Axes = None,
) -> Array:
    """The Lp norm of every window, (sum of |x|**p) ** (1 / p): between the sum (p = 1) and the largest (p = inf).

    Args:
        x: array or tensor of any shape; integers up to 16 bits are computed and returned in float32, wider ones in
            float64.
        norm: p, > 0; inf is allowed.
        size, stride, ceil_mode, axes: as in `max_pool`.

    Returns:
        As in `max_pool`; real and >= 0. PyTorch's is the same for even p and for x >= 0; for odd p it keeps signs and
        may take roots of negative sums, which gives NaN. It also enlarges windows cut off by `ceil_mode`. Of a tensor
        the gradient of a norm of 0 is 0, and so is that of a sample of 0 where p is not even; with gradients, windows
        that overlap take memory for each of their samples.

    Raises:
        ParameterError, ShapeError, DtypeError: as in `max_pool`, but complex numbers are allowed.

    Source: Sermanet, Chintala and LeCun 2012, "Convolutional neural networks applied to house numbers", ICPR.

    Example:
        >>> import faltung as ft
        >>> ft.lp_pool([3.0, -4.0, 0.0, 2.0], 2, 2)
        array([5., 2.])
    """
    array = as_floats(x)
    power = math.inf if norm == math.inf else positive("norm", norm)
    windows = _windows(array, size, stride, 0, 1, ceil_mode, axes)
    if not isinstance(array, np.ndarray):
        from .tensors import norm_of_windows

        return norm_of_windows(array, windows, power)
    array = np.abs(array)

    def length(samples: Array, window: Window) -> Array:
        largest = window.reduce(samples, np.maximum, 0.0)
        if power == math.inf:
            return largest
        # powers of shares of the largest neither overflow nor vanish all together
        scale = np.where((largest > 0) & np.isfinite(largest), largest, 1).astype(samples.dtype)
        total = np.zeros_like(largest)
        with np.errstate(under="ignore"):
            for outputs, inputs in window.overlaps():
                total[outputs] += (samples[inputs] / scale[outputs]) ** power
            return scale * total ** (1 / power)

    wide = array.astype(weights_dtype(array), copy=False)
    return _axis_by_axis(wide, windows, length).astype(array.dtype, copy=False)


@dataclass(frozen=True)
class Window:
    """The windows along one axis: window o holds the samples at o * stride + j * dilation - padding, j < taps.

    Attributes:
        position: which axis of x, >= 0.
        num: length of the axis.
        num_out: number of windows.
    """

    position: int
    num: int
    taps: int
    stride: int
    padding: int
    dilation: int
    num_out: int

    @property
    def padding_after(self) -> int:
        """How far the last window reaches beyond x."""
        reach = (self.num_out - 1) * self.stride + (self.taps - 1) * self.dilation + 1
        return max(0, reach - self.padding - self.num)

    def counts(self, beyond: int) -> Array:
        """How many samples every window holds if the axis were `beyond` samples longer on both sides."""
        starts = np.arange(self.num_out) * self.stride - self.padding
        first = np.maximum(0, -((starts + beyond) // self.dilation))
        last = np.minimum(self.taps - 1, (self.num + beyond - 1 - starts) // self.dilation)
        return np.maximum(0, last - first + 1)

    def overlaps(self) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """For every tap: the windows in which it hits x, and the samples that it hits, as indices."""
        before = (slice(None),) * self.position
        found = []
        for j in range(self.taps):
            shift = j * self.dilation - self.padding
            first = max(0, -(shift // self.stride))
            last = min(self.num_out - 1, (self.num - 1 - shift) // self.stride)
            if first <= last:
                start = first * self.stride + shift
                stop = last * self.stride + shift + 1
                found.append(((*before, slice(first, last + 1)), (*before, slice(start, stop, self.stride))))
        return found

    def reduce(self, samples: Array, pick: np.ufunc, start: Any) -> Array:
        """Fold every window with a ufunc such as np.maximum."""
        shape = list(samples.shape)
        shape[self.position] = self.num_out
        out = np.full(shape, start, samples.dtype)
        if self.num_out >= self.taps:
            for outputs, inputs in self.overlaps():
                pick(out[outputs], samples[inputs], out=out[outputs])
            return out
        # few long windows, such as one over everything: window by window
        before = (slice(None),) * self.position
        for o in range(self.num_out):
            first = o * self.stride - self.padding
            stop = first + (self.taps - 1) * self.dilation + 1
            first += self.dilation * max(0, -(first // self.dilation))
            inputs = (*before, slice(first, min(stop, self.num), self.dilation))
            out[(*before, o)] = pick.reduce(samples[inputs], axis=self.position)
        return out


def _axis_by_axis(array: Array, windows: list[Window], fold: Callable[[Array, Window], Array]) -> Array:
    """Fold a box of samples by folding its rows, then its columns."""
    # the shortest result first: later axes then have less to do
    for window in sorted(windows, key=lambda w: w.num_out / w.num):
        array = fold(array, window)
    return array


def _windows(
    array: Array,
    size: Lengths,
    stride: Lengths | None,
    padding: Lengths,
    dilation: Lengths,
    ceil_mode: bool,
    axes: Axes,
) -> list[Window]:
    """The windows along every pooled axis, checked."""
    positions = parse_axes(axes, array.ndim)
    num_axes = len(positions)
    sizes = integers("size", size, num_axes, least=1)
    strides = sizes if stride is None else integers("stride", stride, num_axes, least=1)
    paddings = integers("padding", padding, num_axes, least=0)
    dilations = integers("dilation", dilation, num_axes, least=1)
    return [
        _window(p, index(array.shape[p]), *numbers, ceil_mode=ceil_mode)
        for p, numbers in zip(positions, zip(sizes, strides, paddings, dilations, strict=True), strict=True)
    ]


def _window(position: int, num: int, taps: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool) -> Window:
    reach = (taps - 1) * dilation + 1
    if 2 * padding > reach:
        raise ParameterError(
            f"padding={padding} is more than half of a window of {reach}: at most {reach // 2} is allowed, or a window "
            f"could lie outside x"
        )
    least = max(1, reach - 2 * padding)
    if num < least:
        raise ShapeError(
            f"axis {position} of x has {num} samples and the window reaches over {reach}, {2 * padding} of them "
            f"padding: x needs at least {least} samples here, or take a smaller size"
        )
    room = num + 2 * padding - reach
    num_out = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (num_out - 1) * stride >= num + padding:
        num_out -= 1
    if dilation > 1 and steps_over(num, taps, stride, padding, dilation, num_out):
        raise ShapeError(
            f"axis {position} of x has {num} samples and a window with dilation {dilation} steps over all of them: "
            f"take less padding or less dilation"
        )
    return Window(position, num, taps, stride, padding, dilation, num_out)


def steps_over(num: int, taps: int, stride: int, padding: int, dilation: int, num_out: int) -> bool:
    """Whether a window holds no sample of x."""
    return not Window(0, num, taps, stride, padding, dilation, num_out).counts(0).all()
