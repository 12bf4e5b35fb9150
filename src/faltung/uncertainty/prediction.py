"""What samples say together: the mean, and how far they disagree, added up a batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import torch
from torch import Tensor, nn

from ..errors import DtypeError, ParameterError, ShapeError
from .passes import MAX_MEMORY, Sampling, run_samples

Output = Literal["logits", "probabilities", "values"]
"""What a module returns: logits (softmax over axis 1 makes probabilities), probabilities over axis 1, or any values."""


@dataclass(frozen=True)
class ClassPrediction:
    """Classes and how sure the model is of them; entropies in nats.

    Attributes:
        probabilities: (N, classes, *spatial), the mean over samples.
        entropy: (N, *spatial), of the mean: all uncertainty there is, from 0 to log(classes).
        expected_entropy: (N, *spatial), mean over samples of each one's entropy: what more training data would leave,
            as each thinned network is unsure by itself (aleatoric).
        mutual_information: (N, *spatial), the difference: how far the thinned networks disagree (epistemic).
        sampling: how samples were computed.
    """

    probabilities: Tensor
    entropy: Tensor
    expected_entropy: Tensor
    mutual_information: Tensor
    sampling: Sampling

    @property
    def classes(self) -> Tensor:
        """The likeliest class, int64 (N, *spatial)."""
        return self.probabilities.argmax(1)


@dataclass(frozen=True)
class ValuePrediction:
    """Values and their spread.

    Attributes:
        mean: as the module's output, over samples.
        std: of the same shape, over samples, with T - 1 in the denominator.
        sampling: how samples were computed.
    """

    mean: Tensor
    std: Tensor
    sampling: Sampling


@overload
def monte_carlo(
    module: nn.Module,
    x: Tensor,
    *,
    samples: int = ...,
    seed: int = ...,
    output: Literal["logits", "probabilities"] = ...,
    batch: int | Literal["auto"] = ...,
    max_memory: int = ...,
) -> ClassPrediction: ...
@overload
def monte_carlo(
    module: nn.Module,
    x: Tensor,
    *,
    samples: int = ...,
    seed: int = ...,
    output: Literal["values"],
    batch: int | Literal["auto"] = ...,
    max_memory: int = ...,
) -> ValuePrediction: ...
def monte_carlo(
    module: nn.Module,
    x: Tensor,
    *,
    samples: int = 50,
    seed: int = 0,
    output: Output = "logits",
    batch: int | Literal["auto"] = "auto",
    max_memory: int = MAX_MEMORY,
) -> ClassPrediction | ValuePrediction:
    """Predict with dropout on, many times, and say where the answers disagree.

    Dropout layers drop, ours and torch's, and all else is in evaluation. Everything that is computed before the first
    of them is computed once; what follows is computed for each sample, several side by side where that is quicker. The
    module is not rewritten: any Python in it works, as do skips, calls of `torch.nn.functional.dropout` and several
    places that drop. Sample t is the pass of the module after `torch.manual_seed(sample_seed(t, seed=seed))`, or, for
    layers with a key, inside `faltung.nn.at(sample=t)`; sample 0 is computed both ways, and `sampling.difference` says
    how equal they are. Where this cannot be done soundly, all passes are full ones, and `sampling.reason` says why.

    Mode, weights, buffers and the state of all random generators are afterwards as before. Samples are never held all
    at once. Pictures too large for one pass are for `monte_carlo_tiles`.

    Args:
        module: any module that returns one tensor.
        x: its input, (N, channels, *spatial) or whatever it takes.
        samples: how many, T >= 1; 2 at least for values.
        seed: another one gives other masks; layers with a key have theirs from `faltung.nn.key_layers`.
        output: what the module returns: "logits", "probabilities" (classes are axis 1) or "values".
        batch: samples side by side; "auto" chooses by the size of what is computed.
        max_memory: bytes that a batch of samples may hold.

    Returns:
        For logits and probabilities a `ClassPrediction`, for values a `ValuePrediction`.

    Raises:
        ParameterError: nothing drops: put a dropout layer in. Or an option is outside what it may be.
        ShapeError: the output has no axis of classes, or a single class.
        DtypeError: the output is no tensor of floats.

    Source: Gal and Ghahramani 2016, "Dropout as a Bayesian approximation", ICML; the parts of the entropy from Depeweg
    et al. 2018, "Decomposition of uncertainty in Bayesian deep learning", ICML.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), ft.nn.Dropout(0.5), torch.nn.Linear(8, 3))
        >>> found = ft.uncertainty.monte_carlo(net, torch.randn(5, 4), samples=20)
        >>> found.probabilities.shape, found.mutual_information.shape, bool((found.mutual_information >= 0).all())
        (torch.Size([5, 3]), torch.Size([5]), True)
        >>> found.sampling.prefix_calls, found.sampling.suffix_calls
        (2, 2)
    """
    check_output(output, samples)
    if not isinstance(x, Tensor):
        raise DtypeError(f"x is a {type(x).__name__}, a torch tensor is expected: torch.as_tensor(x) makes one")
    sums = Moments() if output == "values" else Entropies(output)
    sampling = run_samples(module, x, sums.take, samples=samples, seed=seed, batch=batch, max_memory=max_memory)
    return prediction(sums.maps(), sampling)


def sample_outputs(
    module: nn.Module,
    x: Tensor,
    *,
    samples: int = 50,
    seed: int = 0,
    batch: int | Literal["auto"] = "auto",
    max_memory: int = MAX_MEMORY,
) -> Tensor:
    """What a module returns for x with dropout on, many times; the samples of `monte_carlo`, all held.

    Args:
        module, x, samples, seed, batch, max_memory: as in `monte_carlo`.

    Returns:
        (samples, *output).

    Raises:
        ParameterError: nothing drops, or an option is outside what it may be.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(4, 2))
        >>> ft.uncertainty.sample_outputs(net, torch.ones(3, 4), samples=6).shape
        torch.Size([6, 3, 2])
    """
    parts: list[Tensor] = []
    run_samples(
        module,
        x,
        lambda _first, outputs: parts.append(outputs),
        samples=samples,
        seed=seed,
        batch=batch,
        max_memory=max_memory,
    )
    return torch.cat(parts)


def prediction(maps: Sequence[Tensor], sampling: Sampling) -> ClassPrediction | ValuePrediction:
    """Maps of `Entropies` or of `Moments`, by their names."""
    if len(maps) == 2:
        mean, std = maps
        return ValuePrediction(mean, std, sampling)
    probabilities, entropy, expected, information = maps
    return ClassPrediction(probabilities, entropy, expected, information, sampling)


def check_output(output: str, samples: int) -> None:
    """Refuse what is no word for an output, and a spread of one sample."""
    if output not in ("logits", "probabilities", "values"):
        raise ParameterError(f'output={output!r}: "logits", "probabilities" or "values" is allowed')
    if output == "values" and samples == 1:
        raise ParameterError("samples=1: the spread of values needs two samples at least; 50 are usual")


class Entropies:
    """Sums over samples of probabilities and of entropies."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.samples = 0
        self.dtype = torch.float32
        self.probabilities = self.entropies = torch.zeros(())

    def take(self, first: int, y_TNC: Tensor) -> None:
        """Add a batch of outputs (T, N, classes, *spatial)."""
        if not y_TNC.is_floating_point():
            raise DtypeError(f"the module returns {y_TNC.dtype}: floats are expected, one for each class")
        if y_TNC.ndim < 3 or y_TNC.shape[2] < 2:
            raise ShapeError(
                f"the module returns {tuple(y_TNC.shape[1:])}: (N, classes, *spatial) with two classes at least is "
                "expected; a single logit y of two classes is torch.cat([torch.zeros_like(y), y], 1), and "
                'output="values" takes any numbers'
            )
        wide = torch.promote_types(y_TNC.dtype, torch.float32)
        p_TNC = y_TNC.to(wide) if self.output == "probabilities" else y_TNC.to(wide).softmax(2)
        if self.output == "probabilities" and self.samples == 0:
            _check_probabilities(p_TNC)
        # float64: thousands of samples may be added
        self.probabilities = self.probabilities + p_TNC.sum(0).double()
        self.entropies = self.entropies + torch.special.entr(p_TNC).sum(2).sum(0).double()
        self.samples += len(y_TNC)
        self.dtype = wide

    def maps(self) -> tuple[Tensor, ...]:
        """Probabilities, entropy, expected entropy and mutual information."""
        mean = self.probabilities / self.samples
        expected = self.entropies / self.samples
        entropy = torch.special.entr(mean).sum(1)
        # never negative but by rounding
        information = (entropy - expected).clamp(min=0)
        return tuple(own.to(self.dtype) for own in (mean, entropy, expected, information))


