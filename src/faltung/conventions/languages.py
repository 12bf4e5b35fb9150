"""The rows of MATLAB and ImageFiltering.jl, from their documentation and source: neither was run here."""

import re
from collections.abc import Callable
from typing import Any, Literal

from ..errors import ParameterError
from .calls import Expression
from .meaning import Meaning, Numbers, Operator, gaussian_line
from .rows import About, Arguments, Peer, constant, depth

# "computed in double, unless an argument is single": conv, conv2, convn, filter2
DOUBLE = Numbers("double unless single", "double unless single")
IMFILTER = Numbers("float64", "of x", rounding="half away from zero", overflow="saturates")
SHAPES = {"full": "full", "same": "same", "valid": "valid"}
BOUNDARIES = {"symmetric": "symmetric", "replicate": "edge", "circular": "wrap"}


def _shape(a: Arguments, usual: str) -> Any:
    value = a.values["shape"]
    if value is None:
        return usual
    return a.choice("shape", SHAPES)


def _extra(a: Arguments) -> None:
    if a.values["rest"]:
        raise ParameterError(f"{a.function}: more arguments are given than the table of conventions knows")


def _is_vector(weights: Any) -> bool:
    return weights is not None and len(weights) == 1


def _conv(a: Arguments, about: About, *, ndim: int | None, flip: bool = True, usual: str = "full") -> Meaning:
    _extra(a)
    x, kernel = ("A", "B") if "A" in a.values else ("X", "H")
    weights = a.weights(kernel)
    if ndim == 1 and _is_vector(weights):
        weights = weights[0]
    return Meaning(
        a.function,
        a.text(x),
        a.text(kernel),
        weights,
        ndim=ndim or (None if weights is None else depth(weights)) or about.ndim,
        flip=flip,
        mode=_shape(a, usual),
        # conv(1:10, 7:7:28, "same") begins with 70, the third of the full result: k // 2
        front="(k - 1) // 2",
        numbers=DOUBLE,
    )


def _imfilter(a: Arguments, about: About) -> Meaning:
    boundary: Any = "zero"
    mode: Literal["same", "full"] = "same"
    flip = False
    options = [a.values["option"], *a.values["rest"]] if a.values["option"] is not None else []
    for option in options:
        if isinstance(option, (int, float)):
            boundary = constant(option)
        elif option in BOUNDARIES:
            boundary = BOUNDARIES[option]
        elif option == "same" or option == "full":
            mode = option
        elif option in ("corr", "conv"):
            flip = option == "conv"
        else:
            raise ParameterError(
                f"{a.function}: option {getattr(option, 'text', option)!r}: known are 'symmetric', 'replicate', "
                f"'circular', a number, 'same', 'full', 'corr', 'conv'"
            )
    weights = a.weights("h")
    return Meaning(
        a.function,
        a.text("A"),
        a.text("h"),
        weights,
        ndim=about.ndim if weights is None else depth(weights),
        flip=flip,
        mode=mode,
        # the centre of h is floor((size(h) + 1) / 2), counted from 1
        front="k // 2" if flip else "(k - 1) // 2",
        boundary=boundary,
        numbers=IMFILTER,
    )


def _julia(a: Arguments, about: About) -> Meaning:
    _extra(a)
    kernel, flip = a.text("kernel"), False
    value = a.values["kernel"]
    weights = a.weights("kernel")
    operator = _julia_operator(value)
    if isinstance(value, Expression) and operator is None:
        inner = re.fullmatch(r"(?:ImageFiltering\.)?reflect\((.*)\)", kernel)
        if inner is not None:
            flip, kernel = True, inner[1]
        inner = re.fullmatch(r"(?:ImageFiltering\.)?centered\((.*)\)", kernel)
        if inner is not None:
            kernel = inner[1]
        if kernel != a.text("kernel"):
            from .calls import read_matrices

            value = read_matrices(f"f({kernel})").positional[0]
            weights = None if isinstance(value, Expression) else value
    if weights is not None and len(weights) == 1 and "," in kernel:
        # commas make a vector, spaces a row
        weights = weights[0]
    facts: dict[str, Any] = _border(a)
    if operator is None:
        facts |= {"kernel": kernel, "weights": weights, "flip": flip}
        # a plain array counts as centered: its origin is (k + 1) >> 1, counted from 1
        facts["front"] = "k // 2" if flip else "(k - 1) // 2"
        facts["ndim"] = about.ndim if weights is None else depth(weights)
    else:
        facts |= {"operator": operator, "ndim": 2}
    return Meaning(a.function, a.text("img"), **facts)


def _julia_operator(value: Any) -> Operator | None:
    """`Kernel.gaussian(sigma)`: 4 ceil(sigma) + 1 taps along both axes."""
    found = re.fullmatch(r"(?:ImageFiltering\.)?Kernel\.gaussian\(\s*([\d.]+)\s*\)", getattr(value, "text", ""))
    if found is None:
        return None
    sigma = float(found[1])
    line = gaussian_line(sigma, 4 * -int(-sigma // 1) + 1)
    return Operator("gaussian", ((line, line),), sigmas=(sigma, sigma))


STYLES = {"replicate": "edge", "circular": "wrap", "symmetric": "symmetric", "reflect": "reflect"}
JULIA = Numbers("promoted", "promoted")


def _border(a: Arguments) -> dict[str, Any]:
    border = a.values["border"]
    facts: dict[str, Any] = {"boundary": "edge", "numbers": JULIA}
    if border is None:
        return facts
    text = getattr(border, "text", border)
    style = re.fullmatch(r"Pad\(\s*:(\w+)\s*\)", text)
    if style is not None:
        text = style[1]
    fill = re.fullmatch(r"Fill\(\s*([-+\d.eE]+)\s*\)", text)
    if text in STYLES:
        return facts | {"boundary": STYLES[text]}
    if fill is not None:
        return facts | {"boundary": constant(float(fill[1]))}
    if text == "Inner()":
        return facts | {"mode": "valid", "boundary": "zero"}
    if text in ("NA()", "NA(isnan)"):
        remark = "NA divides by the sum of the weights that hit data: this is so for weights >= 0"
        return facts | {"boundary": "ignore", "normalises": True, "remarks": (remark,)}
    raise ParameterError(
        f'{a.function}: border {text!r}: known are "replicate", "circular", "symmetric", "reflect", Fill(v), Inner() '
        f"and NA()"
    )


def _matlab(name: str, parameters: str, read: Callable[[Arguments, About], Meaning]) -> Peer:
    return Peer(f"matlab.{name}", parameters, read, language="matlab", source="documentation")


ROWS = (
    _matlab("conv", "A, B, shape", lambda a, about: _conv(a, about, ndim=1)),
    _matlab("conv2", "A, B, shape", lambda a, about: _conv(a, about, ndim=2)),
    _matlab("convn", "A, B, shape", lambda a, about: _conv(a, about, ndim=None)),
    _matlab("filter2", "H, X, shape", lambda a, about: _conv(a, about, ndim=2, flip=False, usual="same")),
    _matlab("imfilter", "A, h, option", _imfilter),
    Peer("ImageFiltering.imfilter", "img, kernel, border", _julia, language="julia", source="documentation"),
)
