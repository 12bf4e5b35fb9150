"""Faltung: convolution, from `f * g` on paper to ConvNets understood.

Names are loaded on first use: `import faltung` loads neither SciPy nor llvmlite nor torch.
"""

from typing import TYPE_CHECKING

from .lazy import on_first_use

__version__ = "0.1.0.dev0"

_HOMES = {
    "conventions.differences": ("Difference", "Differences", "why_different"),
    "conventions.translation": ("Translation", "translate"),
    "door": ("convolve", "correlate", "explain", "methods", "plan"),
    "errors": (
        "AccuracyError",
        "BoundaryError",
        "DtypeError",
        "ExpressionError",
        "FaltungError",
        "FileError",
        "IntegerOverflow",
        "MethodError",
        "MissingData",
        "MissingDependency",
        "ParameterError",
        "ShapeError",
    ),
    "explanation": ("Explanation",),
    "filters": ("kernels",),
    "filters.contours": ("canny",),
    "filters.derivatives": ("Edges", "edges", "gradient", "laplacian", "prewitt", "scharr", "sobel"),
    "filters.extrema": ("max_filter", "min_filter"),
    "filters.pooling": ("avg_pool", "lp_pool", "max_pool"),
    "filters.smoothing": ("box", "gaussian", "smooth"),
    "planner": ("Plan",),
}
_PACKAGES = ("compat", "data", "networks", "nn", "text", "tiling", "training", "uncertainty")
"""Reached by their own name, e.g. `faltung.data.read`."""

if TYPE_CHECKING:
    from . import compat, data, networks, nn, text, tiling, training, uncertainty
    from .conventions.differences import Difference, Differences, why_different
    from .conventions.translation import Translation, translate
    from .door import convolve, correlate, explain, methods, plan
    from .errors import (
        AccuracyError,
        BoundaryError,
        DtypeError,
        ExpressionError,
        FaltungError,
        FileError,
        IntegerOverflow,
        MethodError,
        MissingData,
        MissingDependency,
        ParameterError,
        ShapeError,
    )
    from .explanation import Explanation
    from .filters import kernels
    from .filters.contours import canny
    from .filters.derivatives import Edges, edges, gradient, laplacian, prewitt, scharr, sobel
    from .filters.extrema import max_filter, min_filter
    from .filters.pooling import avg_pool, lp_pool, max_pool
    from .filters.smoothing import box, gaussian, smooth
    from .planner import Plan

__all__ = [
    "AccuracyError",
    "BoundaryError",
    "Difference",
    "Differences",
    "DtypeError",
    "Edges",
    "Explanation",
    "ExpressionError",
    "FaltungError",
    "FileError",
    "IntegerOverflow",
    "MethodError",
    "MissingData",
    "MissingDependency",
    "ParameterError",
    "Plan",
    "ShapeError",
    "Translation",
    "avg_pool",
    "box",
    "canny",
    "compat",
    "convolve",
    "correlate",
    "data",
    "edges",
    "explain",
    "gaussian",
    "gradient",
    "kernels",
    "laplacian",
    "lp_pool",
    "max_filter",
    "max_pool",
    "methods",
    "min_filter",
    "networks",
    "nn",
    "plan",
    "prewitt",
    "scharr",
    "smooth",
    "sobel",
    "text",
    "tiling",
    "training",
    "translate",
    "uncertainty",
    "why_different",
]

__getattr__, __dir__ = on_first_use(__name__, __all__, _HOMES, _PACKAGES)
