"""Measures the constants of `faltung.machine.DEFAULT` on this machine: python -m benchmarks.calibrate. A minute.

The library's own algorithms run on one thread; each constant is the median over several shapes, found by undoing the
formula of that algorithm's `cost`. Each shape counts with its quickest run, so that other work on the machine does not
slow the constants down. Then every shape's prediction with the new constants is printed beside what was measured: a
formula that is off by a factor of two or more wants another look.
"""

import math
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import faltung as ft
from faltung import door
from faltung.algorithms import ALGORITHMS, fft, transforms
from faltung.jit.pool import run_parts
from faltung.machine import DEFAULT, Machine, num_workers
from faltung.planner import Plan

from .record import cpu_name, with_threads

RUNS = 9

DENSE = [(512, 3), (512, 7), (512, 15), (1024, 3), (1024, 5), (1024, 11), (1024, 15), (1024, 31)]
"""Side of a float32 picture, side of the kernel."""

GENERAL = [((64, 64, 64), 3, "float32", 1), ((512, 512), 5, "complex64", 1), ((512, 512), 5, "float32", 2)]
"""Shape, taps along each axis, dtype, dilation: cases without a compiled loop."""

TILED = [((2048, 2048), 31), ((1024, 1024), 31), ((1024, 1024), 63), ((512, 512), 31), ((1_000_000,), 500)]
TILED += [((1_000_000,), 5000), ((200_000,), 1000)]


def _plan(shape: tuple[int, ...], taps: int, method: str, dtype: str = "float32", dilation: int = 1) -> Plan:
    """A plan for random weights, or for equal ones where the kernel must separate."""
    sides = (taps,) * len(shape)
    weights = np.ones(sides) if method == "separable" else np.random.default_rng(2).standard_normal(sides)
    kernel = (weights / np.abs(weights).sum()).astype(dtype)
    return ft.plan(shape, kernel, mode="same", boundary="reflect", method=method, dilation=dilation, rtol=math.inf)


def _measured(plan: Plan) -> float:
    """Seconds of one call on one thread."""
    x = np.random.default_rng(1).random(plan.spec.x_shape).astype(plan.spec.x_dtype)
    return _quickest(lambda: plan(x, workers=1))


def _quickest(call: Callable[[], Any]) -> float:
    """Of RUNS calls, after a first one."""
    call()
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _call_s() -> float:
    """A call through the door whose arithmetic takes no time."""
    x, kernel = np.ones((8, 8), np.float32), np.ones((3, 3), np.float32)

    def hundred() -> None:
        for _ in range(100):
            ft.correlate(x, kernel, mode="same", method="direct", workers=1)

    return _quickest(hundred) / 100


def _direct_rates(call_s: float) -> tuple[float, float]:
    """From the largest kernels, where moving data hardly counts, the arithmetic; from what 3x3 takes beyond, moving."""
    seconds = {(side, k): _measured(_plan((side, side), k, "direct")) - call_s for side, k in DENSE}
    rates = []
    for side in {side for side, _ in DENSE}:
        sizes = sorted(k for n, k in DENSE if n == side and k <= 15)
        few, many = sizes[0], sizes[-1]
        rates.append(side * side * (many**2 - few**2) / (seconds[side, many] - seconds[side, few]))
    rate = statistics.median(rates)
    moves = [
        n * n * 8 / (s - n * n * k * k / rate) for (n, k), s in seconds.items() if k <= 5 and s > n * n * k * k / rate
    ]
    return rate, statistics.median(moves) if moves else DEFAULT.copy_rate


def _general_rate(call_s: float) -> float:
    plans = [_plan(shape, taps, "direct", dtype, dilation) for shape, taps, dtype, dilation in GENERAL]
    return statistics.median(plan.spec.num_outputs * plan.spec.num_taps / (_measured(plan) - call_s) for plan in plans)


def _fft_rates(call_s: float) -> dict[str, float]:
    """For each installed FFT: points x log2(points) per second, if it alone were the reference."""
    rates = {}
    for name in transforms.installed():
        found = []
        for shape, taps in TILED:
            with _Chosen(name):
                plan = _plan(shape, taps, "fft")
                # the cost is linear in 1 / fft_rate: two evaluations give what does not depend on it, and the rest
                fixed = fft.cost(plan.spec, _only_fft(math.inf)).seconds
                slope = fft.cost(plan.spec, _only_fft(1.0)).seconds - fixed
                speed = transforms.backend().speed
            seconds = _measured(plan) - call_s - fixed
            if seconds > 0:
                found.append(slope * speed / seconds)
        rates[name] = statistics.median(found)
    return rates


