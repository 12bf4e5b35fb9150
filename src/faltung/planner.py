"""Choose an algorithm, build it, run it.

The planner asks every algorithm whether it refuses a spec (in words) or what it would cost, keeps all verdicts, and
takes the cheapest that keeps the promised error. A `Plan` is the result: fixed, safe to share between threads, called
with data as often as one likes.
"""

import math
import operator
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any, Literal, overload

import numpy as np

from .algorithm import Algorithm, Routine
from .algorithms import ALGORITHMS, direct
from .arguments import check_choice
from .arrays import as_array
from .errors import AccuracyError, DtypeError, MethodError, ParameterError, ShapeError
from .explanation import Explanation, Verdict
from .jit import compiler
from .layout import as_stack, in_order
from .machine import DEFAULT, Machine, num_workers
from .missing import Counted, absent, counting_spec, look_at, shares
from .normaliser import make_normaliser, multiply
from .patches import SCALED, any_entry, boxes, sum_again
from .rounding import fits_for_certain, largest_in, largest_of, to_result
from .spec import Array, ConvSpec

SHORT_S = 5e-5
"""Predicted seconds below which a call stays on one thread, without asking how many there are."""


@dataclass(frozen=True)
class _Ready:
    """All of a plan that does not depend on the kernels' weights; kept, for kernels change more often than shapes.

    Attributes:
        served: the spec that the routine is built for, with the batch axes in front.
        in_place: x and result are reshaped to it; else they are brought in order by a copy.
    """

    explanation: Explanation
    served: ConvSpec
    in_place: bool
    routine: Routine


