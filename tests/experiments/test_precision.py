"""Both neurons in either precision: what the four arms have in common, and which Runs they share with others."""

import dataclasses

import pytest

import pnn
from pnn.experiments import precision

both_tasks = pytest.mark.parametrize("task", ["cifar10", "higgs"])
every_size = pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])


@both_tasks
@every_size
def test_the_precisions_differ_in_nothing_else(task, size):
    arms = precision.runs(size, task=task)
    assert list(arms) == [(neuron, p) for neuron in ("standard", "polynomial") for p in ("float32", "bfloat16")]
    assert len({tuple(run.seed for run in own) for own in arms.values()}) == 1
    for (neuron, p), own in arms.items():
        assert {(run.network.neuron, run.recipe.precision) for run in own} == {(neuron, p)}
        plain = [dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, precision="float32")) for run in own]
        assert plain == arms[neuron, "float32"]


@pytest.mark.parametrize(
    ("task", "size"), [("higgs", "smoke"), ("higgs", "laptop"), ("higgs", "paper"), ("cifar10", "paper")]
)
def test_in_float32_they_are_the_runs_of_the_tasks_own_experiment(task, size):
    arms, own = precision.runs(size, task=task), pnn.experiments.EXPERIMENTS[task](size)
    assert set(arms["standard", "float32"]) <= set(own["standard"])
    assert set(arms["polynomial", "float32"]) <= set(own["parameters"])


def test_the_narrow_networks_of_cifar10_have_about_as_many_parameters():
    arms = precision.runs("laptop")
    counts = [
        sum(p.numel() for p in arms[neuron, "float32"][0].network.build(pnn.CIFAR10().form).parameters())
        for neuron in ("standard", "polynomial")
    ]
    assert counts[1] == pytest.approx(counts[0], rel=0.03)


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'cifar10', 'higgs', got 'boolq'"):
        precision.runs("smoke", task="boolq")
    with pytest.raises(pnn.RunError, match="size must be one of"):
        precision.runs("huge")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        precision.runs("smoke", seeds=-1)
