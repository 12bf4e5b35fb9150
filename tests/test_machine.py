"""How many threads a call may use."""

import os

import pytest

from faltung.machine import num_workers


def test_all_processors_of_this_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALTUNG_WORKERS", raising=False)
    assert 1 <= num_workers() <= (os.cpu_count() or 1)


def test_the_environment_may_set_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALTUNG_WORKERS", "3")
    assert num_workers() == 3


@pytest.mark.parametrize("nonsense", ["", "0", "-1", "many", "1.5"])
def test_nonsense_in_the_environment_counts_as_unset(monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    monkeypatch.delenv("FALTUNG_WORKERS", raising=False)
    default = num_workers()
    monkeypatch.setenv("FALTUNG_WORKERS", nonsense)
    assert num_workers() == default
