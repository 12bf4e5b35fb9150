"""DropConnect: dropout of another layer's weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...arguments import entries
from ...errors import DtypeError, ParameterError, ShapeError
from .base import TWO_32, Droppable, emptied
from .philox import derived_keys, words_at
from .place import DRAWN
from .schedule import Schedule


class DropConnect(Droppable):
    """A layer whose weights are dropped one by one, anew at every call.

    In training the layer runs on m w / (1 - p) in place of w, with one m for each weight: 1 with probability 1 - p,
    else 0. For a layer that is linear in w, and y the sum of w_i x_i,

        E[y] = sum of w_i x_i,   Var[y] = p / (1 - p) * (sum of w_i² x_i²).

    All entries of a batch see the same thinned weights (the paper draws for each entry; take batches of one for that).
    In evaluation the layer runs on w, as if unwrapped. The parameters stay those of the layer, under "layer." in the
    state dict; gradients of dropped weights are 0.

    Args:
        layer: any module; its own parameters named here are dropped.
        p: probability that a weight is dropped. At 1 the layer runs on zeros.
        names: parameters of `layer`; dots lead into inner modules, e.g. "0.weight".
        generator, schedule, mc, key: see `faltung.nn.dropout.base.Droppable`. With a key the mask depends on the sample
            alone, which has to be one for the whole batch, never on where x lies.

    Raises:
        ParameterError: `layer` has no parameter of such a name.

    Source: Wan, Zeiler, Zhang, LeCun and Fergus 2013, "Regularization of neural networks using DropConnect", ICML.

    Example:
        >>> import torch, faltung as ft
        >>> layer = ft.nn.DropConnect(torch.nn.Linear(3, 2), p=0.5)
        >>> [name for name, _ in layer.named_parameters()]
        ['layer.weight', 'layer.bias']
        >>> layer(torch.ones(4, 3)).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        layer: nn.Module,
        p: float = 0.5,
        *,
        names: str | Sequence[str] = "weight",
        generator: torch.Generator | None = None,
        schedule: Schedule | None = None,
        mc: bool = False,
        key: int | None = None,
    ) -> None:
        if not isinstance(layer, nn.Module):
            raise ParameterError(
                f"layer={layer!r}: a torch.nn.Module is expected, e.g. DropConnect(nn.Linear(3, 2), 0.5)"
            )
        super().__init__(p, generator=generator, schedule=schedule, mc=mc, key=key)
        self.layer = layer
        self.names = tuple([names] if isinstance(names, str) else entries(names) or ())
        known = dict(layer.named_parameters())
        missing = [name for name in self.names if name not in known]
        if missing or not self.names:
            raise ParameterError(
                f"names={names!r}: {', '.join(missing) or 'none given'}; parameters of this {type(layer).__name__} are "
                + (", ".join(known) or "none")
            )
        floating = [name for name in self.names if known[name].is_floating_point()]
        if len(floating) < len(self.names):
            raise DtypeError(f"names={names!r}: weights that are no floats cannot be scaled; name others")

    def forward(self, *inputs: Any) -> Any:
        """What the layer gives for these inputs, on thinned weights if this is on."""
        rate = self.rate
        if not self.is_on or rate == 0:
            return self.layer(*inputs)
        drawn = DRAWN.get()
        thinned = self._thinned(rate) if drawn is None else drawn(self._thinned, rate)
        return functional_call(self.layer, thinned, inputs)

    def _thinned(self, rate: float) -> dict[str, Tensor]:
        """The weights that are named, with some of them dropped."""
        known = dict(self.layer.named_parameters())
        words = self._words_of([known[name] for name in self.names]) if self.key is not None and rate < 1 else None
        thinned = {}
        for number, name in enumerate(self.names):
            weight = known[name]
            if rate == 1:
                thinned[name] = emptied(weight)
                continue
            if words is not None:
                kept = (words[number] < round((1 - rate) * TWO_32)).to(weight.dtype)
            else:
                kept = self._drawn(torch.empty_like(weight, requires_grad=False), 1 - rate)
            thinned[name] = weight * kept.div_(1 - rate)
        return thinned

    def _words_of(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """Random words of the places in each weight, which are numbered one after the other."""
        samples = self._place().samples
        if len(samples) > 1:
            raise ShapeError(
                f"sample has {len(samples)} entries: weights are shared by the whole batch, so one sample is expected; "
                "call the layer once for each"
            )
        found: list[Tensor] = []
        start = 0
        for weight in weights:
            keys = derived_keys(self.key or 0, samples, weight.device)
            found.append(words_at(keys, [start], [weight.numel()], weight.device).reshape(weight.shape))
            start += weight.numel()
        return found

    def _more_words(self) -> list[str]:
        return [f"names={self.names}"]