def _only_fft(rate: float) -> Machine:
    return replace(DEFAULT, fft_rate=rate, call_s=0.0)


class _Chosen:
    """Plans made inside use this FFT."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._before = os.environ.get("FALTUNG_FFT")
        os.environ["FALTUNG_FFT"] = self._name
        door.forget_plans()

    def __exit__(self, *_: object) -> None:
        del os.environ["FALTUNG_FFT"]
        if self._before is not None:
            os.environ["FALTUNG_FFT"] = self._before
        door.forget_plans()


def _handoff_s() -> float:
    """Until a second thread has begun: both wait for each other."""
    if num_workers() < 2:
        return DEFAULT.handoff_s

    def meet() -> None:
        barrier = threading.Barrier(2)

        def arrive(_: int) -> None:
            barrier.wait()

        run_parts(arrive, 2, 2)

    return _quickest(meet)


def _comparison(machine: Machine) -> list[str]:
    """Predicted and measured seconds of some shapes with every algorithm; marked if a factor of two apart."""
    wanted = [((side, side), k, "direct", "float32", 1) for side, k in [(64, 3), *DENSE]]
    wanted += [((512, 512), 7, "direct", "float64", 1), ((1_000_000,), 10, "direct", "float32", 1)]
    wanted += [((1_000_000,), 50, "direct", "float32", 1), ((1_000_000,), 500, "direct", "float32", 1)]
    wanted += [(shape, k, "direct", dtype, dilation) for shape, k, dtype, dilation in GENERAL]
    wanted += [((1024, 1024), k, "separable", "float32", 1) for k in (3, 9, 25, 81)]
    wanted += [((64, 64, 64), 5, "separable", "float32", 1), ((1024, 1024), 25, "separable", "float64", 1)]
    wanted += [(shape, k, "fft", "float32", 1) for shape, k in TILED]
    wanted += [((64, 64, 64), 15, "fft", "float32", 1), ((1024, 1024), 31, "fft", "float64", 1)]
    lines = [f"{'shape':<18}{'taps':>6}  {'dtype':<10}{'method':<14}{'predicted':>12}{'measured':>12}{'ratio':>8}"]
    algorithms = {algorithm.name: algorithm for algorithm in ALGORITHMS}
    for shape, taps, method, dtype, dilation in wanted:
        for name in transforms.installed() if method == "fft" else [""]:
            with _Chosen(name or transforms.installed()[-1]):
                plan = _plan(shape, taps, method, dtype, dilation)
                predicted = algorithms[method].cost(plan.spec, machine).seconds
            seconds = _measured(plan)
            ratio = predicted / seconds
            sides = "x".join(map(str, shape))
            mark = "  <- off" if not 0.5 < ratio < 2 else ""
            lines.append(
                f"{sides:<18}{taps:>6}  {dtype:<10}{f'{method} {name}':<14}"
                f"{predicted * 1e3:>9.3f} ms{seconds * 1e3:>9.3f} ms{ratio:>8.2f}{mark}"
            )
    return lines


def main() -> None:
    """Print the constants and how well they predict."""
    call_s = _call_s()
    direct_rate, copy_rate = _direct_rates(call_s)
    fft_rates = _fft_rates(call_s)
    machine = Machine(
        *(float(f"{value:.2g}") for value in (direct_rate, _general_rate(call_s), copy_rate, fft_rates["scipy"])),
        call_s=float(f"{call_s:.2g}"),
        handoff_s=float(f"{_handoff_s():.2g}"),
    )
    print("\n".join(_comparison(machine)))
    print(f"\n# measured on {cpu_name()}")
    constants = (f"{name}={value:.2g}" for name, value in vars(machine).items())
    print(f"DEFAULT = Machine({', '.join(constants)})")
    for name, rate in fft_rates.items():
        print(f"{name}: speed = {rate / fft_rates['scipy']:.1f}")


if __name__ == "__main__":
    # MKL reads its number of threads when it is loaded: measure in a process that starts with one
    if os.environ.get("MKL_NUM_THREADS") == "1":
        main()
    else:
        environment = with_threads(1) | {"FALTUNG_WORKERS": str(num_workers())}
        sys.exit(subprocess.run([sys.executable, "-m", "benchmarks.calibrate"], env=environment).returncode)
