"""Kernels by word, as on the command line: "hann:50", "gaussian:2,truncate=3", "sobel-y"."""

import inspect
from collections.abc import Callable
from typing import Any

from ...errors import ParameterError
from ...spec import Array
from .formulas import (
    binomial,
    box,
    check_ndim,
    delta,
    disk,
    gabor,
    gaussian,
    gaussian_derivative,
    hann,
    laplacian,
    log,
    motion,
    prewitt,
    scharr,
    scharr_complex,
    sharpen,
    sobel,
    tophat,
    triangle,
)

KERNELS: dict[str, Callable[..., Array]] = {
    make.__name__: make
    for make in (
        delta,
        tophat,
        box,
        triangle,
        binomial,
        hann,
        gaussian,
        gaussian_derivative,
        sobel,
        scharr,
        scharr_complex,
        prewitt,
        laplacian,
        log,
        sharpen,
        gabor,
        disk,
        motion,
    )
}
"""Every kernel by its name; a new kernel is a function and its row here."""

_AXIS_LETTERS = {"x": -1, "y": -2, "z": -3}


def names() -> tuple[str, ...]:
    """The names that `named` takes."""
    return tuple(KERNELS)


def usage(name: str) -> str:
    """How `named` wants this kernel written, e.g. `gaussian:sigma[,truncate=4.0][,size=None]`.

    Example:
        >>> usage("hann")
        'hann:size'
    """
    make = _find(name)
    parts: list[str] = []
    written = name.replace("_", "-")
    for key, parameter in _options(make).items():
        if key == "axis":
            written += "[-x|-y|-z]"
        elif key == "ndim":
            # follows from the data: `named(..., ndim=)`
            continue
        elif parameter.default is parameter.empty:
            parts.append(f",{key}")
        elif parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            parts.append(f"[,{key}]")
        else:
            parts.append(f"[,{key}={parameter.default}]")
    tail = "".join(parts)
    return written + (":" + tail[1:] if tail.startswith(",") else tail.replace("[,", "[:", 1))


def named(text: str, *, ndim: int | None = None, dtype: Any = None) -> Array:
    """A kernel from one word, as on the command line.

    Args:
        text: the name, then after a colon its numbers, by place or by name, e.g. "hann:50", "gaussian:2",
            "gaussian:2,truncate=3", "box:3x5", "disk:radius=4.5". Derivatives take their axis after a dash:
            "sobel-x" (to the right), "sobel-y" (down), "sobel-z". Capitals do not count, nor dash for underscore.
        ndim: number of axes the kernel must have; windows are then the outer product of their 1-D form. None means
            the kernel's own number.
        dtype: as in the kernels; None means the kernel's own, which is float64 or complex128.

    Raises:
        ParameterError: unknown name, or numbers that do not fit; the message shows what is allowed.

    Example:
        >>> named("hann:5")
        array([0. , 0.5, 1. , 0.5, 0. ])
        >>> named("sobel-y", dtype=int)
        array([[-1, -2, -1],
               [ 0,  0,  0],
               [ 1,  2,  1]])
    """
    if not isinstance(text, str):
        raise ParameterError(f'a kernel name is expected, such as "hann:50", got {text!r}')
    name, colon, tail = text.strip().lower().partition(":")
    make, axis = _split_axis(name)
    options = _options(make)
    given = _parse_numbers(text, make, options, tail) if colon else {}
    if axis is not None:
        if "axis" in given:
            raise ParameterError(f"kernel {text!r} names its axis twice: write {usage(make.__name__)}")
        given["axis"] = axis
    missing = [k for k, p in options.items() if p.default is p.empty and k not in given]
    if missing:
        raise ParameterError(f"kernel {text!r} lacks {' and '.join(missing)}: write {usage(make.__name__)}")
    if ndim is not None and "ndim" in options and "ndim" not in given:
        given["ndim"] = check_ndim(ndim)
    if dtype is not None:
        given["dtype"] = dtype
    weights = make(**given)
    if ndim is not None and weights.ndim != ndim:
        raise ParameterError(f"kernel {text!r} has {weights.ndim} axes, {ndim} are filtered: take another, or axes=")
    return weights


def _options(make: Callable[..., Array]) -> dict[str, inspect.Parameter]:
    return {k: p for k, p in inspect.signature(make).parameters.items() if k != "dtype"}


def _find(name: str) -> Callable[..., Array]:
    make = KERNELS.get(name.lower().replace("-", "_"))
    if make is None:
        import difflib

        close = difflib.get_close_matches(name, [known.replace("_", "-") for known in KERNELS], n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ParameterError(
            f"unknown kernel {name!r}{hint}: allowed are " + ", ".join(known.replace("_", "-") for known in KERNELS)
        )
    return make


def _split_axis(name: str) -> tuple[Callable[..., Array], int | None]:
    """`sobel-x` -> sobel and its axis."""
    head, dash, letter = name.replace("_", "-").rpartition("-")
    if dash and letter in _AXIS_LETTERS:
        make = _find(head)
        if "axis" not in _options(make):
            raise ParameterError(f"kernel {name!r}: {head} has no direction; write {usage(make.__name__)}")
        return make, _AXIS_LETTERS[letter]
    return _find(name), None


def _parse_numbers(
    text: str, make: Callable[..., Array], options: dict[str, inspect.Parameter], tail: str
) -> dict[str, Any]:
    """`50`, `2,truncate=3` or `3x5` as arguments of the kernel."""
    # keyword-only options go by name, but "sigma" alone or the like by place
    places = [k for k, p in options.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    given: dict[str, Any] = {}
    for i, part in enumerate(tail.split(",")):
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            if i >= len(places) or len(given) != i:
                raise ParameterError(f"kernel {text!r}: {part.strip()!r} has no place; write {usage(make.__name__)}")
            key, value = places[i], part
        if key not in options or key in given:
            problem = "is given twice" if key in given else "is no option"
            raise ParameterError(f"kernel {text!r}: {key!r} {problem}; write {usage(make.__name__)}")
        given[key] = _parse_value(text, key, value.strip())
    return given


def _parse_value(text: str, key: str, value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    entries = value.split("x")
    try:
        numbers = tuple(int(entry) if entry.lstrip("+-").isdecimal() else float(entry) for entry in entries)
    except ValueError:
        raise ParameterError(f"kernel {text!r}: {key}={value!r} is not a number") from None
    return numbers if len(numbers) > 1 else numbers[0]
