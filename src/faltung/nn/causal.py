"""Causal layers: no output looks ahead, so they also run sample by sample, exactly as all at once.

A state is what a layer must remember of the past: the samples that windows still to come will see. It is a tensor that
the caller holds, never a part of the layer, so that one layer serves many streams and steps can be differentiated.
Legend: N entries of the batch, C channels in, O channels out, L samples, K samples remembered.
"""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import check_choice, integer
from ..boundary import Boundary
from ..errors import DtypeError, FaltungError, ParameterError, ShapeError
from . import geometry
from .convolution import Conv1d, Lengths, Method, convolve
from .long_conv import LONG_METHODS, LongMethod, long_conv1d

Gate = Literal["glu", "gtu", "bilinear", "relu", "tanh"]
GATES = ("glu", "gtu", "bilinear", "relu", "tanh")
GATED_BY_OTHERS = ("glu", "gtu", "bilinear")
"""Gates for which the convolution makes every channel twice: a value and what gates it."""


class CausalConv1d(Conv1d):
    """Convolution of signals (N, C, L) that sees the present and the past only: y[t] from x[t] and before.

    A `Conv1d` with (kernel_size - 1) dilation zeros in front and none behind, so L samples give L; weights and state
    dict are those of `torch.nn.Conv1d`. `step` runs it on a stream, one sample or any number at a time, and gives what
    one pass over everything gives.

    Args:
        in_channels, out_channels, kernel_size, dilation, groups, bias: as in `Conv2d`; the last tap meets the present.
        method: as in `Conv2d`, for whole passes.

    Raises:
        ParameterError, ShapeError, DtypeError: as in `Conv2d`.

    Source: van den Oord et al. 2016, "WaveNet: a generative model for raw audio", section 2.1 (dilated causal
    convolutions).

    Example:
        >>> import torch, faltung as ft
        >>> layer = ft.nn.CausalConv1d(2, 3, 4, dilation=2)
        >>> x_NCL = torch.randn(1, 2, 10)
        >>> state, one_by_one = layer.initial_state(1), []
        >>> for x_NC in x_NCL.unbind(-1):
        ...     y_NO, state = layer.step(x_NC, state)
        ...     one_by_one.append(y_NO)
        >>> torch.allclose(torch.stack(one_by_one, -1), layer(x_NCL), atol=1e-6)
        True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        dilation: Lengths = 1,
        groups: int = 1,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        method: Method = "auto",
    ) -> None:
        given = (in_channels, out_channels, kernel_size, 1, 0, dilation, groups, bias, "zeros", device, dtype)
        super().__init__(*given, method=method)

    @property
    def num_remembered(self) -> int:
        """K: samples before the present that a window reaches back."""
        return (self.kernel_size[0] - 1) * self.dilation[0]

    def forward(self, input: Tensor) -> Tensor:
        """All at once: x (N, C, L) or (C, L) gives (N, O, L) or (O, L)."""
        try:
            geometry.check_input(input, self.in_channels, 1)
            if input.shape[-1] == 0:
                return _nothing(input, self.out_channels)
            return self._seen(F.pad(input, (self.num_remembered, 0)))
        except FaltungError as error:
            raise geometry.named(error, self) from None

    def initial_state(self, batch: int | None = None) -> Tensor:
        """The state before the first sample, zeros (batch, C, K), or (C, K) for a stream without a batch axis."""
        return _zeros(batch, self.in_channels, self.num_remembered, self.weight)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next outputs of a stream, and the state behind them.

        Args:
            x: the next sample (N, C), or the next L samples (N, C, L), L >= 0; without N if the state has none.
            state: from `initial_state` or the last step.

        Returns:
            (N, O) or (N, O, L), as x, and the new state; the old one is left as it was.
        """
        try:
            chunk, seen, state = _joined(x, state, self.in_channels, self.num_remembered)
            if chunk.shape[-1] == 0:
                y = _nothing(chunk, self.out_channels)
            elif chunk.shape[-1] == 1:
                y = self._one(seen)
            else:
                y = self._seen(seen)
            return (y if chunk is x else y[..., 0]), state
        except FaltungError as error:
            raise geometry.named(error, self) from None

    def _seen(self, seen: Tensor) -> Tensor:
        """Outputs of all windows that lie within what was seen."""
        options = (self.weight, self.bias, (1,), (0,), self.dilation, self.groups)
        return convolve(seen, *options, method=self.method)

    def _one(self, seen: Tensor) -> Tensor:
        """The one window of K + 1 samples: a product with a matrix, which starts faster than a convolution."""
        taps = seen[..., :: self.dilation[0]]
        if self.groups > 1:
            return F.conv1d(taps, self.weight, self.bias, groups=self.groups)
        return F.linear(taps.flatten(-2), self.weight.flatten(1), self.bias)[..., None]

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return f"{super().extra_repr()}, remembers={self.num_remembered}"


