"""The code of a translation as it grows: lines, names and notes."""

import re
from dataclasses import dataclass, field

from .dialects import Dialect


@dataclass
class Draft:
    """The code as it grows."""

    dialect: Dialect
    taken: set[str]
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    exact: bool = True
    typed: bool = False
    """Whether the caller has said the dtype."""

    def name(self, wanted: str, text: str) -> str:
        """A name for an expression that is used more than once, never one of the caller's."""
        if re.fullmatch(r"\w+", text):
            return text
        if text not in self.named:
            self.named[text] = self.fresh(wanted)
            self.write(f"{self.named[text]} = {text}")
        return self.named[text]

    def fresh(self, wanted: str) -> str:
        """A name that is not taken."""
        while wanted in self.taken:
            wanted += "_"
        self.taken.add(wanted)
        return wanted

    def write(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line + (";" if self.dialect.arithmetic == "matlab" else ""))
