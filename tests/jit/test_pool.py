"""Every part runs once, an error waits for the parts that run, and nobody hangs: threads, forks, interrupts."""

import _thread
import gc
import os
import signal
import threading
import time
import traceback
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import faltung as ft
from faltung.jit import pool
from faltung.jit.pool import Pool, run_parts

LONG_S = 30.0
"""Longer than any part of these tests takes: what waits so long hangs."""


@pytest.fixture(autouse=True)
def _interrupts_arrive() -> Iterator[None]:
    """A shell lets what it runs in the background ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def in_time(task: Callable[[], None]) -> None:
    """Run in a thread of its own; fail where it hangs, raise what it raised."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            task()
        except BaseException as error:  # handed on below
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(LONG_S)
    assert not thread.is_alive(), "hangs"
    if errors:
        raise errors[0]


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 8])
@pytest.mark.parametrize("num_parts", [0, 1, 2, 7, 500])
def test_every_part_runs_once(num_parts: int, workers: int) -> None:
    seen: list[int] = []
    in_time(lambda: run_parts(seen.append, num_parts, workers))
    assert sorted(seen) == list(range(num_parts))


def test_no_more_threads_work_than_were_asked_for() -> None:
    names: Counter[str] = Counter()

    def part(_: int) -> None:
        names[threading.current_thread().name + str(threading.get_ident())] += 1
        time.sleep(0.001)

    own = Pool()
    own.run(part, 40, 4)
    names.clear()
    in_time(lambda: own.run(part, 40, 2))
    assert sum(names.values()) == 40
    assert len(names) <= 2


def test_one_worker_is_the_caller_itself() -> None:
    threads: set[int] = set()
    run_parts(lambda _: threads.add(threading.get_ident()), 20, 1)
    assert threads == {threading.get_ident()}


def test_several_workers_really_work_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=LONG_S)

    def part(_: int) -> None:
        meeting.wait()

    in_time(lambda: Pool().run(part, 3, 3))
    assert not meeting.broken


def test_threads_are_kept_between_calls() -> None:
    own = Pool()
    own.run(lambda _: None, 8, 3)
    before = threading.active_count()
    for _ in range(20):
        own.run(lambda _: None, 8, 3)
    assert threading.active_count() == before


# errors


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("bad", [0, 3, 9])
def test_an_error_is_raised_as_it_is(bad: int, workers: int) -> None:
    error = ValueError("part is bad")

    def part(i: int) -> None:
        if i == bad:
            raise error

    with pytest.raises(ValueError, match="part is bad") as caught:
        in_time(lambda: run_parts(part, 10, workers))
    assert caught.value is error


def test_the_first_of_several_errors_is_raised() -> None:
    first_failed = threading.Event()

    def part(i: int) -> None:
        if i == 0:
            # both parts run by now
            both.wait()
            first_failed.set()
            raise KeyError("first")
        both.wait()
        first_failed.wait()
        time.sleep(0.05)
        raise ValueError("second")

    both = threading.Barrier(2, timeout=LONG_S)
    with pytest.raises(KeyError, match="first"):
        in_time(lambda: Pool().run(part, 2, 2))


def test_after_an_error_running_parts_end_and_no_part_begins() -> None:
    out = np.zeros(100)
    running, failed = threading.Barrier(2, timeout=LONG_S), threading.Event()

    def part(i: int) -> None:
        if i == 0:
            running.wait()
            failed.set()
            raise ValueError("bad part")
        if i == 1:
            running.wait()
            failed.wait()
            # the caller must not get its array back before this
            time.sleep(0.1)
        out[i] = 1

    with pytest.raises(ValueError, match="bad part"):
        in_time(lambda: Pool().run(part, 100, 2))
    after = out.copy()
    assert after[1] == 1
    time.sleep(0.2)
    np.testing.assert_array_equal(out, after)
    # part 2 may have been taken between the error and its being noted
    assert after.sum() <= 2


def test_a_pool_works_on_after_an_error() -> None:
    own = Pool()

    def bad(_: int) -> None:
        raise ValueError("bad")

    for _ in range(5):
        with pytest.raises(ValueError, match="bad"):
            in_time(lambda: own.run(bad, 4, 3))
    seen: list[int] = []
    in_time(lambda: own.run(seen.append, 50, 3))
    assert sorted(seen) == list(range(50))


# many callers


