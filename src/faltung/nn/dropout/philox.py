"""Philox 4x32-10: random words that are a pure function of a counter and a key.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC '11; its known answers are
in the tests. It passes TestU01's BigCrush for any choice of counters, so places of a picture may be counters.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
MASK = 0xFFFFFFFF

_CHUNK = 2**15
"""Counters at once: what ten rounds work on stays in a cache of 2 MiB."""


def philox(counter: Sequence[Tensor], key: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Four random words of 32 bits for each counter.

    Args:
        counter: four int64 tensors that broadcast, of words from 0 to 2^32 - 1.
        key: two such tensors.

    Returns:
        Four int64 tensors of words from 0 to 2^32 - 1.
    """
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        # int64 wraps, and the upper half of an unsigned product is what an arithmetic shift leaves, after the mask;
        # dirt above bit 31 of b and d does no harm, because only a and c are multiplied
        p, q = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = ((q >> 32) ^ b ^ k0) & MASK, q, ((p >> 32) ^ d ^ k1) & MASK, p
        k0, k1 = (k0 + _STEPS[0]) & MASK, (k1 + _STEPS[1]) & MASK
    return a, b & MASK, c, d & MASK


def derived_keys(key: int, samples: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """A key of its own for each sample of a layer: two words, each (S,)."""
    low, high = _words(samples, device)
    zero = torch.zeros_like(low)
    own = [torch.tensor(word, device=device) for word in (key & MASK, key >> 32)]
    return philox((low, high, zero, zero), own)[:2]


def words_at(keys: tuple[Tensor, Tensor], origin: Sequence[int], shape: Sequence[int], device: torch.device) -> Tensor:
    """Random words of a box of places, the same for a place whichever box it lies in.

    Args:
        keys: two tensors (S,), of `derived_keys`.
        origin: the first place along each axis; may be negative.
        shape: places along each axis. The last three axes are counted apart; those before them share one number.
        device: where the words are made.

    Returns:
        int64 (S, *shape), from 0 to 2^32 - 1.
    """
    num_samples = len(keys[0])
    # one counter makes the words of four neighbours along the last axis
    first, skipped = divmod(origin[-1], 4)
    length = -(-(skipped + shape[-1]) // 4)
    before = [1] * max(0, 4 - len(shape))
    axes = [
        torch.arange(start, start + size, device=device) & MASK
        for start, size in zip([*([0] * len(before)), *origin[:-1]], [*before, *shape[:-1]], strict=True)
    ]
    leading = torch.zeros(1, dtype=torch.int64, device=device)
    for places in axes[:-2]:
        leading = ((leading * len(places))[:, None] + places).reshape(-1) & MASK
    rows = torch.cartesian_prod(torch.arange(num_samples, device=device), leading, *axes[-2:])
    across = (torch.arange(first, first + length, device=device) & MASK)[None]
    out = torch.empty(len(rows), length, 4, dtype=torch.int64, device=device)
    # a compiler would write the steps of a loop one after the other
    step = len(rows) if torch.compiler.is_compiling() else max(1, _CHUNK // length)
    for start in range(0, len(rows), max(step, 1)):
        sample, d, c, b = rows[start : start + step, :, None].unbind(1)
        words = philox((across, b, c, d), (keys[0][sample], keys[1][sample]))
        torch.stack([word.expand(len(b), length) for word in words], -1, out=out[start : start + step])
    flat = out.reshape(len(rows), 4 * length)[:, skipped : skipped + shape[-1]]
    return flat.reshape(num_samples, *shape)


def _words(numbers: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """The lower and upper 32 bits of each number."""
    pairs = [(number & MASK, (number >> 32) & MASK) for number in numbers]
    return tuple(torch.tensor(pairs, device=device).unbind(1))
