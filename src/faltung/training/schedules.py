"""Learning rates and random seeds as functions of the step: nothing to keep, so training goes on exactly anywhere."""

import hashlib
import math

from .config import Config

START, END = 1 / 25, 1e-4
"""Of one cycle: where the rate begins and ends, as shares of the largest."""


def rate_at(config: Config, rate: float, step: int, num_steps: int) -> float:
    """The learning rate of a step.

    Args:
        rate: the largest.
        step: from 0.
        num_steps: of the whole training.

    Source: Smith 2018, "A disciplined approach to neural network hyper-parameters", for one cycle; with cosines in
        place of straight lines, and momentum left as it is.

    Example:
        >>> [round(rate_at(Config(warm_up=0.5), 1.0, step, 5), 4) for step in range(5)]
        [0.04, 0.52, 1.0, 0.5, 0.0001]
    """
    last = max(num_steps - 1, 1)
    peak = config.warm_up * last
    if step < peak:
        way = step / peak
        return rate * (_cosine(START, 1.0, way) if config.schedule == "one-cycle" else (step + 1) / (peak + 1))
    if config.schedule == "constant":
        return rate
    way = (step - peak) / (last - peak)
    return rate * _cosine(1.0, END if config.schedule == "one-cycle" else 0.0, way)


def seed_of(seed: int, purpose: str, *place: int) -> int:
    """A seed for one purpose at one place (epoch, step, process), independent of all others; 63 bits.

    Example:
        >>> seed_of(0, "order", 1) == seed_of(0, "order", 1) != seed_of(0, "order", 2)
        True
    """
    words = f"{seed} {purpose} {place}".encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), "big") >> 1


def _cosine(start: float, end: float, way: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * way)) / 2