class Plan:
    """One convolution made ready: shapes, dtypes and kernel are fixed, only the data are missing.

    Call it with data: `plan(x)` or `plan(x, out=y)`. It never changes, so one plan serves many threads; `workers` only
    says how many threads one call may use and does not change a bit of the result.

    Attributes:
        spec: the normal form of what is computed.
        method: name of the algorithm taken.
        nbytes: memory that it holds.
    """

    def __init__(self, spec: ConvSpec, kernels: Array, ready: _Ready) -> None:
        """Load the kernels; `make_plan` is the way to get one."""
        self.spec = spec
        self.method = ready.explanation.method
        self._explanation = ready.explanation
        self._kernels, self._routine, self._in_place = kernels, ready.routine, ready.in_place
        served = ready.served
        self._packed = ready.routine.load(kernels.reshape(-1, *served.taps))
        self._x_stack, self._out_stack = (tuple(a.size for a in served.axes), served.out_sizes)
        self._out_shape = spec.out_shape
        taken = ready.explanation.verdicts[0].cost
        self._short = taken is not None and taken.seconds < SHORT_S
        self._exact = spec.item.kind in "iu"
        # a result in another kind of dtype (float, bool) comes from the whole integer, not from its last 64 bits
        wraps = spec.overflow == "wrap" and spec.dtype.kind in "iu"
        self._safe = not self._exact or wraps or fits_for_certain(spec, kernels, largest_of(spec.x_dtype))
        self._may_miss = spec.weighted or spec.nan != "propagate"
        self._normaliser = make_normaliser(spec, kernels) if spec.ignores else None
        self._transforms = ready.explanation.verdicts[0].transforms
        self._weak = self._normaliser.weak(SCALED) if self._normaliser and self._transforms else []
        held = self._normaliser.nbytes if self._normaliser else 0
        self.nbytes = kernels.nbytes + self._packed.nbytes + ready.routine.nbytes + held
        # made when something is missing for the first time: the sizes of the kernels, to count what hits
        self._counters: dict[tuple[np.dtype[Any], Counted], Plan] = {}

    def explain(self) -> Explanation:
        """Why this algorithm; see `faltung.explain`."""
        return self._explanation

    @overload
    def __call__(
        self, x: Array, out: Array | None = None, *, weights: Any = None, workers: int | None = None
    ) -> Array: ...
    @overload
    def __call__(
        self,
        x: Array,
        out: Array | None = None,
        *,
        weights: Any = None,
        return_weights: Literal[True],
        workers: int | None = None,
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        x: Array,
        out: Array | None = None,
        *,
        weights: Any = None,
        return_weights: bool = False,
        workers: int | None = None,
    ) -> Array | tuple[Array, Array]: ...
    def __call__(
        self,
        x: Array,
        out: Array | None = None,
        *,
        weights: Any = None,
        return_weights: bool = False,
        workers: int | None = None,
    ) -> Array | tuple[Array, Array]:
        """Convolve x.

        Args:
            x: an array of the shape and dtype that the plan was made for.
            out: where the result goes; it must not share memory with x.
            weights: what each sample counts, from 0 to 1, of the shape of x: for a plan made with weighted=True.
            return_weights: whether the share of the kernel that hit data is wanted too, for each output, from 0 to 1.
            workers: threads this call may use; None means all processors.

        Raises:
            ShapeError: x or out has another shape.
            DtypeError: x or out has another dtype, or x is nothing that can be convolved.
            ParameterError: out shares memory with x, or cannot be written; workers is less than 1; weights are given
                to a plan without, or are not, or are not within 0 and 1.
            MissingData: x holds NaN and nan="error" was asked for.
            IntegerOverflow: an integer result does not fit; `out` may have been written in part.
        """
        spec = self.spec
        x = as_array(x, "x")
        if x.shape != spec.x_shape:
            raise ShapeError(f"the plan is for x of shape {spec.x_shape}, got {x.shape}: make another plan")
        if x.dtype != spec.x_dtype:
            raise DtypeError(f"the plan is for x of dtype {spec.x_dtype}, got {x.dtype}: make another plan")
        if out is not None:
            _check_out(out, x, spec)
        there = None
        if self._may_miss or weights is not None:
            x, there = look_at(x, weights, spec)
        num_threads = (1 if self._short else num_workers()) if workers is None else _checked_workers(workers)
        if out is not None and out.dtype == spec.item and out.flags.carray:
            total = out
        else:
            total = compiler.room(self._out_shape, spec.item)
        if total.size:
            try:
                # what is missing within x is made up for together with what is outside
                self._run(x, total, num_threads, normalise=there is None)
            except TypeError as error:
                if spec.item.kind != "O":
                    raise
                raise DtypeError(f"x or kernel holds objects that cannot be multiplied and added: {error}") from error
            total = self._check_overflow(x, total)
        share = None
        if there is not None or return_weights:
            factor, share = shares(spec, self._kernels, there, partial(self._count, num_threads))
            if there is not None:
                factor = self._as_outside(factor, there, num_threads)
                if self._transforms:
                    weak = spec.to_canonical(factor >= SCALED)
                    places = [(box, weak[(..., *box)]) for box in boxes(any_entry(weak, len(spec.axes)))]
                    sum_again(spec, self._kernels, x, total, places, num_threads)
                multiply(total, factor)
        result = to_result(total, spec.dtype, spec.overflow)
        if out is None:
            out = result
        elif result is not out:
            out[...] = result
        return (out, share) if return_weights and share is not None else out

    def _as_outside(self, factor: Array, there: Array, workers: int) -> Array:
        """The factors, but those of the normaliser where no window misses anything of x itself.

        So a hole far away does not change a bit at a border that is ignored.
        """
        if self._normaliser is None:
            return factor
        static = np.ones_like(factor)
        self._normaliser.apply(self.spec.to_canonical(static))
        inside = self._count(workers, absent(there), "within x")
        return np.where(inside == 0, static, factor)

    def _count(self, workers: int, x: Array, what: Counted) -> Array:
        """The sizes of the kernels summed over what is missing, or over what is there."""
        plan = self._counters.get((x.dtype, what))
        if plan is None:
            counting = counting_spec(self.spec, self._kernels, x.dtype, what)
            # of what is there little may be left, of which a transform could not tell nothing; and where sums are
            # added up, their shares are, so that nothing outside a window changes a bit
            plan = self._counters[x.dtype, what] = make_plan(
                *counting, sums_only=what == "there" or not self._transforms
            )
        return plan(x, workers=workers)

    def _run(self, x: Array, total: Array, workers: int, *, normalise: bool) -> None:
        spec = self.spec
        if self._in_place:
            self._run_stack(x.reshape(-1, *self._x_stack), total.reshape(-1, *self._out_stack), workers)
        else:
            x_stack = np.ascontiguousarray(spec.to_canonical(x)).reshape(-1, *self._x_stack)
            out_canonical = spec.to_canonical(total)
            out_stack = np.empty((math.prod(spec.batch), *self._out_stack), spec.item)
            self._run_stack(x_stack, out_stack, workers)
            out_canonical[...] = out_stack.reshape(out_canonical.shape)
        if self._normaliser is not None and normalise:
            sum_again(spec, self._kernels, x, total, self._weak, workers)
            self._normaliser.apply(spec.to_canonical(total))

    def _run_stack(self, x: Array, out: Array, workers: int) -> None:
        detour = self._routine.run(x, self._packed, out, workers)
        if detour is not None and self._explanation.forced:
            raise AccuracyError(f'method="{self.method}": {detour}; take method="auto", or rtol=inf to lift the bound')

    def _check_overflow(self, x: Array, total: Array) -> Array:
        """The exact integers: as computed if they provably fit `item`, else again in Python's own."""
        if self._safe or fits_for_certain(self.spec, self._kernels, largest_in(x)):
            return total
        return _exact_plan(self.spec, self._kernels)(x.astype(object))


