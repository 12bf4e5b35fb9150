"""Say a call in another library's words.

The way: read the call to its meaning, let the other library's dialect propose calls, read those by the same table, and
take the one that differs least; what still differs is mended around it: the kernel flipped, x padded first, a factor, a
cast. Where no call has the window or the boundary, x is padded and the windows stay inside.
"""

import re
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from ..errors import ParameterError
from .arrays import LONGER
from .casts import Casts, casts_for
from .dialects import DIALECTS, Candidate, Dialect
from .draft import Draft
from .fits import cost, read_candidate, same_boundary, same_terms, same_window, steps_show, taps_of
from .kernel_text import array_text, kernel_text, mended_kernel, sum_of
from .meaning import Meaning, Numbers, Operator, per_axis
from .table import ROWS, library, meaning_of


@dataclass(frozen=True)
class Translation:
    """A call in another library's words; print it.

    Attributes:
        call: what was given.
        code: the same in the other library: lines to run, of which the last is the result.
        imports: what the code needs.
        notes: what was mended, and what the reader has to know.
        exact: whether the code gives the same numbers, up to the rounding of floats; if not, a note says where. x is
            taken to be at least as long as the kernel, and a note says where that matters.
    """

    call: str
    code: str
    imports: tuple[str, ...]
    notes: tuple[str, ...]
    exact: bool

    def __str__(self) -> str:
        # MATLAB alone needs no imports
        mark = "# " if self.imports else "% "
        return "\n".join([*self.imports, "", self.code, *(f"{mark}{note}" for note in self.notes)]).strip()

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<pre>{escape(self.code)}</pre><ul>{notes}</ul>"


def translate(call: str, *, to: str, of: str | None = None, ndim: int | None = None, dtype: Any = None) -> Translation:
    """Say a call of one library in the words of another, with the same result.

    Args:
        call: as one writes it, e.g. "np.convolve(x, k, 'same')"; it is read, never run. Usual import names are
            understood. MATLAB and Julia are told apart by their words, by `of=`, or by "matlab:" in front.
        to: "numpy", "scipy.signal", "scipy.ndimage", "cv2", "skimage", "astropy", "torch", "kornia", "matlab", "julia"
            or "faltung".
        of: the library of the call, where its name leaves that open.
        ndim: number of axes that are convolved, where the call leaves it open; filters without a kernel are read for
            pictures, 2.
        dtype: dtype of x, and of a kernel given by name; None means float64. With it, the code holds the casts that
            integers need.

    Returns:
        `Translation`: `code`, `imports`, `notes`. In torch and kornia x and the kernel are tensors without batch and
        channel axes.

    Raises:
        ParameterError: the call is not in the table of conventions, or the other library cannot say it at all.

    Example:
        >>> import faltung as ft
        >>> ft.translate("scipy.ndimage.correlate(x, k, mode='mirror')", to="cv2").code
        'cv2.filter2D(x, -1, k, borderType=cv2.BORDER_REFLECT_101)'
        >>> print(ft.translate("np.convolve(x, [1, 0], 'same')", to="scipy.ndimage").code)
        ndimage.correlate(x, np.flip([1, 0]), mode='constant')
    """
    where = library("to", to)
    dialect = DIALECTS[where]
    meaning = meaning_of(call, of=of, ndim=ndim, dtype=dtype)
    work = Draft(dialect, set(re.findall(r"\w+", call)), typed=dtype is not None)
    if ndim is not None and meaning.ndim != ndim and not _one_of_many(meaning):
        raise ParameterError(
            f"ndim={ndim}: {meaning.function} convolves along {meaning.ndim} of the axes, and ndim= counts these: "
            f"leave it out, and give the code x and the kernel without batch and channels, e.g. x[0, 0] of a tensor"
        )
    if meaning.ndim is None and dialect.ndims:
        usual = 2 if 2 in dialect.ndims else dialect.ndims[0]
        meaning = meaning_of(call, of=of, ndim=usual, dtype=dtype)
        if dialect.arithmetic == "torch" and len(dialect.ndims) > 1:
            # the only one whose functions have the number in their names
            work.notes.append(f"written for {usual} axes; ndim= says otherwise")
    if dialect.ndims and meaning.ndim not in dialect.ndims:
        allowed = " or ".join(map(str, dialect.ndims))
        raise ParameterError(
            f"{dialect.name} convolves along {allowed} of the axes, this call along {meaning.ndim}: translate it to "
            f"scipy.ndimage or faltung"
        )
    meaning = _plain_axes(meaning, dialect)
    if meaning.weights is not None:
        meaning = replace(meaning, kernel=repr(meaning.weights))
    numbers = np.dtype(np.float64 if dtype is None else dtype)
    text, found = _written(work, meaning, numbers)
    said = None if dtype is None else numbers
    work.notes += [remark for remark in (*meaning.remarks, *found.remarks) if _applies(remark, meaning, found, said)]
    _note_numbers(work, meaning, found, said)
    work.notes += [
        f"{function} is known from its documentation, it was not run"
        for function in (meaning.function, found.function)
        if ROWS[function].source == "documentation"
    ]
    lines = [*work.lines, text]
    imports = tuple(line for line in dialect.imports if _used(line, "\n".join(lines)))
    return Translation(call, "\n".join(lines), imports, tuple(dict.fromkeys(work.notes)), work.exact)


