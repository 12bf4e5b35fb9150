"""The rows of Faltung itself."""

from dataclasses import replace
from typing import Any

from ..errors import ParameterError
from .meaning import Line, Meaning, Numbers, Operator, box_line, gaussian_line
from .rows import About, Arguments, Peer, along, axes_of, depth

EXACT = Numbers("exact", "exact", rounding="to nearest even", overflow="is an error")
FILTERED = Numbers("filtered", "filtered")
OVERFLOW = {"error": "is an error", "saturate": "saturates", "wrap": "wraps"}


def _axes(a: Arguments) -> tuple[int, ...] | None:
    return None if a["axes"] is None else a.whole("axes")


def _boundary(a: Arguments) -> Any:
    return a["boundary"]


def _convolution(a: Arguments, about: About, *, flip: bool) -> Meaning:
    # what is missing is a fact on the data, which calls of other libraries say with other data
    a.refuse({"nan": "propagate", "weights": None, "return_weights": False})
    weights, axes = a.weights("kernel"), _axes(a)
    num = len(axes) if axes is not None else about.ndim if weights is None else depth(weights)
    numbers = replace(EXACT, overflow=a.choice("overflow", OVERFLOW))
    numbers = replace(numbers, result=a.dtype("dtype") or numbers.result)
    facts: dict[str, Any] = {"mode": a.choice("mode", {"full": "full", "same": "same", "valid": "valid"})}
    if a["padding"] == "same":
        facts = {"mode": "same", "front": "(k - 1) // 2"}
    elif a["padding"] is not None:
        facts = {"mode": "padded", "padding": _padding(a)}
    if a["origin"] is not None:
        facts["shift"] = a.whole("origin")
    stride, dilation = a.whole("stride"), a.whole("dilation")
    return Meaning(
        a.function,
        a.text("x"),
        a.text("kernel"),
        weights,
        ndim=num,
        axes=axes,
        flip=flip,
        conjugate=not flip,
        stride=stride if set(stride) != {1} else (),
        dilation=dilation if set(dilation) != {1} else (),
        boundary=_boundary(a),
        numbers=numbers,
        **facts,
    )


def _padding(a: Arguments) -> tuple[tuple[int, int], ...]:
    value = a["padding"]
    pairs = []
    for entry in value if isinstance(value, (list, tuple)) else [value]:
        pair = tuple(entry) if isinstance(entry, (list, tuple)) else (entry, entry)
        if len(pair) != 2 or not all(isinstance(n, int) for n in pair):
            raise ParameterError(f"{a.function}: padding={a.text('padding')}: numbers or pairs of numbers are expected")
        pairs.append(pair)
    return tuple(pairs)


def _filtered(a: Arguments, about: About, operator: Operator, *, scale: float = 1.0) -> Meaning:
    a.refuse({"nan": "propagate"})
    return Meaning(
        a.function,
        a.text("x"),
        operator=operator,
        ndim=len(operator.terms[0]),
        axes=_axes(a),
        scale=scale,
        boundary=_boundary(a),
        numbers=FILTERED,
    )


def _num(a: Arguments, about: About, name: str = "x") -> int:
    axes = _axes(a)
    return axes_of(a, about, name) if axes is None else len(axes)


def _gaussian(a: Arguments, about: About) -> Meaning:
    num = _num(a, about, "sigma")
    sigmas = a.real("sigma", num)
    lines = tuple(gaussian_line(s, 2 * int(a["truncate"] * s + 0.5) + 1) for s in sigmas)
    return _filtered(a, about, Operator("gaussian", (lines,), sigmas=sigmas))


def _box(a: Arguments, about: About) -> Meaning:
    lines = tuple(map(box_line, a.whole("size", _num(a, about, "size"))))
    return _filtered(a, about, Operator("box", (lines,)))


def _edges(a: Arguments, about: About, *, name: str, across: Line) -> Meaning:
    if a["axis"] is None:
        num = _num(a, about)
        places = list(range(num))
    else:
        (axis,) = a.whole("axis", 1)
        num = _num(a, about) if a["axes"] is not None or about.ndim is not None else max(2, axis + 1, -axis)
        places = [axis % num]
    unit = a.choice("scale", {"kernel": False, "unit": True})
    terms = tuple(along(num, place, (-1.0, 0.0, 1.0), across) for place in places)
    scale = 0.5 / sum(across) ** (num - 1) if unit else 1.0
    return _filtered(a, about, Operator(name, terms, "length" if a["axis"] is None else "sum"), scale=scale)


def _laplacian(a: Arguments, about: About) -> Meaning:
    a.refuse({"sigma": None})
    num = _num(a, about)
    terms = tuple(along(num, axis, (1.0, -2.0, 1.0), (1.0,)) for axis in range(num))
    return _filtered(a, about, Operator("laplacian", terms))


OPTIONS = (
    "x, kernel, *, mode='full', boundary='zero', stride=1, dilation=1, padding=None, axes=None, method='auto', "
    "dtype=None, overflow='error', nan='propagate', weights=None, return_weights=False, rtol=None, origin=None, "
    "out=None, workers=None"
)
EDGES = "x, axis=None, *, scale='kernel', boundary='symmetric', axes=None, nan='propagate'"


def _edges_row(name: str, across: Line) -> Peer:
    return Peer(f"faltung.{name}", EDGES, lambda a, about: _edges(a, about, name=name, across=across))


ROWS = (
    Peer("faltung.convolve", OPTIONS, lambda a, about: _convolution(a, about, flip=True)),
    Peer("faltung.correlate", OPTIONS, lambda a, about: _convolution(a, about, flip=False)),
    Peer("faltung.gaussian", "x, sigma, *, boundary='symmetric', truncate=4.0, axes=None, nan='propagate'", _gaussian),
    Peer("faltung.box", "x, size, *, boundary='symmetric', axes=None, nan='propagate'", _box),
    _edges_row("sobel", (1.0, 2.0, 1.0)),
    _edges_row("scharr", (3.0, 10.0, 3.0)),
    _edges_row("prewitt", (1.0, 1.0, 1.0)),
    Peer(
        "faltung.laplacian",
        "x, sigma=None, *, boundary='symmetric', truncate=4.0, axes=None, nan='propagate'",
        _laplacian,
    ),
)
