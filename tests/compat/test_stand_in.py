"""What the drop-in modules do not replace is refused with its home, and `dir` shows what they do."""

import importlib

import pytest

from faltung import compat

HOMES = {
    "numpy": "numpy",
    "scipy_signal": "scipy.signal",
    "scipy_linalg": "scipy.linalg",
    "scipy_ndimage": "scipy.ndimage",
    "astropy": "astropy.convolution",
}


def test_every_module_of_the_package_is_asked() -> None:
    assert sorted(HOMES) == dir(compat)


@pytest.mark.parametrize(("name", "home"), HOMES.items())
def test_what_is_not_replaced_is_named_with_its_home(name: str, home: str) -> None:
    module = importlib.import_module(f"faltung.compat.{name}")
    with pytest.raises(AttributeError, match=f"'butter' is not replaced by Faltung: take it from {home} as before"):
        module.butter  # noqa: B018
    assert not hasattr(module, "__wrapped__")
    assert dir(module) == sorted(module.__all__)
