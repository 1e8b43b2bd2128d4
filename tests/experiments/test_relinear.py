"""Quadratic networks of growing depth: which ways of training there are, and what each differs in."""

import pytest

import pnn
from pnn.experiments import relinear
from pnn.studies.study import in_turn

every_size = pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])


@pytest.mark.parametrize("task", ["higgs", "cifar10"])
@every_size
def test_relinear_has_three_ways_at_every_depth_and_more_at_one(task, size):
    arms = relinear.runs(size, task=task)
    depths = {arm.depth for arm in arms if arm.way == "standard"}
    assert len(depths) == (2 if size == "smoke" else len(relinear.DEPTHS[task]))
    assert len(relinear.DEPTHS[task]) >= 4
    for layers in depths:
        assert {arm.way for arm in arms if arm.depth == layers} >= {"standard", "quadratic", "relinear"}
    (swept,) = {arm.depth for arm in arms if arm.way == "shrinking"}
    assert {arm.ratio for arm in arms if (arm.way, arm.depth) == ("relinear", swept)} == set(relinear.RATIOS)
    assert len({run.task for run in in_turn(arms)}) == 1
    for arm, own in arms.items():
        (network,), (recipe,) = ({getattr(run, part) for run in own} for part in ("network", "recipe"))
        if arm.way == "majority":
            assert network.name == "majority"
            continue
        assert network.depth == arm.depth
        assert network.neuron == ("standard" if arm.way == "standard" else "quadratic")
        if arm.way in ("standard", "quadratic"):
            assert recipe.methods == ()
            continue
        (method,) = recipe.methods
        assert isinstance(method, pnn.ReLinear)
        assert method.ratio == arm.ratio
        assert bool(method.weight_decay) == (arm.way == "shrinking")
        assert bool(method.standard_epochs) == (arm.way == "trained")


def test_a_trained_start_has_as_many_epochs_together():
    arms = relinear.runs("laptop")
    (all_epochs,) = {run.recipe.epochs for arm, own in arms.items() if arm.way == "standard" for run in own}
    (trained,) = (own[0].recipe for arm, own in arms.items() if arm.way == "trained")
    (method,) = trained.methods
    assert method.standard_epochs > 0
    assert trained.epochs + method.standard_epochs == all_epochs


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'higgs', 'cifar10', got 'boolq'"):
        relinear.runs("smoke", task="boolq")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        relinear.runs("smoke", seeds=-1)
