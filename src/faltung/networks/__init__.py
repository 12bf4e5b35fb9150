"""ConvNets, and calculators for any torch module: sizes as formulas, receptive fields, costs; nothing is run.

Names are loaded on first use: `import faltung.networks` does not load torch.
"""

from typing import TYPE_CHECKING

from ..lazy import on_first_use

if TYPE_CHECKING:
    from .convnet import ConvNet
    from .exported import read_exported
    from .fields import ReceptiveField, measure_receptive_field, receptive_field, receptive_positions
    from .formula import OutputSize, ValidSizes, output_size, valid_sizes
    from .gated import GatedConvNet, Stream
    from .inspection import Inspection, Layer, inspect
    from .saved import NETWORKS, Facts, Saved, load_model, save_model
    from .unet import UNet

_HOMES = {
    "convnet": ("ConvNet",),
    "exported": ("read_exported",),
    "fields": ("ReceptiveField", "measure_receptive_field", "receptive_field", "receptive_positions"),
    "formula": ("OutputSize", "ValidSizes", "output_size", "valid_sizes"),
    "gated": ("GatedConvNet", "Stream"),
    "inspection": ("Inspection", "Layer", "inspect"),
    "saved": ("NETWORKS", "Facts", "Saved", "load_model", "save_model"),
    "unet": ("UNet",),
}

__all__ = [
    "NETWORKS",
    "ConvNet",
    "Facts",
    "GatedConvNet",
    "Inspection",
    "Layer",
    "OutputSize",
    "ReceptiveField",
    "Saved",
    "Stream",
    "UNet",
    "ValidSizes",
    "inspect",
    "load_model",
    "measure_receptive_field",
    "output_size",
    "read_exported",
    "receptive_field",
    "receptive_positions",
    "save_model",
    "valid_sizes",
]

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES)
