"""What filters do on tensors of torch where arrays go another way, so that gradients of any order come out right.

Lengths and norms have no slope at zero; there the gradient is 0, and so are the gradients of that. Where several
samples of a window are its extreme, the first of them in memory order takes the whole gradient.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..boundary import AxisBoundary, Side
from ..errors import DtypeError, ShapeError
from ..reading import check_nan
from ..spec import Array, Nan
from ..tensors.calls import NARROW, is_plain, plain_array
from ..tensors.edges import pad_by_rules
from . import kernels
from .extrema import check_values, filled, greatest_of, least_of
from .pooling import Window, steps_over
from .smoothing import share_weights

_REAL_PARTS = {torch.complex64: torch.float32, torch.complex128: torch.float64}
_NUMBERS = (
    torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
    torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.complex64, torch.complex128,
)  # fmt: skip

# what is made of numbers alone is constant to torch.compile, which could not look into it
for _made in (kernels.gaussian, kernels.gaussian_derivative, kernels.box, share_weights, steps_over):
    torch.compiler.assume_constant_result(_made)


def call(filter_: Callable[..., Any], x: Tensor, *args: Any, **words: Any) -> Any:
    """One call of a filter: on arrays where nothing asks for a gradient, else on the tensors themselves.

    Returns:
        Tensors on the device of x; of a narrow x in its dtype.
    """
    given = [t for t in (x, *args, *words.values()) if isinstance(t, Tensor)]
    if all(map(is_plain, given)):
        return _on_arrays(filter_, x, *args, **words)
    return _each(filter_(x, *args, **words), lambda y: y.to(x.dtype) if x.dtype in NARROW else y)


def call_without_gradient(filter_: Callable[..., Any], x: Tensor, *args: Any, **words: Any) -> Any:
    """One call of a filter that has no gradient, on arrays in any case.

    Raises:
        DtypeError: x needs a gradient.
    """
    if torch.is_grad_enabled() and x.requires_grad:
        raise DtypeError(f"x needs a gradient and {filter_.__name__} has none: give x.detach()")
    return _each(_on_arrays(filter_, x.cpu(), *args, **words), lambda y: y.to(x.device))


def _on_arrays(filter_: Callable[..., Any], x: Tensor, *args: Any, **words: Any) -> Any:
    _check_dtype(x)

    def plain(given: Any) -> Any:
        return plain_array(given) if isinstance(given, Tensor) else given

    found = filter_(plain(x), *map(plain, args), **{name: plain(value) for name, value in words.items()})
    narrow = x.dtype is torch.bfloat16

    def tensor(y: Array) -> Tensor:
        t = torch.from_numpy(np.ascontiguousarray(y))
        return t.to(x.dtype) if narrow else t

    return _each(found, tensor)


def _each(found: Any, made: Callable[[Any], Tensor]) -> Any:
    """The result, or each field of a result that has several."""
    if is_dataclass(found) and not isinstance(found, type):
        return type(found)(**{field.name: made(getattr(found, field.name)) for field in fields(found)})
    return made(found)


def as_numbers(x: Tensor, allowed: str) -> Tensor:
    """See `inputs.as_numbers`."""
    _check_dtype(x)
    if x.is_complex() and "c" not in allowed:
        raise DtypeError(f"x has dtype {x.dtype}, and complex numbers have no order: give x.abs(), or a part")
    if x.ndim == 0:
        raise ShapeError("x is a single number: a tensor with at least one axis is expected")
    return x


def _check_dtype(x: Tensor) -> None:
    if x.dtype not in _NUMBERS:
        raise DtypeError(f"x has dtype {x.dtype}: filters take numbers; convert it, e.g. x.float()")


def as_floats(x: Tensor, nan: Nan) -> Tensor:
    """See `inputs.as_floats`; but narrow floats become float32 until the end of the call."""
    check_nan(nan, _numpy_dtype(x))
    if x.dtype in NARROW:
        return x.float()
    if x.is_floating_point() or x.is_complex():
        return x
    return x.to(torch.float32 if x.dtype.itemsize <= 2 else torch.float64)


def weights_dtype(x: Tensor) -> np.dtype[Any]:
    """The real dtype for kernels that meet x."""
    return np.dtype(np.float32) if x.dtype in (torch.float32, torch.complex64, *NARROW) else np.dtype(np.float64)


def _numpy_dtype(x: Tensor) -> np.dtype[Any]:
    return np.dtype(str(torch.float32 if x.dtype is torch.bfloat16 else x.dtype).removeprefix("torch."))


def beside(numbers: Array, x: Tensor) -> Tensor:
    """Numbers as a tensor, to be reckoned with x."""
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(x.device, _REAL_PARTS.get(x.dtype, x.dtype))


def length(parts: Tensor) -> Tensor:
    """The root of the sum of squares over axis 0.

    Not by `torch.hypot`: its gradient at zero is NaN, and where it is taken of three parts, pair by pair, the second
    derivative would be wrong wherever the first pair is zero.
    """
    if parts.is_complex():
        parts = torch.cat([parts.real, parts.imag])
    if len(parts) == 1:
        return parts[0].abs()
    shares, scale = _shares(parts, (0,))
    squares = shares.square().sum(0)
    flat = squares == 0
    found = torch.where(flat, 0, scale[0] * torch.where(flat, 1, squares).sqrt())
    # an infinite part decides beside NaN too, as in hypot
    return torch.where(parts.isinf().any(0), math.inf, found)


def angle(down: Tensor, right: Tensor) -> Tensor:
    """The angle of a vector, 0 where it is zero."""
    parts = torch.stack([down, right])
    # scaled, or squares of small parts vanish in the gradient
    (down, right), _ = _shares(parts, (0,))
    flat = (down == 0) & (right == 0)
    return torch.where(flat, 0, torch.atan2(down, torch.where(flat, 1, right)))


def _shares(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """X divided by what is largest over some axes, so that no power overflows, nor do all vanish; and that."""
    largest = x.detach().abs().amax(axes, keepdim=True)
    scale = torch.where((largest > 0) & largest.isfinite(), largest, 1)
    return x / scale, scale


def stacked(parts: list[Tensor]) -> Tensor:
    """Put side by side along a new axis in front."""
    return torch.stack(parts)


def tensor_like(x: Array, other: Tensor) -> Tensor:
    """An array as a tensor, on the device of another."""
    return torch.from_numpy(np.ascontiguousarray(x)).to(other.device)


def extreme_around(
    x: Tensor, positions: Sequence[int], lengths: Sequence[int], rules: Sequence[AxisBoundary], pick: np.ufunc
) -> Tensor:
    """The largest or smallest sample of the window around every sample, see `extrema`."""
    top, dtype = pick is np.maximum, _numpy_dtype(x)
    missing = least_of(dtype) if top else greatest_of(dtype)
    check_values(rules, dtype)
    y = x
    for position, taps, rule in sorted(zip(positions, lengths, rules, strict=True), reverse=True, key=itemgetter(0)):
        if taps > 1:
            windows = _windows(_padded(y, position, taps // 2, taps // 2, filled(rule, missing)), position, taps)
            y = (windows.max(-1) if top else windows.min(-1)).values
    return y.clone() if y is x else y


def largest_of_windows(x: Tensor, windows: Sequence[Window]) -> Tensor:
    """The largest sample of every window, see `pooling`."""
    nothing = Side("constant", least_of(_numpy_dtype(x)))
    # the last axis first, which makes the first in memory order the one that is taken
    for w in sorted(windows, key=lambda w: -w.position):
        padded = _padded(x, w.position, w.padding, w.padding_after, AxisBoundary(nothing, nothing))
        x = _windows(padded, w.position, w.taps, w.stride, w.dilation).max(-1).values
    return x


def _padded(x: Tensor, position: int, before: int, after: int, rule: AxisBoundary) -> Tensor:
    rest = x.ndim - position - 1
    untouched = [AxisBoundary(Side("zero"), Side("zero"))] * rest
    return pad_by_rules(x, [rule, *untouched], [before, *[0] * rest], [after, *[0] * rest])


def _windows(x: Tensor, position: int, taps: int, stride: int = 1, dilation: int = 1) -> Tensor:
    """Every window along one axis, its samples in a new last axis."""
    return x.unfold(position, (taps - 1) * dilation + 1, stride)[..., ::dilation]


def norm_of_windows(x: Tensor, windows: Sequence[Window], power: float) -> Tensor:
    """The Lp norm of every window, all of its axes at once."""
    if power == math.inf:
        return largest_of_windows(length(x[None]), windows)
    for w in windows:
        x = _padded(x, w.position, 0, w.padding_after, AxisBoundary(Side("zero"), Side("zero")))
        x = _windows(x, w.position, w.taps, w.stride, w.dilation)
    axes = tuple(range(x.ndim - len(windows), x.ndim))
    total, scale = _powers(x, axes, power)
    total = total.sum(axes)
    flat = total == 0
    root = torch.where(flat, 1, total) ** (1 / power)
    return torch.where(flat, 0, scale.reshape(total.shape) * root)


def _powers(x: Tensor, axes: tuple[int, ...], power: float) -> tuple[Tensor, Tensor]:
    """|x| ** power of the shares of the largest, and that."""
    if power % 2 == 0:
        # of squares: smooth at zero, which |x| is not
        shares, scale = _shares(x, axes)
        squares = shares.real.square() + shares.imag.square() if x.is_complex() else shares.square()
        return squares if power == 2 else squares ** int(power // 2), scale
    shares, scale = _shares(length(x[None]), axes)
    zero = shares == 0
    return torch.where(zero, 0, torch.where(zero, 1, shares) ** power), scale


def normalised(kernel: Tensor, x: Tensor, num_axes: int, check: Callable[[Array], Any]) -> Tensor:
    """See `smoothing._weights`: in the real dtype and on the device of x, with the kernel's gradient.

    Args:
        check: refuses kernels, as arrays.
    """
    # values can be looked at where there are some
    if not (torch.compiler.is_compiling() or torch._C._functorch.is_functorch_wrapped_tensor(kernel)):
        check(plain_array(kernel.cpu()))
    weights = kernel.to(x.device, torch.float64)
    weights = (weights / weights.sum()).to(_REAL_PARTS.get(x.dtype, x.dtype))
    return weights.flip(0) if weights.ndim == 1 < num_axes else weights