def make_plan(
    spec: ConvSpec, kernels: Array, method: str = "auto", machine: Machine = DEFAULT, *, sums_only: bool = False
) -> Plan:
    """Ask all algorithms, take the cheapest allowed (or the one asked for), and build it.

    Args:
        kernels: (M, *taps), as `make_spec` returns them.
        sums_only: "auto" takes no transforms.

    Raises:
        ParameterError: no algorithm is called `method`.
        MethodError: the algorithm asked for refuses.
        AccuracyError: the algorithm asked for cannot keep `rtol`.
    """
    check_choice("method", method, ("auto", *(algorithm.name for algorithm in ALGORITHMS)))
    key = (spec, method, machine, sums_only, compiler.is_checking())
    ready = _kept.get(key)
    if ready is None:
        ready = _make_ready(spec, method, machine, sums_only)
        _keep(key, ready)
    else:
        # another thread may just have dropped it
        with suppress(KeyError):
            _kept.move_to_end(key)
    return Plan(spec, kernels, ready)


MAX_KEPT, MAX_KEPT_BYTES = 256, 1 << 27
"""Routines kept without their kernels, and the memory of all their tables; the one not used for longest goes first."""

_kept: OrderedDict[Any, _Ready] = OrderedDict()
_lock = Lock()


def _keep(key: Any, ready: _Ready) -> None:
    with _lock:
        _kept[key] = ready
        while len(_kept) > 1 and (
            len(_kept) > MAX_KEPT or sum(one.routine.nbytes for one in _kept.values()) > MAX_KEPT_BYTES
        ):
            _kept.popitem(last=False)


def forget() -> None:
    """Drop everything that is kept for kernels to come."""
    with _lock:
        _kept.clear()


def _make_ready(spec: ConvSpec, method: str, machine: Machine, sums_only: bool) -> _Ready:
    stacked = as_stack(spec)
    if stacked and any(a.name == method and a.refuses(stacked) for a in ALGORITHMS):
        stacked = None  # separable, say, refuses a line but not the plane it was
    served = stacked or in_order(spec)
    if spec.weighted:
        # x arrives multiplied by its weights
        served = replace(served, x_dtype=spec.item)
    explanation = replace(choose(served, method, machine, sums_only=sums_only), spec=spec)
    algorithm = next(a for a in ALGORITHMS if a.name == explanation.method)
    return _Ready(explanation, served, stacked is not None, algorithm.build(served))


