"""Rules of the operations that slide, pad or resample: convolution, its transpose, pooling, borders, interpolation."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from ..boundary import AxisBoundary
from .operations import Known, Made, Move, Shape, Unknown, numel, require, rule, straight, words
from .reach import SAME, Reach, bordered, everything, extended, resampled, shares, spread, window
from .sizes import minimum, scaled


def _each(value: Any, count: int) -> tuple[Any, ...]:
    """One entry per spatial axis."""
    if not isinstance(value, (list, tuple)):
        return (value,) * count
    return tuple(value) * count if len(value) == 1 else tuple(value)


def _check_axes(x: Known, count: int) -> None:
    require(
        int(x.ndim in (count + 1, count + 2)),
        lambda: f"takes batch, channels and {count} spatial {'axis' if count == 1 else 'axes'}, got {words(x.shape)}",
    )


def _check_size(size: Any, padded: Any, least: int, axis: int, what: str) -> None:
    # padding alone is nothing to slide over
    require(size >= 1, lambda: f"got a size of 0 along axis {axis}: give a larger input")
    require(
        padded >= least,
        lambda: (
            f"{what} spans {least} along axis {axis}, the input has {size}"
            + (f" ({padded} with its padding)" if padded != size else "")
            + f": at least {least - (padded - size)} would fit here"
        ),
    )


def _check_channels(got: int, groups: int, wanted: int) -> None:
    require(
        int(got % groups == 0), lambda: f"{got} channels do not divide by groups={groups}: give a multiple of {groups}"
    )
    require(int(got == wanted), lambda: f"takes {wanted} channels, got {got}: give it {wanted}, or build it for {got}")


def _moved(x: Known, count: int, reaches: Sequence[Reach], *, mixes: bool) -> list[Move]:
    """Moves where the last axes slide; channels stay apart, or each result sees all of them."""
    ahead = x.ndim - count
    moves = straight(x.shape)[:ahead]
    if mixes:
        moves[-1] = (None, everything(x.shape[ahead - 1]))
    return [*moves, *((ahead + i, reach) for i, reach in enumerate(reaches))]


def _same_padding(taps: int, dilation: int) -> tuple[int, int]:
    total = dilation * (taps - 1)
    return total // 2, total - total // 2


@rule("conv1d", "conv2d", "conv3d")
def conv(
    x: Known, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Made:
    """Convolution; weights (out, in / groups, *taps)."""
    out, per_group, *taps = weight.shape
    count = len(taps)
    _check_axes(x, count)
    _check_channels(x.shape[-count - 1], groups, per_group * groups)
    require(int(out % groups == 0), lambda: f"{out} output channels do not divide by groups={groups}")
    strides, dilations = _each(stride, count), _each(dilation, count)
    if padding == "same":
        require(int(set(strides) == {1}), lambda: f'padding="same" goes with stride 1 only, got {strides}')
        pads = [_same_padding(k, d) for k, d in zip(taps, dilations, strict=True)]
    else:
        pads = [(p, p) for p in _each(0 if padding == "valid" else padding, count)]
    sizes = []
    for i in range(count):
        size, least = x.shape[i - count], dilations[i] * (taps[i] - 1) + 1
        padded = size + sum(pads[i])
        _check_size(size, padded, least, i - count, "the kernel")
        sizes.append((padded - least) // strides[i] + 1)
    shape = (*x.shape[: -count - 1], out, *sizes)

    def moves() -> list[list[Move]]:
        along = [window(taps[i], stride=strides[i], dilation=dilations[i], before=pads[i][0]) for i in range(count)]
        return [_moved(x, count, along, mixes=True)]

    return Made(shape, [x], moves, numel(shape) * per_group * math.prod(taps))


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(
    x: Known,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Made:
    """Transposed convolution; weights (in, out / groups, *taps)."""
    wanted, per_group, *taps = weight.shape
    count = len(taps)
    _check_axes(x, count)
    _check_channels(x.shape[-count - 1], groups, wanted)
    strides, pads, dilations = (_each(value, count) for value in (stride, padding, dilation))
    extras = _each(output_padding, count)
    sizes = []
    for i in range(count):
        size, span = x.shape[i - count], dilations[i] * (taps[i] - 1) + 1
        require(
            extras[i] < max(strides[i], dilations[i]),
            lambda i=i: f"output_padding={extras[i]} must be smaller than the stride or the dilation",
        )
        out = (size - 1) * strides[i] - 2 * pads[i] + span + extras[i]
        require(
            (size >= 1) * (out >= 1),
            lambda i=i, out=out, size=size: f"would give {out} along axis {i - count} from {size}: give a larger input",
        )
        sizes.append(out)

    def moves() -> list[list[Move]]:
        along = [spread(taps[i], stride=strides[i], dilation=dilations[i], before=pads[i]) for i in range(count)]
        return [_moved(x, count, along, mixes=True)]

    shape = (*x.shape[: -count - 1], per_group * groups, *sizes)
    return Made(shape, [x], moves, numel(x.shape) * per_group * math.prod(taps))


def _pool(x: Known, count: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Made:
    _check_axes(x, count)
    taps, pads, dilations = _each(kernel, count), _each(padding, count), _each(dilation, count)
    strides = taps if stride is None or stride in ([], ()) else _each(stride, count)
    sizes = []
    for i in range(count):
        size, least = x.shape[i - count], dilations[i] * (taps[i] - 1) + 1
        require(
            int(0 <= pads[i] <= (least + 1) // 2 if dilations[i] > 1 else 2 * pads[i] <= taps[i]),
            lambda i=i: f"padding={pads[i]} must be at most half of the window of {taps[i]}",
        )
        require(size >= 1, lambda i=i: f"got a size of 0 along axis {i - count}: give a larger input")
        padded = size + 2 * pads[i]
        over = padded - least
        out = (-(-over // strides[i]) if ceil_mode else over // strides[i]) + 1
        if ceil_mode:
            # the last window must begin inside the input or its padding on the left
            out = out - ((out - 1) * strides[i] >= size + pads[i])
        require(
            out >= 1,
            lambda size=size, padded=padded, least=least, i=i: (
                f"the window spans {least} along axis {i - count}, the input has {size}"
                + (f" ({padded} with its padding)" if padded != size else "")
                + f": at least {least - (padded - size)} would fit here"
            ),
        )
        sizes.append(out)

    def moves() -> list[list[Move]]:
        along = [window(taps[i], stride=strides[i], dilation=dilations[i], before=pads[i]) for i in range(count)]
        return [_moved(x, count, along, mixes=False)]

    return Made((*x.shape[: x.ndim - count], *sizes), [x], moves)


def _with_places(made: Made) -> list[Made]:
    """A result and the indices that belong to it."""
    import torch

    return [made, Made(made.shape, made.inputs, made.moves, dtype=torch.int64)]


def _pools(count: int) -> None:
    """Enter the pooling operations of so many axes; their names carry the number."""

    @rule(f"max_pool{count}d", f"max_pool{count}d_with_indices")
    def max_pool(
        x: Known,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        made = _pool(x, count, kernel_size, stride, padding, dilation, ceil_mode)
        return _with_places(made) if return_indices else made

    @rule(f"avg_pool{count}d")
    def avg_pool(
        x: Known,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> Made:
        return _pool(x, count, kernel_size, stride, padding, 1, ceil_mode)

    @rule(f"lp_pool{count}d")
    def lp_pool(x: Known, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Made:
        return _pool(x, count, kernel_size, stride, 0, 1, ceil_mode)

    @rule(f"adaptive_avg_pool{count}d")
    def adaptive_mean(x: Known, output_size: Any) -> Any:
        if set(_each(output_size, count)) == {1}:
            # torch takes the mean of all then, even of nothing
            _check_axes(x, count)
            sizes = [1] * count
            return Made((*x.shape[: x.ndim - count], *sizes), [x], lambda: _shared(x, sizes))
        return adaptive_pool(x, output_size)

    @rule(f"adaptive_max_pool{count}d", f"adaptive_max_pool{count}d_with_indices")
    def adaptive_pool(x: Known, output_size: Any, return_indices: bool = False) -> Any:
        _check_axes(x, count)
        wanted = _each(output_size, count)
        made = _resized(x, [x.shape[i - count] if wanted[i] is None else wanted[i] for i in range(count)], shares)
        return _with_places(made) if return_indices else made

    @rule(f"max_unpool{count}d")
    def max_unpool(
        x: Known, indices: Known, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Made:
        taps, pads = _each(kernel_size, count), _each(padding, count)
        strides = taps if stride is None else _each(stride, count)
        if output_size is None:
            sizes = [(x.shape[i - count] - 1) * strides[i] - 2 * pads[i] + taps[i] for i in range(count)]
        else:
            sizes = list(output_size)[-count:]

        def moves() -> list[list[Move]]:
            along = [spread(taps[i], stride=strides[i], before=pads[i]) for i in range(count)]
            return [_moved(x, count, along, mixes=False)] * 2

        return Made((*x.shape[: x.ndim - count], *sizes), [x, indices], moves)


for _count in (1, 2, 3):
    _pools(_count)


def _shared(x: Known, sizes: Sequence[int]) -> list[list[Move]]:
    count = len(sizes)
    return [_moved(x, count, [shares(x.shape[i - count], sizes[i]) for i in range(count)], mixes=False)]


def _resized(x: Known, sizes: Sequence[Any], reach: Callable[[int, int], Reach]) -> Made:
    count = len(sizes)
    for i in range(count):
        require(
            (x.shape[i - count] >= 1) * (sizes[i] >= 1),
            lambda i=i: f"would make {sizes[i]} of {x.shape[i - count]} along axis {i - count}: give a larger input",
        )

    def moves() -> list[list[Move]]:
        return [_moved(x, count, [reach(x.shape[i - count], sizes[i]) for i in range(count)], mixes=False)]

    return Made((*x.shape[: x.ndim - count], *sizes), [x], moves)


@rule("interpolate", "upsample")
def interpolate(
    x: Known,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Made:
    """Resampling by a factor, or to a size."""
    if antialias:
        raise Unknown("antialias=True is not known here: which positions it mixes is not stated by torch")
    count = x.ndim - 2
    require(int(count >= 1), lambda: f"takes batch, channels and spatial axes, got {words(x.shape)}")
    how = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    factors = None if scale_factor is None else [float(factor) for factor in _each(scale_factor, count)]
    if factors is None:
        sizes = list(_each(size, count))
        require(int(len(sizes) == count), lambda: f"size={size} has not one entry for each of {count} axes")
    else:
        sizes = [scaled(x.shape[i - count], factors[i]) for i in range(count)]
    fixed = factors if factors is not None and not recompute_scale_factor and mode != "area" else None
    places = iter(range(count))

    def reach(before: int, after: int) -> Reach:
        factor = None if fixed is None else fixed[next(places) % count]
        if before == after:
            return SAME
        ratio = Fraction(before, after) if factor is None else 1 / Fraction(factor).limit_denominator(1 << 20)
        return resampled(before, after, how, ratio=ratio, corners=bool(align_corners))  # type: ignore[arg-type]

    return _resized(x, sizes, reach)


def _upsample(mode: str) -> None:
    """Enter an exported graph's own operation for one way of resampling."""

    @rule(f"upsample_{mode}")
    def upsample(x: Known, output_size: Any = None, *rest: Any, **named: Any) -> Made:
        factors = rest[-1] if rest and isinstance(rest[-1], (list, tuple)) else named.get("scale_factors")
        corners = rest[0] if rest and isinstance(rest[0], bool) else named.get("align_corners")
        word = mode.removesuffix("1d").removesuffix("2d").removesuffix("3d")
        return interpolate(x, output_size, factors, word, corners)


