"""Calculators for any torch module: output sizes as formulas, valid sizes, receptive fields, costs; nothing is run.

Names are loaded on first use: `import faltung.networks` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from .exported import read_exported
    from .fields import ReceptiveField, measure_receptive_field, receptive_field, receptive_positions
    from .formula import OutputSize, ValidSizes, output_size, valid_sizes
    from .gated import GatedConvNet, Stream
    from .inspection import Inspection, Layer, inspect

_HOMES = {
    "exported": ("read_exported",),
    "fields": ("ReceptiveField", "measure_receptive_field", "receptive_field", "receptive_positions"),
    "formula": ("OutputSize", "ValidSizes", "output_size", "valid_sizes"),
    "gated": ("GatedConvNet", "Stream"),
    "inspection": ("Inspection", "Layer", "inspect"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "GatedConvNet",
    "Inspection",
    "Layer",
    "OutputSize",
    "ReceptiveField",
    "Stream",
    "ValidSizes",
    "inspect",
    "measure_receptive_field",
    "output_size",
    "read_exported",
    "receptive_field",
    "receptive_positions",
    "valid_sizes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.networks' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise MissingDependency('faltung.networks needs torch: pip install "faltung[nn]"') from missing
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
