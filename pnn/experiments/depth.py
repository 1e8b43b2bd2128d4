"""Quadratic networks of growing depth, with and without ReLinear."""

import dataclasses
from typing import NamedTuple

from ..run import Network, Recipe, Run, RunError, Task
from .common import Setting, baseline, check_numbers, runs_of, setting_of

RECIPE = Recipe(
    epochs=4,
    source="fan-2023",
    learning_rate=0.1,
    augment="none",
    schedule="steps",
    optimiser="sgd",
    weight_decay=1e-4,
)
HIGGS = dataclasses.replace(RECIPE, batch_size=256)
CIFAR10 = dataclasses.replace(RECIPE, augment="crop-flip")
# width is that of all networks: ReLinear is about how they are trained, not about what they cost
SETTINGS = {
    "higgs": {
        "smoke": Setting(
            Task("higgs", validation=80, rows="stand-in"), "mlp", 8, dataclasses.replace(HIGGS, epochs=1), 2, 2
        ),
        "laptop": Setting(Task("higgs", rows="subset"), "mlp", 32, HIGGS, 5, 5),
        "paper": Setting(Task("higgs"), "mlp", 200, HIGGS, 10, 10),
    },
    "cifar10": {
        "smoke": Setting(
            Task("cifar10", validation=200, rows="stand-in"), "resnet", 4, dataclasses.replace(CIFAR10, epochs=1), 2, 2
        ),
        "laptop": Setting(Task("cifar10"), "resnet", 4, dataclasses.replace(CIFAR10, epochs=2), 5, 5),
        "paper": Setting(Task("cifar10"), "resnet", 16, dataclasses.replace(CIFAR10, epochs=200), 5, 5),
    },
}
DEPTHS = {"higgs": (2, 4, 8, 16, 32), "cifar10": (8, 14, 20, 32)}
SWEPT = {"higgs": 8, "cifar10": 20}  # the depth at which strategies are compared
RATIO = 1e-4  # the source's, of 20 layers
RATIOS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
DECAY = 1e-2


class Side(NamedTuple):
    """One way to train at one depth."""

    # "standard"; "quadratic", without ReLinear; "relinear", smaller steps; "shrinking", weights; "trained", before, as
    # a standard network; "majority", the baseline
    way: str
    depth: int
    ratio: float = 1.0  # learning rate of the quadratic parts over that of the rest


def relinear(size: str, *, task: str = "higgs", seeds: int = 0, epochs: int = 0) -> dict[Side, list[Run]]:
    """Quadratic networks by the recipe of :cite:t:`fan2023`: multilayer perceptrons on HIGGS, residual on CIFAR-10.

    At each depth the standard network, the quadratic one as torch initialises it, and with ReLinear at the source's
    ratio of learning rates. At one depth also other ratios, ReLinear by shrinking weights, and a start from a standard
    network that was trained for half the epochs, with the other half left to train.

    Args:
        size: as for :func:`pnn.experiments.cifar10`.
        task: ``"higgs"`` or ``"cifar10"``.
        seeds: seeds of every side; 0 is the size's own number.
        epochs: passes over the training rows; 0 is the size's own number.

    Returns:
        The Runs by side: way, depth, ratio of the learning rates.
    """
    if task not in SETTINGS:
        raise RunError(f"task must be one of {', '.join(map(repr, SETTINGS))}, got {task!r}")
    check_numbers(seeds=seeds, epochs=epochs)
    setting = setting_of(SETTINGS[task], size)
    recipe = dataclasses.replace(setting.recipe, epochs=epochs or setting.recipe.epochs)
    depths = DEPTHS[task][: 2 if size == "smoke" else None]
    swept = depths[-1] if size == "smoke" else SWEPT[task]

    def held_back(ratio: float, **more: float) -> Recipe:
        return dataclasses.replace(recipe, quadratic_rate=ratio, **more)

    ways = {}
    for depth in depths:
        ways[Side("standard", depth)] = "standard", "torch", recipe
        ways[Side("quadratic", depth)] = "quadratic", "torch", recipe
        ways[Side("relinear", depth, RATIO)] = "quadratic", "relinear", held_back(RATIO)
    for ratio in RATIOS:
        ways[Side("relinear", swept, ratio)] = "quadratic", "relinear", held_back(ratio)
    ways[Side("shrinking", swept)] = "quadratic", "relinear", held_back(1.0, quadratic_decay=DECAY)
    if recipe.epochs > 1:
        half = recipe.epochs // 2
        split = {"epochs": recipe.epochs - half, "standard_epochs": half}
        ways[Side("trained", swept, RATIO)] = "quadratic", "relinear", held_back(RATIO, **split)
    sides = {
        side: runs_of(
            setting.task,
            Network(setting.network, neuron, setting.width, depth=side.depth, start=start),
            own,
            seeds or setting.seeds,
            size,
        )
        for side, (neuron, start, own) in ways.items()
    }
    return sides | {Side("majority", 0): baseline(setting.task, "majority", size, 1)}
