"""A language model as an object and as a file."""

from pathlib import Path

import pytest
import torch

from faltung.errors import FileError, ParameterError
from faltung.networks import GatedConvNet
from faltung.networks.saved import Facts, save_model
from faltung.text import LanguageModel, Vocabulary

TEXT = "Wenn das Wörtchen wenn nicht wär,\nwär mein Vater Millionär.\n"


def make(unit: str, cutoffs: tuple[int, ...] = ()) -> LanguageModel:
    torch.manual_seed(0)
    vocabulary = Vocabulary.of(TEXT, unit=unit)
    net = GatedConvNet(symbols=len(vocabulary), channels=8, dilations=(1, 2), cutoffs=cutoffs)
    return LanguageModel(net, vocabulary, {"data": "a rhyme"})


@pytest.mark.parametrize("unit", ["characters", "bytes", "words"])
def test_a_file_gives_the_same_model(unit: str, tmp_path: Path) -> None:
    model = make(unit, (5,) if unit == "words" else ())
    model.save(tmp_path / "m.safetensors")
    again = LanguageModel.load(tmp_path / "m.safetensors")
    assert again.vocabulary == model.vocabulary
    assert again.notes == {"data": "a rhyme"}
    assert again.score(TEXT) == model.score(TEXT)
    assert again.sample("W", length=20, seed=4) == model.sample("W", length=20, seed=4)


@pytest.mark.parametrize("unit", ["characters", "bytes", "words"])
def test_samples_have_the_length_asked_for_and_known_symbols_only(unit: str) -> None:
    model = make(unit)
    text = model.sample("W" if unit != "words" else "Wenn", length=30, seed=1)
    if unit != "bytes":
        assert len(model.vocabulary.encode(text).tokens) <= 30
        assert "\ufffd" not in text
    assert model.sample("Wenn", length=0) == ""


def test_pieces_join_to_the_sample() -> None:
    model = make("bytes")
    options = (40, 0.7, 0, 0.9, 3)
    whole = model.sample("W", length=40, temperature=0.7, top_p=0.9, seed=3)
    assert "".join(model.generate("W", *options)) == whole


def test_temperature_zero_takes_the_likeliest_each_time() -> None:
    model = make("characters")
    text = model.sample("We", length=15, temperature=0)
    tokens = model.vocabulary.encode("We" + text).tokens
    scores = model.net(torch.from_numpy(tokens)[None])[0]
    assert scores.argmax(0)[1:-1].tolist() == tokens[2:].tolist()


def test_prompts_that_cannot_be() -> None:
    with pytest.raises(ParameterError, match="prompt is empty"):
        make("characters").sample("")
    with pytest.raises(ParameterError, match="1 of 1 symbols is unknown: '§'"):
        make("characters").sample("§")


def test_a_vocabulary_of_another_size_is_refused() -> None:
    with pytest.raises(ParameterError, match="256 symbols, the vocabulary 2"):
        LanguageModel(make("bytes").net, Vocabulary.of("ab"))


def test_files_of_other_models_are_refused(tmp_path: Path) -> None:
    net = make("characters").net
    save_model(tmp_path / "other.safetensors", net, Facts(task="classification"))
    with pytest.raises(FileError, match="a language model is expected"):
        LanguageModel.load(tmp_path / "other.safetensors")
    save_model(tmp_path / "mixed.safetensors", net, Facts(task="next character", classes=("a", "b"), tokens=True))
    with pytest.raises(FileError, match="vocabulary is damaged"):
        LanguageModel.load(tmp_path / "mixed.safetensors")
