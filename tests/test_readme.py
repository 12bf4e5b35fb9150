"""What README.md and ARCHITECTURE.md say is so: examples, commands, the table, the files they name."""

import doctest
import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faltung as ft
from faltung.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NETWORK = """from torch import nn

class UNet(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 8, 3)
"""
COMMANDS = [words for words in re.findall(r"`(faltung \w+ ?[^`]*)` \|$", README, re.M) if " tour" not in words]


def test_the_examples_print_what_they_say() -> None:
    lines = "".join(re.findall(r"```python\n(.*?)```", README, re.S))
    example = doctest.DocTestParser().get_doctest(lines, {}, "README.md", "README.md", 0)
    assert len(example.examples) >= 16
    assert doctest.DocTestRunner().run(example).failed == 0


def test_a_foreign_boundary_is_translated_as_quoted() -> None:
    with pytest.raises(ft.BoundaryError) as refusal:
        ft.convolve([1, 2], [1], boundary="mirror")
    assert f"`{refusal.value}`" in README


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # the network of the reader's own that a command may name
    (tmp_path / "net.py").write_text(NETWORK)
    assert main(shlex.split(command)[1:]) == 0


def test_there_is_a_command_of_each_kind() -> None:
    verbs = {command.split()[1] for command in COMMANDS}
    assert verbs == {"edges", "smooth", "filter", "convolve", "dropout", "explain", "inspect", "data", "doctor"}


def test_powers_behind_many_zeros_are_all_right() -> None:
    x = np.concatenate([np.zeros(10_000), 10.0 ** np.arange(0, 82, 9)])
    powers = [10 ** int(n) for n in range(0, 82, 9)]
    expected = [float(sum(powers[i] * powers[n - i] for i in range(10) if 0 <= n - i < 10)) for n in range(19)]
    y = ft.convolve(x, x)
    np.testing.assert_allclose(y[20_000:], expected, rtol=1e-15)
    assert not y[:20_000].any()


@pytest.mark.parametrize("method", ["auto", "direct", "fft"])
def test_one_nan_touches_the_outputs_that_see_it(method: str) -> None:
    rng = np.random.default_rng(0)
    x, taps = rng.standard_normal(1000), rng.standard_normal(200)
    x[500] = np.nan
    assert np.isnan(ft.convolve(x, taps, mode="same", method=method)).sum() == 200
    picture, kernel = rng.standard_normal((64, 64)), rng.standard_normal((13, 13))
    picture[30, 30] = np.nan
    assert np.isnan(ft.convolve(picture, kernel, mode="same", method=method)).sum() == 169


def test_integers_are_exact() -> None:
    x = np.array([200, 100], np.uint8)
    assert ft.convolve(x, x).tolist() == [40000, 40000, 10000]
    assert ft.convolve([2**62 + 1], [1]).tolist() == [2**62 + 1]


def test_every_shape_of_the_table_is_served() -> None:
    x = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(ft.convolve(x, np.ones((3, 3)), mode="same", boundary="wrap"), np.full((3, 3), 36.0))
    assert ft.convolve(np.ones((1, 100)), np.ones((7, 10)), mode="same", axes=1).shape == (7, 100)
    padded = np.pad([1, 2, 4], 4, "reflect")
    assert np.array_equal(
        ft.convolve([1, 2, 4], np.ones(9, int), mode="same", boundary="reflect"),
        np.convolve(padded, np.ones(9), "valid"),
    )


def test_sobel_of_a_ramp_is_8_as_printed_and_1_per_unit() -> None:
    ramp = np.tile(np.arange(8.0), (8, 1))
    assert ft.sobel(ramp, axis=1)[4, 4] == 8
    assert ft.sobel(ramp, axis=1, scale="unit")[4, 4] == 1


def test_every_drop_in_module_has_its_row_with_its_functions() -> None:
    rows = dict(re.findall(r"^\| `compat\.(\w+)` \| ([^|]+) \|", README, re.M))
    assert sorted(rows) == sorted(ft.compat.__all__)
    for module, said in rows.items():
        names = getattr(ft.compat, module).__all__
        # many functions are counted
        listed = re.fullmatch(r"`([\w ]+)`", said)
        assert sorted(listed[1].split()) == sorted(names) if listed else f": {len(names)} functions" in said, module


def test_every_option_of_a_call_has_its_row() -> None:
    table = README.split("## What a call takes")[1].split("\n\n")[1]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.M)
    options = [p.name for p in inspect.signature(ft.convolve).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert sorted(re.findall(r"\w+", " ".join(rows))) == sorted(options)
    # and the two calls without data take what stands below the table
    of_data = re.findall(r"\w+", " ".join(rows[-2:]))
    besides = re.findall(r"`(\w+)=`\s\(", README)
    for call in (ft.plan, ft.explain):
        taken = [p.name for p in inspect.signature(call).parameters.values() if p.kind is p.KEYWORD_ONLY]
        assert sorted(taken) == sorted({*options, *besides} - {*of_data})


@pytest.mark.parametrize("verb", [ft.convolve, ft.correlate])
@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_mode_same_and_padding_same_lean_as_said(verb: Callable[..., Any], k: int) -> None:
    x, ones = np.random.default_rng(0).integers(0, 9, 20), np.ones(k, int)
    back, ahead = k // 2, (k - 1) // 2
    for options, window in (({"mode": "same"}, (back, ahead)), ({"padding": "same"}, (ahead, back))):
        assert np.array_equal(verb(x, ones, **options), np.convolve(np.pad(x, window), ones, "valid"))


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    names = set(re.findall(r"`([\w/.]+\.(?:py|md|toml|json))`", text)) | set(re.findall(r"\]\(([\w/.]+)\)", text))
    assert names
    # examples of names that a new file might take stand in CONTRIBUTING.md
    made_up = {"src/faltung/filters/edges.py", "tests/filters/test_edges.py"}
    tracked = [
        p.relative_to(ROOT).as_posix()
        for top in ("src", "tests", "benchmarks", "docs")
        for p in (ROOT / top).rglob("*")
    ]
    tracked += [p.name for p in ROOT.iterdir()]
    assert sorted(n for n in names - made_up if not any(f"/{path}".endswith(f"/{n}") for path in tracked)) == []
