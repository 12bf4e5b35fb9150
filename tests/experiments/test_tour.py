import dataclasses
import importlib
import itertools
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from faltung.errors import FileError, MissingDependency, ParameterError
from faltung.experiments import tour
from faltung.experiments.registry import EXPERIMENTS, find
from faltung.experiments.report import highlighted
from faltung.experiments.tour import write_tour

VOID = {"meta", "link", "br", "img", "hr", "input", "col"}


class Page(HTMLParser):
    """Reads a page and holds it against the rules of HTML that a browser would silently mend."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes, self.texts = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour") / "made" / "by the tour"
    said = []
    path = write_tour(folder, progress=said.append)
    text = path.read_text(encoding="utf-8")
    return path, text, Page(text), said


def test_the_report_is_one_readable_file(report):
    path, text, _, _ = report
    assert path.name == "index.html"
    assert [entry.name for entry in path.parent.iterdir()] == ["index.html"]
    assert path.stat().st_mode & 0o077 == 0o066 & ~_umask()
    assert len(text) < 8_000_000


def _umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_every_experiment_is_in_the_report_and_its_contents(report):
    _, text, page, said = report
    assert len(said) == len(EXPERIMENTS)
    targets = {attrs.get("href") for attrs in page.all("a")}
    for experiment in EXPERIMENTS:
        assert experiment.slug in page.ids
        assert f"#{experiment.slug}" in targets
    assert text.count("The code that made it") == len(EXPERIMENTS)


def test_every_number_is_reached_in_the_report(report):
    _, text, _, _ = report
    assert text.count("✓ reached") >= len(EXPERIMENTS)
    assert "✗ missed" not in text


def test_nothing_is_fetched_from_outside(report):
    _, text, page, _ = report
    for tag, name, value in page.attributes:
        if name in {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}:
            assert value.startswith(("#", "data:")), f"<{tag} {name}={value[:80]}>"
        assert not name.startswith("on"), f"<{tag}> has a script in {name}"
    for target in re.findall(r"url\(([^)]*)\)", text):
        assert target.strip("'\"").startswith(("#", "data:"))
    assert "@import" not in text
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}


def test_the_policy_forbids_everything_but_what_is_inside(report):
    _, _, page, _ = report
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "script" not in policy


def test_ids_are_unique_and_every_reference_finds_one(report):
    _, text, page, _ = report
    assert len(set(page.ids)) == len(page.ids)
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    used |= {value for _, name, value in page.attributes if name == "aria-labelledby"}
    assert used <= set(page.ids)


def test_every_drawing_has_an_alternative_text(report):
    _, _, page, _ = report
    drawings = [attrs for attrs in page.all("svg") if attrs.get("role") == "img"]
    figures = [attrs for attrs in page.all("figure") if "listing" not in attrs["class"]]
    assert len(drawings) == len(figures) >= len(EXPERIMENTS)
    assert all(len(attrs["aria-label"]) > 20 for attrs in drawings)
    assert all(attrs.get("role") == "img" or attrs.get("aria-hidden") == "true" for attrs in page.all("svg"))


def test_headings_step_down_one_by_one(report):
    _, _, page, _ = report
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_drawings_have_no_colour_of_their_own_for_lines_and_text(report):
    _, text, _, _ = report
    drawn = "".join(re.findall(r'<svg role="img".*?</svg>', text, re.DOTALL))
    # colour bars are pictures; what is left are the greys and whites that a theme may not turn
    assert not set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", drawn)) - {"#ffffff", "#000000"}
    # black text would vanish on the dark paper
    for element in re.findall(r"<text[^>]*>", drawn):
        assert "fill: var(--" in element


def test_one_experiment_alone(tmp_path):
    path = write_tour(tmp_path, only="10")
    page = Page(path.read_text(encoding="utf-8"))
    assert "window-steps" in page.ids
    assert "binning" not in page.ids
    with pytest.raises(ParameterError, match="window-steps"):
        write_tour(tmp_path, only="window")


@pytest.fixture
def without_torch(monkeypatch):
    """As on a machine where torch is not installed."""
    monkeypatch.setitem(sys.modules, "torch", None)


def test_what_cannot_run_is_left_out_and_says_how_to_mend_it(tmp_path, monkeypatch, without_torch):
    monkeypatch.setattr(tour, "EXPERIMENTS", (find("dilation"), find("dropout-grid"), find("pooling")))
    said = []
    text = write_tour(tmp_path, progress=said.append).read_text(encoding="utf-8")
    page = Page(text)
    line = 'experiment dropout-grid needs torch, which is not installed: pip install "faltung[nn]"'
    assert f"left out: {line}" in said
    assert ("p", line) in page.texts
    assert [name for name in page.ids if name in ("dilation", "dropout-grid", "pooling")] == [
        *("dilation", "dropout-grid", "pooling")
    ]
    assert ("dd", "2 of 3") in page.texts
    assert text.count("The code that made it") == 2
    assert text.count("(left out)") == 1
    assert "✗ missed" not in text


def test_one_experiment_alone_that_cannot_run_is_an_error(tmp_path, without_torch):
    with pytest.raises(MissingDependency, match=r'pip install "faltung\[nn\]"'):
        write_tour(tmp_path, only="dropout-grid")
    assert not list(tmp_path.iterdir())


def test_a_module_that_is_missing_for_another_reason_is_no_missing_package(monkeypatch):
    experiment = dataclasses.replace(find("dilation"), compute=lambda p: importlib.import_module("faltung.nowhere"))
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        tour.run(experiment, experiment.parameters())


def test_an_older_report_is_replaced_whole(tmp_path):
    old = tmp_path / "index.html"
    old.write_text("old")
    assert write_tour(tmp_path, only="dilation") == old
    assert old.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.html"]


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(FileError, match="is a file"):
        write_tour(tmp_path / "taken")
    with pytest.raises(FileError):
        write_tour(tmp_path / "taken" / "below")
    (tmp_path / "index.html").mkdir()
    with pytest.raises(FileError, match=r"index\.html"):
        write_tour(tmp_path, only="dilation")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["index.html", "taken"]


def test_code_is_coloured_without_losing_a_character():
    code = 'x = "a<b"  # note & more\nfor i in range(3):\n    y = """two\nlines""" + f(0.5)\n'
    html = highlighted(code)
    plain = re.sub(r"<[^>]*>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert plain == code
    assert '<span class="c"># note &amp; more</span>' in html
    assert '<span class="k">for</span>' in html
    assert '<span class="n">0.5</span>' in html


def test_folders_may_be_given_as_text(tmp_path):
    assert write_tour(str(tmp_path), only="dilation") == Path(tmp_path) / "index.html"
