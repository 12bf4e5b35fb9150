"""U-Net: down to what is in a picture, up again to where it is; valid as in the paper, or as large as its input.

Sizes: N entries of the batch, C channels; x (N, C, *spatial) with 1 to 3 spatial axes.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import nn as layers
from ..arguments import check_choice, integer, real
from ..errors import ParameterError, ShapeError
from ..tensors.edges import pad

Padding = Literal["reflect", "zero", "valid", "mirror"]
Up = Literal["transpose", "nearest", "linear"]
Norm = Literal["batch", "group", "instance"]

LOST = 4
"""Samples that the two 3-tap convolutions of a block take away where nothing is padded."""
GROUP = 8
"""Channels that group norm puts together, or all where there are fewer."""
LINEAR = ("linear", "bilinear", "trilinear")


class UNet(nn.Module):
    """A label for every place: blocks of two convolutions on a path down and a path up, with bridges between them.

    On each of `depth` levels down, a block is followed by a maximum over 2 and the channels double; on the way up the
    picture is enlarged by 2, joined with what the block of that level gave, and taken through another block. A last
    convolution of one tap gives a score for each class.

    What stands outside the picture is said by `padding`:

    - "reflect", "zero": every convolution extends what it gets, so sizes stay. The maxima need multiples of
      2**depth, which is what `networks.valid_sizes(net.core, ...)` says; other inputs are extended by reflection behind
      each axis to the next multiple, and the result is cut back. Nothing is added in front: place 0 stays on the grid.
    - "valid": nothing is added anywhere, as in the paper, and the result is smaller by `2 * margin`. Sizes must be such
      that every maximum gets an even one; others are refused, with their neighbours.
    - "mirror": "valid", with the input itself extended by its mirror image, by `margin` in front and at least as much
      behind, so that the result has the size of the input: the overlapping tiles of the paper in one.

    All reflections go to any distance (the picture is mirrored again and again), so one pixel is input enough.

    Far from borders a shift of x by a multiple of 2**depth along any axis shifts the result by as much, up to
    rounding, unless `norm` is "group" or "instance": these take means over the picture, which a tile does not know.

    Args:
        channels: C of x.
        classes: scores per place.
        axes: spatial axes, 1 to 3.
        width: channels of the first block; level i has width * 2**i.
        depth: levels below the first, >= 1.
        padding: what stands outside; see above.
        up: "transpose" learns its 2 x 2 enlargement; "nearest" and "linear" halve the channels by a convolution of one
            tap and resample. "linear" looks beyond the border, so it does not go with "valid" and "mirror".
        norm: None as in the paper; "batch", "group" (groups of 8 channels) or "instance" behind each convolution.
        residual: adds a block's input, by a convolution of one tap if the channels differ, to its result.
        dropout: probability that a value of the lowest block is dropped, in training.

    Attributes:
        options: of this net, so that UNet(**net.options) is the same architecture; plain JSON.
        core: the net without what fits sizes in front and behind.
        grid: 2**depth.
        margin: input that a result lacks on each side where nothing is padded; 0 for "reflect" and "zero".

    Called with x (N, C, *spatial), floating: scores (N, classes, *spatial), before the softmax; for "valid" each
    spatial size is smaller by 2 * margin.

    Raises:
        ParameterError: an option is outside what it may be.
        ShapeError: x has other channels or axes, or a size that "valid" does not take.

    Source: Ronneberger, Fischer and Brox 2015, "U-Net: convolutional networks for biomedical image segmentation",
    MICCAI, arXiv 1505.04597. Its net is UNet(channels=1, classes=2, width=64, depth=4, padding="valid", norm=None,
    dropout=0.5), with 31 million weights that start as there.

    Example:
        >>> import torch, faltung as ft
        >>> net = ft.networks.UNet(width=4, depth=2).eval()
        >>> net(torch.zeros(1, 1, 30, 41)).shape
        torch.Size([1, 2, 30, 41])
        >>> print(ft.networks.valid_sizes(net.core, (1, 1, None, None)))
        4n with n >= 1: 4, 8, 12, ...
    """

    def __init__(
        self,
        *,
        channels: int = 1,
        classes: int = 2,
        axes: int = 2,
        width: int = 16,
        depth: int = 3,
        padding: Padding = "reflect",
        up: Up = "transpose",
        norm: Norm | None = "batch",
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_choice("padding", padding, ("reflect", "zero", "valid", "mirror"))
        check_choice("up", up, ("transpose", "nearest", "linear"))
        if norm is not None:
            check_choice("norm", norm, ("batch", "group", "instance"))
        if integer("axes", axes, least=1) > 3:
            raise ParameterError(f"axes={axes}: 1 (signals), 2 (pictures) and 3 (volumes) are allowed")
        if up == "linear" and padding in ("valid", "mirror"):
            raise ParameterError(
                f'up="linear" with padding={padding!r}: linear enlargement makes up values beyond the border, which '
                f'"valid" is there to avoid; take up="nearest" or "transpose", or padding="reflect"'
            )
        self.options: dict[str, Any] = {
            "channels": integer("channels", channels, least=1),
            "classes": integer("classes", classes, least=1),
            "axes": int(axes),
            "width": integer("width", width, least=1),
            "depth": integer("depth", depth, least=1),
            "padding": padding,
            "up": up,
            "norm": norm,
            "residual": bool(residual),
            "dropout": real("dropout", dropout),
        }
        self.axes, self.padding = int(axes), padding
        self.grid: int = 2**depth
        is_valid = padding in ("valid", "mirror")
        # down: 2**i * LOST samples on each level and the lowest; up: as many on each level but the lowest
        self.margin: int = (LOST * (self.grid - 1) + LOST // 2 * self.grid) if is_valid else 0
        self.core = Core(self.options)

    def forward(self, x: Tensor) -> Tensor:
        """Scores for every place; see the class."""
        if x.ndim != self.axes + 2:
            raise ShapeError(
                f"x has {x.ndim} axes, {tuple(x.shape)}: a batch (N, {self.options['channels']}, *spatial) with "
                f"{self.axes} spatial axes is expected, for one picture x[None]"
            )
        if self.padding == "valid":
            self._check_sizes(x)
            return self.core(x)
        sizes = x.shape[2:]
        before = [self.margin] * self.axes
        after = [self.margin + self._missing(n + 2 * self.margin) for n in sizes]
        y = self.core(pad(x, ["reflect"] * self.axes, before, after))
        for axis, n in enumerate(sizes, start=2):
            y = y.narrow(axis, 0, n)
        return y

    def _missing(self, n: Any) -> Any:
        """Samples up to the next size that every maximum can halve."""
        return (self._offset() - n) % self.grid

    def _offset(self) -> int:
        # an even size behind each block: n = LOST + 2 (LOST + 2 (...)), up to multiples of the grid
        return LOST * (self.grid - 1) if self.margin else 0

    def _check_sizes(self, x: Tensor) -> None:
        for axis, n in enumerate(x.shape[2:], start=2):
            least = 2 * self.margin + 1
            least += self._missing(least)
            if n < least or self._missing(n) != 0:
                lower = n - (n - least) % self.grid
                near = f"{lower} and {lower + self.grid} are nearest" if n > least else f"the smallest is {least}"
                raise ShapeError(
                    f'axis {axis} of x, {tuple(x.shape)}, has {n} samples: with padding="valid" and depth '
                    f"{self.options['depth']} {self.grid}k + {self._offset() % self.grid} samples from {least} on are "
                    f'allowed, {near}; padding="mirror" takes any size'
                )


class Core(nn.Module):
    """The net itself, made of a `UNet`'s options; for sizes that all its maxima can halve."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        axes, depth, up, padding = (options[name] for name in ("axes", "depth", "up", "padding"))
        widths = [options["width"] * 2**level for level in range(depth + 1)]
        self.axes, self.resampling = axes, None if up == "transpose" else up
        self.lost = LOST if padding in ("valid", "mirror") else 0
        self.pool = getattr(layers, f"MaxPool{axes}d")(2)
        starts = [options["channels"], *widths[:-1]]
        self.down = nn.ModuleList(Block(a, b, options) for a, b in zip(starts[:-1], widths[:-1], strict=True))
        self.bottom = Block(starts[-1], widths[-1], options)
        # masks with a key belong to places on the lowest level's grid
        self.dropout = layers.Dropout(options["dropout"], grid=2**depth)
        enlarge = f"ConvTranspose{axes}d" if up == "transpose" else f"Conv{axes}d"
        taps: dict[str, int] = {"kernel_size": 2, "stride": 2} if up == "transpose" else {"kernel_size": 1}
        self.up = nn.ModuleList(getattr(layers, enlarge)(2 * w, w, **taps) for w in reversed(widths[:-1]))
        self.join = nn.ModuleList(Block(2 * w, w, options) for w in reversed(widths[:-1]))
        self.head = getattr(layers, f"Conv{axes}d")(widths[0], options["classes"], 1)
        self._start()

    def forward(self, x: Tensor) -> Tensor:
        """Scores for x of a fitting size."""
        bridges = []
        for block in self.down:
            x = block(x)
            bridges.append(x)
            x = self.pool(x)
        x = self.dropout(self.bottom(x))
        for up, join in zip(self.up, self.join, strict=True):
            # one tap and resampling commute, so the convolution runs on the small picture
            x, bridge = self._resampled(up(x)), bridges.pop()
            x = join(torch.cat([self._cut(bridge, x), x], dim=1))
        return self.head(x)

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resampling is None:
            return x
        if self.resampling == "nearest":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.interpolate(x, scale_factor=2, mode=LINEAR[self.axes - 1], align_corners=False)

    def _cut(self, bridge: Tensor, x: Tensor) -> Tensor:
        """The middle of a bridge, as large as x; both have grown of one grid, so what is cut is even."""
        if not self.lost:
            return bridge
        for axis in range(2, bridge.ndim):
            bridge = bridge.narrow(axis, (bridge.shape[axis] - x.shape[axis]) // 2, x.shape[axis])
        return bridge

    @torch.no_grad()
    def _start(self) -> None:
        """First weights: normal, of variance 2 / (taps x channels in), so that every ReLU sees variance 1."""
        for layer in self.modules():
            if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            elif isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
                # with stride 2 and 2 taps a result is one tap of every channel
                nn.init.normal_(layer.weight, std=(2 / layer.in_channels) ** 0.5)
            else:
                continue
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Block(nn.Module):
    """Two convolutions of 3 taps, each with norm and ReLU; with `residual` what comes in is added before the last."""

    def __init__(self, channels_in: int, channels_out: int, options: dict[str, Any]) -> None:
        super().__init__()
        axes, norm = options["axes"], options["norm"]
        conv = getattr(layers, f"Conv{axes}d")
        self.lost = LOST if options["padding"] in ("valid", "mirror") else 0
        # zeros are torch's own padding: faster than a boundary
        words: dict[str, Any] = {"padding": 0 if self.lost else 1, "bias": norm is None}
        if options["padding"] == "reflect":
            words["boundary"] = "reflect"
        self.first, self.second = (
            conv(channels_in, channels_out, 3, **words),
            conv(channels_out, channels_out, 3, **words),
        )
        self.first_norm, self.second_norm = _norm(norm, channels_out, axes), _norm(norm, channels_out, axes)
        self.shortcut: nn.Module | None = None
        if options["residual"]:
            self.shortcut = nn.Identity() if channels_in == channels_out else conv(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The input with other channels; smaller by 4 along each axis where nothing is padded."""
        y = F.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        if self.shortcut is not None:
            if self.lost:
                for axis in range(2, x.ndim):
                    x = x.narrow(axis, self.lost // 2, x.shape[axis] - self.lost)
            y = y + self.shortcut(x)
        return F.relu(y)


def _norm(norm: str | None, channels: int, axes: int) -> nn.Module:
    if norm is None:
        return nn.Identity()
    if norm == "group":
        return nn.GroupNorm(channels // GROUP if channels % GROUP == 0 else 1, channels)
    if norm == "instance":
        return getattr(nn, f"InstanceNorm{axes}d")(channels, affine=True)
    return getattr(nn, f"BatchNorm{axes}d")(channels)
