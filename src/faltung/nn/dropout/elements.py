"""Dropout of single elements: Bernoulli, Gaussian, and the one that keeps normalised activations normalised."""

import math

import torch
from torch import Tensor

from ...errors import ParameterError
from .base import TWO_32, DropsValues

ALPHA = 1.7580993408473766
"""Scale times alpha of SELU: minus this is what SELU saturates at."""


class Dropout(DropsValues):
    """Drop elements one by one, scale what is kept: `torch.nn.Dropout` with more options.

    In training, and independently for each element,

        y = m x / (1 - p),   m = 1 with probability 1 - p, else 0;   E[y] = x,   Var[y] = x² p / (1 - p).

    In evaluation y = x. With the same global seed the result is torch's, bit for bit; a generator seeded s gives what
    torch gives after `torch.manual_seed(s)`. Where x is NaN or infinite a dropped element is NaN, as in torch.

    Args:
        p: probability of being dropped.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15.

    Example:
        >>> import torch, faltung as ft
        >>> x, layer = torch.ones(2, 4), ft.nn.Dropout(0.5, key=1)
        >>> with ft.nn.at(sample=(0, 1)):
        ...     layer(x)
        tensor([[2., 2., 2., 0.],
                [0., 2., 2., 2.]])
        >>> layer.eval()(x) is x
        True
    """

    _native = (torch.dropout, torch.dropout_)


class GaussianDropout(DropsValues):
    """Multiply each element by Gaussian noise of mean 1: nothing is dropped quite, nothing is scaled.

    In training, and independently for each element,

        y = x (1 + s e),   e ~ N(0, 1),   s² = p / (1 - p);   E[y] = x,   Var[y] = x² p / (1 - p),

    the first two moments of `Dropout(p)`. With a key, e is the normal quantile of a word of 32 bits, so |e| < 6.4.

    Args:
        p: of the Bernoulli dropout whose moments are meant; below 1, where s ends.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Wang and Manning 2013, "Fast dropout training", ICML; Srivastava et al. 2014, section 10.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.GaussianDropout(0.5, key=1)(torch.ones(1, 4))
        tensor([[0.4503, 0.4985, 0.8886, 1.5563]])
    """

    def _check_rate(self, p: float) -> float:
        if super()._check_rate(p) == 1:
            raise ParameterError("p=1: the noise would have infinite variance p / (1 - p); allowed is 0 <= p < 1")
        return p

    def _mask(self, x: Tensor, rate: float) -> Tensor:
        """Standard normal numbers in place of zeros and ones."""
        if self.key is None:
            return torch.empty_like(x).normal_(generator=self.generator)
        uniform = (self._words(x).to(torch.float64) + 0.5) / TWO_32
        return torch.special.ndtri(uniform).to(x.dtype)

    def _combined(self, x: Tensor, mask: Tensor, rate: float) -> Tensor:
        factors = mask.mul_(math.sqrt(rate / (1 - rate))).add_(1)
        return x.mul_(factors) if self.inplace else x * factors


class AlphaDropout(DropsValues):
    """Set elements to what SELU saturates at, keep mean 0 and variance 1: `torch.nn.AlphaDropout` with more options.

    In training, and independently for each element, with c = 1.7580993... (SELU's limit is -c),

        y = a (m x - (1 - m) c) + b,   m = 1 with probability 1 - p, else 0,
        a = 1 / sqrt((1 - p) (1 + p c²)),   b = a p c.

    Then E[y] = a (1 - p) x and Var[y] = a² p (1 - p) (x + c)² for a given x; for x of mean 0 and variance 1, y has
    mean 0 and variance 1. In evaluation y = x. With the same global seed the result is torch's, bit for bit.

    Args:
        p: probability of being set to the limit. At 1 the result is 0, as in torch.
        inplace: write the result into x.
        generator, schedule, mc, key, grid: see `faltung.nn.dropout.base.Droppable`.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, "Self-normalizing neural networks", NeurIPS.

    Example:
        >>> import torch, faltung as ft
        >>> with ft.nn.at(sample=0):
        ...     ft.nn.AlphaDropout(0.5, key=1)(torch.zeros(1, 4))
        tensor([[ 0.7792,  0.7792,  0.7792, -0.7792]])
    """

    _native = (torch.alpha_dropout, torch.alpha_dropout_)

    def _combined(self, x: Tensor, mask: Tensor, rate: float) -> Tensor:
        # in torch's order, so that roundings are its own
        a = 1 / math.sqrt((ALPHA * ALPHA * rate + 1) * (1 - rate))
        shift = mask.sub(1).mul_(ALPHA * a).add_(ALPHA * a * rate)
        factors = mask.mul_(a)
        return (x.mul_(factors) if self.inplace else x * factors).add_(shift)
