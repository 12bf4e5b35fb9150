"""Losses and scores."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from faltung.errors import DtypeError, ParameterError, ShapeError
from faltung.training import Classification, Segmentation
from faltung.training.tasks import infer_task
from training.small import lines, spots

seeds = st.integers(0, 10_000)


def made(seed, shape=(2, 3, 4, 5), unknown=0.3):
    lot = torch.Generator().manual_seed(seed)
    output = torch.randn(shape, generator=lot, dtype=torch.float64).float()
    y = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=lot)
    return output, torch.where(torch.rand(y.shape, generator=lot) < unknown, -1, y)


def test_the_task_is_seen_in_the_labels():
    assert infer_task(lines()).name == "classification"
    assert infer_task(spots()).name == "segmentation"
    with pytest.raises(ShapeError, match=r"x\[:, None\]"):
        infer_task(type("E", (), {"x": np.zeros((3, 4, 4)), "y": np.zeros((3, 4, 4)), "classes": ("a", "b")}))


@given(seeds)
def test_without_dice_the_loss_is_torchs_cross_entropy(seed):
    output, y = made(seed)
    weights = (1.0, 2.0, 0.5)
    ours = Segmentation(("a", "b", "c"), dice=0.0, weights=weights, label_smoothing=0.0).loss(output, y)
    torch.testing.assert_close(ours, functional.cross_entropy(output, y, weight=torch.tensor(weights), ignore_index=-1))


@given(seeds)
def test_what_is_unknown_changes_neither_loss_nor_gradient_nor_score(seed):
    output, y = made(seed)
    task = Segmentation(("a", "b", "c"), place_weights=lambda y: 1.0 + (y == 1))
    other = torch.where((y == -1)[:, None], torch.randn_like(output) * 5, output)
    grads = []
    for some in (output, other):
        some = some.clone().requires_grad_()
        loss = task.loss(some, y)
        loss.backward()
        assert not some.grad.movedim(1, -1)[y == -1].any()
        grads.append((loss.detach(), some.grad))
    torch.testing.assert_close(grads[0], grads[1])
    measures = []
    for some in (output, other):
        measure = task.metrics()
        measure.update(some, y)
        measures.append(task.summary(measure.compute()))
    assert measures[0] == measures[1]


@given(seeds)
def test_places_of_weight_0_count_as_little_as_unknown_ones_in_the_cross_entropy(seed):
    output, y = made(seed, unknown=0.0)
    inside = torch.arange(5).expand(y.shape) < 3
    some = Segmentation(("a", "b", "c"), dice=0.0, place_weights=lambda y: inside.float()).loss(output, y)
    cut = Segmentation(("a", "b", "c"), dice=0.0).loss(output, torch.where(inside, y, -1))
    torch.testing.assert_close(some, cut)


@given(seeds)
def test_dice_and_iou_are_those_of_sets(seed):
    output, y = made(seed)
    task = Segmentation(("a", "b", "c"))
    measure = task.metrics()
    # in two batches
    measure.update(output[:1], y[:1])
    measure.update(output[1:], y[1:])
    found = task.summary(measure.compute())
    said = output.argmax(1)
    dice, iou = [], []
    for label in range(3):
        a, b = (said == label) & (y >= 0), y == label
        if (a | b).any():
            dice.append(2 * float((a & b).sum()) / float(a.sum() + b.sum()))
            iou.append(float((a & b).sum()) / float((a | b).sum()))
    assert found["dice"] == pytest.approx(np.mean(dice))
    assert found["iou"] == pytest.approx(np.mean(iou))


def test_a_batch_without_labels_is_no_nan():
    output, y = made(0)
    output.requires_grad_()
    loss = Segmentation(("a", "b", "c")).loss(output, torch.full_like(y, -1))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not output.grad.any()


def test_a_smaller_output_speaks_of_the_centre():
    output, y = made(1, (2, 3, 4, 5))
    wide = functional.pad(y, (2, 2, 1, 1), value=0)
    task = Segmentation(("a", "b", "c"))
    torch.testing.assert_close(task.loss(output, wide), task.loss(output, y))
    measures = [task.metrics() for _ in range(2)]
    measures[0].update(output, wide)
    measures[1].update(output, y)
    assert torch.equal(measures[0].compute(), measures[1].compute())
    with pytest.raises(ShapeError, match="even number"):
        task.loss(output, functional.pad(y, (1, 0), value=0))


def test_accuracy_is_the_share_that_is_right():
    task = Classification(("a", "b", "c"))
    measure = task.metrics()
    measure.update(torch.eye(3)[[0, 1, 2, 2]], torch.tensor([0, 1, 1, 2]))
    assert task.summary(measure.compute()) == {"accuracy": 0.75}


@pytest.mark.parametrize(
    ("x", "y", "error", "words"),
    [
        (np.zeros((3, 1, 4)), np.array([0, 1, 2]), ParameterError, "example 2 has label 2: there are 2 classes"),
        (np.zeros((3, 1, 4)), np.array([0, -1, 1]), ParameterError, "example 1 has label -1"),
        (np.zeros((3, 1, 4)), np.array([0.0, 1.0, 1.0]), DtypeError, "whole numbers"),
        (np.zeros((3, 1, 4)), np.array([0, 1]), ShapeError, "one class for each example"),
    ],
)
def test_wrong_labels_of_examples_are_named(x, y, error, words):
    with pytest.raises(error, match=words):
        Classification(("a", "b")).check(x, y)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (np.full((3, 4, 4), 2), ParameterError, "example 0 has label 2.*and -1 for unknown"),
        (np.full((3, 4, 4), -1), ParameterError, "no place has a label"),
        (np.zeros((3, 4, 5), int), ShapeError, r"\(3, 4, 4\)"),
    ],
)
def test_wrong_labels_of_places_are_named(y, error, words):
    with pytest.raises(error, match=words):
        Segmentation(("a", "b")).check(np.zeros((3, 1, 4, 4)), y)


def test_one_class_tells_nothing_apart():
    with pytest.raises(ParameterError, match="two or more"):
        Classification(("a",))
