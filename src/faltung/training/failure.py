"""Why a loss is no number: the likely cause, in words."""

import math

import torch
from torch import nn

from .config import Config
from .feeding import Batch

RUN_AWAY = 1e6


def explain_failure(
    step: int, loss: float, before: list[float], batch: Batch | None, model: nn.Module, config: Config
) -> str:
    """One sentence on what happened, one on why, and what to do.

    Args:
        step: from 0, over all epochs.
        before: losses of what went before.
        batch: the step's examples, if they are still known.
        model: with the weights that gave this loss.
    """
    said = f"the loss is {'NaN' if math.isnan(loss) else 'infinite'} at step {step}"
    if batch is not None and batch.x.is_floating_point():
        finite = batch.x.flatten(1).isfinite().all(1)
        if not bool(finite.all()):
            example = int(batch.indices[int(finite.logical_not().nonzero()[0])])
            return f"{said}: example {example} holds NaN or infinity; fill it in, or leave it out"
    # trained weights are below 100 or so: what is larger, or no number, has run away
    broken = [name for name, w in model.named_parameters() if not bool((w.abs() < RUN_AWAY).all())]
    least = min(before, default=math.inf)
    climbed = bool(before) and before[-1] > 3 * abs(least) + 1e-9
    if broken or climbed:
        where = f"weights of {broken[0]} have run away" if broken else f"it was {least:.3g} and grew"
        return (
            f'{said}: {where}: the learning rate is probably too high; take a third of it, or learning_rate="find",'
            " or clip=1.0"
        )
    if batch is not None and batch.x.is_floating_point() and bool(batch.x.abs().max() > 1e4):
        largest = float(batch.x.abs().max())
        return f"{said}: inputs reach {largest:.3g} after scaling; take normalise=True, or look for outliers"
    if config.precision != "32-true":
        return f'{said}: half precision may have overflowed; take precision="32-true"'
    if batch is not None:
        with torch.no_grad():
            model.eval()
            finite_output = bool(torch.as_tensor(model(batch.x)).isfinite().all())
        if finite_output:
            return (
                f"{said}, though weights, inputs and outputs are numbers: the loss itself divides by 0 or takes log(0);"
                " add a small number there"
            )
    return (
        f"{said}, though its weights and inputs are numbers: the network overflows or divides by 0; add a normalisation"
    )
