"""Read a call as a user writes it, in Python, MATLAB or Julia, without running any of it."""

import ast
import re
from dataclasses import dataclass
from typing import Any

from ..errors import ParameterError

OPENING, CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Expression:
    """An argument that only running the program could turn into a value, as it is written."""

    text: str

    @property
    def last(self) -> str:
        """The last part of a dotted name: `BORDER_WRAP` of `cv2.BORDER_WRAP`."""
        return self.text.rpartition(".")[2]


@dataclass(frozen=True)
class Call:
    """A call taken apart.

    Attributes:
        text: as it was written.
        name: the function, dotted as written.
        positional, named: the arguments; numbers, strings, None, tuples and lists as values, all else `Expression`.
        texts: how every argument was written, by position or name.
    """

    text: str
    name: str
    positional: tuple[Any, ...]
    named: dict[str, Any]
    texts: dict[int | str, str]


def read_python(text: str) -> Call:
    """A call in Python; for a layer, `nn.Conv2d(...)(x)`, the x is the argument named "x".

    Raises:
        ParameterError: it is not one call with plain arguments.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ParameterError(f"{text!r} is not a Python expression ({error}): give one call, {EXAMPLE}") from error
    if not isinstance(tree, ast.Call):
        raise ParameterError(f"{text!r} is not a call: give one, {EXAMPLE}")
    named: dict[str, Any] = {}
    texts: dict[int | str, str] = {}
    if isinstance(tree.func, ast.Call) and len(tree.args) == 1 and not tree.keywords:
        named["x"], texts["x"] = _value(tree.args[0]), ast.unparse(tree.args[0])
        tree = tree.func
    if any(isinstance(arg, ast.Starred) for arg in tree.args) or any(word.arg is None for word in tree.keywords):
        raise ParameterError(f"{text!r} unpacks arguments with a star: write them out")
    name = ast.unparse(tree.func)
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        raise ParameterError(f"{name!r} is not a function's name: write it dotted, {EXAMPLE}")
    for i, arg in enumerate(tree.args):
        texts[i] = ast.unparse(arg)
    for word in tree.keywords:
        if word.arg is not None:
            named[word.arg], texts[word.arg] = _value(word.value), ast.unparse(word.value)
    return Call(text, name, tuple(_value(arg) for arg in tree.args), named, texts)


EXAMPLE = "e.g. \"scipy.ndimage.correlate(x, k, mode='mirror')\""


def _value(node: ast.expr) -> Any:
    """A literal as a value; an array of literals as nested lists; else the expression as it stands."""
    if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in ARRAYS:
        # np.array([1, 2]) and torch.tensor([...]) are their literals
        return _value(node.args[0])
    if isinstance(node, (ast.Tuple, ast.List)):
        entries = [_value(entry) for entry in node.elts]
        if any(isinstance(entry, Expression) for entry in entries):
            return Expression(ast.unparse(node)) if isinstance(node, ast.List) else tuple(entries)
        return entries if isinstance(node, ast.List) else tuple(entries)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return Expression(ast.unparse(node))


ARRAYS = ("np.array", "np.asarray", "numpy.array", "numpy.asarray", "torch.tensor")


def read_matrices(text: str) -> Call:
    """A call in MATLAB or Julia: a name and arguments in parentheses, matrices as nested lists.

    Raises:
        ParameterError: it is not one call.
    """
    found = re.fullmatch(r"\s*([A-Za-z_][\w.!]*)\s*\((.*)\)\s*;?\s*", text, re.S)
    if found is None:
        raise ParameterError(f"{text!r} is not a call: give one, e.g. \"imfilter(A, h, 'replicate')\"")
    words = [word for word in _split(found[2], ",", text) if word]
    return Call(text, found[1], tuple(map(_matrix_value, words)), {}, dict(enumerate(words)))


def _split(text: str, separators: str, whole: str) -> list[str]:
    """Cut at separators outside of brackets and quotes."""
    parts: list[str] = []
    depth, quote, start = 0, "", 0
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        # after a name or a bracket, ' is MATLAB's transpose
        elif letter == '"' or (letter == "'" and not re.search(r"[\w)\]']$", text[:i])):
            quote = letter
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
        elif letter in separators and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
        if depth < 0:
            break
    if depth or quote:
        raise ParameterError(f"{whole!r}: brackets or quotes do not match")
    return [*parts, text[start:].strip()]


def _matrix_value(word: str) -> Any:
    if len(word) >= 2 and word[0] in "'\"" and word[-1] == word[0]:
        return word[1:-1]
    if _number(word) is not None:
        return _number(word)
    if word.startswith("[") and word.endswith("]"):
        rows = [[_number(entry) for entry in re.split(r"[,\s]+", row.strip())] for row in word[1:-1].split(";")]
        if all(entry is not None for row in rows for entry in row) and len({len(row) for row in rows}) == 1:
            return rows
    return Expression(word)


def _number(word: str) -> float | int | None:
    for cast in (int, float):
        try:
            return cast(word)
        except ValueError:
            continue
    return None
