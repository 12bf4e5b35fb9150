"""What all layers share: modes, copies, gradients, precisions, compilation, and what is refused."""

import copy
import math
import pickle
import re

import numpy as np
import pytest
import torch

import faltung as ft

# every layer with an input it takes
LAYERS = {
    "Dropout": (ft.nn.Dropout, (2, 3, 4)),
    "GaussianDropout": (ft.nn.GaussianDropout, (2, 3, 4)),
    "AlphaDropout": (ft.nn.AlphaDropout, (2, 3, 4)),
    "Dropout1d": (ft.nn.Dropout1d, (2, 3, 4)),
    "Dropout2d": (ft.nn.Dropout2d, (2, 3, 4, 5)),
    "Dropout3d": (ft.nn.Dropout3d, (2, 3, 2, 3, 2)),
    "FeatureAlphaDropout": (ft.nn.FeatureAlphaDropout, (2, 3, 4, 5)),
    "VariationalDropout": (ft.nn.VariationalDropout, (2, 3, 4)),
    "DropBlock1d": (ft.nn.DropBlock1d, (2, 3, 9)),
    "DropBlock2d": (ft.nn.DropBlock2d, (2, 3, 4, 5)),
    "DropBlock3d": (ft.nn.DropBlock3d, (2, 3, 2, 3, 2)),
    "DropConnect": (lambda p=0.5, **options: ft.nn.DropConnect(torch.nn.Linear(4, 3), p, **options), (2, 4)),
}
each_layer = pytest.mark.parametrize("name", LAYERS)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


@each_layer
def test_nothing_is_dropped_in_evaluation_or_at_zero(name):
    make, shape = LAYERS[name]
    x, plain = torch.randn(shape), lambda x: x
    for layer in (make(0.5).eval(), make(0.0)):
        before = torch.get_rng_state()
        plain = getattr(layer, "layer", lambda x: x)
        assert torch.equal(layer(x), plain(x))
        assert torch.equal(torch.get_rng_state(), before)


@each_layer
def test_mc_drops_in_evaluation(name):
    make, shape = LAYERS[name]
    x = torch.randn(shape)
    on, off = make(0.5, generator=seeded(), mc=True), make(0.5, generator=seeded())
    if name == "DropConnect":
        on.layer.load_state_dict(off.layer.state_dict())
    assert on.eval().is_on
    assert torch.equal(on(x), off(x))


@each_layer
def test_the_same_generator_gives_the_same_and_leaves_the_global_one_alone(name):
    make, shape = LAYERS[name]
    x, generator = torch.randn(shape), seeded()
    layer = make(0.5, generator=generator)
    before = torch.get_rng_state()
    first = [layer(x), layer(x)]
    generator.manual_seed(3)
    assert all(torch.equal(layer(x), y) for y in first)
    assert not torch.equal(*first)
    assert torch.equal(torch.get_rng_state(), before)


@each_layer
def test_the_global_seed_decides_without_a_generator(name):
    make, shape = LAYERS[name]
    x, layer, seen = torch.randn(shape), make(0.5), []
    for _ in range(2):
        torch.manual_seed(1)
        seen.append(layer(x))
    assert torch.equal(*seen)


@each_layer
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_go_on_from_the_same_state_each_on_its_own(name, copied):
    make, shape = LAYERS[name]
    if name == "DropConnect":
        make = lambda p, **options: ft.nn.DropConnect(torch.nn.Linear(4, 3), p, **options)  # noqa: E731
    layer = make(0.5, generator=seeded(), schedule=ft.nn.Ramp(2, start=0.5))
    ft.nn.advance(layer)
    x = torch.randn(shape)
    layer(x)
    other = copied(layer)
    assert other.rate == layer.rate == 0.375
    assert torch.equal(layer(x), other(x))
    assert repr(other) == repr(layer)


def test_copies_of_a_model_share_a_generator_as_the_model_does():
    generator = seeded()
    net = torch.nn.Sequential(ft.nn.Dropout(generator=generator), ft.nn.Dropout(generator=generator))
    twin = copy.deepcopy(net)
    assert twin[0].generator is twin[1].generator is not generator


@each_layer
@pytest.mark.parametrize("source", ["generator", "key"])
def test_gradients_are_right_for_a_fixed_mask(name, source):
    make, shape = LAYERS[name]
    options = {"generator": seeded()} if source == "generator" else {"key": 5}
    layer = make(0.4, **options).double()

    def fixed(x, *weights):
        if source == "generator":
            layer.generator.manual_seed(1)
        with ft.nn.at(sample=1):
            return layer(x)

    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fixed, (x, *layer.parameters()))
    assert torch.autograd.gradgradcheck(fixed, (x,), check_undefined_grad=False)


