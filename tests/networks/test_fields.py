"""Receptive fields are where gradients are: at every layer of all networks, borders included."""

import pytest
from torch import nn

import faltung as ft
from faltung.networks import measure_receptive_field, output_size, receptive_field, receptive_positions
from faltung.networks.recording import record
from networks.real import edges, lite0
from networks.zoo import CASES

# what torch says of its own speed
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")

# which values unpooling keeps depends on the data: the fields hold what it may keep
DEPENDS_ON_DATA = {"unpooled"}


def example(name, least=41):
    """A network, and a shape that fits it."""
    case = CASES[name]
    net = case.make()
    valid = output_size(net, case.shape).valid
    n = next((n for n in range(least, least + 50) if n in valid), None) or valid.upto(least)[-1]
    return net, [n if size is None else size for size in case.shape]


def layers_of(net, shape):
    """Paths of layers, and the network itself, with the shapes they give."""
    found = record(net, shape)
    paths = {path: found.shapes[numbers[0]] for path, numbers in found.results.items() if path and numbers}
    return {None: found.shapes[found.outputs[0]], **paths}


def positions_of(shape, count):
    """Places near the start, the middle and the end of the last axes."""
    sizes = shape[2:]
    if not sizes:
        return [()]
    starts = [*range(count), *(sizes[0] // 2 + i for i in range(count)), *(sizes[0] - 1 - i for i in range(count))]
    return sorted({tuple(min(max(start, 0), size - 1) for size in sizes) for start in starts})


@pytest.mark.parametrize("name", sorted(CASES.keys() - DEPENDS_ON_DATA))
def test_what_is_seen_is_where_the_gradient_is(name):
    net, shape = example(name)
    layers = layers_of(net, shape)
    # the output, and a third of the layers
    for path in [None, *list(layers)[1::3]]:
        for position in positions_of(layers[path], 2):
            expected = measure_receptive_field(net, shape, position, layer=path)
            assert receptive_positions(net, shape, position, layer=path) == expected, (path, position)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES.keys() - DEPENDS_ON_DATA))
def test_what_is_seen_is_where_the_gradient_is_at_every_layer(name):
    net, shape = example(name)
    for path, result in layers_of(net, shape).items():
        for position in positions_of(result, 20):
            expected = measure_receptive_field(net, shape, position, layer=path)
            assert receptive_positions(net, shape, position, layer=path) == expected, (path, position)


@pytest.mark.parametrize("name", sorted(DEPENDS_ON_DATA))
def test_what_depends_on_data_is_within_what_may_be_seen(name):
    net, shape = example(name)
    for position in positions_of(layers_of(net, shape)[None], 6):
        measured = measure_receptive_field(net, shape, position)
        allowed = receptive_positions(net, shape, position)
        assert all(set(a) <= set(b) for a, b in zip(measured, allowed, strict=True))


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"resized_by_a_long_fraction", "pyramid"}))
def test_far_from_borders_the_intervals_are_what_is_seen(name):
    net, shape = example(name, least=400)
    (first, *_) = receptive_field(net, shape)
    result = layers_of(net, shape)[None]
    if first.whole or first.stride == 0 or len(result) < 3:
        # every position sees the same: that of a mean is all of it, at most
        assert first.start >= 0
        assert first.start + first.length <= shape[2]
        return
    middle = result[2] // 2
    for place in range(middle - 3, middle + 4):
        turns, phase = divmod(place, len(first.phases))
        start, length = first.phases[phase]
        start += int(turns * len(first.phases) * first.stride)
        # along the other axes there may be places that see nothing, of whichever size they are
        sides = [tuple((size // 2 + i) % size for size in result[3:]) for i in range(5)]
        seen = [receptive_positions(net, shape, (place, *side))[0] for side in sides]
        found = max(seen, key=len)
        assert (found[0], found[-1] + 1) == (start, start + length) if length else found == ()


def test_known_fields_of_vgg_16():
    # 196 pixels at conv5_3 and 212 behind the last pooling are in every table
    net = edges()
    for layer, length, stride in (("block1", 5, 1), ("block3", 40, 4), ("block5.0", 100, 16), ("block5", 196, 16)):
        for field in receptive_field(net, (1, 3, 224, 224), layer=layer):
            assert (field.length, field.stride) == (length, stride)


@pytest.mark.parametrize(
    ("make", "shape", "layer"), [(edges, (1, 3, 30, 21), None), (lite0, (1, 3, 40, 33), "_blocks.5")]
)
def test_a_trained_network_sees_what_its_gradients_show(make, shape, layer):
    net = make()
    for position in ((0, 0), (2, 1)) if make is lite0 else ((17, 3),):
        expected = measure_receptive_field(net, shape, position, layer=layer)
        assert receptive_positions(net, shape, position, layer=layer) == expected


def test_holes_and_empty_fields_are_seen():
    net = CASES["transposed_with_holes"].make()
    (field,) = receptive_field(net, (1, 1, 40), layer="0")
    assert field.phases == ((0, 1), (0, 0))
    assert receptive_positions(net, (1, 1, 40), (3,), layer="0") == ((),)
    assert receptive_positions(nn.Conv1d(1, 1, 3, dilation=4), (1, 1, 20), (2,)) == ((2, 6, 10),)


def test_a_flatten_is_followed_place_by_place():
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(2))
    assert receptive_positions(net, (1, 1, 5, 6), (5,)) == ((1, 2, 3), (1, 2, 3))
    assert [field.bound for field in receptive_field(net, (1, 1, 5, 6))] == [True, True]
    assert not any(field.bound for field in receptive_field(nn.Sequential(net, nn.Linear(12, 2)), (1, 1, 5, 6)))


def test_a_mean_sees_no_more_than_its_layer_does():
    # stride 3 leaves the last pixel out
    (field,) = receptive_field(nn.Sequential(nn.Conv1d(1, 1, 1, stride=3), nn.AdaptiveAvgPool1d(1)), (1, 1, 9))
    assert (field.start, field.length, field.whole) == (0, 7, True)


@pytest.mark.parametrize("call", [receptive_positions, measure_receptive_field])
def test_a_position_or_layer_that_is_not_there_is_refused(call):
    net = nn.Sequential(nn.Conv1d(1, 1, 3))
    with pytest.raises(ft.ShapeError, match="outside"):
        call(net, (1, 1, 9), (7,))
    with pytest.raises(ft.ParameterError, match="layer 'one'"):
        call(net, (1, 1, 9), (0,), layer="one")


def test_measuring_leaves_the_network_as_it_was():
    net = nn.Sequential(nn.Conv1d(1, 1, 3), nn.BatchNorm1d(1))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    measure_receptive_field(net, (1, 1, 9), (0,))
    assert all((value == before[name]).all() for name, value in net.state_dict().items())
    assert net[0].weight.dtype.itemsize == 4
    assert net[0].weight.requires_grad
