"""The activation-free network: a polynomial of its input, what holds it, and rivals of as many parameters."""

import pytest
import torch

import pnn
from pnn.experiments import activation_free, common
from pnn.studies.study import in_turn

every_size = pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
every_task = pytest.mark.parametrize("task", ["cifar10", "cifar100"])


def parameters(run: pnn.Run) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in run.network.build(run.task.form).parameters())


@every_task
@every_size
def test_it_is_a_polynomial_of_its_input_and_has_as_many_parameters_as_its_rivals(task, size):
    arms = {arm: own[0] for arm, own in activation_free.runs(size, task=task).items()}
    assert len({run.task for run in arms.values()}) == 1
    ours = parameters(arms["polynext"])
    for run in arms.values():
        assert parameters(run) == pytest.approx(ours, rel=activation_free.TOLERANCE)
    assert parameters(arms["polynext-relu"]) == parameters(arms["polynext-sum"]) == ours < 5.5e6
    if size != "paper":
        found = {
            arm: pnn.audit(run.network.build(run.task.form), torch.zeros(1, *run.task.form.shape))
            for arm, run in arms.items()
        }
        assert found["polynext"].degree == 4**5
        assert found["polynext"].multiplicative_depth == 10
        assert found["polynext-sum"].degree == 1
        assert not found["polynext-relu"].polynomial


@every_task
@every_size
def test_the_rivals_width_that_is_kept_is_the_one_that_matches(task, size):
    setting, (layers, width) = activation_free.SETTINGS[task][size], activation_free.RIVALS[size]
    like = pnn.ResNet("standard", 1, depth=layers)
    assert common.matching_width(setting.task, setting.network, like, "parameters", activation_free.TOLERANCE) == width


@every_size
def test_the_arms_differ_in_what_their_names_say(size):
    arms = activation_free.runs(size)
    names = {
        arm: [(method.name, getattr(method, "of", "")) for method in own[0].recipe.methods] for arm, own in arms.items()
    }
    penalty, plain = ("boundary-loss", "products"), ("plain-statistics", "")
    assert names == {
        "standard": [],
        "standard-statistics": [plain],
        "polynext": [penalty, plain],
        "polynext-light": [penalty, plain],
        "polynext-factors": [("boundary-loss", "factors"), plain],
        "polynext-penalty": [penalty],
        "polynext-statistics": [plain],
        "polynext-unheld": [],
        "polynext-free": [],
        "polynext-relu": [penalty, plain],
        "polynext-sum": [penalty, plain],
    }
    strength = {
        arm: [method.strength for method in own[0].recipe.methods if method.name == "boundary-loss"]
        for arm, own in arms.items()
    }
    assert strength["polynext"] == strength["polynext-penalty"] == [10.0]
    assert strength["polynext-light"] == strength["polynext-relu"] == strength["polynext-sum"] == [1.0]
    rates = {arm: own[0].recipe.learning_rate for arm, own in arms.items()}
    alike = activation_free.REMEDIES
    assert len({rates[arm] for arm in alike}) == 1
    assert rates["standard"] == rates["standard-statistics"]
    changed = {arm: (own[0].network.activation.name, getattr(own[0].network, "merge", "")) for arm, own in arms.items()}
    assert changed["polynext-relu"] == ("relu", "product")
    assert changed["polynext-sum"] == ("identity", "sum")
    assert {changed[arm] for arm in (*alike, "polynext-free")} == {("identity", "product")}
    if size == "laptop":
        assert {len(arms[arm]) for arm in activation_free.MAIN} == {10}


def test_what_is_tuned_is_every_arm_with_a_rate_of_its_own():
    tried = activation_free.tuning_runs("laptop")
    assert {one.arm for one in tried} == set(activation_free.TUNED) == activation_free.RATES["laptop"].keys()
    assert {one.value for one in tried} == set(activation_free.RATES_TRIED)
    assert {run.seed for run in in_turn(tried)} == {1000}


@pytest.mark.parametrize("arm", ["standard-statistics", "polynext", "polynext-relu", "polynext-sum"])
def test_the_arms_train_in_the_smallest_size(tmp_path, arm):
    record = pnn.fit(activation_free.runs("smoke")[arm][0], folder=tmp_path, device="cpu", progress=False)
    assert record.outcome == "ok", record.message
    assert ("penalty" in record.curves) == (arm != "standard-statistics")


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'cifar10', 'cifar100', got 'boolq'"):
        activation_free.runs("smoke", task="boolq")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        activation_free.runs("smoke", seeds=-1)
