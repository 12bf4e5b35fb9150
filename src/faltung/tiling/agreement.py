"""Where a run on a part of x computes the same numbers as the run on all of x: layer by layer, by proof.

Two recordings of one module are laid beside each other: of the whole, and of a part that is cut along one axis. For
every tensor it is found how far its positions are moved against those of the whole, and which of them depend on the
same positions, of the same values, and on the border of the picture in the same way. Nothing is assumed of halos or
strides: whatever module comes, a position agrees only if all that it depends on agrees. Dependences of several axes are
products, so each axis may be looked at alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from ..networks.operations import Move
from ..networks.reach import SAME, Positions, Reach
from ..networks.recording import Recording, Step, flat
from ..spec import Array
from .statistics import kind_of

_GEOMETRY = frozenset(
    (
        *("view", "reshape", "_unsafe_view", "view_as", "reshape_as", "flatten", "unflatten", "expand", "expand_as"),
        *(
            "broadcast_to",
            "repeat",
            "tile",
            "pad",
            "pad_by_rules",
            "constant_pad_nd",
            "interpolate",
            "upsample",
            "getitem",
            "slice",
        ),
        *("narrow", "select", "split", "tensor_split", "split_with_sizes", "chunk", "roll", "squeeze"),
        *(f"{name}{n}d" for name in ("adaptive_avg_pool", "adaptive_max_pool", "max_unpool") for n in (1, 2, 3)),
        *(f"adaptive_max_pool{n}d_with_indices" for n in (1, 2, 3)),
    )
)
"""Operations whose numbers say sizes and places, which the moves hold already; of all others numbers must be equal."""

_RANDOM = ("rand_like", "randn_like", "gumbel_softmax")
_DROPPING = (
    *("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "feature_dropout"),
    "rrelu",
)
_INDEX_MAKERS = tuple(f"{name}{n}d" for name in ("max_pool", "adaptive_max_pool") for n in (1, 2, 3))
_ROUNDED = ("linear", "bilinear", "trilinear", "bicubic")


@dataclass(frozen=True)
class Equal:
    """The tensor is the same in both runs."""


@dataclass(frozen=True)
class Cut:
    """The tensor is a part of the whole's.

    Attributes:
        axis: of the tensor, along which it is cut.
        shift: position i here is position i + shift of the whole; None: it is the same at all positions.
        agrees: for each position here, whether its values are the whole's.
    """

    axis: int
    shift: int | None
    agrees: Array

    def longest(self) -> tuple[int, int]:
        """The longest run of positions that agree, in positions of the whole; (0, 0) if none does."""
        assert self.shift is not None
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self.agrees.astype(np.int8), [0]))))
        if not len(edges):
            return 0, 0
        starts, stops = edges[::2], edges[1::2]
        best = int(np.argmax(stops - starts))
        return int(starts[best]) + self.shift, int(stops[best]) + self.shift


@dataclass(frozen=True)
class Broken:
    """The tensor holds something else, and why.

    Attributes:
        reason: names the layer.
        small: the part may only be too small: along this axis a layer has one position, which is repeated.
    """

    reason: str
    small: bool = False


@dataclass(frozen=True)
class Places:
    """Positions of maxima: numbers that count within a part, of use only where values are put back."""

    cut: "State"


State = Equal | Cut | Broken | Places


@dataclass(frozen=True)
class Agreement:
    """How all tensors of two runs compare, by number.

    Attributes:
        states: of every tensor.
        statistics: for steps that sum over the picture, by place in the run: how their input is cut.
    """

    states: list[State]
    statistics: dict[int, Cut]


def compare(whole: Recording, part: Recording, axis: int, start: int) -> Agreement:
    """Lay the run on a part beside the run on the whole.

    Args:
        whole: of the whole.
        part: of x cut along `axis`, as large as the whole along the others.
        axis: of x.
        start: where the part begins.
    """
    size = part.input_shape[axis]
    states: list[State] = [Broken("")] * max(len(whole.shapes), len(part.shapes))
    if size == whole.input_shape[axis]:
        return Agreement([Equal()] * len(states), {})
    states[0] = Cut(axis, start, np.ones(size, bool))
    statistics: dict[int, Cut] = {}
    if len(whole.steps) != len(part.steps):
        reason = f"does {len(whole.steps)} operations on the whole and {len(part.steps)} on a part of {size}"
        return Agreement([Broken(f"{whole.name}: {reason}, so it decides by the size")] * len(states), {})
    for place, (a, b) in enumerate(zip(whole.steps, part.steps, strict=True)):
        if (a.operation, a.inputs, a.output) != (b.operation, b.inputs, b.output):
            reason = (
                f"{a.name}: {a.operation} on the whole is {b.operation} on a part of {size}: it decides by the size"
            )
            return Agreement([Broken(reason)] * len(states), {})
        state = _after(a, b, [states[number] for number in a.inputs], whole, part, place, statistics)
        if isinstance(state, str):
            pairs = (zip(part.shapes[i], whole.shapes[i], strict=False) for i in a.inputs)
            small = any(here == 1 and there != 1 for row in pairs for here, there in row)
            state = Broken(f"{a.name} ({a.operation}) {state}", small)
        states[a.output] = state
    return Agreement(states, statistics)


def _after(
    a: Step,
    b: Step,
    inputs: Sequence[State],
    whole: Recording,
    part: Recording,
    place: int,
    statistics: dict[int, Cut],
) -> State | str:
    """The state of a step's result; text: why there is none."""
    broken = next((state for state in inputs if isinstance(state, Broken)), None)
    if broken is not None:
        return broken
    reason = _random(a) or _unequal(a, b)
    if reason:
        return reason
    unpools = a.operation.startswith("max_unpool")
    if any(isinstance(state, Places) for state in inputs) and not (unpools and not isinstance(inputs[0], Places)):
        return "works on the positions of maxima, which count within a tile"
    states = [state.cut if isinstance(state, Places) else state for state in inputs]
    cuts = [(i, state) for i, state in enumerate(states) if isinstance(state, Cut)]
    if cuts and (kind := kind_of(a)) is not None and sums_over(a, cuts[0][1].axis):
        return _statistic(a, b, kind, cuts[0][1], place, statistics)
    made = _moved(a, b, cuts, whole, part) if cuts else _unmoved(a, b, states, whole)
    if not isinstance(made, str) and a.operation.removesuffix("_with_indices") in _INDEX_MAKERS:
        # the second result of such a pool
        return Places(made) if a.dtype == torch.int64 and not isinstance(made, Broken) else made
    return made


