"""The notebooks run from top to bottom, with less to do than a reader would give them."""

import importlib.util
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def notebook(monkeypatch):
    """Runs a notebook with other settings; gives what its cells defined."""
    monkeypatch.setenv("MPLBACKEND", "agg")

    def run(name, **settings):
        import torch

        spec = importlib.util.spec_from_file_location(f"notebook_{name}", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            _, defined = module.app.run(defs=settings)
        finally:
            torch.set_num_threads(before)
        return defined

    return run


def test_the_classifier_learns(notebook):
    found = notebook("classifier", set_name="small_digits", num_examples=1000, epochs=6)
    assert found["scores"].num_examples == 360
    assert found["scores"].accuracy > 0.8
    assert len(found["run"].history) == 6
    # mistakes that are shown are mistakes
    said = found["ft"].training.predict(found["run"], found["test"].x).argmax(axis=1)
    assert (said != found["test"].y)[found["worst"]].all()


def test_the_segmentation_finds_nuclei(notebook):
    found = notebook("segmentation", epochs=4, channels=8, crops=24)
    # Otsu's threshold, as scikit-image takes it from the same half
    from skimage.filters import threshold_otsu

    assert found["threshold"] == threshold_otsu(found["train"].x)
    assert 0.7 < found["dice_threshold"] < 0.9
    assert found["dice_net"] > 0.6
    assert "33" in str(found["inspection"])


def test_the_text_is_foretold(notebook):
    found = notebook("text", file="", num_characters=30_000, passes=2, channels=16)
    # nothing before the place that is changed, nothing further behind it than the net sees
    for effect, net, seen in zip(found["effects"], found["stacks"], (10, 22), strict=True):
        assert net.num_seen == seen
        assert (effect[:12] == 0).all()
        assert effect[12] > 0
        assert effect[12 + seen - 1] > 0
        assert (effect[12 + seen :] == 0).all()
    assert [field.length for field in found["fields"]] == [10, 22]

    sizes = list(found["sizes"].values())
    assert max(sizes) < 1.04 * min(sizes)
    assert all(score.nats_per_token < found["counting"] - 0.3 for score in found["scores"].values())

    # each of the first characters seen helps; what lies beyond the field changes nothing
    assert found["context"][0] > found["context"][1] > found["context"][2]
    assert found["context"][-2] == pytest.approx(found["context"][-1], abs=1e-5)
    assert found["context"][-1] == pytest.approx(found["context_all"], abs=1e-5)
    assert found["step_error"] < 1e-4

    assert [len(sample) for sample in found["samples"].values()] == [240] * 4
    assert found["samples"][0.0] == found["model"].sample("The ", length=240, temperature=0)
    assert found["costs"].sum() == pytest.approx(found["model"].score(found["read"]).nats)
    assert [row["nats"] for row in found["surprises"]] == sorted(found["costs"].round(2), reverse=True)[:8]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_notebook_says_how_it_is_opened_and_ends_with_tasks(path):
    text = path.read_text(encoding="utf-8")
    assert f"`marimo edit notebooks/{path.name}`" in text
    assert "## Your turn" in text
    assert len(re.findall(r"^ +\d\. ", text, re.MULTILINE)) == 4
