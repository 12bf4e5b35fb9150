"""Whether probabilities are to be believed: reliability, temperature, and what is gained by leaving out the unsure.

Everything here takes arrays or tensors, for examples and for pixels alike; labels of -1 are left out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import integer
from ..data.examples import IGNORE
from ..errors import DtypeError, MissingData, ParameterError, ShapeError
from ..spec import Array

BOUNDS = (0.01, 100.0)
"""Between these a temperature is looked for."""

_CHUNK = 2**16
"""Labels at once, in passes over logits."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often answers of a confidence are right; confidence is the probability of the likeliest class.

    Attributes:
        edges: (bins + 1,), from 0 to 1; a bin holds confidences above its lower edge up to its upper one.
        counts: (bins,), labels whose answer fell into the bin.
        confidence: (bins,), mean confidence in it; NaN where it is empty.
        accuracy: (bins,), share of right answers in it; NaN where it is empty.
        ece: expected calibration error: mean distance of confidence and accuracy, bins weighted by their counts.
        mce: the largest such distance.
        brier: mean over labels of the squared distance of probabilities to the truth, summed over classes, 0 to 2.
        nll: mean of -log(probability of the true class), in nats; inf if one of those is 0.
        mean_confidence: over all labels.
        mean_accuracy: over all labels.
    """

    edges: Array
    counts: Array
    confidence: Array
    accuracy: Array
    ece: float
    mce: float
    brier: float
    nll: float
    mean_confidence: float
    mean_accuracy: float

    def __str__(self) -> str:
        apart = self.mean_confidence - self.mean_accuracy
        words = "too sure" if apart > 0 else "not sure enough"
        return (
            f"{self.counts.sum():,} labels, {self.mean_accuracy:.1%} right at a mean confidence of "
            f"{self.mean_confidence:.1%} ({words} by {abs(apart):.1%}); ECE {self.ece:.2%}, MCE {self.mce:.2%}, "
            f"Brier {self.brier:.4f}, NLL {self.nll:.4f}"
        )


@dataclass(frozen=True)
class Temperature:
    """A divisor of logits that makes probabilities honest; it changes no answer.

    Attributes:
        value: above 1 the model was too sure.
        nll_before: of the labels that it was fitted to, at temperature 1.
        nll_after: of the same labels, at this temperature; never larger.
        nll_held_out: of each half of the labels at the temperature fitted to the other half; every other example is in
            the first half, or the upper part of a single picture.
        at_bound: whether the best value lies beyond `BOUNDS`, as where no answer is wrong.
    """

    value: float
    nll_before: float
    nll_after: float
    nll_held_out: float
    at_bound: bool

    @property
    def helps(self) -> bool:
        """Whether it is better than 1 on labels that it was not fitted to."""
        return self.nll_held_out < self.nll_before

    def apply(self, logits: Any) -> Any:
        """Probabilities from logits.

        Args:
            logits: (N, classes, *spatial), an array or a tensor of floats.

        Returns:
            The same shape, array or tensor; they sum to 1 along axis 1.

        Example:
            >>> Temperature(2.0, 0.0, 0.0, 0.0, False).apply(np.array([[0.0, 2 * np.log(3)]])).round(6)
            array([[0.25, 0.75]])
        """
        if hasattr(logits, "softmax"):
            return (logits / self.value).softmax(1)
        z = np.asarray(logits) / self.value
        p = np.exp(z - z.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)

    def __str__(self) -> str:
        words = f"temperature {self.value:.3g}: NLL {self.nll_before:.4f} -> {self.nll_after:.4f}"
        words += f", {self.nll_held_out:.4f} on labels held out" + (
            "" if self.helps else ": it does not help, leave it at 1"
        )
        return words + (" (the best value lies beyond the bounds)" if self.at_bound else "")


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """What is gained by answering only where the model is sure enough.

    Attributes:
        coverage: (k,), shares of labels that are answered, ascending, the last one 1.
        risk: (k,), share of wrong answers among those.
        least_risk: (k,), the smallest risk at this coverage or any larger one; never falls with coverage.
        threshold: (k,), the uncertainty up to which is answered.
        area: under the risk, over coverage: 0 is never wrong, the last risk is an order that says nothing.
    """

    coverage: Array
    risk: Array
    least_risk: Array
    threshold: Array
    area: float

    def at_risk(self, risk: float) -> tuple[float, float]:
        """The largest coverage whose risk is no larger, and its threshold; (0, -inf) if there is none."""
        below = np.flatnonzero(self.risk <= risk)
        return (float(self.coverage[below[-1]]), float(self.threshold[below[-1]])) if len(below) else (0.0, -np.inf)


@dataclass(frozen=True)
class ExpectedErrors:
    """How many answers one has to expect to be wrong, if probabilities are honest.

    Attributes:
        count: expected number of wrong answers.
        std: its standard deviation if answers err independently; pixels err in groups, and it is larger then.
        answers: how many there are.
    """

    count: float
    std: float
    answers: int

    @property
    def share(self) -> float:
        """Of all answers."""
        return self.count / self.answers if self.answers else 0.0


def reliability(probabilities: Any, y: Any, *, bins: int = 15) -> Reliability:
    """Hold confidence against what came true.

    Args:
        probabilities: (N, classes, *spatial), floats that sum to 1 along axis 1; an array or a tensor.
        y: (N, *spatial), integers; the true class, or -1 for labels that are left out.
        bins: of equal width, >= 1.

    Raises:
        ShapeError: shapes do not fit, or no label is left.
        ParameterError: no probabilities, or a label that is no class.
        MissingData: NaN.

    Source: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", ICML.

    Example:
        >>> found = reliability(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1]), bins=2)
        >>> found.counts, round(found.ece, 4), round(found.brier, 4)
        (array([0, 3]), 0.1, 0.2733)
    """
    p, labels = _labelled(probabilities, y)
    bins = integer("bins", bins, least=1)
    _check_probabilities(p)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(places, confidence, bins) / counts
        accuracy = np.bincount(places, right, bins) / counts
        true = p[np.arange(len(p)), labels]
        nll = float(-np.log(true).mean())
    apart = np.abs(means - accuracy)[counts > 0]
    # sum over classes of (p - 1 at the true class)²
    brier = float(np.einsum("nc,nc->n", p, p).mean() + 1 - 2 * true.mean())
    return Reliability(
        edges=edges,
        counts=counts,
        confidence=means,
        accuracy=accuracy,
        ece=float((apart * counts[counts > 0]).sum() / len(p)),
        mce=float(apart.max()),
        brier=brier,
        nll=nll,
        mean_confidence=float(confidence.mean()),
        mean_accuracy=float(right.mean()),
    )


def temperature(logits: Any, y: Any) -> Temperature:
    """Find the temperature that gives labels held out from training their largest likelihood.

    Dividing logits by it leaves every answer as it is. The likelihood is concave in 1 / temperature, so there is one
    best value, and it is found to the last digits as the root of the derivative.

    Args:
        logits: (N, classes, *spatial), floats; an array or a tensor. Of examples that the model was not trained with.
        y: (N, *spatial), integers; the true class, or -1 for labels that are left out.

    Raises:
        ShapeError: shapes do not fit, or fewer than two labels are left.
        ParameterError: a label that is no class.
        MissingData: NaN or infinity.

    Source: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", ICML.

    Example:
        >>> logits = np.array([[2.0, 0.0]] * 20)
        >>> found = temperature(logits, np.array([0] * 14 + [1] * 6))
        >>> round(found.value, 3), found.helps, found.apply(logits)[0].round(3)
        (2.36, True, array([0.7, 0.3]))
    """
    z, labels = _labelled(logits, y)
    if len(labels) < 2:
        raise ShapeError(f"{len(labels)} label is left: a temperature needs many, a few hundred at least")
    if not np.isfinite(z).all():
        raise MissingData("logits hold infinity: give those before softmax, all finite")
    value, at_bound = _fitted(z, labels)
    halves = _halves(_array(y))
    held_out = 0.0
    for half in (halves, ~halves):
        other, _ = _fitted(z[~half], labels[~half])
        held_out += _nll(z[half], labels[half], 1 / other)[0] * half.sum()
    before, after = (_nll(z, labels, inverse)[0] for inverse in (1.0, 1 / value))
    return Temperature(value, before, after, float(held_out) / len(labels), at_bound)


def risk_coverage(probabilities: Any, y: Any, *, uncertainty: Any = None) -> RiskCoverage:
    """Share of wrong answers among the surest ones, for every share of labels that is answered.

    Args:
        probabilities: (N, classes, *spatial), or any scores whose largest is the answer.
        y: (N, *spatial), integers; the true class, or -1 for labels that are left out.
        uncertainty: (N, *spatial); what is smallest is answered first, e.g. entropy or mutual information. Else 1 minus
            the probability of the answer. Labels of equal uncertainty are answered together.

    Raises:
        ShapeError: shapes do not fit, or no label is left.
        ParameterError: a label that is no class.
        MissingData: NaN.

    Source: El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification", JMLR 11.

    Example:
        >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
        >>> found = risk_coverage(p, np.array([0, 1, 1, 1]))
        >>> found.coverage, found.risk
        (array([0.25, 0.5 , 0.75, 1.  ]), array([0.  , 0.  , 0.  , 0.25]))
    """
    p, labels = _labelled(probabilities, y)
    if uncertainty is None:
        order_by = 1 - p.max(axis=1)
    else:
        given, kept = _array(uncertainty), _array(y)
        if given.shape != kept.shape:
            raise ShapeError(
                f"uncertainty has shape {given.shape}, y has {kept.shape}: one number for each label is needed"
            )
        order_by = given[kept != IGNORE].astype(np.float64)
        if np.isnan(order_by).any():
            raise MissingData("uncertainty holds NaN: leave those labels out, y = -1 there")
    order = np.argsort(order_by, kind="stable")
    ordered = order_by[order]
    wrong = np.cumsum((p.argmax(axis=1) != labels)[order])
    # only whole groups of equal uncertainty
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    coverage = (ends + 1) / len(labels)
    risk = wrong[ends] / (ends + 1)
    least = np.minimum.accumulate(risk[::-1])[::-1]
    area = float((risk * np.diff(coverage, prepend=0)).sum())
    return RiskCoverage(coverage, risk, least, ordered[ends], area)


def expected_errors(probabilities: Any, *, where: Any = None) -> ExpectedErrors:
    """How many answers would be wrong, with no labels at all: the sum of what each confidence leaves to chance.

    Args:
        probabilities: (N, classes, *spatial), honest ones: see `reliability` and `temperature`.
        where: booleans (N, *spatial); only these answers count.

    Raises:
        ShapeError: shapes do not fit.
        ParameterError: no probabilities.
        MissingData: NaN.

    Example:
        >>> found = expected_errors(np.array([[0.9, 0.1], [0.6, 0.4]]))
        >>> found.count, round(found.std, 3), found.share
        (0.5, 0.574, 0.25)
    """
    p = _array(probabilities)
    shape = (p.shape[0], *p.shape[2:]) if p.ndim > 1 else ()
    chosen = np.ones(shape, bool) if where is None else _array(where)
    if chosen.dtype != bool:
        raise DtypeError(f"where is {chosen.dtype}: booleans are expected, true for answers that count")
    p, _ = _labelled(probabilities, np.where(chosen, 0, IGNORE) if chosen.shape == shape else chosen, may_be_empty=True)
    _check_probabilities(p)
    left = 1 - p.max(axis=1, initial=0)
    return ExpectedErrors(float(left.sum()), float(np.sqrt((left * (1 - left)).sum())), len(left))


def _array(values: Any) -> Array:
    """Arrays as they are, tensors as arrays."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # NumPy has no bfloat16
        values = (values.double() if values.is_floating_point() else values).numpy()
    return np.asarray(values)


