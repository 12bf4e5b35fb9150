"""Filters say of tensors what they say of arrays, and can be differentiated twice."""

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import faltung as ft

SUMS: dict[str, Callable[..., Any]] = {
    "smooth a line": lambda x, **w: ft.smooth(x, [1, 2, 1, 3], **w),
    "smooth a box": lambda x, **w: ft.smooth(x, [[1.0, 2, 3], [4, 5, 6]], **w),
    "gaussian": lambda x, **w: ft.gaussian(x, (0.5, 1.0), truncate=2, **w),
    "box": lambda x, **w: ft.box(x, 3, **w),
    "gradient": ft.gradient,
    "sobel": ft.sobel,
    "sobel across": lambda x, **w: ft.sobel(x, 1, scale="unit", **w),
    "scharr": ft.scharr,
    "prewitt": ft.prewitt,
    "laplacian": ft.laplacian,
    "laplacian of gaussian": lambda x, **w: ft.laplacian(x, 0.5, truncate=3, **w),
}
REAL_SUMS: dict[str, Callable[..., Any]] = {
    "edges": ft.edges,
    "edges of a blur": lambda x, **w: ft.edges(x, operator="scharr", sigma=0.5, scale="unit", **w),
    "max_filter": lambda x, **w: ft.max_filter(x, 3, **w),
    "min_filter": lambda x, **w: ft.min_filter(x, (3, 5), **w),
}
POOLS: dict[str, Callable[..., Any]] = {
    "avg_pool": lambda x: ft.avg_pool(x, (2, 3), padding=1, count_include_pad=False, ceil_mode=True),
    "avg_pool with zeros": lambda x: ft.avg_pool(x, 3, stride=2, padding=1),
    "lp_pool, 1": lambda x: ft.lp_pool(x, 1, 2),
    "lp_pool, 2": lambda x: ft.lp_pool(x, 2, 2, ceil_mode=True),
    "lp_pool, 2.5": lambda x: ft.lp_pool(x, 2.5, (2, 3), stride=1),
    "lp_pool, 4": lambda x: ft.lp_pool(x, 4, 3, stride=2),
    "lp_pool, inf": lambda x: ft.lp_pool(x, math.inf, 2),
}
REAL_POOLS: dict[str, Callable[..., Any]] = {
    "max_pool": lambda x: ft.max_pool(x, 3, stride=2, padding=1, ceil_mode=True),
    "max_pool, dilated": lambda x: ft.max_pool(x, 2, stride=1, dilation=3, padding=(1, 2)),
}
BOUNDED = SUMS | REAL_SUMS
ALL = BOUNDED | POOLS | REAL_POOLS
BOUNDARIES: list[Any] = ["zero", "edge", "reflect", "wrap", "ignore", ("constant", 0.1), [("edge", "ignore"), "wrap"]]
DTYPES = ["bool", "uint8", "int16", "int64", "float16", "float32", "float64", "complex64"]


def _picture(dtype: str, shape: tuple[int, ...] = (7, 9)) -> np.ndarray:
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape) * 4
    if dtype.startswith("complex"):
        x = x + 1j * rng.standard_normal(shape)
    return (np.abs(x) * 20 if dtype.startswith("u") else x).astype(dtype)


def _parts(found: Any) -> list[Any]:
    return [getattr(found, field.name) for field in fields(found)] if isinstance(found, ft.Edges) else [found]


def _same(got: Any, right: Any) -> None:
    for a, b in zip(_parts(got), _parts(right), strict=True):
        assert isinstance(a, torch.Tensor)
        assert a.numpy().dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b)


def _close(got: Any, right: Any, tolerance: float) -> None:
    for a, b in zip(_parts(got), _parts(right), strict=True):
        assert a.requires_grad
        assert a.detach().numpy().dtype == b.dtype
        size = float(np.max(np.abs(b), initial=1.0, where=np.isfinite(b)))
        np.testing.assert_allclose(a.detach().numpy(), b, rtol=tolerance, atol=tolerance * size)


def _takes(name: str, dtype: str) -> bool:
    return not dtype.startswith("complex") or name in SUMS or name in POOLS


@pytest.mark.parametrize("name", ALL)
def test_tensors_that_need_no_gradient_are_arrays(name: str) -> None:
    for dtype in filter(lambda d: _takes(name, d), DTYPES):
        x = _picture(dtype)
        _same(ALL[name](torch.from_numpy(x)), ALL[name](x))
    for boundary in BOUNDARIES if name in BOUNDED else ():
        x = _picture("float32")
        _same(ALL[name](torch.from_numpy(x), boundary=boundary), ALL[name](x, boundary=boundary))


@pytest.mark.parametrize("name", ALL)
def test_with_gradients_results_are_the_same(name: str) -> None:
    tolerances = {"float32": 1e-6, "float64": 1e-12, "complex64": 1e-6, "complex128": 1e-12}
    for dtype, tolerance in tolerances.items():
        if _takes(name, dtype):
            x = _picture(dtype)
            _close(ALL[name](torch.from_numpy(x).requires_grad_()), ALL[name](x), tolerance)
    for boundary in BOUNDARIES if name in BOUNDED else ():
        x = _picture("float64")
        right = ALL[name](x, boundary=boundary)
        _close(ALL[name](torch.from_numpy(x).requires_grad_(), boundary=boundary), right, 1e-12)


