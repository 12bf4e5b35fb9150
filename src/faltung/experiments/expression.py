"""Formulas of t typed by a person: arithmetic only, never Python's eval.

The text is parsed, and every node of the tree must be on a short list; nothing else has a way to run. All numbers are
float64, so a tower of powers overflows to infinity instead of growing an integer without end.
"""

import ast
import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..errors import ExpressionError
from ..spec import Array

MAX_CHARACTERS = 500
MAX_PARTS = 200
"""Numbers, names, operators and calls in one formula; with the length of t it bounds the time."""
MAX_NESTING = 30

_CONSTANTS = {"pi": math.pi, "e": math.e}


def _box(x: Array, width: Array) -> Array:
    return (np.abs(x) <= np.asarray(width) / 2).astype(np.float64)


def _gauss(x: Array, sigma: Array) -> Array:
    return np.exp(-0.5 * (x / sigma) ** 2)


def _fold(pairwise: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: reduce(pairwise, values)


# name -> (function, fewest arguments, most arguments, how it is written)
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int, str]] = {
    "sin": (np.sin, 1, 1, "sin(x)"),
    "cos": (np.cos, 1, 1, "cos(x)"),
    "tan": (np.tan, 1, 1, "tan(x)"),
    "exp": (np.exp, 1, 1, "exp(x)"),
    "log": (np.log, 1, 1, "log(x)"),
    "sqrt": (np.sqrt, 1, 1, "sqrt(x)"),
    "abs": (np.abs, 1, 1, "abs(x)"),
    "sign": (np.sign, 1, 1, "sign(x)"),
    "floor": (np.floor, 1, 1, "floor(x)"),
    "ceil": (np.ceil, 1, 1, "ceil(x)"),
    "round": (np.round, 1, 1, "round(x)"),
    "tanh": (np.tanh, 1, 1, "tanh(x)"),
    "min": (_fold(np.minimum), 2, 8, "min(a, b, ...)"),
    "max": (_fold(np.maximum), 2, 8, "max(a, b, ...)"),
    "clip": (np.clip, 3, 3, "clip(x, low, high)"),
    "where": (lambda condition, a, b: np.where(condition != 0, a, b), 3, 3, "where(condition, a, b)"),
    "step": (lambda x: np.where(x >= 0, 1.0, 0.0), 1, 1, "step(x)"),
    "box": (_box, 2, 2, "box(x, width)"),
    "gauss": (_gauss, 2, 2, "gauss(x, sigma)"),
}

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}

# what people write from habit, and what to write here
_HINTS: dict[type[ast.AST], str] = {
    ast.BitXor: "for a power write **",
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.Invert: "write `not`",
    ast.FloorDiv: "write floor(a / b)",
    ast.IfExp: "write where(condition, a, b)",
    ast.Attribute: "write the function alone: sin(t), not np.sin(t)",
}


def allowed() -> str:
    """One line that lists everything a formula may hold."""
    functions = " ".join(written for _, _, _, written in _FUNCTIONS.values())
    return f"numbers, t, pi, e, + - * / % **, < <= > >= == !=, and or not, parentheses and {functions}"


def evaluate(text: str, t: Array) -> Array:
    """The values of a formula at the times t.

    Comparisons and `and`, `or`, `not` give 1 and 0, so `(t > 50)` is a step and `2*(t > 50) - 1` a jump.

    Args:
        text: a formula of t, at most 500 characters; `allowed()` lists what it may hold.
        t: times, any shape, real.

    Returns:
        float64, the shape of t; a formula without t gives a constant array.

    Raises:
        ExpressionError: the text is no formula, holds something outside the list, is too large, or gives an infinite
            or undefined value somewhere. The message names the part.

    Example:
        >>> import numpy as np
        >>> evaluate("2*(t > 1) + t/2", np.array([0.0, 1.0, 2.0]))
        array([0. , 0.5, 3. ])
    """
    times = np.asarray(t)
    if times.dtype.kind not in "fiub":
        raise ExpressionError(f"t has dtype {times.dtype}: give real numbers")
    tree = _parse(text)
    with np.errstate(all="ignore"):
        values = _Evaluator(text, times.astype(np.float64)).value(tree)
        result = np.array(np.broadcast_to(values, times.shape), dtype=np.float64)
    finite = np.isfinite(result)
    if not finite.all():
        first = times[np.unravel_index(int(np.argmin(finite)), times.shape)]
        raise ExpressionError(
            f"{text.strip()!r} is infinite or undefined at t = {first:g}: "
            "exclude that place with where(condition, a, b), or choose another range of t"
        )
    return result