def _used(line: str, code: str) -> bool:
    """Whether the code uses what the line imports."""
    name = re.sub(r"^(import|from \S+ import|using) ", "", line).split(" as ")[-1]
    return line.startswith("using") or re.search(rf"\b{re.escape(name)}\.", code) is not None


def _one_of_many(meaning: Meaning) -> bool:
    """Whether the function works along one named axis of x."""
    return meaning.function.startswith("scipy.ndimage.") and meaning.function.endswith("1d")


def _plain_axes(meaning: Meaning, dialect: Dialect) -> Meaning:
    """The meaning for an x that has just the convolved axes, unless one of several is named."""
    axes = meaning.axes
    if axes is None:
        return meaning
    first, last = tuple(range(len(axes))), tuple(range(-len(axes), 0))
    one_of_many = _one_of_many(meaning)
    names_axes = dialect.library in ("scipy.ndimage", "faltung")
    if axes == last and (not one_of_many or not names_axes):
        return replace(meaning, axes=None)
    if axes == first and not (one_of_many and names_axes):
        return replace(meaning, axes=None)
    if not names_axes:
        raise ParameterError(
            f"the call works along axes {axes} of x, which {dialect.name} cannot name: translate it to scipy.ndimage "
            f"or faltung, or move the axes of x"
        )
    return meaning


def _written(work: Draft, m: Meaning, dtype: np.dtype[Any]) -> tuple[str, Meaning]:
    """The expression of the whole result, and the meaning of the call that it is built on."""
    if m.operator is not None:
        found = _special(work, m, m.operator)
        if found is not None:
            candidate, read = found
            casts = casts_for(work, m, read.numbers, dtype)
            text = _filled(candidate, casts.before(m.x), "")
            return casts.after(_finished(work, m, text, m.scale / read.scale)), read
        return _by_kernels(work, m, m.operator, dtype)
    return _general(work, m, m.x, m.kernel, dtype)


