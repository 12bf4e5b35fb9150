"""`convolve` and `correlate` on tensors: same words, same results, with gradients in x, kernel and weights.

The words are read by `make_spec`, so they mean what they mean for arrays. Where no gradient is wanted, tensors of the
CPU go through the door as arrays; else the call is put together from operators that torch can differentiate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..arguments import check_choice
from ..boundary import AxisBoundary, Side
from ..errors import DtypeError, MethodError, MissingData, ParameterError
from ..reading import make_spec
from ..spec import Array, Axis
from .edges import pad_by_rules
from .operators import correlate

METHODS = ("auto", "direct", "fft", "torch")
"""What serves gradients; "torch" is its own operator."""

NARROW = (torch.float16, torch.bfloat16)
"""Summed in float32, and rounded at the end."""


def call(
    on_arrays: Callable[..., Any],
    x: Any,
    kernel: Any,
    *,
    flip: bool,
    method: str,
    dtype: Any,
    nan: str,
    weights: Any,
    return_weights: bool,
    out: Any,
    workers: int | None,
    **words: Any,
) -> Any:
    """One call of the door where x or kernel is a tensor.

    Args:
        on_arrays: the same call for arrays.
        words: the other options of the door.

    Raises:
        What the door raises; DtypeError: integers with gradients or on another device; MethodError: a method without
        gradients.
    """
    if out is not None:
        raise ParameterError("out= is for arrays: torch keeps results for their gradients; assign the result instead")
    device = next(t.device for t in (x, kernel, weights) if isinstance(t, Tensor))
    x = _as_tensor(x, device, None)
    kernel = _as_tensor(kernel, device, x)
    weights = None if weights is None else _as_tensor(weights, device, None)
    given = [t for t in (x, kernel, weights) if t is not None]
    if method != "torch" and all(map(is_plain, given)):
        arrays = [plain_array(t) for t in given]
        wanted = None if dtype is None else _numpy_dtype(dtype)
        if wanted is None and not any(t.is_floating_point() or t.is_complex() for t in given):
            # as torch.sum: the one dtype of whole numbers that everything in torch takes
            wanted = np.dtype(np.int64)
        found = on_arrays(
            arrays[0], arrays[1], method=method, dtype=wanted, nan=nan, workers=workers,
            weights=None if weights is None else arrays[2], return_weights=return_weights, **words,
        )  # fmt: skip
        results = [torch.from_numpy(np.ascontiguousarray(y)) for y in (found if return_weights else (found,))]
        narrow = _torch_dtype(dtype) if dtype is not None else torch.promote_types(x.dtype, kernel.dtype)
        if narrow is torch.bfloat16:
            results[0] = results[0].to(narrow)
        return tuple(results) if return_weights else results[0]
    return _differentiable(x, kernel, flip, method, dtype, nan, weights, return_weights, words)


def _differentiable(
    x: Tensor,
    kernel: Tensor,
    flip: bool,
    method: str,
    dtype: Any,
    nan: str,
    weights: Tensor | None,
    return_weights: bool,
    words: dict[str, Any],
) -> Any:
    item = torch.promote_types(x.dtype, kernel.dtype)
    if not (item.is_floating_point or item.is_complex):
        raise DtypeError(
            f"x is {x.dtype} and the kernel {kernel.dtype} on {x.device}: whole numbers are convolved on the CPU only; "
            f"give floats, e.g. x.float()"
        )
    if method not in METHODS:
        raise MethodError(f'method="{method}" has no gradients: take {", ".join(METHODS)}, or x.detach()')
    check_choice("nan", nan, ("propagate", "omit", "error"))
    layout = _read(tuple(map(index, x.shape)), tuple(map(index, kernel.shape)), flip, tuple(words.items()))
    work = torch.float32 if item in NARROW else item
    w = layout.kernels(kernel.to(work), flip)
    data = layout.stack(x.to(work))
    missing = torch.isnan(data)
    if nan == "error" and bool(missing.any() | torch.isnan(w).any()):
        raise MissingData('x or the kernel holds NaN and nan="error" was asked for')
    present = None if weights is None else layout.stack(weights.expand(x.shape).to(data.real.dtype))
    if nan == "omit":
        present = torch.where(missing, 0.0, torch.ones_like(data.real) if present is None else present)
    if present is not None:
        # what counts nothing may hold anything
        data = torch.where(present == 0, 0.0, data) * present
    y = layout.run(data, w, method)
    share = None
    if present is not None or any(axis.ignores for axis in layout.axes):
        share = layout.share(present, w.abs(), method)
        y = y / share
    y = layout.unstack(y).to(item if dtype is None else _torch_dtype(dtype))
    if not return_weights:
        return y
    full = torch.ones_like(y.real) if share is None else layout.unstack(share.expand(layout.out_shape))
    return y, full.to(torch.float64)


@dataclass(frozen=True)
class _Layout:
    """One convolution in torch's layout: (entries, 1, *sizes) with one kernel, or (1, entries, *sizes) with one each.

    Attributes:
        axes: the convolved axes, in the order of x.
        batch: lengths of the other axes, those of x and kernel broadcast.
        x_batch, kernel_batch: the same of each.
        order: the axes of x, convolved ones last.
        weight_order: for every weight of the correlation, (M, *taps), its place in the caller's kernel.
    """

    axes: tuple[Axis, ...]
    batch: tuple[int, ...]
    x_batch: tuple[int, ...]
    kernel_batch: tuple[int, ...]
    order: tuple[int, ...]
    weight_order: tuple[int, ...]

    @property
    def groups(self) -> int:
        """Kernels."""
        return math.prod(self.batch) if math.prod(self.kernel_batch) != 1 else 1

    @property
    def taps(self) -> tuple[int, ...]:
        """Lengths of the kernel."""
        return tuple(axis.taps for axis in self.axes)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the result of `run` on the whole stack."""
        entries = (1, self.groups) if self.groups != 1 else (math.prod(self.batch), 1)
        return (*entries, *(axis.num_out for axis in self.axes))

    def stack(self, x: Tensor) -> Tensor:
        """The tensor x, of the shape of the caller's, in this layout."""
        sizes = [axis.size for axis in self.axes]
        x = x.permute(self.order)
        if self.groups != 1:
            return x.expand(*self.batch, *sizes).reshape(1, -1, *sizes)
        return x.reshape(math.prod(self.batch), 1, *sizes)

    def unstack(self, y: Tensor) -> Tensor:
        """A result as the caller wants it."""
        y = y.reshape(*self.batch, *(axis.num_out for axis in self.axes))
        return y.permute(sorted(range(y.ndim), key=self.order.__getitem__))

    def kernels(self, kernel: Tensor, flip: bool) -> Tensor:
        """The weights of the correlation, (groups, 1, *taps)."""
        w = kernel.reshape(-1)[torch.tensor(self.weight_order, device=kernel.device)]
        w = w if flip else w.conj()
        if self.groups != 1:
            w = w.reshape(*self.kernel_batch, *self.taps).expand(*self.batch, *self.taps)
        return w.reshape(self.groups, 1, *self.taps)

    def run(self, x: Tensor, w: Tensor, method: str, rules: Sequence[AxisBoundary] | None = None) -> Tensor:
        """Correlate with zeros outside, or by other rules."""
        rules = [axis.boundary for axis in self.axes] if rules is None else rules
        before, after = [axis.before for axis in self.axes], [axis.after for axis in self.axes]
        zeros = all(side.fills and side.value == 0 for rule in rules for side in (rule.before, rule.after))
        if not zeros or min(*before, *after) < 0:
            x = pad_by_rules(x, rules, before, after)
            before = after = [0] * len(rules)
        strides, dilations = [axis.stride for axis in self.axes], [axis.dilation for axis in self.axes]
        return correlate(x, w, strides, dilations, before, after, self.groups, method)

    def share(self, present: Tensor | None, size: Tensor, method: str) -> Tensor:
        """The share of the weights that hit something, exactly 1 where nothing is missing, in the layout of `run`.

        Args:
            present: what each sample counts; None means 1.
            size: sizes of the weights.
        """
        if present is None:
            present = torch.ones((1, self.groups, *(axis.size for axis in self.axes))).to(size)
        counted = [_as_count(axis.boundary, missing=False) for axis in self.axes]
        missed = [_as_count(axis.boundary, missing=True) for axis in self.axes]
        hit, miss = self.run(present, size, method, counted), self.run(1 - present, size, method, missed)
        whole = miss == 0
        return torch.where(whole, 1.0, hit / torch.where(whole, 1.0, hit + miss))


