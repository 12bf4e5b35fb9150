"""Rules of the operations that keep places, move axes, cut, join, fold and reduce them, and of matrix products."""

import math
from collections.abc import Sequence
from typing import Any

from .operations import (
    Known,
    Made,
    Move,
    Shape,
    Unknown,
    axis_of,
    broadcast,
    joined,
    numel,
    require,
    rule,
    straight,
    words,
)
from .reach import SAME, Positions, Reach, everything, flipped, listed, only, window
from .sizes import maximum, minimum


def _tensors(values: Sequence[Any]) -> list[Any]:
    """Everything with a shape, also from lists."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            found += _tensors(value)
        elif hasattr(value, "shape"):
            found.append(value)
    return found


def _known(values: Sequence[Any]) -> list[Known]:
    return [value for value in _tensors(values) if isinstance(value, Known)]


def _listed(values: Sequence[Any]) -> list[Any]:
    """`f(2, 3)` and `f((2, 3))` alike."""
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        return list(values[0])
    return list(values)


# fmt: off
POINTWISE = (
    "abs", "add", "addcdiv", "addcmul", "atan2", "bitwise_and", "bitwise_not", "bitwise_or", "ceil", "celu",
    "clamp", "clamp_max", "clamp_min", "clip", "cos", "cosh", "div", "divide", "elu", "eq", "erf", "erfc",
    "exp", "exp2", "expm1", "float_power", "floor", "floor_divide", "fmod", "gelu", "ge", "greater", "gt",
    "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "isfinite", "isinf", "isnan", "le", "leaky_relu",
    "lerp", "less", "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "logit",
    "logsigmoid", "lt", "masked_fill", "maximum", "minimum", "mish", "mul", "multiply", "nan_to_num", "ne",
    "neg", "negative", "pow", "reciprocal", "relu", "relu6", "remainder", "round", "rrelu", "rsqrt", "rsub",
    "selu", "sgn", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "softshrink", "softsign", "sqrt",
    "square", "sub", "subtract", "tan", "tanh", "tanhshrink", "threshold", "true_divide", "trunc", "where",
    "xlogy", "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
    "feature_dropout",
)
# fmt: on


@rule(*POINTWISE)
def pointwise(*values: Any, **named: Any) -> Made:
    """Each place from the same place of every operand."""
    tensors = _tensors([*values, *named.values()])
    inputs = _known(tensors)
    shape = broadcast(*(tuple(t.shape) for t in tensors)) if len(tensors) > 1 else inputs[0].shape
    return Made(shape, inputs, lambda: [joined(t.shape, shape) for t in inputs])


@rule("prelu")
def prelu(x: Known, weight: Any) -> Made:
    """ReLU with a slope for each channel."""
    slopes = math.prod(weight.shape)
    require(int(slopes in (1, x.shape[1])), lambda: f"takes {slopes} channels, got {x.shape[1]}")
    return Made(x.shape, [x], lambda: [straight(x.shape)])


@rule("clone", "contiguous", "to", "float", "double", "half", "bfloat16", "type", "type_as", "_to_copy", "cpu", "cuda")
def copied(x: Known, *rest: Any, **named: Any) -> Made:
    """The same in another place or dtype."""
    return Made(x.shape, [x], lambda: [straight(x.shape)], is_view=True)


@rule("detach", "alias", "requires_grad", "identity")
def same(x: Known, *rest: Any, **named: Any) -> Made:
    """The same memory."""
    return copied(x)


@rule("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like", "full_like")
def like(x: Known, *rest: Any, **named: Any) -> Made:
    """As large, and independent of it."""
    return Made(x.shape, [], list)


@rule("softmax", "log_softmax", "softmin", "_softmax", "_log_softmax", "normalize", "gumbel_softmax")
def along_axis(x: Known, *rest: Any, **named: Any) -> Made:
    """Same shape; each place depends on all positions of one axis (sums so far: at most)."""
    dims = [value for value in rest if isinstance(value, int) and not isinstance(value, bool)]
    dim = named.get("dim", dims[0] if dims else 1)
    axis = axis_of(dim, x.ndim)

    def moves() -> list[list[Move]]:
        return [[(None, everything(size)) if a == axis else (a, SAME) for a, size in enumerate(x.shape)]]

    return Made(x.shape, [x], moves)


@rule("cumsum", "cumprod")
def sums_so_far(x: Known, *rest: Any, **named: Any) -> Made:
    """Same shape; each place depends on all positions of one axis up to its own."""
    axis = axis_of(named.get("dim", rest[0] if rest else None), x.ndim)

    def moves() -> list[list[Move]]:
        size = x.shape[axis]
        so_far = Reach(size, 0, tuple(Positions.line(0, o + 1) for o in range(size))) if size else SAME
        return [[(a, so_far if a == axis else SAME) for a in range(x.ndim)]]

    return Made(x.shape, [x], moves)


@rule("glu")
def glu(x: Known, dim: int = -1) -> Made:
    """One half times the sigmoid of the other."""
    axis = axis_of(dim, x.ndim)
    size = x.shape[axis]
    require(size % 2 == 0, lambda: f"halves axis {axis}, whose size is {size}: an even one is needed")
    shape = (*x.shape[:axis], size // 2, *x.shape[axis + 1 :])
    half = size // 2

    def moves() -> list[list[Move]]:
        both = window(2, dilation=half)
        return [[(a, both if a == axis else SAME) for a in range(x.ndim)]]

    return Made(shape, [x], moves)


# axes folded, unfolded, moved


@rule("view", "reshape", "_unsafe_view", "view_as", "reshape_as")
def reshape(x: Known, *shape: Any, **named: Any) -> Made:
    """The same elements in another shape; one -1 is worked out."""
    given = named.get("shape", named.get("size", shape))
    wanted = list(given[0].shape) if len(given) == 1 and hasattr(given[0], "shape") else _listed(given)
    if len(wanted) == 1 and not isinstance(wanted[0], int) and hasattr(wanted[0], "itemsize"):
        return copied(x)
    total, free = numel(x.shape), [i for i, size in enumerate(wanted) if isinstance(size, int) and size == -1]
    require(int(len(free) < 2), lambda: f"cannot work out more than one -1 of {words(wanted)}")
    if free:
        known = numel([size for i, size in enumerate(wanted) if i != free[0]])
        require(known != 0, lambda: f"cannot work out -1 of {words(wanted)}: the rest is 0")
        wanted[free[0]] = total // known
    require(
        numel(wanted) == total,
        lambda: (
            f"cannot make {words([-1 if i in free else size for i, size in enumerate(wanted)])} of {words(x.shape)}: "
            f"{total} elements{'' if free else f', {numel(wanted)} are asked for'}"
        ),
    )
    return refolded(x, tuple(wanted))


def refolded(x: Known, shape: Shape) -> Made:
    """The same elements, as many, in another shape."""
    made = Made(shape, [x], lambda: [moves], is_view=True)
    moves: list[Move] = []
    made = Made(shape, [x], lambda: [moves], is_view=True)
    if not all(isinstance(size, int) for size in (*x.shape, *shape)):
        return made
    for old, new in _groups(x.shape, shape):
        wide_old, wide_new = [a for a in old if x.shape[a] != 1], [a for a in new if shape[a] != 1]
        for axis in old:
            if x.shape[axis] == 1:
                # an axis of one position stays one where it has a partner
                partner = new[old.index(axis)] if len(old) == len(new) and shape[new[old.index(axis)]] == 1 else None
                moves.append((None, only(0)) if partner is None else (partner, SAME))
            elif len(wide_old) == len(wide_new) == 1:
                moves.append((wide_new[0], SAME))
            else:
                moves.append((None, everything(x.shape[axis])))
        if len(wide_old) != 1 or len(wide_new) != 1:
            made.groups.append((old, new))
    return made


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Runs of axes on both sides with as many elements, as short as can be."""
    if 0 in old:
        return [(list(range(len(old))), list(range(len(new))))]
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        left, right = [i] if i < len(old) else [], [j] if j < len(new) else []
        i, j = i + len(left), j + len(right)
        while (a := math.prod(old[k] for k in left)) != (b := math.prod(new[k] for k in right)):
            if a < b:
                left.append(i)
                i += 1
            else:
                right.append(j)
                j += 1
        groups.append((left, right))
    return groups


