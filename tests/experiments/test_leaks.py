"""The leak: three splits of one table with as many rows each, and two activations."""

import pytest

import pnn
from pnn.experiments import leaks


@pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
def test_the_arms_differ_in_their_split_and_their_activation(size):
    arms = leaks.runs(size)
    assert list(arms) == [leaks.Arm(s, a) for s in leaks.SPLITS for a in ("relu", "polynomial")]
    for arm, own in arms.items():
        assert {run.task.split for run in own} == {arm.split}
        assert {len(run.recipe.methods) for run in own} == {0 if arm.activation == "relu" else 2}
        assert [run.seed for run in own] == list(range(len(own)))
    assert len({(run.network.width, run.network.neuron) for own in arms.values() for run in own}) == 1


def test_its_splits_have_as_many_rows_of_each_kind():
    found = {}
    for arm, own in leaks.runs("smoke", seeds=1).items():
        found[arm] = {name: len(split) for name, split in own[0].task.load().splits.items()}
    assert len({tuple(sizes.items()) for sizes in found.values()}) == 1


def test_its_polynomial_is_the_published_one_and_is_held():
    (run,) = leaks.runs("laptop", seeds=1)[leaks.Arm("users", "polynomial")]
    assert run.network.activation == pnn.Polynomial.published(2, 13.0)
    assert run.recipe.methods == (pnn.BoundaryLoss(13.0, 10.0), pnn.ClipNorm(selective=True))


def test_as_many_validation_rows_were_set_aside_of_the_real_table():
    """Users are set aside whole; the Records' accuracies are whole numbers of so many rows."""
    for own in pnn.study(leaks.runs("laptop"), progress=False).values():
        for record in own:
            hits = record.final["validation"].accuracy * leaks.SET_ASIDE["laptop"]
            assert hits == pytest.approx(round(hits), abs=1e-6)
