"""Masks of pictures that are too large for memory, part by part."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DtypeError, ParameterError
from ..networks.saved import BYTES
from ..tiling.files import apply_file, opened
from .screen import progress_lines

if TYPE_CHECKING:
    from ..networks import Saved

COUNTED = 2**24
"""Places of a mask that are counted at a time."""


class Masking(nn.Module):
    """A network that takes bytes as they lie in a file, and gives the grey level of the best class at each place.

    Args:
        saved: a network that answers place by place, and how its inputs are scaled.
    """

    def __init__(self, saved: "Saved") -> None:
        super().__init__()
        facts = saved.facts
        shape = (1, -1, *[1] * (len(facts.input_shape) - 1))
        channels = facts.input_shape[0]
        mean = torch.tensor(facts.mean or [0.0] * channels).reshape(shape)
        std = torch.tensor(facts.std or [1.0] * channels).reshape(shape)
        self.net = saved.model
        # as Facts.prepare does it, to the bit
        self.register_buffer("shift", -mean / std)
        self.register_buffer("factor", 1 / (std * facts.scale))
        self.step = 255 / (len(facts.classes) - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Grey levels, uint8 (N, rows, columns), of x (N, channels, rows, columns) from 0 to 255."""
        scores: Tensor = self.net(torch.addcmul(self.shift, x, self.factor))
        return (scores.argmax(1).double() * self.step).round().to(torch.uint8)


def mask_file(saved: "Saved", source: Path, target: Path) -> list[float]:
    """Mask one picture, tile by tile.

    Args:
        saved: a network that answers place by place.
        source: .tif, .npy or .zarr of bytes.
        target: .tif, .npy or .zarr; gets grey levels as `faltung predict` writes them.

    Returns:
        By class, its share of the places.

    Raises:
        DtypeError: the file does not hold bytes, or the network was not trained with them.
        ParameterError: the network cannot be run in tiles (the message says why), or does not keep the size.
        FileError: a file cannot be read or written, or is of another kind.
        ShapeError: the picture has not as many channels as the network takes.
    """
    facts = saved.facts
    if facts.scale != BYTES or len(facts.input_shape) != 3:
        raise DtypeError(f"{source}: only networks trained with pictures of bytes mask part by part: give -o a folder")
    with opened(source) as x:
        if x.dtype != np.uint8:
            raise DtypeError(f"{source}: holds {x.dtype}, the network was trained with bytes, 0 to 255: convert it")
    net = Masking(saved).eval()
    with progress_lines("predict") as say:
        tenths: list[int] = []

        def tell(done: int, total: int) -> None:
            if 10 * done // total > len(tenths):
                tenths.append(done)
                say(f"{done} of {total} tiles")

        found = apply_file(net, source, target, channels=facts.input_shape[0], scale=1.0, progress=tell)
    if found.output_shapes[0][1:] != found.input_shape[2:]:
        target.unlink()
        raise ParameterError(
            f"the network's answer has {found.output_shapes[0][1:]} places, the picture {found.input_shape[2:]}: only"
            " networks that keep the size can mask a picture"
        )
    levels = np.rint(np.linspace(0, 255, len(facts.classes))).astype(np.uint8)
    return [float(share) for share in _histogram(target)[levels]]


def _histogram(path: Path) -> Any:
    """Of a file of bytes, the share of each value; read a few rows at a time."""
    counts = np.zeros(256, np.int64)
    with opened(path) as mask:
        rows = max(1, COUNTED // mask.shape[1])
        for first in range(0, mask.shape[0], rows):
            counts += np.bincount(np.asarray(mask[first : first + rows]).ravel(), minlength=256)
    return counts / counts.sum()
