"""Examples changed by lot, batch by batch; labels of places go along.

| name | what it does to each example |
|---|---|
| `flip` | mirrors the last axis, every second time |
| `flips` | mirrors each axis, every second time, for pictures without an up |
| `shift` | moves it by up to 10 % of its size, in whole pixels, by one at least where it moves |
| `rotate` | turns it by up to 15 degrees |
| `scale` | makes it up to 10 % smaller or larger |
| `elastic` | `training.elastic` with 4 x 4 points and a deviation of 2.5 % of the size, mirrored labels kept |
| `erase` | fills a rectangle with the mean, every second time (Zhong et al. 2017); its labels become `IGNORE` |
| `noise` | adds normal noise of a tenth of the standard deviation |
| `light` | changes contrast by up to 20 % and brightness by up to a fifth of the standard deviation |

All that moves places is one interpolation: linear for inputs, the nearest for labels, both mirrored at the border, so
that labels are right there too. Where `shift` is alone, nothing is interpolated, and pixels keep their values: half a
pixel aside, a linear interpolation is the mean of two, and takes the finest detail away.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from ..errors import ParameterError
from .bending import own_places, sampled, smooth_field
from .config import Augmentation
from .tasks import IGNORE

PLACES = ("shift", "rotate", "scale", "elastic")
"""What moves places."""


def check_augmentation(names: Sequence[Augmentation], num_axes: int) -> None:
    """Refuse what such inputs cannot undergo.

    Raises:
        ParameterError: a name that needs other axes.
    """
    for name in names:
        if name in ("rotate", "elastic") and num_axes != 2:
            raise ParameterError(f'augment="{name}" is for pictures, these inputs have {num_axes} axes: leave it out')
        if name in PLACES and num_axes > 2:
            raise ParameterError(f'augment="{name}" is for signals and pictures, not for {num_axes} axes: leave it out')


def augment(
    x: Tensor, y: Tensor, names: Sequence[Augmentation], generator: Generator, *, first: int = 0, total: int = 0
) -> tuple[Tensor, Tensor]:
    """Change a batch by lot.

    Args:
        x: (N, channels, *spatial), float, scaled to mean 0 and deviation 1.
        y: (N,) or (N, *spatial).
        names: what is done, as in the table above.
        generator: the lot, on the processor; the same state gives the same changes.
        first: place of these examples in a batch that several processes share.
        total: examples of that batch; 0 where it is this one. The lot is drawn for all of them.

    Returns:
        x and y of the same shapes.

    Example:
        >>> x, y = torch.arange(4.0).reshape(1, 1, 4), torch.zeros(1, dtype=torch.long)
        >>> sorted({tuple(augment(x, y, ["flip"], Generator().manual_seed(s))[0].flatten().tolist()) for s in range(9)})
        [(0.0, 1.0, 2.0, 3.0), (3.0, 2.0, 1.0, 0.0)]
    """
    total = total or len(x)
    num_axes = x.ndim - 2
    mine = slice(first, first + len(x))

    def draw(*shape: int, normal: bool = False) -> Tensor:
        # on the processor, so that the lot is the same on every device; from -1 to 1
        made = torch.randn if normal else torch.rand
        drawn = made(total, *shape, generator=generator)[mine].to(x.device)
        return drawn if normal else 2 * drawn - 1

    dense = y.ndim > 1
    for name in names:
        if name in ("flip", "flips"):
            for axis in range(1, num_axes + 1 if name == "flips" else 2):
                chosen = draw() < 0
                x = torch.where(chosen.reshape(-1, *[1] * (x.ndim - 1)), x.flip(-axis), x)
                if dense:
                    y = torch.where(chosen.reshape(-1, *[1] * (y.ndim - 1)), y.flip(-axis), y)
    if any(name in PLACES for name in names):
        x, y = _moved(x, y, names, draw)
    if "light" in names:
        factor, term = (draw(1, *[1] * num_axes) * 0.2 for _ in range(2))
        x = x * (1 + factor) + term
    if "noise" in names:
        x = x + 0.1 * draw(*x.shape[1:], normal=True)
    if "erase" in names:
        inside = _rectangles(x.shape[2:], draw)
        x = x.masked_fill(inside[:, None], 0.0)
        y = y.masked_fill(inside, IGNORE) if dense else y
    return x, y


def _moved(x: Tensor, y: Tensor, names: Sequence[str], draw: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
    """All moves as one set of places to read from."""
    n, sizes = len(x), x.shape[2:]
    # a signal is a picture of one row
    picture = x if len(sizes) == 2 else x[:, :, None]
    labels = y if y.ndim == 1 else y.reshape(n, *picture.shape[2:])
    angle = draw() * (math.pi / 12 if "rotate" in names else 0.0)
    zoom = 1 + draw() * (0.1 if "scale" in names else 0.0)
    shift = _whole_shifts(draw(2), picture.shape[2:]) * ("shift" in names)
    if {*names}.isdisjoint({"rotate", "scale", "elastic"}):
        moved, labels = _shifted(picture, labels, shift)
        return moved.reshape(x.shape), labels.reshape(y.shape)
    own = own_places(picture)
    middle = own.mean((1, 2), keepdim=True)
    row, column = own - middle
    cos, sin = (f(angle)[:, None, None] * zoom[:, None, None] for f in (torch.cos, torch.sin))
    places = torch.stack([sin * column + cos * row, cos * column - sin * row], 1) + middle + shift[:, :, None, None]
    if "elastic" in names:
        sigma = 0.025 * torch.tensor(picture.shape[2:], device=x.device)[:, None, None]
        places = places + smooth_field(draw(2, 4, 4, normal=True) * sigma, picture)
    moved, labels = sampled(picture, labels, places.to(x), keep_mirrored=True)
    return moved.reshape(x.shape), labels.reshape(y.shape)


def _whole_shifts(drawn: Tensor, sizes: Sequence[int]) -> Tensor:
    """Numbers (N, 2) from -1 to 1 as whole pixels along two axes, each number of pixels equally likely."""
    # of an axis of one place there is nowhere to go
    most = torch.tensor([max(1, size // 10) if size > 1 else 0 for size in sizes], device=drawn.device)
    return ((drawn + 1) / 2 * (2 * most + 1)).floor().clamp(max=2 * most) - most


def _shifted(x: Tensor, y: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Moved by whole pixels (N, 2), mirrored at the border."""
    for i, size in enumerate(x.shape[2:]):
        place = (torch.arange(size, device=x.device) + shift[:, i : i + 1].long()) % (2 * size)
        place = torch.minimum(place, 2 * size - 1 - place)
        view = [len(x), size if i == 0 else 1, size if i == 1 else 1]
        x = torch.take_along_dim(x, place.reshape(view)[:, None], 2 + i)
        if y.ndim > 1:
            y = torch.take_along_dim(y, place.reshape(view), 1 + i)
    return x, y


def _rectangles(sizes: Sequence[int], draw: Callable[..., Tensor]) -> Tensor:
    """For every second example a box of up to half of each axis, true inside; (N, *sizes)."""
    inside = (draw() < 0).reshape(-1, *[1] * len(sizes))
    for axis, size in enumerate(sizes):
        length = (draw() + 1) / 4 * size
        start = (draw() + 1) / 2 * (size - length)
        place = torch.arange(size, device=start.device) + 0.5
        within = (place >= start[:, None]) & (place < (start + length)[:, None])
        inside = inside & within.reshape(-1, *[size if i == axis else 1 for i in range(len(sizes))])
    return inside
