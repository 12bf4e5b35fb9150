"""One's own data: folders, masks, what is wrong with them, and that nothing is read before it is needed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung import data
from faltung.data import IGNORE, Examples, check, examples_of, own, read, text_of, write
from faltung.data.file_rows import FileRows, MaskLoader
from faltung.errors import FileError, MissingDependency, ParameterError


def _pictures(folder, *, count=3, size=(6, 8), colour=False):
    """Folder of a class with random pictures; returns them."""
    rng = np.random.default_rng(list(folder.name.encode()))
    folder.mkdir(parents=True, exist_ok=True)
    made = [rng.integers(0, 256, (*size, 3) if colour else size, np.uint8) for _ in range(count)]
    for i, picture in enumerate(made):
        write(folder / f"{i}.png", picture)
    return made


@pytest.fixture
def animals(tmp_path):
    made = [*_pictures(tmp_path / "cat"), *_pictures(tmp_path / "dog", count=2)]
    return tmp_path, np.array(made)


@pytest.fixture
def scenes(tmp_path):
    """Pictures with masks of areas: 0, 128, 255."""
    pictures = _pictures(tmp_path / "images", count=4)
    rng = np.random.default_rng(5)
    areas = np.array([0, 128, 255, 255], np.uint8)
    masks = [rng.permutation(areas).reshape(2, 2).repeat(3, axis=0).repeat(4, axis=1) for _ in pictures]
    (tmp_path / "masks").mkdir()
    for i, mask in enumerate(masks):
        write(tmp_path / "masks" / f"{i}.png", mask)
    return tmp_path, np.array(pictures), np.array(masks)


def test_a_folder_for_each_class_is_read_as_it_was_written(animals):
    folder, made = animals
    found = examples_of(folder)
    assert np.array_equal(np.asarray(found.x)[:, 0], made)
    assert found.classes == ("cat", "dog")
    assert found.y.tolist() == [0, 0, 0, 1, 1]
    assert found.left_out == ()
    assert np.array_equal(found.loaded().x, found.x)


def test_pictures_are_decoded_only_when_they_are_asked_for(animals, monkeypatch):
    folder, made = animals
    found = examples_of(folder)
    opened = []
    monkeypatch.setattr("faltung.data.file_rows.read", lambda path: opened.append(path.name) or read(path))
    train, _ = found.split(0.5)
    part = train.subset([len(train) - 1])
    assert not opened
    assert np.array_equal(part.x[np.array([0])][0, 0], made[4]) or np.array_equal(part.x[np.array([0])][0, 0], made[3])
    assert len(set(opened)) == 1
    assert found.x[2].shape == (1, 6, 8)
    assert found.x[1:3].shape == (2, 1, 6, 8)


def test_without_a_check_only_the_first_is_read(animals, monkeypatch):
    folder, _ = animals
    opened = []
    monkeypatch.setattr("faltung.data.file_rows.read", lambda path: opened.append(path) or read(path))
    examples_of(folder, check=False)
    assert len(opened) == 1
    opened.clear()
    examples_of(folder)
    assert len(set(opened)) == 5


def test_folders_named_by_numbers_are_in_the_order_of_numbers(tmp_path):
    for name in ("10", "9", "2"):
        _pictures(tmp_path / name, count=1)
    found = examples_of(tmp_path)
    assert found.classes == ("2", "9", "10")
    assert found.y.tolist() == [0, 1, 2]
    with pytest.raises(ParameterError, match="'2' has one example only"):
        found.split(0.5)


def test_a_test_folder_takes_the_classes_of_the_training(animals, tmp_path_factory):
    folder, _ = animals
    elsewhere = tmp_path_factory.mktemp("test")
    _pictures(elsewhere / "dog", count=2)
    found = examples_of(elsewhere, classes=examples_of(folder).classes)
    assert found.y.tolist() == [1, 1]
    _pictures(elsewhere / "emu", count=2)
    with pytest.raises(ParameterError, match="'emu' is none of the classes cat, dog"):
        examples_of(elsewhere, classes=("cat", "dog"))
    with pytest.raises(ParameterError, match="every name once"):
        examples_of(elsewhere, classes=("dog", "dog"))


@pytest.mark.parametrize("size", [(6, 9), (7, 8)])
def test_pictures_of_different_size_are_refused_and_the_first_that_differs_is_named(animals, size):
    folder, made = animals
    write(folder / "dog" / "1.png", np.zeros(size, np.uint8))
    with pytest.raises(FileError, match=rf"dog/1\.png: is {size[0]}x{size[1]}, 0\.png is 6x8: size=\(6, 8\)"):
        examples_of(folder)
    # the same at the first reading where nothing is checked
    unchecked = examples_of(folder, check=False)
    assert np.array_equal(unchecked.x[3][0], made[3])
    with pytest.raises(FileError, match=r"dog/1\.png: is"):
        unchecked.x[np.array([4])]
    assert examples_of(folder, size=(5, 5)).loaded().x.shape == (5, 1, 5, 5)


def test_cropping_cuts_out_the_middle_and_refuses_what_is_too_small(animals):
    folder, made = animals
    assert np.array_equal(examples_of(folder, size=(4, 4), fit="crop").loaded().x[:, 0], made[:, 1:5, 2:6])
    with pytest.raises(FileError, match=r"too small to cut 7x4 out of it: fit='resize'"):
        examples_of(folder, size=(7, 4), fit="crop")


def test_resizing_keeps_a_ramp_a_ramp_in_every_depth(tmp_path):
    (tmp_path / "a").mkdir()
    ramp = np.add.outer(np.arange(20), np.arange(30)) * 4
    for dtype, scale in ((np.uint8, 1), (np.uint16, 200)):
        write(tmp_path / "a" / "x.png", (ramp * scale).astype(dtype))
        found = examples_of(tmp_path, size=(10, 15)).loaded().x[0, 0] / scale
        # two by two pixels become their mean, up to the rounding of 8 bits and to the borders' wider windows
        means = ramp.reshape(10, 2, 15, 2).mean(axis=(1, 3))
        assert np.abs(found - means)[1:-1, 1:-1].max() <= 0.5
    assert examples_of(tmp_path).x.dtype == np.float32


def test_grey_and_colour_do_not_mix_unless_it_is_said_what_all_become(animals):
    folder, made = animals
    (colour,) = _pictures(folder / "dog", count=1, colour=True)
    with pytest.raises(FileError, match=r"dog/0\.png: is colour, 0\.png is grey: colours='grey'"):
        examples_of(folder)
    grey = examples_of(folder, colours="grey").loaded().x
    assert grey.dtype == np.uint8
    assert np.array_equal(grey[3, 0], np.rint(data.to_grey(colour)))
    found = examples_of(folder, colours="colour").loaded().x
    assert np.array_equal(found[3], np.moveaxis(colour, -1, 0))
    assert np.array_equal(found[0], np.repeat(made[:1], 3, axis=0))


def test_opacity_is_left_aside_and_depths_do_not_mix(tmp_path):
    from PIL import Image

    (tmp_path / "a").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 4), np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "a" / "0.png")
    assert np.array_equal(examples_of(tmp_path).x[0], np.moveaxis(pixels[..., :3], -1, 0))
    write(tmp_path / "a" / "1.png", pixels[..., :3].astype(np.uint16))
    with pytest.raises(FileError, match=r"1\.png: its values become float32, those of 0\.png uint8"):
        examples_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("film.tif", np.zeros((3, 6, 8), np.uint8), "holds 3 pictures"),
        ("line.npy", np.zeros(8), "is no picture"),
        ("holes.npy", np.full((6, 8), np.nan), "holds NaN or infinity"),
        ("huge.npy", np.full((6, 8), 1e300), "holds NaN or infinity, as float32"),
    ],
)
def test_files_that_are_no_single_picture_of_numbers_are_refused_and_never_skipped(animals, name, values, words):
    folder, _ = animals
    write(folder / "dog" / name, values)
    for skip_corrupt in (False, True):
        with pytest.raises(FileError, match=rf"{name}: .*{words}"):
            examples_of(folder, skip_corrupt=skip_corrupt)


def _damage(path):
    path.write_bytes(path.read_bytes()[:-30])


def test_every_damaged_file_is_named_at_once_and_left_out_when_asked(animals):
    folder, made = animals
    for name in ("cat/0.png", "cat/2.png"):
        _damage(folder / name)
    (folder / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(FileError, match=r"3 of 5 files cannot be used.*skip_corrupt=True") as refusal:
        examples_of(folder)
    assert all(name in str(refusal.value) for name in ("cat/0.png", "cat/2.png", "dog/1.png"))
    found = examples_of(folder, skip_corrupt=True)
    assert np.array_equal(found.loaded().x[:, 0], made[[1, 3]])
    assert found.y.tolist() == [0, 1]
    assert [line.partition(": ")[0] for line in found.left_out] == [
        str(folder / name) for name in ("cat/0.png", "cat/2.png", "dog/1.png")
    ]


def test_a_single_damaged_file_is_an_error_of_its_own(animals):
    folder, _ = animals
    _damage(folder / "dog" / "0.png")
    with pytest.raises(FileError, match=r"dog/0\.png: is no whole PNG file"):
        examples_of(folder)


def test_a_class_of_which_nothing_can_be_read_is_not_lost_in_silence(animals):
    folder, _ = animals
    for path in (folder / "dog").iterdir():
        _damage(path)
    with pytest.raises(FileError, match="of the class 'dog' no picture can be read"):
        examples_of(folder, skip_corrupt=True)
    for path in (folder / "cat").iterdir():
        _damage(path)
    with pytest.raises(FileError, match="none of 5 pictures can be read"):
        examples_of(folder, skip_corrupt=True)


def test_a_file_that_changes_later_is_named_and_not_spread_over_its_row(animals):
    folder, _ = animals
    found = examples_of(folder, check=False)
    again = FileRows(found.x.paths, lambda path: np.zeros((1, 1, 8), np.uint8), (1, 6, 8), np.uint8)
    with pytest.raises(FileError, match=r"cat/0\.png: has changed since it was looked at"):
        again[:1]


def test_hidden_files_foreign_endings_and_inner_folders_are_counted(animals):
    folder, _ = animals
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    (folder / "notes.docx").write_bytes(b"x")
    (folder / "__MACOSX").mkdir()
    (folder / "dog" / "old").mkdir()
    found = examples_of(folder)
    assert len(found) == 5
    assert found.left_out == (
        "passed over: 1 hidden",
        "passed over: 1 folders among the pictures, with all that is in them",
        "passed over: 2 files that are no pictures (.db, .docx)",
    )


def test_folders_that_hold_no_classes_say_what_to_give(tmp_path):
    with pytest.raises(FileError, match="holds no folders"):
        examples_of(tmp_path)
    _pictures(tmp_path / "train" / "cat")
    with pytest.raises(FileError, match=r"holds no pictures: give .*/train itself"):
        examples_of(tmp_path)
    (tmp_path / "train" / "dog").mkdir()
    with pytest.raises(FileError, match="dog: is the folder of a class and holds no pictures: put some in"):
        examples_of(tmp_path / "train")


def test_masks_become_labels_by_the_table_and_unlabelled_places_are_ignored(scenes):
    folder, pictures, masks = scenes
    found = examples_of(folder, values={"cell": 255, "ground": 0}, unlabelled=128)
    assert found.classes == ("cell", "ground")
    assert np.array_equal(np.asarray(found.x)[:, 0], pictures)
    expected = np.select([masks == 255, masks == 0], [0, 1], IGNORE)
    assert np.array_equal(found.loaded().y, expected)
    assert sum(found.counts().values()) == int((masks != 128).sum())


def test_without_a_table_the_values_themselves_are_the_classes(scenes):
    folder, _, masks = scenes
    found = examples_of(folder)
    assert found.classes == ("0", "128", "255")
    assert np.array_equal(found.loaded().y, np.searchsorted([0, 128, 255], masks))
    without = examples_of(folder, unlabelled=0)
    assert without.classes == ("128", "255")
    assert np.array_equal(without.loaded().y == IGNORE, masks == 0)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_masks_in_colour_and_in_grey_give_the_same_labels(seed, with_unlabelled):
    rng = np.random.default_rng(seed)
    colours = [tuple(map(int, rng.integers(0, 256, 3))) for _ in range(3)]
    if len(set(colours)) < 3:
        return
    labels = rng.integers(0, 3, (5, 7))
    pixels = np.array(colours, np.uint8)[labels]
    table = tuple((colour, i - with_unlabelled) for i, colour in enumerate(colours))
    loader = MaskLoader(table, None, None, "resize")
    assert np.array_equal(loader._labels(None, pixels), labels - with_unlabelled)
    greys = MaskLoader(tuple((i * 40, i) for i in range(3)), None, None, "resize")
    assert np.array_equal(greys._labels(None, labels * 40), labels)
    # a grey that is stored as colour
    assert np.array_equal(greys._labels(None, np.repeat((labels * 40)[..., None], 3, axis=-1)), labels)


def test_masks_in_colour_are_read_from_files(scenes):
    folder, _, masks = scenes
    palette = np.zeros((256, 3), np.uint8)
    palette[[0, 128, 255]] = [[0, 0, 0], [255, 0, 0], [0, 0, 255]]
    for i, mask in enumerate(masks):
        write(folder / "masks" / f"{i}.png", palette[mask])
    found = examples_of(folder, values={"blood": (255, 0, 0), "ground": 0, "sky": (0, 0, 255)})
    assert np.array_equal(found.loaded().y, np.select([masks == 128, masks == 0], [0, 1], 2))
    assert examples_of(folder).classes == ("0,0,0", "0,0,255", "255,0,0")
    with pytest.raises(FileError, match=r"masks/.\.png: is in colour, values= names grey levels"):
        examples_of(folder, values={"a": 0, "b": 255})


def test_masks_follow_their_pictures_when_these_are_resized_or_cut(scenes):
    folder, _, masks = scenes
    values = {"a": 0, "b": 128, "c": 255}
    labels = np.searchsorted([0, 128, 255], masks)
    doubled = examples_of(folder, values=values, size=(12, 16)).loaded()
    assert np.array_equal(doubled.y, labels.repeat(2, axis=1).repeat(2, axis=2))
    halved = examples_of(folder, values=values, size=(3, 4)).loaded()
    assert np.array_equal(halved.y, labels[:, 1::2, 1::2])
    cut = examples_of(folder, values=values, size=(4, 4), fit="crop").loaded()
    assert np.array_equal(cut.y, labels[:, 1:5, 2:6])
    whole = examples_of(folder, size=(4, 4), fit="crop").loaded()
    assert np.array_equal(whole.x[:, 0], examples_of(folder).loaded().x[:, 0, 1:5, 2:6])


@pytest.mark.parametrize("size", [None, (6, 8), (3, 4)])
def test_a_mask_of_another_size_is_named_also_where_all_are_resized(scenes, size):
    folder, _, _ = scenes
    write(folder / "masks" / "2.png", np.zeros((8, 6), np.uint8))
    with pytest.raises(FileError, match=r"masks/2\.png: is 8x6, its picture .*images/2\.png is 6x8"):
        examples_of(folder, size=size)
    later = examples_of(folder, size=size, check=False)
    with pytest.raises(FileError, match=r"masks/2\.png: is 8x6"):
        later.y[np.array([2])]


def test_an_unknown_value_is_named_with_its_place(scenes):
    folder, _, masks = scenes
    row, column = np.argwhere(masks[0] == 128)[0]
    count = int((masks[0] == 128).sum())
    words = rf"0\.png: holds 128 at row {row}, column {column}; {count} of 48 pixels .* none of 0, 255: name"
    with pytest.raises(FileError, match=words):
        examples_of(folder, values={"a": 0, "b": 255}, skip_corrupt=True)


def test_a_mask_that_looks_like_a_picture_asks_for_a_table(scenes):
    folder, _, _ = scenes
    write(folder / "masks" / "1.png", np.arange(48, dtype=np.uint8).reshape(6, 8))
    with pytest.raises(FileError, match=r"masks/1\.png: holds 48 values, which are hardly classes"):
        examples_of(folder)
    write(folder / "masks" / "1.tif", np.zeros((6, 8), np.float32))
    (folder / "masks" / "1.png").unlink()
    with pytest.raises(FileError, match=r"1\.tif: shape \(6, 8\) of float32 is no mask"):
        examples_of(folder)


def test_a_lonely_picture_or_mask_is_named(scenes):
    folder, _, _ = scenes
    (folder / "masks" / "3.png").rename(folder / "masks" / "4.png")
    with pytest.raises(FileError, match=r"images/3\.png: has no mask of that name; 1 of 4"):
        examples_of(folder)
    (folder / "images" / "3.png").unlink()
    with pytest.raises(FileError, match=r"masks/4\.png: has no picture of that name; 1 of 4"):
        examples_of(folder)
    (folder / "masks" / "4.png").rename(folder / "masks" / "2.tif")
    with pytest.raises(FileError, match=r"2\.tif: there is also 2\.png"):
        examples_of(folder)


def test_damaged_masks_take_their_pictures_with_them(scenes):
    folder, pictures, masks = scenes
    _damage(folder / "masks" / "1.png")
    _damage(folder / "images" / "3.png")
    for values in (None, {"a": 0, "b": 128, "c": 255}):
        with pytest.raises(FileError, match="png"):
            examples_of(folder, values=values)
        found = examples_of(folder, values=values, skip_corrupt=True).loaded()
        assert np.array_equal(found.x[:, 0], pictures[[0, 2]])
        assert np.array_equal(found.y, np.searchsorted([0, 128, 255], masks[[0, 2]]))
        assert len(found.left_out) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": (0, 3)}, "rows and columns of 1 or more"),
        ({"fit": "stretch"}, "'resize' or 'crop'"),
        ({"colours": "red"}, "'grey' or 'colour'"),
        ({"skip_corrupt": True, "check": False}, "only files that are checked"),
        ({"classes": ("a", "b", "c")}, "values= names them"),
        ({"values": {}}, "a value of its own"),
        ({"values": {"a": 0, "b": 0}}, "a value of its own"),
        ({"values": {"a": 0, "b": 255}, "unlabelled": (0, 0, 0)}, "a value of its own"),
        ({"values": {"a": -1}}, "whole numbers from 0"),
        ({"values": {"a": (1, 2)}}, "whole numbers from 0"),
        ({"values": {"a": 0.5}}, "whole numbers from 0"),
    ],
)
def test_options_that_contradict_are_refused(scenes, options, words):
    with pytest.raises(ParameterError, match=words):
        examples_of(scenes[0], **options)


def test_options_for_pictures_are_refused_for_other_data(animals):
    folder, _ = animals
    with pytest.raises(ParameterError, match="go with masks"):
        examples_of(folder, values={"a": 0})
    (folder / "t.csv").write_text("1,2,a\n3,4,a\n")
    with pytest.raises(ParameterError, match="go with folders of pictures"):
        examples_of(folder / "t.csv", size=(3, 3))


def test_paths_that_hold_nothing_of_the_kind_are_refused(tmp_path):
    with pytest.raises(FileError, match="there is no such file"):
        examples_of(tmp_path / "nowhere")
    write(tmp_path / "one.png", np.zeros((3, 3), np.uint8))
    with pytest.raises(FileError, match="a folder of pictures, a table"):
        examples_of(tmp_path / "one.png")


def test_without_pillow_the_install_line_is_given_and_no_file_is_blamed(animals, monkeypatch):
    folder, _ = animals

    def missing(path):
        raise MissingDependency("Pillow is not installed")

    monkeypatch.setattr("faltung.data.file_rows.read", missing)
    with pytest.raises(MissingDependency):
        examples_of(folder, skip_corrupt=True)


def test_the_check_names_every_bad_example(animals):
    folder, _ = animals
    found = examples_of(folder)
    assert check(found) == ()
    assert check(found.subset([4, 0])) == ()
    _damage(folder / "cat" / "1.png")
    (problem,) = check(found)
    assert "cat/1.png: is no whole PNG file" in problem
    x = np.zeros((4, 1, 3), np.float32)
    x[2, 0, 1] = np.inf

    class Labels:
        shape, dtype = (4, 3), np.dtype(np.int64)

        def __len__(self):
            return 4

        def __getitem__(self, indices):
            return np.where(np.asarray(indices)[:, None] == 3, 9, np.zeros((1, 3), np.int64))

    assert check(Examples(x, Labels(), ("a",))) == (
        "example 2: x holds NaN or infinity",
        "example 3: a label from 9 to 9 is no class",
    )


def test_texts_are_read_as_they_are(tmp_path):
    (tmp_path / "b.txt").write_bytes("zwei\r\nZeilen ä".encode())
    (tmp_path / "a.TXT").write_bytes(b"one\n")
    (tmp_path / ".hidden.txt").write_bytes(b"no")
    assert text_of(tmp_path / "b.txt") == "zwei\r\nZeilen ä"
    assert text_of(tmp_path) == "one\n\n\nzwei\r\nZeilen ä"
    (tmp_path / "c.txt").write_bytes(b"fine\n\xff\xfe")
    with pytest.raises(FileError, match=r"c\.txt, line 2: byte 5 is not UTF-8"):
        text_of(tmp_path)
    (tmp_path / "c.txt").write_bytes(b" \n")
    with pytest.raises(FileError, match="is empty"):
        text_of(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(FileError, match="holds no texts"):
        text_of(tmp_path / "none")
    with pytest.raises(FileError, match="there is no such file"):
        text_of(tmp_path / "gone.txt")


def test_the_check_reads_in_several_threads(monkeypatch):
    import threading

    monkeypatch.setattr(own, "num_workers", lambda: 2)
    meet = threading.Barrier(2, timeout=20)
    names = set()

    def look(i):
        if i < 2:
            # two calls wait for each other: one thread alone would never get past
            meet.wait()
        names.add(threading.get_ident())

    assert own._survey(4, look) == [None] * 4
    assert len(names) == 2


def test_a_training_from_files_is_the_training_from_memory(animals):
    import torch

    from faltung import training

    folder, _ = animals
    found = examples_of(folder)
    weights = []
    for examples in (found, found.loaded()):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(96, 2))
        config = training.Config(epochs=2, batch_size=2, validation=0.0, augment=("flip",), threads=1)
        weights.append(training.train(net, examples, config=config).model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
