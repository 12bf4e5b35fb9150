"""Several processes, as torchrun starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

import faltung as ft
from training.small import lines, plain, split_config

SCRIPT = Path(__file__).with_name("two_processes.py")


def test_two_processes_with_half_batches_learn_what_one_does(tmp_path):
    alone = ft.training.train(plain(), lines(61), config=split_config())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launcher, str(SCRIPT), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "2"]
    together = ft.networks.load_model(tmp_path / "model.safetensors", plain(9)).model
    # sums in another order: equal up to rounding, over ten steps
    for name, w in alone.model.state_dict().items():
        torch.testing.assert_close(together.state_dict()[name], w, rtol=1e-4, atol=1e-6)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "epoch"]
    torch.testing.assert_close(losses, [epoch.loss for epoch in alone.history], rtol=1e-4, atol=1e-6)
    scores = [event["scores"] for event in events if event["event"] == "epoch"]
    for one, other in zip(scores, [epoch.scores for epoch in alone.history], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