def _random(step: Step) -> str | None:
    if step.operation in _RANDOM:
        return "draws random numbers: every tile would draw others"
    if step.operation in _DROPPING:
        args, named = step.given
        place = 3 if step.operation == "rrelu" else 2
        training = named.get(
            "training", named.get("train", args[place] if len(args) > place else step.operation != "rrelu")
        )
        rate = named.get("p", args[1] if len(args) > 1 else 0.5)
        if training and (rate != 0 or step.operation == "rrelu"):
            return (
                "drops at random, every tile anew: call module.eval(); for Monte-Carlo samples use faltung.nn's layers "
                "with keys (faltung.nn.key_layers), whose masks belong to places"
            )
    return None


def _leaves(step: Step) -> Iterator[Any]:
    args, named = step.given
    for value in flat((list(args), [entry for _, entry in sorted(named.items())])):
        if isinstance(value, (torch.Tensor, bool, int, float, complex, str, type(None))):
            yield value


def _unequal(a: Step, b: Step) -> str | None:
    """Why the two calls mean different things, beyond their moves."""
    ours, theirs = list(_leaves(a)), list(_leaves(b))
    if a.operation in _GEOMETRY or a.operation.startswith("upsample_"):
        return "pads with another value on a part" if _outside(a) != _outside(b) else None
    for ours_one, theirs_one in zip(ours, theirs, strict=False):
        if ours_one is theirs_one:
            continue
        tensors = isinstance(ours_one, torch.Tensor) and isinstance(theirs_one, torch.Tensor)
        if tensors and ours_one.shape == theirs_one.shape and torch.equal(ours_one, theirs_one):
            continue
        if tensors:
            return "takes numbers made for this size, such as coordinates or positions"
        if type(ours_one) is not type(theirs_one) or ours_one != theirs_one:
            return f"is called with {ours_one!r} on the whole and with {theirs_one!r} on a part: it depends on the size"
    return None if len(ours) == len(theirs) else "is called in another way on a part"


