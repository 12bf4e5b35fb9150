"""The first pass of a module: which of its calls depend on random numbers, and what the others hand to them.

Marked are calls that draw, and all that is computed from their results. Nothing is rewritten: sizes, loops and
decisions in Python are met as they happen.
"""

import weakref
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_structure

from ..nn.dropout.place import at
from .generators import Generators, State, python_state, same_state
from .watching import Call, Layer, Result, Unfollowed, Watch, is_layer, layers_of, leaves_of, name_of

MOST_STARTS = 16
"""How often a pass is followed anew because a tensor proved to be written into."""


_ABOUT_SIZES = frozenset(
    (
        *("__get__", "__len__", "size", "dim", "numel", "nelement", "ndimension", "stride", "is_contiguous"),
        *("is_floating_point", "is_complex", "is_signed", "element_size", "storage_offset", "get_device"),
        *("is_same_size", "result_type", "is_conj", "is_neg", "is_tensor", "type", "is_inference"),
    )
)
"""Calls that tell Python something about a tensor, but nothing of its values."""


_LEAF = tree_structure(0)

UNKNOWN = Result()
"""Any tensor: made where no call shows it, or anew for every sample."""


class _Again(Exception):
    """A tensor that comes from no draw is written into by one: the call that made it counts as a draw itself."""

    def __init__(self, call: int) -> None:
        self.call = call


