"""Every mistake raises one of our errors, which is the builtin too and says what was got, what is allowed, what to do.

A mistake is a call, the error and what its message must hold. Each is made three times: by `convolve`, by `plan` and
again by `convolve`, since a plan that is kept must not hide it.
"""

import contextlib
import decimal
import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung import errors
from strategies import Case, cases

X = np.arange(6.0)
K = np.ones(3)
IMAGE = np.ones((4, 5))
NAN, INF = float("nan"), float("inf")
BUILTIN = {
    "ShapeError": ValueError,
    "ParameterError": ValueError,
    "BoundaryError": ValueError,
    "DtypeError": TypeError,
    "MissingData": ValueError,
    "IntegerOverflow": OverflowError,
    "AccuracyError": ArithmeticError,
    "MethodError": ValueError,
    "FileError": OSError,
    "ExpressionError": ValueError,
    "MissingDependency": ImportError,
}
TREE = [e for _, e in inspect.getmembers(errors, inspect.isclass) if e is not ft.FaltungError]


def options(name: str, *values: Any, error: Any = ft.ParameterError, says: tuple[str, ...] = ()) -> list[Any]:
    """The same mistake in one option, with several values."""
    return [
        pytest.param(X, K, {name: value}, error, (name, *says), id=f"{name}={str(value)[:30]!r}") for value in values
    ]


def mistake(name: str, x: Any, kernel: Any, error: Any, *says: str, **more: Any) -> Any:
    return pytest.param(x, kernel, more, error, says, id=name)


