import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import faltung as ft
from layer_configs import TOLERANCES, apart, pair, results

NUM_CONFIGURATIONS = 1000
BOUNDARIES: list[Any] = [
    "zero",
    "edge",
    "symmetric",
    "reflect",
    "wrap",
    ("constant", 0.1),
    ("edge", "wrap"),
    (("constant", 2.0), "reflect"),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_a_thousand_random_layers_equal_those_of_torch_with_gradients() -> None:
    taken, refused, wrong = 0, 0, []
    for seed in itertools.count():
        if taken == NUM_CONFIGURATIONS:
            break
        case = pair(seed)
        try:
            expected = results(case.theirs, case.x)
        except RuntimeError:
            expected = {}
        # what torch refuses is refused, in words of our own; and empty results, which torch refuses at times
        if not expected or not expected["y"].numel():
            with pytest.raises(ft.FaltungError):
                case.ours(case.x)
            refused += 1
            continue
        taken += 1
        got = results(case.ours, case.x)
        found = {name: apart(expected[name], got[name]) for name in expected}
        if not max(found.values()) <= TOLERANCES[case.x.dtype]:
            wrong.append((case.words, found))
    assert not wrong
    assert 100 < refused < 500


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=str)
@pytest.mark.parametrize("method", ["auto", "torch", "direct"])
def test_a_layer_with_a_boundary_is_the_layer_on_x_extended_by_numpy(boundary: Any, method: Any) -> None:
    layer = ft.nn.Conv2d(2, 4, (4, 3), padding=(5, 2), groups=2, boundary=boundary, method=method, dtype=torch.float64)
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64)
    extended = x.numpy()
    for axis, margin in ((2, 5), (3, 2)):
        extended = _extended(extended, axis, margin, boundary)
    plain = torch.nn.functional.conv2d(torch.from_numpy(extended), layer.weight, layer.bias, groups=2)
    torch.testing.assert_close(layer(x), plain, rtol=1e-12, atol=1e-12)


def _extended(x: np.ndarray, axis: int, margin: int, boundary: Any) -> np.ndarray:
    """`numpy.pad`, whose sides are alike: both are made, and half of each is taken."""
    pair = boundary if isinstance(boundary, tuple) and boundary[0] != "constant" else (boundary, boundary)
    sides = []
    for side in pair:
        name, value = side if isinstance(side, tuple) else (side, 0)
        mode: Any = {"zero": "constant"}.get(name, name)
        options = {"constant_values": value} if mode == "constant" else {}
        width = [(margin, margin) if i == axis else (0, 0) for i in range(x.ndim)]
        sides.append(np.pad(x, width, mode=mode, **options))
    half = x.shape[axis] // 2 + margin
    front, behind = np.split(sides[0], [half], axis)[0], np.split(sides[1], [half], axis)[1]
    return np.concatenate([front, behind], axis)


@pytest.mark.parametrize("boundary", [None, *BOUNDARIES], ids=str)
@pytest.mark.parametrize("num_axes", [1, 2, 3])
def test_first_and_second_derivatives_are_right_at_every_boundary(boundary: Any, num_axes: int) -> None:
    make = getattr(ft.nn, f"Conv{num_axes}d")
    layer = make(2, 2, 2, padding=1, groups=2, boundary=boundary, method="direct", dtype=torch.float64)
    _check_derivatives(layer, torch.randn(1, 2, *[3, 2, 2][:num_axes], dtype=torch.float64))


@pytest.mark.parametrize("num_axes", [1, 2, 3])
@pytest.mark.parametrize("method", ["auto", "direct"])
def test_derivatives_of_transposed_layers_are_right(num_axes: int, method: Any) -> None:
    make = getattr(ft.nn, f"ConvTranspose{num_axes}d")
    options: dict[str, Any] = {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}
    layer = make(2, 2, 3, **options, method=method, dtype=torch.float64)
    _check_derivatives(layer, torch.randn(1, 2, *[2] * num_axes, dtype=torch.float64))


def test_derivatives_are_right_with_stride_dilation_and_summed_channels() -> None:
    layer = ft.nn.Conv1d(4, 2, 2, stride=2, dilation=2, padding=1, groups=2, method="direct", dtype=torch.float64)
    _check_derivatives(layer, torch.randn(2, 4, 5, dtype=torch.float64))


