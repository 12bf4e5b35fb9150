"""What the layers are told and given, checked: lengths per axis, channels and groups, shapes, and who says so."""

import math
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..arguments import check_choice, entries, integer, integers
from ..boundary import AxisBoundary, Boundary, parse_boundary
from ..errors import BoundaryError, DtypeError, FaltungError, ParameterError, ShapeError

METHODS = ("auto", "torch", "direct")
PADDING_MODES = {"zeros": "zero", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""torch's words -> the boundary's names."""

SIDES = ("L", "H, W", "D, H, W")
"""The spatial axes of x as torch's pages write them."""


TAPS = ("kL", "kH, kW", "kD, kH, kW")


def lengths(name: str, value: Any, num_axes: int, least: int) -> tuple[int, ...]:
    """One whole number per spatial axis; one number, or a list of one, stands for all axes."""
    listed = entries(value)
    if listed is not None and len(listed) == 1:
        value = listed[0]
    return tuple(integers(name, value, num_axes, least=least))


def check_channels(in_channels: Any, out_channels: Any, groups: Any) -> None:
    """Refuse channels that are no counts, or that the groups do not divide."""
    counts = {"in_channels": in_channels, "out_channels": out_channels}
    for name, count in counts.items():
        integer(name, count, least=1)
    integer("groups", groups, least=1)
    for name, count in counts.items():
        if count % groups:
            common = math.gcd(in_channels, out_channels)
            fitting = ", ".join(str(n) for n in range(1, common + 1) if common % n == 0)
            raise ParameterError(
                f"{name}={count} does not divide by groups={groups}: {in_channels} and {out_channels} channels allow "
                f"groups of {fitting}"
            )


def check_padding(padding: Any, stride: Sequence[int], num_axes: int) -> str | tuple[int, ...]:
    """`padding` as torch keeps it: one of its two words, or one number per axis."""
    if not isinstance(padding, str):
        return lengths("padding", padding, num_axes, 0)
    if padding not in ("same", "valid"):
        raise ParameterError(f'padding={padding!r}: allowed are "same", "valid", a number, or one number per axis')
    if padding == "same" and max(stride) > 1:
        raise ParameterError(
            f'padding="same" with stride={tuple(stride)}: the result has the size of x for stride 1 only; '
            f"give a number, dilation * (kernel_size - 1) // 2 is the nearest"
        )
    return padding


def check_words(padding_mode: Any, boundary: Boundary | None, method: Any, num_axes: int) -> None:
    """Refuse what names no padding mode, boundary or method, and two answers to one question."""
    check_choice("padding_mode", padding_mode, PADDING_MODES)
    check_choice("method", method, METHODS)
    if boundary is not None:
        if padding_mode != "zeros":
            raise ParameterError(
                f"boundary={boundary!r} and padding_mode={padding_mode!r} both say what stands outside: give one, "
                f'padding_mode={padding_mode!r} is boundary="{PADDING_MODES[padding_mode]}"'
            )
        parsed(boundary, num_axes)


def parsed(boundary: Boundary, num_axes: int) -> tuple[AxisBoundary, ...]:
    """The rules per axis; missing samples are for arrays."""
    rules = parse_boundary(boundary, num_axes)
    if any(side.rule == "ignore" for rule in rules for side in (rule.before, rule.after)):
        raise BoundaryError(
            'boundary "ignore" scales by what weights hit data, which training changes: layers take "zero", "edge", '
            '"symmetric", "reflect", "wrap" and ("constant", value); faltung.correlate has "ignore"'
        )
    return rules


def margins(
    padding: str | Sequence[int], taps: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How many samples are added in front of and behind each axis; "same" adds the odd one behind, as torch."""
    if not isinstance(padding, str):
        return tuple(padding), tuple(padding)
    if padding == "valid":
        return (0,) * len(taps), (0,) * len(taps)
    both = [d * (k - 1) for k, d in zip(taps, dilation, strict=True)]
    return tuple(n // 2 for n in both), tuple(n - n // 2 for n in both)


def check_input(x: Tensor, channels: int, num_axes: int) -> None:
    """Refuse x that is neither (N, channels, *sizes) nor (channels, *sizes)."""
    if x.ndim not in (num_axes + 1, num_axes + 2):
        sides = SIDES[num_axes - 1]
        cure = f"; x[None] would be {(1, *x.shape)}" if x.ndim == num_axes else ""
        raise ShapeError(
            f"x has {x.ndim} axes, {tuple(x.shape)}: (N, C, {sides}) is expected, or (C, {sides}) without a batch{cure}"
        )
    found = x.shape[-1 - num_axes]
    if found != channels:
        last = x.shape[-1] == channels and num_axes > 0
        cure = f"; channels seem to be last: x.movedim(-1, {x.ndim - num_axes - 1})" if last else ""
        raise ShapeError(f"x has {found} channels, {tuple(x.shape)}: {channels} are expected{cure}")


def check_fits(
    x: Tensor,
    taps: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
) -> None:
    """Refuse x in which no window fits along some axis."""
    num_axes = len(taps)
    for i, (k, d, b, a) in enumerate(zip(taps, dilation, before, after, strict=True)):
        size, span = x.shape[i - num_axes], d * (k - 1) + 1
        if size + b + a >= span:
            continue
        spread = f" with dilation {d}" if d > 1 else ""
        grown = f" and {b} + {a} of padding" if b or a else ""
        short = span - size - b - a
        fitting = (size + b + a - 1) // d + 1
        kernel = f", or a kernel of at most {fitting}" if fitting > 0 else ""
        raise ShapeError(
            f"axis {x.ndim - num_axes + i} of x, {tuple(x.shape)}, has {size} samples{grown}; a kernel of {k}{spread} "
            f"spans {span}: at least {span - b - a} samples are needed, {short} more of padding{kernel}"
        )


def check_weight(weight: Tensor, bias: Tensor | None, num_axes: int, groups: Any, *, transposed: bool) -> None:
    """Refuse weights and a bias that make no layer."""
    form = f"({'C, O' if transposed else 'O, C'} / groups, {TAPS[num_axes - 1]})"
    if weight.ndim != num_axes + 2:
        raise ShapeError(f"weight has {weight.ndim} axes, {tuple(weight.shape)}: {form} is expected")
    integer("groups", groups, least=1)
    if weight.shape[0] % groups:
        raise ParameterError(
            f"weight is {tuple(weight.shape)}, {form}: groups={groups} does not divide its {weight.shape[0]} channels"
        )
    num_out = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and bias.shape != (num_out,):
        raise ShapeError(f"bias is {tuple(bias.shape)}: ({num_out},) is expected, one number per channel out")


def check_reach(x: Tensor, padding_mode: str, before: Sequence[int], after: Sequence[int]) -> None:
    """Refuse padding that torch's modes cannot fill."""
    name = PADDING_MODES[padding_mode]
    for i, pair in enumerate(zip(before, after, strict=True)):
        size = x.shape[i - len(before)]
        most = {"reflect": size - 1, "circular": size}.get(padding_mode, max(pair))
        if max(pair) > most:
            raise ShapeError(
                f"axis {x.ndim - len(before) + i} of x, {tuple(x.shape)}, has {size} samples: padding_mode="
                f'{padding_mode!r} fills at most {most} on a side, not {max(pair)}; boundary="{name}" fills any number'
            )


def check_remains(
    x: Tensor,
    taps: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> None:
    """Refuse a transposed layer whose padding takes everything away."""
    given = zip(x.shape[-len(taps) :], taps, stride, padding, output_padding, dilation, strict=True)
    for i, (n, k, s, p, more, d) in enumerate(given):
        whole = (n - 1) * s + d * (k - 1) + 1 + more
        if n < 1 or whole - 2 * p < 1:
            raise ShapeError(
                f"axis {x.ndim - len(taps) + i} of x, {tuple(x.shape)}, has {n} samples, of which {max(whole, 0)} are "
                f"made, and padding={p} takes {2 * p} away: give a larger x, or padding of at most "
                f"{max((whole - 1) // 2, 0)}"
            )


def check_alike(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Refuse operands of several dtypes, as torch does."""
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype != x.dtype:
            ours, theirs = (str(t.dtype).removeprefix("torch.") for t in (x, other))
            raise DtypeError(f"x is {ours}, {name} {theirs}: give x.to(torch.{theirs}), or layer.to(torch.{ours})")


def named(error: FaltungError, layer: torch.nn.Module) -> FaltungError:
    """The error with its layer's name, and with its path in the outermost network whose call led here.

    The callers are asked only once something is wrong, so that a layer need not be told where it is.
    """
    root: torch.nn.Module = layer
    frame = sys._getframe(1)
    while frame is not None:
        caller = frame.f_locals.get("self")
        # torch's own __call__ has a self too; a module that only holds the network is no caller
        if isinstance(caller, torch.nn.Module) and caller is not root and any(m is root for m in caller.modules()):
            root = caller
        frame = frame.f_back
    path = next(name for name, module in root.named_modules() if module is layer)
    where = f"{path} ({type(layer).__name__})" if path else type(layer).__name__
    return type(error)(f"{where}: {error}")
