"""Further passes of a module, which leave out what was the same in the first; one sample each, or several side by side.

Python runs again as it is: marked calls are computed, all others return what they returned. Several samples are the
same with a further axis, which `torch.vmap` hides from the module: so nothing in it can mix samples, whatever it does
with its batch axis.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..nn.dropout.place import at
from .following import Followed
from .generators import Generators, State
from .watching import Call, Layer, Result, Unfollowed, Watch, leaves_of, name_of


class Repeated(Watch):
    """Passes of which only the suffix is computed.

    Args:
        module: as it was followed.
        x: its input.
        followed: the first pass.
        generators: in any state.
    """

    def __init__(self, module: nn.Module, x: Tensor, followed: Followed, generators: Generators) -> None:
        super().__init__(followed.layers)
        self._module, self._x = module, x
        self._calls = followed.calls
        self._generators = generators
        self._next = 0
        # of samples side by side: their numbers, which vmap gives as 0, 1, ..., and where their generators stand
        self._samples: Sequence[int] = ()
        self._lanes: Tensor | None = None
        self._states: list[State | None] = []

    def one(self, sample: int) -> Tensor:
        """What the module returns for a sample. All is to be `ready`.

        Raises:
            Unfollowed: this pass goes another way than the first.
        """
        self._generators.start(sample)
        with at(sample=sample):
            return self._passed()

    def several(self, samples: Sequence[int]) -> Tensor:
        """What it returns for some samples, side by side along axis 0.

        Raises:
            Unfollowed: this pass goes another way than the first.
            RuntimeError: an operation does not work on samples side by side.
        """
        self._samples = samples
        self._states = [None for _ in samples]

        def passed(lanes: Tensor) -> Tensor:
            self._lanes = lanes
            return self._passed()

        try:
            with warnings.catch_warnings():
                # operations that vmap has no rule for run one by one inside of it: right, only slower
                warnings.filterwarnings("ignore", message=".*performance drop.*")
                lanes = torch.arange(len(samples), device=self._x.device)
                return torch.vmap(passed, randomness="different")(lanes)
        finally:
            self._lanes = None

    def met(self, function: Any, args: Any, kwargs: Any, draws: bool = False) -> Any:
        """Compute the call, or return what it returned before."""
        if self._next == len(self._calls):
            raise Unfollowed("a pass makes more calls than the first")
        call = self._calls[self._next]
        self._next += 1
        if call.function != function:
            raise Unfollowed(
                f"call {self._next} of a pass is {name_of(function)}, in the first {name_of(call.function)}"
            )
        if not call.runs:
            return self._remembered(call, leaves_of(*args, *kwargs.values()))
        if call.draws and self._lanes is not None:
            return self._drawn(call, args, kwargs)
        result = function(*args, **kwargs)
        call.check_sizes(result)
        return result

    def met_layer(self, layer: Layer, forward: Any, args: Any, kwargs: Any) -> Any:
        """The same for a layer, or call by call where it was so in the first pass."""
        if self._next < len(self._calls):
            call = self._calls[self._next]
            if call.function == forward and (call.runs or layer.is_itself):
                return self.met(forward, args, kwargs)
        return self.watched(forward, args, kwargs)

    def _passed(self) -> Tensor:
        self._next = 0
        with self.watching():
            output = self._module(self._x)
        if self._next != len(self._calls):
            raise Unfollowed(f"a pass ends after {self._next} calls, the first had {len(self._calls)}")
        if not isinstance(output, Tensor):
            raise Unfollowed(f"a pass returns a {type(output).__name__}, the first a tensor")
        return output

    def _remembered(self, call: Call, leaves: Sequence[Any]) -> Any:
        """What a call returned in the first pass, where it got the same."""
        if len(call.given) != len(leaves) or not all(map(_is_same, call.given, leaves)):
            raise Unfollowed(f"{name_of(call.function)} gets something else than in the first pass")
        if call.is_single:
            return self._again(call.results[0], call, leaves)
        results = [self._again(leaf, call, leaves) if isinstance(leaf, Result) else leaf for leaf in call.results]
        return tree_unflatten(results, call.structure)

    def _again(self, result: Result, call: Call, leaves: Sequence[Any]) -> Any:
        """A tensor that a call returned in the first pass."""
        if result.argument >= 0:
            return leaves[result.argument]
        if result.value is None:
            # nothing that is computed reads it: its shape is enough, and NaN would show if that were wrong
            nothing = float("nan") if result.dtype.is_floating_point or result.dtype.is_complex else 0
            result.value = torch.full((), nothing, dtype=result.dtype, device=result.device).expand(result.shape)
        if not call.spread:
            return result.value
        return result.value.clone() if self._lanes is None else _Spread.apply(self._lanes, result.value)

    def _drawn(self, call: Call, args: Any, kwargs: Any) -> Any:
        """A draw for each lane, in the state of its own sample."""
        leaves, structure = tree_flatten((args, kwargs))
        places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

        def one(lane: int, *tensors: Tensor) -> tuple[Tensor, ...]:
            own = list(leaves)
            for place, tensor in zip(places, tensors, strict=True):
                own[place] = tensor
            own_args, own_kwargs = tree_unflatten(own, structure)
            state = self._states[lane]
            if state is None:
                self._generators.start(self._samples[lane])
            else:
                self._generators.go_to(state)
            with at(sample=self._samples[lane]):
                made, _ = tree_flatten(call.function(*own_args, **own_kwargs))
            self._states[lane] = self._generators.state()
            return tuple(leaf for leaf in made if isinstance(leaf, Tensor))

        drawn = iter(_EachLane.apply(self._lanes, one, *[leaves[place] for place in places]))
        results = []
        for leaf in call.results:
            if not isinstance(leaf, Result):
                results.append(leaf)
                continue
            new = next(drawn)
            # written in place: the argument itself goes on
            results.append(leaves_of(*args, *kwargs.values())[leaf.argument] if leaf.argument >= 0 else new)
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


def _is_same(old: Any, new: Any) -> bool:
    """Whether a leaf of the arguments is that of the first pass."""
    if isinstance(old, Result):
        return isinstance(new, Tensor) and (old.value is None or old.value is new)
    if old is new:
        return True
    try:
        return not isinstance(old, Tensor) and not isinstance(new, Tensor) and bool(old == new)
    except (RuntimeError, TypeError, ValueError):
        return False
