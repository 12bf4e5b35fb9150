"""The cache saves time and nothing else: what it cannot trust is compiled again, where it cannot write it is silent."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faltung.jit import cache, compiler
from faltung.jit.compiler import pointer
from faltung.jit.emitter import Emitter, f64, ptr
from faltung.spec import Array

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owner bits and links are those of POSIX")


def add(*, amount: int, checked: bool = False) -> Emitter:
    """A loop that adds a number known when it is compiled."""
    e: Any = Emitter("add", checked=checked, x=ptr(f64))
    e.x[0] = e.x[0] + float(amount)
    return e


class Builds:
    """Runs `add` as a new process would, and counts how often it was translated."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wrap the translation."""
        self._translate, self.count = compiler.translate, 0
        monkeypatch.setattr(compiler, "translate", self._counting)

    def _counting(self, emitter: Emitter) -> bytes:
        self.count += 1
        return self._translate(emitter)

    def __call__(self, amount: int = 1) -> int:
        """Builds that one run of the loop took."""
        before = self.count
        compiler._loaded.clear()
        x = np.array([10.0])
        compiler.get(add, amount=amount)(pointer(x))
        assert x.tolist() == [10.0 + amount]
        return self.count - before


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, empty, not there yet."""
    place = tmp_path / "objects"
    monkeypatch.setenv("FALTUNG_CACHE", str(place))
    return place


@pytest.fixture
def builds(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builds]:
    """A counter; the loops of other tests stay in memory."""
    kept = compiler._loaded.copy()
    yield Builds(monkeypatch)
    compiler._loaded.clear()
    compiler._loaded.update(kept)


def only_object(home: Path) -> Path:
    """The one file in the cache."""
    (path,) = home.iterdir()
    return path


# keys


def test_a_second_process_builds_nothing(builds: Builds) -> None:
    assert [builds(), builds(), builds()] == [1, 0, 0]


def test_the_same_loop_is_taken_from_memory(builds: Builds) -> None:
    assert compiler.get(add, amount=3) is compiler.get(add, amount=3)
    assert builds.count == 1


def test_every_parameter_has_an_object_of_its_own(builds: Builds, home: Path) -> None:
    assert [builds(1), builds(2), builds(1), builds(2)] == [1, 1, 0, 0]
    assert len(list(home.iterdir())) == 2


@pytest.mark.parametrize("fact", ["_sources", "_host"])
def test_other_sources_and_other_processors_build_anew(
    fact: str, builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert builds() == 1
    real = getattr(compiler, fact)()
    with monkeypatch.context() as changed:
        changed.setattr(compiler, fact, lambda: (*real[:1], real[1] + ",+other") if fact == "_host" else real + "0")
        compiler._machine()
        assert builds() == 1
    assert builds() == 0


def test_the_fingerprint_covers_every_source_of_a_loop() -> None:
    package = Path(compiler.__file__).parent.parent
    seen: list[Path] = []
    real = Path.read_bytes

    def reading(path: Path) -> bytes:
        seen.append(path)
        return real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", reading)
        compiler._sources.__wrapped__()
    assert {path.relative_to(package).as_posix() for path in seen} >= {
        "jit/emitter.py",
        "jit/compiler.py",
        "loops/lines.py",
        "loops/tiles.py",
    }


def test_the_fingerprint_changes_with_one_byte() -> None:
    real = Path.read_bytes
    before = compiler._sources.__wrapped__()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: real(path) + b"#" * (path.name == "tiles.py"))
        assert compiler._sources.__wrapped__() != before
    assert compiler._sources.__wrapped__() == before


def test_a_checked_loop_is_not_kept(builds: Builds, home: Path) -> None:
    with compiler.checking():
        builds()
    assert not home.exists()


# objects that may not be trusted


def _flip(place: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        body = bytearray(path.read_bytes())
        body[place] ^= 1
        path.write_bytes(body)

    return spoil


def _cut(size: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:size])

    return spoil


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILERS = {
    "flipped in the checksum": _flip(5),
    "flipped in the types": _flip(64),
    "flipped in the code": _flip(200),
    "flipped at the end": _flip(-1),
    "empty": _cut(0),
    "cut in the checksum": _cut(40),
    "cut after the checksum": _cut(64),
    "cut in the code": _cut(-1),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS.keys())
def test_a_damaged_object_is_built_again_and_mended(spoil: Callable[[Path], None], builds: Builds, home: Path) -> None:
    assert builds() == 1
    spoil(only_object(home))
    assert [builds(), builds()] == [1, 0]


def test_a_folder_in_place_of_an_object_costs_builds_only(builds: Builds, home: Path) -> None:
    assert builds() == 1
    _replace_by_folder(only_object(home))
    assert [builds(), builds()] == [1, 1]


def test_an_object_filed_under_another_key_is_refused(builds: Builds, home: Path) -> None:
    assert builds(1) == 1
    first = only_object(home)
    assert builds(2) == 1
    (second,) = set(home.iterdir()) - {first}
    second.write_bytes(first.read_bytes())
    assert [builds(2), builds(2)] == [1, 0]


@posix
@pytest.mark.parametrize("bits", [0o666, 0o620, 0o602])
def test_an_object_that_others_may_write_is_built_again(bits: int, builds: Builds, home: Path) -> None:
    assert builds() == 1
    only_object(home).chmod(bits)
    assert [builds(), builds()] == [1, 0]
    assert only_object(home).stat().st_mode & 0o077 == 0


@posix
@pytest.mark.parametrize("bits", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_is_neither_read_nor_written(bits: int, builds: Builds, home: Path) -> None:
    assert builds(1) == 1
    home.chmod(bits)
    assert [builds(1), builds(1), builds(2)] == [1, 1, 1]
    assert len(list(home.iterdir())) == 1
    assert not cache.summary()["trusted"]
    home.chmod(0o700)
    assert builds(1) == 0


@posix
def test_a_stranger_s_object_and_folder_are_refused(
    builds: Builds, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert builds() == 1
    with monkeypatch.context() as changed:
        changed.setattr(os, "getuid", lambda: home.stat().st_uid + 1)
        assert [builds(), builds()] == [1, 1]
        assert not cache.summary()["trusted"]
    assert builds() == 0


@posix
@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are followed here")
def test_a_link_in_place_of_an_object_is_replaced_and_its_target_left_alone(
    builds: Builds, home: Path, tmp_path: Path
) -> None:
    assert builds() == 1
    path, elsewhere = only_object(home), tmp_path / "elsewhere"
    path.rename(elsewhere)
    body = elsewhere.read_bytes()
    path.symlink_to(elsewhere)
    assert [builds(), builds()] == [1, 0]
    assert not path.is_symlink()
    assert elsewhere.read_bytes() == body


@posix
def test_new_objects_are_closed_to_others_whatever_the_umask(builds: Builds, home: Path) -> None:
    before = os.umask(0)
    try:
        assert builds() == 1
    finally:
        os.umask(before)
    assert home.stat().st_mode & 0o777 == 0o700
    assert only_object(home).stat().st_mode & 0o077 == 0


# places that cannot be written


def test_a_file_in_place_of_the_folder_costs_builds_only(builds: Builds, home: Path) -> None:
    home.write_text("not a folder")
    assert [builds(), builds()] == [1, 1]
    assert home.read_text() == "not a folder"
    assert cache.summary()["num_objects"] == 0
    assert not cache.summary()["writable"]
    assert cache.clear() == 0


def test_a_folder_below_a_file_costs_builds_only(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FALTUNG_CACHE", str(tmp_path / "file" / "objects"))
    assert [builds(), builds()] == [1, 1]
    assert cache.summary()["num_objects"] == 0


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_costs_builds_only(builds: Builds, home: Path) -> None:
    assert builds(1) == 1
    home.chmod(0o500)
    try:
        assert [builds(1), builds(2), builds(2)] == [0, 1, 1]
        assert not cache.summary()["writable"]
    finally:
        home.chmod(0o700)


def test_a_user_without_a_home_costs_builds_only(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: Any) -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("FALTUNG_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert [builds(), builds()] == [1, 1]
    assert cache.clear() == 0
    assert cache.summary()["num_objects"] == 0
    assert not cache.summary()["writable"]


def test_a_home_that_is_not_there_costs_builds_only(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a file in its place, for root may make any folder
    (tmp_path / "home").touch()
    for name in ("FALTUNG_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    assert [builds(), builds()] == [1, 1]
    assert (tmp_path / "home").read_bytes() == b""


# writing


def test_a_full_disk_leaves_the_old_object_and_no_part(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("key", b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as changed:
        changed.setattr(Path, "replace", full)
        cache.write("key", b"new")
    assert [path.name for path in home.iterdir()] == ["key.loop"]
    assert cache.read("key") == b"old"


def test_what_was_written_is_read_and_nothing_else_lies_there(home: Path) -> None:
    assert cache.read("key") is None
    cache.write("key", b"body\n\0")
    cache.write("empty", b"")
    assert cache.read("key") == b"body\n\0"
    assert cache.read("empty") == b""
    assert cache.read("other") is None
    assert {path.name for path in home.iterdir()} == {"key.loop", "empty.loop"}


@pytest.mark.usefixtures("home")
def test_readers_meet_whole_objects_while_they_are_replaced() -> None:
    bodies = [bytes([i]) * 20_000 for i in range(20)]
    cache.write("key", bodies[0])
    seen: list[bytes | None] = []
    ended = threading.Event()

    def reader() -> None:
        while not ended.is_set():
            seen.append(cache.read("key"))

    thread = threading.Thread(target=reader)
    thread.start()
    for body in bodies * 5:
        cache.write("key", body)
    ended.set()
    thread.join()
    assert seen
    assert set(seen) <= set(bodies)


def test_the_summary_counts_and_clear_removes_objects_only(home: Path) -> None:
    empty = cache.summary()
    assert empty == {"folder": str(home), "num_objects": 0, "num_bytes": 0, "writable": True, "trusted": True}
    assert not home.exists()
    cache.write("one", b"1" * 36)
    cache.write("two", b"2" * 136)
    (home / "notes.txt").write_text("mine")
    full = cache.summary()
    assert full["num_bytes"] == 100 + 200
    assert full["num_objects"] == 2
    # of a process that was killed while it wrote
    (home / "left.part").write_bytes(b"")
    assert cache.clear() == 3
    assert [path.name for path in home.iterdir()] == ["notes.txt"]
    assert cache.clear() == 0


# many at once

COLD = """
import sys
import numpy as np
import faltung as ft
print("ready", flush=True)
sys.stdin.readline()
x = np.arange(40.0).reshape(5, 8)
print(ft.convolve(x[0], [1.0, 2.0, 1.0], workers=1).tolist(), ft.convolve(x, np.ones((2, 2))).sum())
"""


def test_eight_processes_that_start_cold_at_once_are_right(home: Path) -> None:
    environment = os.environ | {"FALTUNG_CACHE": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", "-c", COLD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, env=environment, **pipes) for _ in range(8)]
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        answers = [_answer(process) for process in _released(processes)]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    line = np.convolve(np.arange(8.0), [1, 2, 1]).tolist()
    assert answers == [(f"{line} {4 * sum(range(40)) * 1.0}", "", 0)] * 8
    assert {path.suffix for path in home.iterdir()} == {".loop"}


def _released(processes: list[Any]) -> list[Any]:
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return processes


def _answer(process: Any) -> tuple[str, str, int]:
    out, err = process.communicate(timeout=60)
    return out.strip(), err, process.returncode


def test_threads_that_ask_for_one_loop_at_once_build_it_once(builds: Builds) -> None:
    start = threading.Barrier(8)
    results: list[Array] = []

    def ask() -> None:
        start.wait()
        x = np.array([1.0])
        compiler.get(add, amount=5)(pointer(x))
        results.append(x)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds.count == 1
    assert [x.item() for x in results] == [6.0] * 8
