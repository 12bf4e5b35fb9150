"""Threads of our own: the caller works too, sleeping workers help, nobody is left running when a call ends.

Safe when several Python threads call at once (parts are handed out one by one, so a call never waits for a worker that
is busy elsewhere) and across fork (a child starts without workers and makes its own).
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue


class Job:
    """task(part) for every part, each run once by whoever comes first."""

    def __init__(self, task: Callable[[int], None], num_parts: int, num_helpers: int) -> None:
        self._task = task
        self._next = iter(range(num_parts))  # next() of a range is atomic in CPython
        self.error: BaseException | None = None
        # held by the helper that works, in the end by the caller, who may take one twice: an interrupt can hit
        # anywhere, so what the caller does must bear to be done again
        self.tickets = [threading.RLock() for _ in range(num_helpers)]

    def work(self) -> None:
        """Take parts until none is left; after an error the rest is passed over."""
        for part in self._next:
            if self.error is not None:
                return
            try:
                self._task(part)
            except BaseException as error:  # handed to the caller, whatever it is
                self.error = self.error or error

    def end(self) -> None:
        """Wait until no helper works and let none begin: nobody writes into the caller's arrays after this."""
        try:
            for ticket in self.tickets:
                ticket.acquire()
        except BaseException:
            # an impatient second interrupt
            self.end()
            raise


class Pool:
    """Daemon threads that sleep until there is a job."""

    def __init__(self) -> None:
        """Without threads: they come with the first job that wants them."""
        self._jobs: SimpleQueue[tuple[Job, threading.RLock]] = SimpleQueue()
        self._num_threads = 0
        self._lock = threading.Lock()

    def run(self, task: Callable[[int], None], num_parts: int, workers: int) -> None:
        """task(0) ... task(num_parts - 1), by up to `workers` threads, the caller among them.

        Raises:
            The first error of a task, after all running tasks have ended.
        """
        if num_parts <= 1 or workers <= 1:
            for part in range(num_parts):
                task(part)
            return
        helpers = min(workers, num_parts) - 1
        job = Job(task, num_parts, helpers)
        self._hire(helpers)
        try:
            for ticket in job.tickets:
                self._jobs.put((job, ticket))
            job.work()
        except BaseException as error:
            # an interrupt between two parts
            job.error = error
            raise
        finally:
            try:
                job.end()
            finally:
                # the first may be interrupted before it begins
                job.end()
        if job.error is not None:
            raise job.error

    def _hire(self, wanted: int) -> None:
        with self._lock:
            while self._num_threads < wanted:
                threading.Thread(target=self._serve, name="faltung-worker", daemon=True).start()
                self._num_threads += 1

    def _serve(self) -> None:
        while True:
            self._help(*self._jobs.get())

    def _help(self, job: Job, ticket: threading.RLock) -> None:
        """Work on the job unless it has ended; a function, so that a sleeping worker keeps no arrays alive."""
        if ticket.acquire(blocking=False):
            try:
                job.work()
            finally:
                ticket.release()


_pool = Pool()


_local = threading.local()

Run = Callable[[Callable[[int], None], int, int], None]
"""run(task, num_parts, workers), as `Pool.run`."""


def run_parts(task: Callable[[int], None], num_parts: int, workers: int) -> None:
    """`Pool.run` on the pool that the whole process shares, or on the threads that `shared_by` named."""
    run: Run | None = getattr(_local, "run", None)
    (run or _pool.run)(task, num_parts, workers)


@contextmanager
def shared_by(run: Run | None) -> Iterator[None]:
    """What this thread computes inside is shared out by `run`; None: by our own pool."""
    before, _local.run = getattr(_local, "run", None), run
    try:
        yield
    finally:
        _local.run = before


def _fresh_pool() -> None:
    global _pool
    _pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_pool)