class GatedConv1d(torch.nn.Module):
    """A convolution of signals (N, C, L) whose outputs are let through by gates that are convolved too.

    With A = x * W + b and B = x * V + c, two convolutions computed as one,

        glu       A sigmoid(B)        gated linear unit
        gtu       tanh(A) sigmoid(B)  as in WaveNet and LSTM
        bilinear  A B
        relu      max(A, 0)           what a plain network has: for comparison
        tanh      tanh(A)

    The linear path through A is what lets gradients pass many layers. All weights are in the layer `conv`, of 2 O
    channels where there is a B; in each group A's channels stand before B's, so that both see the same inputs.

    Args:
        in_channels, out_channels: C and O.
        kernel_size, dilation, groups, bias: as in `Conv1d`.
        gate: one of the above.
        causal: True sees the present and the past only, and can `step`; False is centred, with L outputs too.
        boundary: what stands outside x, as in `Conv2d`; without `causal` only, which has zeros before the first sample.
        method: as in `Conv2d`.

    Raises:
        ParameterError: an unknown gate, or a boundary with `causal`.
        ShapeError, DtypeError: as in `Conv2d`.

    Source: Dauphin, Fan, Auli and Grangier 2017, "Language modeling with gated convolutional networks", ICML.

    Example:
        >>> import torch, faltung as ft
        >>> layer = ft.nn.GatedConv1d(8, 16, 4)
        >>> layer(torch.zeros(2, 8, 50)).shape
        torch.Size([2, 16, 50])
        >>> y_NO, state = layer.step(torch.zeros(2, 8), layer.initial_state(2))
        >>> y_NO.shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        dilation: Lengths = 1,
        groups: int = 1,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        gate: Gate = "glu",
        causal: bool = True,
        boundary: Boundary | None = None,
        method: Method = "auto",
    ) -> None:
        super().__init__()
        check_choice("gate", gate, GATES)
        geometry.check_channels(in_channels, out_channels, groups)
        self.gate, self.groups, self.causal = gate, groups, causal
        made = out_channels * (2 if gate in GATED_BY_OTHERS else 1)
        if causal and boundary is not None:
            raise ParameterError(
                f"boundary={boundary!r} with causal=True: before its first sample a stream has zeros, and it has no "
                f"end; leave boundary out, or give causal=False"
            )
        if causal:
            given = (in_channels, made, kernel_size, dilation, groups, bias, device, dtype)
            self.conv = CausalConv1d(*given, method=method)
        else:
            given = (in_channels, made, kernel_size, 1, "same", dilation, groups, bias, "zeros", device, dtype)
            self.conv = Conv1d(*given, boundary=boundary, method=method)

    def forward(self, input: Tensor) -> Tensor:
        """All at once: x (N, C, L) or (C, L) gives (N, O, L) or (O, L)."""
        return self.open_gates(self.conv(input), -2)

    def initial_state(self, batch: int | None = None) -> Tensor:
        """The state before the first sample; see `CausalConv1d.initial_state`."""
        return self.causal_conv().initial_state(batch)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next outputs of a stream, and the state behind them; see `CausalConv1d.step`."""
        y, after = self.causal_conv().step(x, state)
        return self.open_gates(y, -2 if x.ndim == state.ndim else -1), after

    def causal_conv(self) -> CausalConv1d:
        """The convolution that a stream runs: its weights, and what it remembers.

        Raises:
            ParameterError: the layer is not causal.
        """
        if not isinstance(self.conv, CausalConv1d):
            error = ParameterError(
                "causal=False: outputs wait for samples to come, so there is no step; make the layer causal"
            )
            raise geometry.named(error, self)
        return self.conv

    def open_gates(self, y: Tensor, axis: int) -> Tensor:
        """What the gates let through of outputs of `conv`, whose channels are on an axis counted from the end."""
        if self.gate == "relu":
            return torch.relu(y)
        if self.gate == "tanh":
            return torch.tanh(y)
        # without groups this is chunk(2), and "glu" is F.glu
        value, gate = y.unflatten(axis, (self.groups, 2, -1)).unbind(axis - 1)
        value, gate = value.flatten(axis - 1, axis), gate.flatten(axis - 1, axis)
        if self.gate == "bilinear":
            return value * gate
        return (torch.tanh(value) if self.gate == "gtu" else value) * torch.sigmoid(gate)

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        return f"gate={self.gate!r}, causal={self.causal}"


