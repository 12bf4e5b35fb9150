"""Things told apart: the parts of a mask, lines between those that touch, and how well the found are the true ones."""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import DtypeError, ParameterError, ShapeError
from ..spec import Array
from .examples import Examples


def connected_parts(mask: Array, *, least_px: int = 1) -> Array:
    """The things in a mask: its connected parts, numbered.

    Args:
        mask: truth values (*spatial), of what is no background; diagonal neighbours are connected.
        least_px: parts of fewer pixels are left out.

    Returns:
        int64 (*spatial); 0 is background, 1, 2, ... the things, in the order of their first pixels; the largest number
        is how many there are.

    Example:
        >>> import numpy as np
        >>> connected_parts(np.array([[1, 0, 1, 1], [1, 0, 0, 1]]) > 0, least_px=3).tolist()
        [[0, 0, 1, 1], [0, 0, 0, 1]]
    """
    from scipy import ndimage

    found = np.asarray(mask)
    if found.dtype != bool:
        raise DtypeError(f"mask is {found.dtype}: truth values are needed, e.g. predicted == 1")
    parts, _ = ndimage.label(found, structure=np.ones((3,) * found.ndim))
    sizes = np.bincount(parts.ravel())
    kept = sizes >= least_px
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[parts].astype(np.int64)


def part_instances(examples: Examples) -> Examples:
    """The same examples, with a line of background where two instances touch, so that each is a part of its own.

    A place becomes background if its 3 x 3 neighbourhood holds an instance of a smaller number: of two things that
    touch, one loses its outermost pixels there.

    Args:
        examples: with `instances`.

    Raises:
        ParameterError: the examples have no instances.
    """
    from scipy import ndimage

    if examples.instances is None:
        raise ParameterError(f"{examples.name} has no instances: it does not tell one thing from the next")
    instances, labels = np.asarray(examples.instances).copy(), np.asarray(examples.y).copy()
    for things, known in zip(instances, labels, strict=True):
        # numbered anew from 1: the filter passes numbers through float64, which does not hold every int64
        names, order = np.unique(things, return_inverse=True)
        order = np.where(things > 0, order.reshape(things.shape), len(names))
        least = ndimage.minimum_filter(order, size=3, mode="nearest")
        touches = (things > 0) & (least < order)
        things[touches] = 0
        known[touches] = 0
    return replace(examples, y=labels, instances=instances)


@dataclass(frozen=True)
class Matched:
    """How well the things found are those that are there.

    Attributes:
        num_found, num_true: how many there are.
        num_right: how many of the found have a true one with which they share more than half of their union.
    """

    num_found: int
    num_true: int
    num_right: int

    @property
    def f1(self) -> float:
        """Twice the right ones over all found and all true; 1 where there is nothing and nothing was found."""
        total = self.num_found + self.num_true
        return 2 * self.num_right / total if total else 1.0


def match_instances(found: Array, true: Array) -> Matched:
    """Compare things with things: right is who shares more than half of the union with a true one.

    Above one half no thing can be right twice, so nothing has to be assigned.

    Args:
        found, true: integers (*spatial), 0 is background, every other number one thing.

    Raises:
        ShapeError: they are not of one shape.

    Example:
        >>> import numpy as np
        >>> match_instances(np.array([1, 1, 0, 2]), np.array([7, 7, 7, 0]))
        Matched(num_found=2, num_true=1, num_right=1)
    """
    found, true = np.asarray(found), np.asarray(true)
    if found.shape != true.shape:
        raise ShapeError(f"found has shape {found.shape}, true {true.shape}: the same is needed")
    names, places = zip(*(np.unique(things, return_inverse=True) for things in (found, true)), strict=True)
    sizes = [len(name) for name in names]
    both = np.zeros(sizes, np.int64)
    np.add.at(both, (places[0].ravel(), places[1].ravel()), 1)
    union = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    things = [name != 0 for name in names]
    right = (2 * both > union)[np.ix_(*things)]
    return Matched(int(things[0].sum()), int(things[1].sum()), int(right.sum()))
