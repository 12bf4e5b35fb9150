"""`faltung resume`: a training goes on where it was left."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import AsJson


def resume(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of faltung train.")],
    as_json: AsJson = False,
) -> int:
    """Go on with a training that was stopped or killed, with the same bits as if it had never been.

    The data are read again from where they were, and refused if they have changed.

    \b
    Examples:
      faltung resume clothes
      faltung resume clothes --json
    """
    from ..training import resume as resume_training
    from ..training.sources import Source
    from ..training.state import read_state
    from .trainings import trained

    state = read_state(folder)
    source = Source.from_text(state.data)
    examples = source.open()

    def work(**options: Any) -> Any:
        return resume_training(folder, examples, **options)

    about = {"data": source.word, "folder": folder}
    return trained("resume", int(state.config["epochs"]), work, about, as_json=as_json)
