"""Receptive fields: which positions of its input a network's output depends on, by algebra and by gradients."""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..errors import ParameterError, ShapeError
from . import shaping, windows
from .formula import check_shape
from .operations import RULES, Shape
from .reach import SAME, Positions, Reach
from .recording import Recording, Step, flat, name_of, plain_name, record

Places = tuple[tuple[int, ...], ...]
"""For each spatial axis, positions in rising order."""


@dataclass(frozen=True)
class ReceptiveField:
    """What the positions of a result depend on, along one spatial axis of the network's input; in pixels.

    Positions far from the border: what stands outside of the picture is counted, as if the picture went on.

    Attributes:
        start: where the field of position 0 begins; negative where it begins in the padding.
        length: of the longest field, from its first to its last pixel.
        stride: how far the field moves per position, on average; 0 where it does not move.
        phases: start and length of positions 0, 1, ... until it repeats; length 0 where nothing is seen.
        whole: every position sees the same, e.g. behind a mean over the picture.
        bound: axes were folded together (a flatten), so that single places may see less.
    """

    start: int
    length: int
    stride: Fraction
    phases: tuple[tuple[int, int], ...]
    whole: bool
    bound: bool

    def __str__(self) -> str:
        if self.whole:
            return f"{'up to ' if self.bound else ''}{self.length} (all)"
        return f"{self.length}"


def receptive_field(
    module: nn.Module, input_shape: Sequence[int], *, layer: str | None = None
) -> tuple[ReceptiveField, ...]:
    """The receptive field of a network, or of a layer in it: exact, also with branches, gaps and upsampling.

    Args:
        module: any module that takes one tensor.
        input_shape: (batch, channels, *spatial).
        layer: path of a layer, as in `named_modules`; None for the network's output.

    Returns:
        One field per spatial axis of the input.

    Raises:
        ShapeError: a layer does not take what it gets from an input of this shape.
        ParameterError: there is no such layer, or the module cannot be followed.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> net = nn.Sequential(nn.Conv1d(1, 1, 3, dilation=2), nn.MaxPool1d(2), nn.Conv1d(1, 1, 3))
        >>> field, = ft.networks.receptive_field(net, (1, 1, 64))
        >>> field.start, field.length, field.stride
        (0, 10, Fraction(2, 1))
    """
    recording = record(module, check_shape(input_shape))
    number = _number(recording, layer)
    return tuple(as_field(field) for field in recording.fields[number])


def as_field(field: Any) -> ReceptiveField:
    """A recorded field as it is shown."""
    reach: Reach = field.reach
    whole = field.axis is None or (reach.advance == 0 and reach.period == 1)
    return ReceptiveField(
        start=reach.sets[0].start,
        length=reach.length,
        stride=reach.stride,
        phases=reach.intervals,
        whole=whole,
        bound=bool(field.folded),
    )


def _number(recording: Recording, layer: str | None) -> int:
    if layer is None:
        return recording.outputs[0]
    numbers = recording.results.get(layer)
    if not numbers:
        known = [path for path in recording.results if path]
        raise ParameterError(
            f"layer {layer!r} is not used; layers are {', '.join(known[:20])}{', ...' * (len(known) > 20)}"
        )
    return numbers[0]


def receptive_positions(
    module: nn.Module, input_shape: Sequence[int], position: Sequence[int], *, layer: str | None = None
) -> Places:
    """Which pixels one position of the output depends on, with every border of every layer heeded.

    Args:
        module: any module that takes one tensor.
        input_shape: (batch, channels, *spatial).
        position: along the last axes of the output; () asks for the whole output.
        layer: path of a layer; None for the network's output.

    Returns:
        For each spatial axis of the input the positions that are seen, in rising order.

    Raises:
        ShapeError: the position is outside, or the input does not fit.
        ParameterError: there is no such layer, or the module cannot be followed.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> ft.networks.receptive_positions(nn.Conv1d(1, 1, 3, dilation=2, padding=2), (1, 1, 9), (1,))
        ((1, 3),)
    """
    recording = record(module, check_shape(input_shape))
    number = _number(recording, layer)
    shape = recording.shapes[number]
    axes = range(len(shape) - len(_check_position(position, shape)), len(shape))
    box = [Positions.line(0, size) for size in shape]
    for axis, place in zip(axes, position, strict=True):
        box[axis] = Positions(place, 1)
    boxes = _sources(recording, number, tuple(box))
    count = len(recording.axes)
    seen = [Positions()] * count
    for found in boxes:
        seen = [a | b for a, b in zip(seen, found[2:], strict=True)]
    return tuple(tuple(positions) for positions in seen)


