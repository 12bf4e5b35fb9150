"""How a kernel is written for another library: mended, spread, or all its weights written out."""

from typing import Any

import numpy as np

from ..errors import ParameterError
from .dialects import numbers_text
from .draft import Draft
from .meaning import Line, Meaning, Operator, gaussian_line, is_whole, per_axis


def mended_kernel(work: Draft, m: Meaning, read: Meaning, kernel: str, dtype: np.dtype[Any]) -> str:
    """The kernel as the other call needs it."""
    dialect = work.dialect
    literal = kernel.startswith("[")
    k = kernel
    if dialect.arithmetic == "np" and literal and (dialect.library == "cv2" or read.blank_rim):
        k = f"np.array({k}, float)"
    if dialect.arithmetic == "torch" and literal:
        k = dialect.array(k, "" if work.typed else m.x)
    if dialect.arithmetic in ("matlab", "julia") and literal and m.weights is not None:
        k = _matrix(m.weights, dialect.arithmetic)
    if m.dilation and not read.dilation:
        k = _spread(work, m, k)
    if m.normalises and not read.normalises:
        _note_division(work, m)
        k = work.name("k", k if dialect.arithmetic != "np" or not literal else f"np.array({k})")
        k = f"{k} / {dialect.summed(k, sizes=m.of_sizes)}"
    if m.flip != read.flip:
        k = dialect.flipped(f"({k})" if " / " in k and dialect.arithmetic == "torch" else k, m.ndim)
        verbs = {True: "flips the kernel", False: "does not flip the kernel"}
        work.notes.append(f"{m.function} {verbs[m.flip]}, {read.function} {verbs[read.flip]}: so it is flipped here")
    if m.conjugate != read.conjugate and "complex128" not in (*m.numbers.refuses, *read.numbers.refuses):
        real = m.weights is not None and np.asarray(m.weights).dtype.kind != "c"
        if dtype.kind == "c" or (m.weights is not None and not real):
            k = dialect.conjugated(k)
        elif m.weights is None and not work.typed:
            work.notes.append(f"for a complex kernel take {dialect.conjugated('k')}: only one of the two conjugates")
    if work.dialect.arithmetic == "torch" and " / " in k and not k.endswith(")"):
        k = f"({k})"
    return k


def _note_division(work: Draft, m: Meaning) -> None:
    """Say that the kernel is divided by its sum, and what becomes of one that cannot be."""
    total = "the sum of its absolute values" if m.of_sizes else "its sum"
    if m.weights is None:
        odd = f"refuses one whose sum is below {m.least_sum:g}" if m.least_sum > 0 else "makes NaN of one of zeros"
        work.notes.append(f"{m.function} divides the kernel by {total}, and {odd}: there this code may differ")
        return
    if m.divisor(np.asarray(m.weights)) == 0:
        raise ParameterError(
            f"{m.function} divides the kernel by {total}, which is 0 here, so that its result is NaN: give others"
        )
    work.notes.append(f"{m.function} divides the kernel by {total}")


def _spread(work: Draft, m: Meaning, k: str) -> str:
    """The kernel with zeros between its taps."""
    dialect = work.dialect
    if dialect.arithmetic != "np":
        raise ParameterError(f"{dialect.name} has no dilation: put zeros between the taps, and leave dilation out")
    k = work.name("k", f"np.array({k})" if k.startswith("[") else k)
    steps = ", ".join(f"::{d}" for d in per_axis(m.dilation, m.ndim or len(m.dilation), 1))
    lengths = ", ".join(
        f"({k}.shape[{i}] - 1) * {d} + 1" for i, d in enumerate(per_axis(m.dilation, m.ndim or len(m.dilation), 1))
    )
    spread = work.fresh("spread")
    work.write(f"{spread} = np.zeros(({lengths},), {k}.dtype)")
    work.write(f"{spread}[{steps}] = {k}")
    work.notes.append(f"{dialect.name} has no dilation: zeros stand between the taps")
    return spread


