"""Draws the picture in README.md: `.venv/bin/python docs/make_picture.py` writes docs/camera.png.

The photograph is scikit-image's `camera` (Lav Varshney, CC0). Run it again when a filter shown changes.
"""

from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import faltung as ft

WIDTH_PX, HEIGHT_PX = 1200, 334


def main() -> None:
    """Four panels, each titled with the call that made it."""
    photo = ft.data.photograph("camera")[20:340, 80:400]
    slope = ft.sobel(photo, axis=1)
    reach = float(np.abs(slope).max()) / 2
    panels = [
        ("x", photo, {"cmap": "gray"}),
        ("ft.gaussian(x, 4)", ft.gaussian(photo, 4), {"cmap": "gray"}),
        ("ft.sobel(x, axis=1)", slope, {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}),
        ("ft.canny(x)", ~ft.canny(photo), {"cmap": "gray"}),
    ]
    with mpl.rc_context({"font.family": "DejaVu Sans Mono", "font.size": 8.5}):
        figure = Figure((WIDTH_PX / 150, HEIGHT_PX / 150), dpi=150, facecolor="white", layout="constrained")
        for axes, (call, values, tones) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            axes.imshow(values, **tones)
            axes.set_title(call, fontsize=7)
            axes.set_xticks([])
            axes.set_yticks([])
        drawn = BytesIO()
        figure.savefig(drawn, format="png")
    # a palette of greys and of the signed map's own colours: a quarter of the bytes, and nobody sees it
    greys = np.repeat(np.linspace(0, 255, 80), 3)
    colours = 255 * mpl.colormaps["RdBu_r"](np.linspace(0, 1, 80))[:, :3]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([greys, colours.ravel()]).round().astype(np.uint8).tobytes())
    small = Image.open(drawn).convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    small.save(Path(__file__).with_name("camera.png"), optimize=True)


if __name__ == "__main__":
    main()
