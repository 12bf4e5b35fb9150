"""Texts from files: in the encoding named, or a line that says where it is another."""

from pathlib import Path

import pytest

from faltung.errors import FileError, ParameterError
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


WORDS = "Straße, naïve\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32"]
)
def test_an_encoding_that_is_named_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(WORDS.replace("\n", "\r\n").encode(encoding))
    assert read_text(tmp_path / "t.txt", encoding=encoding) == WORDS


@pytest.mark.parametrize(
    ("raw", "encoding", "words"),
    [
        (
            "ab\nStraße".encode("latin-1"),
            "utf-8",
            r"\(0xdf\) is no UTF-8, in line 2: .*encoding='latin-1' \(--encoding",
        ),
        (WORDS.encode("utf-16"), "utf-8", "the mark of UTF-16: give encoding='utf-16'"),
        (WORDS.encode("utf-16-le"), "latin-1", "character 2 is NUL.*encoding='utf-16-le'"),
        ("Strasse".encode("utf-16-be"), "utf-8", "character 1 is NUL.*encoding='utf-16-be'"),
        (b"\x7fELF\x00\xd0\x00", "utf-8", "a binary file, give a text"),
        (b"a\x81", "cp1252", r"byte 1 \(0x81\) is no CP1252"),
        (b"abc", "utf-16", "is no UTF-16"),
    ],
)
def test_another_encoding_is_named_with_its_place(raw: bytes, encoding: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(raw)
    with pytest.raises(FileError, match=words):
        read_text(tmp_path / "t.txt", encoding=encoding)


@pytest.mark.parametrize("encoding", ["latin-8x", "", "base64", "a\0b"])
def test_an_encoding_that_python_has_not_is_refused(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"abcd")
    with pytest.raises(ParameterError, match=r"is none of text.*latin-1"):
        read_text(tmp_path / "t.txt", encoding=encoding)
