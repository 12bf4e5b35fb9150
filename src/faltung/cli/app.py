"""All verbs under one name."""

import re
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from . import CANCELLED, DONE, WRONG_OPTIONS, cancelled, one_line
from .convolve import convolve
from .data import data
from .doctor import doctor
from .dropout import dropout
from .edges import edges
from .explain import explain
from .filter import filter_picture
from .inspect import inspect
from .smooth import smooth
from .tour import tour

# rich_markup_mode=None: rich's help costs 120 ms of the 300 that --help may take
app = typer.Typer(
    name="faltung",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for verb, function, in_short in (
    ("tour", tour, "Run all experiments, write one HTML report."),
    ("edges", edges, "Find the edges of a picture."),
    ("smooth", smooth, "Smooth a noisy signal or a picture."),
    ("filter", filter_picture, "Lay any kernel on a picture."),
    ("convolve", convolve, "Convolve or correlate arrays, exactly."),
    ("dropout", dropout, "What dropout does to a grid of numbers."),
    ("explain", explain, "Which algorithm a call takes, and why."),
    ("inspect", inspect, "Sizes, fields and costs of a network."),
    ("data", data, "Sets of examples, and what installs them."),
    ("doctor", doctor, "Versions, processor, cache, self-test."),
):
    app.command(verb, short_help=in_short)(function)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"faltung {__version__}")
        raise typer.Exit


@app.callback()
def faltung(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Convolution, from f * g on paper to the fastest trustworthy call.

    \b
    Examples:
      faltung edges photo.jpg --smooth 1.2 -o edges.png
      faltung smooth --expr "sin(t/8) + (t>50)" --noise 0.3 --kernel tophat:10
      faltung convolve "1,2,3" --kernel "0,1,0.5"
    """


def run(arguments: Sequence[str] | None) -> int:
    """One command; errors of the user's words become one line, all others are raised."""
    if arguments is None:
        _prepare_process()
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name="faltung", standalone_mode=False)
    except Exception as error:
        # click's errors on usage: newer typers carry click inside, so its classes have no public home
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        return _explain_usage(error, message())
    # typer turns Ctrl+C into a code and says nothing
    return cancelled() if code == CANCELLED else code if isinstance(code, int) else DONE


def _prepare_process() -> None:
    # a plot in a terminal that knows no such signs is better with question marks than not at all
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    # remarks of other libraries are not for the user of a command
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _explain_usage(error: Exception, message: str) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(context.get_help() if context is not None else error)
        return WRONG_OPTIONS
    command = context.command_path if context is not None else "faltung"
    if re.match(r"No such option: -[\d.]", message):
        message = "numbers that begin with a minus stand at the end, after --"
    print(f"{command}: {one_line(message).rstrip('.')}; see {command} --help", file=sys.stderr)
    return WRONG_OPTIONS
