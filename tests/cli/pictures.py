"""Pictures of every dtype and kind of file, and networks with random weights for them."""

import numpy as np
import tifffile
import torch
import zarr

import faltung as ft
from faltung.cli import main


def picture_of(rows, columns, dtype=np.uint8):
    """Discs brighter than their surroundings, on the whole range of the dtype."""
    lot = np.random.default_rng(3)
    grid = np.mgrid[:rows, :columns]
    bright = np.zeros((rows, columns))
    for centre in lot.uniform(0, (rows, columns), (rows * columns // 300, 2)):
        bright += 90 * (((grid - centre[:, None, None]) ** 2).sum(0) < 25)
    levels = np.clip(lot.normal(60, 12, bright.shape) + bright, 0, 255) / 255
    if np.dtype(dtype).kind == "f":
        return levels.astype(dtype)
    return np.rint(levels * np.iinfo(dtype).max).astype(dtype)


def model_of(path, dtype=np.uint8, *, net=None, **facts):
    """A U-Net with random weights, scaled as one trained with such pictures, so that both classes occur."""
    values = picture_of(64, 64, dtype) / (255.0 if dtype == np.uint8 else 1.0)
    facts = {
        "task": "segmentation",
        "classes": ("paper", "ink"),
        "input_shape": (1, 32, 32),
        "scale": 255.0 if dtype == np.uint8 else 1.0,
        "mean": (float(values.mean()),),
        "std": (float(values.std()),),
        **facts,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = ft.networks.UNet(width=4, depth=2, dropout=0.4) if net is None else net
        net.eval()
        with torch.no_grad():
            # scores of both classes are equal at the median, so that masks have both
            scores = net(ft.networks.Facts(**facts).prepare(picture_of(64, 64, dtype)[None, None]))
            if facts["task"] == "segmentation" and len(facts["classes"]) == 2:
                net.core.head.bias[0] += (scores[0, 1] - scores[0, 0]).median()
    ft.networks.save_model(path, net, ft.networks.Facts(**facts))
    return path


def refused_in_one_line(capsys, code, *words):
    """The one line on stderr of a command that fails with this code."""
    capsys.readouterr()
    assert main([*map(str, words)]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    return printed.err


def save(path, pixels):
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".zarr":
        zarr.create_array(str(path), shape=pixels.shape, chunks=(64, 64), dtype=pixels.dtype)[:] = pixels
    else:
        tifffile.imwrite(path, pixels, tile=(64, 64), compression="zlib")


READ = {".tif": tifffile.imread, ".npy": np.load, ".zarr": lambda path: zarr.open(str(path), mode="r")[:]}
