"""Monte-Carlo dropout: layers that go on dropping while everything else is as in evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ...arguments import integer
from ...errors import ParameterError
from .base import Droppable
from .place import HERE, Place

DROPPING = (
    Droppable,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
    # these drop inside, and the last two would leave it out on torch's fast path for evaluation
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)


@contextmanager
def monte_carlo(module: nn.Module, *, samples: int) -> Iterator[Iterator[int]]:
    """Keep dropout on, put all else into evaluation, and count samples.

    Inside the block `module` is in evaluation (batch normalisation uses its running statistics and leaves them alone),
    but its dropout layers drop, those of torch.nn too; afterwards every part is as it was. Layers with a key take the
    number of the sample for their mask, so sample t is the same mask for every tile, picture and process. Not switched:
    calls of `torch.nn.functional.dropout` in a module's own code.

    Over samples y_1 ... y_T the mean estimates the predictive mean and the spread the model's uncertainty.

    Args:
        module: any module with dropout at any depth.
        samples: how many, T >= 1.

    Yields:
        An iterator over 0 ... T - 1.

    Raises:
        ParameterError: nothing in `module` drops, so that all samples would be equal.

    Source: Gal and Ghahramani 2016, "Dropout as a Bayesian approximation", ICML.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), ft.nn.Dropout(0.5))
        >>> with ft.nn.monte_carlo(net, samples=20) as draws:
        ...     ys = torch.stack([net(torch.ones(4, 3)) for _ in draws])
        >>> ys.shape, bool(ys.std(0).max() > 0)
        (torch.Size([20, 4, 8]), True)
    """
    integer("samples", samples, least=1)
    with dropping_only(module) as dropping:
        if not dropping:
            raise ParameterError(
                f"nothing in this {type(module).__name__} drops, all samples would be equal: put a dropout layer into "
                "it (calls of torch.nn.functional.dropout cannot be switched on from outside)"
            )
        token = HERE.set(HERE.get())
        try:
            yield _counting(samples)
        finally:
            HERE.reset(token)


@contextmanager
def dropping_only(module: nn.Module) -> Iterator[list[nn.Module]]:
    """Inside, layers that drop are in training and all else is in evaluation; yields those layers."""
    modes = {part: part.training for part in module.modules()}
    dropping = [part for part in modes if isinstance(part, DROPPING)]
    module.eval()
    for part in dropping:
        # not train(): that would switch what is inside as well
        part.training = True
    try:
        yield dropping
    finally:
        for part, training in modes.items():
            part.training = training


def _counting(samples: int) -> Iterator[int]:
    """0, 1, ..., each said to the layers with a key while it is the caller's turn."""
    for number in range(samples):
        outer = HERE.get()
        HERE.set(Place(outer.origins if outer is not None else ((),), (number,)))
        yield number
