"""The cases: what a picture or a signal is convolved with, by us and by every library that can do the same.

Run by `python -m benchmarks`, once for each number of threads in a process of its own: libraries read
OMP_NUM_THREADS, MKL_NUM_THREADS and FALTUNG_WORKERS when they start.
"""

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
import skimage.data
import skimage.filters
import torch

import faltung as ft
from faltung import door
from faltung.algorithms import transforms
from faltung.spec import Array

from . import dropout
from .contract import Close, Entry, race
from .table import case_lines

MIRROR = cv2.BORDER_REFLECT_101
FFT_CHOICE = "FALTUNG_FFT"


@dataclass(frozen=True)
class Case:
    """One row of the table: its entries are made when its turn comes."""

    name: str
    entries: Callable[[], dict[str, Entry]]
    check: Close


def cases(size: int) -> Iterator[Case]:
    """All cases, pictures of size x size, and some smaller ones.

    Random data have level brightness; the photograph has dark regions, where the promised error is hardest to keep.
    """
    noise = _noise(size)
    full = f"{size}x{size}"
    for k in (3, 5, 7, 9, 11, 13, 15):
        yield Case(f"dense {k}x{k}, {full}", lambda k=k: _dense(noise, k, slow=k == 3), Close(1e-5))
    for k in (31, 63):
        yield Case(f"dense {k}x{k}, {full}", lambda k=k: _long(noise, k), Close(2e-5))
    yield Case(f"dense 31x31, photograph {full}", lambda: _long(_photograph(size), 31), Close(2e-5))
    yield Case(f"dense 7x7, uint8 {full}", lambda: _dense((noise * 255).astype(np.uint8), 7), Close(1e-5))
    for side, k in ((512, 3), (512, 7), (64, 3)):
        small = _noise(side)
        yield Case(f"dense {k}x{k}, {side}x{side}", lambda small=small, k=k: _dense(small, k), Close(1e-5))
    for sigma in (1, 3, 10):
        yield Case(f"Gaussian sigma {sigma}, {full}", lambda sigma=sigma: _gaussian(noise, sigma), Close(1e-5))
    yield Case(f"Sobel magnitude, {full}", lambda: _sobel(noise), Close(1e-5))
    for k in (3, 15, 101):
        yield Case(f"box {k}, {full}", lambda k=k: _box(noise, k), Close(1e-5))
    for k in (3, 31):
        yield Case(f"max {k}, {full}", lambda k=k: _max(noise, k), Close(0))
    for k in (31, 63):
        yield Case(f"price of trust, fft {k}x{k}, {full}", lambda k=k: _trust(noise, _weights(k, k)), Close(0))
    yield Case(f"price of trust, direct 7x7, {full}", lambda: _trust(noise, _weights(7, 7), "direct"), Close(0))
    length = 1_000_000 * size // 2048
    for taps in (10, 50, 500, 5000):
        yield Case(f"1-D {length}, {taps} taps", lambda taps=taps: _line(length, taps), Close(2e-5))
    for name, entries in dropout.races():
        yield Case(name, entries, Close(0))


def _noise(size: int) -> Array:
    return np.random.default_rng(1).random((size, size), np.float32)


def _photograph(size: int) -> Array:
    """The photographer of scikit-image, mirrored until the picture is full."""
    picture = skimage.data.camera().astype(np.float32)
    missing = max(0, size - len(picture))
    return np.ascontiguousarray(np.pad(picture, (0, missing), "symmetric")[:size, :size])


def _weights(*taps: int) -> Array:
    """Random weights whose sizes sum to 1: no structure that an algorithm could use."""
    weights = np.random.default_rng(2).standard_normal(taps)
    return (weights / np.abs(weights).sum()).astype(np.float32)


def _correlate(x: Array, kernel: Array) -> Entry:
    note = ft.explain(x, kernel, flip=False, mode="same", boundary="reflect").method
    return Entry(lambda: ft.correlate(x, kernel, mode="same", boundary="reflect"), note=note)


def _dense(x: Array, k: int, *, slow: bool = False) -> dict[str, Entry]:
    kernel = _weights(k, k)
    entries = {
        "faltung": _correlate(x, kernel),
        "cv2.filter2D": Entry(lambda: cv2.filter2D(x, cv2.CV_32F, kernel, borderType=MIRROR)),
    }
    if slow:
        entries["scipy.ndimage.correlate"] = Entry(lambda: scipy.ndimage.correlate(x, kernel, mode="mirror"))
    return entries


