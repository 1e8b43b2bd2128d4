"""Which parameters an optimiser decays and at which rate, and the schedules."""

import dataclasses

import pytest
import torch

import pnn
from pnn.networks import Network
from pnn.training.optimiser import optimiser_of, schedule

ADAMW = pnn.Recipe(epochs=4, optimiser="adamw", weight_decay=0.05, learning_rate=0.01)


def run(network: Network, recipe: pnn.Recipe = ADAMW) -> pnn.Run:
    return pnn.Run(pnn.CIFAR10(), network, recipe, 0, "laptop")


def test_adamw_decays_maps_and_neither_biases_nor_norms_nor_scales():
    model = pnn.PolyNeXtModule(3, 10, 4, depth=1)
    optimiser = optimiser_of(model, run(pnn.PolyNeXt("bilinear", 4, activation=pnn.Identity(), depth=1)))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    decayed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    maps = ("near.weight", "far.weight", "mix.weight", "maps.weight", "back.weight")
    expected = {n for n in before if n.endswith(maps)} | {"0.weight", "3.weight", "7.weight", "12.weight"}
    assert decayed == expected
    for name in decayed:
        torch.testing.assert_close(dict(model.named_parameters())[name], before[name] * (1 - 0.01 * 0.05))


@pytest.mark.parametrize(
    ("kind", "shares"),
    [("constant", [1, 1, 1, 1]), ("steps", [1, 1, 0.1, 0.01]), ("cosine", [1, 0.8535534, 0.5, 0.1464466])],
)
def test_schedules_by_epoch(kind, shares):
    recipe = dataclasses.replace(ADAMW, schedule=kind)
    assert [schedule(recipe, epoch) for epoch in range(4)] == pytest.approx(shares)


@pytest.mark.parametrize(
    ("kind", "epochs", "cuts"),
    [("late-steps", 30, [20, 25]), ("half", 500, [250]), ("steps", 20, [10, 15]), ("late-steps", 4, [3, 4])],
)
def test_the_rate_is_divided_by_ten_after_the_published_epochs(kind, epochs, cuts):
    """Of 30 after 20 and 25 (LeNet-5), of 500 after 250; where a share is no whole number, at the next epoch."""
    recipe = dataclasses.replace(ADAMW, schedule=kind, epochs=epochs)
    rates = [schedule(recipe, epoch) for epoch in range(epochs)]
    assert rates == pytest.approx([0.1 ** sum(epoch >= cut for cut in cuts) for epoch in range(epochs)])
