"""Pictures bent as U-Net bent them, a coarse grid of random shifts, smoothly between its points; and read at places."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from ..arguments import integer, real
from ..data.examples import IGNORE
from ..errors import ParameterError, ShapeError


def elastic(
    x: Tensor, y: Tensor, generator: Generator, *, points: int = 3, sigma: float = 10.0, keep_mirrored: bool = False
) -> tuple[Tensor, Tensor]:
    """Move every place of a batch of pictures by a smooth random field, labels of places with it.

    Shifts are drawn for `points` x `points` places that span the picture, and bicubic in between. The result at p is x
    at p + shift(p): linear between the pixels of x, the nearest for labels. What comes from beyond the border is the
    mirror image, and its label becomes `data.IGNORE`, so that no net learns from places that were never seen.

    Args:
        x: (N, C, H, W), floating.
        y: (N,), which stays as it is, or (N, H, W), int64.
        generator: where the shifts come from, on the processor; nothing else is drawn from.
        points: along each axis, 2 or more.
        sigma: standard deviation of the shifts along each axis, in pixels.
        keep_mirrored: keep the labels of mirrored places, which are mirrored too.

    Returns:
        x and y of the same shapes and dtypes.

    Raises:
        ShapeError: x is no batch of pictures, or y does not belong to it.
        ParameterError: points or sigma is outside what it may be.

    Source: Ronneberger, Fischer and Brox 2015, arXiv 1505.04597, section 3.1: "a coarse 3 by 3 grid", normal with 10
    pixels standard deviation, bicubic.

    Example:
        >>> x, y = torch.rand(1, 1, 32, 32), torch.zeros(1, 32, 32, dtype=torch.long)
        >>> bent, labels = elastic(x, y, Generator().manual_seed(0), sigma=4)
        >>> bent.shape, sorted(labels.unique().tolist())
        (torch.Size([1, 1, 32, 32]), [-1, 0])
    """
    if x.ndim != 4:
        raise ShapeError(f"x has shape {tuple(x.shape)}: pictures (N, C, H, W) are bent; other axes are not")
    if tuple(y.shape) not in ((len(x),), (len(x), *x.shape[2:])):
        raise ShapeError(f"y has shape {tuple(y.shape)}, x {tuple(x.shape)}: (N,) or (N, H, W) is expected")
    if real("sigma", sigma) < 0:
        raise ParameterError(f"sigma={sigma!r}: 0 pixels or more is allowed")
    coarse = sigma * torch.randn(len(x), 2, *[integer("points", points, least=2)] * 2, generator=generator)
    return sampled(x, y, own_places(x) + smooth_field(coarse, x), keep_mirrored=keep_mirrored)


def own_places(x: Tensor) -> Tensor:
    """The place of each pixel, (2, H, W): row and column from 0, of the dtype and on the device of x (N, C, H, W)."""
    lines = [torch.arange(size, dtype=x.dtype, device=x.device) for size in x.shape[2:]]
    return torch.stack(torch.meshgrid(*lines, indexing="ij"))


def smooth_field(coarse: Tensor, x: Tensor) -> Tensor:
    """Shifts at a grid of points (N, 2, points, points) that spans x (N, C, H, W), bicubic in between; (N, 2, H, W)."""
    return F.interpolate(coarse, x.shape[2:], mode="bicubic", align_corners=True).to(x)


def sampled(x: Tensor, y: Tensor, places: Tensor, *, keep_mirrored: bool) -> tuple[Tensor, Tensor]:
    """What lies at the places: linear between pixels of x (N, C, H, W), the nearest of y (N, H, W), which may be (N,).

    Beyond the border lies the mirror image, with the outermost pixel twice.

    Args:
        places: (N, 2, H, W), row and column in pixels.
        keep_mirrored: keep the labels of mirrored places; else they become `data.IGNORE`.
    """
    sizes = x.shape[2:]
    # grid_sample wants (column, row), from -1 to 1 between the outer sides of the outermost pixels
    scaled = [(2 * places[:, i] + 1) / size - 1 for i, size in enumerate(sizes)]
    grid = torch.stack([scaled[1], scaled[0]], dim=-1)
    found = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    if y.ndim == 1:
        return found, y
    # float64 holds every label, float32 would not
    labels = F.grid_sample(
        y[:, None].double(), grid.double(), mode="nearest", padding_mode="reflection", align_corners=False
    )
    labels = labels[:, 0].to(y.dtype)
    if not keep_mirrored:
        outside = [(places[:, i] < -0.5) | (places[:, i] > size - 0.5) for i, size in enumerate(sizes)]
        labels = labels.masked_fill(outside[0] | outside[1], IGNORE)
    return found, labels
