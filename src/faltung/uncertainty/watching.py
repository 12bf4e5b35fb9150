"""A pass of a module, watched: each call of torch is met, and each layer of torch's and ours as if it were one call.

What is met is told by whoever watches: `following.py` in the first pass, `repeating.py` in all further ones.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode

from ..nn.dropout.place import DRAWN
from ..nn.dropout.sampling import DROPPING

OWN = ("torch.nn.modules.", "torch.nn.functional", "torch.nn.utils.parametri", "faltung.")
"""Whose layers do the same at every call, and leave themselves as they are."""

_DRAWING = (*DROPPING, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)
"""Layers that may draw: something before the draw can be the same for all samples, so they are met call by call."""


class Unfollowed(Exception):
    """Why prefix and suffix cannot be told apart here; full passes can always be run."""


@dataclass(eq=False)
class Result:
    """One tensor that a call returned; `argument` is the number of the argument that it is, or -1 for a new one."""

    argument: int = -1
    shape: torch.Size = field(default_factory=torch.Size)
    dtype: torch.dtype = torch.float32
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    value: Tensor | None = None


@dataclass(eq=False)
class Call:
    """One call of torch, or of a layer.

    Attributes:
        function: what was called; of a layer its `forward`.
        given: the leaves of its arguments, to notice a pass that goes another way: a `Result` for a tensor that was
            made in the pass, numbers and weights themselves. Not kept where the call runs in every pass.
        runs: whether it is computed in every pass.
        draws: whether it draws random numbers.
        spread: whether what it made is written into later: every sample gets a copy.
        results: what it returned, leaf by leaf: a `Result` for a tensor.
        structure: how the leaves were arranged.
    """

    function: Any
    given: list[Any]
    runs: bool
    draws: bool
    spread: bool
    results: list[Any] = field(default_factory=list)
    structure: Any = None

    @cached_property
    def is_single(self) -> bool:
        """Whether one tensor was returned, and nothing around it."""
        return self.structure.is_leaf() and isinstance(self.results[0], Result)

    @cached_property
    def tensors(self) -> list[Result]:
        """The tensors among its results."""
        return [leaf for leaf in self.results if isinstance(leaf, Result)]

    def check_sizes(self, result: Any) -> None:
        """Refuse other shapes than in the first pass."""
        made = [result] if self.is_single else [leaf for leaf in leaves_of(result) if isinstance(leaf, Tensor)]
        if len(made) != len(self.tensors):
            raise Unfollowed(f"{name_of(self.function)} returns more or less than in the first pass")
        for one, new in zip(self.tensors, made, strict=True):
            if one.argument < 0 and one.shape != new.shape:
                raise Unfollowed(f"{name_of(self.function)} makes sizes that depend on random numbers")


@dataclass(eq=False)
class Layer:
    """A layer that is met as one call.

    Attributes:
        parts: itself, and all modules in it.
        weights: where each of its parameters and buffers is held, and which it is.
    """

    parts: list[nn.Module]
    weights: list[tuple[dict[str, Any], str, Tensor | None]]

    @property
    def is_itself(self) -> bool:
        """Whether its weights are its own: code around it may run it on others, e.g. `torch.func.functional_call`."""
        return all(held.get(name) is weight for held, name, weight in self.weights)

    @property
    def holds_others(self) -> bool:
        """Whether tensors were put into it that are neither parameters nor buffers."""
        return any(issubclass(own, Tensor) for part in self.parts for own in set(map(type, vars(part).values())))


class Watch(TorchFunctionMode):
    """Sends calls of torch, layers that draw nothing, and whatever drops in our family, to `met`.

    Args:
        layers: the layers of the module that may be met as one call.
    """

    def __init__(self, layers: dict[nn.Module, Layer]) -> None:
        super().__init__()
        self._layers = layers
        # outside of a pass, and in what is met: nothing is watched
        self._is_still = True

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._is_still:
            return function(*args, **(kwargs or {}))
        return self._meeting(self.met, function, args, kwargs or {})

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Inside, layers are met in each pass."""
        for part, layer in self._layers.items():
            # as an attribute: hooks run around it as around the layer's own
            vars(part)["forward"] = self._meets(layer, part.forward)
        try:
            yield
        finally:
            for part in self._layers:
                del vars(part)["forward"]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """One pass."""
        token, self._is_still = DRAWN.set(self._dropping), False
        try:
            with self:
                yield
        finally:
            DRAWN.reset(token)
            self._is_still = True

    def met(self, function: Any, args: Any, kwargs: Any, draws: bool = False) -> Any:
        """One call; `draws` where a layer of our family says so."""
        raise NotImplementedError

    def met_layer(self, layer: Layer, forward: Any, args: Any, kwargs: Any) -> Any:
        """One layer; `forward` is its own."""
        raise NotImplementedError

    def watched(self, forward: Any, args: Any, kwargs: Any) -> Any:
        """A layer that is not met as one: the calls in it are met."""
        self._is_still = False
        _push_mode(self)
        try:
            return forward(*args, **kwargs)
        finally:
            _pop_mode()
            self._is_still = True

    def _meets(self, layer: Layer, forward: Any) -> Callable[..., Any]:
        """What stands in the place of a layer's own `forward`."""

        def passing(*args: Any, **kwargs: Any) -> Any:
            if self._is_still:
                return forward(*args, **kwargs)
            # no call in it passes through here, as in a call of torch that is met
            top = _pop_mode()
            try:
                # inside of another mode, e.g. a default device, a layer may do something else
                if top is self:
                    return self._meeting(self.met_layer, layer, forward, args, kwargs)
            finally:
                _push_mode(top)
            return forward(*args, **kwargs)

        return passing

    def _dropping(self, function: Any, *args: Any) -> Any:
        return function(*args) if self._is_still else self._meeting(self.met, function, args, {}, True)

    def _meeting(self, met: Callable[..., Any], *what: Any) -> Any:
        self._is_still = True
        try:
            return met(*what)
        finally:
            self._is_still = False