def _check_position(position: Sequence[int], shape: Shape) -> Sequence[int]:
    sizes = shape[len(shape) - len(position) :]
    if len(position) > len(shape) or not all(0 <= p < size for p, size in zip(position, sizes, strict=False)):
        raise ShapeError(f"position {tuple(position)} is outside of a result of shape {tuple(shape)}")
    return position


Box = tuple[Positions, ...]
"""A set of places as a product: positions for each axis of a tensor."""


def _sources(recording: Recording, number: int, box: Box) -> list[Box]:
    """The places of the input that some places of a tensor depend on, as boxes; backwards through the steps."""
    wanted: dict[int, list[Box]] = {number: [box]}
    for step in reversed(recording.steps):
        boxes = wanted.pop(step.output, [])
        for i, (source, moves) in enumerate(zip(step.inputs, step.moves, strict=True)):
            shape = recording.shapes[source]
            for found in boxes:
                for placed in _unfolded(step if i == 0 else None, found, shape):
                    parts = tuple(
                        placed[old]
                        if old in placed
                        else _through(reach, None if axis is None else found[axis]).within(size)
                        for old, ((axis, reach), size) in enumerate(zip(moves, shape, strict=True))
                    )
                    # a place needs a position on every axis
                    if all(part.mask for part in parts):
                        _absorb(wanted.setdefault(source, []), parts)
    return wanted.get(0, [])


def _unfolded(step: Step | None, box: Box, shape: Shape) -> list[dict[int, Positions]]:
    """Places of folded axes as places of the axes before: element by element, unless all are asked for."""
    found: list[dict[int, Positions]] = [{}]
    if step is None:
        return found
    for old, new in step.groups:
        sizes = [shape[axis] for axis in old]
        if all(len(box[axis]) == step.shape[axis] for axis in new):
            places = [{axis: Positions.line(0, shape[axis]) for axis in old}]
        else:
            flat_places = np.ravel_multi_index(
                np.meshgrid(*(list(box[axis]) for axis in new), indexing="ij"), [step.shape[axis] for axis in new]
            )
            rows: list[Box] = []
            for place in zip(*(row.tolist() for row in np.unravel_index(flat_places.ravel(), sizes)), strict=True):
                _absorb(rows, tuple(Positions(position, 1) for position in place))
            places = [dict(zip(old, row, strict=True)) for row in rows]
        found = [{**before, **place} for before in found for place in places]
    return found


def _through(reach: Reach, positions: Positions | None) -> Positions:
    if positions is None:
        return reach.at(0)
    return positions if reach is SAME else reach.of(positions)


def _absorb(boxes: list[Box], new: Box) -> None:
    """Add a box, unless another holds it; those that it holds go; two that differ on one axis become one."""
    for old in boxes:
        differing = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        if len(differing) <= 1 or all(b <= a for a, b in zip(old, new, strict=True)):
            boxes.remove(old)
            _absorb(boxes, tuple(a | b for a, b in zip(old, new, strict=True)))
            return
    boxes[:] = [old for old in boxes if not all(a <= b for a, b in zip(old, new, strict=True))]
    boxes.append(new)


