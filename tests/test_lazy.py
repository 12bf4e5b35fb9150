"""Names that load their module on first use."""

import sys
from types import ModuleType
from typing import Any

import pytest

from faltung.errors import MissingDependency
from faltung.lazy import on_first_use


@pytest.fixture
def package(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with one light module, one that needs torch, one that needs something else."""
    home = tmp_path / "lazily"
    home.mkdir()
    homes = {"light": ("one", "two"), "heavy": ("net",), "broken": ("lost",)}
    (home / "__init__.py").write_text(
        "from faltung.lazy import on_first_use\n"
        "__all__ = ['light', 'lost', 'net', 'one', 'two']\n"
        f"__getattr__, __dir__ = on_first_use(__name__, __all__, {homes!r}, ('light',))\n"
    )
    (home / "light.py").write_text("one, two = 1, 2\n")
    (home / "heavy.py").write_text("import torch\nnet = torch\n")
    (home / "broken.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("lazily", "lazily.light", "lazily.heavy", "lazily.broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return __import__("lazily")


def test_a_name_is_loaded_once(package: ModuleType) -> None:
    assert "lazily.light" not in sys.modules
    assert package.two == 2
    assert vars(package)["two"] == 2
    assert "one" not in vars(package)


def test_a_module_is_reached_by_its_name(package: ModuleType) -> None:
    assert package.light.one == 1


def test_only_public_names_are_listed_and_found(package: ModuleType) -> None:
    assert dir(package) == ["light", "lost", "net", "one", "two"]
    with pytest.raises(AttributeError, match="module 'lazily' has no attribute 'three'"):
        _ = package.three


def test_without_torch_the_message_has_the_cure(package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match=r'lazily\.net needs torch.*pip install "faltung\[nn\]"'):
        _ = package.net


def test_what_else_is_missing_is_not_hidden(package: ModuleType) -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        _ = package.lost


def test_a_home_in_torch_is_taken_as_it_is() -> None:
    torch = pytest.importorskip("torch")
    load, names = on_first_use("faltung.nn", ["MaxUnpool2d"], {"torch.nn": ("MaxUnpool2d",)})
    assert load("MaxUnpool2d") is torch.nn.MaxUnpool2d
    assert names() == ["MaxUnpool2d"]