def _as_count(rule: AxisBoundary, *, missing: bool) -> AxisBoundary:
    """The rule with 1 for what counts outside: values as data, or what is ignored as missing."""

    def side(given: Side) -> Side:
        if not given.fills:
            return given
        return Side("constant", 1) if (given.rule == "ignore") == missing else Side("zero")

    return AxisBoundary(side(rule.before), side(rule.after))


def _read(
    x_shape: tuple[int, ...], kernel_shape: tuple[int, ...], flip: bool, words: tuple[tuple[str, Any], ...]
) -> _Layout:
    """The caller's words as a layout."""
    axes, *rest = _facts(x_shape, kernel_shape, flip, words)
    built = []
    for *numbers, rule_before, value_before, rule_after, value_after in axes:
        position, size, taps, stride, dilation, before, after = numbers
        rule = AxisBoundary(Side(rule_before, value_before), Side(rule_after, value_after))
        built.append(Axis(position, size, taps, stride, dilation, before, after, rule))
    return _Layout(tuple(built), *rest)


@torch.compiler.assume_constant_result
def _facts(
    x_shape: tuple[int, ...], kernel_shape: tuple[int, ...], flip: bool, words: tuple[tuple[str, Any], ...]
) -> tuple[Any, ...]:
    """What `_Layout` holds, as numbers and words: all that torch.compile takes for constant.

    `make_spec` lays out a kernel of numbers, which then tell where each weight goes.
    """
    numbers = np.arange(math.prod(kernel_shape), dtype=np.float64).reshape(kernel_shape)
    spec, kernels = make_spec(x_shape, np.dtype(np.float64), numbers, flip=flip, **dict(words))
    positions = tuple(axis.position for axis in spec.axes)
    order = (*(p for p in range(len(x_shape)) if p not in positions), *positions)
    axes = tuple(
        (a.position, a.size, a.taps, a.stride, a.dilation, a.before, a.after, a.boundary.before.rule,
         a.boundary.before.value, a.boundary.after.rule, a.boundary.after.value)
        for a in spec.axes
    )  # fmt: skip
    return axes, spec.batch, spec.x_batch, spec.kernel_batch, order, tuple(kernels.reshape(-1).astype(int).tolist())