class LongConv1d(torch.nn.Module):
    """Convolution of each channel of a signal (N, C, L) with a kernel as long as itself, by FFT.

        y[n, c, t] = bias[c] + sum over j of weight[c, j] x[n, c, t - j]

    A convolution, not a correlation: weight[c, j] is what an impulse leaves j samples later. It costs L log L, whatever
    the kernel's length. An FFT's errors are small against the largest sums of a channel, not against each: outputs
    before an impulse are some 1e-7 of its size, not 0. `method="direct"` sums, and promises an error for each.

    Args:
        channels: C.
        kernel_size: taps of each kernel, usually the longest L; taps beyond L see nothing.
        bias: False leaves the bias out.
        causal: True sees the present and the past only; False centres the kernel, tap kernel_size // 2 on the present.
        method: "fft", or "direct" for the sums themselves.

    Initial weights are those of `torch.nn.Conv1d` with as many groups as channels: uniform, up to
    1 / sqrt(kernel_size).

    Raises:
        ParameterError: counts that are none.
        ShapeError, DtypeError: as in `Conv2d`.

    Source: Romero et al. 2022, "CKConv: continuous kernel convolution for sequential data", ICLR.

    Example:
        >>> import torch, faltung as ft
        >>> layer = ft.nn.LongConv1d(4, 1000)
        >>> layer(torch.zeros(2, 4, 1000)).shape, layer.weight.shape
        (torch.Size([2, 4, 1000]), torch.Size([4, 1000]))
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        causal: bool = True,
        method: LongMethod = "fft",
    ) -> None:
        super().__init__()
        integer("channels", channels, least=1)
        check_choice("method", method, LONG_METHODS)
        (self.kernel_size,) = geometry.lengths("kernel_size", kernel_size, 1, 1)
        self.channels, self.causal, self.method = channels, causal, method
        self.weight = torch.nn.Parameter(torch.empty(channels, self.kernel_size, device=device, dtype=dtype))
        self.bias = torch.nn.Parameter(torch.empty(channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and bias anew."""
        bound = self.kernel_size**-0.5
        for values in self.parameters(recurse=False):
            torch.nn.init.uniform_(values, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """All at once: x (N, C, L) or (C, L) gives the same shape."""
        try:
            return long_conv1d(input, self.weight, self.bias, causal=self.causal, method=self.method)
        except FaltungError as error:
            raise geometry.named(error, self) from None

    def extra_repr(self) -> str:
        """The words of torch, and ours."""
        words = f"{self.channels}, kernel_size={self.kernel_size}"
        words += ("" if self.bias is not None else ", bias=False") + ("" if self.causal else ", causal=False")
        return words + ("" if self.method == "fft" else f", method={self.method!r}")


def _zeros(batch: int | None, channels: int, remembered: int, like: Tensor) -> Tensor:
    return like.new_zeros((channels, remembered) if batch is None else (batch, channels, remembered))


def _nothing(x: Tensor, channels: int) -> Tensor:
    """No outputs for no samples."""
    return x.new_empty((*x.shape[:-2], channels, 0))


def _joined(x: Tensor, state: Tensor, channels: int, remembered: int) -> tuple[Tensor, Tensor, Tensor]:
    """What is new as a chunk, what was seen with it, and the state behind it."""
    batch = state.shape[:-2]
    if state.ndim not in (2, 3) or state.shape[-2:] != (channels, remembered):
        raise ShapeError(
            f"the state is {tuple(state.shape)}: (N, {channels}, {remembered}) is expected, or without N; begin with "
            f"initial_state(batch)"
        )
    if x.shape[: state.ndim - 1] != (*batch, channels) or x.ndim > state.ndim:
        one = (*batch, channels)
        raise ShapeError(
            f"x is {tuple(x.shape)} for a state {tuple(state.shape)}: one sample is {one}, a chunk "
            f"{one} and its length; another batch needs a state of its own, initial_state(batch)"
        )
    if x.dtype != state.dtype:
        names = [str(t.dtype).removeprefix("torch.") for t in (x, state)]
        raise DtypeError(f"x is {names[0]}, the state {names[1]}: give x.to(state.dtype), or state.to(x.dtype)")
    chunk = x if x.ndim == state.ndim else x[..., None]
    seen = torch.cat([state, chunk], -1)
    return chunk, seen, seen[..., seen.shape[-1] - remembered :]