def _special(work: Draft, m: Meaning, operator: Operator) -> tuple[Candidate, Meaning] | None:
    """A call that brings the same weights along, up to a factor."""
    for candidate in work.dialect.special(m, operator):
        read = read_candidate(work.dialect, candidate, m)
        theirs = read.operator
        if theirs is None or theirs.combine != operator.combine or not same_terms(theirs, operator):
            continue
        if not same_window(m, read, operator.taps) or not same_boundary(m, read) or read.blank_rim != m.blank_rim:
            continue
        if m.stride and read.stride != m.stride:
            continue
        if m.numbers.stepwise != read.numbers.stepwise and steps_show(m, operator):
            continue
        if (m.epsilon or read.epsilon) and not np.isclose(m.epsilon, read.epsilon):
            # the root of a sum that is never 0: close, and not the same
            if m.epsilon > 0:
                continue
            work.notes.append(f"{read.function} adds {read.epsilon:g} under the root, so that a flat region is not 0")
            work.exact = False
        return candidate, read
    return None


def _general(work: Draft, m: Meaning, x: str, kernel: str, dtype: np.dtype[Any]) -> tuple[str, Meaning]:
    """A call with a kernel of one's own, mended where it differs."""
    dialect = work.dialect
    if not dialect.inside(m.ndim):
        raise ParameterError(
            f"{dialect.name} has no convolution with a kernel of one's own: translate to scipy.ndimage, which it calls"
        )
    if m.blank_rim:
        inner = replace(m, blank_rim=False, mode="valid")
        k = work.name("k", kernel)
        text, read = _general(work, inner, x, k, dtype)
        return dialect.padded(text, dialect.pairs(k, ("n // 2", "n // 2")), "zero"), read
    if m.boundary == "ignore" and dialect.library not in ("faltung", "ImageFiltering"):
        return _ignoring(work, m, x, kernel, dtype)
    chosen: tuple[int, Candidate, Meaning] | None = None
    for candidate in dialect.general(m):
        read = read_candidate(dialect, candidate, m)
        price = cost(dialect, m, read)
        if price is not None and (chosen is None or price < chosen[0]):
            chosen = price, candidate, read
    if chosen is None:
        return _inside(work, m, x, kernel, dtype)
    _, candidate, read = chosen
    casts = casts_for(work, m, read.numbers, dtype)
    text = _filled(
        _direct(candidate, casts), casts.before(x), casts.kernel(mended_kernel(work, m, read, kernel, dtype))
    )
    if m.stride and not read.stride:
        text = dialect.strided(text, per_axis(m.stride, m.ndim or len(m.stride), 1))
        work.notes.append(f"{dialect.name} has no stride: every so-many-th sample is kept")
    return casts.after(_finished(work, m, text, m.scale / read.scale)), read


def _direct(candidate: Candidate, casts: Casts) -> Candidate:
    """SciPy's choice between sums and FFT taken away where a rounding error could cut to another integer."""
    if casts.result is None or casts.result.kind not in "iu":
        return candidate
    return replace(
        candidate, call=re.sub(r"^(signal\.(?:convolve|correlate)\(.*)\)$", r"\1, method='direct')", candidate.call)
    )


def _filled(candidate: Candidate, x: str, k: str) -> str:
    """The candidate with x and the kernel in their places."""

    def placed(found: re.Match[str]) -> str:
        text, new_axes = (x if found[1] == "X" else k), found[2] or ""
        if new_axes and text.startswith("F.pad(") and text.endswith("[0, 0]"):
            # padded in torch's own shape: it can stay in it
            return text.removesuffix("[0, 0]")
        simple = re.fullmatch(r"[\w.]+(\(.*\))?|\[.*\]", text) is not None
        return (text if simple or not new_axes else f"({text})") + new_axes

    return candidate.wrap.replace("CALL", re.sub(r"\b([XK])\b(\[None(?:, None)?\])?", placed, candidate.call))


