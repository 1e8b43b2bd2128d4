"""The optimiser of a recipe: its groups of parameters, and their learning rate by epoch."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from ..methods.method import groups_of_recipe
from ..runs.run import Recipe, Run
from ..system.choice import RunError

# This is what torch's optimisers keep for each parameter.
STATE = {
    "adam": {"step", "exp_avg", "exp_avg_sq"},
    "adamw": {"step", "exp_avg", "exp_avg_sq"},
    "sgd": {"momentum_buffer"},
}


# The rate is divided by ten after these shares of the epochs.
STEPS = {
    "steps": (Fraction(1, 2), Fraction(3, 4)),
    "late-steps": (Fraction(2, 3), Fraction(5, 6)),
    "half": (Fraction(1, 2),),
}
# The plateau: a tenth after more than so many epochs without a loss that is lower than the lowest by so large a share.
PLATEAU_PATIENCE, PLATEAU_THRESHOLD = 5, 0.1


def schedule(recipe: Recipe, epoch: int, watched: Sequence[float] = ()) -> float:
    """The share of the learning rate in an epoch (from 0); a cosine goes from 1 towards 0, which it never reaches.

    Args:
        recipe: what names the schedule.
        epoch: counted from 0.
        watched: the validation losses of the epochs before, what methods add to the loss included; for a plateau.
    """
    if recipe.schedule == "plateau":
        return plateau(watched[:epoch])
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule in STEPS:
        return 0.1 ** sum(epoch >= share * recipe.epochs for share in STEPS[recipe.schedule])
    return (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2


def plateau(losses: Sequence[float]) -> float:
    """The share of the learning rate after some epochs: that of torch's ReduceLROnPlateau with the numbers above.

    It follows from the losses alone, so that a continued training has it without a state of its own.
    """
    share, best, bad = 1.0, math.inf, 0
    for loss in losses:
        if loss < best * (1 - PLATEAU_THRESHOLD):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > PLATEAU_PATIENCE:
            share, bad = share * 0.1, 0
    return share


def optimiser_of(model: nn.Module, run: Run) -> torch.optim.Optimizer:
    """The optimiser of a Run over all parameters of its network."""
    recipe, groups = run.recipe, _groups(model, run)
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay)
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, recipe.learning_rate, weight_decay=recipe.weight_decay)


def _groups(model: nn.Module, run: Run) -> list[dict[str, Any]]:
    """A method's own groups, else the recipe's."""
    recipe = run.recipe
    of_methods = {m.name: groups for m in recipe.methods if (groups := m.groups(model, recipe)) is not None}
    if len(of_methods) > 1:
        raise RunError(f"only one method can group the parameters, not both of {' and '.join(of_methods)}")
    if of_methods:
        return next(iter(of_methods.values()))
    return groups_of_recipe(model, recipe)
