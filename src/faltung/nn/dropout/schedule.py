"""Rates that change while training: the share of p that applies at a step."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from ...arguments import check_choice, integer, real
from ...errors import ParameterError

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class Ramp:
    """A share that goes from `start` to `end` in so many steps, and stays there.

    With t = min(max(step - wait, 0) / steps, 1), the share is start + (end - start) * t ("linear"), or the same with
    (1 - cos(pi * t)) / 2 in place of t ("cosine"). Ghiasi et al. 2018 raise DropBlock's rate linearly from 0.

    Args:
        steps: how many steps the way takes, >= 1.
        start: the share at first, 0 to 1.
        end: the share at last, 0 to 1.
        wait: steps before it begins.
        shape: "linear" or "cosine".

    Raises:
        ParameterError: a value is outside what it may be.

    Example:
        >>> import faltung as ft
        >>> ramp = ft.nn.Ramp(100)
        >>> [ramp(step) for step in (0, 25, 100, 500)]
        [0.0, 0.25, 1.0, 1.0]
    """

    steps: int
    start: float = 0.0
    end: float = 1.0
    wait: int = 0
    shape: Literal["linear", "cosine"] = "linear"

    def __post_init__(self) -> None:
        integer("steps", self.steps, least=1)
        integer("wait", self.wait, least=0)
        for name in ("start", "end"):
            if not 0 <= real(name, getattr(self, name)) <= 1:
                raise ParameterError(f"{name}={getattr(self, name)!r}: a share from 0 to 1 of the layer's p is allowed")
        check_choice("shape", self.shape, ("linear", "cosine"))

    def __call__(self, step: int) -> float:
        """The share at this step."""
        t = min(max(step - self.wait, 0) / self.steps, 1.0)
        if self.shape == "cosine":
            t = (1 - math.cos(math.pi * t)) / 2
        return self.start + (self.end - self.start) * t


def advance(module: nn.Module, steps: int = 1) -> int:
    """Move every scheduled dropout layer in `module` on, e.g. once after each `optimizer.step()`.

    A layer does not count its own calls: recomputed activations, shared layers and several forward passes per update
    would count twice. The step is the buffer `step` in the state dict, so training that is resumed goes on with it.

    Args:
        module: any module; layers are found at any depth.
        steps: how many, >= 1.

    Returns:
        How many layers were moved.

    Raises:
        ParameterError: no layer in `module` has a schedule.

    Example:
        >>> import faltung as ft
        >>> layer = ft.nn.Dropout(0.4, schedule=ft.nn.Ramp(4))
        >>> ft.nn.advance(layer), layer.rate
        (1, 0.1)
    """
    from .base import Droppable

    integer("steps", steps, least=1)
    found = [part for part in module.modules() if isinstance(part, Droppable) and part.schedule is not None]
    if not found:
        raise ParameterError(
            f"no dropout layer in this {type(module).__name__} has a schedule: give one, e.g. Dropout(0.5, "
            "schedule=Ramp(1000)), or do not call advance"
        )
    for part in found:
        part.go_to(part.current_step + steps)
    return len(found)
