"""`faltung text train`, `sample` and `score`: a text becomes a model, which goes on with it and scores it."""

import json
import math
import os
import signal

import pytest
import torch

from faltung.cli import main
from faltung.networks import ConvNet, save_model
from faltung.networks.saved import Facts
from faltung.text import LanguageModel

TEXT = "the cat sat on the mat.\na dog ran to the log.\n" * 60
SMALL = ("--channels", 8, "--dilations", "1,2", "--window", 16, "--rate", "0.03", "--passes", 3)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    # so wide that no path is folded
    monkeypatch.setenv("COLUMNS", "300")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
    assert "nats a symbol" in said
    assert said.count("the cat sat on the mat.") + said.count("a dog ran to the log.") == 2


def test_the_least_likely_lines_come_first(model, tmp_path, capsys):
    strange = tmp_path / "strange.txt"
    strange.write_text("the cat sat on the mat.\ntttt....tttt\na dog ran to the log.\n", encoding="utf-8")
    worst = told(capsys, "text", "score", model, strange, "--lines", 2)["lines"]
    assert (worst[0]["number"], worst[0]["text"]) == (2, "tttt....tttt")
    assert worst[0]["nats_per_token"] > worst[1]["nats_per_token"]


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
    assert "ä" in line


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
        (b"ol\xe9 and more" * 99, 1, "byte 2 (0xe9) is no UTF-8"),
        (b"short", 1, "give a longer text"),
    ]:
        path.write_bytes(content)
        found, line = refusal(capsys, "text", "train", path, "-o", output, "--unit", unit, *SMALL)
        assert found == code, line
        assert part in line
        assert not output.exists()


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