class Moments:
    """Mean and squared deviations over samples, merged batch by batch.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", The American Statistician 37.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.dtype = torch.float32
        self.mean = self.squares = torch.zeros(())

    def take(self, first: int, y_TN: Tensor) -> None:
        """Add a batch of outputs (T, *output)."""
        if not y_TN.is_floating_point():
            raise DtypeError(f"the module returns {y_TN.dtype}: floats are expected")
        values, count = y_TN.double(), len(y_TN)
        mean = values.mean(0)
        apart = mean - self.mean
        total = self.samples + count
        self.squares = self.squares + (values - mean).square().sum(0) + apart.square() * (self.samples * count / total)
        self.mean = self.mean + apart * (count / total)
        self.samples, self.dtype = total, y_TN.dtype

    def maps(self) -> tuple[Tensor, ...]:
        """The mean, and the spread with T - 1 in the denominator."""
        return self.mean.to(self.dtype), (self.squares / (self.samples - 1)).sqrt().to(self.dtype)


def _check_probabilities(p_TNC: Tensor) -> None:
    sums = p_TNC.sum(2)
    if bool((p_TNC < 0).any()) or bool(((sums - 1).abs() > 1e-2).any()):
        raise ParameterError(
            f"the module returns numbers from {float(p_TNC.min()):.3g} to {float(p_TNC.max()):.3g} that do not sum to "
            '1 along axis 1: probabilities do; output="logits" takes softmax first'
        )
