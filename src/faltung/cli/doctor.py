"""`faltung doctor`: what is here, what is missing, and whether it works."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson
from .screen import aside, print_facts, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..spec import Array

REQUIRED = ("numpy", "scipy", "llvmlite", "typer", "rich")

OPTIONAL = {
    "pillow": ("PIL", "PNG, JPEG and GIF", 'pip install "faltung[images]"'),
    "tifffile": ("tifffile", "TIFF", 'pip install "faltung[images]"'),
    "matplotlib": ("matplotlib", "figures of the tour", 'pip install "faltung[images]"'),
    "scikit-image": ("skimage", "photographs by name", 'pip install "faltung[images]"'),
    "ducc0": ("ducc0", "a faster FFT", 'pip install "faltung[fft]"'),
    "mkl_fft": ("mkl_fft", "the fastest FFT on Intel processors", "pip install mkl_fft"),
}
"""Package -> (module, what it serves, the line that installs it)."""


def doctor(
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Remove all compiled loops from disk.")] = False,
    as_json: AsJson = False,
) -> None:
    """Report versions, processor, compiled loops on disk and optional parts, and test the engine.

    Ends with exit code 1 if the self-test fails.

    \b
    Examples:
      faltung doctor
      faltung doctor --clear-cache
    """
    from ..jit import cache

    removed = cache.clear() if clear_cache else None
    found = _examine()
    if removed is not None:
        found["cache_removed"] = removed
    failed = [test["name"] for test in found["self_test"] if not test["passed"]]
    if as_json:
        print_json(found)
    else:
        _print(found)
    if failed:
        aside(
            f"faltung doctor: the self-test failed ({', '.join(failed)}): results cannot be trusted; please report it"
        )
        raise typer.Exit(1)


def _examine() -> dict[str, Any]:
    import os
    import platform
    import sys

    from .. import __version__
    from ..jit import cache
    from ..jit.compiler import host_description, vector_bytes
    from ..machine import num_workers

    # before the summary of the cache: it is what a session leaves there
    tests = list(_self_test())
    processor, features = host_description()
    return {
        "faltung": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {name: _version(name) for name in REQUIRED},
        "processor": {"name": processor, "features": features, "vector_bytes": vector_bytes()},
        "threads": {
            "used": num_workers(),
            "processors": os.cpu_count(),
            "set_by": "FALTUNG_WORKERS" if os.environ.get("FALTUNG_WORKERS") else None,
        },
        "cache": {**cache.summary(), "num_damaged": _num_damaged()},
        "optional": {
            name: {
                "version": _version(name) if find_spec(module) is not None else None,
                "serves": serves,
                "install": line,
            }
            for name, (module, serves, line) in OPTIONAL.items()
        },
        "executable": sys.executable,
        "self_test": tests,
    }


def _num_damaged() -> int:
    """Objects on disk that would be passed over and compiled again."""
    from contextlib import suppress

    from ..jit import cache

    with suppress(OSError, RuntimeError):
        return sum(cache.read(path.stem) is None for path in cache.folder().glob("*.loop"))
    return 0


def _self_test() -> "Iterator[dict[str, Any]]":
    """Each algorithm that serves a small case, against the definition; under two seconds in all."""
    import time

    import numpy as np

    from ..door import explain, plan
    from ..errors import AccuracyError, FaltungError

    rng = np.random.default_rng(0)
    column, row = rng.normal(size=(2, 7)).astype(np.float32)
    cases = [
        # level, so that the FFT can promise its bound
        (rng.uniform(0.5, 1.5, (64, 61)).astype(np.float32), np.outer(column, row)),
        (rng.integers(-99, 99, (64, 61)), rng.integers(-9, 9, (7, 7))),
    ]
    tested: set[str] = set()
    for x, kernel in cases:
        expected = _by_definition(x.astype(np.float64), kernel.astype(np.float64))
        # float32 rounds at 6e-8, and 49 products of size about 1 add up; integers are exact
        allowed = 1e-5 * float(np.abs(kernel).sum()) if x.dtype.kind == "f" else 0.0
        for verdict in explain(x, kernel, mode="same", boundary="reflect").verdicts:
            if verdict.refusal is not None or verdict.method in tested:
                continue
            start = time.perf_counter()
            try:
                result = plan(x, kernel, mode="same", boundary="reflect", method=verdict.method)(x)
                error = float(np.abs(result - expected).max())
                said = None
            except AccuracyError:
                # it may decline data that it cannot serve exactly enough: nothing wrong came out
                continue
            except (FaltungError, ArithmeticError, ValueError, TypeError, OSError, RuntimeError) as problem:
                error, said = float("inf"), f"{type(problem).__name__}: {problem}"
            tested.add(verdict.method)
            yield {
                "name": verdict.method,
                "passed": error <= allowed,
                "error": error,
                "seconds": time.perf_counter() - start,
                "problem": said,
            }


def _by_definition(x: "Array", kernel: "Array") -> "Array":
    """The sum over shifted copies, written without the engine."""
    import numpy as np

    rows, columns = kernel.shape
    padded = np.pad(x, [(k // 2, k // 2) for k in kernel.shape], mode="reflect")
    flipped = kernel[::-1, ::-1]
    total = np.zeros_like(x)
    for a in range(rows):
        for b in range(columns):
            total += flipped[a, b] * padded[a : a + x.shape[0], b : b + x.shape[1]]
    return total


def _print(found: dict[str, Any]) -> None:
    from ..explanation import size_words

    packages = ", ".join(f"{name} {number or 'missing'}" for name, number in found["packages"].items())
    processor, threads, cache = found["processor"], found["threads"], found["cache"]
    health = "in order" if cache["trusted"] else "not used: others may write there (chmod go-w mends it)"
    if cache["num_damaged"]:
        health = f"{cache['num_damaged']} damaged, which are compiled anew (--clear-cache removes all)"
    if not cache["writable"]:
        health = "read-only: loops are compiled anew in each process"
    rows = [
        ("faltung", f"{found['faltung']} on Python {found['python']}, {found['system']}"),
        ("packages", packages),
        (
            "processor",
            f"{processor['name']}, vectors of {8 * processor['vector_bytes']} bits ({' '.join(processor['features'])})",
        ),
        (
            "threads",
            f"{threads['used']} of {threads['processors']} processors"
            + (f", set by {threads['set_by']}" if threads["set_by"] else ""),
        ),
        ("loops", f"{cache['num_objects']} compiled, {size_words(cache['num_bytes'])}, {health}"),
        ("", str(cache["folder"])),
    ]
    if "cache_removed" in found:
        rows.append(("removed", f"{found['cache_removed']} compiled loops; the self-test made its own anew"))
    print_facts(rows)
    print()
    print_table(
        ("optional", "version", "serves"),
        [
            (name, part["version"] or "missing", part["serves"] + ("" if part["version"] else f": {part['install']}"))
            for name, part in found["optional"].items()
        ],
    )
    print()
    print_table(
        ("self-test", "error", "time", "result"),
        [
            (
                test["name"],
                f"{test['error']:.1e}",
                f"{1e3 * test['seconds']:.1f} ms",
                "passed" if test["passed"] else f"FAILED {test['problem'] or ''}".strip(),
            )
            for test in found["self_test"]
        ],
        right=(1, 2),
    )


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
