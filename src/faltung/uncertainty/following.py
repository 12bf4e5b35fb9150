"""One pass of a module, followed call by call, and passes that leave out what was the same before.

`Followed` watches the calls of torch in a pass and marks those that depend on random numbers: draws, and all that is
computed from their results. `Repeated` watches a further pass: Python runs again as it is, marked calls are computed,
and all others return what they returned in the first pass. Nothing is rewritten, and sizes, loops and decisions in
Python are met as they happen. Several samples at once are the same with a further axis, which `torch.vmap` hides from
the module: so nothing in it can mix samples, whatever it does with its batch axis.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..nn.dropout.place import DRAWN, at
from .generators import Generators, State, same_state

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


class Unfollowed(Exception):
    """Why prefix and suffix cannot be told apart here; full passes can always be run."""


class _Again(Exception):
    """A tensor that comes from no draw is written into by one: the call that made it counts as a draw itself."""

    def __init__(self, call: int) -> None:
        self.call = call


@dataclass(eq=False)
class _Result:
    """One tensor that a call returned; `argument` is the number of the argument that it is, or -1 for a new one."""

    argument: int
    shape: torch.Size = field(default_factory=torch.Size)
    dtype: torch.dtype = torch.float32
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    value: Tensor | None = None


@dataclass(eq=False)
class _Call:
    """One call of torch.

    Attributes:
        function: what was called.
        constants: its arguments that are no tensors, to notice a pass that goes another way.
        runs: whether it is computed in every pass.
        draws: whether it draws random numbers.
        spread: whether what it made is written into later: every sample gets a copy.
        results: what it returned, leaf by leaf: a `_Result` for a tensor.
        structure: how the leaves were arranged.
    """

    function: Any
    constants: list[Any]
    runs: bool
    draws: bool
    spread: bool
    results: list[Any] = field(default_factory=list)
    structure: Any = None


class _Watch(TorchFunctionMode):
    """Sends every call of torch, and every layer of the family that drops, to `met`."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.is_inside:
            return function(*args, **(kwargs or {}))
        return self._guarded(function, args, kwargs or {}, draws=False)

    is_inside = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the calls of this block."""
        token = DRAWN.set(self._dropping)
        try:
            with self:
                yield
        finally:
            DRAWN.reset(token)

    def met(self, function: Any, args: Any, kwargs: Any, *, draws: bool) -> Any:
        """One call."""
        raise NotImplementedError

    def _dropping(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args) if self.is_inside else self._guarded(function, args, {}, draws=True)

    def _guarded(self, function: Any, args: Any, kwargs: Any, *, draws: bool) -> Any:
        self.is_inside = True
        try:
            return self.met(function, args, kwargs, draws=draws)
        finally:
            self.is_inside = False


class Followed(_Watch):
    """The first pass: finds which calls depend on random numbers, and keeps what the others handed to them.

    Attributes:
        calls: all calls of the pass, in order.
        output: what the module returned.
        sample_bytes: the largest sum of tensors that depended on random numbers and were alive at once.
    """

    def __init__(self, module: nn.Module, x: Tensor, generators: Generators, spread: frozenset[int]) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self.sample_bytes = 0
        self._spread = spread
        self._generators = generators
        self._state: State = generators.state()
        self._constants = {_storage(t) for t in (x, *module.parameters(), *module.buffers())}
        self._random: dict[int, list[weakref.ref[Tensor]]] = {}
        self._known: dict[int, list[weakref.ref[Tensor]]] = {}
        # which call made the storage, and which made the tensor
        self._makers: dict[int, int] = {}
        self._origins: dict[int, tuple[weakref.ref[Tensor], int, int]] = {}
        self._used: list[tuple[Tensor, int]] = []
        with self.watching():
            output = module(x)
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
        return sum(call.runs == repeated for call in self.calls if any(isinstance(r, _Result) for r in call.results))

    def met(self, function: Any, args: Any, kwargs: Any, *, draws: bool) -> Any:
        """Compute the call, and see what it depends on and what it changes."""
        number = len(self.calls)
        leaves, _ = tree_flatten((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if not same_state(self._generators.state(), self._state):
            raise Unfollowed("random numbers are drawn where no call of torch shows it")
        versions = [_version(t) for t in tensors]
        result = function(*args, **kwargs)
        state = self._generators.state()
        draws = draws or not same_state(state, self._state)
        self._state = state
        made, structure = tree_flatten(result)
        is_random = draws or any(self._is_random(t) for t in tensors)
        if (
            is_random
            and _name(function) not in _ABOUT_SIZES
            and not all(leaf is None or isinstance(leaf, Tensor) for leaf in made)
        ):
            # a branch that another sample does not take could hide behind equal calls
            raise Unfollowed(f"Python sees random numbers, by {_name(function)}, and may decide by them")
        # what has neither tensors nor results, e.g. switching gradients off, is Python's own business
        runs = is_random or not (tensors or any(isinstance(leaf, Tensor) for leaf in made))
        spread = number in self._spread
        call = _Call(function, _constants(leaves), runs, draws, spread, structure=structure)
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
            self.sample_bytes = max(self.sample_bytes, self._alive())
        return result

    def _noted(self, leaf: Any, number: int, places: dict[int, int], *, is_random: bool) -> Any:
        """What is kept of a leaf that a call returned."""
        if not isinstance(leaf, Tensor):
            return leaf
        if id(leaf) in places:
            return _Result(places[id(leaf)])
        key, reference = _storage(leaf), weakref.ref(leaf)
        if not (self._is_held(self._known, key) or self._is_held(self._random, key)):
            self._makers[key] = number
        (self._random if is_random else self._known).setdefault(key, []).append(reference)
        if not self.calls[number].runs:
            self._origins[id(leaf)] = (reference, number, len(self.calls[number].results))
        return _Result(-1, leaf.shape, leaf.dtype, leaf.device)

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

    def _alive(self) -> int:
        """Bytes of all tensors that depend on random numbers."""
        found = {}
        for key in list(self._random):
            if self._is_held(self._random, key):
                held = next(t for t in (reference() for reference in self._random[key]) if t is not None)
                found[key] = held.untyped_storage().nbytes()
        return sum(found.values())


def follow(module: nn.Module, x: Tensor, generators: Generators) -> Followed:
    """Sampling sample 0 and follow it.

    Args:
        module: in the mode in which passes are to run.
        x: its input; it is copied, as the module may write into it.

    Raises:
        Unfollowed: the pass does what cannot be followed; the text says what.
    """
    spread: frozenset[int] = frozenset()
    for _ in range(MOST_STARTS):
        generators.start(0)
        try:
            with at(sample=0):
                return Followed(module, x.clone(), generators, spread)
        except _Again as again:
            spread |= {again.call}
    raise Unfollowed("dropout is written into too many tensors that were made before it")


class Repeated(_Watch):
    """A further pass, of one sample or of several side by side: only the suffix is computed.

    Args:
        followed: the first pass.
        generators: in any state.
        samples: their numbers.
        lanes: None for one sample; for several the numbers 0 ... len(samples) - 1, one in each of vmap's lanes.
    """

    def __init__(
        self, followed: Followed, generators: Generators, samples: Sequence[int], lanes: Tensor | None
    ) -> None:
        super().__init__()
        self._calls = followed.calls
        self._generators = generators
        self._samples = samples
        self._lanes = lanes
        self._states: list[State | None] = [None] * len(samples)
        self._next = 0

    def run(self, module: nn.Module, x: Tensor) -> Tensor:
        """What the module returns.

        Raises:
            Unfollowed: this pass goes another way than the first.
        """
        if self._lanes is None:
            self._generators.start(self._samples[0])
            with at(sample=self._samples[0]), self.watching():
                output = module(x)
        else:
            with self.watching():
                output = module(x)
        if self._next != len(self._calls):
            raise Unfollowed(f"a pass ends after {self._next} calls, the first had {len(self._calls)}")
        return output

    def met(self, function: Any, args: Any, kwargs: Any, *, draws: bool) -> Any:
        """Compute the call, or return what it returned before."""
        if self._next == len(self._calls):
            raise Unfollowed("a pass makes more calls than the first")
        call = self._calls[self._next]
        self._next += 1
        if call.function != function:
            raise Unfollowed(f"call {self._next} of a pass is {_name(function)}, in the first {_name(call.function)}")
        leaves, structure = tree_flatten((args, kwargs))
        if call.draws and self._lanes is not None:
            return self._drawn(call, leaves, structure)
        if call.runs:
            result = function(*args, **kwargs)
            pairs = zip(*_tensors(call.results, result), strict=True)
            if any(old.argument < 0 and new.shape != old.shape for old, new in pairs):
                raise Unfollowed(f"{_name(function)} makes sizes that depend on random numbers")
            return result
        if not _agree(call.constants, _constants(leaves)):
            raise Unfollowed(f"{_name(function)} gets other options than in the first pass")
        results = [
            leaf
            if not isinstance(leaf, _Result)
            else leaves[leaf.argument]
            if leaf.argument >= 0
            else self._old(leaf, call)
            for leaf in call.results
        ]
        return tree_unflatten(results, call.structure)

    def _old(self, result: _Result, call: _Call) -> Tensor:
        if result.value is None:
            # nothing that is computed reads it: its shape is enough, and NaN would show if that were wrong
            nothing = float("nan") if result.dtype.is_floating_point or result.dtype.is_complex else 0
            return torch.full((), nothing, dtype=result.dtype, device=result.device).expand(result.shape)
        if not call.spread:
            return result.value
        return result.value.clone() if self._lanes is None else _Spread.apply(self._lanes, result.value)

    def _drawn(self, call: _Call, leaves: list[Any], structure: Any) -> Any:
        """A draw for each lane, in the state of its own sample."""
        places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

        def one(lane: int, *tensors: Tensor) -> tuple[Tensor, ...]:
            own = list(leaves)
            for place, tensor in zip(places, tensors, strict=True):
                own[place] = tensor
            args, kwargs = tree_unflatten(own, structure)
            state = self._states[lane]
            if state is None:
                self._generators.start(self._samples[lane])
            else:
                self._generators.go_to(state)
            with at(sample=self._samples[lane]):
                made, _ = tree_flatten(call.function(*args, **kwargs))
            self._states[lane] = self._generators.state()
            return tuple(leaf for leaf in made if isinstance(leaf, Tensor))

        drawn = iter(_EachLane.apply(self._lanes, one, *[leaves[place] for place in places]))
        results = []
        for leaf in call.results:
            if not isinstance(leaf, _Result):
                results.append(leaf)
                continue
            new = next(drawn)
            # written in place: the argument itself goes on
            results.append(leaves[leaf.argument] if leaf.argument >= 0 else new)
        return tree_unflatten(results, call.structure)


class _EachLane(torch.autograd.Function):
    """A function that is called once for each lane; its results lie side by side."""

    @staticmethod
    def forward(lanes: Tensor, one: Callable[..., tuple[Tensor, ...]], *tensors: Tensor) -> tuple[Tensor, ...]:
        return one(0, *tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing: no gradients are asked for."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, lanes: Tensor, one: Any, *tensors: Tensor) -> Any:
        """Lane by lane, written into one tensor each."""
        out: list[Tensor] = []
        for lane in range(info.batch_size):
            own = [t if axis is None else t.select(axis, lane) for t, axis in zip(tensors, in_dims[2:], strict=True)]
            results = one(lane, *own)
            if not out:
                out = [result.new_empty((info.batch_size, *result.shape)) for result in results]
            for whole, result in zip(out, results, strict=True):
                whole[lane] = result
        return tuple(out), (0,) * len(out)


class _Spread(torch.autograd.Function):
    """A copy for each lane, which the lane may write into."""

    @staticmethod
    def forward(lanes: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing: no gradients are asked for."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, lanes: Tensor, value: Tensor) -> Any:
        """The same values side by side."""
        return value.expand(info.batch_size, *value.shape).clone(), 0


def _storage(tensor: Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        # sparse tensors have none: only the tensor itself is known
        return id(tensor)


def _version(tensor: Tensor) -> int:
    # tensors made under inference_mode keep none, and cannot be written into outside of it
    return -1 if tensor.is_inference() else tensor._version


def _constants(leaves: Sequence[Any]) -> list[Any]:
    return [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]


def _tensors(old: Sequence[Any], new: Any) -> tuple[list[_Result], list[Tensor]]:
    """The tensors that a call made before, and those that it made now."""
    leaves, _ = tree_flatten(new)
    return [leaf for leaf in old if isinstance(leaf, _Result)], [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _agree(a: Sequence[Any], b: Sequence[Any]) -> bool:
    try:
        return len(a) == len(b) and all(one is other or bool(one == other) for one, other in zip(a, b, strict=True))
    except (RuntimeError, TypeError, ValueError):
        return False


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", function))
