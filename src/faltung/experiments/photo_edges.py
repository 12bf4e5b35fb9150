"""Item 19, hands-on: from a colour photograph to its edges, step by step."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from .. import data
from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, words
from .pictures import load_photo


@dataclass(frozen=True)
class PhotoEdges(Parameters):
    """The photograph and how much it is blurred before its contours are traced."""

    photo: str = words("coffee", "a photograph's name, or a file")
    sigma: float = real(2.0, 0.5, 20.0, "blur before the contours are traced, in pixels")


@dataclass(frozen=True)
class Traced:
    """The photograph at every station."""

    photo: Array
    grey: Array
    across: Array
    by_scipy: Array
    combined: Array
    kernel_alone: Array
    contours: Array


def compute(p: PhotoEdges) -> Traced:
    """Picture, grey, kernel, convolve, combine; then contours."""
    import scipy.signal

    photo = load_photo(p.photo)
    grey = data.to_grey(photo) if photo.ndim == 3 else photo

    # exercise 1: the slope from left to right, as the slide asks for it
    sobel_x = ft.kernels.sobel(axis=1, dtype=np.float32)
    across = ft.convolve(grey, sobel_x, mode="same", boundary="symmetric")
    by_scipy = scipy.signal.convolve2d(grey, sobel_x, mode="same", boundary="symm")

    # exercise 2: both slopes combined
    sobel_y = ft.kernels.sobel(axis=0, dtype=np.float32)
    down = ft.convolve(grey, sobel_y, mode="same", boundary="symmetric")
    combined = np.hypot(across, down)

    # what the slide's last plot shows under the title "Sobel Applied"
    kernel_alone = np.absolute(sobel_y)

    # a line one pixel wide along every outline
    contours = ft.canny(grey, sigma=p.sigma)
    return Traced(photo, grey, across, by_scipy, combined, kernel_alone, contours)


def check(p: PhotoEdges, r: Traced) -> tuple[Golden, ...]:
    """Golden numbers and laws."""
    peak = float(r.combined.max())
    signed = ft.sobel(r.grey, axis=1)
    return (
        Golden("the output is as large as the input", list(r.grey.shape), list(r.across.shape)),
        Golden(
            "SciPy's convolve2d(symm, same), largest difference",
            0.0,
            float(np.abs(r.across - r.by_scipy).max()),
            1e-5 * peak,
        ),
        Golden(
            "exercise 1 = −faltung.sobel(axis=1): the flip", 0.0, float(np.abs(r.across + signed).max()), 1e-5 * peak
        ),
        Golden("exercise 2 = faltung.sobel", 0.0, float(np.abs(r.combined - ft.sobel(r.grey)).max()), 1e-5 * peak),
        Golden("numbers in the plot titled “Sobel Applied”", 9, int(r.kernel_alone.size)),
    )


def draw(p: PhotoEdges, r: Traced) -> tuple[Panel | Table, ...]:
    """Every station as a picture."""
    size = f"{r.grey.shape[0]} by {r.grey.shape[1]} pixels"
    height = 390 * r.grey.shape[0] / r.grey.shape[1]
    figure, axes = drawing.sheet(height=height + 22)
    drawing.grey(axes, np.clip(r.photo, 0, 1), "1  Photograph")
    photo = Panel(
        figure,
        f"The photograph, {size}.",
        "What the camera gave: three numbers per pixel."
        if r.photo.ndim == 3
        else "What the camera gave: one number per pixel.",
    )
    figure, axes = drawing.sheet(height=height + 22)
    drawing.grey(axes, r.grey, "2  Grey")
    grey = Panel(
        figure,
        f"The photograph in grey, {size}, mean {r.grey.mean():.2f}.",
        "0.2126 red + 0.7152 green + 0.0722 blue: as bright as the colour looks.",
    )
    figure, axes = drawing.sheet(height=height + 66)
    drawing.signed(axes, r.across, "3  Exercise 1: convolved with Gx")
    across = Panel(
        figure,
        f"Convolved with Gx: from {r.across.min():.2f} to {r.across.max():.2f}. Red falls to the right, blue rises, "
        "because convolution flips the kernel.",
        "Red falls to the right, blue rises: convolve2d flips the kernel, so the sign is turned.",
    )
    figure, axes = drawing.sheet(height=height + 66)
    drawing.magnitude(axes, r.combined, "4  Exercise 2: both combined")
    combined = Panel(
        figure,
        f"Edge strength: 0 to {r.combined.max():.2f}, half of all pixels below {np.median(r.combined):.3f}.",
        "√(Gx² + Gy²): the sign no longer matters.",
    )
    figure, axes = drawing.sheet(height=height + 22)
    drawing.grey(axes, 1.0 - r.contours, "5  Contours")
    share = float(r.contours.mean())
    contours = Panel(
        figure,
        f"Contours, one pixel wide, on {share:.1%} of the pixels.",
        f"Canny: blur by {p.sigma:g}, keep the ridge of the strength, follow it while it lasts.",
    )
    figure, axes = drawing.sheet(height=height + 22)
    drawing.numbers(axes, r.kernel_alone.astype(int), "kernel", "What the slide plots")
    alone = Panel(
        figure,
        "The nine numbers 1 2 1 / 0 0 0 1 2 1: the absolute values of the kernel Gy.".replace("0 0 0 1", "0 0 0 / 1"),
        "The slide's picture titled “Sobel Applied”: the kernel, not the photograph.",
    )
    return photo, grey, across, combined, contours, alone


EXPERIMENT = Experiment(
    slug="photo-edges",
    items=(19,),
    title="Hands-on: the edges of a photograph",
    goal="Go all the way from a colour photograph to its outlines, one line of code per station.",
    formula="photograph → grey → kernel → convolve(same, symmetric) → combine → plot",
    idea="Colour is turned to grey, because an edge is a change of brightness. The grey picture is convolved with Gx "
    "(exercise 1) and with Gy, and the two are combined (exercise 2). “Same” keeps the size; “symmetric” mirrors the "
    "picture at its rim, so that the rim itself is no edge. The last station thins the edges to lines.",
    parameters=PhotoEdges,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        'Use boundary="zero": a bright frame appears round the result. Why?',
        "Take your own picture: faltung tour --picture cat.jpg.",
        "Raise sigma to 5: only the large outlines are left.",
    ),
    surprise="The mirror boundary is no decoration. With zeros outside, the strongest edge of almost every photograph "
    "is "
    "its own rim.",
    slips=(
        "The last plot of the exercise is titled “Sobel Applied” and calls imshow(np.absolute(sobel_y)): that draws "
        "the "
        "nine numbers of the kernel. It should draw the convolved picture.",
    ),
)
