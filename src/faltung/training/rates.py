"""The learning rate found by trying: `find_rate`."""

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..errors import ParameterError
from .config import Config
from .equipment import make_optimiser, shape_errors, surroundings
from .feeding import Feed, check_inputs, measure_facts
from .schedules import seed_of
from .tasks import Task, infer_task

if TYPE_CHECKING:
    from ..data.examples import Examples

SLOWEST, FASTEST = 1e-6, 10.0
SMOOTHED = 0.9
DIVERGED = 3.0
"""The search ends where the smoothed loss is more than so many times its least."""
MARGIN = 10.0
"""The rate chosen is the one of the least smoothed loss, divided by this."""


@dataclass(frozen=True)
class RateSearch:
    """What was tried.

    Attributes:
        rate: to be taken as the largest of a schedule.
        rates: tried, one a step, each the same factor above the one before.
        losses: of each step.
        smoothed: their running mean.
    """

    rate: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]


def find_rate(
    model: nn.Module,
    examples: "Examples",
    *,
    config: Config = Config(),  # noqa: B008  # frozen
    task: Task | None = None,
    steps: int = 100,
) -> RateSearch:
    """Look for a learning rate: raise it step by step until the loss explodes.

    A copy of the network is trained, with the config's optimiser and batches, at rates from 1e-6 to 10. The losses are
    smoothed by a running mean (decay 0.9, corrected for its start). The search ends when that is more than three times
    its least, or no number. The rate is a tenth of the one at which the smoothed loss was least. The model, and torch's
    random numbers, are left as they were.

    Args:
        model: any module, as for `train`.
        examples: to train with.
        config: optimiser, batch size, augmentation, seed; its rate and schedule are not used.
        task: as for `train`.
        steps: most steps that are tried, 20 or more.

    Returns:
        The rate, and all that was tried, to be drawn.

    Raises:
        ParameterError: no rate made the loss smaller; look at the data and the network.

    Source: Smith 2015, "Cyclical Learning Rates for Training Neural Networks", section 3.3, for the test; the rule is
        ours: a tenth of the rate of the least loss lies on the steep part of the curve in Smith's figures.

    Example:
        >>> import numpy as np
        >>> from faltung.data.examples import Examples
        >>> x = np.random.default_rng(0).normal(size=(64, 1, 8)).astype(np.float32)
        >>> examples = Examples(x, (x.mean((1, 2)) > 0).astype(np.int64), ("below", "above"))
        >>> found = find_rate(nn.Sequential(nn.Flatten(), nn.Linear(8, 2)), examples, config=Config(batch_size=16))
        >>> found.rates[0] < found.rate < found.rates[-1]
        True
    """
    if steps < 20:
        raise ParameterError(f"steps={steps}: 20 or more are needed to see a curve")
    task = task or infer_task(examples, label_smoothing=config.label_smoothing)
    tokens = not task.normalise
    check_inputs(examples, config, tokens=tokens)
    facts = measure_facts(examples, config, task=task.name, tokens=tokens)
    device = next((w.device for w in model.parameters()), torch.device("cpu"))
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    with surroundings(config, device):
        net = copy.deepcopy(model).train()
        optimiser = make_optimiser(net, config, SLOWEST)
        feed = Feed(examples, replace(config, validation=0.0), facts, device)
        batches = (batch for epoch in range(steps) for batch in feed.training(epoch))
        for step, batch in zip(range(steps), batches, strict=False):
            rate = SLOWEST * (FASTEST / SLOWEST) ** (step / (steps - 1))
            for group in optimiser.param_groups:
                group["lr"] = rate
            torch.manual_seed(seed_of(config.seed, "search", step))
            with shape_errors(batch.x):
                loss = task.loss(net(batch.x), batch.y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            value = float(loss.detach())
            mean = SMOOTHED * mean + (1 - SMOOTHED) * value
            rates.append(rate)
            losses.append(value)
            smoothed.append(mean / (1 - SMOOTHED ** (step + 1)))
            if not smoothed[-1] <= DIVERGED * min(smoothed):
                break
    # the first steps change next to nothing, so their mean is that of the untrained network
    least = min(range(len(smoothed)), key=lambda i: smoothed[i] if smoothed[i] == smoothed[i] else float("inf"))
    # less by a thousandth: rounding alone makes a constant loss a little smaller at times
    if not smoothed[0] - smoothed[least] > 1e-3 * abs(smoothed[0]) or rates[least] / MARGIN < SLOWEST:
        raise ParameterError(
            f"no learning rate from {SLOWEST:g} to {FASTEST:g} made the loss smaller than {smoothed[0]:.4g}: look at"
            " the labels, and at whether gradients reach the network's weights; or give a number"
        )
    return RateSearch(rates[least] / MARGIN, tuple(rates), tuple(losses), tuple(smoothed))
