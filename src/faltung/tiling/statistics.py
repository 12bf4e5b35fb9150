"""Sums over the whole picture, collected tile by tile: means, norms by the picture's own mean and variance, extremes.

A part of the picture that no other tile has gives count, mean and sum of squared deviations in float64; parts are
joined in the order of the tiles by Chan's formula, which loses no digits where the mean is large. In the last pass the
operation is given these numbers in the place of those of its tile.

Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", The American Statistician 37.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..networks.recording import Step, flat, name_of, plain_name
from ..networks.shaping import reduced_axes

Kind = Literal["norm", "mean", "extreme"]

_MEANS = ("mean", "sum", "var", "std")
_EXTREMES = ("amax", "amin")
_NORMS = ("instance_norm", "group_norm")
_POOLS = {f"adaptive_avg_pool{n}d": "mean" for n in (1, 2, 3)}
WORDS = frozenset((*_MEANS, *_EXTREMES, *_NORMS, *_POOLS))
"""Operations that may sum over the picture."""


def kind_of(step: Step) -> Kind | None:
    """Which statistic an operation takes; None: none that is known here."""
    word = step.operation
    if word not in WORDS or (word in _POOLS and any(size != 1 for size in step.shape[-int(word[-2]) :])):
        return None
    if word in _NORMS:
        return "norm"
    return "extreme" if word in _EXTREMES else "mean"


def problem(step: Step) -> str | None:
    """Why this form of the operation cannot be collected."""
    args, named = step.given
    if step.operation == "instance_norm":
        running = named.get("running_mean", args[1] if len(args) > 1 else None)
        if running is not None:
            return "also moves its running statistics on: call module.eval()"
    if step.operation in ("var", "std") and any(isinstance(value, bool) for value in args[1:]):
        return "is called with unbiased or keepdim by position: name them"
    return None


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of some numbers, or their extreme in `mean`.

    Attributes:
        word: the operation that asked for them.
        count: how many numbers went into each mean.
        mean: float64.
        spread: sum of squared deviations from the mean, float64.
    """

    word: str
    count: int
    mean: Tensor
    spread: Tensor

    def joined(self, other: "Moments") -> "Moments":
        """Of both together."""
        count = self.count + other.count
        if self.word in _EXTREMES:
            larger = torch.maximum if self.word == "amax" else torch.minimum
            return Moments(self.word, count, larger(self.mean, other.mean), self.spread)
        step = other.mean - self.mean
        mean = self.mean + step * (other.count / count)
        spread = self.spread + other.spread + step**2 * (self.count * other.count / count)
        return Moments(self.word, count, mean, spread)


@dataclass(frozen=True)
class Call:
    """One call of such an operation, with its words read.

    Attributes:
        word: the operation.
        x: what it sums over.
        axes: of x, that are summed over, after groups of channels were taken apart.
        keep: these axes are kept, with a size of one.
        args: the arguments behind x, by name where torch names them.
    """

    word: str
    x: Tensor
    axes: tuple[int, ...]
    keep: bool
    args: dict[str, Any]


def read(word: str, args: Sequence[Any], named: dict[str, Any]) -> Call:
    """The words of a call."""
    words = dict(named)
    x = args[0] if args else words.pop("input")
    rest = list(args[1:])
    if word in _NORMS:
        names = (
            ("running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps")
            if word == "instance_norm"
            else ("num_groups", "weight", "bias", "eps")
        )
        words = {"weight": None, "bias": None, "eps": 1e-5, **dict(zip(names, rest, strict=False)), **words}
        axes = tuple(range(2, x.ndim + (word == "group_norm")))
        return Call(word, x, axes, True, words)
    if word in _POOLS:
        return Call("mean", x, tuple(range(x.ndim - int(word[-2]), x.ndim)), True, {})
    axes, keep = reduced_axes(x.ndim, [value for value in rest if not isinstance(value, torch.dtype)], words)
    if word in ("var", "std"):
        unbiased = words.get("unbiased", words.get("correction", 1))
        words = {"correction": 1 if unbiased is None else float(unbiased)}
    return Call(word, x, tuple(axes), keep, words)


