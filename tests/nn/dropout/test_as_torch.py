"""Where torch has the layer: its bits, its generator's state, its words, its state dict."""

import pytest
import torch

import faltung as ft
from faltung.nn.dropout import draws

SHAPES = {
    "Dropout": [(), (0,), (1,), (5, 7), (3, 0, 4), (70_000,), (2, 3, 4, 5, 6)],
    "AlphaDropout": [(), (0,), (5, 7), (3, 0, 4), (70_000,)],
    "Dropout1d": [(4, 5, 6), (5, 6), (0, 5, 6)],
    "Dropout2d": [(4, 5, 6, 7), (4, 5, 0, 7)],
    "Dropout3d": [(4, 5, 2, 3, 2), (5, 2, 3, 2)],
    "FeatureAlphaDropout": [(4, 5), (4, 5, 6), (4, 5, 6, 7)],
}
NAMES = tuple(SHAPES)
CASES = [(name, shape) for name, shapes in SHAPES.items() for shape in shapes]
RATES = (0.0, 0.1, 0.5, 0.999)


def both(name, *arguments, **options):
    return getattr(ft.nn, name)(*arguments, **options), getattr(torch.nn, name)(*arguments)


def run(layer, x, seed=7):
    """The result, and the global generator's state after it."""
    torch.manual_seed(seed)
    y = layer(x)
    return y, torch.get_rng_state()


def assert_same(ours, theirs):
    assert ours[0].dtype == theirs[0].dtype
    assert ours[0].stride() == theirs[0].stride()
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_same_seed_gives_torchs_bits(name, shape, p):
    x = torch.randn(shape)
    ours, theirs = both(name, p)
    assert_same(run(ours, x), run(theirs, x))
    assert_same(run(ours.eval(), x), run(theirs.eval(), x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_same_seed_gives_torchs_bits_in_every_precision(name, shape, dtype):
    x = torch.randn(shape).to(dtype)
    ours, theirs = both(name, 0.3)
    assert_same(run(ours, x), run(theirs, x))


def layouts():
    x = torch.randn(6, 5, 8, 7)
    return {
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.transpose(0, 3),
        "sliced": x[::2, 1:, ::3, 2:],
        "expanded": x[:1].expand(4, -1, -1, -1),
        "permuted": x.permute(2, 0, 3, 1),
    }


@pytest.mark.parametrize("layout", layouts())
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("Dropout1d", "Dropout3d")])
def test_the_same_seed_gives_torchs_bits_in_every_layout(name, layout):
    x = layouts()[layout]
    ours, theirs = both(name, 0.3)
    assert_same(run(ours, x), run(theirs, x))


def test_a_transposed_matrix_of_features_is_as_in_torch():
    x = torch.randn(5, 4).T
    ours, theirs = both("FeatureAlphaDropout", 0.3)
    assert_same(run(ours, x), run(theirs, x))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_a_generator_seeded_alike_gives_what_torch_gives(name, shape):
    x = torch.randn(shape)
    _, theirs = both(name, 0.3)
    expected, _ = run(theirs, x)
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(7)
    layer = getattr(ft.nn, name)(0.3, generator=generator)
    if x.numel():
        assert torch.equal(layer(x), expected)
    assert torch.equal(torch.get_rng_state(), before)
    again = layer(x)
    generator.manual_seed(7)
    first = layer(x)
    assert torch.equal(layer(x), again)
    assert torch.equal(first, expected)


@pytest.mark.parametrize(("name", "shape"), [case for case in CASES if case[1]])
def test_in_place_writes_torchs_bits_into_x(name, shape):
    for p in (0.3, 1.0):
        x, other = torch.randn(shape), torch.empty(0)
        other = x.clone()
        ours, theirs = both(name, p, True)
        torch.manual_seed(1)
        y = ours(x)
        torch.manual_seed(1)
        expected = theirs(other)
        assert y.data_ptr() == x.data_ptr()
        assert torch.equal(x, y)
        assert torch.equal(y, expected)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_gradients_are_torchs(name, shape):
    ours, theirs = both(name, 0.3)
    grads = []
    for layer in (ours, theirs):
        x = torch.linspace(-1, 1, torch.Size(shape).numel()).reshape(shape).requires_grad_()
        y, _ = run(layer, x)
        y.backward(torch.ones_like(y))
        grads.append(x.grad)
    assert torch.equal(*grads)


