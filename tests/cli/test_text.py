"""`faltung text train`, `sample` and `score`: a text becomes a model, which goes on with it and scores it."""

import json
import math
import os
import signal
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from faltung.cli import main
from faltung.cli.text import BARS, surprise
from faltung.networks import ConvNet, save_model
from faltung.networks.saved import Facts
from faltung.text import LanguageModel

TEXT = "the cat sat on the mat.\na dog ran to the log.\n" * 60
SMALL = (
    "--channels",
    8,
    "--kernel-size",
    4,
    "--dilations",
    "1,2",
    "--batch",
    8,
    "--window",
    16,
    "--rate",
    "0.03",
    "--passes",
    3,
)


pytestmark = pytest.mark.usefixtures("one_thread_and_wide_lines")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "rhyme.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of the rhyme, as the command writes it."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "rhyme.txt").write_text(TEXT, encoding="utf-8")
    words = ("text", "train", folder / "rhyme.txt", "-o", folder / "m.safetensors", *SMALL, "--json")
    assert main([*map(str, words)]) == 0
    return folder / "m.safetensors"


def told(capsys, *words, code=0):
    """What a command says as JSON."""
    assert main([*map(str, words), "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *words):
    """Exit code and the only line that is said after what the progress says."""
    code = main([*map(str, words)])
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.strip().splitlines()
    assert [line for line in lines if line.startswith("faltung: ")] == lines[-1:]
    return code, lines[-1]


def test_a_text_becomes_a_model_that_goes_on_and_scores(source, tmp_path, capsys):
    path = tmp_path / "m.safetensors"
    facts = told(capsys, "text", "train", source, "-o", path, *SMALL)
    assert (facts["stopped"], facts["unit"], facts["passes"]) == ("done", "characters", 3)
    assert facts["symbols"] == len(set(TEXT))
    assert len(facts["epochs"]) == 3
    # far better than a guess among all symbols
    assert facts["held_out"]["nats_per_token"] < 0.7 * math.log(facts["symbols"])

    # what the library says of the same file
    loaded = LanguageModel.load(path)
    score = told(capsys, "text", "score", path, source)
    expected = loaded.score(TEXT)
    assert score["nats_per_token"] == pytest.approx(expected.nats_per_token, rel=1e-6)
    assert score["tokens"] == len(TEXT) - 1
    assert score["perplexity"] == pytest.approx(math.exp(score["nats_per_token"]))

    words = ("text", "sample", path, "--prompt", r"the cat\n", "--length", 40)
    drawn = told(capsys, *words, "--seed", 3)
    assert drawn["prompt"] == "the cat\n"
    assert drawn["text"] == loaded.sample("the cat\n", length=40, seed=3)
    assert len(drawn["text"]) == 40
    assert told(capsys, *words, "--seed", 4)["text"] != drawn["text"]
    assert main([*map(str, words), "--seed", "3"]) == 0
    assert capsys.readouterr().out == f"the cat\n{drawn['text']}\n"


def test_a_run_is_told_in_words(source, tmp_path, capsys):
    path = tmp_path / "m.safetensors"
    assert main([*map(str, ("text", "train", source, "-o", path, *SMALL))]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("epoch ") == 3
    assert "sees 10 symbols" in printed.out
    assert str(path) in printed.out
    assert main(["text", "score", str(path), str(source), "--lines", "2"]) == 0
    said = capsys.readouterr().out
    assert f"{len(TEXT) - 1:,} characters" in said
    assert "least likely lines, in nats a character" in said
    assert said.count("the cat sat on the mat.") + said.count("a dog ran to the log.") == 2


def test_the_least_likely_lines_come_first(model, tmp_path, capsys):
    strange = tmp_path / "strange.txt"
    strange.write_text("the cat sat on the mat.\ntttt....tttt\na dog ran to the log.\n", encoding="utf-8")
    worst = told(capsys, "text", "score", model, strange, "--lines", 2)["lines"]
    assert (worst[0]["number"], worst[0]["text"]) == (2, "tttt....tttt")
    assert worst[0]["nats_per_token"] > worst[1]["nats_per_token"]


def test_the_least_likely_words_are_those_of_the_library(model, tmp_path, capsys):
    strange = tmp_path / "strange.txt"
    strange.write_text("the cat sat on tgr mat.\nthe cat sat on the mat.\n", encoding="utf-8")
    expected = LanguageModel.load(model).score(strange.read_text(encoding="utf-8")).words[:3]
    words = told(capsys, "text", "score", model, strange, "--words", 3)["words"]
    assert [(word["text"], word["count"], word["line"]) for word in words] == [
        (word.text, word.count, word.line) for word in expected
    ]
    assert words[0]["text"] == "tgr"
    assert main(["text", "score", str(model), str(strange), "--words", "1", "--lines", "0"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[1:] == ["1", "1", "tgr"]
    assert main(["text", "score", str(model), str(strange), "--words", "0", "--lines", "0"]) == 0
    assert "least likely" not in capsys.readouterr().out


def test_bars_stand_under_what_was_not_expected(model, tmp_path, capsys):
    strange = tmp_path / "strange.txt"
    strange.write_text("the cat sat on the mat.\na dog rgn to the log.\n", encoding="utf-8")
    assert main(["text", "score", str(model), str(strange), "--lines", "1"]) == 0
    line, bars = capsys.readouterr().out.splitlines()[-2:]
    assert line == "  a dog rgn to the log."
    assert len(bars) == len(line)
    assert BARS.index(bars[line.index("g", 8)]) == max(BARS.index(bar) for bar in bars.strip())


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(12, 50), st.integers(0, 9))
def test_bars_are_as_wide_as_the_line_and_fit(text, room, seed):
    costs = np.random.default_rng(seed).exponential(3, len(text) + 1)
    line, bars = surprise(text, costs, room)
    assert cell_len(line) <= room
    assert cell_len(bars) <= cell_len(line)
    assert line.isprintable() or any(unicodedata.category(sign) == "Cf" for sign in line)


def test_of_a_long_line_the_part_that_costs_most_is_shown():
    text = "x" * 100 + "zeppelin" + "x" * 100
    costs = np.where(np.array([*text]) == "x", 0.2, 9.0)
    line, bars = surprise(text, costs, 20)
    assert "zeppelin" in line
    assert (line[0], line[-1], len(line)) == ("…", "…", 20)
    assert bars.count("█") == 8
    # the beginning has nothing left out before it
    line, _ = surprise(text[100:], costs[100:], 20)
    assert line.startswith("zeppelin")
    assert line.endswith("…")


def test_temperature_0_takes_the_likeliest_whatever_the_seed(model, capsys):
    words = ("text", "sample", model, "--prompt", "the", "--length", 30, "--temperature", 0)
    assert told(capsys, *words, "--seed", 1)["text"] == told(capsys, *words, "--seed", 2)["text"]


def test_unknown_symbols_are_refused_or_counted(model, tmp_path, capsys):
    path = tmp_path / "other.txt"
    path.write_text("the cät sat on the mat, ä\n", encoding="utf-8")
    code, line = refusal(capsys, "text", "score", model, path)
    assert code == 2
    assert "ä" in line
    found = told(capsys, "text", "score", model, path, "--unknown", "skip")
    assert found["unknown"] == {"ä": 2, ",": 1}
    assert found["tokens"] == 26 - 3 - 1
    code, line = refusal(capsys, "text", "sample", model, "--prompt", "cät")
    assert code == 2
    assert "1 of 3 symbols is unknown: 'ä' 1: write it without; the model knows" in line
    # there is no such option
    assert "--unknown" not in line


def test_unknown_words_of_a_prompt_are_told(source, tmp_path, capsys):
    path = tmp_path / "w.safetensors"
    told(capsys, "text", "train", source, "-o", path, "--unit", "words", *SMALL)
    words = ("text", "sample", path, "--prompt", "the zeppelin", "--length", "3")
    assert told(capsys, *words)["unknown"] == {" zeppelin": 1}
    assert main([*map(str, words)]) == 0
    assert "does not know ' zeppelin'" in capsys.readouterr().err


def test_bytes_know_every_text(source, tmp_path, capsys):
    path = tmp_path / "b.safetensors"
    assert told(capsys, "text", "train", source, "-o", path, "--unit", "bytes", *SMALL)["symbols"] == 256
    other = tmp_path / "other.txt"
    other.write_text("über", encoding="utf-8")
    found = told(capsys, "text", "score", path, other)
    assert (found["tokens"], found["unknown"]) == (4, {})


@pytest.mark.parametrize("unit", ["characters", "bytes"])
def test_a_file_that_is_no_text_is_one_line(unit, tmp_path, capsys):
    path, output = tmp_path / "bad.txt", tmp_path / "m.safetensors"
    for content, code, part in [
        (b"", 1, "is empty"),
        (b"\xef\xbb\xbf", 1, "byte order mark"),
        (b"ol\xe9 and more" * 99, 1, "(--encoding latin-1)"),
        ("and more".encode("utf-16") * 99, 1, "(--encoding utf-16)"),
        (b"\x7fELF\0" * 99, 1, "is NUL, which no text holds"),
        (b"short", 1, "give a longer text"),
    ]:
        path.write_bytes(content)
        found, line = refusal(capsys, "text", "train", path, "-o", output, "--unit", unit, *SMALL)
        assert found == code, line
        assert part in line
        assert not output.exists()


def test_a_text_in_another_encoding_is_the_same_text(source, tmp_path, capsys):
    path, other = tmp_path / "m.safetensors", tmp_path / "latin.txt"
    text = TEXT.replace("cat", "çat")
    source.write_text(text, encoding="utf-8")
    other.write_bytes(text.replace("\n", "\r\n").encode("latin-1"))
    words = ("text", "train", other, "--validation", other, "-o", path, *SMALL)
    facts = told(capsys, *words, "--encoding", "latin-1")
    assert facts["symbols"] == len(set(text))
    assert told(capsys, "text", "score", path, other, "--encoding", "latin-1") == told(
        capsys, "text", "score", path, source
    ) | {"text": str(other)}
    code, line = refusal(capsys, *words, "--encoding", "latin-8x")
    assert (code, "encoding='latin-8x'" in line) == (2, True)


def test_a_short_file_is_trained_with_a_small_window_or_refused_with_one(tmp_path, capsys):
    path, output = tmp_path / "short.txt", tmp_path / "m.safetensors"
    path.write_text(TEXT[:100], encoding="utf-8")
    code, line = refusal(capsys, "text", "train", path, "-o", output)
    assert code == 1
    assert "or less (--window)" in line
    # what is held out is shorter than a window
    facts = told(capsys, "text", "train", path, "-o", output, *SMALL)
    assert 0 < facts["held_out"]["tokens"] < 16
    path.write_text("x", encoding="utf-8")
    code, line = refusal(capsys, "text", "train", path, "-o", output)
    assert (code, "made of 'x' alone" in line) == (2, True)


def test_going_on_takes_no_new_options(source, tmp_path, capsys):
    path, run = tmp_path / "m.safetensors", tmp_path / "run"
    told(capsys, "text", "train", source, "-o", path, *SMALL, "--folder", run)
    code, line = refusal(capsys, "text", "train", source, "-o", path, "--resume", run, "--channels", 9)
    assert code == 2
    assert "--channels" in line
    told(capsys, "text", "train", source, "-o", path, "--resume", run)


def test_wrong_words_are_one_line_and_code_2_or_1(model, source, tmp_path, capsys):
    foreign = tmp_path / "foreign.safetensors"
    save_model(foreign, ConvNet(channels=1, classes=2, widths=((2,),)), Facts())
    (tmp_path / "junk.safetensors").write_bytes(b"no model")
    for words, code, part in [
        (("sample", model, "--temperature", "-1"), 2, "temperature=-1"),
        (("sample", model, "--temperature", "nan"), 2, "temperature"),
        (("sample", model, "--top-p", "0"), 2, "top_p=0"),
        (("sample", model, "--prompt", ""), 2, "the prompt is empty"),
        (("sample", foreign), 1, "a language model is expected"),
        (("score", foreign, source), 1, "a language model is expected"),
        (("score", tmp_path / "junk.safetensors", source), 1, "junk.safetensors"),
        (("score", tmp_path / "none.safetensors", source), 1, "none.safetensors"),
        (("score", model, tmp_path / "none.txt"), 1, "there is no such file"),
        (("train", source, "-o", tmp_path / "m.pt"), 2, ".safetensors"),
        (("train", source, "-o", tmp_path / "none" / "m.safetensors"), 1, "there is no folder"),
        (("train", source, "-o", tmp_path / "m.safetensors", "--dilations", "1,x"), 2, "--dilations"),
        (("train", source, "-o", tmp_path / "m.safetensors", "--dropout", "1"), 2, "dropout=1"),
        (("train", source, "-o", tmp_path / "m.safetensors", "--minutes", "0"), 2, "no time at all"),
    ]:
        found, line = refusal(capsys, "text", *words)
        assert found == code, line
        assert part in line


def test_an_interrupted_training_keeps_the_best_and_goes_on(source, tmp_path, capsys, monkeypatch):
    import faltung.training.loop as loop

    genuine, steps = loop._Training._step, []

    def interrupted(self, batch):
        steps.append(1)
        if len(steps) == 30:
            os.kill(os.getpid(), signal.SIGINT)
        genuine(self, batch)

    path, run = tmp_path / "m.safetensors", tmp_path / "run"
    words = ("text", "train", source, "-o", path, *SMALL)
    whole = told(capsys, *words)
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(loop._Training, "_step", interrupted)
    facts = told(capsys, *words, "--folder", run, code=130)
    monkeypatch.setattr(loop._Training, "_step", genuine)
    assert signal.getsignal(signal.SIGINT) is before
    assert facts["stopped"] == "cancelled"
    assert 1 <= len(facts["epochs"]) < 3
    # the model written is that of the last whole epoch
    kept = told(capsys, "text", "score", path, source)["nats_per_token"]
    assert kept < math.log(len(set(TEXT)))
    rest = told(capsys, "text", "train", source, "-o", path, "--resume", run)
    assert [epoch["loss"] for epoch in rest["epochs"]] == [epoch["loss"] for epoch in whole["epochs"]]
    assert told(capsys, "text", "score", path, source)["nats_per_token"] < kept
