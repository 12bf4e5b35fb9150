"""Casts around a call of another library, so that dtypes, rounding and overflow come out as they were."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ParameterError
from .dialects import Dialect
from .draft import Draft
from .meaning import Meaning, Numbers, is_whole


@dataclass(frozen=True)
class Casts:
    """What to do to x and the kernel before a call, and to its result, so that the numbers come out the same.

    Attributes:
        x: dtype of x as it is.
        work: dtype that the call gets; `x` and `work` are one where nothing has to be cast.
        share: what x is divided by first.
        result: what the result has to be in the end; None where it is that already.
    """

    dialect: Dialect
    numbers: Numbers
    x: np.dtype[Any]
    work: np.dtype[Any]
    typed: bool
    share: int = 1
    result: np.dtype[Any] | None = None

    def before(self, text: str) -> str:
        """The x that the call gets."""
        cast = text if self.x == self.work else self.dialect.cast(text, self.work)
        return f"({cast} / {self.share})" if self.share != 1 else cast

    def kernel(self, text: str) -> str:
        """The kernel that the call gets: torch takes it in the dtype of x only."""
        if self.dialect.arithmetic != "torch" or not self.typed:
            return text
        return text if self.x == self.work and re.fullmatch(r"\w+", text) else self.dialect.cast(text, self.work)

    def after(self, text: str) -> str:
        """The result as the first call gives it."""
        if self.result is None:
            return text
        if re.search(r" [-*+/] ", text):
            text = f"({text})"
        if self.result.kind not in "iu":
            return self.dialect.cast(text, self.result)
        if self.work.kind == "f":
            text = self.dialect.rounded(text, self.numbers.rounding)
            if self.numbers.overflow == "saturates":
                info = np.iinfo(self.result)
                text = self.dialect.clipped(text, int(info.min), int(info.max))
            elif self.result != np.int64:
                # a float is cut into a small integer as the processor likes, an int64 wraps
                text = self.dialect.cast(text, np.dtype(np.int64))
        return self.dialect.cast(text, self.result)


def casts_for(work: Draft, m: Meaning, theirs: Numbers, x: np.dtype[Any]) -> Casts:
    """The casts around a call of which `theirs` is true, where m is meant."""
    dialect = work.dialect
    nothing = Casts(dialect, m.numbers, x, x, work.typed)
    if dialect.arithmetic not in ("np", "torch"):
        return nothing
    kernel = np.dtype(float) if m.operator is not None else x
    if m.weights is not None:
        kernel = np.asarray(m.weights).dtype
    if x.kind == "c" and x.name in theirs.refuses:
        raise ParameterError(f"{dialect.name} takes no complex numbers here: translate the real and imaginary parts")
    item, result = m.numbers.dtypes(x, kernel)
    if x.name not in theirs.refuses:
        if x.kind in "fc" and theirs.dtypes(x, kernel)[1] == result:
            return nothing
        if _behaves(m.numbers, x, kernel) == _behaves(theirs, x, kernel) and not m.offset and m.scale == 1:
            return nothing
    if m.numbers.stepwise and result.kind in "iu" and not whole_lines(m):
        work.notes.append(f"{m.function} cuts to {result} after every axis, this code once: results may differ by few")
        work.exact = False
    inside = item
    if item.kind in "biu":
        inside = np.dtype(np.float64 if m.scale != 1 or "int64" in theirs.refuses else np.int64)
    elif item == np.float16:
        inside = np.dtype(np.float32)
    share = np.iinfo(x).max if m.numbers.rescales and x.kind in "iu" else 1
    same = result == inside == theirs.dtypes(inside, kernel)[1]
    return Casts(dialect, m.numbers, x, inside, work.typed, share, None if same else result)


def whole_lines(m: Meaning) -> bool:
    """Whether no weight can make a fraction."""
    if m.operator is None:
        return m.weights is not None and is_whole(tuple(np.ravel(m.weights).real.tolist()))
    return all(is_whole(line) for lines in m.operator.terms for line in lines)


def _behaves(numbers: Numbers, x: np.dtype[Any], kernel: np.dtype[Any]) -> tuple[Any, ...]:
    """What a rule on numbers comes to for these dtypes."""
    item, result = numbers.dtypes(x, kernel)
    if result.kind not in "iu":
        return (result, numbers.rescales and x.kind in "iu", item.kind in "fc")
    return (
        result,
        item.kind in "fc",
        numbers.rounding if item.kind in "fc" else "",
        numbers.overflow,
        numbers.stepwise,
    )
