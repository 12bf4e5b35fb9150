"""Colour to grey, and opacity apart from colour."""

import numpy as np

from ..errors import ShapeError
from ..spec import Array

LUMA = (0.2126, 0.7152, 0.0722)
"""Rec. 709 weights of red, green and blue; they sum to 1, so white stays white."""


def to_grey(values: Array) -> Array:
    """The luma of a colour picture: 0.2126 R + 0.7152 G + 0.0722 B, of the stored (gamma-encoded) values.

    scikit-image weighs with 0.2125, 0.7154, 0.0721, OpenCV and Pillow with Rec. 601 (0.299, 0.587, 0.114).

    Args:
        values: (..., 3); integers of 8 and 16 bit are computed in float32, wider ones in float64. Not rounded.

    Returns:
        (...), on the scale of values: white is 255 in an 8-bit picture.

    Raises:
        ShapeError: the last axis is not red, green, blue.

    Source: Recommendation ITU-R BT.709-6, item 3.2.

    Example:
        >>> import numpy as np
        >>> to_grey(np.array([[[255, 255, 255], [0, 255, 0]]], np.uint8))
        array([[255.   , 182.376]], dtype=float32)
    """
    if values.ndim == 0 or values.shape[-1] != 3:
        raise ShapeError(
            f"to_grey needs (..., 3) for red, green, blue; got shape {values.shape}: a grey picture is grey"
        )
    dtype = values.dtype
    if dtype.kind not in "fc":
        dtype = np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
    red, green, blue = (values[..., i].astype(dtype) for i in range(3))
    # white first: R + w (G - R) + ... keeps equal channels exactly equal, a plain sum of products loses their last bit
    return red + dtype.type(LUMA[1]) * (green - red) + dtype.type(LUMA[2]) * (blue - red)


def split_alpha(values: Array, num_colours: int) -> tuple[Array, Array | None]:
    """(..., channels) as grey (...) or colour (..., 3), and the opacity (...) if there is one."""
    alpha = np.ascontiguousarray(values[..., num_colours]) if values.shape[-1] > num_colours else None
    colours = values[..., :num_colours]
    return np.ascontiguousarray(colours[..., 0] if num_colours == 1 else colours), alpha
