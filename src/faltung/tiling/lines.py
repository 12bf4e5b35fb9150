"""The cut along one axis: where parts begin and end, so that together they agree with the whole everywhere.

A halo is proposed, the agreement is computed, and what is missing is added: layers are never asked how far they see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any

from ..errors import ParameterError, ShapeError
from ..networks.recording import Recording, record
from .agreement import Agreement, Broken, Cut, Places, State, compare, slope, sums_over
from .statistics import kind_of, problem

_MOST_TRIES = 48


@dataclass(frozen=True)
class Own:
    """What of one tensor is taken from one part, along one axis.

    Attributes:
        axis: of the tensor.
        start, stop: positions of the whole.
        shift: position i of the part's tensor is position i + shift of the whole's.
    """

    axis: int
    start: int
    stop: int
    shift: int

    @property
    def here(self) -> slice:
        """The same in positions of the part's tensor."""
        return slice(self.start - self.shift, self.stop - self.shift)


@dataclass(frozen=True)
class Line:
    """The cut along one axis.

    Attributes:
        axis: of x.
        tile: how far the next part's own positions begin after this one's, in pixels.
        grid: parts begin at multiples of it.
        reach: pixels to the left and right of its own positions that a part needs.
        crops: start and stop of each part, halo included.
        outputs: for each part, what it gives of each output; None: the output is the same for all parts.
        statistics: for each part, what it gives to each sum over the picture, by step.
        states: of all tensors in the first part: which of their axes are cut.
        scales: positions of each tensor per pixel of x.
        note: why it is not cut, though a smaller tile was asked for.
    """

    axis: int
    tile: int
    grid: int
    reach: tuple[int, int]
    crops: tuple[tuple[int, int], ...]
    outputs: tuple[tuple[Own | None, ...], ...]
    statistics: tuple[dict[int, Own], ...]
    states: tuple[State, ...]
    scales: dict[int, Fraction]
    note: str = ""

    @property
    def halo(self) -> tuple[int, int]:
        """Pixels that a part reads before and behind its own: the reach, up to the grid."""
        if len(self.crops) == 1:
            return 0, 0
        return -(-self.reach[0] // self.grid) * self.grid, self.crops[0][1] - self.tile


class Recordings:
    """Runs of one module on inputs of several sizes, each recorded once."""

    def __init__(self, module: Any, shape: Sequence[int]) -> None:
        self.module, self.shape = module, tuple(shape)
        self.kept: dict[tuple[int, ...], Recording] = {}
        self.whole = self.of(self.shape)

    def of(self, shape: Sequence[int]) -> Recording:
        """The run on this shape."""
        key = tuple(shape)
        if key not in self.kept:
            self.kept[key] = record(self.module, key)
        return self.kept[key]

    def cut(self, axis: int, size: int) -> Recording:
        """The run on an input that is cut along one axis."""
        return self.of((*self.shape[:axis], size, *self.shape[axis + 1 :]))


def scales(whole: Recording, axis: int) -> tuple[int, dict[int, int], dict[int, Fraction]]:
    """The grid on which parts have to begin; for each tensor its axis, and how many positions stand for a pixel.

    A part may begin where every stride, and every factor of a resampling, begins anew.
    """
    grid, found = 1, {0: (axis, Fraction(1))}
    for step in whole.steps:
        for i, number in enumerate(step.inputs):
            if number not in found:
                continue
            own, scale = found[number]
            place, reach = step.moves[i][own]
            kind = kind_of(step) if sums_over(step, own) else None
            if kind == "norm":
                place, ratio = own, Fraction(1)
            elif place is None or kind is not None:
                continue
            else:
                ratio = slope(reach, whole.shapes[number][own], step.shape[place])
                unit = scale / abs(reach.advance) if reach.advance else scale * ratio
                grid = lcm(grid, unit.denominator)
            found.setdefault(step.output, (place, scale * ratio))
    along = {number: axis for number, (axis, _) in found.items()}
    return grid, along, {number: scale for number, (_, scale) in found.items()}


class _Failed(Exception):
    """This halo does not do."""

    def __init__(self, reason: str, *, far: bool = False, fine: bool = False) -> None:
        super().__init__(reason)
        # more picture may help, and if not, the reach is larger than the picture
        self.far = far
        # a coarser grid may help
        self.fine = fine


@dataclass
class _Needs:
    """How far the parts tried see, in pixels."""

    left: int = 0
    right: int = 0
    covered: bool = True


class Cutter:
    """Finds the cut along one axis.

    Args:
        runs: of the module.
        axis: of x.
        tile: the most pixels from one part to the next.
        even: parts are made alike; else they are as long as `tile` allows, and the last has the rest.
    """

    def __init__(self, runs: Recordings, axis: int, tile: int, *, even: bool) -> None:
        self.runs, self.axis = runs, axis
        self.size = runs.shape[axis]
        self.grid, self.along, self.scales = scales(runs.whole, axis)
        whole = runs.whole
        self.ends = {*whole.outputs, *(step.inputs[0] for step in whole.steps if kind_of(step) is not None)}
        self.asked, self.even = tile, even
        self.tile = self._tile()
        self.agreements: dict[tuple[int, int], Agreement] = {}

    def line(self) -> Line:
        """The cut.

        Raises:
            ParameterError: parts cannot agree with the whole; the message names the layer.
        """
        if self.size <= self.asked:
            return self._one_part("")
        grid = self.grid
        refused: ShapeError | _Failed | None = None
        for factor in (1, 2, 4, 8, 16):
            self.grid = grid * factor
            self.tile = self._tile()
            if self.size <= self.tile:
                break
            try:
                return self._search()
            except (ShapeError, _Failed) as error:
                refused = refused or error
                # sizes that the module does not take, or pads, for reasons of its own: a coarser grid may do
                if isinstance(error, _Failed) and not error.fine:
                    break
        if isinstance(refused, _Failed):
            raise ParameterError(f"{self.runs.whole.name} cannot be cut along axis {self.axis}: {refused}")
        return self._one_part(f"tiles begin at multiples of {self.grid}" if refused is None else str(refused))

    def _one_part(self, note: str) -> Line:
        agreement = self._agreement((0, self.size))
        crops = ((0, self.size),)
        outputs = (tuple(None for _ in self.runs.whole.outputs),)
        states = tuple(agreement.states)
        return Line(self.axis, self.size, self.grid, (0, 0), crops, outputs, ({},), states, self.scales, note)

    def _search(self) -> Line:
        left = right = 0
        good: tuple[int, int] | None = None
        failed: _Failed | ShapeError | None = None
        tried: set[tuple[int, int]] = set()
        for _ in range(_MOST_TRIES):
            tried.add((left, right))
            crops = self._crops(left, right)
            if good is None and (0, self.size) in crops:
                break
            count = len(crops)
            try:
                needs = self._needs(crops, sorted({0, 1, count // 2, count - 2, count - 1} & set(range(count))))
            except (_Failed, ShapeError) as error:
                if good is not None:
                    break
                failed = error
                left = right = max(2 * max(left, right), self.tile // 2, self.grid)
                continue
            if needs.covered:
                good = (left, right)
                if (needs.left, needs.right) in tried:
                    break
                left, right = needs.left, needs.right
            elif good is not None:
                break
            else:
                wider = (max(left, needs.left), max(right, needs.right))
                left, right = wider if wider not in tried else (wider[0] + self.grid, wider[1] + self.grid)
        if good is not None:
            return self._cut(self._crops(*good))
        if failed is not None and not (isinstance(failed, _Failed) and failed.far):
            raise failed
        return self._one_part("a tile depends on all of it")

    def _length(self) -> int:
        """Pixels that belong to a part: without padding, results end before the picture does."""
        scales = {number: self.scales[number] for number in self.ends if number in self.scales}
        if not scales or min(scales.values()) <= 0:
            return self.size
        # a result of nothing has one part, too
        return max(1, min(self.size, max(ceil(self._extent(number) / scale) for number, scale in scales.items())))

    def _tile(self) -> int:
        """The tile on the grid; if even, of as many as are needed, since a part reads as much for a rest as for all."""
        most = max(self.asked // self.grid, 1) * self.grid
        if not self.even:
            return most
        count = -(-self._length() // most)
        return -(-self._length() // (count * self.grid)) * self.grid

    def _crops(self, left: int, right: int) -> list[tuple[int, int]]:
        """Parts with this halo. Their sizes leave the rest that the whole leaves on the grid, as paddings do."""
        crops = []
        length = self._length()
        for first in range(0, length, self.tile):
            start = max(0, (first - left) // self.grid * self.grid)
            stop = first + self.tile + right
            stop += (self.size - stop) % self.grid
            crops.append((start, self.size if first + self.tile >= length else min(stop, self.size)))
        # a small rest takes more of its neighbour: torch has other routines for small inputs, which round otherwise
        start = max(0, self.size - crops[0][1]) // self.grid * self.grid
        crops[-1] = (min(crops[-1][0], start), self.size)
        return crops

    def _extent(self, number: int) -> int:
        """Size of a tensor along this axis of x."""
        return int(self.runs.whole.shapes[number][self.along[number]])

    def _agreement(self, crop: tuple[int, int]) -> Agreement:
        if crop not in self.agreements:
            start, stop = crop
            self.agreements[crop] = compare(self.runs.whole, self.runs.cut(self.axis, stop - start), self.axis, start)
        return self.agreements[crop]

    def _wanted(self, agreement: Agreement) -> list[tuple[int, Cut]]:
        """Cut tensors that must be whole in the end: outputs and what is summed over the picture."""
        whole = self.runs.whole
        found = []
        for number in whole.outputs:
            state = agreement.states[number]
            if isinstance(state, Places):
                raise _Failed("returns positions of maxima, which count within a tile")
            if isinstance(state, Broken):
                raise _Failed(state.reason, far=state.small)
            if isinstance(state, Cut):
                found.append((number, self._whole_extent(state, number)))
        for place, cut in agreement.statistics.items():
            step = whole.steps[place]
            reason = problem(step)
            if reason:
                raise _Failed(f"{step.name} ({step.operation}) {reason}")
            found.append((step.inputs[0], cut))
        return found

    def _whole_extent(self, cut: Cut, number: int) -> Cut:
        if cut.shift is None:
            raise _Failed("returns something that is the same everywhere, spread over the picture")
        if self.scales[number] < 0:
            raise _Failed("returns the picture backwards")
        return cut

    def _needs(self, crops: Sequence[tuple[int, int]], some: Sequence[int]) -> _Needs:
        needs = _Needs()
        for i in some:
            start, stop = crops[i]
            agreement = self._agreement((start, stop))
            for number, cut in self._wanted(agreement):
                low, high = cut.longest()
                scale, size = self.scales[number], self.runs.whole.shapes[number][cut.axis]
                if low == high:
                    raise _Failed(f"a part of {stop - start} agrees nowhere with the whole", far=True)
                if (start == 0 and low > 0) or (stop == self.size and high < size):
                    raise _Failed(self._at_border(agreement, at_end=start > 0 or low == 0), fine=True)
                wanted = (min(floor(i * self.tile * scale), size), min(floor((i + 1) * self.tile * scale), size))
                if i > 0 and start > 0:
                    needs.left = max(needs.left, ceil(low / scale) - start)
                    needs.covered &= low <= wanted[0]
                if stop < self.size:
                    needs.right = max(needs.right, stop - floor(high / scale))
                    needs.covered &= high >= wanted[1]
        return needs

    def _at_border(self, agreement: Agreement, *, at_end: bool) -> str:
        for step in self.runs.whole.steps:
            state = agreement.states[step.output]
            if isinstance(state, Cut) and not state.agrees[-1 if at_end else 0]:
                return (
                    f"{step.name} ({step.operation}) takes at this border what lies at the other end, as circular "
                    "padding does"
                )
        return "its border depends on the other end"

    def _cut(self, crops: Sequence[tuple[int, int]]) -> Line:
        """The line of these parts, each of them looked at."""
        agreements = [self._agreement(crop) for crop in crops]
        whole = self.runs.whole
        try:
            needs = self._needs(crops, range(len(crops)))
            wanted = [dict(self._wanted(agreement)) for agreement in agreements]
        except _Failed as failed:
            raise ParameterError(f"{whole.name} cannot be cut along axis {self.axis}: {failed}") from None
        owned = {number: self._owned(number, [cuts[number] for cuts in wanted]) for number in wanted[0]}
        outputs = tuple(
            tuple(owned[number][i] if number in owned else None for number in whole.outputs) for i in range(len(crops))
        )
        statistics = tuple(
            {place: owned[whole.steps[place].inputs[0]][i] for place in agreements[i].statistics}
            for i in range(len(crops))
        )
        reach = (needs.left, needs.right)
        return Line(
            axis=self.axis,
            tile=self.tile,
            grid=self.grid,
            reach=reach,
            crops=tuple(crops),
            outputs=outputs,
            statistics=statistics,
            states=tuple(agreements[0].states),
            scales=self.scales,
        )

    def _owned(self, number: int, cuts: Sequence[Cut]) -> list[Own]:
        """Each position of a tensor to one part: at the tile's own border if both agree there."""
        size = self.runs.whole.shapes[number][cuts[0].axis]
        runs = [cut.longest() for cut in cuts]
        edges = [0]
        for i in range(1, len(cuts)):
            edge = max(min(floor(i * self.tile * self.scales[number]), runs[i - 1][1]), runs[i][0], edges[-1])
            if edge > runs[i - 1][1]:
                raise ParameterError(
                    f"{self.runs.whole.name} cannot be cut along axis {self.axis}: parts {i - 1} and {i} leave "
                    "positions between them that agree in neither; take a larger tile"
                )
            edges.append(edge)
        edges.append(size)
        assert runs[0][0] <= 0
        assert runs[-1][1] == size
        return [Own(cut.axis, edges[i], edges[i + 1], cut.shift or 0) for i, cut in enumerate(cuts)]
