"""What is missing from x: NaN under nan="omit", and what weights= says. It counts nothing, the rest counts more."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from .arrays import as_array
from .boundary import AxisBoundary, Side
from .errors import DtypeError, MissingData, ParameterError, ShapeError
from .kernel_facts import KernelFacts, kernel_facts
from .spec import Array, ConvSpec, default_rtol

Counted = Literal["missing", "there", "within x"]


def look_at(x: Array, weights: Any, spec: ConvSpec) -> tuple[Array, Array | None]:
    """What is there of x, and how much of each sample that is.

    Args:
        weights: of the shape of x, from 0 (missing) to 1; None where the spec is not weighted.

    Returns:
        x times its weights, 0 where nothing is; and the weights (bool where NaN is all that is missing), None if all of
        x is there. x itself is not touched.

    Raises:
        MissingData: x holds NaN and `spec.nan` is "error".
        ParameterError, DtypeError, ShapeError: the weights do not fit, or are there and should not, or the reverse.
    """
    if (weights is None) == spec.weighted:
        raise ParameterError(
            "the plan is for weights and none are given" if spec.weighted else "weights go with weighted=True"
        )
    holes = None if spec.nan == "propagate" else _holes(x)
    if holes is not None and spec.nan == "error":
        first = tuple(int(i) for i in np.argwhere(holes)[0])
        raise MissingData(
            f'x holds {np.count_nonzero(holes)} NaN, the first at {first}, and nan="error" was asked for: take '
            f'nan="omit" to leave them out, or "propagate" to see what they touch'
        )
    if weights is not None:
        share = _checked(weights, x, spec)
        if holes is not None:
            share = np.where(holes, 0, share)
        return _weighed(x, share, spec), None if (share == 1).all() else share
    if holes is None:
        return x, None
    return np.where(holes, x.dtype.type(0), x), ~holes


def _holes(x: Array) -> Array | None:
    """Where x is NaN; None if it is nowhere."""
    if x.dtype.kind == "O":
        holes = np.not_equal(x, x).astype(bool)
    elif x.dtype.kind not in "fc" or (x.flags.forc and x.dtype != np.float16 and _surely_finite(x)):
        return None
    else:
        holes = np.isnan(x)
    return holes if holes.any() else None


def _surely_finite(x: Array) -> bool:
    """Whether the sum of squares is finite, which takes a third of the time of looking at every sample."""
    flat = x.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(abs(np.vdot(flat, flat)))


def _weighed(x: Array, share: Array, spec: ConvSpec) -> Array:
    """Each sample times its weight, in `spec.item`; 0 where the weight is, whatever the sample holds."""
    weighed = np.zeros(x.shape, spec.item)
    there = share > 0
    real = np.finfo(spec.item).dtype
    # part by part: as a complex number a weight would turn an infinite part into NaN
    parts = [(x.real, weighed.real), (x.imag, weighed.imag)] if x.dtype.kind == "c" else [(x, weighed.real)]
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        for part, out in parts:
            np.multiply(part, share, out=out, where=there, dtype=real, casting="unsafe")
    return weighed


def _checked(weights: Any, x: Array, spec: ConvSpec) -> Array:
    share = as_array(weights, "weights")
    if share.dtype.kind not in "biuf":
        raise DtypeError(f"weights have dtype {share.dtype}: real numbers from 0 to 1, or bool, are expected")
    if share.shape != x.shape:
        raise ShapeError(
            f"weights have shape {share.shape} and x has {x.shape}: give every sample its weight, e.g. "
            f"np.broadcast_to(weights, x.shape)"
        )
    share = share.astype(spec.real, copy=False)
    least = float(np.finfo(spec.item).tiny / np.finfo(spec.item).eps)
    if ((share > 0) & (share < least)).any():
        raise ParameterError(
            f"weights above 0 and below {least:.1e} would leave nothing of a sample in {spec.item}: give 0, or larger "
            f"ones"
        )
    if not ((share >= 0) & (share <= 1)).all():
        raise ParameterError(
            "weights lie outside 0 (missing) to 1, or are NaN: scale them, e.g. weights / weights.max()"
        )
    return share


def shares(
    spec: ConvSpec, kernels: Array, there: Array | None, count: Callable[[Array, Counted], Array]
) -> tuple[Array, Array]:
    """What makes up for what is missing, and how much is not.

    Args:
        kernels: (M, *taps).
        there: how much of each sample is there, bool or `spec.real`; None if all of x is.
        count: sums the sizes of the kernels over what is missing, or over what is there; see `counting_spec`.

    Returns:
        Two arrays of the shape of the result: the factor of each output, exactly 1 where nothing is missing and NaN
        where all is; and the share of the kernel's sizes that hit data.
    """
    if there is None:
        there = np.broadcast_to(np.ones((), bool), spec.x_shape)
    miss = count(absent(there), "missing")
    sizes = spec.sizes_of(kernels)
    size = np.empty(spec.out_shape, spec.real)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # of each kernel the whole size, along the axes of the result
        whole = sizes.sum(axis=tuple(range(1, sizes.ndim)))
        spec.to_canonical(size)[...] = whole.reshape(*spec.kernel_batch, *(1 for _ in spec.axes))
        hit = size - miss
        rare = miss > size / 2
        if rare.any():
            # little is left there, which a difference would lose
            hit = np.where(rare, count(there, "there"), hit)
        factor = np.where(hit == size, 1.0, np.where(hit > 0, size / hit, np.nan))
        # so little hits that its share is beyond all numbers
        factor[np.isinf(factor)] = np.nan
        # a kernel of zeros hits nothing
        return factor, np.where(size > 0, hit / size, 0.0)


def absent(there: Array) -> Array:
    """How much of each sample is missing."""
    return ~there if there.dtype == np.bool_ else 1 - there


def counting_spec(spec: ConvSpec, kernels: Array, dtype: np.dtype[Any], what: Counted) -> tuple[ConvSpec, Array]:
    """The convolution of the sizes of the weights with how much of each sample is missing, or is there.

    Args:
        kernels: (M, *taps).
        dtype: of what is counted: bool, or `spec.real`.
        what: whether what is ignored outside counts as missing, or not at all ("within x").

    Returns:
        The spec, and the sizes of the kernels.
    """

    def counted(side: Side) -> Side:
        if not side.fills:
            return side
        counts = what == "missing" if side.rule == "ignore" else what == "there"
        return Side("constant", 1) if counts else Side("zero")

    rules = [AxisBoundary(counted(a.boundary.before), counted(a.boundary.after)) for a in spec.axes]
    sizes = spec.sizes_of(kernels)
    counting = replace(
        spec,
        axes=tuple(replace(axis, boundary=rule) for axis, rule in zip(spec.axes, rules, strict=True)),
        x_dtype=dtype,
        item=spec.real,
        dtype=spec.real,
        nan="propagate",
        weighted=False,
        rtol=default_rtol(spec.real, spec.num_taps),
        facts=_counting_facts(sizes),
    )
    return counting, sizes


def _counting_facts(sizes: Array) -> KernelFacts:
    """Only factors that are right for every weight count shares right."""
    facts = kernel_facts(sizes)
    return replace(facts, separable=facts.to_the_last)
