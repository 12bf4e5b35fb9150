"""What a training runs on: Fabric, an optimiser, torch's threads and random numbers."""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import FaltungError, ParameterError, ShapeError
from .config import Config

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def make_fabric(config: Config) -> "Fabric":
    """Lightning's Fabric for the device, the precision, and as many processes as torchrun has started.

    Raises:
        ParameterError: the device is not there, or cannot compute in that precision.
    """
    from lightning_fabric import Fabric

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(config.device, True):
        raise ParameterError(f'device="{config.device}" is not there: take "auto" or "cpu"')
    if config.precision == "16-mixed" and (config.device == "cpu" or not any(there.values())):
        raise ParameterError('precision="16-mixed" needs a GPU: "bf16-mixed" and "32-true" run on the processor')
    world, local = (int(os.environ.get(name, 1)) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    fabric = Fabric(
        accelerator=config.device,
        devices=local,
        num_nodes=world // local,
        strategy="ddp" if world > 1 else "auto",
        precision=config.precision,
    )
    fabric.launch()
    return fabric


def make_optimiser(model: nn.Module, config: Config, rate: float) -> torch.optim.Optimizer:
    """AdamW or SGD; weight decay for filters and matrices only, not for biases and scales.

    Raises:
        ParameterError: the model has nothing to train.
    """
    weights = [w for w in model.parameters() if w.requires_grad]
    if not weights:
        raise ParameterError("the network has no parameters to train: all are frozen, or there are none")
    groups: list[dict[str, Any]] = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [w for w in weights if w.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # one pass over the weights, where torch has it
    fused = all(w.device.type in ("cpu", "cuda") and w.is_floating_point() for w in weights)
    if config.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=(config.momentum, 0.999), fused=fused)
    nesterov = config.momentum > 0
    return torch.optim.SGD(groups, lr=rate, momentum=config.momentum, nesterov=nesterov, fused=fused)


@contextlib.contextmanager
def surroundings(config: Config, device: torch.device) -> Iterator[None]:
    """Inside, torch has the config's threads and any random state; afterwards all is as it was."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        if config.threads:
            torch.set_num_threads(config.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextlib.contextmanager
def shape_errors(x: Tensor) -> Iterator[None]:
    """What torch says of inputs that do not fit a network, as ours.

    Raises:
        ShapeError: with torch's own words in it.
    """
    try:
        yield
    except FaltungError:
        raise
    except (RuntimeError, ValueError) as error:
        if "out of memory" in str(error):
            raise
        words = " ".join(str(error).split())[:200]
        raise ShapeError(
            f"the network fails on inputs of shape {tuple(x.shape)}: {words}; inputs are (N, channels, *spatial), so"
            " pictures without channels become x[:, None]"
        ) from error


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """The state dict, on memory of its own."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def has_schedule(model: nn.Module) -> bool:
    """Whether a dropout layer's rate changes while training."""
    return any(getattr(part, "schedule", None) is not None for part in model.modules())
