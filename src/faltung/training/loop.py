"""`train` and `resume`: the loop, on Lightning Fabric.

All that is drawn by lot is a function of the seed and the step (`schedules.seed_of`), never of what was drawn before.
So there is no state of generators to keep: a training that is cut off after any batch goes on with the same bits, and
the caller's own random numbers are left alone.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from ..data.damage import opening
from ..errors import AccuracyError, FileError, ParameterError
from ..networks.saved import Facts, Saved, describe, make_network, save_model, set_weights
from .config import Config
from .equipment import copy_weights, has_schedule, make_fabric, make_optimiser, shape_errors, surroundings
from .failure import explain_failure
from .feeding import Batch, Feed, check_inputs, measure_facts
from .fingerprint import fingerprint, newer_files, what_differs
from .processes import whole_batch
from .schedules import rate_at, seed_of
from .scoring import score
from .state import MODEL, STATE, Epoch, Events, State, optimiser_state, read_state, restore_optimiser, write_state
from .tasks import Task, infer_task

if TYPE_CHECKING:
    from ..data.examples import Examples

LOOKED_AT = 32
"""Steps after which losses on a GPU are looked at: to look at each would make it wait."""

Stopped = Literal["done", "early", "cancelled"]


@dataclass(frozen=True)
class Run:
    """What a training came to.

    Attributes:
        model: the one that was given, with the weights of the best epoch, in evaluation mode.
        facts: task, classes, and how inputs are scaled.
        history: the epochs.
        stopped: "done", "early" (no better score for `patience` epochs), or "cancelled" by `stop`.
        rate: the largest learning rate.
        folder: where its files are; None if nothing was kept.
    """

    model: nn.Module
    facts: Facts
    history: tuple[Epoch, ...]
    stopped: Stopped
    rate: float
    folder: Path | None

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights the model has; None if none was complete."""
        return next((epoch for epoch in reversed(self.history) if epoch.best), None)

    @property
    def saved(self) -> Saved:
        """Model and facts together, as `evaluate`, `predict` and `save_model` take them."""
        return Saved(self.model, self.facts)


Watch = Callable[[Epoch | str], None]
"""Is told each epoch when it is complete, and now and then in words where in an epoch the training stands."""


