"""Text of a loop -> machine code that Python can call, kept between processes.

llvmlite is imported where it is used: about 50 ms, paid by the first loop and not by the door.
"""

import ctypes
import functools
import hashlib
import math
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..spec import Array
from . import cache
from .emitter import Emitter

Write = Callable[..., Emitter]
"""Writes one loop: write(checked=..., **parameters) -> Emitter."""

_CTYPES = {"ptr": ctypes.c_void_p, "i64": ctypes.c_int64, "float": ctypes.c_float, "double": ctypes.c_double}

_loaded: dict[Any, Callable[..., None]] = {}
_engines: list[Any] = []  # they own the code: kept as long as the process lives
_lock = threading.Lock()
_checked = False


class Fault(AssertionError):
    """A loop in checked mode was about to touch memory outside its arrays: a defect of Faltung."""


@contextmanager
def checking() -> Iterator[None]:
    """Loops built inside test every load and store; plans made inside must be run inside."""
    global _checked
    before, _checked = _checked, True
    try:
        yield
    finally:
        _checked = before


def is_checking() -> bool:
    """Whether loops that are built now test what they touch."""
    return _checked


class Pointer(int):
    """An address that knows which bytes may be touched through it."""

    low: int
    high: int
    owner: Array  # kept alive as long as the address is


def pointer(array: Array) -> int:
    """The address of an array's first element; with its limits in checked mode."""
    address: int = _data_of(id(array)) if _DATA_IS_FIRST else array.__array_interface__["data"][0]
    if not _checked:
        return address
    limited = Pointer(address)
    limited.owner = array
    limited.low, limited.high = np.lib.array_utils.byte_bounds(array) if array.size else (address, address)
    return limited


def _data_of(array_id: int) -> int:
    """The data pointer of a NumPy array: the first field behind the object header, as in NumPy's C interface.

    `__array_interface__` says the same in ten times the time, which is half of a small call.
    """
    return ctypes.c_void_p.from_address(array_id + object.__basicsize__).value or 0


_PROBE = np.zeros(3)
_DATA_IS_FIRST = sys.implementation.name == "cpython" and _data_of(id(_PROBE)) == _PROBE.__array_interface__["data"][0]


def pack(**fields: int | Array) -> tuple[Array, Any]:
    """Numbers and pointers to arrays in one block, as `Emitter.unpack` reads it.

    Returns:
        The block (int64), and what must be kept alive as long as it is used.
    """
    cells: list[int] = []
    for value in fields.values():
        if not isinstance(value, np.ndarray):
            cells.append(int(value))
            continue
        place = pointer(value)
        cells += [place, place.low, place.high] if isinstance(place, Pointer) else [place]
    block = np.array(cells, np.int64)
    return block, (block, fields)


def get(write: Write, **parameters: Any) -> Callable[..., None]:
    """The loop that `write` describes for these parameters: from memory, from disk, or compiled now.

    Returns:
        A function of addresses (`pointer`) and numbers that releases the interpreter while it runs.
    """
    key = (write, _checked, *parameters.items())
    found = _loaded.get(key)
    if found is None:
        with _lock:
            found = _loaded.get(key)
            if found is None:
                found = _loaded[key] = _make_checked(write, parameters) if _checked else _make(write, parameters)
    return found


@functools.cache
def vector_bytes() -> int:
    """Width of the widest vector register, in bytes."""
    features = _host()[1]
    return 64 if "+avx512f" in features else 32 if "+avx2" in features else 16


STREAMED = 1 << 23
"""Bytes of a result from which it is stored past the caches, which it would fill: a line then need not be read from
memory only to be overwritten. Gaussian, sigma 3, on 2048 x 2048 takes 2.1 instead of 2.3 ms on two threads."""

ALIGNMENT = 64
"""Bytes of the widest vector there is."""


def room(shape: tuple[int, ...], item: np.dtype[Any]) -> Array:
    """A new array for a result; a large one begins where a vector does, so that it can be streamed."""
    num_bytes = math.prod(shape) * item.itemsize
    if num_bytes < STREAMED or item.kind == "O":
        return np.empty(shape, item)
    memory = np.empty(num_bytes + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + num_bytes].view(item).reshape(shape)


