"""What all dropout layers share: the rate that holds now, whether a layer is on, its randomness, the scale of the rest.

A layer of the family says two things only: which elements share their fate (`_shared`), and, where it is not the
common law, what becomes of kept and dropped ones (`_combined`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...arguments import entries, integer, real
from ...errors import DtypeError, ParameterError, ShapeError
from .draws import bernoulli_, draws_one_by_one
from .philox import derived_keys, words_at
from .place import DRAWN, HERE, Place, parse_key
from .schedule import Schedule

TWO_32 = 2**32

_FEW = 1500
"""Elements below which torch's own function takes less time: 7 µs of calls here, against 6 ns an element there."""


class Droppable(nn.Module):
    """The options of every dropout layer.

    Args:
        p: probability of being dropped, 0 to 1. At 0 nothing is, at 1 everything.
        generator: where random numbers come from; None takes torch's global generator, and the same numbers as torch.
            With a generator of one's own the global one is left alone. Copies and pickles of the layer carry a
            generator in the same state; it is not in the state dict.
        schedule: function from the step to the share of `p` that applies, e.g. `Ramp(1000)`; `advance(model)` moves it
            on. Adds the buffer `step` to the state dict.
        mc: also drop in evaluation (Monte-Carlo dropout); `monte_carlo` switches whole models.
        key: makes masks of places instead of draws: inside `at(origin=..., sample=...)` the mask is a pure function of
            key, place and sample, equal in every tiling. `key_layers(model)` gives every layer one. Axis 0 of x is the
            batch; it is no place.
        grid: pixels of the network's input per step of this layer's own grid (the product of the strides before it),
            one number or one per tiled axis: origins are divided by it.

    Raises:
        ParameterError: an option is outside what it may be.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        generator: torch.Generator | None = None,
        schedule: Schedule | None = None,
        mc: bool = False,
        key: int | None = None,
        grid: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.p = p
        self._check_rate(p)
        if generator is not None and not isinstance(generator, torch.Generator):
            raise ParameterError(
                f"generator={generator!r}: a torch.Generator is expected, e.g. torch.Generator().manual_seed(0)"
            )
        if generator is not None and key is not None:
            raise ParameterError(
                "generator and key exclude each other: with a key masks are made of places, not drawn; give one of them"
            )
        if schedule is not None and not callable(schedule):
            raise ParameterError(
                f"schedule={schedule!r}: a function from the step to a share of p is expected, e.g. Ramp(1000)"
            )
        self.generator = generator
        self.schedule = schedule
        self.mc = bool(mc)
        self.key = parse_key(key)
        self.grid = tuple(integer("grid", step, least=1) for step in entries(grid) or [grid])
        # read at every call: the buffer is what is saved, and may lie on another device
        self.current_step = 0
        if schedule is not None:
            self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    @property
    def rate(self) -> float:
        """The probability that applies now: p, times the share of the schedule.

        Raises:
            ParameterError: p or the share has come to lie outside 0 to 1.
        """
        if self.schedule is None:
            return self._check_rate(self.p)
        share = real("the schedule's share", self.schedule(self.current_step))
        if not 0 <= share <= 1:
            raise ParameterError(
                f"the schedule gave {share:g} at step {self.current_step}: a share from 0 to 1 of p={self.p} is allowed"
            )
        return self._check_rate(self.p) * share

    @property
    def is_on(self) -> bool:
        """True if a call drops: in training, or with `mc` or inside `monte_carlo`."""
        return self.training or self.mc

    def go_to(self, step: int) -> None:
        """Set the step of the schedule."""
        self.current_step = step
        self.step.fill_(step)

    def extra_repr(self) -> str:
        """As torch writes it; options that are not at their default follow."""
        grid = None if set(self.grid) == {1} else self.grid if len(self.grid) > 1 else self.grid[0]
        own = {"schedule": self.schedule, "mc": self.mc or None, "key": self.key, "grid": grid}
        words = [f"p={self.p}", *self._more_words()]
        words += [f"{name}={value}" for name, value in own.items() if value is not None]
        return ", ".join(words + (["generator=own"] if self.generator is not None else []))

    def _more_words(self) -> list[str]:
        return []

    def _check_rate(self, p: float) -> float:
        is_number = isinstance(p, (int, float)) or hasattr(p, "__float__")
        if not is_number or not 0 <= p <= 1:
            raise ParameterError(
                f"p={p!r}: the probability of being dropped, from 0 (none) to 1 (all), is expected"
                + (f"; {p:g} per cent is p={p / 100:g}" if isinstance(p, (int, float)) and 2 <= p <= 100 else "")
            )
        return p

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        if self.schedule is not None:
            self.current_step = int(self.step)

    def _drawn(self, out: Tensor, keep: float) -> Tensor:
        """`out` filled with ones (kept, with probability `keep`) and zeros."""
        return bernoulli_(out, keep, self.generator)

    def _place(self) -> Place:
        place = HERE.get()
        if place is None:
            raise ParameterError(
                f"this {type(self).__name__} has a key, so its mask belongs to a place, and none was said: call it "
                "inside faltung.nn.at(origin=(row, column), sample=number), or faltung.nn.monte_carlo; for a new mask "
                "each time use no key"
            )
        return place


class DropsValues(Droppable):
    """A layer that drops elements of x; its forward pass is the same for the whole family.

    Args:
        inplace: write the result into x, as in torch.

    The other options are those of `Droppable`.
    """

    _native: tuple[Any, Any] | None = None
    """torch's own function for this law, out of place and in place."""

    _untiled = 2
    """Axes in front of the tiled ones: batch and channels."""

    def __init__(
        self,
        p: float = 0.5,
        inplace: bool = False,
        *,
        generator: torch.Generator | None = None,
        schedule: Schedule | None = None,
        mc: bool = False,
        key: int | None = None,
        grid: int | Sequence[int] = 1,
    ) -> None:
        super().__init__(p, generator=generator, schedule=schedule, mc=mc, key=key, grid=grid)
        self.inplace = bool(inplace)

    def forward(self, x: Tensor) -> Tensor:
        """Drop from x, if the layer is on.

        Args:
            x: floating; axis 0 is the batch where the law or a key needs one.

        Returns:
            Same shape and dtype; x itself if nothing is dropped.

        Raises:
            DtypeError: x is no tensor of floats.
            ShapeError: x has axes that this layer cannot place.
            ParameterError: p has come to lie outside 0 to 1, or a layer with a key runs outside `at`.
        """
        if isinstance(x, torch.fx.Proxy):
            # one node of a traced graph, as torch's own layers: whether it drops is known when the graph runs
            return x.tracer.create_proxy("call_module", x.tracer.path_of_module(self), (x,), {})
        self._check(x)
        rate = self.rate
        if not self.is_on or rate == 0 or x.numel() == 0:
            return x
        if rate == 1:
            return emptied(x, inplace=self.inplace)
        drawn = DRAWN.get()
        return self._dropped(x, rate) if drawn is None else drawn(self._dropped, x, rate)

    def _dropped(self, x: Tensor, rate: float) -> Tensor:
        """The result of a layer that is on, for 0 < rate < 1."""
        if self._may_be_native(x):
            assert self._native is not None
            return self._native[self.inplace](x, rate, True)
        return self._combined(x, self._mask(x, rate), rate)

    def _more_words(self) -> list[str]:
        return [f"inplace={self.inplace}"]

    def _check(self, x: Tensor) -> None:
        """Refuse what this layer cannot drop from."""
        if not isinstance(x, Tensor):
            raise DtypeError(f"x is a {type(x).__name__}, a torch tensor is expected: torch.as_tensor(x) makes one")
        if not x.is_floating_point():
            raise DtypeError(
                f"x is {str(x.dtype).removeprefix('torch.')}; what is kept is scaled by 1 / (1 - p), so floats are "
                "expected: x.float()"
            )

    def _shared(self, x: Tensor) -> tuple[int, ...]:
        """Axes of x along which elements are kept or dropped together."""
        return ()

    def _may_be_native(self, x: Tensor) -> bool:
        if self._native is None or self.generator is not None or self.key is not None:
            return False
        # elements one by one are drawn faster here; of channels there are few
        return x.numel() < _FEW or bool(self._shared(x)) or not draws_one_by_one(x)

    def _mask(self, x: Tensor, rate: float) -> Tensor:
        """Ones where x is kept and zeros where it is dropped, to broadcast with x."""
        if self.key is not None:
            return (self._words(x) < round((1 - rate) * TWO_32)).to(x.dtype)
        return self._drawn(self._empty(x), 1 - rate)

    def _empty(self, x: Tensor) -> Tensor:
        """Room for a number for each fate; in the order of x in memory, as torch has it, where nothing is shared."""
        shared = self._shared(x)
        if not shared:
            return torch.empty_like(x)
        return x.new_empty([1 if axis in shared else size for axis, size in enumerate(x.shape)])

    def _combined(self, x: Tensor, mask: Tensor, rate: float) -> Tensor:
        """The result from x and its mask, which may be overwritten."""
        factors = mask.div_(1 - rate)
        return x.mul_(factors) if self.inplace else x * factors

    def _words(self, x: Tensor, before: Sequence[int] = ()) -> Tensor:
        """Random words of the places in x, of 32 bits; (1, ...) where all entries of the batch have the same.

        Args:
            before: places needed in front of x, along its last axes.
        """
        if x.ndim < 2:
            raise ShapeError(
                f"x has {x.ndim} axes; with a key axis 0 is the batch, which is no place: give x[None], so that masks "
                "do not depend on who else is in the batch"
            )
        place = self._place()
        for name, numbers in (("origin", place.origins), ("sample", place.samples)):
            if len(numbers) not in (1, len(x)):
                raise ShapeError(
                    f"{name} has {len(numbers)} entries, the batch (axis 0 of x) has {len(x)}: give one for all or one "
                    "for each"
                )
        shared = self._shared(x)
        front = [0] * (x.ndim - len(before)) + list(before)
        counted = [axis for axis in range(1, x.ndim) if axis not in shared]
        shape = [x.shape[axis] + front[axis] for axis in counted] or [1]
        keys = derived_keys(self.key or 0, place.samples, x.device)
        found = []
        for number, origin in enumerate(place.origins):
            first = self._first(x, origin)
            start = [first[axis] - front[axis] for axis in counted] or [0]
            # each origin with its own sample, or with all of them
            own = slice(number, number + 1) if 1 < len(place.samples) == len(place.origins) else slice(None)
            found.append(words_at((keys[0][own], keys[1][own]), start, shape, x.device))
        words = torch.cat(found)
        spread = [
            1 if axis in shared else size + extra
            for axis, size, extra in zip(range(x.ndim), x.shape, front, strict=True)
        ]
        return words.reshape(len(words), *spread[1:])

    def _first(self, x: Tensor, origin: tuple[int, ...]) -> list[int]:
        """The place of x's first element along every axis of x, on this layer's own grid."""
        tiled, untiled = len(origin), self._untiled
        if not tiled or x.ndim == untiled:
            return [0] * x.ndim
        if x.ndim != untiled + tiled:
            raise ShapeError(
                f"origin={origin} has {tiled} axes, x has {x.ndim}: {untiled + tiled} are expected ({untiled} and the "
                f"tiled ones), or {untiled}, which have no place"
            )
        grid = self.grid * tiled if len(self.grid) == 1 else self.grid
        if len(grid) != tiled:
            raise ShapeError(
                f"grid={self.grid} has {len(grid)} axes, origin={origin} has {tiled}: give one number, or {tiled}"
            )
        if any(start % step for start, step in zip(origin, grid, strict=True)):
            raise ParameterError(
                f"origin={origin} lies between the points of this layer's grid, {grid} apart: let tiles begin at "
                "multiples of it"
            )
        return [0] * untiled + [start // step for start, step in zip(origin, grid, strict=True)]


def emptied(x: Tensor, *, inplace: bool = False) -> Tensor:
    """Zeros in place of all of x, with a gradient of zeros; no product with 0, which would be NaN for infinity."""
    everything = torch.ones((), dtype=torch.bool, device=x.device)
    return x.masked_fill_(everything, 0) if inplace else x.masked_fill(everything, 0)
