"""Calibration: what must hold for any probabilities, and torchmetrics as oracle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from faltung.errors import DtypeError, MissingData, ParameterError, ShapeError
from faltung.training.calibration import BOUNDS, expected_errors, reliability, risk_coverage, temperature

SOME = settings(max_examples=40)


def drawn(seed: int, shape: tuple[int, ...], classes: int, *, scale: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model and labels drawn from them: at temperature 1 it is honest."""
    rng = np.random.default_rng(seed)
    logits = scale * rng.standard_normal((shape[0], classes, *shape[1:]))
    p = softmax(logits)
    chances = np.moveaxis(p, 1, -1).reshape(-1, classes).cumsum(axis=1)
    labels = (rng.random((len(chances), 1)) > chances).sum(axis=1).clip(max=classes - 1)
    return logits, labels.reshape(shape)


def softmax(z: np.ndarray) -> np.ndarray:
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@SOME
@given(st.integers(0, 999), st.integers(2, 7), st.integers(1, 30), st.sampled_from([(50,), (1,), (4, 5, 6)]))
def test_errors_agree_with_torchmetrics(seed: int, classes: int, bins: int, shape: tuple[int, ...]) -> None:
    logits, y = drawn(seed, shape, classes)
    p = softmax(logits)
    found = reliability(p, y, bins=bins)
    flat = torch.from_numpy(np.moveaxis(p, 1, -1).reshape(-1, classes))
    for norm, ours in (("l1", found.ece), ("max", found.mce)):
        theirs = multiclass_calibration_error(flat, torch.from_numpy(y.reshape(-1)), classes, n_bins=bins, norm=norm)
        assert ours == pytest.approx(float(theirs), abs=1e-6)


@SOME
@given(st.integers(0, 999), st.integers(2, 5))
def test_parts_add_up(seed: int, classes: int) -> None:
    logits, y = drawn(seed, (6, 3, 4), classes)
    p = softmax(logits)
    found = reliability(p, y)
    full = found.counts > 0
    assert found.counts.sum() == y.size
    assert (found.counts[full] * found.confidence[full]).sum() / y.size == pytest.approx(found.mean_confidence)
    assert (found.counts[full] * found.accuracy[full]).sum() / y.size == pytest.approx(found.mean_accuracy)
    truth = np.moveaxis(np.eye(classes)[y], -1, 1)
    assert found.brier == pytest.approx(((p - truth) ** 2).sum(axis=1).mean())
    assert found.nll == pytest.approx(-np.log((p * truth).sum(axis=1)).mean())
    assert abs(found.mean_confidence - found.mean_accuracy) <= found.ece + 1e-12 <= found.mce + 2e-12


@SOME
@given(st.integers(0, 999))
def test_unknown_labels_count_as_if_they_were_not_there(seed: int) -> None:
    logits, y = drawn(seed, (40,), 3)
    unknown = np.random.default_rng(seed).random(40) < 0.4
    unknown[0] = False
    unknown[1] = False
    holed = np.where(unknown, -1, y)
    p = softmax(logits)
    found, expected = reliability(p, holed).__dict__, reliability(p[~unknown], y[~unknown]).__dict__
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    # halves are made of examples, so what is held out may be another half
    assert temperature(logits, holed).value == temperature(logits[~unknown], y[~unknown]).value
    assert risk_coverage(p, holed).area == risk_coverage(p[~unknown], y[~unknown]).area


def test_answers_that_are_certain_and_right_have_no_error() -> None:
    y = np.arange(12) % 3
    found = reliability(np.eye(3)[y], y)
    assert (found.ece, found.mce, found.brier, found.nll) == (0, 0, 0, 0)


@pytest.mark.parametrize("factor", [0.3, 1.0, 2.5, 8.0])
def test_temperature_finds_what_logits_were_multiplied_by(factor: float) -> None:
    logits, y = drawn(1, (20_000,), 4)
    found = temperature(factor * logits, y)
    assert found.value == pytest.approx(factor * temperature(logits, y).value, rel=1e-9)
    assert found.value == pytest.approx(factor, rel=0.05)
    assert reliability(found.apply(factor * logits), y).ece < 0.02
    assert found.helps == (factor != 1.0) or abs(found.value - 1) < 0.05


@SOME
@given(st.integers(0, 999), st.floats(0.2, 10))
def test_temperature_is_the_best_there_is(seed: int, factor: float) -> None:
    logits, y = drawn(seed, (60,), 3)
    found = temperature(factor * logits, y)
    nll = reliability(found.apply(factor * logits), y).nll
    assert nll == pytest.approx(found.nll_after, rel=1e-9)
    assert found.nll_after <= found.nll_before + 1e-12
    if not found.at_bound:
        for other in (found.value * 0.99, found.value * 1.01):
            assert reliability(softmax(factor * logits / other), y).nll >= nll