for _mode in (
    *("nearest1d", "nearest2d", "nearest3d", "_nearest_exact1d", "_nearest_exact2d", "_nearest_exact3d"),
    *("linear1d", "bilinear2d", "trilinear3d", "bicubic2d"),
):
    _upsample(_mode)


@rule("pad", "constant_pad_nd")
def pad(x: Known, pad: Sequence[Any], mode: str = "constant", value: Any = None) -> Made:
    """Positions more, or fewer, at the ends of the last axes."""
    if not isinstance(mode, str):
        mode = "constant"
    count = len(pad) // 2
    require(int(count <= x.ndim), lambda: f"pads {count} axes, got {words(x.shape)}")
    rows = {x.ndim - 1 - i: (pad[2 * i], pad[2 * i + 1]) for i in range(count)}
    sizes = list(x.shape)
    for axis, (before, after) in rows.items():
        size = x.shape[axis]
        most = {"reflect": size - 1, "circular": size}.get(mode)
        if most is not None:
            require(
                (before <= most) * (after <= most),
                lambda axis=axis, size=size, before=before, after=after: (
                    f'padding {before}, {after} with mode "{mode}" along axis {axis} needs a size of at least '
                    f"{max(before, after) + (mode == 'reflect')}, got {size}"
                ),
            )
        sizes[axis] = size + before + after
        # what is cut off is cut before anything is added
        left = size + minimum(before, 0) + minimum(after, 0) if mode == "constant" else sizes[axis]
        require(
            left >= (0 if mode in ("constant", "circular") else 1),
            lambda axis=axis, size=size, left=left: (
                f"would leave {left} of {size} along axis {axis}: give a larger input"
            ),
        )

    def moves() -> list[list[Move]]:
        reaches = {axis: bordered(x.shape[axis], before, after, mode) for axis, (before, after) in rows.items()}
        return [[(axis, reaches.get(axis, SAME)) for axis in range(x.ndim)]]

    return Made(tuple(sizes), [x], moves)


