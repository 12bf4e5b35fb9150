"""The contract between the planner and the ways to convolve.

A module in `algorithms/` is an `Algorithm`. It says in words when it cannot serve a spec, predicts what serving it
costs, and builds a `Routine`, which loads kernels and runs over data. Routines see stacks: entries of x, kernels, and
entries of the result, each made of one of either; the order of axes and dtypes of results are the planner's business.
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


@dataclass(frozen=True)
class Detour:
    """Part of a call that was done another way, because of the data.

    Attributes:
        num_parts, num_all: how many parts of how many.
        reason: what would have gone wrong, as the end of a sentence on the parts.
    """

    num_parts: int
    num_all: int
    reason: str

    def __str__(self) -> str:
        return f"{self.num_parts} of {self.num_all} {self.reason}"


class Packed(Protocol):
    """Kernels as one routine wants them."""

    @property
    def nbytes(self) -> int:
        """Memory that they hold."""


class Routine(Protocol):
    """One algorithm, built for one spec whose batch axes stand in front."""

    @property
    def nbytes(self) -> int:
        """Memory of its tables."""

    def load(self, kernels: Array) -> Any:
        """Prepare kernels (M, *taps), weights of a correlation: packed, transformed, as `run` wants them."""

    def run(self, x: Array, packed: Any, out: Array, workers: int) -> Detour | None:
        """Fill out from x; both are stacks, whose entries and kernels go together as `ConvSpec.pairs` says.

        Args:
            x: (entries of x, *sizes).
            packed: what `load` returned.
            out: (entries of the batch, *out_sizes), contiguous.
            workers: threads to use at most; they change no bit.
        """


class Algorithm(Protocol):
    """One way to convolve.

    Attributes:
        transforms: whether sums come by transforms, whose rounding spreads over all outputs of a tile; otherwise each
            is added up from its own window, and sums of sizes are right to their last digits.
    """

    name: str
    transforms: bool

    def refuses(self, spec: ConvSpec) -> str | None:
        """Why this spec cannot be served, in words; None if it can."""

    def cost(self, spec: ConvSpec, machine: Machine) -> Cost:
        """What one call over the whole batch is predicted to take on one thread."""

    def grain(self, spec: ConvSpec) -> tuple[int, ...]:
        """Outputs between places along each axis where a convolution may be cut without changing a bit."""

    def build(self, spec: ConvSpec) -> Routine:
        """Compile, make tables and plans: everything that does not depend on the kernels."""