def can_stream() -> bool:
    """Whether stores can pass the caches: elsewhere than on x86 their order would need another fence."""
    return platform.machine() in ("x86_64", "AMD64")


def host_description() -> tuple[str, tuple[str, ...]]:
    """LLVM's name of this processor, and the vector features it has."""
    name, features = _host()
    wanted = ("sse4.2", "avx", "fma", "avx2", "avx512f", "neon", "sve")
    return name, tuple(word for word in wanted if f"+{word}" in features.split(","))


def _make(write: Write, parameters: dict[str, Any]) -> Callable[..., None]:
    import llvmlite
    import llvmlite.binding as llvm

    label = write.__name__
    identity = (label, parameters, _host(), sys.platform, llvmlite.__version__, llvm.llvm_version_info, _sources())
    key = f"{label}-{hashlib.sha256(repr(identity).encode()).hexdigest()[:40]}"
    body = cache.read(key)
    if body is None:
        emitter = write(checked=False, **parameters)
        names = ",".join(type_.name for type_ in emitter.arguments.values())
        body = names.encode() + b"\n" + translate(emitter)
        cache.write(key, body)
    names_line, code = body.split(b"\n", 1)
    return _link(code, names_line.decode().split(","))


def _make_checked(write: Write, parameters: dict[str, Any]) -> Callable[..., None]:
    """Never kept on disk: the Python lines in it belong to this process's sources."""
    emitter = write(checked=True, **parameters)
    types: list[str] = []
    for type_ in emitter.arguments.values():
        types += ["ptr", "i64", "i64"] if type_.family == "ptr" else [type_.name]
    function = _link(translate(emitter), [*types, "ptr"])

    def call(*arguments: Any) -> None:
        given: list[Any] = []
        for value, type_ in zip(arguments, emitter.arguments.values(), strict=True):
            given += [value, value.low, value.high] if type_.family == "ptr" else [value]
        fault = np.zeros(1, np.int64)
        function(*given, fault.__array_interface__["data"][0])
        if fault[0]:
            raise Fault(f"{emitter.label} strays outside its arrays at {emitter.places[int(fault[0]) - 1]}")

    return call


def translate(emitter: Emitter, machine: Any = None) -> bytes:
    """Optimise the text and translate it to an object file.

    The emitter has unrolled and vectorised already: six passes give the speed of LLVM's whole pipeline in a third of
    the time.
    """
    import llvmlite.binding as llvm

    machine = machine or _machine()
    module = llvm.parse_assembly(emitter.text())
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.add_loop_rotate_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    return machine.emit_object(module)


def _link(code: bytes, types: list[str]) -> Callable[..., None]:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return ctypes.CFUNCTYPE(None, *(_CTYPES[name] for name in types))(engine.get_function_address("loop"))


@functools.cache
def _host() -> tuple[str, str]:
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@functools.cache
def _machine() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = _host()
    return llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=3, jit=True)


@functools.cache
def _sources() -> str:
    """A fingerprint of everything that decides what a loop looks like."""
    package = Path(__file__).parent.parent
    paths = sorted([*package.glob("jit/*.py"), *package.glob("loops/*.py")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


_scratch = threading.local()


def scratch(size: int, dtype: np.dtype[Any]) -> int:
    """Address of this thread's workspace, valid until the thread asks again; in checked mode new and full of NaN."""
    if _checked:
        return pointer(np.full(size, np.nan if dtype.kind == "f" else 77, dtype))
    held: tuple[Array, int] | None = getattr(_scratch, dtype.char, None)
    if held is None or held[0].size < size:
        space = np.empty(size, dtype)
        held = space, pointer(space)
        setattr(_scratch, dtype.char, held)
    return held[1]


def _fresh_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # a fork during a compile would hand a held lock to the child
    os.register_at_fork(after_in_child=_fresh_lock)
