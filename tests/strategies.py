"""Whole convolutions made by hypothesis, and how close a result must come.

`cases()` draws x, kernel and options together, so that they fit; `check(case, method)` runs one and holds the result to
the definition. Values come from a drawn seed: shapes and options shrink, single numbers do not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

import faltung as ft
from faltung.algorithms import ALGORITHMS
from faltung.reading import make_spec
from faltung.reference import reference
from faltung.spec import Array, ConvSpec
from oracle import Truth, truth

Draw = Callable[[st.SearchStrategy[Any]], Any]
RULE_NAMES = ("zero", "edge", "symmetric", "reflect", "wrap", "ignore")
INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", "float64", "longdouble")
COMPLEX = ("complex64", "complex128")
# the compiled loops serve float32 and float64: half of all draws
DTYPES = ("float32", "float64", "float32", "float64", *INTEGERS, *FLOATS, *COMPLEX, "object")


def methods_for(dtype: str) -> list[str]:
    """ "auto" and the algorithms that serve an outer product of two vectors in this dtype."""
    spec = make_spec((9, 9), np.dtype(dtype), np.ones((2, 2), dtype), flip=True)[0]
    return ["auto", *(algorithm.name for algorithm in ALGORITHMS if algorithm.refuses(spec) is None)]


LAYOUTS = ("C", "F", "reversed", "strided", "swapped", "unaligned", "read-only")
LOOKS_OF_X = ("dense", "level", "level", "sparse", "wide", "far", "not finite")
LOOKS = ("dense", "separable", "separable", "separable", "whole", "symmetric", "one tap", "sparse", "zero ends")
NEAR_SIXTEEN = tuple(n + d for n in (16, 32, 48, 64, 128, 256) for d in (-1, 0, 1))


@dataclass(frozen=True)
class Case:
    """One call, and the spec that it stands for."""

    verb: str
    x: Array
    kernel: Array
    options: dict[str, Any] = field(default_factory=dict)
    out_layout: str = "C"

    def __call__(self, **more: Any) -> Array:
        """The result of the public call."""
        return getattr(ft, self.verb)(self.x, self.kernel, **self.options | more)

    def spec(self) -> tuple[ConvSpec, Array]:
        """The normal form and the weights, as the door would make them."""
        x, kernel = (a.astype(a.dtype.newbyteorder("="), copy=False) for a in (self.x, self.kernel))
        options = {name: value for name, value in self.options.items() if name != "weights"}
        weighted = self.weights is not None
        return make_spec(x.shape, x.dtype, kernel, flip=self.verb == "convolve", weighted=weighted, **options)

    @property
    def weights(self) -> Array | None:
        """What each sample counts."""
        return self.options.get("weights")

    def __repr__(self) -> str:
        x, kernel = (f"{a.dtype.str} {a.shape} strides {a.strides}" for a in (self.x, self.kernel))
        call = f"{self.verb}({x}, {kernel}, {self.options}, out {self.out_layout})"
        return f"{call}\nx = {self.x!r}\nkernel = {self.kernel!r}"


@st.composite
def cases(
    draw: Draw,
    *,
    large: bool = False,
    dtypes: tuple[str, ...] = DTYPES,
    boundaries: tuple[str, ...] = (*RULE_NAMES, "constant"),
    options: bool = True,
) -> Case:
    """A convolution that has a result.

    Args:
        large: one or two convolved axes of up to some hundreds of samples, often within one of a multiple of 16, and
            kernels of up to 40 taps: for loops that work in vectors and for transforms that work in tiles.
        dtypes: x and kernel get one of these each.
        boundaries: names to draw from.
        options: whether `dtype=`, `overflow=` and `rtol=` vary too.
    """
    shape, positions = draw(_geometries(large))
    num = len(positions)
    taps = tuple(draw(_taps(large, num)) for _ in range(num))
    chosen: dict[str, Any] = {}
    dilations = draw(_per_axis(num, st.sampled_from((1, 1, 1, 2, 3))))
    strides = draw(_per_axis(num, st.sampled_from((1, 1, 1, 2, 3, 5))))
    kernel_shape = taps
    if len(shape) > num or positions != tuple(range(num)) or draw(st.booleans()):
        chosen["axes"] = tuple(p - len(shape) if draw(st.booleans()) else p for p in positions)
        if num == 1 and draw(st.booleans()):
            chosen["axes"] = chosen["axes"][0]
        if len(shape) > num and draw(st.booleans()):
            shape, kernel_shape = draw(_kernel_batches(shape, positions, taps))
    _set(chosen, "dilation", dilations, draw)
    _set(chosen, "stride", strides, draw)
    reaches = [(k - 1) * d + 1 for k, d in zip(taps, dilations, strict=True)]
    chosen |= draw(_outlines([shape[p] for p in positions], reaches))

    x_dtype, kernel_dtype = _dtype(draw(st.sampled_from(dtypes))), _dtype(draw(st.sampled_from(dtypes)))
    if draw(st.booleans()):
        kernel_dtype = x_dtype
    if object in (x_dtype, kernel_dtype) and {"f", "c"} & {x_dtype.kind, kernel_dtype.kind}:
        x_dtype = kernel_dtype = np.dtype(object)
    if object in (x_dtype, kernel_dtype):
        boundaries = tuple(name for name in boundaries if name != "ignore")
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    style = draw(st.sampled_from(("small", "small", "any")))
    look = draw(st.sampled_from(LOOKS_OF_X))
    x = layout(_values(rng, shape, x_dtype, look, style), draw(_layouts()))
    kernel = kernel_like(rng, kernel_shape, kernel_dtype, draw(st.sampled_from(LOOKS)), style)
    unsigned = x_dtype.kind != "i" and kernel_dtype.kind != "i"
    if options and object not in (x_dtype, kernel_dtype) and draw(st.integers(0, 4)) == 0:
        if draw(st.booleans()):
            chosen["weights"] = layout(
                _counts(rng, shape, draw(st.sampled_from(("bool", "float32", "float64")))), draw(_layouts())
            )
        if x_dtype.kind in "fc" and draw(st.booleans()):
            chosen["nan"] = "omit"
    chosen |= draw(_boundaries(num, boundaries, _constants(x_dtype, kernel_dtype, unsigned=unsigned)))
    if options:
        chosen |= draw(_dtype_options(x_dtype, kernel_dtype, chosen))
    if large and draw(st.integers(0, 2)) == 0:
        chosen["rtol"] = math.inf
    verb = draw(st.sampled_from(("convolve", "correlate")))
    out_layout = draw(st.sampled_from(("C", "C", "F", "reversed", "strided", "unaligned")))
    return Case(verb, x, layout(kernel, draw(_layouts())), chosen, out_layout)


@st.composite
def _geometries(draw: Draw, large: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A shape of x and the convolved positions, in any order."""
    if large:
        num = draw(st.sampled_from((1, 2, 2)))
        sizes = st.sampled_from(NEAR_SIXTEEN if num == 1 else [n for n in NEAR_SIXTEEN if n < 150])
        if draw(st.booleans()):
            sizes = st.integers(1, 400 if num == 1 else 150)
        long = tuple(draw(sizes) for _ in range(num))
        batch = draw(st.sampled_from(((), (), (2,), (3,))))
        shape = batch + long
        positions = tuple(range(len(batch), len(shape)))
        if draw(st.integers(0, 3)) == 0:
            shape, positions = shape[::-1], tuple(len(shape) - 1 - p for p in positions)
        return shape, positions
    ndim = draw(st.integers(1, 4))
    longest = (40, 12, 6, 4)[ndim - 1]
    shape = tuple(draw(st.sampled_from(range(1, longest + 1))) for _ in range(ndim))
    num = draw(st.integers(1, ndim))
    positions = tuple(draw(st.permutations(range(ndim))))[:num]
    if num == ndim and draw(st.booleans()):
        positions = tuple(range(ndim))
    batch = [p for p in range(ndim) if p not in positions]
    if batch and draw(st.integers(0, 7)) == 0:
        empty = draw(st.sampled_from(batch))
        shape = tuple(0 if p == empty else n for p, n in enumerate(shape))
    return shape, positions


