"""The optimiser of a recipe: its groups of parameters, and their learning rate by epoch."""

import math
from typing import Any

import torch
from torch import nn

from ..runs.run import Recipe, Run
from ..system.choice import RunError

# This is what torch's optimisers keep for each parameter.
STATE = {
    "adam": {"step", "exp_avg", "exp_avg_sq"},
    "adamw": {"step", "exp_avg", "exp_avg_sq"},
    "sgd": {"momentum_buffer"},
}


def schedule(recipe: Recipe, epoch: int) -> float:
    """The share of the learning rate in an epoch (from 0); a cosine goes from 1 towards 0, which it never reaches."""
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule == "steps":
        return 0.1 ** ((2 * epoch >= recipe.epochs) + (4 * epoch >= 3 * recipe.epochs))
    return (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2


def optimiser_of(model: nn.Module, run: Run) -> torch.optim.Optimizer:
    """The optimiser of a Run over all parameters of its network."""
    recipe, groups = run.recipe, _groups(model, run)
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay)
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, recipe.learning_rate, weight_decay=recipe.weight_decay)


def _groups(model: nn.Module, run: Run) -> list[dict[str, Any]]:
    """A method's own groups; else all parameters, with an embedding and what AdamW does not decay apart."""
    recipe = run.recipe
    of_methods = {m.name: groups for m in recipe.methods if (groups := m.groups(model, recipe)) is not None}
    if len(of_methods) > 1:
        raise RunError(f"only one method can group the parameters, not both of {' and '.join(of_methods)}")
    if of_methods:
        return next(iter(of_methods.values()))
    rate = recipe.embedding_learning_rate
    own = [m.weight for m in model.modules() if rate and isinstance(m, nn.Embedding)]
    others = [p for p in model.parameters() if all(p is not q for q in own)]
    groups = [{"params": others}, *([{"params": own, "lr": rate}] if own else [])]
    if recipe.optimiser == "adamw":  # Biases, BatchNorm's numbers and scales are not decayed.
        groups[0] = {"params": [p for p in others if p.numel() > max(p.shape)]}
        groups.append({"params": [p for p in others if p.numel() <= max(p.shape)], "weight_decay": 0.0})
    return groups
