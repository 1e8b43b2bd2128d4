"""What is decayed and what not, in the groups and after a step."""

from typing import get_args

import pytest
import torch
from torch import nn

import pnn
from pnn.nn import activation
from pnn.training.optimiser import optimiser_of


def run_of(activation, *methods, **recipe) -> pnn.Run:
    recipe = pnn.Recipe(1, batch_size=64, augment="none", methods=methods, **({"weight_decay": 0.1} | recipe))
    return pnn.Run(pnn.Digits(), pnn.CNN("standard", 2, activation), recipe, 0, "smoke")


def decayed(run: pnn.Run) -> set[str]:
    """The names of the parameters that weight decay shrinks; each must be in one group."""
    model = run.network.build(run.task.form)
    names = {p: name for name, p in model.named_parameters()}
    groups = optimiser_of(model, run).param_groups
    assert sorted(names[p] for group in groups for p in group["params"]) == sorted(names.values())
    return {names[p] for group in groups if group["weight_decay"] for p in group["params"]}


# Every activation that a network may have, one a channel where it can: what is added to the union is tried as well.
CHOICES = [
    pnn.Polynomial(3, 2.0, per_channel=True) if kind is pnn.Polynomial else kind()
    for kind in get_args(activation.Activation)
]
LEARNED = [choice for choice in CHOICES if list(choice.build(4).parameters())]


def test_what_is_learned_is_more_than_a_few_of_the_choices():
    assert {choice.name for choice in LEARNED} >= {"polynomial", "hermite", "tpgu", "polyneuron", "swish", "rational"}


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("choice", LEARNED, ids=lambda choice: choice.name)
def test_activations_alone_are_left_out(choice, optimiser):
    before, after = (decayed(run_of(choice, *own, optimiser=optimiser)) for own in ((), (pnn.NoDecay(),)))
    model, kind = run_of(choice).network.build(pnn.Digits().form), type(choice.build(4))
    own = {
        f"{name}.{parameter}"
        for name, module in model.named_modules()
        if isinstance(module, kind)
        for parameter, _ in module.named_parameters()
    }
    assert own
    assert after == before - own


def test_adamw_alone_decays_a_tpgu_as_its_source_does():
    """All coefficients, and not b."""
    found = {name.rpartition(".")[2] for name in decayed(run_of(pnn.TPGUChoice(2), optimiser="adamw"))}
    assert found == {"weight", "a"}


def test_prelu_counts_too():
    model = nn.Sequential(nn.Linear(3, 3), nn.PReLU(3))
    groups = pnn.NoDecay().groups(model, pnn.Recipe(1, weight_decay=0.1, optimiser="sgd"))
    assert [len(group["params"]) for group in groups] == [2, 1]
    assert groups[1]["weight_decay"] == 0


def test_a_decayed_parameter_shrinks_without_a_gradient_and_the_other_does_not():
    for methods, shrinks in (((), True), ((pnn.NoDecay(),), False)):
        run = run_of(pnn.TPGUChoice(), *methods, optimiser="sgd", learning_rate=0.1)
        model = run.network.build(run.task.form)
        optimiser = optimiser_of(model, run)
        tpgu = next(m for m in model if isinstance(m, pnn.TPGU))
        for p in model.parameters():
            p.grad = torch.zeros_like(p)
        optimiser.step()
        assert (tpgu.a[0] < 1).all() == shrinks


def test_a_recipe_without_decay_is_refused():
    with pytest.raises(pnn.RunError, match="weight_decay above 0, got 0"):
        run_of(pnn.TPGUChoice(), pnn.NoDecay(), weight_decay=0.0)
