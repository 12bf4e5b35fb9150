"""Public names that load their module when they are first used, so that `import faltung` stays light."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

OF_NN = ("torch", "lightning_fabric", "torchmetrics", "safetensors")
"""Packages that come with the extra "nn"."""


def on_first_use(
    package: str, names: list[str], homes: Mapping[str, Sequence[str]], modules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    Args:
        package: its `__name__`.
        names: its `__all__`.
        homes: module -> the names that it defines; a module of the package, or one of torch, written in full.
        modules: names that are modules of the package themselves.
    """
    home_of = {name: home for home, named in homes.items() for name in named}

    def load(name: str) -> Any:
        if name not in home_of and name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            if name in modules:
                return import_module(f"{package}.{name}")
            home = home_of[name]
            value = getattr(import_module(home if home.startswith("torch.") else f"{package}.{home}"), name)
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] not in OF_NN:
                raise
            from .errors import MissingDependency

            raise MissingDependency(
                f'{package}.{name} needs {missing.name}, which is not installed: pip install "faltung[nn]"'
            ) from missing
        # asked for once: the next time Python finds it in the package itself
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: names
