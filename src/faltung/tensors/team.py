"""The threads that torch computes with, lent to Faltung's loops.

For some milliseconds after every operation of torch its threads wait awake for the next one. Threads of ours would have
to share the processors with them: between two operations of torch, depthwise 3x3 of 8x64x56x56 forward and backward
takes 2.3 ms on our own pool of two and 1.4 ms on torch's.
"""

import ctypes
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from ..jit.pool import Job, Run

_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


_forked = False


@lru_cache(maxsize=1)
def torch_team() -> Run | None:
    """run(task, num_parts, workers) on the threads of torch; None where they cannot be had.

    Torch's wheels for Linux carry GNU's OpenMP runtime, whose entry for a parallel region is a plain function of C.
    Elsewhere our own pool serves.
    """
    if _forked:
        return None
    path = Path(torch.__file__).parent / "lib" / "libgomp.so.1"
    if not path.exists():
        return None
    try:
        # the library that torch has loaded already: the same path gives the same team
        enter: Any = ctypes.CDLL(str(path)).GOMP_parallel
    except (OSError, AttributeError):
        return None
    enter.argtypes = [_BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    enter.restype = None

    def run(task: Callable[[int], None], num_parts: int, workers: int) -> None:
        if num_parts <= 1 or workers <= 1:
            for part in range(num_parts):
                task(part)
            return
        done: list[int] = []

        def counted(part: int) -> None:
            task(part)
            done.append(part)

        job = Job(counted, num_parts, 0)

        def body(_: Any) -> None:
            try:
                job.work()
            except BaseException as error:  # an interrupt between two parts; C has no way to pass it on
                job.error = error

        enter(_BODY(body), None, min(workers, num_parts), 0)
        if job.error is not None:
            raise job.error
        if len(done) != num_parts:
            # an interrupt that came where no Python code of ours could see it
            raise KeyboardInterrupt

    return run


def _forget() -> None:
    """A forked child has none of these threads: GNU's runtime would wait for them, our pool makes its own."""
    global _forked
    _forked = True
    torch_team.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