def _matrix(weights: Any, language: str) -> str:
    array = np.atleast_1d(weights)
    if array.dtype.kind == "f" and np.all(array == np.round(array)):
        array = array.astype(int)
    if language == "julia" and array.ndim == 1:
        return "[" + ", ".join(map(repr, array.tolist())) + "]"
    if array.ndim > 2:
        raise ParameterError("a kernel of three axes cannot be written out in one line: name it")
    return "[" + "; ".join(" ".join(map(repr, row)) for row in np.atleast_2d(array).tolist()) + "]"


def sum_of(kernels: list[Any]) -> Any:
    """Kernels of different odd lengths, laid on one centre and added."""
    shape = tuple(max(sizes) for sizes in zip(*(k.shape for k in kernels), strict=True))
    return sum(np.pad(k, [((n - s) // 2, (n - s) // 2) for n, s in zip(shape, k.shape, strict=True)]) for k in kernels)


def array_text(work: Draft, m: Meaning, array: Any) -> str:
    """A kernel, all its weights written out."""
    dialect = work.dialect
    values = array.tolist()
    if np.all(array == np.round(array)):
        values = array.astype(int).tolist()
    if dialect.arithmetic in ("matlab", "julia"):
        return _matrix(values, dialect.arithmetic)
    return (
        f"np.array({values!r}, float)"
        if dialect.arithmetic == "np"
        else dialect.array(repr(values), "" if work.typed else m.x)
    )


def kernel_text(work: Draft, m: Meaning, lines: tuple[Line, ...], operator: Operator) -> str:
    """The outer product of lines of weights."""
    dialect = work.dialect
    if operator.name == "gaussian" and operator.sigmas:
        bells = _bells(work, lines, operator.sigmas)
        if bells is not None:
            return bells if dialect.arithmetic != "torch" else dialect.array(bells, "" if work.typed else m.x)
    if dialect.arithmetic in ("matlab", "julia"):
        array = lines[0] if len(lines) == 1 else np.multiply.outer(lines[0], lines[1])
        return array_text(work, m, np.array(array, float))
    texts = [numbers_text(line) for line in lines]
    if all(len(set(line)) == 1 for line in lines):
        value = float(np.prod([line[0] for line in lines]))
        text = f"np.full({tuple(map(len, lines))}, {value!r})"
    elif len(lines) == 1:
        text = f"np.array({texts[0]}, float)"
    else:
        text = texts[0]
        for other in texts[1:]:
            text = f"np.multiply.outer({text}, {other})"
        if all(map(is_whole, lines)):
            text += ".astype(float)"
    return text if dialect.arithmetic == "np" else dialect.array(text, "" if work.typed else m.x)


def _bells(work: Draft, lines: tuple[Line, ...], sigmas: tuple[float, ...]) -> str | None:
    """A Gaussian by its formula, if these lines are samples of it."""
    language = work.dialect.arithmetic
    names: dict[tuple[int, float], str] = {}
    product = []
    for line, sigma in zip(lines, sigmas, strict=True):
        radius = (len(line) - 1) // 2
        if len(line) % 2 == 0 or sigma <= 0 or not np.allclose(line, gaussian_line(sigma, len(line)), rtol=1e-12):
            return None
        if (radius, sigma) not in names:
            form = {
                "matlab": f"exp(-(-{radius}:{radius}).^2 / (2*{sigma!r}^2))",
                "julia": f"exp.(-(-{radius}:{radius}) .^ 2 ./ (2*{sigma!r}^2))",
            }.get(language, f"np.exp(-0.5 * (np.arange({-radius}, {radius + 1}) / {sigma!r}) ** 2)")
            g = work.name("g", form)
            total = f"sum({g})" if language in ("matlab", "julia") else f"{g}.sum()"
            names[radius, sigma] = work.name("bell", f"{g} / {total}")
        product.append(names[radius, sigma])
    if language == "matlab":
        return product[0] if len(product) == 1 else f"{product[0]}' * {product[1]}" if len(product) == 2 else None
    if language == "julia":
        return product[0] if len(product) == 1 else f"{product[0]} * {product[1]}'" if len(product) == 2 else None
    text = product[0]
    for other in product[1:]:
        text = f"np.multiply.outer({text}, {other})"
    return text
