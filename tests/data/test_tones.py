"""Numbers drawn as tones: what is black, what is white, what is said about the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faltung.data import read, write
from faltung.data.tones import choose_range, to_levels
from faltung.errors import ParameterError


def test_signed_numbers_put_zero_in_the_middle():
    values = np.array([-4.0, 0.0, 2.0])
    assert choose_range(values, "auto", 255) == (-4, 4)
    levels, notes = to_levels(values, -4, 4, 255)
    assert levels.tolist() == [0, 128, 191]
    assert notes == ()


def test_a_blur_stays_on_the_scale_of_its_picture():
    assert choose_range(np.array([0.0, 255.0004]), "auto", 255) == (0, 255)
    assert choose_range(np.array([0.0, 70.0]), "auto", 255) == (0, 255)


def test_what_exceeds_white_is_stretched():
    assert choose_range(np.array([3.0, 1020.0]), "auto", 255) == (0, 1020)


def test_fractions_without_a_source_are_read_as_fractions_of_white():
    assert choose_range(np.array([0.0, 0.5]), "auto", None) == (0, 1)


@pytest.mark.parametrize("full", [255, 65535])
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_drawing_keeps_the_order(full, numbers):
    values = np.sort(np.array(numbers))
    for tones in ("auto", "keep", "stretch", "signed"):
        levels, _ = to_levels(values, *choose_range(values, tones, 255), full)
        assert (np.diff(levels.astype(int)) >= 0).all()


def test_missing_and_clipped_numbers_are_counted():
    levels, notes = to_levels(np.array([np.nan, -np.inf, 300.0, 128.0]), 0, 255, 255)
    assert levels.tolist() == [0, 0, 255, 128]
    assert notes == ("1 NaN drawn black", "2 values outside 0..255 clipped (50.00%)")


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.full((2, 2), np.nan), np.full((2, 2), 7.0)])
def test_flat_pictures_are_drawn_without_a_warning(values):
    for tones in ("auto", "keep", "stretch", "signed"):
        to_levels(values, *choose_range(values, tones, None), 255)


@pytest.mark.parametrize("tones", ["loud", (1.0, 1.0), (2.0, 1.0), (0.0, np.inf)])
def test_impossible_tones_are_refused(tones):
    with pytest.raises(ParameterError, match="tones="):
        choose_range(np.zeros(3), tones, 255)


def test_a_deep_picture_stays_deep_in_png_and_is_scaled_for_jpeg(tmp_path):
    deep = (np.arange(64, dtype=np.uint16) * 1000).reshape(8, 8)
    write(tmp_path / "a.png", deep)
    source = read(tmp_path / "a.png")
    write(tmp_path / "b.png", source.values.astype(np.float32), like=source)
    assert np.array_equal(read(tmp_path / "b.png").values, deep)
    written = write(tmp_path / "c.jpg", deep)
    assert written.tones == (0, 65535)
    assert abs(int(read(tmp_path / "c.jpg").values[-1, -1]) - 63000 // 257) <= 4


def test_masks_are_black_and_white(tmp_path):
    mask = np.array([[True, False], [False, True]])
    write(tmp_path / "a.png", mask)
    assert read(tmp_path / "a.png").values.tolist() == [[255, 0], [0, 255]]
