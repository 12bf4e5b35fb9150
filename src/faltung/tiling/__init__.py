"""Tiled inference that equals the whole picture: halo, grid and cost by arithmetic, for any torch module.

Names are loaded on first use: `import faltung.tiling` does not load torch.
"""

from typing import TYPE_CHECKING

from ..lazy import on_first_use

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

__all__ = ["Equality", "Tile", "TilePlan", "apply", "apply_file", "plan", "probe"]

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES)
