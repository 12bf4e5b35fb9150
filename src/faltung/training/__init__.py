"""Networks trained: one config, exact resume, scores, and models that know how their inputs are scaled.

Names are loaded on first use: `import faltung.training` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from . import recipes
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
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'faltung.training' has no attribute {name!r}")
    try:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("torch", "lightning_fabric", "torchmetrics", "safetensors"):
            raise
        raise MissingDependency(
            f'faltung.training needs {missing.name}, which is not installed: pip install "faltung[nn]"'
        ) from missing
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