@each_layer
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_stays_and_kept_values_are_scaled(name, dtype):
    make, shape = LAYERS[name]
    layer, x = make(0.5, generator=seeded()).to(dtype), torch.ones(shape, dtype=dtype)
    y = layer(x)
    assert y.dtype == dtype
    if name not in ("GaussianDropout", "AlphaDropout", "FeatureAlphaDropout", "DropConnect"):
        assert set(y.unique().tolist()) <= {0.0, 2.0}


@each_layer
def test_autocast_runs_each_layer(name):
    make, shape = LAYERS[name]
    with torch.autocast("cpu", torch.bfloat16):
        assert make(0.5)(torch.ones(shape)).isfinite().all()


COMPILED = [
    ("Dropout", "global"),
    ("Dropout", "generator"),
    ("Dropout", "key"),
    ("AlphaDropout", "global"),
    ("Dropout2d", "global"),
    ("DropBlock2d", "generator"),
    ("DropConnect", "global"),
]


@pytest.mark.parametrize(("name", "source"), COMPILED)
def test_compiled_layers_give_the_same(name, source):
    make, shape = LAYERS[name]
    options = {"generator": {"generator": seeded()}, "key": {"key": 5}, "global": {}}[source]
    layer = make(0.5, **options)
    torch.compiler.reset()
    compiled, x = torch.compile(layer, backend="aot_eager"), torch.randn(shape)
    for sample in (0, 1):
        results = []
        for run in (layer, compiled):
            torch.manual_seed(1)
            if source == "generator":
                layer.generator.manual_seed(1)
            with ft.nn.at(sample=sample):
                results.append(run(x))
        torch.testing.assert_close(*results)
    layer.eval()
    assert torch.equal(compiled(x), layer(x))


@each_layer
def test_empty_batches_pass(name):
    make, shape = LAYERS[name]
    assert make(0.5)(torch.ones(0, *shape[1:])).shape[0] == 0
    layer = make(0.5, key=1)
    with ft.nn.at(sample=0):
        assert layer(torch.ones(0, *shape[1:])).shape[0] == 0


@each_layer
def test_layouts_do_not_matter_to_masks_of_places(name):
    make, shape = LAYERS[name]
    layer = make(0.5, key=1)
    x = torch.randn(shape[::-1]).permute(*range(len(shape) - 1, -1, -1))
    with ft.nn.at(sample=0):
        assert torch.equal(layer(x), layer(x.contiguous()))


@each_layer
def test_all_is_dropped_at_one(name):
    make, shape = LAYERS[name]
    if name == "GaussianDropout":
        with pytest.raises(ft.ParameterError, match="infinite variance"):
            make(1)
        return
    x = torch.full(shape, torch.inf) if name != "DropConnect" else torch.ones(shape)
    y = make(1)(x)
    expected = torch.zeros_like(y)
    assert torch.equal(y - y.detach()[:1] * (name == "DropConnect"), expected)


def test_dropped_weights_have_no_gradient_and_names_may_lead_inside():
    net = torch.nn.Sequential(torch.nn.Linear(20, 10), torch.nn.ReLU(), torch.nn.Linear(10, 5))
    layer = ft.nn.DropConnect(net, 0.5, names=("0.weight", "2.weight"), generator=seeded())
    assert set(layer.state_dict()) == {f"layer.{name}" for name in net.state_dict()}
    layer(torch.ones(1, 20)).sum().backward()
    share = (net[2].weight.grad == 0).double().mean()
    assert 0.2 < share < 0.95
    everything = ft.nn.DropConnect(torch.nn.Linear(3, 2), 1.0, names=["weight", "bias"])
    assert (everything(torch.ones(4, 3)) == 0).all()


@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.GRU])
def test_recurrent_weights_are_dropped_at_all_steps(kind):
    recurrent = kind(3, 4)
    layer = ft.nn.DropConnect(recurrent, 0.5, names="weight_hh_l0", generator=seeded())
    x = torch.randn(6, 2, 3)
    kept = torch.empty_like(recurrent.weight_hh_l0.detach()).bernoulli_(0.5, generator=seeded())
    twin = copy.deepcopy(recurrent)
    with torch.no_grad():
        twin.weight_hh_l0.mul_(kept / 0.5)
    torch.testing.assert_close(layer(x)[0], twin(x)[0])
    assert not torch.equal(layer(x)[0], recurrent(x)[0])


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan, math.inf, "0.5", None, 1j, [0.5]])
@each_layer
def test_an_impossible_p_is_refused(name, p):
    with pytest.raises(ft.ParameterError, match=re.escape(f"p={p!r}: the probability of being dropped")):
        LAYERS[name][0](p)
    layer, shape = LAYERS[name][0](), LAYERS[name][1]
    layer.p = p
    with pytest.raises(ft.ParameterError, match="from 0"):
        layer(torch.ones(shape))


def test_per_cent_are_told_from_shares():
    with pytest.raises(ft.ParameterError, match=r"30 per cent is p=0\.3"):
        ft.nn.Dropout(30)


