"""The quick oracle of the tests is the definition too."""

import numpy as np
from hypothesis import given

from faltung.reference import reference
from oracle import truth
from strategies import Case, cases


@given(cases())
def test_going_tap_by_tap_equals_going_output_by_output(case: Case) -> None:
    spec, kernels = case.spec()
    x = case.x.astype(spec.x_dtype, copy=False)
    with np.errstate(invalid="ignore"):
        by_tap, by_output = truth(spec, kernels, x, case.weights), reference(spec, kernels, x, case.weights)
    if spec.item.kind in "iuO":
        np.testing.assert_array_equal(by_tap.values, by_output)
        return
    np.testing.assert_array_equal(np.isfinite(by_tap.values), np.isfinite(by_output))
    if by_output.dtype.kind == "f":
        np.testing.assert_array_equal(np.isnan(by_tap.values), np.isnan(by_output))
    there = np.isfinite(by_output)
    error = np.abs(by_tap.values[there] - by_output[there])
    assert (error <= 8 * np.finfo(np.longdouble).eps * spec.num_taps * by_tap.scale[there]).all()


@given(cases())
def test_the_scale_of_errors_is_never_below_the_result(case: Case) -> None:
    spec, kernels = case.spec()
    with np.errstate(invalid="ignore"):
        right = truth(spec, kernels, case.x.astype(spec.x_dtype, copy=False), case.weights)
    there = np.abs(right.values) < np.inf
    assert (np.abs(right.values[there]) <= right.scale[there] * (1 + 1e-15)).all()