@rule("flatten")
def flatten(x: Known, start_dim: int = 0, end_dim: int = -1) -> Made:
    """Several axes as one."""
    first, last = axis_of(start_dim, x.ndim), axis_of(end_dim, x.ndim)
    return refolded(x, (*x.shape[:first], numel(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@rule("unflatten")
def unflatten(x: Known, dim: int, sizes: Sequence[Any]) -> Made:
    """One axis as several."""
    axis = axis_of(dim, x.ndim)
    return reshape(x, (*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))


@rule("squeeze")
def squeeze(x: Known, dim: Any = None) -> Made:
    """Without axes of one position."""
    dims = (
        range(x.ndim)
        if dim is None
        else [axis_of(d, x.ndim) for d in (dim if isinstance(dim, (list, tuple)) else [dim])]
    )
    gone = [axis for axis in dims if x.shape[axis] == 1]
    kept = [axis for axis in range(x.ndim) if axis not in gone]
    return _permuted(x, kept)


def _permuted(x: Known, axes: Sequence[int]) -> Made:
    places = {axis: i for i, axis in enumerate(axes)}

    def moves() -> list[list[Move]]:
        return [[(places[a], SAME) if a in places else (None, only(0)) for a in range(x.ndim)]]

    return Made(tuple(x.shape[axis] for axis in axes), [x], moves, is_view=True)


@rule("unsqueeze")
def unsqueeze(x: Known, dim: int) -> Made:
    """One more axis, of one position."""
    place = axis_of(dim, x.ndim + 1)
    shape = (*x.shape[:place], 1, *x.shape[place:])
    return Made(shape, [x], lambda: [[(a + (a >= place), SAME) for a in range(x.ndim)]], is_view=True)


@rule("permute")
def permute(x: Known, *dims: Any, **named: Any) -> Made:
    """Axes in another order."""
    order = [axis_of(dim, x.ndim) for dim in _listed(named.get("dims", dims))]
    require(
        int(sorted(order) == list(range(x.ndim))), lambda: f"order {order} does not name each of {x.ndim} axes once"
    )
    return _permuted(x, order)


@rule("transpose", "swapaxes", "swapdims")
def transpose(x: Known, dim0: int, dim1: int) -> Made:
    """Two axes exchanged."""
    order = list(range(x.ndim))
    a, b = axis_of(dim0, x.ndim), axis_of(dim1, x.ndim)
    order[a], order[b] = b, a
    return _permuted(x, order)


@rule("t", "mT")
def transposed(x: Known) -> Made:
    """The last two axes exchanged."""
    return transpose(x, -2, -1)


@rule("movedim", "moveaxis")
def movedim(x: Known, source: Any, destination: Any) -> Made:
    """Axes put in other places."""
    sources, targets = ([v] if isinstance(v, int) else list(v) for v in (source, destination))
    places = {axis_of(b, x.ndim): axis_of(a, x.ndim) for a, b in zip(sources, targets, strict=True)}
    rest = iter(axis for axis in range(x.ndim) if axis not in places.values())
    return _permuted(x, [places[i] if i in places else next(rest) for i in range(x.ndim)])


@rule("expand", "broadcast_to", "expand_as")
def expand(x: Known, *sizes: Any, **named: Any) -> Made:
    """Axes of one position repeated."""
    given = named.get("size", sizes)
    wanted = list(given[0].shape) if len(given) == 1 and hasattr(given[0], "shape") else _listed(given)
    ahead = len(wanted) - x.ndim
    shape = [
        x.shape[i - ahead] if i >= ahead and isinstance(size, int) and size == -1 else size
        for i, size in enumerate(wanted)
    ]
    for i, size in enumerate(x.shape):
        require(
            (size == shape[i + ahead]) + (size == 1) > 0,
            lambda i=i, size=size: f"cannot repeat {size} positions {shape[i + ahead]} times along axis {i}",
        )
    return Made(tuple(shape), [x], lambda: [joined(x.shape, tuple(shape))], is_view=True)


@rule("repeat", "tile")
def repeat(x: Known, *counts: Any, **named: Any) -> Made:
    """The whole, several times along each axis."""
    times = _listed(named.get("repeats", named.get("dims", counts)))
    ahead = len(times) - x.ndim
    require(int(ahead >= 0), lambda: f"{len(times)} numbers of repeats for {x.ndim} axes")
    shape = tuple(n * (x.shape[i - ahead] if i >= ahead else 1) for i, n in enumerate(times))

    def moves() -> list[list[Move]]:
        rows: list[Move] = []
        for axis, size in enumerate(x.shape):
            around = SAME if times[axis + ahead] == 1 else listed([i % size for i in range(shape[axis + ahead])])
            rows.append((axis + ahead, around))
        return [rows]

    return Made(shape, [x], moves)


@rule("repeat_interleave")
def repeat_interleave(x: Known, repeats: int, dim: int | None = None) -> Made:
    """Each position several times along an axis."""
    if not isinstance(repeats, int) or dim is None:
        raise Unknown("repeat_interleave is known with a number of repeats and an axis")
    axis = axis_of(dim, x.ndim)
    shape = (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :])

    def moves() -> list[list[Move]]:
        around = listed([i // repeats for i in range(x.shape[axis] * repeats)])
        return [[(a, around if a == axis else SAME) for a in range(x.ndim)]]

    return Made(shape, [x], moves)


@rule("flip")
def flip(x: Known, *dims: Any) -> Made:
    """Axes backwards."""
    axes = [axis_of(dim, x.ndim) for dim in _listed(dims)]
    return Made(x.shape, [x], lambda: [[(a, flipped(size) if a in axes else SAME) for a, size in enumerate(x.shape)]])


@rule("roll")
def roll(x: Known, shifts: Any, dims: Any = None) -> Made:
    """Axes turned round."""
    if dims is None:
        raise Unknown("roll is known with axes only")
    rows = zip(*([v] if not isinstance(v, (list, tuple)) else v for v in (shifts, dims)), strict=True)
    turns = {axis_of(dim, x.ndim): shift for shift, dim in rows}

    def moves() -> list[list[Move]]:
        return [
            [
                (a, listed([(i - turns[a]) % size for i in range(size)]) if a in turns else SAME)
                for a, size in enumerate(x.shape)
            ]
        ]

    return Made(x.shape, [x], moves)


@rule("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(x: Known, groups: int) -> Made:
    """Channels in another order."""
    require(int(x.shape[1] % groups == 0), lambda: f"{x.shape[1]} channels do not divide by groups={groups}")
    rest = straight(x.shape)[2:]
    return Made(x.shape, [x], lambda: [[(0, SAME), (None, everything(x.shape[1])), *rest]])


# parts and joins


@rule("cat", "concat", "concatenate")
def cat(tensors: Sequence[Any], dim: int = 0, **named: Any) -> Made:
    """One after the other along an axis."""
    dim = named.get("axis", dim)
    require(int(len(tensors) > 0), lambda: "nothing to join")
    first, inputs = tensors[0], _known(tensors)
    ndim = len(first.shape)
    axis = axis_of(dim, ndim)
    for other in tensors[1:]:
        require(int(len(other.shape) == ndim), lambda o=other: f"joins {words(first.shape)} and {words(o.shape)}")
        for a in range(ndim):
            if a != axis:
                require(
                    first.shape[a] == other.shape[a],
                    lambda a=a, other=other: (
                        f"joins {words(first.shape)} and {words(other.shape)} along axis {axis}: sizes "
                        f"{first.shape[a]} and {other.shape[a]} along axis {a} differ; "
                        "crop or pad one of them, or choose an input size that keeps both equal"
                    ),
                )
    shape = (*first.shape[:axis], sum(t.shape[axis] for t in tensors), *first.shape[axis + 1 :])

    def moves() -> list[list[Move]]:
        rows: list[list[Move]] = []
        start = 0
        for tensor in tensors:
            size = tensor.shape[axis]
            if isinstance(tensor, Known):
                inside = listed([i - start if start <= i < start + size else -1 for i in range(shape[axis])])
                rows.append([(a, inside if a == axis else SAME) for a in range(ndim)])
            start += size
        return rows

    return Made(shape, inputs, moves)


@rule("stack")
def stack(tensors: Sequence[Any], dim: int = 0) -> Made:
    """One beside the other along a new axis."""
    first, inputs = tensors[0], _known(tensors)
    place = axis_of(dim, len(first.shape) + 1)
    for other in tensors[1:]:
        for a, b in zip(first.shape, other.shape, strict=True):
            require(a == b, lambda o=other: f"stacks {words(first.shape)} and {words(o.shape)}: give equal shapes")
    shape = (*first.shape[:place], len(tensors), *first.shape[place:])
    return Made(shape, inputs, lambda: [[(a + (a >= place), SAME) for a in range(t.ndim)] for t in inputs])


def _clamped(bound: Any, size: Any, default: Any) -> Any:
    """An end of a slice as a position of 0 to size, as Python reads it."""
    if bound is None:
        return default
    if isinstance(bound, int):
        return minimum(bound, size) if bound >= 0 else maximum(size + bound, 0)
    bound = bound + (bound < 0) * size
    return maximum(minimum(bound, size), 0)


def _cut(x: Known, cuts: dict[int, tuple[Any, Any, int]]) -> Made:
    """A part along some axes; (start, stop, step) with 0 <= start, stop <= size."""
    shape = list(x.shape)
    for axis, (start, stop, step) in cuts.items():
        shape[axis] = maximum(-(-(stop - start) // step), 0)

    def moves() -> list[list[Move]]:
        rows: list[Move] = []
        for a in range(x.ndim):
            start, _, step = cuts.get(a, (0, 0, 1))
            rows.append((a, window(1, stride=step, before=-start)))
        return [rows]

    return Made(tuple(shape), [x], moves, is_view=True)


@rule("getitem")
def getitem(x: Known, index: Any) -> Any:
    """`x[...]` with numbers, slices, None and an ellipsis."""
    entries = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(entry, (list, Known)) or hasattr(entry, "shape") for entry in entries):
        raise Unknown("an index that is a tensor or a list is not known here: which places it takes depends on values")
    used = sum(entry is not None and entry is not Ellipsis for entry in entries)
    require(int(used <= x.ndim), lambda: f"{used} indices for {x.ndim} axes")
    if Ellipsis not in entries:
        entries.append(Ellipsis)
    place = entries.index(Ellipsis)
    entries[place : place + 1] = [slice(None)] * (x.ndim - used)
    moves: list[Move] = []
    shape: list[Any] = []
    axis = 0
    for entry in entries:
        if entry is None:
            shape.append(1)
            continue
        size = x.shape[axis]
        if isinstance(entry, slice):
            step = 1 if entry.step is None else entry.step
            require(int(step > 0), lambda: "a slice runs forwards: use flip")
            start, stop = _clamped(entry.start, size, 0), _clamped(entry.stop, size, size)
            moves.append((len(shape), _slice_reach(start, step)))
            shape.append(maximum(-(-(stop - start) // step), 0))
        else:
            position = entry + (entry < 0) * size
            require(
                (position >= 0) * (position < size),
                lambda entry=entry, size=size: f"position {entry} is outside of an axis of {size}",
            )
            moves.append((None, only(position) if isinstance(position, int) else SAME))
        axis += 1
    return Made(tuple(shape), [x], lambda: [moves], is_view=True)


def _slice_reach(start: Any, step: int) -> Any:
    # sizes left open have no moves
    return window(1, stride=step, before=-start) if isinstance(start, int) else SAME


@rule("slice")
def slice_axis(x: Known, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Made:
    """`x[start:end:step]` along an axis."""
    axis, size = axis_of(dim, x.ndim), x.shape[dim]
    return _cut(x, {axis: (_clamped(start, size, 0), _clamped(end, size, size), step)})


@rule("narrow")
def narrow(x: Known, dim: int, start: Any, length: Any) -> Made:
    """So many positions from `start` along an axis."""
    axis, size = axis_of(dim, x.ndim), x.shape[dim]
    start = start + (start < 0) * size
    require(
        (start >= 0) * (length >= 0) * (start + length <= size),
        lambda: f"{length} positions from {start} are not within the {size} of axis {axis}",
    )
    return _cut(x, {axis: (start, start + length, 1)})


@rule("select")
def select(x: Known, dim: int, index: Any) -> Any:
    """One position of an axis."""
    return getitem(x, (slice(None),) * axis_of(dim, x.ndim) + (index,))


@rule("unbind")
def unbind(x: Known, dim: int = 0) -> list[Any]:
    """Every position of an axis by itself."""
    return [select(x, dim, i) for i in range(x.shape[axis_of(dim, x.ndim)])]


@rule("split", "tensor_split", "split_with_sizes")
def split(x: Known, split_size_or_sections: Any, dim: int = 0, **named: Any) -> list[Made]:
    """Parts of so many positions."""
    axis, wanted = axis_of(dim, x.ndim), split_size_or_sections
    size = x.shape[axis]
    if isinstance(wanted, int):
        wanted = [min(wanted, int(size) - start) for start in range(0, int(size), wanted)]
    require(sum(wanted) == size, lambda: f"parts {list(wanted)} do not add up to the {size} of axis {axis}")
    starts = [sum(wanted[:i]) for i in range(len(wanted))]
    return [_cut(x, {axis: (start, start + part, 1)}) for start, part in zip(starts, wanted, strict=True)]


@rule("chunk")
def chunk(x: Known, chunks: int, dim: int = 0) -> list[Made]:
    """So many parts of one size, the last one maybe smaller."""
    size = int(x.shape[axis_of(dim, x.ndim)])
    return split(x, -(-size // chunks), dim)


# sums over axes


SUMS = ("mean", "sum", "nansum", "prod", "std", "var", "logsumexp", "norm", "all", "any", "count_nonzero")
EXTREMES = ("amax", "amin", "argmax", "argmin")


@rule(*SUMS)
def reduce(x: Known, *rest: Any, **named: Any) -> Any:
    """Over some axes, or all."""
    if rest and hasattr(rest[0], "shape"):
        return pointwise(x, *rest)
    axes, keep = reduced_axes(x.ndim, rest, named)
    left = [a for a in range(x.ndim) if keep or a not in axes]
    places = {a: i for i, a in enumerate(left)}

    def moves() -> list[list[Move]]:
        return [[(None, everything(size)) if a in axes else (places[a], SAME) for a, size in enumerate(x.shape)]]

    return Made(tuple(1 if a in axes else x.shape[a] for a in left), [x], moves)


@rule(*EXTREMES)
def extreme_value(x: Known, *rest: Any, **named: Any) -> Made:
    """The extreme over some axes, or all, or where it is."""
    for axis in reduced_axes(x.ndim, rest, named)[0]:
        require(x.shape[axis] >= 1, lambda axis=axis: f"there is no extreme of nothing: axis {axis} has a size of 0")
    made: Made = reduce(x, *rest, **named)
    return made


@rule("max", "min", "median")
def extreme(x: Known, *rest: Any, **named: Any) -> Any:
    """The extreme of all; along one axis with its index; or of two tensors, place by place."""
    import torch

    if not rest or not hasattr(rest[0], "shape"):
        extreme_value(x, *rest, **named)
    made = reduce(x, *rest, **named)
    single = (rest and isinstance(rest[0], int)) or named.get("dim") is not None
    return [made, Made(made.shape, [x], made.moves, dtype=torch.int64)] if single else made


def reduced_axes(ndim: int, rest: Sequence[Any], named: dict[str, Any]) -> tuple[list[int], bool]:
    """Over which axes a call such as `mean(x, -1, True)` goes, and whether it keeps them."""
    values = [value for value in rest if not isinstance(value, (float, str)) and value is not None]
    dims = named.get("dim", named.get("axis", next((v for v in values if not isinstance(v, bool)), None)))
    keep = bool(named.get("keepdim", next((v for v in values if isinstance(v, bool)), False)))
    return [axis_of(d, ndim) for d in ([dims] if isinstance(dims, int) else dims or range(ndim))], keep


# products


@rule("linear")
def linear(x: Known, weight: Any, bias: Any = None) -> Made:
    """X · weightᵀ along the last axis; weight (out, in)."""
    out, wanted = weight.shape
    require(
        x.shape[-1] == wanted,
        lambda: f"takes {wanted} values along the last axis, got {x.shape[-1]} ({words(x.shape)})",
    )
    shape = (*x.shape[:-1], out)
    return Made(shape, [x], lambda: [[*straight(x.shape)[:-1], (None, everything(x.shape[-1]))]], numel(shape) * wanted)


@rule("einsum")
def einsum(equation: str, *operands: Any) -> Made:
    """Products summed as the letters say."""
    tensors = _listed(operands)
    terms, arrow, result = equation.replace(" ", "").partition("->")
    names = terms.split(",")
    if not arrow or "." in equation or any(len(set(name)) < len(name) for name in names):
        raise Unknown(f'einsum "{equation}" is known here with an arrow, without dots, each letter once in a term')
    sizes: dict[str, Any] = {}
    for name, tensor in zip(names, tensors, strict=True):
        for letter, size in zip(name, tensor.shape, strict=True):
            known = sizes.setdefault(letter, size)
            require(known == size, lambda letter=letter, known=known, size=size: f"{letter} is {known} and {size}")
    inputs = [(name, tensor) for name, tensor in zip(names, tensors, strict=True) if isinstance(tensor, Known)]

    def moves() -> list[list[Move]]:
        return [
            [(result.index(a), SAME) if a in result else (None, everything(sizes[a])) for a in name]
            for name, _ in inputs
        ]

    multiplies = numel(list(sizes.values())) if len(tensors) > 1 else 0
    return Made(tuple(sizes[letter] for letter in result), [tensor for _, tensor in inputs], moves, multiplies)


@rule("matmul", "bmm", "mm")
def matmul(a: Any, b: Any) -> Made:
    """Matrix products over the last two axes."""
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise Unknown("matmul is known here for tensors of two axes and more")
    require(
        a.shape[-1] == b.shape[-2],
        lambda: f"multiplies {words(a.shape)} by {words(b.shape)}: {a.shape[-1]} and {b.shape[-2]} must be equal",
    )
    batch = broadcast(tuple(a.shape[:-2]), tuple(b.shape[:-2]))
    shape = (*batch, a.shape[-2], b.shape[-1])
    row, column = len(shape) - 2, len(shape) - 1

    def moves() -> list[list[Move]]:
        rows = []
        if isinstance(a, Known):
            rows.append([*joined(a.shape[:-2], batch), (row, SAME), (None, everything(a.shape[-1]))])
        if isinstance(b, Known):
            rows.append([*joined(b.shape[:-2], batch), (None, everything(b.shape[-2])), (column, SAME)])
        return rows

    return Made(shape, _known([a, b]), moves, numel(shape) * a.shape[-1])


@rule("scaled_dot_product_attention")
def attention(query: Known, key: Known, value: Known, *rest: Any, **named: Any) -> Made:
    """softmax(q · kᵀ) · v."""
    require(key.shape[-2] == value.shape[-2], lambda: f"{key.shape[-2]} keys and {value.shape[-2]} values")
    require(
        query.shape[-1] == key.shape[-1], lambda: f"queries of {query.shape[-1]} values and keys of {key.shape[-1]}"
    )
    shape = (*query.shape[:-1], value.shape[-1])

    def moves() -> list[list[Move]]:
        ahead = straight(query.shape)[:-2]
        rows: list[list[Move]] = [[*ahead, (query.ndim - 2, SAME), (None, everything(query.shape[-1]))]]
        rows.append([*ahead, *((None, everything(size)) for size in key.shape[-2:])])
        rows.append([*ahead, (None, everything(value.shape[-2])), (value.ndim - 1, SAME)])
        return rows

    multiplies = numel(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])
    return Made(shape, [query, key, value], moves, multiplies)
