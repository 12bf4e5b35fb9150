"""All samples of one input, by the least work that is sound: the common prefix once, suffixes side by side."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..arguments import integer
from ..errors import DtypeError, ParameterError
from ..nn.dropout.place import at
from ..nn.dropout.sampling import dropping_only
from ..tiling.dropout import is_masked
from .following import Followed, follow
from .generators import Generators, same_state
from .repeating import Repeated
from .watching import Unfollowed

Way = Literal["side by side", "one by one", "full passes"]
WAYS: tuple[Way, ...] = ("side by side", "one by one", "full passes")
"""From the least work to the most."""

MAX_MEMORY = 2**28
"""Bytes that suffixes side by side may hold by default."""

WIDE = 2**17
"""Bytes of a suffix beyond which suffixes run one by one on a CPU: its cores are busy with one, and more leave the
cache. Measured on a U-Net's second half, one thread: at 49 kB 0.19 ms one by one and 0.13 side by side, at 3 MB 4.1 and
4.6."""

CACHE = 2**21
"""Bytes that suffixes side by side may hold on a CPU: what stays near its cores."""


NOTHING_DROPS = "this {} drops nothing, all samples would be equal: put a dropout layer into it, or raise its p above 0"


@dataclass(frozen=True)
class Sampling:
    """How samples were computed.

    Attributes:
        samples: how many.
        way: suffixes "side by side" (several at once, `batch`), suffixes "one by one", or "full passes".
        batch: samples at once.
        prefix_calls: calls of torch that were made once; a layer without dropout inside is one.
        suffix_calls: calls of torch that were made for every sample, or for every batch of samples.
        difference: largest difference of sample 0, computed this way, to its full pass, as a share of its largest
            value; 0.0 is bit for bit.
        reason: why a quicker way was not taken; empty if there is none.
        tiles: parts of x that were run one after the other, each with all samples; what else is said here is that of
            the part that took the slowest way, and the largest difference of any.
    """

    samples: int
    way: Way
    batch: int
    prefix_calls: int
    suffix_calls: int
    difference: float
    reason: str
    tiles: int = 1

    def __str__(self) -> str:
        tiles = f" of each of {self.tiles} tiles" if self.tiles > 1 else ""
        if self.way == "full passes":
            return f"{self.samples} full passes{tiles}: {self.reason}"
        work = f"{self.prefix_calls} calls once, {self.suffix_calls} calls for each"
        equal = (
            "as its full pass, bit for bit"
            if self.difference == 0
            else f"within {self.difference:.1g} of its full pass"
        )
        batch = f", {self.batch} side by side" if self.way == "side by side" else ", one by one"
        return f"{self.samples} samples{tiles}: {work}{batch}; sample 0 {equal}" + (
            f" ({self.reason})" if self.reason else ""
        )


def run_samples(
    module: nn.Module,
    x: Tensor,
    take: Callable[[int, Tensor], None],
    *,
    samples: int,
    seed: int,
    batch: int | Literal["auto"],
    max_memory: int,
) -> Sampling:
    """Hand the outputs of all samples to `take`, in order, a batch at a time.

    Args:
        module: any; its mode, buffers and generators are as before afterwards.
        x: its input.
        take: gets the number of the first sample of a batch, and the outputs (batch, *output).
        samples: how many.
        seed: of all.
        batch: samples side by side; "auto" chooses by size.
        max_memory: bytes that the suffixes of a batch may hold.

    Raises:
        ParameterError: nothing draws random numbers, or an option is outside what it may be.
        DtypeError: the module returns something else than one tensor.
    """
    samples, seed = integer("samples", samples, least=1), integer("seed", seed)
    if batch != "auto":
        integer("batch", batch, least=1)
    max_memory = integer("max_memory", max_memory, least=1)
    generators = Generators(module, x, seed)
    with torch.no_grad(), generators.kept(), dropping_only(module), _kept_buffers(module) as restore:
        rest = _Rest(module, x, generators, take, restore, samples)
        try:
            followed = follow(module, x, generators)
        except Unfollowed as failure:
            return rest.full(str(failure))
        if not followed.depends:
            raise ParameterError(NOTHING_DROPS.format(type(module).__name__))
        rest.hand_on(followed.output[None])
        width, reason = _batch(followed, x, samples, batch, max_memory), ""
        # what cannot be done side by side may be possible one by one
        for own in (width, 1) if width > 1 else (1,):
            way: Way = "side by side" if own > 1 else "one by one"
            try:
                apart = rest.repeat(followed, own)
            except (Unfollowed, RuntimeError, TypeError, ValueError) as failure:
                reason = f"{way}: {(str(failure).strip() or type(failure).__name__).splitlines()[0]}"
                restore()
            else:
                prefix, suffix = (followed.num_calls(repeated=again) for again in (False, True))
                return Sampling(samples, way, own, prefix, suffix, apart, reason)
        return rest.full(reason)


@dataclass
class _Rest:
    """The samples that are still to come.

    Attributes:
        take: where outputs go.
        restore: puts buffers back.
        samples: of all.
        done: samples handed on so far.
    """

    module: nn.Module
    x: Tensor
    generators: Generators
    take: Callable[[int, Tensor], None]
    restore: Callable[[], None]
    samples: int
    done: int = 0

    def hand_on(self, outputs: Tensor) -> None:
        """Outputs of the next samples, (batch, *output)."""
        self.take(self.done, outputs)
        self.done += len(outputs)

    def repeat(self, followed: Followed, width: int) -> float:
        """Suffixes only, `width` side by side; sample 0, which is known, comes again and is compared.

        Returns:
            The difference of sample 0 to its full pass.

        Raises:
            Unfollowed: it is too large, or a pass goes another way; samples handed on before are right.
        """
        apart = 0.0
        if self.done < self.samples:
            numbers = [0, *range(self.done, self.samples)]
            repeated = Repeated(self.module, self.x, followed, self.generators)
            with repeated.ready():
                for start in range(0, len(numbers), width):
                    own = numbers[start : start + width]
                    outputs = repeated.one(own[0])[None] if width == 1 else repeated.several(own)
                    if start == 0:
                        apart = difference(followed.output, outputs[0])
                        _check(apart, outputs.dtype)
                        outputs = outputs[1:]
                    if len(outputs):
                        self.hand_on(outputs)
        return apart

    def full(self, reason: str) -> Sampling:
        """The definition: a pass of the whole module for every sample that is left."""
        self.restore()
        # masks of layers with a key may be equal by chance, on a small part of a picture
        keyed = any(is_masked(part) and part.rate > 0 for part in self.module.modules())
        kept, differ = None, keyed or self.done > 0
        while self.done < self.samples:
            self.generators.start(self.done)
            state = self.generators.state()
            with at(sample=self.done):
                output = self.module(self.x.clone())
            self.restore()
            if not isinstance(output, Tensor):
                raise DtypeError(
                    f"this {type(self.module).__name__} returns a {type(output).__name__}: one tensor is expected; "
                    "wrap it in a module that returns the part that is meant"
                )
            self.hand_on(output[None])
            kept = output if kept is None else kept
            differ = differ or not same_state(state, self.generators.state()) or not torch.equal(kept, output)
        if not differ:
            raise ParameterError(NOTHING_DROPS.format(type(self.module).__name__))
        return Sampling(self.samples, "full passes", 1, 0, 0, 0.0, reason)


def _batch(followed: Followed, x: Tensor, samples: int, batch: int | Literal["auto"], max_memory: int) -> int:
    """Samples side by side."""
    if batch != "auto":
        return min(batch, samples)
    each = max(followed.sample_bytes, 1)
    if x.device.type == "cpu":
        return 1 if each > WIDE else max(1, min(samples, CACHE // each, max_memory // each))
    return max(1, min(samples, max_memory // each))


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference as a share of the largest finite value; inf for other shapes, or NaN at other places."""
    if a.shape != b.shape:
        return float("inf")
    if a.equal(b):
        return 0.0
    a, b = a.double(), b.double()
    finite = a.isfinite()
    if not torch.equal(torch.nan_to_num(a)[~finite], torch.nan_to_num(b)[~finite]):
        return float("inf")
    if not finite.any():
        return 0.0
    apart = (a - b)[finite].abs().max()
    return float(apart / a[finite].abs().max().clamp(min=1e-300))


def _check(apart: float, dtype: torch.dtype) -> None:
    """Refuse what is no rounding: far above that, far below another mask."""
    if not apart <= (0.05 if dtype in (torch.float16, torch.bfloat16) else 1e-3):
        raise Unfollowed(f"sample 0 differs from its full pass by {apart:.2g} of its largest value")


@contextmanager
def _kept_buffers(module: nn.Module) -> Iterator[Callable[[], None]]:
    """Yields what puts buffers back, and does so at the end."""
    held = [(buffer, buffer.detach().clone()) for buffer in module.buffers() if not buffer.is_inference()]

    def restore() -> None:
        for buffer, values in held:
            # batch norm moves its averages without counting it in _version
            if not buffer.equal(values):
                buffer.copy_(values)

    try:
        yield restore
    finally:
        restore()