MISTAKES = [
    # shapes
    mistake("x is a number", 5.0, 3.0, ft.ShapeError, "atleast_1d"),
    mistake("kernel is a number", X, 3.0, ft.ShapeError, "kernel", "multiply"),
    mistake("kernel has fewer axes", IMAGE, K, ft.ShapeError, "2 axes", "1", "axes=(-1,)"),
    mistake("kernel has more axes", X, np.ones((2, 2)), ft.ShapeError, "1 axes", "2", "reshape"),
    mistake("kernel axes fit neither", np.ones((3, 4, 5)), np.ones((2, 2)), ft.ShapeError, "kernel has 2", axes=0),
    mistake("batches differ", np.ones((2, 9)), np.ones((3, 2)), ft.ShapeError, "axis 0", "2", "3", axes=1),
    mistake("kernel is empty", X, [], ft.ShapeError, "(0,)", "at least one weight"),
    mistake("kernel is empty along one axis", IMAGE, np.ones((3, 0)), ft.ShapeError, "(3, 0)"),
    mistake("x is empty", [], K, ft.ShapeError, "axis 0", "at least one sample"),
    mistake("a convolved axis is empty", np.ones((3, 0)), K, ft.ShapeError, "axis 1", axes=1),
    mistake("valid of a longer kernel", X, np.ones(8), ft.ShapeError, "6 samples", "8 long", "least 8", mode="valid"),
    mistake("valid of a dilated kernel", X, K, ft.ShapeError, "7 long", "dilation 3", mode="valid", dilation=3),
    mistake("padding too small", X, np.ones(9), ft.ShapeError, "2 more with padding", "at least 7", padding=1),
    mistake("axis out of range", IMAGE, K, ft.ShapeError, "axis 2", "-2 to 1", axes=2),
    mistake("axis named twice", IMAGE, np.ones((2, 2)), ft.ShapeError, "(0, -2)", "once", axes=(0, -2)),
    mistake("no axis", IMAGE, K, ft.ShapeError, "at least one", axes=()),
    # dtypes
    mistake("text", ["a", "b"], K, ft.DtypeError, "<U1", "numbers"),
    mistake("text alone", "abc", K, ft.DtypeError, "str"),
    mistake("bytes", b"abc", K, ft.DtypeError, "bytes"),
    mistake("text as kernel", X, ["a"], ft.DtypeError, "kernel"),
    mistake("nothing", None, K, ft.DtypeError, "NoneType"),
    mistake("nothing as kernel", X, None, ft.DtypeError, "kernel"),
    mistake("dates", np.array(["2020-01-01"], "M8[D]"), [1], ft.DtypeError, "datetime64"),
    mistake("records", np.zeros(3, [("a", int)]), K, ft.DtypeError, "numbers"),
    mistake("masked", np.ma.masked_array(X, X > 2), K, ft.DtypeError, "mask", "filled"),
    mistake("masked kernel", X, np.ma.masked_array(K, K > 2), ft.DtypeError, "mask", "kernel.filled"),
    mistake("ragged", [[1, 2], [3]], np.ones((1, 1)), ft.DtypeError, "ragged"),
    mistake("iterator", iter([1, 2]), [1], ft.DtypeError, "list_iterator"),
    mistake("hole among numbers", [1, None, 3], [1], ft.DtypeError, "objects"),
    mistake("objects that do not multiply", [object(), 1], [1], ft.DtypeError, "objects"),
    mistake("objects in the kernel", X, np.array([object()]), ft.DtypeError, "objects"),
    mistake("ignore with objects", np.ones(3, object), [1], ft.DtypeError, "ignore", "float", boundary="ignore"),
    mistake("complex as real", [1j], [1.0], ft.DtypeError, "complex", "abs", dtype=float),
    mistake("complex as integer", [1j], [1.0], ft.DtypeError, "complex", dtype=int),
    mistake("weights beyond x", np.ones(3, np.float32), [1e300], ft.DtypeError, "1e+300", "float32"),
    *options("dtype", "nope", "f4,(", "U3", "M8[s]", {"a": 1}, 5, [("a", int)], error=ft.DtypeError),
    # options
    *options("mode", "Full", "wrap", None, 3, np.zeros(3), ["full"], says=('"full", "same", "valid"',)),
    *options("stride", 0, -1, says=("at least 1",)),
    *options("stride", 1.5, NAN, INF, "2", None, {2}, {1: 2}, [1.5], says=("integer",)),
    *options("stride", [1, 2], (), np.ones((2, 1), int), says=("1 axes",)),
    *options("dilation", 0, -3, says=("at least 1",)),
    *options("dilation", 0.5, NAN, "x", None, says=("integer",)),
    *options("padding", -1, [(0, -2)], says=("at least 0",)),
    *options("padding", 1.5, NAN, [(0.5, 1)], says=("integer",)),
    *options("mode", "VALID", "valids", says=('did you mean "valid"?',)),
    *options("method", "FFT", says=('did you mean "fft"?', '"auto", "direct"')),
    *options("padding", "SAME", "reflect", says=('"same"', "boundary=")),
    *options("padding", "valid", "VALID", says=('mode="valid"',)),
    *options("padding", (1, 2), [], says=("pair (before, after)",)),
    *options("padding", [(1, 2, 3)], [()], says=("pair (before, after)",)),
    *options("origin", 1, [0], says=("mode",)),
    *options("axes", 0.0, "0", NAN, {0}, says=("integer",)),
    *options("overflow", "clip", None, 0, says=('"error", "saturate", "wrap"',)),
    *options("rtol", -1e-3, NAN, "small", 1j, [1e-3], says=("inf",)),
    *options("method", "winograd", None, 1, {}, says=('"auto", "direct"',)),
    mistake("mode and padding", X, K, ft.ParameterError, "padding=1", "'same'", "drop one", mode="same", padding=1),
    mistake("origin is no integer", X, K, ft.ParameterError, "integer", mode="same", origin=0.5),
    # boundaries
    *[
        mistake(f"boundary {name}", X, K, ft.BoundaryError, ours, boundary=name)
        for name, ours in {
            "mirror": '"reflect"',
            "nearest": '"edge"',
            "replicate": '"edge"',
            "circular": '"wrap"',
            "symm": '"symmetric"',
            "fill": '"zero", or ("constant", v)',
            "replicat": "did you mean 'edge'?",
            "BORDER_REFLECT": '"symmetric"',
            "Reflect": '"reflect"',
            "unheard of": '"zero", "edge", "symmetric", "reflect", "wrap"',
        }.items()
    ],
    *options("boundary", None, 0, {}, np.zeros(3), ("edge", 3), (np.zeros(2), "edge"), error=ft.BoundaryError),
    *options("boundary", "constant", ("constant", "edge"), error=ft.BoundaryError, says=("constant",)),
    *options("boundary", ("constant", None), ("constant", [1, 2]), error=ft.BoundaryError, says=("one number",)),
    *options("boundary", ["edge", "wrap"], [], says=("1 convolved axes", 'a tuple, ("edge", "wrap")')),
    *options("boundary", ("constant", 1j), says=("complex",)),
    *options("boundary", ("constant", 10**400), says=("beyond float64",)),
    mistake("fraction beside integers", [1, 2], [1], ft.ParameterError, "0.5", "int64", boundary=("constant", 0.5)),
    mistake("NaN beside integers", [1, 2], [1], ft.ParameterError, "nan", "int64", boundary=("constant", NAN)),
    mistake("too large for int64", [1, 2], [1], ft.ParameterError, "int64", boundary=("constant", 2**63)),
    # sizes that are slips
    *options("padding", 10**13, 10**18, 10**30, [(0, 10**30)], error=ft.ShapeError, says=("memory",)),
    *options("dilation", 10**13, 10**18, 10**30, error=ft.ShapeError, says=("memory",)),
    mistake("origin far away", X, K, ft.ShapeError, "origin", mode="same", origin=10**30),
    mistake("dilation far away", X, K, ft.ShapeError, "dilation", mode="same", dilation=10**18),
    # methods
    mistake("separable of one axis", X, K, ft.MethodError, '"separable"', '"auto"', method="separable"),
    mistake("fft of integers", [1, 2], [1], ft.MethodError, '"fft"', "exact", method="fft"),
    # integers
    mistake("overflow", [2**62, 2**62], [1, 1], ft.IntegerOverflow, "9223372036854775808", "int64", "saturate"),
    mistake("result too small", [200, 100], [1], ft.IntegerOverflow, "200", "int8", "wider", dtype="int8"),
    mistake("NaN as integer", [NAN, 1.0], [1.0], ft.IntegerOverflow, "NaN", "float dtype", dtype=int),
    mistake("too many digits", [10**400], [1], ft.IntegerOverflow, "float64", "object", dtype=float),
]


