"""All experiments in the order of the workshop. A new one is a file and a row here."""

from typing import Any

from ..errors import ParameterError
from . import (
    binning,
    coding,
    definition,
    dilation,
    film,
    padding_stride,
    sifting,
    window_steps,
)
from .experiment import Experiment

EXPERIMENTS: tuple[Experiment[Any, Any], ...] = (
    definition.EXPERIMENT,
    sifting.EXPERIMENT,
    film.EXPERIMENT,
    coding.EXPERIMENT,
    binning.EXPERIMENT,
    window_steps.EXPERIMENT,
    padding_stride.EXPERIMENT,
    dilation.EXPERIMENT,
)


def find(name: str) -> Experiment[Any, Any]:
    """The experiment with this slug, or covering this item of the workshop.

    Raises:
        ParameterError: there is none; the message lists all.
    """
    for experiment in EXPERIMENTS:
        if name == experiment.slug or (name.isdigit() and int(name) in experiment.items):
            return experiment
    known = ", ".join(f"{experiment.slug} ({' '.join(map(str, experiment.items))})" for experiment in EXPERIMENTS)
    raise ParameterError(f"{name!r} is no experiment: there are {known}")
