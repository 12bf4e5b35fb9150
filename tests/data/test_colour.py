"""Colour to grey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from faltung.data import to_grey
from faltung.errors import ShapeError


@given(hnp.arrays(np.uint8, (3, 4)))
def test_a_grey_colour_keeps_its_grey_exactly(grey):
    assert np.array_equal(to_grey(np.repeat(grey[..., None], 3, -1)), grey)


@given(hnp.arrays(np.uint8, (3, 4, 3)))
def test_luma_is_the_weighted_sum_and_lies_between_the_channels(colours):
    luma = to_grey(colours)
    assert luma.dtype == np.float32
    assert np.allclose(luma, colours @ [0.2126, 0.7152, 0.0722], atol=1e-4)
    assert (luma >= colours.min(-1) - 1e-4).all()
    assert (luma <= colours.max(-1) + 1e-4).all()


def test_grey_pictures_and_alpha_are_refused():
    for shape in ((4, 4), (4, 4, 4), ()):
        with pytest.raises(ShapeError, match="red, green, blue"):
            to_grey(np.zeros(shape))