def _parse(text: str) -> ast.expr:
    """The tree of the formula, proven small."""
    if not isinstance(text, str):
        raise ExpressionError(f'got a {type(text).__name__}: give a text such as "sin(t/8) + (t > 50)"')
    if not text.strip():
        raise ExpressionError('the formula is empty: write something such as "sin(t/8) + (t > 50)"')
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the formula has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f" near character {error.offset}" if error.offset else ""
        raise ExpressionError(f"{text.strip()!r} is not a formula{where}: allowed are {allowed()}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"the formula cannot be read: allowed are {allowed()}") from None
    num_parts = 0
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        num_parts += sum(isinstance(node, ast.expr) for node in level)
        depth += 1
        if num_parts > MAX_PARTS:
            raise ExpressionError(f"the formula has more than {MAX_PARTS} parts: make it shorter")
        if depth > MAX_NESTING:
            raise ExpressionError(f"the formula is nested deeper than {MAX_NESTING}: take it apart")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return tree


class _Evaluator:
    """Walks the tree; every node that it does not know is refused."""

    def __init__(self, text: str, times: Array) -> None:
        self._text = text.strip()
        self._times = times

    def value(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=bool() | complex() | str() | bytes() | None):
                raise self._refuse(node)
            case ast.Constant(value=int() | float()):
                return self._number(node)
            case ast.Name(id="t"):
                return self._times
            case ast.Name(id=name) if name in _CONSTANTS:
                return np.float64(_CONSTANTS[name])
            case ast.BinOp(op=op) if type(op) in _BINARY:
                return _BINARY[type(op)](self.value(node.left), self.value(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -self.value(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.value(node.operand)
            case ast.UnaryOp(op=ast.Not()):
                return _truth(self.value(node.operand) == 0)
            case ast.BoolOp(op=op):
                combine = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return _truth(reduce(combine, [self.value(part) != 0 for part in node.values]))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
                return self._call(node, name)
        raise self._refuse(node)

    def _number(self, node: ast.Constant) -> np.float64:
        try:
            number = float(node.value)  # pyrefly: ignore[bad-argument-type]
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise ExpressionError(f"{self._part(node)} is too large for a number: at most about 1.8e308")
        return np.float64(number)

    def _comparison(self, node: ast.Compare) -> Array:
        left = self.value(node.left)
        held: Any = True
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARISONS:
                raise self._refuse(node)
            right = self.value(right_node)
            held = np.logical_and(held, _COMPARISONS[type(op)](left, right))
            left = right
        return _truth(held)

    def _call(self, node: ast.Call, name: str) -> Any:
        function, fewest, most, written = _FUNCTIONS[name]
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise ExpressionError(f"{self._part(node)}: give plain arguments, as in {written}")
        if not fewest <= len(node.args) <= most:
            raise ExpressionError(f"{self._part(node)} has {len(node.args)} arguments: write {written}")
        return function(*(self.value(argument) for argument in node.args))

    def _refuse(self, node: ast.AST) -> ExpressionError:
        culprit = node
        if isinstance(node, ast.Call):
            culprit = node.func
        hint = _HINTS.get(type(culprit)) or _HINTS.get(type(getattr(node, "op", node)))
        advice = f"{hint}. " if hint else ""
        return ExpressionError(f"{self._part(culprit)} is not allowed: {advice}Allowed are {allowed()}")

    def _part(self, node: ast.AST) -> str:
        """The text of a node, quoted and not too long."""
        part = ast.get_source_segment(self._text, node) or self._text
        return repr(part if len(part) <= 60 else part[:57] + "...")


def _truth(held: Any) -> Any:
    """True and False as 1.0 and 0.0."""
    return np.asarray(held, dtype=np.float64)