def _outside(step: Step) -> Any:
    """What a pad puts outside: a value, not a place, so that the moves do not hold it."""
    args, named = step.given
    if step.operation == "pad_by_rules":
        return named.get("rules", args[1] if len(args) > 1 else None)
    if step.operation in ("pad", "constant_pad_nd"):
        place = 3 if step.operation == "pad" else 2
        return named.get("value", args[place] if len(args) > place else None)
    return None


def sums_over(step: Step, axis: int) -> bool:
    """Whether an operation of those that take sums takes them over this axis of its input."""
    place, reach = step.moves[0][axis]
    return place is None or (reach.advance == 0 and step.shape[place] == 1)


def _statistic(a: Step, b: Step, kind: str, cut: Cut, place: int, statistics: dict[int, Cut]) -> State | str:
    """A mean over the picture, or a norm by it: what it needs of all tiles is collected before."""
    if cut.shift is None:
        return "sums over something that is the same everywhere, as often as the tile has positions"
    others = [axis for axis in range(len(a.moves[0])) if axis != cut.axis]
    if [a.moves[0][axis] for axis in others] != [b.moves[0][axis] for axis in others]:
        return "sees another axis in another way on a part"
    statistics[place] = cut
    # a norm keeps its places, a mean is the same for all tiles
    return cut if kind == "norm" else Equal()


def _unmoved(a: Step, b: Step, states: Sequence[State], whole: Recording) -> State | str:
    """From tensors that are the same in both runs, or from none."""
    if a.shape == b.shape:
        return Equal() if a.moves == b.moves else "takes other positions on a part"
    axes = [axis for axis, (p, q) in enumerate(zip(a.shape, b.shape, strict=False)) if p != q]
    if len(a.shape) != len(b.shape) or len(axes) > 1:
        return "has another shape on a part"
    (axis,) = axes
    for number, ours, theirs in zip(a.inputs, a.moves, b.moves, strict=True):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            if p != q and (whole.shapes[number][i] != 1 or {p[0], q[0]} - {None, axis}):
                return "spreads something over the whole picture by its size"
    return Cut(axis, None, np.ones(b.shape[axis], bool))


def _moved(a: Step, b: Step, cuts: Sequence[tuple[int, Cut]], whole: Recording, part: Recording) -> State | str:
    """From tensors of which some are cut."""
    axes: set[int] = set()
    shifts: set[int] = set()
    agrees: list[Array] = []
    for i, cut in cuts:
        ours, theirs = a.moves[i], b.moves[i]
        if any(p != q for k, (p, q) in enumerate(zip(ours, theirs, strict=True)) if k != cut.axis):
            return "takes other positions of another axis on a part"
        (axis, through), (other, there) = ours[cut.axis], theirs[cut.axis]
        if axis is None or axis != other:
            return _sees_all(a, cut.axis)
        axes.add(axis)
        if cut.shift is None:
            if through != SAME or there != SAME:
                return "filters something that is the same everywhere, of which borders are not known here"
            continue
        sizes = [(r.shapes[step.inputs[i]][cut.axis], step.shape[axis]) for r, step in ((whole, a), (part, b))]
        found = carried(through, there, cut, *sizes)
        if isinstance(found, str):
            return found
        shifts.add(found[0])
        agrees.append(found[1])
    if len(axes) > 1:
        return "meets the picture along one axis with itself along another"
    if len(shifts) > 1:
        return "joins branches that move by different steps from tile to tile"
    (axis,) = axes
    if any(p != q for k, (p, q) in enumerate(zip(a.shape, b.shape, strict=True)) if k != axis):
        return "has another size along another axis on a part"
    if not shifts:
        return Cut(axis, None, np.ones(b.shape[axis], bool))
    return Cut(axis, shifts.pop(), np.logical_and.reduce(agrees))


def _sees_all(step: Step, axis: int) -> str:
    words = {
        "batch_norm": "in training mode takes mean and variance of the batch: call module.eval()",
        "softmax": f"divides by a sum over all positions of axis {axis}",
        "matmul": f"multiplies over all positions of axis {axis}, as attention does",
        "scaled_dot_product_attention": "attends to all positions",
    }
    return words.get(step.operation, f"sees all positions of axis {axis} at once")


