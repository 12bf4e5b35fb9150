"""Layers on PyTorch.

| names | what they are |
|---|---|
| `Dropout`, `Dropout1d/2d/3d`, `AlphaDropout`, `FeatureAlphaDropout` | torch's dropout layers, with more options |
| `GaussianDropout`, `DropBlock1d/2d/3d`, `DropConnect`, `VariationalDropout` | dropout that torch has not |
| `Ramp`, `advance` | dropout whose rate changes while training |
| `monte_carlo`, `at`, `key_layers` | dropout in evaluation; masks that belong to places, equal in every tiling |

Names are loaded on first use, and torch with the first of them: `import faltung` stays without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

_HOMES = {
    "dropout.blocks": ("DropBlock1d", "DropBlock2d", "DropBlock3d"),
    "dropout.channels": ("Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"),
    "dropout.elements": ("AlphaDropout", "Dropout", "GaussianDropout"),
    "dropout.place": ("at", "key_layers"),
    "dropout.sampling": ("monte_carlo",),
    "dropout.schedule": ("Ramp", "advance"),
    "dropout.sequences": ("VariationalDropout",),
    "dropout.weights": ("DropConnect",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from .dropout.blocks import DropBlock1d, DropBlock2d, DropBlock3d
    from .dropout.channels import Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
    from .dropout.elements import AlphaDropout, Dropout, GaussianDropout
    from .dropout.place import at, key_layers
    from .dropout.sampling import monte_carlo
    from .dropout.schedule import Ramp, advance
    from .dropout.sequences import VariationalDropout
    from .dropout.weights import DropConnect

__all__ = [
    "AlphaDropout",
    "DropBlock1d",
    "DropBlock2d",
    "DropBlock3d",
    "DropConnect",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
    "GaussianDropout",
    "Ramp",
    "VariationalDropout",
    "advance",
    "at",
    "key_layers",
    "monte_carlo",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.nn' has no attribute {name!r}")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            f'faltung.nn.{name} needs torch, which is not installed: pip install "faltung[nn]"'
        ) from error
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
