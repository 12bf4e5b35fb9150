"""ConvNets that say what a picture, a signal or a volume shows: convolutions in stages, a mean over places, answers."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from torch import Tensor, nn

from .. import nn as layers
from ..arguments import check_choice, entries, integer, real
from ..errors import ParameterError, ShapeError

Pool = Literal["max", "mean"]


class ConvNet(nn.Module):
    """A convolutional network that sorts its input into classes.

    What it is made of, from the input to the answers:

    - Convolution: each of its maps is the input, weighed by one small kernel at every place. A feature is found
      wherever it lies, with few numbers to learn.
    - Batch norm: every map is brought to mean 0 and variance 1 over the batch, then scaled and shifted by two learned
      numbers, so that training is quick and steady.
    - ReLU, max(x, 0): without it all layers together would be one convolution.
    - Pooling, between stages: the largest (or mean) value of 2 places along each axis. The exact place matters less,
      the next kernels see twice as far, and a map of a picture costs a quarter.
    - Global mean of every map: an input of any size ends in as many numbers as there are maps.
    - Dropout: in training a part of these numbers is deleted, so that none can rely on one other.
    - Linear layer: one weighted sum for every class; the larger, the likelier.

    A stage is one or more convolutions at one resolution. Early stages see edges and lines, later ones, whose fields
    are wider and whose maps are more and smaller, see parts and whole things; `faltung.networks.inspect` shows how far
    each layer sees, `valid_sizes` which inputs fit.

    With `dims=1` the same layers read signals (`ConvNet.for_signals` has the layers of a published network), with
    `dims=3` volumes. Without the mean and the last layer, `stages` give maps for other ends: segmentation, detection.

    Args:
        channels: of the input: 1 for grey, 3 for colours, one for each sensor.
        classes: how many answers.
        dims: axes convolved: 1 for signals, 2 for pictures, 3 for volumes.
        widths: for each stage the number of maps after each of its convolutions.
        kernels: side of the kernels: one number for all, or one for each convolution, in their order. Zeros lie around
            the input, so that a convolution keeps its size; an even kernel has one more place after than before.
        pool: how stages are joined: `"max"` or `"mean"` of every 2 places along each axis; one left over is dropped.
        dropout: share of the means that is deleted in training before the last layer.
        map_dropout: share of the maps that is deleted in training after each stage, as a whole.

    Attributes:
        options: all arguments, as JSON knows them: `type(net)(**net.options)` is a net of the same structure.
        min_size: the least number of places along each axis: 2 for every stage after the first, multiplied.
        stages: the convolutions and poolings, (N, channels, *sizes) to (N, maps, *smaller sizes).

    Raises:
        ParameterError: a number outside what it may be; the message says what is allowed.
        ShapeError: an input of other axes or channels, or smaller than `min_size`.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition" (convolution and pooling);
    Ioffe and Szegedy 2015, "Batch normalization"; Lin, Chen and Yan 2014, "Network in network" (the global mean).

    Example:
        >>> import torch
        >>> net = ConvNet(channels=1, classes=10, widths=((16,), (32,), (64, 96)))
        >>> net(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 10])
        >>> net.num_parameters
        79866
        >>> from faltung.networks import receptive_field
        >>> str(receptive_field(net.stages.eval(), (1, 1, 28, 28))[0])
        '26'
    """

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        dims: int = 2,
        widths: Sequence[Sequence[int]] = ((16,), (32,), (64, 96)),
        kernels: int | Sequence[int] = 3,
        pool: Pool = "max",
        dropout: float = 0.0,
        map_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        channels, classes, dims = (
            integer(name, value, least=1)
            for name, value in (("channels", channels), ("classes", classes), ("dims", dims))
        )
        if dims > 3:
            raise ParameterError(f"dims={dims}: a net convolves 1, 2 or 3 axes")
        check_choice("pool", pool, ("max", "mean"))
        stages = _widths(widths)
        sides = _kernels(kernels, sum(map(len, stages)))
        rates = {name: _rate(name, value) for name, value in (("dropout", dropout), ("map_dropout", map_dropout))}
        self.options: dict[str, Any] = {
            "channels": channels,
            "classes": classes,
            "dims": dims,
            "widths": stages,
            "kernels": kernels if isinstance(kernels, int) else sides,
            "pool": pool,
            **rates,
        }
        self.min_size = 2 ** (len(stages) - 1)
        self.num_axes = dims
        self.stages = nn.Sequential()
        remaining = iter(sides)
        for number, maps in enumerate(stages):
            stage = nn.Sequential()
            if number:
                stage.append(getattr(layers, f"{'Max' if pool == 'max' else 'Avg'}Pool{dims}d")(2))
            for width in maps:
                stage.extend(_convolution(dims, channels, width, next(remaining)))
                channels = width
            if map_dropout:
                stage.append(getattr(layers, f"Dropout{dims}d")(map_dropout))
            self.stages.append(stage)
        self.dropout = layers.Dropout(dropout)
        self.classifier = nn.Linear(channels, classes)

    @classmethod
    def for_signals(cls, *, channels: int = 1, classes: int, dropout: float = 0.0) -> Self:
        """The fully convolutional net for signals: 128, 256 and 128 maps, kernels of 8, 5 and 3, one stage.

        Nothing shrinks before the global mean, so signals may be as short as one sample, and every sample votes.

        Args:
            channels: of the signal, one for each sensor.
            classes: how many answers.
            dropout: as in the class; the published net has none.

        Source: Wang, Yan and Oates 2017, "Time series classification from scratch with deep neural networks", IJCNN.

        Example:
            >>> import torch
            >>> net = ConvNet.for_signals(classes=6)
            >>> net(torch.zeros(2, 1, 427)).shape, net.num_parameters
            (torch.Size([2, 6]), 264966)
        """
        return cls(
            channels=channels, classes=classes, dims=1, widths=((128, 256, 128),), kernels=(8, 5, 3), dropout=dropout
        )

    @property
    def num_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(weights.numel() for weights in self.parameters())

    def features(self, x_NCS: Tensor) -> Tensor:
        """What the last layer sees: the mean of every map, (N, maps).

        Args:
            x_NCS: float, (N, channels, *sizes).
        """
        if x_NCS.ndim != self.num_axes + 2:
            sizes = ("length", "rows, columns", "planes, rows, columns")[self.num_axes - 1]
            raise ShapeError(
                f"x has {x_NCS.ndim} axes, this net takes {self.num_axes + 2}: (number, channels, {sizes}); "
                "a single one goes in as x[None]"
            )
        return self.stages(x_NCS).flatten(2).mean(2)

    def forward(self, x_NCS: Tensor) -> Tensor:
        """Answers (N, classes), before softmax, of x (N, channels, *sizes)."""
        return self.classifier(self.dropout(self.features(x_NCS)))


def _convolution(dims: int, channels: int, width: int, side: int) -> list[nn.Module]:
    """One convolution that keeps the size, its norm and its ReLU."""
    parts: list[nn.Module] = []
    if side % 2 == 0:
        # torch warns of "same" where it is not the same on both sides
        parts.append((nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)[dims - 1](((side - 1) // 2, side // 2) * dims))
    convolution = getattr(layers, f"Conv{dims}d")(
        channels,
        width,
        side,
        padding=side // 2 if side % 2 else 0,
        # the norm that follows takes any constant away
        bias=False,
        # torch sums channels anyway. In a first layer on one channel our loops would cost copies to and from the layout
        # in which channels are last: 16 maps of 128 x 28 x 28 in bfloat16 13.5 ms to 10.9
        method="torch",
    )
    # half of what comes out of a ReLU is 0; weights this much larger keep the variance from layer to layer
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[dims - 1](width)
    return [*parts, convolution, norm, nn.ReLU(inplace=True)]


def _widths(widths: Any) -> list[list[int]]:
    stages = entries(widths) or []
    found = [entries(maps) for maps in stages]
    if not found or not all(found):
        raise ParameterError(
            f"widths={widths!r}: for each stage the maps after each convolution are expected, e.g. ((16,), (32, 32))"
        )
    return [[integer("widths", width, least=1) for width in maps or ()] for maps in found]


def _kernels(kernels: Any, count: int) -> list[int]:
    sides = entries(kernels)
    if sides is None:
        sides = [kernels] * count
    if len(sides) != count:
        raise ParameterError(
            f"kernels={kernels!r} has {len(sides)} entries for {count} convolutions: give one for all, or one for each"
        )
    return [integer("kernels", side, least=1) for side in sides]


def _rate(name: str, value: Any) -> float:
    rate = real(name, value)
    if not 0 <= rate < 1:
        raise ParameterError(f"{name}={rate:g}: a share from 0 to below 1 is expected")
    return rate