@pytest.mark.parametrize(("x", "kernel", "more", "error", "says"), MISTAKES)
def test_a_mistake_is_explained(x: Any, kernel: Any, more: dict[str, Any], error: Any, says: tuple[str, ...]) -> None:
    for _ in range(2):
        with pytest.raises(error) as caught:
            ft.convolve(x, kernel, **more)
        assert type(caught.value) is error
        for words in says:
            assert words in str(caught.value)
    with pytest.raises(error):
        ft.plan(np.asarray(x) if isinstance(x, list) and error is not ft.DtypeError else x, kernel, **more)(x)


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_is_ours_and_the_builtin(error: type[Exception]) -> None:
    assert issubclass(error, ft.FaltungError)
    assert issubclass(error, BUILTIN[error.__name__])
    assert getattr(ft, error.__name__) is error
    assert error.__doc__
    assert error.__name__ in (errors.__doc__ or "")


# out, workers, plans


@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        (np.empty(7), ft.ShapeError, "(7,)"),
        (np.empty((8, 1)), ft.ShapeError, "(8, 1)"),
        (np.empty(8, np.float32), ft.DtypeError, "float32"),
        (np.empty(8, int), ft.DtypeError, "int64"),
        (np.empty(8, ">f8"), ft.DtypeError, ">f8"),
        ([0.0] * 8, ft.DtypeError, "list"),
        (8, ft.DtypeError, "int"),
        (np.broadcast_to(0.0, 8), ft.ParameterError, "read-only"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_out_that_does_not_fit_is_refused(out: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says.replace("(", r"\(").replace(")", r"\)")):
        ft.convolve(X, K, out=out)


@pytest.mark.parametrize("step", [1, -1])
def test_an_out_that_overlaps_x_is_refused(step: int) -> None:
    buffer = np.arange(20.0)
    x = buffer[4:10]
    for out in (buffer[::step][:6], buffer[5:11], x, x[::step]):
        kept = buffer.copy()
        if not np.shares_memory(out, x):
            continue
        with pytest.raises(ft.ParameterError, match="shares memory with x"):
            ft.convolve(x, K, mode="same", out=out)
        np.testing.assert_array_equal(buffer, kept)


@pytest.mark.parametrize("workers", [0, -1, 1.5, NAN, "2", [2]])
def test_workers_is_a_number_of_threads(workers: Any) -> None:
    with pytest.raises(ft.ParameterError, match="workers"):
        ft.convolve(X, K, workers=workers)


@pytest.mark.parametrize("shape", [(-1,), (3, -2), (1,) * 70, (2**40, 2**40)])
def test_a_shape_that_no_array_has_is_refused(shape: Any) -> None:
    with pytest.raises(ft.ShapeError):
        ft.plan(shape, K, axes=0)


def test_x_dtype_goes_with_a_shape_and_must_be_a_dtype() -> None:
    with pytest.raises(ft.ParameterError, match="x_dtype"):
        ft.plan(X, K, x_dtype=float)
    with pytest.raises(ft.DtypeError, match="nope"):
        ft.plan((9,), K, x_dtype="nope")


def test_a_forced_method_that_would_err_raises_and_auto_serves() -> None:
    x = np.zeros(5000)
    x[::700] = 10.0 ** np.arange(0, 80, 10)
    with pytest.raises(ft.AccuracyError, match="rtol"):
        ft.convolve(x, np.ones(50), method="fft")
    np.testing.assert_allclose(ft.convolve(x, np.ones(50)), np.convolve(x, np.ones(50)), rtol=1e-12)


# anything at all

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    NAN,
    INF,
    1j,
    "",
    "same",
    "edge",
    b"same",
    (),
    [],
    {},
    set(),
    (1, 2, 3),
    [[1, 2], [3, 4]],
    ("constant", NAN),
    ("edge", ("constant", 2)),
    np.array(3),
    np.arange(2),
    np.zeros((2, 2)),
    np.float32(2),
    np.int8(1),
    decimal.Decimal(2),
    object(),
    len,
    Ellipsis,
    slice(3),
    range(2),
    np.float64,
    "float32",
)
NAMES = [
    "mode",
    "boundary",
    "stride",
    "dilation",
    "padding",
    "axes",
    "method",
    "dtype",
    "overflow",
    "nan",
    "rtol",
    "origin",
]


@given(st.sampled_from([*NAMES, "out", "workers", "x", "kernel"]), st.sampled_from(range(len(ODD))))
def test_any_odd_thing_as_any_argument_gives_a_result_or_our_error(name: str, which: int) -> None:
    call: dict[str, Any] = {"x": IMAGE, "kernel": np.ones((2, 2)), name: ODD[which]}
    with contextlib.suppress(ft.FaltungError):
        assert isinstance(ft.convolve(**call), np.ndarray)


@given(cases(), st.data())
def test_any_odd_thing_spoils_a_good_call_only_with_our_error(case: Case, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(NAMES)))
    odd = {name: ODD[data.draw(st.sampled_from(range(len(ODD))))] for name in names}
    with contextlib.suppress(ft.FaltungError):
        assert isinstance(case(**odd), np.ndarray)