class Followed(Watch):
    """The first pass: finds which calls depend on random numbers, and keeps what the others handed to them.

    Attributes:
        calls: all calls of the pass, in order.
        layers: those that were met as one call.
        output: what the module returned.
        sample_bytes: the largest sum of tensors that depended on random numbers and were alive at once.
    """

    def __init__(self, module: nn.Module, x: Tensor, generators: Generators, spread: frozenset[int]) -> None:
        super().__init__(layers_of(module))
        self.calls: list[Call] = []
        self.layers: dict[nn.Module, Layer] = {}
        self.sample_bytes = 0
        # the module may write into x
        self._copy, self._x = x.clone(), Result(value=x)
        self._spread = spread
        self._generators = generators
        self._state: State = generators.state()
        held = (self._copy, *module.parameters(), *module.buffers())
        self._constants = {_storage(t) for t in held}
        versions = [_version(t) for t in held]
        self._random: dict[int, list[weakref.ref[Tensor]]] = {}
        self._known: dict[int, list[weakref.ref[Tensor]]] = {}
        # which call made the storage, and which made the tensor
        self._makers: dict[int, int] = {}
        self._origins: dict[int, tuple[weakref.ref[Tensor], int, int]] = {}
        self._used: list[tuple[Tensor, int]] = []
        of_python = python_state()
        with self.ready(), self.watching():
            output = module(self._copy)
        if python_state() != of_python:
            raise Unfollowed("the module draws random numbers of Python's or NumPy's, which are not those of a sample")
        if versions != [_version(t) for t in held]:
            raise Unfollowed("the module writes into its input, its weights or its buffers")
        if not isinstance(output, Tensor):
            raise Unfollowed(f"the module returns a {type(output).__name__}, no tensor")
        self.output = output
        if any(kept._version != version for kept, version in self._used):
            raise Unfollowed("a tensor is written into after dropout has used it")
        self._use([output])

    @property
    def depends(self) -> bool:
        """Whether the output depends on random numbers."""
        return self._is_random(self.output)

    def num_calls(self, *, repeated: bool) -> int:
        """Calls that make tensors and are repeated for every sample, or are not."""
        return sum(call.runs == repeated for call in self.calls if call.tensors)

    def met(self, function: Any, args: Any, kwargs: Any, draws: bool = False) -> Any:
        """Compute the call, and see what it depends on and what it changes."""
        number = len(self.calls)
        leaves = leaves_of(*args, *kwargs.values())
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if not same_state(self._generators.state(), self._state):
            raise Unfollowed("random numbers are drawn where no call of torch shows it")
        versions = [_version(t) for t in tensors]
        is_random = any(self._is_random(t) for t in tensors)
        with _Inside(self) if is_random and is_layer(function) else nullcontext():
            result = function(*args, **kwargs)
        state = self._generators.state()
        draws = draws or not same_state(state, self._state)
        self._state = state
        # one tensor is what most calls return, and torch's walk takes longer than some of them
        made, structure = ([result], _LEAF) if isinstance(result, Tensor) else tree_flatten(result)
        is_random = is_random or draws
        if (
            is_random
            and name_of(function) not in _ABOUT_SIZES
            and not all(leaf is None or isinstance(leaf, Tensor) for leaf in made)
        ):
            # a branch that another sample does not take could hide behind equal calls
            raise Unfollowed(f"Python sees random numbers, by {name_of(function)}, and may decide by them")
        # what has neither tensors nor results, e.g. switching gradients off, is Python's own business
        runs = is_random or not (tensors or any(isinstance(leaf, Tensor) for leaf in made))
        spread = number in self._spread
        given = [] if runs else [self._source(leaf) for leaf in leaves]
        call = Call(function, given, runs, draws, spread, structure=structure)
        self.calls.append(call)
        written = [t for t, version in zip(tensors, versions, strict=True) if _version(t) != version]
        self._check_written(written, is_random=is_random)
        if runs:
            self._use(tensors)
        places = {id(leaf): place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)}
        for leaf in made:
            call.results.append(self._noted(leaf, number, places, is_random=is_random or spread))
            if spread and isinstance(leaf, Tensor) and id(leaf) not in places:
                # before anything is written into it
                call.results[-1].value = leaf.clone()
        if is_random:
            self.weigh(())
        return result

    def met_layer(self, layer: Layer, forward: Any, args: Any, kwargs: Any) -> Any:
        """The layer as one call, if all that it computes with shows: its arguments and its own weights."""
        if not layer.is_itself or layer.holds_others:
            return self.watched(forward, args, kwargs)
        self.layers[forward.__self__] = layer
        return self.met(forward, args, kwargs)

    def weigh(self, more: Iterable[weakref.ref[Tensor]]) -> None:
        """Note the bytes of all tensors that depend on random numbers, and of some more that may do."""
        found = {}
        for key in list(self._random):
            if self._is_held(self._random, key):
                held = next(t for t in (reference() for reference in self._random[key]) if t is not None)
                found[key] = held.untyped_storage().nbytes()
        for reference in more:
            tensor = reference()
            if tensor is not None and _storage(tensor) not in self._constants:
                found[_storage(tensor)] = tensor.untyped_storage().nbytes()
        self.sample_bytes = max(self.sample_bytes, sum(found.values()))

    def _source(self, leaf: Any) -> Any:
        """By what a further pass can tell that it gets the same: the call's result, a weight, or a number."""
        if not isinstance(leaf, Tensor):
            return leaf
        if leaf is self._copy:
            return self._x
        reference, number, place = self._origins.get(id(leaf), (None, 0, 0))
        if reference is not None and reference() is leaf:
            return UNKNOWN if self.calls[number].spread else self.calls[number].results[place]
        return leaf if _storage(leaf) in self._constants else UNKNOWN

    def _noted(self, leaf: Any, number: int, places: dict[int, int], *, is_random: bool) -> Any:
        """What is kept of a leaf that a call returned."""
        if not isinstance(leaf, Tensor):
            return leaf
        if id(leaf) in places:
            return Result(places[id(leaf)])
        key, reference = _storage(leaf), weakref.ref(leaf)
        if not (self._is_held(self._known, key) or self._is_held(self._random, key)):
            self._makers[key] = number
        (self._random if is_random else self._known).setdefault(key, []).append(reference)
        if not self.calls[number].runs:
            self._origins[id(leaf)] = (reference, number, len(self.calls[number].results))
        return Result(-1, leaf.shape, leaf.dtype, leaf.device)

    def _check_written(self, written: Sequence[Tensor], *, is_random: bool) -> None:
        """Writing into a tensor is followed; into weights, or from a draw into what was made before it, is not."""
        for tensor in written:
            key = _storage(tensor)
            if key in self._constants:
                raise Unfollowed("the module writes into its input, its weights or its buffers")
            if is_random and not self._is_held(self._random, key):
                if not self._is_held(self._known, key):
                    raise Unfollowed("dropout is written into a tensor that was made elsewhere")
                raise _Again(self._makers[key])

    def _use(self, tensors: Sequence[Tensor]) -> None:
        """Keep those that calls outside of the suffix made."""
        for tensor in tensors:
            reference, number, place = self._origins.get(id(tensor), (None, 0, 0))
            if reference is not None and reference() is tensor:
                kept = self.calls[number].results[place]
                if kept.value is None:
                    kept.value = tensor
                    self._used.append((tensor, _version(tensor)))
                elif kept.value is tensor and any(t is tensor and v != tensor._version for t, v in self._used):
                    raise Unfollowed("a tensor is written into after dropout has used it")

    def _is_random(self, tensor: Tensor) -> bool:
        key = _storage(tensor)
        if key in self._constants or self._is_held(self._known, key):
            return self._is_held(self._random, key)
        if self._is_held(self._random, key):
            return True
        # made where no call showed it, after a draw: it may depend on that
        return any(call.draws or call.spread for call in self.calls)

    @staticmethod
    def _is_held(table: dict[int, list[weakref.ref[Tensor]]], key: int) -> bool:
        references = table.get(key)
        if not references:
            return False
        if any(reference() is not None for reference in references):
            return True
        del table[key]
        return False


class _Inside(TorchFunctionMode):
    """Inside of a layer that depends on random numbers: how many bytes it takes."""

    def __init__(self, followed: Followed) -> None:
        super().__init__()
        self._followed = followed
        self._made: list[weakref.ref[Tensor]] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if name_of(function) not in _ABOUT_SIZES:
            self._made += [weakref.ref(leaf) for leaf in leaves_of(result) if isinstance(leaf, Tensor)]
            self._followed.weigh(self._made)
        return result


def follow(module: nn.Module, x: Tensor, generators: Generators) -> Followed:
    """Sampling sample 0 and follow it.

    Args:
        module: in the mode in which passes are to run.
        x: its input.

    Raises:
        Unfollowed: the pass does what cannot be followed; the text says what.
    """
    spread: frozenset[int] = frozenset()
    for _ in range(MOST_STARTS):
        generators.start(0)
        try:
            with at(sample=0):
                return Followed(module, x, generators, spread)
        except _Again as again:
            spread |= {again.call}
    raise Unfollowed("dropout is written into too many tensors that were made before it")


def _storage(tensor: Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        # sparse tensors have none: only the tensor itself is known
        return id(tensor)


def _version(tensor: Tensor) -> int:
    # tensors made under inference_mode keep none, and cannot be written into outside of it
    return -1 if tensor.is_inference() else tensor._version
