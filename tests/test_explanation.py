"""The words for what a call takes."""

from faltung.explanation import seconds_words, size_words


def test_units_are_readable() -> None:
    assert [seconds_words(s) for s in (2.5, 0.0025, 2.5e-6)] == ["2.5 s", "2.5 ms", "2.5 us"]
    assert [size_words(n) for n in (12, 2048, 3 << 20, 5 << 30)] == ["12 B", "2 KiB", "3 MiB", "5 GiB"]