def layers_of(module: nn.Module) -> dict[nn.Module, Layer]:
    """Modules in which, down to the innermost, only code of torch and of this library runs, and nothing draws."""
    if hooks._global_forward_hooks or hooks._global_forward_pre_hooks:
        return {}
    found: dict[nn.Module, Layer | None] = {}

    def look(part: nn.Module) -> Layer | None:
        if part not in found:
            inner = [look(child) for child in part.children()]
            known = [layer for layer in inner if layer is not None]
            found[part] = None
            if len(known) == len(inner) and _is_plain(part):
                own = [(held, *entry) for held in (part._parameters, part._buffers) for entry in held.items()]
                found[part] = Layer(
                    [part, *(one for layer in known for one in layer.parts)],
                    [*own, *(one for layer in known for one in layer.weights)],
                )
        return found[part]

    look(module)
    return {part: layer for part, layer in found.items() if layer is not None}


def _is_plain(part: nn.Module) -> bool:
    """Whether its code is torch's or ours, so is all that it was given to call, and it does not draw."""
    if isinstance(part, _DRAWING) or part._forward_hooks or part._forward_pre_hooks:
        return False
    called = (type(part), type(part).forward, *filter(callable, vars(part).values()))
    return all(str(getattr(own, "__module__", "")).startswith(OWN) for own in called)


def leaves_of(*values: Any) -> list[Any]:
    """Everything inside of tuples, lists and dictionaries, in order; torch's own walk takes ten times as long."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, (tuple, list)):
            found += leaves_of(*value)
        elif isinstance(value, dict):
            found += leaves_of(*value.values())
        else:
            found.append(value)
    return found


def is_layer(function: Any) -> bool:
    """Whether a call is that of a layer, not of a function."""
    return isinstance(getattr(function, "__self__", None), nn.Module)


def name_of(function: Any) -> str:
    """As a message says it."""
    return type(function.__self__).__name__ if is_layer(function) else str(getattr(function, "__name__", function))
