"""`find_rate`."""

import numpy as np
import pytest
import torch

from faltung.errors import ParameterError
from faltung.training import Config, find_rate, train
from training.small import classifier, curve, lines, same_weights


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_the_rate_found_learns(optimiser):
    config = Config(epochs=6, learning_rate="find", optimiser=optimiser, batch_size=16, threads=1)
    run = train(classifier(), lines(200), config=config)
    assert run.best.scores["accuracy"] > 0.9


def test_the_search_follows_its_rule_and_leaves_all_as_it_was():
    net, before = classifier(), torch.get_rng_state()
    kept = classifier()
    torch.set_rng_state(before)
    found = find_rate(net, lines(), config=Config(batch_size=16, threads=1), steps=60)
    assert torch.equal(torch.get_rng_state(), before)
    assert same_weights(net, kept)
    assert all(w.grad is None for w in net.parameters())
    assert found.rate == pytest.approx(found.rates[int(np.argmin(found.smoothed))] / 10)
    factors = np.diff(np.log(found.rates))
    assert factors == pytest.approx(factors[0])
    # it ends where the loss explodes, not after all steps
    assert found.smoothed[-1] > 3 * min(found.smoothed) or len(found.rates) == 60
    assert found == find_rate(net, lines(), config=Config(batch_size=16, threads=1), steps=60)


def test_the_search_comes_first_and_its_rate_is_kept(tmp_path):
    from faltung.training import resume

    config = Config(epochs=2, learning_rate="find", batch_size=16, threads=1)
    asked = iter(range(99))
    cut = train(classifier(), lines(), config=config, folder=tmp_path, stop=lambda: next(asked) == 5)
    rest = resume(tmp_path, lines(), model=classifier(9))
    assert rest.rate == cut.rate
    assert curve(rest) == curve(train(classifier(), lines(), config=config))


def test_a_net_that_cannot_learn_is_told_so():
    class Deaf(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(2))

        def forward(self, x):
            return 0 * self.w.expand(len(x), 2)

    with pytest.raises(ParameterError, match="no learning rate"):
        find_rate(Deaf(), lines(), config=Config(batch_size=16, threads=1))
