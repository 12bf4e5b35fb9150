"""How a drop-in function is held to the function of another library that it stands in for."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from faltung.spec import Array

REAL = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32")
DTYPES = (*REAL, "float64", "longdouble", "complex64", "complex128", "clongdouble", "object")


def made(rng: np.random.Generator, dtype: str, shape: int | Sequence[int]) -> Array:
    """Numbers over the whole range of an integer dtype, around one for the others; objects are Python's integers."""
    if dtype == "object":
        return rng.integers(-(2**62), 2**62, shape).astype(object) * 2**20
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.3
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, shape, kind, endpoint=True)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if kind.kind == "c" else values).astype(kind)


def check_close(ours: Any, theirs: Any, scale: Any, *, bound: float = 64) -> None:
    """The same dtype and shape, and no further apart than so many eps times the sizes that were summed.

    Integers and objects are equal. NaN and infinities stand at the same places.

    Args:
        scale: the sum of the products' absolute values, per output or in all.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    if ours.dtype.kind not in "fc":
        assert np.array_equal(ours, theirs)
        return
    finite = np.isfinite(theirs)
    assert np.array_equal(finite, np.isfinite(ours))
    if ours.dtype.kind == "f":
        assert np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
    eps = float(np.finfo(ours.dtype).eps)
    wide = np.result_type(ours, np.float64)
    apart = np.abs(ours.astype(wide) - theirs.astype(wide))[finite]
    assert np.all(apart <= bound * eps * np.broadcast_to(scale, ours.shape)[finite])


def check_same_signature(ours: Callable[..., Any], theirs: Callable[..., Any]) -> None:
    """The same names in the same order, with the same defaults, positional as far as theirs are."""
    mine, model = (
        [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (ours, theirs)
    )
    assert mine == model


def check_same_error(
    ours: Callable[..., Any], theirs: Callable[..., Any], args: Sequence[Any], options: dict[str, Any]
) -> None:
    """Both refuse, and an `except` that catches theirs catches ours."""
    with pytest.raises(Exception) as their_error:  # noqa: PT011
        theirs(*args, **options)
    with pytest.raises(their_error.type):
        ours(*args, **options)