VALUES = [name for name in LAYERS if name != "DropConnect"]


@pytest.mark.parametrize("name", VALUES)
def test_integers_and_arrays_are_refused_in_both_modes(name):
    make, shape = LAYERS[name]
    for layer in (make(0.5), make(0.5).eval()):
        with pytest.raises(ft.DtypeError, match=r"x is int64.*x\.float\(\)"):
            layer(torch.ones(shape, dtype=torch.int64))
        with pytest.raises(ft.DtypeError, match=r"torch\.as_tensor"):
            layer(np.ones(shape))


@pytest.mark.parametrize(
    ("make", "shape", "cure"),
    [
        (ft.nn.Dropout1d, (3,), r"expects \(N, C, L\), or \(C, L\) without a batch"),
        (ft.nn.Dropout1d, (3, 4, 5, 6), r"expects \(N, C, L\)"),
        (ft.nn.Dropout2d, (3, 4, 5), r"x\[None\] for a picture"),
        (ft.nn.Dropout2d, (3, 4), r"expects \(N, C, H, W\)"),
        (ft.nn.Dropout3d, (3, 4, 5), r"expects \(N, C, D, H, W\)"),
        (ft.nn.DropBlock2d, (3, 4, 5), r"expects \(N, C, H, W\): give x\[None\]"),
        (ft.nn.DropBlock1d, (3,), r"expects \(N, C, L\)"),
        (ft.nn.FeatureAlphaDropout, (3,), r"expects \(N, C, \*spatial\)"),
        (ft.nn.VariationalDropout, (3,), "axis 1 does not exist"),
        (lambda: ft.nn.VariationalDropout(time_axis=0), (3,), "at least one other"),
        (lambda: ft.nn.VariationalDropout(time_axis=0, key=1), (3, 4, 5), "batch first"),
        (lambda: ft.nn.Dropout1d(key=1), (3, 4), r"give x\[None\]"),
    ],
)
def test_wrong_axes_are_refused_in_both_modes(make, shape, cure):
    for layer in (make(), make().eval()):
        with pytest.raises(ft.ShapeError, match=cure):
            layer(torch.ones(shape))


@pytest.mark.parametrize(
    ("make", "cure"),
    [
        (lambda: ft.nn.DropBlock2d(block=0), "block=0: at least 1"),
        (lambda: ft.nn.DropBlock2d(block=2.0), "block=2.0: an integer"),
        (lambda: ft.nn.DropBlock2d(block=(1, 2, 3)), "3 entries for 2 axes"),
        (lambda: ft.nn.Dropout(generator=3), r"torch\.Generator"),
        (lambda: ft.nn.Dropout(generator=seeded(), key=3), "exclude each other"),
        (lambda: ft.nn.Dropout(schedule=0.5), r"Ramp\(1000\)"),
        (lambda: ft.nn.Dropout(key=-1), r"key=-1: .* 2\*\*64"),
        (lambda: ft.nn.Dropout(key=2**64), r"key=18446744073709551616: .* 2\*\*64"),
        (lambda: ft.nn.Dropout(key="a"), "key='a': an integer"),
        (lambda: ft.nn.Dropout(grid=0), "grid=0: at least 1"),
        (lambda: ft.nn.DropConnect(3), r"torch\.nn\.Module"),
        (lambda: ft.nn.DropConnect(torch.nn.Linear(2, 2), names="w"), "parameters of this Linear are weight, bias"),
        (lambda: ft.nn.DropConnect(torch.nn.Linear(2, 2), names=()), "none given"),
        (lambda: ft.nn.DropConnect(torch.nn.ReLU()), "parameters of this ReLU are none"),
    ],
)
def test_wrong_options_are_refused_in_words(make, cure):
    with pytest.raises(ft.FaltungError, match=cure):
        make()


def test_options_that_are_not_default_are_shown():
    assert repr(ft.nn.DropBlock2d(0.2, block=(3, 5), key=7, mc=True, grid=(2, 2), per_channel=False)) == (
        "DropBlock2d(p=0.2, inplace=False, block=(3, 5), per_channel=False, mc=True, key=7, grid=(2, 2))"
    )
    assert "schedule=Ramp(steps=5" in repr(ft.nn.Dropout(schedule=ft.nn.Ramp(5)))
    assert "generator=own" in repr(ft.nn.Dropout(generator=seeded()))
    assert "names=('weight',)" in repr(ft.nn.DropConnect(torch.nn.Linear(2, 2)))


def test_even_blocks_have_the_rate_that_was_asked_for():
    kept = ft.nn.DropBlock1d(0.5, block=4, generator=seeded())(torch.ones(20_000, 1, 5)) > 0
    assert ((kept.double().mean(0) - 0.5).abs() < 4 * 0.5 / 20_000**0.5).all()
