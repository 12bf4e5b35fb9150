"""A gated ConvNet for text: what comes next, from causal convolutions only, all places at once or one by one.

Legend: N texts side by side, L places, C channels, V symbols, K samples remembered, S = K + 1.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm as normed

from ..arguments import check_choice, entries, integer, real
from ..errors import DtypeError, ParameterError, ShapeError
from ..nn import GatedConv1d
from ..nn.causal import GATES, Gate


class GatedConvNet(torch.nn.Module):
    """Scores for the next symbol at every place of a text, from that place and those before it.

    An embedding, blocks h + expand(gated(reduce(h))), and a softmax. `gated` is a causal `GatedConv1d`, the only part
    that looks at other places; `reduce` and `expand` are 1x1 convolutions around a bottleneck. Before the first symbol
    every layer sees zeros.

    Args:
        symbols: V, how many there are; tokens are 0 to V - 1.
        channels: C, of the residual path.
        kernel_size: places that each gated convolution sees.
        dilations: of each block, so their number is that of the blocks.
        bottleneck: channels of the gated convolutions; 0 takes `channels` and leaves out `reduce`.
        gate: "glu", or "gtu", "bilinear", "relu", "tanh" to compare; the last two have half the weights.
        weight_norm: convolutions are learned as a length and a direction for each output.
        dropout: share of what a block adds that training deletes, 0 to below 1.
        cutoffs: where V is large: the symbols below the first one are scored in full, those between two others in
            clusters of fewer channels; () is a plain softmax. Symbols are to be sorted by falling frequency.

    Called with tokens (N, L) it gives scores (N, V, L): their softmax over V are the probabilities of what follows.
    Called with pairs (N, 2, L), tokens and what followed each, it gives the nats (N, L) that each of these cost, which
    for many symbols is much cheaper, and is what training needs.

    Raises:
        ParameterError: an option is outside what it may be.
        ShapeError, DtypeError: tokens of another shape, or that are no integers.

    Source: Dauphin, Fan, Auli and Grangier 2017, "Language modeling with gated convolutional networks", ICML; softmax
    with cutoffs: Grave et al. 2017, "Efficient softmax approximation for GPUs", ICML.

    Example:
        >>> import torch, faltung as ft
        >>> net = ft.networks.GatedConvNet(symbols=10, channels=8, kernel_size=3, dilations=(1, 2)).eval()
        >>> net.num_seen
        7
        >>> tokens_NL = torch.randint(10, (1, 20))
        >>> scores_NVL = net(tokens_NL)
        >>> stream = net.stream()
        >>> for tokens_N in tokens_NL.unbind(1):
        ...     scores_NV = stream.step(tokens_N)
        >>> torch.allclose(scores_NV, scores_NVL[..., -1], atol=1e-5)
        True
    """

    def __init__(
        self,
        *,
        symbols: int,
        channels: int = 256,
        kernel_size: int = 4,
        dilations: Sequence[int] = (1, 1, 1, 1, 1, 1, 1, 1),
        bottleneck: int = 0,
        gate: Gate = "glu",
        weight_norm: bool = True,
        dropout: float = 0.0,
        cutoffs: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.symbols = integer("symbols", symbols, least=2)
        self.channels = integer("channels", channels, least=1)
        integer("kernel_size", kernel_size, least=1)
        integer("bottleneck", bottleneck, least=0)
        check_choice("gate", gate, GATES)
        if not 0 <= real("dropout", dropout) < 1:
            raise ParameterError(f"dropout={dropout!r}: from 0 to below 1 is allowed")
        steps = [integer("dilations", dilation, least=1) for dilation in _series("dilations", dilations)]
        if not steps:
            raise ParameterError("dilations=(): there is one for each block, and at least one block")
        cuts = [integer("cutoffs", cut, least=1) for cut in _series("cutoffs", cutoffs)]
        if cuts != sorted(set(cuts)) or (cuts and cuts[-1] >= symbols):
            raise ParameterError(
                f"cutoffs={tuple(cuts)} for {symbols} symbols: rising numbers below {symbols} are allowed"
            )
        if channels < 4 ** len(cuts):
            raise ParameterError(
                f"cutoffs={tuple(cuts)} for {channels} channels: each further cluster has a fourth of the channels, so "
                f"{4 ** len(cuts)} are needed"
            )
        self.options: dict[str, Any] = {
            "symbols": symbols,
            "channels": channels,
            "kernel_size": kernel_size,
            "dilations": steps,
            "bottleneck": bottleneck,
            "gate": gate,
            "weight_norm": bool(weight_norm),
            "dropout": dropout,
            "cutoffs": cuts,
        }
        self.embedding = torch.nn.Embedding(symbols, channels)
        given = (channels, bottleneck, kernel_size, gate, dropout, len(steps), bool(weight_norm))
        self.blocks = torch.nn.Sequential(*(Block(dilation, *given) for dilation in steps))
        self.head: torch.nn.Linear | torch.nn.AdaptiveLogSoftmaxWithLoss
        if cuts:
            self.head = torch.nn.AdaptiveLogSoftmaxWithLoss(channels, symbols, cuts)
        else:
            self.head = torch.nn.Linear(channels, symbols)
            torch.nn.init.normal_(self.head.weight, 0.0, 0.5 * channels**-0.5)
            torch.nn.init.zeros_(self.head.bias)

    @property
    def num_seen(self) -> int:
        """Places that a score depends on: its own and those before it."""
        steps = self.options["dilations"]
        return 1 + (self.options["kernel_size"] - 1) * sum(steps)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (N, V, L) of tokens (N, L), or nats (N, L) of pairs (N, 2, L)."""
        if tokens.dtype not in (torch.int64, torch.int32):
            raise DtypeError(f"tokens are {str(tokens.dtype).removeprefix('torch.')}: int64 or int32 is expected")
        if tokens.ndim == 2:
            return self.scores(self.hidden(tokens).transpose(1, 2)).transpose(1, 2)
        if tokens.ndim != 3 or tokens.shape[1] != 2:
            raise ShapeError(
                f"tokens have shape {tuple(tokens.shape)}: (N, L), or (N, 2, L) with what follows each, is expected"
            )
        hidden_NLC, next_NL = self.hidden(tokens[:, 0]).transpose(1, 2), tokens[:, 1].long()
        if isinstance(self.head, torch.nn.Linear):
            scores_MV = _full(self.head(hidden_NLC)).flatten(0, 1)
            return F.cross_entropy(scores_MV, next_NL.flatten(), reduction="none").view(next_NL.shape)
        # its parts are put together in the dtype of its input, which autocast would break
        with torch.autocast(tokens.device.type, enabled=False):
            return -self.head(_full(hidden_NLC).flatten(0, 1), next_NL.flatten()).output.view(next_NL.shape)

    def hidden(self, tokens_NL: Tensor) -> Tensor:
        """(N, C, L): what the scores are made of."""
        return self.blocks(self.embedding(tokens_NL).transpose(1, 2))

    def scores(self, hidden: Tensor) -> Tensor:
        """Scores (..., V) of what is hidden (..., C)."""
        if isinstance(self.head, torch.nn.Linear):
            return self.head(hidden)
        with torch.autocast(hidden.device.type, enabled=False):
            flat_MC = _full(hidden).reshape(-1, self.channels)
            return self.head.log_prob(flat_MC).view(*hidden.shape[:-1], self.symbols)

    def stream(self, batch: int = 1) -> "Stream":
        """Begin `batch` texts, which are given symbol by symbol."""
        return Stream(self, batch)