def _taps(large: bool, num: int) -> st.SearchStrategy[int]:
    if large:
        return st.sampled_from(range(1, 41 if num == 1 else 17))
    return st.sampled_from(range(1, (12, 6, 4, 3)[num - 1]))


@st.composite
def _kernel_batches(
    draw: Draw, shape: tuple[int, ...], positions: tuple[int, ...], taps: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A kernel with as many axes as x whose batch axes broadcast with x's, either way."""
    x_shape, kernel_shape = list(shape), [0] * len(shape)
    for position, count in zip(positions, taps, strict=True):
        kernel_shape[position] = count
    for p in set(range(len(shape))) - set(positions):
        kernel_shape[p] = draw(st.sampled_from((1, shape[p])))
        if shape[p] and draw(st.booleans()):
            x_shape[p], kernel_shape[p] = 1, draw(st.integers(1, 3))
    return tuple(x_shape), tuple(kernel_shape)


def _per_axis(num: int, one: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.one_of(st.just((1,) * num), st.tuples(*[one] * num))


def _set(chosen: dict[str, Any], name: str, values: tuple[int, ...], draw: Draw) -> None:
    """Write an option as one number where one number says it."""
    if len(set(values)) > 1:
        chosen[name] = values if draw(st.booleans()) else list(values)
    elif values[0] != 1 or draw(st.booleans()):
        chosen[name] = values[0]


@st.composite
def _outlines(draw: Draw, sizes: list[int], reaches: list[int]) -> dict[str, Any]:
    """mode and origin, or padding, such that every axis has an output."""
    way = draw(st.sampled_from(("nothing", "full", "same", "same", "valid", "origin", "padding", "pairs", "torch")))
    if way == "nothing":
        return {}
    if way == "torch":
        return {"padding": "same"}
    if way == "origin":
        return {"mode": "same", "origin": draw(st.sampled_from((1, -1, [draw(st.integers(-4, 4)) for _ in sizes])))}
    if way == "padding":
        return {"padding": max(0, *(r - n for r, n in zip(reaches, sizes, strict=True))) + draw(st.integers(0, 3))}
    if way == "pairs":
        pads: list[Any] = []
        for reach, size in zip(reaches, sizes, strict=True):
            before = draw(st.integers(0, 5))
            after = draw(st.integers(0, 5)) + max(0, reach - size - before)
            pads.append(after if before == after else (before, after))
        return {"padding": pads}
    if way == "valid" and any(r > n for r, n in zip(reaches, sizes, strict=True)):
        way = "same"
    return {"mode": way}


@st.composite
def _boundaries(draw: Draw, num: int, names: tuple[str, ...], constants: tuple[Any, ...]) -> dict[str, Any]:
    """One rule, a pair, or a list with either per axis."""

    def side() -> Any:
        name = draw(st.sampled_from(names))
        return (name, draw(st.sampled_from(constants))) if name == "constant" else name

    way = draw(st.sampled_from(("default", "one", "one", "one", "pair", "list")))
    if way == "default" and "zero" in names:
        return {}
    if way == "pair":
        return {"boundary": (side(), side())}
    if way == "list":
        return {"boundary": [(side(), side()) if draw(st.booleans()) else side() for _ in range(num)]}
    return {"boundary": side()}


def _constants(x: np.dtype[Any], kernel: np.dtype[Any], *, unsigned: bool) -> tuple[Any, ...]:
    both = {x.kind, kernel.kind}
    if "c" in both:
        return (1, 0.5, 1 - 2j)
    if "f" in both:
        return (1, -3, 0.5)
    return (1, 7) if unsigned else (1, -3)


@st.composite
def _dtype_options(draw: Draw, x: np.dtype[Any], kernel: np.dtype[Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """Another result dtype now and then, with what shall happen beyond its range."""
    if draw(st.integers(0, 3)):
        return {}
    kind = np.result_type(x, kernel).kind
    if kind == "c":
        return {"dtype": draw(st.sampled_from(COMPLEX))}
    if kind == "f":
        return draw(st.sampled_from(({"dtype": "float32"}, {"dtype": "float64"}, {"rtol": 1e-3}, {"rtol": math.inf})))
    if "ignore" in str(chosen.get("boundary")) or "weights" in chosen:
        return {"dtype": "float32"}
    return {
        "dtype": draw(st.sampled_from((None, "int8", "uint8", "uint16", "int32", "float64", "bool"))),
        "overflow": draw(st.sampled_from(("error", "saturate", "wrap"))),
    }


def _layouts() -> st.SearchStrategy[str]:
    return st.one_of(st.just("C"), st.sampled_from(LAYOUTS))


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(np.longdouble if name == "longdouble" else name)


def _values(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], look: str, style: str) -> Array:
    """Random numbers of a dtype; `style` "any" uses all bits of integers."""
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if style == "any":
            return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
        return rng.integers(max(info.min, -9), 9, shape, endpoint=True).astype(dtype)
    if dtype.kind == "O":
        digits = 10**30 if style == "any" else 9
        whole = rng.integers(-9, 9, shape, endpoint=True)
        return (whole.astype(object) * digits + whole.astype(object)).reshape(shape)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    if look == "level":
        # no window is small: what the a-priori bounds of transforms can be held to
        values = np.sign(values) if dtype.kind == "f" else values / np.abs(values)
        values = values * rng.uniform(0.5, 1.5, shape)
    elif look == "not finite" and values.size:
        values.flat[rng.integers(values.size, size=3)] = rng.choice([np.nan, np.inf, -np.inf], 3)
    elif look == "sparse":
        values = np.where(rng.random(shape) < 0.8, 0, values)
    elif look == "far":
        # so far from 1 that squares overflow or vanish, and products with a usual kernel do not
        power = min(np.finfo(dtype).maxexp, 1024) * 5 // 8 if dtype != np.float16 else 2
        values = values.astype(dtype) * dtype.type(2) ** rng.choice([-power, power])
    elif look == "wide":
        reach = 1.0 if dtype == np.float16 else 6.0
        values = values * 10 ** rng.uniform(-reach, reach, shape)
    return values.astype(dtype)


def _counts(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Weights of samples: some 0, some 1, and others in between where the dtype knows them."""
    if dtype == "bool":
        return rng.random(shape) < 0.7
    return np.clip(rng.uniform(-0.4, 1.6, shape), 0, 1).astype(dtype)


def kernel_like(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], look: str, style: str = "small"
) -> Array:
    """Weights that look like those of practice, see `LOOKS`."""
    kernel = _values(rng, shape, dtype, "dense", style)
    if look == "separable" and style == "small":
        kernel = np.ones(shape, dtype)
        for axis, length in enumerate(shape):
            along = [length if a == axis else 1 for a in range(len(shape))]
            factor = _values(rng, (length,), dtype, "dense", style).reshape(along)
            with np.errstate(over="ignore"):
                kernel = (kernel * np.abs(factor) if dtype.kind == "u" else kernel * factor).astype(dtype)
    elif look == "whole" and dtype.kind in "fc":
        kernel = np.rint(3 * kernel)
    elif look == "symmetric":
        kernel = np.maximum(kernel, np.flip(kernel)) if dtype.kind in "biu" else np.flip(kernel) + kernel
    elif look == "one tap" and kernel.size:
        keep = np.zeros(shape, bool)
        keep.flat[rng.integers(keep.size)] = True
        kernel = np.where(keep, kernel, np.zeros((), dtype))
    elif look == "sparse":
        kernel = np.where(rng.random(shape) < 0.7, np.zeros((), dtype), kernel)
    elif look == "zero ends":
        kernel = kernel.copy()
        for axis in range(kernel.ndim):
            np.moveaxis(kernel, axis, 0)[: shape[axis] // 3] = 0
            np.moveaxis(kernel, axis, 0)[shape[axis] - shape[axis] // 3 :] = 0
    return kernel.astype(dtype)


def layout(array: Array, way: str) -> Array:
    """The same values in another place in memory; what lies between them is poison."""
    if way == "F":
        return np.asfortranarray(array)
    if way == "reversed":
        flip = (slice(None, None, -1),) * array.ndim
        return array[flip].copy()[flip]
    if way == "strided":
        wide = poisoned(tuple(2 * n + 1 for n in array.shape), array.dtype)
        view = wide[tuple(slice(1, 2 * n + 1, 2) for n in array.shape)]
        view[...] = array
        return view
    if way == "swapped" and array.dtype.kind != "O":
        return array.astype(array.dtype.newbyteorder("S"))
    if way == "unaligned" and array.dtype.kind != "O":
        raw = np.full(array.nbytes + 1, 255, np.uint8)
        view = raw[1:].view(array.dtype).reshape(array.shape)
        view[...] = array
        return view
    array = array.copy()
    array.flags.writeable = way != "read-only"
    return array


def poisoned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array whose values show when they are read: NaN, or the largest number."""
    if dtype.kind == "O":
        return np.full(shape, 10**99, object)
    if dtype.kind in "fc":
        return np.full(shape, np.nan, dtype)
    return np.full(shape, np.iinfo(dtype).max if dtype.kind in "iu" else True, dtype)


def tolerance(spec: ConvSpec, right: Truth) -> Array:
    """How far an inexact result may be from the truth, per output: the accuracy contract, then the last rounding.

    The contract is `spec.rtol` times `right.scale`. What `rtol=inf` still allows is the rounding of a direct sum or of
    a transform of everything.
    """
    if math.isinf(spec.rtol):
        eps = float(np.finfo(spec.item).eps)
        allowed = 16 * eps * max(1.0, math.log2(spec.num_taps)) * right.scale + 2 * eps * right.norm
    else:
        allowed = spec.rtol * right.scale
    if spec.item in (np.longdouble, np.clongdouble):
        # the truth is summed in the same dtype, so it errs as much
        allowed = 2 * allowed
    tiny = float(np.finfo(spec.item).smallest_subnormal) * (spec.num_taps + 1)
    if spec.dtype.kind in "fc":
        info = np.finfo(spec.dtype)
        return allowed + np.abs(right.values) * float(info.eps) + tiny + float(info.smallest_subnormal)
    return allowed + 0.5 + tiny


def in_dtype(value: int, dtype: np.dtype[Any], overflow: str) -> int | None:
    """An exact integer as a result dtype holds it; None where that is an error."""
    if dtype.kind not in "iu":
        return value
    info = np.iinfo(dtype)
    low, high = int(info.min), int(info.max)
    if low <= value <= high:
        return value
    if overflow == "error":
        return None
    if overflow == "saturate":
        return low if value < low else high
    return (value - low) % (high - low + 1) + low


def check(case: Case, method: str = "auto", *, by: str = "reference") -> bool:
    """Hold the result of one method to the definition; where it refuses, hold "auto" to it.

    Args:
        by: "reference" (output by output, as the library defines it) or "oracle" (tap by tap, for larger sizes).

    Returns:
        Whether the method served.
    """
    spec, kernels = case.spec()
    x = case.x.astype(spec.x_dtype, copy=False)
    with np.errstate(invalid="ignore"):
        right = truth(spec, kernels, x, case.weights)
        if by == "reference":
            right = replace(right, values=reference(spec, kernels, x, case.weights))
    try:
        _check_result(case, spec, right, method)
    except (ft.MethodError, ft.AccuracyError):
        if method == "auto":
            raise
        _check_result(case, spec, right, "auto")
        return False
    return True


def _check_result(case: Case, spec: ConvSpec, right: Truth, method: str) -> None:
    kept = case.x.copy(), case.kernel.copy()
    if spec.item.kind in "iuO":
        wanted = [in_dtype(int(v), spec.dtype, spec.overflow) for v in right.values.ravel()]
        if None in wanted:
            try:
                got = case(method=method)
            except ft.IntegerOverflow:
                return
            raise AssertionError(f"no IntegerOverflow for {right.values}, got {got!r}")
        with np.errstate(over="ignore"):
            # beyond a narrow float's range it is infinite
            exact = np.array(wanted, object).reshape(spec.out_shape).astype(spec.dtype)
        got = case(method=method)
        assert got.dtype == spec.dtype
        np.testing.assert_array_equal(got, exact)
    else:
        got = case(method=method)
        assert got.dtype == spec.dtype
        assert got.shape == spec.out_shape
        assert_close(got, right, tolerance(spec, right))
    for before, after in zip(kept, (case.x, case.kernel), strict=True):
        np.testing.assert_array_equal(before, after)
    out = layout(poisoned(spec.out_shape, spec.dtype), case.out_layout)
    assert case(method=method, out=out, workers=1) is out
    np.testing.assert_array_equal(out, got)


def assert_close(got: Array, right: Truth, allowed: Array) -> None:
    """Not-a-number in the same places, infinities equal, the rest within what is allowed."""
    wanted = right.values
    with np.errstate(over="ignore"):
        last = wanted.astype(got.dtype)
    # beyond the range of the result's dtype the last rounding makes an infinity
    finite = np.isfinite(last)
    if got.dtype.kind == "c":
        # what a product of a complex infinity is differs between compilers: only where it stands is promised
        np.testing.assert_array_equal(np.isfinite(got), finite)
    else:
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
        np.testing.assert_array_equal(got[np.isinf(last)], last[np.isinf(last)])
    error = np.abs(got[finite] - wanted[finite])
    excess = error - np.broadcast_to(allowed, wanted.shape)[finite]
    if (excess > 0).any():
        worst = int(np.argmax(excess))
        raise AssertionError(
            f"{int((excess > 0).sum())} of {wanted.size} outputs are off: {got[finite][worst]!r} instead of "
            f"{wanted[finite][worst]!r}, off by {error[worst]:.3e}, allowed "
            f"{np.broadcast_to(allowed, wanted.shape)[finite][worst]:.3e}"
        )
