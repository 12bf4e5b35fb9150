import inspect
from typing import Any

import pytest
import torch

import faltung as ft

OURS = ("boundary", "method")


@pytest.mark.parametrize("name", [n for n in ft.nn.functional.__all__ if n != "long_conv1d"])
def test_signatures_are_torchs_with_ours_behind(name: str) -> None:
    function, theirs = ft.nn.functional.__dict__[name], getattr(torch.nn.functional, name)
    if function is theirs:
        return
    parameters = inspect.signature(function).parameters
    ours = [n for n, p in parameters.items() if p.kind is not p.KEYWORD_ONLY]
    extra = [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    assert set(extra) <= set(OURS)
    if name.startswith(("conv", "avg_pool")):
        # built in: the signature is the first line of the page
        words = theirs.__doc__.strip().split("->")[0].strip().split("(", 1)[1].rstrip(" )")
        assert ours == [word.split("=")[0].strip() for word in words.split(",")]
    elif not name.startswith("max_pool"):
        assert ours == list(inspect.signature(theirs).parameters)
    else:
        assert ours == list(inspect.signature(getattr(torch.nn.functional, f"{name}_with_indices")).parameters)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_functions_give_what_torchs_give(n: int) -> None:
    x, w, b = torch.randn(2, 4, *[9] * n), torch.randn(4, 1, *[3] * n), torch.randn(4)
    for name in (f"conv{n}d", f"conv_transpose{n}d"):
        ours, theirs = getattr(ft.nn.functional, name), getattr(torch.nn.functional, name)
        options: dict[str, Any]
        for options in ({}, {"stride": 2, "padding": 1}, {"dilation": [2], "padding": [1] * n}):
            torch.testing.assert_close(ours(x, w, b, **options, groups=4), theirs(x, w, b, **options, groups=4))
    same = (
        getattr(home, f"conv{n}d")(x, w, padding="same", groups=4) for home in (ft.nn.functional, torch.nn.functional)
    )
    torch.testing.assert_close(*same)


def test_unfold_and_fold_are_torchs_and_each_others_transpose() -> None:
    x = torch.randn(2, 3, 6, 7)
    columns = ft.nn.functional.unfold(x, (2, 3), padding=1, stride=2)
    assert torch.equal(columns, torch.nn.functional.unfold(x, (2, 3), padding=1, stride=2))
    y = torch.randn_like(columns)
    back = ft.nn.functional.fold(y, (6, 7), (2, 3), padding=1, stride=2)
    torch.testing.assert_close((columns * y).sum(), (x * back).sum())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"groups": 3}, r"groups=3 does not divide its 4 channels"),
    ({"weight": torch.zeros(4, 4)}, r"weight has 2 axes, \(4, 4\): \(O, C / groups, kL\)"),
    ({"bias": torch.zeros(3)}, r"bias is \(3,\): \(4,\) is expected"),
    ({"stride": 0}, "stride=0: at least 1"),
    ({"stride": 1.5}, "stride=1.5: an integer"),
    ({"padding": -1}, "padding=-1: at least 0"),
    ({"padding": float("nan")}, "padding=nan: an integer"),
    ({"padding": "full"}, "padding='full': allowed are"),
    ({"padding": "same", "stride": 2}, 'padding="same" with stride'),
    ({"dilation": (1, 2)}, "2 entries for 1 axes"),
    ({"boundary": "mirror"}, 'NumPy\'s "reflect"'),
    ({"boundary": "ignore"}, "faltung.correlate has"),
    ({"method": "quick"}, "method='quick': allowed are \"auto\""),
    ({"input": torch.zeros(1, 4, 2)}, "has 2 samples; a kernel of 3 spans 3: at least 3 samples are needed"),
    ({"input": torch.zeros(1, 9, 4)}, r"x has 9 channels, \(1, 9, 4\): 4 are expected; channels seem to be last"),
    ({"input": torch.zeros(4)}, r"x has 1 axes, \(4,\): \(N, C, L\) is expected.*x\[None\]"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_wrong_calls_are_refused_in_words(given: dict[str, Any], message: str) -> None:
    right = {"input": torch.zeros(1, 4, 9), "weight": torch.zeros(4, 4, 3)}
    with pytest.raises(ft.FaltungError, match=message):
        ft.nn.functional.conv1d(**(right | given))