def _check_derivatives(layer: torch.nn.Module, x: Tensor) -> None:
    names = [name for name, _ in layer.named_parameters()]

    def call(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    operands = (x.requires_grad_(), *(p.detach().requires_grad_() for p in layer.parameters()))
    assert torch.autograd.gradcheck(call, operands, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, operands, fast_mode=True)


@pytest.mark.parametrize("num_axes", [1, 2, 3])
def test_transposed_layers_are_the_adjoint(num_axes: int) -> None:
    options: dict[str, Any] = {"stride": 2, "dilation": 2, "groups": 2, "bias": False, "dtype": torch.float64}
    down = getattr(ft.nn, f"Conv{num_axes}d")(4, 6, 3, **options)
    up = getattr(ft.nn, f"ConvTranspose{num_axes}d")(6, 4, 3, **options, method="direct")
    up.load_state_dict(down.state_dict())
    x = torch.randn(2, 4, *[9] * num_axes, dtype=torch.float64)
    y = torch.randn_like(down(x))
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y, output_size=x.shape)).sum())


LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    (f"{name}{n}d", (4, 4, 3), options)
    for name in ("Conv", "ConvTranspose")
    for n in (1, 2, 3)
    for options in ({}, {"groups": 4, "padding": 1, "bias": False})
]


@pytest.mark.parametrize(("name", "given", "options"), LAYERS)
def test_layers_are_torchs_with_the_same_weights_keys_and_words(name: str, given: Any, options: Any) -> None:
    torch.manual_seed(3)
    theirs = getattr(torch.nn, name)(*given, **options)
    torch.manual_seed(3)
    ours = getattr(ft.nn, name)(*given, **options)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    theirs.load_state_dict(ours.state_dict())


def test_what_torch_has_not_shows_in_the_words() -> None:
    layer = ft.nn.Conv1d(2, 2, 3, padding=1, boundary=("edge", "wrap"), method="direct")
    assert repr(layer).endswith("padding=(1,), boundary=('edge', 'wrap'), method='direct')")
    assert "groups=4" in repr(ft.nn.DepthwiseConv1d(4, 3))


def test_depthwise_layers_are_layers_with_as_many_groups_as_channels() -> None:
    for n in (1, 2, 3):
        ours = getattr(ft.nn, f"DepthwiseConv{n}d")(3, 3, padding=1, multiplier=2)
        plain = getattr(torch.nn, f"Conv{n}d")(3, 6, 3, padding=1, groups=3)
        assert isinstance(ours, type(plain))
        plain.load_state_dict(ours.state_dict())
        x = torch.randn(2, 3, *[14] * n)
        torch.testing.assert_close(ours(x), plain(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("name", ["engine", "torch", "boundary", "transposed"])
def test_compiled_whole_and_exported_layers_give_the_same(name: str, backend: str) -> None:
    layer = {
        "engine": lambda: ft.nn.Conv1d(2, 2, 3, groups=2),
        "torch": lambda: ft.nn.Conv1d(2, 4, 3),
        "boundary": lambda: ft.nn.Conv1d(2, 2, 3, padding=1, groups=2, boundary="reflect"),
        "transposed": lambda: ft.nn.ConvTranspose1d(2, 2, 3, groups=2),
    }[name]()
    x = torch.randn(2, 2, 20, requires_grad=True)
    operands = [x, *layer.parameters()]
    torch.compiler.reset()
    for call in (
        torch.compile(layer, fullgraph=True, backend=backend),
        torch.export.export(layer, (x,)).module(),
        torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("n", min=2)},)).module(),
    ):
        torch.testing.assert_close(call(x), layer(x))
    found, expected = (
        torch.autograd.grad(call(x).square().sum(), operands)
        for call in (torch.compile(layer, fullgraph=True, backend=backend), layer)
    )
    torch.testing.assert_close(found, expected)


