"""Learned activations: what the arms have in common, what they differ in, and what of it is the source's."""

import dataclasses

import pytest
from alike import stripped

import pnn
from pnn.experiments import discovery
from pnn.experiments.discovery import Arm
from pnn.training.optimiser import schedule

SIZES = ["smoke", "laptop", "paper"]
TASKS = ["mnist", "cifar10"]
ACTIVATIONS = {
    "relu": pnn.ReLU(),
    "swish": pnn.nn.swish.SwishChoice(),
    "apl": pnn.nn.apl.APLChoice(),
    "polyneuron": pnn.nn.polyneuron.PolyNeuronChoice(points=3, k=3),
    "polyneuron-r": pnn.nn.polyneuron.PolyNeuronRChoice(points=3, k=3),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("size", SIZES)
def test_the_arms_differ_in_activation_what_holds_it_and_rate_alone(task, size):
    arms = discovery.runs(size, task=task)
    assert list(arms) == [Arm(name, "", rate) for rate in ("best", "published") for name in ACTIVATIONS]
    same = stripped(arms)
    assert len(same) == 1
    assert same.pop().task.name == task
    for arm, own in arms.items():
        assert {run.network.activation for run in own} == {ACTIVATIONS[arm.activation]}
        if arm.rate == "published":
            assert {run.recipe.learning_rate for run in own} == {1e-3}


@pytest.mark.parametrize("task", TASKS)
def test_the_largest_setting_is_the_sources(task):
    (run, *_) = discovery.runs("paper", task=task)[Arm("polyneuron-r")]
    recipe = run.recipe
    assert (recipe.optimiser, recipe.batch_size, recipe.weight_decay) == ("adam", 128, 1e-4)
    assert (recipe.augment, recipe.learning_rate) == ("crop-flip", 1e-3)
    # LeNet-5: 30 epochs, the rate divided by ten after 20 and 25. ResNet-20: 500, after 250.
    drops = {"mnist": (30, [20, 25]), "cifar10": (500, [250])}[task]
    rates = [schedule(recipe, epoch) for epoch in range(recipe.epochs)]
    assert (recipe.epochs, [e for e in range(1, recipe.epochs) if rates[e] < rates[e - 1]]) == drops
    no_decay, constraints, watching = recipe.methods
    assert (no_decay.name, watching.name) == ("no-decay", "watch-activations")
    assert (constraints.lambda_prod, constraints.lambda_sum) == (0, 1e-2)


def test_the_largest_networks_are_lenet_5_and_resnet_20():
    for task, form, parameters in (
        ("mnist", pnn.Form((1, 28, 28), 10), 61_706),
        ("cifar10", pnn.Form((3, 32, 32), 10), 272_474),
    ):
        model = discovery.runs("paper", task=task)[Arm("relu")][0].network.build(form)
        assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize("size", SIZES)
def test_an_ablation_changes_one_thing(size):
    arms = discovery.ablations(size)
    for arm, (run, *_) in arms.items():
        base, *_ = arms[arm._replace(change="")]
        assert run.recipe.learning_rate == 1e-3
        of_shape = {f.name: getattr(run.network.activation, f.name) for f in dataclasses.fields(run.network.activation)}
        was = {name: getattr(base.network.activation, name) for name in of_shape}
        changed = {name: value for name, value in of_shape.items() if value != was[name]}
        if run.recipe.methods != base.recipe.methods:
            held = [method for method in run.recipe.methods if method.name == "spline-constraints"]
            changed["methods"] = [(method.lambda_prod, method.lambda_sum) for method in held]
        expected = {
            "": {},
            "k = 1": {"k": 1},
            "k = 2": {"k": 2},
            "k = 4": {"k": 4},
            "s = 5": {"points": 5},
            "s = 7": {"points": 7},
            "random start": {"start": "random"},
            "no penalty": {"methods": []},
            "penalty on sums x 10": {"methods": [(0, 0.1)]},
            "both penalties": {"methods": [(0.01, 0.01)]},
        }
        assert changed == expected[arm.change]
        rest = {dataclasses.replace(one.recipe, methods=()) for one in (run, base)}
        assert len(rest) == len({run.task, base.task}) == 1


def test_the_unchanged_arms_of_the_ablations_are_those_of_the_table():
    table, ablations = discovery.runs("laptop"), discovery.ablations("laptop")
    shared = table.keys() & ablations.keys()
    assert shared == {Arm("polyneuron", "", "published"), Arm("polyneuron-r", "", "published")}
    assert all(table[arm] == ablations[arm] for arm in shared)


def test_the_ids_are_those_that_were_trained():
    """They change if the meaning of a Run does; then its Records have to be trained again."""
    (run, *_) = discovery.runs("laptop")[Arm("polyneuron-r", rate="published")]
    assert run.id == "96523636885ab8cc"
    (run, *_) = discovery.runs("laptop", task="cifar10")[Arm("swish", rate="published")]
    assert run.id == "6c893ea69d769338"


@pytest.mark.parametrize("arm", [Arm("apl"), Arm("polyneuron-r", "k = 2", "published")], ids=str)
def test_a_training_keeps_its_activations(tmp_path, arm):
    arms = discovery.runs("smoke", seeds=1) | discovery.ablations("smoke", seeds=1)
    record = pnn.fit(arms[arm][0], folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "ok", record.message
    assert {len(values) for values in record.readings.values()} == {2}  # at the start and after the only epoch


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'mnist', 'cifar10', got 'svhn'"):
        discovery.runs("smoke", task="svhn")
    with pytest.raises(pnn.RunError, match="epochs must be a whole number"):
        discovery.ablations("smoke", epochs=-1)