@pytest.mark.parametrize("name", ALL)
def test_nan_and_infinity_go_where_they_go_in_arrays(name: str) -> None:
    x = _picture("float64", (20, 24))
    x[3, 4], x[3, 15], x[12, 3], x[12, 17], x[13, 16] = np.nan, np.inf, -np.inf, np.nan, np.inf
    with np.errstate(all="ignore"):
        right = ALL[name](x)
    # angles of infinite vectors are no numbers in either, but not the same
    left_out = isinstance(right, ft.Edges)
    got = ALL[name](torch.from_numpy(x).requires_grad_())
    for a, b in zip(_parts(got), _parts(right), strict=True):
        if left_out and b is right.direction:
            continue
        np.testing.assert_allclose(a.detach().numpy(), b, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("name", ["smooth a line", "smooth a box", "gaussian", "box", "edges of a blur"])
def test_missing_samples_are_omitted_as_in_arrays(name: str) -> None:
    x = _picture("float64")
    x[2, 3], x[5, 6] = np.nan, np.nan
    right = ALL[name](x, nan="omit", boundary="ignore")
    _same(ALL[name](torch.from_numpy(x), nan="omit", boundary="ignore"), right)
    taught = torch.from_numpy(x).requires_grad_()
    got = ALL[name](taught, nan="omit", boundary="ignore")
    _close(got, right, 1e-12)
    (gradient,) = torch.autograd.grad(sum(part.sum() for part in _parts(got)), taught)
    assert gradient.isfinite().all()
    assert gradient[2, 3] == 0
    for one in (taught, taught.detach()):
        with pytest.raises(ft.MissingData):
            ALL[name](one, nan="error")


@pytest.mark.parametrize("name", ALL)
def test_every_filter_differentiates_twice(name: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)

    def call(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(_parts(ALL[name](x)))

    assert gradcheck(call, (x,))
    assert gradgradcheck(call, (x,))


@pytest.mark.parametrize("name", [*SUMS, *POOLS])
def test_complex_filters_differentiate_twice(name: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 4, dtype=torch.complex128, requires_grad=True)
    assert gradcheck(ALL[name], (x,), fast_mode=True)
    assert gradgradcheck(ALL[name], (x,), fast_mode=True)


@pytest.mark.parametrize("name", ALL)
def test_flat_regions_have_finite_gradients(name: str) -> None:
    x = torch.zeros(5, 6, dtype=torch.float64, requires_grad=True)
    y = sum(part.sum() for part in _parts(ALL[name](x)))
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    assert first.isfinite().all()
    if name in ("sobel", "scharr", "prewitt") or name.startswith("lp"):
        assert not first.any()
    if first.requires_grad:
        (second,) = torch.autograd.grad(first.square().sum() + first.sum(), x, allow_unused=True)
        assert second is None or second.isfinite().all()


def test_a_volume_has_right_second_derivatives_where_two_of_three_slopes_are_zero() -> None:
    # a kink of the first two slopes together, none of all three: pairwise lengths would get it wrong
    x = torch.arange(3.0, dtype=torch.float64).expand(3, 3, 3).clone().requires_grad_()
    weights = torch.zeros(3, 3, 3, dtype=torch.float64)
    weights[1, 1, 1] = 1
    assert gradgradcheck(lambda x: (ft.sobel(x) * weights).sum(), (x,))


def test_gradients_of_small_samples_do_not_vanish() -> None:
    ramp = torch.arange(5.0).expand(4, 5)

    def slopes(size: float) -> list[torch.Tensor]:
        x = (ramp * size).requires_grad_()
        found = ft.edges(x)
        return [torch.autograd.grad(part.sum(), x, retain_graph=True)[0] for part in (found.magnitude, found.direction)]

    (magnitude, direction), (tiny_magnitude, tiny_direction) = slopes(1.0), slopes(2.0**-80)
    assert magnitude.any()
    torch.testing.assert_close(tiny_magnitude, magnitude)
    torch.testing.assert_close(tiny_direction * 2.0**-80, direction)
    x = torch.tensor([3e-30, 4e-30], requires_grad=True)
    y = ft.lp_pool(x, 2, 2)
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0], torch.tensor([0.6, 0.8]))


