import pytest
import torch

import faltung as ft


def net(drop):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 40), torch.nn.BatchNorm1d(40), drop, torch.nn.Linear(40, 2))


@pytest.mark.parametrize("drop", [ft.nn.Dropout(0.5), torch.nn.Dropout(0.5), ft.nn.GaussianDropout(0.5)])
@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_on_batch_norm_is_not_and_all_is_as_before_afterwards(drop, training):
    model = net(drop).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.randn(5, 6)
    with torch.no_grad(), ft.nn.monte_carlo(model, samples=8) as draws:
        assert not model[1].training
        ys = [model(x) for _ in draws]
        # one entry alone is normalised as in a batch
        assert model[:2](x[:1]).isfinite().all()
    assert len(ys) == 8
    assert all(not torch.equal(y, ys[0]) for y in ys[1:])
    assert all(part.training == training for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_modes_are_restored_after_an_error_and_one_by_one():
    model = net(ft.nn.Dropout(0.5)).eval()
    model[0].train()
    with pytest.raises(KeyError), ft.nn.monte_carlo(model, samples=1):
        raise KeyError
    assert [part.training for part in model.modules()] == [False, True, False, False, False]


def test_the_mean_over_samples_nears_the_exact_mean():
    model = torch.nn.Sequential(ft.nn.Dropout(0.5, generator=torch.Generator().manual_seed(0)), torch.nn.Linear(6, 1))
    x = torch.randn(1, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), ft.nn.monte_carlo(model, samples=4000) as draws:
        ys = torch.cat([model(x) for _ in draws])
    assert abs(ys.mean() - model.eval()(x).item()) < 4 * ys.std() / 4000**0.5


def test_samples_number_the_masks_of_layers_with_a_key():
    model, x = net(ft.nn.Dropout(0.5, key=4)), torch.randn(5, 6)
    with torch.no_grad():
        with ft.nn.monte_carlo(model, samples=3) as draws:
            ys = [model(x) for _ in draws]
        with ft.nn.monte_carlo(model, samples=3) as draws:
            again = [model(x) for _ in draws]
        model.eval()[2].mc = True
        with ft.nn.at(sample=2):
            alone = model(x)
    assert all(torch.equal(*pair) for pair in zip(ys, again, strict=True))
    assert torch.equal(alone, ys[2])
    assert not torch.equal(ys[0], ys[1])
    with pytest.raises(ft.ParameterError, match="none was said"):
        model(x)


@pytest.mark.parametrize(
    "model",
    [
        torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True),
        torch.nn.TransformerDecoderLayer(8, 2, 16, dropout=0.5, batch_first=True),
        torch.nn.LSTM(8, 8, num_layers=2, dropout=0.5, batch_first=True),
        torch.nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True),
    ],
)
def test_layers_of_torch_that_drop_inside_do_too(model):
    x = torch.randn(2, 5, 8)

    def run():
        y = model(x) if isinstance(model, torch.nn.LSTM) else model(*[x] * (1 + 2 * hasattr(model, "in_proj_weight")))
        return y[0] if isinstance(y, tuple) else y

    if isinstance(model, torch.nn.TransformerDecoderLayer):
        run = lambda: model(x, x)  # noqa: E731
    with torch.no_grad(), ft.nn.monte_carlo(model, samples=2) as draws:
        one, other = [run() for _ in draws]
    assert not torch.equal(one, other)


def test_what_cannot_vary_is_refused():
    with (
        pytest.raises(ft.ParameterError, match="nothing in this Linear drops"),
        ft.nn.monte_carlo(torch.nn.Linear(2, 2), samples=3),
    ):
        pass
    with pytest.raises(ft.ParameterError, match="at least 1"), ft.nn.monte_carlo(ft.nn.Dropout(), samples=0):
        pass
