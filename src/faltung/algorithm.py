"""The contract between the planner and the ways to convolve.

A module in `algorithms/` is an `Algorithm`. It says in words when it cannot serve a spec, predicts what serving it
costs, and builds a `Routine`, which loads kernels and runs over data. Routines see one stack of equal problems:
x of shape (B, *sizes), one kernel, out of shape (B, *out_sizes); everything else is the planner's business.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from .machine import Machine
from .spec import Array, ConvSpec


@dataclass(frozen=True)
class Cost:
    """What a call is predicted to take.

    Attributes:
        seconds: time of one call, kernel already loaded.
        num_bytes: workspace beyond x and out.
        error: a-priori bound on the error of an output, relative to what `rtol` is relative to; inf if it depends on
            the data, 0 if exact.
    """

    seconds: float
    num_bytes: int
    error: float


class Routine(Protocol):
    """One algorithm, built for one spec."""

    def load(self, weights: Array) -> Any:
        """Prepare one kernel (*taps, correlation weights): packed, transformed, as `run` wants it."""

    def run(self, x: Array, packed: Any, out: Array, workers: int) -> str | None:
        """Fill out (B, *out_sizes) from x (B, *sizes).

        Returns:
            What had to be done another way because of the data, in words, or None.
        """


class Algorithm(Protocol):
    """One way to convolve."""

    name: str

    def refuses(self, spec: ConvSpec) -> str | None:
        """Why this spec cannot be served, in words; None if it can."""

    def cost(self, spec: ConvSpec, machine: Machine, workers: int) -> Cost:
        """What one call over the whole batch is predicted to take."""

    def build(self, spec: ConvSpec) -> Routine:
        """Compile, make tables and plans: everything that does not depend on the weights."""
