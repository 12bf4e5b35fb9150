"""Language models of gated convolutions: trained on a text, going on with one, saying how likely one is.

Names are loaded on first use: `import faltung.text` does not load torch.
"""

from typing import TYPE_CHECKING

from ..lazy import on_first_use

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

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES)
