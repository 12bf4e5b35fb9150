"""Data that have changed since a training began are told from those it began with."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from faltung.data import examples_of, write
from faltung.errors import FileError, ParameterError
from faltung.training import Config, resume, train
from faltung.training.fingerprint import SAMPLED, fingerprint, what_differs

from .small import classifier, lines, segmenter

QUICK = Config(epochs=1, batch_size=8, learning_rate=0.01, threads=1)


@pytest.fixture
def pictures(tmp_path):
    """A folder for each class, 20 pictures in each: more than are sampled."""
    data = lines(40)
    for i, (picture, label) in enumerate(zip(data.x, data.y, strict=True)):
        folder = tmp_path / "lines" / data.classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / f"{i:02}.png", picture[0], tones="keep")
    return tmp_path / "lines"


@pytest.fixture
def masked(tmp_path):
    """Pictures with masks, uncompressed: what is painted anew keeps the size of its file."""
    lot = np.random.default_rng(0)
    for kind, values in (("images", lot.integers(0, 256, (4, 12, 12))), ("masks", lot.integers(0, 2, (4, 12, 12)))):
        (tmp_path / "cells" / kind).mkdir(parents=True)
        for i, picture in enumerate(values.astype(np.uint8)):
            np.save(tmp_path / "cells" / kind / f"{i}.npy", picture)
    return tmp_path / "cells"


def differs(one, other):
    return what_differs(fingerprint(other), fingerprint(one))


def repaint(path):
    """Another value in the middle of a file of the same size, at the same time."""
    raw, times = bytearray(path.read_bytes()), path.stat()
    place = len(raw) - 70
    raw[place] = 1 - raw[place]
    path.write_bytes(raw)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_the_same_data_are_the_same_wherever_they_lie(pictures, tmp_path):
    shutil.copytree(pictures, tmp_path / "elsewhere" / "lines")
    assert differs(examples_of(pictures), examples_of(tmp_path / "elsewhere" / "lines")) == ""
    assert differs(lines(), lines()) == ""


def test_every_value_of_arrays_counts():
    data = lines()
    for name, part in (("x", data.x.copy()), ("y", data.y.copy())):
        part[-1] = 1 - part[-1]
        assert differs(data, replace(data, **{name: part})) == f"values of {name}"
    assert differs(data, replace(data, classes=("column", "line"))) == "classes"
    assert differs(data, replace(data, x=data.x.astype(np.float32))) == "dtype of x, values of x"


def test_one_picture_drawn_anew_is_seen_though_it_is_not_sampled(pictures):
    before, kept = examples_of(pictures), fingerprint(examples_of(pictures))
    # between the first two of those that are sampled
    assert len(before) > 2 * SAMPLED
    path = before.x.paths[1]
    write(path, 255 - before.x[1][0], tones="keep")
    assert what_differs(fingerprint(examples_of(pictures)), kept) == "contents of the files of x"


def test_a_mask_of_the_same_size_and_time_is_seen(masked):
    kept = fingerprint(examples_of(masked))
    repaint(masked / "masks" / "2.npy")
    assert what_differs(fingerprint(examples_of(masked)), kept) == "values of y, contents of the files of y"


def test_pictures_that_changed_places_are_seen(pictures):
    kept = fingerprint(examples_of(pictures))
    one, other = sorted((pictures / "row").iterdir())[:2]
    one.rename(pictures / "spare.png")
    other.rename(one)
    (pictures / "spare.png").rename(other)
    assert "contents of the files of x" in what_differs(fingerprint(examples_of(pictures)), kept)
    # a picture moved to the other class has another label
    kept = fingerprint(examples_of(pictures))
    one.rename(pictures / "column" / one.name)
    differ = what_differs(fingerprint(examples_of(pictures)), kept)
    assert "names of the files of x" in differ
    assert "values of y" in differ


def test_parts_of_files_are_known_by_their_own_files(pictures):
    data = examples_of(pictures)
    first, rest = data.split(0.5, seed=1)
    assert first.x.paths == tuple(path for path in data.x.paths if path not in rest.x.paths)
    kept = fingerprint(first)
    path = rest.x.paths[3]
    write(path, 255 - rest.x[3][0], tones="keep")
    data = examples_of(pictures)
    assert what_differs(fingerprint(data.split(0.5, seed=1)[0]), kept) == ""
    assert "contents" in what_differs(fingerprint(data.split(0.5, seed=1)[1]), fingerprint(rest) | kept)


def test_validation_examples_count_too():
    data = lines()
    kept = fingerprint(data, lines(seed=1))
    assert what_differs(fingerprint(data, lines(seed=1)), kept) == ""
    assert what_differs(fingerprint(data, lines(seed=2)), kept) == "validation values of x"
    assert "validation classes" in what_differs(fingerprint(data), kept)


def test_a_file_that_is_gone_is_named(pictures):
    data = examples_of(pictures)
    data.x.paths[5].unlink()
    with pytest.raises(FileError, match=data.x.paths[5].name):
        fingerprint(data)


def test_resume_refuses_a_changed_picture_and_names_it(pictures, tmp_path):
    train(classifier(), examples_of(pictures), config=QUICK, folder=tmp_path / "run", stop=lambda: True)
    path = sorted((pictures / "row").iterdir())[3]
    before = path.read_bytes()
    write(path, np.zeros((8, 8), np.uint8), tones="keep")
    later = (tmp_path / "run" / "state.safetensors").stat().st_mtime + 10
    os.utime(path, (later, later))
    with pytest.raises(ParameterError, match=rf"contents of the files of x differ \(changed since.*row.{path.name}\)"):
        resume(tmp_path / "run", examples_of(pictures), model=classifier())
    # as it was, it is taken, whatever its time
    path.write_bytes(before)
    assert resume(tmp_path / "run", examples_of(pictures), model=classifier()).stopped == "done"


def test_resume_refuses_a_mask_that_was_painted_on(masked, tmp_path):
    train(segmenter(), examples_of(masked), config=QUICK, folder=tmp_path / "run", stop=lambda: True)
    repaint(masked / "masks" / "1.npy")
    with pytest.raises(ParameterError, match="contents of the files of y differ; give those of then"):
        resume(tmp_path / "run", examples_of(masked), model=segmenter())


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_resume_refuses_a_changed_table(ending, tmp_path):
    lot, path = np.random.default_rng(0), tmp_path / f"t.{ending}"
    x, y = lot.normal(size=(40, 16)).astype(np.float32).round(3), np.arange(40) % 2

    def stored(x, y):
        if ending == "npz":
            np.savez(path, x=x, y=y)
        else:
            path.write_text(
                "".join(f"{','.join(map(str, row))},{'ab'[label]}\n" for row, label in zip(x, y, strict=True))
            )
        return examples_of(path, **({"channel_axis": "none"} if ending == "npz" else {}))

    def net():
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))

    train(net(), stored(x, y), config=QUICK, folder=tmp_path / "run", stop=lambda: True)
    x[7, 3] += 0.5
    with pytest.raises(ParameterError, match="values of x differ"):
        resume(tmp_path / "run", stored(x, y), model=net())
    x[7, 3] -= 0.5
    with pytest.raises(ParameterError, match="values of y differ"):
        resume(tmp_path / "run", stored(x, y[::-1]), model=net())