def train(
    model: nn.Module,
    examples: "Examples",
    *,
    config: Config = Config(),  # noqa: B008  # frozen
    validation: "Examples | None" = None,
    task: Task | None = None,
    folder: str | Path | None = None,
    data: str = "",
    stop: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Train a network.

    The same config, seed, weights and data give the same result, bit for bit on one processor. Torch's global random
    numbers are afterwards as they were.

    Args:
        model: any module from (N, channels, *spatial) to what the task expects; it is trained in place.
        examples: x, uint8 from 0 to 255 or float, and y.
        config: how.
        validation: examples that say which epoch is best; default: a share of the examples is held back.
        task: loss and scores; default: `Classification` or `Segmentation`, whichever y is for.
        folder: gets the best model so far, the state to resume from, and `events.jsonl`; must not hold a training.
        data: words that name the data, kept for whoever resumes.
        stop: asked before every step; training ends when it says True, with the best weights so far.
        watch: is told each epoch, and where it stands.

    Returns:
        The model with its best weights, and how it went.

    Raises:
        AccuracyError: the loss is NaN or infinite; the message says at which step and why that is likely so.
        ShapeError, DtypeError, ParameterError, MissingData: data, network and task do not fit each other.
        FileError: the folder cannot be written to; a state that was there before is still whole.

    Source: Fabric of Lightning carries device, precision and several processes (start those with torchrun).

    Example:
        >>> import numpy as np
        >>> from faltung.data.examples import Examples
        >>> x = np.random.default_rng(0).normal(size=(64, 1, 8)).astype(np.float32)
        >>> examples = Examples(x, (x.mean((1, 2)) > 0).astype(np.int64), ("below", "above"))
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))
        >>> run = train(net, examples, config=Config(epochs=4, learning_rate=0.1, batch_size=16))
        >>> run.history[-1].loss < run.history[0].loss
        True
    """
    task = task or infer_task(examples, label_smoothing=config.label_smoothing)
    _check(examples, validation, config, task)
    facts = measure_facts(examples, config, task=task.name, tokens=not task.normalise)
    parts = _parts(examples, validation, config)
    place = None if folder is None else _fresh_folder(Path(folder))
    state = State(
        config=config.to_json(),
        about=describe(model),
        task=task.name,
        data=data,
        facts=asdict(facts),
        # only a training that is kept can be resumed
        fingerprint={} if place is None else fingerprint(examples, validation),
        rate=math.nan if config.learning_rate == "find" else config.learning_rate,
    )
    return _Training(model, *parts, config, task, facts, state, place, stop, watch).run()


def resume(
    folder: str | Path,
    examples: "Examples",
    *,
    validation: "Examples | None" = None,
    model: nn.Module | None = None,
    task: Task | None = None,
    stop: Callable[[], bool] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Go on with a training where its folder says it stands, with the same bits as if it had never stopped.

    Args:
        folder: of `train`.
        examples, validation: the same as then; that is checked, of files by their names and every byte.
        model: a module of the same make; needed where the network is none of Faltung's own.
        task: needed where one of one's own was given then.
        stop, watch: as in `train`.

    Returns:
        As from `train`; a training that was complete is not trained again.

    Raises:
        FileError: no training is kept there, or its files are damaged.
        ParameterError: the data are not those of then, or the network or task is needed.
        ShapeError: the model is of another make.
    """
    folder = Path(folder)
    state = read_state(folder)
    config = Config.from_json(state.config)
    task = task or infer_task(examples, label_smoothing=config.label_smoothing)
    if task.name != state.task:
        raise ParameterError(
            f"{folder}: was trained for {state.task!r}, not {task.name!r}: give the task of then, task="
        )
    _check(examples, validation, config, task)
    if differ := what_differs(fingerprint(examples, validation), state.fingerprint):
        kept = (folder / STATE).stat().st_mtime
        newer = [str(path) for data in (examples, validation) for path in newer_files(data, kept)]
        since = f" (changed since it was kept: {', '.join(newer)})" if newer else ""
        raise ParameterError(
            f"{folder}: the data are not those it began with: {differ} differ{since}; give those of then, or train "
            "anew in another folder"
        )
    if model is None:
        model = make_network(state.about["network"], state.about["options"], str(folder))
    facts = Facts.from_json(state.facts)
    parts = _parts(examples, validation, config)
    return _Training(model, *parts, config, task, facts, state, folder, stop, watch).run()


