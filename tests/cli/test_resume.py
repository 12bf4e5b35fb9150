"""`faltung resume`: a training that was cut off goes on as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

import faltung as ft
from cli.commands import told, train_words
from faltung.cli import main

pytestmark = [
    pytest.mark.usefixtures("one_thread_and_wide_lines"),
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise there"),
]


def test_ctrl_c_in_the_middle_of_an_epoch_keeps_the_best_and_resume_goes_on_exactly(
    pictures, tmp_path, capsys, monkeypatch
):
    from faltung.training import loop

    run, whole = tmp_path / "run", tmp_path / "whole"
    more = ("--augment", "shift", "--epochs", 5)
    expected = told(capsys, *train_words(pictures, whole, *more))
    steps = []
    genuine = loop._Training._step

    def interrupted(self, batch):
        steps.append(1)
        if len(steps) == 11:
            os.kill(os.getpid(), signal.SIGINT)
        genuine(self, batch)

    monkeypatch.setattr(loop._Training, "_step", interrupted)
    assert main([*map(str, train_words(pictures, run, *more))]) == 130
    printed = capsys.readouterr()
    monkeypatch.undo()
    assert f"faltung resume {run}" in printed.out
    assert printed.err.strip().endswith("faltung: cancelled")
    assert told(capsys, "evaluate", run, pictures)["examples"] == 60
    rest = told(capsys, "resume", run)
    for epoch in (*rest["epochs"], *expected["epochs"]):
        del epoch["seconds"]
    assert rest["epochs"] == expected["epochs"]
    assert same_weights(run, whole)


def test_ctrl_c_in_a_process_of_its_own_ends_with_130_and_resume_reaches_the_same_weights(pictures, tmp_path, capsys):
    run, whole = tmp_path / "run", tmp_path / "whole"
    told(capsys, *train_words(pictures, whole, "--epochs", 12))
    program = "import sys; from faltung.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", program, *map(str, train_words(pictures, run, "--epochs", 12))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        # not before the training has begun, where Ctrl+C ends the program at once
        until = time.monotonic() + 60
        line = ""
        while not line.startswith("epoch 2:") and time.monotonic() < until:
            line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"faltung resume {run}" in out
    assert told(capsys, "resume", run)["stopped"] == "done"
    assert same_weights(run, whole)


def same_weights(one, other):
    """Whether two trainings' folders have models with the same bits."""
    first, second = (ft.networks.load_model(run / "model.safetensors").model.state_dict() for run in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
