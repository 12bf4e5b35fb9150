"""Uncertainty: predictions with dropout on, at the cost of the layers behind it; and where samples disagree.

Names are loaded on first use: `import faltung.uncertainty` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from .generators import sample_seed
    from .passes import Sampling
    from .prediction import ClassPrediction, ValuePrediction, monte_carlo, sample_outputs
    from .tiled import monte_carlo_tiles

_HOMES = {
    "generators": ("sample_seed",),
    "passes": ("Sampling",),
    "prediction": ("ClassPrediction", "ValuePrediction", "monte_carlo", "sample_outputs"),
    "tiled": ("monte_carlo_tiles",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ClassPrediction",
    "Sampling",
    "ValuePrediction",
    "monte_carlo",
    "monte_carlo_tiles",
    "sample_outputs",
    "sample_seed",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.uncertainty' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise MissingDependency('faltung.uncertainty needs torch: pip install "faltung[nn]"') from missing
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
