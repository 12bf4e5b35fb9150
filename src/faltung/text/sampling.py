"""Which symbol is taken: by lot among the likely ones, or always the likeliest."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..arguments import integer, real
from ..errors import ParameterError
from ..networks.gated import GatedConvNet


def probabilities(scores_NV: Tensor, *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """The distribution (N, V) from which a symbol is drawn, float64.

    Args:
        scores_NV: of a network; their softmax are its own probabilities.
        temperature: they are divided by this; below 1 the likely gets likelier. 0 takes the likeliest alone.
        top_k: keep so many of the likeliest symbols; 0 keeps all.
        top_p: keep the fewest symbols whose probabilities sum to this or more (nucleus), of those that `top_k` left.

    Raises:
        ParameterError: a temperature below 0, top_k below 0, top_p outside 0 to 1 (0 is not allowed).

    Source: nucleus: Holtzman et al. 2020, "The curious case of neural text degeneration", ICLR.

    Example:
        >>> import torch
        >>> scores_NV = torch.tensor([[0.5, 0.25, 0.15, 0.1]]).log()
        >>> probabilities(scores_NV, top_p=0.7).tolist()[0][2:]
        [0.0, 0.0]
    """
    if real("temperature", temperature) < 0:
        raise ParameterError(f"temperature={temperature:g}: 0 or more is allowed; 0 takes the likeliest symbol")
    integer("top_k", top_k, least=0)
    if not 0 < real("top_p", top_p) <= 1:
        raise ParameterError(f"top_p={top_p:g}: above 0, up to 1 is allowed; for the likeliest alone, temperature=0")
    scores_NV = scores_NV.double()
    if temperature == 0:
        # the first of equals: nothing is left to chance
        return torch.zeros_like(scores_NV).scatter_(1, scores_NV.argmax(1, keepdim=True), 1.0)
    # the largest becomes 0 before it is divided, so no temperature is too small
    scores_NV = (scores_NV - scores_NV.amax(1, keepdim=True)) / temperature
    sorted_NV, order_NV = scores_NV.sort(dim=1, descending=True, stable=True)
    p_NV = sorted_NV.softmax(1)
    if top_k:
        p_NV[:, top_k:] = 0
        p_NV /= p_NV.sum(1, keepdim=True)
    # kept while those before it are less than top_p, so the first always is
    p_NV[p_NV.cumsum(1) - p_NV >= top_p] = 0
    return torch.zeros_like(p_NV).scatter_(1, order_NV, p_NV / p_NV.sum(1, keepdim=True))


def draw(
    net: GatedConvNet,
    prompt_L: Tensor,
    *,
    length: int,
    batch: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    banned: int | None = None,
) -> Iterator[Tensor]:
    """Symbols (N,) that go on from a prompt (L,), one step after the other, `length` of them.

    Random numbers are drawn from a generator of their own on the CPU, in a fixed order: the same seed gives the same
    text, and torch's own state is left alone. Options are those of `probabilities`; `banned` is a symbol never drawn.
    """
    generator = torch.Generator().manual_seed(integer("seed", seed, least=0))
    stream = net.stream(batch)
    scores_NV = stream.feed(prompt_L.expand(batch, -1))
    for place in range(length):
        if banned is not None:
            scores_NV[:, banned] = -torch.inf
        sums_NV = probabilities(scores_NV, temperature=temperature, top_k=top_k, top_p=top_p).cpu().cumsum(1)
        # a number in [0, sum) and the first symbol whose sum exceeds it; one of probability 0 adds nothing, so is none
        lot_N1 = torch.rand(batch, 1, generator=generator, dtype=torch.float64) * sums_NV[:, -1:]
        tokens_N = torch.searchsorted(sums_NV, lot_N1, right=True)[:, 0].to(prompt_L.device)
        yield tokens_N
        if place + 1 < length:
            scores_NV = stream.step(tokens_N)
