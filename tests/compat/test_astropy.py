"""astropy's own functions are the oracle: results, dtypes, shapes, warnings and errors, over all options."""

import inspect
import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import faltung as ft
from faltung.compat import astropy as ours

convolution = pytest.importorskip("astropy.convolution")

from astropy import units as u  # noqa: E402
from astropy.nddata import CCDData, NDData  # noqa: E402
from astropy.utils.exceptions import AstropyUserWarning  # noqa: E402

Draw = Callable[[st.SearchStrategy[Any]], Any]
VERBS = ("convolve", "convolve_fft")
SHARED = {
    "nan_treatment": st.sampled_from(["interpolate", "interpolate", "fill"]),
    "fill_value": st.sampled_from([0.0, 1.5, -2, np.nan]),
    "normalize_kernel": st.booleans(),
    "preserve_nan": st.booleans(),
    "normalization_zero_tol": st.sampled_from([1e-8, 1e-8, 0.5]),
}
DIRECT = SHARED | {"boundary": st.sampled_from([None, "fill", "wrap", "extend"])}
FFT = SHARED | {
    "boundary": st.sampled_from([None, "fill", "wrap"]),
    "crop": st.booleans(),
    "return_fft": st.booleans(),
    "fft_pad": st.sampled_from([None, True, False]),
    "psf_pad": st.sampled_from([None, True, False]),
    # no share of small whole weights
    "min_wt": st.sampled_from([0.0, 0.41372]),
    "dealias": st.booleans(),
    "allow_huge": st.booleans(),
    "complex_dtype": st.sampled_from([complex, np.complex64, np.clongdouble]),
}


@dataclass(frozen=True)
class Said:
    """What a call came to."""

    result: Any
    error: BaseException | None
    warned: list[tuple[type, str]]


def heard(function: Callable[..., Any], *args: Any, **options: Any) -> Said:
    """The result or the error of a call, and its warnings."""
    result, error = None, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as raised:
            error = raised
    return Said(result, error, [(w.category, str(w.message)) for w in caught])


def agree(verb: str, x: Any, kernel: Any, *, where: Any = ..., rtol: float = 1e-10, **options: Any) -> Said:
    """Hold our function to theirs; what it came to.

    Args:
        where: the results that are compared.
        rtol: of the largest value.
    """
    # theirs may write to what it gets
    theirs = heard(getattr(convolution, verb), copy(x), copy(kernel), **options)
    mine = heard(getattr(ours, verb), x, kernel, **options)
    if theirs.error is not None:
        assert isinstance(mine.error, type(theirs.error)), (theirs.error, mine.error)
        return mine
    assert mine.error is None, mine.error
    assert mine.warned == theirs.warned
    assert type(mine.result) is type(theirs.result)
    assert mine.result.dtype == theirs.result.dtype
    assert mine.result.shape == theirs.result.shape
    assert getattr(mine.result, "unit", None) == getattr(theirs.result, "unit", None)
    a, b = np.asarray(mine.result)[where], np.asarray(theirs.result)[where]
    largest = float(np.max(np.abs(b[np.isfinite(b)]), initial=1.0))
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * largest)
    return mine