class Block(torch.nn.Module):
    """h + expand(gated(reduce(h))) on (N, C, L): a residual block of `GatedConvNet`."""

    def __init__(
        self, dilation: int, channels: int, bottleneck: int, kernel_size: int, gate: Gate, dropout: float, of: int,
        weight_norm: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        inner = bottleneck or channels
        self.reduce = torch.nn.Conv1d(channels, inner, 1) if bottleneck else torch.nn.Identity()
        self.gated = GatedConv1d(inner, inner, kernel_size, dilation, gate=gate)
        self.expand = torch.nn.Conv1d(inner, channels, 1)
        self.dropout = dropout
        # sums of `of` blocks start as large as the embedding, whatever their number
        for conv, gain in ((self.reduce, 1.0), (self.gated.conv, 1.0), (self.expand, of**-0.5)):
            if isinstance(conv, torch.nn.Conv1d):
                torch.nn.init.normal_(conv.weight, 0.0, gain * conv.weight[0].numel() ** -0.5)
                torch.nn.init.zeros_(conv.bias)
                if weight_norm:
                    normed(conv)

    def forward(self, h_NCL: Tensor) -> Tensor:
        """(N, C, L) as it came, and what the block adds."""
        return h_NCL + F.dropout(self.expand(self.gated(self.reduce(h_NCL))), self.dropout, self.training)


class Stream:
    """Texts that a `GatedConvNet` reads symbol by symbol, remembering what it will need again, and nothing else.

    Each gated convolution has a ring of S = K + 1 samples: a new one takes the place of the oldest. So a step costs the
    same whatever came before, and gives what `net.eval()` gives for the whole text, to rounding. Weights are those the
    network had when the stream was begun; nothing is kept for gradients.

    Args:
        net: the network.
        batch: N, texts side by side.
    """

    @torch.no_grad()
    def __init__(self, net: GatedConvNet, batch: int = 1) -> None:
        self.batch = integer("batch", batch, least=1)
        self._net = net
        self._place = 0
        self._layers = [_Layer(block, batch) for block in net.blocks]

    @torch.no_grad()
    def step(self, tokens_N: Tensor) -> Tensor:
        """Scores (N, V) for what follows these N symbols.

        Raises:
            ShapeError: another number of symbols than texts.
        """
        if tokens_N.shape != (self.batch,):
            raise ShapeError(
                f"tokens have shape {tuple(tokens_N.shape)}: one for each text, ({self.batch},), is expected"
            )
        h_NC = self._net.embedding(tokens_N)
        for layer in self._layers:
            h_NC = layer.step(h_NC, self._place)
        self._place += 1
        return self._net.scores(h_NC)

    @torch.no_grad()
    def feed(self, tokens_NL: Tensor) -> Tensor:
        """Scores (N, V) for what follows these symbols, L >= 1, all taken at once; as that many steps, but faster.

        Raises:
            ShapeError: another number of texts, or no symbol.
        """
        if tokens_NL.ndim != 2 or len(tokens_NL) != self.batch or not tokens_NL.shape[1]:
            raise ShapeError(f"tokens have shape {tuple(tokens_NL.shape)}: ({self.batch}, L) with L >= 1 is expected")
        h_NCL = self._net.embedding(tokens_NL).transpose(1, 2)
        for layer in self._layers:
            h_NCL = layer.feed(h_NCL, self._place)
        self._place += tokens_NL.shape[1]
        return self._net.scores(h_NCL[..., -1])


class _Layer:
    """A block on a stream: its weights as matrices, and the ring of what its gated convolution remembers."""

    def __init__(self, block: Any, batch: int) -> None:
        self.gated: GatedConv1d = block.gated
        conv = self.gated.causal_conv()
        self.reduce = None if isinstance(block.reduce, torch.nn.Identity) else _matrix(block.reduce)
        self.expand = _matrix(block.expand)
        # a copy: under weight norm the layer makes its weights anew each time they are asked for
        self.weight_OIK, self.bias = conv.weight.detach().clone(), conv.bias.detach().clone()
        # taps in front of channels, as they lie in the ring
        self.weight = self.weight_OIK.transpose(1, 2).flatten(1)
        self.dilation, self.remembered = conv.dilation[0], conv.num_remembered
        size = self.remembered + 1
        self.ring_SNC = self.weight.new_zeros((size, batch, conv.in_channels))
        # where the taps lie, oldest first, when the newest sample lies at the row's number
        row, tap = torch.arange(size)[:, None], torch.arange(conv.kernel_size[0])
        self.taps = ((row + 1 + tap * self.dilation) % size).to(self.weight.device)

    def step(self, h_NC: Tensor, place: int) -> Tensor:
        x_NC = h_NC if self.reduce is None else F.linear(h_NC, *self.reduce)
        row = place % len(self.ring_SNC)
        self.ring_SNC[row] = x_NC
        seen = self.ring_SNC.index_select(0, self.taps[row]).transpose(0, 1).flatten(1)
        return h_NC + F.linear(self.gated.open_gates(F.linear(seen, self.weight, self.bias), -1), *self.expand)

    def feed(self, h_NCL: Tensor, place: int) -> Tensor:
        h_NLC = h_NCL.transpose(1, 2)
        x_NLC = h_NLC if self.reduce is None else F.linear(h_NLC, *self.reduce)
        size, length = len(self.ring_SNC), h_NLC.shape[1]
        # what is remembered, oldest first: the newest lies just before the place that is next
        before = (torch.arange(place - self.remembered, place, device=self.taps.device)) % size
        seen_SNC = torch.cat([self.ring_SNC.index_select(0, before), x_NLC.transpose(0, 1)])
        y_NOL = F.conv1d(seen_SNC.permute(1, 2, 0), self.weight_OIK, self.bias, dilation=self.dilation)
        last = torch.arange(place + length - self.remembered, place + length, device=self.taps.device)
        self.ring_SNC[last % size] = seen_SNC[length:]
        y_NLC = F.linear(self.gated.open_gates(y_NOL, -2).transpose(1, 2), *self.expand)
        return (h_NLC + y_NLC).transpose(1, 2)


def _matrix(conv: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """Weights (O, C) and bias of a 1x1 convolution."""
    assert isinstance(conv, torch.nn.Conv1d)
    assert conv.bias is not None
    return conv.weight.detach()[..., 0].clone(), conv.bias.detach().clone()


def _full(x: Tensor) -> Tensor:
    """Half precision, as under autocast, is too coarse for logarithms of probabilities."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _series(name: str, value: Any) -> list[Any]:
    listed = entries(value)
    if listed is None:
        raise ParameterError(f"{name}={value!r}: a series of integers is expected, such as (1, 2, 4)")
    return listed