def test_several_python_threads_use_the_pool_at_once() -> None:
    seen: list[Counter[int]] = [Counter() for _ in range(6)]

    def caller(mine: Counter[int]) -> None:
        for _ in range(30):
            taken: list[int] = []
            run_parts(taken.append, 20, 3)
            mine.update(taken)

    def all_of_them() -> None:
        threads = [threading.Thread(target=caller, args=(mine,), daemon=True) for mine in seen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    in_time(all_of_them)
    assert seen == [Counter(dict.fromkeys(range(20), 30))] * 6


def test_a_part_may_share_its_own_work_out() -> None:
    seen: list[tuple[int, int]] = []

    def outer(i: int) -> None:
        run_parts(lambda j: seen.append((i, j)), 5, 3)

    in_time(lambda: run_parts(outer, 6, 3))
    assert sorted(seen) == [(i, j) for i in range(6) for j in range(5)]


def test_convolutions_in_several_python_threads_are_those_of_one() -> None:
    rng = np.random.default_rng(0)
    images = [rng.standard_normal((150 + 10 * i, 140), np.float32) for i in range(5)]
    kernel = rng.standard_normal((7, 5), np.float32)
    alone = [ft.convolve(x, kernel, method="direct", workers=1) for x in images]
    same = [False] * len(images)

    def caller(i: int) -> None:
        got = [ft.convolve(images[i], kernel, method="direct", workers=2) for _ in range(5)]
        same[i] = all(np.array_equal(one, alone[i]) for one in got)

    def all_of_them() -> None:
        threads = [threading.Thread(target=caller, args=(i,), daemon=True) for i in range(len(images))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    in_time(all_of_them)
    assert same == [True] * len(images)


# forks


def in_child(task: Callable[[], bool]) -> str:
    """Run in a forked child: "right", "wrong", or what went amiss."""
    with warnings.catch_warnings():
        # Python warns of forks beside threads: this is what is tested
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if task() else 1
        except BaseException:  # a child must not run the rest of the test session
            traceback.print_exc()
        finally:
            os._exit(status)
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return {0: "right", 1: "wrong"}.get(os.waitstatus_to_exitcode(status), f"status {status}")
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"


fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@fork
def test_a_forked_child_computes_right_with_threads() -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((400, 300)), rng.standard_normal((5, 4))
    right = ft.convolve(x, kernel, method="direct", workers=2)
    run_parts(lambda _: None, 4, 3)

    def task() -> bool:
        # the planner's loops, and a loop that the parent never built
        again = ft.convolve(x, kernel, method="direct", workers=2)
        sums = ft.convolve(np.arange(50_000), [1, 1], method="direct", workers=2)
        seen: list[int] = []
        run_parts(seen.append, 50, 3)
        return (
            np.array_equal(again, right)
            and np.array_equal(sums[1:-1], 2 * np.arange(49_999) + 1)
            and sorted(seen) == list(range(50))
        )

    assert in_child(task) == "right"
    assert task()


@fork
def test_a_child_forked_while_parts_run_has_a_pool_of_its_own() -> None:
    go_on = threading.Event()

    def part(_: int) -> None:
        go_on.wait(LONG_S)

    busy = threading.Thread(target=lambda: run_parts(part, 6, 3), daemon=True)
    busy.start()
    time.sleep(0.05)

    def task() -> bool:
        seen: list[int] = []
        run_parts(seen.append, 50, 3)
        return sorted(seen) == list(range(50))

    try:
        assert in_child(task) == "right"
    finally:
        go_on.set()
        busy.join(LONG_S)
    assert not busy.is_alive()


@fork
def test_a_child_forked_while_a_loop_is_compiled_can_compile() -> None:
    from faltung.jit import compiler

    with compiler._lock:
        held = in_child(lambda: compiler._lock.acquire(timeout=5))
    assert held == "right"


def test_a_fresh_pool_takes_the_place_of_the_old_one() -> None:
    before = pool._pool
    try:
        pool._fresh_pool()
        assert pool._pool is not before
        seen: list[int] = []
        in_time(lambda: run_parts(seen.append, 20, 3))
        assert sorted(seen) == list(range(20))
    finally:
        pool._pool = before


# interrupts


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_an_interrupt_ends_the_call_and_nobody_writes_afterwards(workers: int) -> None:
    out = np.zeros(2000)

    def part(i: int) -> None:
        if i == 5:
            # as Ctrl-C does: it reaches the main thread, wherever that is
            _thread.interrupt_main()
        time.sleep(0.002)
        out[i] = 1

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Pool().run(part, out.size, workers)
    assert time.monotonic() - begin < LONG_S / 10
    after = out.copy()
    assert after.sum() < out.size
    time.sleep(0.05)
    np.testing.assert_array_equal(out, after)


def test_an_interrupt_that_a_worker_raises_reaches_the_caller() -> None:
    meeting = threading.Barrier(2, timeout=LONG_S)

    def part(_: int) -> None:
        meeting.wait()
        if threading.current_thread().name == "faltung-worker":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Pool().run(part, 2, 2)


def test_a_sleeping_worker_keeps_no_arrays_alive() -> None:
    own, meeting = Pool(), threading.Barrier(2, timeout=LONG_S)

    class Part:
        def __call__(self, _: int) -> None:
            meeting.wait()

    part = Part()
    alive = weakref.ref(part)
    own.run(part, 2, 2)
    del part
    deadline = time.monotonic() + 5
    while alive() is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert alive() is None


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_interrupts_at_any_moment_leave_the_pool_whole() -> None:
    own = Pool()
    own.run(lambda _: None, 4, 3)
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    num_interrupts = 0
    # an interrupt must not hit what other libraries do when garbage is collected
    gc.disable()
    try:
        for turn in range(150):
            running: list[int] = []
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 20e-6 + turn * 4e-6)
                    own.run(running.append, 300, 3)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                num_interrupts += 1
            taken = len(running)
            time.sleep(0.0005)
            # nobody works on after the call, though it was interrupted while it gave out the parts
            assert len(running) == taken
            assert len(set(running)) == taken
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        gc.enable()
    assert num_interrupts
    seen: list[int] = []
    own.run(seen.append, 50, 3)
    assert sorted(seen) == list(range(50))
