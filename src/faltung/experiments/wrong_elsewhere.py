"""Items 5 and 20 once more: inputs on which other libraries are wrong or give up, beside what must come out."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, shown, whole


@dataclass(frozen=True)
class Inputs(Parameters):
    """How long, how many, and which random numbers."""

    zeros: int = whole(10_000, 0, 100_000, "zeros before the powers of ten")
    samples: int = whole(1000, 400, 5000, "samples of the signal with one NaN")
    taps: int = whole(200, 2, 300, "taps that go over it")
    side: int = whole(64, 20, 200, "rows and columns of the picture with one NaN")
    kernel: int = whole(13, 1, 19, "rows and columns of the kernel that goes over it")
    seed: int = whole(0, 0, 9999, "which random numbers")


@dataclass(frozen=True)
class Answers:
    """What SciPy and NumPy answer (theirs), and what Faltung does (ours)."""

    powers: Array
    exact: Array
    powers_theirs: Array
    powers_ours: Array
    line_theirs: Array
    line_ours: Array
    line_omitted: Array
    picture_theirs: Array
    picture_ours: Array
    bytes_theirs: Array
    bytes_ours: Array
    digits_theirs: int
    digits_ours: int
    shape_theirs: tuple[int, ...]
    shape_ours: tuple[int, ...]
    long_theirs: str
    long_ours: Array
    slope_theirs: float
    slope_ours: float
    slope_unit: float


def compute(p: Inputs) -> Answers:
    """The same input to both, case by case."""
    import scipy.ndimage
    import scipy.signal

    rng = np.random.default_rng(p.seed)

    # small numbers beside huge ones: a transform errs by the largest everywhere
    powers = 10.0 ** np.arange(0, 82, 9)
    a = np.concatenate([np.zeros(p.zeros), powers])
    tail = [Fraction(10) ** n for n in range(0, 82, 9)]
    exact = np.array([float(sum(tail[i] * tail[n - i] for i in range(10) if 0 <= n - i < 10)) for n in range(19)])
    powers_theirs = scipy.signal.convolve(a, a)[2 * p.zeros :]
    powers_ours = ft.convolve(a, a)[2 * p.zeros :]

    # one sample that is not a number
    x = rng.standard_normal(p.samples)
    x[p.samples // 2] = np.nan
    line_theirs = scipy.signal.fftconvolve(x, np.ones(p.taps), "same")
    line_ours = ft.convolve(x, np.ones(p.taps), mode="same")
    line_omitted = ft.convolve(x, np.ones(p.taps), mode="same", nan="omit")

    # and one pixel
    picture = rng.standard_normal((p.side, p.side))
    picture[p.side // 2, p.side // 2] = np.nan
    square = np.ones((p.kernel, p.kernel))
    picture_theirs = scipy.signal.fftconvolve(picture, square, "same")
    picture_ours = ft.convolve(picture, square, mode="same")

    # integers that do not fit
    pixels = np.array([200, 100], np.uint8)
    bytes_theirs, bytes_ours = np.convolve(pixels, pixels), ft.convolve(pixels, pixels)
    large = np.array([2**62 + 1])
    digits_theirs, digits_ours = int(scipy.ndimage.convolve(large, [1])[0]), int(ft.convolve(large, [1])[0])

    # an axis that is broadcast, and a kernel longer than the signal
    row, bank = np.ones((1, 100)), np.ones((7, 10))
    shape_theirs = scipy.signal.fftconvolve(row, bank, "same", axes=1).shape
    shape_ours = ft.convolve(row, bank, mode="same", axes=1).shape
    try:
        scipy.signal.convolve2d(np.ones((1, 3)), np.ones((1, 9)), "same", boundary="reflect")
        long_theirs = "an answer"
    except ValueError as error:
        long_theirs = str(error)
    long_ours = ft.convolve([1.0, 2.0, 3.0], np.ones(9), mode="same", boundary="reflect")

    # the slope of a ramp that rises by 1 a pixel
    ramp = np.tile(np.arange(9.0), (9, 1))
    slope_theirs = float(scipy.ndimage.sobel(ramp, axis=1)[4, 4])
    slope_ours, slope_unit = float(ft.sobel(ramp, axis=1)[4, 4]), float(ft.sobel(ramp, axis=1, scale="unit")[4, 4])

    return Answers(
        powers=powers,
        exact=exact,
        powers_theirs=powers_theirs,
        powers_ours=powers_ours,
        line_theirs=line_theirs,
        line_ours=line_ours,
        line_omitted=line_omitted,
        picture_theirs=picture_theirs,
        picture_ours=picture_ours,
        bytes_theirs=bytes_theirs,
        bytes_ours=bytes_ours,
        digits_theirs=digits_theirs,
        digits_ours=digits_ours,
        shape_theirs=shape_theirs,
        shape_ours=shape_ours,
        long_theirs=long_theirs,
        long_ours=long_ours,
        slope_theirs=slope_theirs,
        slope_ours=slope_ours,
        slope_unit=slope_unit,
    )


def check(p: Inputs, r: Answers) -> tuple[Golden, ...]:
    """What must come out, whatever is asked elsewhere."""
    return (
        Golden("wrong outputs of 19, powers of ten behind zeros", 0, _wrong(r.powers_ours, r.exact)),
        Golden("NaN among the samples: one for each tap", p.taps, int(np.isnan(r.line_ours).sum())),
        Golden('NaN with nan="omit"', 0, int(np.isnan(r.line_omitted).sum())),
        Golden("NaN in the picture: one for each weight", p.kernel**2, int(np.isnan(r.picture_ours).sum())),
        Golden("uint8 [200, 100] with itself", [40000, 40000, 10000], r.bytes_ours),
        Golden("the last digit of 2⁶² + 1", str(2**62 + 1), str(r.digits_ours)),
        Golden("(1, 100) with (7, 10) along axis 1, same", [7, 100], list(r.shape_ours)),
        Golden("9 taps on 1 2 3, reflected again and again", [17.0, 18.0, 19.0], r.long_ours),
        Golden("Sobel of a ramp: as printed, and per unit", [8.0, 1.0], [r.slope_ours, r.slope_unit]),
    )


def draw(p: Inputs, r: Answers) -> tuple[Panel | Table, ...]:
    """Errors over the outputs, what one pixel spoils, and all cases in a table."""
    figure, axes = drawing.sheet("wide")
    floor = 1e-17
    index = np.arange(19)
    for values, role, name in ((r.powers_theirs, "other", "scipy.signal"), (r.powers_ours, "output", "Faltung")):
        error = np.maximum(np.abs(values - r.exact) / r.exact, floor)
        drawing.line(axes, index, error, role, name, marker="o", markersize=4)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:.0e}")
    axes.minorticks_off()
    drawing.label(axes, "How far off, output by output", "output", "relative error", legend="center right")
    wrong = _wrong(r.powers_theirs, r.exact)
    powers = Panel(
        figure,
        f"Relative error of the 19 outputs that are not zero: SciPy's automatic choice has {wrong} wrong, by up to "
        f"{float(np.max(np.abs(r.powers_theirs - r.exact) / r.exact)):.0e} times the value; Faltung has none.",
        "Powers of ten behind many zeros, convolved with themselves. A transform of everything errs by a part of the "
        "largest number everywhere, and small outputs drown in it. (Errors of 0 are drawn at the lower edge.)",
        "wide",
    )
    panels = []
    for values, name in ((r.picture_theirs, "scipy.signal.fftconvolve"), (r.picture_ours, "Faltung")):
        figure, axes = drawing.sheet()
        spoiled = np.isnan(values)
        drawing.grey(axes, 1.0 - spoiled, f"{name}: {int(spoiled.sum()):,} NaN")
        panels.append(
            Panel(
                figure,
                f"{p.side} by {p.side} pixels, black where the result is NaN: {int(spoiled.sum())} of {spoiled.size}.",
                f"One pixel is NaN; a kernel of {p.kernel} by {p.kernel} goes over it. Black is what it spoiled.",
            )
        )
    rows = (
        (
            f"{p.zeros:,} zeros, then 10⁰, 10⁹ … 10⁸¹",
            f"scipy.signal.convolve: {wrong} of 19 wrong",
            f"{_wrong(r.powers_ours, r.exact)} wrong",
        ),
        (
            f"one NaN in {p.samples:,} samples, {p.taps} taps",
            f"scipy.signal.fftconvolve: {int(np.isnan(r.line_theirs).sum()):,} NaN",
            f'{int(np.isnan(r.line_ours).sum())} NaN, 0 with nan="omit"',
        ),
        (
            f"one NaN in {p.side}×{p.side}, {p.kernel}×{p.kernel} weights",
            f"scipy.signal.fftconvolve: {int(np.isnan(r.picture_theirs).sum()):,} NaN",
            f"{int(np.isnan(r.picture_ours).sum())} NaN",
        ),
        ("uint8 200 100 with itself", f"np.convolve: {shown(r.bytes_theirs)}", shown(r.bytes_ours)),
        ("2⁶² + 1 with 1", f"scipy.ndimage.convolve: {r.digits_theirs:,}", f"{r.digits_ours:,}"),
        (
            "(1, 100) with (7, 10), same, axis 1",
            f"scipy.signal.fftconvolve: {r.shape_theirs}",
            str(r.shape_ours),
        ),
        ('9 taps on 1 2 3, boundary "reflect"', f"scipy.signal.convolve2d: {r.long_theirs}", shown(r.long_ours)),
        (
            "Sobel of a ramp of slope 1",
            f"scipy.ndimage.sobel: {shown(r.slope_theirs)}, and no name for it",
            f'{shown(r.slope_ours)}, or {shown(r.slope_unit)} with scale="unit"',
        ),
    )
    table = Table("The same input, here and elsewhere", ("input", "elsewhere", "here"), rows)
    return powers, *panels, table


def _wrong(values: Array, exact: Array) -> int:
    """Outputs that are off by more than a millionth."""
    return int((np.abs(values - exact) > 1e-6 * exact).sum())


EXPERIMENT = Experiment(
    slug="wrong-elsewhere",
    items=(20,),
    title="Wrong elsewhere",
    goal="See on which inputs a fast convolution is quietly wrong, and what has to hold instead.",
    formula="|error| ≤ rtol · max(|kernel| ∗ |x|, Σ|kernel| · mean |x| of the window)",
    idea="An algorithm is taken for its speed, and the numbers pay. Transforms see everything at once, so one NaN or "
    "one huge sample is everywhere; narrow integers wrap; an axis is dropped; a boundary is missing. None of this "
    "raises an error.\n\n"
    "Here the choice of an algorithm looks at the data, tile by tile: a tile that could err by more than is promised, "
    "or holds NaN, is summed directly. So the answer is the same by every algorithm, and only the time differs.",
    parameters=Inputs,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Take no zeros in front: SciPy then sums directly, and is right.",
        'Ask for method="fft" on the powers of ten: it is refused, with the number of tiles that would have erred.',
        'Give the signal weights= of 0 where it is NaN: the same as nan="omit".',
    ),
    surprise="SciPy's answer depends on how many zeros stand in front: they decide which algorithm it takes.",
)
