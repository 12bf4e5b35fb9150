"""Small networks that read digits: made, trained and measured, for the experiments on dropout and on shifts.

Every number here comes from the seed alone: torch's own random state is left as it was, and all work is done on one
thread, because sums in another order would end in other networks.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..data import digits
from ..errors import MissingDependency
from ..spec import Array

if TYPE_CHECKING:
    import torch

INSTALL = 'pip install "faltung[nn]"'

Noise = Literal["bernoulli", "gaussian"]


def digit_tensors(num_digits: int = 8000) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]":
    """Digits to train with and all 2,000 to test with, as tensors.

    Args:
        num_digits: how many to train with, 1 to 8,000; fewer are fewer of each class.

    Returns:
        Images to train with, float32 (digit, 1, 28, 28) from 0 (paper) to 1 (ink); their labels, int64 (digit,); the
        images and labels to test with.

    Raises:
        MissingDependency: torch or the digits are not installed; the message holds the line that installs them.

    Example:
        >>> images, labels, test_images, test_labels = digit_tensors(1000)
        >>> tuple(images.shape), tuple(test_images.shape)
        ((1000, 1, 28, 28), (2000, 1, 28, 28))
    """
    torch = _torch()
    parts: list[Any] = []
    for part, count in (("train", num_digits), ("test", None)):
        found = digits(part)
        parts += [torch.from_numpy(found.x[:count].astype(np.float32) / 255), torch.from_numpy(found.y[:count])]
    return tuple(parts)


def dense_net(
    hidden: int,
    *,
    p_input: float = 0.0,
    p_hidden: float = 0.0,
    noise: Noise = "bernoulli",
    num_pixels: int = 784,
    layers: int = 2,
    seed: int = 0,
) -> "torch.nn.Sequential":
    """A net of dense layers and ReLU, from pixels to ten answers, untrained.

    Args:
        hidden: units of each hidden layer.
        p_input: share of the pixels that dropout deletes at each step of training; 0 leaves the layer out.
        p_hidden: the same for hidden units.
        noise: `"bernoulli"` deletes and multiplies the rest by 1 / (1 − p), `"gaussian"` multiplies every unit by a
            normal variable of the same mean and variance, 1 and p / (1 − p).
        num_pixels: of a picture, all rows together.
        layers: hidden layers.
        seed: of the weights that it starts with.
    """
    torch = _torch()
    nn = torch.nn
    with seeded(seed):
        parts: list[Any] = [nn.Flatten(), *([_dropout(noise, p_input)] if p_input else [])]
        for width in [num_pixels, *[hidden] * (layers - 1)]:
            parts += [nn.Linear(width, hidden), nn.ReLU(), *([_dropout(noise, p_hidden)] if p_hidden else [])]
        return nn.Sequential(*parts, nn.Linear(hidden, 10))


def conv_net(*, channels: tuple[int, int, int] = (8, 16, 32), seed: int = 0) -> "torch.nn.Sequential":
    """A net of three convolutions, 5 x 5, 5 x 5 and 3 x 3, the first two of stride 2, untrained.

    The largest value of each map is all that the last layer sees, and pictures go on at the opposite side (circular
    padding): so a shift by 4 pixels changes no answer, whatever the weights.

    Args:
        channels: maps after each convolution.
        seed: of the weights that it starts with.
    """
    nn = _torch().nn
    # loads torch, so not at the top
    from ..nn import Conv2d

    with seeded(seed):
        parts: list[Any] = []
        for before, after, size, stride in zip((1, *channels), channels, (5, 5, 3), (2, 2, 1), strict=False):
            parts.append(Conv2d(before, after, size, stride=stride, padding=size // 2, padding_mode="circular"))
            parts.append(nn.ReLU())
        return nn.Sequential(*parts, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 10))


def train(
    net: "torch.nn.Module",
    images: "torch.Tensor",
    labels: "torch.Tensor",
    *,
    epochs: int,
    rate: float = 1e-3,
    batch: int = 50,
    l1: float = 0.0,
    l2: float = 0.0,
    max_norm: float = 0.0,
    seed: int = 0,
) -> "torch.nn.Module":
    """Train a net in place with Adam, whose rate falls to 0 in a straight line.

    Args:
        images: float32, the net's input in its first axis.
        labels: int64 (digit,).
        epochs: how often every digit is seen.
        rate: the rate at the beginning.
        batch: digits a step.
        l1: weight of the sum of all |w|, added to the mean cross entropy; biases are not counted.
        l2: weight of half the sum of all w².
        max_norm: the largest norm of the weights that come into one unit (or filter), kept after every step; 0 keeps
            none.
        seed: of the order of digits, and of dropout.

    Returns:
        The same net, in evaluation mode.
    """
    torch = _torch()
    weights = [w for w in net.parameters() if w.ndim > 1]
    # fused: one pass over the weights, a fifth of a step's time saved in a net of 800 units
    adam = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    num_steps = epochs * -(-len(images) // batch)
    net.train()
    with seeded(seed):
        # every epoch in another order; its last step takes what is left
        chosen = itertools.chain.from_iterable(torch.randperm(len(images)).split(batch) for _ in range(epochs))
        for step, some in enumerate(chosen):
            loss = torch.nn.functional.cross_entropy(net(images[some]), labels[some])
            if l1:
                loss = loss + l1 * sum(w.abs().sum() for w in weights)
            if l2:
                loss = loss + l2 / 2 * sum(w.square().sum() for w in weights)
            adam.zero_grad()
            loss.backward()
            adam.param_groups[0]["lr"] = rate * (1 - step / num_steps)
            adam.step()
            if max_norm:
                with torch.no_grad():
                    for w in weights:
                        w.copy_(torch.renorm(w, 2, 0, max_norm))
    return net.eval()


def framed(images: "torch.Tensor", *, margin: int = 4, down: int = 0, right: int = 0) -> "torch.Tensor":
    """Pictures on a larger sheet of paper, moved by whole pixels; what leaves comes back at the opposite side.

    Args:
        images: (digit, 1, row, column).
        margin: pixels of paper added at every side.
        down, right: how far the pictures move.
    """
    torch = _torch()
    return torch.roll(torch.nn.functional.pad(images, (margin,) * 4), (down, right), (2, 3))


def scores(net: "torch.nn.Module", images: "torch.Tensor") -> Array:
    """What a trained net says about each digit: the larger, the likelier; float32, (digit, 10)."""
    torch = _torch()
    with torch.inference_mode(), seeded(0):
        return net(images).numpy()


def error_percent(net: "torch.nn.Module", images: "torch.Tensor", labels: "torch.Tensor") -> float:
    """Per cent of the digits that a trained net reads wrongly."""
    return 100 * float((scores(net, images).argmax(axis=1) != labels.numpy()).mean())


def deletion_errors(
    net: "torch.nn.Sequential",
    images: "torch.Tensor",
    labels: "torch.Tensor",
    *,
    shares: Sequence[float] | Array,
    draws: int = 20,
    seed: int = 0,
) -> Array:
    """Per cent of wrong answers when a random part of the last hidden layer is gone from a trained net.

    What is left counts 1 / (1 − share) times, so that the sums keep their size, as in dropout.

    Args:
        shares: which parts of the units go, each from 0 to below 1.
        draws: random choices of the units that go; the mean of all is returned.

    Returns:
        float64, (share,).
    """
    torch = _torch()
    with torch.inference_mode(), seeded(seed):
        hidden = net[:-1](images)
        width = hidden.shape[1]
        errors = np.zeros((len(shares), draws))
        for row, share in enumerate(shares):
            num_kept = width - round(share * width)
            for draw in range(draws):
                kept = torch.randperm(width)[:num_kept]
                answers = hidden[:, kept] @ net[-1].weight[:, kept].T * (width / num_kept) + net[-1].bias
                errors[row, draw] = 100 * float((answers.argmax(1) != labels).double().mean())
        return errors.mean(axis=1)


def activations(net: "torch.nn.Sequential", images: "torch.Tensor", layer: int) -> Array:
    """What the units of one hidden layer of a trained dense net answer, after their ReLU.

    Args:
        layer: 0 is the first.

    Returns:
        float32, (digit, unit).
    """
    torch = _torch()
    ends = [place for place, part in enumerate(net) if isinstance(part, torch.nn.ReLU)]
    with torch.inference_mode(), seeded(0):
        return net[: ends[layer] + 1](images).numpy()


def noise_factors(noise: Noise, p: float, count: int, *, seed: int = 0) -> Array:
    """What a dropout layer multiplies units by in training: `count` draws, float32.

    Args:
        noise: as in `dense_net`.
        p: the share that Bernoulli's kind deletes; below 1.
    """
    torch = _torch()
    with seeded(seed):
        return _dropout(noise, p).train()(torch.ones(count)).numpy()


def num_parameters(net: "torch.nn.Module") -> int:
    """How many numbers training may change."""
    return sum(w.numel() for w in net.parameters())


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch draws from this seed and works on one thread; afterwards all is as it was."""
    torch = _torch()
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _dropout(noise: Noise, p: float) -> Any:
    # loads torch, so not at the top
    from ..nn import Dropout, GaussianDropout

    return (Dropout if noise == "bernoulli" else GaussianDropout)(p)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingDependency(f"networks are trained with torch, which is not installed: {INSTALL}") from error
    return torch
