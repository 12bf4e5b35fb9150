"""All that can be said of a network without running it: layers, sizes, receptive fields, costs, memory, formulas."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from ..errors import FaltungError, ShapeError
from .fields import ReceptiveField, as_field
from .formula import OutputSize, check_shape, output_size
from .memory import peak_bytes
from .operations import words
from .recording import Recording, record

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True)
class Layer:
    """One operation of a network, in the order of the run.

    Attributes:
        path: of the module that calls it, e.g. "decoder.2.conv"; "" is the network itself.
        operation: torch's name, e.g. "conv2d".
        shape: of what it gives.
        fields: its receptive field along each spatial axis of the input, in pixels.
        parameters: numbers trained that are met here first; a layer used again counts 0.
        multiplies: multiply-adds of convolutions and matrix products.
        num_bytes: of what it gives; 0 where it writes into its input or only looks at it in another way.
    """

    path: str
    operation: str
    shape: tuple[int, ...]
    fields: tuple[ReceptiveField, ...]
    parameters: int
    multiplies: int
    num_bytes: int


@dataclass(frozen=True)
class Inspection:
    """A network, seen from outside; `str` prints it as a table.

    Attributes:
        name: the network's class.
        input_shape: (batch, channels, *spatial).
        layers: in the order of the run.
        shapes: of the tensors returned.
        parameters: numbers trained, in all of the module.
        unused: of these, not met in the run.
        multiplies: multiply-adds of one run.
        sum_bytes: of all results of layers: what training keeps, about.
        peak_bytes: of the tensors alive at once, at most, input counted: what prediction needs besides the weights.
        sizes: for each spatial axis the output's shape as a formula of that axis's size, the others as given.
        remark: what a reader may not expect; mostly empty.
    """

    name: str
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    shapes: tuple[tuple[int, ...], ...]
    parameters: int
    unused: int
    multiplies: int
    sum_bytes: int
    peak_bytes: int
    sizes: tuple[OutputSize, ...]
    remark: str = ""

    @property
    def axes(self) -> tuple[str, ...]:
        """What the spatial axes are called."""
        count = len(self.input_shape) - 2
        return AXES.get(count, tuple(f"axis {i + 2}" for i in range(count)))

    def facts(self) -> list[tuple[str, str]]:
        """What holds for the whole, as rows of a name and a value."""
        rows = [
            ("network", f"{self.name}, input {words(self.input_shape)}"),
            *([("remark", self.remark)] if self.remark else []),
            ("output", " and ".join(words(shape) for shape in self.shapes)),
            ("parameters", f"{self.parameters:,}" + (f", {self.unused:,} of them unused" if self.unused else "")),
            ("multiply-adds", f"{self.multiplies:,}"),
            ("memory", f"{_bytes(self.peak_bytes)} at once, {_bytes(self.sum_bytes)} in all layers"),
        ]
        for axis, size in zip(self.axes, self.sizes, strict=True):
            rows += [(f"output for {axis} n", str(size)), (f"valid {axis}", str(size.valid))]
        return rows

    def rows(self) -> list[tuple[str, ...]]:
        """The layers as rows of words, under `HEADER`."""
        return [
            (
                layer.path or f"({self.name})",
                layer.operation,
                words(layer.shape),
                _joined([str(field) for field in layer.fields]),
                _joined([str(field.stride) for field in layer.fields]),
                f"{layer.parameters:,}" if layer.parameters else "-",
                f"{layer.multiplies:,}" if layer.multiplies else "-",
                _bytes(layer.num_bytes),
            )
            for layer in self.layers
        ]

    def __str__(self) -> str:
        table = [HEADER, *self.rows()]
        widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        name = max(len(word) for word, _ in self.facts()) + 2
        return "\n".join(
            [line.rstrip() for line in lines] + [""] + [f"{word:<{name}}{value}" for word, value in self.facts()]
        )


HEADER = ("layer", "operation", "output", "field", "stride", "parameters", "multiplies", "memory")


def inspect(module: nn.Module, input_shape: Sequence[int]) -> Inspection:
    """Sizes, receptive fields, parameters, multiply-adds and memory of every layer, and formulas for the whole.

    The network is not run, its weights are not read: the forward pass is followed on shapes alone, so functional calls,
    repeated modules and skips are seen as they happen.

    Args:
        module: any module that takes one tensor.
        input_shape: (batch, channels, *spatial).

    Returns:
        The layers as data, which print as a table.

    Raises:
        ShapeError: a layer does not take what it gets; the message names it by its path and says which sizes fit.
        ParameterError: the module does something that cannot be followed.

    Example:
        >>> from torch import nn
        >>> import faltung as ft
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2))
        >>> print(ft.networks.inspect(net, (1, 3, 32, 32)))
        layer  operation   output     field  stride  parameters  multiplies    memory
        0      conv2d      1x8x30x30      3       1         224     194,400  28.1 KiB
        1      relu        1x8x30x30      3       1           -           -  28.1 KiB
        2      max_pool2d  1x8x15x15      4       2           -           -  7.03 KiB
        <BLANKLINE>
        network              Sequential, input 1x3x32x32
        output               1x8x15x15
        parameters           224
        multiply-adds        194,400
        memory               68.2 KiB at once, 63.3 KiB in all layers
        output for height n  (1, 8, floor(n/2) - 1, 15)
        valid height         any size >= 4
        output for width n   (1, 8, 15, floor(n/2) - 1)
        valid width          any size >= 4
    """
    shape = check_shape(input_shape)
    try:
        recording = record(module, shape)
    except ShapeError as error:
        raise ShapeError(f"{error}{_cure(module, shape)}") from error
    sizes = tuple(
        output_size(module, [None if i == axis else n for i, n in enumerate(shape)]) for axis in recording.axes
    )
    used = sum(step.parameters for step in recording.steps)
    total = sum(p.numel() for p in module.parameters())
    return Inspection(
        name=recording.name,
        input_shape=shape,
        layers=tuple(
            Layer(
                path=step.path,
                operation=step.operation,
                shape=step.shape,
                fields=tuple(as_field(field) for field in step.fields),
                parameters=step.parameters,
                multiplies=step.multiplies,
                num_bytes=step.num_bytes,
            )
            for step in recording.steps
        ),
        shapes=tuple(recording.shapes[number] for number in recording.outputs),
        parameters=total,
        unused=total - used,
        multiplies=sum(step.multiplies for step in recording.steps),
        sum_bytes=sum(step.num_bytes for step in recording.steps),
        peak_bytes=peak_bytes(recording, keeps_input=True),
        sizes=sizes,
        remark=_remark(recording),
    )


def _remark(recording: Recording) -> str:
    """Batch norm while training makes every place depend on the whole batch."""
    for step in recording.steps:
        if step.operation == "batch_norm" and any(axis is None for axis, _ in step.moves[0]):
            return f"{step.name} uses the statistics of the batch, so it sees all of it; module.eval() for prediction"
    return ""


def _cure(module: nn.Module, shape: tuple[int, ...]) -> str:
    """Which sizes would fit, if the shape's spatial sizes are what is wrong."""
    if len(shape) < 3:
        return ""
    try:
        size = output_size(module, (*shape[:2], *[None] * (len(shape) - 2)))
    except FaltungError:
        return ""
    names = " = ".join(AXES.get(len(shape) - 2, ("every axis",)))
    return f"; {names} that fit the network: {size.valid}"


def _joined(entries: Sequence[str]) -> str:
    """One word where all axes are alike."""
    return entries[0] if len(set(entries)) == 1 else " x ".join(entries) if entries else "-"


def _bytes(number: int) -> str:
    """`28.1 KiB`."""
    if number < 1024:
        return f"{number} B" if number else "-"
    power = min((number.bit_length() - 1) // 10, 4)
    return f"{number / 1024**power:.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