def test_layers_are_copied_pickled_and_called_with_other_parameters() -> None:
    layer = ft.nn.Conv2d(2, 2, 3, padding=2, groups=2, boundary="wrap")
    x = torch.randn(1, 2, 16, 16)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert type(twin) is type(layer)
        assert torch.equal(twin(x), layer(x))
    zeros = {name: torch.zeros_like(p) for name, p in layer.named_parameters()}
    assert not torch.func.functional_call(layer, zeros, (x,)).any()


# what torch itself needs for forward mode
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_torch_func_and_forward_mode_work_as_with_torchs_layer() -> None:
    ours, theirs = ft.nn.Conv1d(2, 2, 3, groups=2), torch.nn.Conv1d(2, 2, 3, groups=2)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 2, 20)

    def gradient(layer: torch.nn.Module) -> Any:
        return torch.func.grad(lambda p: torch.func.functional_call(layer, p, (x,)).square().sum())(
            {name: p.detach() for name, p in layer.named_parameters()}
        )

    torch.testing.assert_close(gradient(ours), gradient(theirs))
    torch.testing.assert_close(torch.func.jvp(ours, (x,), (x,)), torch.func.jvp(theirs, (x,), (x,)))
    torch.testing.assert_close(torch.vmap(ours)(x[None]), theirs(x)[None])
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, x)
        assert torch.autograd.forward_ad.unpack_dual(ours(dual)).tangent is not None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["Conv1d", "ConvTranspose1d"])
def test_autocast_gives_the_dtype_and_values_of_torchs_layer(name: str, dtype: torch.dtype) -> None:
    options: dict[str, Any] = {"groups": 4, "padding": 1}
    theirs = getattr(torch.nn, name)(4, 4, 3, **options)
    ours = getattr(ft.nn, name)(4, 4, 3, **options, method="direct")
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 4, 30)
    with torch.autocast("cpu", dtype):
        expected, got = theirs(x), ours(x)
        assert got.dtype == expected.dtype == dtype
    assert apart(expected, got) < 2e-2
    got.float().sum().backward()
    assert ours.weight.grad is not None
    assert ours.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("k", [3, 9])
@pytest.mark.parametrize("method", ["auto", "direct"])
def test_a_result_lies_in_memory_as_x_does(k: int, method: Any) -> None:
    layer, theirs = ft.nn.Conv2d(4, 4, k, groups=4, method=method), torch.nn.Conv2d(4, 4, k, groups=4)
    theirs.load_state_dict(layer.state_dict())
    # our loops, and torch's with our gradient by weights
    for size in (24, 12):
        _check_memory(layer, theirs, torch.randn(2, 4, size, size).contiguous(memory_format=torch.channels_last))


def _check_memory(layer: torch.nn.Module, theirs: torch.nn.Module, x: Tensor) -> None:
    assert layer(x).is_contiguous(memory_format=torch.channels_last)
    assert layer(x.contiguous()).is_contiguous()
    for name, expected in results(theirs, x).items():
        assert apart(expected, results(layer, x)[name]) < 1e-5
    torch.compiler.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert compiled(x).stride() == layer(x).stride()


def test_nan_touches_the_windows_that_see_it_and_no_others() -> None:
    layer = ft.nn.Conv1d(2, 2, 5, groups=2, boundary="wrap", padding=2)
    x = torch.randn(1, 2, 40)
    x[0, 0, 0] = torch.nan
    assert layer(x).isnan()[0].nonzero().tolist() == [[0, i] for i in (0, 1, 2, 38, 39)]


def test_an_empty_batch_gives_an_empty_result() -> None:
    for layer in (ft.nn.Conv1d(2, 2, 3, groups=2), ft.nn.Conv1d(2, 2, 3, groups=2, method="direct")):
        y = layer(torch.zeros(0, 2, 20, requires_grad=True))
        assert y.shape == (0, 2, 18)
        y.sum().backward()
        assert layer.weight.grad is not None
        assert not layer.weight.grad.any()


def test_attributes_changed_later_count_as_in_torch() -> None:
    ours, theirs = ft.nn.Conv1d(2, 2, 3, groups=2), torch.nn.Conv1d(2, 2, 3, groups=2)
    theirs.load_state_dict(ours.state_dict())
    for layer in (ours, theirs):
        layer.dilation, layer.padding, layer.stride = (2,), (3,), (1,)
    x = torch.randn(2, 2, 20)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)