def _labelled(scores: Any, y: Any, *, may_be_empty: bool = False) -> tuple[Array, Array]:
    """Scores (label, class) in float64 and classes (label,) of all labels that count."""
    p, labels = _array(scores), _array(y)
    if p.ndim < 2 or p.shape[1] < 2 or (p.shape[0], *p.shape[2:]) != labels.shape:
        raise ShapeError(
            f"scores have shape {p.shape}, labels {labels.shape}: (N, classes, *spatial) with two classes at least, "
            "and (N, *spatial), are expected"
        )
    if p.dtype.kind != "f" or (labels.dtype.kind not in "iu" and labels.dtype != bool):
        raise DtypeError(f"scores are {p.dtype}, labels {labels.dtype}: floats and integers are expected")
    kept = labels != IGNORE
    p, labels = np.moveaxis(p, 1, -1)[kept].astype(np.float64), labels[kept].astype(np.int64)
    if not len(labels) and not may_be_empty:
        raise ShapeError("no label is left: all are -1, which stands for unknown")
    if len(labels) and not 0 <= labels.min() <= labels.max() < p.shape[1]:
        raise ParameterError(
            f"labels run from {labels.min()} to {labels.max()}, there are {p.shape[1]} classes: 0 to {p.shape[1] - 1} "
            "are allowed, and -1 for unknown"
        )
    if np.isnan(p).any():
        raise MissingData("scores hold NaN: the model returned it; look at its input and its weights first")
    return p, labels


