import itertools

import pytest
import torch

from faltung.nn.dropout.philox import derived_keys, philox, words_at

CPU = torch.device("cpu")

# known answers of Random123 (Salmon et al.): counter, key -> words
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def in_words(text):
    return [torch.tensor(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    assert [*philox(in_words(counter), in_words(key))] == in_words(expected)


def plain(counter, key):
    """The definition, in Python's integers."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (q >> 32) ^ b ^ k0, q % 2**32, (p >> 32) ^ d ^ k1, p % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return a, b, c, d


@pytest.mark.parametrize(
    ("origin", "shape"),
    [
        ((3,), (9,)),
        ((-5,), (11,)),
        ((1, 2), (2, 5)),
        ((0, -1, 6), (2, 2, 3)),
        ((2, 0, 1, 3), (2, 2, 1, 6)),
        ((0, 0, 0, 4, 1), (2, 3, 1, 2, 3)),
    ],
)
def test_each_place_has_the_word_of_its_own_counter(origin, shape):
    key, samples = 2**64 - 3, (0, 2**40 + 1)
    words = words_at(derived_keys(key, samples, CPU), origin, shape, CPU)
    assert words.shape == (2, *shape)
    for entry, sample in enumerate(samples):
        own = plain((sample % 2**32, sample >> 32, 0, 0), (key % 2**32, key >> 32))[:2]
        for index in itertools.product(*map(range, shape)):
            places = [0] * (4 - len(shape)) + [start + i for start, i in zip(origin, index, strict=True)]
            *leading, c, b, last = places
            d = 0
            for number, size in zip(leading, shape[: len(leading)] if len(shape) > 3 else [1], strict=True):
                d = d * size + number
            expected = plain((last // 4 % 2**32, b % 2**32, c % 2**32, d % 2**32), own)[last % 4]
            assert words[(entry, *index)] == expected


def test_words_of_a_large_box_are_those_of_its_parts():
    keys = derived_keys(1, (4,), CPU)
    whole = words_at(keys, (0, 0), (300, 700), CPU)
    assert torch.equal(words_at(keys, (299, 650), (1, 50), CPU)[0], whole[0, 299:, 650:])
    assert whole.min() >= 0
    assert whole.max() < 2**32
    assert len(whole.unique()) > 0.9999 * whole.numel()