def _seen(call: Call, x: Tensor) -> Tensor:
    """Its x, with groups of channels as an axis of their own."""
    if call.word != "group_norm":
        return x
    groups = call.args["num_groups"]
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])


def moments(call: Call, own: Tensor) -> Moments:
    """Of the part of x that is this tile's own."""
    x = _seen(call, own).double()
    count = math.prod(x.shape[axis] for axis in call.axes)
    if call.word in _EXTREMES:
        mean = getattr(torch, call.word)(x, call.axes, keepdim=True)
        return Moments(call.word, count, mean, torch.zeros_like(mean))
    mean = x.mean(call.axes, keepdim=True)
    return Moments(call.word, count, mean, (x - mean).square_().sum(call.axes, keepdim=True))


def join(parts: Sequence[Moments]) -> Moments:
    """Of all tiles, in their order."""
    return reduce(Moments.joined, parts)


def answer(call: Call, known: Moments) -> Tensor:
    """What the operation gives on this tile, with the statistics of the whole."""
    x = call.x
    if call.word in _NORMS:
        seen = _seen(call, x)
        factor = (known.spread / known.count + call.args["eps"]).rsqrt()
        # the mean in two parts: rounded to x's dtype alone it would be off by a large mean's last digit
        mean = known.mean.to(x.dtype)
        rest = (known.mean - mean).to(x.dtype)
        y = (seen - mean).sub_(rest).mul_(factor.to(x.dtype)).reshape(x.shape)
        along = (1, -1) + (1,) * (x.ndim - 2)
        if call.args["weight"] is not None:
            y = y * call.args["weight"].reshape(along)
        return y if call.args["bias"] is None else y + call.args["bias"].reshape(along)
    if call.word == "sum":
        value = known.mean * known.count
    elif call.word in ("var", "std"):
        value = known.spread / (known.count - call.args["correction"])
        value = value.sqrt() if call.word == "std" else value
    else:
        value = known.mean
    value = value.to(call.args.get("dtype") or x.dtype)
    # what is not kept goes from behind, so that the numbers of the others stay
    for axis in () if call.keep else sorted(call.axes, reverse=True):
        value = value.squeeze(axis)
    return value


class Enough(Exception):
    """All that a pass is for has been collected."""


class Replay(TorchFunctionMode):
    """Runs a module on a tile: statistics that are known are answered, those of this pass are collected.

    Args:
        kinds: for each call of an operation in `WORDS` on something made of x, in the order of the run: the place of
            its step in the recording.
        known: statistics of the whole, by step.
        wanted: for each step to be collected in this pass, the part of its input that is this tile's own.
    """

    def __init__(
        self, x: Tensor, kinds: Sequence[int], known: dict[int, Moments], wanted: dict[int, tuple[slice, ...]]
    ) -> None:
        super().__init__()
        self.kinds, self.known, self.wanted = kinds, known, wanted
        self.found: dict[int, Moments] = {}
        self.count = 0
        # marks what is made of x: operations on weights alone were not recorded
        x.faltung_traced = True  # type: ignore[attr-defined]

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        tensors = [value for value in flat((list(args), list(named.values()))) if isinstance(value, Tensor)]
        if not any(hasattr(tensor, "faltung_traced") for tensor in tensors):
            return function(*args, **named)
        word = plain_name(name_of(function)) if hasattr(function, "__name__") else ""
        result = self._summed(word, args, named) if word in WORDS else None
        if result is None:
            result = function(*args, **named)
        for value in flat(result):
            if isinstance(value, Tensor):
                value.faltung_traced = True  # type: ignore[attr-defined]
        return result

    def _summed(self, word: str, args: Any, named: Any) -> Any:
        step = self.kinds[self.count]
        self.count += 1
        if step in self.known:
            return answer(read(word, args, named), self.known[step])
        if step in self.wanted:
            call = read(word, args, named)
            self.found[step] = moments(call, call.x[self.wanted[step]])
            if len(self.found) == len(self.wanted):
                raise Enough
        return None
