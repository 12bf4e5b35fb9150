"""The command line: `faltung VERB`, one file per verb.

Results go to stdout, progress and remarks to stderr. Exit codes: 0 done, 1 failed, 2 wrong options, 130 cancelled.
"""

import os
import sys
from collections.abc import Sequence

from ..errors import ExpressionError, FaltungError, ParameterError

DONE, FAILED, WRONG_OPTIONS, CANCELLED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on stderr and an exit code.

    Args:
        arguments: the words after `faltung`; None means those of this process.

    Returns:
        The exit code.
    """
    try:
        from .app import run

        return run(arguments)
    except FaltungError as error:
        return _fail(error, WRONG_OPTIONS if isinstance(error, (ParameterError, ExpressionError)) else FAILED)
    except KeyboardInterrupt:
        return cancelled()
    except BrokenPipeError:
        # the reader of our output has left, e.g. `| head`; Python would complain once more while closing stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except MemoryError as error:
        return _fail(FaltungError(f"not enough memory ({error}): work on a part, or on one frame"), FAILED)
    except Exception as error:
        if os.environ.get("FALTUNG_DEBUG"):
            raise
        reason = f"{type(error).__name__}: {error}"
        return _fail(FaltungError(f"unexpected {reason}; FALTUNG_DEBUG=1 shows where: please report it"), FAILED)


def cancelled() -> int:
    """The exit code after Ctrl+C, said in words."""
    print("faltung: cancelled", file=sys.stderr)
    return CANCELLED


def _fail(error: FaltungError, code: int) -> int:
    if os.environ.get("FALTUNG_DEBUG"):
        raise error
    print(f"faltung: {one_line(str(error))}", file=sys.stderr)
    return code


def one_line(text: str) -> str:
    """Without line breaks and control characters, which a file name may hold."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))
