"""Layers of a network that exists, exchanged for Faltung's where these are faster on it.

A layer is exchanged by giving it another class: its parameters, buffers, hooks, name and place stay the very objects
they were, so optimisers, state dicts and layers used in several places notice nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from ..arguments import integer
from ..errors import FaltungError, ParameterError
from . import convolution

OURS = {
    getattr(torch.nn, name): getattr(convolution, name)
    for name in ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
}
"""torch's class -> the subclass of it that takes its place."""

WORTH = 1.1
"""A layer is exchanged if ours is so many times as fast: below, a measurement cannot tell."""

SPENT_S = 0.5
"""No layer is measured for longer than about this, whatever `rounds` says."""

TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}
"""What results may differ by, relative to the largest: some roundings of sums in another order."""


@dataclass(frozen=True)
class Swap:
    """What was decided on one layer.

    Attributes:
        path: its name in the network, as in `named_modules`.
        layer: torch's repr of it.
        exchanged: whether it is Faltung's now.
        reason: why, or why not.
        torch_s, faltung_s: median seconds of all its calls on the example; None where nothing was measured.
    """

    path: str
    layer: str
    exchanged: bool
    reason: str
    torch_s: float | None = None
    faltung_s: float | None = None


@dataclass(frozen=True)
class Replacement:
    """What `replace` decided, layer by layer; `print` shows it as a table."""

    swaps: tuple[Swap, ...]

    @property
    def exchanged(self) -> tuple[str, ...]:
        """Paths of the layers that are Faltung's now."""
        return tuple(swap.path for swap in self.swaps if swap.exchanged)

    def __str__(self) -> str:
        if not self.swaps:
            return "no convolution layers"
        heads = ("path", "layer", "torch ms", "faltung ms", "", "reason")
        rows = [
            (
                swap.path or "(itself)",
                swap.layer,
                _milliseconds(swap.torch_s),
                _milliseconds(swap.faltung_s),
                "exchanged" if swap.exchanged else "left",
                swap.reason,
            )
            for swap in self.swaps
        ]
        widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
        lines = [
            "  ".join(word.ljust(n) for word, n in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
        ]
        return "\n".join([*lines, f"{len(self.exchanged)} of {len(self.swaps)} layers exchanged"])


def replace(module: torch.nn.Module, example: Any = None, *, rounds: int = 7) -> tuple[torch.nn.Module, Replacement]:
    """Exchange the convolution layers of a network for Faltung's where these are faster.

    With an example every layer is measured on what it is given there: torch's and ours must agree, with gradients if
    the layer is in training mode, and are then timed in turns. Without one all layers that can be are exchanged, and
    decide at each call. Results change by rounding only, keys of the state dict not at all; the network is changed in
    place. The example is run once, without gradients; buffers and torch's random state are as before.

    Args:
        module: any network, or a single layer. Call it before torch.compile or torch.export.
        example: what to call the network with, a tensor or a tuple of arguments; of the size and on the device that
            will be used, because both decide.
        rounds: measurements of each layer.

    Returns:
        The same module, and what was decided: a `Replacement` with one `Swap` per layer.

    Raises:
        ParameterError: a module compiled by torch.jit, whose layers are fixed; rounds below 1.

    Example:
        >>> import torch, faltung as ft
        >>> network = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 7, groups=8), torch.nn.Conv2d(8, 4, 1))
        >>> network, report = ft.nn.replace(network, torch.zeros(1, 8, 32, 32))
        >>> report.swaps[1].path, report.swaps[1].exchanged, report.swaps[1].reason
        ('1', False, "ours would call torch's own function on this")
    """
    integer("rounds", rounds, least=1)
    if isinstance(module, torch.jit.ScriptModule):
        raise ParameterError(
            "the module is compiled by torch.jit, its layers are fixed: give the network it was made of"
        )
    layers = {name: layer for name, layer in module.named_modules() if isinstance(layer, tuple(OURS))}
    calls = {} if example is None else _calls(module, layers, example)
    swaps = []
    for path, layer in layers.items():
        swap = _decided(path, layer, None if example is None else calls.get(path, []), rounds)
        if swap.exchanged:
            layer.__class__ = _class_for(layer)
        swaps.append(swap)
    return module, Replacement(tuple(swaps))


def _decided(path: str, layer: Any, inputs: list[tuple[Any, ...]] | None, rounds: int) -> Swap:
    words = f"{type(layer).__name__}({layer.extra_repr()})"
    refused = _refused(layer)
    if refused:
        return Swap(path, words, False, refused)
    if inputs is None:
        return Swap(path, words, True, "no example: Faltung's loops or torch's, chosen at each call")
    if not inputs:
        return Swap(path, words, False, "the example does not call it")
    if not any(convolution.by_engine(given[0], layer.weight, layer.stride, "auto") for given in inputs):
        return Swap(path, words, False, "ours would call torch's own function on this")
    ours = _twin(layer)
    apart = _difference(layer, ours, inputs)
    if isinstance(apart, str):
        return Swap(path, words, False, apart)
    torch_s, faltung_s = _times(layer, ours, inputs, rounds)
    ratio = torch_s / faltung_s
    what = "forward and backward" if layer.training else "forward"
    if ratio >= WORTH:
        return Swap(path, words, True, f"{ratio:.1f} times as fast, {what}", torch_s, faltung_s)
    reason = f"torch's is {1 / ratio:.1f} times as fast" if ratio < 1 / WORTH else "as fast as torch's"
    return Swap(path, words, False, f"{reason}, {what}", torch_s, faltung_s)


def _refused(layer: Any) -> str:
    """Why a layer cannot be exchanged, or nothing."""
    own = _own_class(layer)
    if isinstance(layer, tuple(OURS.values())):
        return "Faltung's already"
    if isinstance(layer, torch.nn.modules.lazy.LazyModuleMixin):
        return "has no weights yet: call the network once before"
    if own not in OURS:
        return f"{own.__module__}.{own.__name__} is a class of its own, whose forward may differ"
    if "forward" in vars(layer) or "_conv_forward" in vars(layer):
        return "its forward was exchanged by somebody else"
    return ""


def _own_class(layer: Any) -> Any:
    return type(layer).__bases__[0] if parametrize.is_parametrized(layer) else type(layer)


def _class_for(layer: Any) -> Any:
    """Ours; for a layer with parametrizations the class that torch made for it, made anew upon ours."""
    ours = OURS[_own_class(layer)]
    if not parametrize.is_parametrized(layer):
        return ours
    made = type(layer)
    members = {name: value for name, value in vars(made).items() if name not in ("__dict__", "__weakref__")}
    return type(made.__name__, (ours,), members)


def _twin(layer: Any) -> Any:
    """The same layer, parameters and all, of our class; copy.copy would refuse parametrizations."""
    made = _class_for(layer)
    twin = made.__new__(made)
    twin.__dict__.update(layer.__dict__)
    return twin


def _calls(module: torch.nn.Module, layers: dict[str, Any], example: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What each layer is called with when the network is called with the example."""
    found: dict[str, list[tuple[Any, ...]]] = {}

    def keep(path: str) -> Any:
        def hook(_layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            given = (*args, *kwargs.values())
            # kept as it is in memory, but no longer the tensor that the network may write into
            found.setdefault(path, []).append((given[0].detach().clone(), *given[1:]))

        return hook

    handles = [layer.register_forward_pre_hook(keep(path), with_kwargs=True) for path, layer in layers.items()]
    try:
        with _unchanged(module), torch.no_grad():
            module(*example) if isinstance(example, tuple) else module(example)
    finally:
        for handle in handles:
            handle.remove()
    return found


@contextmanager
def _unchanged(module: torch.nn.Module) -> Iterator[None]:
    """Give buffers and random numbers back as they were: batch norms count, dropout draws."""
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    with torch.random.fork_rng():
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


def _difference(layer: Any, ours: Any, inputs: list[tuple[Any, ...]]) -> str | None:
    """Why the two do not agree on the example, or None."""
    for given in inputs:
        try:
            expected, got = (_results(one, given) for one in (layer, ours))
        except (FaltungError, RuntimeError) as error:
            return f"cannot be compared: {error}"
        for a, b in zip(expected, got, strict=True):
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"results differ: {tuple(a.shape)} {a.dtype}, {tuple(b.shape)} {b.dtype}"
            apart = float((a - b).abs().max()) if a.numel() else 0.0
            allowed = TOLERANCES.get(a.dtype, 1e-5) * (float(a.abs().max()) if a.numel() else 0.0)
            if not apart <= allowed:
                return f"results differ by {apart:.2g}, allowed {allowed:.2g}"
    return None


def _results(layer: Any, given: tuple[Any, ...]) -> list[Tensor]:
    """The result, and in training mode the gradients; without hooks, and without a trace in the layer."""
    parameters = [p for p in layer.parameters() if p.requires_grad and p.is_floating_point()]
    if not layer.training:
        with torch.no_grad():
            return [type(layer).forward(layer, *given)]
    with torch.enable_grad():
        x = given[0].detach().requires_grad_()
        y = type(layer).forward(layer, x, *given[1:])
        return [y.detach(), *torch.autograd.grad(y, [x, *parameters], torch.ones_like(y))]


def _times(layer: Any, ours: Any, inputs: list[tuple[Any, ...]], rounds: int) -> tuple[float, float]:
    """Median seconds of both, in turns."""
    measured: dict[int, list[float]] = {0: [], 1: []}
    begin = time.perf_counter()
    for i in range(rounds):
        for which in (0, 1) if i % 2 else (1, 0):
            measured[which].append(_seconds((layer, ours)[which], inputs))
        if time.perf_counter() - begin > SPENT_S:
            break
    return float(np.median(measured[0])), float(np.median(measured[1]))


def _seconds(layer: Any, inputs: list[tuple[Any, ...]]) -> float:
    _finish(inputs[0][0])
    start = time.perf_counter()
    for given in inputs:
        _results(layer, given)
    _finish(inputs[0][0])
    return time.perf_counter() - start


def _finish(x: Tensor) -> None:
    """Wait for an accelerator, whose calls return early."""
    if x.device.type != "cpu":
        torch.accelerator.synchronize()


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.3g}"
