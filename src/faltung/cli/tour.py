"""`faltung tour`: every experiment of the workshop, in one report."""

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson
from .screen import print_facts, print_json, progress_lines


def tour(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes; made if missing.")
    ] = Path("tour"),
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own picture for the experiments on pictures.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run one experiment; a wrong name lists all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the experiments of the workshop and write one HTML report, with plots, numbers and code.

    \b
    Examples:
      faltung tour -o tour/
      faltung tour --picture photo.jpg --only photo-edges
    """
    import time

    from ..experiments.tour import write_tour
    from ..explanation import size_words

    start = time.perf_counter()
    with progress_lines("tour") as say:
        report = write_tour(output, picture=picture, only=only, progress=say)
    seconds = time.perf_counter() - start
    num_bytes = report.stat().st_size
    if as_json:
        print_json({"report": report, "num_bytes": num_bytes, "seconds": seconds})
        return
    print_facts([("wrote", f"{report} ({size_words(num_bytes)}, {seconds:.1f} s): open it in a browser")])
