"""`Config`: everything that decides how a network is trained, in one place that can be written down."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..arguments import check_choice, integer, positive, real
from ..errors import ParameterError

Optimiser = Literal["adamw", "sgd"]
Schedule = Literal["one-cycle", "cosine", "constant"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Augmentation = Literal["flip", "flips", "shift", "rotate", "scale", "elastic", "erase", "noise", "light"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """How a network is trained. The same config, seed and data give the same weights, bit for bit on one processor.

    Attributes:
        epochs: how often every example is seen.
        batch_size: examples of one step, those of all processes together. An epoch is cut into batches that differ by
            one example at most, so none is left with a single one.
        learning_rate: the largest rate of the schedule; "find" looks for it first (see `find_rate`).
        optimiser: "adamw", or "sgd" with Nesterov's momentum.
        momentum: of "sgd"; the first of AdamW's two.
        weight_decay: pulls weights towards 0; biases and the scales of normalisations are left alone.
        schedule: "one-cycle" (Smith 2018) climbs for `warm_up` from a 25th of the rate and falls to a 10,000th, both
            along a cosine; "cosine" climbs in a straight line from 0 and falls to 0; "constant" climbs and stays.
        warm_up: share of all steps in which the rate climbs, 0 to below 1.
        clip: gradients longer than this, all together, are shortened to it; 0 leaves them.
        label_smoothing: share of the target that goes to all classes alike, 0 to below 1.
        ema: decay, a step, of the running mean of the weights that is scored and kept in the end; 0 keeps the weights.
        augment: what is done to each example by lot, see `faltung.training.augmentation`.
        crop: sizes of a part of each example that a step sees, taken by lot; () takes all of it.
        repeats: how often an example comes in one epoch; for few large pictures that are cropped.
        accumulate: parts in which the gradient of a batch is summed up; saves memory. A loss that is no mean over
            examples, such as Dice, is that of each part.
        patience: epochs without a better score after which training stops; 0 never stops early.
        validation: share of the examples that is held back for scores where no others are given; 0 holds back none,
            and the last epoch is kept.
        normalise: subtract each channel's mean and divide by its standard deviation, both of the training data.
        seed: of the order, of augmentation and of dropout.
        precision: "32-true"; "bf16-mixed" or "16-mixed" compute products in half precision.
        device: where; "auto" takes a GPU if there is one.
        threads: of the processor, 0 leaves torch's number as it is.
        channels_last: lay pictures and filters out with channels innermost, which some processors prefer.
        checkpoint_steps: write the state every so many steps, besides at each end of an epoch; 0 at those only.

    Raises:
        ParameterError: a value is outside what it may be; the message says what is allowed.

    Example:
        >>> config = Config(epochs=3, augment=("flip", "shift"))
        >>> Config.from_json(config.to_json()) == config
        True
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float | Literal["find"] = 1e-3
    optimiser: Optimiser = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.01
    schedule: Schedule = "one-cycle"
    warm_up: float = 0.25
    clip: float = 0.0
    label_smoothing: float = 0.0
    ema: float = 0.0
    augment: tuple[Augmentation, ...] = ()
    crop: tuple[int, ...] = ()
    repeats: int = 1
    accumulate: int = 1
    patience: int = 0
    validation: float = 0.1
    normalise: bool = True
    seed: int = 0
    precision: Precision = "32-true"
    device: Device = "auto"
    threads: int = 0
    channels_last: bool = False
    checkpoint_steps: int = 0

    def __post_init__(self) -> None:
        # lists come from JSON
        object.__setattr__(self, "augment", tuple(self.augment))
        for name in ("epochs", "batch_size", "repeats", "accumulate"):
            object.__setattr__(self, name, integer(name, getattr(self, name), least=1))
        for name in ("patience", "threads", "checkpoint_steps", "seed"):
            object.__setattr__(self, name, integer(name, getattr(self, name), least=0))
        object.__setattr__(self, "crop", tuple(integer("crop", size, least=1) for size in self.crop))
        for name in ("momentum", "warm_up", "label_smoothing", "ema", "validation"):
            _share(name, getattr(self, name))
        for name in ("weight_decay", "clip"):
            if real(name, getattr(self, name)) < 0:
                raise ParameterError(f"{name}={getattr(self, name)!r}: 0 or more is allowed")
        if self.learning_rate != "find":
            positive("learning_rate", self.learning_rate, 'or "find", which looks for it')
        check_choice("optimiser", self.optimiser, get_args(Optimiser))
        check_choice("schedule", self.schedule, get_args(Schedule))
        check_choice("precision", self.precision, get_args(Precision))
        check_choice("device", self.device, get_args(Device))
        for name in self.augment:
            check_choice("augment", name, get_args(Augmentation))

    def to_json(self) -> dict[str, Any]:
        """All options as JSON knows them."""
        options = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}

    @classmethod
    def from_json(cls, options: dict[str, Any]) -> "Config":
        """The config that `to_json` wrote.

        Raises:
            ParameterError: an option is unknown, or outside what it may be.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(options.keys() - known):
            raise ParameterError(f"a config has no option {', '.join(unknown)}; its options are {', '.join(known)}")
        return cls(**options)


def _share(name: str, value: Any) -> None:
    if not 0 <= real(name, value) < 1:
        raise ParameterError(f"{name}={value!r}: from 0 to below 1 is allowed")
