"""TPGU in a small ConvNeXt: what the arms have in common, and what they differ in."""

import dataclasses

import pytest
import torch

import pnn
from pnn.experiments import tpgu
from pnn.experiments.tpgu import Arm
from pnn.studies.study import in_turn

SIZES = ["smoke", "laptop", "paper"]


@pytest.mark.parametrize("task", ["cifar10", "cifar100"])
@pytest.mark.parametrize("size", SIZES)
def test_the_arms_differ_in_activation_what_spares_it_and_rate_alone(task, size):
    same = {
        dataclasses.replace(
            run,
            seed=0,
            network=dataclasses.replace(run.network, activation=pnn.GELU()),
            recipe=dataclasses.replace(run.recipe, learning_rate=1, methods=()),
        )
        for run in in_turn(tpgu.runs(size, task=task))
    }
    assert len(same) == 1
    (run,) = same
    assert run.task.name == task
    assert (run.recipe.optimiser, run.recipe.weight_decay, run.recipe.label_smoothing) == ("adamw", 0.05, 0.1)


def test_each_arm_has_its_activation_and_keeps_what_it_becomes():
    for arm, (run, *_) in tpgu.runs("laptop").items():
        plain = {"gelu": pnn.GELU(), "identity": pnn.Identity()}.get(arm.activation)
        assert run.network.activation == (plain or pnn.TPGUChoice(arm.order))
        names = [method.name for method in run.recipe.methods]
        spared = ["no-decay"] * (arm.activation == "tpgu-spared")
        assert names == ([] if plain else [*spared, "watch-activations"])


def test_the_orders_are_one_to_nine_and_gelu_has_sixteen_seeds():
    arms = tpgu.runs("laptop")
    assert [arm.order for arm in arms if arm.activation == "tpgu"] == list(range(1, 10))
    assert len(arms[Arm("gelu")]) == 16
    assert Arm("tpgu", 7) in arms
    assert Arm("tpgu-spared", 7) in arms
    assert Arm("identity") in tpgu.runs("laptop", task="cifar100")


def test_an_order_that_is_not_tuned_has_the_rate_of_the_next_one_below(monkeypatch):
    rates = tuple(10.0**-place for place in range(len(tpgu.TUNED)))
    monkeypatch.setitem(tpgu.RATES, ("cifar10", "laptop"), rates)
    tuned = dict(zip(tpgu.TUNED, rates, strict=True))
    for task in ("cifar10", "cifar100"):
        for arm, own in tpgu.runs("laptop", task=task, seeds=1).items():
            below = [one for one in tuned if one.order and one.order <= arm.order]
            expected = max(below, key=lambda one: one.order) if arm.order else arm
            assert own[0].recipe.learning_rate == tuned[expected], arm


def test_at_the_published_size_the_start_and_the_rate_are_the_sources():
    run = tpgu.runs("paper")[Arm("gelu")][0]
    assert (run.network.start, run.network.width, run.network.depth) == ("published", 96, 3)
    assert (run.recipe.learning_rate, run.recipe.epochs) == (4e-3, 300)


@pytest.mark.parametrize("arm", [Arm("tpgu", 9), Arm("tpgu-spared", 7)], ids=str)
def test_an_arm_trains_in_the_smallest_size_and_keeps_its_parameters_by_epoch(tmp_path, arm):
    run = tpgu.runs("smoke", seeds=1)[arm][0]
    record = pnn.fit(run, folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "ok", record.message
    (start, end) = map(torch.tensor, record.readings["2.activation.a"])
    assert start.shape == (arm.order + 1, 8)
    assert (start[0] == 1).all()
    assert not torch.equal(start, end)
    assert not torch.tensor(record.readings["2.activation.b"][0]).any()


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'cifar10', 'cifar100', got 'mnist'"):
        tpgu.runs("smoke", task="mnist")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        tpgu.runs("smoke", seeds=-1)
