"""Largest and smallest values with scipy.ndimage's windows, constants outside and casts."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import holds
from ..boundary import AxisBoundary, parse_boundary
from ..errors import DtypeError, ParameterError
from ..filters.extrema import extreme_along, extreme_under
from ..spec import Array
from .ndimage_sums import FLOAT64, INT64, cast
from .ndimage_words import (
    FilterError,
    check_origin,
    check_samples,
    check_size,
    one_per_axis,
    parse_axes,
    parse_cval,
    parse_input,
    parse_mode,
    parse_output,
    refuse_mode_sequence,
)


def window_extreme(
    data: Any,
    pick: np.ufunc,
    *,
    size: Any,
    footprint: Any,
    structure: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
) -> Array:
    """`minimum_filter`, `maximum_filter`, `grey_erosion` and `grey_dilation`: a box by lines, a shape as it is."""
    if size is not None and footprint is not None:
        # the caller's line: one call of ours lies between
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=3)
    shape = None if footprint is None else np.asarray(footprint, dtype=bool)
    if shape is not None and not shape.any():
        raise ParameterError("All-zero footprint is not supported: at least one sample must be under it")
    if structure is not None:
        structure = np.asarray(structure, dtype=np.float64)
        shape = np.ones(structure.shape, bool) if shape is None else shape
    elif shape is None and size is None:
        raise FilterError("no footprint provided: give size= or footprint=")
    x = parse_input(data)
    _refuse_complex(x)
    target = parse_output(output, x)
    positions = parse_axes(axes, x.ndim)
    if shape is None or (structure is None and shape.all()):
        lengths = one_per_axis(size if shape is None else shape.shape, len(positions))
        origins, modes = one_per_axis(origin, len(positions)), one_per_axis(mode, len(positions))
        given = zip(positions, lengths, origins, modes, strict=True)
        lines = [(axis, int(length), o, m) for axis, length, o, m in given if length > 1]
        # what a bool cannot hold, scipy.ndimage keeps in the byte
        between = INT64 if target.native.kind == "b" and x.dtype.kind != "b" else target.native
        for axis, length, line_origin, line_mode in lines:
            x = line_extreme(x, pick, axis, length, line_mode, cval, line_origin, between)
        return target.write(cast(x, target.native) if lines else x.copy())
    refuse_mode_sequence(mode, " for non-separable footprints")
    if shape.ndim != len(positions):
        raise FilterError(f"footprint.ndim ({shape.ndim}) must match len(axes) ({len(positions)})")
    if structure is not None and structure.shape != shape.shape:
        raise FilterError(f"structure array has incorrect shape {structure.shape}: the footprint has {shape.shape}")
    positions, origins = lie_along(positions, one_per_axis(origin, len(positions)), x.ndim)
    moves = [check_origin(o, k, "footprint.shape[k]") for o, k in zip(origins, shape.shape, strict=True)]
    return target.write(_shape_extreme(x, shape, structure, positions, moves, mode, cval, target.native, pick))


def line_extreme(
    x: Array, pick: np.ufunc, axis: int, size: Any, mode: Any, cval: Any, origin: Any, dtype: np.dtype[Any]
) -> Array:
    """`minimum_filter1d` and `maximum_filter1d` into `dtype`, native."""
    _refuse_complex(x)
    check_samples(x.dtype)
    check_samples(dtype)
    length = check_size(size)
    before = length // 2 + check_origin(origin, length)
    x, rule = _with_outside(x, mode, cval, dtype)
    if x.size == 0:
        return np.zeros(x.shape, dtype)
    return cast(extreme_along(x, axis, before, length - 1 - before, rule, pick), dtype)


def lie_along(axes: Sequence[int], origins: Sequence[Any], ndim: int) -> tuple[tuple[int, ...], list[Any]]:
    """Which axis each axis of a kernel lies along, and its origin.

    As scipy.ndimage has it: a kernel's axes follow the order of x whatever order `axes=` names; origins follow
    `axes=` if there are fewer than x has, else the kernel.
    """
    if len(axes) == ndim:
        return tuple(range(ndim)), list(origins)
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    return tuple(axes[i] for i in order), [origins[i] for i in order]


def _shape_extreme(
    x: Array,
    footprint: Array,
    structure: Array | None,
    axes: Sequence[int],
    origins: Sequence[int],
    mode: Any,
    cval: Any,
    dtype: np.dtype[Any],
    pick: np.ufunc,
) -> Array:
    check_samples(x.dtype)
    check_samples(dtype)
    heights = None
    if structure is not None:
        # longdouble: 64-bit integers are whole in it, where it is longer than double
        x = x.astype(np.longdouble if x.dtype.kind in "iu" and x.dtype.itemsize == 8 else FLOAT64)
        heights = (structure if pick is np.maximum else -structure).astype(x.dtype)
    x, rule = _with_outside(x, mode, cval, dtype)
    if x.size == 0:
        return np.zeros(x.shape, dtype)
    before = [k // 2 + o for k, o in zip(footprint.shape, origins, strict=True)]
    return cast(extreme_under(x, footprint, axes, before, [rule] * len(axes), pick, heights), dtype)


def _with_outside(x: Array, mode: Any, cval: Any, dtype: np.dtype[Any]) -> tuple[Array, AxisBoundary]:
    """X in a dtype that holds `cval` if that counts, and what stands outside."""
    outside = parse_cval(cval)
    rule = parse_mode(mode, outside)
    if isinstance(rule, tuple):
        if x.dtype.kind == "f":
            # a constant must not lose digits that the output can hold
            x = x.astype(np.result_type(x.dtype, dtype) if dtype.kind == "f" else FLOAT64, copy=False)
        elif not holds(x.dtype, outside):
            x = x.astype(np.longdouble)
    return x, parse_boundary(rule, 1)[0]


def _refuse_complex(x: Array) -> None:
    if x.dtype.kind == "c":
        raise DtypeError("Complex type not supported: complex numbers have no order; give np.abs(input), or a part")