def carried(
    whole: Reach, part: Reach, cut: Cut, sizes: tuple[int, int], part_sizes: tuple[int, int]
) -> tuple[int, Array] | str:
    """Shift and agreement through one operation, along one axis.

    Args:
        whole, part: what a position of the result depends on, in both runs.
        cut: of the input.
        sizes: of input and result in the whole.
        part_sizes: the same in the part.

    Returns:
        Shift of the result, and which of its positions agree; text: why it has none.
    """
    assert cut.shift is not None
    shift = _shift(whole, part, cut.shift, sizes)
    if isinstance(shift, str):
        return shift
    positions = np.arange(part_sizes[1])
    agrees = (positions + shift >= 0) & (positions + shift < sizes[1])
    if part.advance:
        for place, sources in enumerate(part.sets):
            rows = positions[place :: part.period]
            for source in sources:
                agrees[rows] &= _fits(source + rows // part.period * part.advance, cut, sizes[0])
        special = {*part.borders, *(place - shift for place in whole.borders)}
        rest = sorted(place for place in special if 0 <= place < part_sizes[1])
    else:
        rest = positions.tolist()
    for place in rest:
        ours = part.at(place)
        agrees[place] = (
            0 <= place + shift < sizes[1]
            and ours.moved(cut.shift) == _normal(whole.at(place + shift))
            and bool(_fits(np.array(list(ours), int), cut, sizes[0]).all())
        )
    return shift, agrees


def _normal(positions: Positions) -> Positions:
    return positions.moved(0)


def _shift(whole: Reach, part: Reach, shift: int, sizes: tuple[int, int]) -> int | str:
    """How far the result is moved if its input is moved so far."""
    if (whole.period, whole.advance) != (part.period, part.advance) and (whole.advance or part.advance):
        return "spaces its positions by the size of its input"
    if not whole.advance:
        # a list of positions, such as nearest neighbours by a factor of 3: its steps are those of the sizes
        scale = slope(whole, *sizes)
        moved = shift * scale
        return int(moved) if moved.denominator == 1 else "has tiles that begin between the points of its grid"
    drift = 0
    if whole.sets != part.sets:
        if whole.period != 1 or whole.sets[0].mask != part.sets[0].mask:
            return "spreads its positions by the size of its input"
        drift = part.sets[0].start - whole.sets[0].start
    turns, rest = divmod(shift + drift, whole.advance)
    return "has tiles that begin between the points of its grid" if rest else turns * whole.period


def slope(reach: Reach, before: int, after: int) -> Fraction:
    """Positions of the result per position of the input."""
    if reach.advance:
        return Fraction(reach.period, reach.advance)
    return Fraction(after, before).limit_denominator(64) if before else Fraction(1)


def _fits(sources: Array, cut: Cut, size: int) -> Array:
    """Whether sources hold the same in both runs: values that agree, or the outside at the same end."""
    assert cut.shift is not None
    count = len(cut.agrees)
    there = sources + cut.shift
    inside = (sources >= 0) & (sources < count)
    values = inside & (there >= 0) & (there < size)
    values[values] = cut.agrees[sources[values]]
    return values | ((sources < 0) & (there < 0)) | ((sources >= count) & (there >= size))


def rounded(step: Step) -> str | None:
    """Why a step may round differently at another place, though it is the same arithmetic."""
    if step.operation not in ("interpolate", "upsample") and not step.operation.startswith("upsample_"):
        return None
    words = [value for value in _leaves(step) if isinstance(value, str)]
    mode = words[0] if words else step.operation.removeprefix("upsample_").rstrip("123d")
    if mode not in _ROUNDED:
        return None
    for axis, reach in step.moves[0]:
        # places are multiples of the ratio in float32: exact for halves, quarters, ... only
        if axis is not None and reach.period & (reach.period - 1):
            return f"{step.name} ({step.operation}) resamples by {reach.stride}, whose multiples torch rounds"
    return None


def moves_along(step: Step, states: Sequence[State]) -> list[Move]:
    """The moves of those axes of a step's inputs that are cut."""
    found = []
    for i, number in enumerate(step.inputs):
        state = states[number]
        cut = state.cut if isinstance(state, Places) else state
        if isinstance(cut, Cut):
            found.append(step.moves[i][cut.axis])
    return found
