"""U-Nets trained: from a part of one picture, with weights at borders, kept in files and read again."""

import dataclasses

import numpy as np
import pytest
import torch

import faltung as ft
from faltung.data import Examples, part_instances
from faltung.networks import UNet, load_model, save_model
from faltung.training import BorderWeights, Config, Segmentation, border_weights, predict, train

QUICK = Config(
    epochs=1, repeats=96, batch_size=4, crop=(32, 32), learning_rate=0.02, validation=0.0, device="cpu", threads=1
)


def disks(seed=0):
    """A picture of bright disks, some of which touch, and its instances."""
    lot = np.random.default_rng(seed)
    rows, columns = np.mgrid[:96, :96]
    instances = np.zeros((96, 96), np.int64)
    for number, (row, column) in enumerate(lot.uniform(6, 90, (18, 2)), 1):
        instances[(rows - row) ** 2 + (columns - column) ** 2 < 49] = number
    picture = 90 * (instances > 0) + 60 + 15 * lot.normal(size=instances.shape)
    y = (instances > 0).astype(np.int64)[None]
    x = picture.clip(0, 255).astype(np.uint8)[None, None]
    return Examples(x, y, ("background", "disk"), instances=instances[None])


def dice(answer, y):
    return 2 * np.sum((answer == 1) & (y == 1)) / (np.sum(answer == 1) + np.sum(y == 1))


@pytest.mark.parametrize("padding", ["reflect", "valid"])
def test_one_picture_is_enough_and_crops_without_padding_too(padding):
    torch.manual_seed(0)
    net = UNet(width=4, depth=1, padding=padding)
    config = dataclasses.replace(QUICK, crop=(36, 36))
    run = train(net, disks(), config=config)
    other = disks(1)
    answer = predict(run, other.x).argmax(1)
    cut = slice(net.margin, 96 - net.margin) if padding == "valid" else slice(None)
    assert dice(answer, other.y[:, cut, cut]) > 0.9


def test_a_trained_net_is_read_from_its_file_alone(tmp_path):
    run = train(UNet(width=2, depth=1), disks(), config=dataclasses.replace(QUICK, repeats=8))
    save_model(tmp_path / "net.safetensors", run.model, run.facts)
    again = load_model(tmp_path / "net.safetensors")
    assert isinstance(again.model, UNet)
    assert again.model.options == run.model.options
    x = disks(1).x[:, :, :50, :41]
    assert np.array_equal(predict(again, x), predict(run, x))


def test_border_weights_make_a_net_heed_the_gaps():
    learned, tested = part_instances(disks()), part_instances(disks(1))
    gaps = (border_weights(tested.instances[0], class_weights=(1, 1)) > 6) & (tested.y[0] == 0)
    assert gaps.sum() > 50
    found = []
    for place_weights in (None, BorderWeights()):
        torch.manual_seed(0)
        task = Segmentation(learned.classes, dice=0, place_weights=place_weights)
        run = train(UNet(width=4, depth=1), learned, config=QUICK, task=task)
        found.append(predict(run, tested.x)[0, 0][gaps].mean())
    assert found[1] > found[0] + 0.05


def test_sizes_that_valid_nets_do_not_take_are_refused_by_name():
    with pytest.raises(ft.ShapeError, match="34 and 36 are nearest"):
        train(UNet(width=2, depth=1, padding="valid"), disks(), config=dataclasses.replace(QUICK, crop=(35, 35)))