def measure_receptive_field(
    module: nn.Module, input_shape: Sequence[int], position: Sequence[int], *, layer: str | None = None
) -> Places:
    """The same as `receptive_positions`, measured: where the gradient of that position by the input is not zero.

    A copy of the network is run in float64 with random positive weights. What is not linear is replaced by something
    that depends on the same positions and lets every gradient through: maxima by sums, products of features by sums,
    activations by nothing, norms by adding the mean. So no gradient is zero by accident, and none by cancellation.

    Args:
        module: any module that takes one tensor.
        input_shape: (batch, channels, *spatial).
        position: along the last axes of the output; () asks for the whole output.
        layer: path of a layer; None for the network's output.

    Raises:
        ShapeError: the position is outside.
        ParameterError: there is no such layer.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> ft.networks.measure_receptive_field(nn.Conv1d(1, 1, 3, dilation=2, padding=2), (1, 1, 9), (1,))
        ((1, 3),)
    """
    twin = copy.deepcopy(module).double()
    random = torch.Generator().manual_seed(0)
    for tensor in twin.parameters():
        tensor.requires_grad_(requires_grad=False)
        values = torch.rand(tensor.shape, generator=random, dtype=torch.float64) + 0.5
        # sums of a row near 1: deep networks then neither overflow nor vanish
        tensor.copy_(values / max(1, tensor.numel() // max(1, tensor.shape[0] if tensor.ndim else 1)))
    x = torch.rand(tuple(check_shape(input_shape)), generator=random, dtype=torch.float64).add_(0.5).requires_grad_()
    kept: list[Any] = []
    if layer is not None:
        inner = dict(twin.named_modules()).get(layer)
        if inner is None:
            raise ParameterError(f"layer {layer!r}: there is none of this path")
        inner.register_forward_hook(lambda _m, _i, result: kept.append(result))
    with torch.enable_grad():
        # a leaf that wants a gradient must not be written into
        start = x * 1
        with _Linear():
            result = twin(start)
    found = [value for value in flat(kept[-1] if kept else result) if isinstance(value, torch.Tensor)]
    if layer is not None and not kept:
        raise ParameterError(f"layer {layer!r} is not used")
    _check_position(position, tuple(found[0].shape))
    part = found[0][(..., *position)]
    gradient = torch.autograd.grad(part.sum(), x, allow_unused=True)[0]
    touched = torch.zeros_like(x) if gradient is None else gradient
    touched = (touched != 0).any(0).any(0)
    seen = []
    for axis in range(touched.ndim):
        others = [i for i in range(touched.ndim) if i != axis]
        line = touched.permute(axis, *others).reshape(touched.shape[axis], -1).any(1)
        seen.append(tuple(line.nonzero().flatten().tolist()))
    return tuple(seen)


class _Linear(TorchFunctionMode):
    """Runs a linear twin in the place of every operation on something that has a gradient."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        tensors = [v for v in flat((args, named)) if isinstance(v, torch.Tensor)]
        if not any(tensor.requires_grad for tensor in tensors):
            return function(*args, **named)
        name = name_of(function)
        in_place = name.endswith("_") and not name.startswith("_")
        twin = _TWINS.get(RULES.get(plain_name(name)))
        return function(*args, **named) if twin is None else twin(function, in_place, tensors, args, named)


def _sum(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    floats = [tensor for tensor in tensors if tensor.is_floating_point()]
    if in_place:
        return floats[0].add_(sum(floats[1:])) if len(floats) > 1 else floats[0]
    return sum(floats[1:], floats[0])


def _first(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    return tensors[0]


def _summed_windows(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    """Maxima or norms as sums over the same windows: a convolution of each channel with ones, laid out by torch."""
    result = function(*args, **named)
    x, values = tensors[0], result[0] if isinstance(result, tuple) else result
    facts = inspect.signature(_window_words).bind(*args, **named)
    facts.apply_defaults()
    count = int(name_of(function).partition("pool")[2][0])
    kernel, stride, padding, dilation = (
        [entry] * count if isinstance(entry, int) else list(entry)
        for entry in _window_words(*facts.args, **facts.kwargs)
    )
    ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
    # what ceil_mode adds lies to the right
    room = [size for k, s in zip(kernel[::-1], stride[::-1], strict=True) for size in (0, k + s)]
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[count - 1]
    padded = functional.pad(functional.pad(x, [p for p in padding[::-1] for _ in (0, 1)]), room)
    summed = convolve(padded, ones, None, stride, 0, dilation, x.shape[1])
    summed = summed[(..., *(slice(size) for size in values.shape[-count:]))]
    return (summed, *result[1:]) if isinstance(result, tuple) else summed


def _window_words(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, *rest: Any, **others: Any
) -> tuple[Any, Any, Any, Any]:
    return kernel_size, kernel_size if stride in (None, [], ()) else stride, padding, dilation


def _norm_windows(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    """A p-norm over windows as their sum."""
    x, _, *rest = args
    pool = getattr(functional, name_of(function).replace("lp", "avg"))
    return pool(x, *rest, **{key: value for key, value in named.items() if key != "norm_type"})


def _shared_mean(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    result = function(*args, **named)
    mean = getattr(functional, name_of(function).replace("max", "avg").replace("_with_indices", ""))
    values = mean(tensors[0], args[1] if len(args) > 1 else named["output_size"])
    return (values, *result[1:]) if isinstance(result, tuple) else values


def _plus_sum(axes: Callable[[Any, Any, Any], Sequence[int]]) -> Callable[..., Any]:
    """Something that divides by a mean or a variance over some axes: adds the sum over them."""

    def twin(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
        x = tensors[0]
        along = list(axes(x, args, named))
        return x + x.sum(along, keepdim=True) if along else x

    return twin


def _summed_so_far(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    return torch.cumsum(tensors[0], named.get("dim", args[1] if len(args) > 1 else None))


def _batch_axes(x: Any, args: Any, named: Any) -> list[int]:
    training = named.get("training", next((value for value in args if isinstance(value, bool)), False))
    return [axis for axis in range(x.ndim) if axis != 1] if training else []


def _picture_axes(x: Any, args: Any, named: Any) -> range:
    return range(2, x.ndim) if named.get("use_input_stats", True) else range(0)


def _line_axis(x: Any, args: Any, named: Any) -> list[int]:
    numbers = [value for value in args[1:] if isinstance(value, int) and not isinstance(value, bool)]
    return [named.get("dim", numbers[0] if numbers else 1)]


def _last_axes(x: Any, args: Any, named: Any) -> range:
    return range(x.ndim - len(named.get("normalized_shape", args[1] if len(args) > 1 else ())), x.ndim)


def _reduced(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    if len(args) > 1 and isinstance(args[1], torch.Tensor):
        return _sum(function, in_place, tensors, args, named)
    axes, keep = shaping.reduced_axes(tensors[0].ndim, args[1:], named)
    summed, result = tensors[0].sum(axes, keepdim=keep), function(*args, **named)
    return (summed, result[1]) if isinstance(result, tuple) else summed


def _halves(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    left, right = tensors[0].chunk(2, named.get("dim", args[1] if len(args) > 1 else -1))
    return left + right


def _attended(function: Any, in_place: bool, tensors: Any, args: Any, named: Any) -> Any:
    query, key, value = args[:3]
    return query.sum(-1, keepdim=True) + (key.sum(-1, keepdim=True) + value).sum(-2, keepdim=True)


_TWINS: dict[Any, Callable[..., Any]] = {
    shaping.pointwise: _sum,
    shaping.prelu: _first,
    shaping.reduce: _reduced,
    shaping.extreme: _reduced,
    shaping.extreme_value: _reduced,
    shaping.glu: _halves,
    shaping.attention: _attended,
    shaping.along_axis: _plus_sum(_line_axis),
    shaping.sums_so_far: _summed_so_far,
    windows.local_response_norm: _plus_sum(lambda x, args, named: [1]),
    windows.batch_norm: _plus_sum(_batch_axes),
    windows.instance_norm: _plus_sum(_picture_axes),
    windows.group_norm: _plus_sum(lambda x, args, named: range(1, x.ndim)),
    windows.layer_norm: _plus_sum(_last_axes),
    **{RULES[f"max_pool{count}d"]: _summed_windows for count in (1, 2, 3)},
    **{RULES[f"lp_pool{count}d"]: _norm_windows for count in (1, 2, 3)},
    **{RULES[f"adaptive_max_pool{count}d"]: _shared_mean for count in (1, 2, 3)},
}
