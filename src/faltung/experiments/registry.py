"""All experiments in the order of the workshop. A new one is a file and a row here."""

from typing import Any

from ..errors import ParameterError
from . import (
    algorithms_race,
    binning,
    co_adaptation,
    coding,
    convnet_stages,
    definition,
    dilation,
    dropout_grid,
    dropout_noise,
    exact_tiles,
    film,
    gated_text,
    mixability,
    noisy_edges,
    own_function,
    padding_stride,
    photo_edges,
    pooling_steps,
    reading,
    regularisers,
    scharr_rotation,
    shifted_digits,
    sifting,
    sobel_slopes,
    tophat_hann,
    torch_twins,
    train_classifier,
    uncertainty_digits,
    unet_nuclei,
    window_steps,
    wrong_elsewhere,
)
from .experiment import Experiment

EXPERIMENTS: tuple[Experiment[Any, Any], ...] = (
    shifted_digits.EXPERIMENT,
    definition.EXPERIMENT,
    sifting.EXPERIMENT,
    film.EXPERIMENT,
    coding.EXPERIMENT,
    tophat_hann.EXPERIMENT,
    torch_twins.EXPERIMENT,
    binning.EXPERIMENT,
    own_function.EXPERIMENT,
    window_steps.EXPERIMENT,
    padding_stride.EXPERIMENT,
    pooling_steps.EXPERIMENT,
    dilation.EXPERIMENT,
    unet_nuclei.EXPERIMENT,
    exact_tiles.EXPERIMENT,
    noisy_edges.EXPERIMENT,
    sobel_slopes.EXPERIMENT,
    scharr_rotation.EXPERIMENT,
    photo_edges.EXPERIMENT,
    algorithms_race.EXPERIMENT,
    wrong_elsewhere.EXPERIMENT,
    convnet_stages.EXPERIMENT,
    mixability.EXPERIMENT,
    co_adaptation.EXPERIMENT,
    dropout_noise.EXPERIMENT,
    regularisers.EXPERIMENT,
    dropout_grid.EXPERIMENT,
    uncertainty_digits.EXPERIMENT,
    train_classifier.EXPERIMENT,
    gated_text.EXPERIMENT,
    reading.EXPERIMENT,
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
