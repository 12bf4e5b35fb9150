"""Networks trained: one config, exact resume, scores, and models that know how their inputs are scaled.

Names are loaded on first use: `import faltung.training` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from .bending import elastic
    from .borders import BorderWeights, border_weights
    from .config import Config
    from .evaluation import Evaluation, evaluate, predict
    from .loop import Epoch, Run, resume, train
    from .rates import RateSearch, find_rate
    from .tasks import Classification, Segmentation, Task

_HOMES = {
    "bending": ("elastic",),
    "borders": ("BorderWeights", "border_weights"),
    "config": ("Config",),
    "evaluation": ("Evaluation", "evaluate", "predict"),
    "loop": ("Epoch", "Run", "resume", "train"),
    "rates": ("RateSearch", "find_rate"),
    "tasks": ("Classification", "Segmentation", "Task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BorderWeights",
    "Classification",
    "Config",
    "Epoch",
    "Evaluation",
    "RateSearch",
    "Run",
    "Segmentation",
    "Task",
    "border_weights",
    "elastic",
    "evaluate",
    "find_rate",
    "predict",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.training' has no attribute {name!r}")
    try:
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
