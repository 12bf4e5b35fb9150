"""Weights that teach a network the thin background between things that touch, as U-Net had them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import positive, real
from ..data.instances import connected_parts
from ..errors import DtypeError, ParameterError
from ..spec import Array

if TYPE_CHECKING:
    from torch import Tensor


def border_weights(
    instances: Array, *, w0: float = 10.0, sigma: float = 5.0, class_weights: tuple[float, float] | None = None
) -> Array:
    """How much each place should count in the loss, so that narrow gaps between things are learnt.

        w = wc + w0 exp(-(d1 + d2)^2 / (2 sigma^2))

    with d1 and d2 the Euclidean distances to the nearest thing and to the second nearest. The second term is that of
    the background; on things, and where there are fewer than two, it is 0.

    Args:
        instances: integers (*spatial) of one picture; 0 is background, every other number one thing, negative ones are
            unknown: they are no thing, and get 0.
        w0: weight added where two things meet.
        sigma: in pixels, how far that reaches.
        class_weights: wc of background and of things; None takes half the inverse of each one's share of the known
            places, so that both count alike and the mean is 1.

    Returns:
        float32, of the shape of instances.

    Raises:
        DtypeError: instances are no integers.
        ParameterError: sigma is not positive, or w0 is negative.

    Source: Ronneberger, Fischer and Brox 2015, arXiv 1505.04597, equation 2, with its w0 = 10 and sigma = 5.

    Example:
        >>> import numpy as np
        >>> things = np.array([[1, 1, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0]])
        >>> print(border_weights(things, class_weights=(1, 1)).round(1))
        [[ 1.   1.  10.2  1.   1.   7.1  4.8  3.   1.9  1.3  1.1  1.   1. ]]
    """
    from scipy import ndimage

    things = np.asarray(instances)
    if things.dtype.kind not in "iu":
        raise DtypeError(f"instances are {things.dtype}: integers are needed, a number for each thing")
    positive("sigma", sigma)
    if real("w0", w0) < 0:
        raise ParameterError(f"w0={w0!r}: 0 or more is allowed")
    weights = _class_part(things, class_weights)
    # the smallest two of all distances so far
    nearest = np.full((2, *things.shape), np.inf)
    for number in np.unique(things[things > 0]):
        distance = np.asarray(ndimage.distance_transform_edt(things != number))
        nearest[1] = np.minimum(nearest[1], np.maximum(nearest[0], distance))
        nearest[0] = np.minimum(nearest[0], distance)
    border = w0 * np.exp(-(nearest.sum(0) ** 2) / (2 * sigma**2))
    return (weights + np.where(things == 0, border, 0)).astype(np.float32)


def _class_part(things: Array, class_weights: tuple[float, float] | None) -> Array:
    known = things >= 0
    if class_weights is None:
        shares = [np.count_nonzero(things[known] > 0 if on else things[known] == 0) for on in (False, True)]
        total = np.count_nonzero(known)
        # of a picture that is all background, or all one thing, every place counts 1
        class_weights = (1.0, 1.0) if 0 in shares else (total / (2 * shares[0]), total / (2 * shares[1]))
    return np.where(known, np.where(things > 0, class_weights[1], class_weights[0]), 0.0)


@dataclass(frozen=True)
class BorderWeights:
    """`border_weights` of labels in a batch, as `place_weights=` of `training.Segmentation` wants them.

    Things are the connected parts (with 8 neighbours in pictures) of what is no background, so things that touch need a
    line of background between them: `data.part_instances` draws it. A thing that a crop cuts off counts as it is seen.

    Attributes:
        w0, sigma, class_weights: as in `border_weights`; here every class counts alike unless something else is said.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[1, 0, 1]]])
        >>> BorderWeights()(labels)
        tensor([[[ 1.0000, 10.2312,  1.0000]]])
    """

    w0: float = 10.0
    sigma: float = 5.0
    class_weights: tuple[float, float] | None = (1.0, 1.0)

    def __call__(self, y: "Tensor") -> "Tensor":
        """Weights of labels (N, *spatial), where 0 is background and -1 unknown; float32, same shape and device."""
        import torch

        rows = []
        for labels in y.cpu().numpy():
            things = connected_parts(labels > 0)
            things[labels < 0] = -1
            rows.append(border_weights(things, w0=self.w0, sigma=self.sigma, class_weights=self.class_weights))
        return torch.from_numpy(np.stack(rows)).to(y.device)