def choose(spec: ConvSpec, method: str = "auto", machine: Machine = DEFAULT, *, sums_only: bool = False) -> Explanation:
    """The verdicts of all algorithms and the choice among them."""
    check_choice("method", method, ("auto", *(algorithm.name for algorithm in ALGORITHMS)))
    verdicts = [_ask(algorithm, spec, machine) for algorithm in ALGORITHMS]
    if method != "auto":
        verdict = next(v for v in verdicts if v.method == method)
        if verdict.cost is None:
            raise MethodError(f'method="{method}" refuses: {verdict.refusal}; method="auto" finds one that serves')
        if verdict.refusal:
            raise AccuracyError(
                f'method="{method}" {verdict.refusal}; take method="auto", or rtol=inf to lift the bound'
            )
        reason = "asked for by name"
    else:
        able = [v for v in verdicts if v.refusal is None and v.cost is not None and not (sums_only and v.transforms)]
        verdict = min(able, key=lambda v: v.cost.seconds if v.cost else math.inf)
        reason = _reason(verdict, able)
    order = sorted(verdicts, key=lambda v: (v is not verdict, v.cost is None, v.cost.seconds if v.cost else 0))
    return Explanation(verdict.method, reason, method != "auto", tuple(order), spec)


def _ask(algorithm: Algorithm, spec: ConvSpec, machine: Machine) -> Verdict:
    refusal, cost = algorithm.refuses(spec), None
    if refusal is None:
        # for one thread: which algorithm is taken, and so every bit, must not depend on how many there are
        cost = algorithm.cost(spec, machine)
        # direct is the definition: nothing that errs no more than it does is worse
        least = direct.cost(spec, machine).error
        if not math.isinf(cost.error) and cost.error > max(spec.rtol, least):
            refusal = f"errs by up to {cost.error:.1e}, rtol allows {spec.rtol:.1e}"
    return Verdict(algorithm.name, refusal, cost, algorithm.transforms)


def _reason(taken: Verdict, able: list[Verdict]) -> str:
    others = [v.cost.seconds for v in able if v is not taken and v.cost]
    if not others or taken.cost is None:
        return "the only one that serves"
    ratio = min(others) / taken.cost.seconds
    return f"predicted {ratio:.1f} times as fast as the next" if ratio >= 1.05 else "predicted as fast as the next"


def _exact_plan(spec: ConvSpec, kernels: Array) -> Plan:
    """The same convolution in Python's integers, which have no end."""
    anything = np.dtype(object)
    exact = replace(spec, x_dtype=anything, item=anything, dtype=anything)
    return make_plan(exact, kernels.astype(object), "direct")


def _check_out(out: Array, x: Array, spec: ConvSpec) -> None:
    if not isinstance(out, np.ndarray):
        raise DtypeError(f"out is a {type(out).__name__}: a NumPy array is expected")
    if out.shape != spec.out_shape:
        raise ShapeError(f"out has shape {out.shape}, the result has {spec.out_shape}: give np.empty of that shape")
    if out.dtype != spec.dtype:
        raise DtypeError(
            f"out has dtype {out.dtype}, the result has {spec.dtype}: give such an array, or dtype=out.dtype"
        )
    if not out.flags.writeable:
        raise ParameterError("out is read-only: give a writable array")
    if np.may_share_memory(out, x) and _share_memory(out, x):
        raise ParameterError("out shares memory with x, which is read while out is written: give another array")


def _share_memory(a: Array, b: Array) -> bool:
    """Whether any byte belongs to both; in doubt, yes."""
    steps: Any = 1000  # NumPy's stubs know the two special values only
    try:
        return np.shares_memory(a, b, max_work=steps)
    except np.exceptions.TooHardError:
        return True


def _checked_workers(workers: Any) -> int:
    try:
        number = operator.index(workers)
    except TypeError:
        raise ParameterError(f"workers={workers!r}: a number of threads is expected, or None for all") from None
    if number < 1:
        raise ParameterError(f"workers={number}: at least 1 is allowed, or None for all processors")
    return number