@st.composite
def pairs(draw: Draw, *, odd: bool, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Samples, some of them NaN, and small whole weights, some of them 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ndim = draw(st.integers(1, 3))
    longest = (24, 9, 6)[ndim - 1]
    x = rng.normal(size=draw(st.tuples(*[st.integers(1, longest)] * ndim)))
    x[rng.random(x.shape) < draw(st.sampled_from([0, 0, 0.1, 0.5, 0.9, 1]))] = np.nan
    sides = draw(st.tuples(*[st.integers(1, (9, 5, 3)[ndim - 1])] * ndim))
    weights = rng.integers(-4 if signed else 0, 5, size=[side | 1 for side in sides] if odd else sides)
    return x.astype(draw(st.sampled_from([">f4", "f4", "f8", ">f8"]))), weights * draw(st.sampled_from([1, 0.25]))


@st.composite
def options(draw: Draw, choices: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the options."""
    names = draw(st.lists(st.sampled_from(sorted(choices)), unique=True))
    return {name: draw(choices[name]) for name in names}


@pytest.mark.parametrize("verb", VERBS)
def test_signature_is_theirs(verb: str) -> None:
    mine, theirs = (
        [(p.name, p.kind, p.default) for p in inspect.signature(getattr(module, verb)).parameters.values()]
        for module in (ours, convolution)
    )
    assert mine == theirs


@given(pairs(odd=True), options(DIRECT), st.booleans())
def test_convolve_agrees(pair: tuple[np.ndarray, np.ndarray], chosen: dict[str, Any], infinite: bool) -> None:
    x, kernel = pair
    if infinite:
        x.flat[0] = np.inf
    agree("convolve", x, kernel, **chosen, rtol=1e-6 if x.dtype.itemsize == 4 else 1e-10)


@given(pairs(odd=True, signed=True), options(DIRECT))
def test_convolve_with_negative_weights_agrees(pair: tuple[np.ndarray, np.ndarray], chosen: dict[str, Any]) -> None:
    # whole weights: where they cancel they do so exactly
    agree("convolve", *pair, **chosen, rtol=1e-6 if pair[0].dtype.itemsize == 4 else 1e-10)


@given(pairs(odd=False), options(FFT), st.booleans())
def test_convolve_fft_agrees(pair: tuple[np.ndarray, np.ndarray], chosen: dict[str, Any], infinite: bool) -> None:
    x, kernel = pair
    if infinite:
        x.flat[-1] = -np.inf
    if chosen.get("boundary") == "wrap" and any(k > n for n, k in zip(x.shape, kernel.shape, strict=True)):
        # see `long period`
        chosen["crop"] = False
    agree("convolve_fft", x, kernel, **chosen, rtol=1e-4 if chosen.get("complex_dtype") is np.complex64 else 1e-10)


@given(pairs(odd=False, signed=True), st.sampled_from(["fill", "wrap"]), st.booleans(), st.booleans())
def test_convolve_fft_with_negative_weights_agrees_where_they_do_not_cancel(
    pair: tuple[np.ndarray, np.ndarray], boundary: str, normalize: bool, keep: bool
) -> None:
    x, kernel = pair
    at_rim = ("constant", 1) if boundary == "fill" else "wrap"
    if boundary == "wrap":
        # see `long period`
        kernel = kernel[tuple(slice(n) for n in x.shape)]
    # times 4: whole numbers, which cancel exactly here and by luck there
    hits = ft.convolve(~np.isnan(x), (kernel * 4).astype(int), padding="same", boundary=at_rim)
    agree(
        "convolve_fft",
        x,
        kernel,
        where=hits != 0,
        boundary=boundary,
        normalize_kernel=normalize,
        preserve_nan=keep,
    )


@pytest.mark.parametrize("boundary", ["fill", "wrap"])
@pytest.mark.parametrize("nan_treatment", ["interpolate", "fill"])
@given(st.integers(0, 99))
def test_complex_arrays_and_kernels_agree(boundary: str, nan_treatment: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, kernel = (rng.normal(size=n) + 1j * rng.normal(size=n) for n in ((9, 6), (4, 3)))
    x[2, 3] = complex(np.nan, 1)
    x[5, 2] = complex(0, np.inf)
    common = {"boundary": boundary, "nan_treatment": nan_treatment, "normalize_kernel": False}
    agree("convolve_fft", x, kernel.real, **common, rtol=1e-8)
    agree("convolve_fft", x.real, kernel + 2, **common, rtol=1e-8)
    agree("convolve_fft", x, kernel + 2, fill_value=1 + 2j, **common, rtol=1e-8)


@given(pairs(odd=False), options(FFT))
def test_own_transforms_are_used_as_they_use_them(pair: tuple[np.ndarray, np.ndarray], chosen: dict[str, Any]) -> None:
    calls = []

    def fftn(x: Any) -> Any:
        calls.append("fftn")
        return np.fft.fftn(x)

    def ifftn(x: Any) -> Any:
        calls.append("ifftn")
        return np.fft.ifftn(x)

    close = 1e-4 if chosen.get("complex_dtype") is np.complex64 else 1e-10
    # one of them is enough
    for own in ({"fftn": fftn, "ifftn": ifftn}, {"fftn": fftn}, {"ifftn": ifftn}):
        calls.clear()
        mine = agree("convolve_fft", *pair, **chosen, **own, rtol=close)
        used = {"fftn"} if chosen.get("return_fft") else {"fftn", "ifftn"}
        assert mine.error is not None or used & {*own} <= {*calls}


@pytest.mark.parametrize("verb", VERBS)
@given(
    pairs(odd=True),
    st.integers(0, 99),
    st.sampled_from(["array", "numbers", "masked", "both", "one for all", "NDData"]),
)
def test_masks_agree(verb: str, pair: tuple[np.ndarray, np.ndarray], seed: int, given_as: str) -> None:
    x, kernel = pair
    rng = np.random.default_rng(seed)
    mask, other = rng.random((2, *x.shape)) < 0.3
    close = 1e-6 if x.dtype.itemsize == 4 else 1e-10
    data, masks = {
        "array": (x, {"mask": mask}),
        "numbers": (x, {"mask": mask * 7.5}),
        "masked": (np.ma.masked_array(x, mask), {}),
        "both": (np.ma.masked_array(x, mask), {"mask": other}),
        "one for all": (x, {"mask": bool(seed % 2)}),
        "NDData": (NDData(x, mask=mask), {}),
    }[given_as]
    before = x.copy()
    agree(verb, data, kernel, **masks, rtol=close)
    agree(verb, data, kernel, nan_treatment="fill", fill_value=3, **masks, rtol=close)
    agree(verb, data, kernel, preserve_nan=True, fill_value=np.nan, **masks, rtol=close)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "x",
    [
        [1, 4, 5, 6],
        (1.0, 4, 5),
        [True, False, True],
        ["1", "2.5", "3"],
        np.arange(5, dtype=np.uint8),
        np.array([1, 2.5, 3], object),
        np.array([1, 2.5, 3], np.float16),
        np.array([1, 2.5, 3], np.longdouble),
        np.ma.masked_array([1, 2, 3], [0, 1, 0]),
        np.ma.masked_array([1.0, 2, 3]),
        u.Quantity([1.0, np.nan, 3.0], u.Jy),
        u.Quantity(np.array([1, np.nan, 3], np.float32), "m / s"),
        convolution.Gaussian1DKernel(1).array,
    ],
    ids=lambda x: f"{type(x).__name__} {np.asarray(x).dtype}",
)
def test_what_is_handed_in_agrees(verb: str, x: Any) -> None:
    axes = np.ndim(x)
    for kernel in ([1, 2, 1], np.array([0.25, 0.5, 0.25], np.float32), u.Quantity([1.0, 2, 1]), np.ma.array([1, 2, 1])):
        agree(verb, x, kernel if axes == 1 else np.asarray(kernel)[None], rtol=1e-6)
    if axes == 1:
        agree(verb, x, convolution.Box1DKernel(3), rtol=1e-6)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "kernel",
    [
        convolution.Gaussian2DKernel(1.2),
        convolution.Tophat2DKernel(2),
        convolution.Ring2DKernel(1, 2),
        convolution.Gaussian2DKernel(1, x_size=5, y_size=7),
        convolution.CustomKernel(np.arange(15.0).reshape(3, 5)),
        convolution.Gaussian2DKernel(1 * u.arcsec / u.arcsec),
    ],
    ids=lambda kernel: f"{type(kernel).__name__} {kernel.shape}",
)
def test_kernel_objects_agree(verb: str, kernel: Any) -> None:
    x = np.random.default_rng(0).normal(size=(20, 17))
    x[4:9, 3:8] = np.nan
    agree(verb, x, kernel)
    agree(verb, x, kernel, fill_value=np.nan, preserve_nan=True, normalize_kernel=False)
    agree(verb, np.nan_to_num(x), kernel)


def test_the_mexican_hat_agrees() -> None:
    x = np.random.default_rng(0).normal(size=(20, 17))
    hat = convolution.RickerWavelet2DKernel(1.5)
    agree("convolve", x, hat, normalize_kernel=False)
    agree("convolve", x, hat)
    agree("convolve_fft", x, hat, normalize_kernel=False, nan_treatment="fill")
    agree("convolve_fft", x, hat, normalize_kernel=False)


@pytest.mark.parametrize("axes", [1, 2])
def test_two_kernels_make_a_kernel(axes: int) -> None:
    kinds = [convolution.Gaussian1DKernel, convolution.Box1DKernel]
    if axes == 2:
        kinds = [convolution.Gaussian2DKernel, convolution.Tophat2DKernel]
    a, b = kinds[0](1.5), kinds[1](3)
    with pytest.warns(AstropyUserWarning, match="Both array and kernel are Kernel instances"):
        mine = ours.convolve(a, b, boundary=None, normalize_kernel=False)
    with pytest.warns(AstropyUserWarning):
        theirs = convolution.convolve(a, b, boundary=None, normalize_kernel=False)
    assert type(mine) is type(theirs)
    assert (mine.separable, mine.is_bool) == (theirs.separable, theirs.is_bool)
    np.testing.assert_allclose(mine.array, theirs.array, rtol=1e-12, atol=1e-15)
    with pytest.raises(TypeError, match="Use convolve instead"):
        ours.convolve_fft(a, b)


def test_a_kernel_as_the_array_makes_a_kernel_only_in_convolve() -> None:
    gauss, box = convolution.Gaussian1DKernel(1), np.ones(3)
    assert isinstance(ours.convolve(gauss, box), convolution.Kernel1D)
    np.testing.assert_allclose(ours.convolve(gauss, box).array, convolution.convolve(gauss, box).array, rtol=1e-12)
    agree("convolve_fft", gauss, box)
    solid = convolution.Kernel(np.ones((3, 3, 3)))
    for convolve in (ours.convolve, convolution.convolve):
        with pytest.raises(TypeError, match="1D and 2D"):
            convolve(solid, np.ones((1, 1, 1)))


@pytest.mark.parametrize("verb", VERBS)
def test_what_nddata_carries_and_nobody_needs_is_warned_of(verb: str) -> None:
    x = np.arange(5.0)
    agree(verb, NDData(x), [1, 2, 1])
    agree(verb, NDData(x, unit="Jy", meta={"by": "hand"}), [1, 2, 1])
    agree(verb, CCDData(x, unit="adu", mask=x > 3), [1, 2, 1])
    agree(verb, NDData(x), [1, 2, 1], mask=x < 2)
    said = agree(verb, NDData(x, mask=x > 3), [1, 2, 1], mask=x < 2)
    assert "explicitly" in said.warned[0][1]


ERRORS = {
    "even side": (VERBS[:1], ([1, 2, 3], [1, 2]), {}),
    "no weights": (VERBS, ([1, 2, 3], []), {}),
    "kernel larger": (VERBS[:1], ([1, 2], [1, 2, 3]), {"boundary": None}),
    "no axis": (VERBS, (1.0, 2.0), {}),
    "four axes": (VERBS[:1], (np.ones((2, 2, 2, 2)), np.ones((1, 1, 1, 1))), {}),
    "other axes": (VERBS, (np.ones((2, 2)), np.ones(1)), {}),
    "no samples": (VERBS[:1], ([], [1]), {}),
    "words": (VERBS, (["a", "b"], [1]), {}),
    "words as kernel": (VERBS, ([1, 2], "glork"), {}),
    "ragged": (VERBS, ([[1, 2], [3]], [[1]]), {}),
    "complex": (VERBS[:1], ([1j, 2], [1]), {}),
    "unknown boundary": (VERBS[:1], ([1, 2], [1]), {"boundary": "reflect"}),
    "extend": (VERBS[1:], ([1, 2], [1]), {"boundary": "extend"}),
    "unknown treatment": (VERBS, ([1, 2], [1]), {"nan_treatment": "omit"}),
    "masked kernel": (VERBS, ([1, 2, 3], np.ma.masked_array([1, 2, 1], [0, 1, 0])), {}),
    "mask of another shape": (VERBS, ([1.0, 2, 3], [1]), {"mask": np.array([True])}),
    "sum is 0": (VERBS, ([1, 2, 3], [-1, 2, -1]), {}),
    "sum is negative": (VERBS, ([1, 2, 3], [-1, -2, -1]), {}),
    "sum is small": (VERBS, ([1, 2, 3], [1e-3, 1e-3, 1e-3]), {}),
    "interpolates by 0": (VERBS, ([1, np.nan, 3], [-1, 2, -1]), {"normalize_kernel": False}),
    "interpolates by 0 in vain": (VERBS[1:], ([1, 2, 3], [-1, 2, -1]), {"normalize_kernel": False}),
    "fills with NaN": (VERBS[1:], ([1, np.nan, 3], [1]), {"nan_treatment": "fill", "fill_value": np.nan}),
    "normalize_kernel is a number": (VERBS[1:], ([1, 2], [1]), {"normalize_kernel": 1}),
    "fill_value is a word": (VERBS, ([1, 2], [1]), {"fill_value": "one"}),
    "wrap pads": (VERBS[1:], ([1, 2], [1]), {"boundary": "wrap", "psf_pad": True}),
    "wrap pads for speed": (VERBS[1:], ([1, 2], [1]), {"boundary": "wrap", "fft_pad": True}),
    "wrap dealiases": (VERBS[1:], ([1, 2], [1]), {"boundary": "wrap", "dealias": True}),
    "no dtype": (VERBS[1:], ([1, 2], [1]), {"complex_dtype": "large"}),
    "large": (VERBS[1:], (np.broadcast_to(1j, (8000, 8000)), np.ones((1, 1))), {}),
    "large when padded": (VERBS[1:], (np.broadcast_to(1j, (7000, 7000)), np.ones((2000, 2000))), {}),
}


@pytest.mark.parametrize(("verb", "case"), [(verb, name) for name, (verbs, _, _) in ERRORS.items() for verb in verbs])
def test_who_catches_their_error_catches_ours(verb: str, case: str) -> None:
    _, args, chosen = ERRORS[case]
    theirs = heard(getattr(convolution, verb), *args, **chosen).error
    assert theirs is not None
    with pytest.raises(type(theirs)) as mine:
        getattr(ours, verb)(*args, **chosen)
    plain = (TypeError, IndexError, NotImplementedError)
    assert isinstance(mine.value, (ft.FaltungError, *plain))


def test_own_transforms_that_find_nan_are_reported() -> None:
    def fftn(x: Any) -> Any:
        return np.fft.fftn(x) * np.nan

    for convolve_fft in (ours.convolve_fft, convolution.convolve_fft):
        with pytest.raises(ValueError, match="Encountered NaNs"):
            convolve_fft([1, 2, 3], [1, 2, 1], fftn=fftn)


def test_differs_on_purpose_noise() -> None:
    """`noise`: zeros stay zero, and small samples survive beside large ones."""
    x = np.zeros(64)
    x[3], x[40:44] = 1e18, (1, 2, 3, 4)
    kernel = np.array([1, 2, 3, 4, 5.0])
    exact = convolution.convolve(x, kernel, normalize_kernel=False)
    assert np.abs(convolution.convolve_fft(x, kernel, normalize_kernel=False) - exact)[8:].max() > 1
    np.testing.assert_array_equal(ours.convolve_fft(x, kernel, normalize_kernel=False), exact)


def test_differs_on_purpose_input() -> None:
    """`input`: it is the caller's."""
    x, kernel = np.array([1, np.nan, 3 + 1j]), np.array([1, 1, np.nan, 1, 1j])
    before = x.copy(), kernel.copy()
    ours.convolve_fft(x, kernel)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(kernel, before[1])
    convolution.convolve_fft(x, kernel)
    assert not np.isnan(x).any()


def test_differs_on_purpose_range() -> None:
    """`range`: what fits the result needs no spectrum that fits."""
    x, kernel = np.full(32, 1e307), np.ones(5)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="NaN"):
        convolution.convolve_fft(x, kernel, boundary="wrap")
    np.testing.assert_allclose(ours.convolve_fft(x, kernel, boundary="wrap"), x)


def test_differs_on_purpose_long_period() -> None:
    """`long period`: what is periodic has the period of the array."""
    x, kernel = [1, 2, 4.0], [1, 0, 0, 0, 0, 0, 1.0]
    periodic = convolution.convolve(x, kernel, boundary="wrap")
    assert np.abs(convolution.convolve_fft(x, kernel, boundary="wrap") - periodic).max() > 1
    np.testing.assert_allclose(ours.convolve_fft(x, kernel, boundary="wrap"), periodic)


def test_differs_on_purpose_callable() -> None:
    """`callable`: np.sum is what True means, as their documentation has it."""
    assert convolution.convolve_fft([1, 2, 3], [3, 3, 3], normalize_kernel=np.sum)[1] == pytest.approx(18)
    assert convolution.convolve_fft([1, 2, 3], [3, 3, 3], normalize_kernel=True)[1] == pytest.approx(2)
    for verb in VERBS:
        for treatment in ("interpolate", "fill"):
            run = getattr(ours, verb)
            by_sum, by_true = (
                run([1, np.nan, 3], [3, 3, 3], nan_treatment=treatment, normalize_kernel=f) for f in (np.sum, True)
            )
            np.testing.assert_array_equal(by_sum, by_true)
            by_peak = run([1, np.nan, 3], [2, 4, 2], nan_treatment=treatment, normalize_kernel=np.max)
            halves = getattr(convolution, verb)(
                [1, np.nan, 3], [0.5, 1, 0.5], nan_treatment=treatment, normalize_kernel=False
            )
            np.testing.assert_allclose(by_peak, halves)
    # the one case in which their own test has it, and both agree by luck: peak ** 2 == sum
    agree("convolve_fft", [1, 2, 3], [3, 3, 3], normalize_kernel=np.max)


def test_differs_on_purpose_zero_sum() -> None:
    """`zero sum`: a slope is a slope, and of its weights there is no mean."""
    slope = {"normalize_kernel": lambda k: np.abs(k).sum()}
    assert not convolution.convolve_fft([1, 2, 4], [0.5, 0, -0.5], **slope).any()
    np.testing.assert_allclose(ours.convolve_fft([1, 2, 4], [0.5, 0, -0.5], **slope), [1, 1.5, -1])
    for verb in VERBS:
        with pytest.raises(ft.ParameterError):
            getattr(ours, verb)([1, np.nan, 4], [0.5, 0, -0.5], **slope)


def test_differs_on_purpose_list_as_mask() -> None:
    """`list as mask`: the mask that is meant."""
    assert not convolution.convolve_fft([1, 2, 3.0], [1, 2, 1], mask=[0, 0, 1]).any()
    for verb in VERBS:
        mine = getattr(ours, verb)([1, 2, 3.0], [1, 2, 1], mask=[0, 0, 1])
        np.testing.assert_allclose(mine, getattr(convolution, verb)([1, 2, np.nan], [1, 2, 1]))


def test_differs_on_purpose_short_mask() -> None:
    """`short mask`: it has no say on rows."""
    x, kernel, mask = np.ones((2, 2)), np.ones((1, 1)), np.array([False, True])
    assert not convolution.convolve_fft(x, kernel, mask=mask)[1].any()
    for verb in VERBS:
        with pytest.raises(IndexError, match="shape"):
            getattr(ours, verb)(x, kernel, mask=mask)


def test_differs_on_purpose_foreign_boundary() -> None:
    """`foreign boundary`: a name that is none."""
    wraps = convolution.convolve_fft([1, 2, 3], [1, 2, 1], boundary="wrap")
    np.testing.assert_array_equal(convolution.convolve_fft([1, 2, 3], [1, 2, 1], boundary="reflect"), wraps)
    with pytest.raises(ValueError, match="reflect"):
        ours.convolve_fft([1, 2, 3], [1, 2, 1], boundary="reflect")


def test_differs_on_purpose_weights_that_cancel() -> None:
    """`weights that cancel`: 0.1 + 0.2 - 0.3 is no weight."""
    x, kernel = [1, 2, 3, np.nan, 5.0], [1, 0.1, 0.2, -0.3, 0, 0, 0]
    hits = {"normalize_kernel": False, "fill_value": np.nan}
    theirs = convolution.convolve(x, kernel, **hits)
    mine = ours.convolve(x, kernel, **hits)
    wild = np.abs(theirs) > 1e10
    assert wild.any()
    assert np.nanmax(np.abs(mine)) < 100
    np.testing.assert_allclose(mine[~wild], theirs[~wild])


def test_differs_on_purpose_weights_not_finite() -> None:
    """`weights not finite`: no mean."""
    with pytest.warns(AstropyUserWarning):
        assert np.isnan(convolution.convolve([1, 2, np.nan], [1, np.inf, 1])[:2]).all()
    with pytest.raises(ValueError, match="infinity"):
        ours.convolve([1, 2, np.nan], [1, np.inf, 1])
    agree("convolve", [1.0, 2, 3], [1, np.nan, 1])
    agree("convolve_fft", [1, 2, np.nan], [1, np.inf, 1])


def test_differs_on_purpose_samples_not_finite() -> None:
    """`samples not finite`: infinities of both signs are no missing sample."""
    x = [1, np.inf, 3, -np.inf, 2]
    with pytest.warns((AstropyUserWarning, RuntimeWarning)):
        theirs = convolution.convolve(x, [1, 1, 1])
    np.testing.assert_array_equal(ours.convolve(x, [1, 1, 1]), theirs)
