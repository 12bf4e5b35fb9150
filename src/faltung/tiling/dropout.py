"""Dropout in tiles: layers with keys, whose masks belong to places, and what must fit so that a tile finds its own."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ..errors import ParameterError
from ..networks.recording import Recording, Step
from ..nn.dropout.base import Droppable, DropsValues
from .agreement import Cut
from .lines import Line


@contextmanager
def unmasked(module: Any) -> Iterator[None]:
    """While a module is followed, layers with keys do nothing: in tiles their masks are the whole's."""
    changed = [part for part in module.modules() if isinstance(part, DropsValues) and is_masked(part)]
    for part in changed:
        # called by its name: the recording then holds a step of this layer
        part.forward = _nothing_dropped  # type: ignore[method-assign]
    try:
        yield
    finally:
        for part in changed:
            del part.forward


def _nothing_dropped(x: Any) -> Any:
    return torch.nn.functional.dropout(x, 0.0, False)


def is_masked(part: Any) -> bool:
    """Whether a layer drops, by a mask that belongs to places."""
    return isinstance(part, Droppable) and part.is_on and part.key is not None


def check_keys(module: Any) -> None:
    """Layers that drop need keys.

    Raises:
        ParameterError: one has none: `faltung.nn.key_layers(module)` gives them.
    """
    for path, part in module.named_modules():
        if isinstance(part, Droppable) and part.is_on and part.key is None and part.rate > 0:
            raise ParameterError(
                f"{path}: {type(part).__name__} drops at random, every tile anew: call module.eval(), or give its "
                "layers keys by faltung.nn.key_layers(module), so that masks belong to places"
            )


def check_masks(module: Any, whole: Recording, lines: Sequence[Line]) -> None:
    """Layers with keys must divide places by the strides before them.

    Raises:
        ParameterError: one has another `grid`, or stands where there are no places.
    """
    for path, part in module.named_modules():
        if isinstance(part, DropsValues) and is_masked(part):
            for step, line in itertools.product(whole.steps, lines):
                if step.path == path:
                    _check_mask(path, part, step, line)


def _check_mask(path: str, part: DropsValues, step: Step, line: Line) -> None:
    state = line.states[step.output]
    if len(step.shape) == part._untiled:
        return
    if not isinstance(state, Cut) or state.axis - part._untiled != line.axis - 2:
        raise ParameterError(
            f"{path}: {type(part).__name__} has a key, and no place along axis {line.axis} of the picture to make its "
            "mask of: put it before the mean, or behind a flatten"
        )
    grid = part.grid[line.axis - 2 if len(part.grid) > 1 else 0]
    if grid * line.scales[step.output] != 1 or state.shift:
        raise ParameterError(
            f"{path}: {type(part).__name__} has grid={part.grid}, but a step along axis {line.axis} of it is "
            f"{1 / line.scales[step.output]} pixels of the picture: set its grid to that, so that its mask finds its "
            "place"
        )
