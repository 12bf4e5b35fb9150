"""Torch's threads, lent: every part once, errors and interrupts come through, a forked child does not hang."""

import os
import sys
import threading
import warnings

import pytest
import torch

import faltung as ft
from faltung.jit import pool
from faltung.tensors.team import torch_team


@pytest.fixture(name="run")
def _run() -> pool.Run:
    if sys.platform != "linux":
        return pool.run_parts
    run = torch_team()
    assert run is not None
    return run


@pytest.mark.parametrize("num_parts", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_part_runs_once(run: pool.Run, num_parts: int, workers: int) -> None:
    seen: list[int] = []
    run(seen.append, num_parts, workers)
    assert sorted(seen) == list(range(num_parts))


def test_parts_run_on_several_threads_at_once(run: pool.Run) -> None:
    both = threading.Barrier(2, timeout=20)
    run(lambda _: both.wait() and None, 2, 2)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_comes_to_the_caller(run: pool.Run, error: type[BaseException]) -> None:
    def task(part: int) -> None:
        if part == 3:
            raise error("part 3")

    with pytest.raises(error, match="part 3"):
        run(task, 8, 2)
    seen: list[int] = []
    run(seen.append, 4, 2)
    assert len(seen) == 4


def test_threads_are_named_for_the_inside_of_a_block_in_this_thread_only() -> None:
    calls: list[int] = []

    def run(task: object, num_parts: int, workers: int) -> None:
        calls.append(num_parts)

    with pool.shared_by(run):
        pool.run_parts(lambda part: None, 5, 2)
        other = threading.Thread(target=pool.run_parts, args=(lambda part: None, 6, 2))
        other.start()
        other.join()
        with pool.shared_by(None):
            pool.run_parts(lambda part: None, 7, 2)
    pool.run_parts(lambda part: None, 8, 2)
    assert calls == [5]


def test_several_python_threads_may_compute_at_once() -> None:
    layer = ft.nn.Conv2d(8, 8, 3, padding=1, groups=8)
    x = torch.randn(4, 8, 64, 64)
    right = torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=1, groups=8)
    wrong: list[int] = []

    def work(i: int) -> None:
        wrong.extend(i for _ in range(20) if not torch.allclose(layer(x), right, atol=1e-5))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_computes() -> None:
    layer, x = ft.nn.Conv2d(8, 8, 3, padding=1, groups=8), torch.randn(4, 8, 64, 64)
    right = layer(x).detach().numpy().tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        # no assertion here: the child must end by itself, whatever happens
        os._exit(0 if layer(x).detach().numpy().tobytes() == right else 1)
    deadline = threading.Timer(60, os.kill, (child, 9))
    deadline.start()
    _, status = os.waitpid(child, 0)
    deadline.cancel()
    assert status == 0
