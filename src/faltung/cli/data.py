"""`faltung data`: the sets that examples and training can use, and what installs the missing ones."""

from dataclasses import asdict

from .options import AsJson
from .screen import print_json, print_table


def data(as_json: AsJson = False) -> None:
    """List the sets of examples: what they hold, how much, under which licence, and whether they are installed.

    Nothing is downloaded. Sets lie in packages, and each name is a function of faltung.data.

    \b
    Examples:
      faltung data
      faltung data --json
    """
    from ..data import sets

    found = sets()
    if as_json:
        print_json({"sets": [asdict(one) for one in found]})
        return
    print_table(
        ("set", "installed", "holds"),
        [(one.name, "yes" if one.installed else "no", f"{one.shows}: {one.size}; {one.licence}") for one in found],
    )
    missing: dict[str, list[str]] = {}
    for one in found:
        if not one.installed:
            missing.setdefault(one.install, []).append(one.name)
    if missing:
        print()
        print_table(("missing", "is installed by"), [(", ".join(names), line) for line, names in missing.items()])