def is_plain(t: Tensor) -> bool:
    """Whether a tensor may be read as an array: its memory is all there is to it, now."""
    return (
        t.device.type == "cpu"
        and not (torch.is_grad_enabled() and t.requires_grad)
        and not torch.compiler.is_compiling()
        and type(t) in (Tensor, torch.nn.Parameter)
        and not torch._C._functorch.is_functorch_wrapped_tensor(t)
        and not torch.autograd.forward_ad._current_level >= 0
        and t.layout == torch.strided
    )


def plain_array(t: Tensor) -> Array:
    """The memory of a plain tensor as an array; bfloat16, which NumPy lacks, as float32."""
    t = t.detach().resolve_conj().resolve_neg()
    return (t.float() if t.dtype is torch.bfloat16 else t).numpy()


def _as_tensor(data: Any, device: torch.device, like: Tensor | None) -> Tensor:
    """`data` as a tensor of this device; lists and numbers take the dtype of `like`, as in arithmetic with them."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (list, tuple, int, float, complex)):
        found = torch.tensor(data, dtype=torch.float64 if _has_floats(data) else None)
        inexact = like is not None and (like.is_floating_point() or like.is_complex())
        if like is not None and inexact:
            wanted = torch.promote_types(like.dtype, torch.complex64) if found.is_complex() else like.dtype
            found = found.to(wanted)
        return found.to(device)
    return torch.from_numpy(np.ascontiguousarray(np.asarray(data))).to(device)


def _has_floats(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return any(map(_has_floats, data))
    return isinstance(data, float)


def _torch_dtype(dtype: Any) -> torch.dtype:
    return dtype if isinstance(dtype, torch.dtype) else torch.from_numpy(np.empty(0, dtype)).dtype


def _numpy_dtype(dtype: Any) -> np.dtype[Any]:
    if isinstance(dtype, torch.dtype):
        return np.dtype(np.float32) if dtype is torch.bfloat16 else torch.empty(0, dtype=dtype).numpy().dtype
    return np.dtype(dtype)
