"""What an operation does to sizes and places: the form in which every rule answers, and the table of all rules.

A rule is written once and serves twice: on integers it gives the sizes of one input, on a `Size` those of all inputs.
So rules decide nothing with `if` on a size; what must hold is said by `require`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .reach import SAME, Reach, everything, only
from .sizes import always, demand, is_dead

Shape = tuple[Any, ...]
"""Integers, or `Size`s where the input's size is left open."""
Move = tuple[int | None, Reach]
"""For one axis of an input: the axis of the result that runs along it (None: each result sees the same positions) and
which positions a position of the result depends on."""
Rule = Callable[..., Any]

RULES: dict[str, Rule] = {}


class Known:
    """A tensor of which the shape is known, and no value."""

    shape: Shape
    dtype: Any

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass
class Made:
    """One result of an operation.

    Attributes:
        shape: of the result.
        inputs: the traced tensors it is made of.
        moves: for each input a `Move` per axis; called only where sizes are integers.
        multiplies: multiply-adds.
        is_view: it shares the memory of its first input.
        dtype: None: that of the first input.
        groups: axes of the first input that were folded, and those of the result that hold the same elements: a place
            of these is one place there, whatever `moves` say.
        refold: the shape in which the elements are looked at in the end, if another.
    """

    shape: Shape
    inputs: Sequence[Known]
    moves: Callable[[], Sequence[Sequence[Move]]]
    multiplies: Any = 0
    is_view: bool = False
    dtype: Any = None
    groups: list[tuple[list[int], list[int]]] = field(default_factory=list)
    refold: Shape | None = None


class Refused(Exception):
    """An operation does not take what it got; whoever calls the rules adds the layer's path."""


class Unknown(Exception):
    """What an operation does in this form is not known; whoever calls the rules adds the layer's path."""


class NothingLeft(Exception):
    """No size is left for which the program comes here."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function in the table under these names of torch's operations."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def require(truth: Any, message: Callable[[], str]) -> None:
    """Go on with those sizes only for which this holds.

    Raises:
        Refused: it holds for none, and the sizes are integers.
        NothingLeft: it holds for none of those left.
    """
    if isinstance(truth, int):
        if not truth:
            raise Refused(message())
        return
    demand(truth)
    if is_dead():
        raise NothingLeft


def words(shape: Sequence[Any]) -> str:
    """`1x3x224x224`."""
    return "x".join(map(str, shape)) or "one number"


def axis_of(dim: int, ndim: int) -> int:
    """An axis as a position >= 0."""
    require(int(-max(ndim, 1) <= dim < max(ndim, 1)), lambda: f"axis {dim} does not exist: there are {ndim}")
    return dim % max(ndim, 1)


def straight(shape: Shape) -> list[Move]:
    """Moves of a result that has the places of its input."""
    return [(axis, SAME) for axis in range(len(shape))]


def blind(shape: Shape) -> list[Move]:
    """Moves of a result each place of which depends on all of its input."""
    return [(None, everything(size)) for size in shape]


def joined(shape: Shape, result: Shape) -> list[Move]:
    """Moves of an operand that was broadcast to the result's shape."""
    ahead = len(result) - len(shape)
    whole = straight(result)[ahead:]
    return [(None, only(0)) if size == 1 else move for size, move in zip(shape, whole, strict=True)]


def broadcast(*shapes: Shape) -> Shape:
    """The common shape, as torch finds it."""
    ndim = max(map(len, shapes))
    rows = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(_broadcast_axis(i - ndim, column) for i, column in enumerate(zip(*rows, strict=True)))


def _broadcast_axis(axis: int, sizes: Sequence[Any]) -> Any:
    common: Any = 1
    for size in sizes:
        if always(common == size):
            continue
        # a size that is 1 for some n only decides which way the program goes
        if common == 1:
            common = size
        elif size != 1:
            require(
                common == size,
                lambda: f"sizes {words(sizes)} meet at axis {axis}: they must be equal, or one of them 1",
            )
    return common


def numel(shape: Sequence[Any]) -> Any:
    """Number of elements."""
    return math.prod(shape)