def _halves(y: Array) -> Array:
    """Booleans, one for each label that counts; neighbouring pixels know too much of each other to be parted."""
    examples = np.nonzero(y != IGNORE)[0]
    first = examples % 2 == 0
    if first.all() or not first.any():
        first = np.arange(len(examples)) < len(examples) // 2
    return first


def _check_probabilities(p: Array) -> None:
    if len(p) and (p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > 1e-2):
        raise ParameterError(
            f"numbers from {p.min():.3g} to {p.max():.3g} do not sum to 1 along axis 1: probabilities do; softmax "
            "makes them from logits"
        )


def _fitted(z: Array, labels: Array) -> tuple[float, bool]:
    """The best temperature, and whether it lies at a bound."""
    from scipy.optimize import brentq

    low, high = (1 / bound for bound in BOUNDS[::-1])
    # the derivative by 1 / temperature rises
    if _nll(z, labels, low)[1] >= 0:
        return 1 / low, True
    if _nll(z, labels, high)[1] <= 0:
        return 1 / high, True
    inverse: Any = brentq(lambda beta: _nll(z, labels, beta)[1], low, high, xtol=1e-12, rtol=1e-12)
    return 1 / float(inverse), False


def _nll(z: Array, labels: Array, inverse: float) -> tuple[float, float]:
    """Mean negative log likelihood at logits z times `inverse`, and its derivative by that."""
    total = slope = 0.0
    for start in range(0, len(z), _CHUNK):
        some = z[start : start + _CHUNK]
        true = some[np.arange(len(some)), labels[start : start + _CHUNK]]
        # relative to the largest, so that exp cannot overflow
        top = some.max(axis=1)
        apart = some - top[:, None]
        weights = np.exp(apart * inverse)
        sums = weights.sum(axis=1)
        total += float((np.log(sums) - inverse * (true - top)).sum())
        slope += float(((weights * apart).sum(axis=1) / sums - (true - top)).sum())
    return total / len(z), slope / len(z)
