"""Networks trained: one config, exact resume, scores, and models that know how their inputs are scaled.

Names are loaded on first use: `import faltung.training` does not load torch.
"""

from typing import TYPE_CHECKING

from ..lazy import on_first_use

if TYPE_CHECKING:
    from . import recipes
    from .bending import elastic
    from .borders import BorderWeights, border_weights
    from .calibration import (
        ExpectedErrors,
        Reliability,
        RiskCoverage,
        Temperature,
        expected_errors,
        reliability,
        risk_coverage,
        temperature,
    )
    from .config import Config
    from .evaluation import Evaluation, evaluate, predict
    from .loop import Epoch, Run, resume, train
    from .rates import RateSearch, find_rate
    from .tasks import Classification, Segmentation, Task

_HOMES = {
    "bending": ("elastic",),
    "borders": ("BorderWeights", "border_weights"),
    "calibration": (
        "ExpectedErrors",
        "Reliability",
        "RiskCoverage",
        "Temperature",
        "expected_errors",
        "reliability",
        "risk_coverage",
        "temperature",
    ),
    "config": ("Config",),
    "evaluation": ("Evaluation", "evaluate", "predict"),
    "loop": ("Epoch", "Run", "resume", "train"),
    "rates": ("RateSearch", "find_rate"),
    "tasks": ("Classification", "Segmentation", "Task"),
}
_MODULES = ("recipes",)
"""Reached by their own name."""

__all__ = [
    "BorderWeights",
    "Classification",
    "Config",
    "Epoch",
    "Evaluation",
    "ExpectedErrors",
    "RateSearch",
    "Reliability",
    "RiskCoverage",
    "Run",
    "Segmentation",
    "Task",
    "Temperature",
    "border_weights",
    "elastic",
    "evaluate",
    "expected_errors",
    "find_rate",
    "predict",
    "recipes",
    "reliability",
    "resume",
    "risk_coverage",
    "temperature",
    "train",
]

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES, _MODULES)
