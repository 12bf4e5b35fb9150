"""Language models of gated convolutions: trained on a text, going on with one, saying how likely one is.

Names are loaded on first use: `import faltung.text` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from .language_model import LanguageModel
    from .reading import read_text
    from .sampling import probabilities
    from .scoring import LineScore, Score, WordScore, token_nats
    from .training import NextToken, TextRun, Windows, new_net, resume_text, train_text
    from .vocabulary import Encoded, Vocabulary

_HOMES = {
    "language_model": ("LanguageModel",),
    "reading": ("read_text",),
    "sampling": ("probabilities",),
    "scoring": ("LineScore", "Score", "WordScore", "token_nats"),
    "training": ("NextToken", "TextRun", "Windows", "new_net", "resume_text", "train_text"),
    "vocabulary": ("Encoded", "Vocabulary"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Encoded",
    "LanguageModel",
    "LineScore",
    "NextToken",
    "Score",
    "TextRun",
    "Vocabulary",
    "Windows",
    "WordScore",
    "new_net",
    "probabilities",
    "read_text",
    "resume_text",
    "token_nats",
    "train_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.text' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as missing:
        if missing.name not in ("torch", "safetensors", "lightning_fabric"):
            raise
        raise MissingDependency('faltung.text needs torch: pip install "faltung[nn]"') from missing
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
