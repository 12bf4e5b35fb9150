"""Where x lies and which mask is meant: what layers with a key make their masks of."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from torch import nn

from ...arguments import entries, integer
from ...errors import ParameterError, ShapeError

MOST_TILED = 3
"""Axes along which a picture may be cut into tiles."""


@dataclass(frozen=True)
class Place:
    """Origins and samples; one of each stands for the whole batch.

    Attributes:
        origins: places of the first element of x along the tiled axes, one tuple or one for each entry of the batch.
        samples: numbers of masks, one or one for each entry of the batch.
    """

    origins: tuple[tuple[int, ...], ...]
    samples: tuple[int, ...]


HERE: ContextVar[Place | None] = ContextVar("faltung_dropout_place", default=None)

DRAWN: ContextVar[Callable[..., Any] | None] = ContextVar("faltung_dropout_drawn", default=None)
"""Set by who runs several samples at once: gets whatever drops, and its arguments, to call it once for each sample."""


@contextmanager
def at(
    *, origin: Sequence[int] | Sequence[Sequence[int]] | None = None, sample: int | Sequence[int] | None = None
) -> Iterator[None]:
    """Say where x lies, and which mask is meant, for all dropout layers with a key that run inside the block.

    The mask of such a layer is a pure function of its key, the place in its own grid, and the sample. So tiles get
    the mask that the whole picture gets, whatever their size and order; the same sample gives the same mask again, in
    another process too; and no random generator is touched. Blocks may be nested: what is not said is kept.
    `torch.compile` compiles a layer with a key anew for new origins and samples.

    Args:
        origin: where the first element of x lies in the whole, along its last axes, in pixels of the network's input:
            (row, column) for pictures, up to three integers, negative ones allowed; or one such tuple for each entry of
            the batch. A layer behind strides divides it by its `grid`. Layers on (N, features) have no place and
            ignore it. At first zeros.
        sample: number of the mask, >= 0, or one for each entry of the batch, e.g. range(N). With one number all
            entries of the batch share their mask. At first 0.

    Raises:
        ParameterError: a number is no integer, or a sample is negative.
        ShapeError: origins of different or of more than three axes.

    Example:
        >>> import torch, faltung as ft
        >>> layer, picture = ft.nn.Dropout(0.5, key=1), torch.ones(1, 1, 6, 6)
        >>> with ft.nn.at(sample=3):
        ...     whole = layer(picture)
        >>> with ft.nn.at(origin=(2, 4), sample=3):
        ...     torch.equal(layer(picture[..., 2:5, 4:]), whole[..., 2:5, 4:])
        True
    """
    outer = HERE.get() or Place(((),), (0,))
    origins = outer.origins if origin is None else _origins(origin)
    token = HERE.set(Place(origins, outer.samples if sample is None else _samples(sample)))
    try:
        yield
    finally:
        HERE.reset(token)


def key_layers(module: nn.Module, seed: int = 0) -> dict[str, int]:
    """Give every dropout layer in `module` a key of its own, made of its name and a seed.

    Two layers of the same key would drop the same places. Keys are part of the model's code, as p is: they are not in
    the state dict, but the same names and seed give the same keys in every process. A layer that stands in a model
    twice has one key, and so one mask at both places.

    Args:
        module: any module; layers are found at any depth.
        seed: another one gives other masks everywhere.

    Returns:
        Name of each layer in `module`, and its key.

    Raises:
        ParameterError: there is no dropout layer of this library in `module`.

    Example:
        >>> import torch, faltung as ft
        >>> net = torch.nn.Sequential(ft.nn.Dropout(), torch.nn.ReLU(), ft.nn.Dropout2d())
        >>> list(ft.nn.key_layers(net))
        ['0', '2']
    """
    from .base import Droppable

    seed = integer("seed", seed)
    found = {name: part for name, part in module.named_modules() if isinstance(part, Droppable)}
    if not found:
        raise ParameterError(
            f"there is no dropout layer of faltung.nn in this {type(module).__name__}: torch.nn's layers take no key, "
            "faltung.nn has layers of the same names that do"
        )
    keys = {name: int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little") for name in found}
    for name, part in found.items():
        if part.generator is not None:
            raise ParameterError(
                f"layer {name!r} has a generator of its own, which excludes a key: set it to None first"
            )
        part.key = keys[name]
    return keys


def parse_key(key: int | None) -> int | None:
    """A key of 64 bits, or None."""
    if key is not None and not 0 <= integer("key", key) < 2**64:
        raise ParameterError(f"key={key}: an integer from 0 to 2**64 - 1 is allowed; key_layers gives every layer one")
    return key


def _origins(origin: Sequence[int] | Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    listed = entries(origin)
    if not listed:
        raise ParameterError(
            f"origin={origin!r}: integers are expected, e.g. (row, column), or one such tuple an entry"
        )
    inner = [entries(entry) for entry in listed]
    each = [listed] if all(entry is None for entry in inner) else inner
    if any(entry is None or len(entry) != len(each[0] or ()) for entry in each):
        raise ShapeError(f"origin={origin!r}: every entry of the batch needs an origin of equally many integers")
    found = tuple(tuple(integer("origin", number) for number in entry or ()) for entry in each)
    if not 1 <= len(found[0]) <= MOST_TILED:
        raise ShapeError(f"origin={origin!r} has {len(found[0])} axes: 1 to {MOST_TILED} are allowed")
    return found


def _samples(sample: int | Sequence[int]) -> tuple[int, ...]:
    listed = entries(sample)
    if listed is not None and not listed:
        raise ParameterError("sample has no entries: give one integer, or one for each entry of the batch")
    return tuple(integer("sample", number, least=0) for number in ([sample] if listed is None else listed))