def _long(x: Array, k: int) -> dict[str, Entry]:
    kernel = _weights(k, k)
    flipped = np.ascontiguousarray(kernel[::-1, ::-1])

    def overlap_add() -> Array:
        return scipy.signal.oaconvolve(np.pad(x, k // 2, "reflect"), flipped, mode="valid")

    return {
        "faltung": _correlate(x, kernel),
        **_every_fft(x, kernel, flip=False, mode="same", boundary="reflect"),
        "cv2.filter2D": Entry(lambda: cv2.filter2D(x, cv2.CV_32F, kernel, borderType=MIRROR)),
        "np.pad + scipy.signal.oaconvolve": Entry(overlap_add),
    }


def _every_fft(x: Array, kernel: Array, **options: Any) -> dict[str, Entry]:
    """What a user gets who has this FFT installed and none that is faster."""
    entries = {}
    # with_threads started this process without a choice
    for name in transforms.installed():
        os.environ[FFT_CHOICE] = name
        door.forget_plans()
        # a plan keeps the FFT that it was made with
        plan = ft.plan(x, kernel, **options)
        entries[f"faltung, {name}"] = Entry(lambda plan=plan: plan(x), note=plan.method)
    del os.environ[FFT_CHOICE]
    door.forget_plans()
    return entries


def _trust(x: Array, kernel: Array, method: str = "fft") -> dict[str, Entry]:
    """The same algorithm with its promise on errors, and told that nobody asks for one."""
    options = {"mode": "same", "boundary": "reflect", "method": method}
    with_promise, without = ft.plan(x, kernel, **options), ft.plan(x, kernel, rtol=math.inf, **options)
    return {"faltung": Entry(lambda: with_promise(x)), "the same with rtol=inf": Entry(lambda: without(x))}


def _gaussian(x: Array, sigma: int) -> dict[str, Entry]:
    taps = 2 * (4 * sigma) + 1
    line = ft.kernels.gaussian(sigma, dtype=np.float32)
    return {
        "faltung": Entry(lambda: ft.gaussian(x, sigma, boundary="reflect")),
        "cv2.GaussianBlur": Entry(lambda: cv2.GaussianBlur(x, (taps, taps), sigma, borderType=MIRROR)),
        "cv2.sepFilter2D": Entry(lambda: cv2.sepFilter2D(x, cv2.CV_32F, line, line, borderType=MIRROR)),
    }


def _sobel(x: Array) -> dict[str, Entry]:
    def two_passes() -> Array:
        across = cv2.Sobel(x, cv2.CV_32F, 1, 0, borderType=MIRROR)
        return cv2.magnitude(across, cv2.Sobel(x, cv2.CV_32F, 0, 1, borderType=MIRROR))

    return {
        "faltung": Entry(lambda: ft.sobel(x, boundary="reflect")),
        "cv2.Sobel x 2 + cv2.magnitude": Entry(two_passes),
        # scikit-image smooths with weights of sum 1 and takes the mean over the axes
        "skimage.filters.sobel": Entry(lambda: skimage.filters.sobel(x, mode="mirror"), lambda y: y * 4 * math.sqrt(2)),
    }


def _box(x: Array, k: int) -> dict[str, Entry]:
    return {
        "faltung": Entry(lambda: ft.box(x, k, boundary="reflect")),
        "cv2.blur": Entry(lambda: cv2.blur(x, (k, k), borderType=MIRROR)),
        "scipy.ndimage.uniform_filter": Entry(lambda: scipy.ndimage.uniform_filter(x, k, mode="mirror")),
    }


def _max(x: Array, k: int) -> dict[str, Entry]:
    window = np.ones((k, k), np.uint8)
    return {
        "faltung": Entry(lambda: ft.max_filter(x, k, boundary="reflect")),
        "cv2.dilate": Entry(lambda: cv2.dilate(x, window, borderType=MIRROR)),
        "scipy.ndimage.maximum_filter": Entry(lambda: scipy.ndimage.maximum_filter(x, k, mode="mirror")),
    }


def _line(length: int, taps: int) -> dict[str, Entry]:
    x, kernel = np.random.default_rng(3).random(length, np.float32), _weights(taps)
    row, flipped = x[None], np.ascontiguousarray(kernel[::-1])
    outside = cv2.BORDER_CONSTANT
    method = ft.explain(x, kernel, mode="same").method
    entries = {"faltung": Entry(lambda: ft.convolve(x, kernel, mode="same"), note=method)}
    if taps >= 500:
        entries |= _every_fft(x, kernel, mode="same")
    entries |= {
        "np.convolve": Entry(lambda: np.convolve(x, kernel, "same")),
        "scipy.signal.oaconvolve": Entry(lambda: scipy.signal.oaconvolve(x, kernel, "same")),
        "cv2.filter2D": Entry(lambda: cv2.filter2D(row, cv2.CV_32F, flipped[None], borderType=outside), np.ravel),
    }
    # at 5000 taps it takes seconds: hundreds of times as long as the best
    if taps <= 500:
        # convolve1d centres even kernels one sample later; correlate1d is the same loop
        entries["scipy.ndimage.correlate1d"] = Entry(lambda: scipy.ndimage.correlate1d(x, flipped, mode="constant"))
    return entries


def main(only: str, rounds: int, size: int, threads: int, path: Path) -> None:
    """Race all cases whose name matches `only` and write the results to `path`."""
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    results = []
    with scipy.fft.set_workers(threads):
        for case in cases(size):
            if not re.search(only, case.name):
                continue
            results.append(race(case.name, case.entries(), case.check, rounds, threads))
            print("\n".join(case_lines(results[-1])), flush=True)
    path.write_text(json.dumps(results))


if __name__ == "__main__":
    pattern, *numbers, target = sys.argv[1:]
    num_rounds, side, num_threads = map(int, numbers)
    main(pattern, num_rounds, side, num_threads, Path(target))
