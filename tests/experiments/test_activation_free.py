"""The showcase: a polynomial of its input, and a rival of as many parameters."""

import pytest
import torch

import pnn
from pnn.experiments import common, showcase
from pnn.studies.study import in_turn

every_size = pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])


def parameters(run: pnn.Run) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in run.network.build(run.task.form).parameters())


@pytest.mark.parametrize("task", ["cifar10", "cifar100"])
@every_size
def test_the_showcase_is_a_polynomial_of_its_input_and_has_as_many_parameters_as_its_rival(task, size):
    arms = showcase.runs(size, task=task)
    ours, rival = arms["polynext"][0], arms["standard"][0]
    assert len({(run.task, run.recipe) for run in in_turn(arms)}) == 1
    assert parameters(rival) == pytest.approx(parameters(ours), rel=showcase.TOLERANCE)
    assert parameters(ours) < 5.5e6
    if size != "paper":
        report = pnn.audit(ours.network.build(ours.task.form), torch.zeros(1, *ours.task.form.shape))
        assert report.polynomial
        assert report.degree == 4**5
        assert report.multiplicative_depth == 10


@pytest.mark.parametrize("task", ["cifar10", "cifar100"])
@every_size
def test_the_rivals_width_that_is_kept_is_the_one_that_matches(task, size):
    setting, (layers, width) = showcase.SETTINGS[task][size], showcase.RIVALS[task][size]
    like = pnn.ResNet("standard", 1, depth=layers)
    assert common.matching_width(setting.task, setting.network, like, "parameters", showcase.TOLERANCE) == width


def test_a_mistyped_setting_says_what_is_allowed():
    with pytest.raises(pnn.RunError, match="task must be one of 'cifar10', 'cifar100', got 'boolq'"):
        showcase.runs("smoke", task="boolq")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        showcase.runs("smoke", seeds=-1)
