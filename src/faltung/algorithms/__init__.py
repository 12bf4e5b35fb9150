"""The ways to convolve, each a module; `ALGORITHMS` is the list the planner asks."""

from typing import cast

from ..algorithm import Algorithm
from . import direct, exact, fft, separable

ALGORITHMS = tuple(cast(Algorithm, module) for module in (direct, separable, fft, exact))
"""Asked in this order; among equal costs the first wins."""
