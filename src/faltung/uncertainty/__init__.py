"""Uncertainty: predictions with dropout on, at the cost of the layers behind it; and where samples disagree.

Names are loaded on first use: `import faltung.uncertainty` does not load torch.
"""

from typing import TYPE_CHECKING

from ..lazy import on_first_use

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

__all__ = [
    "ClassPrediction",
    "Sampling",
    "ValuePrediction",
    "monte_carlo",
    "monte_carlo_tiles",
    "sample_outputs",
    "sample_seed",
]

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES)
