"""What a network says of one file that is read as a whole, and how sure it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DtypeError, FileError, ParameterError

if TYPE_CHECKING:
    from ..networks import Saved
    from ..spec import Array

MAPS = ("entropy", "mutual-information")
"""Names of the maps of a `Doubt`; files of them end so."""


@dataclass(frozen=True)
class Doubt:
    """How far samples with dropout on leave an answer open, in nats.

    Attributes:
        entropy: of the mean over samples: all uncertainty there is; of a mask its mean over the places.
        mutual_information: how far the samples disagree, which more training data would settle; likewise.
        maps: of a mask read as a whole, for each of `MAPS` its values at the places, (rows, columns).
    """

    entropy: float
    mutual_information: float
    maps: "tuple[Array, ...]" = ()


@dataclass(frozen=True)
class Answer:
    """What the network says of one file.

    Attributes:
        file: it.
        shares: by class: its probability, or, of a network that answers place by place, its share of the places.
        mask: for each place the class, (rows, columns); None for an answer to the whole.
        doubt: where samples were asked for.
    """

    file: Path
    shares: dict[str, float]
    mask: "Array | None" = None
    doubt: Doubt | None = None

    @property
    def best(self) -> str:
        """The class with the largest share."""
        return max(self.shares, key=self.shares.__getitem__)

    def as_json(self) -> dict[str, Any]:
        """Its numbers."""
        row: dict[str, Any] = {"file": str(self.file), "class": self.best, "shares": self.shares}
        if self.doubt is not None:
            row["entropy_nats"] = self.doubt.entropy
            row["mutual_information_nats"] = self.doubt.mutual_information
        return row


def answer_file(saved: "Saved", file: Path, *, samples: int = 0) -> Answer:
    """What a network says of a file.

    Args:
        saved: the network; with samples, its dropout layers have keys.
        file: a picture, or a signal for a network of signals.
        samples: passes with dropout on, of which the mean is the answer; 0 is the network without dropout.

    Raises:
        ParameterError: the network is for another task, or loses the border of a picture that it should mask.
        FileError: the file cannot be read, or is of another size than signals were in training.
        DtypeError: it holds bytes and the network was trained with floats, or the other way round.
    """
    facts = saved.facts
    if facts.task not in ("classification", "segmentation"):
        raise ParameterError(f"the network is for {facts.task!r}: classes and masks are predicted here")
    masks = facts.task == "segmentation"
    x = _inputs(saved, file, resized=not masks)
    try:
        p, doubt = _sampled(saved, x, samples) if samples else (_probabilities(saved, x), None)
    except DtypeError as error:
        raise DtypeError(f"{file}: {error}, as .npy or .tif with numbers as in training") from None
    if not masks:
        return Answer(file, dict(zip(facts.classes, map(float, p), strict=True)), doubt=doubt)
    if p.shape[1:] != x.shape[2:]:
        raise ParameterError(
            f"the network's answer has {p.shape[1:]} places, the picture {x.shape[2:]}: only networks that keep the"
            " size can mask a picture"
        )
    mask = p.argmax(0)
    shares = [float((mask == i).mean()) for i in range(len(facts.classes))]
    return Answer(file, dict(zip(facts.classes, shares, strict=True)), mask, doubt)


def _probabilities(saved: "Saved", x: "Array") -> "Array":
    """Of one example, (class, *places)."""
    from ..training import predict

    p: Array = predict(saved, x)[0]
    return p


def _sampled(saved: "Saved", x: "Array", samples: int) -> "tuple[Array, Doubt]":
    """The same as the mean over samples, and how sure that is."""
    from ..training.equipment import shape_errors
    from ..uncertainty import monte_carlo

    ready = saved.facts.prepare(x)
    with shape_errors(ready):
        found = monte_carlo(saved.model, ready, samples=samples)
    maps = found.entropy[0].numpy(), found.mutual_information[0].numpy()
    entropy, information = (float(own.mean(dtype=float)) for own in maps)
    return found.probabilities[0].numpy(), Doubt(entropy, information, maps)


def _inputs(saved: "Saved", file: Path, *, resized: bool) -> "Array":
    """One file as (1, channels, *spatial), as the network was trained with."""
    size = saved.facts.input_shape
    if len(size) == 3:
        from ..data.file_rows import PictureLoader

        wanted: Any = (size[1], size[2]) if resized else None
        return PictureLoader("grey" if size[0] == 1 else "colour", wanted, "resize")(file)[None]
    if len(size) != 2:
        raise ParameterError(f"{file}: the network takes inputs of shape {size}: pictures and signals are read here")
    import numpy as np

    from ..data import read

    values = np.atleast_2d(read(file).as_signal().values.T).astype(np.float32)
    if values.shape != size:
        raise FileError(
            f"{file}: holds {values.shape[0]} channels of {values.shape[1]} samples; the network was trained with"
            f" {size[0]} of {size[1]}"
        )
    return values[None]
