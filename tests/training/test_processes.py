"""Several processes, as torchrun starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import faltung as ft
from training.small import split_cases

SCRIPT = Path(__file__).with_name("two_processes.py")
LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The folder of the trainings of two processes."""
    target = tmp_path_factory.mktemp("together")
    done = subprocess.run(
        [*LAUNCHER, str(SCRIPT), str(target)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "2"]
    return target


@pytest.mark.parametrize("name", split_cases())
def test_two_processes_with_half_batches_learn_what_one_does(name, together):
    net, examples, config, task = split_cases()[name]
    alone = ft.training.train(net, examples, config=config, task=task)
    again = split_cases()[name][0]
    learnt = ft.networks.load_model(together / name / "model.safetensors", again).model.state_dict()
    # sums in another order: equal up to rounding, over some steps
    for part, w in alone.model.state_dict().items():
        torch.testing.assert_close(learnt[part], w, rtol=1e-4, atol=1e-6)
    events = [json.loads(line) for line in (together / name / "events.jsonl").read_text().splitlines()]
    epochs = [event for event in events if event["event"] == "epoch"]
    torch.testing.assert_close([e["loss"] for e in epochs], [e.loss for e in alone.history], rtol=1e-4, atol=1e-6)
    for one, other in zip(epochs, alone.history, strict=True):
        torch.testing.assert_close(one["scores"], other.scores, rtol=1e-4, atol=1e-6)
