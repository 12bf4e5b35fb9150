"""Whatever the network and the tile: a run in tiles is the run on the whole, or is refused."""

import itertools

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from faltung.errors import ParameterError, ShapeError
from faltung.tiling import apply, plan
from networks.test_laws import NETWORKS
from networks.zoo import CASES
from tiling.nets import of_integers

REFUSED = {
    "batch_norm_in_training": "training mode",
    "attention_over_time": "matmul",
    "circular": "circular",
    # its second and third layers wrap around
    "any_boundary": "pad_by_rules.*circular",
}
SIZES = {1: (200, 203), 2: (160, 163), 3: (24,)}


def sizes_that_fit(net, shape, wanted):
    """The first sizes from those wanted on that the network takes."""
    for start in wanted:
        for n in range(start, start + 17):
            x = torch.randint(-3, 4, [n if size is None else size for size in shape]).double()
            try:
                with torch.no_grad():
                    yield x, net(x)
            except (RuntimeError, ValueError):
                continue
            break


def scale_of(y):
    """Largest absolute value, 1 at least; results may be empty."""
    return max([1.0, *y.abs().flatten().tolist()])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_networks_of_all_kinds_in_tiles_are_the_whole(name):
    case = CASES[name]
    net = of_integers(case.make())
    if name != "batch_norm_in_training":
        net.eval()
    cut = 0
    for (x, whole), tile in itertools.product(sizes_that_fit(net, case.shape, SIZES[len(case.shape) - 2]), (12, 48)):
        if name in REFUSED:
            with pytest.raises(ParameterError, match=REFUSED[name]):
                plan(net, x.shape, tile=tile)
            continue
        try:
            found = plan(net, x.shape, tile=tile)
        except ParameterError as refused:
            # one flips its input and joins it, one goes another way above 64: refused where they are cut
            if name not in ("backwards", "decides"):
                raise AssertionError(name) from refused
            continue
        cut += found.count > 1
        torch.testing.assert_close(apply(net, x, plan=found), whole, rtol=0, atol=1e-13 * scale_of(whole))
    # so that the test cannot pass by never cutting: these see all of such small pictures, or fit one size only
    one_part = {
        "tutorial_classifier",
        "square_classifier",
        "pyramid",
        "resized_by_a_long_fraction",
        "sums_so_far",
        "backwards",
        "decides",
    }
    assert cut or name in REFUSED or name in one_part | {"adaptive", "channels_last"}, name


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(NETWORKS, st.integers(40, 160), st.integers(3, 60))
# nothing is left of the picture: an empty result is one too
@example(nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Upsample(scale_factor=0.5), nn.ConstantPad1d((0, -1), 1.0)), 40, 3)
@settings(max_examples=60)
def test_any_stack_in_any_tiles_is_the_whole(net, n, tile):
    net = of_integers(net)
    x = torch.randint(-3, 4, (1, 1, n)).double()
    try:
        with torch.no_grad():
            whole = net(x)
    except (RuntimeError, ValueError):
        return
    try:
        found = plan(net, x.shape, tile=tile)
    except ParameterError as refused:
        # a refusal says where and why
        if "cannot be cut along" not in str(refused):
            raise
        return
    torch.testing.assert_close(apply(net, x, plan=found), whole, rtol=0, atol=1e-12 * scale_of(whole))


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
@settings(max_examples=40)
def test_each_place_of_each_output_is_written_once(data):
    net, n, tile = data.draw(NETWORKS), data.draw(st.integers(40, 120)), data.draw(st.integers(3, 40))
    try:
        found = plan(net, (1, 1, n), tile=tile)
    except (ParameterError, ShapeError):
        return
    written = torch.zeros(found.output_shapes[0], dtype=torch.int64)
    for part in found.tiles():
        if part.write[0] is not None:
            written[part.write[0]] += 1
            assert written[part.write[0]].shape[2] == part.take[0][2].stop - part.take[0][2].start
    assert (written == 1).all()
