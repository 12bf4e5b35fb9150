"""Threads of our own: the caller works too, sleeping workers help, nobody is left running when a call ends.

Safe when several Python threads call at once (parts are handed out one by one, so a call never waits for a worker that
is busy elsewhere) and across fork (a child starts without workers and makes its own).
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue


class _Job:
    """task(part) for every part, each run once by whoever comes first."""

    def __init__(self, task: Callable[[int], None], num_parts: int) -> None:
        self._task, self._num_parts = task, num_parts
        self._next = iter(range(num_parts))  # next() of a range is atomic in CPython
        self._lock = threading.Lock()
        self._num_done = 0
        self._done = threading.Event()
        self.error: BaseException | None = None

    def work(self) -> None:
        """Take parts until none is left; after an error the rest is passed over."""
        for part in self._next:
            try:
                if self.error is None:
                    self._task(part)
            except BaseException as error:  # handed to the caller, whatever it is
                self.error = self.error or error
            finally:
                self._count(1)

    def abandon(self) -> None:
        """Take all remaining parts without running them."""
        self._count(sum(1 for _ in self._next))

    def wait(self) -> None:
        """Until every part is done: nobody writes into the caller's arrays after this."""
        self._done.wait()

    def _count(self, parts: int) -> None:
        with self._lock:
            self._num_done += parts
            if self._num_done == self._num_parts:
                self._done.set()


class Pool:
    """Daemon threads that sleep until there is a job."""

    def __init__(self) -> None:
        """Without threads: they come with the first job that wants them."""
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
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
        job = _Job(task, num_parts)
        self._hire(helpers)
        for _ in range(helpers):
            self._jobs.put(job)
        try:
            job.work()
        except BaseException:
            # an interrupt between two parts
            job.abandon()
            raise
        finally:
            job.wait()
        if job.error is not None:
            raise job.error

    def _hire(self, wanted: int) -> None:
        with self._lock:
            while self._num_threads < wanted:
                threading.Thread(target=self._serve, name="faltung-worker", daemon=True).start()
                self._num_threads += 1

    def _serve(self) -> None:
        jobs = self._jobs
        while True:
            jobs.get().work()


_pool = Pool()


def run_parts(task: Callable[[int], None], num_parts: int, workers: int) -> None:
    """`Pool.run` on the pool that the whole process shares."""
    _pool.run(task, num_parts, workers)


def _fresh_pool() -> None:
    global _pool
    _pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_pool)
