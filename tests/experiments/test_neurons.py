"""Every neuron in the same network: which arms there are, and what they have in common."""

import dataclasses

import pytest
import torch

import pnn
from pnn.experiments import common, neurons
from pnn.networks.neurons import NEURONS
from pnn.studies.study import in_turn

SIZES = ("smoke", "laptop", "paper")
every_size = pytest.mark.parametrize("size", SIZES)
both_tasks = pytest.mark.parametrize("task", ["cifar10", "higgs"])


def parameters(run: pnn.Run) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in run.network.build(run.task.form).parameters())


@both_tasks
@every_size
def test_every_neuron_is_there_with_relu_and_without(task, size):
    arms = neurons.runs(size, task=task)
    for activation, missing in (("relu", set()), ("none", {"star"})):
        found = {arm.neuron for arm in arms if (arm.equal, arm.activation) == ("parameters", activation)}
        assert found == NEURONS.keys() - missing
    runs = in_turn(arms)
    at_one_rate = [dataclasses.replace(run.recipe, learning_rate=1) for run in runs]
    assert len({(run.task, recipe, run.network.name) for run, recipe in zip(runs, at_one_rate, strict=True)}) == 1
    assert {run.task.name for run in runs} == {task}
    for arm, own in arms.items():
        (network,) = {run.network for run in own}
        assert network.neuron == arm.neuron
        assert network.activation == {"relu": pnn.ReLU(), "none": pnn.Identity()}[arm.activation]
        if task == "cifar10":
            assert network.pooling == {"relu": "max", "none": "average"}[arm.activation]


@both_tasks
@every_size
def test_neurons_have_as_many_parameters_as_whole_channels_allow(task, size):
    arms = neurons.runs(size, task=task)
    goal = parameters(arms["standard", "parameters", "relu"][0])
    for arm, (run, *_) in arms.items():
        if arm.equal == "parameters":
            counts = [
                parameters(
                    dataclasses.replace(run, network=dataclasses.replace(run.network, width=run.network.width + k))
                )
                for k in (-1, 0, 1)
            ]
            assert abs(counts[1] / goal - 1) <= neurons.TOLERANCE
            assert abs(counts[1] - goal) <= min(abs(counts[0] - goal), abs(counts[2] - goal))


@both_tasks
def test_without_activations_the_polynomial_neurons_make_polynomials(task):
    arms = neurons.runs("smoke", task=task)
    degrees = {}
    for arm, (run, *_) in arms.items():
        if arm.activation == "none":
            model = run.network.build(run.task.form)
            degrees[arm.neuron] = pnn.audit(model, torch.zeros(1, *run.task.form.shape)).degree
    two, three = 2**3, 3**3
    assert degrees == {
        "standard": 1,
        **dict.fromkeys(("polynomial", "quadratic", "bilinear"), two),
        **dict.fromkeys(("ccp", "ncp", "kan-chebyshev"), three),
        **dict.fromkeys(("product", "kan")),
    }


@both_tasks
@pytest.mark.parametrize("size", ["laptop", "paper"])
def test_the_widths_that_are_kept_are_those_that_match(task, size):
    setting = neurons.SETTINGS[task][size]
    for neuron, width in neurons.WIDTHS[task][setting.network.width].items():
        like = dataclasses.replace(setting.network, neuron=neuron)
        found = common.matching_width(setting.task, setting.network, like, "parameters", neurons.TOLERANCE)
        assert found == width, neuron


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'cifar10', 'higgs', 'higgs-clipped', got 'boolq'"):
        neurons.runs("smoke", task="boolq")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        neurons.runs("smoke", seeds=-1)
