"""Data named by a word, so that a command, and whoever resumes, find the same again."""

import contextlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import FileError, ParameterError
from ..networks.saved import Facts

if TYPE_CHECKING:
    from ..data.examples import Examples

SETS = ("digits", "fashion-mnist", "small-digits", "nuclei", "scratch-assay", "brain-slices")
"""Sets that train and test; "ucr:NAME" is one too."""

Part = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where examples come from.

    Attributes:
        word: a name of `SETS`, "ucr:NAME", or the path of one's own data, see `faltung.data.examples_of`.
        size: rows and columns that all pictures of a folder become; () leaves them.
        colours: "grey" or "colour", what all pictures of a folder become; "" leaves them.
        skip_corrupt: leave damaged pictures of a folder out, instead of refusing all.
        values: which values in masks are classes, as `faltung.data.mask_values.parse_values` reads them; "" takes what
            is there, as long as it is certain.
        unlabelled: the value in masks that stands for what is not known; "" for none.
        others: what all other values in masks are, "refuse", "ignore" or "nearest".
        limit: take about so many examples, by lot, each class in proportion; 0 takes all.

    Example:
        >>> Source(word="digits", limit=100).open().x.shape
        (100, 1, 28, 28)
    """

    word: str
    size: tuple[int, ...] = ()
    colours: str = ""
    skip_corrupt: bool = False
    values: str = ""
    unlabelled: str = ""
    others: str = "refuse"
    limit: int = 0

    def open(self, part: Part = "train", *, facts: Facts | None = None) -> "Examples":
        """The examples.

        Args:
            part: of a set; one's own data have no parts.
            facts: of the network that is to see them: one's own pictures become what it was trained with, and values
                in masks mean what they meant there, unless `values` says something else.

        Raises:
            ParameterError: no such set; options that are for folders.
            FileError: one's own data are not there, damaged, or differ.
            MissingDependency: the set is not installed.
        """
        examples = self._of_set(part) if self._names_a_set else self._own(facts)
        if self.limit and self.limit < len(examples):
            return examples.split(self.limit / len(examples), 0)[0]
        return examples

    def to_text(self) -> str:
        """Kept with a training."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> "Source":
        """The source that `to_text` wrote.

        Raises:
            FileError: the text is no such.
        """
        try:
            known: dict[str, Any] = json.loads(text)
            known["size"] = tuple(known["size"])
            return cls(**known)
        except (ValueError, TypeError, KeyError) as error:
            raise FileError(f"the training does not say in words where its data are: {text[:60]!r}") from error

    @property
    def absolute(self) -> "Source":
        """The same from any folder."""
        return self if self._names_a_set else replace(self, word=str(Path(self.word).absolute()))

    @property
    def _names_a_set(self) -> bool:
        return (self.word in SETS or self.word.startswith("ucr:")) and not Path(self.word).exists()

    def _of_set(self, part: Part) -> "Examples":
        from .. import data

        if self.size or self.colours or self.skip_corrupt:
            raise ParameterError(f"{self.word}: size, colours and skip-corrupt go with folders of pictures")
        if self._reads_values:
            raise ParameterError(f"{self.word}: values, unlabelled and others go with folders of pictures and masks")
        if self.word.startswith("ucr:"):
            name: Any = self.word.removeprefix("ucr:")
            return data.ucr(name, part)
        found: Examples = getattr(data, self.word.replace("-", "_"))(part)
        return found

    def _own(self, facts: Facts | None) -> "Examples":
        from ..data import examples_of

        path = Path(self.word)
        if not path.exists():
            raise FileError(f"{self.word}: is no file or folder, and no set; those are {', '.join(SETS)}, ucr:NAME")
        masks = path.is_dir() and (path / "masks").is_dir()
        options: dict[str, Any] = {}
        if path.is_dir():
            options = {
                "size": self.size or None,
                "colours": self.colours or None,
                "skip_corrupt": self.skip_corrupt,
            }
            if facts is not None and len(facts.input_shape) == 3:
                options["colours"] = "grey" if facts.input_shape[0] == 1 else "colour"
                # places are answered one by one, so pictures with masks keep their size
                if not masks:
                    options["size"] = facts.input_shape[1:]
        if masks:
            trained = {} if facts is None or self.values else _trained_with(facts)
            options |= {**trained, **self._of_masks}
        elif self._reads_values:
            raise ParameterError(f"{self.word}: values, unlabelled and others go with images/ and masks/")
        if facts is not None and not masks and path.suffix.lower() != ".npz":
            options["classes"] = facts.classes
        return examples_of(path, **options)

    @property
    def _reads_values(self) -> bool:
        return bool(self.values or self.unlabelled) or self.others != "refuse"

    @property
    def _of_masks(self) -> dict[str, Any]:
        """Options of `examples_of` for masks, those that are said."""
        from ..data.mask_values import parse_value, parse_values

        said = {
            "values": parse_values(self.values) if self.values else None,
            "unlabelled": parse_value(self.unlabelled) if self.unlabelled else None,
            "others": None if self.others == "refuse" else self.others,
        }
        return {name: value for name, value in said.items() if value is not None}


def _trained_with(facts: Facts) -> dict[str, Any]:
    """How masks were read for a network: as its training says, or by its classes, if they are named by their values."""
    from ..data.mask_values import parse_value

    options: dict[str, Any] = {}
    # a training from Python may have said nothing, or something else
    with contextlib.suppress(FileError):
        options = Source.from_text(str(facts.notes.get("data", "")))._of_masks
    if "values" not in options:
        with contextlib.suppress(ParameterError):
            options["values"] = {name: parse_value(name.replace(",", ":")) for name in facts.classes}
    return options
