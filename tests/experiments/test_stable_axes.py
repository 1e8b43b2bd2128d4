"""Depth, and the strength of the boundary loss: one thing is changed at a time."""

import dataclasses

import pytest

import pnn
from pnn.experiments import stable_axes


@pytest.mark.parametrize("size", ["smoke", "laptop", "paper"])
def test_the_arms_of_a_depth_differ_in_it_alone(size):
    arms = stable_axes.depths(size)
    assert {deep.depth for deep in arms} == set(stable_axes.DEPTHS[size])
    first = {}
    for deep, (run, *_) in arms.items():
        assert run.network.depth == deep.depth
        alike = dataclasses.replace(run, network=dataclasses.replace(run.network, depth=stable_axes.DEPTHS[size][0]))
        assert first.setdefault(deep.arm, alike) == alike


def test_every_strength_stands_at_every_limit():
    arms = stable_axes.strengths("laptop")
    assert len(arms) == 3 * 2
    for held, own in arms.items():
        assert len(own) == 5
        for run in own:
            assert run.recipe.methods == (pnn.BoundaryLoss(4.0 * held.ratio, held.strength),)
            assert (run.network.activation.degree, run.network.activation.bound) == (22, 4.0)


def test_numbers_that_are_none_are_refused():
    for runs in (stable_axes.depths, stable_axes.strengths):
        with pytest.raises(pnn.RunError, match="seeds must be a whole number"):
            runs("smoke", seeds=-1)
        with pytest.raises(pnn.RunError, match="size must be one of"):
            runs("large")
