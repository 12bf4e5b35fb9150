"""Examples out of CSV and NPZ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faltung.data import IGNORE, examples_of
from faltung.errors import FileError, ParameterError, ShapeError


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@given(
    arrays(np.float32, (6, 3), elements=st.floats(-(2.0**99), 2.0**99, width=32)),
    st.lists(st.sampled_from(["a b", 'say "hi"', "x,y", "ö"]), min_size=6, max_size=6),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_is_written_as_a_table_is_read_again(tmp_path_factory, values, words, column, named, sign):
    import csv

    path = tmp_path_factory.mktemp("t") / "t.csv"
    rows = [[repr(float(v)) for v in row] for row in values]
    for row, word in zip(rows, words, strict=True):
        row.insert(column, word)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=sign)
        writer.writerows([*([["p", "q", "r", "s"]] if named else []), *rows])
    label = "pqrs"[column] if named else column
    if not named and words.count(words[0]) == 1:
        with pytest.raises(ParameterError, match="stands nowhere else"):
            examples_of(path, label=label)
        return
    found = examples_of(path, label=label)
    assert np.array_equal(found.x[:, 0], values)
    assert [found.classes[i] for i in found.y] == words
    assert found.classes == tuple(sorted(set(words)))
    if named:
        # names are seen also where the label is given by number
        assert np.array_equal(examples_of(path, label=column).x, found.x)


def test_the_label_is_the_last_column_and_remarks_are_passed_over(table):
    found = examples_of(table("# made today\nwidth,height,class\n1,2,10\n\n3,4,9\n#5,6,9\n"))
    assert found.x.tolist() == [[[1, 2]], [[3, 4]]]
    assert found.classes == ("9", "10")
    assert found.y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no lines"),
        ("a,b\n", "one line of names and no numbers"),
        ("1\n2\n", "has one column"),
        ("1,2,a\n1,a\n3,4,a\n", "line 2: has 2 columns, the first line has 3"),
        ("1,2,a\n1,two,a\n", "line 2, column 2: 'two' is no finite number"),
        ("1,2,a\n1,,a\n", "line 2, column 2: is empty"),
        ("1,2,a\n1,nan,a\n", "line 2, column 2: 'nan' is no finite number"),
        ("1,2,a\n1,1e39,a\n", "line 2, column 2: '1e39' is no finite number"),
        ("1,2,a\n1,1_0,a\n", "line 2, column 2: '1_0' is no finite number"),
        ("1,n/a,a\n1,2,a\n", "line 1, column 2: 'n/a' is no finite number"),
        ("1,2,a\n1,2,\n1,2,a\n", "line 2, column 3: the label is empty"),
        (",p,class\n0,1,a\n1,2,a\n", "column 1 has no name; an index is no input"),
    ],
)
def test_a_broken_table_is_refused_with_line_and_column(table, text, words):
    with pytest.raises(FileError, match=words):
        examples_of(table(text))


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("0,1,label\n1,2,a\n3,4,a\n", {}, "'label' stands nowhere else.*give label='label'"),
        ("p,q,c\n1,2,a\n", {"label": "d"}, "label='d' names 0 columns; there are p, q, c"),
        ("p,p,c\n1,2,a\n", {"label": "p"}, "names 2 columns"),
        ("p,q,c\n1,2,a\n", {"label": 3}, "there are 0 to 2"),
        ("p,q,c\n1,2,0.37\n3,4,0.5\n", {}, "the label 0.37 is no whole number and no word"),
        ("p,q,c\n1,2,a\n", {"classes": ("b",)}, "'a' is none of the classes b"),
    ],
)
def test_labels_that_are_no_classes_are_refused(table, text, options, words):
    with pytest.raises(ParameterError, match=words):
        examples_of(table(text), **options)


def test_names_that_are_numbers_are_read_when_the_label_is_named(table):
    found = examples_of(table("0,1,label\n1,2,a\n3,4,b\n"), label="label")
    assert found.x.tolist() == [[[1, 2]], [[3, 4]]]


def test_a_table_takes_the_classes_of_a_training(table):
    assert examples_of(table("p,c\n1,b\n"), classes=("a", "b")).y.tolist() == [1]


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"1,2,\xff\n")
    with pytest.raises(FileError, match="no whole CSV file"):
        examples_of(path)


@pytest.fixture
def saved(tmp_path):
    def save(**named):
        np.savez(tmp_path / "a.npz", **named)
        return tmp_path / "a.npz"

    return save


X = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)


def test_arrays_come_back_with_channels_where_they_are_said_to_be(saved):
    y = np.array([1, 0])
    for axis, x, expected in (
        ("first", X, X),
        ("last", np.moveaxis(X, 1, -1), X),
        ("none", X[:, 0], X[:, :1]),
        ("auto", X[:, 0, 0], X[:, :1, 0]),
    ):
        found = examples_of(saved(x=x, y=y), channel_axis=axis)
        assert np.array_equal(found.x, expected)
        assert found.x.dtype == np.uint8
        assert found.y.tolist() == [1, 0]
    with pytest.raises(ParameterError, match="say which axis holds channels"):
        examples_of(saved(x=X, y=y))


def test_labels_of_places_say_where_channels_are(saved):
    y = np.array(X[:, 0] % 3, np.int16) - 1
    for x, expected in ((X, X), (np.moveaxis(X, 1, -1), X), (X[:, 0], X[:, :1])):
        found = examples_of(saved(x=x.astype(np.float64), y=y))
        assert np.array_equal(found.x, expected)
        assert found.x.dtype == np.float32
        assert found.classes == ("0", "1")
        assert found.y.min() == IGNORE
    with pytest.raises(ShapeError, match="a class for each place"):
        examples_of(saved(x=X, y=y[:, :2]))


def test_labels_are_names_or_the_places_of_named_classes(saved):
    x = X[:, 0, 0]
    assert examples_of(saved(x=x, y=np.array(["b", "a"]))).y.tolist() == [1, 0]
    found = examples_of(saved(x=x, y=np.array([7, 3])))
    assert (found.classes, found.y.tolist()) == (("3", "7"), [1, 0])
    # those of a training with labels 3, 5, 7
    assert examples_of(saved(x=x, y=np.array([7, 3])), classes=("3", "5", "7")).y.tolist() == [2, 0]
    for named in (
        examples_of(saved(x=x, y=np.array([1, 0]), classes=np.array(["cat", "dog"]))),
        examples_of(saved(x=x, y=np.array([1, 0])), classes=("cat", "dog")),
    ):
        assert (named.classes, named.y.tolist()) == (("cat", "dog"), [1, 0])
    with pytest.raises(ParameterError, match="0 to 1 are allowed"):
        examples_of(saved(x=x, y=np.array([2, 0]), classes=np.array(["cat", "dog"])))


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"x": X[:, 0, 0]}, "holds x, but no y"),
        ({"z": X}, "but no x and no y"),
        ({"x": np.array([None, 1]), "y": np.array([0, 1])}, "no whole NPZ file"),
        ({"x": np.array(["a", "b"]), "y": np.array([0, 1])}, "numbers, and labels, are needed"),
        ({"x": np.full((2, 3), np.nan), "y": np.array([0, 1])}, "x holds NaN or infinity"),
        ({"x": np.full((2, 3), 1e300), "y": np.array([0, 1])}, "x holds NaN or infinity, also as float32"),
        ({"x": X[:, 0], "y": X[:, 0] / 2}, "y is float64: whole numbers are needed"),
    ],
)
def test_arrays_that_are_no_examples_are_refused(saved, named, words):
    with pytest.raises(FileError, match=words):
        examples_of(saved(**named))


def test_a_damaged_or_boundless_archive_is_refused(saved, monkeypatch):
    path = saved(x=X[:, 0, 0], y=np.array([0, 1]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(FileError, match="no whole NPZ file"):
        examples_of(path)
    path.write_bytes(whole)
    monkeypatch.setattr("faltung.data.tables_of_examples.MAX_VALUES", 10)
    with pytest.raises(FileError, match=r"x\.npy unpacks to \d+ bytes"):
        examples_of(path)