def _inside(work: Draft, m: Meaning, x: str, kernel: str, dtype: np.dtype[Any]) -> tuple[str, Meaning]:
    """Pad x by hand, then take the windows that stay inside."""
    dialect = work.dialect
    taps = taps_of(m)
    if dialect.odd_only and taps is not None and any(k % 2 == 0 for k in taps):
        raise ParameterError(f"{dialect.name} takes kernels of odd lengths, this one has {taps}: add zeros to it")
    inner = replace(m, mode="valid", boundary="zero", shift=(), padding=())
    probe = _probe(dialect, inner)
    casts = casts_for(work, m, probe.numbers, dtype)
    k = casts.kernel(mended_kernel(work, m, probe, kernel, dtype))
    text = casts.before(x)
    if m.mode == "valid":
        padded = work.name("padded", text) if dialect.crops else text
    else:
        k = work.name("k", k)
        padded = _padded(work, m, text, k)
        what = "no such window" if m.boundary == "zero" else f"no boundary {m.boundary!r} for this call"
        work.notes.append(f"{dialect.name} has {what}: x is padded first, and the windows stay inside")
    call = _direct(Candidate(dialect.inside(m.ndim)), casts).call
    if dialect.crops:
        k, padded = work.name("k", k), work.name("padded", padded)
        rim = f"tuple(slice(n // 2, s - (n - 1) // 2) for n, s in zip(np.shape({k}), {padded}.shape))"
        call = f"{call}[{rim}]"
    result = _filled(Candidate(call), padded, k)
    if m.stride:
        result = dialect.strided(result, per_axis(m.stride, m.ndim or len(m.stride), 1))
        work.notes.append("every so-many-th sample is kept")
    return casts.after(_finished(work, m, result, m.scale)), probe


def _probe(dialect: Dialect, m: Meaning) -> Meaning:
    """What the dialect's call for windows inside does."""
    call = re.sub(r"\[0, 0\]$", "", dialect.inside(m.ndim))
    found = re.fullmatch(r"parent\((.*)\)", call)
    return read_candidate(dialect, Candidate(found[1] if found else call), m)


def _padded(work: Draft, m: Meaning, x: str, k: str) -> str:
    dialect, taps = work.dialect, taps_of(m)
    reach = "n - 1"
    if m.mode == "padded":
        pairs = dialect.literal_pairs(per_axis(m.padding, m.ndim or len(m.padding), (0, 0)))
        listed = list(per_axis(m.padding, m.ndim or len(m.padding), (0, 0)))
    elif taps is not None and not any(m.dilation):
        listed = m.margins([4 * max(taps) + 8] * len(taps), taps)
        pairs = dialect.literal_pairs(listed)
    else:
        sides = (reach, reach) if m.mode == "full" else ("n // 2", "(n - 1) // 2")
        if m.mode == "same" and m.front == "(k - 1) // 2":
            sides = sides[::-1]
        pairs, listed = dialect.pairs(k, sides), list(m.padding)
        if any(m.shift):
            if dialect.arithmetic not in ("np", "torch"):
                raise ParameterError(f"to move the centre in {dialect.name} write the kernel's taps out")
            moves = per_axis(m.shift, m.ndim or len(m.shift), 0)
            pairs = f"[({sides[0]} + s, {sides[1]} - s) for n, s in zip({k}.shape, {moves})]"
    if not isinstance(m.boundary, list):
        return dialect.padded(x, pairs, m.boundary)
    if not listed or dialect.arithmetic != "np":
        raise ParameterError("a boundary for every axis of its own needs a kernel whose taps are written out")
    for axis, rule in enumerate(m.boundary):
        one = [pair if i == axis else (0, 0) for i, pair in enumerate(listed)]
        x = dialect.padded(x, repr(one), rule)
    return x


def _ignoring(work: Draft, m: Meaning, x: str, kernel: str, dtype: np.dtype[Any]) -> tuple[str, Meaning]:
    """Sums over what there is, scaled by the share of the weights that hit data."""
    if work.dialect.arithmetic != "np":
        raise ParameterError(f"{work.dialect.name} cannot leave out what is missing: translate to faltung")
    k = work.name("k", f"np.array({kernel})" if kernel.startswith("[") else kernel)
    plain = replace(m, boundary="zero", normalises=False, numbers=Numbers("float64", "float64"))
    text, read = _general(work, plain, m.x, k, dtype)
    hits, _ = _general(work, replace(plain, scale=1.0, offset=0.0), f"np.ones({x}.shape)", f"np.abs({k})", dtype)
    total = "" if m.normalises else f" * np.abs({k}).sum()"
    work.notes.append("what is outside is left out: the sum is scaled by the share of the weights that hit data")
    return f"{text} / {hits}{total}", read


