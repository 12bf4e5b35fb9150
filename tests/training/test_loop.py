"""`train` and `resume`."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import faltung as ft
from faltung.errors import AccuracyError, FileError, MissingData, ParameterError, ShapeError
from faltung.training import Config, resume, train
from training.small import classifier, curve, lines, same_weights, segmenter, spots

QUICK = Config(epochs=3, batch_size=16, learning_rate=0.01, threads=1)
RICH = Config(
    epochs=3,
    batch_size=16,
    learning_rate=0.01,
    threads=1,
    augment=("flip", "shift", "rotate", "noise", "erase"),
    ema=0.9,
    clip=1.0,
    label_smoothing=0.1,
    accumulate=2,
)


def test_what_can_be_learnt_is_learnt():
    run = train(classifier(), lines(200), config=Config(epochs=6, learning_rate=0.02, threads=1))
    assert run.best.scores["accuracy"] == 1
    assert ft.training.evaluate(run, lines(100, seed=5)).accuracy > 0.95
    assert not run.model.training


def test_places_are_learnt_from_the_labels_there_are():
    examples = spots(24, unknown=0.7)
    run = train(segmenter(), examples, config=Config(epochs=15, batch_size=4, learning_rate=0.02, threads=1))
    assert ft.training.evaluate(run, spots(seed=7)).f1[1] > 0.9


@pytest.mark.parametrize("config", [QUICK, RICH], ids=["plain", "with everything"])
def test_the_same_seed_gives_the_same_bits(config):
    runs = [train(classifier(), lines(), config=config) for _ in range(2)]
    assert curve(runs[0]) == curve(runs[1])
    assert same_weights(runs[0].model, runs[1].model)
    other = train(classifier(), lines(), config=Config(**{**config.to_json(), "seed": 1}))
    assert curve(other) != curve(runs[0])


def test_global_random_numbers_and_threads_are_as_they_were():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    numpy_before = np.random.get_state()[1].copy()  # noqa: NPY002
    net = classifier()
    torch.set_rng_state(before)
    train(net, lines(), config=RICH)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("cut", [0, 1, 4, 5, 10])
def test_a_training_that_was_cut_off_goes_on_with_the_same_bits(tmp_path, cut, optimiser):
    config = Config(**{**RICH.to_json(), "optimiser": optimiser})
    whole = train(classifier(), lines(), config=config)
    asked = iter(range(100))
    part = train(classifier(), lines(), config=config, folder=tmp_path / "run", stop=lambda: next(asked) == cut)
    assert part.stopped == "cancelled"
    assert len(part.history) == cut // 4
    # another start: the weights come from the folder
    rest = resume(tmp_path / "run", lines(), model=classifier(9))
    assert rest.stopped == "done"
    assert curve(rest) == curve(whole)
    assert same_weights(rest.model, whole.model)


def test_a_killed_training_goes_on_from_its_last_checkpoint(tmp_path):
    config = Config(**{**RICH.to_json(), "checkpoint_steps": 3})
    whole = train(classifier(), lines(), config=config)

    def killed():
        raise KeyboardInterrupt

    asked = iter(range(100))
    with pytest.raises(KeyboardInterrupt):
        train(classifier(), lines(), config=config, folder=tmp_path, stop=lambda: next(asked) == 8 and killed())
    rest = resume(tmp_path, lines(), model=classifier(9))
    assert curve(rest) == curve(whole)
    assert same_weights(rest.model, whole.model)


def test_a_complete_training_is_not_trained_again(tmp_path):
    run = train(classifier(), lines(), config=QUICK, folder=tmp_path)
    again = resume(tmp_path, lines(), model=classifier(9))
    assert curve(again) == curve(run)
    assert same_weights(again.model, run.model)


def test_the_best_weights_are_kept_and_written(tmp_path):
    config = Config(epochs=4, batch_size=8, learning_rate=0.02, schedule="constant", warm_up=0, threads=1)
    run = train(classifier(), lines(), config=config, folder=tmp_path)
    scores = [(epoch.scores["accuracy"], -epoch.scores["loss"]) for epoch in run.history]
    assert run.best.number == 1 + max(range(len(scores)), key=lambda i: scores[i])
    saved = ft.networks.load_model(tmp_path / "model.safetensors", classifier(9))
    assert same_weights(saved.model, run.model)
    assert saved.facts == run.facts
    assert saved.facts.notes["epoch"] == run.best.number
    _, held_back = lines().split(0.9, 0)
    assert ft.training.evaluate(saved, held_back).accuracy == run.best.scores["accuracy"]


def test_it_stops_early_when_nothing_gets_better():
    # nothing to learn: labels by lot
    examples = lines()
    noise = type(examples)(examples.x, np.random.default_rng(0).integers(0, 2, 60), examples.classes)
    run = train(classifier(), noise, config=Config(epochs=60, patience=3, learning_rate=0.02, threads=1))
    assert run.stopped == "early"
    assert len(run.history) == run.best.number + 3


def test_what_happened_is_logged_line_by_line(tmp_path):
    run = train(classifier(), lines(), config=QUICK, folder=tmp_path, data="lines")
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "epoch", "end"]
    assert Config.from_json(events[0]["config"]) == QUICK
    assert [event["loss"] for event in events[1:4]] == [epoch.loss for epoch in run.history]
    assert events[-1]["stopped"] == "done"


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    import faltung.training.loop as loop

    whole = train(classifier(), lines(), config=QUICK)
    written = []
    genuine = loop.write_state

    def full(folder, state):
        written.append(state.epoch)
        if len(written) == 2:
            with monkeypatch.context() as patch:
                patch.setattr("os.fsync", _disk_full)
                genuine(folder, state)
        genuine(folder, state)

    monkeypatch.setattr(loop, "write_state", full)
    with pytest.raises(FileError, match=r"No space left.*the one before.*make room, then resume"):
        train(classifier(), lines(), config=QUICK, folder=tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.part"))
    rest = resume(tmp_path, lines(), model=classifier(9))
    assert curve(rest) == curve(whole)


def _disk_full(_):
    raise OSError(28, "No space left on device")


def test_a_folder_that_holds_a_training_is_not_overwritten(tmp_path):
    train(classifier(), lines(), config=QUICK, folder=tmp_path)
    with pytest.raises(FileError, match="holds a training already"):
        train(classifier(), lines(), config=QUICK, folder=tmp_path)


def test_resume_refuses_other_data_networks_and_tasks(tmp_path):
    train(classifier(), lines(), config=QUICK, folder=tmp_path)
    with pytest.raises(ParameterError, match="values of x differ; give those of then"):
        resume(tmp_path, lines(seed=1), model=classifier())
    with pytest.raises(ParameterError, match="give a module of the same make"):
        resume(tmp_path, lines())
    with pytest.raises(ShapeError, match="weights of another network"):
        resume(tmp_path, lines(), model=segmenter())
    with pytest.raises(ParameterError, match="was trained for 'classification'"):
        resume(tmp_path, spots(), model=classifier())
    with pytest.raises(FileError, match="no training is kept there"):
        resume(tmp_path / "elsewhere", lines(), model=classifier())


def test_a_rate_that_is_too_high_is_named_as_the_cause():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 2))
    config = Config(epochs=50, learning_rate=1e30, optimiser="sgd", schedule="constant", warm_up=0, threads=1)
    with pytest.raises(AccuracyError, match=r"at step \d+: .*learning rate is probably too high"):
        train(net, lines(), config=config)


def test_a_loss_that_takes_the_log_of_zero_is_named_as_the_cause():
    class Logarithm(ft.training.Classification):
        def loss(self, output, y):
            return -(output.relu().sum(1) * 0).log().mean()

    with pytest.raises(AccuracyError, match=r"infinite at step 0, .*log\(0\)"):
        train(classifier(), lines(), config=QUICK, task=Logarithm(("column", "row")))


def test_nan_in_the_data_is_found_before_the_first_step_and_named():
    examples = spots()
    examples.x[11, 0, 3, 3] = np.nan
    with pytest.raises(MissingData, match="example 11 holds NaN"):
        train(segmenter(), examples, config=QUICK)


def test_nan_that_comes_from_files_is_named_too():
    class Files:
        """Read when indexed: nobody looks before."""

        def __init__(self, values):
            self.values, self.shape, self.dtype = values, values.shape, values.dtype

        def __len__(self):
            return len(self.values)

        def __getitem__(self, indices):
            return self.values[indices]

    examples = spots()
    clean = type(examples)(Files(examples.x), examples.y, examples.classes)
    config = Config(epochs=2, batch_size=4, validation=0.0, normalise=False, threads=1)
    lazily = train(segmenter(), clean, config=config)
    assert curve(lazily) == curve(train(segmenter(), spots(), config=config))
    examples.x[11, 0, 3, 3] = np.nan
    with pytest.raises(AccuracyError, match="example 11 holds NaN"):
        train(segmenter(), clean, config=config)


def test_a_class_with_one_example_is_refused_by_name():
    examples = lines(21)
    few = examples.subset([0, *range(1, 21, 2)])
    with pytest.raises(ParameterError, match="column"):
        train(classifier(), few, config=QUICK)


def test_data_that_do_not_fit_the_network_are_refused_in_words():
    x = np.zeros((8, 8, 8), np.float32)
    with pytest.raises(ShapeError, match=r"become x\[:, None\]"):
        train(classifier(), type(lines())(x, np.arange(8) % 2, ("a", "b")), config=QUICK)
    with pytest.raises(ShapeError, match="output has shape"):
        train(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), lines(), config=QUICK)


def test_dropout_with_a_schedule_moves_on_with_every_step():
    net = nn.Sequential(nn.Flatten(), ft.nn.Dropout(0.4, schedule=ft.nn.Ramp(12)), nn.Linear(64, 2))
    train(net, lines(), config=Config(epochs=3, batch_size=14, validation=0.0, threads=1))
    # 60 examples are 5 batches
    assert int(net[1].step) == 15


def test_crops_and_repeats_make_many_examples_of_few():
    config = Config(epochs=15, batch_size=8, crop=(8, 8), repeats=10, validation=0.0, learning_rate=0.02, threads=1)
    run = train(segmenter(), spots(4, size=24), config=config)
    assert ft.training.evaluate(run, spots(4, size=24, seed=3)).f1[1] > 0.9


def test_the_last_example_is_never_alone():
    # 33 = 2 x 16 + 1: batch norm refuses a batch of one in training
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    assert train(net, lines(33), config=Config(epochs=1, batch_size=16, validation=0.0, threads=1)).history
