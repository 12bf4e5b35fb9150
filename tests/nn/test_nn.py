import subprocess
import sys

import pytest

import faltung as ft

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import faltung as ft
for act in (lambda: ft.nn.Dropout, lambda: ft.nn.at):
    try:
        act()
    except ft.MissingDependency as error:
        print(error)
print(ft.nn.__all__ == dir(ft.nn))
"""


def test_without_torch_the_first_use_says_how_to_install_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        'faltung.nn.Dropout needs torch, which is not installed: pip install "faltung[nn]"',
        'faltung.nn.at needs torch, which is not installed: pip install "faltung[nn]"',
        "True",
    ]


def test_names_are_listed_once_in_order_and_all_there() -> None:
    assert ft.nn.__all__ == sorted(set(ft.nn.__all__))
    assert all(getattr(ft.nn, name).__doc__ for name in ft.nn.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Dropout4d'"):
        ft.nn.Dropout4d  # noqa: B018