def _by_kernels(work: Draft, m: Meaning, operator: Operator, dtype: np.dtype[Any]) -> tuple[str, Meaning]:
    """The weights written out, term by term."""
    dialect = work.dialect
    work.notes.append(f"{dialect.name} has no such {operator.name}: its weights are written out")
    if m.numbers.stepwise and steps_show(m, operator):
        work.notes.append(f"{m.function} holds {m.boundary!r} outside after every axis, this code once: rims differ")
        work.exact = False
    plain = replace(m, operator=None, scale=1.0, offset=0.0, conjugate=False)
    if operator.combine == "sum":
        kernels = operator.kernels()
        total = sum(kernels[1:], kernels[0]) if len({k.shape for k in kernels}) == 1 else sum_of(kernels)
        text = kernel_text(work, m, operator.terms[0], operator) if len(kernels) == 1 else array_text(work, m, total)
        return _general(work, replace(plain, scale=m.scale, offset=m.offset, weights=total.tolist()), m.x, text, dtype)
    parts = []
    read = plain
    once = plain
    if dtype.kind in "biu":
        once = replace(plain, numbers=replace(m.numbers, compute="float64", result="float64", stepwise=False))
    for i, lines in enumerate(operator.terms):
        weights = operator.kernels()[i].tolist()
        text, read = _general(work, replace(once, weights=weights), m.x, kernel_text(work, m, lines, operator), dtype)
        parts.append(work.name("abcdefgh"[i], text))
    if operator.combine == "stack":
        return casts_for(work, m, once.numbers, dtype).after(_finished(work, m, dialect.stacked(parts), m.scale)), read
    squares = [*(dialect.squared(part) for part in parts), *([repr(m.epsilon)] if m.epsilon else [])]
    root = dialect.root(squares)
    return casts_for(work, m, once.numbers, dtype).after(_finished(work, m, root, m.scale)), read


def _finished(work: Draft, m: Meaning, text: str, factor: float) -> str:
    """Scale and offset."""
    if not np.isclose(factor, 1, rtol=1e-12):
        work.notes.append(f"scale: {m.function} returns {factor:g} times what {work.dialect.name} does")
        text = f"{factor:.17g} * {text}"
    return f"{text} + {m.offset!r}" if m.offset else text


def _applies(remark: str, m: Meaning, read: Meaning, dtype: np.dtype[Any] | None) -> bool:
    """Whether a remark of a row holds for this kernel and dtype, as far as they are known."""
    taps = taps_of(m) or ()
    if "even length" in remark and taps:
        return any(k % 2 == 0 for k in taps)
    if "one tap" in remark and taps:
        return max(taps) == 1
    if remark.startswith("for uint8") and dtype is not None:
        return dtype == np.uint8
    # both exchange x and a longer kernel
    return remark != LONGER or m.function != read.function


def _note_numbers(work: Draft, m: Meaning, read: Meaning, given: np.dtype[Any] | None) -> None:
    """Say what becomes of integers where the two libraries differ and the code does not see to it."""
    writes = work.dialect.arithmetic in ("np", "torch")
    if given is not None and (writes or given.kind not in "biu"):
        return
    dtype = given or np.dtype(np.uint8)
    mine, theirs = m.numbers.words(dtype, dtype), read.numbers.words(dtype, dtype)
    if mine != theirs:
        cure = '; dtype="uint8" writes the casts' if writes else ""
        work.notes.append(f"integers: {m.function}: {mine}; {read.function}: {theirs}{cure}")


__all__ = ["Translation", "translate"]
