"""`import faltung` stays cheap: what is heavy is loaded by the call that needs it."""

import json
import pkgutil
import subprocess
import sys

import faltung

HEAVY = {
    "astropy",
    "torch",
    "scipy",
    "llvmlite",
    "matplotlib",
    "PIL",
    "skimage",
    "imageio",
    "tifffile",
    "typer",
    "rich",
}


def _in_new_process(program: str, *words: str) -> list[str]:
    """What the program printed as JSON."""
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_import_loads_nothing_heavy() -> None:
    loaded = _in_new_process("import faltung, json, sys; print(json.dumps(list(sys.modules)))")
    assert not HEAVY & set(loaded)


def test_public_names_load_nothing_heavy_before_they_are_called() -> None:
    fetch = "[getattr(faltung, name) for name in faltung.__all__]"
    program = f"import faltung, json, sys; {fetch}; print(json.dumps(list(sys.modules)))"
    assert not HEAVY & set(_in_new_process(program))


def test_a_drop_in_module_is_loaded_without_the_others() -> None:
    program = "import faltung, json, sys; faltung.compat.numpy.convolve; print(json.dumps(list(sys.modules)))"
    modules = {f"faltung.compat.{name}" for name in faltung.compat.__all__}
    assert modules & set(_in_new_process(program)) == {"faltung.compat.numpy"}
    assert dir(faltung.compat) == faltung.compat.__all__


def test_import_makes_no_thread() -> None:
    program = "import faltung, json, threading; print(json.dumps([t.name for t in threading.enumerate()]))"
    assert _in_new_process(program) == ["MainThread"]


ALONE = """
import importlib, json, sys, traceback
failed = []
for name in sys.argv[1:]:
    for loaded in [m for m in sys.modules if m.split(".")[0] == "faltung"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception:
        failed.append(name + ": " + traceback.format_exc())
print(json.dumps(failed))
"""


def test_every_module_can_be_imported_first() -> None:
    modules = [module.name for module in pkgutil.walk_packages(faltung.__path__, "faltung.")]
    assert "faltung.door" in modules
    assert _in_new_process(ALONE, *modules) == []
