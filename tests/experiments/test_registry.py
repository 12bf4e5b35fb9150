import ast
import dataclasses
import functools
import subprocess
import sys

import numpy as np
import pytest

from faltung.errors import FaltungError, ParameterError
from faltung.experiments.drawing import Panel
from faltung.experiments.experiment import Golden, Listing, Table, shown
from faltung.experiments.registry import EXPERIMENTS, find

each_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.slug)

TRAINED = {
    *("shifted-digits", "co-adaptation", "dropout-noise", "regularisers", "convnet-stages", "unet-nuclei"),
    *("train-classifier", "uncertainty-digits", "gated-text", "exact-tiles"),
}
"""They train networks for seconds: other parameters than the default are for the slow tests."""

with_other_parameters = pytest.mark.parametrize(
    "experiment",
    [pytest.param(e, id=e.slug, marks=[pytest.mark.slow] if e.slug in TRAINED else []) for e in EXPERIMENTS],
)


def another(parameters):
    """The same experiment with every parameter moved to another legal value."""
    changes = {}
    for entry in dataclasses.fields(parameters):
        value = getattr(parameters, entry.name)
        check = entry.metadata["check"]
        if hasattr(check, "options"):
            changes[entry.name] = check.options[-1]
        elif hasattr(check, "high"):
            step = 1 if isinstance(value, int) else value / 4
            changes[entry.name] = value + step if check.problem(value + step) is None else value - step
        elif isinstance(value, tuple):
            changes[entry.name] = tuple(row[::-1] for row in value)
    return dataclasses.replace(parameters, **changes)


def same(a, b):
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, entry.name), getattr(b, entry.name)) for entry in dataclasses.fields(a))
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind in "fc")


@functools.cache
def computed(slug, *, varied=False):
    """Parameters and result, computed once for all tests."""
    experiment = find(slug)
    parameters = another(experiment.parameters()) if varied else experiment.parameters()
    return parameters, experiment.compute(parameters)


@each_experiment
def test_every_golden_number_is_reached(experiment):
    golden = experiment.check(*computed(experiment.slug))
    assert golden
    missed = [(entry.name, entry.expected, entry.got) for entry in golden if not entry.reached]
    assert not missed


@with_other_parameters
def test_laws_hold_for_other_parameters_too(experiment):
    golden = experiment.check(*computed(experiment.slug, varied=True))
    assert golden
    assert not [entry for entry in golden if not entry.reached]


@each_experiment
def test_the_code_shown_makes_the_same_numbers(experiment):
    assert_made_by_its_code(experiment, varied=False)


@with_other_parameters
def test_the_code_shown_makes_the_same_numbers_of_other_parameters(experiment):
    assert_made_by_its_code(experiment, varied=True)


def assert_made_by_its_code(experiment, *, varied):
    parameters, result = computed(experiment.slug, varied=varied)
    names: dict[str, object] = {}
    exec(compile(experiment.code(parameters), experiment.slug, "exec"), names)
    for entry in dataclasses.fields(result):
        assert entry.name in names, f"{entry.name} is not made by the code shown"
        if entry.name not in experiment.measured:
            assert same(getattr(result, entry.name), names[entry.name]), entry.name


@each_experiment
def test_the_code_shown_uses_public_names_only(experiment):
    for node in ast.walk(ast.parse(experiment.code(experiment.parameters()))):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert not any(part.startswith("_") for part in node.module.split("."))
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            assert not name.startswith("_")
            assert name != "p"


@each_experiment
def test_every_drawing_has_words_that_replace_it(experiment):
    assert_described(experiment, varied=False)


@with_other_parameters
def test_drawings_of_other_parameters_have_words_too(experiment):
    assert_described(experiment, varied=True)


def assert_described(experiment, *, varied):
    pieces = experiment.draw(*computed(experiment.slug, varied=varied))
    assert any(isinstance(piece, Panel) for piece in pieces)
    for piece in pieces:
        if isinstance(piece, Panel):
            assert any(character.isdigit() for character in piece.alt), "an alt text holds the numbers"
            assert piece.caption
        elif isinstance(piece, Listing):
            assert piece.caption
            assert piece.text
        else:
            assert isinstance(piece, Table)
            assert {len(row) for row in piece.rows} == {len(piece.headings)}