def test_temperature_changes_no_answer_in_arrays_and_tensors() -> None:
    logits, y = drawn(3, (8, 5, 5), 3)
    found = temperature(5 * logits, y)
    p = found.apply(5 * logits)
    assert np.array_equal(p.argmax(axis=1), logits.argmax(axis=1))
    tensor = torch.from_numpy(5 * logits)
    assert temperature(tensor, torch.from_numpy(y)) == found
    torch.testing.assert_close(found.apply(tensor), torch.from_numpy(p))


def test_where_no_answer_is_wrong_the_bound_is_said() -> None:
    y = np.arange(20) % 2
    found = temperature(np.eye(2)[y], y)
    assert (found.value, found.at_bound) == (BOUNDS[0], True)
    found = temperature(np.eye(2)[1 - y], y)
    assert (found.value, found.at_bound) == (BOUNDS[1], True)
    assert "beyond the bounds" in str(found)


def test_a_temperature_that_does_not_help_says_so() -> None:
    # honest already, and few labels: what is fitted is noise
    found = [temperature(*drawn(seed, (30,), 3)) for seed in range(30)]
    unhelpful = [one for one in found if not one.helps]
    assert len(unhelpful) > 8
    assert all("leave it at 1" in str(one) for one in unhelpful)


@SOME
@given(st.integers(0, 999), st.booleans())
def test_risk_at_full_coverage_is_the_error(seed: int, with_ties: bool) -> None:
    logits, y = drawn(seed, (5, 4, 3), 3)
    p = softmax(logits)
    own = np.round(1 - p.max(axis=1), 1) if with_ties else None
    found = risk_coverage(p, y, uncertainty=own)
    assert found.coverage[-1] == 1
    assert found.risk[-1] == pytest.approx((p.argmax(axis=1) != y).mean())
    assert (np.diff(found.coverage) > 0).all()
    assert (np.diff(found.threshold) > 0).all()
    assert (np.diff(found.least_risk) >= 0).all()
    assert (found.least_risk <= found.risk).all()
    doubt = (1 - p.max(axis=1)) if own is None else own
    for coverage, risk, threshold in zip(found.coverage, found.risk, found.threshold, strict=True):
        answered = doubt <= threshold
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx((p.argmax(axis=1) != y)[answered].mean())


def test_an_order_that_knows_the_errors_beats_chance() -> None:
    logits, y = drawn(2, (2000,), 4)
    p = softmax(logits)
    wrong = p.argmax(axis=1) != y
    best, own, none = (risk_coverage(p, y, uncertainty=u).area for u in (wrong + 0.0, None, np.zeros(2000)))
    assert best < own < none == pytest.approx(wrong.mean())
    share, threshold = risk_coverage(p, y).at_risk(0.1)
    assert 0 < share < 1
    assert 0 < threshold < 1
    assert risk_coverage(p, np.where(wrong, y, (y + 1) % 4)).at_risk(0.0) == (0.0, -math.inf)


def test_honest_probabilities_count_their_errors() -> None:
    logits, y = drawn(4, (100, 10, 10), 5)
    p = softmax(logits)
    found = expected_errors(p)
    assert abs(found.count - (p.argmax(axis=1) != y).sum()) < 4 * found.std
    half = np.zeros(y.shape, bool)
    half[:50] = True
    parts = [expected_errors(p, where=part) for part in (half, ~half)]
    assert sum(part.count for part in parts) == pytest.approx(found.count)
    assert [part.answers for part in parts] == [5000, 5000]
    assert expected_errors(p, where=half & ~half).share == 0


def test_what_does_not_fit_is_refused() -> None:
    p, y = np.full((4, 2, 3), 0.5), np.zeros((4, 3), int)
    with pytest.raises(ShapeError, match="expected"):
        reliability(p, y[:, :2])
    with pytest.raises(ShapeError, match="no label is left"):
        reliability(p, y - 1)
    with pytest.raises(ShapeError, match="two classes"):
        reliability(p[:, :1], y)
    with pytest.raises(ShapeError, match="many"):
        temperature(p[:1, :, 0], y[:1, 0])
    with pytest.raises(ParameterError, match="0 to 1 are allowed"):
        reliability(p, y + 2)
    with pytest.raises(ParameterError, match="softmax"):
        reliability(p * 3, y)
    with pytest.raises(ParameterError, match="bins"):
        reliability(p, y, bins=0)
    with pytest.raises(MissingData, match="NaN"):
        reliability(np.where(p > 0, np.nan, p), y)
    with pytest.raises(MissingData, match="infinity"):
        temperature(np.where(p > 0, np.inf, p), y)
    with pytest.raises(DtypeError, match="integers"):
        reliability(p, y + 0.5)
    with pytest.raises(DtypeError, match="booleans"):
        expected_errors(p, where=y)
    with pytest.raises(ShapeError, match="one number for each label"):
        risk_coverage(p, y, uncertainty=y[0])
