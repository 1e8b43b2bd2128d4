"""Reading weights: the arms differ in layer, weight decay and noise alone, and all are polynomials of degree 2."""

import dataclasses

import pytest
import torch

import pnn
from pnn.experiments import interactions
from pnn.experiments.interactions import ARMS, Arm


@pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
def test_the_arms_differ_in_layer_decay_and_noise_alone(size):
    arms = interactions.runs(size)
    assert tuple(arms) == ARMS
    seeds = {tuple(run.seed for run in own) for own in arms.values()}
    assert seeds == {tuple(range(2 if size == "smoke" else 5))}
    for arm, own in arms.items():
        for run in own:
            recipe = dataclasses.replace(run.recipe, weight_decay=0.5, noise=0.0)
            network = dataclasses.replace(run.network, neuron="bilinear")
            first = arms[Arm("bilinear", 0.5)][run.seed]
            assert dataclasses.replace(run, recipe=recipe, network=network) == first
            assert (run.network.neuron, run.recipe.weight_decay, run.recipe.noise) == arm
            assert run.recipe.methods == (pnn.WatchInteractions(),)


@pytest.mark.parametrize("neuron", ["bilinear", "polynomial"])
def test_every_network_is_a_polynomial_of_degree_2(neuron):
    (run,) = interactions.runs("smoke", seeds=1)[Arm(neuron, 0.0)]
    report = pnn.audit(run.network.build(run.task.form), torch.zeros(1, *run.task.form.shape))
    assert (report.polynomial, report.degree) == (True, 2)


def test_its_laptop_has_about_as_many_steps_as_its_source():
    def steps(size: str, rows: int) -> int:
        recipe = interactions.runs(size, seeds=1)[ARMS[0]][0].recipe
        return recipe.epochs * -(-rows // recipe.batch_size)

    assert steps("laptop", 12_000) == pytest.approx(steps("paper", 60_000), rel=0.05)


def test_numbers_of_a_page_are_taken_and_mistakes_named():
    arms = interactions.runs("laptop", seeds=1, epochs=2)
    assert {len(own) for own in arms.values()} == {1}
    assert {own[0].recipe.epochs for own in arms.values()} == {2}
    with pytest.raises(pnn.RunError, match="size must be one of 'smoke', 'laptop', 'paper', got 'huge'"):
        interactions.runs("huge")
    with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
        interactions.runs("smoke", seeds=-1)
