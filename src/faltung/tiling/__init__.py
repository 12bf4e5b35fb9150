"""Tiled inference that equals the whole picture: halo, grid and cost by arithmetic, for any torch module.

Names are loaded on first use: `import faltung.tiling` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from .files import apply_file
    from .plans import Tile, TilePlan, plan
    from .probing import Equality, probe
    from .running import apply

_HOMES = {
    "files": ("apply_file",),
    "plans": ("Tile", "TilePlan", "plan"),
    "probing": ("Equality", "probe"),
    "running": ("apply",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["Equality", "Tile", "TilePlan", "apply", "apply_file", "plan", "probe"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'faltung.tiling' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise MissingDependency('faltung.tiling needs torch: pip install "faltung[nn]"') from missing
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
