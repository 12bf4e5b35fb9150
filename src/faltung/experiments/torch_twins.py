"""Item 7, and the twin of item 13: the same with torch, whose layers correlate, and which can learn the kernel."""

from dataclasses import dataclass

import numpy as np

import faltung as ft

from ..spec import Array
from . import drawing
from .drawing import Panel
from .experiment import Experiment, Golden, Parameters, Table, real, whole


@dataclass(frozen=True)
class TorchTwins(Parameters):
    """A top-hat, a lopsided window, and how the window is learned."""

    length: int = whole(300, 60, 3000, "samples of the signal")
    taps: int = whole(50, 3, 100, "samples of the window")
    lean: float = real(2.0, 0.0, 10.0, "how lopsided the window is; at 0 it is symmetric")
    steps: int = whole(20, 1, 500, "steps of gradient descent")
    seed: int = whole(0, 0, 9999, "the noise from which the window is learned")


@dataclass(frozen=True)
class Twins:
    """Results of both libraries, and the window learned."""

    signal: Array
    window: Array
    ours: Array
    flipped: Array
    unflipped: Array
    picture: Array
    slopes: Array
    pooled: Array
    losses: Array
    learned: Array
    early: Array


def compute(p: TorchTwins) -> Twins:
    """Smooth, take slopes, pool, and learn a kernel."""
    import torch

    # the workshop's exercise, with a window whose two ends differ
    signal = ft.kernels.tophat(p.length, p.length // 3, 2 * p.length // 3)
    window = ft.kernels.hann(p.taps) * np.exp(-p.lean * np.arange(p.taps) / p.taps)
    window = window / window.sum()
    ours = ft.convolve(signal, window)

    # a layer correlates: it convolves if its weights are flipped
    x = torch.from_numpy(signal)[None, None]
    correlation = torch.nn.Conv1d(1, 1, p.taps, padding=p.taps - 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        correlation.weight[0, 0] = torch.from_numpy(window)
        unflipped = correlation(x)[0, 0].numpy()
        correlation.weight[0, 0] = torch.from_numpy(window).flip(0)
        flipped = correlation(x)[0, 0].numpy()

    # slopes of a picture: the layer's twin takes the same weights and gives the same numbers
    picture = ft.data.photograph("camera")[60:188, 180:308] / 255.0
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    twin = ft.nn.Conv2d(1, 1, 3, padding="same", boundary="symmetric", bias=False, dtype=torch.float64)
    twin.load_state_dict({"weight": sobel[None, None]})
    slopes = twin(torch.from_numpy(picture)[None, None])[0, 0].detach().numpy()

    # pooling
    row = torch.tensor([[0.8724, -1.1383, 0.0582, 0.3185, 1.9933, -0.6547, -0.8365, -0.0783, 0.5539, -0.5272]])
    pooled = ft.nn.MaxPool1d(3, stride=2)(row)[0].numpy()

    # the kernel learned from what it did to noise: convolve has gradients
    torch.manual_seed(p.seed)
    noise = torch.randn(4 * p.taps + 100, dtype=torch.float64)
    wanted = ft.convolve(noise, torch.from_numpy(window))
    guess = torch.zeros(p.taps, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([guess], max_iter=1, history_size=20)
    losses: list[float] = []
    early = guess.detach().numpy().copy()

    def loss() -> torch.Tensor:
        descent.zero_grad()
        error = torch.nn.functional.mse_loss(ft.convolve(noise, guess), wanted)
        error.backward()
        return error.detach()

    for step in range(p.steps):
        losses.append(float(descent.step(loss)))
        if step == 0:
            early = guess.detach().numpy().copy()
    learned = guess.detach().numpy()
    return Twins(signal, window, ours, flipped, unflipped, picture, slopes, pooled, np.array(losses), learned, early)


def check(p: TorchTwins, r: Twins) -> tuple[Golden, ...]:
    """Both libraries agree; the kernel comes back."""
    slopes = ft.sobel(r.picture, axis=1)
    reached = [
        Golden("torch.nn.Conv1d with flipped weights, largest difference", 0.0, _apart(r.flipped, r.ours), 1e-6),
        Golden("ft.nn.Conv2d and ft.sobel, largest difference", 0.0, _apart(r.slopes, slopes), 1e-6),
        Golden("MaxPool1d(3, stride=2)", [0.8724, 1.9933, 1.9933, 0.5539], r.pooled, 1e-6),
    ]
    if p.lean > 0:
        differ = "yes" if _apart(r.unflipped, r.ours) > 1e-6 else "no"
        reached.append(Golden("without the flip they differ", "yes", differ))
    if p.steps >= 20:
        reached.append(Golden("the learned window, largest difference", 0.0, _apart(r.learned, r.window), 1e-3))
    return tuple(reached)


def draw(p: TorchTwins, r: Twins) -> tuple[Panel | Table, ...]:
    """Flipped and unflipped; slopes; the kernel as it is learned."""
    figure, axes = drawing.sheet("wide")
    samples = np.arange(len(r.ours))
    drawing.line(axes, np.arange(p.length), r.signal, "input", "top-hat")
    drawing.line(axes, samples, r.ours, "output", "ft.convolve, and Conv1d with flipped weights")
    drawing.line(axes, samples, r.unflipped, "other", "Conv1d with the weights as they are")
    drawing.label(axes, "A layer correlates", "sample", "value", legend="upper right")
    drawing.headroom(axes, 0.15)
    both = Panel(
        figure,
        f"A top-hat of {p.length} samples smoothed with a lopsided window of {p.taps} taps. Convolved, and by a layer "
        f"with flipped weights, the results differ by {_apart(r.flipped, r.ours):.1g}; without the flip by up to "
        f"{_apart(r.unflipped, r.ours):.2f}.",
        "What deep learning calls convolution does not flip. With a symmetric window nobody notices.",
        "wide",
    )
    figure, axes = drawing.sheet()
    drawing.signed(axes, r.slopes, "Slopes by ft.nn.Conv2d")
    slopes = Panel(
        figure,
        f"The photograph's slopes from left to right, {r.slopes.min():.2f} to {r.slopes.max():.2f}.",
        'A Conv2d with Sobel\'s weights; boundary="symmetric" is one that torch lacks.',
    )
    figure, axes = drawing.sheet()
    taps = np.arange(p.taps)
    drawing.line(axes, taps, r.window, "kernel", "the window")
    drawing.line(axes, taps, r.early, "other", "after 1 step")
    drawing.line(axes, taps, r.learned, "output", f"after {p.steps} steps")
    drawing.label(axes, "The window, learned", "tap", "weight", legend="upper right")
    learned = Panel(
        figure,
        f"A kernel that began as zeros ends {_apart(r.learned, r.window):.1g} from the window that made the data.",
        "Only noise and its convolution were shown. The gradient by the kernel is itself a correlation.",
    )
    figure, axes = drawing.sheet()
    drawing.line(axes, np.arange(len(r.losses)), np.maximum(r.losses, 1e-30), "ink")
    axes.set_yscale("log")
    # plain words: powers set as formulas would not follow the theme
    axes.yaxis.set_major_formatter("{x:.0e}")
    drawing.label(axes, "Mean squared error", "step", "error")
    loss = Panel(
        figure,
        f"The error falls from {r.losses[0]:.2g} to {r.losses[-1]:.2g} in {len(r.losses)} steps.",
        "The error is a bowl in the weights, so going downhill ends in the right place.",
    )
    return both, slopes, learned, loss


def _apart(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max())


EXPERIMENT = Experiment(
    slug="torch-twins",
    items=(7,),
    title="The same with torch",
    goal="Repeat the exercise with a layer, find what it does differently, and let it learn its kernel.",
    formula="layer: y(t) = Σ w(s) x(t + s)     convolution: y(t) = Σ w(s) x(t − s)",
    idea="A layer of torch slides its weights over the input without flipping them, which is a correlation. Flip the "
    "weights and it convolves, to the last digits. For a layer that learns its weights the flip makes no difference: "
    "it would learn the flipped ones.\n\n"
    "Learning takes the gradient of the error by each weight. That gradient is again a correlation, of the input with "
    "the error, so the same engine computes it.",
    parameters=TorchTwins,
    compute=compute,
    check=check,
    draw=draw,
    try_this=(
        "Set lean to 0: the two curves become one, and the missing flip cannot be seen.",
        "Give it two steps of learning, then four: which taps come last?",
        "Make the window longer: more weights are to be found from the same kind of noise.",
    ),
    surprise="The gradient by a kernel of 50 taps costs about as much as the convolution itself, however many weights "
    "there are.",
)
