import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import ExpressionError
from faltung.experiments.expression import MAX_CHARACTERS, allowed, evaluate

T = np.arange(-4.0, 5.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t", T),
        ("3", np.full(T.shape, 3.0)),
        ("2*t + 1", 2 * T + 1),
        ("-t ** 2", -(T**2)),
        ("t % 3", T % 3),
        ("(t + 5) / 2 - +1", (T + 5) / 2 - 1),
        ("sin(pi*t/8) + cos(t)", np.sin(np.pi * T / 8) + np.cos(T)),
        ("e**t", math.e**T),
        ("t > 1", (T > 1) * 1.0),
        ("2*(t > 1) - 1", np.where(T > 1, 1.0, -1.0)),
        ("-1 < t <= 2", ((T > -1) & (T <= 2)) * 1.0),
        ("t > 1 or t < -2", ((T > 1) | (T < -2)) * 1.0),
        ("not (t and 1)", (T == 0) * 1.0),
        ("min(t, 2, -t)", np.minimum(np.minimum(T, 2), -T)),
        ("max(t, 0)", np.maximum(T, 0)),
        ("clip(t, -1, 1.5)", np.clip(T, -1, 1.5)),
        ("where(t == 0, 1, sin(t)/t)", np.sinc(T / np.pi)),
        ("box(t - 1, 2)", ((T >= 0) & (T <= 2)) * 1.0),
        ("gauss(t, 2)", np.exp(-(T**2) / 8)),
        ("step(t) + sign(t) + floor(t/2) + abs(t)", (T >= 0) + np.sign(T) + np.floor(T / 2) + np.abs(T)),
        (" \n t\n", T),
    ],
)
def test_a_formula_means_what_it_says(text, expected):
    np.testing.assert_allclose(evaluate(text, T), expected, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_the_result_is_a_new_float64_array_of_the_shape_of_t(shape):
    t = np.ones(shape, np.float32)
    for text in ("t", "1"):
        result = evaluate(text, t)
        assert result.shape == shape
        assert result.dtype == np.float64
        assert not np.shares_memory(result, t)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__[0].__subclasses__()",
        "t.__class__",
        "t.dtype",
        "np.sin(t)",
        "eval('1')",
        "exec('1')",
        "open('x')",
        "lambda: 1",
        "(lambda x: x)(t)",
        "[t for t in (1, 2)]",
        "{1: 2}",
        "{t}",
        "[1, 2]",
        "(1, 2)",
        "t[0]",
        "f'{t}'",
        "'a' * 9",
        "b'a'",
        "1j",
        "True",
        "None",
        "...",
        "x := 3",
        "(x := 3)",
        "a if t else b",
        "t if t else 1",
        "await t",
        "yield",
        "import os",
        "t; t",
        "t = 1",
        "t ^ 2",
        "t // 2",
        "t & 1",
        "~t",
        "t @ t",
        "t << 3",
        "t is 1",
        "t in t",
        "x + 1",
        "sin",
        "sin()",
        "sin(t, t)",
        "sin(x=t)",
        "sin(*t)",
        "max(t)",
        "where(t)",
        "sin(t)(t)",
        "t(1)",
        "",
        "   ",
        "2 +",
        "((t)",
        "sin t",
        "t\x00",
    ],
)
def test_anything_else_is_refused_in_words(text):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, T)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    ("text", "part", "advice"),
    [
        ("2*np.sin(t)", "np.sin", "sin(t), not np.sin(t)"),
        ("t^2", "t^2", "**"),
        ("1 + foo(t)", "foo", "sin(x)"),
        ("t if t > 2 else 0", "t if t > 2 else 0", "where(condition, a, b)"),
        ("clip(t, 1)", "clip(t, 1)", "clip(x, low, high)"),
        ("1/t", "1/t", "t = 0"),
    ],
)
def test_the_message_names_the_part_and_the_cure(text, part, advice):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, T)
    assert part in str(caught.value)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "10**400",
        "9" * 400,
        "1e999",
        "(" * 240 + "t" + ")" * 240,
        "-" * 499 + "t",
        "not " * 100 + "t",
        "+".join(["t"] * 240),
        "sin(" * 60 + "t" + ")" * 60,
        "t" * (MAX_CHARACTERS + 1),
        "t+" * 100_000 + "t",
        "exp(exp(exp(exp(t))))",
    ],
)
def test_oversized_formulas_end_at_once(text):
    start = time.perf_counter()
    with pytest.raises(ExpressionError):
        evaluate(text, np.arange(1000.0))
    assert time.perf_counter() - start < 1.0


@pytest.mark.parametrize("text", [3, None, b"t", ["t"]])
def test_only_text_is_a_formula(text):
    with pytest.raises(ExpressionError, match="give a text"):
        evaluate(text, T)


@pytest.mark.parametrize("t", [np.array([1j]), np.array(["a"]), np.array([None])])
def test_times_are_real_numbers(t):
    with pytest.raises(ExpressionError, match="real"):
        evaluate("t", t)


@given(st.text(alphabet="t0123456789.+-*/%()<>=!&|^~, sincoexpabwhrg_'[]{}:@\n", max_size=40))
def test_any_text_gives_finite_numbers_or_our_error(text):
    try:
        result = evaluate(text, T)
    except ExpressionError:
        return
    assert np.isfinite(result).all()


def test_what_is_allowed_is_listed():
    assert all(word in allowed() for word in ("sin(x)", "where(condition, a, b)", "**", "pi", "not"))
