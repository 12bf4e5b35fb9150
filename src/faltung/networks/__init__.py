"""ConvNets, and calculators for any torch module: sizes as formulas, receptive fields, costs; nothing is run.

Names are loaded on first use: `import faltung.networks` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

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
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.networks' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as missing:
        if missing.name not in ("torch", "safetensors"):
            raise
        raise MissingDependency(f'faltung.networks needs {missing.name}: pip install "faltung[nn]"') from missing
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