def test_the_first_of_equal_samples_takes_the_gradient() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    ft.max_pool(x, (2, 3)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("name", ALL)
def test_narrow_floats_are_computed_in_float32(name: str) -> None:
    # few digits, so that rounding does not part equal samples
    x = torch.from_numpy(np.round(_picture("float32")))
    for dtype in (torch.bfloat16, torch.float16):
        right = ALL[name](x.to(dtype).float().requires_grad_())
        got = ALL[name](x.to(dtype).requires_grad_())
        for a, b in zip(_parts(got), _parts(right), strict=True):
            assert a.dtype is dtype
            torch.testing.assert_close(a, b.to(dtype), rtol=0, atol=0)
    for a, b in zip(_parts(ALL[name](x.bfloat16())), _parts(ALL[name](x.numpy())), strict=True):
        assert torch.equal(a, torch.from_numpy(np.ascontiguousarray(b)).bfloat16())


@pytest.mark.parametrize("name", ["gaussian", "sobel", "max_pool"])
def test_a_batch_of_pictures_is_each_of_them(name: str) -> None:
    filters: dict[str, Callable[..., Any]] = {
        "gaussian": lambda x, **w: ft.gaussian(x, 1, **w),
        "sobel": ft.sobel,
        "max_pool": lambda x, **w: ft.max_pool(x, 2, **w),
    }
    batch = torch.from_numpy(_picture("float64", (2, 3, 8, 9))).requires_grad_()
    got = filters[name](batch, axes=(2, 3))
    each = torch.stack([torch.stack([filters[name](x) for x in pictures]) for pictures in batch])
    torch.testing.assert_close(got, each, rtol=1e-13, atol=1e-13)
    every = torch.vmap(torch.vmap(filters[name]))(batch.detach())
    torch.testing.assert_close(every, each.detach(), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "name", ["gaussian", "sobel", "smooth a line", "max_pool, dilated", "avg_pool", "edges of a blur"]
)
def test_compile_passes_through_for_one_shape_after_the_other(name: str) -> None:
    torch._dynamo.reset()

    def call(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(_parts(ALL[name](x)))

    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    for shape in ((6, 7), (8, 9), (9, 9)):
        x = torch.from_numpy(_picture("float64", shape)).requires_grad_()
        got, right = compiled(x), call(x)
        torch.testing.assert_close(got, right)
        gradients = [torch.autograd.grad(sum(y.square().sum() for y in ys), x)[0] for ys in (got, right)]
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("shape", [(3,), (4,), (2, 3)], ids=str)
def test_the_kernel_of_smooth_has_gradients_too(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 6, dtype=torch.float64, requires_grad=True)
    kernel = (torch.rand(shape, dtype=torch.float64) + 0.1).requires_grad_()
    right = ft.smooth(x.detach().numpy(), kernel.detach().numpy())
    _close(ft.smooth(x, kernel), right, 1e-12)
    _close(ft.smooth(x.detach().numpy(), kernel), right, 1e-12)
    _same(ft.smooth(x.detach(), kernel.detach()), right)
    _same(ft.smooth(x.detach().numpy(), kernel.detach()), right)
    assert gradcheck(ft.smooth, (x, kernel))
    assert gradgradcheck(ft.smooth, (x, kernel))
    with pytest.raises(ft.ParameterError, match="sum to 0"):
        ft.smooth(x, torch.tensor([-1.0, 1.0], requires_grad=True))


def test_contours_are_those_of_arrays_and_have_no_gradient() -> None:
    x = _picture("float32", (20, 22))
    _same(ft.canny(torch.from_numpy(x)), ft.canny(x))
    taught = torch.from_numpy(x).requires_grad_()
    with pytest.raises(ft.DtypeError, match=r"canny has none: give x.detach\(\)"):
        ft.canny(taught)
    with torch.no_grad():
        assert torch.equal(ft.canny(taught), ft.canny(taught.detach()))


def test_results_are_new_and_do_not_share_memory() -> None:
    x = torch.ones(4, requires_grad=True)
    for y in (ft.box(x, 1), ft.max_filter(x, 1), ft.box(x.detach(), 1), ft.max_filter(x.detach(), 1)):
        assert y.data_ptr() != x.data_ptr()


def test_what_cannot_be_is_refused_in_words() -> None:
    x = torch.ones(4, 5, requires_grad=True)
    for one in (torch.tensor(1.0), torch.tensor(1.0, requires_grad=True)):
        with pytest.raises(ft.ShapeError, match="single number"):
            ft.gaussian(one, 1)
    for z in (torch.ones(3, dtype=torch.complex64), torch.ones(3, dtype=torch.complex64, requires_grad=True)):
        with pytest.raises(ft.DtypeError, match="no order"):
            ft.max_pool(z, 2)
    with pytest.raises(ft.DtypeError, match="float8_e4m3fn"):
        ft.box(torch.ones(3).to(torch.float8_e4m3fn), 3)
    with pytest.raises(ft.ParameterError, match="even window"):
        ft.box(x, 2)
    with pytest.raises(ft.ParameterError, match="not a number of dtype"):
        ft.max_filter(x, 3, boundary=("constant", 1e300))
    with pytest.raises(ft.ShapeError, match="two axes"):
        ft.edges(x, axes=0)
    with pytest.raises(ft.ShapeError, match="steps over all"):
        ft.max_pool(torch.ones(1, 5, requires_grad=True), 2, dilation=4, padding=(2, 0))
    for one in (x, x.detach()):
        with pytest.raises(ft.ParameterError, match="lacks a side"):
            ft.sobel(one, nan="omit")
        with pytest.raises(ft.ParameterError, match="integers hold no NaN"):
            ft.gaussian(one.detach().int(), 1, nan="omit")
    with pytest.raises(TypeError, match="sigma"):
        ft.gaussian(x)  # type: ignore[call-arg]
