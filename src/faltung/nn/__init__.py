"""Layers on PyTorch.

| names | what they are |
|---|---|
| `Conv1d/2d/3d`, `ConvTranspose1d/2d/3d` | torch's convolutions, with any boundary, faster where our loops are |
| `DepthwiseConv1d/2d/3d`, `LongConv1d` | a kernel for each channel; kernels as long as the signal |
| `CausalConv1d`, `GatedConv1d` | layers that do not look ahead, and run on streams, exactly |
| `MaxPool`, `AvgPool`, `LPPool`, `GlobalMaxPool`, `GlobalAvgPool`, `GlobalLPPool`, each 1d/2d/3d | pooling |
| `AdaptiveMaxPool`, `AdaptiveAvgPool`, `MaxUnpool`, each 1d/2d/3d | torch's own, for one import |
| `Dropout`, `Dropout1d/2d/3d`, `AlphaDropout`, `FeatureAlphaDropout` | torch's dropout layers, with more options |
| `GaussianDropout`, `DropBlock1d/2d/3d`, `DropConnect`, `VariationalDropout` | dropout that torch has not |
| `Ramp`, `advance` | dropout whose rate changes while training |
| `monte_carlo`, `at`, `key_layers` | dropout in evaluation; masks that belong to places, equal in every tiling |
| `functional` | the same as functions, with the signatures of torch.nn.functional |
| `replace`, `Replacement`, `Swap` | a network's layers exchanged where that is faster |

Names are loaded on first use, and torch with the first of them: `import faltung` stays without.
"""

from typing import TYPE_CHECKING

from ..lazy import on_first_use

_HOMES = {
    "causal": ("CausalConv1d", "GatedConv1d", "LongConv1d"),
    "convolution": (
        "Conv1d",
        "Conv2d",
        "Conv3d",
        "ConvTranspose1d",
        "ConvTranspose2d",
        "ConvTranspose3d",
        "DepthwiseConv1d",
        "DepthwiseConv2d",
        "DepthwiseConv3d",
    ),
    "dropout.blocks": ("DropBlock1d", "DropBlock2d", "DropBlock3d"),
    "dropout.channels": ("Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"),
    "dropout.elements": ("AlphaDropout", "Dropout", "GaussianDropout"),
    "dropout.place": ("at", "key_layers"),
    "dropout.sampling": ("monte_carlo",),
    "dropout.schedule": ("Ramp", "advance"),
    "dropout.sequences": ("VariationalDropout",),
    "dropout.weights": ("DropConnect",),
    "pooling": (
        "AvgPool1d",
        "AvgPool2d",
        "AvgPool3d",
        "GlobalAvgPool1d",
        "GlobalAvgPool2d",
        "GlobalAvgPool3d",
        "GlobalLPPool1d",
        "GlobalLPPool2d",
        "GlobalLPPool3d",
        "GlobalMaxPool1d",
        "GlobalMaxPool2d",
        "GlobalMaxPool3d",
        "LPPool1d",
        "LPPool2d",
        "LPPool3d",
        "MaxPool1d",
        "MaxPool2d",
        "MaxPool3d",
    ),
    "replacement": ("Replacement", "Swap", "replace"),
    # nothing is to be added to these
    "torch.nn": (
        "AdaptiveAvgPool1d",
        "AdaptiveAvgPool2d",
        "AdaptiveAvgPool3d",
        "AdaptiveMaxPool1d",
        "AdaptiveMaxPool2d",
        "AdaptiveMaxPool3d",
        "MaxUnpool1d",
        "MaxUnpool2d",
        "MaxUnpool3d",
    ),
}
_MODULES = ("functional",)
"""Reached by their own name."""

if TYPE_CHECKING:
    from torch.nn import (
        AdaptiveAvgPool1d,
        AdaptiveAvgPool2d,
        AdaptiveAvgPool3d,
        AdaptiveMaxPool1d,
        AdaptiveMaxPool2d,
        AdaptiveMaxPool3d,
        MaxUnpool1d,
        MaxUnpool2d,
        MaxUnpool3d,
    )

    from . import functional
    from .causal import CausalConv1d, GatedConv1d, LongConv1d
    from .convolution import (
        Conv1d,
        Conv2d,
        Conv3d,
        ConvTranspose1d,
        ConvTranspose2d,
        ConvTranspose3d,
        DepthwiseConv1d,
        DepthwiseConv2d,
        DepthwiseConv3d,
    )
    from .dropout.blocks import DropBlock1d, DropBlock2d, DropBlock3d
    from .dropout.channels import Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
    from .dropout.elements import AlphaDropout, Dropout, GaussianDropout
    from .dropout.place import at, key_layers
    from .dropout.sampling import monte_carlo
    from .dropout.schedule import Ramp, advance
    from .dropout.sequences import VariationalDropout
    from .dropout.weights import DropConnect
    from .pooling import (
        AvgPool1d,
        AvgPool2d,
        AvgPool3d,
        GlobalAvgPool1d,
        GlobalAvgPool2d,
        GlobalAvgPool3d,
        GlobalLPPool1d,
        GlobalLPPool2d,
        GlobalLPPool3d,
        GlobalMaxPool1d,
        GlobalMaxPool2d,
        GlobalMaxPool3d,
        LPPool1d,
        LPPool2d,
        LPPool3d,
        MaxPool1d,
        MaxPool2d,
        MaxPool3d,
    )
    from .replacement import Replacement, Swap, replace

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "CausalConv1d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "DepthwiseConv1d",
    "DepthwiseConv2d",
    "DepthwiseConv3d",
    "DropBlock1d",
    "DropBlock2d",
    "DropBlock3d",
    "DropConnect",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
    "GatedConv1d",
    "GaussianDropout",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalAvgPool3d",
    "GlobalLPPool1d",
    "GlobalLPPool2d",
    "GlobalLPPool3d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GlobalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LongConv1d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Ramp",
    "Replacement",
    "Swap",
    "VariationalDropout",
    "advance",
    "at",
    "functional",
    "key_layers",
    "monte_carlo",
    "replace",
]

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES, _MODULES)
