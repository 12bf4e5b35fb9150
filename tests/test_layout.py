"""Axes seen in memory order mean what they mean in any order of naming."""

import numpy as np

import faltung as ft


def test_the_last_axis_of_x_fills_the_corners_however_axes_are_named() -> None:
    x, kernel = np.zeros((1, 1)), np.zeros((2, 2))
    kernel[0, 0] = 1
    # flipped, the weight is the last: the last output sees the corner behind both axes through it
    ends = [("constant", 1), ("constant", 2)]
    assert ft.correlate(x, np.flip(kernel), axes=(0, 1), boundary=ends)[-1, -1] == 2
    assert ft.correlate(x, np.flip(kernel), axes=(1, 0), boundary=ends[::-1])[-1, -1] == 2
    assert ft.correlate(x, np.flip(kernel), axes=(1, 0), boundary=ends)[-1, -1] == 1