class _Training:
    """One training, from a state to its end."""

    def __init__(
        self,
        model: nn.Module,
        examples: "Examples",
        validation: "Examples | None",
        config: Config,
        task: Task,
        facts: Facts,
        state: State,
        folder: Path | None,
        stop: Callable[[], bool] | None,
        watch: Watch | None,
    ) -> None:
        self.model, self.config, self.task, self.facts, self.state = model, config, task, facts, state
        self.folder = folder
        self.scheduled = has_schedule(model)
        self.home = next((tensor.device for tensor in model.state_dict().values()), torch.device("cpu"))
        self.stop = stop or (lambda: False)
        self.watch = watch or (lambda _: None)
        self.examples, self.validation = examples, validation
        self.fabric = make_fabric(config)
        self.losses = torch.zeros(0)
        self.best: dict[str, Tensor] = {}
        self.ema: dict[str, Tensor] = {}

    def run(self) -> Run:
        """Train until it is done, no longer gets better, or is stopped."""
        with surroundings(self.config, self.fabric.device):
            self._prepare()
            stopped = self._epochs()
            self._finish(stopped)
        return Run(self.model, self.facts, tuple(self.state.history), stopped, self.state.rate, self.folder)

    def _prepare(self) -> None:
        config, fabric, state = self.config, self.fabric, self.state
        rank, world = fabric.global_rank, fabric.world_size
        resumed = bool(state.tensors)
        if resumed:
            set_weights(self.model, state.under("model"), str(self.folder))
        if math.isnan(state.rate):
            from .rates import find_rate

            found = find_rate(self.model, self.examples, config=config, task=self.task).rate
            state.rate = float(fabric.broadcast(found))
        if config.channels_last:
            self.model.to(memory_format=torch.channels_last)
        optimiser = make_optimiser(self.model, config, state.rate)
        self.net, self.optimiser = fabric.setup(self.model, optimiser)
        self.feed = Feed(self.examples, config, self.facts, fabric.device, rank=rank, world=world)
        self.scored = (
            None
            if self.validation is None
            else Feed(self.validation, config, self.facts, fabric.device, rank=rank, world=world)
        )
        self.losses = torch.zeros(self.feed.num_batches, device=fabric.device)
        self.num_steps = config.epochs * self.feed.num_batches
        if config.ema:
            self.ema = copy_weights(self.model)
        if resumed:
            self._restore()
        self.events = Events(self.folder if rank == 0 else None)
        self.events.add(
            "resume" if resumed else "start",
            epoch=state.epoch,
            batch=state.batch,
            config=state.config,
            network=state.about,
            task=state.task,
            data=state.data,
            examples=self.feed.num_examples,
            validation=0 if self.scored is None else self.scored.num_examples,
            rate=state.rate,
            torch=torch.__version__,
        )

    def _restore(self) -> None:
        state = self.state
        device = self.fabric.device
        restore_optimiser(self.optimiser.optimizer, state.under("optimiser"), state.more["optimiser"])
        self.best = {name: tensor.to(device) for name, tensor in state.under("best").items()}
        for name, tensor in state.under("ema").items():
            self.ema[name].copy_(tensor)
        self.losses.copy_(state.tensors["losses"])
        if state.more["precision"]:
            self.fabric.strategy.precision.load_state_dict(state.more["precision"])

    def _epochs(self) -> Stopped:
        state, config = self.state, self.config
        while state.epoch < config.epochs:
            if self._patience_is_over():
                return "early"
            begun = time.perf_counter()
            if not self._steps():
                return "cancelled"
            self._end_epoch(time.perf_counter() - begun)
        return "done"

    def _patience_is_over(self) -> bool:
        if not self.config.patience or self.scored is None:
            return False
        best = max((epoch.number for epoch in self.state.history if epoch.best), default=self.state.epoch)
        return self.state.epoch - best >= self.config.patience

    def _steps(self) -> bool:
        """The rest of an epoch; False if it was stopped."""
        state = self.state
        self.net.train()
        batches = self.feed.training(state.epoch, state.batch)
        seen = state.batch
        told = time.perf_counter()
        for batch in batches:
            if self._stops():
                self._look_at(seen)
                return False
            self._step(batch)
            state.batch += 1
            # a GPU runs ahead of this line: it is asked rarely
            if self.fabric.device.type == "cpu" or state.batch - seen >= LOOKED_AT:
                self._look_at(seen)
                seen = state.batch
            if self.config.checkpoint_steps and state.batch % self.config.checkpoint_steps == 0:
                self._look_at(seen)
                seen = state.batch
                self._write_state()
            if time.perf_counter() - told > 1:
                told = time.perf_counter()
                self.watch(f"epoch {state.epoch + 1}: {state.batch} of {self.feed.num_batches} steps")
        self._look_at(seen)
        return True

    def _step(self, batch: Batch) -> None:
        config, state = self.config, self.state
        step = state.epoch * self.feed.num_batches + state.batch
        rate = rate_at(config, state.rate, step, self.num_steps)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        # dropout and the like draw from torch's own generator: each step, and each process, from a seed of its own
        torch.manual_seed(seed_of(config.seed, "noise", step, self.fabric.global_rank))
        # as many in each process, because all wait for each other
        parts = min(config.accumulate, max(min(batch.sizes), 1))
        total = torch.zeros((), device=self.fabric.device)
        for number, (x, y) in enumerate(zip(batch.x.tensor_split(parts), batch.y.tensor_split(parts), strict=True)):
            with self.fabric.no_backward_sync(self.net, enabled=number < parts - 1):
                loss = self._loss(batch, x, y, number, parts)
                self.fabric.backward(loss)
            total += loss.detach()
        self.losses[state.batch] = total
        self.batch = batch
        # before the weights take a step that cannot be taken back
        if self.fabric.device.type == "cpu":
            self._look_at(state.batch, state.batch + 1)
        if config.clip:
            self.fabric.clip_gradients(self.net, self.optimiser, max_norm=config.clip, error_if_nonfinite=False)
        self.optimiser.step()
        self.optimiser.zero_grad()
        if self.scheduled:
            from ..nn import advance

            advance(self.model)
        if config.ema:
            self._follow(step)

    def _loss(self, batch: Batch, x: Tensor, y: Tensor, number: int, parts: int) -> Tensor:
        """The loss of one of the parts of a step, with its share."""
        with shape_errors(x), whole_batch(counts=batch.counts, world=len(batch.sizes)) as joint:
            loss = self.task.loss(self.net(x), y)
        if joint.weight is None:
            return loss * (batch.share * len(x) / len(batch.x))
        # that of the same part in all processes together, as tensor_split cuts
        together = sum(size // parts + (number < size % parts) for size in batch.sizes)
        return loss * (together / sum(batch.sizes))

    def _stops(self) -> bool:
        wanted = self.stop()
        if self.fabric.world_size == 1:
            return wanted
        return bool(self.fabric.all_reduce(torch.tensor(float(wanted)), reduce_op="sum") > 0)

    def _look_at(self, first: int, last: int | None = None) -> None:
        """Refuse to go on from a loss that is no number."""
        looked = self.losses[first : self.state.batch if last is None else last]
        if looked.numel() and not bool(looked.isfinite().all()):
            place = first + int(looked.isfinite().logical_not().nonzero()[0])
            step = self.state.epoch * self.feed.num_batches + place
            self.events.add("failed", step=step, epoch=self.state.epoch, loss=str(float(self.losses[place])))
            before = [epoch.loss for epoch in self.state.history] + self.losses[:place].tolist()
            seen = self.batch if place == self.state.batch else None
            raise AccuracyError(explain_failure(step, float(self.losses[place]), before, seen, self.model, self.config))

    def _follow(self, step: int) -> None:
        """Move the running mean towards the weights; faster at first, so that it forgets where they began."""
        decay = min(self.config.ema, (1 + step) / (10 + step))
        now = self.model.state_dict()
        moving = [name for name, tensor in self.ema.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self.ema[name] for name in moving], [now[name] for name in moving], 1 - decay)
        for name in self.ema.keys() - set(moving):
            self.ema[name].copy_(now[name])

    def _end_epoch(self, seconds: float) -> None:
        state, fabric = self.state, self.fabric
        mean = self.losses.double().mean()
        loss = float(mean if fabric.world_size == 1 else fabric.all_reduce(mean, reduce_op="mean"))
        rate = float(self.optimiser.param_groups[0]["lr"])
        with self._kept_weights():
            begun = time.perf_counter()
            scores = {} if self.scored is None else score(self.net, self.task, self.scored, fabric)
            seconds += time.perf_counter() - begun
            best = self._is_best(scores)
            epoch = Epoch(
                number=state.epoch + 1, loss=loss, rate=rate, scores=scores, best=best, seconds=round(seconds, 3)
            )
            state.history.append(epoch)
            if best:
                self.best = copy_weights(self.model)
                if self.folder is not None and fabric.global_rank == 0:
                    save_model(self.folder / MODEL, self.model, self._facts_with(epoch))
        state.epoch, state.batch = state.epoch + 1, 0
        self.events.add("epoch", **asdict(epoch))
        self._write_state()
        self.watch(epoch)

    def _is_best(self, scores: dict[str, float]) -> bool:
        """Better than all before; of equals, the one with less loss. Without scores, the last is."""
        if not scores:
            return True

        def worth(of: dict[str, float]) -> tuple[float, float]:
            watched = of[self.task.watched] if self.task.higher else -of[self.task.watched]
            # what is no number is worse than any
            return (-math.inf if math.isnan(watched) else watched, -of["loss"])

        before = [worth(epoch.scores) for epoch in self.state.history if epoch.best]
        return not before or worth(scores) > before[-1]

    @contextlib.contextmanager
    def _kept_weights(self) -> Iterator[None]:
        """Inside, the model has the weights that would be kept: the running mean, if there is one."""
        if not self.ema:
            yield
            return
        now = copy_weights(self.model)
        self.model.load_state_dict(self.ema)
        yield
        self.model.load_state_dict(now)

    def _write_state(self) -> None:
        if self.folder is None or self.fabric.global_rank != 0:
            return
        tensors, numbers = optimiser_state(self.optimiser.optimizer)
        self.state.more = {"optimiser": numbers, "precision": self.fabric.strategy.precision.state_dict()}
        parts = {"model": self.model.state_dict(), "best": self.best, "optimiser": tensors, "ema": self.ema}
        named = {f"{part}/{name}": tensor for part, inner in parts.items() for name, tensor in inner.items()}
        self.state.tensors = {**named, "losses": self.losses}
        try:
            write_state(self.folder, self.state)
        finally:
            # the optimiser's own tensors: not a second time
            self.state.tensors = {}

    def _finish(self, stopped: Stopped) -> None:
        if stopped == "cancelled":
            self._write_state()
        self.events.add("end", stopped=stopped, epochs=self.state.epoch, batch=self.state.batch)
        if self.best:
            self.model.load_state_dict(self.best)
        elif self.ema:
            self.model.load_state_dict(self.ema)
        if stopped == "cancelled" and not self.best and self.folder is not None and self.fabric.global_rank == 0:
            save_model(self.folder / MODEL, self.model, self.facts)
        self.model.to(self.home).eval()
        best = next((epoch for epoch in reversed(self.state.history) if epoch.best), None)
        self.facts = self.facts if best is None else self._facts_with(best)

    def _facts_with(self, epoch: Epoch) -> Facts:
        notes = {"epoch": epoch.number, "scores": epoch.scores, "config": self.state.config, "data": self.state.data}
        return replace(self.facts, notes=notes)


def _check(examples: "Examples", validation: "Examples | None", config: Config, task: Task) -> None:
    for part in (examples, *([] if validation is None else [validation])):
        check_inputs(part, config, tokens=not task.normalise)
        task.check(part.x, part.y)
    if validation is not None and tuple(validation.classes) != tuple(examples.classes):
        raise ParameterError(
            f"validation has classes {tuple(validation.classes)}, the examples {tuple(examples.classes)}: the same, in"
            " the same order, are needed"
        )


def _parts(examples: "Examples", validation: "Examples | None", config: Config) -> "tuple[Examples, Examples | None]":
    """What is learnt from, and what says which epoch is best."""
    if validation is not None or not config.validation:
        return examples, validation
    try:
        return examples.split(1 - config.validation, config.seed)
    except ParameterError as error:
        raise ParameterError(f"{error}, or hold nothing back (validation=0.0, --validation 0)") from error


def _fresh_folder(folder: Path) -> Path:
    """The folder, made if need be.

    Raises:
        FileError: it holds a training, or cannot be made.
    """
    if (folder / STATE).exists():
        raise FileError(f"{folder}: holds a training already: resume it, or give another folder")
    with opening(folder, "written"):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