@rule("pad_by_rules")
def pad_by_rules(x: Known, rules: Sequence[AxisBoundary], before: Sequence[Any], after: Sequence[Any]) -> Made:
    """The last axes extended by Faltung's boundaries, which reach any distance."""
    ahead = x.ndim - len(rules)
    sizes = list(x.shape)
    for axis, (front, behind) in enumerate(zip(before, after, strict=True), start=ahead):
        size = x.shape[axis]
        require(size >= 1, lambda axis=axis: f"got a size of 0 along axis {axis}: give a larger input")
        require(
            size + minimum(front, 0) + minimum(behind, 0) >= 1,
            lambda axis=axis, size=size: f"would leave nothing of {size} along axis {axis}: give a larger input",
        )
        sizes[axis] = size + front + behind

    def moves() -> list[list[Move]]:
        along = [extended(x.shape[ahead + i], rule, before[i], after[i]) for i, rule in enumerate(rules)]
        return [[*straight(x.shape)[:ahead], *((ahead + i, reach) for i, reach in enumerate(along))]]

    return Made(tuple(sizes), [x], moves)


@rule("pixel_shuffle")
def pixel_shuffle(x: Known, upscale_factor: int) -> Made:
    """Channels laid out in space."""
    factor, channels = upscale_factor, x.shape[-3]
    require(
        int(channels % factor**2 == 0), lambda: f"{channels} channels do not divide by {factor**2}, the factor squared"
    )
    shape = (*x.shape[:-3], channels // factor**2, x.shape[-2] * factor, x.shape[-1] * factor)
    blocks = spread(factor, stride=factor)
    return Made(shape, [x], lambda: [_moved(x, 2, [blocks, blocks], mixes=True)])


@rule("pixel_unshuffle")
def pixel_unshuffle(x: Known, downscale_factor: int) -> Made:
    """Space laid out in channels: each result has one place of every block, so along an axis one of `factor`."""
    factor = downscale_factor
    for axis in (-2, -1):
        require(
            x.shape[axis] % factor == 0,
            lambda axis=axis: f"size {x.shape[axis]} along axis {axis} does not divide by {factor}",
        )
    shape = (*x.shape[:-3], x.shape[-3] * factor**2, x.shape[-2] // factor, x.shape[-1] // factor)
    blocks = window(factor, stride=factor)
    return Made(shape, [x], lambda: [_moved(x, 2, [blocks, blocks], mixes=True)])


@rule("local_response_norm")
def local_response_norm(x: Known, size: int, alpha: float = 0, beta: float = 0, k: float = 0) -> Made:
    """Each channel divided by what its neighbours hold at the same place."""
    return Made(x.shape, [x], lambda: [_moved(x, x.ndim - 2, [SAME] * (x.ndim - 2), mixes=True)])


def _norm(x: Known, axes: Sequence[int], *, scope: str) -> Made:
    """Same shape; each place depends on all positions of these axes."""
    count: Any = math.prod(x.shape[axis] for axis in axes)
    require(count != 1, lambda: f"{scope} has one value only, so it has no variance: give a larger input")
    return _levelled(x, axes)


def _levelled(x: Known, axes: Sequence[int]) -> Made:
    def moves() -> list[list[Move]]:
        return [[(None, everything(size)) if a in axes else (a, SAME) for a, size in enumerate(x.shape)]]

    return Made(x.shape, [x], moves)


def _check_count(x: Known, parameters: Sequence[Any]) -> None:
    for values in parameters:
        if values is not None and not isinstance(values, (bool, int, float)):
            wanted = values.shape[0]
            require(
                int(wanted == x.shape[1]),
                lambda wanted=wanted: (
                    f"takes {wanted} channels, got {x.shape[1]}: give it {wanted}, or build it for {x.shape[1]}"
                ),
            )


@rule("batch_norm")
def batch_norm(x: Known, *rest: Any, **named: Any) -> Made:
    """By kept statistics, place by place; by those of the batch while training."""
    tensors = [value for value in (*rest, *named.values()) if hasattr(value, "shape")]
    _check_count(x, tensors)
    training = named.get("training", next((value for value in rest if isinstance(value, bool)), False))
    if not training:
        return Made(x.shape, [x], lambda: [straight(x.shape)])
    return _norm(x, [axis for axis in range(x.ndim) if axis != 1], scope="a channel of the batch")


@rule("instance_norm")
def instance_norm(x: Known, *rest: Any, **named: Any) -> Made:
    """Every channel of every sample by its own mean and variance."""
    _check_count(x, [value for value in (*rest, *named.values()) if hasattr(value, "shape")])
    if not named.get("use_input_stats", next((value for value in rest if isinstance(value, bool)), True)):
        return Made(x.shape, [x], lambda: [straight(x.shape)])
    return _norm(x, range(2, x.ndim), scope="a channel of the picture")


@rule("group_norm")
def group_norm(x: Known, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 0, *rest: Any) -> Made:
    """Every group of channels of every sample by its mean and variance."""
    _check_count(x, [weight, bias])
    require(int(x.shape[1] % num_groups == 0), lambda: f"{x.shape[1]} channels do not divide into {num_groups} groups")
    per_group = numel(x.shape[2:]) * (x.shape[0] * x.shape[1] // num_groups)
    require(per_group != 1, lambda: "a group has one value only, so it has no variance: give a larger input")
    return _levelled(x, range(1, x.ndim))


@rule("layer_norm", "rms_norm")
def layer_norm(x: Known, normalized_shape: Sequence[int], *rest: Any, **named: Any) -> Made:
    """The last axes by their mean and variance."""
    count = len(normalized_shape)
    for axis, wanted in zip(range(-count, 0), normalized_shape, strict=True):
        require(
            x.shape[axis] == wanted,
            lambda axis=axis, wanted=wanted: f"takes {wanted} along axis {axis}, got {x.shape[axis]}",
        )
    return _levelled(x, range(x.ndim - count, x.ndim))


@rule("unfold", "im2col")
def unfold(x: Known, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Made:
    """Windows side by side; the axis of windows runs over all places, row by row."""
    taps, dilations = _each(kernel_size, 2), _each(dilation, 2)
    pads, strides = _each(padding, 2), _each(stride, 2)
    sizes: Shape = ()
    for i in range(2):
        size, least = x.shape[i - 2], dilations[i] * (taps[i] - 1) + 1
        _check_size(size, size + 2 * pads[i], least, i - 2, "the window")
        sizes = (*sizes, (size + 2 * pads[i] - least) // strides[i] + 1)
    channels = x.shape[1] * math.prod(taps)

    def moves() -> list[list[Move]]:
        along = [window(taps[i], stride=strides[i], dilation=dilations[i], before=pads[i]) for i in range(2)]
        return [_moved(x, 2, along, mixes=True)]

    return Made((x.shape[0], channels, *sizes), [x], moves, refold=(x.shape[0], channels, numel(sizes)))
