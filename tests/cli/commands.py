"""Commands called as users call them, and small data of one's own for those that train."""

import json

import numpy as np

from faltung.cli import main
from faltung.data import write
from training.small import lines


def told(capsys, *words, code=0):
    """What a command says as JSON."""
    capsys.readouterr()
    found = main([*map(str, words), "--json"])
    printed = capsys.readouterr()
    assert found == code, printed.err
    return json.loads(printed.out)


def refused(capsys, *words):
    """Exit code, and the line that a command says when it refuses; it says nothing else but remarks before."""
    capsys.readouterr()
    code = main([*map(str, words)])
    printed = capsys.readouterr()
    assert code != 0
    assert printed.out == ""
    last = printed.err.splitlines()[-1]
    assert last.startswith("faltung: ")
    return code, last.removeprefix("faltung: ")


def train_words(data, target, *more):
    """`faltung train` on one thread, with nothing changed by lot; later options win."""
    return ("train", data, "-o", target, "--threads", 1, "--augment", "none", "--batch", 16, *more)


def write_pictures(folder, count=60):
    """Bright rows and columns in dark pictures, a folder for each class."""
    examples = lines(count)
    for number, (picture, label) in enumerate(zip(examples.x, examples.y, strict=True)):
        place = folder / examples.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        write(place / f"{number:03}.png", picture[0], tones="keep")
    return folder


def blobs(lot, rows, columns):
    """A picture of bytes with bright discs, and where they are."""
    grid = np.mgrid[:rows, :columns]
    mask = np.zeros((rows, columns), bool)
    for centre in lot.uniform(0, (rows, columns), (rows * columns // 300, 2)):
        mask |= ((grid - centre[:, None, None]) ** 2).sum(0) < 25
    return np.clip(lot.normal(60, 12, mask.shape) + 90 * mask, 0, 255).astype(np.uint8), mask


def write_cells(folder, count=6):
    """Pictures of 32 x 32 with masks of 0 and 255."""
    lot = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        picture, mask = blobs(lot, 32, 32)
        write(folder / "images" / f"{number}.png", picture, tones="keep")
        write(folder / "masks" / f"{number}.png", (mask * 255).astype(np.uint8), tones="keep")
    return folder
