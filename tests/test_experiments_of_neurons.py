"""The experiments in which the sides differ in more than a neuron's width: every neuron, ReLinear, the showcase."""

import dataclasses

import pytest
import torch

import pnn
from pnn import experiments
from pnn.experiments import accuracy, depth, exchange
from pnn.neurons import NEURONS
from pnn.study import in_turn

SIZES = ("smoke", "laptop", "paper")
every_size = pytest.mark.parametrize("size", SIZES)
both_tasks = pytest.mark.parametrize("task", ["cifar10", "higgs"])


def parameters(run: pnn.Run) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in run.network.build(run.task.form).parameters())


@both_tasks
@every_size
def test_every_neuron_is_there_with_relu_and_without(task, size):
    sides = experiments.neurons(size, task=task)
    for activation, missing in (("relu", set()), ("none", {"star"})):
        found = {side.neuron for side in sides if (side.equal, side.activation) == ("parameters", activation)}
        assert found == NEURONS.keys() - missing
    runs = in_turn(sides)
    assert len({(run.task, run.recipe, run.network.name) for run in runs}) == 1
    assert {run.task.name for run in runs} == {task}
    for side, own in sides.items():
        (network,) = {run.network for run in own}
        assert network.neuron == side.neuron
        assert network.activation == {"relu": "relu", "none": "identity"}[side.activation]
        if task == "cifar10":
            assert network.pooling == {"relu": "max", "none": "average"}[side.activation]


@both_tasks
@every_size
def test_neurons_have_as_many_parameters_as_whole_channels_allow(task, size):
    sides = experiments.neurons(size, task=task)
    goal = parameters(sides["standard", "parameters", "relu"][0])
    for side, (run, *_) in sides.items():
        if side.equal == "parameters":
            counts = [
                parameters(
                    dataclasses.replace(run, network=dataclasses.replace(run.network, width=run.network.width + k))
                )
                for k in (-1, 0, 1)
            ]
            assert abs(counts[1] / goal - 1) <= exchange.TOLERANCE
            assert abs(counts[1] - goal) <= min(abs(counts[0] - goal), abs(counts[2] - goal))


@both_tasks
def test_without_activations_the_polynomial_neurons_make_polynomials(task):
    sides = experiments.neurons("smoke", task=task)
    degrees = {}
    for side, (run, *_) in sides.items():
        if side.activation == "none":
            model = run.network.build(run.task.form)
            degrees[side.neuron] = pnn.audit(model, torch.zeros(1, *run.task.form.shape)).degree
    two, three = 2**3, 3**3
    assert degrees == {
        "standard": 1,
        **dict.fromkeys(("polynomial", "quadratic", "bilinear"), two),
        **dict.fromkeys(("ccp", "ncp", "kan-chebyshev"), three),
        **dict.fromkeys(("product", "kan")),
    }


@pytest.mark.parametrize("task", ["higgs", "cifar10"])
@every_size
def test_relinear_has_three_ways_at_every_depth_and_more_at_one(task, size):
    sides = experiments.relinear(size, task=task)
    depths = {side.depth for side in sides if side.way == "standard"}
    assert len(depths) == (2 if size == "smoke" else len(depth.DEPTHS[task]))
    assert len(depth.DEPTHS[task]) >= 4
    for layers in depths:
        assert {side.way for side in sides if side.depth == layers} >= {"standard", "quadratic", "relinear"}
    (swept,) = {side.depth for side in sides if side.way == "shrinking"}
    assert {side.ratio for side in sides if (side.way, side.depth) == ("relinear", swept)} == set(depth.RATIOS)
    assert len({run.task for run in in_turn(sides)}) == 1
    for side, own in sides.items():
        (network,), (recipe,) = ({getattr(run, part) for run in own} for part in ("network", "recipe"))
        if side.way == "majority":
            assert network.name == "majority"
            continue
        assert network.depth == side.depth
        assert recipe.quadratic_rate == side.ratio
        assert (network.neuron, network.start) == {
            "standard": ("standard", "torch"),
            "quadratic": ("quadratic", "torch"),
        }.get(side.way, ("quadratic", "relinear"))
        assert recipe.epochs + recipe.standard_epochs == own[0].recipe.epochs + own[0].recipe.standard_epochs
        assert bool(recipe.quadratic_decay) == (side.way == "shrinking")


def test_a_trained_start_has_as_many_epochs_together():
    sides = experiments.relinear("laptop")
    (all_epochs,) = {run.recipe.epochs for side, own in sides.items() if side.way == "standard" for run in own}
    (trained,) = (own[0].recipe for side, own in sides.items() if side.way == "trained")
    assert trained.standard_epochs > 0
    assert trained.epochs + trained.standard_epochs == all_epochs


@pytest.mark.parametrize("task", ["cifar10", "cifar100"])
@every_size
def test_the_showcase_is_a_polynomial_of_its_input_and_has_as_many_parameters_as_its_rival(task, size):
    sides = experiments.showcase(size, task=task)
    ours, rival = sides["polynext"][0], sides["standard"][0]
    assert len({(run.task, run.recipe) for run in in_turn(sides)}) == 1
    assert parameters(rival) == pytest.approx(parameters(ours), rel=accuracy.TOLERANCE)
    assert parameters(ours) < 5.5e6
    if size != "paper":
        report = pnn.audit(ours.network.build(ours.task.form), torch.zeros(1, *ours.task.form.shape))
        assert report.polynomial
        assert report.degree == 4**5
        assert report.multiplicative_depth == 10


@pytest.mark.parametrize(
    ("make", "tasks"),
    [
        (experiments.neurons, "'cifar10', 'higgs'"),
        (experiments.relinear, "'higgs', 'cifar10'"),
        (experiments.showcase, "'cifar10', 'cifar100'"),
    ],
)
def test_a_mistyped_setting_says_what_is_allowed(make, tasks):
    with pytest.raises(pnn.RunError, match=f"task must be one of {tasks}, got 'boolq'"):
        make("smoke", task="boolq")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        make("smoke", seeds=-1)
    with pytest.raises(pnn.RunError, match="size must be one of"):
        make("huge")
