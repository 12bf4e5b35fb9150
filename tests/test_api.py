"""The public names and what they take are those written in api.json: a change of either is a decision, not an accident.

After a change that is meant: `.venv/bin/python tests/test_api.py` writes api.json anew; commit it with the change.
"""

import ast
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import faltung

API = Path(__file__).with_name("api.json")


def public_api() -> dict[str, str]:
    """Every public name, dotted, with what it takes; without types, which tests/typing/api.py holds."""
    return dict(entry for name in sorted(faltung.__all__) for entry in _entries(name, getattr(faltung, name)))


def _entries(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, ModuleType):
        yield name, "module"
        for inner in sorted(value.__all__):
            yield from _entries(f"{name}.{inner}", getattr(value, inner))
    elif inspect.isclass(value):
        yield name, f"class({', '.join(base.__name__ for base in value.__bases__ if base is not object)})"
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        yield from ((f"{name}.{field.name}", "field") for field in fields if not field.name.startswith("_"))
        # layers are made by their class, plans and explanations by functions
        if value.__module__.startswith("faltung.nn.") and not dataclasses.is_dataclass(value):
            yield f"{name}.__init__", _what_it_takes(value.__init__)
        for inner, member in sorted(vars(value).items()):
            if isinstance(member, (property, staticmethod, classmethod)):
                member = getattr(value, inner)
            if inner == "__call__" or not inner.startswith("_"):
                yield from _entries(f"{name}.{inner}", member)
    elif callable(value):
        yield name, _what_it_takes(value)
    else:
        yield name, type(value).__name__


def _what_it_takes(function: Any) -> str:
    signature = inspect.signature(function)
    bare = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    takes = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    # a function as default: its name, without its address
    return re.sub(r"<function (\w+) at 0x\w+>", r"\1", takes)


def _public_functions() -> list[str]:
    return [name for name, takes in public_api().items() if takes.startswith("(") and name.count(".") == 0]


def test_public_names_and_what_they_take_are_those_written_down() -> None:
    written = json.loads(API.read_text())
    now = public_api()
    changed = [
        f"{name}: {written.get(name, 'not there')} -> {now.get(name, 'gone')}"
        for name in sorted(written.keys() | now.keys())
        if written.get(name) != now.get(name)
    ]
    assert not changed, "\n".join(
        ["public names changed; if meant, run tests/test_api.py and commit api.json", *changed]
    )


def test_names_for_type_checkers_are_the_names_loaded_on_first_use() -> None:
    tree = ast.parse(Path(faltung.__file__).read_text())
    checked = {
        alias.asname or alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert checked == set(faltung.__all__)
    assert all(getattr(faltung, name) is not None for name in checked)


def test_public_names_are_listed_in_order_and_once() -> None:
    assert faltung.__all__ == sorted(set(faltung.__all__))
    assert dir(faltung) == faltung.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'convolute'"):
        faltung.convolute  # noqa: B018


def test_no_module_bears_the_name_of_a_function_that_its_package_offers() -> None:
    # importing such a module would put it in the function's place
    inner = [module.name for module in pkgutil.walk_packages(faltung.__path__, "faltung.") if module.ispkg]
    packages = [faltung, *map(importlib.import_module, inner)]
    hidden = [
        f"{package.__name__}.{module.name}"
        for package in packages
        for module in pkgutil.iter_modules(package.__path__)
        if module.name in getattr(package, "__all__", ()) and not isinstance(getattr(package, module.name), ModuleType)
    ]
    assert not hidden


@pytest.mark.parametrize("name", _public_functions())
def test_every_public_function_shows_an_example_that_runs(name: str) -> None:
    assert ">>> " in (getattr(faltung, name).__doc__ or ""), f"{name} has no example in its docstring"


if __name__ == "__main__":
    API.write_text(json.dumps(public_api(), indent=2) + "\n")