@each_experiment
def test_every_experiment_says_what_it_is_for(experiment):
    assert experiment.goal.endswith(".")
    assert experiment.goal.count(".") == 1
    assert len(experiment.try_this) == 3
    assert experiment.surprise
    assert all(entry.metadata["meaning"] for entry in dataclasses.fields(experiment.parameters))


@each_experiment
def test_a_parameter_out_of_range_is_refused_with_its_range(experiment):
    tried = 0
    for entry in dataclasses.fields(experiment.parameters):
        check = entry.metadata["check"]
        wrong = [None, b"x", float("nan")]
        if hasattr(check, "high"):
            wrong += [check.low - 1, check.high + 1, "3", True]
        if hasattr(check, "options"):
            wrong += ["nonsense", ""]
        for value in wrong:
            with pytest.raises(ParameterError, match=entry.name):
                experiment.parameters(**{entry.name: value})
            tried += 1
    assert tried


@pytest.mark.parametrize("grid", [(), ((),), ((1, 2), (3,)), [[1]], ((float("inf"),),), ((1,),) * 17, (("a",),)])
def test_a_grid_is_equally_long_rows_of_finite_numbers(grid):
    with pytest.raises(ParameterError, match="equally long rows"):
        find("window-steps").parameters(picture=grid)


def test_slugs_are_unique_and_items_are_in_the_workshop_order():
    slugs = [experiment.slug for experiment in EXPERIMENTS]
    assert len(set(slugs)) == len(slugs)
    first_items = [experiment.items[0] for experiment in EXPERIMENTS]
    assert first_items == sorted(first_items)


def test_an_experiment_is_found_by_slug_or_item():
    assert find("binning") is find("8")
    with pytest.raises(ParameterError, match="binning"):
        find("no such thing")
    with pytest.raises(ParameterError):
        find("99")


def test_a_kernel_that_does_not_fit_is_told_with_the_cure():
    with pytest.raises(ParameterError, match="larger picture"):
        find("window-steps").parameters(picture=((1, 2), (3, 4)))
    with pytest.raises(ParameterError, match="row=3"):
        find("window-steps").parameters(row=3)
    with pytest.raises(ParameterError, match="add padding"):
        find("padding-stride").parameters(picture=((1,),), padding=0)


def test_a_wrong_formula_is_told_by_compute():
    experiment = find("definition")
    with pytest.raises(FaltungError, match="foo"):
        experiment.compute(experiment.parameters(f="foo(t)"))


@pytest.mark.parametrize(
    ("expected", "got", "tolerance", "reached"),
    [
        (1, 1, 0, True),
        (1.0, 1.1, 0.2, True),
        (1.0, 1.3, 0.2, False),
        ([1, 2], np.array([1, 2]), 0, True),
        ([1, 2], [1, 2, 3], 9, False),
        ("a", "a", 0, True),
        ("a", "b", 0, False),
        (0.0, float("nan"), 1, False),
    ],
)
def test_a_golden_number_is_reached_within_its_tolerance(expected, got, tolerance, reached):
    assert Golden("n", expected, got, tolerance).reached is reached


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234, "1,234"),
        (0.5, "0.5"),
        ([1, 2], "1 2"),
        ([[1.5, 2], [3, 4]], "1.5 2 / 3 4"),
        (True, "yes"),
        ("word", "word"),
        (1 + 2j, "1+2j"),
        (-10j, "-10j"),
        (3 + 0j, "3"),
        (4.4e-16, "4e-16"),
    ],
)
def test_values_are_shown_for_readers(value, text):
    assert shown(value) == text


def test_computing_loads_no_drawing_library():
    code = (
        "import sys\n"
        "from faltung.experiments.registry import find\n"
        "e = find('window-steps'); p = e.parameters(); e.check(p, e.compute(p))\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_question_to_discuss_names_an_experiment():
    from faltung.experiments.texts import DISCUSSION, TEXTS

    slugs = {experiment.slug for experiment in EXPERIMENTS} - {"reading"}
    assert {slug for _, _, slug in DISCUSSION} <= slugs
    assert {slug for text in TEXTS for slug in text.shown_by} <= slugs
