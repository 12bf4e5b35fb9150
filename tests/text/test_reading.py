"""Texts from files: UTF-8 or a line that says where it is none."""

from pathlib import Path

import pytest

from faltung.errors import FileError
from faltung.text import read_text


def test_line_ends_and_a_mark_at_the_beginning_are_made_plain(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes("\ufeffä\r\nb\rc\n".encode())
    assert read_text(tmp_path / "t.txt") == "ä\nb\nc\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"", "is empty"), (b"\xef\xbb\xbf", "nothing else"), (b"Stra\xdfe", r"byte 4 \(0xdf\) is no UTF-8")],
)
def test_files_without_a_text(raw: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(raw)
    with pytest.raises(FileError, match=words):
        read_text(tmp_path / "t.txt")


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(FileError, match="cannot be read"):
        read_text(tmp_path)