@pytest.mark.parametrize("name", NAMES)
def test_words_state_dict_and_modes_are_torchs(name):
    ours, theirs = both(name, 0.25)
    assert repr(ours) == repr(theirs)
    assert ours.state_dict() == theirs.state_dict() == {}
    ours.load_state_dict(theirs.state_dict())
    assert [*ours.parameters(), *ours.buffers()] == []
    x = torch.ones(2, 3, *[4] * {"2d": 2, "3d": 3}.get(name[-2:], 1))
    assert ours.eval()(x) is x
    assert ours.train().is_on


@pytest.mark.parametrize("name", NAMES)
def test_all_is_dropped_at_one_without_nan(name):
    x = torch.tensor([1.0, -2.0, torch.inf, torch.nan]).expand(2, 3, *[4] * {"2d": 2, "3d": 3}.get(name[-2:], 1))
    x = x.clone().requires_grad_()
    y = getattr(ft.nn, name)(1)(x)
    y.backward(torch.ones_like(y))
    assert (y == 0).all()
    assert (x.grad == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_autocast_changes_nothing(name):
    x = torch.randn(2, 3, *[4] * {"2d": 2, "3d": 3}.get(name[-2:], 1))
    ours, theirs = both(name, 0.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert_same(run(ours, x), run(theirs, x))


# torch's forward mode loads rules that it has written in its own deprecated language
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout"])
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_mapped_and_differentiated_functions_are_torchs(name, randomness):
    x = torch.randn(3, 4000)
    results = []
    for layer in both(name, 0.3):
        torch.manual_seed(1)
        gradient = torch.func.grad(lambda z, layer=layer: (layer(z) ** 2).sum())
        results.append((torch.func.vmap(layer, randomness=randomness)(x), gradient(x)))
        results[-1] += (torch.func.vmap(gradient, randomness=randomness)(x),)
        results[-1] += torch.func.jvp(layer, (x,), (x,))
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_another_default_device_or_dtype_changes_nothing(name):
    x = torch.randn(20, 30, *[8] * {"2d": 2, "3d": 3}.get(name[-2:], 1))
    ours, theirs = both(name, 0.3)
    expected = run(theirs, x)
    draws._is_serial.cache_clear()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            assert_same(run(ours, x), expected)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", NAMES)
def test_inference_mode_is_as_in_torch(name):
    x = torch.randn(20, 30, *[8] * {"2d": 2, "3d": 3}.get(name[-2:], 1))
    ours, theirs = both(name, 0.3)
    with torch.inference_mode():
        assert_same(run(ours, x), run(theirs, x))


@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout"])
def test_the_quick_draw_and_torchs_own_are_one(name, monkeypatch):
    """On processors where torch draws in another way its own draw is called; both are held to the same bits here."""
    x = torch.randn(50, 80)
    layer = getattr(ft.nn, name)(0.3, generator=torch.Generator())
    layer.generator.manual_seed(1)
    quick = layer(x)
    monkeypatch.setattr(draws, "_is_serial", lambda: False)
    layer.generator.manual_seed(1)
    assert torch.equal(layer(x), quick)
    plain = getattr(ft.nn, name)(0.3)
    assert_same(run(plain, x), run(getattr(torch.nn, name)(0.3), x))


@pytest.mark.parametrize("name", NAMES)
def test_a_traced_layer_stays_a_layer(name):
    x = torch.randn(2, 3, *[4] * {"2d": 2, "3d": 3}.get(name[-2:], 1))
    net = torch.nn.Sequential(torch.nn.ReLU(), getattr(ft.nn, name)(0.5))
    traced = torch.fx.symbolic_trace(net)
    assert torch.equal(run(traced, x)[0], run(net, x)[0])
    assert torch.equal(traced.eval()(x), x.relu())


def test_torch_itself_zeroes_rows_of_a_picture_without_a_batch():
    """The silent error that `Dropout2d` refuses: it is why three axes have to be named."""
    with pytest.warns(UserWarning, match="assuming that channel-wise 1D dropout"):
        y = torch.nn.Dropout2d(0.5)(torch.ones(3, 50, 50))
    assert ((y == 0).all(-1).any(-1) & (y != 0).any(-1).any(-1)).any()
    with pytest.raises(ft.ShapeError, match=r"x\[None\] for a picture, or take Dropout1d"):
        ft.nn.Dropout2d(0.5)(torch.ones(3, 50, 50))
