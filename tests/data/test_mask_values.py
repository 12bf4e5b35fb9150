"""Values in masks: what people save is taken for classes, what resizing and compressing leave is not."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faltung.data import IGNORE, examples_of, write
from faltung.data.file_rows import MaskLoader
from faltung.data.mask_values import certain_classes, mask_facts, parse_value, parse_values
from faltung.errors import FileError, ParameterError

SIZE = (40, 50)


def disc(radius=12.0, scale=1):
    """True inside a circle, on a grid `scale` times as fine."""
    rows, columns = (np.arange(n * scale) / scale for n in SIZE)
    return (rows[:, None] - 19) ** 2 + (columns - 24) ** 2 < radius**2


@pytest.fixture
def saved(tmp_path):
    """Saves masks with pictures of their size; the folder of both."""

    def save(*masks, ending="png"):
        for number, mask in enumerate(masks):
            (tmp_path / "images").mkdir(exist_ok=True)
            (tmp_path / "masks").mkdir(exist_ok=True)
            write(tmp_path / "images" / f"{number}.png", np.full(SIZE, 7 * number, np.uint8), tones="keep")
            place = tmp_path / "masks" / f"{number}.{ending}"
            if isinstance(mask, Image.Image):
                mask.save(place)
            else:
                write(place, mask.astype(np.uint8), tones="keep")
        return tmp_path

    return save


def shapes(*values):
    """A mask of the first value, with a square of 5 x 5 of each other one."""
    mask = np.full(SIZE, values[0])
    for number, value in enumerate(values[1:]):
        mask[3:8, 6 * number + 1 : 6 * number + 6] = value
    return mask


@pytest.mark.parametrize(
    "values",
    [(0, 255), (0, 1), (1, 2), (7, 19), (0, 1, 2, 3), (1, 2, 3), (0, 128, 255), (0, 7, 8, 11, 26), (0, 85, 170, 255)],
)
def test_masks_as_people_save_them_are_taken_as_they_are(saved, values):
    found = examples_of(saved(shapes(*values), shapes(*values[::-1])))
    assert found.classes == tuple(map(str, values))
    assert found.y[0].tolist() == np.searchsorted(values, shapes(*values)).tolist()


def test_a_rare_class_is_a_class(saved):
    # one pixel in whole numbers from 0 on
    dotted = shapes(0, 1, 3)
    dotted[30, 30] = 2
    assert examples_of(saved(dotted, shapes(0, 1))).classes == ("0", "1", "2", "3")
    # 3 x 3 pixels of 4,000 anywhere
    small = shapes(0, 255)
    small[30:33, 30:33] = 128
    assert examples_of(saved(shapes(0, 255), small)).classes == ("0", "128", "255")


def test_thin_lines_are_a_class_where_there_are_two_values(saved):
    lines = np.zeros(SIZE)
    lines[::7] = 255
    assert examples_of(saved(lines)).classes == ("0", "255")


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 49)), min_size=1, max_size=7, unique=True))
def test_some_stray_pixels_are_refused_wherever_they_lie(tmp_path_factory, places):
    mask = np.where(disc(), 255, 0)
    for place in places:
        mask[place] = 128
    held = tmp_path_factory.mktemp("masks") / "m.png"
    write(held, mask.astype(np.uint8), tones="keep")
    facts = {held: mask_facts(held)}
    with pytest.raises(FileError, match=rf"m\.png: {len(places)} of 2,000 pixels .* are 128, .* --values 0,255 "):
        certain_classes(facts, None)
    assert certain_classes(facts, 128) == {"0": 0, "255": 255}


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_edges_that_were_smoothed_by_resizing_are_refused_and_can_be_left_out(saved, scale):
    fine = Image.fromarray(np.where(disc(scale=scale), 255, 0).astype(np.uint8))
    small = np.asarray(fine.resize(SIZE[::-1], Image.Resampling.BILINEAR))
    folder = saved(small, np.where(disc(8), 255, 0))
    with pytest.raises(FileError, match=r"0\.png.*(fills 3 x 3|hardly classes).*--values 0,255 .*--others ignore"):
        examples_of(folder)
    found = examples_of(folder, values={"0": 0, "255": 255}, others="ignore")
    assert np.array_equal(found.y[0], np.where(small == 0, 0, np.where(small == 255, 1, IGNORE)))
    assert 0 < (found.y[0] == IGNORE).mean() < 0.1


def test_edges_that_were_enlarged_are_refused_too(saved):
    coarse = Image.fromarray(np.where(disc()[::8, ::8], 255, 0).astype(np.uint8))
    enlarged = np.asarray(coarse.resize(SIZE[::-1], Image.Resampling.BILINEAR))
    with pytest.raises(FileError, match=r"fills 3 x 3|hardly classes"):
        examples_of(saved(enlarged))


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_masks_saved_as_jpeg_are_refused_and_come_back_by_the_nearest_class(saved, quality):
    file = io.BytesIO()
    truth = np.where(disc(), 255, 0).astype(np.uint8)
    Image.fromarray(truth).save(file, "JPEG", quality=quality)
    for ending in ("jpg", "png"):
        folder = saved(Image.open(file) if ending == "jpg" else np.asarray(Image.open(file)), ending=ending)
        with pytest.raises(FileError, match=rf"0\.{ending}.*JPEG.*--others nearest"):
            examples_of(folder)
        found = examples_of(folder, values={"ground": 0, "cell": 255}, others="nearest")
        assert (found.y[0] != (truth == 255)).sum() <= 2
        (folder / "masks" / f"0.{ending}").unlink()


@pytest.mark.parametrize("values", [(0, 1, 255), (0, 1, 2, 3, 255), (1, 2, 255)])
def test_255_beside_0_1_2_is_asked_for(saved, values):
    folder = saved(shapes(*values))
    with pytest.raises(FileError, match=r"25 of 2,000 pixels .* are 255, which beside .* --unlabelled 255 "):
        examples_of(folder)
    found = examples_of(folder, unlabelled=255)
    assert found.classes == tuple(map(str, values[:-1]))
    assert (found.y[0] == IGNORE).sum() == 25
    assert examples_of(folder, values={str(value): value for value in values}).classes == tuple(map(str, values))


def test_palettes_give_their_colours_and_the_pale_yellow_of_voc_is_asked_for(saved):
    colours = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0), (224, 224, 192)], np.uint8)

    def indexed(*values):
        picture = Image.fromarray(shapes(*values).astype(np.uint8)).convert("P")
        picture.putpalette(colours.tobytes())
        return picture

    folder = saved(indexed(0, 1, 2), indexed(0, 1))
    assert examples_of(folder).classes == ("0,0,0", "0,128,0", "128,0,0")
    folder = saved(indexed(0, 1, 2, 3))
    with pytest.raises(FileError, match=r"are 224:224:192, which beside .* --unlabelled 224:224:192"):
        examples_of(folder)
    assert examples_of(folder, unlabelled=(224, 224, 192)).classes == ("0,0,0", "0,128,0", "128,0,0")


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_nearest_class_is_the_one_at_the_least_distance(seed, coloured):
    lot = np.random.default_rng(seed)
    pixels = lot.integers(0, 256, (5, 7, 3) if coloured else (5, 7)).astype(np.uint8)
    wide = pixels.astype(int) if coloured else pixels[..., None].astype(int)
    values = [(0, 0, 0), (255, 0, 10), (40, 200, 3)] if coloured else [10, 90, 255]
    loader = MaskLoader(tuple((value, i) for i, value in enumerate(values)), None, None, "resize", "nearest")
    distances = [((wide - np.array(value)) ** 2).sum(-1) for value in values]
    found = loader._labels(None, pixels)
    least = np.take_along_axis(np.stack(distances), found[None], 0)[0]
    assert np.array_equal(least, np.min(distances, axis=0))


def test_tables_are_written_in_words():
    assert parse_values("0,255") == {"0": 0, "255": 255}
    assert parse_values(" ground = 0,road=128:64:128") == {"ground": 0, "road": (128, 64, 128)}
    assert parse_values("0:0:0") == {"0,0,0": (0, 0, 0)}
    assert parse_value("224:224:192") == (224, 224, 192)
    for words in ("", "0,", "a", "a=b", "1:2", "-1", "0.5", "1::2"):
        with pytest.raises(ParameterError, match="no value of a mask"):
            parse_values(words)
    with pytest.raises(ParameterError, match="a stands there twice"):
        parse_values("a=0,a=1")
