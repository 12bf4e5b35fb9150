"""Training on a text: windows see all of it, a rule is learned, and a training cut off ends the same."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.errors import FileError, ParameterError, ShapeError
from faltung.networks import GatedConvNet
from faltung.text import LanguageModel, Vocabulary, Windows, new_net, resume_text, train_text, training
from faltung.training import Config

RULE = "abcd efgh. " * 150
QUICK = Config(batch_size=4, learning_rate=0.03, clip=1.0, warm_up=0.1)


def small(text: str, seed: int = 0) -> GatedConvNet:
    return new_net(Vocabulary.of(text), seed=seed, channels=8, kernel_size=3, dilations=(1, 2))


@given(st.integers(1, 20), st.integers(0, 40), st.integers(21, 200), st.integers(0, 99))
def test_windows_hold_the_text_and_what_follows(window: int, count: int, length: int, seed: int) -> None:
    tokens = np.random.default_rng(0).integers(0, 9, length)
    windows = Windows(tokens, Vocabulary.of("abcdefghi"), window=window, count=count, seed=seed)
    assert windows.x.shape == (len(windows), 2, window)
    assert not count or len(windows) == count
    pairs = windows.x[np.arange(len(windows))]
    assert np.array_equal(pairs[:, 1], windows.y[np.arange(len(windows))])
    for start, (present, following) in zip(windows.x.starts, pairs, strict=True):
        assert np.array_equal(present, tokens[start : start + window])
        assert np.array_equal(following, tokens[start + 1 : start + window + 1])


@given(st.integers(1, 20), st.integers(21, 200))
def test_windows_one_behind_the_other_foretell_every_symbol_but_a_rest(window: int, length: int) -> None:
    starts = Windows(np.zeros(length, np.int64), Vocabulary.of("ab"), window=window).x.starts
    assert np.array_equal(np.diff(starts), np.full(len(starts) - 1, window))
    assert length - 1 - window < starts[-1] + window <= length - 1


def test_a_rule_is_learned() -> None:
    done = train_text(RULE, validation=RULE[:300], net=small(RULE), config=QUICK, window=32, passes=4.5)
    assert done.run.history[-1].number == 5
    assert done.model.score(RULE[:500]).perplexity < 1.2
    assert done.model.sample("abcd", length=13, temperature=0) == " efgh. abcd e"
    assert done.run.history[-1].scores["bits"] == pytest.approx(done.run.history[-1].scores["nats"] / np.log(2))


def test_the_same_seed_gives_the_same_model() -> None:
    first, second = (train_text(RULE, net=small(RULE), config=QUICK, window=32, passes=0.5) for _ in range(2))
    assert first.model.score(RULE) == second.model.score(RULE)


def after(steps: int) -> Callable[[], bool]:
    calls = iter(range(10**6))
    return lambda: next(calls) >= steps


def test_a_training_cut_off_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    def begin(**options: object) -> LanguageModel:
        given = {"validation": RULE[:200], "config": QUICK, "window": 32, "passes": 1.5, **options}
        return train_text(RULE, net=small(RULE), **given).model

    whole = begin()
    begin(folder=tmp_path / "run", stop=after(9))
    with pytest.raises(ParameterError, match="the text is not the one"):
        resume_text(tmp_path / "run", RULE + "x", validation=RULE[:200])
    done = resume_text(tmp_path / "run", RULE, validation=RULE[:200])
    assert done.model.score(RULE) == whole.score(RULE)
    assert LanguageModel.load(tmp_path / "run" / "model.safetensors").score(RULE) == whole.score(RULE)
    with pytest.raises(FileError, match="resume"):
        begin(folder=tmp_path / "run")


def test_minutes_are_turned_into_passes() -> None:
    done = train_text(RULE, net=small(RULE), config=QUICK, window=32, minutes=0.002)
    assert done.run.stopped == "done"
    assert done.passes > 0


def test_words_train_with_cutoffs() -> None:
    net = GatedConvNet(symbols=4, channels=8, kernel_size=3, dilations=(1, 2), cutoffs=(2,))
    text = " one two three" * 100
    vocabulary = Vocabulary.of(text, unit="words")
    done = train_text(text, vocabulary=vocabulary, net=net, config=QUICK, window=16, passes=6)
    assert done.run.history[-1].loss < 0.7 * done.run.history[0].loss


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"has 20 symbols, a window of 256 .* a window of 19 or less"):
        train_text("ab" * 10, net=small("ab"))
    with pytest.raises(ParameterError, match="the vocabulary 2: make it with symbols=2"):
        train_text("ab" * 500, net=small("abc"))
    with pytest.raises(ParameterError, match="passes"):
        train_text("ab" * 500, net=small("ab"), passes=0)


def test_a_validation_text_shorter_than_a_window_is_scored_whole() -> None:
    done = train_text(RULE, validation=RULE[:21], net=small(RULE), config=QUICK, window=32, passes=1)
    # one window of all its symbols, which see nothing before them, as in a score
    assert done.run.history[-1].scores["nats"] == pytest.approx(done.model.score(RULE[:21]).nats_per_token, rel=1e-4)
    with pytest.raises(ShapeError, match="validation text has 1 symbols that the vocabulary knows"):
        train_text(RULE, validation="aXYZ", net=small(RULE), config=QUICK, window=32)


def test_a_step_that_is_held_up_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # each look at the clock is a second later, one an hour
    seconds = iter(np.cumsum([3600.0 if look == 10 else 1.0 for look in range(1000)]).tolist())
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    vocabulary = Vocabulary.of(RULE)
    speed = training.measure_speed(small(RULE), vocabulary.encode(RULE).tokens, vocabulary, window=32, config=QUICK)
    assert speed == QUICK.batch_size * 32
